//! The SIP layer: pure transactions, dialogs and session timers, and the connection actor that drives them.

pub mod connection;
pub mod dialog;
pub mod incident;
pub mod refusals;
pub mod responder;
pub mod session;
pub mod session_timer;
mod slots;
pub mod transaction;
pub mod transport;
pub mod uas;
