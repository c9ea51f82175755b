//! SIP as actors see it: pure transactions, dialogs and session timers, and the link that carries them out.

pub mod connection;
pub mod datagrams;
pub mod dialog;
pub mod responder;
pub mod session;
pub mod timer;
mod trace;
pub mod transaction;
mod turnstile;
pub mod uas;
pub mod wire;
