//! `uacsta client`: a CTI console, for a person line by line or for a script one command at a time.

use std::{
    io::{self, BufRead},
    thread,
    time::Duration,
};

use clap::{Args, Parser, error::ErrorKind};
use tokio::sync::mpsc;
use uacsta_connect::{CommandError, ConnectArgs, stop_signal};

use crate::{
    Console, ConsoleError,
    orders::{Order, OrderError},
    paper::Paper,
};

/// The arguments of `client`.
#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:
  uacsta client                                line by line; help lists what there is
  uacsta client lines --json
  uacsta client dial 215 216
  uacsta client watch 215 216 --json --for 30s
  UACSTA_CLIENTS_PASSWORD=... uacsta client --server pbx.example:5071 --tls --ca ca.pem lines")]
pub struct Client {
    #[command(flatten)]
    connect: ConnectArgs,
    /// User name
    #[arg(long, default_value = "ecsta")]
    user: String,
    /// Print JSON, one value a line
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    order: Option<Order>,
}

/// A line that was typed.
#[derive(Debug, Parser)]
#[command(
    no_binary_name = true,
    disable_help_flag = true,
    help_template = "{subcommands}\n  quit      Leave"
)]
struct Typed {
    #[command(subcommand)]
    order: Order,
}

/// The ports of clients' interfaces where nobody says otherwise.
const PORTS: (u16, u16) = (5070, 5071);

impl Client {
    /// Runs it.
    ///
    /// # Errors
    /// What went wrong, with the exit code that belongs to it.
    pub fn run(self) -> Result<(), CommandError> {
        let server = self.connect.server(PORTS.0, PORTS.1)?;
        let password = self
            .connect
            .password("UACSTA_CLIENTS_PASSWORD", |settings| {
                &settings.clients.password
            })?;
        actix_rt::System::new().block_on(async {
            let mut console = Console::connect(&server, &self.user, &password).await?;
            let mut out = io::stdout();
            let mut paper = Paper {
                out: &mut out,
                json: self.json,
            };
            let done = match &self.order {
                Some(order) => single(order, &mut console, &mut paper).await,
                None => interactive(&mut console, &mut paper, &server.address()).await,
            };
            match done {
                // A reader that has seen enough (`| head`) is no failure.
                Err(OrderError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
                    Ok(())
                }
                done => Ok(done?),
            }
        })
    }
}

/// Carries out one order; one that watches goes on until its time is over, or Ctrl-C.
async fn single(
    order: &Order,
    console: &mut Console,
    paper: &mut Paper<'_>,
) -> Result<(), OrderError> {
    order.run(console, paper).await?;
    let Order::Watch { time, .. } = order else {
        return Ok(());
    };
    let end = tokio::time::sleep(time.unwrap_or(Duration::MAX));
    let stop = stop_signal();
    tokio::pin!(end, stop);
    loop {
        tokio::select! {
            heard = console.next() => paper.heard(&heard?)?,
            () = &mut end => return Ok(()),
            () = &mut stop => return Ok(()),
        }
    }
}

async fn interactive(
    console: &mut Console,
    paper: &mut Paper<'_>,
    server: &str,
) -> Result<(), OrderError> {
    if !paper.json {
        writeln!(
            paper.out,
            "Connected to {server}. help lists what there is; quit leaves."
        )?;
    }
    let mut typed = lines();
    let stop = stop_signal();
    tokio::pin!(stop);
    loop {
        tokio::select! {
            heard = console.next() => paper.heard(&heard?)?,
            () = &mut stop => return Ok(()),
            line = typed.recv() => {
                let Some(line) = line else { return Ok(()) };
                if !obey(&line, console, paper).await? {
                    return Ok(());
                }
            }
        }
    }
}

/// Does what a line says; `false` where it says to leave. What fails is said, and the console goes on.
async fn obey(
    line: &str,
    console: &mut Console,
    paper: &mut Paper<'_>,
) -> Result<bool, OrderError> {
    let words: Vec<&str> = line.split_whitespace().collect();
    match words[..] {
        [] => return Ok(true),
        ["quit" | "exit" | "q"] => return Ok(false),
        _ => {}
    }
    let said = match Typed::try_parse_from(words) {
        Err(error) => explained(&error),
        Ok(typed) => match typed.order.run(console, paper).await {
            Ok(()) => return Ok(true),
            Err(error @ (OrderError::Output(_) | OrderError::Console(ConsoleError::Over(_)))) => {
                return Err(error);
            }
            Err(error) => error.to_string(),
        },
    };
    paper.print(
        said.trim_end(),
        || serde_json::json!({ "error": said.trim_end() }),
    )?;
    Ok(true)
}

/// Help as it is; of what is wrong the first sentence, for the rest speaks of a command line.
fn explained(error: &clap::Error) -> String {
    let text = error.to_string();
    if error.use_stderr() && error.kind() != ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        let first = text.split("\n\nUsage").next().unwrap_or(&text);
        let first = first.strip_prefix("error: ").unwrap_or(first);
        return format!("{} (help lists what there is)", first.trim_end());
    }
    text
}

/// The lines of standard input, read by a thread: waiting for a person must not keep events from being printed.
fn lines() -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel(1);
    thread::spawn(move || {
        for line in io::stdin().lock().lines().map_while(Result::ok) {
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

impl From<ConsoleError> for CommandError {
    fn from(error: ConsoleError) -> Self {
        match error {
            ConsoleError::Dial(error) => error.into(),
            error => Self::Failed(error.to_string()),
        }
    }
}

impl From<OrderError> for CommandError {
    fn from(error: OrderError) -> Self {
        match error {
            OrderError::Console(error) => error.into(),
            OrderError::WhereTo => Self::Usage(error.to_string()),
            OrderError::Output(_) => Self::Failed(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_understood_or_explained() {
        fn check(line: &str, expected: Result<&str, &str>) {
            let typed = Typed::try_parse_from(line.split_whitespace());
            match (typed, expected) {
                (Ok(typed), Ok(order)) => assert_eq!(format!("{:?}", typed.order), order),
                (Err(error), Err(says)) => {
                    let said = error.to_string();
                    assert!(said.contains(says), "{line}: {said}");
                }
                (typed, _) => panic!("{line}: {typed:?}"),
            }
        }
        check("lines", Ok("Lines"));
        check("answer 215", Ok(r#"Answer { line: "215" }"#));
        check("dnd 215 on", Ok(r#"Dnd { line: "215", switch: Some(On) }"#));
        check("dial 215", Err("NUMBER"));
        check("dnd 215 maybe", Err("possible values: on, off"));
        check("dance", Err("unrecognized subcommand"));
        check("help", Err("answer"));
        check("watch", Err("LINES"));
        check("watch 215 --for soon", Err("soon"));
    }
}
