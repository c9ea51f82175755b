//! The other side of CTI: a client that talks to a server as any TAPI driver or TR/87 program does.

pub mod dial;
