//! Parsers of header field values, without copying and on demand (RFC 3261, section 20).

mod address;
mod contact;
mod cseq;
mod media_type;
mod params;
mod session_expires;
mod text;
mod transport;
mod via;

pub use address::NameAddr;
pub use contact::Contacts;
pub use cseq::CSeq;
pub use media_type::MediaType;
pub use params::Params;
pub use session_expires::{Refresher, SessionExpires};
pub(super) use text::{closing_quote, cut, host_and_port, ipv6, leading_number, position, split};
pub use transport::Transport;
pub use via::Via;
