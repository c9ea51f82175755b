//! Other settings for a server that runs: tried out first, and then as a whole or not at all.

use std::sync::Arc;

use settings::{Profiles, Settings};
use uacsta_actors::{Rules, registrar::RulesChanged};

use super::{
    Addresses, Running, StartError, Weakness, allowance, interfaces::interfaces, open_web, warnings,
};
use crate::{
    first_start,
    net::tls::{self, Identity},
    web::{self, Web},
};

impl Running {
    /// Serves by other settings from now on. They are tried out first and hold as a whole or not at all; connections and
    /// sessions stand, also where their interface moves or goes.
    ///
    /// # Errors
    /// What keeps them from being served; then all is as it was.
    pub async fn reload(&mut self, mut settings: Settings) -> Result<(), StartError> {
        let belongings = first_start::prepare(&self.data, &mut settings)?;
        let profiles = Profiles::load(Some(&self.data))?;
        let allowance = allowance(self.issuer.as_ref(), &settings, self.time.before())?;
        let identity = Identity::read(&belongings.certificate, &belongings.key)?;
        let acceptors = tls::acceptors(&self.identity, &settings)?;
        let change = self.interfaces.plan(interfaces(&settings, &acceptors))?;
        let former = self.house.rules().settings.web.listen;
        let web_moves = settings.web.listen != former;
        let web = match web_moves {
            true => open_web(&settings, &self.data, &belongings, &self.api)?,
            false => None,
        };
        let change = match self.interfaces.make_way(change).await {
            Ok(change) => change,
            Err(error) => {
                if let Some(web) = web {
                    web.retire();
                }
                return Err(error);
            }
        };

        // Nothing can fail any more.
        warnings::of_delay(&self.house.rules().settings, &settings, web_moves);
        Weakness::of(&settings).iter().for_each(Weakness::warn);
        self.identity.adopt(identity);
        if let Some(web) = &self.web {
            web.change_keys(&belongings.token, &settings.web.password);
        }
        self.house.rules.store(Arc::new(Rules {
            settings,
            profiles,
            allowance,
        }));
        for former in self.interfaces.take(change) {
            former.retire().await;
        }
        if web_moves {
            if let Some(former) = std::mem::replace(&mut self.web, web) {
                former.retire();
            }
            self.announce();
        }
        self.addresses = Addresses {
            web: self.web.as_ref().map(Web::address),
            ..self.interfaces.addresses()
        };
        self.house.licensing.do_send(RulesChanged);
        self.house.registrar.do_send(RulesChanged);
        Ok(())
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
