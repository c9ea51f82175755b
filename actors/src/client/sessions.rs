//! The sessions of a client: INVITE, dialog, scope and dialect.

use std::{collections::HashMap, mem, sync::Arc};

use tracing::field::display;
use uacsta_schema::{
    csta::{DeviceId, Dialect, Document, OwnName},
    phone_id::PhoneId,
    sip::Status,
};

use super::messages::ClientName;
use crate::{
    counters::CountedSession,
    refusal::Refusal,
    registrar::Line,
    sip::{
        responder::{FinalResponse, Responder},
        session::SessionId,
    },
    truncated::Truncated,
};

/// One session of a client.
pub(super) struct ClientSession {
    /// The session's identifier on the connection; `None` until the 200 to the INVITE has been sent.
    pub(super) id: Option<SessionId>,
    pub(super) scope: Scope,
    /// The edition and prefix of the newest request.
    pub(super) dialect: Dialect,
    /// Counts it for the metrics.
    _counted: Option<CountedSession>,
}

/// Which lines a session can address.
#[derive(Clone, Debug)]
pub(super) enum Scope {
    /// Every line that the client may see.
    Server,
    /// One line.
    Line {
        /// The client's name for the line.
        name: DeviceId,
        /// The line that the last look-up found.
        line: Arc<Line>,
        /// Whether lines have changed since that look-up.
        is_stale: bool,
        /// The client's name in what the server writes, if the phone's name is another.
        own_name: Option<Arc<OwnName>>,
    },
}

/// An INVITE that requests a session.
pub(super) struct SessionOffer {
    /// The URI in the From, for the log.
    pub(super) user: Box<str>,
    pub(super) dialect: Dialect,
    pub(super) reply: Responder,
}

/// A client's sessions by key. Keys are never reused.
#[derive(Default)]
pub(super) struct Sessions {
    by_key: HashMap<u64, ClientSession>,
    last_key: u64,
}

impl Scope {
    /// The scope of a line's session, opened by this name.
    pub(super) fn line(name: DeviceId, line: Arc<Line>) -> Self {
        Self::Line {
            own_name: OwnName::new(&line.entry.device, &name),
            name,
            line,
            is_stale: false,
        }
    }

    /// The client's name of a line in what the server writes: in a line's session the session's name, else that of the line
    /// list. `None` if it is the phone's name.
    pub(super) fn own_name(&self, of: &Line) -> Option<Arc<OwnName>> {
        let device = &of.entry.device;
        match self {
            Self::Server => OwnName::new(device, &of.entry.name),
            Self::Line { line, own_name, .. } if line.entry.device == *device => own_name.clone(),
            Self::Line { name, .. } => OwnName::new(device, name),
        }
    }

    /// How the server writes for a client that sent this request for a line.
    pub(super) fn dialect(&self, request: &Document, line: &Line) -> Dialect {
        Dialect {
            own_name: self.own_name(line),
            ..request.dialect()
        }
    }

    pub(super) fn is_server(&self) -> bool {
        matches!(self, Self::Server)
    }

    /// The phone of a line's session.
    pub(super) fn phone(&self) -> Option<PhoneId> {
        match self {
            Self::Server => None,
            Self::Line { line, .. } => Some(line.entry.phone),
        }
    }

    /// The client's name for the line of a request: the one in the request, else that of the session.
    pub(super) fn line_name(&self, request: &Document) -> Option<DeviceId> {
        named_device(request).or_else(|| match self {
            Self::Server => None,
            Self::Line { name, .. } => Some(name.clone()),
        })
    }
}

impl SessionOffer {
    /// Rejects the client's INVITE for the line `name`.
    pub(super) fn refuse(self, client: &ClientName, name: &DeviceId, refusal: Refusal) {
        let line = display(Truncated(name.as_str()));
        let response = match refusal {
            Refusal::NoRight => {
                tracing::warn!(client = %client.user, peer = %client.peer, line, "session refused: no right to the line");
                let reason = "this log-on has no right to the line";
                FinalResponse::from(Status::FORBIDDEN).because(reason)
            }
            Refusal::NoLine(error) => {
                tracing::info!(client = %client.user, peer = %client.peer, line, reason = %error, "session refused: no such line");
                FinalResponse::from(Status::NOT_FOUND).because(error.to_string())
            }
            _ => Status::SERVICE_UNAVAILABLE.into(),
        };
        self.reply.with(response);
    }
}

/// The device in a request, else the line in its private data.
pub(super) fn named_device(request: &Document) -> Option<DeviceId> {
    let named = request.device().or_else(|| request.private_line());
    named.map(|device| DeviceId::from(&*device))
}

impl Sessions {
    /// Adds a session and returns its key; `None` if the client has `limit` sessions.
    pub(super) fn open(&mut self, scope: Scope, dialect: Dialect, limit: usize) -> Option<u64> {
        if self.by_key.len() >= limit {
            return None;
        }
        self.last_key += 1;
        let session = ClientSession {
            id: None,
            scope,
            dialect,
            _counted: None,
        };
        self.by_key.insert(self.last_key, session);
        Some(self.last_key)
    }

    /// Has a session hold its count.
    pub(super) fn count(&mut self, key: u64, counted: CountedSession) {
        if let Some(session) = self.by_key.get_mut(&key) {
            session._counted = Some(counted);
        }
    }

    /// The 200 to the INVITE has been sent.
    pub(super) fn established(&mut self, key: u64, id: SessionId) {
        if let Some(session) = self.by_key.get_mut(&key) {
            session.id = Some(id);
        }
    }

    pub(super) fn end(&mut self, key: u64) -> Option<ClientSession> {
        self.by_key.remove(&key)
    }

    pub(super) fn get(&self, key: u64) -> Option<&ClientSession> {
        self.by_key.get(&key)
    }

    pub(super) fn len(&self) -> usize {
        self.by_key.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, &ClientSession)> {
        self.by_key.iter().map(|(key, session)| (*key, session))
    }

    /// Sets the edition and prefix of the newest request.
    pub(super) fn set_dialect(&mut self, key: u64, dialect: Dialect) {
        if let Some(session) = self.by_key.get_mut(&key) {
            let own_name = match &session.scope {
                Scope::Server => None,
                Scope::Line { own_name, .. } => own_name.clone(),
            };
            session.dialect = Dialect {
                own_name,
                ..dialect
            };
        }
    }

    /// The name of a line's session was looked up again. Returns whether another phone has the line now.
    pub(super) fn set_line(&mut self, key: u64, found: &Arc<Line>) -> bool {
        let session = self.by_key.get_mut(&key);
        let Some(Scope::Line {
            name,
            line,
            is_stale,
            own_name,
        }) = session.map(|session| &mut session.scope)
        else {
            return false;
        };
        *is_stale = false;
        *own_name = OwnName::new(&found.entry.device, name);
        mem::replace(line, Arc::clone(found)).entry.phone != found.entry.phone
    }

    /// Lines or rights have changed: the names of all line sessions are looked up before their next use.
    pub(super) fn mark_stale(&mut self) {
        for session in self.by_key.values_mut() {
            if let Scope::Line { is_stale, .. } = &mut session.scope {
                *is_stale = true;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::client::fixtures::line;

    fn line_scope(name: &str) -> Scope {
        Scope::line(DeviceId::from(name), line("000413000001", name))
    }

    #[test]
    fn sessions_are_limited_and_keys_are_not_reused() {
        let mut sessions = Sessions::default();
        let open = |sessions: &mut Sessions| sessions.open(Scope::Server, Dialect::default(), 2);
        assert_eq!(open(&mut sessions), Some(1));
        assert_eq!(open(&mut sessions), Some(2));
        assert_eq!(open(&mut sessions), None);
        assert!(sessions.end(1).is_some());
        assert!(sessions.end(1).is_none());
        assert_eq!(open(&mut sessions), Some(3));
    }

    #[test]
    fn a_new_line_ends_staleness_and_reports_another_phone() {
        let mut sessions = Sessions::default();
        let key = sessions
            .open(line_scope("215"), Dialect::default(), 1)
            .unwrap();
        let is_stale = |sessions: &Sessions| match &sessions.get(key).unwrap().scope {
            Scope::Line { is_stale, .. } => *is_stale,
            Scope::Server => panic!("it is a line's session"),
        };
        assert!(!is_stale(&sessions));
        for (phone, moved) in [("000413000001", false), ("000413000002", true)] {
            sessions.mark_stale();
            assert!(is_stale(&sessions));
            assert_eq!(
                sessions.set_line(key, &line(phone, "215")),
                moved,
                "{phone}"
            );
            assert!(!is_stale(&sessions));
        }
        assert!(!sessions.set_line(key + 1, &line("000413000003", "215")));
    }
}
