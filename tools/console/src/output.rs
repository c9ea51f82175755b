//! Prints results and events: text for people, or one JSON value a line for programs.

use std::io::{self, Write};

use serde_json::{Value, json};
use uacsta_schema::{csta::*, escape_controls};

use crate::{LineEvent, console::own_state, event_text};

/// Where and how results are printed.
pub(super) struct Output<'a> {
    pub(super) out: &'a mut dyn Write,
    pub(super) json: bool,
}

impl Output<'_> {
    /// Prints a line of text, or of JSON.
    pub(super) fn print(&mut self, text: &str, json: impl FnOnce() -> Value) -> io::Result<()> {
        match self.json {
            true => writeln!(self.out, "{}", escape_controls(&json().to_string(), &[]))?,
            false => writeln!(self.out, "{}", escape_controls(text, &['\n', '\t']))?,
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
        let (id, state) = (
            id.map(CallId::as_str),
            own_state(call).map(LocalConnectionState::as_str),
        );
        let with = call
            .endpoint_device
            .as_ref()
            .and_then(SubjectDevice::device);
        let with = with.map(DeviceId::user);
        let text = format!(
            "call {}  {}  with {}",
            id.unwrap_or("?"),
            state.unwrap_or("in an unknown state"),
            with.unwrap_or("nobody yet")
        );
        self.print(
            &text,
            || json!({ "call": id, "state": state, "with": with }),
        )
    }

    /// Prints a forwarding of a line.
    pub(super) fn forwarding(&mut self, line: &str, item: &ForwardListItem) -> io::Result<()> {
        let kind = item.forwarding_type.as_ref().map(ForwardingType::as_str);
        let to = item.forward_dn.as_ref().map(DeviceId::as_str);
        let on = item.forward_status;
        let text = format!(
            "{}  {}  {}",
            kind.unwrap_or("all calls"),
            if on { "on" } else { "off" },
            to.unwrap_or_default()
        );
        self.print(
            text.trim_end(),
            || json!({ "line": line, "type": kind, "on": on, "to": to }),
        )
    }
}
