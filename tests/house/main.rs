//! Guards for the form of the source: layers, file length, opening sentences, and names that documents mention.
#![allow(
    clippy::unwrap_used,
    reason = "a guard fails with the list of what it found"
)]

mod catalogue;
mod documents;
mod issuer;
mod layers;
mod log;
mod reasons;
mod settings;
mod shape;
mod source;
mod texts;
