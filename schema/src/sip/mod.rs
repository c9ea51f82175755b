//! SIP (RFC 3261) as phones speak it: messages read without copying and written in place, header fields parsed on demand, digest as pure functions.

#[cfg(feature = "codec")]
pub mod codec;
pub mod composer;
pub mod digest;
mod error;
pub mod frame;
mod head;
pub mod header;
pub mod message;
mod method;
mod name;
pub mod nonce;
mod opening;
pub mod received;
mod scan;
mod start;
mod status;
pub mod uri;

#[cfg(feature = "codec")]
pub use codec::Codec;
pub use composer::Composer;
pub use error::{Excess, FrameError, HeaderError, SyntaxError};
pub use frame::{Frame, Limits, Refused};
pub use head::Head;
pub use header::{
    CSeq, Contacts, MediaType, NameAddr, Params, Refresher, SessionExpires, Transport, Via,
};
pub use message::{Message, Request, Response};
pub use method::Method;
pub use name::HeaderName;
pub use status::Status;
pub use uri::Uri;
