//! The actor of one call via the office: carries out the actions of its state machine, as a client of the desk phone.

use std::{sync::Arc, time::Duration};

use actix::{Actor, ActorContext, AsyncContext, Context, Handler, SpawnHandle};
use uacsta_schema::csta::{
    self, AutoOriginate, ClearConnection, ConnectionId, ConsultationCall, Dialect, Document,
    DocumentLimits, Event, EventCause, MakeCall, MakeCallResponse, Message, MonitorFilter,
    Response, TransferCall,
};

use super::{
    DialFailed, DialRequest,
    machine::DialMachine,
    state::{DialAction, DialEvent, DialState},
};
use crate::{
    monitor::{ClientAddrs, MonitorStopped, Subscriber, SubscriptionChange},
    phone::{self, Subscribe},
    sip::{
        connection::Overrun,
        responder::{Respond, Responder},
        session::{Body, Notify},
    },
};

/// One call via the office. It continues when the client disconnects, since the user talks on another phone.
pub(super) struct DialViaOffice {
    request: DialRequest,
    machine: DialMachine,
    /// Responds to the client's MakeCall; `None` once it has.
    responder: Option<Responder>,
    alarm: Option<SpawnHandle>,
}

/// How long the user, and then the destination, may take to answer.
const RINGING: Duration = Duration::from_secs(60);
/// How many events of the line may wait for the actor's turn.
const MAILBOX: usize = 1024;

impl DialViaOffice {
    /// `responder` is for the client's MakeCall.
    pub(super) fn new(request: DialRequest, responder: Responder) -> Self {
        Self {
            request,
            machine: DialMachine::new(),
            responder: Some(responder),
            alarm: None,
        }
    }

    fn on(&mut self, event: &DialEvent, ctx: &mut Context<Self>) {
        let before = self.machine.state().clone();
        for action in self.machine.on(event) {
            self.carry_out(action, ctx);
        }
        if before != *self.machine.state() {
            self.limit_state(ctx);
        }
        if self.machine.is_over() {
            ctx.stop();
        }
    }

    /// Starts the timeout of the current state.
    fn limit_state(&mut self, ctx: &mut Context<Self>) {
        if let Some(alarm) = self.alarm.take() {
            ctx.cancel_future(alarm);
        }
        let limit = match self.machine.state() {
            DialState::Monitoring => self.request.timeout,
            DialState::Ringing { .. } | DialState::Offering { .. } => RINGING,
            _ => return,
        };
        self.alarm = Some(ctx.run_later(limit, |call, ctx| call.on(&DialEvent::TimedOut, ctx)));
    }

    fn carry_out(&mut self, action: DialAction, ctx: &Context<Self>) {
        let DialRequest {
            client,
            line,
            user,
            destination,
            ..
        } = &self.request;
        let (phone, device) = (line.entry.phone, &line.entry.device);
        match action {
            DialAction::Call => {
                tracing::info!(client = %client.user, peer = %client.peer, %phone, line = %device, caller = %user, %destination, "starting a call via the office");
                let call = MakeCall {
                    calling_device: device.clone(),
                    called_directory_number: user.clone(),
                    auto_originate: Some(AutoOriginate::DO_NOT_PROMPT),
                    ..MakeCall::default()
                };
                self.send(&call.into(), ctx);
            }
            DialAction::Consult(user) => {
                let consultation = ConsultationCall {
                    existing_call: user,
                    consulted_device: destination.clone(),
                    ..ConsultationCall::default()
                };
                self.send(&consultation.into(), ctx);
            }
            DialAction::Transfer { held, active } => {
                let transfer = TransferCall {
                    held_call: held,
                    active_call: active,
                };
                self.send(&transfer.into(), ctx);
            }
            DialAction::Clear(call) => {
                let clear = ClearConnection {
                    connection_to_be_cleared: call,
                    ..ClearConnection::default()
                };
                self.send(&clear.into(), ctx);
            }
            DialAction::Accept(calling_device) => {
                self.respond(&MakeCallResponse { calling_device }.into());
            }
            DialAction::Reject(failure) => self.respond(&failure.into()),
            DialAction::Connected => {
                tracing::info!(client = %client.user, peer = %client.peer, %phone, line = %device, "parties of a call via the office connected");
            }
            DialAction::Failed(connection, cause) => {
                tracing::info!(client = %client.user, peer = %client.peer, %phone, line = %device, reason = %cause, "call via the office failed");
                if let Some(connection) = connection {
                    self.report_failure(connection, cause);
                }
            }
        }
    }

    fn report_failure(&self, connection: ConnectionId, cause: EventCause) {
        self.request.failed.do_send(DialFailed {
            line: self.request.line.clone(),
            connection,
            called: self.request.destination.clone(),
            cause,
        });
    }

    fn respond(&mut self, response: &Message) {
        if let Some(responder) = self.responder.take() {
            responder.csta(csta::write(response, &self.request.dialect));
        }
    }

    /// Sends the desk phone a request, as a client would.
    fn send(&self, request: &Message, ctx: &Context<Self>) {
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

    /// Changes the subscription to the line's events.
    fn subscribe(&self, change: SubscriptionChange) {
        let line = &self.request.line;
        line.phone.do_send(Subscribe {
            line: line.entry.device.clone(),
            change,
        });
    }
}

/// Translates an event of the line's monitor.
fn monitored(document: &Document) -> Option<DialEvent> {
    let Ok(Message::Event(reported)) = document.message() else {
        return None;
    };
    match reported.event {
        Event::BackInServiceEvent(_) => Some(DialEvent::InService),
        Event::OutOfServiceEvent(_) => Some(DialEvent::Lost),
        Event::EstablishedEvent(event) => {
            let call = event.established_connection.call_id;
            call.map(DialEvent::Answered)
        }
        Event::ConnectionClearedEvent(event) => {
            event.dropped_connection.call_id.map(DialEvent::Ended)
        }
        Event::FailedEvent(event) => event.failed_connection.call_id.map(DialEvent::Ended),
        Event::CallClearedEvent(event) => event.cleared_call.call_id.map(DialEvent::Ended),
        // The call is neither answered nor over.
        Event::ServiceInitiatedEvent(_)
        | Event::DigitsDialedEvent(_)
        | Event::OriginatedEvent(_)
        | Event::NetworkReachedEvent(_)
        | Event::NetworkCapabilitiesChangedEvent(_)
        | Event::OfferedEvent(_)
        | Event::DeliveredEvent(_)
        | Event::HeldEvent(_)
        | Event::RetrievedEvent(_)
        | Event::DivertedEvent(_)
        | Event::QueuedEvent(_)
        | Event::TransferedEvent(_)
        | Event::ConferencedEvent(_)
        | Event::DigitsGeneratedEvent(_)
        | Event::DoNotDisturbEvent(_)
        | Event::ForwardingEvent(_)
        | Event::MessageWaitingEvent(_)
        | Event::MicrophoneMuteEvent(_)
        | Event::SpeakerMuteEvent(_)
        | Event::SpeakerVolumeEvent(_) => None,
    }
}

/// Translates the desk phone's response to a request.
fn responded(body: Option<Body>) -> DialEvent {
    let message = body
        .and_then(document)
        .and_then(|document| document.message().ok());
    match message {
        Some(Message::Response(Response::MakeCallResponse(response))) => {
            DialEvent::Started(response.calling_device)
        }
        Some(Message::Response(Response::ConsultationCallResponse(response))) => {
            DialEvent::Started(response.initiated_call)
        }
        Some(Message::Response(Response::TransferCallResponse(_))) => DialEvent::Transferred,
        Some(Message::Response(Response::ClearConnectionResponse(_))) => DialEvent::Cleared,
        Some(Message::Failure(failure)) => DialEvent::Rejected(Some(failure)),
        _ => DialEvent::Rejected(None),
    }
}

fn document(body: Body) -> Option<Arc<Document>> {
    match body {
        Body::Whole(document) => Document::read_within(document, DocumentLimits::NONE)
            .ok()
            .map(Arc::new),
        Body::Relayed { document, .. } => Some(document),
    }
}

impl Actor for DialViaOffice {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        self.subscribe(SubscriptionChange::Join(Subscriber {
            cross_ref: Arc::clone(&self.request.cross_ref),
            session: self.request.session,
            client: Arc::new(ClientAddrs {
                user: self.request.client.user.clone(),
                events: ctx.address().recipient(),
                overrun: ctx.address().recipient(),
                stopped: ctx.address().recipient(),
            }),
            dialect: Dialect::default(),
            filter: MonitorFilter::default(),
            in_service: None,
        }));
        self.limit_state(ctx);
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        let cross_ref = Arc::clone(&self.request.cross_ref);
        self.subscribe(SubscriptionChange::Leave { cross_ref });
    }
}

impl Handler<Notify> for DialViaOffice {
    type Result = ();

    fn handle(&mut self, Notify { content, .. }: Notify, ctx: &mut Self::Context) {
        if let Some(event) = document(content).and_then(|document| monitored(&document)) {
            self.on(&event, ctx);
        }
    }
}

impl Handler<Respond> for DialViaOffice {
    type Result = ();

    fn handle(&mut self, Respond { answer, .. }: Respond, ctx: &mut Self::Context) {
        self.on(&responded(answer.content), ctx);
    }
}

impl Handler<MonitorStopped> for DialViaOffice {
    type Result = ();

    fn handle(&mut self, _: MonitorStopped, ctx: &mut Self::Context) {
        self.on(&DialEvent::Lost, ctx);
    }
}

impl Handler<Overrun> for DialViaOffice {
    type Result = ();

    fn handle(&mut self, _: Overrun, ctx: &mut Self::Context) {
        self.on(&DialEvent::Lost, ctx);
    }
}
