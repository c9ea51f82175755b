//! Bounded batches of work on very many phones or lines, so that no turn of the thread is long.

use std::{collections::VecDeque, ops::ControlFlow};

use actix::{
    Actor, ActorFutureExt, AsyncContext, Context, Message, WrapFuture,
    dev::{MessageResponse, OneshotSender},
};
use tokio::{sync::oneshot, task::yield_now};

/// How many phones or lines are examined in one turn.
pub(super) const BATCH: usize = 200;
/// How many phones' actors receive a message in one turn; each takes a turn of its own then.
pub(super) const TOLD: usize = 50;

/// The batches of an actor's unfinished work, in rotation.
pub(super) struct Batches<A: Actor<Context = Context<A>>> {
    waiting: VecDeque<Work<A>>,
    is_running: bool,
}

/// Does a batch of the work, and returns whether there is more.
pub(super) type Work<A> = Box<dyn FnMut(&mut A, &mut Context<A>) -> ControlFlow<()>>;

/// An actor that works in batches.
pub(super) trait HasBatches: Actor<Context = Context<Self>> {
    fn batches(&mut self) -> &mut Batches<Self>;
}

/// Does work in batches: one in this turn if no other work is unfinished, the others in later turns.
pub(super) fn in_batches<A: HasBatches>(actor: &mut A, ctx: &mut Context<A>, work: Work<A>) {
    if actor.batches().add(work) {
        run_batch(actor, ctx);
    }
}

fn run_batch<A: HasBatches>(actor: &mut A, ctx: &mut Context<A>) {
    let Some(mut work) = actor.batches().next() else {
        return;
    };
    if work(actor, ctx).is_continue() {
        actor.batches().waiting.push_back(work);
    }
    let next_turn = yield_now().into_actor(actor);
    ctx.spawn(next_turn.map(|(), actor, ctx| run_batch(actor, ctx)));
}

impl<A: Actor<Context = Context<A>>> Default for Batches<A> {
    fn default() -> Self {
        Self {
            waiting: VecDeque::new(),
            is_running: false,
        }
    }
}

impl<A: Actor<Context = Context<A>>> Batches<A> {
    /// Adds work. Returns whether to start a run; if not, one is under way.
    fn add(&mut self, work: Work<A>) -> bool {
        self.waiting.push_back(work);
        !std::mem::replace(&mut self.is_running, true)
    }

    /// The next work in rotation; `None` ends the run.
    fn next(&mut self) -> Option<Work<A>> {
        let next = self.waiting.pop_front();
        self.is_running = next.is_some();
        next
    }
}

/// The result of a message that is answered in a later turn. If the actor panics before, the sender gets an error.
pub struct LaterResult<M: Message>(pub(super) oneshot::Receiver<M::Result>);

impl<A: Actor, M: Message> MessageResponse<A, M> for LaterResult<M>
where
    M::Result: Send,
{
    fn handle(self, _: &mut A::Context, to: Option<OneshotSender<M::Result>>) {
        let Some(to) = to else { return };
        actix_rt::spawn(async move {
            if let Ok(result) = self.0.await {
                // The sender may be gone.
                let _ = to.send(result);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Worker;

    impl Actor for Worker {
        type Context = Context<Self>;
    }

    #[test]
    fn works_take_turns_and_a_run_ends_when_all_are_done() {
        let mut batches = Batches::<Worker>::default();
        let mut ctx = Context::<Worker>::new();
        let work = |batches: usize| -> Work<Worker> {
            let mut left = batches;
            Box::new(move |_, _| {
                left -= 1;
                if left == 0 {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            })
        };
        assert!(batches.add(work(3)), "the first one starts the run");
        assert!(!batches.add(work(1)));
        let mut turns = 0;
        while let Some(mut work) = batches.next() {
            turns += 1;
            if work(&mut Worker, &mut ctx).is_continue() {
                batches.waiting.push_back(work);
            }
        }
        assert_eq!(turns, 4);
        assert!(batches.add(work(1)), "the next one starts another run");
    }
}
