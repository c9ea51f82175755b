//! The phone's lines: requested by GetSwitchingFunctionDevices, listed by the SwitchingFunctionDevices that follow (ECMA-269).

use std::{collections::HashMap, time::Duration};

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
    /// The received part of a list; unrequested lists are accepted as well.
    part: PartialList,
    /// The last unrequested list, if it came too soon.
    early: Option<PartialList>,
    /// Whether the phone reported a change that no request follows yet.
    has_changed: bool,
    /// When the next report of the phone's own accord may take effect.
    not_before: Duration,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum ListRequest {
    None,
    Sent,
    /// The phone accepted the request; the server gives up the list at this time.
    Promised(Duration),
}

/// The lines of a list within the limits.
#[derive(Debug, Default)]
struct PartialList {
    lines: Vec<DeviceId>,
    octets: usize,
    /// How many lines are left out.
    left_out: usize,
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

/// What [`LineList::due`] asks for.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum LinesDue {
    /// The promised list did not come: continue without a list.
    GiveUp,
    /// Request the lines.
    Request,
    /// A list that came too soon takes effect.
    Known(LinesKnown),
}

/// The maximum number of lines of a phone: more than any phone has keys for.
pub(super) const MAX_LINES: usize = 1000;
/// The maximum length of all names of a phone's lines, in octets.
pub(super) const MAX_OCTETS: usize = 64 << 10;
/// The maximum number of a phone's lines with one user part, which the directory searches one by one.
pub(super) const MAX_NAMESAKES: usize = 16;
/// A phone that reports its lines of its own accord is heard this often. A list costs a write to the disk, and news for all
/// clients.
const EVERY: Duration = Duration::from_secs(1);

impl PartialList {
    fn add(&mut self, device: Option<DeviceId>) {
        let line = device.filter(|line| {
            let length = line.as_str().len();
            self.lines.len() < MAX_LINES && length <= LONGEST && self.octets + length <= MAX_OCTETS
        });
        match line {
            Some(line) => {
                self.octets += line.as_str().len();
                self.lines.push(line);
            }
            None => self.left_out += 1,
        }
    }

    /// Leaves out the lines beyond [`MAX_NAMESAKES`] with one user part.
    fn complete(mut self) -> Self {
        let before = self.lines.len();
        let mut namesakes: HashMap<String, usize> = HashMap::new();
        self.lines.retain(|line| {
            let user = line.name().user.into_owned();
            let number = namesakes.entry(user).or_default();
            *number += 1;
            *number <= MAX_NAMESAKES
        });
        self.left_out += before - self.lines.len();
        self
    }
}

impl LineList {
    /// Creates the list with the phone's last known lines.
    pub(super) fn new(phone: PhoneId, lines: Vec<DeviceId>) -> Self {
        Self {
            phone,
            lines,
            is_listed: false,
            request: ListRequest::None,
            part: PartialList::default(),
            early: None,
            has_changed: false,
            not_before: Duration::ZERO,
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

    /// Whether the phone's lines may differ from its last list: another one is on its way, or has not taken effect yet.
    pub(super) fn may_differ(&self) -> bool {
        self.request != ListRequest::None || self.has_changed || self.early.is_some()
    }

    /// The phone reported that its lines changed. Returns whether to request them now; otherwise [`due`](Self::due) asks for
    /// that later.
    pub(super) fn changed(&mut self, now: Duration) -> bool {
        self.has_changed = true;
        self.is_change_due(now)
    }

    fn is_change_due(&self, now: Duration) -> bool {
        self.has_changed && self.request == ListRequest::None && self.not_before <= now
    }

    /// The server requests the lines.
    pub(super) fn requested(&mut self, now: Duration) {
        self.request = ListRequest::Sent;
        self.part = PartialList::default();
        self.early = None;
        self.has_changed = false;
        self.not_before = now + EVERY;
    }

    /// The phone accepted the request: its list is due by this time, unless the list has arrived already.
    pub(super) fn promised(&mut self, until: Duration) {
        if self.request == ListRequest::Sent {
            self.request = ListRequest::Promised(until);
        }
    }

    /// Adds a part of the list; returns the list when it is complete, unless it is unrequested and comes too soon.
    pub(super) fn add(
        &mut self,
        part: SwitchingFunctionDevices,
        now: Duration,
    ) -> Option<LinesKnown> {
        for device in part.device_list {
            self.part.add(device.device_id);
        }
        if !part.last_segment {
            return None;
        }
        let list = std::mem::take(&mut self.part).complete();
        if self.request == ListRequest::None {
            if now < self.not_before {
                self.early = Some(list);
                return None;
            }
            self.not_before = now + EVERY;
        }
        Some(self.listed(list))
    }

    fn listed(&mut self, list: PartialList) -> LinesKnown {
        let PartialList {
            lines, left_out, ..
        } = list;
        let is_new = self.lines != lines;
        if is_new {
            self.lines.clone_from(&lines);
        }
        self.request = ListRequest::None;
        self.early = None;
        LinesKnown {
            lines,
            is_new,
            is_news: !std::mem::replace(&mut self.is_listed, true) || is_new,
            left_out: if is_new { left_out } else { 0 },
        }
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

    /// When [`due`](Self::due) is due.
    pub(super) fn next_due(&self) -> Option<Duration> {
        match self.request {
            ListRequest::Promised(until) => Some(until),
            ListRequest::None if self.has_changed || self.early.is_some() => Some(self.not_before),
            ListRequest::None | ListRequest::Sent => None,
        }
    }

    /// The time has come: a promised list is given up, or a report that came too soon takes effect.
    pub(super) fn due(&mut self, now: Duration) -> Option<LinesDue> {
        if self.next_due()? > now {
            return None;
        }
        if let ListRequest::Promised(_) = self.request {
            return Some(LinesDue::GiveUp);
        }
        if self.is_change_due(now) {
            return Some(LinesDue::Request);
        }
        self.not_before = now + EVERY;
        let list = self.early.take()?;
        Some(LinesDue::Known(self.listed(list)))
    }

    /// The session ended: the next one requests the lines again.
    pub(super) fn session_lost(&mut self) {
        self.request = ListRequest::None;
        self.part = PartialList::default();
        self.early = None;
        self.has_changed = false;
    }
}

#[cfg(test)]
mod tests;
