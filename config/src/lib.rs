//! The settings of operators, typed and in layers, and the profiles of phone makers.

mod catalogue;
mod check;
mod check_web;
mod choice;
mod description;
mod environment;
mod error;
mod layer;
mod load;
mod numbers;
mod origin;
mod part_level;
mod profile;
mod profiles;
mod secret;
mod service;
mod setting;
mod settings;
mod suggestion;
mod toml_value;
mod trust;
mod value;
mod version;

pub use catalogue::{Applies, Unit};
pub use choice::{Digest, Format, Level};
pub use environment::unused_variables;
pub use error::{SettingsError, remedy};
pub use load::{OPERATOR_FILE, load, load_changed};
pub use numbers::Numbers;
pub use origin::Source;
pub use part_level::PartLevel;
pub use profile::{Described, Profile};
pub use profiles::Profiles;
pub use secret::Secret;
pub use setting::{Setting, known, shown, value_of_text};
pub use settings::{
    Account, Advanced, Audit, Clients, Lan, Licenses, Limits, Logs, Phones, Settings, Tls, Wan, Web,
};
pub use suggestion::with_suggestion;
pub use trust::{Network, Trusted};
pub use value::{ByteSize, Listen, overlap};
