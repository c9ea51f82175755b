//! Reads and writes members of a message; contains the macros that define member types.
//!
//! Why not serde: its derived types cannot vary their members by edition or distinguish a vendor's element from CSTA's
//! with the same local name, and its errors do not name the element.

pub(super) use super::element::Member;
use super::{element::Element, error::ReadError, writer::Writer};

/// The type of the elements in a list; all have the same name.
pub(super) trait Item: Member {
    const NAME: &'static str;
}

impl<T: Member> Member for Option<T> {
    /// An element without typed content equals an absent one.
    fn read(element: &Element<'_>) -> Result<Self, ReadError> {
        if element.is_empty() {
            return Ok(None);
        }
        let value = T::read(element)?;
        Ok((!value.says_nothing()).then_some(value))
    }

    fn write(&self, out: &mut Writer<'_>, name: &str) {
        if let Some(value) = self {
            value.write(out, name);
        }
    }

    fn absent() -> Option<Self> {
        Some(None)
    }

    fn says_nothing(&self) -> bool {
        self.is_none()
    }
}

impl<T: Item> Member for Vec<T> {
    fn read(element: &Element<'_>) -> Result<Self, ReadError> {
        element
            .children()
            .iter()
            .filter(|child| child.name == T::NAME)
            .map(T::read)
            .collect()
    }

    fn write(&self, out: &mut Writer<'_>, name: &str) {
        out.open(name);
        for item in self {
            item.write(out, T::NAME);
        }
        out.close(name);
    }

    fn says_nothing(&self) -> bool {
        self.is_empty()
    }
}

impl Member for String {
    fn read(element: &Element<'_>) -> Result<Self, ReadError> {
        Ok(element.text().to_owned())
    }

    fn write(&self, out: &mut Writer<'_>, name: &str) {
        out.text_element(name, self);
    }
}

impl Member for bool {
    fn read(element: &Element<'_>) -> Result<Self, ReadError> {
        match element.text() {
            "1" => Ok(true),
            "0" => Ok(false),
            text if text.eq_ignore_ascii_case("true") => Ok(true),
            text if text.eq_ignore_ascii_case("false") => Ok(false),
            _ => Err(element.malformed("true or false")),
        }
    }

    fn write(&self, out: &mut Writer<'_>, name: &str) {
        out.text_element(name, if *self { "true" } else { "false" });
    }
}

impl Member for u32 {
    fn read(element: &Element<'_>) -> Result<Self, ReadError> {
        element
            .text()
            .parse()
            .map_err(|_| element.malformed("a number from 0 to 4294967295"))
    }

    fn write(&self, out: &mut Writer<'_>, name: &str) {
        out.text_element(name, &self.to_string());
    }
}

/// Defines a structure of members: `field: Type = "element"` in the order of the schema, optionally `since` an edition.
/// `field: Type = flattened` includes the members of another structure.
macro_rules! sequence {
    ($(
        $(#[$meta:meta])*
        pub struct $name:ident {
            $( $(#[$field_meta:meta])* $field:ident: $type:ty = $element:tt $(since $since:ident)? ),* $(,)?
        }
    )+) => {$(
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        #[allow(missing_docs, reason = "the standard names and explains the members; a comment adds to it")]
        pub struct $name {
            $( $(#[$field_meta])* pub $field: $type, )*
        }

        impl $name {
            /// Writes the members without an enclosing element.
            pub(in $crate::csta) fn write_members(&self, out: &mut $crate::csta::writer::Writer<'_>) {
                let _ = &out;
                $(
                    if true $( && out.edition() >= $crate::csta::Edition::$since )? {
                        $crate::csta::member::write_member!(self.$field, $element, out);
                    }
                )*
            }
        }

        impl $crate::csta::member::Member for $name {
            fn read(
                element: &$crate::csta::element::Element<'_>,
            ) -> Result<Self, $crate::csta::error::ReadError> {
                let _ = element;
                Ok(Self { $( $field: $crate::csta::member::read_member!(element, $element), )* })
            }

            fn write(&self, out: &mut $crate::csta::writer::Writer<'_>, name: &str) {
                out.open(name);
                self.write_members(out);
                out.close(name);
            }

            fn says_nothing(&self) -> bool {
                true $( && self.$field.says_nothing() )*
            }
        }
    )+};
}

macro_rules! read_member {
    ($element:ident, flattened) => {
        $crate::csta::member::Member::read($element)?
    };
    ($element:ident, $name:literal) => {
        $element.member($name)?
    };
}

macro_rules! write_member {
    ($field:expr, flattened, $out:ident) => {
        $field.write_members($out)
    };
    ($field:expr, $name:literal, $out:ident) => {
        $crate::csta::member::Member::write(&$field, $out, $name)
    };
}

/// Defines identifiers: opaque text that its sender has chosen. `$write` is the writer's method for it.
macro_rules! identifiers {
    ($( $(#[$meta:meta])* pub struct $name:ident = $write:ident; )+) => {$(
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(std::sync::Arc<str>);

        impl $name {
            /// The identifier as written in documents.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl<T: Into<std::sync::Arc<str>>> From<T> for $name {
            fn from(text: T) -> Self {
                Self(text.into())
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str(&self.0)
            }
        }

        impl $crate::csta::member::Member for $name {
            fn read(
                element: &$crate::csta::element::Element<'_>,
            ) -> Result<Self, $crate::csta::error::ReadError> {
                match element.text() {
                    "" => Err(element.malformed("an identifier")),
                    text => Ok(Self(text.into())),
                }
            }

            fn write(&self, out: &mut $crate::csta::writer::Writer<'_>, name: &str) {
                out.$write(name, &self.0);
            }
        }
    )+};
}

/// Defines open enumerations: known values are read without regard to case, as some peers send `Normal`, and unknown values
/// are kept as text. The first constant is the default.
macro_rules! enumerations {
    ($(
        $(#[$meta:meta])*
        pub enum $name:ident { $first:ident = $first_value:literal, $( $constant:ident = $value:literal ),* $(,)? }
    )+) => {$(
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub struct $name(std::borrow::Cow<'static, str>);

        #[allow(missing_docs, reason = "the standard defines the values")]
        impl $name {
            pub const $first: Self = Self(std::borrow::Cow::Borrowed($first_value));
            $( pub const $constant: Self = Self(std::borrow::Cow::Borrowed($value)); )*
        }

        impl $name {
            /// The value as written in documents.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::$first
            }
        }

        impl From<&str> for $name {
            fn from(value: &str) -> Self {
                match value {
                    $first_value => Self::$first,
                    $( $value => Self::$constant, )*
                    other => [$first_value, $( $value, )*]
                        .into_iter()
                        .find(|known| known.eq_ignore_ascii_case(other))
                        .map_or_else(|| Self(other.to_owned().into()), |known| Self(known.into())),
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str(&self.0)
            }
        }

        impl $crate::csta::member::Member for $name {
            fn read(
                element: &$crate::csta::element::Element<'_>,
            ) -> Result<Self, $crate::csta::error::ReadError> {
                match element.text() {
                    "" => Err(element.malformed("a value of its enumeration")),
                    text => Ok(Self::from(text)),
                }
            }

            fn write(&self, out: &mut $crate::csta::writer::Writer<'_>, name: &str) {
                out.text_element(name, &self.0);
            }
        }
    )+};
}

pub(super) use enumerations;
pub(super) use identifiers;
pub(super) use read_member;
pub(super) use sequence;
pub(super) use write_member;
