//! Features of a line: digits, do not disturb, forwarding, message waiting (ECMA-269, clauses 18, 21 and 22).

use uacsta_schema::csta::{CallId, Category, DeviceId, Failure, ForwardingType};

use super::{Exchange, LineId, Notice, State, What, routing::dialled};

/// A forwarding of a line.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Forwarding {
    /// When it applies.
    pub kind: ForwardingType,
    /// Whether it is on.
    pub on: bool,
    /// Where calls go.
    pub to: Option<DeviceId>,
    /// Rings before it applies.
    pub ring_count: Option<u32>,
    /// Seconds of ringing before it applies.
    pub ring_duration: Option<u32>,
}

/// The forwardings that phones have.
const KINDS: [ForwardingType; 4] = [
    ForwardingType::FORWARD_IMMEDIATE,
    ForwardingType::FORWARD_BUSY,
    ForwardingType::FORWARD_NO_ANS,
    ForwardingType::FORWARD_DND,
];

impl Exchange {
    /// Sends digits into a call.
    ///
    /// # Errors
    /// There is no such call, nobody speaks on it, or a character is no digit.
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
        let what = What::Digits(digits.into());
        self.tell(key, line, what, Default::default());
        Ok(())
    }

    /// Whether calls may not disturb a line.
    pub fn do_not_disturb(&self, line: LineId) -> bool {
        self.lines[line.0].do_not_disturb
    }

    /// Has calls disturb a line or not.
    pub fn set_do_not_disturb(&mut self, line: LineId, on: bool) {
        if std::mem::replace(&mut self.lines[line.0].do_not_disturb, on) != on {
            self.notices.push((line, Notice::DoNotDisturb(on)));
        }
    }

    /// Whether a message waits.
    pub fn message_waiting(&self, line: LineId) -> bool {
        self.lines[line.0].message_waiting
    }

    /// Has a line show that a message waits, or not.
    pub fn set_message_waiting(&mut self, line: LineId, on: bool) {
        if std::mem::replace(&mut self.lines[line.0].message_waiting, on) != on {
            self.notices.push((line, Notice::MessageWaiting(on)));
        }
    }

    /// All forwardings of a line, also those that nobody has set.
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

    /// Sets a forwarding. One that is switched on without a destination keeps the one it had.
    ///
    /// # Errors
    /// Phones have no such forwarding, or calls cannot go there.
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
            self.notices.push((line, Notice::Forwarding(forwarding)));
        }
        Ok(())
    }

    /// Where a line's forwarding of a kind sends calls, if it is on.
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
