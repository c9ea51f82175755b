//! A fleet of simulated phones that start together, with a handle to each.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use uacsta_connect::ServerAddress;
//! use uacsta_simulator::{Fleet, FleetOptions, Maker};
//!
//! let server = ServerAddress::new("127.0.0.1:5060", None)?;
//! let fleet = Fleet::start(FleetOptions::new(server, "secret").phones(&Maker::snom(), 2, 215)).await?;
//! fleet.ready().await;
//! let (reception, workshop) = (fleet.phone(0), fleet.phone(1));
//! reception.dial("216").await?;
//! workshop.rings().await;
//! workshop.answer().await?;
//! reception.hang_up().await?;
//! # Ok(())
//! # }
//! ```

use std::sync::{Arc, atomic::AtomicU64};

use actix::{Actor, Addr};
use actix_rt::Arbiter;
use tokio::sync::{Semaphore, oneshot, watch};
use uacsta_connect::{ServerAddress, SystemClock};
use uacsta_schema::{csta::DeviceId, mac::Mac};

use super::{
    FleetError, Maker, Phone, Stage, Tap,
    handset::{FleetContext, Handset, Parts, Status},
    pbx::{
        LineId, Pbx,
        actor::{CallIn, PbxActor},
    },
};

/// The phones, and how they connect to their server.
#[derive(Clone)]
pub struct FleetOptions {
    server: ServerAddress,
    password: Box<str>,
    domain: Box<str>,
    expires: u32,
    keeps_events: bool,
    tap: Option<Tap>,
    phones: Vec<PhoneOptions>,
}

/// One phone.
#[derive(Clone, Debug)]
pub struct PhoneOptions {
    /// Maker and model.
    pub maker: Maker,
    /// Also its user name.
    pub mac: Mac,
    /// Numbers of its lines.
    pub numbers: Vec<Box<str>>,
}

/// Running phones. They run in a thread of their own until the fleet is dropped.
pub struct Fleet {
    phones: Vec<Phone>,
    pbx: Addr<PbxActor>,
    context: Arc<FleetContext>,
    arbiter: Arbiter,
}

/// Phones that connect at the same time.
const GATE: usize = 64;

impl FleetOptions {
    /// No phones yet. `password` is the one that all phones use.
    pub fn new(server: ServerAddress, password: &str) -> Self {
        Self {
            server,
            password: password.into(),
            domain: "pbx.example".into(),
            expires: 300,
            keeps_events: false,
            tap: None,
            phones: Vec::new(),
        }
    }

    /// Adds a phone.
    #[must_use]
    pub fn phone(mut self, phone: PhoneOptions) -> Self {
        self.phones.push(phone);
        self
    }

    /// Adds `count` phones with one line each. Numbers start at `first`; the MAC addresses end in the numbers.
    #[must_use]
    pub fn phones(mut self, maker: &Maker, count: u32, first: u32) -> Self {
        let numbers = (0..count).map(|index| first + index);
        self.phones.extend(numbers.map(|number| PhoneOptions {
            maker: maker.clone(),
            mac: maker.mac(number),
            numbers: vec![number.to_string().into()],
        }));
        self
    }

    /// Sets the host part of the lines' identities. Default: `pbx.example`.
    #[must_use]
    pub fn domain(mut self, domain: &str) -> Self {
        self.domain = domain.into();
        self
    }

    /// Sets the registration period that phones request, in seconds. Default: 300.
    #[must_use]
    pub fn expires(mut self, seconds: u32) -> Self {
        self.expires = seconds;
        self
    }

    /// Keeps all events that are sent, for [`Phone::record`].
    #[must_use]
    pub fn recorded(mut self) -> Self {
        self.keeps_events = true;
        self
    }

    /// Calls `tap` with every CSTA document that a phone writes, in the phones' thread.
    #[must_use]
    pub fn tapped(mut self, tap: Tap) -> Self {
        self.tap = Some(tap);
        self
    }
}

impl Fleet {
    /// Starts the phones; they connect and register by themselves. Needs a running actix `System`.
    ///
    /// # Errors
    /// Two phones have the same number, or the phones' thread does not start.
    pub async fn start(options: FleetOptions) -> Result<Self, FleetError> {
        let mut pbx = Pbx::default();
        let mut plans = Vec::with_capacity(options.phones.len());
        for phone in options.phones {
            let mut lines = Vec::with_capacity(phone.numbers.len());
            for number in &phone.numbers {
                let device = phone.maker.line(number, &options.domain);
                if pbx.line(&device).is_some() {
                    return Err(FleetError::Twice(number.clone()));
                }
                let line = pbx.add(device.clone(), phone.maker.call());
                lines.push((line, device));
            }
            plans.push((phone, lines));
        }
        let context = Arc::new(FleetContext {
            server: options.server,
            password: options.password,
            domain: options.domain,
            expires: options.expires,
            clock: Arc::new(SystemClock::start()),
            connect_permits: Semaphore::new(GATE),
            tap: options.tap,
            keeps_events: options.keeps_events,
            written: AtomicU64::new(0),
        });
        let arbiter = Arbiter::new();
        let (started, phones) = oneshot::channel();
        let shared = Arc::clone(&context);
        arbiter.spawn_fn(move || {
            let pbx = PbxActor::new(pbx).start();
            let phones = plans
                .into_iter()
                .map(|(phone, lines)| set_up(&phone, lines, &shared, &pbx))
                .collect();
            // The caller may have dropped the future.
            let _ = started.send((pbx, phones));
        });
        let (pbx, phones): (_, Vec<Phone>) = phones.await.map_err(|_| FleetError::Stopped)?;
        Ok(Self {
            phones,
            pbx,
            context,
            arbiter,
        })
    }

    /// The phone with this index, from 0, in the order in which they were added.
    ///
    /// # Panics
    /// There are fewer phones.
    pub fn phone(&self, index: usize) -> Phone {
        self.phones[index].clone()
    }

    /// All phones, in the order in which they were added.
    pub fn phones(&self) -> &[Phone] {
        &self.phones
    }

    /// The line with this number.
    pub fn line(&self, number: &str) -> Option<Phone> {
        self.phones.iter().find_map(|phone| phone.on(number))
    }

    /// Waits until the server has the lines of every phone.
    pub async fn ready(&self) {
        for phone in &self.phones {
            phone.is(Stage::Listed).await;
        }
    }

    /// How many phones have reached `stage`.
    pub fn count(&self, stage: Stage) -> usize {
        let reached = |phone: &&Phone| phone.stage() >= stage;
        self.phones.iter().filter(reached).count()
    }

    /// How many CSTA documents the phones have written.
    pub fn written(&self) -> u64 {
        self.context
            .written
            .load(std::sync::atomic::Ordering::Relaxed)
    }

    /// Calls a line from an outside number.
    ///
    /// # Errors
    /// The number called cannot be dialled, or the phones have stopped.
    pub async fn call_in(&self, from: &str, to: &str) -> Result<(), FleetError> {
        let (from, to) = (from.into(), to.into());
        let called = self.pbx.send(CallIn { from, to }).await;
        Ok(called.map_err(|_| FleetError::Stopped)??)
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        self.arbiter.stop();
    }
}

fn set_up(
    phone: &PhoneOptions,
    lines: Vec<(LineId, DeviceId)>,
    context: &Arc<FleetContext>,
    pbx: &Addr<PbxActor>,
) -> Phone {
    let (teller, status) = watch::channel(Status {
        lines: lines.clone(),
        ..Status::default()
    });
    let handset = Handset::new(Parts {
        maker: phone.maker.clone(),
        mac: phone.mac,
        lines: lines.clone(),
        context: Arc::clone(context),
        pbx: pbx.clone(),
        status: teller,
    });
    Phone::new(phone.mac, handset.start(), pbx.clone(), status, lines)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[actix::test]
    async fn a_number_is_given_once() {
        let server = ServerAddress::new("127.0.0.1:1", None).unwrap();
        let options = FleetOptions::new(server, "secret")
            .phones(&Maker::snom(), 2, 215)
            .phones(&Maker::yealink(), 1, 216);
        let refused = Fleet::start(options).await.err();
        assert_eq!(refused, Some(FleetError::Twice("216".into())));
    }
}
