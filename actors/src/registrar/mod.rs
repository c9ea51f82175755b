//! Owns the bindings, the telephone list, the phone actors and the line directory.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    rc::Rc,
    sync::Arc,
};

use actix::{Actor, Addr, Context, Handler, Recipient, WeakAddr};
use actix_rt::ArbiterHandle;
use uacsta_schema::{csta::DeviceId, phone_id::PhoneId};

use crate::{
    House,
    back_off::BackOff,
    directory::{Availability, Directory, LineFilter},
    phone::{Heritage, Phone, Status as PhoneStatus, uas::Flow},
    telephones::{Save, Telephone},
};

mod announcements;
mod bindings;
mod identity;
mod line_changes;
mod line_status;
mod messages;
mod operator;
mod persistence;
mod queries;
mod register;
mod registration;
mod rejection;
mod steps;
mod storing;
mod succession;
mod unknown_phones;

pub use announcements::{RulesChanged, Stopping};
pub use bindings::{AddressOfRecord, RegisterIdentity};
pub use line_status::{LineStatus, SubscribeStatus, UnsubscribeStatus};
pub use messages::*;
pub use operator::{ChangeError, RemovePhone, SetInOperation};
pub use register::{ContactUpdate, Known, Step, Update, seconds_left};
pub use rejection::Rejection;
pub use storing::{IsOnDisk, OnDisk};

use bindings::Bindings;
use line_changes::{differing, user_parts};
use persistence::{Change, Persistence};
use storing::Waiter;

/// A binding of a phone.
pub type PhoneBinding = bindings::Binding<Flow>;

/// The registrar.
pub struct Registrar {
    house: Arc<House>,
    store: Recipient<Save>,
    bindings: Bindings<Flow>,
    /// Boxed: a map of many is up to half empty.
    telephones: Telephones,
    /// The actors of telephones that were forgotten, for as long as clients hold them.
    forgotten: HashMap<PhoneId, WeakAddr<Phone>>,
    directory: Directory,
    clients: Vec<Enter>,
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

type Telephones = BTreeMap<PhoneId, Box<Record>>;
/// By client and session.
type Subscriptions = HashMap<(Recipient<LineStatus>, u64), Rc<LineFilter>>;

struct Record {
    telephone: Telephone,
    phone: Option<Addr<Phone>>,
    /// What the last actor of the phone left, until another takes it up.
    heritage: Option<Box<Heritage>>,
    /// How long another waits that takes the place of one that failed.
    back_off: BackOff,
    status: PhoneStatus,
    reason: Option<String>,
    /// Whether the list on disk has the phone.
    on_disk: bool,
}

impl Record {
    fn new(telephone: Telephone, on_disk: bool) -> Box<Self> {
        Box::new(Self {
            telephone,
            phone: None,
            heritage: None,
            back_off: BackOff::default(),
            status: PhoneStatus::Away,
            reason: None,
            on_disk,
        })
    }

    /// The phone's actor, unless it failed.
    fn live_phone(&self) -> Option<&Addr<Phone>> {
        self.phone.as_ref().filter(|phone| phone.connected())
    }

    fn availability(&self) -> Availability {
        match self.status {
            _ if !self.telephone.in_operation => Availability::Disabled,
            PhoneStatus::Away => Availability::Away,
            PhoneStatus::Registered => Availability::Registered,
            PhoneStatus::Controlled => Availability::Controlled,
        }
    }
}

impl Registrar {
    /// The registrar of a telephone list that was read.
    pub fn new(house: Arc<House>, store: Recipient<Save>, telephones: Vec<Telephone>) -> Self {
        let telephones = telephones
            .into_iter()
            .map(|telephone| (telephone.mac, Record::new(telephone, true)))
            .collect();
        Self::of(house, store, telephones)
    }

    /// The same where the disk has no room for changes yet: it is asked again until it has.
    #[must_use]
    pub fn refused(self) -> Self {
        Self {
            persistence: Persistence::new(HashSet::new(), true),
            ..self
        }
    }

    fn of(house: Arc<House>, store: Recipient<Save>, telephones: Telephones) -> Self {
        let unknown = telephones
            .values()
            .filter(|record| record.telephone.lines.is_empty())
            .count();
        let mut directory = Directory::default();
        for record in telephones.values() {
            let lines = &record.telephone.lines;
            directory.set(
                record.telephone.mac,
                lines.iter().cloned().map(DeviceId::from),
            );
            directory.set_availability(record.telephone.mac, record.availability());
            // Nobody subscribes yet.
            directory.take_changes();
        }
        Self {
            house,
            store,
            bindings: Bindings::default(),
            telephones,
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
    fn phone(&mut self, mac: PhoneId, arbiter: &ArbiterHandle) -> Option<Addr<Phone>> {
        let binding = self.bindings.of_device(mac).next().cloned();
        let record = self.telephones.get_mut(&mac)?;
        if let Some(phone) = record.live_phone() {
            return Some(phone.clone());
        }
        record.back_off.stands(self.house.clock.now());
        let heritage = record.heritage.take().map(|left| *left).unwrap_or_default();
        // The phone lives on the thread of its connection.
        let arbiter = binding
            .as_ref()
            .map_or_else(|| arbiter.clone(), |binding| binding.flow.arbiter.clone());
        let (house, in_operation) = (Arc::clone(&self.house), record.telephone.in_operation);
        let lines = record.telephone.lines.iter().cloned();
        let lines = lines.map(DeviceId::from).collect();
        let phone = Phone::start_in_arbiter(&arbiter, move |_| {
            Phone::new(mac, house, in_operation, lines, binding, heritage)
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
        self.succeed(ctx);
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        if std::thread::panicking() {
            self.bequeath();
        }
    }
}

impl Handler<Listed> for Registrar {
    type Result = ();

    fn handle(&mut self, Listed { mac, lines }: Listed, ctx: &mut Self::Context) {
        // The last words of a phone that was forgotten are nobody's.
        if !self.telephones.contains_key(&mac) {
            return;
        }
        let changed = self.directory.set(mac, lines);
        let listed: Vec<String> = self
            .directory
            .of(mac)
            .into_iter()
            .map(|entry| entry.device.as_str().to_owned())
            .collect();
        if changed {
            let was = self.telephones.get(&mac);
            let was = was.map(|record| &*record.telephone.lines);
            let moved = differing(was.unwrap_or_default(), &listed);
            self.lines_changed(moved, ctx);
        }
        let Some(record) = self.telephones.get_mut(&mac) else {
            return;
        };
        if record.telephone.lines != listed || self.persistence.unsaved().contains(&mac) {
            record.telephone.last_identity = listed
                .first()
                .cloned()
                .or_else(|| record.telephone.last_identity.take());
            let was = std::mem::replace(&mut record.telephone.lines, listed);
            let is = record.telephone.lines.is_empty();
            self.told_lines(was.is_empty(), is);
            self.save(mac, Change::Entry, Waiter::Nobody, ctx);
        }
    }
}

impl Handler<Reached> for Registrar {
    type Result = ();

    fn handle(
        &mut self,
        Reached {
            mac,
            status,
            reason,
        }: Reached,
        ctx: &mut Self::Context,
    ) {
        if let Some(record) = self.telephones.get_mut(&mac) {
            let news = record.status != status;
            record.status = status;
            record.reason = reason;
            let availability = record.availability();
            if self.directory.set_availability(mac, availability) {
                self.lines_changed(user_parts(&self.directory.of(mac)), ctx);
            } else if news {
                self.status_changed(ctx);
            }
        }
    }
}
