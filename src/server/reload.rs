//! Reloads settings: validates them first, then applies them as a whole or not at all.

use std::{path::PathBuf, sync::Arc};

use tokio_rustls::TlsAcceptor;
use uacsta_actors::{
    ConfigChanged, RuntimeConfig,
    licence::{Allowance, code::Issuer},
};
use uacsta_config::{Logs, Profiles, Secret, Settings, overlap};
use uacsta_connect::data_dir::API_ADDRESS;

use super::{
    ConfigWarning, Running, StartError, allowance, announcement_text,
    interfaces::{InterfaceChange, interfaces, when_released},
    open_web,
    settings_change::{PlannedChange, PreparedChange, WrittenChange},
    warnings,
};
use crate::{
    api::HttpServer,
    audit::{Entry, Outcome, bounded, differences},
    data_dir::{self, DataDir, InForce, RunningTime},
    net::{
        Interface,
        tls::{self, Identity},
    },
    reload::{Reload, ReloadError, ReloadOutcome, Undo, Wanted},
};

/// What validating settings needs of the running server, so that it can run on another thread.
pub struct ReloadContext {
    data: PathBuf,
    in_force: InForce,
    issuer: Option<Issuer>,
    time: Arc<RunningTime>,
    identity: Arc<Identity>,
    current: Settings,
    change: Option<PlannedChange>,
}

/// Validated settings, not yet applied. Dropping them changes nothing.
pub struct ValidatedSettings {
    settings: Settings,
    config_warnings: Vec<ConfigWarning>,
    data_dir: DataDir,
    profiles: Profiles,
    allowance: Allowance,
    identity: Identity,
    acceptors: [TlsAcceptor; 2],
    change: Option<PreparedChange>,
}

impl ReloadContext {
    /// Reads the settings and validates them, with the change that the reload is for. `read` gets the text that takes the place
    /// of the operators' file, if there is a change. May block on a slow disk.
    ///
    /// # Errors
    /// Why the settings cannot be applied.
    pub fn load(
        &self,
        read: impl FnOnce(Option<&str>) -> Result<Settings, ReloadError>,
    ) -> Result<ValidatedSettings, ReloadError> {
        let Some(planned) = &self.change else {
            return self.validate(read(None)?);
        };
        let (operator, former) = planned.apply(&self.data, &self.current)?;
        let settings = read(Some(&operator.to_toml()));
        let validated = settings.and_then(|settings| self.validate(settings));
        let mut validated = validated.map_err(|error| error.unplaced(&planned.values))?;
        let both = [&self.current, &validated.settings];
        let change = planned
            .clone()
            .prepare(&self.data, &operator, former, both)?;
        validated.change = Some(change);
        Ok(validated)
    }

    /// Reads all files that the settings name, and the data folder. May block on a slow disk.
    ///
    /// # Errors
    /// Why the settings cannot be applied.
    pub fn validate(&self, settings: Settings) -> Result<ValidatedSettings, ReloadError> {
        let asked = settings.clone();
        self.read(settings)
            .map_err(|error| error.placed(&asked).into())
    }

    fn read(&self, mut settings: Settings) -> Result<ValidatedSettings, StartError> {
        let data_dir = data_dir::renew(&self.data, &mut settings, &self.in_force)?;
        let profiles = Profiles::load(Some(&self.data))?;
        let allowance = allowance(self.issuer.as_ref(), &settings, self.time.before())?;
        let identity = data_dir.identity()?;
        let acceptors = tls::acceptors(&self.identity, &settings)?;
        let config_warnings = ConfigWarning::all(&settings, Some(&self.data), self.issuer.as_ref());
        Ok(ValidatedSettings {
            settings,
            config_warnings,
            data_dir,
            profiles,
            allowance,
            identity,
            acceptors,
            change: None,
        })
    }
}

impl ValidatedSettings {
    /// The settings of the log.
    pub fn logs(&self) -> &Logs {
        &self.settings.logs
    }
}

/// The API's server after a reload.
enum NewApi {
    Stays,
    /// At a new address, or off.
    Moved(Option<HttpServer>),
}

impl Running {
    /// What settings are validated against now.
    pub fn reload_context(&self) -> ReloadContext {
        let files = self.identity.files();
        let config = self.context.config();
        let settings = &config.settings;
        ReloadContext {
            data: self.data.clone(),
            in_force: InForce {
                token: self.token.clone(),
                passwords: [
                    settings.phones.password.clone(),
                    settings.clients.password.clone(),
                    settings.web.password.clone(),
                ],
                own_certificate: data_dir::is_own(&self.data, &files.certificate)
                    .then(|| self.identity.pem()),
            },
            issuer: self.issuer.clone(),
            time: Arc::clone(&self.time),
            identity: Arc::clone(&self.identity),
            current: settings.clone(),
            change: None,
        }
    }

    /// As [`Self::reload_context`], for the change that a reload is for.
    ///
    /// # Errors
    /// The settings have changed since the operator read them, or the change cannot be undone.
    pub fn context_for(&self, reload: &Reload) -> Result<ReloadContext, ReloadError> {
        let mut context = self.reload_context();
        let Reload::Change(change) = reload else {
            return Ok(context);
        };
        let (values, is_undo) = match &change.wanted {
            Wanted::Values { values, version } => {
                let current = self.context.config().version;
                if version.is_some_and(|version| version != current) {
                    return Err(ReloadError::Changed);
                }
                (values.clone(), false)
            }
            Wanted::Undo(id) => {
                let values = self.undos.find(id, self.context.clock.now());
                (values.cloned().ok_or(ReloadError::NoUndo)?, true)
            }
        };
        let id = getrandom::u64().map_err(StartError::Random)?;
        context.change = Some(PlannedChange {
            id: format!("{id:016x}"),
            by: change.by.clone(),
            values,
            is_undo,
        });
        Ok(context)
    }

    /// Applies settings that somebody asked for, as a whole or not at all. Connections and sessions stay, even if their interface
    /// moves or is removed.
    ///
    /// # Errors
    /// Why they cannot be applied; nothing is changed then.
    pub async fn apply(&mut self, validated: ValidatedSettings, by: &str) -> ReloadOutcome {
        let ValidatedSettings {
            settings,
            config_warnings,
            mut data_dir,
            profiles,
            allowance,
            identity,
            acceptors,
            change,
        } = validated;
        // A change that cannot be kept is not applied.
        let change = change.map(PreparedChange::write).transpose()?;
        // While the service is stopped, its start opens the interfaces.
        let wanted = match self.is_serving() {
            true => interfaces(&settings, &acceptors),
            false => Vec::new(),
        };
        let opened = self
            .open_addresses(wanted, &settings, &data_dir.token)
            .await;
        let (listeners, api) = match opened {
            Ok(opened) => opened,
            Err(error) => {
                let error = ReloadError::from(error.placed(&settings));
                return Err(match change {
                    Some(change) => change.take_back(error),
                    None => error,
                });
            }
        };

        // The new files are on disk under temporary names, so renaming them hardly fails.
        if let Err(error) = data_dir.write() {
            tracing::error!(%error, "cannot write the values in use into the data folder; the next start generates new ones");
        }
        let api_moves = matches!(api, NewApi::Moved(_));
        warnings::warn_of_delayed_settings(&self.context.config().settings, &settings, api_moves);
        config_warnings.iter().for_each(ConfigWarning::warn);
        self.identity.replace(identity);
        self.api.operators.set_administrator(&settings.web.password);
        if let Some(web) = &self.web {
            web.change_token(&data_dir.token);
        }
        self.token = data_dir.token;
        let ladder = settings.limits.ladder.as_usize();
        self.context.ladder.set_bound(ladder);
        self.api.audit.set_bounds(&settings.audit);
        let version = self.context.config().version + 1;
        self.api.last_change.note(version, by);
        self.context.config.store(Arc::new(RuntimeConfig {
            settings,
            profiles,
            allowance,
            version,
        }));
        self.api.accounts.warn_of_settings();
        let undo = change.and_then(|change| self.log_change(change));
        self.interfaces.apply(listeners).await;
        if let NewApi::Moved(web) = api
            && let Some(former) = std::mem::replace(&mut self.web, web)
        {
            former.retire();
        }
        self.addresses = self.interfaces.addresses_with(self.web.as_ref());
        // Even if the addresses stay: the data folder may have been replaced.
        self.announce();
        self.addrs.phones.licensing.do_send(ConfigChanged);
        self.addrs.registrar.do_send(ConfigChanged);
        Ok(undo)
    }

    /// The settings in use.
    pub fn settings(&self) -> Settings {
        self.context.config().settings.clone()
    }

    /// Writes a reload that no request of the API asked for into the audit log, with the settings that it changed.
    pub fn record_reload(&self, former: &Settings, outcome: &ReloadOutcome) {
        let (before, after) = differences(former, &self.context.config().settings);
        let entry = Entry {
            who: Some(Reload::by_signal().by().to_owned()),
            before,
            after,
            outcome: match outcome {
                Ok(_) => Outcome::Done,
                Err(_) => Outcome::Failed,
            },
            detail: outcome
                .as_ref()
                .err()
                .map(|error| bounded(&error.to_string())),
            ..Entry::new("reloadSettings", jiff::Timestamp::now())
        };
        let audit = Arc::clone(&self.api.audit);
        actix_rt::spawn(async move { audit.record(entry).await });
    }

    /// Logs a change that is in force, and remembers how to undo it.
    fn log_change(&mut self, change: WrittenChange) -> Option<Undo> {
        let WrittenChange {
            planned, former, ..
        } = change;
        let (user, setting) = (&planned.by, planned.keys());
        if planned.is_undo {
            tracing::info!(user, setting, "change of settings undone by an operator");
            self.undos.forget(&planned.values);
            return None;
        }
        tracing::info!(user, setting, "settings changed by an operator");
        let clock = &self.context.clock;
        Some(
            self.undos
                .add(planned.id, former, clock.now(), clock.wall()),
        )
    }

    /// Binds the new addresses of interfaces and API. Those that overlap an old one are bound after it is closed.
    ///
    /// # Errors
    /// The first address that cannot be listened on; the old ones are open as before.
    async fn open_addresses(
        &mut self,
        wanted: Vec<Interface>,
        settings: &Settings,
        token: &Secret,
    ) -> Result<(InterfaceChange, NewApi), StartError> {
        let moves = settings.web.listen != self.context.config().settings.web.listen;
        let closing_api = self.web.as_ref().map(HttpServer::address);
        let closing_api = closing_api.filter(|_| moves);
        let mut change = self.interfaces.plan(wanted, closing_api)?;
        let open_api = |running: &Self| open_web(settings, &running.data, token, &running.api);
        let api_overlaps = moves
            && settings.web.listen.address().is_some_and(|address| {
                closing_api.is_some_and(|api| overlap(api, address))
                    || self.interfaces.closes(&change, address, false)
            });
        if !api_overlaps && !change.has_overlaps() {
            let api = if moves {
                NewApi::Moved(open_api(self)?)
            } else {
                NewApi::Stays
            };
            return Ok((change, api));
        }

        let closed_api = self.web.take_if(|_| moves);
        let api_was_open = closed_api.is_some();
        if let Some(api) = closed_api {
            api.retire();
        }
        let closed = self.interfaces.close_leaving(&change).await;
        let opened = match self.interfaces.bind_overlapping(&mut change).await {
            Ok(()) if moves => when_released(|| open_api(self)).await.map(NewApi::Moved),
            bound => bound.map(|()| NewApi::Stays),
        };
        let error = match opened {
            Ok(api) => return Ok((change, api)),
            Err(error) => error,
        };
        drop(change);
        self.interfaces.reopen(closed).await;
        if api_was_open {
            self.reopen_api().await;
        }
        Err(error)
    }

    async fn reopen_api(&mut self) {
        let config = self.context.config();
        let open = || open_web(&config.settings, &self.data, &self.token, &self.api);
        match when_released(open).await {
            Ok(api) => self.web = api,
            Err(error) => tracing::error!(%error, "cannot open the API again"),
        }
        self.announce();
    }

    /// Writes the files from which commands learn the addresses.
    pub(super) fn announce(&mut self) {
        match &mut self.web {
            Some(web) => web.announce(),
            None => {
                if let Err(error) = data_dir::remove_announcement(&self.data, API_ADDRESS) {
                    tracing::error!(%error, "cannot remove the API address file");
                }
            }
        }
        let config = self.context.config();
        self.listening.write(announcement_text(
            &self.addresses,
            &config.settings,
            &self.identity,
        ));
    }
}
