//! The spellings of one number by the rules of the office (`[numbers]`), and what a phone dials for it.

use uacsta_config::Numbers;
use uacsta_schema::csta::{DeviceId, Name};

/// A number, in digits.
#[derive(Debug, Eq, PartialEq)]
enum Number {
    /// Of the office.
    Internal(String),
    /// Any other, with its country code.
    Global(String),
}

/// The other spellings of a number, the most likely first: a line of one of them is that number's. Empty without rules, and for
/// a name that is no number.
pub fn spellings(rules: &Numbers, name: &Name<'_>) -> Vec<DeviceId> {
    let Numbers {
        country,
        area,
        exchange,
        national,
        ..
    } = rules;
    let spelled = match read(rules, &name.user) {
        None => return Vec::new(),
        Some(Number::Internal(number)) => vec![
            number.clone(),
            format!("+{country}{area}{exchange}{number}"),
            format!("{country}{area}{exchange}{number}"),
            format!("{national}{area}{exchange}{number}"),
            format!("+{country}{area}{exchange};ext={number}"),
        ],
        Some(Number::Global(number)) => {
            let at_home = number.strip_prefix(&**country);
            let at_home = at_home.map(|number| format!("{national}{number}"));
            [format!("+{number}"), number]
                .into_iter()
                .chain(at_home)
                .collect()
        }
    };
    spelled
        .into_iter()
        .filter(|spelled| *spelled != *name.user)
        .map(|spelled| match name.mac {
            Some(mac) => DeviceId::from(format!("{spelled};mac={mac}")),
            None => DeviceId::from(spelled),
        })
        .collect()
}

/// What a phone of the office dials for a number with `+` or `;ext=`. Any other number is dialled as it is written.
pub fn dialled(rules: &Numbers, number: &DeviceId) -> Option<DeviceId> {
    let name = number.name();
    if !name.user.starts_with('+') {
        return None;
    }
    let (outside, national) = (&rules.outside, &rules.national);
    let dialled = match read(rules, &name.user)? {
        Number::Internal(number) => number,
        Number::Global(number) => match number.strip_prefix(&*rules.country) {
            Some(number) => format!("{outside}{national}{number}"),
            None => format!("{outside}{}{number}", rules.international),
        },
    };
    Some(dialled.into())
}

/// Reads a number in any spelling.
fn read(rules: &Numbers, user: &str) -> Option<Number> {
    if !rules.are_set() {
        return None;
    }
    let are_digits = |number: &str| number.bytes().all(|byte| byte.is_ascii_digit());
    let is_internal = |number: &str| rules.internal.contains(&number.len()) && are_digits(number);
    let own = format!("{}{}{}", rules.country, rules.area, rules.exchange);
    let (user, extension) = match user.split_once(";ext=") {
        Some((user, extension)) => (user, Some(extension)),
        None => (user, None),
    };
    let separator = |c: &char| matches!(c, '-' | '.' | '(' | ')' | ' ' | '/');
    let user: String = user.chars().filter(|c| !separator(c)).collect();
    let digits = user.strip_prefix('+').unwrap_or(&user);
    if digits.is_empty() || !are_digits(digits) {
        return None;
    }
    let own_rest = |number: &str| {
        let rest = number.strip_prefix(&*own).filter(|rest| is_internal(rest));
        rest.map(str::to_owned)
    };
    let prefixed = |prefix: &str| user.strip_prefix(prefix).filter(|_| !prefix.is_empty());
    let global = if let Some(global) = user.strip_prefix('+') {
        global.to_owned()
    } else if extension.is_none() && is_internal(&user) {
        return Some(Number::Internal(user));
    } else if let Some(global) = prefixed(&rules.international) {
        global.to_owned()
    } else if let Some(number) = prefixed(&rules.national) {
        format!("{}{number}", rules.country)
    } else if own_rest(&user).is_some() {
        user
    } else if rules.national.is_empty() {
        format!("{}{user}", rules.country)
    } else {
        format!("{}{}{user}", rules.country, rules.area)
    };
    match extension {
        // RFC 3966, section 5.3: the number is that of the office's switch.
        Some(extension) => (global.starts_with(&own) && is_internal(extension))
            .then(|| Number::Internal(extension.to_owned())),
        None => Some(own_rest(&global).map_or(Number::Global(global), Number::Internal)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Berlin, with internal numbers of three and four digits.
    fn rules(exchange: &str) -> Numbers {
        Numbers {
            country: "49".into(),
            area: "30".into(),
            exchange: exchange.into(),
            internal: vec![3, 4],
            international: "00".into(),
            national: "0".into(),
            outside: "0".into(),
        }
    }

    fn shown(rules: &Numbers, name: &str) -> String {
        match read(rules, &Name::of(name).user) {
            None => String::new(),
            Some(Number::Internal(number)) => number,
            Some(Number::Global(number)) => format!("+{number}"),
        }
    }

    #[test]
    fn a_number_is_read_in_every_spelling() {
        let check = |exchange: &str, name: &str, expected: &str| {
            assert_eq!(shown(&rules(exchange), name), expected, "{exchange} {name}");
        };
        for name in [
            "215",
            "sip:215@pbx.example",
            "tel:+49-30-555-215",
            "+49 (30) 555-215",
            "0049 30 555215",
            "030/555 215",
            "555215",
            "4930555215",
            "tel:+4930555;ext=215",
            "tel:+49305550;ext=2-15;phone-context=x",
            "sip:+4930555;ext=215@a;user=phone",
        ] {
            check("555", name, "215");
        }
        for name in ["tel:+4930215", "030215", "4930215", "+4930999;ext=215"] {
            check("", name, "215");
        }
        check("555", "+4930555", "+4930555");
        check("555", "+493055512345", "+493055512345");
        check("555", "12345", "+493012345");
        check("555", "0170 123456", "+49170123456");
        check("555", "+33 1 23", "+33123");
        check("555", "0033 1 23", "+33123");
        for name in [
            "anna",
            "sip:anna@a",
            "",
            "+",
            "215a",
            "tel:+4930999;ext=215",
            "tel:+4930555;ext=21",
            "tel:+4930555;ext=a15",
            "tel:+4930555;isub=215",
        ] {
            check("555", name, "");
        }
        let none = Numbers::default();
        assert_eq!(shown(&none, "+4930215"), "");
        // Without a prefix of area codes, all of the number follows the country code.
        let italy = Numbers {
            country: "39".into(),
            area: "06".into(),
            national: String::new(),
            ..rules("")
        };
        for name in ["06215", "+3906215", "215", "003906215"] {
            assert_eq!(shown(&italy, name), "215", "{name}");
        }
    }

    #[test]
    fn spellings_leave_out_the_given_one_and_keep_the_phone() {
        let check = |name: &str, expected: &[&str]| {
            let spelled = spellings(&rules("555"), &Name::of(name));
            let spelled: Vec<&str> = spelled.iter().map(DeviceId::as_str).collect();
            assert_eq!(spelled, expected, "{name}");
        };
        check(
            "tel:+4930555215;mac=000413000001",
            &[
                "215;mac=000413000001",
                "4930555215;mac=000413000001",
                "030555215;mac=000413000001",
                "+4930555;ext=215;mac=000413000001",
            ],
        );
        check("0170 12", &["+4917012", "4917012", "017012"]);
        check("+33123", &["33123"]);
        check("anna", &[]);
    }

    #[test]
    fn a_global_number_becomes_what_the_phone_dials() {
        let check = |number: &str, expected: Option<&str>| {
            let dialled = dialled(&rules("555"), &DeviceId::from(number));
            assert_eq!(dialled.as_ref().map(DeviceId::as_str), expected, "{number}");
        };
        check("tel:+49-30-555-215", Some("215"));
        check("tel:+4930555;ext=215", Some("215"));
        check("+49 (30) 12-34", Some("00301234"));
        check("+33 1 23", Some("00033123"));
        check("112", None);
        check("00170123", None);
        check("sip:anna@a", None);
        assert_eq!(dialled(&Numbers::default(), &"+4930".into()), None);
    }
}
