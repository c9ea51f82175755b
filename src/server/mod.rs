//! Starts the server's parts, connects them, and stops them.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use actix::AsyncContext;
use actix_rt::{Arbiter, task::JoinHandle};
use arc_swap::ArcSwap;
use tokio::sync::mpsc;
use uacsta_actors::{
    RuntimeConfig, ServerContext,
    auth::LogOnLimiter,
    clock::Clock,
    counters::Counters,
    ladder::Ladder,
    licence::{Allowance, code::Issuer},
    licensing::Licensing,
    log_limit::LogLimit,
    registrar::{Registrar, RegistrarAddrs},
    service::Service,
    supervision::RestartableAddr,
};
use uacsta_config::{Profiles, Secret, Settings};
use uacsta_connect::{
    SystemClock,
    data_dir::{API_ADDRESS, LISTENING},
};
use uacsta_schema::sip::nonce::NonceKey;

use crate::{
    accounts::AccountStore,
    api::{Api, HttpServer},
    audit::AuditLog,
    data_dir::{self, Admin, Announcement, RunningTime},
    net::{
        Acceptor, cert_watcher,
        tls::{self, Identity},
    },
    operators::Operators,
    reload::ReloadRequest,
    service::ServiceRequest,
    store::{Lock, StoreActor},
};

mod addresses;
mod certificate;
mod check;
mod error;
mod interfaces;
mod reload;
mod service;
mod settings_change;
mod stop;
mod undo;
mod warnings;
mod web;

pub use addresses::Addresses;
pub use check::Checked;
use check::listeners;
pub use error::StartError;
use interfaces::{Interfaces, interfaces};
pub use reload::{ReloadContext, ValidatedSettings};
use undo::Undos;
pub use warnings::ConfigWarning;
use web::{announcement_text, open_web};

/// A server that is not started yet.
#[derive(Clone)]
pub struct Server {
    clock: Arc<dyn Clock>,
    issuer: Option<Issuer>,
    counters: Arc<Counters>,
}

/// A running server.
pub struct Running {
    /// The addresses in use, also after a reload.
    pub addresses: Addresses,
    /// Requests of the API to reload the settings.
    pub reload_requests: mpsc::Receiver<ReloadRequest>,
    /// Requests of the API to stop or start the service.
    pub service_requests: mpsc::Receiver<ServiceRequest>,
    /// Tells commands where it listens.
    listening: Announcement,
    context: Arc<ServerContext>,
    addrs: RegistrarAddrs,
    data: PathBuf,
    token: Secret,
    issuer: Option<Issuer>,
    time: Arc<RunningTime>,
    identity: Arc<Identity>,
    /// What looks after files while the server runs.
    keepers: [JoinHandle<()>; 4],
    interfaces: Interfaces,
    arbiters: Vec<Arbiter>,
    store: Arbiter,
    api: Api,
    web: Option<HttpServer>,
    undos: Undos,
}

impl Default for Server {
    /// With the system's clock, and the licence issuer that the program was built with.
    fn default() -> Self {
        Self {
            clock: Arc::new(SystemClock::start()),
            issuer: option_env!("UACSTA_ISSUER")
                .map(|key| Issuer::of(key).expect("build.rs has checked it")),
            counters: Arc::default(),
        }
    }
}

impl Server {
    /// Starts a server with the defaults of the program.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub fn start(settings: Settings, data: &Path) -> Result<Running, StartError> {
        Self::default().run(settings, data)
    }

    /// Uses another clock, for tests.
    #[must_use]
    pub fn by(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }

    /// Requires licences of this issuer.
    #[must_use]
    pub fn licensed_by(self, issuer: Issuer) -> Self {
        Self {
            issuer: Some(issuer),
            ..self
        }
    }

    /// Shares the counters of the process, such as lost log lines.
    #[must_use]
    pub fn counting(self, counters: Arc<Counters>) -> Self {
        Self { counters, ..self }
    }

    /// Starts it, with its data in `data`. It must be called inside an actix `System`, and runs until [`Running::stop`].
    ///
    /// # Errors
    /// Why it cannot serve as the settings say; nothing of it runs on.
    pub fn run(self, settings: Settings, data: &Path) -> Result<Running, StartError> {
        let asked = settings.clone();
        self.serve(settings, data)
            .map_err(|error| error.placed(&asked))
    }

    fn serve(self, mut settings: Settings, data: &Path) -> Result<Running, StartError> {
        let Self {
            clock,
            issuer,
            counters,
        } = self;
        // Otherwise the error would be that of whichever file is first.
        data_dir::may_be_filled(data)?;
        // Only the owner of the lock may write into the folder.
        data_dir::create_folder(data)?;
        let lock = Lock::take(data)?;
        let data_dir = data_dir::prepare(data, &mut settings)?;
        let profiles = Profiles::load(Some(data))?;
        let time = Arc::new(RunningTime::open(data, Arc::clone(&clock))?);
        let allowance = allowance(issuer.as_ref(), &settings, time.before())?;
        let identity = Arc::new(data_dir.identity()?);
        ConfigWarning::all(&settings, Some(data), issuer.as_ref())
            .iter()
            .for_each(ConfigWarning::warn);
        let acceptors = tls::acceptors(&identity, &settings)?;
        let mut key = [0; 32];
        getrandom::fill(&mut key)?;
        // A server that was killed leaves the file. The command line would send the token to whatever listens there now.
        for name in [API_ADDRESS, LISTENING] {
            data_dir::remove_announcement(data, name)
                .map_err(|error| StartError::Announcement { name, error })?;
        }
        let audit =
            AuditLog::open(data, &settings.audit).map_err(|error| StartError::Thread { error })?;
        let list = StoreActor::open(lock)?;
        let listed = list.listed.len();

        let licensing = actix::Context::<Licensing>::new();
        let registrar = actix::Context::<Registrar>::new();
        let context = Arc::new(ServerContext {
            service: Service::started(clock.wall()),
            config: ArcSwap::from_pointee(RuntimeConfig {
                settings,
                profiles,
                allowance,
                // A version of an earlier run differs, unless it had a million reloads a second.
                version: clock.wall().saturating_mul(1_000_000),
            }),
            accounts: ArcSwap::default(),
            clock,
            nonces: NonceKey::new(key),
            log_on_limiter: LogOnLimiter::default(),
            log_limit: LogLimit::default(),
            ladder: Ladder::new(),
            counters,
            agent: concat!("uacsta/", env!("CARGO_PKG_VERSION")).into(),
        });
        let addrs = RegistrarAddrs::new(
            RestartableAddr::new(registrar.address()),
            RestartableAddr::new(licensing.address()),
        );
        let holders = addrs.registrar.recipient();
        let address = addrs.phones.licensing.clone();
        licensing.run(Licensing::new(Arc::clone(&context), address, holders));
        registrar.run(Registrar::new(
            Arc::clone(&context),
            addrs.clone(),
            list.actor.recipient(),
            list.listed,
            list.writable,
        ));
        // Before the first client logs on.
        let accounts = AccountStore::open(data, Arc::clone(&context), addrs.registrar.recipient());
        let settings = &context.config().settings;
        // This thread serves connections too.
        let arbiters: Vec<Arbiter> = (1..settings.advanced.arbiters.max(DEFAULT_ARBITERS))
            .map(|_| Arbiter::new())
            .collect();
        let handles: Vec<_> = std::iter::once(Arbiter::current())
            .chain(arbiters.iter().map(Arbiter::handle))
            .collect();
        let ladder = settings.limits.ladder.as_usize();
        context.ladder.start(&handles, ladder);
        let acceptor = Acceptor::new(Arc::clone(&context), addrs.clone(), Arc::default(), handles);
        let (open, acceptor) = (acceptor.counts(), Arc::new(acceptor));
        let interfaces = Interfaces::open(acceptor, interfaces(settings, &acceptors))?;

        let operators = Operators::open(data);
        operators.set_administrator(&settings.web.password);
        let (reload, reload_requests) = mpsc::channel(QUEUED_REQUESTS);
        let (service, service_requests) = mpsc::channel(QUEUED_REQUESTS);
        let (registrar, licensing) = (&addrs.registrar, &addrs.phones.licensing);
        let api = Api {
            list: registrar.recipient(),
            phone: registrar.recipient(),
            change: registrar.recipient(),
            lines: registrar.recipient(),
            line: registrar.recipient(),
            add: registrar.recipient(),
            remove: registrar.recipient(),
            actor: registrar.recipient(),
            find: registrar.recipient(),
            phones: registrar.recipient(),
            reasons: registrar.recipient(),
            disk: registrar.recipient(),
            clients: registrar.recipient(),
            count: licensing.recipient(),
            context: Arc::clone(&context),
            open,
            licences: licensing.recipient(),
            holders: licensing.recipient(),
            issuer: issuer.clone(),
            admin: Admin::of(data),
            data: data.to_owned(),
            reload,
            service,
            identity: Arc::clone(&identity),
            audit: Arc::new(audit),
            operations: Arc::default(),
            operators: Arc::new(operators),
            last_change: Arc::default(),
            accounts,
            started_at: jiff::Timestamp::now(),
        };
        let mut web = open_web(settings, data, &data_dir.token, &api)?;
        if let Some(web) = &mut web {
            web.announce();
        }
        let addresses = interfaces.addresses_with(web.as_ref());
        let mut listening = Announcement::new(data, LISTENING);
        listening.write(announcement_text(&addresses, settings, &identity));
        let version = env!("CARGO_PKG_VERSION");
        tracing::info!(version, data = %data.display(), listed, listening = addresses.listed(), "server started");
        Ok(Running {
            addresses,
            listening,
            reload_requests,
            service_requests,
            data: data.to_owned(),
            token: data_dir.token,
            issuer,
            keepers: [
                actix_rt::spawn(Arc::clone(&time).keep()),
                actix_rt::spawn(Arc::clone(&api.accounts).keep()),
                cert_watcher::watch(Arc::clone(&identity)),
                actix_rt::spawn(certificate::keep(
                    data.to_owned(),
                    Arc::clone(&context),
                    Arc::clone(&identity),
                )),
            ],
            time,
            identity,
            interfaces,
            arbiters,
            store: list.arbiter,
            api,
            web,
            undos: Undos::default(),
            context: Arc::clone(&context),
            addrs,
        })
    }
}

impl Running {
    /// The handles of the HTTP API.
    pub fn api(&self) -> Api {
        self.api.clone()
    }
}

/// Queued requests of the API to reload, and to stop or start the service.
const QUEUED_REQUESTS: usize = 8;
/// One is fastest: waking another thread costs more than the rest of a message.
const DEFAULT_ARBITERS: usize = 1;

/// The numbers of phones and lines that the settings' licences allow.
fn allowance(
    issuer: Option<&Issuer>,
    settings: &Settings,
    used_before: Duration,
) -> Result<Allowance, StartError> {
    let codes = &settings.licenses.codes;
    let codes = codes.iter().map(String::as_str);
    Allowance::of(issuer, codes, used_before)
        .map_err(|(at, error)| StartError::Licence { at, error })
}
