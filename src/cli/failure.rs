//! Why a command did not do what it was asked, with the exit code and the next commands to try. All errors of the program
//! become a `Failure` here.

use crate::{inbound::source::stdin::Exit, ledger::LedgerError, publish, workspace::ReadError};
use std::{io, path::Path};

/// What sort of failure it is; decides the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The writers' mistakes stand in the way.
    Findings,
    /// Usage, settings, or the world; nothing was sent.
    Stopped,
    /// Something was done, something was not; the ledger knows.
    Partly,
    /// For the mail server that called: it shall bring its mail again.
    Later,
}

impl Kind {
    /// The exit code of DESIGN section 4.
    pub fn code(self) -> u8 {
        match self {
            Kind::Findings | Kind::Stopped => 2,
            Kind::Partly => 3,
            Kind::Later => Exit::Later.code(),
        }
    }
}

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub struct Failure {
    /// Its sort.
    pub kind: Kind,
    /// What was being done and what went wrong.
    pub error: anyhow::Error,
    /// The next commands to try.
    pub hints: Vec<String>,
}

impl Failure {
    /// A failure before anything was done.
    pub fn new(error: impl Into<anyhow::Error>) -> Failure {
        Failure {
            kind: Kind::Stopped,
            error: error.into(),
            hints: Vec::new(),
        }
    }

    /// A wrong command line or setting.
    pub fn usage(message: impl Into<String>) -> Failure {
        Failure::new(anyhow::Error::msg(message.into()))
    }

    /// The system refused a path.
    pub fn io(path: &Path, error: io::Error) -> Failure {
        Failure::usage(format!("cannot use `{}`: {error}", path.display()))
    }

    /// The same, with the next command to try.
    pub fn hint(mut self, hint: impl Into<String>) -> Failure {
        self.hints.push(hint.into());
        self
    }
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Failure {
        let hint = match &error {
            ReadError::NotAWorkspace(_) => {
                "go to the workspace's folder, or name it with `-C DIR`; `advise init DIR` makes one"
            }
            ReadError::Io { .. } => "check the permissions of the file",
        };
        Failure::new(error).hint(hint)
    }
}

impl From<LedgerError> for Failure {
    fn from(error: LedgerError) -> Failure {
        let hints: &[&str] = match &error {
            LedgerError::Missing { .. } => &[
                "fetch it from the machine that publishes, or from a backup: without it every letter would go out again",
                "if nothing was ever published from this workspace, say so: `advise publish --first-run`",
            ],
            LedgerError::NoKey { .. } | LedgerError::WrongKey { .. } => &[
                "restore the key and the ledger from the same backup: with another key no member is known, and every letter would go out again",
            ],
            _ => &[],
        };
        hints
            .iter()
            .fold(Failure::new(error), |failure, hint| failure.hint(*hint))
    }
}

/// What stands in the archive of the RFC 2350 description and cannot be taken over.
pub fn not_ours(error: publish::PublishError) -> Failure {
    Failure::new(error)
        .hint(
            "the ledger knows no version of the RFC 2350 description, and only what the team has signed is taken from `public/`",
        )
        .hint("move the file away if it is not yours")
}
