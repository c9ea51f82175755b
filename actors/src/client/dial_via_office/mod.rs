//! Dial via the office: the desk phone calls the user's own number, consults the destination when the user answers, and
//! connects the two (ECMA-269 Make Call, Consultation Call, Transfer Call).

use std::{sync::Arc, time::Duration};

use actix::{Actor, ActorContext, AsyncContext, Context, Handler, Message, Recipient, SpawnHandle};
use uacsta_schema::csta::{
    self, AutoOriginate, CallId, ClearConnection, ConnectionId, ConsultationCall, DeviceId,
    Dialect, Document, Event, EventCause, Limits, MakeCall, MakeCallResponse, MonitorFilter,
    Response, TransferCall,
};

use self::state::{DialAction, DialEvent, DialState};
use crate::{
    monitor::{ClientAddrs, MonitorStopped, Subscriber, SubscriptionChange},
    phone::{self, Subscribe},
    refusal::Refusal,
    registrar::Line,
    sip::{
        connection::Overrun,
        responder::{Respond, Responder},
        session::{Body, Notify, SessionId},
    },
};

mod own_number;
mod state;

pub(super) use own_number::{OfficeCalls, PendingDial};

/// One call via the office. It goes on when its client leaves: the user is on another phone.
pub(super) struct DialViaOffice {
    request: DialRequest,
    state: DialState,
    /// The client's MakeCall, until the desk phone has begun.
    reply: Option<Responder>,
    /// Whether the line was reported to be watched, without which nothing is begun.
    watched: bool,
    /// Calls that were answered before the phone's response named them.
    early: Vec<CallId>,
    /// How much of what the phone was asked waits for its answer.
    outstanding: usize,
    alarm: Option<SpawnHandle>,
}

/// What is to be done, and for whom.
pub(super) struct DialRequest {
    /// The client, for the log.
    pub(super) client: Box<str>,
    /// The session of the client in which it asked.
    pub(super) session: SessionId,
    /// The desk phone's line.
    pub(super) line: Line,
    /// The user's own number.
    pub(super) user: DeviceId,
    /// Whom the user wants to talk to.
    pub(super) destination: DeviceId,
    /// How the client speaks.
    pub(super) dialect: Dialect,
    /// The server's cross reference for the monitor.
    pub(super) cross_ref: Arc<str>,
    /// How long a phone may take to answer a request.
    pub(super) patience: Duration,
    /// Who is told when it came to nothing after MakeCall was answered.
    pub(super) failed: Recipient<DialFailed>,
}

/// A call via the office came to nothing, and what was begun has been taken back.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct DialFailed {
    /// The line.
    pub(super) line: Line,
    /// The connection of the call that failed.
    pub(super) connection: ConnectionId,
    /// Who was called.
    pub(super) called: DeviceId,
    /// Why.
    pub(super) cause: EventCause,
}

/// How long the user, and then the destination, may take to answer.
const RINGING: Duration = Duration::from_secs(60);
/// How many events of the line may wait for the call's turn.
const MAILBOX: usize = 1024;
/// How many answered calls are remembered while a response is awaited.
const EARLY: usize = 8;

impl DialViaOffice {
    /// A call to be made, and the MakeCall that asks for it.
    pub(super) fn new(request: DialRequest, reply: Responder) -> Self {
        Self {
            request,
            state: DialState::Calling,
            reply: Some(reply),
            watched: false,
            early: Vec::new(),
            outstanding: 0,
            alarm: None,
        }
    }

    fn go_on(&mut self, event: &DialEvent, ctx: &mut Context<Self>) {
        let before = self.state.clone();
        let actions = self.state.on(event);
        if before != self.state {
            self.wait(ctx);
        }
        for action in actions {
            self.act(action, ctx);
        }
        // An answer that came before the response which names its call.
        if let DialState::Ringing { user: call }
        | DialState::Offering {
            destination: call, ..
        } = &self.state
            && let Some(id) = call.call_id.clone()
            && self.early.contains(&id)
        {
            self.early.clear();
            self.go_on(&DialEvent::Answered(id), ctx);
        }
        if self.state == DialState::Over && self.outstanding == 0 {
            ctx.stop();
        }
    }

    /// Sets the time after which the parties have not answered.
    fn wait(&mut self, ctx: &mut Context<Self>) {
        if let Some(alarm) = self.alarm.take() {
            ctx.cancel_future(alarm);
        }
        if matches!(
            self.state,
            DialState::Ringing { .. } | DialState::Offering { .. }
        ) {
            self.alarm =
                Some(ctx.run_later(RINGING, |call, ctx| call.go_on(&DialEvent::Late, ctx)));
        }
    }

    fn act(&mut self, action: DialAction, ctx: &Context<Self>) {
        match action {
            DialAction::Consult(user) => self.ask(
                &ConsultationCall {
                    existing_call: user,
                    consulted_device: self.request.destination.clone(),
                    ..ConsultationCall::default()
                }
                .into(),
                ctx,
            ),
            DialAction::Transfer { held, active } => self.ask(
                &TransferCall {
                    held_call: held,
                    active_call: active,
                }
                .into(),
                ctx,
            ),
            DialAction::Clear(call) => self.ask(
                &ClearConnection {
                    connection_to_be_cleared: call,
                    ..ClearConnection::default()
                }
                .into(),
                ctx,
            ),
            DialAction::Connected => {
                let DialRequest { client, line, .. } = &self.request;
                tracing::info!(%client, phone = %line.entry.phone, line = %line.entry.device, "the parties of a call via the office are connected");
            }
            DialAction::Failed(connection, cause) => self.failed(connection, cause),
        }
    }

    fn failed(&mut self, connection: Option<ConnectionId>, cause: EventCause) {
        let DialRequest { client, line, .. } = &self.request;
        tracing::info!(%client, phone = %line.entry.phone, line = %line.entry.device, %cause, "a call via the office came to nothing");
        if let Some(reply) = self.reply.take() {
            let refusal = Refusal::Away;
            return reply.csta(csta::write(
                &refusal.failure().into(),
                &self.request.dialect,
            ));
        }
        if let Some(connection) = connection {
            self.request.failed.do_send(DialFailed {
                line: line.clone(),
                connection,
                called: self.request.destination.clone(),
                cause,
            });
        }
    }

    /// Asks the desk phone as a client would.
    fn ask(&mut self, request: &csta::Message, ctx: &Context<Self>) {
        self.outstanding += 1;
        let dialect = Dialect::default();
        let document = Document::read(csta::write(request, &dialect))
            .expect("what the server writes it can read");
        self.request.line.phone.do_send(phone::Request {
            document: Arc::new(document),
            device: None,
            hidden: Box::default(),
            dialect,
            reply: Responder::to(ctx.address().recipient()),
        });
    }

    /// What the monitor of the line tells.
    fn told(&mut self, document: &Document, ctx: &mut Context<Self>) {
        let Ok(csta::Message::Event(event)) = document.message() else {
            return;
        };
        let event = match event {
            Event::BackInServiceEvent(_) => return self.begin(ctx),
            Event::OutOfServiceEvent(_) => Some(DialEvent::Lost),
            Event::EstablishedEvent(event) => {
                let call = event.established_connection.call_id;
                let awaits = matches!(
                    self.state,
                    DialState::Calling | DialState::Consulting { .. }
                );
                if awaits && self.early.len() < EARLY {
                    self.early.extend(call.clone());
                }
                call.map(DialEvent::Answered)
            }
            Event::ConnectionClearedEvent(event) => {
                event.dropped_connection.call_id.map(DialEvent::Ended)
            }
            Event::FailedEvent(event) => event.failed_connection.call_id.map(DialEvent::Ended),
            Event::CallClearedEvent(event) => event.cleared_call.call_id.map(DialEvent::Ended),
            _ => None,
        };
        if let Some(event) = event {
            self.go_on(&event, ctx);
        }
    }

    /// The line is watched: the desk phone calls the user.
    fn begin(&mut self, ctx: &Context<Self>) {
        if std::mem::replace(&mut self.watched, true) {
            return;
        }
        let request = &self.request;
        let call = MakeCall {
            calling_device: request.line.entry.device.clone(),
            called_directory_number: request.user.clone(),
            auto_originate: Some(AutoOriginate::DO_NOT_PROMPT),
            ..MakeCall::default()
        };
        tracing::info!(client = %request.client, phone = %request.line.entry.phone, line = %request.line.entry.device, user = %request.user, destination = %request.destination, "a call via the office begins");
        self.ask(&call.into(), ctx);
    }

    /// The desk phone answered what it was asked.
    fn answered(&mut self, content: Option<Body>, ctx: &mut Context<Self>) {
        self.outstanding = self.outstanding.saturating_sub(1);
        let document = match content {
            Some(Body::Whole(document)) => Document::read_within(document, Limits::NONE)
                .ok()
                .map(Arc::new),
            Some(Body::Relayed { document, .. }) => Some(document),
            None => None,
        };
        let message = document.and_then(|document| document.message().ok());
        if let Some(csta::Message::Failure(failure)) = &message
            && let Some(reply) = self.reply.take()
        {
            reply.csta(csta::write(&failure.clone().into(), &self.request.dialect));
        }
        let (call, begun) = match message {
            Some(csta::Message::Response(response)) => match response {
                Response::MakeCallResponse(response) => (response.calling_device, true),
                Response::ConsultationCallResponse(response) => (response.initiated_call, true),
                Response::TransferCallResponse(response) => (response.transferred_call, false),
                _ => return self.go_on(&DialEvent::Refused, ctx),
            },
            _ => return self.go_on(&DialEvent::Refused, ctx),
        };
        if let Some(reply) = self.reply.take() {
            let begun = MakeCallResponse {
                calling_device: call.clone(),
            };
            reply.csta(csta::write(&begun.into(), &self.request.dialect));
        }
        // Given up while the phone was at it: what it began all the same is taken back too.
        if self.state == DialState::Over && begun {
            self.act(DialAction::Clear(call.clone()), ctx);
        }
        self.go_on(&DialEvent::Done(call), ctx);
    }
}

impl Actor for DialViaOffice {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        let DialRequest {
            line,
            session,
            cross_ref,
            patience,
            ..
        } = &self.request;
        let subscriber = Subscriber {
            cross_ref: Arc::clone(cross_ref),
            session: *session,
            client: Arc::new(ClientAddrs {
                events: ctx.address().recipient(),
                overrun: ctx.address().recipient(),
                stopped: ctx.address().recipient(),
            }),
            dialect: Dialect::default(),
            filter: MonitorFilter::default(),
            in_service: None,
        };
        line.phone.do_send(Subscribe {
            line: line.entry.device.clone(),
            change: SubscriptionChange::Join(subscriber),
        });
        ctx.run_later(*patience, |call, ctx| {
            if !call.watched {
                call.go_on(&DialEvent::Lost, ctx);
            }
        });
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        let DialRequest {
            line, cross_ref, ..
        } = &self.request;
        line.phone.do_send(Subscribe {
            line: line.entry.device.clone(),
            change: SubscriptionChange::Leave {
                cross_ref: Arc::clone(cross_ref),
            },
        });
    }
}

impl Handler<Notify> for DialViaOffice {
    type Result = ();

    fn handle(&mut self, Notify { content, .. }: Notify, ctx: &mut Self::Context) {
        match content {
            Body::Relayed { document, .. } => self.told(&document, ctx),
            Body::Whole(document) => {
                if let Ok(document) = Document::read_within(document, Limits::NONE) {
                    self.told(&document, ctx);
                }
            }
        }
    }
}

impl Handler<Respond> for DialViaOffice {
    type Result = ();

    fn handle(&mut self, Respond { answer, .. }: Respond, ctx: &mut Self::Context) {
        self.answered(answer.content, ctx);
    }
}

impl Handler<MonitorStopped> for DialViaOffice {
    type Result = ();

    fn handle(&mut self, _: MonitorStopped, ctx: &mut Self::Context) {
        self.go_on(&DialEvent::Lost, ctx);
    }
}

impl Handler<Overrun> for DialViaOffice {
    type Result = ();

    fn handle(&mut self, _: Overrun, ctx: &mut Self::Context) {
        self.go_on(&DialEvent::Lost, ctx);
    }
}
