//! The profile of a phone maker: how its phones are recognised, what their firmware can do, and what they need done differently.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, de};
use uacsta_schema::csta::ServiceId;

use crate::service::{Emulated, Since};

/// What is known about the phones of one maker.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// The maker's name; empty in the generic profile.
    pub maker: String,
    /// The CSTA edition (2 to 6) spoken to a phone until it speaks another.
    #[serde(deserialize_with = "edition")]
    pub edition: u8,
    /// Whether requests go to a phone one at a time, in order of arrival.
    pub serial: bool,
    /// Whether such a phone is offered MD5 alone, whatever the settings say.
    pub md5_only: bool,
    #[serde(deserialize_with = "ouis")]
    pub(crate) ouis: Vec<[u8; 3]>,
    user_agents: Vec<String>,
    #[serde(default)]
    families: Vec<String>,
    emulated: Vec<Emulated>,
    services: BTreeMap<ServiceId, Since>,
}

/// What a User-Agent says about a phone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Described {
    /// The maker's name; empty where nothing tells it.
    pub maker: String,
    /// The model without its maker.
    pub model: Option<String>,
    /// The firmware version.
    pub firmware: Option<String>,
}

impl Profile {
    /// What `user_agent` says about a phone of this profile.
    pub fn describe(&self, user_agent: Option<&str>) -> Described {
        let text = user_agent.unwrap_or_default().trim();
        let prefix = self.user_agents.iter().find_map(|p| prefix(text, p));
        let (maker, rest) = match prefix {
            Some(rest) => (self.maker.as_str(), rest),
            None if self.maker.is_empty() => first_word(text),
            None if self.families.iter().any(|f| prefix_of(text, f)) => (self.maker.as_str(), text),
            // Recognised by its address alone: the User-Agent names something else.
            None => (self.maker.as_str(), ""),
        };
        let (model, firmware) = model_and_firmware(rest);
        Described {
            maker: maker.to_owned(),
            model,
            firmware,
        }
    }

    /// Whether a phone with this firmware has a service. What the profile does not list counts as there: the phone itself
    /// rejects what it does not have.
    pub fn has(&self, service: ServiceId, firmware: Option<&str>) -> bool {
        self.services
            .get(&service)
            .is_none_or(|since| since.reached(firmware))
    }

    /// Whether a phone with this firmware is known to have a service.
    pub fn lists(&self, service: ServiceId, firmware: Option<&str>) -> bool {
        self.services
            .get(&service)
            .is_some_and(|since| since.reached(firmware))
    }

    /// Whether the server emulates a service that the phone lacks.
    pub fn emulates(&self, service: ServiceId) -> bool {
        self.emulated.contains(&Emulated(service))
    }

    /// What the profile lists for a service: the first firmware that has it, `yes` or `no`.
    pub fn since(&self, service: ServiceId) -> Option<&str> {
        self.services.get(&service).map(|since| match since {
            Since::Known(true) => "yes",
            Since::Known(false) => "no",
            Since::Firmware(first) => first.as_str(),
        })
    }

    /// Whether a User-Agent is that of a phone of this maker.
    pub(crate) fn names(&self, user_agent: &str) -> bool {
        let mut beginnings = self.user_agents.iter().chain(&self.families);
        beginnings.any(|beginning| prefix_of(user_agent, beginning))
    }
}

fn ouis<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<[u8; 3]>, D::Error> {
    let digits = Vec::<String>::deserialize(deserializer)?;
    let parse = |text: &String| {
        let number = u32::from_str_radix(text, 16)
            .ok()
            .filter(|_| text.len() == 6);
        let [_, oui @ ..] = number.map(u32::to_be_bytes).ok_or_else(|| {
            de::Error::custom(format!("{text:?} is not an OUI such as \"000413\""))
        })?;
        Ok(oui)
    };
    digits.iter().map(parse).collect()
}

fn edition<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u8, D::Error> {
    match u8::deserialize(deserializer)? {
        edition @ 2..=6 => Ok(edition),
        other => Err(de::Error::custom(format!(
            "{other} is not an edition of ECMA-323; those from 2 to 6 are spoken"
        ))),
    }
}

/// What follows `beginning`, in any case, in `text`.
fn prefix<'a>(text: &'a str, beginning: &str) -> Option<&'a str> {
    let head = text.get(..beginning.len())?;
    head.eq_ignore_ascii_case(beginning)
        .then(|| &text[beginning.len()..])
}

fn prefix_of(text: &str, beginning: &str) -> bool {
    prefix(text, beginning).is_some()
}

fn first_word(text: &str) -> (&str, &str) {
    text.split_at(text.find([' ', '/', '-']).unwrap_or(text.len()))
}

/// Takes `D345/10.1.159.12`, `T27G 69.86.0.15` or `X303 2.12.18.9 0c383e63963b` apart.
fn model_and_firmware(text: &str) -> (Option<String>, Option<String>) {
    let text = text.split('(').next().unwrap_or_default();
    let (mut model, mut firmware) = match text.split_once('/') {
        Some((model, firmware)) => (words(model), words(firmware)),
        None => {
            let mut model = words(text);
            let version = model.iter().position(|word| is_version(word));
            let firmware = model.split_off(version.unwrap_or(model.len()));
            (model, firmware)
        }
    };
    // Old snom firmware writes snom105-3.56p.
    if firmware.is_empty()
        && let Some((name, version)) = model.last().and_then(|word| word.rsplit_once('-'))
        && is_version(version)
    {
        model.pop();
        model.extend(words(name));
        firmware.push(version);
    }
    let joined = |words: Vec<&str>| (!words.is_empty()).then(|| words.join(" "));
    (joined(model), joined(firmware))
}

/// The words of a User-Agent; a phone's own MAC address, which some makers add, says nothing about its kind.
fn words(text: &str) -> Vec<&str> {
    text.split_whitespace()
        .map(|word| word.trim_matches(['-', '_', ',', ';']))
        .filter(|word| !word.is_empty() && !is_mac(word))
        .collect()
}

fn is_version(word: &str) -> bool {
    let word = word.trim_start_matches(['v', 'V']);
    let after = word.trim_start_matches(|c: char| c.is_ascii_digit());
    after.len() < word.len() && after.starts_with('.')
}

fn is_mac(word: &str) -> bool {
    let digits = word.bytes().filter(u8::is_ascii_hexdigit).count();
    let others = word.bytes().filter(|byte| !byte.is_ascii_hexdigit());
    digits == 12 && others.into_iter().all(|byte| matches!(byte, b':' | b'-'))
}
