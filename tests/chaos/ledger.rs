//! What each phone sent and each client received, and the verdict whether anything was lost.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

/// One event that a phone sent.
#[derive(Clone, Copy, Debug)]
pub struct Told {
    /// Which of the phone's dialogs it was sent in.
    pub dialog: usize,
    /// When it was sent, since the run began.
    pub sent: Duration,
    /// When the server acknowledged it; none if the connection ended before.
    pub acknowledged: Option<Duration>,
}

/// What a client heard of one monitor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// BackInServiceEvent.
    BackIn,
    /// OutOfServiceEvent.
    OutOf,
    /// The phone's event of that number.
    Event(usize),
}

/// One connection of a client, and what it heard, by cross reference.
#[derive(Clone, Debug, Default)]
pub struct Connection {
    /// Which cross reference is which phone.
    pub monitors: HashMap<String, usize>,
    /// In the order of arrival, with the time.
    pub heard: BTreeMap<String, Vec<(Duration, Heard)>>,
    /// Whether it stood until the end.
    pub stood: bool,
}

/// Everything that happened, seen from the two ends.
#[derive(Debug, Default)]
pub struct Ledger {
    /// By phone, by the event's number.
    pub told: Vec<Vec<Told>>,
    /// All connections of all clients.
    pub connections: Vec<Connection>,
}

impl Ledger {
    /// How many events reached a client, and everything that is wrong: an event lost, twice, out of order or where no
    /// monitor stood.
    pub fn verdict(&self) -> (usize, Vec<String>) {
        let (mut events, mut faults) = (0, Vec::new());
        for (number, connection) in self.connections.iter().enumerate() {
            for (reference, heard) in &connection.heard {
                events += heard
                    .iter()
                    .filter(|(_, what)| matches!(what, Heard::Event(_)))
                    .count();
                let Some(phone) = connection.monitors.get(reference) else {
                    // The connection ended before the answer to MonitorStart came.
                    if connection.stood {
                        faults.push(format!(
                            "connection {number}: events of no monitor, {reference}"
                        ));
                    }
                    continue;
                };
                let told = self.told.get(*phone).map_or(&[][..], Vec::as_slice);
                if let Err(fault) = judge(told, heard, connection.stood) {
                    faults.push(format!(
                        "connection {number}, phone {phone}, monitor {reference}: {fault}"
                    ));
                }
            }
        }
        (events, faults)
    }
}

/// Between BackInService and OutOfService a client hears every event, once and in order; the error says what is wrong.
pub fn judge(told: &[Told], heard: &[(Duration, Heard)], stood: bool) -> Result<(), String> {
    let ever: Vec<usize> = heard
        .iter()
        .filter_map(|(_, what)| match what {
            Heard::Event(number) => Some(*number),
            _ => None,
        })
        .collect();
    if let Some([one, next]) = ever.array_windows().find(|[one, next]| one >= next) {
        return Err(format!("event {next} comes after event {one}"));
    }
    let due = |within: &[usize], held| in_a_row(told, within, held);
    let lost = |began, ended| none_lost(told, &ever, began, ended);
    let mut since: Option<Duration> = None;
    let mut held = false;
    let mut within: Vec<usize> = Vec::new();
    for (at, what) in heard {
        match (*what, since) {
            (Heard::BackIn, None) => {
                since = Some(*at);
            }
            (Heard::BackIn, Some(_)) => return Err(format!("twice in service, at {at:?}")),
            (Heard::OutOf, None) if held => return Err(format!("twice out of service, at {at:?}")),
            (Heard::OutOf, began) => {
                if let Some(began) = began {
                    due(&within, held)?;
                    lost(began, Some(*at))?;
                }
                since = None;
                held = true;
                within.clear();
            }
            (Heard::Event(number), None) => {
                return Err(format!("event {number} before BackInService, at {at:?}"));
            }
            (Heard::Event(number), Some(_)) => within.push(number),
        }
    }
    due(&within, held)?;
    match since {
        Some(began) if stood => lost(began, None),
        // A connection that was cut may have lost what was on its way.
        Some(_) => Ok(()),
        None if stood && !told.is_empty() => Err("out of service at the end".to_owned()),
        None => Ok(()),
    }
}

/// Nothing is missing in between; `held`: the monitor stood before the phone came, so that the first event of the phone's
/// dialog is due too.
fn in_a_row(told: &[Told], within: &[usize], held: bool) -> Result<(), String> {
    if let Some([one, next]) = within.array_windows().find(|[one, next]| one + 1 != *next) {
        return Err(format!("event {next} follows event {one}"));
    }
    let Some(first) = within.first().filter(|_| held) else {
        return Ok(());
    };
    let dialog = told.get(*first).map(|told| told.dialog);
    match told.iter().position(|told| Some(told.dialog) == dialog) {
        Some(due) if due == *first => Ok(()),
        due => Err(format!("event {first} is the first, and {due:?} was due")),
    }
}

/// What was told after the client heard BackInService, and acknowledged before it heard OutOfService, was heard.
fn none_lost(
    told: &[Told],
    ever: &[usize],
    began: Duration,
    ended: Option<Duration>,
) -> Result<(), String> {
    let lost = told.iter().enumerate().find(|(number, told)| {
        let acknowledged = told
            .acknowledged
            .is_some_and(|at| ended.is_none_or(|ended| at < ended));
        told.sent > began && acknowledged && ever.binary_search(number).is_err()
    });
    match lost {
        Some((number, told)) => Err(format!(
            "event {number} is lost: {told:?}, in service since {began:?} until {ended:?}"
        )),
        None => Ok(()),
    }
}
