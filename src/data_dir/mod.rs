//! The server's data folder: what the first start puts there, operators' changes, and the time the server has run.

mod admin;
mod announcement;
mod bootstrap;
mod files;
mod running_time;
mod self_signed;

pub use admin::{Admin, AdminError};
pub use announcement::{Announcement, remove_announcement};
pub use bootstrap::{
    DataDir, DataDirError, InForce, is_own, keep_from_others, open_to_all, plan, prepare, renew,
};
pub use files::create_folder;
pub(crate) use files::write_private;
pub use running_time::RunningTime;
