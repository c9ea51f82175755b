//! Digest authentication of the requests of one connection (RFC 3261, section 22; RFC 8760).

use std::{net::IpAddr, time::Duration};

use uacsta_config::{Advanced, Digest, Secret, Settings};
use uacsta_schema::{
    phone_id::PhoneId,
    sip::{
        HeaderName, Request,
        digest::{Algorithm, Challenge, Credentials, Ha1},
        nonce::{Minted, Nonce, NonceKey},
    },
};

use super::{AuthAttempt, AuthUser, LimitStatus, LogOnLimiter, Rate, digest_uri};
use crate::counters::{Counter, Counters};

/// Authenticates the requests of a connection. Its nonces are valid on this connection alone, so that nothing recorded elsewhere can be
/// replayed here.
#[derive(Debug)]
pub struct DigestAuthenticator {
    connection: [u8; 8],
    minted: u64,
    /// The next acceptable nonce count of each of the last nonces, by their number.
    counts: [u32; REMEMBERED],
}

/// What the authenticators of a server share.
#[derive(Clone, Copy)]
pub struct AuthContext<'c> {
    /// The settings of realm, algorithms and rate limit.
    pub settings: &'c Settings,
    /// Makes and checks nonces.
    pub nonces: &'c NonceKey,
    /// Limits failed log-ons.
    pub limiter: &'c LogOnLimiter,
    /// Counts failed log-ons and stale nonces.
    pub counters: &'c Counters,
    /// The time since the server's start.
    pub now: Duration,
}

/// The sender of a request, as far as it is known before the credentials are read.
#[derive(Clone, Copy, Debug)]
pub struct AuthRequest<'c> {
    /// The address that the request came from.
    pub address: IpAddr,
    /// The phone that the request names, however the credentials spell its name.
    pub phone: Option<PhoneId>,
    /// The user who has authenticated on this connection, and whom the failures of others do not delay.
    pub logged_on: Option<AuthUser<'c>>,
    /// Whether the challenge offers MD5 alone, for phones that fail on other algorithms.
    pub only_md5: bool,
}

/// A request with valid credentials.
#[derive(Clone, Copy, Debug)]
pub struct Authenticated<'r> {
    /// The user of the credentials.
    pub user: &'r str,
    /// When the challenge that they answer was sent on this connection, in whole milliseconds. The sender wrote the request
    /// after that.
    pub challenged_at: Duration,
}

/// Why a request is denied.
#[derive(Debug)]
pub enum Denial {
    /// It has no valid credentials: 401.
    Challenged {
        /// The challenge for the response.
        challenge: ChallengeData,
        /// Why the credentials are wrong, and what the rate limit says; `None` where there were none, or their nonce was stale.
        fault: Option<(CredentialFault, LimitStatus)>,
    },
    /// Too many log-ons failed before, so the credentials were not checked: 503 with [`RETRY_AFTER`].
    RateLimited,
}

impl Denial {
    /// Why the credentials are wrong.
    pub fn fault(&self) -> Option<CredentialFault> {
        match self {
            Self::Challenged { fault, .. } => fault.map(|(fault, _)| fault),
            Self::RateLimited => None,
        }
    }

    /// Why the credentials are wrong, for the log; `None` if the log has it already.
    pub fn reason(&self) -> Option<&'static str> {
        match self {
            Self::Challenged {
                fault: Some((fault, limit)),
                ..
            } => match limit {
                LimitStatus::Below => Some(fault.reason()),
                LimitStatus::Reached => Some(
                    "too many log-ons failed: this address, and this user from addresses with failures, are limited to limits.log_on_tries a second; further failures are not logged until there is a pause",
                ),
                LimitStatus::Exceeded => None,
            },
            _ => None,
        }
    }
}

/// What is wrong with credentials.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CredentialFault {
    /// Their algorithm was not offered.
    Algorithm,
    /// The user is not known.
    UnknownUser,
    /// The user's password is stored as the hash of another algorithm.
    OtherHash,
    /// The password is wrong.
    Password,
    /// They are for another Request-URI.
    OtherUri,
}

impl CredentialFault {
    /// Its name in the facts of a reason.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Algorithm => "algorithm",
            Self::UnknownUser => "unknownUser",
            Self::OtherHash => "otherHash",
            Self::Password => "password",
            Self::OtherUri => "otherUri",
        }
    }

    /// The fault in words.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Algorithm => "the digest algorithm was not offered",
            Self::UnknownUser => "the user name is not known here",
            Self::OtherHash => "the user's password is stored as the hash of another algorithm",
            Self::Password => "the password is wrong",
            Self::OtherUri => "the credentials are for another Request-URI",
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
    /// A challenge for each configured algorithm, the preferred one first (RFC 8760, section 2.4).
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
/// How many nonces of a connection are valid at a time; older ones are stale.
const REMEMBERED: usize = 8;
/// The Retry-After of a rate-limited log-on, in seconds. Many phones never retry after 403, but do so after 503 with Retry-After (RFC
/// 3261, section 21.5.4).
pub const RETRY_AFTER: u32 = 5;

/// The user in a request's credentials for `realm`, whether they are valid or not.
pub fn claimed_user<'r>(request: &'r Request, realm: &str) -> Option<&'r str> {
    credentials(request, realm).map(|credentials| credentials.username)
}

fn credentials<'r>(request: &'r Request, realm: &str) -> Option<Credentials<'r>> {
    request
        .head()
        .all(HeaderName::Authorization)
        .filter_map(|value| Credentials::parse(value).ok())
        .find(|credentials| credentials.realm == realm)
}

impl DigestAuthenticator {
    /// For the connection with this number, which must be unique.
    pub fn new(connection: u64) -> Self {
        Self {
            connection: connection.to_be_bytes(),
            minted: 0,
            counts: [0; REMEMBERED],
        }
    }

    /// For a UDP peer whose first nonce the stateless UAS issued under the same number: that nonce stays valid, and its count is kept
    /// from now on.
    pub fn after_stateless(connection: u64) -> Self {
        Self {
            minted: 1,
            ..Self::new(connection)
        }
    }

    /// Why a peer that was challenged may not have logged on, for the log.
    pub fn hint(&self, advanced: &Advanced) -> Option<&'static str> {
        let prefers_sha = advanced.digest.first() != Some(&Digest::Md5);
        (self.minted > 0 && prefers_sha).then_some(
            "it was challenged and sent no valid credentials; if it knows MD5 alone, set advanced.digest = [\"MD5\"]",
        )
    }

    /// Checks a request's credentials. `password` returns the password of a user, `None` for an unknown one.
    ///
    /// # Errors
    /// The request has no valid credentials, or its sender is rate-limited.
    pub fn check<'p, 'r>(
        &mut self,
        context: &AuthContext<'_>,
        request: &'r Request,
        caller: AuthRequest<'_>,
        password: impl FnOnce(&str) -> Option<&'p Secret>,
    ) -> Result<Authenticated<'r>, Denial> {
        let advanced = &context.settings.advanced;
        let realm = advanced.realm.as_str();
        let Some(credentials) = credentials(request, realm) else {
            return Err(Denial::Challenged {
                challenge: self.challenge(context, caller, false),
                fault: None,
            });
        };
        let now = context.now;
        let (nonce, minted) = match context.nonces.check(
            credentials.nonce,
            millis(now),
            millis(NONCE_LIFE),
            &self.connection,
        ) {
            Nonce::Fresh { salt, minted } => (salt, minted),
            // RFC 7616, section 3.3: "stale ... indicating that the previous request from the client was rejected because the nonce
            // value was stale". A nonce of another connection or of an earlier run is stale here.
            Nonce::Stale | Nonce::Forged => return Err(self.stale(context, caller)),
        };
        let name = caller
            .phone
            .map_or(AuthUser::User(credentials.username), AuthUser::Phone);
        let is_logged_on = caller.logged_on == Some(name);
        let attempt = AuthAttempt::new(caller.address, name);
        let rate = Rate::of(&context.settings.limits);
        if !is_logged_on && !context.limiter.admits(attempt, rate, now) {
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
            () if !offered => Some(CredentialFault::Algorithm),
            () if known.is_none() => Some(CredentialFault::UnknownUser),
            () if ha1.is_none() => Some(CredentialFault::OtherHash),
            () if !proved => Some(CredentialFault::Password),
            () if !digest_uri::matches(credentials.uri, request.uri(), credentials.username) => {
                Some(CredentialFault::OtherUri)
            }
            () => None,
        };
        if let Some(fault) = wrong {
            context.counters.count(Counter::FailedLogOn);
            let challenge = self.challenge(context, caller, false);
            let limit = context.limiter.failed(attempt, rate, now);
            return Err(Denial::Challenged {
                challenge,
                fault: Some((fault, limit)),
            });
        }
        // Without qop there is no count: such a nonce is good for one request.
        if !self.counts(nonce, credentials.nc.unwrap_or(u32::MAX)) {
            return Err(self.stale(context, caller));
        }
        if !is_logged_on {
            context.limiter.succeeded(attempt);
        }
        Ok(Authenticated {
            user: credentials.username,
            challenged_at: Duration::from_millis(minted),
        })
    }

    fn stale(&mut self, context: &AuthContext<'_>, caller: AuthRequest<'_>) -> Denial {
        context.counters.count(Counter::StaleNonce);
        Denial::Challenged {
            challenge: self.challenge(context, caller, true),
            fault: None,
        }
    }

    /// Whether a nonce's count is above the last one (RFC 7616, section 3.4: "this allows the server to detect request replays").
    fn counts(&mut self, nonce: u64, count: u32) -> bool {
        // On UDP the stateless UAS issued the first nonce.
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
        context: &AuthContext<'_>,
        caller: AuthRequest<'_>,
        stale: bool,
    ) -> ChallengeData {
        self.minted += 1;
        self.counts[self.minted as usize % REMEMBERED] = 0;
        let now = millis(context.now);
        ChallengeData {
            nonce: context.nonces.mint(now, self.minted, &self.connection),
            stale,
            only_md5: caller.only_md5,
        }
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn algorithm(digest: uacsta_config::Digest) -> Algorithm {
    match digest {
        uacsta_config::Digest::Md5 => Algorithm::Md5,
        uacsta_config::Digest::Sha256 => Algorithm::Sha256,
    }
}
