//! Requests that the phone does not answer: their time is over, or their session is lost.

use std::time::Duration;

use actix::Context;
use bytes::Bytes;
use uacsta_schema::csta;

use super::{
    Phone,
    answers::{answer, outcome},
    requests::{Asker, Job},
};
use crate::{refusal::Refusal, sip::session::RequestError};

impl Phone {
    /// The session is lost. What the phone had may be done or not: it gets an error. What waits may still be sent.
    pub(super) fn interrupted(&mut self) {
        let mut refused: Vec<Box<Job>> = self
            .requests
            .running
            .drain(..)
            .chain(self.requests.own.drain(..))
            .collect();
        if self.binding.is_none() || !self.enabled {
            refused.extend(self.requests.waiting.drain(..));
        }
        for job in refused {
            match job.asker {
                Asker::Client { reply, dialect } => answer(reply, &dialect, Err(Refusal::Away)),
                Asker::Operator(asker) => drop(asker.send(Err(Refusal::Away))),
                Asker::Features { reply, dialect } => {
                    reply.csta(csta::write(&self.capabilities.features().into(), &dialect));
                }
                Asker::Emulation(emulation) => emulation.refuse(Refusal::Away),
                Asker::SystemRegister
                | Asker::MonitorStop { .. }
                | Asker::Nobody
                | Asker::Lines
                | Asker::KeepAlive
                | Asker::Monitor(_)
                | Asker::Calls { .. } => {}
            }
        }
    }

    /// Refuses what waited too long; returns when the next one has.
    pub(super) fn sweep_requests(
        &mut self,
        now: Duration,
        ctx: &mut Context<Self>,
    ) -> Option<Duration> {
        let requests = &mut self.requests;
        // A phone that was not asked is not silent: it is asked when its turn comes.
        if requests.forget_keep_alive(now) {
            self.keep_alive_at = Some(requests.quiet_until.unwrap_or(now).max(now));
        }
        let mut late: Vec<Box<Job>> = Vec::new();
        while let Some(at) = requests.running.iter().position(|job| job.deadline <= now) {
            let job = requests.running.remove(at);
            if let Asker::Monitor(device) = &job.asker {
                let overdue = &mut self.emulation.get_or_insert_default().overdue;
                overdue.push((job.ticket, device.clone()));
            }
            late.push(job);
        }
        let is_late = |job: &Job| job.deadline <= now && !job.asker.has_time();
        while let Some(at) = requests.own.iter().position(|job| is_late(job)) {
            late.extend(requests.own.remove(at));
        }
        while requests
            .waiting
            .front()
            .is_some_and(|job| job.deadline <= now)
        {
            late.extend(requests.waiting.pop_front());
        }
        for job in late {
            self.conclude(*job, Err(Refusal::TimedOut), ctx);
        }
        self.next_request(ctx);
        let requests = &self.requests;
        requests
            .running
            .iter()
            .chain(requests.own.iter().find(|job| !job.asker.has_time()))
            .chain(requests.waiting.front())
            .map(|job| job.deadline)
            .chain(requests.quiet_until)
            .min()
    }

    /// An answer came after its time. A monitor that runs now all the same is not forgotten.
    pub(super) fn answered_late(
        &mut self,
        ticket: u64,
        answer: Result<Bytes, RequestError>,
        ctx: &mut Context<Self>,
    ) {
        tracing::debug!(phone = %self.phone, "an answer came after its time");
        let Some(overdue) = self.emulation.as_mut().map(|kept| &mut kept.overdue) else {
            return;
        };
        let Some(at) = overdue.iter().position(|(late, _)| *late == ticket) else {
            return;
        };
        let (_, device) = overdue.swap_remove(at);
        if let Ok(started) = outcome(&self.context, answer, "MonitorStart") {
            self.monitor_start_answered(&device, Ok(started), ctx);
        }
    }
}
