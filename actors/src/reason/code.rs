//! The codes of causes.

/// Declares the codes, each with its name.
macro_rules! codes {
    ($($(#[doc = $meaning:literal])+ $code:ident = $name:literal,)+) => {
        /// The kind of a cause. Its number is its place in [`Code::ALL`].
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub enum Code {
            $($(#[doc = $meaning])+ $code,)+
        }

        impl Code {
            /// All codes.
            pub const ALL: [Self; [$($name),+].len()] = [$(Self::$code),+];

            /// The name in the API, the metrics and the texts.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$code => $name,)+
                }
            }
        }
    };
}

codes! {
    /// An operator switched the phone off.
    NotInOperation = "notInOperation",
    /// An operator stopped the service for phones and clients.
    ServiceStopped = "serviceStopped",
    /// The phone is listed and was never there.
    NeverRegistered = "neverRegistered",
    /// The phone was there before the server started, and is not back.
    NotSinceStart = "notSinceStart",
    /// The phone removed its registration.
    LoggedOff = "loggedOff",
    /// The phone did not refresh its registration.
    RegistrationLapsed = "registrationLapsed",
    /// The phone's connection ended.
    ConnectionLost = "connectionLost",
    /// The phone logs on with a wrong password.
    WrongPassword = "wrongPassword",
    /// The phone's credentials are wrong, but for the password.
    WrongCredentials = "wrongCredentials",
    /// The phone registers where clients do.
    ClientsInterface = "clientsInterface",
    /// A device at the phone's address registers with a name that no phone has.
    WrongUserName = "wrongUserName",
    /// The registrar rejects the phone's REGISTER.
    RegisterRejected = "registerRejected",
    /// The phone knows only old versions of TLS.
    TlsTooOld = "tlsTooOld",
    /// The phone does not trust the server's certificate.
    CertificateNotTrusted = "certificateNotTrusted",
    /// The phone's own certificate is missing or not valid.
    PhoneCertificateRefused = "phoneCertificateRefused",
    /// The TLS handshake failed otherwise.
    TlsFailed = "tlsFailed",
    /// The phone speaks TLS on a TCP port, or the reverse.
    WrongTransport = "wrongTransport",
    /// Two devices register with one name.
    SameName = "sameName",
    /// Another phone has the same line.
    SameNumber = "sameNumber",
    /// No licence is free.
    NoLicence = "noLicence",
    /// The session is being opened.
    Opening = "opening",
    /// The phone lacks CSTA, or CSTA is switched off there.
    CstaRefused = "cstaRefused",
    /// The phone rejects the session for the moment.
    NotReady = "notReady",
    /// The phone does not accept the server's credentials.
    ServerNotTrusted = "serverNotTrusted",
    /// The phone rang on the INVITE.
    Rings = "rings",
    /// The phone accepts the session and does not speak CSTA.
    NoCsta = "noCsta",
    /// The phone does not answer.
    NoAnswer = "noAnswer",
    /// The phone's system is disabled or starting.
    PhoneOutOfService = "phoneOutOfService",
    /// The session ended.
    SessionLost = "sessionLost",
    /// The INVITE does not fit into a datagram.
    RequestTooLarge = "requestTooLarge",
}
