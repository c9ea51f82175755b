//! Divides a list of lines, which is read in pages, into SwitchingFunctionDevices segments (ECMA-269).

use std::collections::VecDeque;

use uacsta_schema::csta::{ListedDevice, ServiceCrossRefId, SwitchingFunctionDevices};

use crate::{
    directory::{Entry, LineKey},
    registrar::LinePage,
};

/// The maximum number of lines in one SwitchingFunctionDevices: about 10 KiB.
const SEGMENT: usize = 100;
/// How many segments may be unanswered.
const AHEAD: usize = 4;

/// The segments of one list.
pub(super) struct Segments {
    cross_ref: ServiceCrossRefId,
    /// Lines that were read but not sent.
    lines: VecDeque<(Entry, String)>,
    last_read: Option<LineKey>,
    is_all_read: bool,
    is_all_sent: bool,
    sent: u32,
    unanswered: usize,
}

impl Segments {
    pub(super) fn new(cross_ref: ServiceCrossRefId) -> Self {
        Self {
            cross_ref,
            lines: VecDeque::new(),
            last_read: None,
            is_all_read: false,
            is_all_sent: false,
            sent: 0,
            unanswered: 0,
        }
    }

    pub(super) fn read(&mut self, page: LinePage) {
        let last = page.lines.last();
        self.last_read = last.map(|(entry, _)| (entry.name.clone(), entry.phone));
        self.is_all_read = page.is_last || self.last_read.is_none();
        self.lines.extend(page.lines);
    }

    /// The line after which the next page starts.
    pub(super) fn last_read(&self) -> Option<&LineKey> {
        self.last_read.as_ref()
    }

    /// Whether another page is to be read before the next segment.
    pub(super) fn lacks_lines(&self) -> bool {
        !self.is_all_read && self.lines.len() <= SEGMENT
    }

    /// Filters the lines that were read but not sent.
    pub(super) fn retain(&mut self, keep: impl Fn(&Entry) -> bool) {
        self.lines.retain(|(entry, _)| keep(entry));
    }

    /// The next segment that may be sent: a full one, or the last one.
    pub(super) fn next(&mut self) -> Option<SwitchingFunctionDevices> {
        if self.is_all_sent || self.unanswered >= AHEAD || self.lacks_lines() {
            return None;
        }
        let some = self.lines.drain(..SEGMENT.min(self.lines.len()));
        let device_list = some
            .map(|(entry, model)| ListedDevice {
                device_id: Some(entry.name),
                device_model_name: (!model.is_empty()).then_some(model),
                ..ListedDevice::default()
            })
            .collect();
        self.is_all_sent = self.is_all_read && self.lines.is_empty();
        self.sent += 1;
        self.unanswered += 1;
        Some(SwitchingFunctionDevices {
            service_cross_ref_id: self.cross_ref.clone(),
            segment_id: Some(self.sent),
            last_segment: self.is_all_sent,
            device_list,
        })
    }

    /// The client answered a segment, with success or an error.
    pub(super) fn answered(&mut self) {
        self.unanswered = self.unanswered.saturating_sub(1);
    }

    /// Whether all segments are sent and answered.
    pub(super) fn are_done(&self) -> bool {
        self.is_all_sent && self.unanswered == 0
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use uacsta_schema::csta::DeviceId;

    use super::*;

    /// The sizes of the segments of `lines` lines that are read in pages of `page` lines, where the client answers each segment.
    fn sizes(lines: usize, page: usize) -> Vec<usize> {
        let line = |number: usize| {
            let phone = "000413000001".parse().unwrap();
            let device = DeviceId::from(format!("{number:05}"));
            (Entry::alone(phone, device), String::new())
        };
        let all: Vec<_> = (0..lines).map(line).collect();
        let mut pages = all.chunks(page).peekable();
        let mut segments = Segments::new(ServiceCrossRefId::from("1"));
        let mut sizes = Vec::new();
        while !segments.are_done() {
            while let Some(segment) = segments.next() {
                sizes.push(segment.device_list.len());
                assert_eq!(segment.segment_id, Some(sizes.len() as u32));
                assert_eq!(segment.last_segment, segments.is_all_sent);
                assert!(segments.unanswered <= AHEAD);
            }
            if segments.lacks_lines() {
                let lines = pages.next().unwrap_or_default().to_vec();
                let is_last = pages.peek().is_none();
                segments.read(LinePage { lines, is_last });
            }
            segments.answered();
        }
        sizes
    }

    #[test]
    fn a_list_is_cut_into_full_segments_and_a_last_one() {
        let check = |lines: usize, expected: &[usize]| {
            for page in [1, 99, 100, 101, 400] {
                assert_eq!(sizes(lines, page), expected, "{lines} by {page}");
            }
        };
        check(0, &[0]);
        check(1, &[1]);
        check(100, &[100]);
        check(101, &[100, 1]);
        check(200, &[100, 100]);
        check(650, &[100, 100, 100, 100, 100, 100, 50]);
    }
}
