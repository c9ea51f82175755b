//! What is asked of the phone: in order of arrival, one request at a time unless its profile lifts that, each with its time limit
//! and one answer.

use std::{borrow::Cow, collections::VecDeque, time::Duration};

use actix::Context;
use smallvec::SmallVec;
use tokio::sync::oneshot;
use uacsta_schema::csta::{
    self, CallId, DeviceId, Dialect, Document, GetCSTAFeatures, Message, MonitorCrossRefId,
};

use super::{
    Phone, Request,
    answers::answer,
    capabilities::Provider,
    emulation::{Asked, Asking, Emulation},
    session::State,
};
use crate::{
    counters::Counter,
    monitor::Mark,
    refusal::Refusal,
    sip::{
        responder::Responder,
        session::{Body, Invoke},
    },
};

/// Requests that wait for the phone, and the one that it has, or those; boxed, since most phones have none.
#[derive(Default)]
pub(super) struct Requests {
    /// The server's own, which go first: without them the session is of no use.
    pub(super) own: VecDeque<Box<Job>>,
    pub(super) waiting: VecDeque<Box<Job>>,
    pub(super) running: SmallVec<[Box<Job>; 1]>,
    tickets: u64,
    /// Until when the phone is left alone, by its own wish.
    pub(super) quiet_until: Option<Duration>,
}

/// One request.
pub(super) struct Job {
    pub(super) ticket: u64,
    pub(super) deadline: Duration,
    pub(super) asker: Asker,
    pub(super) content: Body,
    pub(super) service: Cow<'static, str>,
    /// Whether a 481 had it sent once more.
    pub(super) repeated: bool,
    /// How often it crossed a request of the phone's (491).
    pub(super) crossed: u8,
}

/// When a request has its turn.
#[derive(Clone, Copy, Debug)]
pub(super) enum Turn {
    /// Before all that wait.
    Next,
    /// After them.
    Last,
}

/// Who asked, and so what the answer is for.
pub(super) enum Asker {
    /// A client.
    Client { reply: Responder, dialect: Dialect },
    /// An operator, who tries what the phone can do.
    Operator(oneshot::Sender<Result<Document, Refusal>>),
    /// The subscription to changes.
    SystemRegister,
    /// The phone's lines.
    Lines,
    /// The keep-alive.
    KeepAlive,
    /// The start of a line's monitor, for whoever watches the line when the answer comes.
    Monitor(DeviceId),
    /// The end of a monitor, which has this cross reference at the phone.
    MonitorStop {
        line: DeviceId,
        cross_ref: MonitorCrossRefId,
    },
    /// The calls of a line, to compare them with those that its events told of until then.
    Calls { line: DeviceId, asked: Mark },
    /// A client, what works on the line.
    Features { reply: Responder, dialect: Dialect },
    /// A client, for a service that is made of several.
    Emulation(Box<Emulation>),
    /// Nobody: a step back, after its client was answered.
    Nobody,
}

impl Asker {
    /// Whether a request may be sent once more that the phone proves not to have done.
    pub(super) fn repeats(&self) -> bool {
        match self {
            Self::Client { .. } | Self::Features { .. } => true,
            Self::Emulation(emulation) => emulation.is_at_start(),
            _ => false,
        }
    }

    /// Whether a request is never too late to be sent: the phone is not silent because it was not asked, and a monitor
    /// that nobody stops runs on.
    pub(super) fn has_time(&self) -> bool {
        matches!(self, Self::KeepAlive | Self::MonitorStop { .. })
    }
}

/// How many requests a phone has at a time whose profile does not want them one by one.
const AT_A_TIME: usize = 8;

impl Requests {
    /// A number that no other request of this phone has.
    pub(super) fn number(&mut self) -> u64 {
        self.tickets += 1;
        self.tickets
    }

    /// Whether nothing waits for the phone, nor for its answer.
    pub(super) fn is_idle(&self) -> bool {
        self.own.is_empty() && self.running.is_empty() && self.waiting.is_empty()
    }

    /// Whether the phone is asked for the monitor of a line, or about to be.
    pub(super) fn starts(&self, line: &DeviceId) -> bool {
        self.own
            .iter()
            .chain(&self.running)
            .any(|job| matches!(&job.asker, Asker::Monitor(device) if device == line))
    }

    /// Whether a MonitorStart waits for the phone's answer.
    pub(super) fn is_starting_monitor(&self) -> bool {
        self.running
            .iter()
            .any(|job| matches!(job.asker, Asker::Monitor(_)))
    }

    /// Takes a keep-alive back that waited too long for its turn; whether there was one.
    pub(super) fn forget_keep_alive(&mut self, now: Duration) -> bool {
        let before = self.own.len();
        self.own
            .retain(|job| job.deadline > now || !matches!(job.asker, Asker::KeepAlive));
        self.own.len() < before
    }

    /// The request goes to the phone once more, before all others of its kind.
    pub(super) fn put_back(&mut self, job: Box<Job>) {
        match job.asker.repeats() {
            true => self.waiting.push_front(job),
            false => self.own.push_front(job),
        }
    }
}

impl Phone {
    /// Takes a client's request. It is refused at once while the phone is away.
    pub(super) fn ask(&mut self, request: Request, ctx: &mut Context<Self>) {
        let Request {
            document,
            device,
            hidden,
            dialect,
            reply,
        } = request;
        let refusal = if document.name() == "GetCSTAFeatures" && self.enabled {
            return self.ask_for_features(reply, dialect, ctx);
        } else {
            self.refusal()
                .or_else(|| self.reaches_into(&hidden, &document))
        };
        if let Some(refusal) = refusal {
            tracing::info!(phone = %self.phone, service = document.name(), %refusal, "request refused");
            return answer(reply, &dialect, Err(refusal));
        }
        let client = Asking {
            phone: self.phone,
            document,
            reply,
            dialect,
            deadline: self.deadline(),
        };
        let asked = Asked { device, client };
        let Some(asked) = self.take_for_dialling(asked, ctx) else {
            return;
        };
        let service = asked.client.document.name();
        // What the phone answers itself would name all its lines.
        if service == "GetPhysicalDeviceInformation" && !hidden.is_empty() {
            let answer = self.physical_information(&asked.line(), &hidden);
            return asked.client.answer(Ok(answer.into()));
        }
        if self.capabilities.provider(service) == Provider::Emulation {
            return self.emulate(asked, Turn::Last, ctx);
        }
        let service = service.to_owned().into();
        let Asked { device, client } = asked;
        let Asking {
            document,
            reply,
            dialect,
            deadline,
            ..
        } = client;
        let content = Body::Relayed {
            document,
            edition: self.edition,
            cross_ref: None,
            device,
        };
        let job = self.job(
            Asker::Client { reply, dialect },
            content,
            service,
            deadline,
            ctx,
        );
        self.requests.waiting.push_back(job);
        self.next_request(ctx);
    }

    /// Why a request is not done that names a call of lines which its client may not see, and of no other, or that may reach
    /// any line since it has no place for one.
    fn reaches_into(&self, hidden: &[DeviceId], document: &Document) -> Option<Refusal> {
        if hidden.is_empty() {
            return None;
        }
        if document.is_for_no_line() {
            return Some(Refusal::NoRight);
        }
        let knows = |line: &DeviceId, call: &CallId| {
            let monitored = self.monitored.get(line);
            monitored.is_some_and(|monitored| monitored.calls.find(call.as_str()).is_some())
        };
        let (calls, _) = document.connections();
        let lines = self.inventory.lines();
        let is_hidden = |call: &CallId| {
            let mut visible = lines.iter().filter(|line| !hidden.contains(line));
            hidden.iter().any(|line| knows(line, call)) && !visible.any(|line| knows(line, call))
        };
        calls.iter().any(is_hidden).then_some(Refusal::NoRight)
    }

    /// Why the phone cannot be asked anything for others now, if so.
    pub(super) fn refusal(&self) -> Option<Refusal> {
        let most = self
            .context
            .config()
            .settings
            .limits
            .pending_requests_per_phone;
        if !self.enabled {
            Some(Refusal::Disabled)
        } else if !self.session.is_coming() {
            Some(Refusal::Away)
        } else if self.requests.waiting.len() >= most {
            self.context.counters.count(Counter::TooManyForPhone);
            Some(Refusal::Busy)
        } else if self.requests.quiet_until > Some(self.deadline()) {
            Some(Refusal::LeftAlone)
        } else {
            None
        }
    }

    /// Has a request wait for the phone's turn.
    pub(super) fn queue(
        &mut self,
        asker: Asker,
        content: Body,
        service: String,
        ctx: &mut Context<Self>,
    ) {
        let deadline = self.deadline();
        let job = self.job(asker, content, service.into(), deadline, ctx);
        self.requests.waiting.push_back(job);
        self.next_request(ctx);
    }

    /// GetCSTAFeatures: the phone is asked once a connection, and the server answers with what works on its lines.
    fn ask_for_features(&mut self, reply: Responder, dialect: Dialect, ctx: &mut Context<Self>) {
        if !self.session.is_coming()
            || self.capabilities.are_listed()
            || !self.capabilities.has("GetCSTAFeatures")
            || self.requests.waiting.len()
                >= self
                    .context
                    .config()
                    .settings
                    .limits
                    .pending_requests_per_phone
        {
            return reply.csta(csta::write(&self.capabilities.features().into(), &dialect));
        }
        let deadline = self.deadline();
        self.ask_for(
            Asker::Features { reply, dialect },
            &GetCSTAFeatures::default().into(),
            deadline,
            Turn::Last,
            ctx,
        );
    }

    /// Asks something for the server itself.
    pub(super) fn ask_own(&mut self, asker: Asker, request: &Message, ctx: &mut Context<Self>) {
        let content = Body::Whole(csta::write(request, &self.edition.into()));
        let deadline = self.deadline();
        let job = self.job(
            asker,
            content,
            request.name().to_owned().into(),
            deadline,
            ctx,
        );
        self.requests.own.push_back(job);
        self.next_request(ctx);
    }

    /// Asks something for a client, in other words than the client's.
    pub(super) fn ask_for(
        &mut self,
        asker: Asker,
        request: &Message,
        deadline: Duration,
        turn: Turn,
        ctx: &mut Context<Self>,
    ) {
        let content = Body::Whole(csta::write(request, &self.edition.into()));
        let service = request.name().to_owned().into();
        let job = self.job(asker, content, service, deadline, ctx);
        match turn {
            Turn::Next => self.requests.own.push_front(job),
            Turn::Last => self.requests.waiting.push_back(job),
        }
        self.next_request(ctx);
    }

    /// When a request that comes now must be answered.
    fn deadline(&self) -> Duration {
        self.context.clock.now() + self.context.config().settings.advanced.request_timeout
    }

    fn job(
        &mut self,
        asker: Asker,
        content: Body,
        service: Cow<'static, str>,
        deadline: Duration,
        ctx: &mut Context<Self>,
    ) -> Box<Job> {
        self.wake_at(deadline, ctx);
        Box::new(Job {
            ticket: self.requests.number(),
            deadline,
            asker,
            content,
            service,
            repeated: false,
            crossed: 0,
        })
    }

    /// Sends the next request if the phone can take one.
    pub(super) fn next_request(&mut self, ctx: &mut Context<Self>) {
        let (Some(session), Some(binding)) = (self.session.id(), &self.binding) else {
            return;
        };
        if let Some(until) = self.requests.quiet_until {
            if until > self.context.clock.now() {
                return;
            }
            self.requests.quiet_until = None;
        }
        let deadline = self.deadline();
        let clients_turn = matches!(self.session, State::Open(_));
        let most = if self.capabilities.is_serial() {
            1
        } else {
            AT_A_TIME
        };
        let requests = &mut self.requests;
        while requests.running.len() < most {
            let next = requests.own.pop_front().or_else(|| match clients_turn {
                true => requests.waiting.pop_front(),
                false => None,
            });
            let Some(mut job) = next else { break };
            if job.asker.has_time() {
                // The phone has all of its time, however long it was busy before.
                job.deadline = deadline;
            }
            binding.flow.connection.do_send(Invoke {
                session,
                ticket: job.ticket,
                content: job.content.clone(),
            });
            requests.running.push(job);
        }
        if self.retiring.is_some() {
            self.retired(ctx);
        } else if clients_turn && requests.running.is_empty() && self.needs_new_dialog() {
            self.renew_session("monitors are over that the phone cannot stop", ctx);
        }
    }
}
