//! Answers a peer's challenge to a request of ours (RFC 3261, section 22.2, RFC 7616).

use uacsta_schema::sip::{Composer, HeaderName, Method, Response, Status, digest::Challenge};

use crate::sip::session::Login;

/// A challenge of the peer's, and how often it was answered.
#[derive(Debug)]
pub(super) struct Answering {
    challenge: Box<str>,
    proxy: bool,
    count: u32,
}

/// Adds the credentials that the peer asked for to a request.
pub(super) struct Authorization(Option<(HeaderName, String)>);

/// How many challenges in a row are answered.
pub(super) const CHALLENGES: u8 = 2;

impl Answering {
    pub(super) fn of(response: &Response) -> Option<Box<Self>> {
        let proxy = response.status() == Status::PROXY_AUTHENTICATION_REQUIRED;
        // RFC 8760, section 2.4: the first challenge that we can answer, for the server lists them by preference.
        let name = if proxy {
            HeaderName::ProxyAuthenticate
        } else {
            HeaderName::WwwAuthenticate
        };
        let challenge = response
            .head()
            .all(name)
            .find(|challenge| Challenge::parse(challenge).is_ok())?
            .into();
        Some(Box::new(Self {
            challenge,
            proxy,
            count: 0,
        }))
    }

    pub(super) fn header(
        &mut self,
        login: &Login,
        uri: &str,
        method: &Method,
    ) -> Option<(HeaderName, String)> {
        let challenge = Challenge::parse(&self.challenge).ok()?;
        self.count += 1;
        let cnonce = format!(
            "{:016x}",
            getrandom::u64().unwrap_or_else(|_| u64::from(self.count))
        );
        let credentials = challenge.answer(
            &login.user,
            &login.password,
            method.as_str(),
            uri,
            self.count,
            &cnonce,
        );
        let name = if self.proxy {
            HeaderName::ProxyAuthorization
        } else {
            HeaderName::Authorization
        };
        Some((name, credentials.to_string()))
    }
}

impl Authorization {
    pub(super) fn of(
        challenge: &mut Option<Box<Answering>>,
        login: Option<&Login>,
        uri: &str,
        method: &Method,
    ) -> Self {
        let header = challenge
            .as_mut()
            .zip(login)
            .and_then(|(answering, login)| answering.header(login, uri, method));
        Self(header)
    }

    pub(super) fn add<'out>(&self, composer: Composer<'out>) -> Composer<'out> {
        match &self.0 {
            Some((name, value)) => composer.header(*name, value),
            None => composer,
        }
    }
}
