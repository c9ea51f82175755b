//! Why a command failed, with its exit code, and how a command prints.

use std::{
    error::Error,
    io::{self, Write},
    process::ExitCode,
};

use uacsta_schema::escape_controls;

use crate::ConnectError;

/// Why a command failed; its display is one sentence.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The arguments or the configuration are wrong: exit code 2.
    #[error("{0}")]
    Usage(String),
    /// The command was understood and could not be carried out: exit code 1.
    #[error("{0}")]
    Failed(String),
    /// A signal ended the command: exit code 130, as of a shell's command that SIGINT ends.
    #[error("{0}")]
    Interrupted(String),
}

impl CommandError {
    /// 2 for wrong usage or configuration, else 1.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Usage(_) => ExitCode::from(2),
            Self::Failed(_) => ExitCode::FAILURE,
            Self::Interrupted(_) => ExitCode::from(130),
        }
    }

    /// The same error with more in its sentence.
    #[must_use]
    pub fn and(self, more: &str) -> Self {
        match self {
            Self::Usage(text) => Self::Usage(text + more),
            Self::Failed(text) => Self::Failed(text + more),
            Self::Interrupted(text) => Self::Interrupted(text + more),
        }
    }

    /// The same about a file that an argument names: that is wrong usage.
    #[must_use]
    pub fn of_argument(self) -> Self {
        match self {
            Self::Failed(text) | Self::Usage(text) | Self::Interrupted(text) => Self::Usage(text),
        }
    }

    /// A wrong configuration: several mistakes are a list.
    pub fn of_mistakes(mistakes: &[String]) -> Self {
        Self::Usage(match mistakes {
            [only] => only.clone(),
            all => format!(
                "{} mistakes in the configuration:\n  {}",
                all.len(),
                all.join("\n  ")
            ),
        })
    }
}

impl From<uacsta_config::SettingsError> for CommandError {
    fn from(error: uacsta_config::SettingsError) -> Self {
        Self::of_mistakes(&error.all().collect::<Vec<_>>())
    }
}

impl From<ConnectError> for CommandError {
    fn from(error: ConnectError) -> Self {
        match error {
            ConnectError::Address(_) | ConnectError::Certificates { .. } => {
                Self::Usage(error.to_string())
            }
            ConnectError::Unreachable { .. } => Self::Failed(error.to_string()),
        }
    }
}

/// An error and its causes in one sentence. A cause that the text already contains is not repeated.
pub fn sentence(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let reason = error.to_string();
        if !text.contains(&reason) {
            text = format!("{text}: {reason}");
        }
        cause = error.source();
    }
    text
}

/// Writes to standard output; escapes controls, which peers may send, except tabs and line feeds. A closed pipe (`| head`) is not an error.
///
/// # Errors
/// Standard output cannot be written.
pub fn print(text: &[u8]) -> Result<(), CommandError> {
    let text = String::from_utf8_lossy(text);
    let text = escape_controls(&text, &['\n', '\t']);
    let mut output = io::stdout().lock();
    match output
        .write_all(text.as_bytes())
        .and_then(|()| output.flush())
    {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(CommandError::Failed(format!("standard output: {error}")))
        }
        _ => Ok(()),
    }
}
