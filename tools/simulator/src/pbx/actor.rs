//! The actor that owns the PBX: carries out the phones' requests and button presses, and sends the phones their lines' events.

use std::{collections::HashMap, time::Duration};

use actix::{
    Actor, AsyncContext, Context, Handler, Message, MessageResult, Recipient, SpawnHandle,
};
use tokio::{sync::oneshot, time::Instant};
use uacsta_schema::csta::{DeviceId, Failure, LocalConnectionState, Request, Response};

use super::{Button, CallView, LineEvent, LineId, Pbx, button::press, service::serve};

/// Owns the PBX of a fleet.
pub(crate) struct PbxActor {
    pbx: Pbx,
    started: Instant,
    phones: HashMap<LineId, Recipient<LineReport>>,
    waiting: HashMap<LineId, Vec<Waiting>>,
    alarm: Option<(Duration, SpawnHandle)>,
}

/// Waits until a line has a call in `state`, or no call.
struct Waiting {
    state: Option<LocalConnectionState>,
    told: oneshot::Sender<()>,
}

/// Plugs a phone in or out.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Plug {
    pub(crate) lines: Vec<LineId>,
    pub(crate) phone: Recipient<LineReport>,
    pub(crate) inserted: bool,
}

/// Adds a line to a phone that is plugged in. `None` if another line has the number.
#[derive(Message)]
#[rtype(result = "Option<LineId>")]
pub(crate) struct Attach {
    pub(crate) device: DeviceId,
    /// Template of the line's CallIDs; see [`Pbx::add`].
    pub(crate) call: Box<str>,
    pub(crate) phone: Recipient<LineReport>,
}

/// Removes a line.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Detach(pub(crate) LineId);

/// A CSTA request to a phone. [`PbxResponse`] is sent before the events that the request causes.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct PbxRequest {
    pub(crate) lines: Vec<LineId>,
    pub(crate) request: Request,
    pub(crate) phone: Recipient<PbxResponse>,
    pub(crate) ticket: u64,
}

/// The response to a [`PbxRequest`].
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct PbxResponse {
    pub(crate) ticket: u64,
    pub(crate) result: Result<Response, Failure>,
}

/// An event for a phone to report.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct LineReport {
    pub(crate) line: LineId,
    pub(crate) event: LineEvent,
}

/// Presses a button at a line.
#[derive(Message)]
#[rtype(result = "Result<(), Failure>")]
pub(crate) struct Press {
    pub(crate) line: LineId,
    pub(crate) button: Button,
}

/// A call from an outside number.
#[derive(Message)]
#[rtype(result = "Result<(), Failure>")]
pub(crate) struct CallIn {
    pub(crate) from: DeviceId,
    pub(crate) to: DeviceId,
}

/// The calls of a line.
#[derive(Message)]
#[rtype(result = "Vec<CallView>")]
pub(crate) struct Calls(pub(crate) LineId);

/// Waits until a line has a call in `state`; with `None`, until it has no call.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Await {
    pub(crate) line: LineId,
    pub(crate) state: Option<LocalConnectionState>,
    pub(crate) told: oneshot::Sender<()>,
}

impl PbxActor {
    pub(crate) fn new(pbx: Pbx) -> Self {
        Self {
            pbx,
            started: Instant::now(),
            phones: HashMap::new(),
            waiting: HashMap::new(),
            alarm: None,
        }
    }

    /// Runs `act` on the PBX, passes on its result, then sends the events that it caused.
    fn act<T>(
        &mut self,
        ctx: &mut Context<Self>,
        act: impl FnOnce(&mut Pbx) -> T,
        answer: impl FnOnce(T),
    ) {
        self.pbx.advance(self.started.elapsed());
        let result = act(&mut self.pbx);
        answer(result);
        let mut touched = Vec::new();
        for (line, event) in self.pbx.take_events() {
            touched.push(line);
            if let Some(phone) = self.phones.get(&line) {
                phone.do_send(LineReport { line, event });
            }
        }
        for line in touched {
            self.notify_waiting(line);
        }
        self.schedule(ctx);
    }

    fn notify_waiting(&mut self, line: LineId) {
        let Some(waiting) = self.waiting.get_mut(&line) else {
            return;
        };
        let calls = self.pbx.calls(line);
        let due = |waiting: &mut Waiting| match &waiting.state {
            Some(state) => calls.iter().any(|call| call.state == *state),
            None => calls.is_empty(),
        };
        for waiting in waiting.extract_if(.., due) {
            // The receiver may have stopped waiting.
            let _ = waiting.told.send(());
        }
        if waiting.is_empty() {
            self.waiting.remove(&line);
        }
    }

    fn schedule(&mut self, ctx: &mut Context<Self>) {
        let due = self.pbx.due();
        if self.alarm.as_ref().map(|(at, _)| *at) == due {
            return;
        }
        if let Some((_, handle)) = self.alarm.take() {
            ctx.cancel_future(handle);
        }
        self.alarm = due.map(|at| {
            let wait = at.saturating_sub(self.started.elapsed());
            let handle = ctx.run_later(wait, |pbx, ctx| {
                pbx.alarm = None;
                pbx.act(ctx, |_| (), |()| ());
            });
            (at, handle)
        });
    }
}

impl Actor for PbxActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(4096);
    }
}

impl Handler<Plug> for PbxActor {
    type Result = ();

    fn handle(&mut self, plug: Plug, ctx: &mut Self::Context) {
        for line in &plug.lines {
            self.phones.insert(*line, plug.phone.clone());
        }
        let act = |pbx: &mut Pbx| {
            for line in plug.lines {
                pbx.set_in_service(line, plug.inserted);
            }
        };
        self.act(ctx, act, |()| ());
    }
}

impl Handler<Attach> for PbxActor {
    type Result = Option<LineId>;

    fn handle(&mut self, attach: Attach, _: &mut Self::Context) -> Self::Result {
        if self.pbx.line(&attach.device).is_some() {
            return None;
        }
        let line = self.pbx.add(attach.device, &attach.call);
        self.pbx.set_in_service(line, true);
        self.phones.insert(line, attach.phone);
        Some(line)
    }
}

impl Handler<Detach> for PbxActor {
    type Result = ();

    fn handle(&mut self, Detach(line): Detach, ctx: &mut Self::Context) {
        self.phones.remove(&line);
        self.act(ctx, |pbx| pbx.remove(line), |()| ());
    }
}

impl Handler<PbxRequest> for PbxActor {
    type Result = ();

    fn handle(&mut self, ask: PbxRequest, ctx: &mut Self::Context) {
        let PbxRequest {
            lines,
            request,
            phone,
            ticket,
        } = ask;
        let act = |pbx: &mut Pbx| serve(pbx, &lines, request);
        self.act(ctx, act, |result| {
            phone.do_send(PbxResponse { ticket, result });
        });
    }
}

impl Handler<Press> for PbxActor {
    type Result = Result<(), Failure>;

    fn handle(&mut self, Press { line, button }: Press, ctx: &mut Self::Context) -> Self::Result {
        let mut pressed = Ok(());
        self.act(
            ctx,
            |pbx| press(pbx, line, button),
            |result| pressed = result,
        );
        pressed
    }
}

impl Handler<CallIn> for PbxActor {
    type Result = Result<(), Failure>;

    fn handle(&mut self, CallIn { from, to }: CallIn, ctx: &mut Self::Context) -> Self::Result {
        let mut called = Ok(());
        self.act(ctx, |pbx| pbx.call_in(&from, &to), |result| called = result);
        called
    }
}

impl Handler<Calls> for PbxActor {
    type Result = MessageResult<Calls>;

    fn handle(&mut self, Calls(line): Calls, _: &mut Self::Context) -> Self::Result {
        MessageResult(self.pbx.calls(line))
    }
}

impl Handler<Await> for PbxActor {
    type Result = ();

    fn handle(&mut self, Await { line, state, told }: Await, _: &mut Self::Context) {
        let waiting = self.waiting.entry(line).or_default();
        waiting.retain(|waiting| !waiting.told.is_closed());
        waiting.push(Waiting { state, told });
        self.notify_waiting(line);
    }
}
