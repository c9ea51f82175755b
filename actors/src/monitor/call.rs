//! A call at a line: its connections, tracked by events (ECMA-269, connection state model).

use smallvec::SmallVec;
use uacsta_schema::csta::{
    CallEventTail, CallParty, CallState, ConnectionClearedEvent, ConnectionId, ConnectionListItem,
    DeviceCall, DeviceId, EventCause, LocalConnectionState, Snapshot, SnapshotCallResponse,
    SubjectDevice,
};

use super::event_history::Mark;

/// A call at the line.
#[derive(Debug)]
pub(crate) struct Call {
    pub(super) id: Box<str>,
    /// The phone's name of the line in this call.
    pub(super) own: Option<Box<str>>,
    /// The state of the line's own connection.
    pub(crate) state: ConnectionState,
    pub(super) calling: Option<Box<str>>,
    pub(super) called: Option<Box<str>>,
    /// The other connections.
    pub(super) parties: SmallVec<[Party; 1]>,
    /// The moment after the call's last event, or after the last event before a snapshot listed the call.
    pub(super) last_event: Mark,
    /// Whether the last snapshot omitted the call, although the call's last event precedes the request for that snapshot.
    pub(super) missing: bool,
    /// Whether the line's monitor reported the call, or started too late to report it.
    pub(super) reported: bool,
}

/// The state of a connection (ECMA-269, connection states, except null).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum ConnectionState {
    Initiated,
    Alerting,
    Connected,
    Hold,
    Queued,
    Fail,
}

/// Another connection of a call.
#[derive(Debug)]
pub(super) struct Party {
    pub(super) device: Box<str>,
    pub(super) state: ConnectionState,
}

/// The maximum number of tracked parties of a call; a new party replaces the oldest one.
pub(super) const PARTIES: usize = 32;
/// The maximum length of a tracked call's identifier and of each name in the call, in octets; nothing longer is kept.
pub(crate) const LONGEST: usize = 256;

impl Call {
    pub(super) fn new(id: &str, state: ConnectionState, last_event: Mark) -> Self {
        Self {
            id: id.into(),
            own: None,
            state,
            calling: None,
            called: None,
            parties: SmallVec::new(),
            last_event,
            missing: false,
            reported: true,
        }
    }

    /// An event updated the call; `mark` is the moment after the event.
    pub(super) fn updated(&mut self, mark: Mark) {
        self.last_event = mark;
        self.missing = false;
    }

    /// The data of a SnapshotCall response for this call.
    pub(crate) fn snapshot(&self, line: &DeviceId) -> SnapshotCallResponse {
        let own = CallParty {
            device_on_call: Some(line.clone().into()),
            call_identifier: Some(self.connection(line)),
            local_connection_info: Some(self.state.element()),
        };
        let others = self.parties.iter().map(|party| CallParty {
            device_on_call: Some(DeviceId::from(&*party.device).into()),
            call_identifier: Some(ConnectionId::new(&*self.id, &*party.device)),
            local_connection_info: Some(party.state.element()),
        });
        let told = |device: &Option<Box<str>>| {
            device
                .as_deref()
                .map(|device| DeviceId::from(device).into())
        };
        SnapshotCallResponse {
            data: Snapshot::Data([own].into_iter().chain(others).collect()),
            calling_device: told(&self.calling),
            called_device: told(&self.called),
            correlator_data: None,
        }
    }

    pub(super) fn connection(&self, line: &DeviceId) -> ConnectionId {
        ConnectionId::new(&*self.id, self.own.as_deref().unwrap_or(line.as_str()))
    }

    /// The other party of a call between two.
    pub(super) fn endpoint(&self, line: &DeviceId) -> SubjectDevice {
        let far = match &self.parties[..] {
            [party] => Some(&party.device),
            _ => [&self.calling, &self.called]
                .into_iter()
                .flatten()
                .find(|device| !line.names(device)),
        };
        far.map_or(SubjectDevice::NotKnown, |device| {
            DeviceId::from(&**device).into()
        })
    }

    pub(super) fn cleared(&self, line: &DeviceId) -> ConnectionClearedEvent {
        ConnectionClearedEvent {
            dropped_connection: self.connection(line),
            releasing_device: line.clone().into(),
            tail: CallEventTail {
                local_connection_info: Some(LocalConnectionState::NULL),
                cause: EventCause::NORMAL_CLEARING,
                ..CallEventTail::default()
            },
        }
    }

    pub(super) fn party(&mut self, device: &str, state: ConnectionState) {
        if device.len() > LONGEST {
            return;
        }
        match self
            .parties
            .iter_mut()
            .find(|party| *party.device == *device)
        {
            Some(party) => party.state = state,
            None => {
                if self.parties.len() == PARTIES {
                    self.parties.remove(0);
                }
                self.parties.push(Party {
                    device: device.into(),
                    state,
                });
            }
        }
    }

    /// A transfer or conference merged the call into this new call.
    pub(super) fn became(
        &mut self,
        line: &DeviceId,
        state: ConnectionState,
        connections: &[ConnectionListItem],
    ) {
        self.state = state;
        let connections: Vec<&ConnectionId> = connections
            .iter()
            .filter_map(|item| item.new_connection.as_ref())
            .collect();
        if let Some(id) = connections.iter().find_map(|new| new.call_id.as_ref()) {
            self.id = id.as_str().into();
        }
        self.parties.clear();
        for device in connections.iter().filter_map(|new| new.device_id.as_ref()) {
            if !line.names(device.as_str()) && self.own.as_deref() != Some(device.as_str()) {
                self.party(device.as_str(), ConnectionState::Connected);
            }
        }
    }
}

impl ConnectionState {
    /// Parses the name of a state in a document; `None` for null and unknown names.
    pub(super) fn read(name: &str) -> Option<Self> {
        Some(match LocalConnectionState::from(name).as_str() {
            "initiated" => Self::Initiated,
            "alerting" => Self::Alerting,
            "connected" => Self::Connected,
            "hold" => Self::Hold,
            "queued" => Self::Queued,
            "fail" => Self::Fail,
            _ => return None,
        })
    }

    pub(super) fn element(self) -> LocalConnectionState {
        match self {
            Self::Initiated => LocalConnectionState::INITIATED,
            Self::Alerting => LocalConnectionState::ALERTING,
            Self::Connected => LocalConnectionState::CONNECTED,
            Self::Hold => LocalConnectionState::HOLD,
            Self::Queued => LocalConnectionState::QUEUED,
            Self::Fail => LocalConnectionState::FAIL,
        }
    }
}

/// The data of a SnapshotCall response for a call that no event reported, from the phone's SnapshotDevice response.
pub(crate) fn parties_of(told: &DeviceCall, line: &DeviceId) -> SnapshotCallResponse {
    let states: &[LocalConnectionState] = match &told.local_call_state {
        Some(CallState::Compound(states)) => states,
        _ => &[],
    };
    let own = CallParty {
        device_on_call: Some(line.clone().into()),
        call_identifier: told.connection.clone(),
        local_connection_info: states.first().cloned(),
    };
    let far = told.endpoint_device.clone().map(|endpoint| CallParty {
        call_identifier: endpoint.device().map(|device| ConnectionId {
            call_id: told.connection.as_ref().and_then(|own| own.call_id.clone()),
            device_id: Some(device.clone()),
        }),
        device_on_call: Some(endpoint),
        local_connection_info: states.get(1).cloned(),
    });
    SnapshotCallResponse {
        data: Snapshot::Data([own].into_iter().chain(far).collect()),
        ..SnapshotCallResponse::default()
    }
}

/// Sets a value that is still missing, unless the new one is too long.
pub(super) fn fill(kept: &mut Option<Box<str>>, told: Option<&str>) {
    if kept.is_none() {
        *kept = told.filter(|told| told.len() <= LONGEST).map(Box::from);
    }
}
