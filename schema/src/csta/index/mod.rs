//! The first pass: validates a received document and indexes the places that a relay reads or edits.

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

/// The result of the pass.
#[derive(Debug)]
pub(super) struct DocumentIndex {
    pub(super) kind: Kind,
    /// The root's local name.
    pub(super) root: Span,
    pub(super) prefix: Option<Span>,
    pub(super) edition: Option<Edition>,
    /// The content of `monitorCrossRefID`; likewise of the addressed device and the private line.
    pub(super) cross_ref: Option<Span>,
    pub(super) device: Option<Span>,
    pub(super) line: Option<Span>,
    /// The contents of a call control event's members, by [`SummaryMember`]; an empty span if absent.
    pub(super) summary: [Span; SUMMARY_MEMBERS],
    /// The first mandatory member that the request lacks.
    pub(super) missing: Option<&'static str>,
    /// Sorted by position; an outer edit before the edits that it contains.
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
    indexer.mend_namespaces();
    // Insertions before an element precede the edits of the element.
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
    /// The member with the connection of a call control event.
    connection: Option<&'static str>,
    /// The mandatory members of the request, and a bit for each member found.
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
    /// Neither read nor edited.
    Other,
    CrossRef,
    Device,
    Line,
    /// Contains the addressed device in the given member; the relay inserts a missing one at `at`.
    Holder {
        member: &'static str,
        at: u32,
        seen: bool,
    },
    CallId,
    Newer(Edition),
    /// `newDestination` of DeflectCall: a text, or (sixth edition) a list of devices; `first` is the content of the first.
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

/// A member of a call control event that call tracking reads.
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

/// The number of [`SummaryMember`] slots.
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
