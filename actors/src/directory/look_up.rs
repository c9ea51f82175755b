//! Finds the line that a client's name means.

use smallvec::SmallVec;
use uacsta_config::Numbers;
use uacsta_schema::{csta::DeviceId, phone_id::PhoneId};

use super::{
    Directory, Entry,
    entry::{Held, is_on, may_be_line, meant},
};
use crate::numbers::spellings;

/// The maximum length of a device ID in a look-up, in bytes; callers store it.
pub(crate) const LONGEST: usize = 512;

/// The reason why a look-up found no line.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NoLine {
    /// No phone has the line.
    #[error("no phone has this line")]
    Unknown,
    /// The device ID is longer than the limit.
    #[error("no line has a name of more than {LONGEST} octets")]
    TooLong,
    /// Several phones have the line.
    #[error("more than one phone has this line; add ;mac=<MAC> to say which")]
    Ambiguous,
}

impl Directory {
    /// Finds a line by `sip:` or `tel:` URI or bare number, optionally with `;mac=`, or by phone ID. Among several matches,
    /// prefers the session's line while its phone is enabled, then the most available phone.
    pub fn find(&self, name: &DeviceId, session: Option<&Entry>) -> Result<Entry, NoLine> {
        if name.as_str().len() > LONGEST {
            return Err(NoLine::TooLong);
        }
        let name = name.name();
        let phone = name.user.parse::<PhoneId>().ok();
        let phone = phone.filter(|id| is_on(&name, *id) && self.phones.contains_key(id));
        let first = || phone.and_then(|id| self.of(id).into_iter().next());
        if !may_be_line(&name.user) {
            return first().ok_or(NoLine::Unknown);
        }
        let Some(namesakes) = self.namesakes.get(&*name.user) else {
            return first().ok_or(NoLine::Unknown);
        };
        let found: SmallVec<[&Held; 2]> = meant(&name, namesakes).collect();
        let own = session.and_then(|own| found.iter().find(|held| held.is(own.phone, &own.device)));
        if let Some(own) = own.filter(|own| self.rank(own.phone) > 0) {
            return Ok(self.entry(own.phone, &own.device));
        }
        let best = found.iter().map(|held| self.rank(held.phone)).max();
        let mut found = found
            .iter()
            .filter(|held| Some(self.rank(held.phone)) == best);
        match (found.next(), found.next()) {
            (None, _) => first().ok_or(NoLine::Unknown),
            (Some(held), None) => Ok(self.entry(held.phone, &held.device)),
            (Some(_), Some(_)) => Err(NoLine::Ambiguous),
        }
    }

    /// As [`Self::find`]; a name that no line has is looked up in the other spellings of its number.
    pub fn find_number(
        &self,
        name: &DeviceId,
        session: Option<&Entry>,
        rules: &Numbers,
    ) -> Result<Entry, NoLine> {
        let found = self.find(name, session);
        if found != Err(NoLine::Unknown) {
            return found;
        }
        let spelled = spellings(rules, &name.name());
        let mut found = spelled.iter().map(|name| self.find(name, session));
        let found = found.find(|found| *found != Err(NoLine::Unknown));
        found.unwrap_or(Err(NoLine::Unknown))
    }
}
