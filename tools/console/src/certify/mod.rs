//! `uacsta certify`: tries every service of a phone and reports where it contradicts its maker's profile.

mod calls;
mod device_under_test;
mod features;
mod report;
mod unfinished;

use std::path::PathBuf;

use clap::Args;
use clap_complete::ArgValueCompleter;
use device_under_test::DeviceUnderTest;
use report::Report;
use serde::Deserialize;
use uacsta_connect::{ApiArgs, CommandError, StopWatch, print};
use uacsta_schema::{csta::DeviceId, phone_id::PhoneId};
use unfinished::broken_off;

/// The arguments of `certify`.
#[derive(Args, Debug)]
#[command(
    after_help = "Without --call nobody is disturbed: settings are set to their present values, and services that need
a call are tried on a nonexistent one, which most phones that have the service reject with another
error than phones that lack it. A phone that is in a call is not tested.

The phone gets a second monitor and registration for a moment. A phone that keeps only one of each
loses the server's: uacsta phones off MAC, then on, opens a new session.

With --call the phone makes several calls to NUMBER, which must answer by itself, take two calls,
and hang up by itself. With --caller another phone of this server calls the phone, so that
AnswerCall and DeflectCall are tried too.

Ctrl-C clears the calls of the test and stops its monitor.

Exit code: 0 when the phone does what its profile says, 1 when it contradicts it, 130 after Ctrl-C.

Examples:
  uacsta certify 00:04:13:aa:bb:cc
  uacsta certify 000413aabbcc --call 0301234567 --caller 216 --save /tmp"
)]
pub struct Certify {
    /// MAC address, with or without separators, or the extension that the phone is listed under
    #[arg(value_name = "PHONE", value_parser = uacsta_connect::parse_phone, add = ArgValueCompleter::new(uacsta_connect::completion::phones))]
    mac: PhoneId,
    /// The phone's line, where it has several [default: the first]
    #[arg(long, value_name = "NUMBER")]
    line: Option<String>,
    /// Have the phone call this number
    #[arg(long, value_name = "NUMBER")]
    call: Option<String>,
    /// Have this line of another phone call the phone
    #[arg(long, value_name = "NUMBER", requires = "call")]
    caller: Option<String>,
    /// Folder for the table as certify-MAC.md and certify-MAC.json
    #[arg(long, value_name = "DIR", default_value = ".")]
    save: PathBuf,
    /// Print the JSON instead of the table
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ApiArgs,
}

/// A phone as the API lists it.
#[derive(Clone, Debug, Default, Deserialize)]
struct Listed {
    id: String,
    maker: String,
    model: Option<String>,
    firmware: Option<String>,
    state: String,
    lines: Vec<String>,
    reason: Option<Reason>,
}

/// Why a phone cannot be controlled.
#[derive(Clone, Debug, Deserialize)]
struct Reason {
    detail: String,
}

impl Certify {
    /// Tries every service, prints and saves the report.
    ///
    /// # Errors
    /// The phone contradicts its profile, or cannot be tried; with the exit code.
    pub fn run(self) -> Result<(), CommandError> {
        // The tries take minutes and disturb the phone: not for a report that cannot be kept.
        report::check_folder(&self.save)?;
        let phones = self.phones()?;
        let mac = self.mac.to_string();
        let unknown = || CommandError::Failed(format!("no phone {mac} in the phone list"));
        let phone = phones.iter().find(|phone| phone.id == mac);
        let phone = phone.ok_or_else(unknown)?;
        if phone.state != "controlled" {
            let reason = phone.reason.as_ref().map(|reason| &reason.detail);
            let reason = reason.unwrap_or(&phone.state);
            return Err(CommandError::Failed(format!(
                "{mac} cannot be asked: {reason}; see uacsta phones"
            )));
        }
        let line = line(phone, self.line.as_deref())?;
        let stop = StopWatch::start()
            .map_err(|error| CommandError::Failed(format!("cannot wait for signals: {error}")))?;
        let mut dut = DeviceUnderTest::new(&self.server, self.mac, line, &stop);
        let caller = self.caller.as_deref();
        let mut caller = caller
            .map(|number| self.other(&phones, number, &stop))
            .transpose()?;
        if let Err(error) = self.try_all(&mut dut, caller.as_mut()) {
            return Err(broken_off(error, [&dut].into_iter().chain(&caller)));
        }
        let report = Report::new(phone, dut);
        let saved = report.save(&self.save, self.mac)?;
        let text = match self.json {
            true => format!("{:#}\n", report.json()),
            false => format!("{}\nSaved as {saved}\n", report.table()),
        };
        print(text.as_bytes())?;
        report.verdict()
    }

    fn try_all(
        &self,
        dut: &mut DeviceUnderTest<'_>,
        caller: Option<&mut DeviceUnderTest<'_>>,
    ) -> Result<(), CommandError> {
        dut.require_idle()?;
        features::try_all(dut)?;
        match &self.call {
            None => calls::try_without(dut),
            Some(number) => calls::try_with(dut, number, caller),
        }
    }

    fn phones(&self) -> Result<Vec<Listed>, CommandError> {
        let mut list = self.server.list("/api/v1/phones")?;
        serde_json::from_value(list["items"].take())
            .map_err(|error| CommandError::Failed(format!("unexpected phone list: {error}")))
    }

    /// The line of another phone that makes the calls.
    fn other<'a>(
        &'a self,
        phones: &[Listed],
        number: &str,
        stop: &'a StopWatch,
    ) -> Result<DeviceUnderTest<'a>, CommandError> {
        let owner = phones.iter().find_map(|phone| {
            let line = line(phone, Some(number)).ok()?;
            Some((phone.id.parse().ok()?, line))
        });
        let nobody =
            || CommandError::Usage(format!("no phone of this server has the line {number}"));
        let (mac, line) = owner.ok_or_else(nobody)?;
        if mac == self.mac {
            return Err(CommandError::Usage(format!(
                "{number} is a line of the phone itself; name another phone's with --caller"
            )));
        }
        Ok(DeviceUnderTest::new(&self.server, mac, line, stop))
    }
}

/// The phone's line with that number, or its first line.
fn line(phone: &Listed, number: Option<&str>) -> Result<DeviceId, CommandError> {
    let lines = || phone.lines.iter().map(|line| DeviceId::from(line.as_str()));
    let found = match number {
        None => lines().next(),
        Some(number) => lines().find(|line| line.user() == number),
    };
    found.ok_or_else(|| {
        let known: Vec<_> = lines().map(|line| line.user().to_owned()).collect();
        CommandError::Usage(format!(
            "{} has no such line; its lines are: {}",
            phone.id,
            known.join(", ")
        ))
    })
}
