//! Grants permits for phones and lines, as many as there are licences: a [`LicencePermit`] gives itself back on drop.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use actix::{Actor, AsyncContext, Context, Handler, Message, MessageResult, Recipient};

use crate::{
    ConfigChanged, ServerContext,
    counters::Event,
    registrar::{Recount, Reseat},
};

pub mod allowance;
pub mod code;
mod permit;

pub use allowance::Allowance;
use code::Licence;
use permit::Permits;
pub use permit::{Counts, Kind, LicencePermit};

/// Grants permits.
pub struct Licensing {
    context: Arc<ServerContext>,
    permits: Arc<Permits>,
    waiting: Waiting,
}

/// The actors that wait for a permit, in order.
#[derive(Default)]
struct Waiting {
    phones: VecDeque<Recipient<Taken>>,
    lines: VecDeque<Recipient<Taken>>,
}

impl Waiting {
    fn queue(&mut self, kind: Kind) -> &mut VecDeque<Recipient<Taken>> {
        match kind {
            Kind::Phone => &mut self.phones,
            Kind::Line => &mut self.lines,
        }
    }
}

/// Asks for a permit; [`Taken`] brings it.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Take {
    /// What for.
    pub kind: Kind,
    /// Who gets it.
    pub to: Recipient<Taken>,
}

/// A permit for the receiver; none: there is no licence for it now, and a permit comes when there is. Dropped unread, the
/// permit goes back.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Taken(pub Option<LicencePermit>);

/// Asks for the counts.
#[derive(Debug, Message)]
#[rtype(result = "Counts")]
pub struct Count;

/// Asks for what is licensed and in use.
#[derive(Debug, Message)]
#[rtype(result = "Licences")]
pub struct Overview;

/// What is licensed and in use.
#[derive(Clone, Debug)]
pub struct Licences {
    /// The permits in use.
    pub counts: Counts,
    /// Seats of phones; none: any number.
    pub phones: Option<usize>,
    /// Seats of lines; none: any number.
    pub lines: Option<usize>,
    /// The licences; none where the build has no issuer.
    pub issued: Option<Vec<Licence>>,
    /// Their codes, as they are set.
    pub codes: Vec<String>,
    /// How long the server may still run without a licence.
    pub trial_left: Duration,
}

/// A permit was given back while others wait.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
struct Freed;

/// How often an operator is told of a trial that ends within [`SOON`].
const DAY: Duration = Duration::from_secs(24 * 3600);
const SOON: Duration = Duration::from_secs(14 * 24 * 3600);

impl Licensing {
    /// With no permit in use.
    pub fn new(context: Arc<ServerContext>) -> Self {
        let permits = Arc::new(Permits::new(context.licensing.clone()));
        Self {
            context,
            permits,
            waiting: Waiting::default(),
        }
    }

    /// How many permits of a kind there may be; none: any number.
    fn allowed(&self, kind: Kind) -> Option<usize> {
        let now = self.context.clock.now();
        self.context.config().allowance.seats(kind, now)
    }

    fn take(&self, kind: Kind) -> Option<LicencePermit> {
        let free = self
            .allowed(kind)
            .is_none_or(|allowed| self.permits.taken(kind) < allowed);
        free.then(|| LicencePermit::new(kind, &self.permits))
    }

    /// Gives what is free to those who wait, in order.
    fn serve(&mut self, kind: Kind) {
        while let Some(first) = self.waiting.queue(kind).front() {
            if !first.connected() {
                self.waiting.queue(kind).pop_front();
                continue;
            }
            let permit = self.take(kind).or_else(|| {
                // Licensing hears of a permit that is given back from here on; one that was given back before is found now.
                self.permits.await_one();
                self.take(kind)
            });
            let Some(permit) = permit else { return };
            if let Some(first) = self.waiting.queue(kind).pop_front() {
                first.do_send(Taken(Some(permit)));
            }
        }
    }

    /// There are more or fewer licences than before: surplus permits are withdrawn, and no other is touched.
    fn allowance_changed(&mut self) {
        let mut too_many = false;
        for kind in Kind::ALL {
            let taken = self.permits.taken(kind);
            let surplus = taken.saturating_sub(self.allowed(kind).unwrap_or(taken));
            self.permits.withdraw(kind, surplus);
            too_many |= surplus > 0;
        }
        if too_many {
            tracing::error!(
                phones = self.permits.taken(Kind::Phone),
                licensed_phones = self.allowed(Kind::Phone),
                lines = self.permits.taken(Kind::Line),
                licensed_lines = self.allowed(Kind::Line),
                "more phones or lines are in use than there are licences for; add one with: uacsta licenses add CODE"
            );
            self.context.registrar.do_send(Reseat);
        }
        for kind in Kind::ALL {
            self.serve(kind);
        }
    }

    /// Says how long the trial goes on, and sees to what follows.
    fn watch_trial(&mut self, ctx: &mut Context<Self>) {
        let config = self.context.config();
        let left = config.allowance.trial_left(self.context.clock.now());
        let Some(licences) = config.allowance.licences() else {
            return;
        };
        if left.is_zero() {
            if licences.is_empty() {
                tracing::error!(
                    "the trial is over, and there is no licence; add one with: uacsta licenses add CODE"
                );
            }
            return;
        }
        if licences.is_empty() {
            let days = left.as_secs().div_ceil(DAY.as_secs());
            if left <= SOON {
                tracing::warn!(
                    days,
                    "the trial ends soon; then nothing is controlled or monitored without a licence"
                );
            } else {
                tracing::info!(days, "the trial goes on");
            }
        }
        drop(config);
        ctx.run_later(left.min(DAY), |licensing, ctx| {
            let now = licensing.context.clock.now();
            if licensing
                .context
                .config()
                .allowance
                .trial_left(now)
                .is_zero()
            {
                tracing::warn!("the trial is over: from now on licences count");
                licensing.allowance_changed();
            } else {
                licensing.watch_trial(ctx);
            }
        });
    }
}

impl Actor for Licensing {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.watch_trial(ctx);
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        if std::thread::panicking() {
            self.context.counters.count(Event::Panicked);
            tracing::error!("licensing failed; another takes its place");
            let successor = Self {
                context: Arc::clone(&self.context),
                permits: Arc::clone(&self.permits),
                waiting: Waiting::default(),
            };
            self.context.licensing.exchange(successor.start());
            // Who asked the one that failed has no permit yet.
            self.context.registrar.do_send(Recount);
        }
    }
}

impl Handler<Take> for Licensing {
    type Result = ();

    fn handle(&mut self, Take { kind, to }: Take, _: &mut Self::Context) {
        let queue = self.waiting.queue(kind);
        queue.retain(Recipient::connected);
        // Who asks again keeps its place.
        if !queue.contains(&to) {
            queue.push_back(to.clone());
        }
        self.serve(kind);
        if self.waiting.queue(kind).contains(&to) {
            to.do_send(Taken(None));
        }
    }
}

impl Handler<Freed> for Licensing {
    type Result = ();

    fn handle(&mut self, _: Freed, _: &mut Self::Context) {
        for kind in Kind::ALL {
            self.serve(kind);
        }
    }
}

impl Handler<ConfigChanged> for Licensing {
    type Result = ();

    fn handle(&mut self, _: ConfigChanged, _: &mut Self::Context) {
        self.allowance_changed();
    }
}

impl Handler<Count> for Licensing {
    type Result = MessageResult<Count>;

    fn handle(&mut self, _: Count, _: &mut Self::Context) -> Self::Result {
        MessageResult(self.permits.counts())
    }
}

impl Handler<Overview> for Licensing {
    type Result = MessageResult<Overview>;

    fn handle(&mut self, _: Overview, _: &mut Self::Context) -> Self::Result {
        let config = self.context.config();
        MessageResult(Licences {
            counts: self.permits.counts(),
            phones: self.allowed(Kind::Phone),
            lines: self.allowed(Kind::Line),
            issued: config.allowance.licences().map(<[Licence]>::to_vec),
            codes: config.settings.licenses.codes.clone(),
            trial_left: config.allowance.trial_left(self.context.clock.now()),
        })
    }
}
