//! The messages of the protocols: CSTA (ECMA-269/323) and SIP (RFC 3261) as types, without time, I/O or actors.

mod controls;
pub mod csta;
pub mod mac;
pub mod phone_id;
pub mod sip;

pub use controls::{escape_controls, is_control};
