//! The parts of a multipart body (RFC 2046, section 5.1; RFC 5621).

use bytes::Bytes;

/// A part of a multipart body.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Part {
    head: Bytes,
    body: Bytes,
}

/// The most parts of one body.
const MOST: usize = 16;

/// The parts between the delimiters of this boundary; `None` if there are none, or more than 16. The last delimiter may be
/// missing.
#[must_use]
pub fn parts(body: &Bytes, boundary: &str) -> Option<Vec<Part>> {
    // RFC 2046, section 5.1.1: "no longer than 70 characters".
    if boundary.is_empty() || boundary.len() > 70 {
        return None;
    }
    let delimiter = format!("--{boundary}");
    let mut parts = Vec::new();
    let mut start = None;
    for at in memchr::memmem::find_iter(body, delimiter.as_bytes()) {
        let rest = body.get(at + delimiter.len()..)?;
        let is_last = rest.starts_with(b"--");
        let line = memchr::memchr(b'\n', rest);
        let padding = rest.get(..line.unwrap_or(rest.len()))?;
        let begins_line = at == 0 || body.get(at - 1) == Some(&b'\n');
        if !begins_line || !(is_last || padding.trim_ascii().is_empty()) {
            continue;
        }
        if let Some(start) = start {
            parts.push(Part::parse(&body.slice(start..at.max(start))));
        }
        start = line
            .filter(|_| !is_last)
            .map(|line| at + delimiter.len() + line + 1);
        if start.is_none() {
            break;
        }
        if parts.len() == MOST {
            return None;
        }
    }
    if let Some(start) = start {
        parts.push(Part::parse(&body.slice(start..)));
    }
    (!parts.is_empty()).then_some(parts)
}

impl Part {
    /// Splits at the first empty line; the line end before the next delimiter belongs to that.
    fn parse(text: &Bytes) -> Self {
        let end = match text.as_ref() {
            [before @ .., b'\r', b'\n'] | [before @ .., b'\n'] => before.len(),
            all => all.len(),
        };
        let mut line = 0;
        while let Some(length) = text
            .get(line..)
            .and_then(|rest| memchr::memchr(b'\n', rest))
        {
            let next = line + length + 1;
            if matches!(text.get(line..next), Some(b"\r\n" | b"\n")) {
                return Self {
                    head: text.slice(..line),
                    body: text.slice(next.min(end)..end),
                };
            }
            line = next;
        }
        Self {
            head: text.clone(),
            body: Bytes::new(),
        }
    }

    /// The value of a header field, unfolded. Names ignore case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<String> {
        let head = str::from_utf8(&self.head).ok()?;
        let mut lines = head.lines().skip_while(|line| {
            let known = line.split_once(':').map(|(known, _)| known.trim_ascii());
            !known.is_some_and(|known| known.eq_ignore_ascii_case(name))
        });
        let mut value = lines.next()?.split_once(':')?.1.trim_ascii().to_owned();
        for line in lines.take_while(|line| line.starts_with([' ', '\t'])) {
            value.push(' ');
            value.push_str(line.trim_ascii());
        }
        Some(value)
    }

    /// The octets of the part.
    #[must_use]
    pub const fn body(&self) -> &Bytes {
        &self.body
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(body: &str, expected: Option<&[(Option<&str>, &str)]>) {
        let found = parts(&Bytes::copy_from_slice(body.as_bytes()), "part");
        let found = found.map(|parts| {
            let read = |part: &Part| {
                let text = String::from_utf8_lossy(part.body()).into_owned();
                (part.header("content-TYPE"), text)
            };
            parts.iter().map(read).collect::<Vec<_>>()
        });
        let expected = expected.map(|parts| {
            let owned = parts.iter();
            owned
                .map(|(kind, text)| (kind.map(str::to_owned), (*text).to_owned()))
                .collect::<Vec<_>>()
        });
        assert_eq!(found, expected, "{body:?}");
    }

    #[test]
    fn parts_are_between_the_delimiters() {
        let csta = Some("application/csta+xml");
        let one = "--part\r\nContent-Type: application/csta+xml\r\n\r\n<a/>\r\n--part--\r\n";
        check(one, Some(&[(csta, "<a/>")]));
        check(&one.replace("\r\n", "\n"), Some(&[(csta, "<a/>")]));
        check(
            one.trim_end_matches("--part--\r\n"),
            Some(&[(csta, "<a/>")]),
        );
        check(
            &format!("preamble\r\n{one}epilogue"),
            Some(&[(csta, "<a/>")]),
        );
        check(
            "--part \r\n\r\n\r\n--part\r\nX: y\r\nContent-Type: multipart/mixed;\r\n boundary=b\r\n\r\na\r\n\r\n--part--",
            Some(&[(None, ""), (Some("multipart/mixed; boundary=b"), "a\r\n")]),
        );
        // A boundary within a line, or with more characters, is text.
        check(
            "--part\r\n\r\n--party\r\nx--part\r\n--part--",
            Some(&[(None, "--party\r\nx--part")]),
        );
        check("--part--", None);
        check("", None);
        check("text", None);
        check(&"--part\r\n\r\n\r\n".repeat(20), None);
    }

    proptest::proptest! {
        #[test]
        fn no_body_panics(body in "(--part|--|\r\n|\n|Content-Type: a/b|[ -~]{0,4}){0,24}") {
            for part in parts(&Bytes::from(body), "part").unwrap_or_default() {
                let _ = (part.header("Content-Type"), part.body().len());
            }
        }
    }
}
