//! The forms in which the last messages of a phone or client are shown: a diagram, and a capture for Wireshark.

mod checksum;
pub mod diagram;
pub mod pcap;
