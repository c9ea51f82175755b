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

/// What every actor of one server shares and none changes but by a message to all.
pub struct ServerContext {
    /// What the operator set, exchanged while the server runs.
    pub config: ArcSwap<RuntimeConfig>,
    /// What time it is.
    pub clock: Arc<dyn clock::Clock>,
    /// Makes and checks the nonces of our challenges.
    pub nonces: NonceKey,
    /// Slows down who guesses passwords.
    pub log_on_limiter: auth::LogOnLimiter,
    /// What the log said lately of peers who did something wrong.
    pub log_limit: log_limit::LogLimit,
    /// What is counted for those who watch.
    pub counters: Arc<counters::Counters>,
    /// What we call ourselves in SIP.
    pub agent: Arc<str>,
    /// Who knows the phones.
    pub registrar: supervision::RestartableAddr<registrar::Registrar>,
    /// Who counts phones and monitored lines.
    pub licensing: supervision::RestartableAddr<licensing::Licensing>,
}

/// What the operator may change while the server runs: exchanged whole, so that nobody sees half of a change.
#[derive(Debug)]
pub struct RuntimeConfig {
    /// The settings, with every password filled in.
    pub settings: Settings,
    /// What is known of the makers' phones.
    pub profiles: Profiles,
    /// How many phones and lines may be in use.
    pub allowance: licensing::Allowance,
}

/// The settings have changed: the receiver reads [`ServerContext::config`] again.
#[derive(Clone, Copy, Debug, actix::Message)]
#[rtype(result = "()")]
pub struct ConfigChanged;

impl ServerContext {
    /// The rules as they are now. Whoever reads them does so when it needs them, and keeps none.
    pub fn config(&self) -> Guard<Arc<RuntimeConfig>> {
        self.config.load()
    }

    /// Reads a CSTA document within the limits that are set. One that passes them is counted.
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

    /// Counts an incident of a connection; the rest is as for [`Self::may_log`].
    pub(crate) fn incident(
        &self,
        peer: SocketAddr,
        authenticated: bool,
        incident: Incident<'_>,
    ) -> Option<u32> {
        self.counters.count(incident.into());
        self.may_log(peer, authenticated, incident.text())
    }

    /// Whether the log is to say what the peer at an address did wrong, and how often that was since it was said last:
    /// of one who has logged on always, of others once a minute, so that no stranger drives out what the log holds.
    pub fn may_log(&self, peer: SocketAddr, has_logged_on: bool, what: &str) -> Option<u32> {
        if has_logged_on {
            return Some(1);
        }
        self.log_limit.admit(peer.ip(), what, self.clock.now())
    }
}
