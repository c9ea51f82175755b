//! Services that the phone does not have, made of those that it has or of what the server knows (ECMA-269).

use std::{sync::Arc, time::Duration};

use actix::Context;
use uacsta_schema::{
    csta::{
        self, AutoOriginate, CallId, Changes, ConnectionId, DeviceId, Dialect, DirectedPickupCall,
        DirectedPickupCallResponse, Document, Limits, MakeCall, Message, MonitorCrossRefId,
        Request, Response, Snapshot, SnapshotCall, SnapshotCallResponse, SnapshotDevice,
    },
    phone_id::PhoneId,
};

use self::two_step::{Next, TwoStep};
use super::{
    Phone,
    request_queue::{Requester, Turn},
};
use crate::{
    monitor::{ConnectionState, parties_of},
    refusal::Refusal,
    sip::responder::Responder,
};

mod digit_collection;
mod information;
mod message_waiting;
mod monitor_stop;
mod two_step;

use digit_collection::DigitCollection;

/// What a client asked, and who waits for the answer.
pub(super) struct Asked {
    /// The line by the phone's name of it, where the client named it.
    pub(super) device: Option<Arc<str>>,
    pub(super) client: Asking,
}

/// A client that waits for an answer to its request, until a time.
pub(super) struct Asking {
    /// The phone, for the log.
    pub(super) phone: PhoneId,
    pub(super) document: Arc<Document>,
    pub(super) reply: Responder,
    pub(super) dialect: Dialect,
    pub(super) deadline: Duration,
}

/// A service that the phone is being asked for in parts.
pub(super) struct Emulation {
    client: Asking,
    course: Course,
}

/// What it is, and where it stands.
enum Course {
    TwoStep(TwoStep),
    /// SnapshotCall: the phone is asked for its calls.
    Parties {
        call: Option<CallId>,
        line: DeviceId,
    },
    /// DirectedPickupCall: the phone calls the feature code.
    Pickup,
    /// DialDigits: the phone calls the number that is complete, of the call that waited for it.
    Dial(ConnectionId),
}

/// What is kept of services that the server does, while there is something to keep.
#[derive(Default)]
pub(super) struct EmulationState {
    /// The calls that wait for their digits, one of each line at most.
    dialling: Vec<DigitCollection>,
    /// The lines at which a message waits, and where it waits.
    pub(super) messages: Vec<(DeviceId, Option<DeviceId>)>,
    /// Monitors that run on the phone unheard, since it cannot stop them.
    left: Vec<(DeviceId, MonitorCrossRefId)>,
}

impl EmulationState {
    /// What outlives the phone's actor: what hung on its session does not.
    pub(super) fn inherited(mut self: Box<Self>) -> Box<Self> {
        self.dialling.clear();
        self.left.clear();
        self
    }
}

impl Asked {
    /// What is asked, with the line in it by the phone's name, also where the client left it out.
    fn read(&self) -> Result<Request, Refusal> {
        let completed = self.client.document.relayed(&Changes {
            edition: self.client.document.edition().unwrap_or_default(),
            cross_ref: None,
            device: self.device.as_deref(),
        });
        let read = Document::read_within(completed, Limits::NONE);
        match read.and_then(|document| document.message()) {
            Ok(Message::Request(request)) => Ok(request),
            Ok(_) => Err(Refusal::NotSupported),
            Err(error) => Err(Refusal::Malformed(error.to_string())),
        }
    }

    /// The line by the phone's name of it.
    pub(super) fn line(&self) -> DeviceId {
        match (&self.device, self.client.document.device()) {
            (Some(device), _) => DeviceId::from(&**device),
            (None, Some(device)) => DeviceId::from(&*device),
            (None, None) => DeviceId::default(),
        }
    }
}

impl Asking {
    pub(super) fn answer(self, answer: Result<Message, Refusal>) {
        let message = answer.unwrap_or_else(|refusal| {
            tracing::info!(phone = %self.phone, service = self.document.name(), %refusal, "request refused");
            refusal.failure().into()
        });
        self.reply.csta(csta::write(&message, &self.dialect));
    }
}

impl Emulation {
    /// Whether nothing has been done yet, so that it may be begun once more.
    pub(super) fn is_at_start(&self) -> bool {
        match &self.course {
            Course::TwoStep(pair) => pair.is_at_start(),
            Course::Parties { .. } | Course::Pickup | Course::Dial(_) => true,
        }
    }

    pub(super) fn refuse(self, refusal: Refusal) {
        self.client.answer(Err(refusal));
    }
}

impl Phone {
    /// Does what a client asks and the phone does not have.
    pub(super) fn emulate(&mut self, asked: Asked, turn: Turn, ctx: &mut Context<Self>) {
        let request = match asked.read() {
            Ok(request) => request,
            Err(refusal) => return asked.client.answer(Err(refusal)),
        };
        let line = asked.line();
        tracing::debug!(phone = %self.phone, line = %line, service = request.name(), "the server does what the phone does not have");
        match request {
            Request::AlternateCall(_) | Request::ReconnectCall(_) => {
                self.emulate_pair(asked, &request, turn, ctx);
            }
            Request::SnapshotCall(request) => self.emulate_snapshot_call(asked, request, turn, ctx),
            Request::SnapshotDevice(_) => {
                let answer = self.known_calls(&line);
                asked.client.answer(answer);
            }
            Request::DirectedPickupCall(request) => self.pick_up(asked, &request, turn, ctx),
            Request::DialDigits(request) => self.dial(asked, &request, turn, ctx),
            Request::GetMessageWaitingIndicator(_) => {
                let answer = self.indicator(&line);
                asked.client.answer(Ok(answer.into()));
            }
            Request::SetMessageWaitingIndicator(request) => {
                let answer = self.set_indicator(&line, request);
                asked.client.answer(Ok(answer.into()));
            }
            Request::GetLogicalDeviceInformation(_) => {
                let answer = self.logical_information();
                asked.client.answer(Ok(answer.into()));
            }
            Request::GetPhysicalDeviceInformation(_) => {
                let answer = self.physical_information(&line, &[]);
                asked.client.answer(Ok(answer.into()));
            }
            _ => asked.client.answer(Err(Refusal::NotSupported)),
        }
    }

    /// The phone answered a part of an emulated service.
    pub(super) fn emulated(
        &mut self,
        emulation: Emulation,
        answer: Result<Document, Refusal>,
        ctx: &mut Context<Self>,
    ) {
        let Emulation { client, course } = emulation;
        match course {
            Course::TwoStep(pair) => match pair.next(answer.map(drop)) {
                Next::Ask(pair, request) => {
                    let course = Course::TwoStep(pair);
                    self.ask_part(client, course, &request, Turn::Next, ctx);
                }
                Next::Done(response) => client.answer(Ok(response)),
                Next::Refused(refusal) => client.answer(Err(refusal)),
                Next::Undone(refusal, request) => {
                    client.answer(Err(refusal));
                    self.send_own(Requester::Rollback, &request, ctx);
                }
            },
            Course::Parties { call, line } => {
                let answer = self.parties(call.as_ref(), &line, answer);
                client.answer(answer.map(Message::from));
            }
            Course::Pickup => client.answer(answer.and_then(|document| {
                match document.message() {
                    Ok(Message::Response(Response::MakeCallResponse(made))) => {
                        Ok(DirectedPickupCallResponse {
                            picked_call: made.calling_device,
                        }
                        .into())
                    }
                    Ok(_) => Err(Refusal::NotCsta("it is not MakeCallResponse".to_owned())),
                    Err(error) => Err(Refusal::NotCsta(error.to_string())),
                }
            })),
            Course::Dial(call) => self.dialled(client, &call, answer.map(drop)),
        }
    }

    fn emulate_pair(
        &mut self,
        asked: Asked,
        request: &Request,
        turn: Turn,
        ctx: &mut Context<Self>,
    ) {
        let line = asked.line();
        let Some(pair) = TwoStep::of(request) else {
            return asked.client.answer(Err(Refusal::NotSupported));
        };
        let state = self
            .monitored
            .get(&line)
            .zip(pair.held().call_id.as_ref())
            .and_then(|(monitored, call)| monitored.calls.find(call.as_str()))
            .map(|call| call.state);
        if pair.is_final() && state.is_some_and(|state| state != ConnectionState::Hold) {
            return asked.client.answer(Err(Refusal::NotHeld));
        }
        let first = pair.request();
        self.ask_part(asked.client, Course::TwoStep(pair), &first, turn, ctx);
    }

    fn emulate_snapshot_call(
        &mut self,
        asked: Asked,
        SnapshotCall { snapshot_object }: SnapshotCall,
        turn: Turn,
        ctx: &mut Context<Self>,
    ) {
        let (call, line) = (snapshot_object.call_id, asked.line());
        if !self.capabilities.has("SnapshotDevice") {
            let answer = self.known_parties(call.as_ref(), &line);
            return asked.client.answer(answer.map(Message::from));
        }
        let request = SnapshotDevice {
            snapshot_object: line.clone(),
        };
        let course = Course::Parties { call, line };
        self.ask_part(asked.client, course, &request.into(), turn, ctx);
    }

    /// SnapshotDevice from the calls that events told of.
    fn known_calls(&self, line: &DeviceId) -> Result<Message, Refusal> {
        let monitored = self
            .monitored
            .get(line)
            .filter(|monitored| monitored.cross_ref.is_some());
        monitored
            .map(|monitored| monitored.calls.snapshot(line).into())
            .ok_or(Refusal::NotSupported)
    }

    fn known_parties(
        &self,
        call: Option<&CallId>,
        line: &DeviceId,
    ) -> Result<SnapshotCallResponse, Refusal> {
        self.monitored
            .get(line)
            .zip(call)
            .and_then(|(monitored, call)| monitored.calls.find(call.as_str()))
            .map(|call| call.snapshot(line))
            .ok_or(Refusal::NoCall)
    }

    /// SnapshotCall from the calls that events told of, where the phone still has the call; else from what the phone says.
    fn parties(
        &mut self,
        call: Option<&CallId>,
        line: &DeviceId,
        answer: Result<Document, Refusal>,
    ) -> Result<SnapshotCallResponse, Refusal> {
        let known = self.known_parties(call, line);
        let there = match answer.as_ref().map(Document::message) {
            Ok(Ok(Message::Response(Response::SnapshotDeviceResponse(response)))) => response.data,
            Ok(_) => return known,
            Err(refusal) if refusal.failure() == csta::Failure::SERVICE_NOT_SUPPORTED => {
                self.capabilities.proved("SnapshotDevice", false);
                return known;
            }
            Err(refusal) => return Err(refusal.clone()),
        };
        let Snapshot::Data(there) = there else {
            return known;
        };
        let told = there
            .iter()
            .find(|told| call.is_some() && told.call_id() == call.map(CallId::as_str));
        let told = told.ok_or(Refusal::NoCall)?;
        Ok(known.unwrap_or_else(|_| parties_of(told, line)))
    }

    /// DirectedPickupCall: the phone calls the feature code of the phone system that picks up.
    fn pick_up(
        &mut self,
        asked: Asked,
        request: &DirectedPickupCall,
        turn: Turn,
        ctx: &mut Context<Self>,
    ) {
        let code = &self.context.config().settings.phones.pickup;
        let device = request.call_to_be_picked_up.device_id.as_ref();
        let number = match device.map(DeviceId::user) {
            Some(user) => code.replace("{number}", user),
            None if code.contains("{number}") => {
                return asked.client.answer(Err(Refusal::Malformed(
                    "callToBePickedUp names no device, whose number the feature code needs"
                        .to_owned(),
                )));
            }
            None => code.clone(),
        };
        let call = MakeCall {
            calling_device: asked.line(),
            called_directory_number: DeviceId::from(number),
            auto_originate: Some(AutoOriginate::DO_NOT_PROMPT),
            correlator_data: request.correlator_data.clone(),
            user_data: request.user_data.clone(),
            ..MakeCall::default()
        };
        self.ask_part(asked.client, Course::Pickup, &call.into(), turn, ctx);
    }

    /// Asks the phone for a part of a service, within the client's time or, for a way back, a time of its own.
    fn ask_part(
        &mut self,
        client: Asking,
        course: Course,
        request: &Message,
        turn: Turn,
        ctx: &mut Context<Self>,
    ) {
        let deadline = client.deadline;
        let emulation = Emulation { client, course };
        self.send(
            Requester::Emulation(Box::new(emulation)),
            request,
            deadline,
            turn,
            ctx,
        );
    }
}
