//! A phone maker's profile is taken whole or refused in one short line, and what it makes of a User-Agent can be told again.

use std::{fs, path::Path};

use uacsta_config::{Described, Profile, Profiles};
use uacsta_schema::csta::ServiceId;

/// A profile with this text, in the folder `scratch`; its first line, a comment, is what a phone calls itself.
pub(crate) fn holds(text: &[u8], scratch: &Path) {
    let folder = scratch.join("phones");
    fs::create_dir_all(&folder).expect("the folder can be written");
    fs::write(folder.join("snom.toml"), text).expect("the folder can be written");
    match Profiles::load(Some(scratch)) {
        Err(error) => {
            let problem = error.to_string();
            let said = problem.replace(&folder.display().to_string(), "");
            assert!(said.len() <= 1024 && !said.contains('\n'), "{said:.200}");
        }
        Ok(profiles) => {
            let text = String::from_utf8_lossy(text);
            let first = text.lines().next().unwrap_or_default();
            let user_agent = first.trim_start_matches('#').trim();
            describes(&profiles, user_agent);
        }
    }
}

fn describes(profiles: &Profiles, user_agent: &str) {
    let profile = profiles.recognise(None, Some(user_agent));
    let shouted = profiles.recognise(None, Some(&user_agent.to_ascii_uppercase()));
    assert_eq!(
        shouted.maker, profile.maker,
        "User-Agents are told apart without case"
    );
    let described = profile.describe(Some(user_agent));
    assert!((2..=6).contains(&profile.edition));
    let firmware = described.firmware.as_deref();
    for service in [
        ServiceId::MakeCall,
        ServiceId::SnapshotCall,
        ServiceId::DialDigits,
        ServiceId::ParkCall,
    ] {
        is_consistent(&profile, service, firmware);
    }
    if profile.maker.is_empty() {
        told_again(&profile, &described);
    }
}

fn is_consistent(profile: &Profile, service: ServiceId, firmware: Option<&str>) {
    let has = profile.has(service, firmware);
    match profile.since(service) {
        None => assert!(has && !profile.lists(service, firmware)),
        Some("yes") => assert!(has),
        Some("no") => assert!(!has || firmware.is_none()),
        Some(first) => {
            assert_eq!(profile.lists(service, firmware), has);
            assert!(profile.has(service, Some(first)), "{first} has what it has");
        }
    }
}

/// Maker, model and firmware, put together as `maker model/firmware`, are taken apart as the same.
fn told_again(generic: &Profile, described: &Described) {
    let part = |part: &Option<String>| part.clone().unwrap_or_default();
    let (model, firmware) = (part(&described.model), part(&described.firmware));
    let again = format!("{} {model}/{firmware}", described.maker);
    assert_eq!(&generic.describe(Some(&again)), described, "{again:?}");
}
