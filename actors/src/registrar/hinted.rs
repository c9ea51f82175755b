//! Entries of earlier versions, which listed a phone with an extension under the MAC address of a hint, and the phones they are of.

use std::collections::HashMap;

use uacsta_schema::{mac::Mac, phone_id::PhoneId};

use crate::phone_list::ListedPhone;

/// What the entries of earlier versions say about phones that log on with an extension.
#[derive(Default)]
pub(super) struct HintedEntries {
    /// The unconfirmed entry that names an extension; `None` if there are several.
    naming: HashMap<PhoneId, Option<Mac>>,
    /// Whether a replaced entry was enabled, by the extensions that it named.
    enabled: HashMap<PhoneId, bool>,
}

impl HintedEntries {
    /// Reads the entries, and renames those that must be hinted: their phone registered with an extension, and never listed a
    /// line. Returns the new and the former name of each.
    pub(super) fn of(listed: &mut Vec<ListedPhone>) -> (Self, Vec<(PhoneId, PhoneId)>) {
        let mut renamed = Vec::new();
        let (hinted, kept) = std::mem::take(listed).into_iter().partition(is_hinted);
        *listed = kept;
        for former in hinted {
            let Some(extension) = former.extensions().next() else {
                continue;
            };
            log_renamed(extension, former.id);
            renamed.push((extension, former.id));
            match listed.iter_mut().find(|entry| entry.id == extension) {
                Some(entry) => merge(entry, &former, false),
                None => listed.push(renewed(extension, &former)),
            }
        }
        let mut hinted = Self::default();
        for entry in &*listed {
            let Some(mac) = entry.unconfirmed_mac() else {
                continue;
            };
            for extension in entry.extensions() {
                let naming = hinted.naming.entry(extension);
                let of = naming.or_insert(Some(mac));
                *of = of.filter(|of| *of == mac);
            }
        }
        (hinted, renamed)
    }

    /// The names of the entries that may be of a phone which logs on with an extension, the likeliest first. `hint` is the MAC
    /// address in its REGISTER.
    pub(super) fn candidates(
        &self,
        phone: PhoneId,
        hint: Option<Mac>,
    ) -> impl Iterator<Item = PhoneId> {
        let named = self.naming.get(&phone).copied().flatten();
        let is_extension = phone.mac().is_none();
        let candidates = hint.into_iter().chain(named);
        candidates.filter(move |_| is_extension).map(PhoneId::Mac)
    }

    /// Whether an entry names the extension of `phone`.
    pub(super) fn names(&self, phone: PhoneId) -> bool {
        self.naming.contains_key(&phone)
    }

    /// Notes that a phone's entry replaces `former`.
    pub(super) fn replaced(&mut self, phone: PhoneId, former: &ListedPhone) {
        log_renamed(phone, former.id);
        let named = former.extensions().filter(|named| *named != phone);
        self.enabled
            .extend(named.map(|named| (named, former.enabled)));
    }

    /// Whether a replaced entry that named this phone was enabled. Phones that only have its MAC address are others, such as
    /// further accounts of a softphone.
    pub(super) fn was_enabled(&self, phone: PhoneId) -> Option<bool> {
        self.enabled.get(&phone).copied()
    }
}

/// Whether an entry's name must be a hint: only a list of lines replaces the URI that the phone registered with.
fn is_hinted(entry: &ListedPhone) -> bool {
    entry.unconfirmed_mac().is_some()
        && entry.lines.is_empty()
        && entry.extensions().next().is_some()
}

/// The entry of a phone that takes over an entry of an earlier version.
pub(super) fn renewed(phone: PhoneId, former: &ListedPhone) -> ListedPhone {
    let mut entry = ListedPhone {
        id: phone,
        lines: Vec::new(),
        last_identity: None,
        ..former.clone()
    };
    merge(&mut entry, former, true);
    entry
}

/// Adds what an entry of an earlier version says. A phone that is off in either stays off, unless it `is_new`. The lines may be
/// those of another handset.
pub(super) fn merge(entry: &mut ListedPhone, former: &ListedPhone, is_new: bool) {
    entry.hint = entry.hint.or_else(|| former.id.mac());
    entry.enabled = former.enabled && (is_new || entry.enabled);
    entry.last_login = entry.last_login.max(former.last_login);
    if entry.display_name.is_none() {
        entry.display_name.clone_from(&former.display_name);
    }
    if entry.lines.is_empty() && former.extensions().any(|named| named == entry.id) {
        entry.lines.clone_from(&former.lines);
        entry.last_identity.clone_from(&former.last_identity);
    }
}

/// Logs that a phone has another name than in an earlier version.
fn log_renamed(phone: PhoneId, former: PhoneId) {
    tracing::info!(%phone, %former, "phone is listed under its extension now; an earlier version listed it under a MAC address that it only mentions");
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const BASE: &str = "00:04:13:00:02:ff";

    fn id(name: &str) -> PhoneId {
        name.parse().unwrap()
    }

    /// An entry of an earlier version: name, last identity, lines, whether it is enabled.
    fn entry(name: &str, identity: &str, lines: &[&str], enabled: bool) -> ListedPhone {
        ListedPhone {
            last_identity: Some(identity.to_owned()),
            lines: lines.iter().map(|line| (*line).to_owned()).collect(),
            last_login: Some(7),
            ..ListedPhone::new(id(name), enabled)
        }
    }

    #[test]
    fn an_entry_whose_phone_registered_with_an_extension_is_renamed() {
        for (name, identity, lines, expected) in [
            (BASE, "sip:302@h", &[][..], "302"),
            (BASE, "sip:0004130002ff@h", &[], BASE),
            // Its lines say nothing about the name that logs on.
            (BASE, "sip:302@h", &["sip:302@h"], BASE),
            ("301", "sip:302@h", &[], "301"),
        ] {
            let mut listed = vec![entry(name, identity, lines, false)];
            let (_, renamed) = HintedEntries::of(&mut listed);
            let renamed: Vec<_> = renamed.iter().map(|(to, _)| to.bare()).collect();
            let expected_names = (expected != name).then(|| expected.to_owned());
            assert_eq!(renamed, Vec::from_iter(expected_names), "{name} {identity}");
            assert_eq!(listed[0].id, id(expected));
            assert_eq!((listed[0].enabled, listed[0].last_login), (false, Some(7)));
        }
    }

    #[test]
    fn a_phone_that_was_listed_twice_is_listed_once_and_stays_off() {
        let mut listed = vec![
            entry("302", "sip:302@h", &["sip:302@h"], true),
            entry(BASE, "sip:302@h", &[], false),
        ];
        listed[1].display_name = Some("Reception".to_owned());
        HintedEntries::of(&mut listed);
        assert_eq!(listed.len(), 1);
        assert_eq!((listed[0].enabled, listed[0].lines.len()), (false, 1));
        assert_eq!(listed[0].display_name.as_deref(), Some("Reception"));
        assert_eq!(listed[0].hint, BASE.parse().ok());
    }

    #[test]
    fn an_extension_finds_its_entry_by_hint_or_line() {
        let other = "00:04:13:00:03:aa";
        let mut listed = vec![
            entry(BASE, "sip:202@h", &["sip:202@h"], true),
            entry(other, "sip:103@h", &["sip:103@h", "sip:104@h"], true),
            entry("00:04:13:00:00:01", "sip:104@h", &["sip:104@h"], true),
        ];
        let (hinted, _) = HintedEntries::of(&mut listed);
        let candidates = |name, hint: Option<&str>| {
            let hint = hint.and_then(|hint| hint.parse().ok());
            let found = hinted.candidates(id(name), hint);
            found.map(|id| id.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(candidates("201", Some(BASE)), [BASE]);
        assert_eq!(candidates("103", None), [other]);
        assert_eq!(candidates("104", None), Vec::<String>::new(), "two name it");
        assert_eq!(candidates(other, None), Vec::<String>::new());
    }

    #[test]
    fn lines_of_another_handset_are_not_taken_over() {
        let former = entry(BASE, "sip:202@h", &["sip:202@h"], false);
        for (name, lines) in [("201", 0), ("202", 1)] {
            let entry = renewed(id(name), &former);
            assert_eq!(entry.lines.len(), lines, "{name}");
            assert_eq!(entry.last_identity.is_some(), lines == 1);
            assert_eq!((entry.enabled, entry.last_login), (false, Some(7)));
        }
    }

    #[test]
    fn a_replaced_entry_decides_for_the_phones_that_it_named() {
        let mut hinted = HintedEntries::default();
        let lines = ["sip:202@h", "sip:203@h"];
        hinted.replaced(id("202"), &entry(BASE, lines[0], &lines, false));
        assert_eq!(hinted.was_enabled(id("203")), Some(false));
        for other in ["201", "202", BASE] {
            assert_eq!(hinted.was_enabled(id(other)), None, "{other}");
        }
    }
}
