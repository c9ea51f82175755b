//! The bodies of monitor events, one file per group of ECMA-269, without `monitorCrossRefID`.

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
