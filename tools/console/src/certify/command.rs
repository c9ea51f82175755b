//! The command `uacsta certify`: its arguments, its requests over the API, what it prints and saves.

use std::{
    path::PathBuf,
    pin::pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

use clap::Args;
use reqwest::Method;
use serde_json::json;
use uacsta_connect::{ApiArgs, CommandError, ProbeResult, StopWatch, print};
use uacsta_schema::phone_id::PhoneId;

use super::{
    asker::{Asker, Later},
    certification::{Certification, Listed, Wanted},
    report,
};

/// The arguments of `certify`.
#[derive(Args, Debug)]
#[command(
    after_help = "Without --call nobody is disturbed: settings are set to their present values, and services that need
a call are tried on a nonexistent one, which most phones that have the service reject with another
error than phones that lack it. A phone that is in a call is not tested.

The phone gets a second monitor and registration for a moment. A phone that keeps only one of each
loses the server's: uacsta phones restart-session PHONE opens a new session.

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
    #[command(flatten)]
    wanted: Wanted,
    /// Folder for the table as certify-MAC.md and certify-MAC.json
    #[arg(long, value_name = "DIR", default_value = ".")]
    save: PathBuf,
    /// Print the JSON instead of the table
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ApiArgs,
}

/// Asks over the API, until a signal arrives.
struct ApiAsker<'a> {
    server: &'a ApiArgs,
    stop: StopWatch,
}

impl Asker for ApiAsker<'_> {
    fn ask(&self, phone: PhoneId, request: String) -> Later<'_, Result<ProbeResult, CommandError>> {
        let body = json!({ "request": request });
        let path = format!("/api/v1/phones/{}/csta", phone.bare());
        let result = self.server.request(Method::POST, &path, Some(&body));
        Box::pin(std::future::ready(result))
    }

    fn wait(&self, time: Duration) -> Later<'_, bool> {
        Box::pin(std::future::ready(self.stop.wait(time)))
    }
}

impl Certify {
    /// Tries every service, prints and saves the report.
    ///
    /// # Errors
    /// The phone contradicts its profile, or cannot be tried; with the exit code.
    pub fn run(self) -> Result<(), CommandError> {
        // The tries take minutes and disturb the phone: not for a report that cannot be kept.
        report::check_folder(&self.save)?;
        let certification = Certification::new(&self.wanted, &self.phones()?)?;
        let stop = StopWatch::start()
            .map_err(|error| CommandError::Failed(format!("cannot wait for signals: {error}")))?;
        let asker = ApiAsker {
            server: &self.server,
            stop,
        };
        let report = completed(certification.run(&asker))?;
        let saved = report.save(&self.save, self.wanted.phone)?;
        let text = match self.json {
            true => format!("{:#}\n", report.json()),
            false => format!("{}\nSaved as {saved}\n", report.table()),
        };
        print(text.as_bytes())?;
        report.verdict()
    }

    fn phones(&self) -> Result<Vec<Listed>, CommandError> {
        let mut list = self.server.list("/api/v1/phones")?;
        serde_json::from_value(list["items"].take())
            .map_err(|error| CommandError::Failed(format!("unexpected phone list: {error}")))
    }
}

/// The output of a future that waits for nothing but [`ApiAsker`], which blocks.
fn completed<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
}
