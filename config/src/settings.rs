//! The settings as types; their defaults stand in `default.toml` alone.

use std::{collections::BTreeMap, fmt, path::PathBuf, sync::Arc, time::Duration};

use serde::{Deserialize, Deserializer};

use crate::{
    choice::{Digest, Format, Level},
    secret::Secret,
    trust::{Network, Trusted},
    value::{ByteSize, Listen, seconds},
};

/// All that an operator may set.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Phones.
    pub phones: Phones,
    /// CTI clients.
    pub clients: Clients,
    /// The server's certificate.
    pub tls: Tls,
    /// Times and behaviour.
    pub advanced: Advanced,
    /// Bounds that protect the server.
    pub limits: Limits,
    /// Licence codes.
    pub licenses: Licenses,
    /// Log files.
    pub logs: Logs,
    /// Administration and API.
    pub web: Web,
    /// Where each of them was set.
    #[serde(skip)]
    pub(crate) places: Places,
}

/// Where settings come from, by key: a file with its line, or an environment variable. That is no part of what they are.
#[derive(Clone, Default)]
pub(crate) struct Places(pub(crate) Arc<BTreeMap<String, String>>);

impl fmt::Debug for Places {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("..")
    }
}

impl Settings {
    /// Where a setting was made: a file with its line, or an environment variable; `None` for a default.
    pub fn place(&self, key: &str) -> Option<&str> {
        self.places.0.get(key).map(String::as_str)
    }
}

/// How phones reach the server.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Phones {
    /// The password that phones log on with.
    pub password: Secret,
    /// Whether an extension is accepted as user name beside the MAC address.
    pub extensions: bool,
    /// PEM file of the authorities that sign the certificates which phones show; `None`: none is asked for.
    #[serde(deserialize_with = "path")]
    pub trusted_authority: Option<PathBuf>,
    /// Whether a phone on TLS has to show one.
    pub require_certificate: bool,
    /// Interface to the local network.
    pub lan: Lan,
    /// Interface to phones outside.
    pub wan: Wan,
    /// UDP interface.
    pub udp: Listen,
    /// What a phone calls to pick up a call that alerts elsewhere; `{number}` stands for that line's number. Empty: off.
    pub pickup: String,
}

/// How CTI clients reach the server, and who they may be.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clients {
    /// The user name that clients log on with.
    pub user: String,
    /// The password of that user.
    pub password: Secret,
    /// Front ends that cannot answer a challenge: whoever they say is the user.
    pub trusted: Vec<Trusted>,
    /// PEM file of the authorities that sign the certificates which `trusted` names.
    #[serde(deserialize_with = "path")]
    pub trusted_authority: Option<PathBuf>,
    /// Interface to the local network.
    pub lan: Lan,
    /// Interface to clients outside.
    pub wan: Wan,
    /// Further log-ons.
    pub accounts: Vec<Account>,
}

/// A log-on of CTI clients with rights of its own.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// User name.
    pub user: String,
    /// Password.
    pub password: Secret,
    /// The lines that it may open; empty: all.
    #[serde(default)]
    pub lines: Vec<String>,
    /// Whether it may control calls, not only watch them.
    #[serde(default = "may_control")]
    pub control: bool,
    /// The user's own phone numbers.
    #[serde(default)]
    pub numbers: Vec<String>,
}

/// An interface to the local network.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lan {
    /// SIP over TCP.
    pub tcp: Listen,
    /// SIP over TLS.
    pub tls: Listen,
}

/// An interface to peers behind other networks, who are told a public address.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wan {
    /// SIP over TCP.
    pub tcp: Listen,
    /// SIP over TLS.
    pub tls: Listen,
    /// The name or address that peers outside reach the server by.
    pub public_host: String,
    /// The TCP port they reach it by; 0: the one that is listened on.
    pub public_tcp_port: u16,
    /// The TLS port they reach it by; 0: the one that is listened on.
    pub public_tls_port: u16,
}

/// The server's certificate.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// PEM file, the server's certificate first; `None`: self-signed.
    #[serde(deserialize_with = "path")]
    pub certificate: Option<PathBuf>,
    /// PEM file of its private key.
    #[serde(deserialize_with = "path")]
    pub key: Option<PathBuf>,
}

/// Times and behaviour.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Advanced {
    /// Whether unknown phones are put into operation when they first register.
    pub auto_activate: bool,
    /// The longest registration, and dialog with a phone, that is granted.
    #[serde(deserialize_with = "seconds")]
    pub sip_expires: Duration,
    /// The shortest registration that is not refused with 423.
    #[serde(deserialize_with = "seconds")]
    pub min_expires: Duration,
    /// Between CSTA keep-alives with a phone.
    #[serde(deserialize_with = "seconds")]
    pub keep_alive: Duration,
    /// How long a phone may take to answer a relayed request, the wait in its queue included.
    #[serde(deserialize_with = "seconds")]
    pub request_timeout: Duration,
    /// The realm of digest authentication.
    pub realm: String,
    /// Digest algorithms in order of offer.
    pub digest: Vec<Digest>,
    /// Event loops; 0: what measures best.
    pub arbiters: usize,
    /// Front ends whose connections begin with a PROXY header, which tells whom they speak for.
    pub proxy_protocol_from: Vec<Network>,
}

/// Bounds that protect the server.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Start line and headers of a SIP message.
    pub message_head: ByteSize,
    /// One line of them.
    pub message_line: ByteSize,
    /// Header fields of a SIP message.
    pub message_headers: usize,
    /// Body of a SIP message.
    pub message_body: ByteSize,
    /// Elements in one another in a CSTA document, which is as large as a body may be.
    pub xml_depth: usize,
    /// Attributes, namespace declarations included, of one of them.
    pub xml_attributes: usize,
    /// From the first byte of a message to its last.
    #[serde(deserialize_with = "seconds")]
    pub message_time: Duration,
    /// A whole TLS handshake.
    #[serde(deserialize_with = "seconds")]
    pub tls_handshake: Duration,
    /// Open connections in all.
    pub connections: usize,
    /// Open connections from one address.
    pub connections_per_address: usize,
    /// Open connections on which nobody has logged on.
    pub unauthenticated_connections: usize,
    /// What messages that have not come whole may take together on connections where nobody has logged on.
    pub unauthenticated_memory: ByteSize,
    /// How long a connection has to log on.
    #[serde(deserialize_with = "seconds")]
    pub unauthenticated_time: Duration,
    /// Failed log-ons from one address, or for one user, before further ones are held back.
    pub failed_log_ons: usize,
    /// Log-ons a second that are then still looked at.
    pub log_on_tries: usize,
    /// What a slow client may leave unread before it is dropped.
    pub client_queue: ByteSize,
    /// Events that a client may leave unanswered before it is dropped.
    pub client_unanswered: usize,
    /// Requests that may wait for one phone.
    pub pending_requests_per_phone: usize,
    /// Requests of one client that may wait for their answers.
    pub pending_requests_per_client: usize,
    /// Monitors of one client.
    pub monitors_per_client: usize,
    /// Phones in the list that never told a line.
    pub unknown_phones: usize,
    /// Connections of the API and the administration.
    pub api_connections: usize,
    /// CSTA sessions on one client connection.
    pub sessions_per_connection: usize,
}

/// Licence codes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Licenses {
    /// The codes, in any order.
    pub codes: Vec<String>,
}

/// Log files.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Logs {
    /// How much is logged.
    pub level: Level,
    /// Where; `None`: `logs` in the data folder.
    #[serde(deserialize_with = "path")]
    pub directory: Option<PathBuf>,
    /// The size of one file before the next is begun.
    pub max_size: ByteSize,
    /// How many files are kept, the current one among them.
    pub keep: u32,
    /// Whether to begin afresh every midnight and delete the files of the day before.
    pub delete_daily: bool,
    /// MAC addresses of the phones whose messages are logged; empty: all.
    pub phones: Vec<String>,
    /// How a line is written.
    pub format: Format,
}

/// Administration and API.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Web {
    /// Where its HTTP server listens.
    pub listen: Listen,
    /// The password of the user `admin`.
    pub password: Secret,
}

fn may_control() -> bool {
    true
}

fn path<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<PathBuf>, D::Error> {
    let text = String::deserialize(deserializer)?;
    // A private key in the place of its file's name must not come back in what is said of that file.
    if text.contains(char::is_control) || text.contains("-----BEGIN") {
        return Err(serde::de::Error::custom(
            "is what stands in a file, but must be the file's path",
        ));
    }
    Ok((!text.is_empty()).then(|| PathBuf::from(text)))
}
