//! Finds the end of a message's head in a stream, reading each byte once (RFC 3261, sections 7 and 18.3).

use super::{Excess, MessageLimits};

/// The progress of scanning the head at the start of a buffer.
///
/// A line ends with CR LF. A bare LF also counts, since some scripts send it.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// All line feeds before this offset were seen.
    scanned: usize,
    line_start: usize,
    headers: usize,
    folded: bool,
}

/// A complete head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extent {
    /// The length including the empty line, in bytes.
    pub(super) length: usize,
    /// Whether the head contains a folded line (RFC 3261, section 7.3.1).
    pub(super) folded: bool,
}

impl Scan {
    /// Scans the bytes since the last call. Limits apply to incomplete heads, so that a peer cannot
    /// force larger buffers. The reported limit does not depend on segmentation.
    pub(super) fn advance(
        &mut self,
        buffer: &[u8],
        limits: &MessageLimits,
    ) -> Result<Option<Extent>, Excess> {
        loop {
            let unseen = buffer.get(self.scanned..).unwrap_or_default();
            let feed = memchr::memchr(b'\n', unseen).map(|at| self.scanned + at);
            let end = feed.map_or(buffer.len(), |at| at + 1);
            self.scanned = end;
            let line_end = self.line_start.saturating_add(limits.line);
            if end > line_end.min(limits.head) {
                let excess = if line_end < limits.head {
                    Excess::Line(limits.line)
                } else {
                    Excess::Head(limits.head)
                };
                return Err(excess);
            }
            let Some(feed) = feed else { return Ok(None) };
            match buffer.get(self.line_start..feed).unwrap_or_default() {
                [] | [b'\r'] => {
                    return Ok(Some(Extent {
                        length: end,
                        folded: self.folded,
                    }));
                }
                _ if self.line_start == 0 => {}
                [b' ' | b'\t', ..] => self.folded = true,
                _ if self.headers == limits.headers => return Err(Excess::Headers(limits.headers)),
                _ => self.headers += 1,
            }
            self.line_start = end;
        }
    }

    /// The length of the complete lines so far, in bytes.
    pub(super) const fn complete(&self) -> usize {
        self.line_start
    }
}

/// Unfolds lines: replaces each line end before white space by spaces
/// (RFC 3261, section 7.3.1).
pub(super) fn unfold(head: &mut [u8]) {
    let mut at = 0;
    while let Some(next) = head.get(at..).and_then(|rest| memchr::memchr(b'\n', rest)) {
        at += next + 1;
        if matches!(head.get(at), Some(b' ' | b'\t')) {
            let start = if at >= 2 && head.get(at - 2) == Some(&b'\r') {
                at - 2
            } else {
                at - 1
            };
            head.get_mut(start..at).unwrap_or_default().fill(b' ');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: MessageLimits = MessageLimits {
        head: 40,
        line: 16,
        headers: 3,
        body: 0,
    };

    #[test]
    fn segmentation_does_not_affect_the_end() {
        let check = |text: &str, expected: Result<Option<usize>, Excess>| {
            let whole = Scan::default().advance(text.as_bytes(), &LIMITS);
            assert_eq!(
                whole.map(|extent| extent.map(|e| e.length)),
                expected,
                "{text:?}"
            );
            let mut scan = Scan::default();
            let mut cut = Ok(None);
            for end in 0..=text.len() {
                cut = scan.advance(&text.as_bytes()[..end], &LIMITS);
                if !matches!(cut, Ok(None)) {
                    break;
                }
            }
            assert_eq!(cut, whole, "{text:?} byte by byte");
        };
        check("", Ok(None));
        check("A\r\n\r\nbody", Ok(Some(5)));
        check("A\r\nb:c\r\n\r\n", Ok(Some(10)));
        check("A\nb:c\n\n", Ok(Some(7)));
        check("A\r\nb:c\r\n", Ok(None));
        check("A\r\nb:\r\n c\r\n\r\n", Ok(Some(13)));
        check("A\r\n1\r\n2\r\n3\r\n\r\n", Ok(Some(14)));
        check("A\r\n1\r\n2\r\n3\r\n4\r\n\r\n", Err(Excess::Headers(3)));
        check("AAAAAAAAAAAAAA\r\n\r\n", Ok(Some(18)));
        check("AAAAAAAAAAAAAAA\r\n\r\n", Err(Excess::Line(16)));
        check("AAAAAAAAAAAAAAAAA", Err(Excess::Line(16)));
        check(
            "A\r\n 234567890\r\n 234567890\r\n 234567890\r\n 234567890",
            Err(Excess::Head(40)),
        );
        check(
            "A\r\n 234567890\r\n 234567890\r\n 23456789012345678",
            Err(Excess::Head(40)),
        );
    }

    #[test]
    fn folded_lines_are_joined() {
        let check = |text: &str, unfolded: &str| {
            let mut bytes = text.as_bytes().to_vec();
            unfold(&mut bytes);
            assert_eq!(String::from_utf8_lossy(&bytes), unfolded, "{text:?}");
        };
        // RFC 3261, section 7.3.1.
        check("a: b\r\n c\r\n\td\r\ne: f\r\n", "a: b   c  \td\r\ne: f\r\n");
        check("a: b\n c\n", "a: b  c\n");
        check("a: b\r\n", "a: b\r\n");
        check("\n x", "  x");
    }
}
