//! Reloads settings: validates them first, then applies them as a whole or not at all.

use std::{io, path::PathBuf, sync::Arc};

use tokio_rustls::TlsAcceptor;
use uacsta_actors::{
    ConfigChanged, RuntimeConfig,
    licensing::{Allowance, code::Issuer},
};
use uacsta_config::{Logs, Profiles, Settings};

use super::{
    Addresses, ConfigWarning, Running, StartError, allowance,
    interfaces::{interfaces, meet},
    open_web, warnings,
};
use crate::{
    api::{self, HttpServer},
    data_dir::{self, DataDir, InForce, RunningTime},
    net::tls::{self, Identity},
};

/// What validating settings needs of the running server, so that it can run on another thread.
pub struct ReloadContext {
    data: PathBuf,
    in_force: InForce,
    issuer: Option<Issuer>,
    time: Arc<RunningTime>,
    identity: Arc<Identity>,
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
}

impl ReloadContext {
    /// Reads all files that the settings name, and the data folder. May block on a slow disk.
    ///
    /// # Errors
    /// Why the settings cannot be applied.
    pub fn validate(&self, settings: Settings) -> Result<ValidatedSettings, StartError> {
        let asked = settings.clone();
        self.read(settings).map_err(|error| error.placed(&asked))
    }

    fn read(&self, mut settings: Settings) -> Result<ValidatedSettings, StartError> {
        let data_dir = data_dir::renew(&self.data, &mut settings, &self.in_force)?;
        let profiles = Profiles::load(Some(&self.data))?;
        let allowance = allowance(self.issuer.as_ref(), &settings, self.time.before())?;
        let identity = data_dir.identity()?;
        let acceptors = tls::acceptors(&self.identity, &settings)?;
        let mut config_warnings = ConfigWarning::of(&settings);
        config_warnings.extend(ConfigWarning::in_folder(&self.data, &settings));
        Ok(ValidatedSettings {
            settings,
            config_warnings,
            data_dir,
            profiles,
            allowance,
            identity,
            acceptors,
        })
    }
}

impl ValidatedSettings {
    /// The settings of the log.
    pub fn logs(&self) -> &Logs {
        &self.settings.logs
    }
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
                self_signed: data_dir::is_own(&self.data, &files.certificate)
                    .then(|| self.identity.pem()),
            },
            issuer: self.issuer.clone(),
            time: Arc::clone(&self.time),
            identity: Arc::clone(&self.identity),
        }
    }

    /// Applies settings, as a whole or not at all. Connections and sessions stay, even if their interface moves or is removed.
    ///
    /// # Errors
    /// Why they cannot be applied; nothing is changed then.
    pub async fn apply(&mut self, validated: ValidatedSettings) -> Result<(), StartError> {
        let ValidatedSettings {
            settings,
            config_warnings,
            mut data_dir,
            profiles,
            allowance,
            identity,
            acceptors,
        } = validated;
        let placed = |running: &Self, error| running.held(error).placed(&settings);
        let wanted = interfaces(&settings, &acceptors);
        let change = self
            .interfaces
            .plan(wanted)
            .map_err(|error| placed(self, error))?;
        let former = self.context.config().settings.web.listen;
        let web_moves = settings.web.listen != former;
        let web = match web_moves {
            true => open_web(&settings, &self.data, &data_dir.token, &self.api)
                .map_err(|error| placed(self, error))?,
            false => None,
        };
        let change = match self.interfaces.make_way(change).await {
            Ok(change) => change,
            Err(error) => {
                if let Some(web) = web {
                    web.retire();
                }
                return Err(placed(self, error));
            }
        };

        // The new files are on disk under temporary names, so renaming them hardly fails.
        if let Err(error) = data_dir.write() {
            tracing::error!(%error, "cannot write the values in use into the data folder; the next start generates new ones");
        }
        warnings::of_delay(&self.context.config().settings, &settings, web_moves);
        config_warnings.iter().for_each(ConfigWarning::warn);
        self.identity.replace(identity);
        if let Some(web) = &self.web {
            web.change_keys(&data_dir.token, &settings.web.password);
        }
        self.token = data_dir.token;
        self.context.config.store(Arc::new(RuntimeConfig {
            settings,
            profiles,
            allowance,
        }));
        self.interfaces.take(change).await;
        if web_moves && let Some(former) = std::mem::replace(&mut self.web, web) {
            former.retire();
        }
        // Even if the address stays: the data folder may have been replaced.
        self.announce();
        self.addresses = Addresses {
            web: self.web.as_ref().map(HttpServer::address),
            ..self.interfaces.addresses()
        };
        self.context.licensing.do_send(ConfigChanged);
        self.context.registrar.do_send(ConfigChanged);
        Ok(())
    }

    /// Says of an address that is in use whether it is the API's, or to be the API's and an interface's. Interfaces give way to
    /// each other within a reload, but not to the API, nor it to them.
    fn held(&self, error: StartError) -> StartError {
        let StartError::Listen {
            setting,
            address,
            error: system,
        } = &error
        else {
            return error;
        };
        let web = self.web.as_ref().map(HttpServer::address);
        let holder = match *setting {
            "web.listen" => self.interfaces.holder(*address),
            "phones.udp" => None,
            _ => web.filter(|web| meet(*web, *address)).map(|_| "web.listen"),
        };
        match holder {
            Some(holder) if system.kind() == io::ErrorKind::AddrInUse => StartError::Held {
                setting,
                address: *address,
                holder,
            },
            _ => error,
        }
    }

    /// Writes or removes the API address file for the command line.
    fn announce(&mut self) {
        match &mut self.web {
            Some(web) => web.announce(),
            None => {
                if let Err(error) = api::remove_address_file(&self.data) {
                    tracing::error!(%error, "cannot remove the API address file");
                }
            }
        }
    }
}
