//! `uacsta completions`: what a shell needs to complete our command line.

use clap::{Args, CommandFactory};
use clap_complete::Shell;
use uacsta_connect::{CommandError, print};

use super::{Cli, unused_options};

/// The arguments of `completions`.
#[derive(Args, Debug)]
#[command(args = unused_options(&["data"]), after_help = "Example:
  uacsta completions bash > /etc/bash_completion.d/uacsta")]
pub(super) struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    pub(super) fn run(self) -> Result<(), CommandError> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "uacsta", &mut script);
        print(&script)
    }
}
