//! A log of messages in a fixed piece of memory, which the newest overwrite from its start when it is full.

use std::{
    net::{IpAddr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use bytes::{Buf, Bytes};
use uacsta_schema::sip::Transport;

use super::message::{Direction, Path, RecordedMessage};

/// Records one after the other. Writing one needs no allocation, and what it overwrites is not looked at.
#[derive(Debug)]
pub(super) struct Log {
    octets: Box<[u8]>,
    /// Where the next record begins, counted from the first octet that was ever written.
    head: u64,
}

/// What is written of a message.
#[derive(Clone, Copy)]
pub(super) struct Record<'a> {
    /// The position of the record before it in its ring, or [`NONE`].
    pub(super) previous: u64,
    /// The number of the message on its thread.
    pub(super) number: u64,
    pub(super) at: Duration,
    pub(super) direction: Direction,
    pub(super) path: &'a EncodedPath,
    pub(super) length: usize,
    /// Head and body, as far as they are kept.
    pub(super) parts: [&'a [u8]; 2],
}

/// A path as it stands in a record.
pub(super) type EncodedPath = [u8; 37];

/// No position.
pub(super) const NONE: u64 = u64::MAX;
/// The octets of a record before its message.
const HEADER: usize = 33 + size_of::<EncodedPath>();

impl Log {
    /// A log of so many octets, which take no memory before they are written.
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            octets: vec![0; capacity].into_boxed_slice(),
            head: 0,
        }
    }

    pub(super) fn capacity(&self) -> usize {
        self.octets.len()
    }

    /// The most octets of a message that are kept.
    pub(super) fn longest(&self) -> usize {
        (self.octets.len() / 8).saturating_sub(HEADER)
    }

    /// How often the log was filled.
    pub(super) fn lap(&self) -> u64 {
        self.head.checked_div(self.capacity() as u64).unwrap_or(0)
    }

    /// Writes a record of at most [`Self::longest`] octets; returns its position and how many octets it takes.
    pub(super) fn write(&mut self, record: &Record<'_>) -> Option<(u64, usize)> {
        let kept = record.parts[0].len() + record.parts[1].len();
        let size = HEADER + kept;
        let capacity = self.octets.len();
        let mut at = usize::try_from(self.head.checked_rem(capacity as u64)?).ok()?;
        if at + size > capacity {
            // A record is in one piece.
            self.head += (capacity - at) as u64;
            at = 0;
        }
        let octets = self.octets.get_mut(at..at + size)?;
        let (header, message) = octets.split_at_mut(HEADER);
        let fields = [
            &record.previous.to_be_bytes()[..],
            &record.number.to_be_bytes(),
            &(record.at.as_micros() as u64).to_be_bytes(),
            &(record.length as u32).to_be_bytes(),
            &(kept as u32).to_be_bytes(),
            &[u8::from(record.direction == Direction::Sent)],
            record.path,
        ];
        let mut rest = header;
        for field in fields {
            let (place, after) = rest.split_at_mut(field.len());
            place.copy_from_slice(field);
            rest = after;
        }
        let (head, body) = message.split_at_mut(record.parts[0].len());
        head.copy_from_slice(record.parts[0]);
        body.copy_from_slice(record.parts[1]);
        let position = self.head;
        self.head += size as u64;
        Some((position, size))
    }

    /// Whether the record at a position is not overwritten yet.
    pub(super) fn holds(&self, position: u64) -> bool {
        position != NONE && position + self.octets.len() as u64 >= self.head
    }

    /// Reads the record at a position: the position before it, its number, and the message.
    pub(super) fn read(&self, position: u64) -> Option<(u64, u64, RecordedMessage)> {
        if !self.holds(position) {
            return None;
        }
        let at = usize::try_from(position.checked_rem(self.octets.len() as u64)?).ok()?;
        let mut rest = self.octets.get(at..)?;
        let previous = rest.try_get_u64().ok()?;
        let number = rest.try_get_u64().ok()?;
        let at = Duration::from_micros(rest.try_get_u64().ok()?);
        let length = rest.try_get_u32().ok()? as usize;
        let kept = rest.try_get_u32().ok()? as usize;
        let direction = match rest.try_get_u8().ok()? {
            0 => Direction::Received,
            _ => Direction::Sent,
        };
        let path = decode(rest.split_off(..size_of::<EncodedPath>())?)?;
        let message = RecordedMessage {
            at,
            direction,
            path: Arc::new(path),
            length,
            octets: Bytes::copy_from_slice(rest.get(..kept)?),
        };
        Some((previous, number, message))
    }
}

/// A path as it stands in a record.
pub(super) fn encode(path: &Path) -> EncodedPath {
    let mut encoded = [0; size_of::<EncodedPath>()];
    let transports = [Transport::UDP, Transport::TCP, Transport::TLS];
    let transport = transports.iter().position(|known| *known == path.transport);
    encoded[0] = transport.unwrap_or(1) as u8;
    for (address, place) in [path.local, path.peer]
        .iter()
        .zip(encoded[1..].chunks_mut(18))
    {
        let ip = match address.ip() {
            IpAddr::V4(ip) => ip.to_ipv6_mapped(),
            IpAddr::V6(ip) => ip,
        };
        place[..16].copy_from_slice(&ip.octets());
        place[16..].copy_from_slice(&address.port().to_be_bytes());
    }
    encoded
}

fn decode(encoded: &[u8]) -> Option<Path> {
    let (transport, mut rest) = encoded.split_first()?;
    let transports = [Transport::UDP, Transport::TCP, Transport::TLS];
    let mut address = || {
        let ip = Ipv6Addr::from(rest.try_get_u128().ok()?).to_canonical();
        Some(SocketAddr::new(ip, rest.try_get_u16().ok()?))
    };
    Some(Path {
        local: address()?,
        peer: address()?,
        transport: *transports.get(usize::from(*transport))?,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn path(local: &str, peer: &str, transport: Transport) -> Path {
        Path {
            local: local.parse().unwrap(),
            peer: peer.parse().unwrap(),
            transport,
        }
    }

    #[test]
    fn records_are_read_as_they_were_written_until_they_are_overwritten() {
        let path = path("192.0.2.1:5060", "192.0.2.7:40000", Transport::TCP);
        let encoded = encode(&path);
        let mut log = Log::new(1000);
        let mut positions = Vec::new();
        for number in 0..20 {
            let record = Record {
                previous: positions.last().copied().unwrap_or(NONE),
                number,
                at: Duration::from_micros(7 + number),
                direction: Direction::Sent,
                path: &encoded,
                length: 50,
                parts: [&[number as u8; 20], b"body"],
            };
            positions.push(log.write(&record).unwrap().0);
        }
        // 10 records of 94 octets fit, and the place of the first of them is not free yet.
        let held: Vec<_> = positions.iter().filter(|at| log.holds(**at)).collect();
        assert_eq!(held.len(), 10);
        for (number, position) in (0..20).zip(&positions).skip(10) {
            let (previous, read, message) = log.read(*position).unwrap();
            assert_eq!((previous, read), (positions[number as usize - 1], number));
            assert_eq!(message.at, Duration::from_micros(7 + number));
            assert_eq!(
                message.octets[..],
                [&[number as u8; 20][..], b"body"].concat()
            );
            assert_eq!((*message.path, message.length), (path, 50));
        }
        assert!(log.read(positions[9]).is_none());
        assert!(log.read(NONE).is_none());
    }

    #[test]
    fn paths_are_kept() {
        for (local, peer, transport) in [
            ("192.0.2.1:5060", "192.0.2.7:1", Transport::UDP),
            ("[2001:db8::1]:5061", "[::1]:65535", Transport::TLS),
        ] {
            let path = path(local, peer, transport);
            assert_eq!(decode(&encode(&path)), Some(path));
        }
    }

    #[test]
    fn log_without_capacity_holds_nothing() {
        let mut log = Log::new(0);
        let record = Record {
            previous: NONE,
            number: 0,
            at: Duration::ZERO,
            direction: Direction::Sent,
            path: &[0; 37],
            length: 0,
            parts: [b"", b""],
        };
        assert!(log.write(&record).is_none());
        assert_eq!((log.longest(), log.lap()), (0, 0));
    }
}
