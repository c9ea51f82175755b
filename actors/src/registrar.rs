//! Owns the telephone list and the bindings' actors: starts, finds, restarts and buries phones, and knows every line.

use std::{collections::HashMap, sync::Arc};

use actix::{
    Actor, ActorFutureExt, Addr, AsyncContext, Context, Handler, Message, MessageResult, Recipient,
    ResponseActFuture, WrapFuture,
};
use actix_rt::{Arbiter, ArbiterHandle};
use uacsta_schema::{
    csta::DeviceId,
    mac::Mac,
    sip::{HeaderName, Status},
};

use crate::{
    House,
    directory::{Directory, Entry, NoLine},
    phone::{Admit, Bind, Heritage, InOperation, Phone, Status as PhoneStatus, Unwatch},
    registration::{Refresh, Registration},
    sip::reply::{Answer, Reply},
    telephones::{Save, StoreError, Telephone},
};

/// The registrar.
pub struct Registrar {
    house: Arc<House>,
    store: Recipient<Save>,
    telephones: HashMap<Mac, Record>,
    directory: Directory,
    clients: Vec<Recipient<LinesChanged>>,
}

struct Record {
    telephone: Telephone,
    phone: Option<Addr<Phone>>,
    status: PhoneStatus,
    reason: Option<String>,
    /// Whether the disk lacks the last change.
    unsaved: bool,
}

/// A REGISTER whose phone is not bound on its link.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Register(pub Refresh);

/// A phone took a binding: the list is to hold it before the phone is answered.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Bound {
    /// The binding.
    pub registration: Registration,
    /// The REGISTER's answer.
    pub reply: Reply,
}

/// A phone listed its lines.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Listed {
    /// The phone.
    pub mac: Mac,
    /// Its lines.
    pub lines: Vec<DeviceId>,
}

/// How a phone can be reached now.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Reached {
    /// The phone.
    pub mac: Mac,
    /// How.
    pub status: PhoneStatus,
    /// Why not better, in words.
    pub reason: Option<String>,
}

/// A phone's actor ended, by a panic if the server is not stopping.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Ended {
    /// The phone.
    pub mac: Mac,
    /// What the actor that takes its place goes on with.
    pub heritage: Heritage,
}

/// Asks which line a client means.
#[derive(Debug, Message)]
#[rtype(result = "Result<Line, NoLine>")]
pub struct Find(pub DeviceId);

/// A line, and the phone that has it.
#[derive(Clone, Debug)]
pub struct Line {
    /// The line's names.
    pub entry: Entry,
    /// The phone.
    pub phone: Addr<Phone>,
}

/// What a client holds at a phone whose actor was replaced.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct ToPhone {
    /// The phone.
    pub mac: Mac,
    /// What the client leaves.
    pub unwatch: Unwatch,
}

/// Asks for all lines of phones in operation, in the order of their names.
#[derive(Debug, Message)]
#[rtype(result = "Vec<(Entry, String)>")]
pub struct Lines;

/// Asks to be told when lines come, go or move.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Enter(pub Recipient<LinesChanged>);

/// Lines came, went or moved: what was found may be otherwise now.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct LinesChanged;

/// Asks for the telephone list, in the order of the MAC addresses.
#[derive(Debug, Message)]
#[rtype(result = "Vec<Listing>")]
pub struct List;

/// A telephone of the list, with what is known of it now.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Listing {
    /// As it is stored.
    #[serde(flatten)]
    pub telephone: Telephone,
    /// How it can be reached.
    pub status: PhoneStatus,
    /// Why not better, in words.
    pub reason: Option<String>,
}

/// Puts a telephone into operation, or takes it out.
#[derive(Debug, Message)]
#[rtype(result = "Result<(), Unswitched>")]
pub struct Switch {
    /// The telephone.
    pub mac: Mac,
    /// Whether it may be controlled and monitored.
    pub in_operation: bool,
}

/// Why a telephone was not switched.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Unswitched {
    /// The list does not have it.
    #[error("no telephone has the MAC address {0}")]
    Unknown(Mac),
    /// The list cannot be written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Registrar {
    /// The registrar of a telephone list that was read.
    pub fn new(house: Arc<House>, store: Recipient<Save>, telephones: Vec<Telephone>) -> Self {
        let mut directory = Directory::default();
        for telephone in &telephones {
            directory.set(
                telephone.mac,
                telephone.lines.iter().cloned().map(DeviceId::from),
            );
        }
        let telephones = telephones
            .into_iter()
            .map(|telephone| {
                (
                    telephone.mac,
                    Record {
                        telephone,
                        phone: None,
                        status: PhoneStatus::Away,
                        reason: None,
                        unsaved: false,
                    },
                )
            })
            .collect();
        Self {
            house,
            store,
            telephones,
            directory,
            clients: Vec::new(),
        }
    }

    /// The actor of a phone in the list, started if there is none.
    fn phone(
        &mut self,
        mac: Mac,
        arbiter: &ArbiterHandle,
        ctx: &Context<Self>,
    ) -> Option<Addr<Phone>> {
        let lines = self.directory.of(mac);
        let record = self.telephones.get_mut(&mac)?;
        if let Some(phone) = record.phone.as_ref().filter(|phone| phone.connected()) {
            return Some(phone.clone());
        }
        let phone = start(
            mac,
            &self.house,
            ctx.address(),
            record.telephone.in_operation,
            lines,
            Heritage::default(),
            arbiter,
        );
        record.phone = Some(phone.clone());
        Some(phone)
    }

    /// Saves a telephone, then does the rest.
    fn save(
        &mut self,
        mac: Mac,
        ctx: &mut Context<Self>,
        then: impl FnOnce(&mut Self, Result<(), StoreError>, &mut Context<Self>) + 'static,
    ) {
        let Some(record) = self.telephones.get_mut(&mac) else {
            return;
        };
        record.unsaved = true;
        let saving = self.store.send(Save {
            telephones: vec![record.telephone.clone()],
        });
        ctx.spawn(saving.into_actor(self).map(move |saved, registrar, ctx| {
            let saved = saved
                .unwrap_or_else(|_| Err(StoreError("the telephone list is closed".to_owned())));
            match &saved {
                Ok(()) => {
                    if let Some(record) = registrar.telephones.get_mut(&mac) {
                        record.unsaved = false;
                    }
                }
                Err(error) => tracing::error!(%mac, %error, "the telephone list cannot be written"),
            }
            then(registrar, saved, ctx);
        }));
    }

    fn lines_changed(&mut self) {
        self.clients.retain(|client| client.connected());
        for client in &self.clients {
            client.do_send(LinesChanged);
        }
    }
}

fn start(
    mac: Mac,
    house: &Arc<House>,
    registrar: Addr<Registrar>,
    in_operation: bool,
    lines: Vec<Entry>,
    heritage: Heritage,
    arbiter: &ArbiterHandle,
) -> Addr<Phone> {
    let house = Arc::clone(house);
    let lines = lines.into_iter().map(|entry| entry.device).collect();
    Phone::start_in_arbiter(arbiter, move |_| {
        Phone::new(mac, house, registrar, in_operation, lines, heritage)
    })
}

impl Actor for Registrar {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        // A storm of phones that return after a power cut is no overload.
        ctx.set_mailbox_capacity(1 << 16);
    }
}

impl Handler<Register> for Registrar {
    type Result = ();

    fn handle(&mut self, Register(refresh): Register, ctx: &mut Self::Context) {
        let registration = &refresh.registration;
        let mac = registration.mac;
        let auto_activate = self.house.settings.advanced.auto_activate;
        self.telephones.entry(mac).or_insert_with(|| {
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
            Record {
                    telephone,
                    phone: None,
                    status: PhoneStatus::Away,
                    reason: None,
                    unsaved: true,
                }
        });
        if let Some(phone) = self.phone(mac, &registration.arbiter.clone(), ctx) {
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
            .profiles
            .recognise(mac.oui(), registration.user_agent.as_deref());
        let described = profile.describe(registration.user_agent.as_deref());
        let now = self.house.clock.wall();
        let Some(record) = self.telephones.get_mut(&mac) else {
            return;
        };
        let is_new = record.telephone.last_login.is_none();
        let telephone = &mut record.telephone;
        telephone.maker = described.maker;
        telephone.model = described.model;
        telephone.firmware = described.firmware;
        telephone.last_address = Some(registration.address.ip());
        telephone.last_login = Some(now);
        if telephone.last_identity.is_none() {
            telephone.last_identity = Some(registration.identity.to_string());
        }
        if is_new && self.directory.set(mac, []) {
            self.lines_changed();
        }
        tracing::info!(%mac, address = %registration.address, maker = %self.telephones[&mac].telephone.maker, user_agent = registration.user_agent.as_deref().unwrap_or(""), expires = registration.expires, "phone registered");
        self.save(mac, ctx, move |registrar, saved, _| {
            let Some(record) = registrar.telephones.get(&mac) else {
                return;
            };
            let Some(phone) = &record.phone else { return };
            // A telephone that is on disk already goes on; what changed in its entry is written when that works again.
            if saved.is_err() && is_new {
                phone.do_send(InOperation(false));
                reply.with(
                    Answer::from(Status::SERVICE_UNAVAILABLE)
                        .header(HeaderName::RetryAfter, "60")
                        .because("the telephone list cannot be written"),
                );
                registrar.telephones.remove(&mac);
                return;
            }
            phone.do_send(Admit { reply });
        });
    }
}

impl Handler<Listed> for Registrar {
    type Result = ();

    fn handle(&mut self, Listed { mac, lines }: Listed, ctx: &mut Self::Context) {
        if self.directory.set(mac, lines) {
            self.lines_changed();
        }
        let listed: Vec<String> = self
            .directory
            .of(mac)
            .into_iter()
            .map(|entry| entry.device.as_str().to_owned())
            .collect();
        let Some(record) = self.telephones.get_mut(&mac) else {
            return;
        };
        if record.telephone.lines != listed || record.unsaved {
            record.telephone.last_identity = listed
                .first()
                .cloned()
                .or_else(|| record.telephone.last_identity.take());
            record.telephone.lines = listed;
            self.save(mac, ctx, |_, _, _| {});
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
        _: &mut Self::Context,
    ) {
        if let Some(record) = self.telephones.get_mut(&mac) {
            record.status = status;
            record.reason = reason;
        }
    }
}

impl Handler<Ended> for Registrar {
    type Result = ();

    fn handle(&mut self, Ended { mac, heritage }: Ended, ctx: &mut Self::Context) {
        let lines = self.directory.of(mac);
        let Some(record) = self.telephones.get_mut(&mac) else {
            return;
        };
        tracing::error!(%mac, "the phone's actor failed; another takes its place");
        let arbiter = heritage.arbiter().unwrap_or_else(Arbiter::current);
        record.phone = Some(start(
            mac,
            &self.house,
            ctx.address(),
            record.telephone.in_operation,
            lines,
            heritage,
            &arbiter,
        ));
        self.lines_changed();
    }
}

impl Handler<Find> for Registrar {
    type Result = MessageResult<Find>;

    fn handle(&mut self, Find(name): Find, ctx: &mut Self::Context) -> Self::Result {
        MessageResult(self.directory.find(&name).and_then(|entry| {
            let phone = self
                .phone(entry.mac, &Arbiter::current(), ctx)
                .ok_or(NoLine::Unknown)?;
            Ok(Line { entry, phone })
        }))
    }
}

impl Handler<ToPhone> for Registrar {
    type Result = ();

    fn handle(&mut self, ToPhone { mac, unwatch }: ToPhone, _: &mut Self::Context) {
        if let Some(phone) = self
            .telephones
            .get(&mac)
            .and_then(|record| record.phone.as_ref())
        {
            phone.do_send(unwatch);
        }
    }
}

impl Handler<Lines> for Registrar {
    type Result = MessageResult<Lines>;

    fn handle(&mut self, _: Lines, _: &mut Self::Context) -> Self::Result {
        let mut lines: Vec<(Entry, String)> = self
            .directory
            .all()
            .filter_map(|entry| {
                let telephone = &self
                    .telephones
                    .get(&entry.mac)
                    .filter(|record| record.telephone.in_operation)?
                    .telephone;
                let model = telephone.model.as_deref().map_or_else(
                    || telephone.maker.clone(),
                    |model| format!("{} {model}", telephone.maker),
                );
                Some((entry, model))
            })
            .collect();
        lines.sort_by(|(one, _), (other, _)| one.name.as_str().cmp(other.name.as_str()));
        MessageResult(lines)
    }
}

impl Handler<Enter> for Registrar {
    type Result = ();

    fn handle(&mut self, Enter(client): Enter, _: &mut Self::Context) {
        self.clients.push(client);
    }
}

impl Handler<List> for Registrar {
    type Result = MessageResult<List>;

    fn handle(&mut self, _: List, _: &mut Self::Context) -> Self::Result {
        let mut listings: Vec<Listing> = self
            .telephones
            .values()
            .map(|record| Listing {
                telephone: record.telephone.clone(),
                status: record.status,
                reason: record.reason.clone(),
            })
            .collect();
        listings.sort_by_key(|listing| listing.telephone.mac);
        MessageResult(listings)
    }
}

impl Handler<Switch> for Registrar {
    type Result = ResponseActFuture<Self, Result<(), Unswitched>>;

    fn handle(
        &mut self,
        Switch { mac, in_operation }: Switch,
        _: &mut Self::Context,
    ) -> Self::Result {
        let Some(record) = self.telephones.get(&mac) else {
            return Box::pin(async move { Err(Unswitched::Unknown(mac)) }.into_actor(self));
        };
        let changed = Telephone {
            in_operation,
            ..record.telephone.clone()
        };
        let saving = self.store.send(Save {
            telephones: vec![changed],
        });
        Box::pin(saving.into_actor(self).map(move |saved, registrar, _| {
            saved.unwrap_or_else(|_| Err(StoreError("the telephone list is closed".to_owned())))?;
            tracing::info!(%mac, in_operation, "telephone switched by an operator");
            if let Some(record) = registrar.telephones.get_mut(&mac) {
                record.telephone.in_operation = in_operation;
                if let Some(phone) = &record.phone {
                    phone.do_send(InOperation(in_operation));
                }
            }
            registrar.lines_changed();
            Ok(())
        }))
    }
}
