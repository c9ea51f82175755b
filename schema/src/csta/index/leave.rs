//! Records the spans and edits of an element at its end tag.

use super::{Indexer, OpenElement, Role};
use crate::csta::{
    catalogue::{Kind, Place},
    downgrade::older_value,
    edit::{Edit, Side, What, Wrapping},
    edition::Edition,
    xml::{Span, Tag},
};

impl Indexer<'_> {
    /// Handles the end of an element; `close` is `None` for an empty-element tag.
    pub(super) fn leave(&mut self, frame: OpenElement, close: Option<Span>) {
        let tag = frame.tag;
        let content = Span {
            start: tag.span.end,
            end: close.map_or(tag.span.end, |close| close.start),
        };
        match frame.role {
            Role::Other => self.leave_value(&tag, content),
            Role::Connection | Role::Party(_) => {}
            Role::SummaryMember(member) => self.found.summary[member as usize] = content,
            Role::Root => self.leave_root(&tag),
            Role::CrossRef => {
                self.found.cross_ref.get_or_insert(content);
                self.edit(&tag, content, |reopened| {
                    What::CrossRef(Wrapping::of(None, None, reopened))
                });
            }
            Role::Device => {
                if self
                    .found
                    .device
                    .is_none_or(|found| found.range().is_empty())
                {
                    self.found.device = Some(content);
                }
                self.edit(&tag, content, |reopened| {
                    What::Device(Wrapping::of(None, None, reopened))
                });
            }
            Role::Line => {
                self.found.line.get_or_insert(content);
            }
            Role::Holder { member, at, seen } => {
                if !seen {
                    self.edit(&tag, Span::at(at), |reopened| {
                        What::Device(Wrapping::of(None, Some(member), reopened))
                    });
                }
            }
            Role::CallId => {
                let after = close.map_or(tag.span.end, |close| close.end);
                if let Some(OpenElement {
                    role: Role::Holder { at, .. },
                    ..
                }) = self.open.last_mut()
                {
                    *at = after;
                }
            }
            Role::Newer(since) => {
                let span = Span {
                    start: tag.span.start,
                    end: close.map_or(tag.span.end, |close| close.end),
                };
                self.found.edits.push(Edit {
                    span,
                    what: What::CutBelow(since),
                });
            }
            Role::Destination { first, listed } => self.leave_destination(content, first, listed),
            Role::ListedDestination => {
                if let Some(OpenElement {
                    role: Role::Destination { first, .. },
                    ..
                }) = self.open.last_mut()
                {
                    first.get_or_insert(content);
                }
            }
        }
    }

    fn leave_root(&mut self, tag: &Tag) {
        let inside = Span::at(tag.span.end);
        if matches!(self.found.kind, Kind::Event(_)) && self.found.cross_ref.is_none() {
            let outer = Some("monitorCrossRefID");
            self.edit(tag, inside, |reopened| {
                What::CrossRef(Wrapping::of(outer, None, reopened))
            });
        }
        if self.place_seen {
            return;
        }
        let (outer, inner) = match self.places.first() {
            Some(Place::Device(member)) => (*member, None),
            Some(Place::Connection(member)) => (*member, Some("deviceID")),
            Some(Place::MonitorObject) => ("monitorObject", Some("deviceObject")),
            Some(Place::Optional(_) | Place::Beside(_)) | None => return,
        };
        self.edit(tag, inside, |reopened| {
            What::Device(Wrapping::of(Some(outer), inner, reopened))
        });
    }

    /// Records the replacement of a value that older editions lack, except in private data.
    fn leave_value(&mut self, tag: &Tag, content: Span) {
        let name = self.scanner.text(tag.local);
        let may_be_newer = matches!(
            name,
            "cause" | "deviceCategory" | "systemResourceAvailibility"
        );
        let is_private = |frame: &OpenElement| self.scanner.text(frame.tag.local) == "extensions";
        if !may_be_newer || !tag.space.is_csta() || self.open.get(1).is_some_and(is_private) {
            return;
        }
        if let Some(older) = older_value(name, self.scanner.text(content).trim()) {
            self.found.edits.push(Edit {
                span: content,
                what: What::ValueBelow(Edition::Ed6, older),
            });
        }
    }

    fn leave_destination(&mut self, content: Span, first: Option<Span>, listed: bool) {
        const LISTED_SINCE: Edition = Edition::Ed6;
        let edits = match first {
            Some(first) => [
                (
                    Span {
                        start: content.start,
                        end: first.start,
                    },
                    What::CutBelow(LISTED_SINCE),
                ),
                (
                    Span {
                        start: first.end,
                        end: content.end,
                    },
                    What::CutBelow(LISTED_SINCE),
                ),
            ],
            None if listed || content.range().is_empty() => return,
            None => [
                (
                    Span::at(content.start),
                    What::DeviceTagFrom(LISTED_SINCE, Side::Start),
                ),
                (
                    Span::at(content.end),
                    What::DeviceTagFrom(LISTED_SINCE, Side::End),
                ),
            ],
        };
        self.found
            .edits
            .extend(edits.map(|(span, what)| Edit { span, what }));
    }

    /// Records an edit inside the element `tag`: at `span`, or in place of `/>` if the element is empty.
    fn edit(&mut self, tag: &Tag, span: Span, what: impl FnOnce(Option<Span>) -> What) {
        let edit = if tag.empty {
            Edit {
                span: Span {
                    start: tag.span.end - 2,
                    end: tag.span.end,
                },
                what: what(Some(tag.name)),
            }
        } else {
            Edit {
                span,
                what: what(None),
            }
        };
        self.found.edits.push(edit);
    }
}
