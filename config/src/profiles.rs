//! The profiles of all makers: those that come with the program, and those that the operator puts in their place.

use std::{collections::BTreeMap, fs, io, path::Path, sync::Arc};

use crate::{
    error::{SettingsError, remedy},
    profile::Profile,
    suggestion::with_suggestion,
    toml_value::{line, one_line},
};

/// The profiles of all makers.
#[derive(Clone, Debug)]
pub struct Profiles {
    makers: Vec<Arc<Profile>>,
    generic: Arc<Profile>,
}

/// The files that come with the program, by name.
const SHIPPED: [(&str, &str); 6] = [
    ("auerswald", include_str!("../phones/auerswald.toml")),
    ("fanvil", include_str!("../phones/fanvil.toml")),
    (GENERIC, include_str!("../phones/generic.toml")),
    ("mitel", include_str!("../phones/mitel.toml")),
    ("snom", include_str!("../phones/snom.toml")),
    ("yealink", include_str!("../phones/yealink.toml")),
];

/// The file for phones of any other maker.
const GENERIC: &str = "generic";

impl Profiles {
    /// The built-in profiles.
    pub fn shipped() -> Self {
        Self::load(None).expect("the profiles are part of the program and tested")
    }

    /// The built-in profiles. Files in the folder `phones` of `data` replace those of the same name (`snom.toml`) or add makers.
    ///
    /// # Errors
    /// The first file that cannot be read or is invalid, with the line.
    pub fn load(data: Option<&Path>) -> Result<Self, SettingsError> {
        let mut profiles = BTreeMap::new();
        for (name, text) in SHIPPED {
            profiles.insert(name.to_owned(), parse(name, text)?);
        }
        if let Some(data) = data {
            for (name, profile) in read(&data.join("phones"))? {
                profiles.insert(name, profile);
            }
        }
        let generic = profiles
            .remove(GENERIC)
            .expect("the generic profile is among those that come with the program");
        Ok(Self {
            makers: profiles.into_values().collect(),
            generic,
        })
    }

    /// The profile of a phone by its User-Agent, else by the OUI of its MAC address, else the generic one.
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

/// The profiles in a folder, by file name; none if the folder does not exist.
fn read(folder: &Path) -> Result<Vec<(String, Arc<Profile>)>, SettingsError> {
    let unreadable = |path: &Path, error: io::Error| {
        SettingsError::of_place(
            path.display().to_string(),
            format!("cannot be read: {error}{}", remedy(&error)),
        )
    };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unreadable(folder, error)),
    };
    let mut profiles = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| unreadable(folder, error))?.path();
        let name = path.file_stem().and_then(|name| name.to_str());
        if let (Some(name), Some("toml")) = (name, path.extension().and_then(|end| end.to_str())) {
            let text = fs::read_to_string(&path).map_err(|error| unreadable(&path, error))?;
            let profile = parse(&path.display().to_string(), &text)?;
            profiles.push((name.to_owned(), profile));
        }
    }
    Ok(profiles)
}

fn parse(place: &str, text: &str) -> Result<Arc<Profile>, SettingsError> {
    toml::from_str(text).map(Arc::new).map_err(|error| {
        let place = match error.span() {
            Some(span) => line(place, text, span.start),
            None => place.to_owned(),
        };
        SettingsError::of_place(place, with_suggestion(&one_line(error.message())))
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use uacsta_schema::csta::ServiceId;

    use super::*;
    use crate::profile::Described;

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
            ("snom370/8.7.3.25", ServiceId::MakeCall, true),
            ("snom370/8.7.3.25", ServiceId::DeflectCall, false),
            ("snom370/8.7.3.25", ServiceId::MonitorStart, true),
            ("snom370/8.7.3.25", ServiceId::MonitorStop, false),
            ("snom370/8.7.5.48", ServiceId::SystemRegister, true),
            ("snom", ServiceId::SystemRegister, true),
            ("snom370/8.7.5.48", ServiceId::SnapshotCall, false),
            (
                "Yealink SIP-T46G 28.80.0.95",
                ServiceId::SystemRegister,
                false,
            ),
            (
                "Yealink SIP-T46G 28.80.0.95",
                ServiceId::SetForwarding,
                true,
            ),
            ("Yealink SIP-T22P 7.72", ServiceId::MakeCall, false),
            ("Aastra 6867i/4.5.0.41", ServiceId::SnapshotCall, true),
            ("Aastra 6867i/4.5.0.41", ServiceId::SystemRegister, false),
            ("COMfortel 2600 IP 2.8A", ServiceId::SystemRegister, true),
            ("COMfortel 2600 IP 2.7F", ServiceId::SystemRegister, false),
            ("Fanvil X303 2.12.18.9", ServiceId::MakeCall, true),
            ("Fanvil X303 2.12.18.9", ServiceId::DialDigits, false),
            (
                "Grandstream GXP2200 1.0.3.27",
                ServiceId::SnapshotDevice,
                true,
            ),
            ("snom370/8.7.5.48", ServiceId::ButtonPress, true),
        ] {
            let profile = profiles.recognise(OTHER, Some(user_agent));
            let firmware = profile.describe(Some(user_agent)).firmware;
            let has = profile.has(service, firmware.as_deref());
            assert_eq!(has, expected, "{user_agent} {service}");
            assert!(
                profile.emulates(ServiceId::AlternateCall)
                    && !profile.has(ServiceId::AlternateCall, None)
            );
            assert!(
                profile.has(ServiceId::ReconnectCall, None)
                    && !profile.lists(ServiceId::ReconnectCall, None)
            );
        }
    }

    #[test]
    fn a_file_in_the_data_folder_takes_the_place_of_a_shipped_one() {
        let folder = tempfile::tempdir().unwrap();
        let phones = folder.path().join("phones");
        assert_eq!(
            Profiles::load(Some(folder.path())).unwrap().makers.len(),
            5,
            "none is needed"
        );
        std::fs::create_dir(&phones).unwrap();
        let snom = include_str!("../phones/snom.toml").replace("edition = 3", "edition = 5");
        std::fs::write(phones.join("snom.toml"), &snom).unwrap();
        let acme = snom
            .replace("\"snom\"", "\"Acme\"")
            .replace("\"000413\", \"1c7126\"", "\"020000\"");
        std::fs::write(phones.join("acme.toml"), acme).unwrap();
        std::fs::write(phones.join("notes.txt"), "not a profile").unwrap();
        let profiles = Profiles::load(Some(folder.path())).unwrap();
        assert_eq!(profiles.recognise(SNOM, None).edition, 5);
        assert_eq!(profiles.recognise(OTHER, None).maker, "Acme");
        assert_eq!(profiles.recognise(OTHER, Some("Acme 1/2.0")).maker, "Acme");
    }

    #[test]
    fn a_wrong_profile_is_told_with_its_line() {
        #[track_caller]
        fn check(from: &str, to: &str, expected: &str) {
            let snom = include_str!("../phones/snom.toml");
            assert!(snom.contains(from), "{from}");
            let error = parse("phones/snom.toml", &snom.replacen(from, to, 1)).unwrap_err();
            let error = error.to_string();
            // An item of a list is told by the line of its list.
            let at = if to == "\"MakeCall\"" {
                "emulated"
            } else {
                from
            };
            let line = 1 + snom[..snom.find(at).unwrap()].matches('\n').count();
            let place = format!("phones/snom.toml, line {line}: ");
            assert!(error.starts_with(&place), "{error} {place}");
            assert!(error.contains(expected), "{error}");
        }
        check(
            "edition = 3",
            "edition = 7",
            "7 is not an edition of ECMA-323",
        );
        check("edition = 3", "edition = \"3\"", "invalid type: string");
        check("serial = true", "serial = yes", "");
        check(
            "serial = true",
            "seriell = true",
            "unknown field `seriell`; did you mean `serial`?",
        );
        check("\"000413\"", "\"00041\"", "is not an OUI such as");
        check(
            "AnswerCall =",
            "AnswerCal =",
            "\"AnswerCal\" is not a service",
        );
        check(
            "= \"8.7.3\"",
            "= 8",
            "the first firmware that has the service",
        );
        check(
            "\"AlternateCall\"",
            "\"MakeCall\"",
            "MakeCall cannot be emulated",
        );
    }
}
