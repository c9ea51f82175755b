//! The settings of operators, typed and in layers, and the profiles of phone makers.

mod check;
mod check_web;
mod choice;
mod error;
mod layer;
mod load;
mod numbers;
mod profile;
mod profiles;
mod secret;
mod service;
mod settings;
mod suggestion;
mod trust;
mod value;
mod version;

pub use choice::{Digest, Format, Level};
pub use error::SettingsError;
pub use load::load;
pub use numbers::Numbers;
pub use profile::{Described, Profile};
pub use profiles::Profiles;
pub use secret::Secret;
pub use settings::{
    Account, Advanced, Clients, Lan, Licenses, Limits, Logs, Phones, Settings, Tls, Wan, Web,
};
pub use trust::{Network, Trusted};
pub use value::{ByteSize, Listen, overlap};
