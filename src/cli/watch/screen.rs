//! Shows states one after the other: on a terminal in the same place, else in lines.

use std::{
    io::{self, IsTerminal as _},
    ops::ControlFlow,
};

use uacsta_connect::CommandError;
use uacsta_schema::escape_controls;

use crate::cli::output::write;

/// What was shown last.
#[derive(Default)]
pub(super) struct Shown(String);

impl Shown {
    /// Shows a text that differs from the last one: on a terminal in its place, else after it.
    pub(super) fn show(&mut self, text: &str, json: bool) -> Result<ControlFlow<()>, CommandError> {
        if self.0 == text {
            return Ok(ControlFlow::Continue(()));
        }
        let is_first = self.0.is_empty();
        self.0 = text.to_owned();
        let text = escape_controls(text, &['\n', '\t']);
        let text = match terminal_size().filter(|_| !json) {
            Some(size) => frame(&text, size, is_first),
            // An empty line separates the states of a text.
            None if !json && !is_first => format!("\n{text}"),
            None => text.into_owned(),
        };
        write(text.as_bytes())
    }
}

/// Rows and columns of the terminal, if standard output is one.
fn terminal_size() -> Option<(usize, usize)> {
    if !io::stdout().is_terminal() {
        return None;
    }
    #[cfg(unix)]
    if let Ok(size) = rustix::termios::tcgetwinsize(io::stdout())
        && size.ws_row > 0
    {
        return Some((size.ws_row.into(), size.ws_col.into()));
    }
    Some((24, 80))
}

/// A text in place of the last one. Of what does not fit the first lines and the last one are shown, which has the counts.
fn frame(text: &str, (rows, columns): (usize, usize), is_first: bool) -> String {
    let lines: Vec<&str> = text.lines().collect();
    // The cursor stands in the last row.
    let room = rows.saturating_sub(1).max(3);
    let mut shown: Vec<String> = match lines.len() > room {
        false => lines.iter().map(|line| (*line).to_owned()).collect(),
        true => {
            let first = lines.iter().take(room - 2);
            let mut shown: Vec<_> = first.map(|line| (*line).to_owned()).collect();
            shown.push(format!("... {} more lines", lines.len() + 1 - room));
            shown.extend(lines.last().map(|line| (*line).to_owned()));
            shown
        }
    };
    for line in &mut shown {
        *line = line.chars().take(columns.max(1)).collect();
    }
    // Clear the screen once; then overwrite, so that nothing flickers.
    let begin = if is_first { "\x1b[2J\x1b[H" } else { "\x1b[H" };
    let lines = shown.iter().map(|line| format!("{line}\x1b[K\r\n"));
    format!("{begin}{}\x1b[J", lines.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_does_not_fit_keeps_its_head_and_its_last_line() {
        let text = "head\n1\n2\n3\n4\nlast\n";
        let lines = |size| {
            let frame = frame(text, size, false);
            let text = frame.replace("\x1b[K", "").replace("\r\n", "|");
            text.replace("\x1b[H", "").replace("\x1b[J", "")
        };
        assert_eq!(lines((7, 80)), "head|1|2|3|4|last|");
        assert_eq!(lines((6, 80)), "head|1|2|... 2 more lines|last|");
        assert_eq!(lines((7, 2)), "he|1|2|3|4|la|");
    }
}
