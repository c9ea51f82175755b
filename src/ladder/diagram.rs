//! Draws the messages between a peer and the server as a ladder of arrows.

use std::{fmt::Write as _, sync::Arc};

use jiff::{Timestamp, tz::TimeZone};
use uacsta_actors::ladder::{Direction, Party, Path, RecordedMessage};
use uacsta_schema::escape_controls;

/// Draws one message after the other.
#[derive(Debug)]
pub struct Diagram {
    party: String,
    /// The addresses and the day of the last message.
    path: Option<Arc<Path>>,
    day: String,
}

/// The columns between the two lines of the ladder, and those before the first one.
const WIDTH: usize = 58;
const MARGIN: usize = 16;

impl Diagram {
    /// An empty diagram.
    #[must_use]
    pub fn new(party: &Party) -> Self {
        let party = match party {
            Party::Phone(phone) => format!("phone {phone}"),
            Party::Client(user) => format!("client {user}"),
        };
        Self {
            party: escape_controls(&party, &[]).into_owned(),
            path: None,
            day: String::new(),
        }
    }

    /// The diagram of these messages.
    #[must_use]
    pub fn of<'a>(
        party: &Party,
        messages: impl IntoIterator<Item = &'a RecordedMessage>,
    ) -> String {
        let mut diagram = Self::new(party);
        let mut text = String::new();
        for message in messages {
            text.push_str(&diagram.message(message));
        }
        if text.is_empty() {
            return diagram.none();
        }
        text
    }

    /// What is shown in place of no messages.
    pub fn none(&self) -> String {
        format!("no messages of {} are kept\n", self.party)
    }

    /// The lines of one message: its arrow, below the day and the addresses where these differ from the last message's.
    pub fn message(&mut self, message: &RecordedMessage) -> String {
        let (day, time) = day_and_time(message);
        let mut text = String::new();
        // Writing to a string does not fail.
        if day != self.day {
            let _ = writeln!(text, "{day} UTC");
            self.day = day;
        }
        if self.path.as_deref() != Some(&*message.path) {
            let Path {
                local,
                peer,
                transport,
            } = *message.path;
            let left = format!("{} {peer} {transport}", self.party);
            let right = format!("server {local}");
            let gap = (MARGIN + WIDTH + 2)
                .saturating_sub(left.chars().count() + right.len())
                .max(2);
            let _ = writeln!(text, "{left}{:gap$}{right}", "");
            self.path = Some(Arc::clone(&message.path));
        }
        let summary = message.summary();
        let label = summary.to_string();
        let arrow = arrow(&escape_controls(&label, &[]), message.direction);
        let _ = write!(
            text,
            "{time} |{arrow}| {}",
            escape_controls(&summary.cseq, &[])
        );
        if message.is_truncated() {
            let _ = write!(text, " ({} octets, not kept as a whole)", message.length);
        }
        text.push('\n');
        text
    }
}

fn arrow(label: &str, direction: Direction) -> String {
    let longest = WIDTH - 8;
    let label: String = match label.char_indices().nth(longest) {
        Some(_) => label
            .chars()
            .take(longest - 3)
            .chain("...".chars())
            .collect(),
        None => label.to_owned(),
    };
    let rest = "-".repeat(WIDTH - 5 - label.chars().count());
    match direction {
        Direction::Received => format!("-- {label} {rest}>"),
        Direction::Sent => format!("<{rest} {label} --"),
    }
}

fn day_and_time(message: &RecordedMessage) -> (String, String) {
    let at = i64::try_from(message.at.as_micros()).ok();
    let at = at.and_then(|at| Timestamp::from_microsecond(at).ok());
    let at = at.unwrap_or_default().to_zoned(TimeZone::UTC);
    let text = |format| at.strftime(format).to_string();
    (text("%Y-%m-%d"), text("%H:%M:%S%.6f"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::time::Duration;

    use bytes::Bytes;
    use uacsta_schema::sip::Transport;

    use super::*;

    fn message(seconds: u64, direction: Direction, peer: &str, start: &str) -> RecordedMessage {
        let path = Path {
            local: "192.0.2.1:5060".parse().unwrap(),
            peer: peer.parse().unwrap(),
            transport: Transport::TCP,
        };
        let text = format!(
            "{start}\r\nVia: SIP/2.0/TCP h\r\nFrom: <sip:a@h>;tag=1\r\nTo: <sip:b@h>\r\nCall-ID: c\r\nCSeq: 7 INFO\r\n\r\n"
        );
        let at = Duration::from_secs(1_700_000_000 + seconds);
        RecordedMessage::new(at, direction, Arc::new(path), Bytes::from(text))
    }

    #[test]
    fn day_and_addresses_are_written_when_they_change() {
        let party = Party::Phone("000413000001".parse().unwrap());
        let [first, second] = ["192.0.2.7:40000", "192.0.2.7:40001"];
        let messages = [
            message(0, Direction::Received, first, "INFO sip:h SIP/2.0"),
            message(1, Direction::Sent, first, "SIP/2.0 200 OK"),
            message(2, Direction::Sent, second, "INFO\u{7} sip:h SIP/2.0"),
            message(
                86_400,
                Direction::Received,
                second,
                &format!("SIP/2.0 500 {}", "x".repeat(99)),
            ),
        ];
        let expected = "\
2023-11-14 UTC
phone 00:04:13:00:00:01 192.0.2.7:40000 TCP            server 192.0.2.1:5060
22:13:20.000000 |-- INFO ------------------------------------------------->| 7 INFO
22:13:21.000000 |<----------------------------------------------- 200 OK --| 7 INFO
phone 00:04:13:00:00:01 192.0.2.7:40001 TCP            server 192.0.2.1:5060
22:13:22.000000 |<------------------- invalid: the method is not a token --| 7 INFO
2023-11-15 UTC
22:13:20.000000 |-- 500 xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx... --->| 7 INFO
";
        assert_eq!(Diagram::of(&party, &messages), expected);
        assert_eq!(
            Diagram::of(&party, []),
            "no messages of phone 00:04:13:00:00:01 are kept\n"
        );
    }
}
