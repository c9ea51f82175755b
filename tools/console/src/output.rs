//! Prints results and events: text for people, or one JSON value a line for programs.

use std::io::{self, Write};

use serde_json::{Value, json};
use uacsta_schema::{csta::*, escape_controls};

use crate::{
    LineEvent,
    console::own_state,
    event_text::{event_text, forwarded_calls},
};

/// Where and how results are printed.
pub(super) struct Output<'a> {
    pub(super) out: &'a mut dyn Write,
    pub(super) json: bool,
}

impl Output<'_> {
    /// Prints a line of text, or of JSON. A line break in it, such as in a peer's number, is escaped.
    pub(super) fn print(&mut self, text: &str, json: impl FnOnce() -> Value) -> io::Result<()> {
        self.write(text, &[], json)
    }

    /// Prints a text of several lines of our own, or a line of JSON.
    pub(super) fn lines(&mut self, text: &str, json: impl FnOnce() -> Value) -> io::Result<()> {
        self.write(text, &['\n', '\t'], json)
    }

    fn write(&mut self, text: &str, kept: &[char], json: impl FnOnce() -> Value) -> io::Result<()> {
        match self.json {
            true => writeln!(self.out, "{}", escape_controls(&json().to_string(), &[]))?,
            false => writeln!(self.out, "{}", escape_controls(text, kept))?,
        }
        self.out.flush()
    }

    /// Prints a note for people; programs see the same from what is printed or not.
    pub(super) fn note(&mut self, text: &str) -> io::Result<()> {
        match self.json {
            true => Ok(()),
            false => self.print(text, || Value::Null),
        }
    }

    /// Prints an event with the time.
    pub(super) fn event(&mut self, event: &LineEvent) -> io::Result<()> {
        let now = jiff::Zoned::now();
        let described = event_text(&event.event, event.line.as_ref());
        let line = event.line.as_ref().map(DeviceId::user).unwrap_or_default();
        let text = format!(
            "{}  {line}  {}",
            now.strftime("%H:%M:%S%.3f"),
            described.text
        );
        self.print(&text, || {
            json!({
                "time": now.timestamp().to_string(),
                "line": line,
                "event": event.event.name(),
                "text": described.text,
                "call": described.call.as_ref().map(CallId::as_str),
                "state": described.state.as_ref().map(LocalConnectionState::as_str),
                "cause": described.cause.as_ref().map(EventCause::as_str),
                "xml": String::from_utf8_lossy(event.document.raw()),
            })
        })
    }

    /// Prints the name of a call.
    pub(super) fn call(&mut self, connection: &ConnectionId) -> io::Result<()> {
        let call = connection.call_id.as_ref().map(CallId::as_str);
        let text = format!("call {}", call.unwrap_or_default());
        self.print(&text, || json!({ "call": call }))
    }

    /// Prints a call of a line.
    pub(super) fn device_call(&mut self, call: &DeviceCall) -> io::Result<()> {
        let id = call.connection.as_ref().and_then(|c| c.call_id.as_ref());
        let id = id.map(CallId::as_str);
        let state = own_state(call).map(LocalConnectionState::as_str);
        let far = far_state(call).map(LocalConnectionState::as_str);
        let text = format!("call {}  {}", id.unwrap_or("?"), call_text(call));
        let with = endpoint(call);
        self.print(
            &text,
            || json!({ "call": id, "state": state, "with": with, "farState": far }),
        )
    }

    /// Prints the forwardings of a line in columns.
    pub(super) fn forwardings(&mut self, line: &str, list: &[ForwardListItem]) -> io::Result<()> {
        fn calls(item: &ForwardListItem) -> &str {
            item.forwarding_type.as_ref().map_or("all", forwarded_calls)
        }
        let widths = list.iter().map(|item| calls(item).chars().count());
        let width = widths.max().unwrap_or(0);
        for item in list {
            let kind = item.forwarding_type.as_ref().map(ForwardingType::as_str);
            let to = item.forward_dn.as_ref().map(DeviceId::as_str);
            let on = item.forward_status;
            let state = if on { "on" } else { "off" };
            let text = format!(
                "{:width$}  {state:3}  {}",
                calls(item),
                to.unwrap_or_default()
            );
            self.print(
                text.trim_end(),
                || json!({ "line": line, "type": kind, "on": on, "to": to }),
            )?;
        }
        Ok(())
    }
}

/// The number of the device at a call's other end.
fn endpoint(call: &DeviceCall) -> Option<&str> {
    let device = call
        .endpoint_device
        .as_ref()
        .and_then(SubjectDevice::device);
    device.map(DeviceId::user)
}

/// The state of a call at its other end, if the snapshot contains it.
fn far_state(call: &DeviceCall) -> Option<&LocalConnectionState> {
    match &call.local_call_state {
        Some(CallState::Compound(states)) => states.get(1),
        _ => None,
    }
}

/// A call of a line in words, in those of [`event_text`] where the other end does not talk.
fn call_text(call: &DeviceCall) -> String {
    let own = own_state(call).map_or("in an unknown state", LocalConnectionState::as_str);
    let is_connected = own_state(call) == Some(&LocalConnectionState::CONNECTED);
    let with = endpoint(call).unwrap_or("nobody yet");
    match far_state(call) {
        Some(far) if is_connected && *far == LocalConnectionState::ALERTING => {
            format!("rings at {with}")
        }
        Some(far) if is_connected && *far == LocalConnectionState::FAIL => {
            format!("cannot reach {with}")
        }
        Some(far) if *far == LocalConnectionState::HOLD => {
            format!("{own}  put on hold by {with}")
        }
        Some(far) if *far == LocalConnectionState::QUEUED => {
            format!("{own}  waits in the queue {with}")
        }
        _ => format!("{own}  with {with}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forwardings_are_in_columns() {
        let item = |kind, to: Option<&str>| ForwardListItem {
            forwarding_type: Some(kind),
            forward_dn: to.map(DeviceId::from),
            forward_status: to.is_some(),
            ..ForwardListItem::default()
        };
        let list = [
            item(ForwardingType::FORWARD_IMMEDIATE, None),
            item(ForwardingType::FORWARD_NO_ANS, Some("217")),
        ];
        let mut out = Vec::new();
        let mut output = Output {
            out: &mut out,
            json: false,
        };
        output.forwardings("215", &list).expect("memory takes it");
        let text = String::from_utf8_lossy(&out);
        assert_eq!(text, "all         off\nunanswered  on   217\n");
    }

    #[test]
    fn number_of_a_peer_adds_no_line() {
        let call = DeviceCall {
            endpoint_device: Some(SubjectDevice::Device(
                "217\n12:00:00.000  215  forged\t".into(),
            )),
            ..DeviceCall::default()
        };
        let mut out = Vec::new();
        let json = false;
        let mut output = Output {
            out: &mut out,
            json,
        };
        output.device_call(&call).expect("memory takes it");
        let text = String::from_utf8_lossy(&out);
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(
            text.contains("217\\n12:00:00.000  215  forged\\t"),
            "{text}"
        );
    }

    #[test]
    fn call_is_described_by_the_state_of_its_other_end() {
        const CONNECTED: LocalConnectionState = LocalConnectionState::CONNECTED;
        fn check(states: &[LocalConnectionState], with: Option<&str>, text: &str) {
            let call = DeviceCall {
                endpoint_device: with.map(|with| SubjectDevice::Device(with.into())),
                local_call_state: Some(CallState::Compound(states.to_vec())),
                ..DeviceCall::default()
            };
            assert_eq!(call_text(&call), text);
        }
        let with = Some("sip:217@pbx");
        let initiated = [LocalConnectionState::INITIATED];
        check(&initiated, None, "initiated  with nobody yet");
        let far = |state| [CONNECTED, state];
        check(&far(LocalConnectionState::ALERTING), with, "rings at 217");
        let rings = [LocalConnectionState::ALERTING, CONNECTED];
        check(&rings, with, "alerting  with 217");
        check(&far(CONNECTED), with, "connected  with 217");
        let held = "connected  put on hold by 217";
        check(&far(LocalConnectionState::HOLD), with, held);
        let holds = [LocalConnectionState::HOLD, CONNECTED];
        check(&holds, with, "hold  with 217");
        check(&far(LocalConnectionState::FAIL), with, "cannot reach 217");
        let queued = "connected  waits in the queue 217";
        check(&far(LocalConnectionState::QUEUED), with, queued);
    }
}
