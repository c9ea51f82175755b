//! Who acts, and when.
//!
//! ```text
//!                 Registrar ── starts, finds, restarts and buries ──► Phone ──► Monitor (one a watched line)
//!                     ▲                                                ▲  ▲         │
//!   REGISTER (new)    │                       requests to the phone    │  │ events  │ events
//!        Link (phone) ┴── refreshes, answers, events ──────────────────┘  │         ▼
//!        Link (client) ── requests ──► Client ────────────────────────────┘   Link (client)
//! ```
//!
//! Requests go up (client, monitor → phone → registrar → licensing), notifications go down; no actor waits for one that
//! may wait for it. A [`sip::link::Link`] carries one connection and belongs to nobody: its [`sip::desk::Desk`] decides
//! who gets what arrives on it.

use std::sync::Arc;

use actix::Addr;
use bytes::Bytes;
use settings::{Profiles, Settings};
use uacsta_schema::{
    csta::{self, RequestSystemStatus},
    sip::nonce::NonceKey,
};

pub mod access;
pub mod client;
pub mod clock;
pub mod directory;
pub mod licensing;
pub mod monitor;
pub mod phone;
pub mod refusal;
pub mod registrar;
pub mod registration;
pub mod sip;
pub mod telephones;

/// What every actor of one server shares and none changes.
pub struct House {
    /// What the operator set.
    pub settings: Arc<Settings>,
    /// What is known of the makers' phones.
    pub profiles: Profiles,
    /// What time it is.
    pub clock: Arc<dyn clock::Clock>,
    /// Makes and checks the nonces of our challenges.
    pub nonces: NonceKey,
    /// What we call ourselves in SIP.
    pub agent: Arc<str>,
    /// Who knows the phones.
    pub registrar: Addr<registrar::Registrar>,
    /// Who counts phones and monitored lines.
    pub licensing: Addr<licensing::Licensing>,
}

/// The request that opens a session and keeps it alive (TR/87 7.1).
pub(crate) fn request_system_status(edition: csta::Edition) -> Bytes {
    csta::write(&RequestSystemStatus::default().into(), &edition.into())
}
