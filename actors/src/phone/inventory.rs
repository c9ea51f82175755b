//! The phone's lines: asked by GetSwitchingFunctionDevices, told by the SwitchingFunctionDevices that follow (ECMA-269).

use actix::Context;
use uacsta_schema::{
    csta::{DeviceId, Document, GetSwitchingFunctionDevices, ServiceId, SwitchingFunctionDevices},
    phone_id::PhoneId,
};

use super::{
    LinesListed, Phone, capabilities::Provider, request_queue::Requester, session::SessionInput,
};
use crate::{directory::LONGEST, refusal::Refusal};

/// What the phone listed, and what it is listing.
#[derive(Debug, Default)]
pub(super) struct Inventory {
    lines: Vec<DeviceId>,
    coming: Vec<DeviceId>,
    /// Whether a list is expected; one that nobody asked for is taken all the same.
    asked: bool,
    /// Whether the phone told the lines itself.
    told: bool,
    /// How many lines of the list that comes are left out.
    left_out: usize,
}

/// The most lines that one phone may list: more than any phone has keys for.
const LINES: usize = 1000;

impl Inventory {
    pub(super) fn known(lines: Vec<DeviceId>) -> Self {
        Self {
            lines,
            ..Self::default()
        }
    }

    /// The lines that the phone listed last.
    pub(super) fn lines(&self) -> &[DeviceId] {
        &self.lines
    }

    /// Whether the phone has a line, or may: one that lists none has one by its own name.
    fn has(&self, phone: PhoneId, line: &DeviceId) -> bool {
        let is_phones = |line: &DeviceId| line.name().user.parse() == Ok(phone);
        !self.told
            || self.lines.contains(line)
            || (line.as_str() == &*phone.bare() && self.lines.iter().all(is_phones))
    }
}

impl Phone {
    /// Asks for the lines; a phone that cannot tell them has those that it had.
    pub(super) fn ask_for_lines(&mut self, ctx: &mut Context<Self>) {
        if self
            .capabilities
            .has(ServiceId::GetSwitchingFunctionDevices)
        {
            self.inventory.asked = true;
            self.inventory.coming.clear();
            self.inventory.left_out = 0;
            self.send_own(
                Requester::Lines,
                GetSwitchingFunctionDevices::default().into(),
                ctx,
            );
        } else {
            self.list_complete(None, ctx);
        }
    }

    /// Asks for the lines where the phone cannot tell that they changed (no SystemRegister).
    pub(super) fn poll_for_lines(&mut self, ctx: &mut Context<Self>) {
        if self.capabilities.provider(ServiceId::SystemRegister) == Provider::Emulation {
            self.ask_for_lines(ctx);
        }
    }

    /// The response only says that the list will come.
    pub(super) fn lines_answered(
        &mut self,
        result: &Result<Document, Refusal>,
        ctx: &mut Context<Self>,
    ) {
        if result.is_err() {
            self.list_complete(None, ctx);
        } else if self.inventory.asked {
            // The list has as long as a request to come.
            let at =
                self.context.clock.now() + self.context.config().settings.advanced.request_timeout;
            self.list_due = Some(at);
            self.wake_at(at, ctx);
        }
    }

    /// A part of the list came.
    pub(super) fn listed(&mut self, part: SwitchingFunctionDevices, ctx: &mut Context<Self>) {
        let inventory = &mut self.inventory;
        for device in part.device_list {
            match device.device_id {
                Some(line) if inventory.coming.len() < LINES && line.as_str().len() <= LONGEST => {
                    inventory.coming.push(line);
                }
                _ => inventory.left_out += 1,
            }
        }
        if part.last_segment {
            let left_out = std::mem::take(&mut inventory.left_out);
            let lines = std::mem::take(&mut inventory.coming);
            if left_out > 0 && inventory.lines != lines {
                tracing::warn!(phone = %self.phone, left_out, "the phone lists lines without a name, or of a name of more than {LONGEST} octets, or more than {LINES} lines; those are left out");
            }
            self.list_complete(Some(lines), ctx);
        }
    }

    /// Goes on without a list that does not come; returns when it is given up.
    pub(super) fn sweep_list(
        &mut self,
        now: std::time::Duration,
        ctx: &mut Context<Self>,
    ) -> Option<std::time::Duration> {
        let at = self.list_due?;
        if at > now {
            return Some(at);
        }
        tracing::warn!(phone = %self.phone, "the phone promised its list of lines and did not send it; those of before are taken");
        self.list_complete(None, ctx);
        None
    }

    fn list_complete(&mut self, lines: Option<Vec<DeviceId>>, ctx: &mut Context<Self>) {
        self.inventory.asked = false;
        self.list_due = None;
        if let Some(lines) = lines {
            let is_new = self.inventory.lines != lines;
            if is_new {
                tracing::info!(phone = %self.phone, lines = lines.len(), "the phone lists its lines");
                self.inventory.lines = lines.clone();
            }
            if !std::mem::replace(&mut self.inventory.told, true) || is_new {
                self.lines_told();
            }
            self.context.registrar.do_send(LinesListed {
                phone: self.phone,
                lines,
            });
        } else {
            self.inventory.told = false;
            let mut lines = self.inventory.lines.clone();
            // A phone that logs on with its extension has that line, whether it can list it or not; the directory leaves a
            // MAC address out.
            if let Some(binding) = self.binding.as_ref().filter(|_| lines.is_empty()) {
                lines.push(DeviceId::from(binding.to.to_string()));
            }
            self.context.registrar.do_send(LinesListed {
                phone: self.phone,
                lines,
            });
        }
        self.on_session(SessionInput::Prepared, ctx);
    }

    /// Whether the phone has a line, as far as is known.
    pub(super) fn has_line(&self, line: &DeviceId) -> bool {
        self.inventory.has(self.phone, line)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_phone_has_the_lines_that_it_lists() {
        #[track_caller]
        fn check(told: bool, lines: &[&str], line: &str, expected: bool) {
            let lines = lines.iter().map(|line| DeviceId::from(*line)).collect();
            let inventory = Inventory {
                told,
                ..Inventory::known(lines)
            };
            let phone = "000413000001".parse().unwrap();
            assert_eq!(
                inventory.has(phone, &DeviceId::from(line)),
                expected,
                "{line} of {inventory:?}"
            );
        }
        check(true, &["sip:215@a"], "sip:215@a", true);
        check(true, &["sip:216@a"], "sip:215@a", false);
        check(true, &["sip:215@b"], "sip:215@a", false);
        check(true, &["sip:215@a"], "000413000001", false);
        check(true, &["sip:000413000001@a"], "000413000001", true);
        check(true, &[], "000413000001", true);
        check(true, &[], "sip:215@a", false);
        // What it had before, or cannot list.
        check(false, &[], "sip:215@a", true);
    }
}
