//! Events of a monitor, by group of ECMA-269.

mod auditory;
mod call_control;
mod device;
mod network;

pub use auditory::*;
pub use call_control::*;
pub use device::*;
pub use network::*;
