//! The names by which peers reach this server, which its certificate contains (RFC 5922, section 7; RFC 6125).

use std::{collections::BTreeSet, fs, io, net::IpAddr};

use uacsta_config::Settings;

/// DNS names and addresses, as a certificate contains them.
pub(super) type Names = BTreeSet<String>;

/// More addresses of the machine would make handshakes large.
const ADDRESSES: usize = 100;

/// The names of all interfaces; in place of an unspecified address all addresses of this machine.
///
/// # Errors
/// The addresses of this machine cannot be read.
pub(super) fn names(settings: &Settings) -> io::Result<Names> {
    let machine = if_addrs::get_if_addrs()?;
    let machine = machine.iter().map(if_addrs::Interface::ip).collect();
    Ok(all(settings, &host_name(), &machine))
}

/// As [`names`], without the addresses of this machine.
pub(super) fn names_in_settings(settings: &Settings) -> Names {
    all(settings, &host_name(), &BTreeSet::new())
}

fn all(settings: &Settings, host_name: &str, machine: &BTreeSet<IpAddr>) -> Names {
    let (phones, clients) = (&settings.phones, &settings.clients);
    let interfaces = [
        phones.lan.tcp,
        phones.lan.tls,
        phones.wan.tcp,
        phones.wan.tls,
        clients.lan.tcp,
        clients.lan.tls,
        clients.wan.tcp,
        clients.wan.tls,
        settings.web.listen,
    ];
    let listening: BTreeSet<IpAddr> = interfaces
        .iter()
        .filter_map(|listen| listen.address())
        .map(|address| address.ip())
        .collect();
    let mut names = Names::from(["localhost", "127.0.0.1", "::1"].map(str::to_owned));
    let machine = machine.iter().filter(|address| {
        // `[::]` accepts IPv4 too.
        let is_any = |any: &IpAddr| any.is_unspecified() && (any.is_ipv6() || address.is_ipv4());
        listening.iter().any(is_any) && !is_link_local(address)
    });
    names.extend(machine.take(ADDRESSES).map(ToString::to_string));
    let named = listening.iter().filter(|address| !address.is_unspecified());
    names.extend(named.map(|address| address.to_canonical().to_string()));
    names.insert(host_name.to_ascii_lowercase());
    for wan in [&phones.wan, &clients.wan] {
        let host = wan.public_host.trim_matches(['[', ']']);
        names.insert(as_named(host));
    }
    if settings.web.tls {
        names.extend(settings.web.names.iter().map(|host| as_named(host)));
    }
    names.remove("");
    names
}

/// A host as a certificate names it.
fn as_named(host: &str) -> String {
    match host.parse::<IpAddr>() {
        Ok(address) => address.to_string(),
        Err(_) => host.trim_end_matches('.').to_ascii_lowercase(),
    }
}

/// Such an address needs a zone (RFC 4007), which a certificate cannot contain.
fn is_link_local(address: &IpAddr) -> bool {
    matches!(address, IpAddr::V6(address) if address.is_unicast_link_local())
}

/// This machine's host name, if a certificate can contain it, else empty.
pub(super) fn host_name() -> String {
    let asked = fs::read_to_string("/proc/sys/kernel/hostname")
        .or_else(|_| fs::read_to_string("/etc/hostname"))
        .ok()
        .or_else(|| std::env::var("HOSTNAME").ok())
        .or_else(|| std::env::var("COMPUTERNAME").ok())
        .unwrap_or_default();
    let name = asked.trim();
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    match name.chars().all(fits) {
        true => name.to_owned(),
        false => String::new(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use uacsta_config::Listen;

    use super::*;

    #[test]
    fn names_are_those_that_peers_connect_to() {
        const MACHINE: [&str; 4] = ["10.0.0.7", "2001:db8::7", "fe80::7", "192.0.2.9"];
        let machine = MACHINE.map(|address| address.parse().unwrap()).into();
        let check = |lan: &str, public: &str, expected: &[&str]| {
            let mut settings = Settings::builtin();
            let off = [&mut settings.phones.lan, &mut settings.clients.lan];
            for lan in off {
                (lan.tcp, lan.tls) = (Listen::OFF, Listen::OFF);
            }
            settings.phones.lan.tls = lan.parse::<std::net::SocketAddr>().unwrap().into();
            settings.phones.wan.public_host = public.to_owned();
            let mut found = all(&settings, "PBX", &machine);
            for always in ["localhost", "127.0.0.1", "::1", "pbx"] {
                assert!(found.remove(always), "{always}: {found:?}");
            }
            let found: Vec<_> = found.iter().map(String::as_str).collect();
            assert_eq!(found, expected, "{lan} {public}");
        };
        check("127.0.0.5:5061", "", &["127.0.0.5"]);
        check("10.0.0.7:5061", "", &["10.0.0.7"]);
        check("0.0.0.0:5061", "", &["10.0.0.7", "192.0.2.9"]);
        check("[::]:5061", "", &["10.0.0.7", "192.0.2.9", "2001:db8::7"]);
        check("[2001:db8::7]:5061", "", &["2001:db8::7"]);
        check("127.0.0.1:0", "CTI.example.", &["cti.example"]);
        check("127.0.0.1:0", "[2001:DB8:0::1]", &["2001:db8::1"]);
        check("127.0.0.1:0", "203.0.113.1", &["203.0.113.1"]);
    }

    #[test]
    fn names_of_the_http_server_count_with_tls() {
        let mut settings = Settings::builtin();
        settings.web.names = vec!["CTI.example.".to_owned(), "192.0.2.9".to_owned()];
        for tls in [false, true] {
            settings.web.tls = tls;
            let found = all(&settings, "pbx", &BTreeSet::new());
            for name in ["cti.example", "192.0.2.9"] {
                assert_eq!(found.contains(name), tls, "{name} {tls}");
            }
        }
    }
}
