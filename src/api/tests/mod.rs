//! The API over a socket, with a stand-in for registrar and licensing.
#![allow(clippy::unwrap_used)]

mod audit;
mod bundles;
mod languages;
mod late_bodies;
mod reference;
mod requests;
mod routes;
mod tokens;
mod versions;

use actix::{Actor, Context, Handler, MessageResult};
use arc_swap::ArcSwap;
use uacsta_actors::{
    RuntimeConfig,
    auth::LogOnLimiter,
    directory::NoLine,
    licence::Allowance,
    licensing::{Licences, PermitCounts, PermitHolders},
    phone::Status,
    phone_list::ListedPhone,
    reason::{Cause, Reason},
    registrar::{AccountsChanged, ChangeError, Line, LineDetailsPage, PhoneDetails},
    supervision::RestartableAddr,
};
use uacsta_connect::SystemClock;
use uacsta_schema::sip::nonce::NonceKey;

use super::*;
use crate::{data_dir, reload::ReloadError};

/// Stands in for registrar and licensing; knows the phone 00:04:13:00:00:01.
struct Registrar;

impl Actor for Registrar {
    type Context = Context<Self>;
}

/// The phone 00:04:13:00:00:01.
fn phone() -> PhoneDetails {
    PhoneDetails {
        entry: ListedPhone::new("000413000001".parse().unwrap(), true),
        status: Status::Away,
        since: None,
        reason: Some(Reason {
            cause: Cause::NeverRegistered,
            since: None,
        }),
        unsaved: false,
    }
}

impl Handler<ListPhones> for Registrar {
    type Result = MessageResult<ListPhones>;

    fn handle(&mut self, list: ListPhones, _: &mut Self::Context) -> MessageResult<ListPhones> {
        let after = list.after.is_none().then(phone);
        MessageResult(after.into_iter().collect::<Vec<_>>())
    }
}

impl Handler<GetPhone> for Registrar {
    type Result = MessageResult<GetPhone>;

    fn handle(&mut self, GetPhone(id): GetPhone, _: &mut Self::Context) -> MessageResult<GetPhone> {
        // The phone ...2 is registered, as RemovePhone finds.
        let mut phone = phone();
        phone.entry.id = id;
        let is_listed = id.bare().ends_with(['1', '2']);
        MessageResult(is_listed.then_some(phone))
    }
}

impl Handler<GetLicences> for Registrar {
    type Result = MessageResult<GetLicences>;

    fn handle(&mut self, _: GetLicences, _: &mut Self::Context) -> MessageResult<GetLicences> {
        MessageResult(Licences {
            counts: PermitCounts {
                phones: 3,
                lines: 4,
            },
            phones: None,
            lines: Some(5),
            issued: None,
            trial_left: Duration::from_secs(6),
        })
    }
}

impl Handler<ListClients> for Registrar {
    type Result = MessageResult<ListClients>;

    fn handle(&mut self, _: ListClients, _: &mut Self::Context) -> MessageResult<ListClients> {
        MessageResult(Vec::new())
    }
}

impl Handler<ListHolders> for Registrar {
    type Result = MessageResult<ListHolders>;

    fn handle(&mut self, _: ListHolders, _: &mut Self::Context) -> MessageResult<ListHolders> {
        MessageResult(PermitHolders::default())
    }
}

impl Handler<IsOnDisk> for Registrar {
    type Result = MessageResult<IsOnDisk>;

    fn handle(&mut self, _: IsOnDisk, _: &mut Self::Context) -> MessageResult<IsOnDisk> {
        MessageResult(OnDisk {
            writable: true,
            unsaved: 0,
        })
    }
}

impl Handler<CountPermits> for Registrar {
    type Result = MessageResult<CountPermits>;

    fn handle(&mut self, _: CountPermits, _: &mut Self::Context) -> MessageResult<CountPermits> {
        MessageResult(PermitCounts {
            phones: 3,
            lines: 4,
        })
    }
}

impl Handler<CountReasons> for Registrar {
    type Result = MessageResult<CountReasons>;

    fn handle(&mut self, _: CountReasons, _: &mut Self::Context) -> MessageResult<CountReasons> {
        MessageResult(Default::default())
    }
}

impl Handler<CountPhones> for Registrar {
    type Result = MessageResult<CountPhones>;

    fn handle(&mut self, _: CountPhones, _: &mut Self::Context) -> MessageResult<CountPhones> {
        MessageResult([2, 1, 3])
    }
}

impl Handler<FindLine> for Registrar {
    type Result = Result<Line, NoLine>;

    fn handle(&mut self, _: FindLine, _: &mut Self::Context) -> Self::Result {
        Err(NoLine::Unknown)
    }
}

impl Handler<FindPhone> for Registrar {
    type Result = MessageResult<FindPhone>;

    fn handle(&mut self, _: FindPhone, _: &mut Self::Context) -> Self::Result {
        MessageResult(None)
    }
}

impl Handler<ListLineDetails> for Registrar {
    type Result = MessageResult<ListLineDetails>;

    fn handle(&mut self, _: ListLineDetails, _: &mut Self::Context) -> Self::Result {
        MessageResult(LineDetailsPage::default())
    }
}

impl Handler<GetLineDetails> for Registrar {
    type Result = MessageResult<GetLineDetails>;

    fn handle(&mut self, _: GetLineDetails, _: &mut Self::Context) -> Self::Result {
        MessageResult(Vec::new())
    }
}

impl Handler<AccountsChanged> for Registrar {
    type Result = ();

    fn handle(&mut self, _: AccountsChanged, _: &mut Self::Context) {}
}

impl Handler<ChangePhone> for Registrar {
    type Result = Result<(), ChangeError>;

    fn handle(&mut self, change: ChangePhone, _: &mut Self::Context) -> Self::Result {
        match change.phone.bare().ends_with("01") {
            true => Ok(()),
            false => Err(ChangeError::Unknown(change.phone)),
        }
    }
}

impl Handler<AddPhone> for Registrar {
    type Result = Result<(), ChangeError>;

    fn handle(&mut self, add: AddPhone, _: &mut Self::Context) -> Self::Result {
        let phone = add.phone;
        match phone.bare().ends_with("01") {
            true => Ok(()),
            false => Err(ChangeError::Listed(phone)),
        }
    }
}

impl Handler<RemovePhone> for Registrar {
    type Result = Result<(), ChangeError>;

    fn handle(&mut self, RemovePhone(phone): RemovePhone, _: &mut Self::Context) -> Self::Result {
        match phone.bare().ends_with("01") {
            true => Ok(()),
            false => Err(ChangeError::Registered(phone)),
        }
    }
}

/// A context without registrar and licensing.
pub(super) fn context(change: impl FnOnce(&mut uacsta_config::Settings)) -> Arc<ServerContext> {
    let mut settings = uacsta_config::Settings::builtin();
    // The table of routes asks often with a wrong token.
    settings.limits.failed_log_ons = 10_000;
    settings.limits.api_requests = 100_000;
    change(&mut settings);
    Arc::new(ServerContext {
        service: uacsta_actors::service::Service::started(0),
        config: ArcSwap::from_pointee(RuntimeConfig {
            settings,
            profiles: uacsta_config::Profiles::shipped(),
            allowance: Allowance::default(),
            version: 0,
        }),
        accounts: ArcSwap::default(),
        clock: Arc::new(SystemClock::start()),
        nonces: NonceKey::new([0; 32]),
        log_on_limiter: LogOnLimiter::default(),
        log_limit: uacsta_actors::log_limit::LogLimit::default(),
        ladder: uacsta_actors::ladder::Ladder::default(),
        counters: Arc::default(),
        agent: "uacsta".into(),
    })
}

/// The accounts of a data folder, of which nobody is told.
pub(super) fn accounts(folder: &Path, context: &Arc<ServerContext>) -> Arc<AccountStore> {
    let registrar = RestartableAddr::new(Registrar.start());
    AccountStore::open(folder, Arc::clone(context), registrar.recipient())
}

fn identity(folder: &Path) -> Arc<Identity> {
    let made = data_dir::prepare(folder, &mut uacsta_config::Settings::builtin()).unwrap();
    Arc::new(Identity::read(&made.certificate, &made.key).unwrap())
}

/// The API with its files in `folder`, its address file among them.
pub(super) fn served(folder: &Path) -> HttpServer {
    let registrar = RestartableAddr::new(Registrar.start());
    let (reload, mut reload_requests) = tokio::sync::mpsc::channel(1);
    // Each reload fails.
    actix_rt::spawn(async move {
        while let Some::<ReloadRequest>(request) = reload_requests.recv().await {
            let wrong =
                ReloadError::of_key("logs.level", "uacsta.toml line 2: nonsense".to_owned());
            request.answer(Err(wrong));
        }
    });
    let (service, mut service_requests) = tokio::sync::mpsc::channel(1);
    // Nobody can change the service.
    actix_rt::spawn(async move {
        while let Some::<ServiceRequest>(request) = service_requests.recv().await {
            request.answer(Err("cannot listen".to_owned()));
        }
    });
    let context = context(|_| {});
    let accounts = AccountStore::open(folder, Arc::clone(&context), registrar.recipient());
    let operators = Operators::open(folder);
    operators.set_administrator(&"password".into());
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
        count: registrar.recipient(),
        context,
        open: net::ConnectionCounts::default(),
        licences: registrar.recipient(),
        holders: registrar.recipient(),
        issuer: None,
        admin: Admin::of(folder),
        data: folder.to_owned(),
        reload,
        service,
        identity: identity(folder),
        audit: Arc::new(AuditLog::open(folder, &uacsta_config::Settings::builtin().audit).unwrap()),
        operations: Arc::default(),
        operators: Arc::new(operators),
        last_change: Arc::default(),
        accounts,
        started_at: Timestamp::now(),
    };
    let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
    let mut web = start(loopback, 16, folder, &"token".into(), api, |_| {}).unwrap();
    web.announce();
    web
}
