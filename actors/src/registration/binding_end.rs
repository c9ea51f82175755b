//! Why a binding ended.

use std::fmt;

use crate::reason::Cause;

/// Why a binding ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum BindingEnd {
    /// It was not refreshed in time.
    Lapsed,
    /// The phone removed it.
    LoggedOff,
    /// Its connection ended, or the server left it, in words.
    ConnectionLost(Box<str>),
}

impl BindingEnd {
    /// The end of a connection of which no more is known.
    pub(crate) fn connection_ended() -> Self {
        Self::ConnectionLost("its connection ended".into())
    }
}

/// The reason, for the log.
impl fmt::Display for BindingEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Lapsed => "its registration was not refreshed",
            Self::LoggedOff => "the phone logged off",
            Self::ConnectionLost(why) => why,
        })
    }
}

impl From<BindingEnd> for Cause {
    fn from(end: BindingEnd) -> Self {
        match end {
            BindingEnd::Lapsed => Self::RegistrationLapsed,
            BindingEnd::LoggedOff => Self::LoggedOff,
            BindingEnd::ConnectionLost(why) => Self::ConnectionLost(why),
        }
    }
}
