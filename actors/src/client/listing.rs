//! Sends a client its lists of lines (GetSwitchingFunctionDevices), one list at a time with a bounded number of unanswered
//! segments.
//!
//! A list is read in pages as its segments are sent, so that no turn is long and no copy of many lines is kept. Lines may be
//! added or removed meanwhile; a line that exists throughout is listed once, in the order of the names.

use std::{collections::VecDeque, mem, sync::Arc};

use uacsta_schema::{
    csta::{
        Dialect, GetSwitchingFunctionDevices, GetSwitchingFunctionDevicesResponse,
        RequestedDeviceCategory, ServiceCrossRefId, SwitchingFunctionDevices,
    },
    phone_id::PhoneId,
};

use super::{requests::CstaRequest, rights::Rights, segments::Segments};
use crate::{
    directory::{LineFilter, LineKey},
    registrar::LinePage,
    sip::session::SessionId,
};

/// A request for a list.
pub(super) struct ListRequest {
    /// The session's name on the connection.
    pub(super) id: SessionId,
    pub(super) cross_ref: ServiceCrossRefId,
    /// The requested lines.
    pub(super) which: GetSwitchingFunctionDevices,
    pub(super) request: CstaRequest,
}

/// A client's lists: the current one, and the queued requests.
#[derive(Default)]
pub(super) struct LineLists {
    waiting: VecDeque<ListRequest>,
    current: Option<LineList>,
    /// The number of the newest list.
    number: u64,
}

/// A list in progress.
struct LineList {
    /// The key of the session.
    session: u64,
    id: SessionId,
    which: GetSwitchingFunctionDevices,
    dialect: Dialect,
    segments: Segments,
    /// The request and its cross reference, until the first page has been read.
    unanswered: Option<(CstaRequest, ServiceCrossRefId)>,
    /// Whether a page is being read.
    is_reading: bool,
}

/// An input of the lists.
pub(super) enum ListEvent {
    Requested(ListRequest),
    /// The registrar answered for the list with this number; `None` if the registrar failed.
    PageRead(u64, Option<LinePage>),
    /// The retry delay after a failure of the registrar is over for the list with this number.
    RetryDue(u64),
    /// The client answered a segment of the list with this number, with success or an error.
    SegmentAnswered(u64),
    /// The session with this key ended.
    SessionEnded(u64),
    RightsChanged,
}

/// An effect of the lists.
pub(super) enum ListEffect {
    /// Ask the registrar for a page; answered by [`ListEvent::PageRead`].
    ReadPage(PageRequest),
    /// Wait before the next attempt to read a page of the list with this number.
    Retry(u64),
    /// Answer a request: the list starts.
    Respond(CstaRequest, GetSwitchingFunctionDevicesResponse),
    /// Refuse a request: the registrar failed.
    Refuse(CstaRequest),
    /// Answer a request whose session ended.
    Terminate(CstaRequest),
    /// Send a segment in a session; `number` is the list's number.
    Send {
        number: u64,
        id: SessionId,
        segment: SwitchingFunctionDevices,
        dialect: Dialect,
    },
}

/// The next page of a list.
pub(super) struct PageRequest {
    /// The list's number.
    pub(super) number: u64,
    /// The key of the session.
    pub(super) session: u64,
    pub(super) which: GetSwitchingFunctionDevices,
    /// The last line of the page before.
    pub(super) after: Option<LineKey>,
}

/// The lines that these rights allow to list; in a line's session those of its phone. All lines are stations.
pub(super) fn listed(
    which: &GetSwitchingFunctionDevices,
    phone: Option<PhoneId>,
    rights: &Rights,
) -> LineFilter {
    let category = which.requested_device_category.as_ref();
    let names = match &which.requested_device_id {
        _ if category.is_some_and(|it| *it != RequestedDeviceCategory::STATION) => {
            Some(Arc::default())
        }
        Some(device) => Some(Arc::new(rights.lines_called(device))),
        None => rights.lines(),
    };
    LineFilter { phone, names }
}

impl LineLists {
    /// Handles an input, and omits lines that `rights` hide.
    pub(super) fn on(&mut self, event: ListEvent, rights: &Rights) -> Vec<ListEffect> {
        let mut effects = Vec::new();
        let current = self.current.as_mut();
        match event {
            ListEvent::Requested(request) => self.waiting.push_back(request),
            ListEvent::PageRead(number, page) if number == self.number => {
                if let Some(list) = current
                    && !list.page_read(number, page, rights, &mut effects)
                {
                    self.current = None;
                }
            }
            ListEvent::RetryDue(number) if number == self.number => {
                effects.extend(current.map(|list| list.read_page(number)));
            }
            ListEvent::SegmentAnswered(number) if number == self.number => {
                if let Some(list) = current {
                    list.segments.answered();
                }
            }
            ListEvent::PageRead(..) | ListEvent::RetryDue(_) | ListEvent::SegmentAnswered(_) => {}
            ListEvent::SessionEnded(session) => {
                if current.is_some_and(|list| list.session == session) {
                    let unanswered = self.current.take().and_then(|list| list.unanswered);
                    effects.extend(unanswered.map(|(request, _)| ListEffect::Terminate(request)));
                }
                for waiting in mem::take(&mut self.waiting) {
                    if waiting.request.session == session {
                        effects.push(ListEffect::Terminate(waiting.request));
                    } else {
                        self.waiting.push_back(waiting);
                    }
                }
            }
            ListEvent::RightsChanged => {
                if let Some(list) = current {
                    list.segments.retain(|entry| rights.sees(entry));
                }
            }
        }
        self.proceed(&mut effects);
        effects
    }

    /// Sends the next segments of the current list, and starts the next list after the last answer.
    fn proceed(&mut self, effects: &mut Vec<ListEffect>) {
        if let Some(list) = &mut self.current {
            list.send(self.number, effects);
            if !list.segments.are_done() {
                return;
            }
            self.current = None;
        }
        if let Some(request) = self.waiting.pop_front() {
            self.number += 1;
            let list = self.current.insert(LineList::new(request));
            effects.push(list.read_page(self.number));
        }
    }
}

impl LineList {
    fn new(request: ListRequest) -> Self {
        let ListRequest {
            id,
            cross_ref,
            which,
            request,
        } = request;
        Self {
            session: request.session,
            id,
            which,
            dialect: request.document.dialect(),
            segments: Segments::new(cross_ref.clone()),
            unanswered: Some((request, cross_ref)),
            is_reading: true,
        }
    }

    /// Takes a page; returns whether the list goes on.
    fn page_read(
        &mut self,
        number: u64,
        page: Option<LinePage>,
        rights: &Rights,
        effects: &mut Vec<ListEffect>,
    ) -> bool {
        match (page, self.unanswered.take()) {
            (None, Some((request, _))) => {
                effects.push(ListEffect::Refuse(request));
                false
            }
            (None, None) => {
                effects.push(ListEffect::Retry(number));
                true
            }
            (Some(page), unanswered) => {
                if let Some((request, service_cross_ref_id)) = unanswered {
                    let response = GetSwitchingFunctionDevicesResponse {
                        service_cross_ref_id,
                    };
                    effects.push(ListEffect::Respond(request, response));
                }
                self.is_reading = false;
                self.segments.read(page);
                self.segments.retain(|entry| rights.sees(entry));
                true
            }
        }
    }

    fn send(&mut self, number: u64, effects: &mut Vec<ListEffect>) {
        while let Some(segment) = self.segments.next() {
            effects.push(ListEffect::Send {
                number,
                id: self.id,
                segment,
                dialect: self.dialect.clone(),
            });
        }
        if self.segments.lacks_lines() && !mem::replace(&mut self.is_reading, true) {
            effects.push(self.read_page(number));
        }
    }

    fn read_page(&self, number: u64) -> ListEffect {
        ListEffect::ReadPage(PageRequest {
            number,
            session: self.session,
            which: self.which.clone(),
            after: self.segments.last_read().cloned(),
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use uacsta_schema::csta::DeviceId;

    use super::*;
    use crate::{client::fixtures::request, directory::Entry};

    /// A request for a list in a session, as an event.
    fn requested(session: u64) -> ListEvent {
        ListEvent::Requested(ListRequest {
            id: SessionId::NONE,
            cross_ref: ServiceCrossRefId::from(session.to_string()),
            which: GetSwitchingFunctionDevices::default(),
            request: request(session, "GetSwitchingFunctionDevices", ""),
        })
    }

    /// A page that was read for a list: lines with these numbers.
    fn page(list: u64, lines: std::ops::Range<usize>, is_last: bool) -> ListEvent {
        let line = |number: usize| {
            let phone = "000413000001".parse().unwrap();
            let device = DeviceId::from(format!("{number:05}"));
            (Entry::alone(phone, device), String::new())
        };
        let lines = lines.map(line).collect();
        ListEvent::PageRead(list, Some(LinePage { lines, is_last }))
    }

    /// Plays events and compares the effects of each with words for them.
    fn play(rights: &Rights, steps: Vec<(ListEvent, &str)>) {
        let mut lists = LineLists::default();
        for (place, (event, expected)) in steps.into_iter().enumerate() {
            let effects = lists.on(event, rights);
            let words: Vec<String> = effects
                .iter()
                .map(|effect| match effect {
                    ListEffect::ReadPage(page) => format!("read {}", page.number),
                    ListEffect::Retry(number) => format!("retry {number}"),
                    ListEffect::Respond(request, _) => format!("respond {}", request.session),
                    ListEffect::Refuse(request) => format!("refuse {}", request.session),
                    ListEffect::Terminate(request) => format!("terminate {}", request.session),
                    ListEffect::Send { segment, .. } => {
                        format!("send {}", segment.device_list.len())
                    }
                })
                .collect();
            assert_eq!(words.join(", "), expected, "step {place}");
        }
    }

    #[test]
    fn lists_are_sent_one_after_the_other() {
        let answered = ListEvent::SegmentAnswered;
        let steps = vec![
            (requested(1), "read 1"),
            (requested(2), ""),
            (page(1, 0..3, true), "respond 1, send 3"),
            (answered(7), ""),
            (answered(1), "read 2"),
            (page(1, 0..3, true), ""),
            (page(2, 0..0, true), "respond 2, send 0"),
            (answered(2), ""),
            (requested(1), "read 3"),
        ];
        play(&Rights::all(&uacsta_config::Numbers::default()), steps);
    }

    #[test]
    fn a_long_list_is_read_in_pages_ahead_of_the_answers() {
        let steps = vec![
            (requested(1), "read 1"),
            (page(1, 0..100, false), "respond 1, read 1"),
            (page(1, 100..200, false), "send 100, read 1"),
            (ListEvent::SegmentAnswered(1), ""),
            (ListEvent::PageRead(1, None), "retry 1"),
            (ListEvent::RetryDue(1), "read 1"),
            (page(1, 200..250, true), "send 100, send 50"),
        ];
        play(&Rights::all(&uacsta_config::Numbers::default()), steps);
    }

    #[test]
    fn the_end_of_a_session_ends_its_lists() {
        let steps = vec![
            (requested(1), "read 1"),
            (requested(2), ""),
            (requested(1), ""),
            (
                ListEvent::SessionEnded(1),
                "terminate 1, terminate 1, read 2",
            ),
            (page(1, 0..3, true), ""),
            (page(2, 0..3, true), "respond 2, send 3"),
            (ListEvent::SessionEnded(2), ""),
            (ListEvent::RetryDue(2), ""),
        ];
        play(&Rights::all(&uacsta_config::Numbers::default()), steps);
    }

    #[test]
    fn a_list_is_refused_where_its_first_page_cannot_be_read() {
        let steps = vec![
            (requested(1), "read 1"),
            (requested(2), ""),
            (ListEvent::PageRead(1, None), "refuse 1, read 2"),
        ];
        play(&Rights::all(&uacsta_config::Numbers::default()), steps);
    }

    #[test]
    fn hidden_lines_are_left_out() {
        let steps = vec![
            (requested(1), "read 1"),
            (page(1, 0..3, true), "respond 1, send 1"),
            (ListEvent::RightsChanged, ""),
        ];
        play(&Rights::of_lines(&["00001"]), steps);
    }
}
