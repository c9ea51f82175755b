//! The actor that owns the exchange: asked by phones and hands, it tells every phone what its lines have to report.

use std::{collections::HashMap, time::Duration};

use actix::{Actor, Addr, AsyncContext, Context, Handler, Message, MessageResult, SpawnHandle};
use tokio::{sync::oneshot, time::Instant};
use uacsta_schema::csta::{DeviceId, Failure, LocalConnectionState, Request, Response};

use super::{
    exchange::{CallView, Exchange, LineId, Notice},
    handset::Handset,
    key::{Key, press},
    service::serve,
};

/// Owns the exchange of a fleet.
pub(super) struct Switchboard {
    exchange: Exchange,
    started: Instant,
    phones: HashMap<LineId, Addr<Handset>>,
    waiting: HashMap<LineId, Vec<Waiting>>,
    alarm: Option<(Duration, SpawnHandle)>,
}

/// Somebody who waits until a line has a call in a state, or no call.
struct Waiting {
    state: Option<LocalConnectionState>,
    told: oneshot::Sender<()>,
}

/// A phone is plugged in or out.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Plug {
    pub(super) lines: Vec<LineId>,
    pub(super) phone: Addr<Handset>,
    pub(super) inserted: bool,
}

/// A phone that is plugged in gets a line more; none when somebody else has its number.
#[derive(Message)]
#[rtype(result = "Option<LineId>")]
pub(super) struct Attach {
    pub(super) device: DeviceId,
    /// How the line names its calls.
    pub(super) call: Box<str>,
    pub(super) phone: Addr<Handset>,
}

/// A phone loses a line.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Detach(pub(super) LineId);

/// A request that came to a phone by CSTA; [`Done`] answers it before any notice that it causes.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Ask {
    pub(super) lines: Vec<LineId>,
    pub(super) request: Request,
    pub(super) phone: Addr<Handset>,
    pub(super) ticket: u64,
}

/// What became of an [`Ask`].
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Done {
    pub(super) ticket: u64,
    pub(super) result: Result<Response, Failure>,
}

/// A line has something to report.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Noticed {
    pub(super) line: LineId,
    pub(super) notice: Notice,
}

/// A hand presses a key at a line.
#[derive(Message)]
#[rtype(result = "Result<(), Failure>")]
pub(super) struct Press {
    pub(super) line: LineId,
    pub(super) key: Key,
}

/// Somebody outside calls.
#[derive(Message)]
#[rtype(result = "Result<(), Failure>")]
pub(super) struct CallIn {
    pub(super) from: DeviceId,
    pub(super) to: DeviceId,
}

/// Asks for the calls of a line.
#[derive(Message)]
#[rtype(result = "Vec<CallView>")]
pub(super) struct Calls(pub(super) LineId);

/// Waits until a line has a call in a state; with none, until it has no call.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Await {
    pub(super) line: LineId,
    pub(super) state: Option<LocalConnectionState>,
    pub(super) told: oneshot::Sender<()>,
}

impl Switchboard {
    pub(super) fn new(exchange: Exchange) -> Self {
        Self {
            exchange,
            started: Instant::now(),
            phones: HashMap::new(),
            waiting: HashMap::new(),
            alarm: None,
        }
    }

    /// Has the exchange do something, and tells everybody what came of it.
    fn act<T>(
        &mut self,
        ctx: &mut Context<Self>,
        act: impl FnOnce(&mut Exchange) -> T,
        answer: impl FnOnce(T),
    ) {
        self.exchange.advance(self.started.elapsed());
        let result = act(&mut self.exchange);
        answer(result);
        let mut touched = Vec::new();
        for (line, notice) in self.exchange.take_notices() {
            touched.push(line);
            if let Some(phone) = self.phones.get(&line) {
                phone.do_send(Noticed { line, notice });
            }
        }
        for line in touched {
            self.tell_waiting(line);
        }
        self.schedule(ctx);
    }

    fn tell_waiting(&mut self, line: LineId) {
        let Some(waiting) = self.waiting.get_mut(&line) else {
            return;
        };
        let calls = self.exchange.calls(line);
        let due = |waiting: &mut Waiting| match &waiting.state {
            Some(state) => calls.iter().any(|call| call.state == *state),
            None => calls.is_empty(),
        };
        for waiting in waiting.extract_if(.., due) {
            // Whoever has given up waiting needs not be told.
            let _ = waiting.told.send(());
        }
        if waiting.is_empty() {
            self.waiting.remove(&line);
        }
    }

    fn schedule(&mut self, ctx: &mut Context<Self>) {
        let due = self.exchange.due();
        if self.alarm.as_ref().map(|(at, _)| *at) == due {
            return;
        }
        if let Some((_, handle)) = self.alarm.take() {
            ctx.cancel_future(handle);
        }
        self.alarm = due.map(|at| {
            let wait = at.saturating_sub(self.started.elapsed());
            let handle = ctx.run_later(wait, |switchboard, ctx| {
                switchboard.alarm = None;
                switchboard.act(ctx, |_| (), |()| ());
            });
            (at, handle)
        });
    }
}

impl Actor for Switchboard {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(4096);
    }
}

impl Handler<Plug> for Switchboard {
    type Result = ();

    fn handle(&mut self, plug: Plug, ctx: &mut Self::Context) {
        for line in &plug.lines {
            self.phones.insert(*line, plug.phone.clone());
        }
        let act = |exchange: &mut Exchange| {
            for line in plug.lines {
                exchange.set_in_service(line, plug.inserted);
            }
        };
        self.act(ctx, act, |()| ());
    }
}

impl Handler<Attach> for Switchboard {
    type Result = Option<LineId>;

    fn handle(&mut self, attach: Attach, _: &mut Self::Context) -> Self::Result {
        if self.exchange.line(&attach.device).is_some() {
            return None;
        }
        let line = self.exchange.add(attach.device, &attach.call);
        self.exchange.set_in_service(line, true);
        self.phones.insert(line, attach.phone);
        Some(line)
    }
}

impl Handler<Detach> for Switchboard {
    type Result = ();

    fn handle(&mut self, Detach(line): Detach, ctx: &mut Self::Context) {
        self.phones.remove(&line);
        self.act(ctx, |exchange| exchange.remove(line), |()| ());
    }
}

impl Handler<Ask> for Switchboard {
    type Result = ();

    fn handle(&mut self, ask: Ask, ctx: &mut Self::Context) {
        let Ask {
            lines,
            request,
            phone,
            ticket,
        } = ask;
        let act = |exchange: &mut Exchange| serve(exchange, &lines, request);
        self.act(ctx, act, |result| phone.do_send(Done { ticket, result }));
    }
}

impl Handler<Press> for Switchboard {
    type Result = Result<(), Failure>;

    fn handle(&mut self, Press { line, key }: Press, ctx: &mut Self::Context) -> Self::Result {
        let mut pressed = Ok(());
        self.act(
            ctx,
            |exchange| press(exchange, line, key),
            |result| pressed = result,
        );
        pressed
    }
}

impl Handler<CallIn> for Switchboard {
    type Result = Result<(), Failure>;

    fn handle(&mut self, CallIn { from, to }: CallIn, ctx: &mut Self::Context) -> Self::Result {
        let mut called = Ok(());
        self.act(
            ctx,
            |exchange| exchange.call_in(&from, &to),
            |result| called = result,
        );
        called
    }
}

impl Handler<Calls> for Switchboard {
    type Result = MessageResult<Calls>;

    fn handle(&mut self, Calls(line): Calls, _: &mut Self::Context) -> Self::Result {
        MessageResult(self.exchange.calls(line))
    }
}

impl Handler<Await> for Switchboard {
    type Result = ();

    fn handle(&mut self, Await { line, state, told }: Await, _: &mut Self::Context) {
        let waiting = self.waiting.entry(line).or_default();
        waiting.retain(|waiting| !waiting.told.is_closed());
        waiting.push(Waiting { state, told });
        self.tell_waiting(line);
    }
}
