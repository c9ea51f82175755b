//! SIP messages (RFC 3261): framing, zero-copy reading, on-demand parsing, writing in place, and digest authentication.

#[cfg(feature = "codec")]
pub mod codec;
pub mod digest;
mod error;
pub mod frame;
mod head;
pub mod header;
pub mod message;
pub mod message_writer;
mod method;
pub mod multipart;
mod name;
pub mod nonce;
mod pending_message;
mod scan;
mod start;
mod status;
pub mod uri;
pub mod via_response;

#[cfg(feature = "codec")]
pub use codec::Codec;
pub use error::{Excess, FrameError, HeaderError, SyntaxError};
pub use frame::{Frame, MessageLimits, Refused};
pub use head::Head;
pub use header::{
    CSeq, Contacts, MediaType, NameAddr, Params, Refresher, SessionExpires, Transport, Via,
};
pub use message::{Request, Response, SipMessage};
pub use message_writer::MessageWriter;
pub use method::Method;
pub use name::HeaderName;
pub use status::Status;
pub use uri::Uri;
