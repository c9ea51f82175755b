//! The SIP layer: pure transactions, dialogs and session timers, and the connection actor that drives them.

#[cfg(feature = "actors")]
pub(crate) mod body;
#[cfg(feature = "actors")]
pub mod connection;
pub mod dialog;
#[cfg(feature = "actors")]
pub mod incident;
#[cfg(feature = "actors")]
pub mod refusals;
#[cfg(feature = "actors")]
pub mod responder;
#[cfg(feature = "actors")]
pub(crate) mod secrets;
#[cfg(feature = "actors")]
pub mod session;
pub mod session_timer;
mod slots;
pub mod transaction;
#[cfg(feature = "actors")]
pub mod transport;
#[cfg(feature = "actors")]
pub mod uas;
