//! The header fields of a message, in order, in the very bytes that arrived (RFC 3261, sections 7.3 and 20).

use std::fmt;

use bytes::Bytes;
use bytestring::ByteString;

use super::{
    HeaderError, HeaderName, SyntaxError,
    digest::{Challenge, Credentials},
    header::{CSeq, Contacts, MediaType, NameAddr, SessionExpires, Via, leading_number, split},
};

/// The head of a message: one block of text, and where in it each header field stands.
///
/// Names are read once, values only when asked for. A clone shares the text.
#[derive(Clone)]
pub struct Head {
    text: ByteString,
    fields: Vec<Field>,
    /// The tags of From and To, once both have been read.
    tags: Option<[HeadSpan; 2]>,
}

impl Head {
    /// The first value of a header field, trimmed.
    #[must_use]
    pub fn get(&self, header: HeaderName) -> Option<&str> {
        self.all(header).next()
    }

    /// The values of a header field, one per line.
    pub fn all(&self, header: HeaderName) -> impl Iterator<Item = &str> {
        let fields = self
            .fields
            .iter()
            .filter(move |field| field.header == header);
        fields.map(|field| self.slice(field.value))
    }

    /// The values of a header field that may hold a list, whether in one line or in several (RFC 3261, section 7.3.1).
    pub fn list(&self, header: HeaderName) -> impl Iterator<Item = &str> {
        self.all(header).flat_map(|line| split(line, b','))
    }

    /// The first value of a header field that we have no name for.
    #[must_use]
    pub fn other(&self, name: &str) -> Option<&str> {
        match HeaderName::parse(name) {
            HeaderName::Other => {
                let mut all = self.iter();
                all.find(|(known, _)| known.eq_ignore_ascii_case(name))
                    .map(|(_, value)| value)
            }
            known => self.get(known),
        }
    }

    /// Every header field in order, its name as it was written.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields
            .iter()
            .map(|field| (self.slice(field.name), self.slice(field.value)))
    }

    /// Whether a list of tokens, as Supported or Require, has this one in any case.
    #[must_use]
    pub fn lists(&self, header: HeaderName, token: &str) -> bool {
        self.list(header)
            .any(|known| known.eq_ignore_ascii_case(token))
    }

    /// The Via that the sender of this message wrote or, in a response, that its receiver wrote.
    ///
    /// # Errors
    /// Via is missing or cannot be read.
    pub fn top_via(&self) -> Result<Via<'_>, HeaderError> {
        read(HeaderName::Via, self.get(HeaderName::Via), |line| {
            let mut list = split(line, b',');
            Via::parse(if line.contains(',') {
                list.next().unwrap_or_default()
            } else {
                line
            })
        })
    }

    /// From.
    ///
    /// # Errors
    /// It is missing or cannot be read.
    pub fn from(&self) -> Result<NameAddr<'_>, HeaderError> {
        read(
            HeaderName::From,
            self.get(HeaderName::From),
            NameAddr::parse,
        )
    }

    /// To.
    ///
    /// # Errors
    /// It is missing or cannot be read.
    pub fn to(&self) -> Result<NameAddr<'_>, HeaderError> {
        read(HeaderName::To, self.get(HeaderName::To), NameAddr::parse)
    }

    /// The tag of From, if it can be read and has one.
    #[must_use]
    pub fn from_tag(&self) -> Option<&str> {
        match self.tags {
            Some([from, _]) => Some(self.slice(from)).filter(|tag| !tag.is_empty()),
            None => self.from().ok()?.tag(),
        }
    }

    /// The tag of To, if it can be read and has one.
    #[must_use]
    pub fn to_tag(&self) -> Option<&str> {
        match self.tags {
            Some([_, to]) => Some(self.slice(to)).filter(|tag| !tag.is_empty()),
            None => self.to().ok()?.tag(),
        }
    }

    /// Reads From and To, and remembers their tags, for which every message is asked several times.
    ///
    /// # Errors
    /// One of them is missing or cannot be read.
    pub(super) fn read_tags(&mut self) -> Result<(), HeaderError> {
        let tag = |address: NameAddr<'_>| {
            address
                .tag()
                .map_or_else(HeadSpan::default, |tag| self.span(tag))
        };
        let tags = [tag(self.from()?), tag(self.to()?)];
        self.tags = Some(tags);
        Ok(())
    }

    /// Where a part of the text stands.
    fn span(&self, part: &str) -> HeadSpan {
        HeadSpan::at(
            part.as_ptr().addr().wrapping_sub(self.text.as_ptr().addr()),
            part.as_bytes(),
        )
    }

    /// Call-ID.
    #[must_use]
    pub fn call_id(&self) -> Option<&str> {
        self.get(HeaderName::CallId)
    }

    /// CSeq.
    ///
    /// # Errors
    /// It is missing or cannot be read.
    pub fn cseq(&self) -> Result<CSeq, HeaderError> {
        read(HeaderName::CSeq, self.get(HeaderName::CSeq), CSeq::parse)
    }

    /// The Contact values of all lines.
    ///
    /// # Errors
    /// One cannot be read, or `*` does not stand alone (RFC 3261, section 10.3, step 6).
    pub fn contacts(&self) -> Result<Contacts<'_>, HeaderError> {
        let mut values = self.list(HeaderName::Contact).peekable();
        if values.next_if_eq(&"*").is_some() {
            return match values.next() {
                None => Ok(Contacts::Star),
                Some(_) => Err(HeaderError::new(
                    HeaderName::Contact,
                    SyntaxError("has an address beside '*'"),
                )),
            };
        }
        let list = values.map(NameAddr::parse).collect::<Result<_, _>>();
        list.map(Contacts::List)
            .map_err(|problem| HeaderError::new(HeaderName::Contact, problem))
    }

    /// The addresses of a header field that lists them: Route, Record-Route, Path ...
    pub fn addresses(
        &self,
        header: HeaderName,
    ) -> impl Iterator<Item = Result<NameAddr<'_>, HeaderError>> {
        self.list(header)
            .map(move |text| read(header, Some(text), NameAddr::parse))
    }

    /// The number that a header field holds: Max-Forwards, Min-Expires, Retry-After ... Nothing if it is
    /// missing or no number; what exceeds 2^32-1 counts as that.
    #[must_use]
    pub fn number(&self, header: HeaderName) -> Option<u32> {
        self.get(header).and_then(leading_number)
    }

    /// Expires in seconds, 0 to 2^32-1 (RFC 3261, section 20.19); nothing if it is missing or no number.
    #[must_use]
    pub fn expires(&self) -> Option<u32> {
        self.number(HeaderName::Expires)
    }

    /// Session-Expires (RFC 4028, section 4); nothing if it is missing or has no number.
    #[must_use]
    pub fn session_expires(&self) -> Option<SessionExpires> {
        self.get(HeaderName::SessionExpires)
            .and_then(SessionExpires::parse)
    }

    /// Min-SE in seconds (RFC 4028, section 5).
    #[must_use]
    pub fn min_se(&self) -> Option<u32> {
        self.number(HeaderName::MinSe)
    }

    /// Content-Type.
    #[must_use]
    pub fn content_type(&self) -> Option<MediaType<'_>> {
        self.get(HeaderName::ContentType).map(MediaType::parse)
    }

    /// The digest credentials of every Authorization, then of every Proxy-Authorization. They are one per
    /// line, for commas part their own parameters (RFC 3261, section 7.3.1).
    pub fn credentials(&self) -> impl Iterator<Item = Result<Credentials<'_>, HeaderError>> {
        [HeaderName::Authorization, HeaderName::ProxyAuthorization]
            .into_iter()
            .flat_map(|header| {
                self.all(header)
                    .map(move |text| read(header, Some(text), Credentials::parse))
            })
    }

    /// The digest challenges of every WWW-Authenticate, then of every Proxy-Authenticate, in order of preference
    /// (RFC 8760, section 2.4).
    pub fn challenges(&self) -> impl Iterator<Item = Result<Challenge<'_>, HeaderError>> {
        [HeaderName::WwwAuthenticate, HeaderName::ProxyAuthenticate]
            .into_iter()
            .flat_map(|header| {
                self.all(header)
                    .map(move |text| read(header, Some(text), Challenge::parse))
            })
    }

    /// Reads the header fields after the first line of `head`, which is unfolded. A line that is no header
    /// field is left out, and the first such is the second result.
    pub(super) fn parse(head: Bytes) -> (Self, Option<String>) {
        let text = if std::str::from_utf8(&head).is_ok() {
            ByteString::try_from(head).unwrap_or_default()
        } else {
            // Phones of Western Europe put Latin-1 into display names; it maps one to one.
            let latin = head.iter().copied().map(char::from);
            latin.collect::<String>().into()
        };
        let bytes = text.as_bytes();
        let mut fields = Vec::with_capacity(16);
        let mut broken = None;
        let mut feeds = memchr::memchr_iter(b'\n', bytes);
        let mut start = feeds.next().map_or(bytes.len(), |feed| feed + 1);
        for feed in feeds {
            let line = bytes.get(start..feed).unwrap_or_default();
            if let Some(field) = Field::parse(line, start) {
                fields.push(field);
            } else if broken.is_none() && !line.trim_ascii().is_empty() {
                broken = Some(String::from_utf8_lossy(line).trim_end().to_owned());
            }
            start = feed + 1;
        }
        let tags = None;
        (Self { text, fields, tags }, broken)
    }

    /// The first line without its end.
    pub(super) fn first_line(&self) -> &str {
        let feed = memchr::memchr(b'\n', self.text.as_bytes());
        let line = feed
            .and_then(|feed| self.text.get(..feed))
            .unwrap_or(&self.text);
        line.strip_suffix('\r').unwrap_or(line)
    }

    pub(super) fn slice(&self, span: HeadSpan) -> &str {
        span.range()
            .and_then(|range| self.text.get(range))
            .unwrap_or_default()
    }
}

/// The header fields, without what would give away a password.
impl fmt::Debug for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let secret = |name: &str| {
            matches!(
                HeaderName::parse(name),
                HeaderName::Authorization | HeaderName::ProxyAuthorization
            )
        };
        let shown = self
            .iter()
            .map(|(name, value)| (name, if secret(name) { "..." } else { value }));
        f.debug_map().entries(shown).finish()
    }
}

/// Two heads are equal if they hold the same names and values in the same order.
impl PartialEq for Head {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Head {}

/// A stretch of the head's text. 32 bits do for any head that the limits let pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct HeadSpan {
    start: u32,
    end: u32,
}

impl HeadSpan {
    /// The stretch of `part`, which begins at `start`; empty where it does not fit.
    pub(super) fn at(start: usize, part: &[u8]) -> Self {
        let ends = (u32::try_from(start), u32::try_from(start + part.len()));
        if let (Ok(start), Ok(end)) = ends {
            Self { start, end }
        } else {
            Self::default()
        }
    }

    fn range(self) -> Option<std::ops::Range<usize>> {
        Some(usize::try_from(self.start).ok()?..usize::try_from(self.end).ok()?)
    }
}

#[derive(Debug, Clone, Copy)]
struct Field {
    header: HeaderName,
    name: HeadSpan,
    value: HeadSpan,
}

impl Field {
    /// Reads the line that begins at `start`. White space before the colon is old grammar (RFC 3261, section 7.3.1).
    fn parse(line: &[u8], start: usize) -> Option<Self> {
        let (name, value) = line.split_at_checked(line.iter().position(|byte| *byte == b':')?)?;
        let value_at = start + name.len() + 1;
        let value = value.get(1..)?;
        let leading = value.len() - value.trim_ascii_start().len();
        // A line that begins with a blank continues the one before; with a CR by itself it would when written again.
        let name = name.trim_ascii_end();
        if name.first().is_some_and(u8::is_ascii_whitespace) {
            return None;
        }
        let header = HeaderName::parse(
            std::str::from_utf8(name)
                .ok()
                .filter(|name| !name.is_empty())?,
        );
        Some(Self {
            header,
            name: HeadSpan::at(start, name),
            value: HeadSpan::at(value_at + leading, value.trim_ascii()),
        })
    }
}

fn read<'a, T>(
    header: HeaderName,
    text: Option<&'a str>,
    parse: impl FnOnce(&'a str) -> Result<T, SyntaxError>,
) -> Result<T, HeaderError> {
    let text = text.ok_or_else(|| HeaderError::missing(header))?;
    parse(text).map_err(|problem| HeaderError::new(header, problem))
}

#[cfg(test)]
mod tests;
