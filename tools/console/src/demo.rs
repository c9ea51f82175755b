//! The demonstration: simulated phones call each other, and two CTI clients control and watch the calls.

use std::{
    io::{self, Write},
    net::SocketAddr,
    path::Path,
    time::Duration,
};

use tokio::time::{sleep, timeout};
use uacsta_connect::{ConnectError, ServerAddress};
use uacsta_simulator::{Fleet, FleetError, FleetOptions, Maker, Phone, PhoneOptions};

use crate::{Console, ConsoleError, event_text};

/// The running server that the demonstration uses.
#[derive(Debug)]
pub struct DemoServer<'a> {
    /// Where phones connect over TCP.
    pub phones_tcp: SocketAddr,
    /// Where phones connect over TLS.
    pub phones_tls: Option<SocketAddr>,
    /// The password that all phones use.
    pub phones_password: &'a str,
    /// Where clients connect over TCP.
    pub clients_tcp: SocketAddr,
    /// Where clients connect over TLS.
    pub clients_tls: Option<SocketAddr>,
    /// The clients' user name.
    pub user: &'a str,
    /// The clients' password.
    pub clients_password: &'a str,
    /// Where the HTTP API listens.
    pub web: Option<SocketAddr>,
    /// The data folder.
    pub data: &'a Path,
}

/// Why the demonstration stopped.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The server cannot be reached.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The simulated phones failed.
    #[error(transparent)]
    Phones(#[from] FleetError),
    /// A client's request failed.
    #[error("the demonstration's client: {0}")]
    Client(#[from] ConsoleError),
    /// Something did not happen in time.
    #[error("demonstration timed out: {0}")]
    TimedOut(&'static str),
    /// Standard output cannot be written.
    #[error("standard output: {0}")]
    Output(#[from] io::Error),
}

/// A phone's place, number and maker.
type Place = (&'static str, &'static str, fn() -> Maker);

/// The demonstration's phones.
const PHONES: [Place; 3] = [
    ("Reception", "215", Maker::snom),
    ("Workshop", "216", Maker::yealink),
    ("Office", "217", Maker::fanvil),
];
/// How long each step may take.
const STEP_TIMEOUT: Duration = Duration::from_secs(10);
/// A scene ends after this long without an event.
const SCENE_END: Duration = Duration::from_millis(150);
/// Pause after a scene, for reading.
const PAUSE: Duration = Duration::from_millis(600);

/// Plays the demonstration and prints it to `out`. The returned phones stay connected until they are dropped.
///
/// # Errors
/// The server, a phone or a client fails, or a step takes more than 10 seconds.
pub async fn play(server: &DemoServer<'_>, out: &mut dyn Write) -> Result<Fleet, DemoError> {
    writeln!(
        out,
        "uacsta, a demonstration: three phones, two CTI clients and the server on this machine, over real sockets.\n"
    )?;
    let fleet = Fleet::start(fleet_options(server)?).await?;
    timeout(STEP_TIMEOUT, fleet.ready())
        .await
        .map_err(|_| DemoError::TimedOut("the phones do not come under control"))?;
    for (name, number, maker) in PHONES {
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
        "\nWhat follows is what the clients request, and the events that they receive."
    )?;
    let address = ServerAddress::new(&server.clients_tcp.to_string(), None)?;
    let (user, password) = (server.user, server.clients_password);
    let mut demo = Demo {
        caller: Console::connect(&address, user, password).await?,
        watcher: Console::connect(&address, user, password).await?,
        out,
    };
    demo.play(&fleet).await?;
    demo.out.write_all(next_steps(server).as_bytes())?;
    demo.out.flush()?;
    Ok(fleet)
}

fn fleet_options(server: &DemoServer<'_>) -> Result<FleetOptions, DemoError> {
    let address = ServerAddress::new(&server.phones_tcp.to_string(), None)?;
    let options = FleetOptions::new(address, server.phones_password);
    Ok((1..)
        .zip(PHONES)
        .fold(options, |options, (serial, (_, number, maker))| {
            let maker = maker();
            options.phone(PhoneOptions {
                mac: maker.mac(serial),
                maker,
                numbers: vec![number.into()],
            })
        }))
}

/// The clients: the caller sends requests, the watcher receives events.
struct Demo<'a> {
    caller: Console,
    watcher: Console,
    out: &'a mut dyn Write,
}

impl Demo<'_> {
    async fn play(&mut self, fleet: &Fleet) -> Result<(), DemoError> {
        let [reception, workshop, office] = PHONES.map(|(_, number, _)| number);
        self.scene("The watching client opens all three lines")?;
        for number in [reception, workshop, office] {
            self.watcher.watch(number).await?;
        }
        self.print_events().await?;

        self.scene("The calling client has Reception call the Workshop (MakeCall)")?;
        self.caller.dial(reception, workshop).await?;
        self.print_events().await?;

        self.scene("Somebody in the Workshop lifts the handset")?;
        phone(fleet, workshop)?.answer().await?;
        self.print_events().await?;

        self.scene("The calling client has the Workshop ask the Office back (ConsultationCall)")?;
        self.control(Control::Consult(workshop, office)).await?;
        self.print_events().await?;

        self.scene("The Office answers, and the Workshop transfers (AnswerCall, TransferCall)")?;
        self.control(Control::Answer(office)).await?;
        self.control(Control::Transfer(workshop)).await?;
        self.print_events().await?;

        self.scene("Reception hangs up")?;
        phone(fleet, reception)?.hang_up().await?;
        self.print_events().await
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

    /// Prints the watcher's events until no more arrive.
    async fn print_events(&mut self) -> Result<(), DemoError> {
        let mut wait = STEP_TIMEOUT;
        while let Ok(event) = timeout(wait, self.watcher.next()).await {
            let event = event?;
            wait = SCENE_END;
            let number = event.line.as_ref().map_or("", |line| line.as_str());
            let name = PHONES.iter().find(|(_, own, _)| *own == number);
            let name = name.map_or("", |(name, ..)| name);
            let now = jiff::Zoned::now();
            let text = event_text(&event.event, event.line.as_ref()).text;
            writeln!(
                self.out,
                "  {}  {name:9}  {number}  {text}",
                now.strftime("%H:%M:%S%.3f")
            )?;
        }
        if wait == STEP_TIMEOUT {
            return Err(DemoError::TimedOut("the watching client receives no event"));
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
        .ok_or(DemoError::TimedOut("the phone is not there"))
}

/// Commands to try next, in another terminal.
fn next_steps(server: &DemoServer<'_>) -> String {
    let program = std::env::args()
        .next()
        .unwrap_or_else(|| "uacsta".to_owned());
    let (data, user) = (server.data.display(), server.user);
    let listed = |tcp: SocketAddr, tls: Option<SocketAddr>| match tls {
        Some(tls) => format!("{tcp} (TCP), {tls} (TLS)"),
        None => format!("{tcp} (TCP)"),
    };
    let client = format!("{program} client --data {data}");
    let simulate = format!("{program} simulate --data {data}");
    let api = server
        .web
        .map(|address| format!("  API       http://{address}\n"))
        .unwrap_or_default();
    format!(
        "
The server runs until Ctrl-C; then its data is removed.

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
        listed(server.phones_tcp, server.phones_tls),
        listed(server.clients_tcp, server.clients_tls),
    )
}
