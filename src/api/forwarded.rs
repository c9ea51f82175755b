//! The address of a peer behind proxies that the settings trust (`X-Forwarded-For`).

use std::net::{IpAddr, SocketAddr};

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue, X_FORWARDED_FOR};
use uacsta_config::Network;

/// The peer of a request from `address`: the last address in `X-Forwarded-For` that is no trusted proxy's. Each proxy appends the
/// address that it was asked from; what stands before may be forged.
pub(super) fn peer(address: IpAddr, headers: &HeaderMap, proxies: &[Network]) -> IpAddr {
    const NAME: HeaderName = X_FORWARDED_FOR;
    let is_trusted = |address: IpAddr| proxies.iter().any(|proxy| proxy.contains(address));
    let mut peer = address.to_canonical();
    let fields: Vec<&HeaderValue> = headers.get_all(NAME).collect();
    let fields = fields.into_iter().rev();
    let fields = fields.filter_map(|field| field.to_str().ok());
    for hop in fields.flat_map(|field| field.rsplit(',')) {
        if !is_trusted(peer) {
            break;
        }
        let Some(hop) = parsed(hop.trim()) else { break };
        peer = hop.to_canonical();
    }
    peer
}

/// An address, some proxies add its port.
fn parsed(hop: &str) -> Option<IpAddr> {
    let bare = hop.trim_start_matches('[').trim_end_matches(']');
    let address = bare.parse().ok();
    address.or_else(|| hop.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_trusted_proxies_name_the_peer() {
        let proxies = ["10.0.0.1", "10.1.0.0/16"].map(|text| text.to_owned().try_into().unwrap());
        for (from, fields, expected) in [
            ("10.0.0.1", &[][..], "10.0.0.1"),
            ("10.0.0.1", &["203.0.113.7"], "203.0.113.7"),
            ("::ffff:10.0.0.1", &["203.0.113.7:4711"], "203.0.113.7"),
            ("10.0.0.1", &["[2001:db8::7]:4711"], "2001:db8::7"),
            ("10.0.0.1", &["2001:db8::7"], "2001:db8::7"),
            // The client forged the first.
            ("10.0.0.1", &["198.51.100.1, 203.0.113.7"], "203.0.113.7"),
            ("10.0.0.1", &["198.51.100.1", "203.0.113.7"], "203.0.113.7"),
            ("10.0.0.1", &["203.0.113.7, 10.1.2.3"], "203.0.113.7"),
            ("10.0.0.1", &["10.1.2.3"], "10.1.2.3"),
            ("10.0.0.1", &["203.0.113.7, unknown"], "10.0.0.1"),
            // Not a proxy.
            ("10.0.0.2", &["203.0.113.7"], "10.0.0.2"),
        ] {
            let mut headers = HeaderMap::new();
            for field in fields {
                headers.append(X_FORWARDED_FOR, HeaderValue::from_static(field));
            }
            let found = peer(from.parse().unwrap(), &headers, &proxies);
            assert_eq!(found.to_string(), expected, "{from} {fields:?}");
        }
    }
}
