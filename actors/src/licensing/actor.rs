//! The actor of licensing: grants, queues and withdraws permits, and ends the evaluation period.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use actix::{Actor, AsyncContext, Context, Handler, Message, MessageResult, Recipient};

use super::{
    messages::{
        CountPermits, GetLicences, Licences, LicensingNotice, ListHolders, PermitDecision,
        PermitHolders, RequestPermit,
    },
    permit::{GrantedPermits, LicencePermit, PermitHolder, PermitUsage},
    warnings::{LicenceWarning, WARNED_AT, days, is_scarce},
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
    waiting: VecDeque<Waiting>,
    /// When the log warned last that few are free.
    warned_at: Option<Duration>,
}

/// An actor that waits for a permit.
struct Waiting {
    to: Recipient<PermitDecision>,
    holder: PermitHolder,
}

/// A permit was given back while others wait.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
struct GivenBack;

/// How often the log reports what is left of the evaluation period.
const DAY: Duration = Duration::from_secs(24 * 3600);

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

    fn grant(&mut self, holder: &PermitHolder) -> Option<LicencePermit> {
        let kind = holder.kind();
        let in_use = self.usage.in_use(kind);
        let allowed = self.allowed(kind);
        if allowed.is_some_and(|allowed| in_use >= allowed) {
            return None;
        }
        let usage = Arc::clone(&self.usage);
        let permit = self.queue(kind).granted.add(holder.clone(), &usage);
        if allowed.is_some_and(|allowed| is_scarce(in_use + 1, allowed)) {
            self.warn_of_few(kind);
        }
        Some(permit)
    }

    /// Logs once a day that few permits are free.
    fn warn_of_few(&mut self, kind: PermitKind) {
        let now = self.context.clock.now();
        let warned_at = &mut self.queue(kind).warned_at;
        if warned_at.is_none_or(|at| now.saturating_sub(at) >= DAY) {
            *warned_at = Some(now);
            let warnings = self.licences().warnings();
            let few = warnings.iter().find(|warning| warning.is_of_few(kind));
            let Some(LicenceWarning::FewFree { used, licensed, .. }) = few else {
                return;
            };
            match kind {
                PermitKind::Phone => {
                    tracing::warn!(
                        phones = used,
                        licensed_phones = licensed,
                        "few licences are free"
                    );
                }
                PermitKind::Line => {
                    tracing::warn!(
                        lines = used,
                        licensed_lines = licensed,
                        "few licences are free"
                    );
                }
            }
        }
    }

    fn licences(&self) -> Licences {
        let config = self.context.config();
        Licences {
            counts: self.usage.counts(),
            phones: self.allowed(PermitKind::Phone),
            lines: self.allowed(PermitKind::Line),
            issued: config.allowance.licences().map(<[Licence]>::to_vec),
            trial_left: config.allowance.trial_left(self.context.clock.now()),
        }
    }

    /// Grants what is free to the actors that wait, in order.
    fn serve(&mut self, kind: PermitKind) {
        while let Some(Waiting { to, holder }) = self.queue(kind).waiting.front() {
            let (to, holder) = (to.clone(), holder.clone());
            if to.connected() {
                let permit = self.grant(&holder).or_else(|| {
                    // A permit that is given back from here on is reported; one that was given back before is found now.
                    self.usage.await_one();
                    self.grant(&holder)
                });
                let Some(permit) = permit else { return };
                to.do_send(PermitDecision(Some(permit)));
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
    fn watch_trial(&mut self, is_start: bool, ctx: &mut Context<Self>) {
        let licences = self.licences();
        if licences.issued.is_none() {
            return;
        }
        log_trial(&licences, is_start);
        let left = licences.trial_left;
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
                licensing.watch_trial(false, ctx);
            }
        });
    }
}

/// Warns 30, 14, 7 and 1 days before the end of the evaluation period, at a start within that time, and each day after it.
fn log_trial(licences: &Licences, is_start: bool) {
    let days = days(licences.trial_left);
    for warning in licences.warnings() {
        match warning {
            LicenceWarning::TrialOver => tracing::error!(
                "evaluation period over and no licence configured; add one with: uacsta licenses add CODE"
            ),
            LicenceWarning::TrialEnds { phones, lines, .. }
                if is_start || WARNED_AT.contains(&days) =>
            {
                tracing::warn!(
                    days,
                    licensed_phones = phones,
                    licensed_lines = lines,
                    "evaluation period ends soon"
                );
                return;
            }
            _ => {}
        }
    }
    let has_codes = licences.issued.as_ref().is_some_and(|all| !all.is_empty());
    if days > 0 && !has_codes {
        tracing::info!(days, "evaluation period: days left");
    }
}

impl Actor for Licensing {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.watch_trial(true, ctx);
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

    fn handle(&mut self, RequestPermit { holder, to }: RequestPermit, _: &mut Self::Context) {
        let kind = holder.kind();
        let waiting = &mut self.queue(kind).waiting;
        waiting.retain(|waiting| waiting.to.connected());
        let waits = |queue: &VecDeque<Waiting>| queue.iter().any(|waiting| waiting.to == to);
        if !waits(waiting) {
            let to = to.clone();
            waiting.push_back(Waiting { to, holder });
        }
        self.serve(kind);
        if waits(&self.queue(kind).waiting) {
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
        MessageResult(self.licences())
    }
}

impl Handler<ListHolders> for Licensing {
    type Result = MessageResult<ListHolders>;

    fn handle(&mut self, _: ListHolders, _: &mut Self::Context) -> Self::Result {
        let queues = [&self.phones, &self.lines];
        let waiting = queues.iter().flat_map(|queue| queue.waiting.iter());
        let waiting = waiting.filter(|waiting| waiting.to.connected());
        MessageResult(PermitHolders {
            holding: queues
                .iter()
                .flat_map(|queue| queue.granted.holders())
                .collect(),
            waiting: waiting.map(|waiting| waiting.holder.clone()).collect(),
        })
    }
}
