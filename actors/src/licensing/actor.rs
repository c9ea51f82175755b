//! The actor of licensing: grants, queues and withdraws permits, and ends the evaluation period.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use actix::{Actor, AsyncContext, Context, Handler, Message, MessageResult, Recipient};

use super::{
    messages::{
        CountPermits, GetLicences, Licences, LicensingNotice, PermitDecision, RequestPermit,
    },
    permit::{GrantedPermits, LicencePermit, PermitUsage},
};
use crate::{
    ConfigChanged, ServerContext,
    counters::Counters,
    licence::{PermitKind, code::Licence},
    supervision::{Restartable, RestartableAddr, RestartableRecipient, restart_after_panic},
};

/// Licensing.
pub struct Licensing {
    context: Arc<ServerContext>,
    address: RestartableAddr<Self>,
    /// Forwards to all holders of permits.
    holders: RestartableRecipient<LicensingNotice>,
    usage: Arc<PermitUsage>,
    phones: PermitQueue,
    lines: PermitQueue,
}

/// The permits of one kind: those that were granted, and the actors that wait for one, in order.
#[derive(Default)]
struct PermitQueue {
    granted: GrantedPermits,
    waiting: VecDeque<Recipient<PermitDecision>>,
}

/// A permit was given back while others wait.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
struct GivenBack;

/// How often the log reports what is left of the evaluation period.
const DAY: Duration = Duration::from_secs(24 * 3600);
/// How long before the end of the evaluation period the log warns of it.
const SOON: Duration = Duration::from_secs(14 * 24 * 3600);

impl Licensing {
    /// Licensing without a permit in use, to run at `address`; `holders` forwards to all actors that hold or want permits.
    pub fn new(
        context: Arc<ServerContext>,
        address: RestartableAddr<Self>,
        holders: RestartableRecipient<LicensingNotice>,
    ) -> Self {
        let licensing = address.clone();
        let usage = Arc::new(PermitUsage::new(move || licensing.do_send(GivenBack)));
        Self {
            context,
            address,
            holders,
            usage,
            phones: PermitQueue::default(),
            lines: PermitQueue::default(),
        }
    }

    /// How many permits of a kind there may be; `None`: any number.
    fn allowed(&self, kind: PermitKind) -> Option<usize> {
        let now = self.context.clock.now();
        self.context.config().allowance.permits(kind, now)
    }

    fn queue(&mut self, kind: PermitKind) -> &mut PermitQueue {
        match kind {
            PermitKind::Phone => &mut self.phones,
            PermitKind::Line => &mut self.lines,
        }
    }

    fn grant(&mut self, kind: PermitKind) -> Option<LicencePermit> {
        let in_use = self.usage.in_use(kind);
        if self.allowed(kind).is_some_and(|allowed| in_use >= allowed) {
            return None;
        }
        let usage = Arc::clone(&self.usage);
        Some(self.queue(kind).granted.add(kind, &usage))
    }

    /// Grants what is free to the actors that wait, in order.
    fn serve(&mut self, kind: PermitKind) {
        while let Some(first) = self.queue(kind).waiting.front().cloned() {
            if first.connected() {
                let permit = self.grant(kind).or_else(|| {
                    // A permit that is given back from here on is reported; one that was given back before is found now.
                    self.usage.await_one();
                    self.grant(kind)
                });
                let Some(permit) = permit else { return };
                first.do_send(PermitDecision(Some(permit)));
            }
            self.queue(kind).waiting.pop_front();
        }
    }

    /// Withdraws surplus permits, and grants free ones.
    fn allowance_changed(&mut self) {
        let mut too_many = false;
        for kind in PermitKind::ALL {
            let in_use = self.usage.in_use(kind);
            let allowed = self.allowed(kind).unwrap_or(usize::MAX);
            let surplus = in_use.saturating_sub(allowed);
            self.queue(kind).granted.withdraw(surplus);
            too_many |= surplus > 0;
        }
        if too_many {
            let counts = self.usage.counts();
            tracing::error!(
                phones = counts.phones,
                licensed_phones = self.allowed(PermitKind::Phone),
                lines = counts.lines,
                licensed_lines = self.allowed(PermitKind::Line),
                "more phones or lines are in use than are licensed; permits withdrawn. Add a licence with: uacsta licenses add CODE"
            );
            self.holders.do_send(LicensingNotice::PermitsWithdrawn);
        }
        for kind in PermitKind::ALL {
            self.serve(kind);
        }
    }

    /// Logs what is left of the evaluation period once a day, and withdraws permits at its end.
    fn watch_trial(&mut self, ctx: &mut Context<Self>) {
        let config = self.context.config();
        let left = config.allowance.trial_left(self.context.clock.now());
        let Some(licences) = config.allowance.licences() else {
            return;
        };
        log_trial(left, licences);
        drop(config);
        if left.is_zero() {
            return;
        }
        ctx.run_later(left.min(DAY), |licensing, ctx| {
            let now = licensing.context.clock.now();
            let left = licensing.context.config().allowance.trial_left(now);
            if left.is_zero() {
                tracing::warn!("evaluation period over: only licensed phones and lines are served");
                licensing.allowance_changed();
            } else {
                licensing.watch_trial(ctx);
            }
        });
    }
}

fn log_trial(left: Duration, licences: &[Licence]) {
    if !licences.is_empty() {
        return;
    }
    let days = left.as_secs().div_ceil(DAY.as_secs());
    if left.is_zero() {
        tracing::error!(
            "evaluation period over and no licence configured; add one with: uacsta licenses add CODE"
        );
    } else if left <= SOON {
        tracing::warn!(
            days,
            "evaluation period ends soon; without a licence no phone is controlled or monitored then"
        );
    } else {
        tracing::info!(days, "evaluation period: days left");
    }
}

impl Actor for Licensing {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.watch_trial(ctx);
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        restart_after_panic(self);
    }
}

impl Restartable for Licensing {
    fn address(&self) -> Option<RestartableAddr<Self>> {
        Some(self.address.clone())
    }

    fn counters(&self) -> &Counters {
        &self.context.counters
    }

    fn successor(&mut self) -> Self {
        tracing::error!("licensing panicked and was restarted");
        Self {
            context: Arc::clone(&self.context),
            address: self.address.clone(),
            holders: self.holders.clone(),
            usage: Arc::clone(&self.usage),
            phones: std::mem::take(&mut self.phones),
            lines: std::mem::take(&mut self.lines),
        }
    }

    fn report_restart(&self) {
        self.holders.do_send(LicensingNotice::Restarted);
    }
}

impl Handler<RequestPermit> for Licensing {
    type Result = ();

    fn handle(&mut self, RequestPermit { kind, to }: RequestPermit, _: &mut Self::Context) {
        let waiting = &mut self.queue(kind).waiting;
        waiting.retain(Recipient::connected);
        if !waiting.contains(&to) {
            waiting.push_back(to.clone());
        }
        self.serve(kind);
        if self.queue(kind).waiting.contains(&to) {
            to.do_send(PermitDecision(None));
        }
    }
}

impl Handler<GivenBack> for Licensing {
    type Result = ();

    fn handle(&mut self, _: GivenBack, _: &mut Self::Context) {
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
        MessageResult(self.usage.counts())
    }
}

impl Handler<GetLicences> for Licensing {
    type Result = MessageResult<GetLicences>;

    fn handle(&mut self, _: GetLicences, _: &mut Self::Context) -> Self::Result {
        let config = self.context.config();
        MessageResult(Licences {
            counts: self.usage.counts(),
            phones: self.allowed(PermitKind::Phone),
            lines: self.allowed(PermitKind::Line),
            issued: config.allowance.licences().map(<[Licence]>::to_vec),
            trial_left: config.allowance.trial_left(self.context.clock.now()),
        })
    }
}
