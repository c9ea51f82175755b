//! `serve --demo`: a small house of phones on real sockets, and a call in it as CTI clients hear of it.

use std::{
    convert::Infallible,
    io::{self, Write},
    net::SocketAddr,
    path::Path,
    time::Duration,
};

use settings::Settings;
use tokio::time::{sleep, timeout};

use crate::{
    Addresses,
    client::{Console, ConsoleError, dial::DialError, dial::Server, tell},
    first_start::{self, FirstStartError},
    simulate::{Fleet, FleetError, FleetOptions, Maker, Phone, PhoneOptions},
};

/// Why the demonstration does not go on.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The server does not listen where the demonstration needs it.
    #[error("the demonstration needs {0}, which the settings switch off")]
    Off(&'static str),
    /// The passwords cannot be read.
    #[error(transparent)]
    Passwords(#[from] FirstStartError),
    /// The server cannot be reached.
    #[error(transparent)]
    Dial(#[from] DialError),
    /// A simulated phone does not do what it should.
    #[error(transparent)]
    Phones(#[from] FleetError),
    /// A client does not get what it asks for.
    #[error("the demonstration's client: {0}")]
    Client(#[from] ConsoleError),
    /// Something that should have come did not.
    #[error("the demonstration has waited in vain: {0}")]
    Silence(&'static str),
    /// The story cannot be printed.
    #[error("standard output: {0}")]
    Output(#[from] io::Error),
}

/// A phone's place, its number, and who has made it.
type Place = (&'static str, &'static str, fn() -> Maker);

/// The phones of the house.
const HOUSE: [Place; 3] = [
    ("Reception", "215", Maker::snom),
    ("Workshop", "216", Maker::yealink),
    ("Office", "217", Maker::fanvil),
];
/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// After so long without an event a scene is over.
const QUIET: Duration = Duration::from_millis(150);
/// Time to read a scene.
const PAUSE: Duration = Duration::from_millis(600);

/// Tells the story to `out`, says how to go on from there, and keeps the phones alive until it is dropped.
///
/// # Errors
/// What keeps the story from being told.
pub async fn run(
    addresses: &Addresses,
    settings: &Settings,
    data: &Path,
    out: &mut dyn Write,
) -> Result<Infallible, DemoError> {
    let _house = show(addresses, settings, data, out).await?;
    std::future::pending().await
}

/// Tells the story; the phones in it live as long as they are held.
async fn show(
    addresses: &Addresses,
    settings: &Settings,
    data: &Path,
    out: &mut dyn Write,
) -> Result<Fleet, DemoError> {
    let mut settings = settings.clone();
    // The server has made what was missing; now it is read.
    first_start::prepare(data, &mut settings)?;
    let phones = addresses.phones_tcp;
    let phones = phones.ok_or(DemoError::Off("phones.lan.tcp"))?;
    let clients = addresses.clients_tcp;
    let clients = clients.ok_or(DemoError::Off("clients.lan.tcp"))?;

    writeln!(
        out,
        "uacsta, a demonstration: three phones, two CTI clients and the server on this machine, over real sockets.\n"
    )?;
    let fleet = Fleet::start(house(phones, settings.phones.password.expose())?).await?;
    timeout(PATIENCE, fleet.ready())
        .await
        .map_err(|_| DemoError::Silence("the phones do not get under control"))?;
    for (name, number, maker) in HOUSE {
        let maker = maker();
        writeln!(
            out,
            "  {name:9}  {number}  {} {}",
            maker.name(),
            maker.model()
        )?;
    }
    writeln!(
        out,
        "\nWhat follows is what the clients say, and what they are told. Nothing else is printed."
    )?;
    let server = Server::at(&clients.to_string(), None)?;
    let (user, password) = (&settings.clients.user, settings.clients.password.expose());
    let mut story = Story {
        caller: Console::connect(&server, user, password).await?,
        watcher: Console::connect(&server, user, password).await?,
        out,
    };
    story.tell(&fleet).await?;
    story
        .out
        .write_all(invitation(addresses, user, data).as_bytes())?;
    story.out.flush()?;
    Ok(fleet)
}

fn house(server: SocketAddr, password: &str) -> Result<FleetOptions, DemoError> {
    let server = Server::at(&server.to_string(), None)?;
    let options = FleetOptions::new(server, password);
    Ok((1..)
        .zip(HOUSE)
        .fold(options, |options, (serial, (_, number, maker))| {
            let maker = maker();
            options.phone(PhoneOptions {
                mac: maker.mac(serial),
                maker,
                numbers: vec![number.into()],
            })
        }))
}

/// Two clients: one that asks, and one that watches.
struct Story<'a> {
    caller: Console,
    watcher: Console,
    out: &'a mut dyn Write,
}

impl Story<'_> {
    async fn tell(&mut self, fleet: &Fleet) -> Result<(), DemoError> {
        let [reception, workshop, office] = HOUSE.map(|(_, number, _)| number);
        self.scene("The watching client opens all three lines")?;
        for number in [reception, workshop, office] {
            self.watcher.watch(number).await?;
        }
        self.listen().await?;

        self.scene("The calling client has Reception call the Workshop (MakeCall)")?;
        self.caller.dial(reception, workshop).await?;
        self.listen().await?;

        self.scene("Somebody in the Workshop lifts the handset")?;
        phone(fleet, workshop)?.answer().await?;
        self.listen().await?;

        self.scene("The calling client has the Workshop ask the Office back (ConsultationCall)")?;
        self.control(Control::Consult(workshop, office)).await?;
        self.listen().await?;

        self.scene("The Office answers, and the Workshop transfers (AnswerCall, TransferCall)")?;
        self.control(Control::Answer(office)).await?;
        self.control(Control::Transfer(workshop)).await?;
        self.listen().await?;

        self.scene("Reception hangs up")?;
        phone(fleet, reception)?.hang_up().await?;
        self.listen().await
    }

    async fn control(&mut self, control: Control<'_>) -> Result<(), DemoError> {
        use uacsta_schema::csta::{
            AnswerCall, ConsultationCall, LocalConnectionState, TransferCall,
        };
        let client = &mut self.caller;
        let active = [LocalConnectionState::CONNECTED];
        match control {
            Control::Answer(line) => {
                let rings = [LocalConnectionState::ALERTING];
                let request = AnswerCall {
                    call_to_be_answered: client.connection(line, &rings, "rings").await?,
                    ..AnswerCall::default()
                };
                client.invoke(request).await?;
            }
            Control::Consult(line, number) => {
                let request = ConsultationCall {
                    existing_call: client.connection(line, &active, "is active").await?,
                    consulted_device: number.into(),
                    ..ConsultationCall::default()
                };
                client.invoke(request).await?;
            }
            Control::Transfer(line) => {
                let held = [LocalConnectionState::HOLD];
                let request = TransferCall {
                    held_call: client.connection(line, &held, "is held").await?,
                    active_call: client.connection(line, &active, "is active").await?,
                };
                client.invoke(request).await?;
            }
        }
        Ok(())
    }

    fn scene(&mut self, title: &str) -> Result<(), DemoError> {
        writeln!(self.out, "\n{title}")?;
        Ok(self.out.flush()?)
    }

    /// Prints what the watching client is told, until it is told nothing more.
    async fn listen(&mut self) -> Result<(), DemoError> {
        let mut wait = PATIENCE;
        while let Ok(heard) = timeout(wait, self.watcher.next()).await {
            let heard = heard?;
            wait = QUIET;
            let number = heard.line.as_ref().map_or("", |line| line.as_str());
            let name = HOUSE.iter().find(|(_, own, _)| *own == number);
            let name = name.map_or("", |(name, ..)| name);
            let now = jiff::Zoned::now();
            let told = tell(&heard.event, heard.line.as_ref()).text;
            writeln!(
                self.out,
                "  {}  {name:9}  {number}  {told}",
                now.strftime("%H:%M:%S%.3f")
            )?;
        }
        if wait == PATIENCE {
            return Err(DemoError::Silence("the watching client is told nothing"));
        }
        self.out.flush()?;
        sleep(PAUSE).await;
        Ok(())
    }
}

enum Control<'a> {
    Answer(&'a str),
    Consult(&'a str, &'a str),
    Transfer(&'a str),
}

fn phone(fleet: &Fleet, number: &str) -> Result<Phone, DemoError> {
    fleet
        .line(number)
        .ok_or(DemoError::Silence("the phone is not in the house"))
}

/// How to go on from here, in another terminal.
fn invitation(addresses: &Addresses, user: &str, data: &Path) -> String {
    let program = std::env::args()
        .next()
        .unwrap_or_else(|| "uacsta".to_owned());
    let data = data.display();
    let shown = |tcp: Option<SocketAddr>, tls: Option<SocketAddr>| {
        let shown = [(tcp, "TCP"), (tls, "TLS")]
            .map(|(address, name)| address.map(|address| format!("{address} ({name})")));
        shown.into_iter().flatten().collect::<Vec<_>>().join(", ")
    };
    let at = |address: Option<SocketAddr>, usual: u16| match address {
        Some(address) if address.port() != usual => format!(" --server {address}"),
        _ => String::new(),
    };
    let client = format!(
        "{program} client --data {data}{}",
        at(addresses.clients_tcp, 5070)
    );
    let simulate = format!(
        "{program} simulate --data {data}{}",
        at(addresses.phones_tcp, 5060)
    );
    let api = addresses
        .web
        .map(|address| format!("  API       http://{address}\n"))
        .unwrap_or_default();
    format!(
        "
The server goes on serving until Ctrl-C; then nothing of it stays.

  phones    {}; user name: the MAC address
  clients   {}; user name: {user}
{api}  passwords {data}/secrets.toml

In another terminal:

  {client} watch 215 216 217
  {client} dial 215 217
  {client} answer 217
  {client}
  {simulate} --phones 2 --maker mitel --first-extension 300
  {program} phones --data {data}
",
        shown(addresses.phones_tcp, addresses.phones_tls),
        shown(addresses.clients_tcp, addresses.clients_tls),
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use settings::Listen;

    use super::*;

    #[actix::test]
    async fn the_story_is_told_by_what_clients_hear() {
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
        let told = show(&running.addresses, &settings, folder.path(), &mut out);
        let house = timeout(Duration::from_secs(30), told).await.unwrap();
        assert_eq!(house.unwrap().phones().len(), 3);
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
