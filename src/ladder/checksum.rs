//! The Internet checksum (RFC 1071).

/// The checksum of these parts one after the other; each but the last has an even number of octets.
pub(super) fn checksum(parts: &[&[u8]]) -> u16 {
    let words = parts.iter().flat_map(|part| part.chunks(2));
    let mut sum: u32 = 0;
    for word in words {
        let [high, low] = [word.first(), word.get(1)].map(|octet| octet.copied().unwrap_or(0));
        sum += u32::from(u16::from_be_bytes([high, low]));
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_1071_section_3_example() {
        let octets = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7];
        assert_eq!(checksum(&[&octets]), !0xddf2);
        assert_eq!(checksum(&[&octets[..4], &octets[4..]]), !0xddf2);
        assert_eq!(checksum(&[&[0xab]]), !0xab00);
    }
}
