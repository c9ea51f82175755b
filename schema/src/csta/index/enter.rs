//! Determines the role of an element at its start tag.

use super::{Indexer, OpenElement, Role, SummaryMember};
use crate::csta::{
    catalogue::{Kind, Place, ServiceId},
    downgrade::{NEWER_ATTRIBUTES, newer_members},
    edit::{Edit, What},
    edition::Edition,
    error::{ReadError, quoted},
    xml::{Space, Span, Tag},
};

/// The maximum length of a root's prefix, in bytes: the server answers with it and stores it with each monitor.
const LONGEST_PREFIX: usize = 64;

impl Indexer<'_> {
    pub(super) fn enter(&mut self, tag: &Tag) -> Result<OpenElement, ReadError> {
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
        Ok(OpenElement { tag: *tag, role })
    }

    fn enter_root(&mut self, tag: &Tag) -> Result<Role, ReadError> {
        let name = self.scanner.text(tag.local);
        let prefix = (tag.name.start < tag.local.start).then(|| Span {
            start: tag.name.start,
            end: tag.local.start - 1,
        });
        if let Some(prefix) = prefix.map(|span| self.scanner.text(span))
            && prefix.len() > LONGEST_PREFIX
        {
            return Err(ReadError::Malformed {
                element: quoted(prefix),
                what: format!("the namespace prefix is longer than {LONGEST_PREFIX} bytes"),
            });
        }
        let edition = match tag.space {
            Space::Csta(edition) => Some(edition),
            Space::None => {
                self.declare_at(tag.name.end);
                None
            }
            Space::Rcc | Space::Foreign => return Err(self.unknown_namespace(prefix)),
        };
        self.found.kind = Kind::of(name);
        self.newer.extend(newer_members(self.found.kind));
        match self.found.kind {
            Kind::Event(event) => self.connection = event.connection(),
            Kind::Request(service) => {
                self.places = service.places();
                self.required = service.required();
            }
            Kind::Response(_) | Kind::Notification(_) | Kind::Failure | Kind::Unknown => {}
        }
        self.found.root = tag.local;
        self.found.prefix = prefix;
        self.found.edition = edition;
        Ok(Role::Root)
    }

    /// Records the declaration of the namespace that the root lacks: in its empty `xmlns`, or inserted at `at`.
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

    /// Records what makes the document well-formed by Namespaces in XML 1.0, sections 5 and 6.3.
    pub(super) fn mend_namespaces(&mut self) {
        let declared = self.scanner.undeclared().iter().map(|prefix| Edit {
            span: Span::at(self.found.root.end),
            what: What::Prefix(*prefix),
        });
        let cut = self.scanner.repeated().iter().map(|attribute| Edit {
            span: attribute.whole(),
            what: What::Cut,
        });
        self.found.edits.extend(declared.chain(cut));
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
        ReadError::UnknownNamespace(quoted(uri.unwrap_or_default()))
    }

    /// The role of a child of the root.
    fn enter_member(&mut self, tag: &Tag) -> Role {
        let name = self.scanner.text(tag.local);
        if name == "monitorCrossRefID" {
            return Role::CrossRef;
        }
        if let Some(at) = self.required.iter().position(|member| *member == name) {
            self.members_seen |= 1 << at;
        }
        for place in self.places {
            let role = match *place {
                Place::Device(member) | Place::Optional(member) if member == name => Role::Device,
                Place::Connection(member) if member == name => Role::holder("deviceID", tag),
                Place::MonitorObject if name == "monitorObject" => {
                    Role::holder("deviceObject", tag)
                }
                _ => continue,
            };
            self.place_seen = true;
            return role;
        }
        if name == "newDestination" && self.found.kind == Kind::Request(ServiceId::DeflectCall) {
            return Role::Destination {
                first: None,
                listed: false,
            };
        }
        match self.newer("", name) {
            Role::Other if self.connection.is_some() => self.event_member(name),
            role => role,
        }
    }

    /// The role of a member of a call control event.
    fn event_member(&self, name: &str) -> Role {
        match name {
            "localConnectionInfo" => Role::SummaryMember(SummaryMember::State),
            "callingDevice" => Role::Party(SummaryMember::Calling),
            "calledDevice" => Role::Party(SummaryMember::Called),
            name if self.connection == Some(name) => Role::Connection,
            _ => Role::Other,
        }
    }

    /// The role of an element below the root's children.
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
            Role::Connection if name == "callID" => Role::SummaryMember(SummaryMember::Call),
            Role::Connection if name == "deviceID" => Role::SummaryMember(SummaryMember::Device),
            Role::Party(party) if name == "deviceIdentifier" => Role::SummaryMember(*party),
            Role::Other if parent.tag.space.is_csta() => {
                let within = scanner.text(parent.tag.local);
                // A relay never edits private data.
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

    pub(super) fn note_attributes(&mut self, tag: &Tag) {
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
                self.found.edits.push(Edit {
                    span: attribute.whole(),
                    what: What::CutBelow(*since),
                });
            }
        }
    }
}
