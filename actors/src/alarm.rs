//! A single timer for an actor: wakes the actor at the earliest of its due times.

use std::time::Duration;

use actix::{Actor, AsyncContext, Context, SpawnHandle};

/// The timer. Times are since the server's start.
#[derive(Debug, Default)]
pub struct Alarm(Option<(Duration, SpawnHandle)>);

/// An actor that an [`Alarm`] wakes.
pub trait Wake: Actor<Context = Context<Self>> {
    /// The actor's alarm.
    fn alarm(&mut self) -> &mut Alarm;

    /// Does the work that is due, and sets the alarm for the next.
    fn wake(&mut self, ctx: &mut Context<Self>);
}

impl Alarm {
    /// Wakes the actor at `at`, unless an earlier time is already set.
    pub fn set<A: Wake>(&mut self, at: Duration, now: Duration, ctx: &mut Context<A>) {
        if let Some((earlier, handle)) = self.0 {
            if earlier <= at {
                return;
            }
            ctx.cancel_future(handle);
        }
        let handle = ctx.run_later(at.saturating_sub(now), |actor, ctx| {
            actor.alarm().0 = None;
            actor.wake(ctx);
        });
        self.0 = Some((at, handle));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use actix::{Handler, Message};

    use super::*;

    #[derive(Default)]
    struct Sleeper {
        alarm: Alarm,
        woken: usize,
    }

    /// Sets the alarm for these times, in milliseconds; answers how often it woke the actor before.
    #[derive(Message)]
    #[rtype(usize)]
    struct SetAt(&'static [u64]);

    impl Actor for Sleeper {
        type Context = Context<Self>;
    }

    impl Wake for Sleeper {
        fn alarm(&mut self) -> &mut Alarm {
            &mut self.alarm
        }

        fn wake(&mut self, _: &mut Context<Self>) {
            self.woken += 1;
        }
    }

    impl Handler<SetAt> for Sleeper {
        type Result = usize;

        fn handle(&mut self, SetAt(times): SetAt, ctx: &mut Self::Context) -> usize {
            for at in times {
                let at = Duration::from_millis(*at);
                self.alarm.set(at, Duration::ZERO, ctx);
            }
            self.woken
        }
    }

    #[actix::test]
    async fn the_earliest_of_several_times_wakes_the_actor_once() {
        let sleeper = Sleeper::default().start();
        let set = async |times| sleeper.send(SetAt(times)).await.unwrap();
        let wait = || actix_rt::time::sleep(Duration::from_millis(60));
        assert_eq!(set(&[3_600_000, 1, 20, 3_600_000]).await, 0);
        wait().await;
        assert_eq!(set(&[1]).await, 1);
        wait().await;
        assert_eq!(set(&[]).await, 2);
    }
}
