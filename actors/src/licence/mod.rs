//! Licences: their codes, and how many phones and lines they allow.

pub mod allowance;
pub mod code;

pub use allowance::{Allowance, PermitKind};
