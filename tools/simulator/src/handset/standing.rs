//! How a simulated phone stands with its server, for whoever holds it.

use std::sync::Arc;

use uacsta_schema::csta::DeviceId;

use super::Handset;
use crate::exchange::LineId;

/// How far a phone has got with its server; each standing includes those before it.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub enum Standing {
    /// Not connected.
    #[default]
    Away,
    /// Its REGISTER was accepted.
    Registered,
    /// The server has opened a CSTA session.
    Open,
    /// It has told the server its lines, and can be controlled.
    Listed,
}

/// How a phone stands with its server, and why it stands no better.
#[derive(Clone, Debug, Default)]
pub(crate) struct Status {
    pub(crate) standing: Standing,
    /// Its lines, as they are now.
    pub(crate) lines: Vec<(LineId, DeviceId)>,
    /// What keeps the phone away, if something does.
    pub(crate) trouble: Option<Arc<str>>,
}

impl Handset {
    pub(super) fn stand(&self, standing: Standing) {
        self.status.send_modify(|status| {
            status.standing = standing;
            if standing >= Standing::Registered {
                status.trouble = None;
            }
        });
    }

    pub(super) fn trouble(&self, reason: &str) {
        self.status
            .send_modify(|status| status.trouble = Some(reason.into()));
    }
}
