//! A running server: everything is wired here, and nothing else is done.

use std::{io, net::SocketAddr, path::Path, sync::Arc, time::Duration};

use actix::{Actor, Addr, AsyncContext};
use actix_rt::{Arbiter, task::JoinHandle};
use arc_swap::ArcSwap;
use settings::{Listen, Profiles, Settings, SettingsError};
use tokio_rustls::TlsAcceptor;
use uacsta_actors::{
    House, Rules,
    licensing::Licensing,
    registrar::{Registrar, Stopping},
};
use uacsta_schema::sip::nonce::NonceKey;

use crate::{
    clock::SystemClock,
    first_start::{self, FirstStartError},
    keeper::Keeper,
    net::{self, Interface, Lobby, Side, tls},
    store::StoreError,
    web::{self, Api, Web},
};

/// A server, before it runs.
#[derive(Debug)]
pub struct Server;

/// A server that runs.
pub struct Running {
    /// Where it listens.
    pub addresses: Addresses,
    listeners: Vec<JoinHandle<()>>,
    arbiters: Vec<Arbiter>,
    keeper: Arbiter,
    registrar: Addr<Registrar>,
    web: Option<Web>,
}

/// Where a server listens; `None` for what is off.
#[derive(Clone, Debug, Default)]
pub struct Addresses {
    /// Phones on the LAN, TCP.
    pub phones_tcp: Option<SocketAddr>,
    /// Phones on the LAN, TLS.
    pub phones_tls: Option<SocketAddr>,
    /// Phones on the WAN, TCP.
    pub phones_wan_tcp: Option<SocketAddr>,
    /// Phones on the WAN, TLS.
    pub phones_wan_tls: Option<SocketAddr>,
    /// Phones, UDP.
    pub phones_udp: Option<SocketAddr>,
    /// Clients on the LAN, TCP.
    pub clients_tcp: Option<SocketAddr>,
    /// Clients on the LAN, TLS.
    pub clients_tls: Option<SocketAddr>,
    /// Clients on the WAN, TCP.
    pub clients_wan_tcp: Option<SocketAddr>,
    /// Clients on the WAN, TLS.
    pub clients_wan_tls: Option<SocketAddr>,
    /// The API.
    pub web: Option<SocketAddr>,
}

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data folder lacks something that cannot be made.
    #[error(transparent)]
    FirstStart(#[from] FirstStartError),
    /// A profile of a phone maker in the data folder is wrong.
    #[error(transparent)]
    Profile(#[from] SettingsError),
    /// The telephone list cannot be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The certificate cannot be used.
    #[error(transparent)]
    Tls(#[from] tls::TlsError),
    /// An address cannot be listened on.
    #[error("{setting}: cannot listen on {address}: {}", because(error))]
    Listen {
        /// The setting that names the address.
        setting: &'static str,
        /// The address.
        address: SocketAddr,
        /// What the system says; it is part of the sentence.
        error: io::Error,
    },
    /// The system has no random numbers.
    #[error("the system gives no random numbers: {0}")]
    Random(#[from] getrandom::Error),
}

impl Server {
    /// Starts a server with its data in `data`. It needs an actix `System` around it, and goes on until it is stopped.
    ///
    /// # Errors
    /// What keeps it from serving as the settings say; then nothing of it runs on.
    pub fn start(mut settings: Settings, data: &Path) -> Result<Running, StartError> {
        let belongings = first_start::prepare(data, &mut settings)?;
        for setting in unused(&settings) {
            tracing::warn!(
                setting,
                "this version does not know how to use a setting that is set"
            );
        }
        let profiles = Profiles::load(Some(data))?;
        let identity = tls::Identity::read(&belongings.certificate, &belongings.key)?;
        let identity = Arc::new(identity);
        let acceptor = TlsAcceptor::from(tls::server(Arc::clone(&identity)));
        let clients_acceptor = match &settings.clients.trusted_authority {
            Some(authority) => TlsAcceptor::from(tls::asking(identity, authority)?),
            None => acceptor.clone(),
        };
        let mut key = [0; 32];
        getrandom::fill(&mut key)?;
        let (keeper, keeper_thread, telephones) = Keeper::open(data)?;
        tracing::info!(telephones = telephones.len(), data = %data.display(), "the telephone list is open");

        let licensing = Licensing::default().start();
        let registrar = actix::Context::<Registrar>::new();
        let house = Arc::new(House {
            rules: ArcSwap::from_pointee(Rules { settings, profiles }),
            clock: Arc::new(SystemClock::start()),
            nonces: NonceKey::new(key),
            agent: concat!("uacsta/", env!("CARGO_PKG_VERSION")).into(),
            registrar: registrar.address(),
            licensing: licensing.clone(),
        });
        let registrar = registrar.run(Registrar::new(
            Arc::clone(&house),
            keeper.recipient(),
            telephones,
        ));
        // This thread carries connections too: with one arbiter nothing ever changes threads.
        let arbiters: Vec<Arbiter> = (1..house
            .rules()
            .settings
            .advanced
            .arbiters
            .max(DEFAULT_ARBITERS))
            .map(|_| Arbiter::new())
            .collect();
        let handles = std::iter::once(Arbiter::current())
            .chain(arbiters.iter().map(Arbiter::handle))
            .collect();
        let lobby = Arc::new(Lobby::new(Arc::clone(&house), Arc::default(), handles));

        let mut running = Running {
            addresses: Addresses::default(),
            listeners: Vec::new(),
            arbiters,
            keeper: keeper_thread,
            registrar: registrar.clone(),
            web: None,
        };
        for (interface, address) in
            interfaces(&house.rules().settings, &acceptor, &clients_acceptor)
                .into_iter()
                .zip(running.addresses.all())
        {
            let (setting, wanted) = (interface.setting, interface.listen);
            let listening = net::listen(interface, Arc::clone(&lobby))
                .map_err(|source| refused(setting, wanted, source))?;
            if let Some((bound, task)) = listening {
                tracing::info!(interface = setting, address = %bound, "listening");
                *address = Some(bound);
                running.listeners.push(task);
            }
        }
        let listen = house.rules().settings.web.listen;
        if let Some(address) = listen.address() {
            let api = Api {
                list: registrar.clone().recipient(),
                switch: registrar.clone().recipient(),
                find: registrar.recipient(),
                count: licensing.recipient(),
            };
            let web = web::start(
                address,
                data,
                &belongings.token,
                &house.rules().settings.web.password,
                api,
            )
            .map_err(|source| refused("web.listen", listen, source))?;
            tracing::info!(interface = "web.listen", address = %web.address(), "listening");
            running.addresses.web = Some(web.address());
            running.web = Some(web);
        }
        Ok(running)
    }
}

impl Running {
    /// Stops listening, ends the clients' sessions, and then the threads: what was acknowledged is on disk.
    pub async fn stop(self) {
        for listener in self.listeners {
            listener.abort();
        }
        // A client that does not take its BYE must not keep the server.
        let _ = tokio::time::timeout(FAREWELL, self.registrar.send(Stopping)).await;
        if let Some(web) = self.web {
            web.stop().await;
        }
        for arbiter in self.arbiters.into_iter().chain([self.keeper]) {
            arbiter.stop();
            // A thread that failed has nothing left to end.
            let _ = tokio::task::spawn_blocking(move || arbiter.join()).await;
        }
    }
}

impl Addresses {
    /// In the order of [`interfaces`].
    fn all(&mut self) -> [&mut Option<SocketAddr>; 9] {
        [
            &mut self.phones_tcp,
            &mut self.phones_tls,
            &mut self.phones_wan_tcp,
            &mut self.phones_wan_tls,
            &mut self.phones_udp,
            &mut self.clients_tcp,
            &mut self.clients_tls,
            &mut self.clients_wan_tcp,
            &mut self.clients_wan_tls,
        ]
    }
}

/// How long the clients' sessions may take to end when the server stops.
const FAREWELL: Duration = Duration::from_secs(1);
/// What measures best: waking another thread costs more than all the rest of a message.
const DEFAULT_ARBITERS: usize = 1;

fn interfaces(
    settings: &Settings,
    phones_tls: &TlsAcceptor,
    clients_tls: &TlsAcceptor,
) -> [Interface; 9] {
    let of =
        |setting, side, listen: Listen, secure: bool, public: Option<(String, u16)>| Interface {
            setting,
            side,
            listen,
            tls: secure.then(|| match side {
                Side::Phones => phones_tls.clone(),
                Side::Clients => clients_tls.clone(),
            }),
            datagrams: false,
            public: public.map(|(host, port)| (host.into(), port)),
        };
    let (phones, clients) = (&settings.phones, &settings.clients);
    let told = |wan: &settings::Wan| (!wan.public_host.is_empty()).then(|| wan.public_host.clone());
    let tcp = |wan: &settings::Wan| told(wan).map(|host| (host, wan.public_tcp_port));
    let tls = |wan: &settings::Wan| told(wan).map(|host| (host, wan.public_tls_port));
    [
        of("phones.lan.tcp", Side::Phones, phones.lan.tcp, false, None),
        of("phones.lan.tls", Side::Phones, phones.lan.tls, true, None),
        of(
            "phones.wan.tcp",
            Side::Phones,
            phones.wan.tcp,
            false,
            tcp(&phones.wan),
        ),
        of(
            "phones.wan.tls",
            Side::Phones,
            phones.wan.tls,
            true,
            tls(&phones.wan),
        ),
        Interface {
            datagrams: true,
            ..of("phones.udp", Side::Phones, phones.udp, false, None)
        },
        of(
            "clients.lan.tcp",
            Side::Clients,
            clients.lan.tcp,
            false,
            None,
        ),
        of(
            "clients.lan.tls",
            Side::Clients,
            clients.lan.tls,
            true,
            None,
        ),
        of(
            "clients.wan.tcp",
            Side::Clients,
            clients.wan.tcp,
            false,
            tcp(&clients.wan),
        ),
        of(
            "clients.wan.tls",
            Side::Clients,
            clients.wan.tls,
            true,
            tls(&clients.wan),
        ),
    ]
}

/// Settings whose names are fixed, and whose use is still to come: whoever sets one must hear of it.
fn unused(settings: &Settings) -> Vec<&'static str> {
    let Settings {
        advanced, licenses, ..
    } = settings;
    [
        (
            "advanced.proxy_protocol_from",
            !advanced.proxy_protocol_from.is_empty(),
        ),
        ("licenses.codes", !licenses.codes.is_empty()),
    ]
    .into_iter()
    .filter_map(|(setting, is_set)| is_set.then_some(setting))
    .collect()
}

fn refused(setting: &'static str, listen: Listen, error: io::Error) -> StartError {
    let address = listen
        .address()
        .unwrap_or_else(|| SocketAddr::from(([0, 0, 0, 0], 0)));
    StartError::Listen {
        setting,
        address,
        error,
    }
}

/// What the system says, and what to do about it.
fn because(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            "the port is in use, perhaps by another uacsta; stop that program or set another port"
                .to_owned()
        }
        io::ErrorKind::PermissionDenied => {
            "this user may not use the port; ports below 1024 need rights".to_owned()
        }
        io::ErrorKind::AddrNotAvailable => "this machine does not have the address".to_owned(),
        _ => error.to_string(),
    }
}
