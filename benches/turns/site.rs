//! The server's actors without listeners and disk, a phone list, and clients on pipes.

use std::{net::IpAddr, sync::Arc, thread::JoinHandle, time::Duration};

use actix::{Actor, AsyncContext as _, Context, Handler, MessageResult};
use anyhow::Context as _;
use arc_swap::ArcSwap;
use tokio::{
    io::DuplexStream,
    sync::{mpsc, oneshot},
    task::{LocalSet, yield_now},
};
use uacsta_actors::{
    ConfigChanged, RuntimeConfig, ServerContext,
    auth::LogOnLimiter,
    client::{CrossRefs, uas::ClientUas},
    clock::Clock,
    counters::Counters,
    ladder::Ladder,
    licence::Allowance,
    licensing::Licensing,
    log_limit::LogLimit,
    phone::{AvailabilityChanged, LinesListed, Status},
    phone_list::{EntryChange, ListedPhone, Save, StoreError},
    registrar::{
        ChangeError, ChangePhone, FindLine, IsOnDisk, ListPhones, Registrar, RegistrarAddrs,
        RemovePhone,
    },
    sip::{
        connection::{Endpoints, SipConnection},
        transport::PeerTransport,
    },
    supervision::RestartableAddr,
};
use uacsta_config::{Account, Profiles, Settings};
use uacsta_connect::SystemClock;
use uacsta_schema::{
    csta::DeviceId,
    phone_id::PhoneId,
    sip::{
        codec::{Codec, MessageLimits},
        header::Transport,
        nonce::NonceKey,
    },
};

use crate::client::{Client, Order};

/// What is measured.
pub(crate) struct Site {
    registrar: RestartableAddr<Registrar>,
    phones: usize,
    clients: Vec<mpsc::UnboundedSender<Order>>,
    /// The clients' thread, which ends with their orders.
    _far: JoinHandle<()>,
}

/// How many phones report in one turn.
const BURST: usize = 50;
/// How many phones change in one phase.
const CHANGING: usize = 2000;
/// How many lines a confined account sees.
const SEEN: usize = 10;
const CONFINED: &str = "board";

/// A store whose disk is never slow.
struct Disk;

impl Actor for Disk {
    type Context = Context<Self>;
}

impl Handler<Save> for Disk {
    type Result = MessageResult<Save>;

    fn handle(&mut self, _: Save, _: &mut Self::Context) -> MessageResult<Save> {
        MessageResult(Ok::<(), StoreError>(()))
    }
}

impl Site {
    /// Starts the actors with so many phones, and connects the clients.
    pub(crate) async fn start(phones: usize, clients: usize) -> anyhow::Result<Self> {
        let mut settings = Settings::builtin();
        settings.clients.accounts.push(Account {
            user: CONFINED.to_owned(),
            password: "unused behind a front end".into(),
            lines: (0..SEEN).map(|number| extension(number * 7)).collect(),
            control: true,
            numbers: Vec::new(),
        });
        let (licensing, registrar) = (Context::<Licensing>::new(), Context::<Registrar>::new());
        let context = Arc::new(ServerContext {
            service: uacsta_actors::service::Service::started(0),
            config: ArcSwap::from_pointee(RuntimeConfig {
                settings,
                profiles: Profiles::load(None)?,
                allowance: Allowance::of(None, [], Duration::ZERO).map_err(|(_, error)| error)?,
                version: 0,
            }),
            accounts: ArcSwap::default(),
            clock: Arc::new(SystemClock::start()),
            nonces: NonceKey::new([7; 32]),
            log_on_limiter: LogOnLimiter::default(),
            log_limit: LogLimit::default(),
            ladder: Ladder::default(),
            counters: Arc::new(Counters::default()),
            agent: "bench".into(),
        });
        let addrs = RegistrarAddrs::new(
            RestartableAddr::new(registrar.address()),
            RestartableAddr::new(licensing.address()),
        );
        let holders = addrs.registrar.recipient();
        let address = addrs.phones.licensing.clone();
        licensing.run(Licensing::new(Arc::clone(&context), address, holders));
        let list = (0..phones).map(listed_phone).collect();
        registrar.run(Registrar::new(
            Arc::clone(&context),
            addrs.clone(),
            Disk.start().recipient(),
            list,
            true,
        ));
        let (orders, connections) = (0..clients).map(|_| mpsc::unbounded_channel()).unzip();
        let far: Vec<(String, DuplexStream, mpsc::UnboundedReceiver<Order>)> =
            connect(&context, &addrs.registrar, connections);
        let site = Self {
            registrar: addrs.registrar,
            phones,
            clients: orders,
            _far: std::thread::spawn(move || run_clients(far)),
        };
        site.each_client(Order::Open).await?;
        Ok(site)
    }

    /// Clients register one after the other.
    pub(crate) async fn register_all(&self) -> anyhow::Result<()> {
        self.each_client(Order::Register).await?;
        settle().await;
        Ok(())
    }

    /// Phones of the list register and list the lines that they had.
    pub(crate) async fn phones_return(&self) -> anyhow::Result<()> {
        for burst in self.some().collect::<Vec<_>>().chunks(BURST) {
            for number in burst {
                self.reached(*number, Status::Registered);
                self.lists(*number, &[extension(*number)]);
                self.reached(*number, Status::Controlled);
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        settle().await;
        Ok(())
    }

    /// Phones go away, come back, are switched off and on, and are removed.
    pub(crate) async fn phones_change(&self) -> anyhow::Result<()> {
        let registrar = &self.registrar;
        let failed = |error: ChangeError| anyhow::anyhow!("{error:?}");
        for (turn, number) in self.some().enumerate() {
            self.reached(number, Status::Away);
            self.reached(number, Status::Controlled);
            for enabled in [false, true] {
                let phone = phone(number);
                let change = EntryChange {
                    enabled: Some(enabled),
                    ..EntryChange::default()
                };
                let change = ChangePhone { phone, change };
                registrar.send(change).await?.map_err(failed)?;
            }
            if turn % 4 == 0 {
                self.reached(number, Status::Away);
                let remove = RemovePhone(phone(number));
                registrar.send(remove).await?.map_err(failed)?;
            }
        }
        settle().await;
        Ok(())
    }

    /// Phones list a line that others have already, and then one of their own again.
    pub(crate) async fn lines_are_shared(&self) -> anyhow::Result<()> {
        for burst in self.some().collect::<Vec<_>>().chunks(BURST) {
            for number in burst {
                self.lists(*number, &[extension(*number), extension(number + 1)]);
                yield_now().await;
                self.lists(*number, &[extension(*number)]);
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        settle().await;
        Ok(())
    }

    /// All clients ask for all lines at the same time; those whose account sees few get few.
    pub(crate) async fn client_lists(&self) -> anyhow::Result<()> {
        let mut lists = Vec::new();
        for client in &self.clients {
            let (done, listed) = oneshot::channel();
            client.send(Order::List(done)).ok().context("no client")?;
            lists.push(listed);
        }
        let mut lines = Vec::new();
        for listed in lists {
            lines.push(listed.await.context("a client ended")?);
        }
        println!("  lines: {} and {}", lines[0], lines[lines.len() - 1]);
        Ok(())
    }

    /// What `GET /api/v1/phones` asks for.
    pub(crate) async fn telephone_list(&self) -> anyhow::Result<()> {
        let registrar = self.registrar.clone();
        let asking = move || async move {
            let (mut listed, mut after) = (0, None);
            loop {
                let page = registrar.send(ListPhones { after }).await?;
                let Some(last) = page.last() else {
                    return anyhow::Ok(listed);
                };
                after = Some(last.entry.id);
                listed += page.len();
            }
        };
        let listed = elsewhere(asking).await?;
        println!("  phones: {listed}");
        Ok(())
    }

    /// What `/metrics` and `/readyz` ask for.
    pub(crate) async fn counts(&self) -> anyhow::Result<()> {
        for _ in 0..10 {
            self.registrar.send(IsOnDisk).await?;
        }
        Ok(())
    }

    /// Each telephone's actor is started, as a request for its line does.
    pub(crate) async fn start_phones(&self) -> anyhow::Result<()> {
        for number in 0..self.phones {
            let name = DeviceId::from(phone(number).bare());
            // Some were removed.
            let _ = self
                .registrar
                .send(FindLine {
                    name,
                    session: None,
                })
                .await?;
        }
        Ok(())
    }

    /// The settings are reloaded.
    pub(crate) async fn rules_change(&self) -> anyhow::Result<()> {
        self.registrar.do_send(ConfigChanged);
        settle().await;
        Ok(())
    }

    async fn each_client(
        &self,
        order: impl Fn(oneshot::Sender<()>) -> Order,
    ) -> anyhow::Result<()> {
        for client in &self.clients {
            let (done, is_done) = oneshot::channel();
            client.send(order(done)).ok().context("no client")?;
            is_done.await.context("a client ended")?;
        }
        Ok(())
    }

    /// Phones that are spread over the whole list, those among them that confined accounts see.
    fn some(&self) -> impl Iterator<Item = usize> {
        let step = (self.phones / CHANGING).max(7).next_multiple_of(7);
        (0..self.phones).step_by(step)
    }

    fn reached(&self, number: usize, status: Status) {
        let (phone, cause) = (phone(number), None);
        let reached = AvailabilityChanged {
            phone,
            status,
            cause,
        };
        self.registrar.do_send(reached);
    }

    fn lists(&self, number: usize, lines: &[String]) {
        let lines = lines.iter().map(|line| DeviceId::from(&**line)).collect();
        let phone = phone(number);
        self.registrar.do_send(LinesListed { phone, lines });
    }
}

/// Runs on a thread of its own, as the API does.
async fn elsewhere<T: Send + 'static, F: Future<Output = anyhow::Result<T>>>(
    work: impl FnOnce() -> F + Send + 'static,
) -> anyhow::Result<T> {
    let (done, is_done) = oneshot::channel();
    std::thread::spawn(move || {
        let worked = actix::System::new().block_on(work());
        let _ = done.send(worked);
    });
    is_done.await?
}

/// Until what is gathered has been told.
async fn settle() {
    tokio::time::sleep(Duration::from_secs(1)).await;
}

fn phone(number: usize) -> PhoneId {
    let id = format!("000413{number:06x}");
    id.parse()
        .unwrap_or_else(|_| unreachable!("{id} is a MAC address"))
}

fn extension(number: usize) -> String {
    format!("sip:{number}@pbx.example")
}

fn listed_phone(number: usize) -> ListedPhone {
    ListedPhone {
        name_confirmed: true,
        maker: "snom".to_owned(),
        model: Some("D345".to_owned()),
        firmware: Some("10.1.159.12".to_owned()),
        last_address: Some(IpAddr::from([192, 0, 2, 17])),
        last_identity: Some(extension(number)),
        lines: vec![extension(number)],
        last_login: Some(1_790_000_000),
        ..ListedPhone::new(phone(number), true)
    }
}

/// Connects the clients: every other one is confined. Returns the far ends.
fn connect(
    context: &Arc<ServerContext>,
    registrar: &RestartableAddr<Registrar>,
    orders: Vec<mpsc::UnboundedReceiver<Order>>,
) -> Vec<(String, DuplexStream, mpsc::UnboundedReceiver<Order>)> {
    let cross_refs = Arc::<CrossRefs>::default();
    let connect = |(number, orders): (usize, _)| {
        let (near, far) = tokio::io::duplex(1 << 16);
        let codec = Codec::new(MessageLimits::default());
        let transport =
            PeerTransport::stream(Box::new(near), codec, 1 << 24, Duration::from_secs(20));
        let endpoints = Endpoints {
            peer: ([127, 0, 0, 1], 9).into(),
            host: "127.0.0.1".into(),
            port: 5070,
            transport: Transport::TCP,
            unauthenticated: None,
            agent: Arc::clone(&context.agent),
        };
        let limits = ClientUas::limits(context);
        // A trusted front end names its users without a log-on.
        let peer = endpoints.peer;
        let uas = |connection: &Arc<_>| {
            let (context, cross_refs) = (Arc::clone(context), Arc::clone(&cross_refs));
            let registrar = registrar.clone();
            ClientUas::new(
                context,
                registrar,
                cross_refs,
                peer,
                number as u64,
                true,
                connection,
            )
        };
        let clock: Arc<dyn Clock> = Arc::clone(&context.clock);
        SipConnection::start(transport, endpoints, uas, limits, clock, number as u64);
        let user = if number % 2 == 0 { "ecsta" } else { CONFINED };
        (user.to_owned(), far, orders)
    };
    orders.into_iter().enumerate().map(connect).collect()
}

fn run_clients(far: Vec<(String, DuplexStream, mpsc::UnboundedReceiver<Order>)>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let Ok(runtime) = runtime else { return };
    LocalSet::new().block_on(&runtime, async {
        let clients: Vec<_> = far
            .into_iter()
            .map(|(user, io, orders)| Client::start(&user, io, orders))
            .collect();
        for client in clients {
            if let Ok(Err(error)) = client.await {
                eprintln!("a client ended: {error:#}");
            }
        }
    });
}
