//! Several event-loop threads (`advanced.arbiters`), one of them blocked: queues towards it stay bounded.

use std::{
    sync::{Arc, Condvar, Mutex},
    time::{Duration, Instant},
};

use tokio::{sync::mpsc::UnboundedReceiver, task::JoinHandle, time::timeout};
use uacsta_actors::clock::Clock;

use super::attacks::metric;
use crate::support::{
    PATIENCE,
    csta::{Call, Document, element},
    cti_client::Session,
    phone::{Phone, Reaction},
    server::Server,
    sip::Message,
    wire::final_of,
};

/// A clock that, while it is closed, stops each thread but the server's first one as it asks for the time.
#[derive(Debug)]
struct Gate {
    begun: Instant,
    closed: Mutex<Closed>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Closed {
    is: bool,
    stopped: usize,
}

impl Gate {
    fn close(&self) {
        self.closed.lock().unwrap().is = true;
    }

    fn open(&self) {
        self.closed.lock().unwrap().is = false;
        self.changed.notify_all();
    }

    fn stops_somebody(&self) -> bool {
        self.closed.lock().unwrap().stopped > 0
    }

    /// Waits until a thread stands still, or else until this is done, which is told.
    async fn stops<T>(&self, task: &mut JoinHandle<T>) -> Option<T> {
        let stopped = async {
            while !self.stops_somebody() {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::select! {
            done = task => Some(done.unwrap()),
            () = stopped => None,
        }
    }
}

impl Clock for Gate {
    fn now(&self) -> Duration {
        let thread = std::thread::current();
        if thread.name().is_some_and(|name| name.contains("|arbiter:")) {
            let mut closed = self.closed.lock().unwrap();
            closed.stopped += 1;
            while closed.is {
                closed = self.changed.wait(closed).unwrap();
            }
            closed.stopped -= 1;
        }
        self.begun.elapsed()
    }

    fn wall(&self) -> u64 {
        1_800_000_000
    }
}

/// Opens the gate when the test ends, also where it fails: the server could not end before.
struct Keeper(Arc<Gate>);

impl Drop for Keeper {
    fn drop(&mut self) {
        self.0.open();
    }
}

impl std::ops::Deref for Keeper {
    type Target = Gate;

    fn deref(&self) -> &Gate {
        &self.0
    }
}

/// What comes later is dropped first.
fn serving() -> (Server, Keeper) {
    let gate = Arc::new(Gate {
        begun: Instant::now(),
        closed: Mutex::default(),
        changed: Condvar::new(),
    });
    let server = Server::by(gate.clone()).restart(|settings| {
        settings.advanced.arbiters = 2;
        settings.advanced.request_timeout = Duration::from_secs(30);
    });
    (server, Keeper(gate))
}

/// A phone in its session on the first thread, or else on the second, which then stands still at the phone's refresh.
async fn phone_on(
    second: bool,
    gate: &Gate,
    server: &Server,
) -> (Phone, Option<JoinHandle<Message>>) {
    // All on one thread is less likely than one in a million.
    for number in 0..20 {
        let phone = server.phone(&format!("0004130000{number:02x}"));
        phone.start().await;
        gate.close();
        let refreshing = phone.clone();
        let mut refresh = tokio::spawn(async move { refreshing.register().await });
        match gate.stops(&mut refresh).await {
            None if second => return (phone, Some(refresh)),
            None => {
                gate.open();
                refresh.await.unwrap().expect(200);
            }
            Some(answer) => {
                gate.open();
                answer.expect(200);
                if !second {
                    return (phone, None);
                }
            }
        }
    }
    panic!("all phones are on one thread");
}

/// A client's session on the first thread while the second stands still: connections of clients take turns.
async fn session_on_the_first(server: &Server, line: &str) -> Session {
    let (one, other) = (server.client().await, server.client().await);
    let opened = async {
        tokio::select! {
            session = one.open(line) => session,
            session = other.open(line) => session,
        }
    };
    timeout(PATIENCE, opened).await.unwrap()
}

fn error_of(answer: &Message) -> Option<String> {
    let document = Document::read(&answer.body);
    (document.name() == "CSTAErrorCode")
        .then(|| document.text("systemResourceAvailibility").to_owned())
}

async fn ends_with_its_connection(session: &mut Session) {
    let ended = session.incoming().await.expect("the session ends");
    assert!(ended.text().starts_with("BYE "), "{}", ended.text());
    assert!(session.incoming().await.is_none(), "the connection ends");
}

/// The phone's mailbox holds 4096. What finds no room is refused at once, though the phone's thread does nothing, and who was told
/// already that its monitor stands loses its connection; the phone's own bound holds for the others once it goes on.
#[tokio::test]
async fn requests_for_a_blocked_thread_get_one_answer_each() {
    const ASKED: usize = 5_000;
    const MAILBOX: usize = 4096;
    let (server, gate) = serving();
    let (phone, refresh) = phone_on(true, &gate, &server).await;
    phone.always("GetDoNotDisturb", Reaction::Late(Duration::from_millis(20)));
    let session = session_on_the_first(&server, phone.line()).await;
    let mut late = session_on_the_first(&server, phone.line()).await;
    let mut waiting: Vec<_> = (0..ASKED)
        .map(|_| session.begin("GetDoNotDisturb", &element("device", phone.line())))
        .collect();
    // What comes after them is answered after them.
    session.done("RequestSystemStatus", "").await;
    let answered = |answers: &mut UnboundedReceiver<Message>| answers.try_recv().ok();
    let early: Vec<_> = waiting.iter_mut().filter_map(answered).collect();
    assert!(
        early
            .iter()
            .all(|answer| error_of(answer).as_deref() == Some("resourceBusy"))
    );
    // Besides what the mailbox holds each sender may leave one.
    let kept = ASKED - early.len();
    assert!((MAILBOX..MAILBOX + 4).contains(&kept), "{kept} are kept");
    assert_eq!(phone.count("GetDoNotDisturb"), 0);

    let object = element("deviceObject", phone.line());
    let start = format!("<monitorObject>{object}</monitorObject>");
    // The first one may be the one that its sender may leave.
    for _ in 0..2 {
        drop(late.begin("MonitorStart", &start));
    }
    ends_with_its_connection(&mut late).await;

    gate.open();
    refresh.unwrap().await.unwrap().expect(200);
    // The page reads the clock, which stands still for its thread as well while the gate is closed.
    let refused = metric(&server, "uacsta_transactions_refused_total").await;
    assert_eq!(refused as usize, early.len() + 1);
    let (mut done, mut busy) = (0, 0);
    for answers in &mut waiting {
        // The early ones have had theirs.
        let Ok(answer) = final_of(answers).await else {
            continue;
        };
        match error_of(&answer).as_deref() {
            None => done += 1,
            Some("resourceBusy") => busy += 1,
            other => panic!("{other:?}: {}", answer.text()),
        }
    }
    assert_eq!((done + busy, phone.count("GetDoNotDisturb")), (kept, done));
    assert!(done > 64, "{done} were done");
    let pending = "uacsta_requests_refused_total{limit=\"limits.pending_requests_per_phone\"}";
    assert_eq!(metric(&server, pending).await as usize, busy);
    assert!(
        waiting
            .iter_mut()
            .all(|answers| answers.try_recv().is_err())
    );
}

/// A client's thread is held up while a phone on another pumps events: the phone and the clients elsewhere go on, and what was
/// kept arrives whole and in order.
#[tokio::test]
async fn events_queue_only_for_the_client_on_a_blocked_thread() {
    let (server, gate) = serving();
    let (phone, _) = phone_on(false, &gate, &server).await;
    let mut clients = Vec::new();
    for _ in 0..4 {
        let client = server.client().await;
        let mut session = client.open(phone.line()).await;
        session.watch(phone.line()).await;
        clients.push((client, session));
    }
    gate.close();
    let watching: Vec<_> = clients
        .into_iter()
        .map(|(client, session)| {
            (
                tokio::spawn(async move { client.register().await }),
                session,
            )
        })
        .collect();
    // Connections of clients take turns: two are answered, and two wait.
    let two = async {
        while watching
            .iter()
            .filter(|(answer, _)| answer.is_finished())
            .count()
            < 2
        {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    timeout(PATIENCE, two)
        .await
        .expect("clients on the first thread");

    let mut answers: Vec<_> = (0..EVENTS)
        .map(|number| phone.tell(&event(&phone, number)).unwrap().1)
        .collect();
    for answer in &mut answers {
        final_of(answer).await.unwrap().expect(200);
    }
    let (mut first, mut second): (Vec<_>, Vec<_>) = watching
        .into_iter()
        .partition(|(answer, _)| answer.is_finished());
    for (_, session) in &mut first {
        hears_all(session).await;
    }
    assert!(gate.stops_somebody());
    assert!(second.iter_mut().all(|(_, session)| session.quiet()));
    gate.open();
    for (_, session) in &mut second {
        hears_all(session).await;
    }
    for (answer, mut session) in first.into_iter().chain(second) {
        answer.await.unwrap().expect(200);
        assert!(session.quiet());
    }
}

/// How many events the phone tells.
const EVENTS: usize = 3_000;

fn event(phone: &Phone, number: usize) -> String {
    let id = format!("c{number}");
    Call::seen_by(phone.line(), &id, phone.line(), "102").originated()
}

async fn hears_all(session: &mut Session) {
    for number in 0..EVENTS {
        let event = session.expect("OriginatedEvent").await;
        let id = event.text("originatedConnection/callID");
        assert_eq!(id, format!("c{number}"));
    }
}
