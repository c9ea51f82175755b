//! CSTA documents (ECMA-269, ECMA-323): what phones and clients say to each other.

mod document;
mod edition;
mod encoding;
mod error;
mod newer;
mod relay;
mod roots;
mod survey;
mod xml;

pub use document::{Document, MAX_LENGTH};
pub use edition::{Edition, Speech};
pub use error::ReadError;
pub use relay::Changes;
pub use roots::Kind;
pub use xml::{MAX_ATTRIBUTES, MAX_DEPTH};
