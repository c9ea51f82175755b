//! `uacsta bundle`: has the server build a support bundle, and downloads it.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write as _},
    ops::ControlFlow,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use clap::Args;
use clap_complete::ArgValueCompleter;
use reqwest::Method;
use serde_json::{Value, json};
use uacsta_connect::{ApiArgs, CommandError, completion, print};
use uacsta_schema::phone_id::PhoneId;

use super::output::note;

/// The arguments of `bundle`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  uacsta bundle
  uacsta bundle --phone 00:04:13:aa:bb:cc --phone 215 --output fault.zip

The zip file has the version, the state of the server, its settings without secrets, the
certificate's dates and names, metrics, all phones with the reasons why they are not controlled, the
last 64 MiB of the log, and the last messages of each phone that is named. Messages and log have
numbers and names of callers: look before you give it away.")]
pub(super) struct Bundle {
    /// Add the last messages of this phone; may be given up to 16 times
    #[arg(long = "phone", value_name = "PHONE", value_parser = uacsta_connect::parse_phone, add = ArgValueCompleter::new(completion::phones))]
    phones: Vec<PhoneId>,
    /// The file to write [default: uacsta-bundle-DATE-TIME.zip in the current folder]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    server: ApiArgs,
}

/// How often the server is asked whether the bundle is done.
const INTERVAL: Duration = Duration::from_millis(300);

impl Bundle {
    pub(super) fn run(self) -> Result<(), CommandError> {
        let body = json!({ "phones": self.phones });
        let path = "/api/v1/bundles";
        let mut operation: Value = self.server.request(Method::POST, path, Some(&body))?;
        let id = operation["id"].as_str().unwrap_or_default().to_owned();
        let place = format!("/api/v1/operations/{id}");
        while operation["state"] == "running" {
            thread::sleep(INTERVAL);
            operation = self.server.request(Method::GET, &place, None)?;
        }
        let Some(url) = operation.pointer("/results/url").and_then(Value::as_str) else {
            let detail = operation.pointer("/problem/detail").and_then(Value::as_str);
            let detail = detail.unwrap_or("the operation was cancelled");
            return Err(CommandError::Failed(detail.to_owned()));
        };
        let file = self.output.clone().unwrap_or_else(default_name);
        let cannot = |error: io::Error| {
            CommandError::Failed(format!("cannot write {}: {error}", file.display()))
        };
        let mut output = create(&file).map_err(cannot)?;
        self.server.download(url, "application/zip", |octets| {
            output.write_all(octets).map_err(cannot)?;
            Ok(ControlFlow::Continue(()))
        })?;
        // It makes room on the server's disk.
        let _: Value = self.server.request(Method::DELETE, &place, None)?;
        print(format!("{}\n", file.display()).as_bytes())?;
        self.tell_of_phones_without_messages();
        Ok(())
    }

    /// The bundle is none the worse, but a name may be mistyped.
    fn tell_of_phones_without_messages(&self) {
        for phone in &self.phones {
            let path = format!(
                "/api/v1/phones/{}/trace",
                super::percent_encoded(&phone.bare())
            );
            let why = match self.server.request::<Value>(Method::GET, &path, None) {
                Ok(kept) if kept["items"].as_array().is_some_and(Vec::is_empty) => {
                    "none are kept".to_owned()
                }
                Ok(_) => continue,
                Err(error) => error.to_string(),
            };
            note(&format!("no messages of {phone} are in the bundle: {why}"));
        }
    }
}

/// By local time.
fn default_name() -> PathBuf {
    let now = jiff::Zoned::now().strftime("%Y%m%d-%H%M%S").to_string();
    format!("uacsta-bundle-{now}.zip").into()
}

/// Creates a file that its owner alone may read.
fn create(file: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(file)
}
