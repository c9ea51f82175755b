//! The input of the interactive console: a line editor on a terminal, plain lines from a pipe.

use std::{
    io::{self, BufRead as _, IsTerminal as _, Write},
    sync::{Arc, Mutex, PoisonError, mpsc as std_mpsc},
    thread,
};

use rustyline::{
    Context, Editor, ExternalPrinter, Helper, completion::Completer, error::ReadlineError,
    highlight::Highlighter, hint::Hinter, history::MemHistory, validate::Validator,
};
use tokio::sync::mpsc;

/// Reads the lines that the user types.
pub(super) struct Prompt {
    typed: mpsc::Receiver<String>,
    /// Has the editor ask for the next line; `None` for a pipe.
    ask: Option<std_mpsc::Sender<()>>,
    /// Whether the prompt is shown.
    is_asking: bool,
    words: Words,
    _terminal: Option<TerminalMode>,
}

/// What completion offers.
#[derive(Clone, Default)]
pub(super) struct Words(Arc<Mutex<Offers>>);

#[derive(Default)]
struct Offers {
    /// Each command with the words that may follow its line.
    commands: Vec<(String, Vec<String>)>,
    lines: Vec<String>,
}

const PROMPT: &str = "uacsta> ";

impl Prompt {
    /// Starts to read standard input. Returns where to print meanwhile, so that the typed text stays whole.
    ///
    /// # Errors
    /// The terminal cannot be used.
    pub(super) fn start(
        commands: Vec<(String, Vec<String>)>,
    ) -> io::Result<(Self, Box<dyn Write>)> {
        let words = Words::default();
        words.change(|offers| offers.commands = commands);
        let (sender, typed) = mpsc::channel(1);
        if !(io::stdin().is_terminal() && io::stdout().is_terminal()) {
            thread::spawn(move || {
                for line in io::stdin().lock().lines().map_while(Result::ok) {
                    if sender.blocking_send(line).is_err() {
                        return;
                    }
                }
            });
            let prompt = Self {
                typed,
                ask: None,
                is_asking: false,
                words,
                _terminal: None,
            };
            return Ok((prompt, Box::new(io::stdout())));
        }
        let terminal = TerminalMode::save();
        let mut editor = Editor::with_history(rustyline::Config::default(), MemHistory::new())
            .map_err(io::Error::other)?;
        editor.set_helper(Some(words.clone()));
        let printer = editor.create_external_printer().map_err(io::Error::other)?;
        let (ask, asked) = std_mpsc::channel();
        thread::spawn(move || edit(&mut editor, &asked, &sender));
        let prompt = Self {
            typed,
            ask: Some(ask),
            is_asking: false,
            words,
            _terminal: terminal,
        };
        let printer = LinePrinter {
            printer,
            unprinted: Vec::new(),
        };
        Ok((prompt, Box::new(printer)))
    }

    /// Whether a person types.
    pub(super) fn is_terminal(&self) -> bool {
        self.ask.is_some()
    }

    /// Asks for a line; [`Self::line`] returns it.
    pub(super) fn ask(&mut self) {
        if let Some(ask) = &self.ask {
            // If the editor has ended, `line` returns `None`.
            self.is_asking = ask.send(()).is_ok();
        }
    }

    /// The next line; `None` at the end of the input. Cancel safe.
    pub(super) async fn line(&mut self) -> Option<String> {
        let line = self.typed.recv().await;
        self.is_asking = false;
        line
    }

    /// The lines that completion offers.
    pub(super) fn offer_lines(&self, lines: Vec<String>) {
        self.words.change(|offers| offers.lines = lines);
    }
}

impl Drop for Prompt {
    fn drop(&mut self) {
        if self.is_asking {
            // What is printed last begins on a line of its own.
            let _ = io::stdout().write_all(b"\r\n");
        }
    }
}

/// Edits a line each time one is asked for, until the input ends.
fn edit(
    editor: &mut Editor<Words, MemHistory>,
    asked: &std_mpsc::Receiver<()>,
    typed: &mpsc::Sender<String>,
) {
    while asked.recv().is_ok() {
        let line = match editor.readline(PROMPT) {
            Ok(line) => line,
            // Ctrl-C discards the line.
            Err(ReadlineError::Interrupted) => String::new(),
            Err(_) => return,
        };
        if !line.trim().is_empty() {
            // A line that is not kept can still be carried out.
            let _ = editor.add_history_entry(line.as_str());
        }
        if typed.blocking_send(line).is_err() {
            return;
        }
    }
}

impl Words {
    fn change(&self, change: impl FnOnce(&mut Offers)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Offers {
    /// The words that may stand after these.
    fn after(&self, before: &[&str]) -> Vec<String> {
        match before {
            [] => {
                let commands = self.commands.iter().map(|(name, _)| name.clone());
                commands.chain(["quit".to_owned()]).collect()
            }
            ["help"] => self.commands.iter().map(|(name, _)| name.clone()).collect(),
            [command, rest @ ..] => {
                let command = self.commands.iter().find(|(name, _)| name == command);
                let Some((name, choices)) = command else {
                    return Vec::new();
                };
                match rest.len() {
                    0 => self.lines.clone(),
                    1 if !choices.is_empty() => choices.clone(),
                    _ if name == "lines" => Vec::new(),
                    _ => self.lines.clone(),
                }
            }
        }
    }
}

impl Completer for Words {
    type Candidate = String;

    fn complete(
        &self,
        line: &str,
        at: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        let line = line.get(..at).unwrap_or(line);
        let start = line.rfind(' ').map_or(0, |space| space + 1);
        let (before, begun) = line.split_at(start);
        let before: Vec<&str> = before.split_whitespace().collect();
        let offers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut words = offers.after(&before);
        words.retain(|word| word.starts_with(begun));
        words.iter_mut().for_each(|word| word.push(' '));
        Ok((start, words))
    }
}

impl Helper for Words {}
impl Highlighter for Words {}
impl Validator for Words {}
impl Hinter for Words {
    type Hint = String;
}

/// Prints whole lines above the prompt.
struct LinePrinter<P> {
    printer: P,
    unprinted: Vec<u8>,
}

impl<P: ExternalPrinter> Write for LinePrinter<P> {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.unprinted.extend_from_slice(text);
        if let Some(end) = self.unprinted.iter().rposition(|octet| *octet == b'\n') {
            let lines: Vec<u8> = self.unprinted.drain(..=end).collect();
            let lines = String::from_utf8_lossy(&lines).into_owned();
            self.printer.print(lines).map_err(io::Error::other)?;
        }
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The terminal's mode before the editor changed it; restored when it is dropped, also while the editor reads.
struct TerminalMode {
    #[cfg(unix)]
    mode: rustix::termios::Termios,
}

impl TerminalMode {
    #[cfg(unix)]
    fn save() -> Option<Self> {
        let mode = rustix::termios::tcgetattr(io::stdin()).ok()?;
        Some(Self { mode })
    }

    #[cfg(not(unix))]
    fn save() -> Option<Self> {
        None
    }
}

#[cfg(unix)]
impl Drop for TerminalMode {
    fn drop(&mut self) {
        use rustix::termios::{OptionalActions, tcsetattr};
        // A terminal that has gone needs no mode.
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.mode);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn completion_offers_commands_lines_and_choices() {
        let offers = Offers {
            commands: vec![
                ("dial".to_owned(), Vec::new()),
                ("dnd".to_owned(), vec!["on".to_owned(), "off".to_owned()]),
                ("lines".to_owned(), Vec::new()),
            ],
            lines: vec!["215".to_owned(), "216".to_owned()],
        };
        for (before, expected) in [
            (&[][..], &["dial", "dnd", "lines", "quit"][..]),
            (&["help"], &["dial", "dnd", "lines"]),
            (&["dial"], &["215", "216"]),
            (&["dial", "215"], &["215", "216"]),
            (&["dnd", "215"], &["on", "off"]),
            (&["dance"], &[]),
        ] {
            assert_eq!(offers.after(before), expected, "{before:?}");
        }
    }
}
