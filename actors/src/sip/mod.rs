//! SIP as actors see it: pure transactions, dialogs and session timers, and the link that carries them out.

pub mod datagrams;
pub mod desk;
pub mod dialog;
pub mod link;
pub mod reply;
pub mod session;
pub mod timer;
mod trace;
pub mod transaction;
mod turnstile;
pub mod wire;
