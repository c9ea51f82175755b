//! The resources of the API, a file each.

pub(super) mod accounts;
pub(super) mod audit;
pub(super) mod bundles;
pub(super) mod certificate;
pub(super) mod certify;
pub(super) mod clients;
pub(super) mod csta;
pub(super) mod document;
pub(super) mod events;
pub(super) mod licenses;
pub(super) mod lines;
pub(super) mod links;
pub(super) mod logs;
pub(super) mod operations;
pub(super) mod operators;
pub(super) mod phones;
pub(super) mod problems;
mod reason;
pub(super) mod restart;
pub(super) mod service;
pub(super) mod session;
pub(super) mod sessions;
pub(super) mod settings;
pub(super) mod status;
pub(super) mod tickets;
pub(super) mod tokens;
pub(super) mod trace;

use self::reason::{Reason, ReasonCode};
use super::{
    Api,
    access::{Administrator, Anybody, LogOn, LoggedOn, Operator, Reader},
    answer::{IfMatch, Tagged, accepted, created},
    audit::{note_after, note_before, note_log_on, note_settings},
    body::{Body, present},
    document::Document,
    metrics,
    page::{List, Page, PageParams, Row},
    problem::{Kind, KindShown, Problem, ProblemBody, wrong_value},
    reload,
    streams::{StreamPermit, Streams},
    time::Time,
};
use crate::{
    password_policy::{LEAST, Weakness, weakness},
    texts::Text,
};

/// Refuses a password that is not secure for somebody with this name.
fn check_password(password: &str, name: &str) -> Result<(), Problem> {
    if password.chars().count() > 1024 {
        return Err(Problem::member("password", Text::new("password-long")));
    }
    let weak = match weakness(password, &[name]) {
        None => return Ok(()),
        Some(Weakness::Short) => Text::new("password-short").with("least", LEAST),
        Some(Weakness::Guessable) => Text::new("password-guessable"),
    };
    Err(Problem::member("password", weak))
}

/// An actor has ended, since the server is stopping.
fn stopping(_: actix::MailboxError) -> Problem {
    Problem::unavailable(Text::new("server-stopping"))
}
