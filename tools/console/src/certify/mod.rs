//! Certification: tries every service of a phone and reports where it contradicts its maker's profile.

mod asker;
mod calls;
mod certification;
mod command;
mod device_under_test;
mod features;
mod report;
mod unfinished;

pub use asker::{Asker, Later};
pub use certification::{Certification, Listed, Reason, Wanted};
pub use command::Certify;
pub use report::{Report, Row};
