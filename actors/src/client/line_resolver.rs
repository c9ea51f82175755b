//! Resolves a client's device ID to a line, from a bounded cache or by asking the registrar.

use std::{collections::HashMap, sync::Arc};

use actix::MailboxError;
use uacsta_schema::csta::{DeviceId, Document, MonitorFilter};

use super::{
    requests::CstaRequest,
    rights::Rights,
    sessions::{Scope, named_device},
};
use crate::{
    directory::{Entry, NoLine},
    refusal::Refusal,
    registrar::Line,
};

/// A request for a line that is still to be looked up.
pub(super) struct LineRequest {
    pub(super) request: CstaRequest,
    pub(super) action: LineAction,
    /// The device in a request of a line's session; must be the session's line.
    named: Option<DeviceId>,
}

/// The action on the line of a request.
#[derive(Clone, Copy, Debug)]
pub(super) enum LineAction {
    /// The phone carries out the request.
    Relay,
    /// A monitor starts with this filter.
    StartMonitor(Option<MonitorFilter>),
}

/// The line of a request.
#[derive(Debug)]
pub(super) struct ResolvedLine {
    pub(super) line: Arc<Line>,
    /// Whether the phone's name of the line replaces the device in the request.
    pub(super) is_renamed: bool,
}

/// The line of a request, if it is known.
#[derive(Debug)]
pub(super) enum Resolution {
    Known(Arc<Line>),
    /// The registrar must be asked.
    LookUp {
        name: DeviceId,
        /// The last known line of the name, which a line's session keeps while it can.
        last: Option<Entry>,
    },
}

/// Caches the lines of a client's device IDs in the server's session, until lines change.
#[derive(Debug, Default)]
pub(super) struct LineResolver {
    known: HashMap<Box<str>, Arc<Line>>,
}

impl LineResolver {
    /// The line of a request in a session.
    pub(super) fn resolve(&self, scope: &Scope, request: &Document) -> Result<Resolution, Refusal> {
        let (name, last) = match scope {
            Scope::Line { line, is_stale, .. } if !is_stale => {
                return Ok(Resolution::Known(Arc::clone(line)));
            }
            Scope::Line { name, line, .. } => (name.clone(), Some(line.entry.clone())),
            Scope::Server => (named_device(request).ok_or(Refusal::LineMissing)?, None),
        };
        let known = self.known.get(name.as_str()).filter(|_| last.is_none());
        Ok(known.map_or(Resolution::LookUp { name, last }, |line| {
            Resolution::Known(Arc::clone(line))
        }))
    }

    /// Caches the line of a name. At `limit` names the cache is cleared first.
    pub(super) fn found(&mut self, name: &DeviceId, line: &Arc<Line>, limit: usize) {
        if self.known.len() >= limit && !self.known.contains_key(name.as_str()) {
            self.known.clear();
        }
        self.known.insert(name.as_str().into(), Arc::clone(line));
    }

    /// Lines or rights have changed.
    pub(super) fn clear(&mut self) {
        self.known.clear();
    }
}

/// The registrar's answer to a look-up, as far as the client may see the line. Of the phone's other lines, only those are kept
/// for which the client lacks a right: a phone may have a thousand lines, and each of them would have all others.
pub(super) fn visible(
    answer: Result<Result<Line, NoLine>, MailboxError>,
    rights: &Rights,
) -> Result<Arc<Line>, Refusal> {
    match answer {
        Ok(Ok(mut line)) if rights.sees(&line.entry) => {
            line.others.retain(|other| rights.may_lack(other));
            line.others.shrink_to_fit();
            Ok(Arc::new(line))
        }
        Ok(Ok(_)) => Err(Refusal::NoRight),
        Ok(Err(error)) => Err(error.into()),
        Err(_) => Err(Refusal::Away),
    }
}

impl LineRequest {
    pub(super) fn new(request: CstaRequest, action: LineAction, scope: &Scope) -> Self {
        let named = match scope {
            Scope::Server => None,
            Scope::Line { .. } => named_device(&request.document),
        };
        Self {
            request,
            action,
            named,
        }
    }

    /// Checks that the found line is the line of the request, and visible to the client.
    pub(super) fn resolve(
        &self,
        line: Arc<Line>,
        rights: &Rights,
    ) -> Result<ResolvedLine, Refusal> {
        let request = &self.request.document;
        let is_called = |name: &DeviceId| rights.is_called(&line.entry, name);
        let is_renamed = self.named.as_ref().is_none_or(is_called);
        // The connection of the other party in the line's call. The phone reported and recognises this name.
        let is_of_party = request.device().is_some() && request.is_for_connection();
        if !is_renamed && !is_of_party {
            return Err(Refusal::OtherLine);
        }
        rights.check(&line, request)?;
        Ok(ResolvedLine { line, is_renamed })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use uacsta_config::Numbers;

    use super::*;
    use crate::account::Level;
    use crate::client::fixtures::{document, line, request};

    const PHONE: &str = "000413000001";

    fn of_line(is_stale: bool) -> Scope {
        Scope::Line {
            name: DeviceId::from("215"),
            line: line(PHONE, "sip:215@example.com"),
            is_stale,
            own_name: None,
        }
    }

    #[test]
    fn of_the_other_lines_of_a_phone_only_hidden_ones_are_kept() {
        let others = ["216", "217"].map(|device| line(PHONE, device).entry.clone());
        let check = |rights: &Rights, kept: usize| {
            let answer = Line {
                others: others.to_vec(),
                ..Line::clone(&line(PHONE, "215"))
            };
            let line = visible(Ok(Ok(answer)), rights).unwrap();
            assert_eq!(line.others.len(), kept);
            assert_eq!(rights.hidden(&line, Level::Control).count(), kept);
            assert!(line.others.capacity() <= kept);
        };
        check(&Rights::all(&Numbers::default()), 0);
        check(&Rights::of_lines(&["215"]), 2);
        check(&Rights::of_lines(&["215", "216"]), 1);
    }

    #[test]
    fn a_line_is_known_from_its_session_or_cached_or_looked_up() {
        let mut resolver = LineResolver::default();
        resolver.found(
            &DeviceId::from("216"),
            &line(PHONE, "sip:216@example.com"),
            4,
        );
        let check = |scope: &Scope, device: &str, expected: &str| {
            let device = match device {
                "" => String::new(),
                device => format!("<device>{device}</device>"),
            };
            let resolved = match resolver.resolve(scope, &document("GetDoNotDisturb", &device)) {
                Ok(Resolution::Known(line)) => format!("known {}", line.entry.device),
                Ok(Resolution::LookUp { name, last: None }) => format!("look up {name}"),
                Ok(Resolution::LookUp {
                    name,
                    last: Some(last),
                }) => {
                    format!("look up {name}, last {}", last.device)
                }
                Err(refusal) => format!("{refusal:?}"),
            };
            assert_eq!(resolved, expected);
        };
        check(&Scope::Server, "", "LineMissing");
        check(&Scope::Server, "215", "look up 215");
        check(&Scope::Server, "216", "known sip:216@example.com");
        check(&of_line(false), "", "known sip:215@example.com");
        check(&of_line(false), "216", "known sip:215@example.com");
        check(&of_line(true), "", "look up 215, last sip:215@example.com");
        check(
            &of_line(true),
            "216",
            "look up 215, last sip:215@example.com",
        );
    }

    #[test]
    fn a_line_that_is_spelled_in_many_ways_takes_bounded_memory() {
        let mut resolver = LineResolver::default();
        let line = line(PHONE, "215");
        for spelling in 0..1000 {
            let name = DeviceId::from(format!("215;x={spelling}"));
            resolver.found(&name, &line, 4);
            assert!(resolver.known.len() <= 4, "{spelling}");
            assert!(resolver.known.contains_key(name.as_str()), "{spelling}");
        }
        resolver.found(&DeviceId::from("215;x=999"), &line, 4);
        assert_eq!(resolver.known.len(), 4);
    }

    #[test]
    fn a_request_in_a_line_session_has_to_name_that_line() {
        let connection = |device: &str| {
            let id = format!("<callID>-1</callID><deviceID>{device}</deviceID>");
            format!("<callToBeHeld>{id}</callToBeHeld>")
        };
        let check = |scope: &Scope, root: &str, content: &str, expected: Option<bool>| {
            let request = request(1, root, content);
            let request = LineRequest::new(request, LineAction::Relay, scope);
            let resolved = request.resolve(
                line(PHONE, "sip:215@example.com"),
                &Rights::all(&uacsta_config::Numbers::default()),
            );
            assert_eq!(resolved.ok().map(|it| it.is_renamed), expected, "{content}");
        };
        let dnd = "GetDoNotDisturb";
        check(&of_line(false), dnd, "", Some(true));
        check(&of_line(false), dnd, "<device>215</device>", Some(true));
        check(&of_line(false), dnd, "<device>216</device>", None);
        check(&of_line(false), "HoldCall", &connection("215"), Some(true));
        check(
            &of_line(false),
            "HoldCall",
            &connection("0170"),
            Some(false),
        );
        check(&Scope::Server, dnd, "<device>216</device>", Some(true));
    }
}
