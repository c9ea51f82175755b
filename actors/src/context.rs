//! The handles and the configuration that the actors of a server share.

use std::{net::SocketAddr, sync::Arc};

use arc_swap::{ArcSwap, Guard};
use bytes::Bytes;
use uacsta_config::{Profiles, Settings};
use uacsta_schema::{
    csta::{self, Document, ReadError},
    sip::{HeaderName, Status, nonce::NonceKey},
};

use crate::{
    auth::{self, Denial, RETRY_AFTER},
    clock,
    counters::{self, Counter},
    licensing, log_limit, registrar,
    sip::{incident::Incident, responder::FinalResponse},
    supervision,
};

/// The shared handles of one server.
pub struct ServerContext {
    /// The configuration, which a reload replaces.
    pub config: ArcSwap<RuntimeConfig>,
    /// The server's clock.
    pub clock: Arc<dyn clock::Clock>,
    /// Makes and checks the nonces of our challenges.
    pub nonces: NonceKey,
    /// Limits failed log-ons.
    pub log_on_limiter: auth::LogOnLimiter,
    /// Limits log lines about one peer.
    pub log_limit: log_limit::LogLimit,
    /// The counters of the metrics.
    pub counters: Arc<counters::Counters>,
    /// The value of Server and User-Agent in SIP.
    pub agent: Arc<str>,
    /// The registrar.
    pub registrar: supervision::RestartableAddr<registrar::Registrar>,
    /// Licensing.
    pub licensing: supervision::RestartableAddr<licensing::Licensing>,
}

/// The configuration: a reload replaces it whole, so that no actor sees half of a change.
#[derive(Debug)]
pub struct RuntimeConfig {
    /// The settings, with all passwords read from their files.
    pub settings: Settings,
    /// The profiles of the makers' phones.
    pub profiles: Profiles,
    /// How many phones and lines are licensed.
    pub allowance: licensing::Allowance,
}

/// The settings have changed: the receiver reads [`ServerContext::config`] again.
#[derive(Clone, Copy, Debug, actix::Message)]
#[rtype(result = "()")]
pub struct ConfigChanged;

impl ServerContext {
    /// The present configuration. Read it when it is needed, and keep no copy, which a reload would make stale.
    pub fn config(&self) -> Guard<Arc<RuntimeConfig>> {
        self.config.load()
    }

    /// Reads a CSTA document within the configured limits, and counts one that exceeds them.
    pub(crate) fn read(&self, document: Bytes) -> Result<Document, ReadError> {
        let config = self.config();
        let limits = csta::DocumentLimits {
            depth: config.settings.limits.xml_depth,
            attributes: config.settings.limits.xml_attributes,
        };
        Document::read_within(document, limits).inspect_err(|error| match error {
            ReadError::TooDeep(_) => self.counters.count(Counter::TooDeep),
            ReadError::TooManyAttributes(_) => self.counters.count(Counter::TooManyAttributes),
            _ => {}
        })
    }

    /// The response to a request that is denied.
    pub(crate) fn denied(&self, denial: &Denial) -> FinalResponse {
        match denial {
            Denial::Challenged { challenge, .. } => challenge
                .challenges(&self.config().settings.advanced)
                .fold(FinalResponse::from(Status::UNAUTHORIZED), |response, it| {
                    response.header(HeaderName::WwwAuthenticate, it)
                }),
            Denial::RateLimited => FinalResponse::from(Status::SERVICE_UNAVAILABLE)
                .header(HeaderName::RetryAfter, RETRY_AFTER)
                .because("too many log-ons failed"),
        }
    }

    /// Counts an incident of a connection, and returns as [`Self::may_log`].
    pub(crate) fn incident(
        &self,
        peer: SocketAddr,
        authenticated: bool,
        incident: Incident<'_>,
    ) -> Option<u32> {
        self.counters.count(incident.into());
        self.may_log(peer, authenticated, incident.text())
    }

    /// Whether to log a peer's error, and how often it occurred since the last line. Errors of unauthenticated peers are logged once a
    /// minute, so that they cannot flood the log.
    pub fn may_log(&self, peer: SocketAddr, has_logged_on: bool, what: &str) -> Option<u32> {
        if has_logged_on {
            return Some(1);
        }
        self.log_limit.admit(peer.ip(), what, self.clock.now())
    }
}
