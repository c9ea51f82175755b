//! How far a simulated phone has come: connected, registered, under control.

use std::{sync::Arc, time::Instant};

use uacsta_schema::csta::DeviceId;

use super::Handset;
use crate::pbx::LineId;

/// How far a phone has come with its server. Each stage includes the earlier ones.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub enum Stage {
    /// Not connected.
    #[default]
    Away,
    /// The server has accepted its REGISTER.
    Registered,
    /// The server has opened a CSTA session.
    Open,
    /// The server has its list of lines and can control it.
    Listed,
}

/// The stage of a phone, its lines, and its last error.
#[derive(Clone, Debug, Default)]
pub(crate) struct Status {
    pub(crate) stage: Stage,
    pub(crate) lines: Vec<(LineId, DeviceId)>,
    /// When it failed last, and why, as long as it is not registered.
    pub(crate) trouble: Option<(Instant, Arc<str>)>,
}

impl Handset {
    pub(super) fn set_stage(&self, stage: Stage) {
        self.status.send_modify(|status| {
            status.stage = stage;
            if stage >= Stage::Registered {
                status.trouble = None;
            }
        });
    }

    pub(super) fn trouble(&self, reason: &str) {
        self.status
            .send_modify(|status| status.trouble = Some((Instant::now(), reason.into())));
    }
}
