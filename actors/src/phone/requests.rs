//! What is asked of the phone: one request at a time, in order of arrival, each with its time limit and one answer.

use std::{borrow::Cow, collections::VecDeque, sync::Arc, time::Duration};

use actix::{Addr, Context};
use bytes::Bytes;
use tokio::sync::oneshot;
use uacsta_schema::{
    csta::{self, DeviceId, Document, Kind, Message, Speech},
    sip::Status,
};

use super::{Phone, session::State};
use crate::{
    monitor::Monitor,
    refusal::Refusal,
    sip::{
        reply::Reply,
        session::{Content, Invoke, Unanswered},
    },
};

/// Requests that wait for the phone, and the one that it has.
#[derive(Default)]
pub(super) struct Requests {
    /// The server's own, which go first: without them the session is of no use.
    own: VecDeque<Job>,
    waiting: VecDeque<Job>,
    running: Option<Job>,
    tickets: u64,
}

/// One request.
struct Job {
    ticket: u64,
    deadline: Duration,
    asker: Asker,
    content: Content,
    service: Cow<'static, str>,
    /// Whether a 481 had it sent once more.
    repeated: bool,
}

/// Who asked, and so what the answer is for.
pub(super) enum Asker {
    /// A client.
    Client { reply: Reply, speech: Speech },
    /// An operator, who tries what the phone can do.
    Operator(oneshot::Sender<Result<Document, Refusal>>),
    /// The subscription to changes.
    SystemRegister,
    /// The phone's lines.
    Lines,
    /// The keep-alive.
    KeepAlive,
    /// The start of a monitor.
    Monitor {
        device: DeviceId,
        monitor: Addr<Monitor>,
    },
    /// The end of a monitor.
    MonitorStop,
}

impl Phone {
    /// Takes a client's request. It is refused at once while the phone is away.
    pub(super) fn ask(
        &mut self,
        reply: Reply,
        speech: Speech,
        document: Arc<Document>,
        device: Option<Arc<str>>,
        ctx: &mut Context<Self>,
    ) {
        if let Some(refusal) = self.refusal() {
            tracing::info!(mac = %self.mac, service = document.name(), %refusal, "request refused");
            return answer(reply, &speech, Err(refusal));
        }
        let service = document.name().to_owned();
        let content = Content::Relayed {
            document,
            edition: self.edition,
            cross_ref: None,
            device,
        };
        self.queue(Asker::Client { reply, speech }, content, service, ctx);
    }

    /// Why the phone cannot be asked anything for others now, if so.
    pub(super) fn refusal(&self) -> Option<Refusal> {
        let most = self.house.settings.limits.pending_requests_per_phone;
        if !self.in_operation {
            Some(Refusal::NotInOperation)
        } else if !self.session.is_coming() {
            Some(Refusal::Away)
        } else if self.requests.waiting.len() >= most {
            Some(Refusal::Busy)
        } else {
            None
        }
    }

    /// Has a request wait for the phone's turn.
    pub(super) fn queue(
        &mut self,
        asker: Asker,
        content: Content,
        service: String,
        ctx: &mut Context<Self>,
    ) {
        let job = self.job(asker, content, service.into(), ctx);
        self.requests.waiting.push_back(job);
        self.next_request(ctx);
    }

    /// Asks something for the server itself.
    pub(super) fn ask_own(&mut self, asker: Asker, request: &Message, ctx: &mut Context<Self>) {
        let content = Content::Whole(csta::write(request, &self.edition.into()));
        let job = self.job(asker, content, request.name().to_owned().into(), ctx);
        self.requests.own.push_back(job);
        self.next_request(ctx);
    }

    fn job(
        &mut self,
        asker: Asker,
        content: Content,
        service: Cow<'static, str>,
        ctx: &mut Context<Self>,
    ) -> Job {
        let deadline = self.house.clock.now() + self.house.settings.advanced.request_timeout;
        self.wake_at(deadline, ctx);
        self.requests.tickets += 1;
        Job {
            ticket: self.requests.tickets,
            deadline,
            asker,
            content,
            service,
            repeated: false,
        }
    }

    /// Sends the next request if the phone has none and can take one.
    pub(super) fn next_request(&mut self, _: &mut Context<Self>) {
        let (Some(session), Some(binding), None) =
            (self.session.id(), &self.binding, &self.requests.running)
        else {
            return;
        };
        let clients_turn = matches!(self.session, State::Open(_));
        let next = self.requests.own.pop_front().or_else(|| {
            if clients_turn {
                self.requests.waiting.pop_front()
            } else {
                None
            }
        });
        if let Some(job) = next {
            binding.registration.link.do_send(Invoke {
                session,
                ticket: job.ticket,
                content: job.content.clone(),
            });
            self.requests.running = Some(job);
        }
    }

    /// The phone answered a request, or its link gave it up.
    pub(super) fn answered(
        &mut self,
        ticket: u64,
        answer: Result<Bytes, Unanswered>,
        ctx: &mut Context<Self>,
    ) {
        let Some(mut job) = self.requests.running.take_if(|job| job.ticket == ticket) else {
            tracing::debug!(mac = %self.mac, "an answer came after its time");
            return;
        };
        // 481 proves that the phone did not do it: it is asked once more, in the session that follows.
        let unknown = matches!(&answer, Err(Unanswered::Refused { status, .. }) if *status == Status::CALL_OR_TRANSACTION_DOES_NOT_EXIST);
        if unknown && !job.repeated && matches!(job.asker, Asker::Client { .. }) {
            job.repeated = true;
            self.requests.waiting.push_front(job);
            return;
        }
        let result = outcome(answer, &job.service);
        self.conclude(job, result, ctx);
        self.next_request(ctx);
    }

    /// Gives a request its one answer.
    fn conclude(&mut self, job: Job, result: Result<Document, Refusal>, ctx: &mut Context<Self>) {
        if let Err(refusal) = &result
            && !matches!(job.asker, Asker::KeepAlive)
        {
            tracing::info!(mac = %self.mac, service = %job.service, %refusal, "the phone did not do it");
        }
        match job.asker {
            Asker::Client { reply, speech } => answer(reply, &speech, result),
            // An operator who has given up needs not be told.
            Asker::Operator(asker) => drop(asker.send(result)),
            Asker::SystemRegister | Asker::MonitorStop => {}
            Asker::Lines => self.lines_answered(&result, ctx),
            Asker::KeepAlive => self.kept_alive(&result, ctx),
            Asker::Monitor { device, monitor } => {
                self.monitor_answered(&device, &monitor, result, ctx);
            }
        }
    }

    /// The session is lost. What the phone had may be done or not: it gets an error. What waits may still be sent.
    pub(super) fn interrupted(&mut self) {
        let mut refused: Vec<Job> = self
            .requests
            .running
            .take()
            .into_iter()
            .chain(self.requests.own.drain(..))
            .collect();
        if self.binding.is_none() || !self.in_operation {
            refused.extend(self.requests.waiting.drain(..));
        }
        for job in refused {
            match job.asker {
                Asker::Client { reply, speech } => answer(reply, &speech, Err(Refusal::Away)),
                Asker::Operator(asker) => drop(asker.send(Err(Refusal::Away))),
                Asker::SystemRegister
                | Asker::MonitorStop
                | Asker::Lines
                | Asker::KeepAlive
                | Asker::Monitor { .. } => {}
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
        let mut late: Vec<Job> = requests
            .running
            .take_if(|job| job.deadline <= now)
            .into_iter()
            .collect();
        for queue in [&mut requests.own, &mut requests.waiting] {
            while queue.front().is_some_and(|job| job.deadline <= now) {
                late.extend(queue.pop_front());
            }
        }
        for job in late {
            self.conclude(job, Err(Refusal::TimedOut), ctx);
        }
        self.next_request(ctx);
        let requests = &self.requests;
        requests
            .running
            .iter()
            .chain(requests.own.front())
            .chain(requests.waiting.front())
            .map(|job| job.deadline)
            .min()
    }
}

/// Answers a client: with the phone's response, or with the error that fits.
pub(super) fn answer(reply: Reply, speech: &Speech, result: Result<Document, Refusal>) {
    let relayed = |document| Content::Relayed {
        document,
        edition: speech.edition,
        cross_ref: None,
        device: None,
    };
    match result {
        Ok(document) => reply.csta(relayed(document.into())),
        Err(Refusal::Failed { document, .. }) => reply.csta(relayed(document)),
        Err(refusal) => reply.csta(csta::write(&refusal.failure().into(), speech)),
    }
}

/// What the answer to a service amounts to: its response, or a refusal. A CSTA error counts in a 200 as in a 4xx or 5xx.
fn outcome(answer: Result<Bytes, Unanswered>, service: &str) -> Result<Document, Refusal> {
    let (body, status) = match answer {
        Ok(body) => (body, None),
        Err(Unanswered::Refused { body, status, .. }) => (body, Some(status)),
        Err(Unanswered::TimedOut) => return Err(Refusal::TimedOut),
        Err(Unanswered::Ended) => return Err(Refusal::Away),
    };
    let document = match Document::read(body) {
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
