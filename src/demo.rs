//! `serve --demo`: runs the demonstration against this server.

use std::{
    convert::Infallible,
    io::{ErrorKind, Write},
    path::Path,
};

use uacsta_config::Settings;
use uacsta_console::demo::{self, DemoServer};
use uacsta_simulator::Fleet;

use crate::{
    Addresses,
    data_dir::{self, DataDirError},
};

/// Why the demonstration stopped.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// An interface that the demonstration uses is disabled.
    #[error("the demonstration needs {0}, which is turned off in the settings")]
    Off(&'static str),
    /// The passwords cannot be read.
    #[error(transparent)]
    Passwords(#[from] DataDirError),
    /// A phone or a client of the demonstration failed.
    #[error(transparent)]
    Play(#[from] demo::DemoError),
}

impl DemoError {
    /// Whether nobody reads the output any more (`| head`).
    pub fn is_closed_pipe(&self) -> bool {
        let Self::Play(demo::DemoError::Output(error)) = self else {
            return false;
        };
        error.kind() == ErrorKind::BrokenPipe
    }
}

/// Prints the demonstration to `out`, then keeps its phones connected until it is dropped.
///
/// # Errors
/// The demonstration cannot be played to its end.
pub async fn run(
    addresses: &Addresses,
    settings: &Settings,
    data: &Path,
    out: &mut dyn Write,
) -> Result<Infallible, DemoError> {
    let _phones = play(addresses, settings, data, out).await?;
    std::future::pending().await
}

async fn play(
    addresses: &Addresses,
    settings: &Settings,
    data: &Path,
    out: &mut dyn Write,
) -> Result<Fleet, DemoError> {
    let mut settings = settings.clone();
    // The server's start has generated the passwords that were not configured.
    data_dir::prepare(data, &mut settings)?;
    let server = DemoServer {
        phones_tcp: addresses
            .phones_tcp
            .ok_or(DemoError::Off("phones.lan.tcp"))?,
        phones_tls: addresses.phones_tls,
        phones_password: settings.phones.password.expose(),
        clients_tcp: addresses
            .clients_tcp
            .ok_or(DemoError::Off("clients.lan.tcp"))?,
        clients_tls: addresses.clients_tls,
        user: &settings.clients.user,
        clients_password: settings.clients.password.expose(),
        web: addresses.web,
        data,
    };
    Ok(demo::play(&server, out).await?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::time::Duration;

    use tokio::time::timeout;
    use uacsta_config::Listen;

    use super::*;

    #[actix::test]
    async fn demo_prints_the_events_that_clients_receive() {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = Settings::builtin();
        let free: Listen = "127.0.0.1:0".to_owned().try_into().unwrap();
        (settings.phones.lan.tcp, settings.clients.lan.tcp) = (free, free);
        for off in [
            &mut settings.phones.lan.tls,
            &mut settings.clients.lan.tls,
            &mut settings.web.listen,
        ] {
            *off = Listen::OFF;
        }
        let running = crate::Server::start(settings.clone(), folder.path()).unwrap();
        let mut out = Vec::new();
        let played = play(&running.addresses, &settings, folder.path(), &mut out);
        let phones = timeout(Duration::from_secs(30), played).await.unwrap();
        assert_eq!(phones.unwrap().phones().len(), 3);
        let text = String::from_utf8(out).unwrap();
        for expected in [
            "Reception  215  is in service",
            "Workshop   216  rings: call from 215",
            "Reception  215  talks: 216 has answered",
            "Office     217  is transferred by 216",
            "Office     217  is left by 215",
            "client --data ",
        ] {
            assert!(text.contains(expected), "{expected}\n{text}");
        }
        running.stop().await;
    }
}
