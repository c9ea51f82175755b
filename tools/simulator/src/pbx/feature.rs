//! Features of a line: digits, do not disturb, forwarding, message waiting (ECMA-269, clauses 18, 21 and 22).

use uacsta_schema::csta::{CallId, Category, DeviceId, Failure, ForwardingType};

use super::{CallEventKind, LineEvent, LineId, Pbx, State, routing::dialled};

/// A forwarding of a line.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Forwarding {
    /// Which calls are forwarded.
    pub kind: ForwardingType,
    /// Whether it is active.
    pub on: bool,
    /// The destination.
    pub to: Option<DeviceId>,
    /// Rings before a call is forwarded.
    pub ring_count: Option<u32>,
    /// Seconds of ringing before a call is forwarded.
    pub ring_duration: Option<u32>,
}

/// The forwarding types that the phones support.
const KINDS: [ForwardingType; 4] = [
    ForwardingType::FORWARD_IMMEDIATE,
    ForwardingType::FORWARD_BUSY,
    ForwardingType::FORWARD_NO_ANS,
    ForwardingType::FORWARD_DND,
];

impl Pbx {
    /// Sends digits into a call.
    ///
    /// # Errors
    /// There is no such call, it is not connected, or a character is not a digit.
    pub fn generate_digits(
        &mut self,
        line: LineId,
        id: &CallId,
        digits: &str,
    ) -> Result<(), Failure> {
        let (key, state) = self.own(line, id)?;
        let valid = |b| matches!(b, b'0'..=b'9' | b'*' | b'#' | b'A'..=b'D' | b',');
        if digits.is_empty() || !digits.bytes().all(valid) {
            return Err(Failure::new(
                Category::Operation,
                "charactersToSendNotSupported",
            ));
        }
        if state != State::Connected {
            return Err(Failure::INVALID_CONNECTION_STATE);
        }
        let what = CallEventKind::Digits(digits.into());
        self.report(key, line, what, Default::default());
        Ok(())
    }

    /// Whether do not disturb is on.
    pub fn do_not_disturb(&self, line: LineId) -> bool {
        self.lines[line.0].do_not_disturb
    }

    /// Sets do not disturb, and reports a change.
    pub fn set_do_not_disturb(&mut self, line: LineId, on: bool) {
        if std::mem::replace(&mut self.lines[line.0].do_not_disturb, on) != on {
            self.events.push((line, LineEvent::DoNotDisturb(on)));
        }
    }

    /// Whether a message is waiting.
    pub fn message_waiting(&self, line: LineId) -> bool {
        self.lines[line.0].message_waiting
    }

    /// Sets message waiting, and reports a change.
    pub fn set_message_waiting(&mut self, line: LineId, on: bool) {
        if std::mem::replace(&mut self.lines[line.0].message_waiting, on) != on {
            self.events.push((line, LineEvent::MessageWaiting(on)));
        }
    }

    /// All forwardings of a line, also those that were never set.
    pub fn forwardings(&self, line: LineId) -> Vec<Forwarding> {
        let of = |kind: &ForwardingType| {
            let set = self.lines[line.0].forwardings.iter();
            set.clone()
                .find(|set| set.kind == *kind)
                .cloned()
                .unwrap_or_else(|| Forwarding {
                    kind: kind.clone(),
                    on: false,
                    to: None,
                    ring_count: None,
                    ring_duration: None,
                })
        };
        KINDS.iter().map(of).collect()
    }

    /// Sets a forwarding. Without a destination it keeps its former one.
    ///
    /// # Errors
    /// The phones do not support this type, or the destination cannot be dialled.
    pub fn set_forwarding(
        &mut self,
        line: LineId,
        mut forwarding: Forwarding,
    ) -> Result<(), Failure> {
        if !KINDS.contains(&forwarding.kind) {
            return Err(Failure::INVALID_FORWARDING_TYPE);
        }
        let known = &mut self.lines[line.0].forwardings;
        let former = known.iter().position(|set| set.kind == forwarding.kind);
        let former = former.map(|index| known.swap_remove(index));
        if forwarding.to.is_none() {
            forwarding.to = former.as_ref().and_then(|former| former.to.clone());
        }
        let valid = forwarding
            .to
            .as_ref()
            .map_or(!forwarding.on, |to| dialled(to).is_some());
        let own =
            forwarding.to.as_ref().map(DeviceId::user) == Some(self.lines[line.0].device.user());
        let known = &mut self.lines[line.0].forwardings;
        if !valid || own {
            known.extend(former);
            return Err(Failure::INVALID_FORWARDING_DESTINATION);
        }
        known.push(forwarding.clone());
        if former.as_ref() != Some(&forwarding) {
            self.events.push((line, LineEvent::Forwarding(forwarding)));
        }
        Ok(())
    }

    /// The destination of a line's forwarding of this type, if it is on.
    pub(super) fn forwarding(&self, line: LineId, kind: &ForwardingType) -> Option<DeviceId> {
        self.forwarding_of(line, kind)
            .and_then(|forwarding| forwarding.to.clone())
    }

    pub(super) fn forwarding_of(&self, line: LineId, kind: &ForwardingType) -> Option<&Forwarding> {
        self.lines[line.0]
            .forwardings
            .iter()
            .find(|forwarding| forwarding.kind == *kind && forwarding.on)
    }
}
