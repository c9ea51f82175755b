//! The catalogue of ECMA-323: one row for each service and event, keyed by root element.
//!
//! To add a service or event that is only relayed, add a row to [`ServiceId`] or [`EventId`]. One with a type is also a row of
//! `services!` or `roots!` in `message`; the compiler then names each `match` that has to handle it.

mod event;
mod service;

pub use event::{EventId, Transition};
pub(super) use service::Place;
pub use service::ServiceId;

/// The kind of a document, determined by its root element.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The request of a service.
    Request(ServiceId),
    /// The positive response to a request.
    Response(ServiceId),
    /// An event reported by a monitor; contains a `monitorCrossRefID`.
    Event(EventId),
    /// A one-way service outside a monitor, such as `SwitchingFunctionDevices` or `SystemRegisterAbort`.
    Notification(ServiceId),
    /// `CSTAErrorCode`, the negative response to any request.
    Failure,
    /// A root element that ECMA-323 does not define.
    Unknown,
}

/// An entry of the capability lists in the responses to GetCSTAFeatures and the device information services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capability {
    /// The list, such as `callControlServList`.
    pub list: &'static str,
    /// The entry, such as `makeCall`.
    pub name: &'static str,
}

impl Kind {
    /// The kind of the document whose root element has this local name.
    pub(super) fn of(root: &str) -> Self {
        if let Some(event) = root
            .ends_with("Event")
            .then(|| EventId::from_name(root))
            .flatten()
        {
            return Self::Event(event);
        }
        if let Some(service) = ServiceId::from_name(root) {
            return if service.is_request() {
                Self::Request(service)
            } else {
                Self::Notification(service)
            };
        }
        match root.strip_suffix("Response").and_then(ServiceId::from_name) {
            Some(service) if service.has_response() => Self::Response(service),
            _ if root == FAILURE => Self::Failure,
            _ => Self::Unknown,
        }
    }
}

/// The root element of a negative response.
pub(super) const FAILURE: &str = "CSTAErrorCode";

/// Defines an enumeration of root elements: `Name = row`, where the row is a constant expression. The text completes the
/// error message "... is not".
macro_rules! catalogue {
    ($(#[$meta:meta])* $id:ident: $row:ty, $expected:literal { $( $name:ident = $value:expr, )+ }) => {
        $(#[$meta])*
        #[allow(missing_docs, reason = "the variants are the root elements of ECMA-323")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $id { $( $name, )+ }

        impl $id {
            /// All variants, in the order of the catalogue.
            pub const ALL: &'static [Self] = &[ $( Self::$name, )+ ];

            /// The local name of the root element.
            pub const fn name(self) -> &'static str {
                match self { $( Self::$name => stringify!($name), )+ }
            }

            /// The variant with this root element; `None` for a name that ECMA-323 does not define.
            pub fn from_name(name: &str) -> Option<Self> {
                static SORTED: [(&str, $id); $id::ALL.len()] =
                    $crate::csta::catalogue::sorted([ $( (stringify!($name), $id::$name), )+ ]);
                let found = SORTED.binary_search_by(|(known, _)| (*known).cmp(name)).ok()?;
                Some(SORTED[found].1)
            }

            const fn row(self) -> &'static $row {
                static ROWS: [$row; $id::ALL.len()] = [ $( $value, )+ ];
                &ROWS[self as usize]
            }
        }

        impl std::fmt::Display for $id {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }

        impl<'de> serde::Deserialize<'de> for $id {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let name = String::deserialize(deserializer)?;
                Self::from_name(&name).ok_or_else(|| {
                    serde::de::Error::custom(format!("{name:?} is not {}", $expected))
                })
            }
        }
    };
}
use catalogue;

/// Sorts rows by name at compile time, for the binary search in `from_name`.
const fn sorted<T: Copy, const N: usize>(mut rows: [(&str, T); N]) -> [(&str, T); N] {
    let mut end = 1;
    while end < N {
        let mut at = end;
        while at > 0 && is_less(rows[at].0, rows[at - 1].0) {
            (rows[at], rows[at - 1]) = (rows[at - 1], rows[at]);
            at -= 1;
        }
        end += 1;
    }
    rows
}

const fn is_less(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    let mut at = 0;
    while at < one.len() && at < other.len() {
        if one[at] != other[at] {
            return one[at] < other[at];
        }
        at += 1;
    }
    one.len() < other.len()
}

#[cfg(test)]
mod tests;
