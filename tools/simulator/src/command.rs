//! `uacsta simulate`: starts simulated phones.

use std::{
    io::{self, Write},
    path::PathBuf,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use clap::Args;
use uacsta_connect::{
    CommandError, ConnectArgs, ServerAddress, Side, parse_number, stop_signal, with_cause,
};
use uacsta_schema::{escape_controls, mac::Mac};

use crate::{
    Fleet, FleetError, FleetOptions, Maker, Phone, PhoneOptions, Script, Stage, keep_calling,
    script::STEPS,
};

/// The arguments of `simulate`.
#[derive(Args, Clone, Debug)]
#[command(after_help = help())]
pub struct Simulate {
    #[command(flatten)]
    connect: ConnectArgs,
    /// Number of phones
    #[arg(long, value_name = "COUNT", default_value_t = 3, value_parser = parse_number(1..=100_000_u32))]
    phones: u32,
    /// Maker of the phones: snom, yealink, mitel, auerswald or fanvil
    #[arg(long, default_value = "snom")]
    maker: Maker,
    /// Table with the behaviour of a maker's phones [example: tools/simulator/makers/snom.toml]
    #[arg(long, value_name = "FILE", conflicts_with = "maker")]
    maker_file: Option<PathBuf>,
    /// The first phone's MAC address; the others follow [default: the number in hexadecimal]
    #[arg(long, value_name = "MAC")]
    first_mac: Option<Mac>,
    /// The first phone's number; the others follow it
    #[arg(long, value_name = "NUMBER", default_value_t = 215, value_parser = parse_number(1..=u32::MAX))]
    first_extension: u32,
    /// Lines of each phone
    #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = parse_number(1..=50_u32))]
    lines: u32,
    /// The host part of the lines' identities
    #[arg(long, value_name = "HOST", default_value = "pbx.example")]
    domain: String,
    /// Make this many calls a minute between the phones [default: none]
    #[arg(long, value_name = "RATE", value_parser = parse_rate)]
    calls_per_minute: Option<f64>,
    /// Carry out this script, one step a line, then go on
    #[arg(long, value_name = "FILE")]
    script: Option<PathBuf>,
}

/// How often the number of registered phones is printed, if it changed.
const REPORT_INTERVAL: Duration = Duration::from_secs(1);
/// How long the numbers of phones stand still before phones without a session are explained.
const SETTLING_TIME: Duration = Duration::from_secs(5);
/// How often the number of calls is printed.
const COUNT_INTERVAL: Duration = Duration::from_secs(10);

impl Simulate {
    /// Runs the phones until Ctrl-C.
    ///
    /// # Errors
    /// Why it failed, with the exit code.
    pub fn run(self) -> Result<(), CommandError> {
        let script = self.script()?;
        if self.calls_per_minute.is_some() && self.phones < 2 {
            let text = "--calls-per-minute needs at least 2 phones";
            return Err(CommandError::Usage(text.to_owned()));
        }
        let maker = self.maker()?;
        let target = self.connect.target(Side::Phones)?;
        let cause = LikelyCause {
            wrong_port: target.wrong_port,
            password_source: target.password_source,
            is_secure: target.server.is_secure(),
        };
        let options = self.options(&maker, target.server, &target.password);
        actix_rt::System::new().block_on(async {
            let fleet = Fleet::start(options).await?;
            tokio::select! {
                // First, so that the signals have their handlers before anything is printed.
                biased;
                () = stop_signal() => Ok(()),
                ended = self.run_fleet(&fleet, script.as_ref(), &cause) => ended,
            }
        })
    }

    /// Reports progress, carries out the script and makes the calls; ends only on failure.
    async fn run_fleet(
        &self,
        fleet: &Fleet,
        script: Option<&Script>,
        cause: &LikelyCause,
    ) -> Result<(), CommandError> {
        let made = AtomicU64::new(0);
        let actions = async {
            fleet.ready().await;
            if let Some(script) = script {
                script.play(fleet, |_| ()).await?;
            }
            match self.calls_per_minute {
                Some(rate) => keep_calling(fleet, rate, &made).await,
                None => std::future::pending().await,
            }
            Ok::<(), crate::ScriptError>(())
        };
        tokio::select! {
            ended = actions => ended.map_err(|error| CommandError::Failed(error.to_string())),
            ended = report(fleet, cause, &made) => ended,
        }
    }

    fn maker(&self) -> Result<Maker, CommandError> {
        match &self.maker_file {
            None => Ok(self.maker.clone()),
            Some(file) => Maker::read(file).map_err(|error| CommandError::Usage(error.to_string())),
        }
    }

    fn options(&self, maker: &Maker, server: ServerAddress, password: &str) -> FleetOptions {
        let mut options = FleetOptions::new(server, password).domain(&self.domain);
        for index in 0..self.phones {
            let first = self.first_extension.saturating_add(index * self.lines);
            let mac = match self.first_mac {
                Some(mac) => following(mac, index),
                None => maker.mac(first),
            };
            options = options.phone(PhoneOptions {
                maker: maker.clone(),
                mac,
                numbers: (0..self.lines)
                    .map(|line| first.saturating_add(line).to_string().into())
                    .collect(),
            });
        }
        options
    }

    fn script(&self) -> Result<Option<Script>, CommandError> {
        let Some(path) = &self.script else {
            return Ok(None);
        };
        let text = std::fs::read_to_string(path).map_err(|error| {
            CommandError::Usage(format!("{} cannot be read: {error}", path.display()))
        })?;
        let script = Script::parse(path, &text);
        script
            .map(Some)
            .map_err(|error| CommandError::Usage(error.to_string()))
    }
}

/// What the cause of phones that do not register may be.
struct LikelyCause {
    wrong_port: Option<String>,
    password_source: String,
    is_secure: bool,
}

impl LikelyCause {
    /// The likely cause of a phone's error.
    fn of(&self, trouble: &str) -> Option<String> {
        if let Some(cause) = &self.wrong_port {
            return Some(cause.clone());
        }
        if trouble.contains("401") || trouble.contains("403") {
            let from = &self.password_source;
            return Some(format!(
                "check the phones' password ({from}); or is that the port of clients?"
            ));
        }
        let is_closed = !trouble.starts_with("cannot connect") && !trouble.contains("REGISTER");
        (is_closed && !self.is_secure).then(|| "if that port expects TLS, add --tls".to_owned())
    }
}

/// Prints how many phones are registered and under control, and the latest error, when they change.
async fn report(fleet: &Fleet, cause: &LikelyCause, made: &AtomicU64) -> Result<(), CommandError> {
    let mut before = String::new();
    let mut counted = tokio::time::Instant::now();
    let mut shown_calls = 0;
    let mut was_registered = false;
    let all = fleet.phones().len();
    let noun = if all == 1 { "phone" } else { "phones" };
    let mut settled = ([0, 0], tokio::time::Instant::now());
    loop {
        let [registered, listed] =
            [Stage::Registered, Stage::Listed].map(|stage| fleet.count(stage));
        let mut now = format!("{all} {noun}: {registered} registered, {listed} under control");
        if settled.0 != [registered, listed] {
            settled = ([registered, listed], tokio::time::Instant::now());
        }
        if registered > listed && settled.1.elapsed() >= SETTLING_TIME {
            now += "; the others may be switched off: uacsta phones says why, enable with uacsta phones on MAC";
        }
        let calls = made.load(Ordering::Relaxed);
        if calls > 0 && counted.elapsed() >= COUNT_INTERVAL {
            counted = tokio::time::Instant::now();
            shown_calls = calls;
        }
        if shown_calls > 0 {
            now = format!("{now}, {shown_calls} calls made");
        }
        was_registered |= registered > 0;
        let troubles = fleet.phones().iter().filter_map(Phone::trouble);
        if let Some((_, trouble)) = troubles.max() {
            // Settings with which phones have registered are right.
            let cause = cause.of(&trouble).filter(|_| !was_registered);
            let told =
                cause.map_or_else(|| trouble.to_string(), |cause| with_cause(&trouble, &cause));
            now = format!("{now} ({told}; trying again)");
        }
        if before != now {
            let mut out = io::stdout().lock();
            let shown = escape_controls(&now, &[]);
            writeln!(out, "{shown}").map_err(|error| CommandError::Failed(error.to_string()))?;
            before = now;
        }
        tokio::time::sleep(REPORT_INTERVAL).await;
    }
}

fn parse_rate(text: &str) -> Result<f64, String> {
    let rate = text.parse().ok();
    rate.filter(|rate| *rate > 0.0 && *rate <= 1e6)
        .ok_or_else(|| "must be a number above 0, and at most 1000000".to_owned())
}

fn help() -> String {
    format!(
        "The phones call each other by their numbers. Numbers that begin with 0 or + are outside and answer
after two seconds: 01... rings for ever, 02... is busy, 03... does not exist, 04... answers at once.

The password is that of --password-file, else of UACSTA_PHONES_PASSWORD, else of the settings of the
server with the data folder.

Steps of a script, where N is the number of a line:
{}

Examples:
  uacsta simulate --phones 3 --maker snom
  uacsta simulate --phones 1000 --maker yealink --calls-per-minute 300
  uacsta simulate --server pbx.example:5061 --tls --ca ca.pem
  uacsta simulate --phones 3 --script calls.txt
  uacsta simulate --maker-file my-maker.toml",
        wrapped(STEPS)
    )
}

/// The items of a list that commas separate, in indented lines of at most 100 characters.
fn wrapped(list: &str) -> String {
    let mut lines = vec![String::from(" ")];
    for item in list.split_inclusive(", ").map(str::trim_end) {
        match lines.last_mut() {
            Some(line) if line.len() + item.len() < 100 => *line += &format!(" {item}"),
            _ => lines.push(format!("  {item}")),
        }
    }
    lines.join("\n")
}

/// The MAC address `index` addresses after `mac`.
fn following(mac: Mac, index: u32) -> Mac {
    let [a, b, c, d, e, f] = mac.octets();
    let low = u32::from_be_bytes([c, d, e, f]).wrapping_add(index);
    let [c, d, e, f] = low.to_be_bytes();
    Mac::new([a, b, c, d, e, f])
}

impl From<FleetError> for CommandError {
    fn from(error: FleetError) -> Self {
        match error {
            FleetError::Twice(_) => Self::Usage(error.to_string()),
            FleetError::Refused(_) | FleetError::NoLine(_) | FleetError::Stopped => {
                Self::Failed(error.to_string())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn addresses_are_consecutive() {
        let mac: Mac = "000413fffffe".parse().unwrap();
        assert_eq!(following(mac, 3).bare(), "000414000001");
    }
}
