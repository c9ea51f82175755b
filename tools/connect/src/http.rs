//! HTTP requests of commands, each on a connection of its own (RFC 9112).

use std::{io, time::Duration};

use http_body_util::{BodyExt as _, Full};
use hyper::{
    Method, Request, Response, StatusCode, Uri,
    body::{Bytes, Incoming},
    client::conn::http1,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, HeaderName, IF_MATCH, RETRY_AFTER},
};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::time::sleep;

use crate::{CommandError, ServerAddress, Trust, tls::ConnectFault};

/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The most seconds that a refused request waits before it is sent again.
const LONGEST_WAIT: u64 = 5;

/// A server's API, and the token for it.
pub(crate) struct HttpServer {
    /// As the user wrote it, for errors.
    pub(crate) url: String,
    authority: String,
    /// The path that precedes that of each request, behind a proxy.
    prefix: String,
    server: ServerAddress,
    token: String,
}

impl HttpServer {
    /// The server at an `http://` or `https://` URL, whose certificate is verified by `trust`.
    ///
    /// # Errors
    /// The URL is not one, or the certificates cannot be read.
    pub(crate) fn new(url: &str, trust: &Trust) -> Result<Self, CommandError> {
        let url = url.trim().trim_end_matches('/');
        let wrong = || {
            let examples = match ServerAddress::new(url, None) {
                Ok(_) => format!("http://{url}, or https://{url} if web.tls is set there"),
                Err(_) => {
                    "one such as http://127.0.0.1:8080 or https://cti.example.com:8080".to_owned()
                }
            };
            CommandError::Usage(format!("{url} is not a URL; write {examples}"))
        };
        let parsed: Uri = url.parse().map_err(|_| wrong())?;
        let is_secure = is_secure(&parsed).ok_or_else(wrong)?;
        let authority = parsed.authority().ok_or_else(wrong)?;
        let port = authority.port_u16();
        let port = port.unwrap_or(if is_secure { 443 } else { 80 });
        let address = format!("{}:{port}", authority.host());
        Ok(Self {
            authority: authority.to_string(),
            prefix: parsed.path().trim_end_matches('/').to_owned(),
            server: ServerAddress::new(&address, is_secure.then_some(trust))?,
            url: url.to_owned(),
            token: String::new(),
        })
    }

    /// Sends this token with each request.
    pub(crate) fn with_token(self, token: String) -> Self {
        Self { token, ..self }
    }

    /// Whether it is reached by TLS.
    pub(crate) fn is_secure(&self) -> bool {
        self.server.is_secure()
    }

    /// Sends a request and reads the whole answer.
    ///
    /// # Errors
    /// There is no answer, or the server refuses; the error then holds its reason.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Bytes, CommandError> {
        let mut fields = Vec::new();
        // A command changes what it names, whatever else has changed.
        if method == Method::PATCH {
            fields.push((IF_MATCH, "*"));
        }
        if body.is_some() {
            fields.push((CONTENT_TYPE, "application/json"));
        }
        let body = body.map(Value::to_string).unwrap_or_default();
        let exchange = async {
            let response = self.patient(method, path, &fields, body).await?;
            let octets = response.into_body().collect().await;
            Ok(octets.map_err(|error| self.broken(&error))?.to_bytes())
        };
        let answer = tokio::time::timeout(TIMEOUT, exchange).await;
        answer.unwrap_or_else(|_| Err(self.unreachable("it does not respond")))
    }

    /// Sends a GET and returns the answer, of which no part has been read.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub(crate) async fn get(
        &self,
        path: &str,
        accept: &str,
    ) -> Result<Response<Incoming>, CommandError> {
        let fields = [(ACCEPT, accept)];
        let exchange = self.patient(Method::GET, path, &fields, String::new());
        let answer = tokio::time::timeout(TIMEOUT, exchange).await;
        answer.unwrap_or_else(|_| Err(self.unreachable("it does not respond")))
    }

    /// The error of a connection that ended within an answer.
    pub(crate) fn broken(&self, error: &hyper::Error) -> CommandError {
        self.unreachable(&error.to_string())
    }

    /// Sends a request, and again if the server has had too many for a moment: a script of commands is slower then.
    async fn patient(
        &self,
        method: Method,
        path: &str,
        fields: &[(HeaderName, &str)],
        body: String,
    ) -> Result<Response<Incoming>, CommandError> {
        loop {
            let response = self.exchange(&method, path, fields, body.clone()).await?;
            let wait = response.headers().get(RETRY_AFTER);
            let wait = wait.and_then(|seconds| seconds.to_str().ok()?.parse().ok());
            let wait = wait.filter(|_| response.status() == StatusCode::TOO_MANY_REQUESTS);
            match wait {
                Some(seconds @ ..=LONGEST_WAIT) => sleep(Duration::from_secs(seconds)).await,
                _ => return self.accepted(response).await,
            }
        }
    }

    async fn exchange(
        &self,
        method: &Method,
        path: &str,
        fields: &[(HeaderName, &str)],
        body: String,
    ) -> Result<Response<Incoming>, CommandError> {
        let opened = self.server.open().await;
        let (io, _) = opened.map_err(|error| self.unreachable(&self.reason(&error)))?;
        let started = http1::handshake(TokioIo::new(io)).await;
        let (mut sender, connection) = started.map_err(|error| self.broken(&error))?;
        actix_rt::spawn(connection);
        let mut request = Request::builder()
            .method(method.clone())
            .uri(format!("{}{path}", self.prefix))
            .header(HOST, &self.authority)
            .header(AUTHORIZATION, format!("Bearer {}", self.token));
        for (name, value) in fields {
            request = request.header(name, *value);
        }
        let request = request.body(Full::<Bytes>::from(body));
        let request = request.map_err(|error| self.unreachable(&error.to_string()))?;
        let response = sender.send_request(request).await;
        response.map_err(|error| self.broken(&error))
    }

    /// The answer, or the error that it tells.
    async fn accepted(
        &self,
        response: Response<Incoming>,
    ) -> Result<Response<Incoming>, CommandError> {
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status();
        let answer = response.into_body().collect().await;
        let answer = answer.map_err(|error| self.broken(&error))?.to_bytes();
        let told: Option<Value> = serde_json::from_slice(&answer).ok();
        let told = told.as_ref().and_then(|told| told.get("detail")?.as_str());
        // A value that the server does not accept is wrong usage, as one that the command itself refuses.
        let failed = match status.as_u16() {
            422 => CommandError::Usage,
            _ => CommandError::Failed,
        };
        Err(failed(match (status.as_u16(), told) {
            (401, Some(sentence)) => {
                format!("{} does not accept the token: {sentence}", self.url)
            }
            (_, Some(sentence)) => sentence.to_owned(),
            (404, None) => format!("{} is not a uacsta server", self.url),
            (_, None) => format!("{} responds with {status}", self.url),
        }))
    }

    fn reason(&self, error: &io::Error) -> String {
        let reason = match ConnectFault::from(error) {
            ConnectFault::Refused => "no server runs there",
            ConnectFault::UnknownIssuer => {
                "its certificate is not signed by a trusted authority; name the authority's file, such as a copy of the server's ca.pem, with --ca FILE"
            }
            ConnectFault::OtherHost => {
                "its certificate is not for this host name or address; use one that it names"
            }
            ConnectFault::Expired => "its certificate has expired; renew it on the server",
            ConnectFault::NoTls if self.server.is_secure() => {
                "it does not speak TLS there; use http:// in place of https://, or set web.tls on the server"
            }
            ConnectFault::NoTls => "it closed the connection",
            ConnectFault::Other(reason) => return reason,
        };
        reason.to_owned()
    }

    fn unreachable(&self, reason: &str) -> CommandError {
        CommandError::Failed(format!("{} cannot be reached: {reason}", self.url))
    }
}

/// `None` if the URL has another scheme.
fn is_secure(url: &Uri) -> Option<bool> {
    match url.scheme_str()?.to_ascii_lowercase().as_str() {
        "http" => Some(false),
        "https" => Some(true),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn urls_have_a_scheme_and_may_have_port_and_path() {
        let parts = |url: &str| {
            let server = HttpServer::new(url, &Trust::AnyCertificate).ok()?;
            let is_secure = server.server.is_secure();
            Some((is_secure, server.server.address(), server.prefix))
        };
        for (url, expected) in [
            ("http://10.0.0.5:8080", Some((false, "10.0.0.5:8080", ""))),
            ("HTTPS://pbx.example", Some((true, "pbx.example:443", ""))),
            ("https://[::1]:8443/", Some((true, "[::1]:8443", ""))),
            (
                "http://pbx.example/cti/",
                Some((false, "pbx.example:80", "/cti")),
            ),
            ("10.0.0.5:8080", None),
            ("ftp://10.0.0.5", None),
            ("https://", None),
            ("", None),
        ] {
            let expected = expected.map(|(tls, at, path)| (tls, at.to_owned(), path.to_owned()));
            assert_eq!(parts(url), expected, "{url}");
        }
    }
}
