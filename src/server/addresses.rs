//! The addresses that a server listens on, by setting.

use std::net::SocketAddr;

/// The listening addresses of a server; `None` for interfaces that are off.
#[derive(Clone, Debug, Default)]
pub struct Addresses {
    /// `phones.lan.tcp`.
    pub phones_tcp: Option<SocketAddr>,
    /// `phones.lan.tls`.
    pub phones_tls: Option<SocketAddr>,
    /// `phones.wan.tcp`.
    pub phones_wan_tcp: Option<SocketAddr>,
    /// `phones.wan.tls`.
    pub phones_wan_tls: Option<SocketAddr>,
    /// `phones.udp`.
    pub phones_udp: Option<SocketAddr>,
    /// `clients.lan.tcp`.
    pub clients_tcp: Option<SocketAddr>,
    /// `clients.lan.tls`.
    pub clients_tls: Option<SocketAddr>,
    /// `clients.wan.tcp`.
    pub clients_wan_tcp: Option<SocketAddr>,
    /// `clients.wan.tls`.
    pub clients_wan_tls: Option<SocketAddr>,
    /// `web.listen`.
    pub web: Option<SocketAddr>,
}

impl Addresses {
    /// All of them as a field of a log line: `setting=address`, with a space between two.
    pub(crate) fn listed(&self) -> String {
        let web = self.web.map(|address| ("web.listen", address));
        let all = self.by_setting().chain(web);
        let all = all.map(|(setting, address)| format!("{setting}={address}"));
        all.collect::<Vec<_>>().join(" ")
    }

    /// The open interfaces, each with its setting, but the API's.
    pub fn by_setting(&self) -> impl Iterator<Item = (&'static str, SocketAddr)> + use<> {
        let all = [
            ("phones.lan.tcp", self.phones_tcp),
            ("phones.lan.tls", self.phones_tls),
            ("phones.wan.tcp", self.phones_wan_tcp),
            ("phones.wan.tls", self.phones_wan_tls),
            ("phones.udp", self.phones_udp),
            ("clients.lan.tcp", self.clients_tcp),
            ("clients.lan.tls", self.clients_tls),
            ("clients.wan.tcp", self.clients_wan_tcp),
            ("clients.wan.tls", self.clients_wan_tls),
        ];
        all.into_iter()
            .filter_map(|(setting, address)| Some((setting, address?)))
    }
}
