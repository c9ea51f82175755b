//! Other settings for a server that runs: tried out first, and then as a whole or not at all.

use std::{io, path::PathBuf, sync::Arc};

use settings::{Logs, Profiles, Settings};
use tokio_rustls::TlsAcceptor;
use uacsta_actors::{
    Rules,
    licensing::{Allowance, code::Issuer},
    registrar::RulesChanged,
};

use super::{
    Addresses, Running, StartError, Weakness, allowance,
    interfaces::{interfaces, meet},
    open_web, warnings,
};
use crate::{
    first_start::{self, Belongings, InForce},
    net::tls::{self, Identity},
    running_time::RunningTime,
    web::{self, Web},
};

/// What other settings are tried out against: all that it takes to read their files on a thread of its own.
pub struct Ground {
    data: PathBuf,
    in_force: InForce,
    issuer: Option<Issuer>,
    time: Arc<RunningTime>,
    identity: Arc<Identity>,
}

/// Settings whose files have been read and are fine, and that nobody is served by yet. Dropped, all is as it was.
pub struct TriedOut {
    settings: Settings,
    weaknesses: Vec<Weakness>,
    belongings: Belongings,
    profiles: Profiles,
    allowance: Allowance,
    identity: Identity,
    acceptors: [TlsAcceptor; 2],
}

impl Ground {
    /// Reads whatever files the settings name, and what the server keeps in its data folder. A disk may take its time over it.
    ///
    /// # Errors
    /// What keeps the settings from being served.
    pub fn try_out(&self, settings: Settings) -> Result<TriedOut, StartError> {
        let asked = settings.clone();
        self.read(settings).map_err(|error| error.placed(&asked))
    }

    fn read(&self, mut settings: Settings) -> Result<TriedOut, StartError> {
        let belongings = first_start::renew(&self.data, &mut settings, &self.in_force)?;
        let profiles = Profiles::load(Some(&self.data))?;
        let allowance = allowance(self.issuer.as_ref(), &settings, self.time.before())?;
        let identity = belongings.identity()?;
        let acceptors = tls::acceptors(&self.identity, &settings)?;
        let mut weaknesses = Weakness::of(&settings);
        weaknesses.extend(Weakness::in_folder(&self.data, &settings));
        Ok(TriedOut {
            settings,
            weaknesses,
            belongings,
            profiles,
            allowance,
            identity,
            acceptors,
        })
    }
}

impl TriedOut {
    /// Where the log will be.
    pub fn logs(&self) -> &Logs {
        &self.settings.logs
    }
}

impl Running {
    /// What other settings are tried out against now.
    pub fn ground(&self) -> Ground {
        let files = self.identity.files();
        let rules = self.house.rules();
        let settings = &rules.settings;
        Ground {
            data: self.data.clone(),
            in_force: InForce {
                token: self.token.clone(),
                passwords: [
                    settings.phones.password.clone(),
                    settings.clients.password.clone(),
                    settings.web.password.clone(),
                ],
                self_signed: first_start::is_own(&self.data, &files.certificate)
                    .then(|| self.identity.pem()),
            },
            issuer: self.issuer.clone(),
            time: Arc::clone(&self.time),
            identity: Arc::clone(&self.identity),
        }
    }

    /// Serves by other settings from now on. They hold as a whole or not at all; connections and sessions stand, also where
    /// their interface moves or goes.
    ///
    /// # Errors
    /// What keeps them from being served; then all is as it was.
    pub async fn adopt(&mut self, tried_out: TriedOut) -> Result<(), StartError> {
        let TriedOut {
            settings,
            weaknesses,
            mut belongings,
            profiles,
            allowance,
            identity,
            acceptors,
        } = tried_out;
        let placed = |running: &Self, error| running.held(error).placed(&settings);
        let wanted = interfaces(&settings, &acceptors);
        let change = self
            .interfaces
            .plan(wanted)
            .map_err(|error| placed(self, error))?;
        let former = self.house.rules().settings.web.listen;
        let web_moves = settings.web.listen != former;
        let web = match web_moves {
            true => open_web(&settings, &self.data, &belongings.token, &self.api)
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

        // Nothing can fail any more: what is new is on disk already, under another name.
        if let Err(error) = belongings.write() {
            tracing::error!(%error, "what is in force is not in the data folder, and the next start will make it anew");
        }
        warnings::of_delay(&self.house.rules().settings, &settings, web_moves);
        weaknesses.iter().for_each(Weakness::warn);
        self.identity.adopt(identity);
        if let Some(web) = &self.web {
            web.change_keys(&belongings.token, &settings.web.password);
        }
        self.token = belongings.token;
        self.house.rules.store(Arc::new(Rules {
            settings,
            profiles,
            allowance,
        }));
        self.interfaces.take(change).await;
        if web_moves && let Some(former) = std::mem::replace(&mut self.web, web) {
            former.retire();
        }
        // Also where it stays: the data folder may be another one by now.
        self.announce();
        self.addresses = Addresses {
            web: self.web.as_ref().map(Web::address),
            ..self.interfaces.addresses()
        };
        self.house.licensing.do_send(RulesChanged);
        self.house.registrar.do_send(RulesChanged);
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
        let web = self.web.as_ref().map(Web::address);
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

    /// Tells the command line where the API is now.
    fn announce(&mut self) {
        match &mut self.web {
            Some(web) => web.announce(),
            None => {
                if let Err(error) = web::forget(&self.data) {
                    tracing::error!(%error, "the command line cannot be told that there is no API");
                }
            }
        }
    }
}
