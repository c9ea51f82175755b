//! The method of a request (RFC 3261, section 7.1; IANA registry).

use std::fmt;

/// A method. Methods are case-sensitive tokens: `invite` is not `INVITE` (RFC 3261, section 7.1).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "each is named after its token")]
pub enum Method {
    Register,
    Invite,
    Ack,
    Bye,
    Cancel,
    Info,
    Update,
    Options,
    Subscribe,
    Notify,
    Publish,
    Message,
    Refer,
    Prack,
    /// A method without a constant; its requests are valid and get 405 or 501.
    Other(Box<str>),
}

impl Method {
    /// The method for a token.
    #[must_use]
    pub fn parse(token: &str) -> Self {
        match token {
            "REGISTER" => Self::Register,
            "INVITE" => Self::Invite,
            "ACK" => Self::Ack,
            "BYE" => Self::Bye,
            "CANCEL" => Self::Cancel,
            "INFO" => Self::Info,
            "UPDATE" => Self::Update,
            "OPTIONS" => Self::Options,
            "SUBSCRIBE" => Self::Subscribe,
            "NOTIFY" => Self::Notify,
            "PUBLISH" => Self::Publish,
            "MESSAGE" => Self::Message,
            "REFER" => Self::Refer,
            "PRACK" => Self::Prack,
            other => Self::Other(other.into()),
        }
    }

    /// The token for a request line.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Register => "REGISTER",
            Self::Invite => "INVITE",
            Self::Ack => "ACK",
            Self::Bye => "BYE",
            Self::Cancel => "CANCEL",
            Self::Info => "INFO",
            Self::Update => "UPDATE",
            Self::Options => "OPTIONS",
            Self::Subscribe => "SUBSCRIBE",
            Self::Notify => "NOTIFY",
            Self::Publish => "PUBLISH",
            Self::Message => "MESSAGE",
            Self::Refer => "REFER",
            Self::Prack => "PRACK",
            Self::Other(token) => token,
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Compares with the list of registered methods in `rsip`.
    #[test]
    fn registered_methods_have_constants() {
        for method in rsip::Method::all() {
            let token = method.to_string();
            let ours = Method::parse(&token);
            assert!(!matches!(ours, Method::Other(_)), "{token}");
            assert_eq!(ours.as_str(), token);
        }
    }

    #[test]
    fn unknown_methods_are_kept() {
        // RFC 3261, section 7.1: case-sensitive; RFC 4475, section 3.1.1.2: any token may be a method.
        for token in [
            "invite",
            "PING",
            "!interesting-Method0123456789_*+`.%indeed'~",
        ] {
            assert_eq!(Method::parse(token), Method::Other(token.into()));
            assert_eq!(Method::parse(token).to_string(), token);
        }
    }
}
