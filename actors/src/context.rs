//! The configuration, clock, counters and limits that the actors of a server share.

use std::{net::SocketAddr, sync::Arc};

use arc_swap::{ArcSwap, Guard};
use bytes::Bytes;
use uacsta_config::{Profiles, Secret, Settings};
use uacsta_schema::{
    csta::{self, Document, ReadError},
    sip::{HeaderName, Request, Status, nonce::NonceKey},
};

use crate::{
    account::Accounts,
    auth::{
        self, AuthContext, AuthRequest, Authenticated, Denial, DigestAuthenticator, RETRY_AFTER,
    },
    clock,
    counters::{self, Counter},
    ladder::Ladder,
    licence, log_limit,
    service::Service,
    sip::{incident::Incident, responder::FinalResponse},
};

/// When a peer may come again that logs on while the service is stopped, in seconds.
const RETRY_WHEN_STOPPED: &str = "10";

/// What all actors of one server share. It holds no address of an actor, so that each of them may import it.
pub struct ServerContext {
    /// The configuration, which a reload replaces.
    pub config: ArcSwap<RuntimeConfig>,
    /// The accounts of clients that the settings do not contain.
    pub accounts: ArcSwap<Accounts>,
    /// Whether phones and clients are served.
    pub service: Service,
    /// The server's clock.
    pub clock: Arc<dyn clock::Clock>,
    /// Makes and checks the nonces of our challenges.
    pub nonces: NonceKey,
    /// Limits failed log-ons.
    pub log_on_limiter: auth::LogOnLimiter,
    /// Limits log lines about one peer.
    pub log_limit: log_limit::LogLimit,
    /// The last messages of each phone and client.
    pub ladder: Ladder,
    /// The counters of the metrics.
    pub counters: Arc<counters::Counters>,
    /// The value of Server and User-Agent in SIP.
    pub agent: Arc<str>,
}

/// The configuration. A reload replaces all of it at once, so that no actor sees half of a change.
#[derive(Debug)]
pub struct RuntimeConfig {
    /// The settings, with all passwords read from their files.
    pub settings: Settings,
    /// The profiles of the makers' phones.
    pub profiles: Profiles,
    /// How many phones and lines are licensed.
    pub allowance: licence::Allowance,
    /// Differs from that of every other state of the settings.
    pub version: u64,
}

/// The settings have changed: the receiver reads [`ServerContext::config`] again. To a client also that accounts have.
#[derive(Clone, Copy, Debug, actix::Message)]
#[rtype(result = "()")]
pub struct ConfigChanged;

impl ServerContext {
    /// The current configuration. Keep no copy, which a reload would make stale.
    pub fn config(&self) -> Guard<Arc<RuntimeConfig>> {
        self.config.load()
    }

    /// # Errors
    /// The response to a request outside dialogs while the service is stopped.
    pub(crate) fn check_service(&self) -> Result<(), FinalResponse> {
        if self.service.is_running() {
            return Ok(());
        }
        Err(FinalResponse::from(Status::SERVICE_UNAVAILABLE)
            .header(HeaderName::RetryAfter, RETRY_WHEN_STOPPED)
            .because("the service is stopped"))
    }

    /// Reads a CSTA document within the configured limits, and counts exceeded limits.
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

    /// As [`DigestAuthenticator::check`], with the current configuration.
    pub(crate) fn check<'p, 'r>(
        &self,
        authenticator: &mut DigestAuthenticator,
        request: &'r Request,
        caller: AuthRequest<'_>,
        password: impl FnOnce(&str) -> Option<&'p Secret>,
    ) -> Result<Authenticated<'r>, Denial> {
        let context = AuthContext {
            settings: &self.config().settings,
            nonces: &self.nonces,
            limiter: &self.log_on_limiter,
            counters: &self.counters,
            now: self.clock.now(),
        };
        authenticator.check(&context, request, caller, password)
    }

    /// The response to a denied request.
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

    /// Counts an incident of a connection; the result is that of [`Self::may_log`].
    pub(crate) fn incident(
        &self,
        peer: SocketAddr,
        authenticated: bool,
        incident: Incident<'_>,
    ) -> Option<u32> {
        self.counters.count(incident.into());
        self.may_log(peer, authenticated, incident.text())
    }

    /// Whether to log a peer's error; `Some` is the number of occurrences since the last line. Errors of unauthenticated
    /// peers are logged once a minute, so that they cannot flood the log.
    pub fn may_log(&self, peer: SocketAddr, has_logged_on: bool, what: &str) -> Option<u32> {
        if has_logged_on {
            return Some(1);
        }
        self.log_limit.admit(peer.ip(), what, self.clock.now())
    }
}
