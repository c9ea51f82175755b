//! `uacsta man`: the manual page, of the program or of one of its commands.

use clap::{Args, CommandFactory};
use clap_mangen::Man as Page;
use uacsta_connect::{CommandError, print};

use super::{Cli, unused_options};

/// The arguments of `man`.
#[derive(Args, Debug)]
#[command(args = unused_options(&["data"]), after_help = "Examples:
  uacsta man | man -l -
  uacsta man phones > uacsta-phones.1")]
pub(super) struct Man {
    /// The command whose page is wanted; without it, the program's
    #[arg(value_name = "COMMAND")]
    command: Option<String>,
}

impl Man {
    pub(super) fn run(self) -> Result<(), CommandError> {
        let mut program = Cli::command();
        program.build();
        let command = match self.command.as_deref() {
            None => program,
            Some(name) => program.find_subcommand(name).cloned().ok_or_else(|| {
                CommandError::Usage(format!(
                    "there is no command {name:?}; uacsta --help lists them"
                ))
            })?,
        };
        let mut page = Vec::new();
        Page::new(command)
            .source(concat!("uacsta ", env!("CARGO_PKG_VERSION")))
            .manual("Commands of uacsta")
            .render(&mut page)
            .map_err(|error| {
                CommandError::Failed(format!("the manual page cannot be written: {error}"))
            })?;
        print(with_headings(&String::from_utf8_lossy(&page)).as_bytes())
    }
}

/// The page with the headings of man-pages(7) in place of clap's EXTRA.
fn with_headings(page: &str) -> String {
    let page = page.replacen(".SH EXTRA\nExample", "Example", 1);
    let page = page.replacen(".SH EXTRA\n", ".SH NOTES\n", 1);
    let lines = page.lines().map(|line| match line {
        "Example:" | "Examples:" => ".SH EXAMPLES",
        line => line,
    });
    lines.map(|line| format!("{line}\n")).collect()
}
