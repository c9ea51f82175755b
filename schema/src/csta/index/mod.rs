//! Indexes an arriving document in one pass: its root, and the places that are read or may be changed.

mod enter;
mod leave;

use smallvec::SmallVec;

use super::{
    catalogue::{Kind, Place},
    downgrade::NewerMember,
    edit::Edit,
    edition::Edition,
    error::ReadError,
    limits::DocumentLimits,
    xml::{Scanner, Span, Tag, Token},
};

/// What the pass has found.
#[derive(Debug)]
pub(super) struct DocumentIndex {
    pub(super) kind: Kind,
    /// The root's local name.
    pub(super) root: Span,
    pub(super) prefix: Option<Span>,
    pub(super) edition: Option<Edition>,
    /// The contents of `monitorCrossRefID`, of the addressed device and of the private line.
    pub(super) cross_ref: Option<Span>,
    pub(super) device: Option<Span>,
    pub(super) line: Option<Span>,
    /// Of a call control event: the contents of its members, by [`SummaryMember`]; empty where one is not there.
    pub(super) summary: [Span; SUMMARY_MEMBERS],
    /// The first member that the request needs and has not.
    pub(super) missing: Option<&'static str>,
    /// In the order of the document; what contains others before them.
    pub(super) edits: SmallVec<[Edit; 4]>,
}

pub(super) fn index(text: &str, limits: DocumentLimits) -> Result<DocumentIndex, ReadError> {
    let mut indexer = Indexer {
        scanner: Scanner::new(text, limits),
        found: DocumentIndex {
            kind: Kind::Unknown,
            root: Span::at(0),
            prefix: None,
            edition: None,
            cross_ref: None,
            device: None,
            line: None,
            summary: [Span::at(0); SUMMARY_MEMBERS],
            missing: None,
            edits: SmallVec::new(),
        },
        open: SmallVec::new(),
        newer: SmallVec::new(),
        places: &[],
        place_seen: false,
        connection: None,
        required: &[],
        members_seen: 0,
    };
    while let Some(token) = indexer.scanner.next()? {
        match token {
            Token::Open(tag) => {
                let frame = indexer.enter(&tag)?;
                indexer.note_attributes(&tag);
                if tag.empty {
                    indexer.leave(frame, None);
                } else {
                    indexer.open.push(frame);
                }
            }
            Token::Close(span) => {
                if let Some(frame) = indexer.open.pop() {
                    indexer.leave(frame, Some(span));
                }
            }
            Token::Text(_) | Token::Verbatim(_) => {}
        }
    }
    indexer.found.missing = (indexer.required.iter().enumerate())
        .find(|(at, _)| indexer.members_seen & (1 << at) == 0)
        .map(|(_, member)| *member);
    // What is put before an element goes before what becomes of the element.
    indexer
        .found
        .edits
        .sort_by_key(|edit| (edit.span.start, edit.span.end));
    Ok(indexer.found)
}

struct Indexer<'a> {
    scanner: Scanner<'a>,
    found: DocumentIndex,
    open: SmallVec<[OpenElement; 8]>,
    newer: SmallVec<[&'static NewerMember; 6]>,
    places: &'static [Place],
    place_seen: bool,
    /// The member of a call control event that names its connection.
    connection: Option<&'static str>,
    /// The members that the request needs, and a bit for each that was there.
    required: &'static [&'static str],
    members_seen: u32,
}

/// An open element.
#[derive(Clone, Copy, Debug)]
struct OpenElement {
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
    /// The connection of a call control event.
    Connection,
    /// The calling or called device of a call control event.
    Party(SummaryMember),
    SummaryMember(SummaryMember),
}

/// What of a call control event is kept for whoever follows the call.
#[derive(Clone, Copy, Debug)]
pub(super) enum SummaryMember {
    /// The `callID` and `deviceID` of its connection.
    Call,
    Device,
    /// `localConnectionInfo`.
    State,
    Calling,
    Called,
}

/// How many [`SummaryMember`] there are.
pub(super) const SUMMARY_MEMBERS: usize = 5;

impl Role {
    fn holder(member: &'static str, tag: &Tag) -> Self {
        Self::Holder {
            member,
            at: tag.span.end,
            seen: false,
        }
    }
}
