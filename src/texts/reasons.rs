//! Why a phone is not controlled, in words: the fact and what to do.

use uacsta_actors::reason::{Cause, Code, Fact};

use super::{Language, Value};

impl Language {
    /// A cause with its facts, as a sentence.
    pub fn reason(self, cause: &Cause) -> String {
        let facts = cause.facts();
        let values: Vec<_> = facts
            .iter()
            .map(|(name, fact)| (name, Value::from(fact)))
            .collect();
        self.text_with(&format!("reason-{}", cause.code().name()), &values)
    }

    /// What to do about a cause.
    pub fn remedy(self, code: Code) -> String {
        self.text(&format!("remedy-{}", code.name()))
    }
}

impl From<&Fact> for Value {
    fn from(fact: &Fact) -> Self {
        match fact {
            Fact::Word(word) => Self::Word(word.clone()),
            Fact::Number(number) => Self::Number((*number).into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use uacsta_actors::reason::{Contact, ContactFault};
    use uacsta_schema::sip::Status;

    use super::*;

    fn contact(fault: ContactFault, times: u32) -> Cause {
        let from = Ipv4Addr::new(10, 0, 0, 7).into();
        Cause::Contact(Contact { fault, times, from })
    }

    #[test]
    fn sentence_says_how_often_and_from_where() {
        for (cause, english, german) in [
            (
                contact(ContactFault::WrongPassword, 1),
                "Its log-on failed once from 10.0.0.7: the password is wrong.",
                "Eine Anmeldung von 10.0.0.7 ist fehlgeschlagen: Das Kennwort ist falsch.",
            ),
            (
                contact(ContactFault::WrongPassword, 3),
                "Its log-on failed 3 times, last from 10.0.0.7: the password is wrong.",
                "3 Anmeldungen sind fehlgeschlagen, die letzte von 10.0.0.7: Das Kennwort ist falsch.",
            ),
            (
                contact(ContactFault::WrongTransport { is_tls: true }, 2),
                "A device at its last address, 10.0.0.7, was refused 2 times: it speaks TLS on a TCP port.",
                "Ein Gerät an der letzten Adresse des Telefons, 10.0.0.7, wurde 2-mal abgewiesen: Es spricht TLS an einem TCP-Port.",
            ),
        ] {
            assert_eq!(Language::English.reason(&cause), english);
            assert_eq!(Language::German.reason(&cause), german);
        }
    }

    #[test]
    fn sentence_names_a_csta_error_only_if_there_is_one() {
        let rejected = |error: Option<&str>| Cause::Rejected {
            status: Status::NOT_ACCEPTABLE_HERE,
            error: error.map(Into::into),
            is_lasting: true,
        };
        for (error, english, german) in [
            (
                None,
                "The phone rejected the CSTA session with 488 Not Acceptable Here.",
                "Das Telefon hat die CSTA-Sitzung mit 488 Not Acceptable Here abgelehnt.",
            ),
            (
                Some("operation: generic"),
                "The phone rejected the CSTA session with 488 Not Acceptable Here (operation: generic).",
                "Das Telefon hat die CSTA-Sitzung mit 488 Not Acceptable Here (operation: generic) abgelehnt.",
            ),
        ] {
            assert_eq!(Language::English.reason(&rejected(error)), english);
            assert_eq!(Language::German.reason(&rejected(error)), german);
        }
    }
}
