//! Simulates CSTA desk phones of several makers that register over real sockets and call each other (ECMA TR/87).

mod command;
mod error;
mod fleet;
mod handset;
mod maker;
pub mod pbx;
mod phone;
mod script;
mod traffic;

pub use command::Simulate;
pub use error::FleetError;
pub use fleet::{Fleet, FleetOptions, PhoneOptions};
pub use handset::{Sent, Stage, Tap};
pub use maker::{Maker, MakerError};
pub use pbx::Button;
pub use phone::Phone;
pub use script::{Script, ScriptError};
pub use traffic::keep_calling;
