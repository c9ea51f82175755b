//! `--watch`: each change of phones, clients, licences and status is shown, until the reader or the server ends.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    process::{Child, Stdio},
};

use rustix::process::Signal;
use serde_json::Value;
use tokio::{
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
    time::timeout,
};

use crate::support::{
    PATIENCE,
    process::{PASSWORDS, Serving, program, run},
    terminal::Terminal,
};

const MAC: &str = "000413000001";
const LINE: &str = "sip:101@pbx.example";

fn serving() -> Serving {
    Serving::start(tempfile::tempdir().unwrap(), PASSWORDS)
}

fn data(server: &Serving) -> String {
    format!("--data={}", server.data().display())
}

/// A command with `--watch`, without a terminal.
struct Watching {
    child: Child,
    lines: UnboundedReceiver<String>,
}

impl Watching {
    fn start(server: &Serving, command: &str) -> Self {
        let mut program = program();
        program.args(command.split(' ')).arg("--watch");
        let mut child = program
            .arg(data(server))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = unbounded_channel();
        std::thread::spawn(move || {
            let mut lines = output.lines().map_while(Result::ok);
            lines.try_for_each(|line| sender.send(line))
        });
        Self { child, lines }
    }

    /// Waits for a line that contains each of these words.
    async fn until(&mut self, words: &[&str]) -> String {
        let mut passed = Vec::new();
        loop {
            let line = timeout(PATIENCE, self.lines.recv()).await;
            let line = line.ok().flatten();
            let line = line.unwrap_or_else(|| panic!("no {words:?} in {passed:#?}"));
            if words.iter().all(|word| line.contains(word)) {
                return line;
            }
            passed.push(line);
        }
    }

    /// Waits for the end; the exit code, and what it says on standard error.
    fn end(mut self) -> (Option<i32>, String) {
        let mut said = String::new();
        let mut stderr = self.child.stderr.take().unwrap();
        stderr.read_to_string(&mut said).unwrap();
        (self.child.wait().unwrap().code(), said)
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn each_new_state_is_printed_without_a_terminal() {
    let server = serving();
    let watching = |command| Watching::start(&server, command);
    let (mut phones, mut status) = (watching("phones"), watching("status"));
    let (mut clients, mut licences) = (watching("clients list"), watching("licenses"));
    let mut json = watching("phones --json");
    phones
        .until(&["0 phones, 0 connected, 0 lines monitored"])
        .await;
    status.until(&["phones       0: 0 controlled"]).await;
    clients.until(&["no client is connected"]).await;
    licences.until(&["phones   0 in use"]).await;
    let states = |line: String| {
        let list: Value = serde_json::from_str(&line).unwrap();
        let items = list["items"].as_array().unwrap().iter();
        items
            .map(|phone| phone["state"].clone())
            .collect::<Vec<_>>()
    };
    assert!(states(json.until(&["items"]).await).is_empty());

    let phone = server.phone(MAC, LINE);
    phone.start().await;
    phones.until(&["00:04:13:00:00:01", "controlled"]).await;
    phones
        .until(&["1 phone, 1 connected, 0 lines monitored"])
        .await;
    status.until(&["phones       1: 1 controlled"]).await;
    licences.until(&["phones   1 in use"]).await;
    assert_eq!(
        states(json.until(&["\"controlled\""]).await),
        ["controlled"]
    );

    let client = server.client().await;
    let mut session = client.open_server().await;
    clients.until(&["ecsta"]).await;
    let mut one = watching("clients show ecsta");
    let monitor = session.watch(phone.line()).await;
    one.until(&["monitors", LINE]).await;
    phones.until(&["1 connected, 1 line monitored"]).await;
    session.unwatch(&monitor).await;
    session.bye().await;
    client.wire.close();
    clients.until(&["no client is connected"]).await;
    let (code, said) = one.end();
    assert_eq!(code, Some(1), "{said}");

    let mut one = watching(&format!("phones {MAC}"));
    one.until(&["STATUS", "controlled"]).await;
    phone.unregister().await.expect(200);
    one.until(&["STATUS", "away"]).await;
    let removed = run(&["phones", "forget", MAC, &data(&server)]);
    assert!(removed.status.success(), "{removed:?}");
    phones.until(&["0 phones"]).await;
    let (code, said) = one.end();
    assert!(code == Some(1) && said.contains("no phone"), "{said}");
}

#[tokio::test]
async fn terminal_shows_the_state_in_place_until_ctrl_c() {
    let server = serving();
    let mut terminal = Terminal::start(&["phones", "--watch", &data(&server)]);
    let at = terminal.until(0, "\u{1b}[2J\u{1b}[H").await;
    let at = terminal.until(at, "0 phones").await;
    server.phone(MAC, LINE).start().await;
    let at = terminal.until(at, "\u{1b}[HPHONE").await;
    terminal.until(at, "1 phone, 1 connected").await;
    terminal.signal(Signal::INT);
    assert_eq!(terminal.end(), Some(0), "{}", terminal.shown());
}

#[tokio::test]
async fn watch_ends_with_its_reader_and_with_its_server() {
    let server = serving();
    let mut unread = Watching::start(&server, "phones");
    let mut watching = Watching::start(&server, "phones");
    unread.until(&["0 phones"]).await;
    watching.until(&["0 phones"]).await;
    // The thread that reads ends with the next line, and closes the pipe.
    unread.lines = unbounded_channel().1;
    let phone = server.phone(MAC, LINE);
    while unread.child.try_wait().unwrap().is_none() {
        phone.reboot();
        phone.start().await;
        tokio::time::sleep(std::time::Duration::from_millis(600)).await;
    }
    assert_eq!(unread.end(), (Some(0), String::new()));
    drop(server.stop());
    let (code, said) = watching.end();
    assert!(
        code == Some(1) && said.contains("the server stops"),
        "{said}"
    );
}

#[test]
fn watch_beside_a_change_is_wrong_usage() {
    for command in ["phones off 215", "clients end x", "licenses remove 7"] {
        let (name, rest) = command.split_once(' ').unwrap();
        let mut arguments = vec![name, "--watch"];
        arguments.extend(rest.split(' '));
        let output = run(&arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("--watch shows"), "{said}");
    }
}
