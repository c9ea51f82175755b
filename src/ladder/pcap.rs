//! Writes recorded messages as a capture file that tshark and Wireshark read, with headers made up from the addresses.
//!
//! The format is that of draft-ietf-opsawg-pcap: packets of LINKTYPE_RAW, which begin with their IPv4 or IPv6 header. A TCP
//! connection has no handshake; its sequence numbers count what was recorded. TLS is written as plain TCP.

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
};

use uacsta_actors::ladder::{Direction, Path, RecordedMessage};
use uacsta_schema::sip::Transport;

use super::checksum::checksum;

/// A capture file that grows packet by packet.
#[derive(Debug)]
pub struct Capture {
    /// What was not [taken](Self::take) yet.
    file: Vec<u8>,
    /// The next sequence numbers of each connection: ours, and the peer's.
    sequences: HashMap<(SocketAddr, SocketAddr), [u32; 2]>,
}

/// The header of the file: magic number for microseconds, version 2.4, no time zone, packets of up to 256 KiB, LINKTYPE_RAW.
const FILE_HEADER: [u32; 6] = [0xa1b2_c3d4, 0x0004_0002, 0, 0, 0x0004_0000, 101];
/// The most octets of a message in one packet, of at most 65 535.
const SEGMENT: usize = 65_000;
const TCP: u8 = 6;
const UDP: u8 = 17;
/// Wireshark expects TLS on the port of `sips`.
const SIPS: u16 = 5061;
const SIP: u16 = 5060;

impl Default for Capture {
    fn default() -> Self {
        Self {
            file: FILE_HEADER.map(u32::to_le_bytes).concat(),
            sequences: HashMap::new(),
        }
    }
}

impl Capture {
    /// The capture of these messages.
    #[must_use]
    pub fn of<'a>(messages: impl IntoIterator<Item = &'a RecordedMessage>) -> Vec<u8> {
        let mut capture = Self::default();
        for message in messages {
            capture.add(message);
        }
        capture.take()
    }

    /// The part of the file that was added since the last call; at first with the header of the file.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.file)
    }

    /// Adds a message.
    pub fn add(&mut self, message: &RecordedMessage) {
        let octets = message.masked();
        let ends = Ends::of(&message.path, message.direction);
        if message.path.transport == Transport::UDP {
            let datagram = octets.get(..octets.len().min(SEGMENT)).unwrap_or_default();
            let packet = ends.packet(UDP, &ends.udp(datagram), datagram);
            return self.packet(message, &packet);
        }
        let connection = (message.path.local, message.path.peer);
        let sent = usize::from(message.direction == Direction::Received);
        for segment in octets.chunks(SEGMENT) {
            let sequences = self.sequences.entry(connection).or_insert([1, 1]);
            let header = ends.tcp(sequences[sent], sequences[1 - sent], segment);
            sequences[sent] = sequences[sent].wrapping_add(segment.len() as u32);
            let packet = ends.packet(TCP, &header, segment);
            self.packet(message, &packet);
        }
        if message.is_truncated() {
            // What is missing shows as a gap.
            let missing = (message.length - octets.len()) as u32;
            let sequences = self.sequences.entry(connection).or_insert([1, 1]);
            sequences[sent] = sequences[sent].wrapping_add(missing);
        }
    }

    fn packet(&mut self, message: &RecordedMessage, packet: &[u8]) {
        let length = packet.len() as u32;
        let header = [
            message.at.as_secs() as u32,
            message.at.subsec_micros(),
            length,
            length,
        ];
        self.file
            .extend(header.map(u32::to_le_bytes).as_flattened());
        self.file.extend_from_slice(packet);
    }
}

/// The addresses of a packet.
#[derive(Clone, Copy)]
struct Ends {
    source: SocketAddr,
    destination: SocketAddr,
}

impl Ends {
    fn of(path: &Path, direction: Direction) -> Self {
        let plain = |mut address: SocketAddr| {
            if path.transport == Transport::TLS && address.port() == SIPS {
                address.set_port(SIP);
            }
            address
        };
        let (local, peer) = (plain(path.local), plain(path.peer));
        let (source, destination) = match direction {
            Direction::Received => (peer, local),
            Direction::Sent => (local, peer),
        };
        Self {
            source,
            destination,
        }
    }

    fn ports(self) -> Vec<u8> {
        [self.source, self.destination]
            .map(|end| end.port().to_be_bytes())
            .concat()
    }

    /// RFC 768, and RFC 8200, section 8.1.
    fn udp(self, payload: &[u8]) -> Vec<u8> {
        let length = (8 + payload.len()) as u16;
        let mut header = self.ports();
        header.extend(length.to_be_bytes());
        header.extend([0, 0]);
        let sum = match self.checksum(UDP, &header, payload) {
            // 0 means that there is none.
            0 => u16::MAX,
            sum => sum,
        };
        header.splice(6..8, sum.to_be_bytes());
        header
    }

    /// RFC 9293, section 3.1: 20 octets, flags ACK and PSH.
    fn tcp(self, sequence: u32, acknowledged: u32, payload: &[u8]) -> Vec<u8> {
        let mut header = self.ports();
        header.extend(sequence.to_be_bytes());
        header.extend(acknowledged.to_be_bytes());
        header.extend([0x50, 0x18, 0xff, 0xff, 0, 0, 0, 0]);
        let sum = self.checksum(TCP, &header, payload);
        header.splice(16..18, sum.to_be_bytes());
        header
    }

    fn octets(self) -> Vec<u8> {
        match (self.source.ip(), self.destination.ip()) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                [source.octets(), destination.octets()].concat()
            }
            (source, destination) => {
                let mapped = |address| match address {
                    IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
                    IpAddr::V6(address) => address.octets(),
                };
                [mapped(source), mapped(destination)].concat()
            }
        }
    }

    /// The checksum over addresses, protocol, length and content.
    fn checksum(self, protocol: u8, header: &[u8], payload: &[u8]) -> u16 {
        let length = ((header.len() + payload.len()) as u32).to_be_bytes();
        checksum(&[&self.octets(), &length, &[0, protocol], header, payload])
    }

    /// With the header of IPv4 (RFC 791) or IPv6 (RFC 8200).
    fn packet(self, protocol: u8, header: &[u8], payload: &[u8]) -> Vec<u8> {
        let addresses = self.octets();
        let length = header.len() + payload.len();
        let mut packet = Vec::with_capacity(40 + length);
        if addresses.len() == 8 {
            let total = (20 + length) as u16;
            packet.extend([0x45, 0]);
            packet.extend(total.to_be_bytes());
            // Identification, "don't fragment", time to live.
            packet.extend([0, 0, 0x40, 0, 64, protocol, 0, 0]);
            packet.extend(&addresses);
            let sum = checksum(&[&packet]);
            packet.splice(10..12, sum.to_be_bytes());
        } else {
            packet.extend([0x60, 0, 0, 0]);
            packet.extend((length as u16).to_be_bytes());
            packet.extend([protocol, 64]);
            packet.extend(&addresses);
        }
        packet.extend_from_slice(header);
        packet.extend_from_slice(payload);
        packet
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::{sync::Arc, time::Duration};

    use bytes::Bytes;

    use super::*;

    /// A packet of a capture.
    struct Packet {
        at: (u32, u32),
        octets: Vec<u8>,
    }

    fn message(
        direction: Direction,
        [local, peer]: [&str; 2],
        transport: Transport,
        text: &str,
    ) -> RecordedMessage {
        let path = Path {
            local: local.parse().unwrap(),
            peer: peer.parse().unwrap(),
            transport,
        };
        let octets = Bytes::copy_from_slice(text.as_bytes());
        let at = Duration::new(1_700_000_000, 123_456_789);
        RecordedMessage::new(at, direction, Arc::new(path), octets)
    }

    fn packets(file: &[u8]) -> Vec<Packet> {
        assert_eq!(file[..4], [0xd4, 0xc3, 0xb2, 0xa1]);
        assert_eq!(file[20..24], [101, 0, 0, 0]);
        let mut rest = &file[24..];
        let mut packets = Vec::new();
        while !rest.is_empty() {
            let word = |at: usize| u32::from_le_bytes(rest[at..at + 4].try_into().unwrap());
            let (kept, whole) = (word(8) as usize, word(12) as usize);
            assert_eq!(kept, whole);
            packets.push(Packet {
                at: (word(0), word(4)),
                octets: rest[16..16 + kept].to_vec(),
            });
            rest = &rest[16 + kept..];
        }
        packets
    }

    const V4: [&str; 2] = ["192.0.2.1:5060", "192.0.2.7:40000"];
    const V6: [&str; 2] = ["[2001:db8::1]:5061", "[2001:db8::7]:40000"];

    #[test]
    fn tcp_segments_of_both_directions_follow_each_other() {
        use Direction::{Received, Sent};
        let messages = [
            message(Received, V4, Transport::TCP, "abc"),
            message(Sent, V4, Transport::TCP, "de"),
            message(Received, V4, Transport::TCP, "f"),
        ];
        let packets = packets(&Capture::of(&messages));
        let expected: [(u16, u16, u32, u32, &[u8]); 3] = [
            (40000, 5060, 1, 1, b"abc"),
            (5060, 40000, 1, 4, b"de"),
            (40000, 5060, 4, 3, b"f"),
        ];
        for (packet, (from, to, sequence, acknowledged, content)) in packets.iter().zip(expected) {
            assert_eq!(packet.at, (1_700_000_000, 123_456));
            let (ip, tcp) = packet.octets.split_at(20);
            assert_eq!(checksum(&[ip]), 0);
            assert_eq!(
                usize::from(u16::from_be_bytes([ip[2], ip[3]])),
                packet.octets.len()
            );
            assert_eq!(tcp[..4], [from.to_be_bytes(), to.to_be_bytes()].concat());
            assert_eq!(tcp[4..8], sequence.to_be_bytes());
            assert_eq!(tcp[8..12], acknowledged.to_be_bytes());
            assert_eq!(&tcp[20..], content);
            let length = (tcp.len() as u16).to_be_bytes();
            assert_eq!(checksum(&[&ip[12..20], &[0, TCP], &length, tcp]), 0);
        }
    }

    #[test]
    fn tls_is_written_as_plain_tcp_to_the_port_of_sip() {
        let messages = [message(Direction::Received, V6, Transport::TLS, "abc")];
        let packets = packets(&Capture::of(&messages));
        let (ip, tcp) = packets[0].octets.split_at(40);
        assert_eq!(ip[..8], [0x60, 0, 0, 0, 0, 23, TCP, 64]);
        assert_eq!(
            tcp[..4],
            [40000_u16.to_be_bytes(), SIP.to_be_bytes()].concat()
        );
        let length = (tcp.len() as u32).to_be_bytes();
        assert_eq!(checksum(&[&ip[8..], &length, &[0, TCP], tcp]), 0);
    }

    #[test]
    fn datagrams_have_a_checksum() {
        let paths = [V4, V6];
        let sent = |path| message(Direction::Sent, path, Transport::UDP, "abc");
        let packets = packets(&Capture::of(&paths.map(sent)));
        for (packet, (header, addresses)) in packets.iter().zip([(20, 12), (40, 8)]) {
            let (ip, udp) = packet.octets.split_at(header);
            assert_eq!(udp[4..6], 11_u16.to_be_bytes());
            assert_eq!(checksum(&[&ip[addresses..], &[0, UDP, 0, 11], udp]), 0);
        }
    }

    #[test]
    fn long_message_is_divided_into_segments() {
        let text = "x".repeat(SEGMENT + 10);
        let messages = [message(Direction::Sent, V4, Transport::TCP, &text)];
        let packets = packets(&Capture::of(&messages));
        let lengths: Vec<_> = packets.iter().map(|packet| packet.octets.len()).collect();
        assert_eq!(lengths, [40 + SEGMENT, 50]);
        assert_eq!(
            packets[1].octets[24..28],
            (1 + SEGMENT as u32).to_be_bytes()
        );
    }
}
