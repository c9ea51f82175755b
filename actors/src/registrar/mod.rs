//! Owns the bindings, the phone list, the phone actors and the line directory.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    rc::Rc,
    sync::Arc,
};

use actix::{Actor, Context, Handler, Recipient};
use actix_rt::ArbiterHandle;
use uacsta_schema::{csta::DeviceId, phone_id::PhoneId};

use crate::{
    ServerContext,
    back_off::BackOff,
    directory::{Availability, Directory, LineFilter},
    phone::{AvailabilityChanged, LinesListed, Phone, Status as PhoneStatus},
    phone_list::{ListedPhone, Save},
    registration::{Bindings, Flow},
    supervision::{RestartableAddr, WeakRestartableAddr, restart_after_panic},
};

mod announcements;
mod line_changes;
mod line_status;
mod messages;
mod operator;
mod persistence;
mod queries;
mod registration;
mod restart;
mod steps;
mod storing;
mod unknown_phones;

pub use announcements::Stopping;
use line_changes::{differing, user_parts};
pub use line_status::{LineStatus, SubscribeStatus, UnsubscribeStatus};
pub use messages::*;
pub use operator::{ChangeError, RemovePhone, SetEnabled};
use persistence::{ListChange, Persistence};
use storing::Waiter;
pub use storing::{IsOnDisk, OnDisk};

/// The registrar.
pub struct Registrar {
    context: Arc<ServerContext>,
    store: Recipient<Save>,
    bindings: Bindings<Flow>,
    /// Boxed: a map of many is up to half empty.
    listed: ListedPhones,
    /// The actors of phones that were forgotten, for as long as clients hold them.
    forgotten: HashMap<PhoneId, WeakRestartableAddr<Phone>>,
    directory: Directory,
    clients: Vec<ClientConnected>,
    /// The user parts of lines that may be another phone's now, until clients hear of it.
    moved: HashSet<Box<str>>,
    /// Whether clients are about to hear which lines those are.
    moved_due: bool,
    /// Whether clients are about to hear that lines changed.
    lines_due: bool,
    subscriptions: Subscriptions,
    /// Whether subscribers are about to hear of the lines' status.
    status_due: bool,
    steps: steps::Steps,
    persistence: Persistence<Waiter>,
    /// Whether what the disk refused is about to be written again.
    retrying: bool,
    /// How many phones never listed a line.
    unknown: usize,
    /// Whether the log was told that there are too many of them.
    crowded: bool,
}

type ListedPhones = BTreeMap<PhoneId, Box<Record>>;
/// By client and session.
type Subscriptions = HashMap<(Recipient<LineStatus>, u64), Rc<LineFilter>>;

struct Record {
    entry: ListedPhone,
    phone: Option<RestartableAddr<Phone>>,
    /// How long the session waits after a restart of the phone's actor.
    restarts: BackOff,
    /// Whether the phone's actor waits for [`Resume`](crate::phone::Resume).
    is_paused: bool,
    status: PhoneStatus,
    reason: Option<String>,
    /// Whether the list on disk has the phone.
    on_disk: bool,
}

impl Record {
    fn new(entry: ListedPhone, on_disk: bool) -> Box<Self> {
        Box::new(Self {
            entry,
            phone: None,
            restarts: BackOff::default(),
            is_paused: false,
            status: PhoneStatus::Away,
            reason: None,
            on_disk,
        })
    }

    fn availability(&self) -> Availability {
        match self.status {
            _ if !self.entry.enabled => Availability::Disabled,
            PhoneStatus::Away => Availability::Away,
            PhoneStatus::Registered => Availability::Registered,
            PhoneStatus::Controlled => Availability::Controlled,
        }
    }
}

impl Registrar {
    /// The registrar of a phone list that was read.
    pub fn new(
        context: Arc<ServerContext>,
        store: Recipient<Save>,
        listed: Vec<ListedPhone>,
    ) -> Self {
        let listed = listed
            .into_iter()
            .map(|entry| (entry.id, Record::new(entry, true)))
            .collect();
        Self::of(context, store, listed)
    }

    /// The same where the disk has no room for changes yet: it is asked again until it has.
    #[must_use]
    pub fn refused(self) -> Self {
        Self {
            persistence: Persistence::new(HashSet::new(), true),
            ..self
        }
    }

    fn of(context: Arc<ServerContext>, store: Recipient<Save>, listed: ListedPhones) -> Self {
        let unknown = listed
            .values()
            .filter(|record| record.entry.lines.is_empty())
            .count();
        let mut directory = Directory::default();
        for record in listed.values() {
            let lines = &record.entry.lines;
            directory.set(record.entry.id, lines.iter().cloned().map(DeviceId::from));
            directory.set_availability(record.entry.id, record.availability());
            // Nobody subscribes yet.
            directory.take_changes();
        }
        Self {
            context,
            store,
            bindings: Bindings::default(),
            listed,
            forgotten: HashMap::new(),
            directory,
            clients: Vec::new(),
            moved: HashSet::new(),
            moved_due: false,
            lines_due: false,
            subscriptions: HashMap::new(),
            status_due: false,
            steps: steps::Steps::default(),
            persistence: Persistence::new(HashSet::new(), false),
            retrying: false,
            unknown,
            crowded: false,
        }
    }

    /// The actor of a phone in the list, started if there is none.
    fn phone(&mut self, phone: PhoneId, arbiter: &ArbiterHandle) -> Option<RestartableAddr<Phone>> {
        // A client that asks for the phone ends the pause after a restart.
        self.resume(phone);
        let binding = self.bindings.of_device(phone).next().cloned();
        let record = self.listed.get_mut(&phone)?;
        if let Some(phone) = &record.phone {
            return Some(phone.clone());
        }
        record.restarts.stands(self.context.clock.now());
        // The phone lives on the thread of its connection.
        let arbiter = binding
            .as_ref()
            .map_or_else(|| arbiter.clone(), |binding| binding.flow.arbiter.clone());
        let (context, enabled) = (Arc::clone(&self.context), record.entry.enabled);
        let lines = record.entry.lines.iter().cloned();
        let lines = lines.map(DeviceId::from).collect();
        let phone = RestartableAddr::start_in(&arbiter, move |address| {
            Phone::new(phone, context, enabled, lines, binding, address)
        });
        record.phone = Some(phone.clone());
        Some(phone)
    }
}

impl Actor for Registrar {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        // A storm of phones that return after a power cut is no overload.
        ctx.set_mailbox_capacity(1 << 16);
        self.recover(ctx);
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        restart_after_panic(self);
    }
}

impl Handler<LinesListed> for Registrar {
    type Result = ();

    fn handle(&mut self, LinesListed { phone, lines }: LinesListed, ctx: &mut Self::Context) {
        // The last words of a phone that was forgotten are nobody's.
        if !self.listed.contains_key(&phone) {
            return;
        }
        let changed = self.directory.set(phone, lines);
        let listed: Vec<String> = self
            .directory
            .of(phone)
            .into_iter()
            .map(|entry| entry.device.as_str().to_owned())
            .collect();
        if changed {
            let was = self.listed.get(&phone);
            let was = was.map(|record| &*record.entry.lines);
            let moved = differing(was.unwrap_or_default(), &listed);
            self.lines_changed(moved, ctx);
        }
        let Some(record) = self.listed.get_mut(&phone) else {
            return;
        };
        if record.entry.lines != listed || self.persistence.unsaved().contains(&phone) {
            record.entry.last_identity = listed
                .first()
                .cloned()
                .or_else(|| record.entry.last_identity.take());
            let was = std::mem::replace(&mut record.entry.lines, listed);
            let is = record.entry.lines.is_empty();
            self.told_lines(was.is_empty(), is);
            self.save(phone, ListChange::Entry, Waiter::Nobody, ctx);
        }
    }
}

impl Handler<AvailabilityChanged> for Registrar {
    type Result = ();

    fn handle(
        &mut self,
        AvailabilityChanged {
            phone,
            status,
            reason,
        }: AvailabilityChanged,
        ctx: &mut Self::Context,
    ) {
        if let Some(record) = self.listed.get_mut(&phone) {
            let news = record.status != status;
            record.status = status;
            record.reason = reason;
            let availability = record.availability();
            if self.directory.set_availability(phone, availability) {
                self.lines_changed(user_parts(&self.directory.of(phone)), ctx);
            } else if news {
                self.status_changed(ctx);
            }
        }
    }
}
