//! Random faults from a seed (SplitMix64), and malformed messages.

/// Dice; two of the same seed fall alike.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// Dice of a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Any number.
    pub fn throw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, which is not 0.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.throw() % end as u64).expect("it is below a usize")
    }

    /// A number of milliseconds within bounds.
    pub fn between(&mut self, least: u64, most: u64) -> std::time::Duration {
        std::time::Duration::from_millis(least + self.throw() % (most - least + 1))
    }

    /// A message that is wrong: one of the kinds below, with some of its octets changed.
    pub fn malformed(&mut self) -> Vec<u8> {
        let mut message = WRONG[self.below(WRONG.len())].as_bytes().to_vec();
        for _ in 0..self.below(4) {
            let place = self.below(message.len());
            message[place] = self.throw().to_le_bytes()[0];
        }
        message
    }
}

const WRONG: [&str; 8] = [
    "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}\u{1}\u{fc}\u{3}\u{3} this is TLS on the wrong port\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "REGISTER sip:x SIP/2.0\r\nContent-Length: -1\r\n\r\n",
    "REGISTER sip:x SIP/2.0\r\nVia: SIP/2.0/TCP 1.2.3.4;branch=z9hG4bK1\r\nFrom: <sip:a@x>;tag=1\r\nTo: <sip:a@x>\r\n\
     Call-ID: c\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n",
    "INVITE sip:x SIP/2.0\r\nVia: SIP/2.0/TCP 1.2.3.4;branch=z9hG4bK2\r\nFrom: <sip:a@x>;tag=1\r\nTo: <sip:x>\r\n\
     Call-ID: d\r\nCSeq: 1 INVITE\r\nContent-Type: application/csta+xml\r\nContent-Length: 9\r\n\r\n<a><b></a",
    "INFO sip:x SIP/2.0\r\nVia: SIP/2.0/TCP 1.2.3.4;branch=z9hG4bK3\r\nFrom: <sip:a@x>;tag=1\r\nTo: <sip:x>;tag=2\r\n\
     Call-ID: e\r\nCSeq: 1 INFO\r\nContent-Length: 20\r\n\r\nhalf a body",
    "SIP/2.0 200 OK\r\nVia: SIP/2.0/TCP 1.2.3.4;branch=z9hG4bK4\r\nCSeq: 1 INFO\r\nContent-Length: 0\r\n\r\n",
    "OPTIONS sip:x SIP/2.0\r\nVia: \r\n\t\r\n: \r\nContent-Length: 0\r\nContent-Length: 7\r\n\r\n",
];
