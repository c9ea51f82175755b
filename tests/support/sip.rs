//! SIP messages as text (RFC 3261, section 7), independent of the product's grammar.

use std::{
    borrow::Cow,
    fmt::{Display, Write as _},
    sync::atomic::{AtomicU64, Ordering},
};

use bytes::{Buf, BytesMut};

/// The media type of every CSTA document on SIP.
pub const CSTA: &str = "application/csta+xml";

/// A request or a response; header names as they came, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The request line or the status line.
    pub start: String,
    /// Name and value of each header field.
    pub headers: Vec<(Cow<'static, str>, String)>,
    /// What follows the empty line.
    pub body: String,
}

impl Message {
    /// A request with nothing but its first line.
    pub fn request(method: &str, uri: &str) -> Self {
        Self {
            start: format!("{method} {uri} SIP/2.0"),
            headers: Vec::with_capacity(12),
            body: String::new(),
        }
    }

    /// The answer to this request with what RFC 3261, section 8.2.6.2 wants copied.
    pub fn answer(&self, status: u16, reason: &str) -> Self {
        let mut answer = Self {
            start: format!("SIP/2.0 {status} {reason}"),
            headers: Vec::with_capacity(10),
            body: String::new(),
        };
        for (name, value) in &self.headers {
            if ["Via", "From", "To", "Call-ID", "CSeq"]
                .iter()
                .any(|copied| is(name, copied))
            {
                answer.headers.push((name.clone(), value.clone()));
            }
        }
        answer
    }

    /// The same message with one header more.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Display) -> Self {
        self.headers.push((known(name), value.to_string()));
        self
    }

    /// The same message with this header in place of all of its name.
    #[must_use]
    pub fn set(mut self, name: &str, value: impl Display) -> Self {
        self.headers.retain(|(known, _)| !is(known, name));
        self.with(name, value)
    }

    /// The same message without the headers of that name.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(known, _)| !is(known, name));
        self
    }

    /// The same message carrying a body.
    #[must_use]
    pub fn carrying(mut self, content_type: &str, body: impl Into<String>) -> Self {
        self.body = body.into();
        self.with("Content-Type", content_type)
    }

    /// The same message carrying a CSTA document as TR/87 section 7.1 has it.
    #[must_use]
    pub fn csta(self, document: impl Into<String>) -> Self {
        self.with("Content-Disposition", "signal;handling=required")
            .carrying(CSTA, document)
    }

    /// The same answer with a tag in its To, unless it has one.
    #[must_use]
    pub fn tagged(mut self, tag: &str) -> Self {
        for (name, value) in &mut self.headers {
            if is(name, "To") && parameter(value, "tag").is_none() {
                let _ = write!(value, ";tag={tag}");
            }
        }
        self
    }

    /// The bytes for the wire, Content-Length included.
    pub fn bytes(&self) -> Vec<u8> {
        let mut text = String::with_capacity(512 + self.body.len());
        text.push_str(&self.start);
        for (name, value) in &self.headers {
            text.push_str("\r\n");
            text.push_str(name);
            text.push_str(": ");
            text.push_str(value);
        }
        if self.header("Content-Length").is_none() {
            let _ = write!(text, "\r\nContent-Length: {}", self.body.len());
        }
        text.push_str("\r\n\r\n");
        text.push_str(&self.body);
        text.into_bytes()
    }

    /// The bytes for the wire with these octets as the body, in whatever encoding.
    pub fn octets(mut self, content_type: &str, octets: &[u8]) -> Vec<u8> {
        self.body.clear();
        let head = self.set("Content-Type", content_type);
        let head = head.set("Content-Length", octets.len());
        [&*head.bytes(), octets].concat()
    }

    /// The status of a response, 0 for a request.
    pub fn status(&self) -> u16 {
        self.start
            .strip_prefix("SIP/2.0 ")
            .and_then(|rest| rest.get(..3))
            .and_then(|code| code.parse().ok())
            .unwrap_or(0)
    }

    /// The method: of the request line, or of the CSeq in a response.
    pub fn method(&self) -> &str {
        if self.status() == 0 {
            self.start.split(' ').next().unwrap_or("")
        } else {
            self.header("CSeq")
                .and_then(|value| value.split_whitespace().nth(1))
                .unwrap_or("")
        }
    }

    /// The Request-URI.
    pub fn uri(&self) -> &str {
        self.start.split(' ').nth(1).unwrap_or("")
    }

    /// The first value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(own, _)| is(own, name))
            .map(|(_, value)| value.as_str())
    }

    /// Every value of a header, one per line.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers
            .iter()
            .filter(move |(known, _)| is(known, name))
            .map(|(_, value)| value.as_str())
    }

    /// Adds the routes of the request that this 200 answers (RFC 3261, section 12.1.1).
    pub fn routed_as(self, request: &Self) -> Self {
        let routes = request.all("Record-Route");
        routes.fold(self, |answer, route| answer.with("Record-Route", route))
    }

    /// A header that must be there; the panic shows the message.
    #[track_caller]
    pub fn must(&self, name: &str) -> &str {
        match self.header(name) {
            Some(value) => value,
            None => panic!("{name} is missing in:\n{}", self.text()),
        }
    }

    /// The number of the CSeq.
    pub fn cseq(&self) -> u32 {
        self.header("CSeq")
            .and_then(|value| value.split_whitespace().next())
            .and_then(|n| n.parse().ok())
            .unwrap_or(0)
    }

    /// The branch of the topmost Via, by which a response finds its request (RFC 3261, section 17.1.3).
    pub fn branch(&self) -> &str {
        self.header("Via")
            .and_then(|via| parameter(via, "branch"))
            .unwrap_or("")
    }

    /// The message as a person reads it.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes()).into_owned()
    }

    /// Requires that status; the panic shows the whole answer.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert!(
            self.status() == status,
            "expected {status}, got:\n{}",
            self.text()
        );
        self
    }

    /// What RFC 3261, section 8.1.1 wants in every message and is missing here or written twice.
    pub fn fault(&self) -> Option<String> {
        for name in ["Via", "From", "To", "Call-ID", "CSeq", "Content-Length"] {
            let count = self.all(name).count();
            if count == 0 || (count > 1 && name != "Via") {
                return Some(format!("{name} stands {count} times in:\n{}", self.text()));
            }
        }
        if self.status() == 0 && self.header("Max-Forwards").is_none() {
            return Some(format!(
                "a request without Max-Forwards (RFC 3261, section 8.1.1.6):\n{}",
                self.text()
            ));
        }
        if self.status() > 100
            && self
                .header("To")
                .and_then(|to| parameter(to, "tag"))
                .is_none()
        {
            return Some(format!(
                "an answer without a To tag (RFC 3261, section 8.2.6.2):\n{}",
                self.text()
            ));
        }
        None
    }
}

/// One thing that arrives on a stream.
#[derive(Debug, PartialEq, Eq)]
pub enum Frame {
    /// A lone CRLF between messages (RFC 5626, section 4.4.1).
    KeepAlive,
    /// A whole message.
    Message(Message),
}

/// Takes the next frame from what has been read so far; an error says what is no SIP.
pub fn frame(buffer: &mut BytesMut) -> Result<Option<Frame>, String> {
    if buffer.starts_with(b"\r\n") {
        buffer.advance(2);
        return Ok(Some(Frame::KeepAlive));
    }
    let Some(end) = head_end(buffer) else {
        return Ok(None);
    };
    let head = std::str::from_utf8(buffer.get(..end).unwrap_or_default())
        .map_err(|e| format!("the head is not UTF-8: {e}"))?;
    let mut lines = head.split("\r\n");
    let start = lines.next().unwrap_or_default().to_owned();
    let mut headers = Vec::with_capacity(12);
    for line in lines {
        let (name, value) = line
            .split_once(':')
            .ok_or_else(|| format!("a header without colon: {line:?}"))?;
        headers.push((known(name.trim()), value.trim().to_owned()));
    }
    let mut message = Message {
        start,
        headers,
        body: String::new(),
    };
    let length: usize = match message.header("Content-Length") {
        Some(value) => value
            .parse()
            .map_err(|_| format!("Content-Length is {value:?}"))?,
        None => {
            return Err(format!(
                "Content-Length is missing on a stream (RFC 3261, section 18.3):\n{}",
                message.text()
            ));
        }
    };
    if buffer.len() < end + 4 + length {
        return Ok(None);
    }
    buffer.advance(end + 4);
    let body = buffer.split_to(length);
    message.body = std::str::from_utf8(&body)
        .map_err(|e| format!("the body is not UTF-8: {e}"))?
        .to_owned();
    Ok(Some(Frame::Message(message)))
}

/// The value of a `;name=value` parameter, outside quotes and after the URI.
pub fn parameter<'a>(value: &'a str, name: &str) -> Option<&'a str> {
    let after = value.rfind('>').map_or(value, |end| &value[end + 1..]);
    after.split(';').skip(1).find_map(|part| {
        let (key, text) = part.split_once('=').unwrap_or((part, ""));
        key.trim()
            .eq_ignore_ascii_case(name)
            .then(|| text.trim().trim_matches('"'))
    })
}

/// The URI inside `<...>`, or the bare one.
pub fn address(value: &str) -> &str {
    match (value.find('<'), value.rfind('>')) {
        (Some(open), Some(close)) if open < close => &value[open + 1..close],
        _ => value.split(';').next().unwrap_or(value).trim(),
    }
}

/// A token that no other part of the test process uses.
pub fn unique(prefix: &str) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    format!(
        "{prefix}{:x}x{:x}",
        std::process::id(),
        NEXT.fetch_add(1, Ordering::Relaxed)
    )
}

/// The names that nearly all messages have, so that a load generator need not allocate them.
const COMMON: [&str; 14] = [
    "Via",
    "From",
    "To",
    "Call-ID",
    "CSeq",
    "Max-Forwards",
    "Contact",
    "Content-Type",
    "Content-Length",
    "Content-Disposition",
    "Supported",
    "Expires",
    "User-Agent",
    "Authorization",
];

fn known(name: &str) -> Cow<'static, str> {
    match COMMON.into_iter().find(|common| *common == name) {
        Some(common) => Cow::Borrowed(common),
        None => Cow::Owned(name.to_owned()),
    }
}

fn is(name: &str, wanted: &str) -> bool {
    name.eq_ignore_ascii_case(wanted)
}

fn head_end(buffer: &[u8]) -> Option<usize> {
    // The search of the standard library is compiled with optimisation also in a dev build.
    match std::str::from_utf8(buffer) {
        Ok(text) => text.find("\r\n\r\n"),
        Err(_) => buffer.windows(4).position(|four| four == b"\r\n\r\n"),
    }
}
