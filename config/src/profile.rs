//! Profiles of phone makers: how a phone is recognised, what its firmware can do, and what it needs done differently.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, de};

use crate::version;

/// What is known about the phones of one maker.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// The maker's name; empty in the generic profile.
    pub maker: String,
    /// The CSTA edition (2 to 6) spoken to a phone until it speaks another.
    pub edition: u8,
    /// Whether requests go to a phone one at a time, in order of arrival.
    pub serial: bool,
    /// Whether such a phone is offered MD5 alone, whatever the settings say.
    pub md5_only: bool,
    #[serde(deserialize_with = "ouis")]
    ouis: Vec<[u8; 3]>,
    user_agents: Vec<String>,
    #[serde(default)]
    families: Vec<String>,
    emulated: Vec<String>,
    services: BTreeMap<String, Since>,
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

/// The profiles of all makers.
#[derive(Clone, Debug)]
pub struct Profiles {
    makers: Vec<Arc<Profile>>,
    generic: Arc<Profile>,
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

    /// Whether a phone with this firmware has a service, by the name of its request (`DeflectCall`). What is unknown is
    /// assumed to be there: the phone itself refuses what it does not have.
    pub fn has(&self, service: &str, firmware: Option<&str>) -> bool {
        match self.services.get(service) {
            None | Some(Since::Known(true)) => true,
            Some(Since::Known(false)) => false,
            Some(Since::Firmware(first)) => {
                firmware.is_none_or(|firmware| version::reaches(firmware, first))
            }
        }
    }

    /// Whether a service that the phone lacks is made out of others.
    pub fn emulates(&self, service: &str) -> bool {
        self.emulated.iter().any(|name| name == service)
    }

    /// What the profile lists for a service: the first firmware that has it, `yes` or `no`.
    pub fn since(&self, service: &str) -> Option<&str> {
        self.services.get(service).map(|since| match since {
            Since::Known(true) => "yes",
            Since::Known(false) => "no",
            Since::Firmware(first) => first,
        })
    }

    fn names(&self, user_agent: &str) -> bool {
        let mut beginnings = self.user_agents.iter().chain(&self.families);
        beginnings.any(|beginning| prefix_of(user_agent, beginning))
    }
}

impl Profiles {
    /// Those that come with the program.
    pub fn shipped() -> Self {
        let parse = |text| -> Arc<Profile> {
            Arc::new(toml::from_str(text).expect("the profiles are part of the program and tested"))
        };
        Self {
            makers: vec![
                parse(include_str!("../phones/snom.toml")),
                parse(include_str!("../phones/yealink.toml")),
                parse(include_str!("../phones/mitel.toml")),
                parse(include_str!("../phones/auerswald.toml")),
                parse(include_str!("../phones/fanvil.toml")),
            ],
            generic: parse(include_str!("../phones/generic.toml")),
        }
    }

    /// The profile of a phone by what it calls itself, else by the maker's part of its MAC address, else the generic one.
    pub fn recognise(
        &self,
        oui: impl Into<Option<[u8; 3]>>,
        user_agent: Option<&str>,
    ) -> Arc<Profile> {
        let oui = oui.into();
        let named = user_agent.map(str::trim).and_then(|text| {
            let mut makers = self.makers.iter();
            makers.find(|profile| profile.names(text))
        });
        let addressed = || {
            self.makers
                .iter()
                .find(|profile| oui.is_some_and(|oui| profile.ouis.contains(&oui)))
        };
        Arc::clone(named.or_else(addressed).unwrap_or(&self.generic))
    }
}

/// From when on a service is there.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Since {
    Known(bool),
    Firmware(String),
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
        model.push(name);
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

#[cfg(test)]
mod tests {
    use super::*;

    const SNOM: [u8; 3] = [0x00, 0x04, 0x13];
    const OTHER: [u8; 3] = [0x02, 0x00, 0x00];

    #[test]
    fn user_agents() {
        let profiles = Profiles::shipped();
        for (user_agent, maker, model, firmware) in [
            ("snomD345/10.1.159.12", "snom", "D345", "10.1.159.12"),
            ("snom370/8.7.5.48", "snom", "370", "8.7.5.48"),
            ("snom105-3.56p", "snom", "105", "3.56p"),
            (
                "snomD785/10.1.46.16 000413AABBCC",
                "snom",
                "D785",
                "10.1.46.16",
            ),
            (
                "Yealink SIP-T27G 69.86.0.15",
                "Yealink",
                "T27G",
                "69.86.0.15",
            ),
            ("Yealink SIP-T22P 7.73", "Yealink", "T22P", "7.73"),
            ("YEALINK W60B 77.85.0.25", "Yealink", "W60B", "77.85.0.25"),
            ("Aastra 6867i/4.5.0.41", "Mitel", "6867i", "4.5.0.41"),
            ("Mitel 6867i/4.1.0 SP2", "Mitel", "6867i", "4.1.0 SP2"),
            ("Mitel-6869i/5.1.0.1024", "Mitel", "6869i", "5.1.0.1024"),
            (
                "Fanvil X303 2.12.18.9 0c383e63963b",
                "Fanvil",
                "X303",
                "2.12.18.9",
            ),
            ("Fanvil X3S", "Fanvil", "X3S", ""),
            (
                "COMfortel 2600 IP 2.8A",
                "Auerswald",
                "COMfortel 2600 IP",
                "2.8A",
            ),
            (
                "Auerswald COMfortel 3600 IP 2.8C",
                "Auerswald",
                "COMfortel 3600 IP",
                "2.8C",
            ),
            (
                "Grandstream GXP2200 1.0.3.27",
                "Grandstream",
                "GXP2200",
                "1.0.3.27",
            ),
            ("Cisco-CP8841/12.6.1", "Cisco", "CP8841", "12.6.1"),
            ("baresip v0.6.3 (x86_64/linux)", "baresip", "", "v0.6.3"),
            ("", "", "", ""),
        ] {
            let profile = profiles.recognise(OTHER, Some(user_agent));
            let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
            let expected = Described {
                maker: maker.to_owned(),
                model: text(model),
                firmware: text(firmware),
            };
            assert_eq!(profile.describe(Some(user_agent)), expected, "{user_agent}");
        }
    }

    #[test]
    fn recognition() {
        let profiles = Profiles::shipped();
        for (oui, user_agent, maker) in [
            (SNOM, None, "snom"),
            (SNOM, Some("Yealink SIP-T46G 28.80.0.95"), "Yealink"),
            (SNOM, Some("gateway/1.0"), "snom"),
            ([0x0c, 0x38, 0x3e], None, "Fanvil"),
            (OTHER, None, ""),
            (OTHER, Some("ünïcödë"), ""),
        ] {
            assert_eq!(
                profiles.recognise(oui, user_agent).maker,
                maker,
                "{user_agent:?}"
            );
        }
        let snom = profiles.recognise(SNOM, None);
        assert_eq!(snom.describe(Some("gateway/1.0")).model, None);
    }

    #[test]
    fn services() {
        let profiles = Profiles::shipped();
        for (user_agent, service, expected) in [
            ("snom370/8.7.3.25", "MakeCall", true),
            ("snom370/8.7.3.25", "DeflectCall", false),
            ("snom370/8.7.3.25", "MonitorStart", true),
            ("snom370/8.7.3.25", "MonitorStop", false),
            ("snom370/8.7.5.48", "SystemRegister", true),
            ("snom", "SystemRegister", true),
            ("snom370/8.7.5.48", "SnapshotCall", false),
            ("Yealink SIP-T46G 28.80.0.95", "SystemRegister", false),
            ("Yealink SIP-T46G 28.80.0.95", "SetForwarding", true),
            ("Yealink SIP-T22P 7.72", "MakeCall", false),
            ("Aastra 6867i/4.5.0.41", "SnapshotCall", true),
            ("Aastra 6867i/4.5.0.41", "SystemRegister", false),
            ("COMfortel 2600 IP 2.8A", "SystemRegister", true),
            ("COMfortel 2600 IP 2.7F", "SystemRegister", false),
            ("Fanvil X303 2.12.18.9", "SystemRegister", true),
            ("Fanvil X303 2.12.18.9", "DialDigits", false),
            ("Grandstream GXP2200 1.0.3.27", "SnapshotCall", true),
            ("snom370/8.7.5.48", "GetMessageWaitingIndicator", true),
        ] {
            let profile = profiles.recognise(OTHER, Some(user_agent));
            let firmware = profile.describe(Some(user_agent)).firmware;
            let has = profile.has(service, firmware.as_deref());
            assert_eq!(has, expected, "{user_agent} {service}");
            assert!(profile.emulates("AlternateCall") && !profile.has("AlternateCall", None));
        }
    }
}
