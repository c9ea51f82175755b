//! Names of header fields, long and compact (RFC 3261, sections 7.3.1 and 7.3.3; the IANA registry).

use std::fmt;

macro_rules! header_names {
    ($($variant:ident $long:literal $($compact:literal)?)*) => {
        /// The name of a header field.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[allow(missing_docs, reason = "each is named after its header field")]
        pub enum HeaderName {
            $($variant,)*
            /// A header field without a constant; the head contains its name.
            Other,
        }

        impl HeaderName {
            /// The long form in the registered spelling; empty for `Other`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $long,)*
                    Self::Other => "",
                }
            }

            /// The one-letter form, if there is one.
            #[must_use]
            pub const fn compact(self) -> Option<char> {
                match self {
                    $($(Self::$variant => Some($compact),)?)*
                    _ => None,
                }
            }
        }

        const ALL: &[HeaderName] = &[$(HeaderName::$variant),*];
    };
}

header_names! {
    Accept "Accept"
    AcceptContact "Accept-Contact" 'a'
    AcceptEncoding "Accept-Encoding"
    AcceptLanguage "Accept-Language"
    AlertInfo "Alert-Info"
    Allow "Allow"
    AllowEvents "Allow-Events" 'u'
    AuthenticationInfo "Authentication-Info"
    Authorization "Authorization"
    CallId "Call-ID" 'i'
    CallInfo "Call-Info"
    Contact "Contact" 'm'
    ContentDisposition "Content-Disposition"
    ContentEncoding "Content-Encoding" 'e'
    ContentLanguage "Content-Language"
    ContentLength "Content-Length" 'l'
    ContentType "Content-Type" 'c'
    CSeq "CSeq"
    Date "Date"
    Event "Event" 'o'
    Expires "Expires"
    FlowTimer "Flow-Timer"
    From "From" 'f'
    Identity "Identity" 'y'
    IdentityInfo "Identity-Info" 'n'
    InfoPackage "Info-Package"
    MaxForwards "Max-Forwards"
    MimeVersion "MIME-Version"
    MinExpires "Min-Expires"
    MinSe "Min-SE"
    Organization "Organization"
    PAssertedIdentity "P-Asserted-Identity"
    PPreferredIdentity "P-Preferred-Identity"
    Path "Path"
    Privacy "Privacy"
    ProxyAuthenticate "Proxy-Authenticate"
    ProxyAuthorization "Proxy-Authorization"
    ProxyRequire "Proxy-Require"
    RAck "RAck"
    Reason "Reason"
    RecordRoute "Record-Route"
    RecvInfo "Recv-Info"
    ReferTo "Refer-To" 'r'
    ReferredBy "Referred-By" 'b'
    RejectContact "Reject-Contact" 'j'
    RemotePartyId "Remote-Party-ID"
    Replaces "Replaces"
    RequestDisposition "Request-Disposition" 'd'
    Require "Require"
    RetryAfter "Retry-After"
    Route "Route"
    RSeq "RSeq"
    Server "Server"
    ServiceRoute "Service-Route"
    SessionExpires "Session-Expires" 'x'
    Subject "Subject" 's'
    SubscriptionState "Subscription-State"
    Supported "Supported" 'k'
    Timestamp "Timestamp"
    To "To" 't'
    Unsupported "Unsupported"
    UserAgent "User-Agent"
    Via "Via" 'v'
    Warning "Warning"
    WwwAuthenticate "WWW-Authenticate"
}

impl HeaderName {
    /// The header field for a long or compact name, ignoring case.
    #[must_use]
    pub fn parse(name: &str) -> Self {
        let letter = match name.as_bytes() {
            [] => return Self::Other,
            [letter] => {
                let index = usize::from(letter.to_ascii_lowercase().wrapping_sub(b'a'));
                return COMPACT.get(index).copied().unwrap_or(Self::Other);
            }
            [letter, ..] => letter.to_ascii_uppercase(),
        };
        let row = BY_LENGTH
            .get(name.len())
            .map_or(&[][..], <[_; 9]>::as_slice);
        let mut candidates = row.iter().filter(|candidate| candidate.0 == letter);
        let found = candidates.find(|(_, known, _)| {
            // Most peers use the registered spelling, for which a plain comparison suffices.
            *known == name || known.eq_ignore_ascii_case(name)
        });
        found.map_or(Self::Other, |(_, _, header)| *header)
    }
}

/// Writes the long form.
impl fmt::Display for HeaderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The names by length and first letter, so that a look-up compares only one or two names.
/// `Other` pads a row; no name starts with its letter.
static BY_LENGTH: [[(u8, &str, HeaderName); 9]; 21] = {
    let mut rows = [[(0, "", HeaderName::Other); 9]; 21];
    let mut filled = [0; 21];
    let mut i = 0;
    while i < ALL.len() {
        let name = ALL[i].as_str();
        let length = name.len();
        rows[length][filled[length]] = (name.as_bytes()[0], name, ALL[i]);
        filled[length] += 1;
        i += 1;
    }
    rows
};

/// The names of the compact forms a to z.
static COMPACT: [HeaderName; 26] = {
    let mut letters = [HeaderName::Other; 26];
    let mut i = 0;
    while i < ALL.len() {
        if let Some(letter) = ALL[i].compact() {
            letters[letter as usize - 'a' as usize] = ALL[i];
        }
        i += 1;
    }
    letters
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_and_compact_names_are_read_ignoring_case() {
        let check = |name, header| assert_eq!(HeaderName::parse(name), header, "{name:?}");
        // RFC 3261, section 7.3.1 (case), 7.3.3 and 20 (compact forms).
        check("Via", HeaderName::Via);
        check("VIA", HeaderName::Via);
        check("v", HeaderName::Via);
        check("f", HeaderName::From);
        check("T", HeaderName::To);
        check("i", HeaderName::CallId);
        check("m", HeaderName::Contact);
        check("l", HeaderName::ContentLength);
        check("c", HeaderName::ContentType);
        check("e", HeaderName::ContentEncoding);
        check("s", HeaderName::Subject);
        check("k", HeaderName::Supported);
        // RFC 4028, section 4; RFC 6665, section 8.2.1; RFC 3515, section 2.1; RFC 3892, section 2.1; RFC 3841, section 9.
        check("x", HeaderName::SessionExpires);
        check("o", HeaderName::Event);
        check("u", HeaderName::AllowEvents);
        check("r", HeaderName::ReferTo);
        check("b", HeaderName::ReferredBy);
        check("a", HeaderName::AcceptContact);
        check("cseq", HeaderName::CSeq);
        check("min-se", HeaderName::MinSe);
        check("www-authenticate", HeaderName::WwwAuthenticate);
        check("", HeaderName::Other);
        check("z", HeaderName::Other);
        check("{", HeaderName::Other);
        check("X-Real-IP", HeaderName::Other);
        check("A-Name-Longer-Than-Every-Known-One", HeaderName::Other);
    }

    #[test]
    fn names_round_trip() {
        for name in ALL {
            assert_eq!(HeaderName::parse(name.as_str()), *name);
            if let Some(letter) = name.compact() {
                assert_eq!(HeaderName::parse(&letter.to_string()), *name);
            }
        }
    }
}
