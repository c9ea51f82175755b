//! Who may log on: digest authentication (RFC 3261 section 22, RFC 8760) at one connection's door.

use std::{net::IpAddr, time::Duration};

use uacsta_config::{Advanced, Secret};
use uacsta_schema::{
    phone_id::PhoneId,
    sip::{
        HeaderName, Request,
        digest::{Algorithm, Challenge, Credentials, Ha1},
        nonce::{Minted, Nonce},
    },
};

use super::{AuthAttempt, AuthUser, LimitStatus, Rate, digest_uri};
use crate::{ServerContext, counters::Counter};

/// One connection's door. Its nonces hold on this connection alone, so nothing heard elsewhere can be replayed here.
#[derive(Debug)]
pub struct DigestAuthenticator {
    connection: [u8; 8],
    minted: u64,
    /// The next count that is taken for each of the last nonces, by their number: as large after a year as at the start.
    counts: [u32; REMEMBERED],
}

/// Who asks, as far as that is known before the credentials are read.
#[derive(Clone, Copy, Debug)]
pub struct AuthRequest<'c> {
    /// The address that the request came from.
    pub address: IpAddr,
    /// The phone that it says to be, however the credentials spell its name.
    pub phone: Option<PhoneId>,
    /// Who is logged on on this connection already: no failures of others stand in the way of that user, and of no other.
    pub here: Option<AuthUser<'c>>,
    /// Whether other algorithms are left out of the challenge, for phones that fail on them.
    pub only_md5: bool,
}

/// Why a request is not granted.
#[derive(Debug)]
pub enum Denial {
    /// Its credentials prove nothing: 401.
    Challenged {
        /// What to challenge the sender with.
        challenge: ChallengeData,
        /// Why they are wrong; none if there were none, they were stale, or the log need not mention it again.
        reason: Option<&'static str>,
    },
    /// Too many log-ons failed before, so the credentials were not looked at: 503 with [`RETRY_AFTER`].
    RateLimited,
}

impl Denial {
    /// Why the credentials are wrong, if the log is to mention it.
    pub fn reason(&self) -> Option<&'static str> {
        match self {
            Self::Challenged { reason, .. } => *reason,
            Self::RateLimited => None,
        }
    }
}

/// The data of a challenge.
#[derive(Debug)]
pub struct ChallengeData {
    nonce: Minted,
    stale: bool,
    only_md5: bool,
}

impl ChallengeData {
    /// One challenge for each algorithm that is offered, the preferred one first (RFC 8760, section 2.4).
    pub fn challenges<'d>(&'d self, advanced: &'d Advanced) -> impl Iterator<Item = Challenge<'d>> {
        advanced
            .digest
            .iter()
            .map(|digest| algorithm(*digest))
            .filter(|algorithm| !self.only_md5 || *algorithm == Algorithm::Md5)
            .map(|algorithm| Challenge {
                realm: &advanced.realm,
                nonce: self.nonce.as_str(),
                algorithm,
                qop: true,
                stale: self.stale,
                opaque: None,
            })
    }
}

/// How long a nonce may be used.
const NONCE_LIFE: Duration = Duration::from_secs(3600);
/// How many nonces of a connection are good at a time. An older one is stale.
const REMEMBERED: usize = 8;
/// When somebody who is held back is to try again, in seconds: a phone bears a 503 with Retry-After (RFC 3261 21.5.4) better
/// than a 403, after which many try no more.
pub const RETRY_AFTER: u32 = 5;

impl DigestAuthenticator {
    /// The door of a connection with this number, which no other has.
    pub fn new(connection: u64) -> Self {
        Self {
            connection: connection.to_be_bytes(),
            minted: 0,
            counts: [0; REMEMBERED],
        }
    }

    /// A door that follows one of the same number, which gave out the first nonce and kept nothing: that nonce's count is
    /// kept from now on, and no challenge of this door begins it anew.
    pub fn after_stateless(connection: u64) -> Self {
        Self {
            minted: 1,
            ..Self::new(connection)
        }
    }

    /// Checks a request's credentials, and returns the user whom they prove. `password` tells the password of a user, none for
    /// an unknown one.
    ///
    /// # Errors
    /// They prove nobody.
    pub fn check<'p, 'r>(
        &mut self,
        context: &ServerContext,
        request: &'r Request,
        caller: AuthRequest<'_>,
        password: impl FnOnce(&str) -> Option<&'p Secret>,
    ) -> Result<&'r str, Denial> {
        let config = context.config();
        let advanced = &config.settings.advanced;
        let realm = advanced.realm.as_str();
        let ours = request
            .head()
            .all(HeaderName::Authorization)
            .filter_map(|value| Credentials::parse(value).ok())
            .find(|credentials| credentials.realm == realm);
        let Some(credentials) = ours else {
            return Err(Denial::Challenged {
                challenge: self.challenge(context, caller, false),
                reason: None,
            });
        };
        let now = context.clock.now();
        let nonce = match context.nonces.check(
            credentials.nonce,
            now.as_secs(),
            NONCE_LIFE.as_secs(),
            &self.connection,
        ) {
            Nonce::Fresh(nonce) => nonce,
            // RFC 7616 3.3: "stale ... indicating that the previous request from the client was rejected because the nonce
            // value was stale". A nonce of another connection or of an earlier run is stale here.
            Nonce::Stale | Nonce::Forged => return Err(self.stale(context, caller)),
        };
        let name = caller
            .phone
            .map_or(AuthUser::User(credentials.username), AuthUser::Phone);
        let is_here = caller.here == Some(name);
        let attempt = AuthAttempt::new(caller.address, name);
        let rate = Rate::of(&config.settings.limits);
        if !is_here && !context.log_on_limiter.admits(attempt, rate, now) {
            context.counters.count(Counter::LogOnRateLimited);
            return Err(Denial::RateLimited);
        }
        let offered = advanced
            .digest
            .iter()
            .any(|digest| algorithm(*digest) == credentials.algorithm);
        let method = request.method().as_str();
        // An unknown user costs as much time as a known one.
        let known = password(credentials.username);
        let text = known.map(Secret::expose).unwrap_or_default();
        let made = Ha1::new(credentials.algorithm, credentials.username, realm, text);
        let ha1 = match known.filter(|known| known.is_hashed()) {
            None => Some(made),
            Some(known) => known
                .hash(credentials.algorithm.as_str())
                .and_then(|hash| Ha1::stored(credentials.algorithm, hash)),
        };
        let proved = ha1.as_ref().is_some_and(|ha1| match credentials.qop {
            Some(_) => credentials.verifies(ha1, method),
            None => credentials.verifies_without_qop(ha1, method),
        });
        let wrong = match () {
            () if !offered => Some("the digest algorithm was not offered"),
            () if known.is_none() => Some("the user name is not known here"),
            () if ha1.is_none() => {
                Some("the user's password is stored as the hash of another algorithm")
            }
            () if !proved => Some("the password is wrong"),
            () if !digest_uri::matches(credentials.uri, request.uri(), credentials.username) => {
                Some("the credentials are for another Request-URI")
            }
            () => None,
        };
        if let Some(reason) = wrong {
            context.counters.count(Counter::FailedLogOn);
            let challenge = self.challenge(context, caller, false);
            let reason = match context.log_on_limiter.failed(attempt, rate, now) {
                LimitStatus::Below => Some(reason),
                LimitStatus::Reached => Some(
                    "too many log-ons failed: further ones from this address, or for this user from addresses that fail, are held back to limits.log_on_tries a second, and not logged until there is a pause",
                ),
                LimitStatus::Exceeded => None,
            };
            return Err(Denial::Challenged { challenge, reason });
        }
        // Without qop there is no count: such a nonce is good for one request.
        if !self.counts(nonce, credentials.nc.unwrap_or(u32::MAX)) {
            return Err(self.stale(context, caller));
        }
        if !is_here {
            context.log_on_limiter.succeeded(attempt);
        }
        Ok(credentials.username)
    }

    fn stale(&mut self, context: &ServerContext, caller: AuthRequest<'_>) -> Denial {
        context.counters.count(Counter::StaleNonce);
        Denial::Challenged {
            challenge: self.challenge(context, caller, true),
            reason: None,
        }
    }

    /// Whether a nonce's count is above the last one (RFC 7616 3.4: "this allows the server to detect request replays").
    fn counts(&mut self, nonce: u64, count: u32) -> bool {
        // On UDP the first nonce was handed out before there was this door, by one that keeps nothing.
        if nonce > self.minted.max(1) || nonce + REMEMBERED as u64 <= self.minted {
            return false;
        }
        let next = &mut self.counts[nonce as usize % REMEMBERED];
        let grows = count >= *next && *next < u32::MAX;
        *next = (*next).max(count.saturating_add(1));
        grows
    }

    fn challenge(
        &mut self,
        context: &ServerContext,
        caller: AuthRequest<'_>,
        stale: bool,
    ) -> ChallengeData {
        self.minted += 1;
        self.counts[self.minted as usize % REMEMBERED] = 0;
        let now = context.clock.now().as_secs();
        ChallengeData {
            nonce: context.nonces.mint(now, self.minted, &self.connection),
            stale,
            only_md5: caller.only_md5,
        }
    }
}

fn algorithm(digest: uacsta_config::Digest) -> Algorithm {
    match digest {
        uacsta_config::Digest::Md5 => Algorithm::Md5,
        uacsta_config::Digest::Sha256 => Algorithm::Sha256,
    }
}
