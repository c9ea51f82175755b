//! Owns the telephone list and the bindings' actors: starts, finds, restarts and buries phones, and knows every line.

use std::{
    collections::HashMap,
    sync::{Arc, Weak},
};

use actix::{Actor, Addr, Context, Handler, Recipient, WeakAddr};
use actix_rt::ArbiterHandle;
use uacsta_schema::{
    csta::DeviceId,
    phone_id::PhoneId,
    sip::{HeaderName, Status},
};

use crate::{
    House,
    back_off::BackOff,
    directory::{Directory, Entry, Reach},
    phone::{Admit, Bind, Heritage, InOperation, Phone, Status as PhoneStatus},
    quote::Quoted,
    sip::responder::FinalResponse,
    telephones::{Save, Telephone},
};

mod crowd;
mod forgetting;
mod messages;
mod moved;
mod questions;
mod saving;
mod standing;
mod succession;

pub use forgetting::{Forget, Unforgotten};
pub use messages::*;
pub use saving::{IsOnDisk, OnDisk};
pub use standing::{Follow, RulesChanged, Standing, Stopping};

use moved::{differing, users};

/// The registrar.
pub struct Registrar {
    house: Arc<House>,
    store: Recipient<Save>,
    /// Boxed: a map of many is up to half empty.
    telephones: Telephones,
    /// The actors of telephones that were forgotten, for as long as clients hold them.
    forgotten: HashMap<PhoneId, WeakAddr<Phone>>,
    directory: Directory,
    /// The lines as they were told last, while somebody holds them and nothing has changed.
    listed: Weak<Vec<(Entry, String)>>,
    clients: Vec<Enter>,
    followers: Vec<Recipient<Standing>>,
    /// Whether the followers are about to be told.
    telling: bool,
    /// What is to be saved next, while something is being saved.
    to_save: Vec<(PhoneId, saving::Saved)>,
    saving: bool,
    /// Whether the last writing failed.
    refused: bool,
    /// Whether what the disk refused is about to be saved again.
    retrying: bool,
    /// How many telephones never told a line.
    unknown: usize,
    /// Whether the log was told that there are too many of them.
    crowded: bool,
}

type Telephones = HashMap<PhoneId, Box<Record>>;

struct Record {
    telephone: Telephone,
    phone: Option<Addr<Phone>>,
    /// What the last actor of the phone left, until another takes it up.
    heritage: Option<Box<Heritage>>,
    /// How long another waits that takes the place of one that failed.
    back_off: BackOff,
    status: PhoneStatus,
    reason: Option<String>,
    /// Whether the disk lacks the last change.
    unsaved: bool,
    /// Whether the disk never had it.
    is_new: bool,
    /// Whether it is being forgotten: it is written no more, unless its phone comes meanwhile.
    leaves: bool,
}

impl Record {
    /// How far the phone can be reached: one that is away or switched off takes no name from one that is there.
    fn reach(&self) -> Reach {
        match self.status {
            _ if !self.telephone.in_operation => Reach::Off,
            PhoneStatus::Away => Reach::Away,
            PhoneStatus::Registered | PhoneStatus::Controlled => Reach::There,
        }
    }
}

impl Registrar {
    /// The registrar of a telephone list that was read.
    pub fn new(house: Arc<House>, store: Recipient<Save>, telephones: Vec<Telephone>) -> Self {
        let telephones = telephones
            .into_iter()
            .map(|telephone| {
                (
                    telephone.mac,
                    Box::new(Record {
                        telephone,
                        phone: None,
                        heritage: None,
                        back_off: BackOff::default(),
                        status: PhoneStatus::Away,
                        reason: None,
                        unsaved: false,
                        is_new: false,
                        leaves: false,
                    }),
                )
            })
            .collect();
        Self::of(house, store, telephones)
    }

    /// The same where the disk has no room for changes yet: it is asked again until it has.
    #[must_use]
    pub fn refused(self) -> Self {
        Self {
            refused: true,
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
            directory.reach(record.telephone.mac, record.reach());
        }
        Self {
            house,
            store,
            telephones,
            forgotten: HashMap::new(),
            directory,
            listed: Weak::new(),
            clients: Vec::new(),
            followers: Vec::new(),
            telling: false,
            to_save: Vec::new(),
            saving: false,
            refused: false,
            retrying: false,
            unknown,
            crowded: false,
        }
    }

    /// The actor of a phone in the list, started if there is none.
    fn phone(&mut self, mac: PhoneId, arbiter: &ArbiterHandle) -> Option<Addr<Phone>> {
        let lines = self.directory.of(mac);
        let record = self.telephones.get_mut(&mac)?;
        if let Some(phone) = record.phone.as_ref().filter(|phone| phone.connected()) {
            return Some(phone.clone());
        }
        record.back_off.stands(self.house.clock.now());
        let heritage = record.heritage.take().map(|left| *left).unwrap_or_default();
        let arbiter = heritage.arbiter().unwrap_or_else(|| arbiter.clone());
        let phone = start(
            mac,
            &self.house,
            record.telephone.in_operation,
            lines,
            heritage,
            &arbiter,
        );
        record.phone = Some(phone.clone());
        Some(phone)
    }

    fn lines_changed(&mut self, ctx: &mut Context<Self>) {
        self.lines_moved([], ctx);
    }
}

fn start(
    mac: PhoneId,
    house: &Arc<House>,
    in_operation: bool,
    lines: Vec<Entry>,
    heritage: Heritage,
    arbiter: &ArbiterHandle,
) -> Addr<Phone> {
    let house = Arc::clone(house);
    let lines = lines.into_iter().map(|entry| entry.device).collect();
    Phone::start_in_arbiter(arbiter, move |_| {
        Phone::new(mac, house, in_operation, lines, heritage)
    })
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

impl Handler<Register> for Registrar {
    type Result = ();

    fn handle(&mut self, Register(refresh): Register, _: &mut Self::Context) {
        let registration = &refresh.registration;
        let mac = registration.mac;
        if !self.telephones.contains_key(&mac) {
            if self.is_crowded(mac, registration.address) {
                return refresh.reply.with(
                    FinalResponse::from(Status::SERVICE_UNAVAILABLE)
                        .header(HeaderName::RetryAfter, "60")
                        .because("too many telephones that nobody knows"),
                );
            }
            self.unknown += 1;
            self.listed = Weak::new();
        }
        let auto_activate = self.house.rules().settings.advanced.auto_activate;
        let forgotten = &mut self.forgotten;
        let record = self.telephones.entry(mac).or_insert_with(|| {
            let phone = forgotten.remove(&mac).and_then(|phone| phone.upgrade());
            if let Some(phone) = &phone {
                phone.do_send(InOperation(auto_activate));
            }
            let telephone = Telephone {
                mac,
                maker: String::new(),
                model: None,
                firmware: None,
                last_address: None,
                last_identity: None,
                lines: Vec::new(),
                last_login: None,
                in_operation: auto_activate,
            };
            tracing::info!(%mac, address = %registration.address, in_operation = auto_activate, "new telephone");
            Box::new(Record {
                    telephone,
                    phone,
                    heritage: None,
                    back_off: BackOff::default(),
                    status: PhoneStatus::Away,
                    reason: None,
                    unsaved: true,
                    is_new: true,
                    leaves: false,
                })
        });
        record.leaves = false;
        if let Some(phone) = self.phone(mac, &registration.arbiter.clone()) {
            phone.do_send(Bind(refresh));
        }
    }
}

impl Handler<Bound> for Registrar {
    type Result = ();

    fn handle(
        &mut self,
        Bound {
            registration,
            reply,
        }: Bound,
        ctx: &mut Self::Context,
    ) {
        let mac = registration.mac;
        let profile = self
            .house
            .rules()
            .profiles
            .recognise(mac.oui(), registration.user_agent.as_deref());
        let described = profile.describe(registration.user_agent.as_deref());
        let now = self.house.clock.wall();
        let Some(record) = self.telephones.get_mut(&mac) else {
            return;
        };
        let is_new = record.is_new;
        let telephone = &mut record.telephone;
        if telephone.maker != described.maker || telephone.model != described.model {
            self.listed = Weak::new();
        }
        telephone.maker = described.maker;
        telephone.model = described.model;
        telephone.firmware = described.firmware;
        telephone.last_address = Some(registration.address.ip());
        telephone.last_login = Some(now);
        if telephone.last_identity.is_none() {
            telephone.last_identity = Some(registration.identity.to_string());
        }
        let reach = record.reach();
        if is_new && self.directory.set(mac, []) {
            self.directory.reach(mac, reach);
            self.lines_changed(ctx);
        }
        tracing::info!(%mac, address = %registration.address, maker = %self.telephones[&mac].telephone.maker, user_agent = %Quoted(registration.user_agent.as_deref().unwrap_or("")), expires = registration.expires, "phone registered");
        self.save(mac, ctx, move |registrar, saved| {
            let Some(record) = registrar.telephones.get(&mac) else {
                return;
            };
            let Some(phone) = &record.phone else { return };
            // A telephone that is on disk already goes on; what changed in its entry is written when that works again.
            if saved.is_err() && is_new {
                phone.do_send(InOperation(false));
                reply.with(
                    FinalResponse::from(Status::SERVICE_UNAVAILABLE)
                        .header(HeaderName::RetryAfter, "60")
                        .because("the telephone list cannot be written"),
                );
                registrar.telephones.remove(&mac);
                registrar.directory.forget(mac);
                registrar.listed = Weak::new();
                registrar.unknown = registrar.unknown.saturating_sub(1);
                return;
            }
            phone.do_send(Admit { reply });
        });
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
            self.lines_moved(moved, ctx);
        }
        let Some(record) = self.telephones.get_mut(&mac) else {
            return;
        };
        if record.telephone.lines != listed || record.unsaved {
            record.telephone.last_identity = listed
                .first()
                .cloned()
                .or_else(|| record.telephone.last_identity.take());
            let was = std::mem::replace(&mut record.telephone.lines, listed);
            let is = record.telephone.lines.is_empty();
            self.told_lines(was.is_empty(), is);
            self.save(mac, ctx, |_, _| {});
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
            match self.directory.reach(mac, record.reach()) {
                true => self.lines_moved(users(&self.directory.of(mac)), ctx),
                false if news => self.stirred(ctx),
                false => {}
            }
        }
    }
}
