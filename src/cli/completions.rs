//! `uacsta completions`: what a shell needs to complete our command line, with what the running server knows.

use clap::{Args, ValueEnum as _};
use clap_complete::{Shell, env::Shells};
use uacsta_connect::{CommandError, print};

use super::unused_options;

/// The arguments of `completions`.
#[derive(Args, Debug)]
#[command(args = unused_options(&["data"]), after_help = "The shell then asks uacsta, which offers phones, lines, clients, operators and settings of the
running server too. Print the script again after an update of uacsta.

Examples:
  uacsta completions bash > /etc/bash_completion.d/uacsta
  uacsta completions zsh > ~/.zfunc/_uacsta
  uacsta completions fish > ~/.config/fish/completions/uacsta.fish")]
pub(super) struct Completions {
    /// The shell
    shell: Shell,
}

/// The variable by which the shell asks the program for completions.
pub(super) const VARIABLE: &str = "COMPLETE";

impl Completions {
    pub(super) fn run(self) -> Result<(), CommandError> {
        let shell = self.shell.to_possible_value();
        let shell = shell.as_ref().map_or("", |shell| shell.get_name());
        let mut script = Vec::new();
        let shells = Shells::builtins();
        let written = shells.completer(shell).map(|shell| {
            shell.write_registration(VARIABLE, "uacsta", "uacsta", "uacsta", &mut script)
        });
        match written {
            Some(Ok(())) => print(&script),
            _ => Err(CommandError::Failed(format!("{shell} has no completions"))),
        }
    }
}
