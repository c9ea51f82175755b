//! A listed phone: its stored entry, its actor, its status and what is known of why it is not controlled.

use std::{net::IpAddr, time::Duration};

use uacsta_config::Described;
use uacsta_schema::mac::Mac;

use super::{
    failures::Failure,
    same_name::{Rebind, SameName},
};
use crate::{
    back_off::BackOff,
    directory::Availability,
    phone::{Phone, Status as PhoneStatus},
    phone_list::{EntryChange, ListedPhone},
    reason::{Cause, ContactFault, Reason},
    registration::BindingEnd,
    supervision::RestartableAddr,
};

/// A listed phone.
pub(in crate::registrar) struct Record {
    pub(super) entry: ListedPhone,
    pub(super) actor: Option<RestartableAddr<Phone>>,
    status: PhoneStatus,
    /// Since when the status holds; `None` if that is before the server's start.
    status_since: Option<u64>,
    /// Why the phone is not controlled.
    reason: Option<Reason>,
    /// The contacts that failed since the phone's last registration.
    failure: Option<Box<Failure>>,
    same_name: SameName,
    pub(super) is_on_disk: bool,
    /// The pause of the session after a restart of the actor.
    restarts: BackOff,
    /// Whether the actor was restarted and has not received its binding yet.
    is_paused: bool,
}

/// A phone's data from a REGISTER.
pub(in crate::registrar) struct LogOnDetails {
    pub(in crate::registrar) described: Described,
    /// The MAC address in the REGISTER.
    pub(in crate::registrar) mac: Option<Mac>,
    pub(in crate::registrar) address: IpAddr,
    /// In seconds since 1970-01-01T00:00:00Z.
    pub(in crate::registrar) at: u64,
    /// The URI of the To, for a phone without a list of lines.
    pub(in crate::registrar) identity: String,
}

impl Record {
    /// A phone that is listed from this time on.
    pub(super) fn new(entry: ListedPhone, at: u64) -> Self {
        let reason = Reason {
            cause: Cause::NeverRegistered,
            since: Some(at),
        };
        Self {
            entry,
            actor: None,
            status: PhoneStatus::Away,
            status_since: Some(at),
            reason: Some(reason),
            failure: None,
            same_name: SameName::default(),
            is_on_disk: false,
            restarts: BackOff::default(),
            is_paused: false,
        }
    }

    /// A phone that was listed before the server started at this time.
    pub(super) fn from_disk(entry: ListedPhone, started_at: u64) -> Self {
        let (cause, since) = match entry.last_login {
            Some(_) => (Cause::NotSinceStart, Some(started_at)),
            None => (Cause::NeverRegistered, entry.switched_at),
        };
        Self {
            reason: Some(Reason { cause, since }),
            status_since: None,
            is_on_disk: true,
            ..Self::new(entry, started_at)
        }
    }

    pub(in crate::registrar) fn entry(&self) -> &ListedPhone {
        &self.entry
    }

    pub(in crate::registrar) fn actor(&self) -> Option<&RestartableAddr<Phone>> {
        self.actor.as_ref()
    }

    /// The phone's actor was started at `now`.
    pub(in crate::registrar) fn set_actor(&mut self, actor: RestartableAddr<Phone>, now: Duration) {
        self.actor = Some(actor);
        self.restarts.stands(now);
    }

    pub(in crate::registrar) fn status(&self) -> PhoneStatus {
        self.status
    }

    pub(in crate::registrar) fn status_since(&self) -> Option<u64> {
        self.status_since
    }

    /// Why the phone is not controlled, by its last report.
    pub(in crate::registrar) fn reason(&self) -> Option<&Reason> {
        self.reason.as_ref()
    }

    /// The contacts by its name that failed since its last registration.
    pub(in crate::registrar) fn failure(&self) -> Option<&Failure> {
        self.failure.as_deref()
    }

    /// Whether two devices seem to have its name.
    pub(in crate::registrar) fn same_name(&self, now: Duration) -> Option<Reason> {
        self.same_name.reason(now)
    }

    /// Why a disabled phone is not controlled.
    pub(in crate::registrar) fn switched_off(&self) -> Reason {
        Reason {
            cause: Cause::NotInOperation,
            since: self.entry.switched_at,
        }
    }

    /// Sets the status and its cause; without a cause, the one of before goes on. Returns whether the status changed.
    pub(in crate::registrar) fn set_status(
        &mut self,
        status: PhoneStatus,
        cause: Option<Cause>,
        now: impl FnOnce() -> u64,
    ) -> bool {
        let known = self.reason.as_ref().map(|reason| &reason.cause);
        if status == self.status && (cause.is_none() || cause.as_ref() == known) {
            return false;
        }
        let at = now();
        let former = self.reason.take();
        let cause = match (status, cause, &former) {
            (PhoneStatus::Controlled, ..) => None,
            (_, Some(cause), _) => Some(cause),
            (_, None, Some(former)) => Some(former.cause.clone()),
            (PhoneStatus::Registered, None, None) => Some(Cause::Opening),
            (PhoneStatus::Away, None, None) => Some(BindingEnd::connection_ended().into()),
        };
        self.reason = cause.map(|cause| Reason::after(former, cause, at));
        let is_new = std::mem::replace(&mut self.status, status) != status;
        if is_new {
            self.status_since = Some(at);
        }
        is_new
    }

    /// Notes a failed contact by the phone's name.
    pub(in crate::registrar) fn contact_failed(
        &mut self,
        fault: ContactFault,
        from: IpAddr,
        at: u64,
    ) {
        let failure = Failure::after(self.failure.as_deref(), fault, from, at);
        self.failure = Some(Box::new(failure));
    }

    /// The phone's binding moved to another connection.
    pub(in crate::registrar) fn rebound(&mut self, rebind: Rebind, now: Duration, at: u64) {
        self.same_name.moved(rebind, now, at);
    }

    /// An operator changed the entry.
    pub(in crate::registrar) fn change(&mut self, change: &EntryChange, at: u64) {
        change.apply(&mut self.entry, at);
    }

    pub(in crate::registrar) fn is_on_disk(&self) -> bool {
        self.is_on_disk
    }

    pub(in crate::registrar) fn set_on_disk(&mut self, is_on_disk: bool) {
        self.is_on_disk = is_on_disk;
    }

    pub(in crate::registrar) fn availability(&self) -> Availability {
        match self.status {
            _ if !self.entry.enabled => Availability::Disabled,
            PhoneStatus::Away => Availability::Away,
            PhoneStatus::Registered => Availability::Registered,
            PhoneStatus::Controlled => Availability::Controlled,
        }
    }

    /// Maker and model, for clients.
    pub(in crate::registrar) fn model(&self) -> String {
        let ListedPhone { maker, model, .. } = &self.entry;
        match model {
            Some(model) => format!("{maker} {model}"),
            None => maker.clone(),
        }
    }

    pub(super) fn logged_on(&mut self, details: LogOnDetails) {
        self.failure = None;
        let entry = &mut self.entry;
        entry.name_confirmed = true;
        // A hint that is left out once stays true.
        let hint = details.mac.filter(|_| entry.id.mac().is_none());
        entry.hint = hint.or(entry.hint);
        entry.maker = details.described.maker;
        entry.model = details.described.model;
        entry.firmware = details.described.firmware;
        entry.last_address = Some(details.address);
        entry.last_login = Some(details.at);
        entry.last_identity.get_or_insert(details.identity);
    }

    /// The phone's actor panicked and was restarted at `now`. Returns how long its session is paused.
    pub(in crate::registrar) fn actor_restarted(&mut self, now: Duration) -> Duration {
        self.is_paused = true;
        self.restarts.lost(now);
        let is_first = self.restarts.is_fresh();
        let wait = self.restarts.failed();
        // A malformed message may make each successor panic at once, so the pause grows.
        if is_first { Duration::ZERO } else { wait }
    }

    pub(in crate::registrar) fn is_paused(&self) -> bool {
        self.is_paused
    }

    /// Ends the pause after a restart at `now`.
    pub(in crate::registrar) fn resume(&mut self, now: Duration) {
        self.restarts.stands(now);
        self.is_paused = false;
    }
}
