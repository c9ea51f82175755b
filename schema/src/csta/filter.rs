//! Monitor filters: the events that a monitor suppresses (ECMA-269, Monitor Start and Change Monitor Filter services).

use super::{
    catalogue::EventId, edition::Edition, element::Element, error::ReadError, member::Member,
    writer::Writer,
};

/// The events that a monitor suppresses; none by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct MonitorFilter(u128);

impl MonitorFilter {
    /// The filter that suppresses these events.
    pub fn leaving_out(events: &[EventId]) -> Self {
        Self(events.iter().fold(0, |filter, event| filter | bit(*event)))
    }

    /// Whether the monitor suppresses the event.
    pub fn leaves_out(self, event: EventId) -> bool {
        self.0 & bit(event) != 0
    }

    /// Whether the monitor reports all events.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl Member for MonitorFilter {
    fn read(element: &Element<'_>) -> Result<Self, ReadError> {
        let mut filter = 0;
        for (group, name, bit) in members() {
            if let Some(member) = element.child(group).and_then(|group| group.child(name))
                && bool::read(member)?
            {
                filter |= bit;
            }
        }
        Ok(Self(filter))
    }

    fn write(&self, out: &mut Writer<'_>, name: &str) {
        let has_presence_state = out.edition() >= Edition::Ed6;
        let set: Vec<_> = members()
            .filter(|(.., bit)| self.0 & bit != 0 && (*bit != PRESENCE_STATE || has_presence_state))
            .collect();
        out.open(name);
        for group in set.chunk_by(|(one, ..), (other, ..)| one == other) {
            let (name, ..) = group[0];
            out.open(name);
            for (_, member, _) in group {
                true.write(out, member);
            }
            out.close(name);
        }
        out.close(name);
    }

    fn says_nothing(&self) -> bool {
        self.is_empty()
    }
}

/// The members of the filter in the order of the schema: group, member, and bit of the mask.
fn members() -> impl Iterator<Item = (&'static str, &'static str, u128)> {
    EventId::ALL.iter().flat_map(|event| {
        let (group, member) = event.filter();
        let before =
            (*event == EventId::RouteingEvent).then_some((group, "presenceState", PRESENCE_STATE));
        before.into_iter().chain([(group, member, bit(*event))])
    })
}

const fn bit(event: EventId) -> u128 {
    1 << event as u32
}

/// The bit of `presenceState`, a filter member without an event in ECMA-323.
const PRESENCE_STATE: u128 = 1 << EventId::ALL.len();

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::csta::{
        document::Document,
        message::{Message, Request},
    };

    fn read(filter: &str) -> MonitorFilter {
        let text = format!(
            "<ChangeMonitorFilter><monitorCrossRefID>1</monitorCrossRefID><requestedFilterList>{filter}</requestedFilterList></ChangeMonitorFilter>"
        );
        match Document::read(text.into()).unwrap().message().unwrap() {
            Message::Request(Request::ChangeMonitorFilter(request)) => {
                request.requested_filter_list
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn set_bit_suppresses_its_event() {
        fn check(filter: &str, left_out: &[EventId]) {
            assert_eq!(
                read(filter),
                MonitorFilter::leaving_out(left_out),
                "{filter}"
            );
            for event in [
                EventId::HeldEvent,
                EventId::TransferedEvent,
                EventId::ForwardingEvent,
                EventId::DeviceCapsChangedEvent,
            ] {
                assert_eq!(
                    read(filter).leaves_out(event),
                    left_out.contains(&event),
                    "{filter} {event}"
                );
            }
        }
        check("", &[]);
        check(
            "<callcontrol><held>true</held><transferred>1</transferred></callcontrol>",
            &[EventId::HeldEvent, EventId::TransferedEvent],
        );
        check("<callcontrol><held>false</held></callcontrol>", &[]);
        check(
            "<logicalDeviceFeature><forwarding>true</forwarding></logicalDeviceFeature>",
            &[EventId::ForwardingEvent],
        );
        check(
            "<maintenance><deviceCapabilityChanged>true</deviceCapabilityChanged></maintenance>",
            &[EventId::DeviceCapsChangedEvent],
        );
        // A member in the wrong group.
        check("<maintenance><held>true</held></maintenance>", &[]);
    }
}
