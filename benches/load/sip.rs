//! Minimal SIP text for the load generator: messages read in place, requests and responses written at once.

use std::fmt::Write as _;

/// A message that arrived, read in place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Message<'a> {
    start: &'a str,
    fields: &'a str,
    /// The body.
    pub(crate) body: &'a str,
}

/// What a message begins with, and who it is about.
#[derive(Debug)]
pub(crate) struct Heading<'a> {
    /// The method.
    pub(crate) method: &'a str,
    /// The Request-URI.
    pub(crate) uri: &'a str,
    /// The Via, branch included.
    pub(crate) via: &'a str,
    /// The From, tag included.
    pub(crate) from: &'a str,
    /// The To, with a tag inside a dialog.
    pub(crate) to: &'a str,
    /// The Call-ID.
    pub(crate) call_id: &'a str,
    /// The number of the request.
    pub(crate) cseq: u32,
}

/// The media type of CSTA documents (ECMA TR/87 section 7).
pub(crate) const CSTA: &str = "application/csta+xml";

/// The length of the first whole message in `bytes`; `None` when more must come. Line ends before it count as part of it.
pub(crate) fn frame(bytes: &[u8]) -> Option<usize> {
    let blank = bytes
        .iter()
        .take_while(|octet| matches!(octet, b'\r' | b'\n'))
        .count();
    let message = &bytes[blank..];
    let head = memchr::memmem::find(message, b"\r\n\r\n")? + 4;
    let length: usize = Message::read(&message[..head])?
        .field("Content-Length")
        .and_then(|value| value.parse().ok())
        .unwrap_or(0);
    let whole = blank + head + length;
    (bytes.len() >= whole).then_some(whole)
}

impl<'a> Message<'a> {
    /// Reads one framed message; `None` for what is no SIP message.
    pub(crate) fn read(bytes: &'a [u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?.trim_start();
        let (head, body) = text.split_once("\r\n\r\n")?;
        let (start, fields) = head.split_once("\r\n").unwrap_or((head, ""));
        Some(Self {
            start,
            fields,
            body,
        })
    }

    /// The message as it came.
    pub(crate) fn octets(&self) -> Vec<u8> {
        let Self {
            start,
            fields,
            body,
        } = self;
        format!("{start}\r\n{fields}\r\n\r\n{body}").into_bytes()
    }

    /// The status of a response; `None` for a request.
    pub(crate) fn status(&self) -> Option<u16> {
        let rest = self.start.strip_prefix("SIP/2.0 ")?;
        rest.get(..3)?.parse().ok()
    }

    /// The method of a request.
    pub(crate) fn method(&self) -> &'a str {
        self.start.split(' ').next().unwrap_or("")
    }

    /// The header fields in order.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        self.fields
            .split("\r\n")
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.trim_end(), value.trim()))
    }

    /// The first header field of that name, also in its compact form (RFC 3261 section 7.3.3).
    pub(crate) fn field(&self, name: &str) -> Option<&'a str> {
        self.all(name).next()
    }

    /// All header fields of that name.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &'a str> {
        self.fields()
            .filter(move |(own, _)| is(own, name))
            .map(|(_, value)| value)
    }

    /// The number that we put into the branch of our request: which one this response answers.
    pub(crate) fn ticket(&self) -> Option<u64> {
        let branch = parameter(self.field("Via")?, "branch")?;
        branch.strip_prefix(BRANCH)?.parse().ok()
    }

    /// The local name of the root of the CSTA document in the body; empty without one.
    pub(crate) fn service(&self) -> &'a str {
        let mut rest = self.body.trim_start();
        if rest.starts_with("<?") {
            rest = rest
                .split_once("?>")
                .map_or("", |(_, after)| after.trim_start());
        }
        let tag = rest.strip_prefix('<').unwrap_or("");
        let name = tag.split([' ', '>', '/', '\n', '\r']).next().unwrap_or("");
        name.split_once(':').map_or(name, |(_, local)| local)
    }

    /// The answer to this request: what RFC 3261 section 8.2.6.2 copies, `tag` where the To has none, further lines, a body.
    pub(crate) fn answer(&self, status: &str, tag: &str, lines: &str, body: &str) -> String {
        let mut text = String::with_capacity(512 + body.len());
        push(&mut text, format_args!("SIP/2.0 {status}\r\n"));
        for (name, value) in self.fields() {
            let to = is(name, "To");
            let copied = ["Via", "Record-Route", "From", "Call-ID", "CSeq"];
            if !to && !copied.iter().any(|wanted| is(name, wanted)) {
                continue;
            }
            push(&mut text, format_args!("{name}: {value}"));
            if to && parameter(value, "tag").is_none() {
                push(&mut text, format_args!(";tag={tag}"));
            }
            text.push_str("\r\n");
        }
        finish(&mut text, lines, body);
        text
    }
}

/// A request with the lines that all of them have; `lines` and `body` follow.
pub(crate) fn request(heading: &Heading<'_>, lines: &str, body: &str) -> String {
    let Heading {
        method,
        uri,
        via,
        from,
        to,
        call_id,
        cseq,
    } = heading;
    let mut text = String::with_capacity(512 + body.len());
    push(
        &mut text,
        format_args!(
            "{method} {uri} SIP/2.0\r\nVia: {via}\r\nMax-Forwards: 70\r\nFrom: {from}\r\nTo: {to}\r\nCall-ID: {call_id}\r\nCSeq: {cseq} {method}\r\n"
        ),
    );
    finish(&mut text, lines, body);
    text
}

/// The Via of our request with that number.
pub(crate) fn via(transport: &str, local: std::net::SocketAddr, ticket: u64) -> String {
    format!("SIP/2.0/{transport} {local};branch={BRANCH}{ticket}")
}

/// A parameter after the address of a header field; its value unquoted.
pub(crate) fn parameter<'a>(value: &'a str, name: &str) -> Option<&'a str> {
    let after = value.rfind('>').map_or(value, |end| &value[end + 1..]);
    let pairs = after
        .split(';')
        .skip(1)
        .filter_map(|pair| pair.split_once('='));
    pairs
        .map(|(own, text)| (own.trim(), text.trim()))
        .find(|(own, _)| own.eq_ignore_ascii_case(name))
        .map(|(_, text)| text)
}

/// The URI of a Contact, From, To or Record-Route.
pub(crate) fn address(value: &str) -> &str {
    let inner = value
        .split_once('<')
        .map_or(value, |(_, rest)| rest.split('>').next().unwrap_or(rest));
    inner.trim()
}

/// The magic cookie of RFC 3261 section 8.1.1.7, and ours.
const BRANCH: &str = "z9hG4bKload";

fn is(name: &str, wanted: &str) -> bool {
    name.eq_ignore_ascii_case(wanted)
        || name.len() == 1
            && match wanted {
                "Via" => name.eq_ignore_ascii_case("v"),
                "From" => name.eq_ignore_ascii_case("f"),
                "To" => name.eq_ignore_ascii_case("t"),
                "Call-ID" => name.eq_ignore_ascii_case("i"),
                "Contact" => name.eq_ignore_ascii_case("m"),
                "Content-Length" => name.eq_ignore_ascii_case("l"),
                _ => false,
            }
}

fn finish(text: &mut String, lines: &str, body: &str) {
    text.push_str(lines);
    if !body.is_empty() {
        push(text, format_args!("Content-Type: {CSTA}\r\n"));
    }
    push(
        text,
        format_args!("Content-Length: {}\r\n\r\n{body}", body.len()),
    );
}

fn push(text: &mut String, more: std::fmt::Arguments<'_>) {
    text.write_fmt(more).expect("a String takes everything");
}
