//! `uacsta licenses`: shows and adds licences, and issues them.

use std::{fmt::Write, path::PathBuf};

use clap::{Args, Subcommand};
use ed25519_dalek::SigningKey;
use reqwest::Method;
use serde_json::{Value, json};
use uacsta_actors::licence::code::{Issuer, Licence};
use uacsta_connect::{CommandError, data_dir::unreadable, parse_number, print};

use super::{
    OF_SERVER,
    query::Query,
    table::counted,
    unused_options,
    watch::{View, Watch},
};
use crate::data_dir::write_private;

/// The arguments of `licenses`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  uacsta licenses
  uacsta licenses holders
  uacsta licenses --watch
  uacsta licenses add AEAAAAAH-AAAAAGIA-...
  uacsta licenses remove 7
  uacsta licenses key issuer.key
  uacsta licenses issue --key issuer.key --serial 7 --phones 25")]
pub(super) struct Licenses {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    watch: Watch,
    #[command(flatten)]
    query: Query,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show licences and what uses them (the default)
    Show(Watch),
    /// List the phones and lines that use a licence or wait for one
    Holders(Watch),
    /// Add a licence code to the running server
    Add(Add),
    /// Remove a licence that was added to the running server
    Remove(Remove),
    #[command(args = unused_options(&OF_SERVER))]
    /// Create the key of an issuer; prints the public key to build the program with
    Key(Key),
    #[command(args = unused_options(&OF_SERVER))]
    /// Issue a licence: prints its code
    Issue(Issue),
}

#[derive(Args, Debug)]
struct Add {
    /// The code; case, spaces and dashes do not matter
    #[arg(required = true)]
    code: Vec<String>,
}

#[derive(Args, Debug)]
struct Remove {
    /// The licence's number
    #[arg(value_parser = parse_number(0..=u32::MAX))]
    serial: u32,
}

#[derive(Args, Debug)]
struct Key {
    /// File for the private key; it must not exist
    file: PathBuf,
}

#[derive(Args, Debug)]
struct Issue {
    /// File with the issuer's private key
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The licence's number, from 1: a number counts once on a server
    #[arg(long, value_name = "NUMBER", value_parser = parse_number(1..=u32::MAX))]
    serial: u32,
    /// Phones that may be connected at a time, at least 1
    #[arg(long, value_name = "COUNT", value_parser = parse_number(1..=u32::MAX))]
    phones: u32,
    /// Lines that may be monitored at a time [default: one for each phone]
    #[arg(long, value_name = "COUNT", value_parser = parse_number(1..=u32::MAX))]
    lines: Option<u32>,
}

impl Licenses {
    pub(super) fn run(self) -> Result<(), CommandError> {
        let all = self.watch.watch;
        match &self.command {
            None => self.show(all),
            Some(Command::Show(watch)) => self.show(watch.watch || all),
            Some(Command::Holders(watch)) => self.holders(watch.watch || all),
            Some(_) if all => Err(CommandError::Usage(
                "--watch shows the licences, or with holders what uses them".to_owned(),
            )),
            Some(Command::Add(add)) => {
                let body = json!({ "code": add.code.concat() });
                self.change(Method::POST, PATH, Some(&body))
            }
            Some(Command::Remove(Remove { serial })) => {
                self.change(Method::DELETE, &format!("{PATH}/{serial}"), None)
            }
            Some(Command::Key(key)) => key.run(),
            Some(Command::Issue(issue)) => issue.run(),
        }
    }

    /// Changes the licences and prints them as they are then.
    fn change(&self, method: Method, path: &str, body: Option<&Value>) -> Result<(), CommandError> {
        self.query.send(method, path, body)?;
        self.show(false)
    }

    fn show(&self, watch: bool) -> Result<(), CommandError> {
        self.view(watch, &|| self.query.get(PATH), &table)
    }

    fn holders(&self, watch: bool) -> Result<(), CommandError> {
        let read = || self.query.list(&format!("{PATH}/holders"));
        self.view(watch, &read, &holders)
    }

    fn view(
        &self,
        watch: bool,
        read: &dyn Fn() -> Result<Value, CommandError>,
        text: &dyn Fn(&Value) -> String,
    ) -> Result<(), CommandError> {
        let update = |state: &mut Value, events: &[Value]| {
            if events
                .iter()
                .any(|event| event["type"] == "licenses.changed")
            {
                *state = read()?;
            }
            Ok(())
        };
        let view = View {
            topics: "licenses",
            read,
            update: &update,
            text,
        };
        self.query.view(watch, &view)
    }
}

const PATH: &str = "/api/v1/licenses";

impl Key {
    fn run(&self) -> Result<(), CommandError> {
        if self.file.exists() {
            return Err(CommandError::Failed(format!(
                "{} exists; overwriting an issuer's key would make its licences worthless",
                self.file.display()
            )));
        }
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|error| {
            CommandError::Failed(format!("no random numbers available: {error}"))
        })?;
        let key = SigningKey::from_bytes(&seed);
        let hex = |octets: &[u8]| data_encoding::HEXLOWER.encode(octets);
        write_private(&self.file, format!("{}\n", hex(&seed)).as_bytes())
            .map_err(|error| CommandError::Failed(error.to_string()))?;
        let public = hex(key.verifying_key().as_bytes());
        print(
            format!(
                "private key written to {}; keep it secret and backed up\nbuild the program that checks its licences with\n  UACSTA_ISSUER={public} cargo build --release\n",
                self.file.display()
            )
            .as_bytes(),
        )
    }
}

impl Issue {
    fn run(&self) -> Result<(), CommandError> {
        let file = self.key.display();
        let text = std::fs::read_to_string(&self.key)
            .map_err(|error| unreadable(&self.key, &error).of_argument())?;
        let seed = data_encoding::HEXLOWER_PERMISSIVE
            .decode(text.trim().as_bytes())
            .ok()
            .and_then(|seed| <[u8; 32]>::try_from(seed).ok())
            .ok_or_else(|| {
                CommandError::Usage(format!(
                    "{file} is not an issuer's key (64 hexadecimal digits)"
                ))
            })?;
        let key = SigningKey::from_bytes(&seed);
        let licence = Licence {
            serial: self.serial,
            phones: self.phones,
            lines: self.lines.unwrap_or(self.phones),
        };
        let code = licence.code(&key);
        // The code must be accepted by the program that checks it.
        Issuer::with(&key)
            .read(&code)
            .map_err(|error| CommandError::Failed(format!("invalid licence code: it {error}")))?;
        print(format!("{code}\n").as_bytes())
    }
}

/// Licences and what uses them, as lines of text.
fn table(answer: &Value) -> String {
    let number = |of: &Value, key: &str| of.get(key).and_then(Value::as_u64);
    let mut text = String::new();
    // Writing to a String cannot fail.
    for (title, key) in [("phones", "phones"), ("lines", "lines")] {
        let of = &answer[key];
        let used = number(of, "used").unwrap_or(0);
        let _ = match number(of, "licensed") {
            Some(seats) => writeln!(text, "{title:8} {used} in use of {seats}"),
            None => writeln!(text, "{title:8} {used} in use, not limited"),
        };
    }
    match answer["licenses"].as_array() {
        None => {
            text.push_str("licences none needed: this program was built without an issuer\n");
        }
        Some(licences) => {
            for licence in licences {
                let of = |key| number(licence, key).unwrap_or(0);
                let _ = writeln!(
                    text,
                    "licence  {}: {}, {}",
                    of("serial"),
                    counted(of("phones"), "phone"),
                    counted(of("lines"), "line")
                );
            }
            let left = number(answer, "evaluationSecondsLeft").unwrap_or(0);
            let _ = match left {
                0 => writeln!(text, "trial    over"),
                left => match left.div_ceil(24 * 3600) {
                    1 => writeln!(text, "trial    less than a day left"),
                    days => writeln!(text, "trial    {days} days left"),
                },
            };
        }
    }
    for warning in answer["warnings"].as_array().into_iter().flatten() {
        let detail = warning["detail"].as_str().unwrap_or_default();
        let _ = writeln!(text, "warning  {detail}");
    }
    text
}

/// The phones and lines that use a licence or wait for one, a line each.
fn holders(list: &Value) -> String {
    let rows = list["items"].as_array().into_iter().flatten();
    let text = |row: &Value, key: &str| row[key].as_str().unwrap_or_default().replace('\n', " ");
    let line = |row: &Value| {
        let written = format!(
            "{:8} {:17}  {}",
            text(row, "state"),
            text(row, "phone"),
            text(row, "line")
        );
        format!("{}\n", written.trim_end())
    };
    let written: String = rows.map(line).collect();
    match written.is_empty() {
        true => "no phone and no line uses a licence\n".to_owned(),
        false => written,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn licences_are_listed_with_their_use() {
        let of = |used: u64, seats: Option<u64>| json!({ "used": used, "licensed": seats });
        for (answer, expected) in [
            (
                json!({ "phones": of(3, None), "lines": of(2, None), "licenses": null, "evaluationSecondsLeft": 100 }),
                "phones   3 in use, not limited\nlines    2 in use, not limited\nlicences none needed: this program was built without an issuer\n",
            ),
            (
                json!({ "phones": of(3, None), "lines": of(2, None), "licenses": [], "evaluationSecondsLeft": 100 }),
                "phones   3 in use, not limited\nlines    2 in use, not limited\ntrial    less than a day left\n",
            ),
            (
                json!({ "phones": of(0, None), "lines": of(0, None), "licenses": [], "evaluationSecondsLeft": 86_401, "warnings": [{ "detail": "it ends" }] }),
                "phones   0 in use, not limited\nlines    0 in use, not limited\ntrial    2 days left\nwarning  it ends\n",
            ),
            (
                json!({ "phones": of(3, Some(5)), "lines": of(2, Some(5)), "licenses": [{ "serial": 7, "phones": 5, "lines": 1 }], "evaluationSecondsLeft": 0 }),
                "phones   3 in use of 5\nlines    2 in use of 5\nlicence  7: 5 phones, 1 line\ntrial    over\n",
            ),
        ] {
            assert_eq!(table(&answer), expected);
        }
        let phone = json!({ "state": "holding", "phone": "00:04:13:00:00:01", "line": null });
        let line = json!({ "state": "waiting", "phone": "215", "line": "sip:215@pbx.example" });
        let expected =
            "holding  00:04:13:00:00:01\nwaiting  215                sip:215@pbx.example\n";
        assert_eq!(holders(&json!({ "items": [phone, line] })), expected);
    }
}
