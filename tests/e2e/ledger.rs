//! A thousand phones and ten clients: every client receives every event.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::Arc,
    time::Instant,
};

use tokio::{
    sync::{Mutex, Semaphore},
    task::JoinSet,
    time::timeout,
};

use crate::support::{
    PATIENCE,
    csta::{Call, between, element},
    cti_client::Session,
    phone::Phone,
    server::Server,
};

const PHONES: usize = 1000;
const CLIENTS: usize = 10;
const ROUNDS: usize = 5;
/// What the caller's phone tells of one call, and what the called one does.
const TOLD: usize = 4 + 3;

/// A phone with all that it told and the server acknowledged, in order.
struct Teller {
    phone: Phone,
    told: Mutex<Vec<u64>>,
}

impl Teller {
    async fn tell(&self, event: String) {
        let mut told = self.told.lock().await;
        self.phone.event(&event).await.expect(200);
        told.push(digest(&event));
    }
}

fn digest(event: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    event.hash(&mut hasher);
    hasher.finish()
}

/// Runs all of them, so many at a time.
async fn all<F: Future<Output = ()> + Send + 'static>(
    at_a_time: usize,
    tasks: impl Iterator<Item = F>,
) {
    let places = Arc::new(Semaphore::new(at_a_time));
    let mut running = JoinSet::new();
    for task in tasks {
        let place = Arc::clone(&places)
            .acquire_owned()
            .await
            .expect("the semaphore is never closed");
        running.spawn(async move {
            task.await;
            drop(place);
        });
    }
    while let Some(done) = running.join_next().await {
        done.unwrap();
    }
}

/// One call, placed by a client: both phones tell their part.
async fn call(session: Arc<Session>, caller: Arc<Teller>, called: Arc<Teller>, id: String) {
    let (a, b) = (
        caller.phone.line().to_owned(),
        called.phone.line().to_owned(),
    );
    session.make_call(&a, &b).await;
    let (ours, theirs) = (
        Call::seen_by(&a, &format!("a{id}"), &a, &b),
        Call::seen_by(&b, &format!("b{id}"), &a, &b),
    );
    caller.tell(ours.originated()).await;
    called.tell(theirs.delivered()).await;
    caller.tell(ours.delivered()).await;
    called.tell(theirs.established()).await;
    caller.tell(ours.established()).await;
    called.tell(theirs.cleared()).await;
    caller.tell(ours.cleared()).await;
}

/// Opens the server's session and watches every line; the session and which cross reference is which line.
async fn watch(server: &Server, tellers: &[Arc<Teller>]) -> (Session, HashMap<String, usize>) {
    let client = server.client().await;
    let session = client.open_server().await;
    let mut lines = HashMap::new();
    for (number, teller) in tellers.iter().enumerate() {
        lines.insert(session.monitor(teller.phone.line()).await, number);
    }
    (session, lines)
}

/// Hears so many events of each line, and BackInService before any of them; nothing may follow.
async fn hear(mut session: Session, lines: HashMap<String, usize>, events: usize) -> Vec<Vec<u64>> {
    let mut heard = vec![Vec::new(); lines.len()];
    let mut in_service = vec![false; lines.len()];
    for _ in 0..events + lines.len() {
        let info = session.incoming().await.expect("a connection that stands");
        let (start, end) = between(&info.body, "monitorCrossRefID")
            .unwrap_or_else(|| panic!("no event:\n{}", info.text()));
        let line = *lines
            .get(&info.body[start..end])
            .unwrap_or_else(|| panic!("an event of no line:\n{}", info.body));
        if info.body.contains("BackInServiceEvent") {
            assert!(
                !std::mem::replace(&mut in_service[line], true),
                "twice in service: {}",
                info.body
            );
        } else {
            assert!(
                in_service[line],
                "an event before BackInService: {}",
                info.body
            );
            heard[line].push(digest(&format!(
                "{}{{xref}}{}",
                &info.body[..start],
                &info.body[end..]
            )));
        }
    }
    session.bye().await;
    assert!(session.quiet(), "an event more than the phones told");
    heard
}

#[tokio::test]
async fn every_client_receives_every_event_of_every_phone() {
    let begun = Instant::now();
    let server = Server::start();
    let tellers: Vec<Arc<Teller>> = (0..PHONES)
        .map(|number| {
            Arc::new(Teller {
                phone: server.phone(&format!("0004130{number:05x}")),
                told: Mutex::default(),
            })
        })
        .collect();
    all(
        100,
        tellers
            .iter()
            .cloned()
            .map(|teller| async move { teller.phone.start().await }),
    )
    .await;
    println!("{PHONES} phones in session after {:?}", begun.elapsed());

    let mut hearing = JoinSet::new();
    for number in 0..CLIENTS {
        let (session, lines) = watch(&server, &tellers).await;
        hearing.spawn(async move { (number, hear(session, lines, PHONES * ROUNDS * TOLD).await) });
    }
    for teller in &tellers {
        teller.phone.monitored().await;
    }
    println!(
        "{CLIENTS} clients watch all lines after {:?}",
        begun.elapsed()
    );

    let dialler = Arc::new(server.client().await.open_server().await);
    let calls = (0..ROUNDS)
        .flat_map(|round| (0..PHONES).map(move |number| (round, number)))
        .map(|(round, number)| {
            let called = (number + 1 + round * 37) % PHONES;
            call(
                Arc::clone(&dialler),
                Arc::clone(&tellers[number]),
                Arc::clone(&tellers[called]),
                format!("{round}-{number}"),
            )
        });
    all(64, calls).await;
    println!("{} calls told after {:?}", PHONES * ROUNDS, begun.elapsed());

    let mut reported = 0;
    while let Some(done) = timeout(PATIENCE, hearing.join_next())
        .await
        .expect("every event in time")
    {
        let (client, heard) = done.unwrap();
        for (number, teller) in tellers.iter().enumerate() {
            let told = teller.told.lock().await;
            assert!(
                heard[number] == *told,
                "client {client} heard {} events of phone {number}, which told {}",
                heard[number].len(),
                told.len()
            );
        }
        reported += 1;
    }
    assert_eq!(reported, CLIENTS);
    for teller in &tellers {
        assert_eq!(
            (
                teller.phone.count("MonitorStart"),
                teller.phone.count("MakeCall")
            ),
            (1, ROUNDS)
        );
    }
    println!("the ledgers agree after {:?}", begun.elapsed());
    dialler
        .done(
            "GetDoNotDisturb",
            &element("device", tellers[0].phone.line()),
        )
        .await;
}
