//! Tests of the directory: look-ups, the list of lines and its pages.
#![allow(clippy::unwrap_used)]

use uacsta_config::Numbers;

use super::*;

const FIRST: &str = "00:04:13:00:00:01";
const SECOND: &str = "00:04:13:00:00:02";

fn directory() -> Directory {
    let mut directory = Directory::default();
    let ids = |lines: &[&str]| {
        lines
            .iter()
            .map(|line| DeviceId::from((*line).to_owned()))
            .collect::<Vec<_>>()
    };
    directory.set(
        FIRST.parse().unwrap(),
        ids(&[
            "sip:000413000001@pbx",
            "sip:215@pbx.example",
            "sip:+4930123@pbx.example",
            "sip:300@pbx.example",
            "sip:400@a",
            "sip:220@a:5060",
            "sip:220@A",
            "220@a",
            "sip:493012345678@pbx.example",
        ]),
    );
    directory.set(
        SECOND.parse().unwrap(),
        ids(&["sip:300@pbx.example", "sip:400@b"]),
    );
    directory.set("000413000003".parse().unwrap(), ids(&[]));
    directory.set("500".parse().unwrap(), ids(&[]));
    directory.set("501".parse().unwrap(), ids(&["sip:501@pbx.example"]));
    directory.set("502".parse().unwrap(), ids(&["sip:503@pbx.example"]));
    directory
}

#[track_caller]
fn finds(name: &str, expected: Result<(&str, &str), NoLine>) {
    let found = directory().find(&DeviceId::from(name.to_owned()), None);
    let found = found.map(|entry| (entry.phone.to_string(), entry.device.as_str().to_owned()));
    assert_eq!(
        found,
        expected.map(|(mac, device)| (mac.to_owned(), device.to_owned())),
        "{name}"
    );
}

#[test]
fn equivalent_names_find_one_line() {
    finds("sip:215@pbx.example", Ok((FIRST, "sip:215@pbx.example")));
    finds(
        "sip:215@uacsta.example:5070;transport=tcp",
        Ok((FIRST, "sip:215@pbx.example")),
    );
    finds("215@pbx.example", Ok((FIRST, "sip:215@pbx.example")));
    finds("215", Ok((FIRST, "sip:215@pbx.example")));
    finds(
        "tel:215;phone-context=dialstring",
        Ok((FIRST, "sip:215@pbx.example")),
    );
    finds("tel:+4930123", Ok((FIRST, "sip:+4930123@pbx.example")));
    finds("TEL:+49-(30)-1.23", Ok((FIRST, "sip:+4930123@pbx.example")));
    finds("000413000001", Ok((FIRST, "sip:215@pbx.example")));
    finds(
        "sip:00-04-13-00-00-01@x",
        Ok((FIRST, "sip:215@pbx.example")),
    );
    finds(&format!("215;{}", "x".repeat(509)), Err(NoLine::TooLong));
    finds("216", Err(NoLine::Unknown));
    finds("00:04:13:00:00:ff", Err(NoLine::Unknown));
}

/// RFC 3966, section 4: numbers with another `ext` are other numbers.
#[test]
fn rfc_3966_4_an_extension_distinguishes_numbers() {
    let mut directory = directory();
    let lines = ["tel:+4930555;ext=201", "tel:+4930555;ext=202"];
    directory.set("000413000011".parse().unwrap(), [lines[0].into()]);
    directory.set("000413000012".parse().unwrap(), [lines[1].into()]);
    let check = |name: &str, expected: Result<&str, NoLine>| {
        let found = directory.find(&name.into(), None);
        let found = found.map(|entry| entry.name.to_string());
        assert_eq!(found, expected.map(str::to_owned), "{name}");
    };
    check("tel:+49-30-555;ext=2.01;phone-context=x", Ok(lines[0]));
    check("sip:+4930555;ext=202@a;user=phone", Ok(lines[1]));
    check("+4930555", Err(NoLine::Unknown));
    check("tel:+4930555;ext=203", Err(NoLine::Unknown));
    check("tel:+4930123;ext=7", Err(NoLine::Unknown));
    check("tel:+4930123;isub=7", Err(NoLine::Unknown));
    check("493012345678;ext=1", Err(NoLine::Unknown));
    let allowed = LineNames::from_iter([DeviceId::from(lines[0])]);
    let seen = directory.page(&LineFilter::default(), None, usize::MAX);
    let seen: Vec<_> = seen.iter().filter(|entry| allowed.mean(entry)).collect();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].device.as_str(), lines[0]);
}

#[test]
fn line_on_two_phones_needs_mac_parameter() {
    finds("300", Err(NoLine::Ambiguous));
    finds("sip:300@pbx.example", Err(NoLine::Ambiguous));
    finds(
        "sip:300@pbx.example;mac=000413000002",
        Ok((SECOND, "sip:300@pbx.example")),
    );
    finds("sip:400@b", Ok((SECOND, "sip:400@b")));
    finds("400", Err(NoLine::Ambiguous));
    let names: Vec<String> = directory()
        .of(SECOND.parse().unwrap())
        .iter()
        .map(|entry| entry.name.as_str().to_owned())
        .collect();
    assert_eq!(names, ["sip:300@pbx.example;mac=000413000002", "sip:400@b"]);
}

#[test]
fn phone_without_listed_lines_is_one_line() {
    finds("000413000003", Ok(("00:04:13:00:00:03", "000413000003")));
    finds("500", Ok(("500", "500")));
    finds("sip:500@pbx.example", Ok(("500", "500")));
    finds("sip:501@pbx.example", Ok(("501", "sip:501@pbx.example")));
}

#[test]
fn removed_lines_are_unknown() {
    let mut directory = directory();
    assert!(directory.set(SECOND.parse().unwrap(), []));
    assert!(!directory.set(SECOND.parse().unwrap(), []));
    let found = directory.find(&"300".into(), None).unwrap();
    assert_eq!(found.phone, FIRST.parse().unwrap());
    directory.forget(FIRST.parse().unwrap());
    for name in ["300", "215", "000413000001"] {
        let found = directory.find(&name.into(), None);
        assert_eq!(found, Err(NoLine::Unknown), "{name}");
    }
}

/// The rights of accounts depend on these matches.
#[test]
fn look_up_and_filter_match_the_same_lines() {
    let directory = directory();
    let check = |name: &str, expected: &[&str]| {
        let name = DeviceId::from(name.to_owned());
        let mut meant: Vec<String> = directory
            .page(&LineFilter::default(), None, usize::MAX)
            .into_iter()
            .filter(|entry| entry.is_called(&name))
            .map(|entry| entry.name.to_string())
            .collect();
        meant.sort();
        assert_eq!(meant, expected, "{name}");
        let names = LineNames::from_iter([name.clone()]);
        let filter = LineFilter {
            phone: None,
            names: Some(Arc::new(names)),
        };
        let found = directory.page(&filter, None, usize::MAX);
        let found: Vec<&str> = found.iter().map(|entry| entry.name.as_str()).collect();
        assert_eq!(found, expected, "{name}, looked up");
    };
    check("sip:400@a", &["sip:400@a"]);
    check("sip:400@B:5070;lr", &["sip:400@b"]);
    check("400", &["sip:400@a", "sip:400@b"]);
    check("sip:400@c", &["sip:400@a", "sip:400@b"]);
    check("400;mac=000413000002", &["sip:400@b"]);
    check("sip:400@a;mac=000413000002", &["sip:400@b"]);
    check("400;mac=000413000009", &[]);
    check("215", &["sip:215@pbx.example"]);
    check("<sip:%3215:secret@c>", &["sip:215@pbx.example"]);
    check("000413000001", &["sip:215@pbx.example"]);
    check("000413000003", &["000413000003"]);
    check(
        "sip:300@pbx.example",
        &[
            "sip:300@pbx.example;mac=000413000001",
            "sip:300@pbx.example;mac=000413000002",
        ],
    );
    check("500", &["500"]);
    check("sip:501@x", &["sip:501@pbx.example"]);
    check("502", &["sip:503@pbx.example"]);
    check("", &[]);
}

/// Another spelling of a number means its line, unless a line is called so.
#[test]
fn number_is_found_in_the_spellings_of_the_office() {
    let rules = Numbers {
        country: "49".into(),
        area: "30".into(),
        exchange: "555".into(),
        internal: vec![3],
        international: "00".into(),
        national: "0".into(),
        outside: "0".into(),
    };
    let mut directory = directory();
    let phone = |last: u8| format!("0004130000{last}").parse::<PhoneId>().unwrap();
    directory.set(phone(11), ["sip:+4930555@a".into()]);
    directory.set(phone(12), ["tel:+4930555601".into()]);
    directory.set(phone(13), ["tel:+4930555;ext=602".into()]);
    let check = |name: &str, expected: Result<&str, NoLine>| {
        let name = DeviceId::from(name);
        let found = directory.find_number(&name, None, &rules);
        let expected = expected.map(str::to_owned);
        let device = found.map(|entry| entry.device.to_string());
        assert_eq!(device, expected, "{name}");
        let allowed = LineNames::spelled([name.clone()], &rules);
        let seen = directory.page(&LineFilter::default(), None, usize::MAX);
        let mut seen = seen.iter().filter(|entry| allowed.mean(entry));
        let seen = seen.next().map(|entry| entry.device.to_string());
        assert_eq!(seen.ok_or(NoLine::Unknown), expected, "{name}");
    };
    let reception = Ok("sip:+4930555@a");
    check("tel:+4930555215", Ok("sip:215@pbx.example"));
    check("tel:+4930555;ext=215", Ok("sip:215@pbx.example"));
    check("030 555 215", Ok("sip:215@pbx.example"));
    check("215", Ok("sip:215@pbx.example"));
    check("tel:+49-30-555", reception);
    check("030555", reception);
    check("tel:+4930555;ext=216", Err(NoLine::Unknown));
    check("601", Ok("tel:+4930555601"));
    check("602", Ok("tel:+4930555;ext=602"));
    check("tel:+4930555602", Ok("tel:+4930555;ext=602"));
    let ambiguous = directory.find_number(&"+4930555300".into(), None, &rules);
    assert_eq!(ambiguous, Err(NoLine::Ambiguous));
    let without = directory.find_number(&"+4930555215".into(), None, &Numbers::default());
    assert_eq!(without, Err(NoLine::Unknown));
}

/// Twelve decimal digits may be a number.
#[test]
fn line_takes_precedence_over_a_mac_address() {
    let number = "493012345678";
    let line = "sip:493012345678@pbx.example";
    finds(number, Ok((FIRST, line)));
    finds("000413000002", Ok((SECOND, "sip:300@pbx.example")));
    // A phone whose ID is that number, and one that logs on with its number.
    let mut directory = directory();
    let phones = [number, "493012345679"].map(|id| id.parse::<PhoneId>().unwrap());
    let own = "sip:493012345679@pbx.example";
    directory.set(phones[0], ["sip:601@a".into()]);
    directory.set(phones[1], ["sip:602@a".into(), own.into()]);
    let check = |name: &str, expected: &str, others: &[&str]| {
        let name = DeviceId::from(name);
        let found = directory.find(&name, None).unwrap();
        assert_eq!(found.device.as_str(), expected, "{name}");
        assert!(found.is_called(&name), "{name}");
        for other in others {
            let other = directory.find(&(*other).into(), None).unwrap();
            assert!(!other.is_called(&name), "{name} {}", other.device);
        }
    };
    check(number, line, &["601"]);
    check("49-30-12-34-56-78", "sip:601@a", &[line]);
    check("sip:493012345679@x", own, &["602"]);
    check("49:30:12:34:56:79", "sip:602@a", &[own]);
}

#[test]
fn duplicate_line_is_listed_once() {
    finds("220", Ok((FIRST, "sip:220@a:5060")));
    finds("sip:220@a", Ok((FIRST, "sip:220@a:5060")));
    let lines = directory().of(FIRST.parse().unwrap());
    let same = lines.iter().filter(|entry| entry.is_called(&"220".into()));
    assert_eq!(same.count(), 1);
}

#[test]
fn look_up_prefers_the_available_phone() {
    use Availability::{Away, Disabled as Off, Registered as There};
    let name = DeviceId::from("sip:300@pbx.example");
    let check = |first: Availability, second: Availability, expected: Result<&str, NoLine>| {
        let mut directory = directory();
        let [one, other] = [FIRST, SECOND].map(|mac| mac.parse::<PhoneId>().unwrap());
        directory.set_availability(one, first);
        directory.set_availability(other, second);
        let found = directory.find(&name, None);
        let at = found.map(|entry| entry.phone);
        let expected = expected.map(|mac| mac.parse().unwrap());
        assert_eq!(at, expected, "{first:?} {second:?}");
        // A session's line takes precedence until its phone is disabled.
        let session = Entry::alone(one, name.clone());
        let found = directory.find(&name, Some(&session));
        let stays = found.is_ok_and(|entry| entry.phone == one);
        assert_eq!(stays, first != Off || second == Off, "{first:?} {second:?}");
        let shown = directory.entry(other, &name).name;
        assert_eq!(shown != name, first != Off, "{first:?} {second:?}");
    };
    check(There, There, Err(NoLine::Ambiguous));
    check(There, Away, Ok(FIRST));
    check(Away, There, Ok(SECOND));
    check(Away, Away, Err(NoLine::Ambiguous));
    check(Off, Away, Ok(SECOND));
    check(There, Off, Ok(FIRST));
}

#[test]
fn availability_matters_only_for_shared_lines() {
    let mut directory = directory();
    let mut check = |mac: &str, availability: Availability, expected: bool| {
        let news = directory.set_availability(mac.parse().unwrap(), availability);
        assert_eq!(news, expected, "{mac} {availability:?}");
    };
    check(FIRST, Availability::Registered, true);
    check(FIRST, Availability::Registered, false);
    check("501", Availability::Registered, false);
    check("000413000009", Availability::Registered, false);
}

/// All lines, read in pages of `size`.
fn paged(directory: &Directory, size: usize) -> Vec<Entry> {
    let mut lines: Vec<Entry> = Vec::new();
    loop {
        let after = lines.last().map(|entry| (entry.name.clone(), entry.phone));
        let page = directory.page(&LineFilter::default(), after.as_ref(), size);
        if page.is_empty() {
            return lines;
        }
        lines.extend(page);
    }
}

/// Incremental updates yield the same list and summary as a fresh computation.
#[test]
fn list_and_summary_follow_every_change() {
    use Availability::{Away, Controlled, Disabled, Registered};
    let macs: Vec<PhoneId> = ["000413000001", "000413000002", "000413000003", "501"]
        .map(|mac| mac.parse().unwrap())
        .to_vec();
    let all = [
        "sip:1@a",
        "sip:1@A",
        "sip:1@b",
        "tel:1",
        "sip:2@a",
        "501",
        "sip:501@a",
    ];
    let mut directory = Directory::default();
    let mut random = 7_u32;
    for round in 0..4000 {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let bits = (random >> 8) as usize;
        let mac = macs[bits % macs.len()];
        match (bits >> 4) % 8 {
            0 => directory.forget(mac),
            1..=3 => {
                let chosen = all.iter().enumerate();
                let chosen = chosen.filter(|(at, _)| (bits >> (7 + at)) & 1 == 1);
                directory.set(mac, chosen.map(|(_, line)| DeviceId::from(*line)));
            }
            _ => {
                let availability = [Disabled, Away, Registered, Controlled][(bits >> 7) % 4];
                directory.set_availability(mac, availability);
            }
        }
        let mut expected: Vec<Entry> = macs
            .iter()
            .filter(|mac| directory.is_listed(**mac))
            .flat_map(|mac| directory.of(*mac))
            .collect();
        expected.sort_by(|one, other| (&one.name, one.phone).cmp(&(&other.name, other.phone)));
        for size in [1, 3, 100] {
            assert_eq!(paged(&directory, size), expected, "round {round} by {size}");
        }
        let mut summary = LineSummary::default();
        for entry in &expected {
            summary.add(&entry.name, directory.availability(entry.phone));
        }
        assert_eq!(directory.summary, summary, "round {round}");
        let kept: usize = directory.namesakes.values().map(|held| held.len()).sum();
        let told = directory.phones.values().filter(|known| known.are_told);
        assert_eq!(
            kept,
            told.map(|known| known.lines.len()).sum::<usize>(),
            "round {round}"
        );
    }
}

#[test]
fn pages_contain_unchanged_lines_exactly_once() {
    let mut directory = Directory::default();
    let phone = |number: u32| format!("0004130000{number:02}").parse::<PhoneId>().unwrap();
    let line = |number: u32| DeviceId::from(format!("sip:{number:02}@a"));
    for number in (10..90).filter(|number| number % 2 == 0) {
        directory.set(phone(number), [line(number)]);
    }
    let mut lines: Vec<Entry> = Vec::new();
    for changing in (11..90).step_by(8).cycle() {
        let after = lines.last().map(|entry| (entry.name.clone(), entry.phone));
        let page = directory.page(&LineFilter::default(), after.as_ref(), 7);
        if page.is_empty() {
            break;
        }
        lines.extend(page);
        // Adds a line, and sometimes removes the last one read.
        directory.set(phone(changing), [line(changing)]);
        if let Some(last) = lines.last().filter(|_| changing % 3 == 0) {
            directory.forget(last.phone);
        }
    }
    let names: Vec<&str> = lines.iter().map(|entry| entry.name.as_str()).collect();
    assert!(names.is_sorted(), "{names:?}");
    for number in (10..90).filter(|number| number % 2 == 0) {
        let name = line(number);
        let times = names.iter().filter(|other| **other == name.as_str());
        assert_eq!(times.count(), 1, "{name}");
    }
}

#[test]
fn filter_is_touched_only_by_its_lines() {
    let mut directory = directory();
    let filter = |phone: Option<&str>, names: &[&str]| LineFilter {
        phone: phone.map(|phone| phone.parse().unwrap()),
        names: (!names.is_empty()).then(|| {
            let names = names.iter().map(|name| DeviceId::from(*name));
            Arc::new(names.collect())
        }),
    };
    directory.take_changes();
    directory.set_availability(FIRST.parse().unwrap(), Availability::Controlled);
    let changed = directory.take_changes();
    let check = |phone: Option<&str>, names: &[&str], expected: bool| {
        let touched = filter(phone, names).is_touched(&changed);
        assert_eq!(touched, expected, "{phone:?} {names:?}");
    };
    check(None, &[], true);
    check(Some(FIRST), &[], true);
    check(Some(SECOND), &[], false);
    check(None, &["sip:215@pbx.example"], true);
    check(None, &["501", "tel:+4930123"], true);
    check(None, &["00-04-13-00-00-01"], true);
    check(None, &["501", "sip:400@b"], true);
    check(None, &["501", "503"], false);
    assert!(!LineFilter::default().is_touched(&directory.take_changes()));
}
