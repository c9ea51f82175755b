//! Messages of licensing: requests for permits, what it tells their holders, and queries.

use std::time::Duration;

use actix::{Message, Recipient};

use super::permit::{LicencePermit, PermitCounts, PermitHolder};
use crate::licence::code::Licence;

/// Asks for a permit; [`PermitDecision`] answers.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct RequestPermit {
    /// For whom: a phone or a line.
    pub holder: PermitHolder,
    /// The actor that receives the decision. A repeated request keeps its place in the queue.
    pub to: Recipient<PermitDecision>,
}

/// A permit; `None` if none is free, and a second decision follows when one is.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct PermitDecision(pub Option<LicencePermit>);

/// A notice to the holders of permits and to the actors that wait for one.
#[derive(Clone, Copy, Debug, Eq, Message, PartialEq)]
#[rtype(result = "()")]
pub enum LicensingNotice {
    /// Licensing was restarted after a panic: requests for permits may be lost; holders repeat them.
    Restarted,
    /// More permits are in use than there are licences for: whoever holds a permit that
    /// [is withdrawn](LicencePermit::is_withdrawn) drops it and asks for another.
    PermitsWithdrawn,
}

/// Asks how many permits are in use.
#[derive(Debug, Message)]
#[rtype(result = "PermitCounts")]
pub struct CountPermits;

/// Asks what is licensed and in use.
#[derive(Debug, Message)]
#[rtype(result = "Licences")]
pub struct GetLicences;

/// What is licensed and in use.
#[derive(Clone, Debug)]
pub struct Licences {
    /// The permits in use.
    pub counts: PermitCounts,
    /// How many phones are licensed; `None`: any number.
    pub phones: Option<usize>,
    /// How many lines are licensed; `None`: any number.
    pub lines: Option<usize>,
    /// The licences; `None` where the build has no issuer.
    pub issued: Option<Vec<Licence>>,
    /// What is left of the evaluation period.
    pub trial_left: Duration,
}

/// Asks who holds a permit or waits for one.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "PermitHolders")]
pub struct ListHolders;

/// Those who hold a permit or wait for one.
#[derive(Clone, Debug, Default)]
pub struct PermitHolders {
    /// Those who hold one.
    pub holding: Vec<PermitHolder>,
    /// Those who wait, the first in turn at the front.
    pub waiting: Vec<PermitHolder>,
}
