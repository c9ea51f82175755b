//! Tests of the request queue: what is sent when, and what a response or a deadline makes of it.

use actix::{Actor, AsyncContext, Context, Handler};
use uacsta_schema::csta::{DeviceId, Dialect, MonitorCrossRefId};

use super::*;
use crate::sip::responder::{Respond, Responder};

/// A client's connection, which nothing is read from.
struct Connection;

impl Actor for Connection {
    type Context = Context<Self>;
}

impl Handler<Respond> for Connection {
    type Result = ();

    fn handle(&mut self, _: Respond, _: &mut Self::Context) {}
}

const TIMEOUT: Duration = Duration::from_secs(10);

/// A queue, and the names of its requests by their numbers.
#[derive(Default)]
struct Case {
    queue: RequestQueue,
    now: Duration,
    names: Vec<String>,
    at_a_time: usize,
    clients: bool,
}

impl Case {
    fn new() -> Self {
        Self {
            at_a_time: 1,
            clients: true,
            ..Self::default()
        }
    }

    /// Plays steps, and returns what was sent, concluded or dropped, in order: `>name` queues a request (of a client by `>c`, `>!c` before all
    /// others, of the server by other letters), `name=answer` is the phone's response, `name=gone` the connection's after the
    /// session, `+seconds` lets time pass, `back` is the end of the session or its move.
    fn play(&mut self, steps: &str) -> String {
        let mut seen = Vec::new();
        for step in steps.split_whitespace() {
            if let Some(name) = step.strip_prefix('>') {
                self.push(name);
            } else if let Some((name, answer)) = step.split_once('=') {
                seen.push(self.answer(name, answer));
            } else if let Some(seconds) = step.strip_prefix('+') {
                self.now += Duration::from_millis(
                    seconds
                        .parse::<f64>()
                        .map_or(0, |seconds| (seconds * 1000.0) as u64),
                );
                let expired = self.queue.expire(self.now);
                for request in expired.requests {
                    seen.push(format!("{} late", self.name(request.id)));
                }
                if let Some(at) = expired.keep_alive_at {
                    seen.push(format!("keep-alive at {}", at.as_secs()));
                }
                let due = self.queue.next_due();
                assert!(
                    due.is_none_or(|at| at > self.now),
                    "{steps}: still due at {due:?}"
                );
            } else if step == "back" {
                self.queue.take_back_unsent();
            }
            let gate = Gate {
                at_a_time: self.at_a_time,
                clients: self.clients,
                timeout: TIMEOUT,
            };
            while let Some((id, _)) = self.queue.send_next(&gate, self.now) {
                seen.push(self.name(id));
            }
        }
        seen.retain(|seen| !seen.is_empty());
        seen.join(", ")
    }

    fn name(&self, id: u64) -> String {
        self.names[id as usize - 1].clone()
    }

    fn push(&mut self, name: &str) {
        let (name, turn) = match name.strip_prefix('!') {
            Some(name) => (name, Turn::Next),
            None if name.starts_with('c') => (name, Turn::Last),
            None => (name, Turn::Own),
        };
        let requester = match &name[..1] {
            "c" => Requester::Client {
                reply: Responder::to(Context::<Connection>::new().address().recipient()),
                dialect: Dialect::default(),
            },
            "k" => Requester::KeepAlive,
            "d" => Requester::DialogProbe,
            "m" => Requester::MonitorStart(DeviceId::from(name)),
            "s" => Requester::MonitorStop {
                line: DeviceId::from(name),
                cross_ref: MonitorCrossRefId::from("1"),
            },
            _ => Requester::Lines,
        };
        self.names.push(name.to_owned());
        let deadline = self.now + TIMEOUT;
        let body = Body::Whole(Bytes::new());
        self.queue
            .push(requester, ServiceId::HoldCall, body, deadline, turn);
    }

    fn answer(&mut self, name: &str, answer: &str) -> String {
        let refused = |status, retry_after: Option<u64>| {
            Err(RequestError::Refused {
                status,
                body: Bytes::new(),
                retry_after: retry_after.map(Duration::from_secs),
            })
        };
        let response = match answer {
            "200" => Ok(Bytes::new()),
            "gone" => Err(RequestError::Ended),
            "481" => refused(Status::CALL_OR_TRANSACTION_DOES_NOT_EXIST, None),
            "491" => refused(Status::REQUEST_PENDING, None),
            quiet => refused(Status::SERVICE_UNAVAILABLE, quiet.parse().ok()),
        };
        let id = self.names.iter().position(|known| known == name);
        let id = id.map_or(0, |at| at as u64 + 1);
        match self.queue.received(id, &response, self.now) {
            ResponseMatch::Concluded(request) => format!("{} done", self.name(request.id)),
            ResponseMatch::Requeued => format!("{name} again"),
            ResponseMatch::Late(LateRequest::MonitorStart(line)) => {
                format!("late monitor of {}", line.as_str())
            }
            ResponseMatch::Late(late) => format!("late {}", late.service()),
            ResponseMatch::Unexpected => format!("{name}?"),
        }
    }
}

#[track_caller]
fn check(case: &mut Case, steps: &str, expected: &str) {
    assert_eq!(case.play(steps), expected, "{steps}");
}

#[test]
fn requests_are_sent_one_by_one_the_servers_own_first() {
    check(&mut Case::new(), ">c1 >c2 >l", "c1");
    check(
        &mut Case::new(),
        ">c1 >c2 >l c1=200 l=200",
        "c1, c1 done, l, l done, c2",
    );
    check(&mut Case::new(), ">c1 >l >!c2 c1=200", "c1, c1 done, c2");
    check(&mut Case::new(), ">c1 c2=200", "c1, c2?");
    // A probe of the dialog does not wait behind what the phone may have forgotten.
    check(
        &mut Case::new(),
        ">c1 >l >!d +10",
        "c1, d, c1 late, d late, l late",
    );
    let mut preparing = Case {
        clients: false,
        ..Case::new()
    };
    check(&mut preparing, ">c1 >l l=200", "l, l done");
    preparing.clients = true;
    check(&mut preparing, "+0", "c1");
    let mut parallel = Case {
        at_a_time: 2,
        ..Case::new()
    };
    check(&mut parallel, ">c1 >c2 >c3 c2=200", "c1, c2, c2 done, c3");
}

#[test]
fn retry_after_defers_all_requests() {
    check(&mut Case::new(), ">c1 >c2 c1=5 +4 +1", "c1, c1 done, c2");
    let mut moved = Case::new();
    check(&mut moved, ">c1 >c2 c1=5", "c1, c1 done");
    assert!(moved.queue.is_quiet_beyond(Duration::from_secs(4)));
    moved.queue.end_quiet();
    check(&mut moved, "+0", "c2");
}

#[test]
fn pause_that_ends_without_a_session_is_not_due_for_ever() {
    for answer in ["30", "491"] {
        let mut case = Case::new();
        check(
            &mut case,
            &format!(">l l={answer}"),
            &format!("l, l {}", if answer == "491" { "again" } else { "done" }),
        );
        case.queue.interrupt(false);
        // Without a session, nothing is sent.
        case.at_a_time = 0;
        check(&mut case, "+31 +1", "");
        assert_eq!(case.queue.next_due(), None);
    }
}

#[test]
fn rejected_monitor_stop_is_repeated_after_the_pause() {
    check(
        &mut Case::new(),
        ">s s=5 +4 +1 s=200",
        "s, s again, s, s done",
    );
    check(
        &mut Case::new(),
        ">s s=5 +5 s=5 +5",
        "s, s again, s, s done",
    );
}

#[test]
fn requests_that_wait_outlast_the_session() {
    // After the first error, nothing is sent until the session continues elsewhere or the next one is open.
    check(&mut Case::new(), ">c1 >c2 c1=gone >l +1", "c1, c1 done");
    check(
        &mut Case::new(),
        ">c1 >c2 c1=gone >l back",
        "c1, c1 done, l",
    );
    // What reached the connection after the session was not sent.
    let mut parallel = Case {
        at_a_time: 3,
        ..Case::new()
    };
    check(
        &mut parallel,
        ">c1 >c2 >l >c3 c1=gone back",
        "c1, c2, l, c1 done, l, c2, c3",
    );
    let waiting = parallel.queue.interrupt(false).len();
    assert_eq!((waiting, parallel.queue.is_idle()), (3, true));
    // The server's own are repeated where that does no harm.
    check(
        &mut Case::new(),
        ">s s=gone back s=gone back s=200",
        "s, s again, s, s again, s, s done",
    );
    check(&mut Case::new(), ">m1 m1=gone back", "m1, m1 done");
}

#[test]
fn crossing_requests_are_sent_again() {
    check(
        &mut Case::new(),
        ">c1 >c2 c1=491 +4 c1=200",
        "c1, c1 again, c1, c1 done, c2",
    );
    check(&mut Case::new(), ">l >c1 l=491 +4", "l, l again, l");
    // After three crossings, or too late for its deadline, it fails.
    let again = "c1, c1 again, c1, c1 again";
    check(
        &mut Case::new(),
        ">c1 c1=491 +4 c1=491 +4 c1=491",
        &format!("{again}, c1, c1 done"),
    );
    check(&mut Case::new(), ">l +9 l=491", "l, l done");
    // A MonitorStop has no deadline in the queue.
    check(&mut Case::new(), ">s +9 s=491 +4", "s, s again, s");
}

#[test]
fn an_unknown_dialog_repeats_clients_requests_once() {
    check(
        &mut Case::new(),
        ">c1 c1=481 c1=481",
        "c1, c1 again, c1, c1 done",
    );
    check(&mut Case::new(), ">l l=481", "l, l done");
}

#[test]
fn deadlines_expire_requests() {
    check(&mut Case::new(), ">c1 >c2 +9 +1", "c1, c1 late, c2 late");
    check(
        &mut Case::new(),
        ">c1 +5 >c2 +5 +5",
        "c1, c1 late, c2, c2 late",
    );
    // The server's own wait as well, but a MonitorStop has its time from when it is sent.
    check(
        &mut Case::new(),
        ">c1 >l >s +10 +9 +1",
        "c1, c1 late, l late, s, s late",
    );
    // A keep-alive that was not sent is due again.
    check(
        &mut Case::new(),
        ">c1 >k +10",
        "c1, c1 late, keep-alive at 10",
    );
    check(
        &mut Case::new(),
        ">c1 c1=30 >k +10",
        "c1, c1 done, keep-alive at 30",
    );
}

#[test]
fn a_monitor_start_is_matched_after_its_deadline() {
    check(
        &mut Case::new(),
        ">m1 +10 m1=200 m1=200",
        "m1, m1 late, late monitor of m1, m1?",
    );
    let mut case = Case::new();
    check(&mut case, ">m1 +10", "m1, m1 late");
    assert!(case.queue.interrupt(false).is_empty());
    check(&mut case, "m1=200", "m1?");
}

#[test]
fn the_end_of_a_session_leaves_waiting_requests_alone() {
    let names = |case: &Case, interrupted: Vec<PhoneRequest>| -> Vec<String> {
        let interrupted = interrupted.iter();
        interrupted.map(|request| case.name(request.id)).collect()
    };
    for (with_waiting, expected) in [(false, vec!["c1", "l"]), (true, vec!["c1", "l", "c2"])] {
        let mut case = Case::new();
        check(&mut case, ">c1 >c2 >l", "c1");
        let interrupted = case.queue.interrupt(with_waiting);
        assert_eq!(names(&case, interrupted), expected);
        assert_eq!(case.queue.is_idle(), with_waiting);
    }
}
