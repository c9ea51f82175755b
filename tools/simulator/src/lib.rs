//! Simulated phones: any number of them, of any maker, over real sockets, who call each other (ECMA TR/87).

mod command;
pub mod exchange;
mod fleet;
mod handset;
mod key;
mod maker;
mod phone;
mod script;
mod service;
mod switchboard;
mod traffic;

pub use command::Simulate;
pub use fleet::{Fleet, FleetError, FleetOptions, PhoneOptions};
pub use handset::{Sent, Standing, Tap};
pub use key::Key;
pub use maker::{Maker, MakerError};
pub use phone::Phone;
pub use script::{Script, ScriptError};
pub use traffic::keep_calling;
