//! The actors of a server, and the SIP layer below them.
//!
//! ```text
//!                 Registrar ── starts, finds and removes ─────────► Phone ──► Monitor (one for each line)
//!                     ▲                                                ▲  ▲         │
//!   REGISTER (new)    │                       requests to the phone    │  │ events  │ events
//!        SipConnection (phone) ┴── refreshes, answers, events ──────────────────┘  │         ▼
//!        SipConnection (client) ── requests ──► Client ────────────────────────────┘   SipConnection (client)
//! ```
//!
//! Requests go up (client → phone → registrar → licensing), notifications go down; no actor waits for one that
//! may wait for it. A [`sip::connection::SipConnection`] carries one connection and belongs to nobody: its [`sip::uas::Uas`] decides
//! who gets what arrives on it.
//!
//! Without the feature `actors`, the crate is the pure part of [`sip`] alone: transactions, dialogs and session timers.

#[cfg(feature = "actors")]
pub mod account;
#[cfg(feature = "actors")]
pub mod alarm;
#[cfg(feature = "actors")]
pub mod auth;
#[cfg(feature = "actors")]
mod back_off;
#[cfg(feature = "actors")]
pub mod client;
#[cfg(feature = "actors")]
pub mod clock;
#[cfg(feature = "actors")]
mod context;
#[cfg(feature = "actors")]
pub mod counters;
#[cfg(feature = "actors")]
pub mod directory;
#[cfg(feature = "actors")]
pub mod histogram;
#[cfg(feature = "actors")]
pub mod ladder;
#[cfg(feature = "actors")]
pub mod licence;
#[cfg(feature = "actors")]
pub mod licensing;
#[cfg(feature = "actors")]
pub mod log_limit;
#[cfg(feature = "actors")]
pub mod monitor;
#[cfg(feature = "actors")]
pub mod numbers;
#[cfg(feature = "actors")]
pub mod phone;
#[cfg(feature = "actors")]
pub mod phone_list;
#[cfg(feature = "actors")]
pub mod reason;
#[cfg(feature = "actors")]
pub mod refusal;
#[cfg(feature = "actors")]
pub mod registrar;
#[cfg(feature = "actors")]
pub mod registration;
#[cfg(feature = "actors")]
pub mod service;
pub mod sip;
#[cfg(feature = "actors")]
pub mod supervision;
#[cfg(feature = "actors")]
pub mod truncated;

#[cfg(feature = "actors")]
pub use context::{ConfigChanged, RuntimeConfig, ServerContext};
