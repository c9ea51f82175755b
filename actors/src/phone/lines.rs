//! The phone's lines: requested by GetSwitchingFunctionDevices, listed by the SwitchingFunctionDevices that follow (ECMA-269).

use std::time::Duration;

use uacsta_schema::{
    csta::{DeviceId, SwitchingFunctionDevices},
    phone_id::PhoneId,
};

use crate::directory::LONGEST;

/// The phone's lines, and the list that is being received.
#[derive(Debug)]
pub(super) struct LineList {
    phone: PhoneId,
    lines: Vec<DeviceId>,
    /// Whether the phone listed the lines itself since the last request.
    is_listed: bool,
    request: ListRequest,
    /// The received parts of the list; unrequested lists are accepted as well.
    parts: Vec<DeviceId>,
    /// How many lines of the list that is being received are left out.
    left_out: usize,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum ListRequest {
    None,
    Sent,
    /// The phone accepted the request; the server gives up the list at this time.
    Promised(Duration),
}

/// A complete list of lines, or the substitute for a missing one.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct LinesKnown {
    /// The lines for the directory.
    pub(super) lines: Vec<DeviceId>,
    /// Whether the lines differ from the former ones.
    pub(super) is_new: bool,
    /// Whether to notify the monitor points.
    pub(super) is_news: bool,
    /// How many lines of a new list are left out.
    pub(super) left_out: usize,
}

/// The maximum number of lines of a phone: more than any phone has keys for.
pub(super) const MAX_LINES: usize = 1000;

impl LineList {
    /// Creates the list with the phone's last known lines.
    pub(super) fn new(phone: PhoneId, lines: Vec<DeviceId>) -> Self {
        Self {
            phone,
            lines,
            is_listed: false,
            request: ListRequest::None,
            parts: Vec::new(),
            left_out: 0,
        }
    }

    /// The phone's last list.
    pub(super) fn lines(&self) -> &[DeviceId] {
        &self.lines
    }

    /// Whether the phone has a line. A phone that lists no lines may have any.
    pub(super) fn has(&self, line: &DeviceId) -> bool {
        let is_phones = |line: &DeviceId| line.name().user.parse() == Ok(self.phone);
        !self.is_listed
            || self.lines.contains(line)
            || (line.as_str() == &*self.phone.bare() && self.lines.iter().all(is_phones))
    }

    /// The server requests the lines.
    pub(super) fn requested(&mut self) {
        self.request = ListRequest::Sent;
        self.parts.clear();
        self.left_out = 0;
    }

    /// The phone accepted the request: its list is due by this time, unless the list has arrived already.
    pub(super) fn promised(&mut self, until: Duration) {
        if self.request == ListRequest::Sent {
            self.request = ListRequest::Promised(until);
        }
    }

    /// Adds a part of the list; returns the list when it is complete.
    pub(super) fn add(&mut self, part: SwitchingFunctionDevices) -> Option<LinesKnown> {
        for device in part.device_list {
            match device.device_id {
                Some(line) if self.parts.len() < MAX_LINES && line.as_str().len() <= LONGEST => {
                    self.parts.push(line);
                }
                _ => self.left_out += 1,
            }
        }
        if !part.last_segment {
            return None;
        }
        let lines = std::mem::take(&mut self.parts);
        let left_out = std::mem::take(&mut self.left_out);
        let is_new = self.lines != lines;
        if is_new {
            self.lines.clone_from(&lines);
        }
        self.request = ListRequest::None;
        Some(LinesKnown {
            lines,
            is_new,
            is_news: !std::mem::replace(&mut self.is_listed, true) || is_new,
            left_out: if is_new { left_out } else { 0 },
        })
    }

    /// Continues without a list: with the former lines, else with the registered `identity`. The directory ignores a MAC
    /// address.
    pub(super) fn give_up(&mut self, identity: Option<&str>) -> LinesKnown {
        self.request = ListRequest::None;
        self.is_listed = false;
        let mut lines = self.lines.clone();
        if lines.is_empty() {
            lines.extend(identity.map(DeviceId::from));
        }
        LinesKnown {
            lines,
            is_new: false,
            is_news: false,
            left_out: 0,
        }
    }

    /// When a promised list is given up.
    pub(super) fn next_due(&self) -> Option<Duration> {
        match self.request {
            ListRequest::Promised(until) => Some(until),
            ListRequest::None | ListRequest::Sent => None,
        }
    }

    /// The session ended: the next one requests the lines again.
    pub(super) fn session_lost(&mut self) {
        self.request = ListRequest::None;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use uacsta_schema::csta::ListedDevice;

    use super::*;

    fn list(listed: bool, lines: &[&str]) -> LineList {
        let lines = lines.iter().map(|line| DeviceId::from(*line)).collect();
        LineList {
            is_listed: listed,
            ..LineList::new("000413000001".parse().unwrap(), lines)
        }
    }

    fn part(lines: &[&str], last_segment: bool) -> SwitchingFunctionDevices {
        let device = |line: &&str| ListedDevice {
            device_id: Some(DeviceId::from(*line)).filter(|line| !line.as_str().is_empty()),
            ..ListedDevice::default()
        };
        SwitchingFunctionDevices {
            device_list: lines.iter().map(device).collect(),
            last_segment,
            ..SwitchingFunctionDevices::default()
        }
    }

    #[test]
    fn a_phone_has_the_lines_that_it_lists() {
        #[track_caller]
        fn check(is_listed: bool, lines: &[&str], line: &str, expected: bool) {
            let list = list(is_listed, lines);
            assert_eq!(list.has(&DeviceId::from(line)), expected, "{line} {list:?}");
        }
        check(true, &["sip:215@a"], "sip:215@a", true);
        check(true, &["sip:216@a"], "sip:215@a", false);
        check(true, &["sip:215@b"], "sip:215@a", false);
        check(true, &["sip:215@a"], "000413000001", false);
        check(true, &["sip:000413000001@a"], "000413000001", true);
        check(true, &[], "000413000001", true);
        check(true, &[], "sip:215@a", false);
        // The former lines, or those of a phone that cannot list lines.
        check(false, &[], "sip:215@a", true);
    }

    #[test]
    fn parts_make_a_list() {
        #[track_caller]
        fn check(
            mut list: LineList,
            parts: &[&[&str]],
            lines: &[&str],
            flags: (bool, bool, usize),
        ) {
            let mut known = None;
            for (at, lines) in parts.iter().enumerate() {
                assert_eq!(known, None);
                known = list.add(part(lines, at + 1 == parts.len()));
            }
            let known = known.unwrap();
            let listed: Vec<&str> = known.lines.iter().map(DeviceId::as_str).collect();
            assert_eq!(listed, lines);
            assert_eq!(
                (known.is_new, known.is_news, known.left_out),
                flags,
                "{parts:?}"
            );
            assert!(list.is_listed);
        }
        check(
            list(false, &[]),
            &[&["1", "2"], &["3"]],
            &["1", "2", "3"],
            (true, true, 0),
        );
        check(list(true, &["1"]), &[&["1"]], &["1"], (false, false, 0));
        check(list(false, &["1"]), &[&["1"]], &["1"], (false, true, 0));
        check(list(true, &["1"]), &[&["2", ""]], &["2"], (true, true, 1));
        // The log has named the left-out lines before.
        check(list(true, &["1"]), &[&["1", ""]], &["1"], (false, false, 0));
    }

    #[test]
    fn a_promised_list_is_due_until_it_comes() {
        let due = Duration::from_secs(10);
        let mut list = list(true, &[]);
        list.requested();
        assert_eq!(list.next_due(), None);
        list.promised(due);
        assert_eq!(list.next_due(), Some(due));
        let known = list.give_up(Some("sip:215@a"));
        assert_eq!(known.lines, [DeviceId::from("sip:215@a")]);
        assert_eq!(list.next_due(), None);
        list.requested();
        list.add(part(&["1"], true));
        list.promised(due);
        assert_eq!(list.next_due(), None, "it came before the response");
        assert_eq!(list.give_up(Some("2")).lines, [DeviceId::from("1")]);
        list.requested();
        list.promised(due);
        list.session_lost();
        assert_eq!(list.next_due(), None);
    }
}
