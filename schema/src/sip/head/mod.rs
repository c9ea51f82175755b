//! The header fields of a message, in order and in the received bytes (RFC 3261, sections 7.3 and 20).

use std::fmt;

use bytes::Bytes;
use bytestring::ByteString;

use super::{
    HeaderError, HeaderName, SyntaxError,
    digest::{Challenge, Credentials},
    header::{CSeq, Contacts, MediaType, NameAddr, SessionExpires, Via, leading_number, split},
};

/// The head of a message: its text, and the spans of the header fields.
///
/// Names are parsed once, values on each access. A clone shares the text.
#[derive(Clone)]
pub struct Head {
    text: ByteString,
    fields: Vec<Field>,
    /// The tags of From and To, after validation of both.
    tags: Option<[HeadSpan; 2]>,
}

impl Head {
    /// All of the head as received: start line, header fields and the empty line, with folded lines joined.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

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

    /// The values of a list header field, from one line or several (RFC 3261, section 7.3.1).
    pub fn list(&self, header: HeaderName) -> impl Iterator<Item = &str> {
        self.all(header).flat_map(|line| split(line, b','))
    }

    /// The first value of a header field without a [`HeaderName`].
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

    /// All header fields in order, with names as received.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields
            .iter()
            .map(|field| (self.slice(field.name), self.slice(field.value)))
    }

    /// Whether a list of tokens, such as Supported or Require, contains this one, ignoring case.
    #[must_use]
    pub fn lists(&self, header: HeaderName, token: &str) -> bool {
        self.list(header)
            .any(|known| known.eq_ignore_ascii_case(token))
    }

    /// The topmost Via: added by the sender of a request, or by the receiver of a response.
    ///
    /// # Errors
    /// Via is missing or invalid.
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

    /// The From header field.
    ///
    /// # Errors
    /// The header field is missing or invalid.
    pub fn from(&self) -> Result<NameAddr<'_>, HeaderError> {
        read(
            HeaderName::From,
            self.get(HeaderName::From),
            NameAddr::parse,
        )
    }

    /// The To header field.
    ///
    /// # Errors
    /// The header field is missing or invalid.
    pub fn to(&self) -> Result<NameAddr<'_>, HeaderError> {
        read(HeaderName::To, self.get(HeaderName::To), NameAddr::parse)
    }

    /// The tag of From; `None` if missing or invalid.
    #[must_use]
    pub fn from_tag(&self) -> Option<&str> {
        match self.tags {
            Some([from, _]) => Some(self.slice(from)).filter(|tag| !tag.is_empty()),
            None => self.from().ok()?.tag(),
        }
    }

    /// The tag of To; `None` if missing or invalid.
    #[must_use]
    pub fn to_tag(&self) -> Option<&str> {
        match self.tags {
            Some([_, to]) => Some(self.slice(to)).filter(|tag| !tag.is_empty()),
            None => self.to().ok()?.tag(),
        }
    }

    /// Validates From and To and caches their tags, which each message needs several times.
    ///
    /// # Errors
    /// One of them is missing or invalid.
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

    /// The span of a part of the text.
    fn span(&self, part: &str) -> HeadSpan {
        HeadSpan::at(
            part.as_ptr().addr().wrapping_sub(self.text.as_ptr().addr()),
            part.as_bytes(),
        )
    }

    /// The Call-ID, if present.
    #[must_use]
    pub fn call_id(&self) -> Option<&str> {
        self.get(HeaderName::CallId)
    }

    /// The CSeq header field.
    ///
    /// # Errors
    /// The header field is missing or invalid.
    pub fn cseq(&self) -> Result<CSeq, HeaderError> {
        read(HeaderName::CSeq, self.get(HeaderName::CSeq), CSeq::parse)
    }

    /// The Contact values of all lines.
    ///
    /// # Errors
    /// A value is invalid, or `*` is not the only value (RFC 3261, section 10.3, step 6).
    pub fn contacts(&self) -> Result<Contacts<'_>, HeaderError> {
        let mut values = self.list(HeaderName::Contact).peekable();
        if values.next_if_eq(&"*").is_some() {
            return match values.next() {
                None => Ok(Contacts::Star),
                Some(_) => Err(HeaderError::new(
                    HeaderName::Contact,
                    SyntaxError("has an address in addition to '*'"),
                )),
            };
        }
        let list = values.map(NameAddr::parse).collect::<Result<_, _>>();
        list.map(Contacts::List)
            .map_err(|problem| HeaderError::new(HeaderName::Contact, problem))
    }

    /// The addresses of a list header field, such as Route, Record-Route or Path.
    pub fn addresses(
        &self,
        header: HeaderName,
    ) -> impl Iterator<Item = Result<NameAddr<'_>, HeaderError>> {
        self.list(header)
            .map(move |text| read(header, Some(text), NameAddr::parse))
    }

    /// The number in a header field such as Max-Forwards, Min-Expires or Retry-After. `None` if missing
    /// or not a number; saturates at 2^32-1.
    #[must_use]
    pub fn number(&self, header: HeaderName) -> Option<u32> {
        self.get(header).and_then(leading_number)
    }

    /// Expires in seconds, 0 to 2^32-1 (RFC 3261, section 20.19); `None` if missing or not a number.
    #[must_use]
    pub fn expires(&self) -> Option<u32> {
        self.number(HeaderName::Expires)
    }

    /// Session-Expires (RFC 4028, section 4); `None` if missing or without a number.
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

    /// The Content-Type, if present.
    #[must_use]
    pub fn content_type(&self) -> Option<MediaType<'_>> {
        self.get(HeaderName::ContentType).map(MediaType::parse)
    }

    /// The digest credentials of all Authorization lines, then of all Proxy-Authorization lines. One per
    /// line, since commas separate their parameters (RFC 3261, section 7.3.1).
    pub fn credentials(&self) -> impl Iterator<Item = Result<Credentials<'_>, HeaderError>> {
        [HeaderName::Authorization, HeaderName::ProxyAuthorization]
            .into_iter()
            .flat_map(|header| {
                self.all(header)
                    .map(move |text| read(header, Some(text), Credentials::parse))
            })
    }

    /// The digest challenges of all WWW-Authenticate lines, then of all Proxy-Authenticate lines, in order of preference
    /// (RFC 8760, section 2.4).
    pub fn challenges(&self) -> impl Iterator<Item = Result<Challenge<'_>, HeaderError>> {
        [HeaderName::WwwAuthenticate, HeaderName::ProxyAuthenticate]
            .into_iter()
            .flat_map(|header| {
                self.all(header)
                    .map(move |text| read(header, Some(text), Challenge::parse))
            })
    }

    /// Reads the header fields after the first line of the unfolded `head`. Skips invalid lines and
    /// returns the first of them as the second result.
    pub(super) fn parse(head: Bytes) -> (Self, Option<String>) {
        let text = if std::str::from_utf8(&head).is_ok() {
            ByteString::try_from(head).unwrap_or_default()
        } else {
            // Some phones send Latin-1 in display names; it maps one to one to Unicode.
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

    /// The first line without its line end.
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

/// Prints the header fields without credentials.
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

/// Heads are equal if they contain the same names and values in the same order.
impl PartialEq for Head {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Head {}

/// A span of the head's text. The limits keep offsets below 2^32.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct HeadSpan {
    start: u32,
    end: u32,
}

impl HeadSpan {
    /// The span of `part` at `start`; empty if beyond 2^32.
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
    /// Reads the line at `start`. Allows white space before the colon (RFC 3261, section 7.3.1).
    fn parse(line: &[u8], start: usize) -> Option<Self> {
        let (name, value) = line.split_at_checked(line.iter().position(|byte| *byte == b':')?)?;
        let value_at = start + name.len() + 1;
        let value = value.get(1..)?;
        let leading = value.len() - value.trim_ascii_start().len();
        // A name with a leading blank or CR would become a continuation line when written again.
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
