//! The errors of console commands.

use std::io;

use crate::ConsoleError;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunError {
    /// The console's request failed.
    #[error(transparent)]
    Console(#[from] ConsoleError),
    /// The call did not reach the number.
    #[error("cannot reach {number}: {why}{}", if *is_cleared { "; the call is cleared" } else { "" })]
    Unreachable {
        /// The number.
        number: String,
        /// What became of the call.
        why: String,
        /// Whether what was left of the call has been cleared.
        is_cleared: bool,
    },
    /// A signal ended the command.
    #[error("interrupted")]
    Interrupted,
    /// The destination is missing.
    #[error("no destination: add a number, or off")]
    WhereTo,
    /// A destination follows `off`.
    #[error("off takes no destination; forward LINE all NUMBER forwards all calls")]
    OffTo,
    /// The output cannot be written.
    #[error("cannot write the output: {0}")]
    Output(#[from] io::Error),
}
