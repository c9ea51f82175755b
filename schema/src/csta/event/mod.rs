//! Events of a monitor, by group of ECMA-269.

mod call_control;
mod device;

pub use call_control::*;
pub use device::*;
