//! What can be said: CSTA (ECMA-269/323), SIP (RFC 3261) and the PROXY protocol as types, without time, I/O or actors.

pub mod csta;
pub mod mac;
pub mod phone_id;
pub mod sip;
