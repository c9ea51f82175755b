//! Requests the phone's lines, and reports them to the registrar.

use std::time::Duration;

use actix::Context;
use uacsta_schema::csta::{GetSwitchingFunctionDevices, ServiceId, SwitchingFunctionDevices};

use super::{
    LinesListed, Phone,
    lines::{LinesDue, LinesKnown, MAX_LINES, MAX_NAMESAKES, MAX_OCTETS},
    request_queue::Requester,
    session::SessionInput,
};
use crate::{
    directory::{LONGEST, lines_among},
    log_limit::repeat_count,
};

impl Phone {
    /// Requests the lines; a phone that cannot list lines keeps its former ones.
    pub(super) fn request_lines(&mut self, ctx: &mut Context<Self>) {
        self.lines.requested(self.context.clock.now());
        if self
            .capabilities
            .has(ServiceId::GetSwitchingFunctionDevices)
        {
            let request = GetSwitchingFunctionDevices::default();
            self.send_own(Requester::Lines, request.into(), ctx);
        } else {
            self.give_up_list(ctx);
        }
    }

    /// Goes on without a list of lines.
    pub(super) fn give_up_list(&mut self, ctx: &mut Context<Self>) {
        let identity = self.admission.binding().map(|binding| &*binding.to);
        let known = self.lines.give_up(identity);
        self.lines_known(known, ctx);
    }

    /// The phone sent a part of its list.
    pub(super) fn lines_listed(&mut self, part: SwitchingFunctionDevices, ctx: &mut Context<Self>) {
        if let Some(known) = self.lines.add(part, self.context.clock.now()) {
            self.lines_known(known, ctx);
        } else {
            self.wake_for_lines(ctx);
        }
    }

    /// Requests the lines, as soon as the last request has its answer.
    pub(super) fn lines_changed(&mut self, ctx: &mut Context<Self>) {
        if self.lines.changed(self.context.clock.now()) {
            self.request_lines(ctx);
        }
        self.wake_for_lines(ctx);
    }

    /// Handles what is due of the lines, and sets the alarm for the next.
    pub(super) fn lines_due(&mut self, now: Duration, ctx: &mut Context<Self>) {
        match self.lines.due(now) {
            Some(LinesDue::GiveUp) => {
                tracing::warn!(phone = %self.phone, "phone did not send the list of lines that it announced; it keeps the lines of before");
                self.give_up_list(ctx);
            }
            Some(LinesDue::Request) => self.request_lines(ctx),
            Some(LinesDue::Known(known)) => self.lines_known(known, ctx),
            None => {}
        }
        self.wake_for_lines(ctx);
    }

    fn wake_for_lines(&mut self, ctx: &mut Context<Self>) {
        if let Some(at) = self.lines.next_due() {
            self.wake_at(at, ctx);
        }
    }

    fn lines_known(&mut self, known: LinesKnown, ctx: &mut Context<Self>) {
        let (phone, left_out) = (self.phone, known.left_out);
        if left_out > 0
            && let Some(times) = self.may_log("lines left out")
        {
            tracing::warn!(%phone, left_out, times = repeat_count(times), "phone lists lines without a name or with one of more than {LONGEST} octets, more than {MAX_LINES} lines or {MAX_OCTETS} octets in all, or more than {MAX_NAMESAKES} with one user part; they are left out");
        }
        if known.is_new {
            // The directory gives a phone without lines one.
            let lines = lines_among(phone, known.lines.iter().cloned());
            tracing::info!(%phone, lines = lines.count().max(1), "phone listed its lines");
        }
        if known.is_news {
            let is_ready = self.session.is_open();
            for line in self.monitored.lines_listed(&self.lines, is_ready) {
                tracing::warn!(%phone, %line, "phone no longer has a line that is monitored");
            }
        }
        self.upstream.lines.do_send(LinesListed {
            phone,
            lines: known.lines,
        });
        self.on_session(SessionInput::Prepared, ctx);
        self.wake_for_lines(ctx);
    }
}
