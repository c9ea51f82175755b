//! The actor of one connection, and the machines that it drives: transactions, sessions, credentials and migration.

mod actor;
mod client_transactions;
mod credentials;
mod csta_session;
mod dialog_migration;
mod endpoints;
mod invites;
mod messages;
mod outcome;
mod owner;
mod receive;
#[cfg(test)]
mod samples;
mod send;
mod server_transactions;
mod session_refresh;
mod sessions;

pub use actor::SipConnection;
pub use dialog_migration::{Migrate, Moved, OrphanRequest, Prove};
pub use endpoints::{CountUnauthenticated, Endpoints, Unauthenticated};
pub use messages::{Overrun, SendRequest, Shut};
