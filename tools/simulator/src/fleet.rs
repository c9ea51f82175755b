//! A fleet of simulated phones, started together, and a handle on each.
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
use uacsta_schema::{
    csta::{DeviceId, Failure},
    mac::Mac,
};

use super::{
    Maker, Phone, Standing, Tap,
    exchange::{Exchange, LineId},
    handset::{Handset, Parts, Site, Status},
    switchboard::{CallIn, Switchboard},
};

/// Which phones, and how they reach their server.
#[derive(Clone)]
pub struct FleetOptions {
    server: ServerAddress,
    password: Box<str>,
    domain: Box<str>,
    expires: u32,
    records: bool,
    tap: Option<Tap>,
    phones: Vec<PhoneOptions>,
}

/// One phone.
#[derive(Clone, Debug)]
pub struct PhoneOptions {
    /// Who has made it.
    pub maker: Maker,
    /// Its address, which is its user name.
    pub mac: Mac,
    /// The numbers of its lines.
    pub numbers: Vec<Box<str>>,
}

/// Phones that run in a thread of their own until the fleet is dropped.
pub struct Fleet {
    phones: Vec<Phone>,
    switchboard: Addr<Switchboard>,
    site: Arc<Site>,
    arbiter: Arbiter,
}

/// Why a fleet, or a phone of it, does not do what it is asked.
#[derive(Debug, thiserror::Error, Eq, PartialEq)]
pub enum FleetError {
    /// Two phones have the same number.
    #[error("two phones cannot both have the number {0}")]
    Twice(Box<str>),
    /// The phone refuses.
    #[error("the phone refuses: {0}")]
    Refused(#[from] Failure),
    /// The phone has no line of that number.
    #[error("the phone has no line {0}")]
    NoLine(Box<str>),
    /// The fleet's thread has ended.
    #[error("the phones have stopped")]
    Stopped,
}

/// How many phones connect at the same time.
const GATE: usize = 64;

impl FleetOptions {
    /// No phones yet, with the phones' password of this server.
    pub fn new(server: ServerAddress, password: &str) -> Self {
        Self {
            server,
            password: password.into(),
            domain: "pbx.example".into(),
            expires: 300,
            records: false,
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

    /// Adds `count` phones of one line each, numbered from `first` on, whose MAC addresses end in their numbers.
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

    /// The host part of the lines' identities, `pbx.example` where nobody says another.
    #[must_use]
    pub fn domain(mut self, domain: &str) -> Self {
        self.domain = domain.into();
        self
    }

    /// Seconds that phones ask to be registered for; 300 where nobody says otherwise.
    #[must_use]
    pub fn expires(mut self, seconds: u32) -> Self {
        self.expires = seconds;
        self
    }

    /// Keeps every event that is sent, for [`Phone::record`].
    #[must_use]
    pub fn recorded(mut self) -> Self {
        self.records = true;
        self
    }

    /// Hands every CSTA document that a phone writes to `tap`, in the phones' thread.
    #[must_use]
    pub fn tapped(mut self, tap: Tap) -> Self {
        self.tap = Some(tap);
        self
    }
}

impl Fleet {
    /// Starts the phones, which connect, register and stay. It needs an actix `System` around it.
    ///
    /// # Errors
    /// A number is given twice, or the thread of the phones does not start.
    pub async fn start(options: FleetOptions) -> Result<Self, FleetError> {
        let mut exchange = Exchange::default();
        let mut plans = Vec::with_capacity(options.phones.len());
        for phone in options.phones {
            let mut lines = Vec::with_capacity(phone.numbers.len());
            for number in &phone.numbers {
                let device = phone.maker.line(number, &options.domain);
                if exchange.line(&device).is_some() {
                    return Err(FleetError::Twice(number.clone()));
                }
                let line = exchange.add(device.clone(), phone.maker.call());
                lines.push((line, device));
            }
            plans.push((phone, lines));
        }
        let site = Arc::new(Site {
            server: options.server,
            password: options.password,
            domain: options.domain,
            expires: options.expires,
            clock: Arc::new(SystemClock::start()),
            gate: Semaphore::new(GATE),
            tap: options.tap,
            records: options.records,
            written: AtomicU64::new(0),
        });
        let arbiter = Arbiter::new();
        let (started, phones) = oneshot::channel();
        let shared = Arc::clone(&site);
        arbiter.spawn_fn(move || {
            let switchboard = Switchboard::new(exchange).start();
            let phones = plans
                .into_iter()
                .map(|(phone, lines)| set_up(&phone, lines, &shared, &switchboard))
                .collect();
            // Whoever asked for the fleet has given up.
            let _ = started.send((switchboard, phones));
        });
        let (switchboard, phones): (_, Vec<Phone>) =
            phones.await.map_err(|_| FleetError::Stopped)?;
        Ok(Self {
            phones,
            switchboard,
            site,
            arbiter,
        })
    }

    /// The phone that was added as number `index`, from 0 on.
    ///
    /// # Panics
    /// There are fewer phones.
    pub fn phone(&self, index: usize) -> Phone {
        self.phones[index].clone()
    }

    /// All phones.
    pub fn phones(&self) -> &[Phone] {
        &self.phones
    }

    /// The line with a number.
    pub fn line(&self, number: &str) -> Option<Phone> {
        self.phones.iter().find_map(|phone| phone.on(number))
    }

    /// Waits until every phone has told the server its lines.
    pub async fn ready(&self) {
        for phone in &self.phones {
            phone.is(Standing::Listed).await;
        }
    }

    /// How many phones have got as far as `standing`.
    pub fn count(&self, standing: Standing) -> usize {
        let reached = |phone: &&Phone| phone.standing() >= standing;
        self.phones.iter().filter(reached).count()
    }

    /// How many CSTA documents the phones have written.
    pub fn written(&self) -> u64 {
        self.site.written.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// Has a number outside call a line.
    ///
    /// # Errors
    /// The number called cannot be dialled, or the phones have stopped.
    pub async fn call_in(&self, from: &str, to: &str) -> Result<(), FleetError> {
        let (from, to) = (from.into(), to.into());
        let called = self.switchboard.send(CallIn { from, to }).await;
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
    site: &Arc<Site>,
    switchboard: &Addr<Switchboard>,
) -> Phone {
    let (teller, status) = watch::channel(Status {
        lines: lines.clone(),
        ..Status::default()
    });
    let handset = Handset::new(Parts {
        maker: phone.maker.clone(),
        mac: phone.mac,
        lines: lines.clone(),
        site: Arc::clone(site),
        switchboard: switchboard.clone(),
        status: teller,
    });
    Phone::new(
        phone.mac,
        handset.start(),
        switchboard.clone(),
        status,
        lines,
    )
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
