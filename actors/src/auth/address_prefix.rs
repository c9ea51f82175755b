//! The prefix by which addresses are counted: an IPv6 network of 64 bits, or an IPv4 address (RFC 4291).

use std::net::{IpAddr, Ipv6Addr};

/// The prefix of an address: a host may use all addresses of its IPv6 network (RFC 4291, section 2.5.4), and an IPv4 address that is
/// mapped into IPv6 (RFC 4291, section 2.5.5.2) counts as that IPv4 address.
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
    fn addresses_of_an_ipv6_network_have_one_prefix() {
        fn check(address: &str, expected: &str) {
            let of = address_prefix(address.parse().unwrap());
            assert_eq!(of.to_string(), expected, "{address}");
        }
        check("192.0.2.1", "192.0.2.1");
        check("192.0.2.2", "192.0.2.2");
        // RFC 4291, section 2.5.4: the last 64 bits are the interface's own, and anybody's to choose (RFC 8981).
        check("2001:db8::1", "2001:db8::");
        check("2001:db8::ffff:ffff:ffff:ffff", "2001:db8::");
        check("2001:db8:0:1::1", "2001:db8:0:1::");
        check("2001:db8:0:ffff::", "2001:db8:0:ffff::");
        check("fe80::1", "fe80::");
        check("fd00:1:2:3:4:5:6:7", "fd00:1:2:3::");
        check("::1", "::");
        // Section 2.5.5.2: mapped is the IPv4 address.
        check("::ffff:192.0.2.1", "192.0.2.1");
        check("::ffff:192.0.2.2", "192.0.2.2");
        // Section 2.5.5.1: "IPv4-compatible" addresses are not mapped, nor is another prefix that ends in an IPv4 address.
        check("::192.0.2.1", "::");
        check("64:ff9b::192.0.2.1", "64:ff9b::");
    }
}
