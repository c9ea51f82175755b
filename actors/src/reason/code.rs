//! The codes of causes, and what to do about each.

/// Declares the codes, each with its name and its remedy.
macro_rules! codes {
    ($($(#[doc = $meaning:literal])+ $code:ident = $name:literal $remedy:literal,)+) => {
        /// The kind of a cause. Its number is its place in [`Code::ALL`].
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub enum Code {
            $($(#[doc = $meaning])+ $code,)+
        }

        impl Code {
            /// All codes.
            pub const ALL: [Self; [$($name),+].len()] = [$(Self::$code),+];

            /// The name in the API and the metrics.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$code => $name,)+
                }
            }

            /// What to do.
            pub const fn remedy(self) -> &'static str {
                match self {
                    $(Self::$code => $remedy,)+
                }
            }
        }
    };
}

codes! {
    /// An operator switched the phone off.
    NotInOperation = "notInOperation"
        "Put the phone into operation: uacsta phones on PHONE.",
    /// The phone is listed and was never there.
    NeverRegistered = "neverRegistered"
        "Enter the server's address, the phones' password and the MAC address as user name at the phone; check the network and firewalls between them.",
    /// The phone was there before the server started, and is not back.
    NotSinceStart = "notSinceStart"
        "Wait for the time of a registration; if the phone does not return, check its power, its network and the server's address in its settings.",
    /// The phone removed its registration.
    LoggedOff = "loggedOff"
        "Enable the account at the phone: it was switched off there, or the phone is restarting.",
    /// The phone did not refresh its registration.
    RegistrationLapsed = "registrationLapsed"
        "Check the phone's power and network, and whether a firewall or NAT drops its connection.",
    /// The phone's connection ended.
    ConnectionLost = "connectionLost"
        "Check the phone's power and network cable; it is back with its next REGISTER.",
    /// The phone logs on with a wrong password.
    WrongPassword = "wrongPassword"
        "Enter the phones' password of the server (phones.password) at the phone.",
    /// The phone's credentials are wrong, but for the password.
    WrongCredentials = "wrongCredentials"
        "Enter the user name also as the name for authentication at the phone; for a phone that knows MD5 alone, add it to advanced.digest.",
    /// The phone registers where clients do.
    ClientsInterface = "clientsInterface"
        "Set the phone's server and port to an interface of phones (phones.lan, phones.wan or phones.udp).",
    /// A device at the phone's address registers with a name that no phone has.
    WrongUserName = "wrongUserName"
        "Set the phone's user name to its MAC address, 12 hexadecimal digits, or set phones.extensions for extensions.",
    /// The registrar rejects the phone's REGISTER.
    RegisterRejected = "registerRejected"
        "Mend what the sentence names in the phone's settings; if all is right there, restart the phone.",
    /// The phone knows only old versions of TLS.
    TlsTooOld = "tlsTooOld"
        "Update the phone's firmware, or put a TLS front end before the server (docs/tls-front.md).",
    /// The phone does not trust the server's certificate.
    CertificateNotTrusted = "certificateNotTrusted"
        "Load the authority of the server's certificate (ca.pem of the data folder, if the server made it) into the phone; check the phone's clock and that the certificate names the host that the phone connects to.",
    /// The phone's own certificate is missing or not valid.
    PhoneCertificateRefused = "phoneCertificateRefused"
        "Add the authority that signed the phone's certificate to phones.trusted_authority, or give the phone a certificate.",
    /// The TLS handshake failed otherwise.
    TlsFailed = "tlsFailed"
        "Compare the TLS settings of the phone with those of the server.",
    /// The phone speaks TLS on a TCP port, or the reverse.
    WrongTransport = "wrongTransport"
        "Set the phone's transport to that of the port: TLS on a TLS port, TCP on a TCP port.",
    /// Two devices register with one name.
    SameName = "sameName"
        "Set each phone's user name to its own MAC address and restart it; if it is one phone, give it a constant address.",
    /// Another phone has the same line.
    SameNumber = "sameNumber"
        "Remove the line from one of the phones, or let clients choose the phone by ;mac= after the line.",
    /// No licence is free.
    NoLicence = "noLicence"
        "Add a licence, or switch off phones that need none; see: uacsta licenses.",
    /// The session is being opened.
    Opening = "opening"
        "Wait: the phone has half a minute to answer.",
    /// The phone lacks CSTA, or CSTA is switched off there.
    CstaRefused = "cstaRefused"
        "Enable CSTA (uaCSTA) at the phone, and check that its firmware has it. The server asks again when the phone registers anew, else less and less often, down to once an hour.",
    /// The phone rejects the session for the moment.
    NotReady = "notReady"
        "Wait: the server asks again within a minute. If it lasts, restart the phone.",
    /// The phone does not accept the server's credentials.
    ServerNotTrusted = "serverNotTrusted"
        "Enter the phones' password of the server as the password of the phone's account: the server answers the phone's challenge with it.",
    /// The phone rang on the INVITE.
    Rings = "rings"
        "Enable CSTA (uaCSTA) at the phone and restart it: it takes the session for a call. The server asks again when the phone registers anew, else after an hour.",
    /// The phone accepts the session and does not speak CSTA.
    NoCsta = "noCsta"
        "Enable CSTA (uaCSTA) at the phone, and update its firmware; a phone without CSTA cannot be controlled.",
    /// The phone does not answer.
    NoAnswer = "noAnswer"
        "Check that the phone is on and reachable at its address, and that no firewall or proxy stops requests to it; restart it.",
    /// The phone's system is disabled or starting.
    PhoneOutOfService = "phoneOutOfService"
        "Wait until the phone has started; if it lasts, restart the phone.",
    /// The session ended.
    SessionLost = "sessionLost"
        "Wait: the server opens the next session within a minute. If it happens again and again, update the phone's firmware.",
    /// The INVITE does not fit into a datagram.
    RequestTooLarge = "requestTooLarge"
        "Set the phone's transport to TCP or TLS.",
}
