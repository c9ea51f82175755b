//! What the phone answered, and what comes of it.

use std::time::Duration;

use actix::Context;
use bytes::Bytes;
use uacsta_schema::{
    csta::{self, Dialect, Document, Failure, Kind, Message, Response},
    sip::Status,
};

use super::{
    Phone,
    capabilities::Provider,
    emulation::{Asked, Asking},
    requests::{Asker, Job, Turn},
};
use crate::{
    ServerContext,
    refusal::Refusal,
    sip::{
        responder::Responder,
        session::{Body, RequestError},
        session_timer::{CROSSINGS, after_crossing},
    },
};

impl Phone {
    /// The phone answered a request, or its link gave it up.
    pub(super) fn answered(
        &mut self,
        ticket: u64,
        answer: Result<Bytes, RequestError>,
        ctx: &mut Context<Self>,
    ) {
        let running = &mut self.requests.running;
        let Some(at) = running.iter().position(|job| job.ticket == ticket) else {
            return self.answered_late(ticket, answer, ctx);
        };
        let mut job = running.remove(at);
        if let Err(RequestError::Refused {
            status,
            retry_after,
            ..
        }) = &answer
        {
            match *status {
                Status::REQUEST_PENDING if job.crossed < CROSSINGS => {
                    let at = self.context.clock.now() + after_crossing(true);
                    if at < job.deadline {
                        job.crossed += 1;
                        self.requests.put_back(job);
                        return self.leave_alone(at, ctx);
                    }
                }
                // The phone's wish holds for all that it is asked.
                Status::SERVER_INTERNAL_ERROR | Status::SERVICE_UNAVAILABLE => {
                    if let Some(wait) = retry_after.filter(|wait| !wait.is_zero()) {
                        let at = self.context.clock.now() + wait;
                        self.leave_alone(at, ctx);
                    }
                }
                _ => {}
            }
        }
        // 481 proves that the phone did not do it: it is asked once more, in the session that follows.
        let unknown = matches!(&answer, Err(RequestError::Refused { status, .. }) if *status == Status::CALL_OR_TRANSACTION_DOES_NOT_EXIST);
        if unknown && !job.repeated && job.asker.repeats() {
            job.repeated = true;
            self.requests.waiting.push_front(job);
            return;
        }
        let result = outcome(&self.context, answer, &job.service);
        self.conclude(*job, result, ctx);
        self.next_request(ctx);
    }

    /// Sends nothing to the phone until then.
    fn leave_alone(&mut self, until: Duration, ctx: &mut Context<Self>) {
        self.requests.quiet_until = Some(until);
        self.wake_at(until, ctx);
    }

    /// Gives a request its one answer.
    pub(super) fn conclude(
        &mut self,
        job: Job,
        result: Result<Document, Refusal>,
        ctx: &mut Context<Self>,
    ) {
        let lacks = match &result {
            Ok(_) => false,
            Err(refusal) => {
                if !matches!(job.asker, Asker::KeepAlive) {
                    tracing::info!(phone = %self.phone, service = %job.service, %refusal, "the phone did not do it");
                }
                // A phone that leaves such a question unanswered would have others wait each time.
                let ignored = matches!(refusal, Refusal::TimedOut)
                    && matches!(job.asker, Asker::Calls { .. } | Asker::Features { .. });
                ignored || refusal.failure() == Failure::SERVICE_NOT_SUPPORTED
            }
        };
        if lacks || result.is_ok() {
            self.capabilities.proved(&job.service, !lacks);
        }
        match job.asker {
            Asker::Client { reply, dialect } => {
                if lacks
                    && self.capabilities.provider(&job.service) == Provider::Emulation
                    && let Body::Relayed {
                        document, device, ..
                    } = job.content
                {
                    let client = Asking {
                        phone: self.phone,
                        document,
                        reply,
                        dialect,
                        deadline: job.deadline,
                    };
                    let asked = Asked { device, client };
                    return self.emulate(asked, Turn::Next, ctx);
                }
                answer(reply, &dialect, result);
            }
            // An operator who has given up needs not be told.
            Asker::Operator(asker) => drop(asker.send(result)),
            Asker::SystemRegister | Asker::Nobody => {}
            Asker::MonitorStop { line, cross_ref } => {
                if lacks && self.capabilities.provider("MonitorStop") == Provider::Emulation {
                    self.leave_monitor(line, cross_ref, ctx);
                }
            }
            Asker::Lines => self.lines_answered(&result, ctx),
            Asker::KeepAlive => self.kept_alive(&result, ctx),
            Asker::Monitor(line) => self.monitor_start_answered(&line, result, ctx),
            Asker::Calls { line, asked } => self.calls_answered(&line, asked, result),
            Asker::Features { reply, dialect } => {
                if let Ok(Ok(Message::Response(Response::GetCSTAFeaturesResponse(told)))) =
                    result.map(|document| document.message())
                {
                    self.capabilities.features_listed(&told);
                }
                reply.csta(csta::write(&self.capabilities.features().into(), &dialect));
            }
            Asker::Emulation(emulation) => self.emulated(*emulation, result, ctx),
        }
    }
}

/// Answers a client: with the phone's response, or with the error that fits.
pub(super) fn answer(reply: Responder, dialect: &Dialect, result: Result<Document, Refusal>) {
    let relayed = |document| Body::Relayed {
        document,
        edition: dialect.edition,
        cross_ref: None,
        device: None,
    };
    match result {
        Ok(document) => reply.csta(relayed(document.into())),
        Err(Refusal::Failed { document, .. }) => reply.csta(relayed(document)),
        Err(refusal) => reply.csta(csta::write(&refusal.failure().into(), dialect)),
    }
}

/// What the answer to a service amounts to: its response, or a refusal. A CSTA error counts in a 200 as in a 4xx or 5xx.
pub(super) fn outcome(
    context: &ServerContext,
    answer: Result<Bytes, RequestError>,
    service: &str,
) -> Result<Document, Refusal> {
    let (body, status) = match answer {
        Ok(body) => (body, None),
        Err(RequestError::Refused { body, status, .. }) => (body, Some(status)),
        Err(RequestError::TimedOut) => return Err(Refusal::TimedOut),
        Err(RequestError::Ended | RequestError::NoDialog) => return Err(Refusal::Away),
        Err(RequestError::TooLarge) => return Err(Refusal::TooLarge),
    };
    let document = match context.read(body) {
        Ok(document) => document,
        Err(error) => {
            return Err(
                status.map_or_else(|| Refusal::NotCsta(error.to_string()), Refusal::Refused)
            );
        }
    };
    if document.kind() == Kind::Failure {
        return Err(match document.message() {
            Ok(Message::Failure(failure)) => Refusal::Failed {
                failure,
                document: document.into(),
            },
            Ok(_) => Refusal::NotCsta("a CSTAErrorCode without an error".to_owned()),
            Err(error) => Refusal::NotCsta(error.to_string()),
        });
    }
    if let Some(status) = status {
        return Err(Refusal::Refused(status));
    }
    if document.name().strip_suffix("Response") == Some(service) {
        Ok(document)
    } else {
        Err(Refusal::NotCsta(format!(
            "{} came instead of {service}Response",
            document.name()
        )))
    }
}
