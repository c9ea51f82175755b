//! Who may log on: digest authentication (RFC 3261 section 22, RFC 8760) at one connection's door.

use std::{net::IpAddr, time::Duration};

use settings::Secret;
use uacsta_schema::{
    phone_id::PhoneId,
    sip::{
        HeaderName, Request, Status,
        digest::{Algorithm, Challenge, Credentials, Ha1},
        nonce::Nonce,
    },
};

use crate::{House, counters::Event, sip::responder::FinalResponse};

mod aim;
mod source;
mod throttle;

pub use source::source;
pub use throttle::{Consequence, Name, Rate, Throttle, Trier};

/// One connection's door. Its nonces hold on this connection alone, so nothing heard elsewhere can be replayed here.
#[derive(Debug)]
pub struct Door {
    connection: [u8; 8],
    minted: u64,
    /// The next count that is taken for each of the last nonces, by their number: as large after a year as at the start.
    counts: [u32; REMEMBERED],
}

/// Who asks, as far as that is known before the credentials are read.
#[derive(Clone, Copy, Debug)]
pub struct Caller<'c> {
    /// The address that the request came from.
    pub address: IpAddr,
    /// The phone that it says to be, however the credentials spell its name.
    pub phone: Option<PhoneId>,
    /// Who is logged on on this connection already: no failures of others stand in the way of that user, and of no other.
    pub here: Option<Name<'c>>,
    /// Whether other algorithms are left out of the challenge, for phones that fail on them.
    pub only_md5: bool,
}

/// What a request's credentials are worth.
#[derive(Debug)]
pub enum Verdict<'r> {
    /// They prove this user.
    Granted(&'r str),
    /// There are none that count: this challenge is the answer.
    Challenged(FinalResponse),
    /// They are wrong, for this reason; the answer is a challenge all the same.
    Refused(&'static str, FinalResponse),
    /// So much failed before that they were not looked at, or that there is nothing new to tell the log.
    HeldBack(FinalResponse),
}

/// How long a nonce may be used.
const NONCE_LIFE: Duration = Duration::from_secs(3600);
/// How many nonces of a connection are good at a time. An older one is stale.
const REMEMBERED: usize = 8;
/// When somebody who is held back is to try again, in seconds: a phone bears a 503 with Retry-After (RFC 3261 21.5.4) better
/// than a 403, after which many try no more.
pub const RETRY_AFTER: u32 = 5;

impl Door {
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
    pub fn after_the_first(connection: u64) -> Self {
        Self {
            minted: 1,
            ..Self::new(connection)
        }
    }

    /// Checks a request's credentials. `password` tells the password of a user, none for an unknown one.
    pub fn check<'p, 'r>(
        &mut self,
        house: &House,
        request: &'r Request,
        caller: Caller<'_>,
        password: impl FnOnce(&str) -> Option<&'p Secret>,
    ) -> Verdict<'r> {
        let rules = house.rules();
        let advanced = &rules.settings.advanced;
        let realm = advanced.realm.as_str();
        let ours = request
            .head()
            .all(HeaderName::Authorization)
            .filter_map(|value| Credentials::parse(value).ok())
            .find(|credentials| credentials.realm == realm);
        let Some(credentials) = ours else {
            return Verdict::Challenged(self.challenge(house, caller, false));
        };
        let now = house.clock.now();
        let nonce = match house.nonces.check(
            credentials.nonce,
            now.as_secs(),
            NONCE_LIFE.as_secs(),
            &self.connection,
        ) {
            Nonce::Fresh(nonce) => nonce,
            // RFC 7616 3.3: "stale ... indicating that the previous request from the client was rejected because the nonce
            // value was stale". A nonce of another connection or of an earlier run is stale here.
            Nonce::Stale | Nonce::Forged => return self.stale(house, caller),
        };
        let name = caller
            .phone
            .map_or(Name::User(credentials.username), Name::Phone);
        let is_here = caller.here == Some(name);
        let trier = Trier::new(caller.address, name);
        let rate = Rate::of(&rules.settings.limits);
        if !is_here && !house.throttle.admits(trier, rate, now) {
            house.counters.count(Event::HeldBack);
            return Verdict::HeldBack(
                FinalResponse::from(Status::SERVICE_UNAVAILABLE)
                    .header(HeaderName::RetryAfter, RETRY_AFTER)
                    .because("too many log-ons failed"),
            );
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
            () if !aim::is_for(credentials.uri, request.uri(), credentials.username) => {
                Some("the credentials are for another Request-URI")
            }
            () => None,
        };
        if let Some(reason) = wrong {
            house.counters.count(Event::FailedLogOn);
            let challenge = self.challenge(house, caller, false);
            return match house.throttle.failed(trier, rate, now) {
                Consequence::Noted => Verdict::Refused(reason, challenge),
                Consequence::Begins => Verdict::Refused(
                    "too many log-ons failed: further ones from this address, or for this user from addresses that fail, are held back to limits.log_on_tries a second, and not logged until there is a pause",
                    challenge,
                ),
                Consequence::GoesOn => Verdict::HeldBack(challenge),
            };
        }
        // Without qop there is no count: such a nonce is good for one request.
        if !self.counts(nonce, credentials.nc.unwrap_or(u32::MAX)) {
            return self.stale(house, caller);
        }
        if !is_here {
            house.throttle.succeeded(trier);
        }
        Verdict::Granted(credentials.username)
    }

    fn stale<'r>(&mut self, house: &House, caller: Caller<'_>) -> Verdict<'r> {
        house.counters.count(Event::StaleNonce);
        Verdict::Challenged(self.challenge(house, caller, true))
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

    fn challenge(&mut self, house: &House, caller: Caller<'_>, stale: bool) -> FinalResponse {
        self.minted += 1;
        self.counts[self.minted as usize % REMEMBERED] = 0;
        let nonce = house
            .nonces
            .mint(house.clock.now().as_secs(), self.minted, &self.connection);
        let rules = house.rules();
        let advanced = &rules.settings.advanced;
        let mut answer = FinalResponse::from(Status::UNAUTHORIZED);
        for algorithm in advanced
            .digest
            .iter()
            .map(|digest| algorithm(*digest))
            .filter(|algorithm| !caller.only_md5 || *algorithm == Algorithm::Md5)
        {
            let challenge = Challenge {
                realm: &advanced.realm,
                nonce: nonce.as_str(),
                algorithm,
                qop: true,
                stale,
                opaque: None,
            };
            answer = answer.header(HeaderName::WwwAuthenticate, challenge);
        }
        answer
    }
}

fn algorithm(digest: settings::Digest) -> Algorithm {
    match digest {
        settings::Digest::Md5 => Algorithm::Md5,
        settings::Digest::Sha256 => Algorithm::Sha256,
    }
}
