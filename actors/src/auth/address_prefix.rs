//! What counts as one address wherever something is counted by address (RFC 4291).

use std::net::{IpAddr, Ipv6Addr};

/// The source that an address belongs to: whoever has an IPv6 address has the 2^64 of its network (RFC 4291 2.5.4), and an
/// IPv4 address that is mapped into IPv6 (2.5.5.2) is the same one.
pub fn address_prefix(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & u128::MAX << 64)),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn who_has_many_addresses_is_one_source() {
        fn check(address: &str, expected: &str) {
            let of = address_prefix(address.parse().unwrap());
            assert_eq!(of.to_string(), expected, "{address}");
        }
        check("192.0.2.1", "192.0.2.1");
        check("192.0.2.2", "192.0.2.2");
        // RFC 4291 2.5.4: the last 64 bits are the interface's own, and anybody's to choose (RFC 8981).
        check("2001:db8::1", "2001:db8::");
        check("2001:db8::ffff:ffff:ffff:ffff", "2001:db8::");
        check("2001:db8:0:1::1", "2001:db8:0:1::");
        check("2001:db8:0:ffff::", "2001:db8:0:ffff::");
        check("fe80::1", "fe80::");
        check("fd00:1:2:3:4:5:6:7", "fd00:1:2:3::");
        check("::1", "::");
        // 2.5.5.2: mapped is the IPv4 address, and each of those its own source.
        check("::ffff:192.0.2.1", "192.0.2.1");
        check("::ffff:192.0.2.2", "192.0.2.2");
        // 2.5.5.1: "IPv4-compatible" addresses are none; nor is another prefix with an IPv4 address at its end.
        check("::192.0.2.1", "::");
        check("64:ff9b::192.0.2.1", "64:ff9b::");
    }
}
