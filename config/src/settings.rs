//! The settings as types; their defaults are in `default.toml`.

use std::{path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    choice::{Digest, Format, Level},
    numbers::Numbers,
    origin::Origins,
    part_level::PartLevel,
    secret::Secret,
    trust::{Network, Trusted},
    value::{ByteSize, Listen, boolean, path, seconds},
};

/// All settings.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The section `[phones]`.
    pub phones: Phones,
    /// The section `[clients]`.
    pub clients: Clients,
    /// The section `[numbers]`.
    pub numbers: Numbers,
    /// The section `[tls]`.
    pub tls: Tls,
    /// The section `[advanced]`.
    pub advanced: Advanced,
    /// The section `[limits]`.
    pub limits: Limits,
    /// The section `[licenses]`.
    pub licenses: Licenses,
    /// The section `[logs]`.
    pub logs: Logs,
    /// The section `[audit]`.
    pub audit: Audit,
    /// The section `[web]`.
    pub web: Web,
    /// The configuration file that was read.
    #[serde(skip)]
    pub file: Option<PathBuf>,
    /// The origin of each setting.
    #[serde(skip)]
    pub(crate) origins: Origins,
}

/// How phones reach the server.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Phones {
    /// The password that phones log on with.
    pub password: Secret,
    /// Whether an extension is accepted as user name beside the MAC address.
    pub extensions: bool,
    /// PEM file of the authorities that sign phones' certificates; `None`: no certificate is requested.
    #[serde(with = "path")]
    pub trusted_authority: Option<PathBuf>,
    /// Whether a phone on TLS must have a certificate.
    pub require_certificate: bool,
    /// Interface to the local network.
    pub lan: Lan,
    /// Interface to phones outside.
    pub wan: Wan,
    /// UDP interface.
    pub udp: Listen,
    /// The feature code for DirectedPickupCall; `{number}` is replaced by the line's number. Empty: off.
    pub pickup: String,
}

/// How CTI clients reach the server, and who they may be.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Clients {
    /// The user name that clients log on with.
    pub user: String,
    /// The password of that user.
    pub password: Secret,
    /// Front ends that are not challenged; their From names the user.
    pub trusted: Vec<Trusted>,
    /// PEM file of the authorities that sign the certificates named in `trusted`.
    #[serde(with = "path")]
    pub trusted_authority: Option<PathBuf>,
    /// Interface to the local network.
    pub lan: Lan,
    /// Interface to clients outside.
    pub wan: Wan,
    /// Further accounts.
    pub accounts: Vec<Account>,
}

/// An account of CTI clients with its rights.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// User name.
    pub user: String,
    /// Password.
    pub password: Secret,
    /// The lines that it may open; empty: all.
    #[serde(default)]
    pub lines: Vec<String>,
    /// Whether it may control calls, or only monitor them.
    #[serde(default = "may_control", deserialize_with = "boolean")]
    pub control: bool,
    /// The user's own phone numbers.
    #[serde(default)]
    pub numbers: Vec<String>,
}

/// An interface to the local network.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Lan {
    /// SIP over TCP.
    pub tcp: Listen,
    /// SIP over TLS.
    pub tls: Listen,
}

/// An interface to peers in other networks, with a public address.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Wan {
    /// SIP over TCP.
    pub tcp: Listen,
    /// SIP over TLS.
    pub tls: Listen,
    /// The public host name or address.
    pub public_host: String,
    /// The public TCP port; 0: the port of `tcp`.
    pub public_tcp_port: u16,
    /// The public TLS port; 0: the port of `tls`.
    pub public_tls_port: u16,
}

/// The server's certificate.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// PEM file, the server's certificate first; `None`: generated.
    #[serde(with = "path")]
    pub certificate: Option<PathBuf>,
    /// PEM file of its private key.
    #[serde(with = "path")]
    pub key: Option<PathBuf>,
}

/// Times and behaviour.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Advanced {
    /// Whether new phones are enabled when they register.
    pub auto_activate: bool,
    /// The longest registration and session interval granted to phones.
    #[serde(with = "seconds")]
    pub sip_expires: Duration,
    /// The shortest registration; shorter ones get 423.
    #[serde(with = "seconds")]
    pub min_expires: Duration,
    /// The interval of CSTA keep-alives with a phone.
    #[serde(with = "seconds")]
    pub keep_alive: Duration,
    /// The time for a phone to answer a request, including the wait in its queue.
    #[serde(with = "seconds")]
    pub request_timeout: Duration,
    /// The realm of digest authentication.
    pub realm: String,
    /// Digest algorithms in order of offer.
    pub digest: Vec<Digest>,
    /// Event loops; 0: the number that measured best.
    pub arbiters: usize,
    /// Front ends whose connections begin with a PROXY header.
    pub proxy_protocol_from: Vec<Network>,
}

/// Limits that protect the server; `default.toml` gives their ranges.
#[derive(Clone, Debug, Deserialize, Serialize)]
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
    /// Nested elements of a CSTA document.
    pub xml_depth: usize,
    /// Attributes and namespace declarations of one element.
    pub xml_attributes: usize,
    /// The time from a message's first octet to its last.
    #[serde(with = "seconds")]
    pub message_time: Duration,
    /// The time for a TLS handshake.
    #[serde(with = "seconds")]
    pub tls_handshake: Duration,
    /// Open connections in all.
    pub connections: usize,
    /// Open connections from one address.
    pub connections_per_address: usize,
    /// Unauthenticated connections in all.
    pub unauthenticated_connections: usize,
    /// Memory for incomplete messages of all unauthenticated connections.
    pub unauthenticated_memory: ByteSize,
    /// The time for a connection to log on.
    #[serde(with = "seconds")]
    pub unauthenticated_time: Duration,
    /// Failed log-ons of one address or user before further ones are rate-limited.
    pub failed_log_ons: usize,
    /// Log-ons a second that are checked beyond that.
    pub log_on_tries: usize,
    /// Octets that a client may leave unread before its connection ends.
    pub client_queue: ByteSize,
    /// Events that a client may leave unanswered before its connection ends.
    pub client_unanswered: usize,
    /// Pending requests of one phone.
    pub pending_requests_per_phone: usize,
    /// Pending requests of one client.
    pub pending_requests_per_client: usize,
    /// Monitors of one client.
    pub monitors_per_client: usize,
    /// Listed phones that never listed a line.
    pub unknown_phones: usize,
    /// The last messages of all phones and clients together; 0: none are kept.
    pub ladder: ByteSize,
    /// Connections of the API and the administration.
    pub api_connections: usize,
    /// Requests to the API a second, of one log-on.
    pub api_requests: u32,
    /// CSTA sessions on one client connection.
    pub sessions_per_connection: usize,
    /// Accounts of clients that the settings do not contain.
    pub accounts: usize,
    /// Tokens of all accounts.
    pub tokens: usize,
}

/// Licence codes.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Licenses {
    /// The codes, in any order.
    pub codes: Vec<String>,
}

/// Log files.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Logs {
    /// The lowest severity that is logged.
    pub level: Level,
    /// The levels of parts of the program that differ from it.
    pub levels: Vec<PartLevel>,
    /// The folder; `None`: `logs` in the data folder.
    #[serde(with = "path")]
    pub directory: Option<PathBuf>,
    /// The size at which the next file is started.
    pub max_size: ByteSize,
    /// How many files are kept, including the current one.
    pub keep: u32,
    /// Whether to start a new file at midnight and delete older ones.
    pub delete_daily: bool,
    /// The phones whose messages are logged; empty: all.
    pub phones: Vec<String>,
    /// The format of a line.
    pub format: Format,
}

/// The audit log.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Audit {
    /// The size of its files for changes, and that of its files for refused requests.
    pub max_size: ByteSize,
    /// How many days an entry is kept.
    pub keep_days: u32,
}

/// Administration and API.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Web {
    /// The address of the HTTP server.
    #[serde(deserialize_with = "crate::value::loopback")]
    pub listen: Listen,
    /// Whether it speaks TLS with the server's certificate.
    pub tls: bool,
    /// The names and further addresses by which browsers and programs reach it.
    pub names: Vec<String>,
    /// TLS proxies in front of it, whose X-Forwarded-For names the peer.
    pub trusted_proxies: Vec<Network>,
    /// The password of the user `admin`.
    pub password: Secret,
}

fn may_control() -> bool {
    true
}
