//! Line status for clients that subscribe to it (ECMA-269 system registration), five times a second at the most.

use std::{ops::ControlFlow, rc::Rc, time::Duration};

use actix::{AsyncContext, Context, Handler, Message, Recipient};

use super::{Registrar, steps::BATCH};
use crate::directory::{LineFilter, LineSummary};

/// Subscribes a session of a client to the status of its lines: told at once, and after changes. Takes the place of what the
/// session subscribed to before.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct SubscribeStatus {
    /// Who is told.
    pub to: Recipient<LineStatus>,
    /// The client's session.
    pub key: u64,
    /// The lines that the session sees.
    pub lines: LineFilter,
}

/// Ends what [`SubscribeStatus`] began.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct UnsubscribeStatus {
    /// Who was told.
    pub to: Recipient<LineStatus>,
    /// The client's session.
    pub key: u64,
}

/// The lines of a session as they are now.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct LineStatus {
    /// The client's session.
    pub key: u64,
    /// Its lines.
    pub lines: LineSummary,
}

/// How long changes are gathered: thousands of phones that return in one second are few changes to subscribers.
const GATHERED: Duration = Duration::from_millis(200);

impl Registrar {
    /// A line or a phone has changed: subscribers are told soon.
    pub(super) fn status_changed(&mut self, ctx: &mut Context<Self>) {
        if self.subscriptions.is_empty() {
            self.directory.take_changes();
        } else if !std::mem::replace(&mut self.status_due, true) {
            ctx.run_later(GATHERED, |registrar, ctx| {
                registrar.status_due = false;
                let changed = registrar.directory.take_changes();
                registrar.publish_status(move |filter| filter.is_touched(&changed), ctx);
            });
        }
    }

    /// Tells subscribers whose lines may have changed. What that costs goes by what they see, not by all lines.
    pub(super) fn publish_status(
        &mut self,
        may_have_changed: impl Fn(&LineFilter) -> bool + 'static,
        ctx: &mut Context<Self>,
    ) {
        self.subscriptions.retain(|(to, _), _| to.connected());
        let mut waiting: Vec<_> = self.subscriptions.keys().cloned().collect();
        self.in_steps(ctx, move |registrar, _| {
            let mut looked_at = 0;
            while looked_at < BATCH {
                let Some((to, key)) = waiting.pop() else {
                    return ControlFlow::Break(());
                };
                let subscription = (to, key);
                looked_at += 1;
                if let Some(filter) = registrar.subscriptions.get(&subscription)
                    && may_have_changed(filter)
                {
                    looked_at += filter.names();
                    let lines = registrar.directory.summary(filter);
                    subscription.0.do_send(LineStatus { key, lines });
                }
            }
            ControlFlow::Continue(())
        });
    }
}

impl Handler<SubscribeStatus> for Registrar {
    type Result = ();

    fn handle(
        &mut self,
        SubscribeStatus { to, key, lines }: SubscribeStatus,
        ctx: &mut Self::Context,
    ) {
        let filter = Rc::new(lines);
        self.subscriptions
            .insert((to.clone(), key), Rc::clone(&filter));
        self.in_steps(ctx, move |registrar, _| {
            let lines = registrar.directory.summary(&filter);
            to.do_send(LineStatus { key, lines });
            ControlFlow::Break(())
        });
    }
}

impl Handler<UnsubscribeStatus> for Registrar {
    type Result = ();

    fn handle(&mut self, UnsubscribeStatus { to, key }: UnsubscribeStatus, _: &mut Self::Context) {
        self.subscriptions.remove(&(to, key));
    }
}
