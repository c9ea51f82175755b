//! Tests of monitor points that no phone ever answers for.

#![allow(clippy::unwrap_used)]

use std::time::Duration;

use actix::{Actor, AsyncContext, Context, Recipient};
use actix_rt::Arbiter;
use arc_swap::ArcSwap;
use ed25519_dalek::SigningKey;
use uacsta_schema::{
    csta::{Dialect, MonitorFilter},
    sip::nonce::NonceKey,
};

use super::*;
use crate::{
    RuntimeConfig, ServerContext,
    clock::Clock,
    licence::{Allowance, allowance::TRIAL, code::Issuer},
    licensing::{Licensing, PermitCounts},
    monitor::{ClientAddrs, MonitorStopped, Subscriber},
    phone::{Phone, PhoneUpstream, Subscribe},
    registrar::RegistrarAddrs,
    sip::{
        connection::Overrun,
        session::{Notify, SessionId},
    },
    supervision::RestartableAddr,
};

struct Standstill;

impl Clock for Standstill {
    fn now(&self) -> Duration {
        Duration::ZERO
    }

    fn wall(&self) -> u64 {
        0
    }
}

/// A client that hears nothing.
struct Deaf;

impl Actor for Deaf {
    type Context = Context<Self>;
}

impl Handler<Notify> for Deaf {
    type Result = ();

    fn handle(&mut self, _: Notify, _: &mut Self::Context) {}
}

impl Handler<Overrun> for Deaf {
    type Result = ();

    fn handle(&mut self, _: Overrun, _: &mut Self::Context) {}
}

impl Handler<MonitorStopped> for Deaf {
    type Result = ();

    fn handle(&mut self, _: MonitorStopped, _: &mut Self::Context) {}
}

/// A server after its trial, without licences or a registrar.
fn server() -> (Arc<ServerContext>, Arc<PhoneUpstream>) {
    let licensing = Context::<Licensing>::new();
    let issuer = Issuer::with(&SigningKey::from_bytes(&[1; 32]));
    let context = Arc::new(ServerContext {
        service: crate::service::Service::started(0),
        config: ArcSwap::from_pointee(RuntimeConfig {
            settings: uacsta_config::Settings::builtin(),
            profiles: uacsta_config::Profiles::shipped(),
            allowance: Allowance::of(Some(&issuer), [], TRIAL).unwrap(),
            version: 0,
        }),
        accounts: ArcSwap::default(),
        clock: Arc::new(Standstill),
        nonces: NonceKey::new([0; 32]),
        log_on_limiter: crate::auth::LogOnLimiter::default(),
        log_limit: crate::log_limit::LogLimit::default(),
        ladder: crate::ladder::Ladder::default(),
        counters: Arc::default(),
        agent: "uacsta".into(),
    });
    let addrs = RegistrarAddrs::new(
        RestartableAddr::new(Context::new().address()),
        RestartableAddr::new(licensing.address()),
    );
    let holders = addrs.registrar.recipient();
    let address = addrs.phones.licensing.clone();
    licensing.run(Licensing::new(Arc::clone(&context), address, holders));
    (context, addrs.phones)
}

fn subscriber(client: &Addr<Deaf>) -> Subscriber {
    fn to<M>(client: &Addr<Deaf>) -> Recipient<M>
    where
        Deaf: Handler<M>,
        M: actix::Message<Result = ()> + Send + 'static,
    {
        client.clone().recipient()
    }
    Subscriber {
        cross_ref: "1".into(),
        session: SessionId::NONE,
        client: Arc::new(ClientAddrs {
            user: "anna".into(),
            events: to(client),
            overrun: to(client),
            stopped: to(client),
        }),
        dialect: Dialect::default(),
        filter: MonitorFilter::default(),
        in_service: None,
    }
}

/// Waits until all actors have handled their messages.
async fn settled(upstream: &PhoneUpstream) -> PermitCounts {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
    upstream
        .licensing
        .send(crate::licensing::CountPermits)
        .await
        .unwrap()
}

#[test]
fn a_monitor_point_without_a_licence_ends_with_its_last_subscriber() {
    ends_when_told(1);
}

#[test]
fn a_client_that_leaves_twice_does_not_keep_the_monitor_point() {
    // As one does whose connection ends while its MonitorStop is on its way.
    ends_when_told(2);
}

/// Clients come and go again and again, each saying so many times that it leaves.
#[track_caller]
fn ends_when_told(times: usize) {
    let (held, lines) = actix::System::new().block_on(async {
        let (context, upstream) = server();
        let line = DeviceId::from("sip:101@pbx.example");
        let phone = "000413000001".parse().unwrap();
        let lines = vec![line.clone()];
        let (shared, asked) = (Arc::clone(&context), Arc::clone(&upstream));
        let phone = RestartableAddr::start_in(&Arbiter::current(), move |address| {
            Phone::new(phone, shared, asked, true, lines, None, address)
        });
        let client = Deaf.start();
        let mut held = Vec::new();
        for _ in 0..3 {
            for _ in 0..20 {
                phone.do_send(Subscribe {
                    line: line.clone(),
                    change: SubscriptionChange::Join(subscriber(&client)),
                });
                settled(&upstream).await;
                for _ in 0..times {
                    phone.do_send(Subscribe {
                        line: line.clone(),
                        change: SubscriptionChange::Leave {
                            cross_ref: "1".into(),
                        },
                    });
                }
                settled(&upstream).await;
            }
            held.push(Arc::strong_count(&context));
        }
        (held, settled(&upstream).await.lines)
    });
    // Each monitor point holds the server's shared state for as long as it lives.
    assert_eq!((held[1], held[2]), (held[0], held[0]));
    assert_eq!(lines, 0);
}

#[test]
fn a_cross_reference_longer_than_256_octets_is_refused() {
    let line = DeviceId::from("sip:101@pbx.example");
    for (length, is_kept) in [(LONGEST, true), (LONGEST + 1, false)] {
        let mut lines = MonitoredLines::default();
        lines.add(line.clone(), Context::<Monitor>::new().address());
        let cross_ref = "x".repeat(length);
        lines.started(&line, Ok(MonitorCrossRefId::from(cross_ref.as_str())));
        let kept = lines.known_as(&cross_ref).is_some();
        assert_eq!(kept, is_kept, "{length} octets");
    }
}
