//! The interactive console on a terminal: prompt, completion, history, and events beside the typed text.

use std::process::Command;

use crate::support::{
    process::{PASSWORDS, Serving, on_free_ports, program},
    programs,
    terminal::Terminal,
};

#[tokio::test]
async fn console_completes_and_remembers_and_events_leave_the_typed_line_whole() {
    let server = Serving::start(tempfile::tempdir().unwrap(), PASSWORDS);
    let phone = server.phone("000413000001", "sip:101@pbx.example");
    phone.start().await;
    server.until_listed("sip:101@").await;
    let data = server.data().to_str().unwrap().to_owned();
    let mut terminal = Terminal::start(&["client", "--data", &data]);
    let at = terminal.until(0, "uacsta> ").await;
    // Completion of a command and of a line.
    terminal.press("wa\t10\t");
    let at = terminal.until(at, "watch 101 ").await;
    terminal.press("\r");
    let at = terminal.until(at, "watching 101").await;
    let at = terminal.until(at, "uacsta> ").await;
    // An event comes while somebody types.
    terminal.press("lin");
    let at = terminal.until(at, "lin").await;
    phone.unregister().await.expect(200);
    let at = terminal.until(at, "is out of service\r\nuacsta> lin").await;
    terminal.press("es\r");
    let at = terminal.until(at, "phone is away or disabled").await;
    let at = terminal.until(at, "uacsta> ").await;
    // Help, then history.
    terminal.press("?\r");
    let at = terminal.until(at, "Send digits into the call").await;
    terminal.press("lines\r");
    let at = terminal.until(at, "phone is away or disabled").await;
    let at = terminal.until(at, "uacsta> ").await;
    terminal.press("\u{1b}[A");
    let at = terminal.until(at, "lines").await;
    terminal.press("\u{3}");
    terminal.until(at, "uacsta> ").await;
    terminal.press("quit\r");
    assert_eq!(terminal.end(), Some(0));
}

#[tokio::test]
async fn console_ends_with_its_session_and_restores_the_terminal() {
    let server = Serving::start(tempfile::tempdir().unwrap(), PASSWORDS);
    let data = server.data().to_str().unwrap().to_owned();
    let mut terminal = Terminal::start(&["client", "--data", &data]);
    let mode = || {
        rustix::termios::tcgetattr(terminal.keys())
            .unwrap()
            .local_modes
    };
    let canonical = rustix::termios::LocalModes::ICANON;
    let at = terminal.until(0, "uacsta> ").await;
    assert!(!mode().contains(canonical));
    let folder = server.kill();
    terminal
        .until(at, "the session with the server is over")
        .await;
    assert!(mode().contains(canonical));
    assert_eq!(terminal.end(), Some(1));
    drop(folder);
}

#[tokio::test]
async fn first_start_on_a_terminal_says_where_the_passwords_are() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut command = program();
    on_free_ports(&mut command);
    command.args(["serve", "--data"]).arg(&data);
    let mut terminal = Terminal::run(command);
    let at = terminal.until(0, "generated passwords").await;
    let file = data.join("secrets.toml").display().to_string();
    let at = terminal.until(at, &file).await;
    let at = terminal.until(at, "server started").await;
    terminal.signal(rustix::process::Signal::INT);
    terminal.until(at, "server stopping").await;
    assert_eq!(terminal.end(), Some(0));
}

#[tokio::test]
async fn password_to_hash_is_asked_twice_without_echo() {
    for (again, says, code) in [("open sesame", "{HA1}", 0), ("Open Sesam", "differ", 2)] {
        // The password is read from the controlling terminal.
        let Some(setsid) = programs::find("setsid", "util-linux") else {
            return;
        };
        let hash = ["settings", "hash", "ecsta"];
        let mut command = Command::new(setsid);
        command.args(["--ctty", env!("CARGO_BIN_EXE_uacsta")]);
        command.args(hash);
        let mut terminal = Terminal::run(command);
        let at = terminal.until(0, "Password: ").await;
        terminal.until_hidden().await;
        terminal.press("open sesame\n");
        let at = terminal.until(at, "Again: ").await;
        terminal.until_hidden().await;
        terminal.press(&format!("{again}\n"));
        terminal.until(at, says).await;
        assert_eq!(terminal.end(), Some(code));
        let shown = terminal.shown();
        assert!(!shown.to_lowercase().contains("sesam"), "{shown}");
    }
}
