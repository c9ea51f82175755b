//! Requests that the phone does not answer: their time is over, or their session is lost.

use std::time::Duration;

use actix::Context;
use uacsta_schema::csta;

use super::{
    Phone,
    answers::answer,
    requests::{Asker, Job},
};
use crate::refusal::Refusal;

impl Phone {
    /// The session is lost. What the phone had may be done or not: it gets an error. What waits may still be sent.
    pub(super) fn interrupted(&mut self) {
        let mut refused: Vec<Box<Job>> = self
            .requests
            .running
            .drain(..)
            .chain(self.requests.own.drain(..))
            .collect();
        if self.binding.is_none() || !self.in_operation {
            refused.extend(self.requests.waiting.drain(..));
        }
        for job in refused {
            match job.asker {
                Asker::Client { reply, speech } => answer(reply, &speech, Err(Refusal::Away)),
                Asker::Operator(asker) => drop(asker.send(Err(Refusal::Away))),
                Asker::Features { reply, speech } => {
                    reply.csta(csta::write(&self.features().into(), &speech));
                }
                Asker::Emulation(emulation) => emulation.refuse(Refusal::Away),
                Asker::SystemRegister
                | Asker::MonitorStop { .. }
                | Asker::Nobody
                | Asker::Lines
                | Asker::KeepAlive
                | Asker::Monitor { .. }
                | Asker::Calls(_) => {}
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
            late.push(requests.running.remove(at));
        }
        for queue in [&mut requests.own, &mut requests.waiting] {
            while queue.front().is_some_and(|job| job.deadline <= now) {
                late.extend(queue.pop_front());
            }
        }
        for job in late {
            self.conclude(*job, Err(Refusal::TimedOut), ctx);
        }
        self.next_request(ctx);
        let requests = &self.requests;
        requests
            .running
            .iter()
            .chain(requests.own.front())
            .chain(requests.waiting.front())
            .map(|job| job.deadline)
            .chain(requests.quiet_until)
            .min()
    }
}
