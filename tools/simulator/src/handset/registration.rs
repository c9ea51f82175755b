//! Keeps a simulated phone registered: composes its REGISTERs and decides what follows each response (RFC 3261, section 10.2).

use std::{sync::Arc, time::Duration};

use uacsta_actors::sip::{
    connection::SendRequest,
    session::{Login, RequestError},
};
use uacsta_schema::sip::{
    HeaderName, Method, Response, Status, digest::Challenge, header::Contacts,
};

/// The registration of one connection.
pub(super) struct Registration {
    /// The Request-URI.
    registrar: Box<str>,
    /// The address of record.
    identity: Box<str>,
    login: Arc<Login>,
    agent: Box<str>,
    /// The period requested, in seconds.
    expires: u32,
    call_id: String,
    tag: String,
    cseq: u32,
    challenge: Option<(HeaderName, Box<str>)>,
    /// How often the last challenge was answered.
    nonce_count: u32,
    /// Rejected requests in a row that were sent again.
    attempts: u8,
}

/// What follows a response.
#[derive(Debug)]
pub(super) enum Next {
    /// Send another REGISTER now.
    Retry,
    /// Registered; send another REGISTER after this time.
    Refresh(Duration),
    /// Give up.
    Failed(RequestError),
}

/// Rejected requests in a row that are sent again at most.
const ATTEMPTS: u8 = 2;
/// The period requested after a 423 without Min-Expires, in seconds.
const LONG_EXPIRES: u32 = 3600;

impl Registration {
    /// A registration that has not been sent. `random` makes its Call-ID and tag unique.
    pub(super) fn new(
        registrar: &str,
        identity: &str,
        login: Arc<Login>,
        agent: &str,
        expires: u32,
        random: u64,
    ) -> Self {
        Self {
            registrar: registrar.into(),
            identity: identity.into(),
            call_id: format!("{:016x}@{}", random.rotate_left(32), login.user),
            tag: format!("{random:x}"),
            login,
            agent: agent.into(),
            expires,
            cseq: 0,
            challenge: None,
            nonce_count: 0,
            attempts: 0,
        }
    }

    /// The next REGISTER.
    pub(super) fn request(&mut self) -> SendRequest {
        self.cseq += 1;
        let mut headers = vec![
            (
                HeaderName::From,
                format!("<{}>;tag={}", self.identity, self.tag),
            ),
            (HeaderName::To, format!("<{}>", self.identity)),
            (HeaderName::CallId, self.call_id.clone()),
            (HeaderName::CSeq, format!("{} REGISTER", self.cseq)),
            (HeaderName::Expires, self.expires.to_string()),
            (HeaderName::UserAgent, self.agent.to_string()),
        ];
        headers.extend(self.authorization());
        SendRequest {
            method: Method::Register,
            uri: self.registrar.clone(),
            contact_user: self.login.user.clone(),
            headers,
        }
    }

    /// Decides what follows the response to the last REGISTER.
    pub(super) fn on(&mut self, result: Result<Response, RequestError>) -> Next {
        let response = match result {
            Ok(response) => response,
            Err(error) => return Next::Failed(error),
        };
        let status = response.status();
        if status.is_success() {
            self.attempts = 0;
            // A refresh at nine tenths leaves time for a second try.
            return Next::Refresh(granted(&response, self.expires) * 9 / 10);
        }
        if self.attempts < ATTEMPTS {
            self.attempts += 1;
            if status == Status::UNAUTHORIZED || status == Status::PROXY_AUTHENTICATION_REQUIRED {
                (self.challenge, self.nonce_count) = (challenge(&response), 0);
                return Next::Retry;
            }
            // RFC 3261, section 10.2.8: "the UA MAY retry the registration attempt after making the expiration interval
            // ... equal or greater than" Min-Expires.
            if status == Status::INTERVAL_TOO_BRIEF {
                let least = response.head().get(HeaderName::MinExpires);
                let least = least.and_then(|least| least.parse().ok());
                self.expires = least.unwrap_or(LONG_EXPIRES);
                return Next::Retry;
            }
        }
        Next::Failed(RequestError::Refused {
            status,
            body: response.body().clone(),
            retry_after: None,
        })
    }

    /// The credentials that the last challenge asks for (RFC 3261, section 22).
    fn authorization(&mut self) -> Option<(HeaderName, String)> {
        let (name, challenge) = self.challenge.as_ref()?;
        let challenge = Challenge::parse(challenge).ok()?;
        self.nonce_count += 1;
        // Without random numbers the cnonce is predictable, which weakens nothing but the simulated phone.
        let cnonce = format!("{:016x}", getrandom::u64().unwrap_or_default());
        let credentials = challenge.answer(
            &self.login.user,
            &self.login.password,
            Method::Register.as_str(),
            &self.registrar,
            self.nonce_count,
            &cnonce,
        );
        Some((*name, credentials.to_string()))
    }
}

/// The first challenge of a response that can be answered (RFC 8760, section 2.4), and the header field of the answer.
fn challenge(response: &Response) -> Option<(HeaderName, Box<str>)> {
    let (name, answer) = if response.status() == Status::PROXY_AUTHENTICATION_REQUIRED {
        (
            HeaderName::ProxyAuthenticate,
            HeaderName::ProxyAuthorization,
        )
    } else {
        (HeaderName::WwwAuthenticate, HeaderName::Authorization)
    };
    let mut challenges = response.head().all(name);
    let known = challenges.find(|challenge| Challenge::parse(challenge).is_ok())?;
    Some((answer, known.into()))
}

/// The period granted: in our Contact, in Expires, or as requested (RFC 3261, section 10.2.4).
fn granted(response: &Response, requested: u32) -> Duration {
    let contact = match response.head().contacts() {
        Ok(Contacts::List(contacts)) => contacts.first().and_then(|contact| contact.expires()),
        _ => None,
    };
    let seconds = contact.or_else(|| response.head().expires());
    Duration::from_secs(seconds.unwrap_or(requested).max(1).into())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use bytes::BytesMut;
    use uacsta_schema::sip::{Frame, MessageLimits, SipMessage};

    use super::*;

    fn registration() -> Registration {
        let login = Arc::new(Login {
            user: "000413000001".into(),
            password: "secret".into(),
        });
        let identity = "sip:000413000001@server";
        Registration::new("sip:server", identity, login, "snom", 300, 1)
    }

    fn response(status: &str, headers: &str) -> Result<Response, RequestError> {
        let text = format!(
            "SIP/2.0 {status}\r\nVia: SIP/2.0/TCP h;branch=z9hG4bK1\r\nFrom: <sip:a@h>;tag=1\r\nTo: <sip:a@h>;tag=2\r\n\
             Call-ID: 1\r\nCSeq: 1 REGISTER\r\n{headers}Content-Length: 0\r\n\r\n"
        );
        match Frame::datagram(BytesMut::from(text.as_str()), &MessageLimits::default()) {
            Ok(Frame::Message(SipMessage::Response(response))) => Ok(response),
            other => panic!("{other:?}"),
        }
    }

    fn header(request: &SendRequest, name: HeaderName) -> Option<&str> {
        let mut headers = request.headers.iter();
        let found = headers.find(|(own, _)| *own == name);
        found.map(|(_, value)| value.as_str())
    }

    #[test]
    fn response_decides_what_follows() {
        const DIGEST: &str =
            "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", algorithm=MD5, qop=\"auth\"\r\n";
        for (status, headers, expected) in [
            ("200 OK", "", "Refresh(270s)"),
            ("200 OK", "Expires: 100\r\n", "Refresh(90s)"),
            (
                "200 OK",
                "Contact: <sip:a@h>;expires=50\r\nExpires: 100\r\n",
                "Refresh(45s)",
            ),
            ("200 OK", "Expires: 0\r\n", "Refresh(900ms)"),
            ("401 Unauthorized", DIGEST, "Retry"),
            ("423 Interval Too Brief", "Min-Expires: 600\r\n", "Retry"),
            ("403 Forbidden", "", "Failed"),
            ("503 Service Unavailable", "Retry-After: 60\r\n", "Failed"),
        ] {
            let next = registration().on(response(status, headers));
            let next = format!("{next:?}");
            assert!(next.starts_with(expected), "{status} {headers}: {next}");
        }
    }

    #[test]
    fn challenge_is_answered_with_credentials() {
        let mut registration = registration();
        assert_eq!(
            header(&registration.request(), HeaderName::Authorization),
            None
        );
        for (challenge, answer) in [
            ("WWW-Authenticate", HeaderName::Authorization),
            ("Proxy-Authenticate", HeaderName::ProxyAuthorization),
        ] {
            let status = match answer {
                HeaderName::Authorization => "401 Unauthorized",
                _ => "407 Proxy Authentication Required",
            };
            let asks = format!("{challenge}: Digest realm=\"r\", nonce=\"n\", qop=\"auth\"\r\n");
            assert!(matches!(
                registration.on(response(status, &asks)),
                Next::Retry
            ));
            let request = registration.request();
            let credentials = header(&request, answer).unwrap();
            assert!(
                credentials.contains("username=\"000413000001\"")
                    && credentials.contains("nc=00000001"),
                "{credentials}"
            );
        }
        let next = registration.on(response("401 Unauthorized", ""));
        assert!(matches!(next, Next::Failed(_)), "{next:?}");
    }

    #[test]
    fn min_expires_is_requested_with_the_next_cseq() {
        let mut registration = registration();
        let first = registration.request();
        assert_eq!(header(&first, HeaderName::CSeq), Some("1 REGISTER"));
        assert_eq!(header(&first, HeaderName::Expires), Some("300"));
        let brief = response("423 Interval Too Brief", "Min-Expires: 600\r\n");
        assert!(matches!(registration.on(brief), Next::Retry));
        let second = registration.request();
        assert_eq!(header(&second, HeaderName::CSeq), Some("2 REGISTER"));
        assert_eq!(header(&second, HeaderName::Expires), Some("600"));
    }
}
