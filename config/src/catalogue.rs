//! Every setting with its unit, its range and when a change of it applies.

use crate::choice::{Digest, Format, Level};

/// What is known of a setting beside its default and description, which are in `default.toml`.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) key: &'static str,
    pub(crate) applies: Applies,
    pub(crate) unit: Option<Unit>,
    pub(crate) range: Option<Range>,
    /// The words that it, or each item of its list, may be.
    pub(crate) choices: &'static [&'static str],
    /// Whether it is never shown.
    pub(crate) is_secret: bool,
}

/// When a change of a setting applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applies {
    /// With the next message, request or line of the log.
    AtOnce,
    /// With the next connection, handshake or log-on.
    NextConnection,
    /// With the next start of the server.
    NextStart,
}

/// The unit of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Whole seconds.
    Seconds,
    /// Bytes, which settings write with a binary unit, such as `64KiB`.
    Bytes,
}

/// The least and the largest value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Range {
    pub(crate) minimum: u64,
    pub(crate) maximum: Maximum,
    /// Whether it may be 0 as well.
    pub(crate) or_zero: bool,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Maximum {
    Number(u64),
    /// The value of another setting.
    Setting(&'static str),
}

impl Row {
    const fn of(key: &'static str, applies: Applies) -> Self {
        Self {
            key,
            applies,
            unit: None,
            range: None,
            choices: &[],
            is_secret: false,
        }
    }

    const fn secret(self) -> Self {
        Self {
            is_secret: true,
            ..self
        }
    }

    const fn choices(self, choices: &'static [&'static str]) -> Self {
        Self { choices, ..self }
    }

    const fn count(self, minimum: u64, maximum: u64) -> Self {
        let range = Range {
            minimum,
            maximum: Maximum::Number(maximum),
            or_zero: false,
        };
        Self {
            range: Some(range),
            ..self
        }
    }

    const fn seconds(self, minimum: u64, maximum: u64) -> Self {
        Self {
            unit: Some(Unit::Seconds),
            ..self.count(minimum, maximum)
        }
    }

    const fn bytes(self, minimum: u64, maximum: u64) -> Self {
        Self {
            unit: Some(Unit::Bytes),
            ..self.count(minimum, maximum)
        }
    }

    /// Replaces the maximum by the value of another setting.
    const fn up_to(self, setting: &'static str) -> Self {
        let range = match self.range {
            Some(range) => Some(Range {
                maximum: Maximum::Setting(setting),
                ..range
            }),
            None => None,
        };
        Self { range, ..self }
    }

    const fn or_zero(self) -> Self {
        let range = match self.range {
            Some(range) => Some(Range {
                or_zero: true,
                ..range
            }),
            None => None,
        };
        Self { range, ..self }
    }
}

/// The row of a key.
pub(crate) fn row(key: &str) -> Option<&'static Row> {
    ROWS.iter().find(|row| row.key == key)
}

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
const TIB: u64 = 1 << 40;

use Applies::{AtOnce, NextConnection, NextStart};

/// All settings, in the order of `default.toml`.
pub(crate) const ROWS: &[Row] = &[
    Row::of("phones.password", NextConnection).secret(),
    Row::of("phones.extensions", AtOnce),
    Row::of("phones.trusted_authority", NextConnection),
    Row::of("phones.require_certificate", NextConnection),
    Row::of("phones.lan.tcp", NextConnection),
    Row::of("phones.lan.tls", NextConnection),
    Row::of("phones.wan.tcp", NextConnection),
    Row::of("phones.wan.tls", NextConnection),
    Row::of("phones.wan.public_host", NextConnection),
    Row::of("phones.wan.public_tcp_port", NextConnection).count(0, 65535),
    Row::of("phones.wan.public_tls_port", NextConnection).count(0, 65535),
    Row::of("phones.udp", NextConnection),
    Row::of("phones.pickup", AtOnce),
    Row::of("clients.user", NextConnection),
    Row::of("clients.password", NextConnection).secret(),
    Row::of("clients.trusted", NextConnection),
    Row::of("clients.trusted_authority", NextConnection),
    Row::of("clients.lan.tcp", NextConnection),
    Row::of("clients.lan.tls", NextConnection),
    Row::of("clients.wan.tcp", NextConnection),
    Row::of("clients.wan.tls", NextConnection),
    Row::of("clients.wan.public_host", NextConnection),
    Row::of("clients.wan.public_tcp_port", NextConnection).count(0, 65535),
    Row::of("clients.wan.public_tls_port", NextConnection).count(0, 65535),
    Row::of("clients.accounts", AtOnce),
    Row::of("numbers.country", AtOnce),
    Row::of("numbers.area", AtOnce),
    Row::of("numbers.exchange", AtOnce),
    Row::of("numbers.internal", AtOnce),
    Row::of("numbers.international", AtOnce),
    Row::of("numbers.national", AtOnce),
    Row::of("numbers.outside", AtOnce),
    Row::of("tls.certificate", NextConnection),
    Row::of("tls.key", NextConnection),
    Row::of("advanced.auto_activate", AtOnce),
    Row::of("advanced.sip_expires", AtOnce).seconds(60, 86400),
    Row::of("advanced.min_expires", AtOnce)
        .seconds(10, 86400)
        .up_to("advanced.sip_expires"),
    Row::of("advanced.keep_alive", AtOnce).seconds(5, 3600),
    Row::of("advanced.request_timeout", AtOnce).seconds(1, 30),
    Row::of("advanced.realm", NextConnection),
    Row::of("advanced.digest", NextConnection).choices(Digest::WORDS),
    Row::of("advanced.arbiters", NextStart).count(0, 256),
    Row::of("advanced.proxy_protocol_from", NextConnection),
    Row::of("limits.message_head", NextConnection).bytes(KIB, MIB),
    Row::of("limits.message_line", NextConnection)
        .bytes(512, MIB)
        .up_to("limits.message_head"),
    Row::of("limits.message_headers", NextConnection).count(16, 4096),
    Row::of("limits.message_body", NextConnection).bytes(4 * KIB, 16 * MIB),
    Row::of("limits.xml_depth", AtOnce).count(8, 256),
    Row::of("limits.xml_attributes", AtOnce).count(8, 256),
    Row::of("limits.message_time", NextConnection).seconds(1, 300),
    Row::of("limits.tls_handshake", NextConnection).seconds(1, 60),
    Row::of("limits.connections", NextConnection).count(1, 1_000_000),
    Row::of("limits.connections_per_address", NextConnection)
        .count(1, 1_000_000)
        .up_to("limits.connections"),
    Row::of("limits.unauthenticated_connections", NextConnection).count(1, 1_000_000),
    Row::of("limits.unauthenticated_memory", NextConnection).bytes(MIB, GIB),
    Row::of("limits.unauthenticated_time", NextConnection).seconds(1, 300),
    Row::of("limits.failed_log_ons", AtOnce).count(1, 10_000),
    Row::of("limits.log_on_tries", AtOnce).count(1, 1_000),
    Row::of("limits.client_queue", NextConnection).bytes(64 * KIB, GIB),
    Row::of("limits.client_unanswered", NextConnection).count(256, 1_000_000),
    Row::of("limits.pending_requests_per_phone", AtOnce).count(1, 10_000),
    Row::of("limits.pending_requests_per_client", AtOnce).count(1, 100_000),
    Row::of("limits.monitors_per_client", AtOnce).count(1, 1_000_000),
    Row::of("limits.unknown_phones", AtOnce).count(1, 1_000_000),
    Row::of("limits.ladder", AtOnce).bytes(MIB, GIB).or_zero(),
    Row::of("limits.api_connections", NextStart).count(1, 10_000),
    Row::of("limits.api_requests", AtOnce).count(1, 100_000),
    Row::of("limits.sessions_per_connection", AtOnce).count(1, 100_000),
    Row::of("limits.accounts", AtOnce).count(1, 100_000),
    Row::of("limits.tokens", AtOnce).count(1, 100_000),
    Row::of("licenses.codes", AtOnce).secret(),
    Row::of("logs.level", AtOnce).choices(Level::WORDS),
    Row::of("logs.levels", AtOnce),
    Row::of("logs.directory", AtOnce),
    Row::of("logs.max_size", AtOnce).bytes(64 * KIB, TIB),
    Row::of("logs.keep", AtOnce).count(1, 10_000),
    Row::of("logs.delete_daily", AtOnce),
    Row::of("logs.phones", AtOnce),
    Row::of("logs.format", AtOnce).choices(Format::WORDS),
    Row::of("audit.max_size", AtOnce).bytes(MIB, GIB),
    Row::of("audit.keep_days", AtOnce).count(1, 3650),
    Row::of("web.listen", NextConnection),
    Row::of("web.tls", NextConnection),
    Row::of("web.names", AtOnce),
    Row::of("web.trusted_proxies", AtOnce),
    Row::of("web.password", NextConnection).secret(),
];
