//! Settings with a fixed set of words.

use std::fmt;

macro_rules! choice {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Deserialize)]
        #[serde(try_from = "String")]
        pub enum $name { $($(#[$variant_doc])* $variant),+ }

        impl $name {
            /// All words.
            pub(crate) const WORDS: &[&str] = &[$($word),+];

            /// The word that settings and messages use.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl TryFrom<String> for $name {
            type Error = String;

            fn try_from(word: String) -> Result<Self, String> {
                $(if word.eq_ignore_ascii_case($word) {
                    return Ok(Self::$variant);
                })+
                Err(format!("is {word:?}, but must be one of {}", Self::WORDS.join(", ")))
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

choice! {
    /// How much is logged.
    Level {
        /// An operator must act.
        Error = "error",
        /// Unexpected, and recovered from.
        Warn = "warn",
        /// Changes of state and acts of operators.
        Info = "info",
        /// Each request and response.
        Debug = "debug",
        /// Whole messages.
        Trace = "trace",
    }
}

choice! {
    /// How a log line is written.
    Format {
        /// For people.
        Text = "text",
        /// One JSON object a line.
        Json = "json",
    }
}

choice! {
    /// An algorithm of digest authentication (RFC 7616, RFC 8760).
    Digest {
        /// SHA-256.
        Sha256 = "SHA-256",
        /// MD5, which older phones need.
        Md5 = "MD5",
    }
}
