//! The server's data folder: what the first start puts there, operators' changes, and the time the server has run.

mod admin;
mod announcement;
mod authority;
mod bootstrap;
mod drafts;
mod files;
mod host_names;
mod kept;
mod last_change;
mod operator_settings;
mod own_certificate;
mod replacements;
mod running_time;

pub use admin::{Admin, AdminError};
pub use announcement::{Announcement, remove_announcement};
pub use bootstrap::{
    DataDir, DataDirError, InForce, authority_fault, due_certificate, is_own, keep_from_others,
    open_to_all, plan, prepare, renew,
};
pub use drafts::Drafts;
pub use files::create_folder;
pub(crate) use files::{may_be_filled, write_private};
pub(crate) use kept::Kept;
pub use kept::KeptError;
pub use last_change::LastChange;
pub use operator_settings::{HistoryEntry, OperatorSettings, Values, history, prepare_change};
pub use replacements::{Replaced, Replacements};
pub use running_time::RunningTime;
