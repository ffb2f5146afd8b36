//! What happened so far, read while the workspace is: before the lock is taken, so it counts only if nothing has changed.

use crate::{
    ledger::{self, Ledger, LedgerError, Lock},
    receipt::History,
    terms::Moment,
    workspace::Published,
};
use std::path::Path;

/// What happened so far, as it was read.
pub struct Past {
    /// `None` where there is no ledger.
    opened: Option<Opened>,
    history: History,
}

struct Opened {
    ledger: Ledger,
    /// Of its file.
    inode: Option<(u64, u64)>,
    /// What was read.
    version: i64,
}

impl Past {
    /// Opens the ledger, if there is one, and reads all of it; and says what is out already.
    pub fn read(work: &Path) -> Result<(Past, Published), LedgerError> {
        let inode = Ledger::inode(work)?;
        if inode.is_none() {
            return Ok((
                Past {
                    opened: None,
                    history: History::default(),
                },
                Published::default(),
            ));
        }
        let ledger = Ledger::open(work)?;
        let version = ledger.version()?;
        let history = ledger.history()?;
        let published = Published::of(&history);
        Ok((
            Past {
                history,
                opened: Some(Opened {
                    ledger,
                    inode,
                    version,
                }),
            },
            published,
        ))
    }

    /// Takes the lock; and gives the ledger, and what it says now. What was read counts only if the same file stands there,
    /// and nobody has written to it.
    pub fn locked(self, work: &Path, now: &Moment) -> Result<(Lock, Ledger, History), LedgerError> {
        // Where there is no ledger, no lock is left either.
        if Ledger::inode(work)?.is_none() {
            drop(Ledger::open(work)?);
        }
        let lock = ledger::lock(work, now)?;
        match self.opened {
            Some(read)
                if read.inode == Ledger::inode(work)?
                    && read.version == read.ledger.version()? =>
            {
                Ok((lock, read.ledger, self.history))
            }
            _ => {
                let ledger = Ledger::open(work)?;
                let history = ledger.history()?;
                Ok((lock, ledger, history))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artefact::Digest;
    use std::fs;

    #[test]
    fn what_was_read_counts_as_long_as_nobody_writes_and_the_file_is_the_same() {
        let dir = tempfile::tempdir().expect("a folder");
        let now: Moment = "2026-07-01".parse().expect("a moment");
        let work = dir.path().join(".advise");
        let freeze = |ledger: &mut Ledger, id: &str| {
            let id = id.parse().expect("an id");
            ledger
                .freeze(&id, "1", Digest::of(b"x"), &[], &now)
                .expect("frozen");
        };
        let published = |past: Past| {
            past.locked(&work, &now)
                .map(|(_, _, history)| history.frozen.len())
        };

        // No ledger, and no lock is left.
        let read = || Past::read(&work).expect("a past");
        let (past, _) = read();
        assert!(matches!(published(past), Err(LedgerError::Missing { .. })));
        assert!(!work.exists());

        let mut ledger = Ledger::create(&work).expect("a ledger");
        freeze(&mut ledger, "EX-1");
        let (past, out) = read();
        assert_eq!(out.revisions.len(), 1);
        assert_eq!(published(past).expect("as it was read"), 1);

        // Another run has published in the meantime.
        let (past, _) = read();
        freeze(&mut ledger, "EX-2");
        assert_eq!(published(past).expect("read anew"), 2);

        // Another ledger has come in its place; what is done now is written there.
        let (past, _) = read();
        drop(ledger);
        fs::rename(&work, dir.path().join("old")).expect("moved away");
        let mut other = Ledger::create(&work).expect("a ledger");
        for id in ["EX-1", "EX-2", "EX-3"] {
            freeze(&mut other, id);
        }
        let (lock, mut ledger, history) = past.locked(&work, &now).expect("the other one");
        assert_eq!(history.frozen.len(), 3);
        freeze(&mut ledger, "EX-4");
        drop(lock);
        assert_eq!(other.history().expect("a history").frozen.len(), 4);
    }
}
