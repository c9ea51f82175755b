//! The addresses of the registrar: its own, and those that connections and phones reach it by.

use std::sync::Arc;

use super::actor::Registrar;
use crate::{
    licensing::Licensing, phone::PhoneUpstream, registration::RegistrarRecipients,
    supervision::RestartableAddr,
};

/// How the registrar is reached.
#[derive(Clone)]
pub struct RegistrarAddrs {
    /// By whoever knows it.
    pub registrar: RestartableAddr<Registrar>,
    /// By the connections of phones.
    pub connections: Arc<RegistrarRecipients>,
    /// By phones, with licensing.
    pub phones: Arc<PhoneUpstream>,
}

impl RegistrarAddrs {
    /// For a registrar that runs, or will run, at this address.
    pub fn new(
        registrar: RestartableAddr<Registrar>,
        licensing: RestartableAddr<Licensing>,
    ) -> Self {
        Self {
            connections: Arc::new(RegistrarRecipients {
                register: registrar.recipient(),
                binding_ended: registrar.recipient(),
                forward_orphan: registrar.recipient(),
                contact_failed: registrar.recipient(),
            }),
            phones: Arc::new(PhoneUpstream {
                licensing,
                availability: registrar.recipient(),
                lines: registrar.recipient(),
                moved: registrar.recipient(),
                restarted: registrar.recipient(),
            }),
            registrar,
        }
    }
}
