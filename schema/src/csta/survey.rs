//! The one pass over an arriving document: what its root says, and where the members lie that are ours to read or change.

use smallvec::SmallVec;

use super::edition::Edition;
use super::error::ReadError;
use super::newer::{NEWER_ATTRIBUTES, Newer, newer_in};
use super::relay::{Edit, Side, What, Wrapping};
use super::roots::{self, Kind, Place};
use super::xml::{Scanner, Space, Span, Tag, Token};

/// What the pass has found.
#[derive(Debug)]
pub(super) struct Survey {
    pub(super) kind: Kind,
    /// The root's local name.
    pub(super) root: Span,
    pub(super) prefix: Option<Span>,
    pub(super) edition: Option<Edition>,
    /// The contents of `monitorCrossRefID`, of the addressed device and of the private line.
    pub(super) cross_ref: Option<Span>,
    pub(super) device: Option<Span>,
    pub(super) line: Option<Span>,
    /// In the order of the document; what contains others before them.
    pub(super) edits: SmallVec<[Edit; 4]>,
}

pub(super) fn survey(text: &str) -> Result<Survey, ReadError> {
    let mut surveyor = Surveyor {
        scanner: Scanner::new(text),
        found: Survey {
            kind: Kind::Unknown,
            root: Span::at(0),
            prefix: None,
            edition: None,
            cross_ref: None,
            device: None,
            line: None,
            edits: SmallVec::new(),
        },
        open: SmallVec::new(),
        newer: SmallVec::new(),
        places: &[],
        place_seen: false,
    };
    while let Some(token) = surveyor.scanner.next()? {
        match token {
            Token::Open(tag) => {
                let frame = surveyor.enter(&tag)?;
                surveyor.note_attributes(&tag);
                if tag.empty {
                    surveyor.leave(frame, None);
                } else {
                    surveyor.open.push(frame);
                }
            }
            Token::Close(span) => {
                if let Some(frame) = surveyor.open.pop() {
                    surveyor.leave(frame, Some(span));
                }
            }
            Token::Text(_) | Token::Verbatim(_) => {}
        }
    }
    surveyor.found.edits.sort_by_key(|edit| edit.span.start);
    Ok(surveyor.found)
}

struct Surveyor<'a> {
    scanner: Scanner<'a>,
    found: Survey,
    open: SmallVec<[Frame; 8]>,
    newer: SmallVec<[&'static Newer; 6]>,
    places: &'static [Place],
    place_seen: bool,
}

impl Surveyor<'_> {
    fn enter(&mut self, tag: &Tag) -> Result<Frame, ReadError> {
        let role = match self.open.as_slice() {
            [] => self.enter_root(tag)?,
            [_, extensions, data, private] if tag.space == Space::Rcc => {
                let names = [extensions.tag, data.tag, private.tag, *tag]
                    .map(|tag| self.scanner.text(tag.local));
                if names == ["extensions", "privateData", "private", "line"] {
                    Role::Line
                } else {
                    Role::Other
                }
            }
            _ if !tag.space.is_csta() => Role::Other,
            [_] => self.enter_member(tag),
            [.., _] => self.enter_inner(tag),
        };
        Ok(Frame { tag: *tag, role })
    }

    fn enter_root(&mut self, tag: &Tag) -> Result<Role, ReadError> {
        let name = self.scanner.text(tag.local);
        let prefix = (tag.name.start < tag.local.start).then(|| Span {
            start: tag.name.start,
            end: tag.local.start - 1,
        });
        let edition = match tag.space {
            Space::Csta(edition) => Some(edition),
            Space::None => {
                self.declare_at(tag.name.end);
                None
            }
            Space::Rcc | Space::Foreign => return Err(self.unknown_namespace(prefix)),
        };
        self.newer.extend(newer_in(name));
        self.places = roots::places(name);
        self.found.kind = roots::kind(name);
        self.found.root = tag.local;
        self.found.prefix = prefix;
        self.found.edition = edition;
        Ok(Role::Root)
    }

    /// A root without a namespace gets one: as the value of its empty `xmlns`, or as a declaration at `at`.
    fn declare_at(&mut self, at: u32) {
        let empty = self
            .scanner
            .attributes()
            .iter()
            .find(|attribute| self.scanner.text(attribute.name) == "xmlns");
        let edit = match empty {
            Some(attribute) => Edit {
                span: attribute.value,
                what: What::Namespace(None),
            },
            None => Edit {
                span: Span::at(at),
                what: What::Declaration,
            },
        };
        self.found.edits.push(edit);
    }

    fn unknown_namespace(&self, prefix: Option<Span>) -> ReadError {
        let prefix = prefix.map(|span| self.scanner.text(span));
        let uri = self.scanner.attributes().iter().find_map(|attribute| {
            let name = self.scanner.text(attribute.name);
            let declares = match prefix {
                Some(prefix) => name.strip_prefix("xmlns:") == Some(prefix),
                None => name == "xmlns",
            };
            declares.then(|| self.scanner.text(attribute.value))
        });
        ReadError::UnknownNamespace(uri.unwrap_or_default().to_owned())
    }

    /// A child of the root.
    fn enter_member(&mut self, tag: &Tag) -> Role {
        let name = self.scanner.text(tag.local);
        if name == "monitorCrossRefID" {
            return Role::CrossRef;
        }
        for place in self.places {
            let role = match *place {
                Place::Device(member) | Place::Asked(member) if member == name => Role::Device,
                Place::Connection(member) if member == name => Role::holder("deviceID", tag),
                Place::Monitored if name == "monitorObject" => Role::holder("deviceObject", tag),
                _ => continue,
            };
            self.place_seen = true;
            return role;
        }
        if name == "newDestination" && self.scanner.text(self.found.root) == "DeflectCall" {
            return Role::Destination {
                first: None,
                listed: false,
            };
        }
        self.newer("", name)
    }

    /// A descendant further down.
    fn enter_inner(&mut self, tag: &Tag) -> Role {
        let name = self.scanner.text(tag.local);
        let scanner = &self.scanner;
        let depth = self.open.len();
        let Some(parent) = self.open.last_mut() else {
            return Role::Other;
        };
        match &mut parent.role {
            Role::Holder { member, seen, .. } if *member == name => {
                *seen = true;
                Role::Device
            }
            Role::Holder {
                member: "deviceObject",
                seen,
                ..
            } if name == "callObject" => {
                *seen = true;
                Role::holder("deviceID", tag)
            }
            Role::Holder { .. } if name == "callID" => Role::CallId,
            Role::Destination { listed, .. } if name == "device" => {
                *listed = true;
                Role::ListedDestination
            }
            Role::Other if parent.tag.space.is_csta() => {
                let within = scanner.text(parent.tag.local);
                // What is in the private data is its owner's.
                if depth > 2
                    && self
                        .open
                        .get(1)
                        .is_some_and(|frame| self.scanner.text(frame.tag.local) == "extensions")
                {
                    return Role::Other;
                }
                self.newer(within, name)
            }
            _ => Role::Other,
        }
    }

    fn newer(&self, within: &str, name: &str) -> Role {
        match self
            .newer
            .iter()
            .find(|newer| newer.name == name && newer.within == within)
        {
            Some(newer) => Role::Newer(newer.since),
            None => Role::Other,
        }
    }

    fn note_attributes(&mut self, tag: &Tag) {
        for attribute in self.scanner.attributes() {
            let name = self.scanner.text(attribute.name);
            if name.starts_with("xmlns") {
                if let Some(edition) = Edition::from_namespace(self.scanner.text(attribute.value)) {
                    self.found.edits.push(Edit {
                        span: attribute.value,
                        what: What::Namespace(Some(edition)),
                    });
                }
            } else if tag.space.is_csta()
                && let Some((_, since)) = NEWER_ATTRIBUTES.iter().find(|(newer, _)| *newer == name)
            {
                // With the blank before it and the quote behind it.
                let span = Span {
                    start: attribute.name.start - 1,
                    end: attribute.value.end + 1,
                };
                self.found.edits.push(Edit {
                    span,
                    what: What::CutBelow(*since),
                });
            }
        }
    }

    /// At the end of an element; `close` is its end tag unless it was an empty-element tag.
    fn leave(&mut self, frame: Frame, close: Option<Span>) {
        let tag = frame.tag;
        let content = Span {
            start: tag.span.end,
            end: close.map_or(tag.span.end, |close| close.start),
        };
        match frame.role {
            Role::Other => {}
            Role::Root => self.leave_root(&tag),
            Role::CrossRef => {
                self.found.cross_ref.get_or_insert(content);
                self.edit(&tag, content, |reopened| {
                    What::CrossRef(Wrapping {
                        reopened,
                        ..Wrapping::default()
                    })
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
                    What::Device(Wrapping {
                        reopened,
                        ..Wrapping::default()
                    })
                });
            }
            Role::Line => {
                self.found.line.get_or_insert(content);
            }
            Role::Holder { member, at, seen } => {
                if !seen {
                    self.edit(&tag, Span::at(at), |reopened| {
                        What::Device(Wrapping {
                            inner: Some(member),
                            reopened,
                            ..Wrapping::default()
                        })
                    });
                }
            }
            Role::CallId => {
                let after = close.map_or(tag.span.end, |close| close.end);
                if let Some(Frame {
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
                if let Some(Frame {
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
        if self.found.kind == Kind::Event && self.found.cross_ref.is_none() {
            let outer = Some("monitorCrossRefID");
            self.edit(tag, inside, |reopened| {
                What::CrossRef(Wrapping {
                    outer,
                    inner: None,
                    reopened,
                })
            });
        }
        if self.place_seen {
            return;
        }
        let (outer, inner) = match self.places.first() {
            Some(Place::Device(member)) => (*member, None),
            Some(Place::Connection(member)) => (*member, Some("deviceID")),
            Some(Place::Monitored) => ("monitorObject", Some("deviceObject")),
            Some(Place::Asked(_)) | None => return,
        };
        self.edit(tag, inside, |reopened| {
            What::Device(Wrapping {
                outer: Some(outer),
                inner,
                reopened,
            })
        });
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
                    What::TagFrom(LISTED_SINCE, Side::Start, "device"),
                ),
                (
                    Span::at(content.end),
                    What::TagFrom(LISTED_SINCE, Side::End, "device"),
                ),
            ],
        };
        self.found
            .edits
            .extend(edits.map(|(span, what)| Edit { span, what }));
    }

    /// Notes an edit inside the element `tag`: at `span`, or in place of its `/>` when it is empty.
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

/// An open element.
#[derive(Clone, Copy, Debug)]
struct Frame {
    tag: Tag,
    role: Role,
}

#[derive(Clone, Copy, Debug)]
enum Role {
    Root,
    /// Of no interest by itself.
    Other,
    CrossRef,
    Device,
    Line,
    /// Holds the addressed device as the member named, which goes to `at` when it is missing.
    Holder {
        member: &'static str,
        at: u32,
        seen: bool,
    },
    CallId,
    Newer(Edition),
    /// `newDestination` of DeflectCall: a text, or (sixth edition) a list of devices, of which `first` is the first one's content.
    Destination {
        first: Option<Span>,
        listed: bool,
    },
    ListedDestination,
}

impl Role {
    fn holder(member: &'static str, tag: &Tag) -> Self {
        Self::Holder {
            member,
            at: tag.span.end,
            seen: false,
        }
    }
}
