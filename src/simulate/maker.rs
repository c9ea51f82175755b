//! What tells the phones of one maker from those of another: address, name, edition, and the services that they lack.

use clap::ValueEnum;
use uacsta_schema::{csta::Edition, mac::Mac};

/// A maker of phones.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, ValueEnum)]
pub enum Maker {
    /// snom: fifth edition, with SystemRegister.
    Snom,
    /// Yealink: no SystemRegister.
    Yealink,
    /// Mitel, once Aastra: SnapshotCall, but no SystemRegister.
    Mitel,
    /// Auerswald: with SystemRegister.
    Auerswald,
    /// Fanvil: with SystemRegister.
    Fanvil,
}

impl Maker {
    /// The maker's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Snom => "snom",
            Self::Yealink => "Yealink",
            Self::Mitel => "Mitel",
            Self::Auerswald => "Auerswald",
            Self::Fanvil => "Fanvil",
        }
    }

    /// The maker's phone with this serial number; only its lower 24 bits count.
    pub fn mac(self, serial: u32) -> Mac {
        let [a, b, c] = self.oui();
        let [_, d, e, f] = serial.to_be_bytes();
        Mac::new([a, b, c, d, e, f])
    }

    /// The User-Agent of its phones.
    pub fn user_agent(self) -> &'static str {
        match self {
            Self::Snom => "snomD785/10.1.175.16",
            Self::Yealink => "Yealink SIP-T46G 28.83.0.120",
            Self::Mitel => "Mitel 6867i/4.5.0.41",
            Self::Auerswald => "COMfortel 2600 IP 2.8A",
            Self::Fanvil => "Fanvil X5U 2.12.18.9",
        }
    }

    /// The model that they say they are.
    pub fn model(self) -> &'static str {
        match self {
            Self::Snom => "D785",
            Self::Yealink => "T46G",
            Self::Mitel => "6867i",
            Self::Auerswald => "COMfortel 2600 IP",
            Self::Fanvil => "X5U",
        }
    }

    /// The edition of ECMA-323 that they answer in, whatever they are asked in.
    pub fn edition(self) -> Edition {
        match self {
            Self::Snom => Edition::Ed5,
            Self::Yealink | Self::Mitel | Self::Auerswald | Self::Fanvil => Edition::Ed3,
        }
    }

    /// Whether they have a service, by the root element of its request.
    pub fn has(self, service: &str) -> bool {
        match service {
            "AlternateCall" | "DialDigits" | "DirectedPickupCall" => false,
            "SnapshotCall" => self == Self::Mitel,
            "SystemRegister" | "SystemRegisterCancel" => {
                !matches!(self, Self::Mitel | Self::Yealink)
            }
            _ => true,
        }
    }

    /// What the CallIDs of its phones begin with: those of snom look like negative numbers.
    pub(super) fn call_prefix(self) -> &'static str {
        match self {
            Self::Snom => "-",
            Self::Yealink => "327",
            Self::Mitel => "c",
            Self::Auerswald | Self::Fanvil => "",
        }
    }

    fn oui(self) -> [u8; 3] {
        match self {
            Self::Snom => [0x00, 0x04, 0x13],
            Self::Yealink => [0x80, 0x5e, 0xc0],
            Self::Mitel => [0x00, 0x08, 0x5d],
            Self::Auerswald => [0x00, 0x09, 0x52],
            Self::Fanvil => [0x0c, 0x38, 0x3e],
        }
    }
}

#[cfg(test)]
mod tests {
    use settings::Profiles;

    use super::*;

    #[test]
    fn the_server_recognises_them() {
        let profiles = Profiles::shipped();
        for maker in Maker::value_variants() {
            for agent in [None, Some(maker.user_agent())] {
                let profile = profiles.recognise(maker.mac(1).oui(), agent);
                assert_eq!(profile.maker, maker.name());
            }
            let described = profiles
                .recognise([2, 0, 0], Some(maker.user_agent()))
                .describe(Some(maker.user_agent()));
            assert_eq!(described.model.as_deref(), Some(maker.model()));
        }
    }
}
