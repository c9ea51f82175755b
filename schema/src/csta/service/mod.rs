//! Requests and positive responses of the services, one file per group of ECMA-269.

mod auditory;
mod call_associated;
mod call_control;
mod capability_exchange;
mod device_feature;
mod device_information;
mod monitoring;
mod snapshot;
mod system_status;

pub use auditory::*;
pub use call_associated::*;
pub use call_control::*;
pub use capability_exchange::*;
pub use device_feature::*;
pub use device_information::*;
pub use monitoring::*;
pub use snapshot::*;
pub use system_status::*;
