//! Checks whether a server would start with given settings, without starting it.

use std::{path::Path, time::Duration};

use uacsta_config::{Profiles, Settings};

use super::{ConfigWarning, Server, StartError, allowance};
use crate::{
    data_dir::{self, RunningTime},
    net::tls::{self, Identity},
};

impl Server {
    /// Checks settings, and the data folder if it is given, but not addresses and the phone list. Returns warnings. Writes nothing.
    ///
    /// # Errors
    /// Why [`Self::run`] would fail.
    pub fn check(
        &self,
        settings: &Settings,
        data: Option<&Path>,
    ) -> Result<Vec<ConfigWarning>, StartError> {
        self.check_all(settings, data)
            .map_err(|error| error.placed(settings))
    }

    fn check_all(
        &self,
        settings: &Settings,
        data: Option<&Path>,
    ) -> Result<Vec<ConfigWarning>, StartError> {
        let files = match data {
            Some(data) => data_dir::plan(data, settings)?,
            None => settings
                .tls
                .certificate
                .clone()
                .zip(settings.tls.key.clone()),
        };
        Profiles::load(data)?;
        let before = match data {
            Some(data) => RunningTime::open(data, self.clock.clone())?.before(),
            None => Duration::ZERO,
        };
        allowance(self.issuer.as_ref(), settings, before)?;
        if let Some((certificate, key)) = files {
            Identity::read(&certificate, &key)?;
        }
        for authority in [
            &settings.phones.trusted_authority,
            &settings.clients.trusted_authority,
        ]
        .into_iter()
        .flatten()
        {
            tls::authorities(authority, false)?;
        }
        let mut all = ConfigWarning::of(settings);
        all.extend(
            data.into_iter()
                .flat_map(|data| ConfigWarning::in_folder(data, settings)),
        );
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use ed25519_dalek::SigningKey;
    use uacsta_actors::licence::code::Issuer;

    use super::*;

    #[test]
    fn invalid_licence_is_reported_as_at_the_start() {
        let mut settings = Settings::builtin();
        settings.licenses.codes = vec!["AAAA".to_owned()];
        let issuer = Issuer::with(&SigningKey::from_bytes(&[7; 32]));
        let server = Server::default().licensed_by(issuer);
        let folder = tempfile::tempdir().unwrap();
        let told = server.check(&settings, Some(folder.path())).unwrap_err();
        assert!(told.to_string().starts_with("licenses.codes[0] "), "{told}");
        let start = server.run(settings, folder.path()).err().unwrap();
        assert_eq!(start.to_string(), told.to_string());
    }
}
