//! Work on very many phones or lines, done a bounded part at a time so that no turn of the thread is long.

use std::{
    collections::VecDeque,
    ops::{Bound, ControlFlow},
};

use actix::{
    Actor, ActorFutureExt, AsyncContext, Context, Message, WrapFuture,
    dev::{MessageResponse, OneshotSender},
};
use tokio::{sync::oneshot, task::yield_now};
use uacsta_schema::phone_id::PhoneId;

use super::{Record, Registrar};
use crate::{phone::Phone, supervision::RestartableAddr};

/// How many phones or lines are looked at in one turn.
pub(super) const BATCH: usize = 200;
/// How many phones' actors are told something in one turn: each takes a turn of its own then.
const TOLD: usize = 50;

/// Work that goes on, whose parts take turns.
#[derive(Default)]
pub(super) struct Steps {
    waiting: VecDeque<Batch>,
    running: bool,
}

/// Does a part of the work, and says whether there is more.
type Batch = Box<dyn FnMut(&mut Registrar, &mut Context<Registrar>) -> ControlFlow<()>>;

impl Registrar {
    /// Does work in steps: one in this turn if no other work waits, the others in turns to come.
    pub(super) fn in_steps(
        &mut self,
        ctx: &mut Context<Self>,
        step: impl FnMut(&mut Self, &mut Context<Self>) -> ControlFlow<()> + 'static,
    ) {
        self.steps.waiting.push_back(Box::new(step));
        if !std::mem::replace(&mut self.steps.running, true) {
            self.step(ctx);
        }
    }

    fn step(&mut self, ctx: &mut Context<Self>) {
        let Some(mut step) = self.steps.waiting.pop_front() else {
            self.steps.running = false;
            return;
        };
        if step(self, ctx).is_continue() {
            self.steps.waiting.push_back(step);
        }
        let next_turn = yield_now().into_actor(self);
        ctx.spawn(next_turn.map(|(), registrar, ctx| registrar.step(ctx)));
    }

    /// Answers a request in a step of its own.
    pub(super) fn answer_in_step<M: Message>(
        &mut self,
        ctx: &mut Context<Self>,
        answer: impl FnOnce(&Self) -> M::Result + 'static,
    ) -> LaterResult<M> {
        let (done, is_done) = oneshot::channel();
        let mut work = Some((answer, done));
        self.in_steps(ctx, move |registrar, _| {
            if let Some((answer, done)) = work.take() {
                // Nobody may wait for it any more.
                let _ = done.send(answer(registrar));
            }
            ControlFlow::Break(())
        });
        LaterResult(is_done)
    }

    /// The phones that come after one in the list; after none, all.
    pub(super) fn telephones_after(
        &self,
        last: Option<PhoneId>,
    ) -> impl Iterator<Item = (&PhoneId, &Record)> {
        let after = last.map_or(Bound::Unbounded, Bound::Excluded);
        let listed = self.listed.range((after, Bound::Unbounded));
        listed.map(|(phone, record)| (phone, &**record))
    }

    /// Tells every phone's actor.
    pub(super) fn each_phone(
        &mut self,
        ctx: &mut Context<Self>,
        tell: impl Fn(&RestartableAddr<Phone>) + 'static,
    ) {
        let mut last = None::<PhoneId>;
        self.in_steps(ctx, move |registrar, _| {
            let page = registrar.telephones_after(last).take(TOLD);
            let mut looked_at = 0;
            for (phone, record) in page {
                last = Some(*phone);
                looked_at += 1;
                record.phone.iter().for_each(&tell);
            }
            if looked_at < TOLD {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
    }
}

/// The result of a message that is answered in a later turn. If the registrar fails before, the sender gets an error.
pub struct LaterResult<M: Message>(oneshot::Receiver<M::Result>);

impl<A: Actor, M: Message> MessageResponse<A, M> for LaterResult<M>
where
    M::Result: Send,
{
    fn handle(self, _: &mut A::Context, to: Option<OneshotSender<M::Result>>) {
        let Some(to) = to else { return };
        actix_rt::spawn(async move {
            if let Ok(result) = self.0.await {
                // Nobody may wait for it any more.
                let _ = to.send(result);
            }
        });
    }
}
