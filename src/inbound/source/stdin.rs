//! One mail on standard input, from a mail server's pipe, alias or `.forward`.

use super::{SourceError, bytes};
use crate::inbound::Unreadable;
use std::io::Read;

/// Reads the mail to its end, or to where it is too large.
pub fn read(input: impl Read) -> Result<Result<Vec<u8>, Unreadable>, SourceError> {
    bytes(input).map_err(SourceError::Stdin)
}

/// How a program tells the mail server that called it what became of a mail (sysexits.h; Postfix's pipe(8) and local(8)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// It is taken, durably. Anything else than 0 and 75 makes Postfix return the mail to its sender.
    Taken,
    /// EX_DATAERR: it cannot be taken, ever, so its sender is told.
    Refused,
    /// EX_TEMPFAIL: it cannot be taken now. The server keeps it and tries again.
    Later,
}

impl Exit {
    /// The code.
    pub fn code(self) -> u8 {
        match self {
            Exit::Taken => 0,
            Exit::Refused => 65,
            Exit::Later => 75,
        }
    }
}
