//! The topics of a stream: those of which the latest events are kept, and those that are told live alone.

use uacsta_schema::phone_id::PhoneId;

use super::{Kind, Problem, kinds::Topic};
use crate::{
    api::access::{LogOn, may},
    operators::Right,
    texts::Text,
};

/// What a stream tells of.
#[derive(Clone, Debug)]
pub(super) struct Topics {
    pub(super) kept: Vec<Topic>,
    pub(super) live: Vec<LiveTopic>,
}

/// A topic of which no history is kept.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum LiveTopic {
    /// The lines of the log.
    Logs,
    /// The messages of a phone.
    Trace(PhoneId),
}

/// The most topics of a stream without history.
const MOST_LIVE: usize = 8;

impl Topics {
    /// The topics in a list that is separated by commas.
    pub(super) fn read(list: &str) -> Result<Self, Problem> {
        let mut topics = Self {
            kept: Vec::new(),
            live: Vec::new(),
        };
        if list.is_empty() {
            return Err(wrong(Text::new("topics-needed").with("known", known())));
        }
        for name in list.split(',') {
            topics.add(name).map_err(wrong)?;
        }
        if topics.live.len() > MOST_LIVE {
            return Err(wrong(
                Text::new("live-topics-at-most").with("most", MOST_LIVE),
            ));
        }
        Ok(topics)
    }

    fn add(&mut self, name: &str) -> Result<(), Text> {
        if let Some(topic) = Topic::ALL.into_iter().find(|topic| topic.name() == name) {
            if !self.kept.contains(&topic) {
                self.kept.push(topic);
            }
            return Ok(());
        }
        let topic = match name.strip_prefix("trace:") {
            Some(phone) => LiveTopic::Trace(phone.parse().map_err(|_| Text::new("no-phone-id"))?),
            None if name == "logs" => LiveTopic::Logs,
            None => return Err(Text::new("unknown-topic").with("known", known())),
        };
        if !self.live.contains(&topic) {
            self.live.push(topic);
        }
        Ok(())
    }

    /// Whether a log-on may follow all of them.
    pub(super) fn admit(&self, log_on: &LogOn) -> Result<(), Problem> {
        let needs_admin = self.kept.contains(&Topic::Audit) || !self.live.is_empty();
        let lacks_admin = needs_admin && !may(log_on, Right::Admin);
        if lacks_admin || !may(log_on, Right::Read) {
            let needed = if lacks_admin { "administer" } else { "read" };
            let detail = Text::new("right-lacking").with("name", log_on.name.as_str());
            let detail = detail.with("needed", needed);
            return Err(Problem::new(Kind::NO_RIGHT, detail));
        }
        Ok(())
    }

    /// Refuses topics of which a page knows nothing.
    pub(super) fn admit_page(&self) -> Result<(), Problem> {
        if self.live.is_empty() {
            return Ok(());
        }
        Err(wrong(Text::new("live-topics-polled")))
    }
}

impl LiveTopic {
    /// Its name among the topics.
    pub(super) fn name(self) -> String {
        match self {
            Self::Logs => "logs".to_owned(),
            Self::Trace(phone) => format!("trace:{}", phone.bare()),
        }
    }

    /// Where its history is.
    pub(super) fn path(self) -> String {
        match self {
            Self::Logs => "/api/v1/logs/lines".to_owned(),
            Self::Trace(phone) => format!("/api/v1/phones/{}/trace", phone.bare()),
        }
    }
}

fn known() -> String {
    let names = Topic::ALL.map(Topic::name).join(", ");
    format!("{names}, logs, trace:PHONE")
}

fn wrong(detail: Text) -> Problem {
    Problem::parameter("topics", detail)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn topics_are_read_from_a_list() {
        let mac = "000413000001".parse().unwrap();
        let trace = LiveTopic::Trace(mac);
        for (list, kept, live) in [
            ("phones", vec![Topic::Phones], vec![]),
            (
                "audit,logs,audit",
                vec![Topic::Audit],
                vec![LiveTopic::Logs],
            ),
            ("trace:000413000001", vec![], vec![trace]),
            (
                "trace:00:04:13:00:00:01,trace:000413000001",
                vec![],
                vec![trace],
            ),
        ] {
            let topics = Topics::read(list).unwrap();
            assert_eq!((topics.kept, topics.live), (kept, live), "{list}");
        }
        let many: Vec<String> = (0..9).map(|number| format!("trace:{number}")).collect();
        for (list, words) in [
            ("", "name topics"),
            (",", "unknown topic"),
            ("calls", "unknown topic"),
            ("trace", "unknown topic"),
            ("trace:", "a phone is named by"),
            (&many.join(","), "at most 8"),
        ] {
            let refused = Topics::read(list).unwrap_err().to_string();
            assert!(refused.contains(words), "{list}: {refused}");
        }
    }
}
