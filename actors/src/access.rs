//! Who may log on: digest authentication (RFC 3261 section 22, RFC 8760) at one connection's door.

use std::time::Duration;

use uacsta_schema::sip::{
    HeaderName, Request, Status,
    digest::{Algorithm, Challenge, Credentials, Ha1},
    nonce::Nonce,
};

use crate::{House, sip::reply::Answer};

/// One connection's door. Its nonces hold on this connection alone, so nothing heard elsewhere can be replayed here.
#[derive(Debug)]
pub struct Door {
    connection: [u8; 8],
    minted: u64,
    /// The next count that is taken for each of the last nonces, by their number: as large after a year as at the start.
    counts: [u32; REMEMBERED],
}

/// What a request's credentials are worth.
#[derive(Debug)]
pub enum Verdict<'r> {
    /// They prove this user.
    Granted(&'r str),
    /// There are none that count: this challenge is the answer.
    Challenged(Answer),
    /// They are wrong, for this reason; the answer is a challenge all the same.
    Refused(&'static str, Answer),
}

/// How long a nonce may be used.
const NONCE_LIFE: Duration = Duration::from_secs(3600);
/// How many nonces of a connection are good at a time. An older one is stale.
const REMEMBERED: usize = 8;

impl Door {
    /// The door of a connection with this number, which no other has.
    pub fn new(connection: u64) -> Self {
        Self {
            connection: connection.to_be_bytes(),
            minted: 0,
            counts: [0; REMEMBERED],
        }
    }

    /// Checks a request's credentials. `password` tells the password of a user, none for an unknown one; `only_md5`
    /// leaves the other algorithms out of the challenge for phones that fail on them.
    pub fn check<'p, 'r>(
        &mut self,
        house: &House,
        request: &'r Request,
        only_md5: bool,
        password: impl FnOnce(&str) -> Option<&'p str>,
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
            return Verdict::Challenged(self.challenge(house, only_md5, false));
        };
        let now = house.clock.now().as_secs();
        let nonce = match house.nonces.check(
            credentials.nonce,
            now,
            NONCE_LIFE.as_secs(),
            &self.connection,
        ) {
            Nonce::Fresh(nonce) => nonce,
            // RFC 7616 3.3: "stale ... indicating that the previous request from the client was rejected because the nonce
            // value was stale". A nonce of another connection or of an earlier run is stale here.
            Nonce::Stale | Nonce::Forged => {
                return Verdict::Challenged(self.challenge(house, only_md5, true));
            }
        };
        let offered = advanced
            .digest
            .iter()
            .any(|digest| algorithm(*digest) == credentials.algorithm);
        let refused = |reason, door: &mut Self| {
            Verdict::Refused(reason, door.challenge(house, only_md5, false))
        };
        if !offered {
            return refused("the digest algorithm was not offered", self);
        }
        let Some(password) = password(credentials.username) else {
            return refused("the user name is not known here", self);
        };
        let ha1 = Ha1::new(credentials.algorithm, credentials.username, realm, password);
        let method = request.method().as_str();
        let counted = credentials.qop.is_some();
        if !(if counted {
            credentials.verifies(&ha1, method)
        } else {
            credentials.verifies_without_qop(&ha1, method)
        }) {
            return refused("the password is wrong", self);
        }
        // Without qop there is no count: such a nonce is good for one request.
        if !self.counts(nonce, credentials.nc.unwrap_or(u32::MAX)) {
            return Verdict::Challenged(self.challenge(house, only_md5, true));
        }
        Verdict::Granted(credentials.username)
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

    fn challenge(&mut self, house: &House, only_md5: bool, stale: bool) -> Answer {
        self.minted += 1;
        self.counts[self.minted as usize % REMEMBERED] = 0;
        let nonce = house
            .nonces
            .mint(house.clock.now().as_secs(), self.minted, &self.connection);
        let rules = house.rules();
        let advanced = &rules.settings.advanced;
        let mut answer = Answer::from(Status::UNAUTHORIZED);
        for algorithm in advanced
            .digest
            .iter()
            .map(|digest| algorithm(*digest))
            .filter(|algorithm| !only_md5 || *algorithm == Algorithm::Md5)
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
