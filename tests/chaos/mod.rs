//! A run of phones and clients under random faults, checked against a ledger.

mod client;
pub mod dice;
pub mod ledger;
mod phone;
mod server;
mod site;

use std::{fmt, sync::Arc, time::Duration};

use dice::Dice;
use ledger::{Heard, Ledger};
use server::{End, ServerContext};
use site::{PHONES, Site};
use tokio::{
    io::AsyncWriteExt as _,
    net::TcpStream,
    sync::mpsc::{UnboundedSender, unbounded_channel},
    task::JoinSet,
    time::{Instant, sleep},
};

use crate::support::phone::{Phone, Setup};

/// How large a run is, and how long.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// How long faults are injected.
    pub duration: Duration,
    /// How many phones live through it.
    pub phones: usize,
    /// How many clients.
    pub clients: usize,
    /// Decides over the faults.
    pub seed: u64,
}

/// What happened in a run; written out, it is what an operator reads.
#[derive(Debug)]
pub struct Report {
    /// What must not have been; empty if nothing was lost.
    pub faults: Vec<String>,
    text: String,
}

/// Runs it to its end.
pub async fn run(plan: Plan) -> Report {
    let data = tempfile::tempdir().expect("a folder");
    let site = Arc::new(Site::new(plan.phones, data.path().to_owned()));
    let mut dice = Dice::new(plan.seed);
    let mut context = ServerContext::start(Arc::clone(&site), data).await;
    let mut tasks = JoinSet::new();
    let mut phones = Vec::new();
    for number in 0..plan.phones {
        let living = phone::Living::new(Arc::clone(&site), number);
        let (orders, faults) = unbounded_channel();
        tasks.spawn(living.clone().live(Dice::new(dice.throw()), faults));
        phones.push((living, orders));
    }
    // A line can be opened once its phone has listed it.
    for (living, _) in &phones {
        living.phone.in_session().await;
    }
    let mut clients = Vec::new();
    let every = plan.clients.min(4);
    for number in 0..plan.clients {
        let lines = (0..plan.phones).filter(|line| (line + number).is_multiple_of(every));
        let living = client::Living {
            site: Arc::clone(&site),
            lines: lines.collect(),
        };
        let (orders, faults) = unbounded_channel();
        tasks.spawn(living.live(Dice::new(dice.throw()), faults));
        clients.push(orders);
    }
    if !all_in_service(&site, plan, Duration::from_secs(60)).await {
        site.fault("not all lines are in service before the first fault".to_owned());
        return report(&site, plan);
    }

    let mut storm = Storm {
        site: Arc::clone(&site),
        dice,
        strangers: 0,
        graves: 0,
    };
    let end = Instant::now() + plan.duration;
    let pause = (plan.duration / 12).clamp(Duration::from_millis(1_500), Duration::from_secs(12));
    let mut grave = Instant::now() + pause;
    for turn in 0.. {
        if Instant::now() >= end {
            break;
        }
        if Instant::now() >= grave {
            storm.grave(&mut context).await;
            grave = Instant::now() + pause;
        }
        match turn % 4 {
            0 | 1 => storm.phone(&phones),
            2 => storm.client(&clients),
            _ => storm.stranger(&context).await,
        }
        let wait = storm.dice.between(10, 30_000 / plan.phones.max(100) as u64);
        sleep(wait).await;
    }
    if !all_in_service(&site, plan, Duration::from_secs(90)).await {
        site.fault("not all lines are in service 90 seconds after the last fault".to_owned());
    }
    site.state().quiet = true;
    for missing in farewell(&site, &phones).await {
        site.fault(missing);
    }
    context.check_list().await;
    while let Some(ended) = tasks.try_join_next() {
        if let Err(failed) = ended {
            site.fault(format!("a phone or client of the run failed: {failed}"));
        }
    }
    tasks.shutdown().await;
    report(&site, plan)
}

/// A phone of the run, and where its faults go.
type Ordered = (phone::Living, UnboundedSender<phone::Fault>);

/// Injects.
struct Storm {
    site: Arc<Site>,
    dice: Dice,
    strangers: usize,
    graves: usize,
}

impl Storm {
    /// Something happens to a phone.
    fn phone(&mut self, phones: &[Ordered]) {
        use phone::Fault;
        let (fault, what) = match self.dice.below(9) {
            0 => (Fault::Reboot, "phone rebooted"),
            1 => (Fault::Close, "phone's connection closed"),
            2 => (
                Fault::PowerCut(self.dice.between(100, 4_000)),
                "phone without power, connection half-open",
            ),
            3 => (Fault::Forget, "phone forgot its dialog"),
            4 => (Fault::Bye, "phone ended its dialog"),
            5 => (
                Fault::Late(self.dice.between(500, 6_000)),
                "phone answers late",
            ),
            6 => (Fault::Silent, "phone does not answer"),
            7 => (Fault::Nonsense, "phone sends no CSTA"),
            _ => (Fault::Unregister, "phone unregistered"),
        };
        self.site.injects(what);
        let (_, orders) = &phones[self.dice.below(phones.len())];
        // A phone that failed is found at the end.
        let _ = orders.send(fault);
    }

    /// Something happens to a client.
    fn client(&mut self, clients: &[UnboundedSender<client::Fault>]) {
        let (fault, what) = match self.dice.below(6) {
            0 => (client::Fault::Reset, "client's connection cut"),
            _ => (
                client::Fault::Pause(self.dice.between(50, 2_000)),
                "client does not read",
            ),
        };
        self.site.injects(what);
        let _ = clients[self.dice.below(clients.len())].send(fault);
    }

    /// Somebody else comes: with a malformed message, or as a new phone, or an operator.
    async fn stranger(&mut self, context: &ServerContext) {
        let doors = self.site.doors().await;
        match self.dice.below(3) {
            0 => {
                let door = [doors.phones, doors.clients, doors.phones_tls][self.dice.below(3)];
                self.site.injects("malformed message");
                if let Ok(mut stream) = TcpStream::connect(door).await {
                    // The server may end the connection first.
                    let _ = stream.write_all(&self.dice.malformed()).await;
                }
            }
            1 => {
                self.strangers += 1;
                let user = format!("0004137{:05x}", self.strangers);
                drop(tokio::spawn(join(Arc::clone(&self.site), user)));
            }
            _ if self.strangers > 0 => {
                let user = format!("0004137{:05x}", 1 + self.dice.below(self.strangers));
                let mac = phone::listed(&user);
                let known = self.site.state().telephones.contains_key(&mac);
                if known {
                    self.site.injects("phone switched by an operator");
                    context.switch(&mac, self.dice.below(2) == 0).await;
                }
            }
            _ => {}
        }
    }

    /// Something happens to the server or its host.
    async fn grave(&mut self, context: &mut ServerContext) {
        let away = self.dice.between(0, 1_500);
        self.graves += 1;
        match self.graves % 5 {
            2 => {
                self.site.injects("certificate and key exchanged");
                context.swap_certificate();
            }
            3 => {
                self.site.injects("disk full");
                context.fill_disk(self.dice.between(500, 3_000)).await;
            }
            4 => {
                self.site.injects("server ended by SIGTERM");
                context.restart(End::Asked, away).await;
            }
            _ => {
                self.site.injects("server killed");
                context.restart(End::Killed, away).await;
            }
        }
    }
}

/// A new phone registers, and goes again.
async fn join(site: Arc<Site>, user: String) {
    let doors = site.doors().await;
    let setup = Setup::new(doors.phones, &user, PHONES, "sip:1@pbx.example");
    let phone = Phone::new(setup, Arc::clone(&site.documents));
    if let Ok(answer) = phone.try_register().await
        && answer.status() == 200
    {
        let mac = phone::listed(&user);
        site.state().telephones.insert(mac, None);
        *site.state().injected.entry("new phone").or_default() += 1;
    }
    phone.reboot();
}

/// Whether, within that time, every monitor that a client must hold is in service.
async fn all_in_service(site: &Site, plan: Plan, patience: Duration) -> bool {
    let every = plan.clients.min(4);
    let lines =
        |client: usize| (0..plan.phones).filter(move |line| (line + client).is_multiple_of(every));
    let wanted: usize = (0..plan.clients).map(|client| lines(client).count()).sum();
    within(patience, || {
        let state = site.state();
        let standing = state.ledger.connections.iter().filter(|one| one.stood);
        let in_service = standing.flat_map(|one| {
            one.monitors.keys().filter(|reference| {
                let heard = one.heard.get(*reference).and_then(|heard| heard.last());
                heard.is_some_and(|(_, what)| *what != Heard::OutOf)
            })
        });
        in_service.count() == wanted
    })
    .await
}

/// Each phone tells one event more, again where the connection ends meanwhile, and all who watch it must hear it; who did not
/// within a minute.
async fn farewell(site: &Site, phones: &[Ordered]) -> Vec<String> {
    let begun = site.now();
    let mut missing = Vec::new();
    for _ in 0..60 {
        for (living, _) in phones {
            let last = site.state().ledger.told[living.number].last().copied();
            if !last.is_some_and(|last| last.sent > begun && last.acknowledged.is_some()) {
                living.tell();
            }
        }
        sleep(Duration::from_secs(1)).await;
        missing = unheard(&site.state().ledger, begun);
        if missing.is_empty() {
            break;
        }
    }
    missing
}

/// The monitors that did not hear the last event of their phone.
fn unheard(ledger: &Ledger, since: Duration) -> Vec<String> {
    let standing = ledger.connections.iter().filter(|one| one.stood);
    let monitors = standing.flat_map(|one| {
        one.monitors
            .iter()
            .map(|(reference, phone)| (reference, one.heard.get(reference), *phone))
    });
    let unheard = monitors.filter_map(|(reference, heard, phone)| {
        let told = &ledger.told[phone];
        let last = heard.and_then(|heard| heard.last());
        let due = told.last().filter(|last| last.sent > since);
        let number = told.len().wrapping_sub(1);
        let heard = due.is_some() && last.is_some_and(|(_, what)| *what == Heard::Event(number));
        (!heard).then(|| {
            format!(
                "monitor {reference} did not hear {number}, {due:?}, of phone {phone}, but {last:?}"
            )
        })
    });
    unheard.collect()
}

async fn within(patience: Duration, holds: impl Fn() -> bool) -> bool {
    let begun = Instant::now();
    while !holds() {
        if begun.elapsed() > patience {
            return false;
        }
        sleep(Duration::from_millis(50)).await;
    }
    true
}

fn report(site: &Site, plan: Plan) -> Report {
    let mut state = site.state();
    let (heard, wrong) = state.ledger.verdict();
    state.faults.extend(wrong);
    if let Err(fault) = site.documents.check() {
        state.faults.push(fault);
    }
    let told: usize = state.ledger.told.iter().map(Vec::len).sum();
    let mut lines = vec![format!(
        "{} phones and {} clients for {:?}, seed {}",
        plan.phones, plan.clients, plan.duration, plan.seed
    )];
    for (what, times) in &state.injected {
        lines.push(format!("{times:8} x {what}"));
    }
    lines.push(format!("{told:8} events told, {heard} heard"));
    for (end, times) in &state.answers {
        lines.push(format!("{times:8} requests {end}"));
    }
    lines.push(format!(
        "{:8} telephones acknowledged",
        state.telephones.len()
    ));
    for fault in state.faults.iter().take(20) {
        lines.push(format!("LOST: {fault}"));
    }
    lines.push(match state.faults.len() {
        0 => "nothing was lost".to_owned(),
        number => format!("{number} faults"),
    });
    Report {
        faults: std::mem::take(&mut state.faults),
        text: lines.join("\n"),
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
