//! The registrar: bindings, the phone list, the actors of phones, and the directory of lines.
//!
//! `Registrar` interprets what its parts decide: `records`, `persistence`, `clients`, `line_status`, `batches`, and, below
//! it, `registration`(crate::registration) and `directory`(crate::directory).

mod actor;
mod addrs;
mod batches;
mod client_list;
mod clients;
mod hinted;
mod line_details;
mod line_status;
mod messages;
mod operator_changes;
mod persistence;
mod queries;
mod reasons;
mod records;
mod registration;
mod waiter;
mod writes;

pub use actor::Registrar;
pub use addrs::RegistrarAddrs;
pub use client_list::*;
pub use messages::*;
