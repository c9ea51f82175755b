//! Events of a monitor, by group of ECMA-269, without the `monitorCrossRefID` that all of them begin with.

mod auditory;
mod call_control;
mod device;
mod network;
mod tail;

pub use auditory::*;
pub use call_control::*;
pub use device::*;
pub use network::*;
pub use tail::CallEventTail;
