//! What kind of phone a test plays: addresses, credentials, identities and maker.

use std::{
    collections::VecDeque,
    net::{IpAddr, SocketAddr},
    path::PathBuf,
};

use super::super::{
    datagrams::Weather,
    digest::{Algorithm, Challenge},
    maker::Maker,
};

/// How a phone is made.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Where the server listens for phones.
    pub server: SocketAddr,
    /// The server's certificate; without it the phone speaks plain TCP.
    pub certificate: Option<PathBuf>,
    /// PEM files of its own certificate and key.
    pub own: Option<PathBuf>,
    /// The address to connect from; `None`: any.
    pub source: Option<IpAddr>,
    /// UDP with this loss; `None`: TCP or TLS.
    pub udp: Option<Weather>,
    /// The user name, a MAC as this maker spells it.
    pub user: String,
    /// The phones' password.
    pub password: String,
    /// The only digest algorithm that it supports; `None`: any.
    pub only: Option<Algorithm>,
    /// The device IDs that it lists.
    pub identities: Vec<String>,
    /// The User-Agent.
    pub user_agent: String,
    /// The requested expiry, in seconds.
    pub expires: u32,
    /// The edition of its documents, such as `ed3`.
    pub edition: &'static str,
    /// Successive answers to RequestSystemStatus; the last one repeats.
    pub status: VecDeque<&'static str>,
    /// The number of SwitchingFunctionDevices that the identities are spread over.
    pub segments: usize,
    /// Its challenge to the server, and the challenged methods.
    pub challenge: Option<(Challenge, &'static [&'static str])>,
    /// The maker whose table it follows: documents, refusals, missing services.
    pub maker: Option<Maker>,
}

impl Setup {
    /// A snom with one identity.
    pub fn new(server: SocketAddr, user: &str, password: &str, identity: &str) -> Self {
        Self {
            server,
            certificate: None,
            own: None,
            source: None,
            udp: None,
            user: user.to_owned(),
            password: password.to_owned(),
            only: None,
            identities: vec![identity.to_owned()],
            user_agent: "snomD345/10.1.159.12".to_owned(),
            expires: 300,
            edition: "ed3",
            status: VecDeque::from(["normal"]),
            segments: 1,
            challenge: None,
            maker: None,
        }
    }

    /// Follows a maker's table, with one line of that number.
    pub fn made_by(&mut self, maker: &Maker, number: u32) {
        self.identities = vec![maker.line(&number.to_string())];
        self.user_agent.clone_from(&maker.user_agent);
        let challenge = Challenge {
            realm: maker.name.clone(),
            nonce: format!("{}-1", maker.name),
            algorithm: match maker.challenge.as_str() {
                "SHA-256" => Algorithm::Sha256,
                _ => Algorithm::Md5,
            },
            qop: true,
            stale: false,
        };
        let challenges = !maker.challenge.is_empty();
        self.challenge = challenges.then_some((challenge, &["INVITE"] as &[&str]));
        self.maker = Some(maker.clone());
    }
}
