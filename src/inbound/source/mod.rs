//! Where mail comes from: a [`maildir`], a pipe ([`stdin`]), a mailbox on a server ([`imap`]).
//!
//! A source gives bytes, never more than a mail may have, and is told what became of each; until then it keeps it.

pub mod imap;
pub mod maildir;
pub mod stdin;

use super::{Unreadable, mime::MAX_BYTES};
use std::{
    io::{self, Read},
    path::PathBuf,
};

/// Why a source gives nothing.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "each variant's message says it")]
pub enum SourceError {
    #[error("`{}` is no Maildir: it has no folder `{missing}`", path.display())]
    NoMaildir {
        path: PathBuf,
        missing: &'static str,
    },
    #[error("cannot use `{}`: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("cannot read the mail on standard input: {0}")]
    Stdin(io::Error),
    #[error("`{}` holds no certificates of an authority", .0.display())]
    Authority(PathBuf),
    #[error("cannot reach the mailbox at `{host}`: {why}")]
    Unreachable { host: String, why: String },
    #[error("the mail server `{host}` refused {what}: {why}")]
    Refused {
        host: String,
        what: &'static str,
        why: String,
    },
}

/// Reads a mail, and stops where it is larger than one may be.
fn bytes(reader: impl Read) -> io::Result<Result<Vec<u8>, Unreadable>> {
    let mut bytes = Vec::new();
    reader.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(if bytes.len() > MAX_BYTES {
        Err(Unreadable::TooLarge)
    } else {
        Ok(bytes)
    })
}
