//! How the phones of a maker differ from others, read from a table: names, notation, missing services, rejections.

use std::{fs, path::Path, str::FromStr, sync::Arc};

use serde::{Deserialize, Deserializer, de};
use uacsta_schema::{
    csta::{DeviceId, Dialect, Edition, EventId, ServiceId},
    mac::Mac,
    sip::{Status, digest::Algorithm},
};

/// A maker of phones. Clones share the table.
#[derive(Clone, Debug)]
pub struct Maker(Arc<Table>);

/// Why a maker's table cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MakerError {
    /// No maker of that name is built in.
    #[error(
        "unknown maker {0:?}; known are {known}; --maker-file reads the table of another",
        known = SHIPPED.map(|(name, _)| name).join(", ")
    )]
    Unknown(String),
    /// The file cannot be read.
    #[error("{file} cannot be read: {error}")]
    Unreadable {
        /// The file.
        file: String,
        /// The reason.
        error: std::io::Error,
    },
    /// The table is invalid.
    #[error("{file}, line {line}: {what}; tools/simulator/makers/README.md explains the table")]
    Wrong {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// The reason.
        what: Box<str>,
    },
}

/// The table of a maker; tools/simulator/makers/README.md explains its keys.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    name: String,
    model: String,
    user_agent: String,
    #[serde(deserialize_with = "oui")]
    oui: [u8; 3],
    #[serde(deserialize_with = "edition")]
    edition: Edition,
    prefix: String,
    declaration: String,
    blank_lines: bool,
    line: String,
    call: String,
    #[serde(deserialize_with = "refusal")]
    refusal: Status,
    refusal_document: bool,
    #[serde(deserialize_with = "challenge")]
    challenge: Option<Algorithm>,
    lacks: Vec<ServiceId>,
    omits: Vec<EventId>,
}

/// The built-in makers by their names on the command line.
const SHIPPED: [(&str, &str); 5] = [
    ("snom", include_str!("../makers/snom.toml")),
    ("yealink", include_str!("../makers/yealink.toml")),
    ("mitel", include_str!("../makers/mitel.toml")),
    ("auerswald", include_str!("../makers/auerswald.toml")),
    ("fanvil", include_str!("../makers/fanvil.toml")),
];

impl Maker {
    /// Reads a table.
    ///
    /// # Errors
    /// The file cannot be read, or its table is invalid.
    pub fn read(file: &Path) -> Result<Self, MakerError> {
        let name = || file.display().to_string();
        let text = fs::read_to_string(file).map_err(|error| MakerError::Unreadable {
            file: name(),
            error,
        })?;
        Self::parse(&text).map_err(|error| MakerError::Wrong {
            file: name(),
            line: line_of(&text, &error),
            what: uacsta_config::with_suggestion(error.message()).into(),
        })
    }

    /// All built-in makers.
    pub fn shipped() -> [Self; SHIPPED.len()] {
        SHIPPED.map(|(_, table)| Self::built_in(table))
    }

    /// snom.
    pub fn snom() -> Self {
        Self::built_in(SHIPPED[0].1)
    }

    /// Yealink.
    pub fn yealink() -> Self {
        Self::built_in(SHIPPED[1].1)
    }

    /// Fanvil.
    pub fn fanvil() -> Self {
        Self::built_in(SHIPPED[4].1)
    }

    /// The maker's name.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The MAC address of a phone of the maker. Only the lower 24 bits of `serial` count.
    pub fn mac(&self, serial: u32) -> Mac {
        let [a, b, c] = self.0.oui;
        let [_, d, e, f] = serial.to_be_bytes();
        Mac::new([a, b, c, d, e, f])
    }

    /// The phones' User-Agent.
    pub fn user_agent(&self) -> &str {
        &self.0.user_agent
    }

    /// The phones' model.
    pub fn model(&self) -> &str {
        &self.0.model
    }

    /// Whether the phones support a service.
    pub fn has(&self, service: ServiceId) -> bool {
        !self.0.lacks.contains(&service)
    }

    /// A line's DeviceID in the maker's notation.
    pub(super) fn line(&self, number: &str, host: &str) -> DeviceId {
        let line = self.0.line.replace("{number}", number);
        line.replace("{host}", host).into()
    }

    /// Template of the CallIDs, in which `{serial}` is replaced by a number.
    pub(super) fn call(&self) -> &str {
        &self.0.call
    }

    /// Whether the phones send an event.
    pub(super) fn sends(&self, event: EventId) -> bool {
        !self.0.omits.contains(&event)
    }

    /// The algorithm of the challenge to the server's INVITE, if the phones challenge it.
    pub(super) fn challenge(&self) -> Option<Algorithm> {
        self.0.challenge
    }

    /// The SIP status of a rejection, and whether it contains a CSTA error.
    pub(super) fn refusal(&self) -> (Status, bool) {
        (self.0.refusal, self.0.refusal_document)
    }

    /// Edition and prefix of the phones' documents.
    pub(super) fn dialect(&self) -> Dialect {
        let prefix = (!self.0.prefix.is_empty()).then(|| self.0.prefix.as_str().into());
        Dialect {
            edition: self.0.edition,
            prefix,
            own_name: None,
        }
    }

    /// Lays a document out as the maker's phones do. `document` begins with a declaration on a line of its own.
    pub(super) fn format(&self, document: &str) -> String {
        let root = document
            .split_once("?>")
            .map_or(document, |(_, root)| root)
            .trim_start();
        let mut text = self.0.declaration.clone();
        if !text.is_empty() {
            text.push('\n');
        }
        if self.0.blank_lines {
            // Blank lines may stand between elements, but not within text.
            text.push_str(&root.replace("><", ">\r\n\r\n<"));
        } else {
            text.push_str(root);
        }
        text
    }

    fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text).map(|table| Self(Arc::new(table)))
    }

    fn built_in(table: &str) -> Self {
        Self::parse(table).expect("a test parses the built-in tables")
    }
}

impl FromStr for Maker {
    type Err = MakerError;

    fn from_str(name: &str) -> Result<Self, MakerError> {
        let known = SHIPPED.iter().find(|(known, _)| *known == name);
        let (_, table) = known.ok_or_else(|| MakerError::Unknown(name.to_owned()))?;
        Ok(Self::built_in(table))
    }
}

/// The line of an error. A missing key is reported at line 1.
fn line_of(text: &str, error: &toml::de::Error) -> usize {
    let before = error.span().and_then(|span| text.get(..span.start));
    before.map_or(1, |before| before.matches('\n').count() + 1)
}

fn oui<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[u8; 3], D::Error> {
    let digits = String::deserialize(deserializer)?;
    let mac: Option<Mac> = format!("{digits}000000").parse().ok();
    let [a, b, c, ..] = mac
        .filter(|_| digits.len() == 6)
        .map(Mac::octets)
        .ok_or_else(|| de::Error::custom(format!("{digits:?} is not an OUI such as \"000413\"")))?;
    Ok([a, b, c])
}

fn edition<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Edition, D::Error> {
    match u8::deserialize(deserializer)? {
        2 => Ok(Edition::Ed2),
        3 => Ok(Edition::Ed3),
        4 => Ok(Edition::Ed4),
        5 => Ok(Edition::Ed5),
        6 => Ok(Edition::Ed6),
        other => Err(de::Error::custom(format!(
            "{other} is not an edition from 2 to 6"
        ))),
    }
}

fn challenge<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Algorithm>, D::Error> {
    let name = String::deserialize(deserializer)?;
    match (name.as_str(), Algorithm::parse(&name)) {
        ("", _) => Ok(None),
        (_, Some(algorithm)) => Ok(Some(algorithm)),
        (_, None) => Err(de::Error::custom(format!(
            "{name:?} is neither MD5 nor SHA-256, nor empty for no challenge"
        ))),
    }
}

fn refusal<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Status, D::Error> {
    let code = u16::deserialize(deserializer)?;
    let status = Status::new(code).filter(|_| code == 200 || (400..700).contains(&code));
    status.ok_or_else(|| {
        de::Error::custom(format!(
            "{code} is neither 200 nor a status from 400 to 699"
        ))
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use uacsta_config::Profiles;

    use super::*;

    #[test]
    fn the_server_recognises_them() {
        let profiles = Profiles::shipped();
        for maker in Maker::shipped() {
            for agent in [None, Some(maker.user_agent())] {
                let profile = profiles.recognise(maker.mac(1).oui(), agent);
                assert_eq!(profile.maker, maker.name());
            }
            let described = profiles
                .recognise([2, 0, 0], Some(maker.user_agent()))
                .describe(Some(maker.user_agent()));
            assert_eq!(described.model.as_deref(), Some(maker.model()));
        }
    }

    #[test]
    fn invalid_tables_are_rejected_with_a_reason() {
        let good = SHIPPED[0].1;
        assert!(Maker::parse(good).is_ok());
        for (from, to, says) in [
            (
                "oui = \"000413\"",
                "oui = \"0004\"",
                "\"0004\" is not an OUI",
            ),
            ("edition = 5", "edition = 7", "7 is not an edition"),
            ("refusal = 200", "refusal = 302", "302 is neither"),
            (
                "challenge = \"MD5\"",
                "challenge = \"MD4\"",
                "\"MD4\" is neither MD5 nor SHA-256",
            ),
            ("model =", "modell =", "unknown field `modell`"),
        ] {
            let error = Maker::parse(&good.replace(from, to))
                .unwrap_err()
                .to_string();
            assert!(error.contains(says), "{error}");
        }
        let error = "nortel".parse::<Maker>().unwrap_err().to_string();
        assert!(error.contains("known are snom, yealink, mitel"), "{error}");
    }

    #[test]
    fn documents_are_laid_out() {
        let document = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<A><b>1</b></A>";
        for (maker, expected) in [
            (Maker::snom(), document),
            ("auerswald".parse().unwrap(), "<A><b>1</b></A>"),
            (
                Maker::fanvil(),
                "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<A>\r\n\r\n<b>1</b>\r\n\r\n</A>",
            ),
        ] {
            assert_eq!(maker.format(document), expected);
        }
    }
}
