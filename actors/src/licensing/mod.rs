//! Grants permits for phones and lines, as many as there are licences: a [`LicencePermit`] gives itself back on drop.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use actix::{Actor, AsyncContext, Context, Handler, Message, MessageResult, Recipient};

use crate::{
    ConfigChanged, ServerContext,
    counters::Counter,
    registrar::{Recount, Reseat},
};

pub mod allowance;
pub mod code;
mod permit;

pub use allowance::Allowance;
use code::Licence;
use permit::Permits;
pub use permit::{LicencePermit, PermitCounts, PermitKind};

/// Grants permits.
pub struct Licensing {
    context: Arc<ServerContext>,
    permits: Arc<Permits>,
    waiting: Waiting,
}

/// The actors that wait for a permit, in order.
#[derive(Default)]
struct Waiting {
    phones: VecDeque<Recipient<PermitDecision>>,
    lines: VecDeque<Recipient<PermitDecision>>,
}

impl Waiting {
    fn queue(&mut self, kind: PermitKind) -> &mut VecDeque<Recipient<PermitDecision>> {
        match kind {
            PermitKind::Phone => &mut self.phones,
            PermitKind::Line => &mut self.lines,
        }
    }
}

/// Asks for a permit; [`PermitDecision`] brings it.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct RequestPermit {
    /// What for.
    pub kind: PermitKind,
    /// Who gets it.
    pub to: Recipient<PermitDecision>,
}

/// A permit for the receiver; none: there is no licence for it now, and a permit comes when there is. Dropped unread, the
/// permit goes back.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct PermitDecision(pub Option<LicencePermit>);

/// Asks for the counts.
#[derive(Debug, Message)]
#[rtype(result = "PermitCounts")]
pub struct CountPermits;

/// Asks for what is licensed and in use.
#[derive(Debug, Message)]
#[rtype(result = "Licences")]
pub struct GetLicences;

/// What is licensed and in use.
#[derive(Clone, Debug)]
pub struct Licences {
    /// The permits in use.
    pub counts: PermitCounts,
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
    fn allowed(&self, kind: PermitKind) -> Option<usize> {
        let now = self.context.clock.now();
        self.context.config().allowance.seats(kind, now)
    }

    fn take(&self, kind: PermitKind) -> Option<LicencePermit> {
        let free = self
            .allowed(kind)
            .is_none_or(|allowed| self.permits.taken(kind) < allowed);
        free.then(|| LicencePermit::new(kind, &self.permits))
    }

    /// Gives what is free to those who wait, in order.
    fn serve(&mut self, kind: PermitKind) {
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
                first.do_send(PermitDecision(Some(permit)));
            }
        }
    }

    /// There are more or fewer licences than before: surplus permits are withdrawn, and no other is touched.
    fn allowance_changed(&mut self) {
        let mut too_many = false;
        for kind in PermitKind::ALL {
            let taken = self.permits.taken(kind);
            let surplus = taken.saturating_sub(self.allowed(kind).unwrap_or(taken));
            self.permits.withdraw(kind, surplus);
            too_many |= surplus > 0;
        }
        if too_many {
            tracing::error!(
                phones = self.permits.taken(PermitKind::Phone),
                licensed_phones = self.allowed(PermitKind::Phone),
                lines = self.permits.taken(PermitKind::Line),
                licensed_lines = self.allowed(PermitKind::Line),
                "more phones or lines are in use than there are licences for; add one with: uacsta licenses add CODE"
            );
            self.context.registrar.do_send(Reseat);
        }
        for kind in PermitKind::ALL {
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
            self.context.counters.count(Counter::Panicked);
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

impl Handler<RequestPermit> for Licensing {
    type Result = ();

    fn handle(&mut self, RequestPermit { kind, to }: RequestPermit, _: &mut Self::Context) {
        let queue = self.waiting.queue(kind);
        queue.retain(Recipient::connected);
        // Who asks again keeps its place.
        if !queue.contains(&to) {
            queue.push_back(to.clone());
        }
        self.serve(kind);
        if self.waiting.queue(kind).contains(&to) {
            to.do_send(PermitDecision(None));
        }
    }
}

impl Handler<Freed> for Licensing {
    type Result = ();

    fn handle(&mut self, _: Freed, _: &mut Self::Context) {
        for kind in PermitKind::ALL {
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

impl Handler<CountPermits> for Licensing {
    type Result = MessageResult<CountPermits>;

    fn handle(&mut self, _: CountPermits, _: &mut Self::Context) -> Self::Result {
        MessageResult(self.permits.counts())
    }
}

impl Handler<GetLicences> for Licensing {
    type Result = MessageResult<GetLicences>;

    fn handle(&mut self, _: GetLicences, _: &mut Self::Context) -> Self::Result {
        let config = self.context.config();
        MessageResult(Licences {
            counts: self.permits.counts(),
            phones: self.allowed(PermitKind::Phone),
            lines: self.allowed(PermitKind::Line),
            issued: config.allowance.licences().map(<[Licence]>::to_vec),
            codes: config.settings.licenses.codes.clone(),
            trial_left: config.allowance.trial_left(self.context.clock.now()),
        })
    }
}
