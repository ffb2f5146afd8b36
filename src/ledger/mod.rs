//! What happened, kept: one SQLite file, `.advise/ledger.sqlite`, with its key and the lock beside it.
//!
//! `schema` makes the tables, `append` writes, `bounces` notes what comes back, `history` reads, `keyed` makes names
//! that say nothing to others with the key that `key` keeps, `requests` remembers who asked what by mail, `lock` keeps two runs apart. The ledger holds digests, ids, keyed hashes and the
//! answers of servers with every address taken out; never an address, nor a title or a text, but for the archive of
//! the RFC 2350 document, which is public. SQLite has its one door here.

mod append;
mod bounces;
mod history;
mod key;
mod keyed;
mod lock;
mod requests;
mod schema;

pub use append::{Batch, RunOutcome};
pub use bounces::{Noted, Resumed};
pub use history::Run;
pub use key::KEY_FILE;
pub use keyed::Members;
pub use lock::{Lock, lock};
pub use requests::{Answered, Mark, Proven};

use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::{
    fs::{self, DirBuilder, OpenOptions, Permissions},
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

/// The file's name inside `.advise`.
pub const FILE: &str = "ledger.sqlite";

/// Why the ledger cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The disk has no room left; what was not written is not claimed to be.
    #[error("no space left on the disk of the ledger `{}`", path.display())]
    Full {
        /// The ledger's file.
        path: PathBuf,
    },
    /// The disk failed while it wrote; what was not written is not claimed to be.
    #[error("the disk of the ledger `{}` failed, or has no space left", path.display())]
    NotKept {
        /// The ledger's file.
        path: PathBuf,
        /// SQLite's reason.
        source: rusqlite::Error,
    },
    /// Not a ledger any more, or never one.
    #[error("the ledger `{}` is damaged: {why}", path.display())]
    Corrupt {
        /// The ledger's file.
        path: PathBuf,
        /// What does not fit.
        why: String,
    },
    /// There is none. Nothing must grow in its place by itself: without the past, everything would go out again.
    #[error("there is no ledger `{}`", path.display())]
    Missing {
        /// Where it would be.
        path: PathBuf,
    },
    /// The key is not where it belongs. Without it nobody can tell who has got what.
    #[error("the key of the ledger is missing: there is no `{}`", path.display())]
    NoKey {
        /// Where it would be.
        path: PathBuf,
    },
    /// The key is that of another ledger, or damaged.
    #[error("`{}` is not the key that the ledger was made with", path.display())]
    WrongKey {
        /// The key's file.
        path: PathBuf,
    },
    /// Written by a later `advise`.
    #[error("the ledger `{}` has schema {found}, this program knows {known} at most", path.display())]
    Newer {
        /// The ledger's file.
        path: PathBuf,
        /// Its schema's version.
        found: u32,
        /// The newest version that this program knows.
        known: u32,
    },
    /// A file or folder of the ledger cannot be made or opened.
    #[error("cannot use `{}`", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// Another run is at work.
    #[error("process {pid} on `{host}` is at work here since {since}")]
    Held {
        /// Of the process that holds the lock.
        pid: u32,
        /// When it took the lock, as it wrote down.
        since: String,
        /// On which machine.
        host: String,
    },
    /// The revision is frozen with other content.
    #[error("revision {revision} of `{advisory}` was published with other content")]
    Frozen {
        /// The advisory.
        advisory: String,
        /// The revision's number.
        revision: String,
    },
    /// A delivery is begun that was never intended or is already accepted, or settled without being begun.
    #[error(
        "the ledger knows no {what} delivery of `{advisory}` revision {revision} to member {member}"
    )]
    NoDelivery {
        /// Which state it would have to be in.
        what: &'static str,
        /// The advisory.
        advisory: String,
        /// The revision's number.
        revision: String,
        /// The keyed hash of the member.
        member: String,
    },
    /// Only the armored block of a signature may be kept, never what it signs.
    #[error("only the armored block of a signature is kept in the ledger")]
    NotASignature,
    /// Random bytes for the key could not be had.
    #[error("cannot make a key for the ledger")]
    Random(#[source] openssl::error::ErrorStack),
    /// Anything else that SQLite refuses.
    #[error("cannot use the ledger `{}`", path.display())]
    Sqlite {
        /// The ledger's file.
        path: PathBuf,
        /// SQLite's reason.
        source: rusqlite::Error,
    },
}

impl LedgerError {
    fn sqlite(path: &Path, source: rusqlite::Error) -> LedgerError {
        let path = path.to_path_buf();
        match source.sqlite_error_code() {
            // The file that readers and the writer share could not be made long enough.
            _ if source
                .sqlite_error()
                .is_some_and(|e| e.extended_code == rusqlite::ffi::SQLITE_IOERR_SHMSIZE) =>
            {
                LedgerError::Full { path }
            }
            Some(ErrorCode::DiskFull) => LedgerError::Full { path },
            // When it syncs, a full disk (with quotas, thin volumes or late allocation) is any error to SQLite.
            Some(ErrorCode::SystemIoFailure) => LedgerError::NotKept { path, source },
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => LedgerError::Corrupt {
                path,
                why: source.to_string(),
            },
            _ => LedgerError::Sqlite { path, source },
        }
    }

    fn io(path: &Path, source: io::Error) -> LedgerError {
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => LedgerError::Full {
                path: path.to_path_buf(),
            },
            _ => LedgerError::Io {
                path: path.to_path_buf(),
                source,
            },
        }
    }
}

/// The open ledger: one connection, one writer.
pub struct Ledger {
    connection: Connection,
    path: PathBuf,
    keyed: Members,
}

impl Ledger {
    /// Makes a ledger without a past in the folder `dir` (`.advise`), and its key and the folders if need be: the folders
    /// for their owner alone (0700), the files too (0600).
    pub fn create(dir: &Path) -> Result<Ledger, LedgerError> {
        make_private_folder(dir)?;
        let path = dir.join(FILE);
        if Ledger::exists(dir)? {
            return Err(LedgerError::io(&path, io::ErrorKind::AlreadyExists.into()));
        }
        // The key first: a ledger whose key was lost in a crash would be of no use.
        let key = Members::new(&key::read_or_make(dir)?);
        // SQLite would make the file with the process's umask, and its -wal and -shm with the file's mode.
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path);
        drop(file.map_err(|e| LedgerError::io(&path, e))?);
        Ledger::connect(path.clone(), key, true).inspect_err(|_| {
            // An empty file would be taken for a damaged ledger; what went wrong is the error itself.
            drop(fs::remove_file(&path));
        })
    }

    /// Takes away a ledger that was just made, if nothing was published since: the next run has to say once more that it
    /// is the first.
    pub fn discard_if_unused(self) -> Result<(), LedgerError> {
        if !self.history()?.is_empty() {
            return Ok(());
        }
        let Ledger {
            connection, path, ..
        } = self;
        // Takes its two other files along.
        connection
            .close()
            .map_err(|(_, e)| LedgerError::sqlite(&path, e))?;
        fs::remove_file(&path).map_err(|e| LedgerError::io(&path, e))
    }

    /// Whether there is one in this folder.
    pub fn exists(dir: &Path) -> Result<bool, LedgerError> {
        let path = dir.join(FILE);
        path.try_exists().map_err(|e| LedgerError::io(&path, e))
    }

    /// Device and inode of the file in this folder, if there is one: another one may come in its place.
    pub fn inode(dir: &Path) -> Result<Option<(u64, u64)>, LedgerError> {
        let path = dir.join(FILE);
        match fs::metadata(&path) {
            Ok(found) => Ok(Some((found.dev(), found.ino()))),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(LedgerError::io(&path, e)),
        }
    }

    /// Opens the ledger in the folder `dir` (`.advise`), which must be there: see [`LedgerError::Missing`].
    pub fn open(dir: &Path) -> Result<Ledger, LedgerError> {
        let path = dir.join(FILE);
        if !Ledger::exists(dir)? {
            return Err(LedgerError::Missing { path });
        }
        make_private_folder(dir)?;
        let mode = fs::metadata(&path)
            .map_err(|e| LedgerError::io(&path, e))?
            .permissions()
            .mode();
        if mode & 0o077 != 0 {
            fs::set_permissions(&path, Permissions::from_mode(0o600))
                .map_err(|e| LedgerError::io(&path, e))?;
        }
        Ledger::connect(path, Members::new(&key::read(dir)?), false)
    }

    /// For looking only. Where there is no ledger, it is an empty one in memory, and no file.
    pub fn open_read_only_or_empty(dir: &Path) -> Result<Ledger, LedgerError> {
        if !Ledger::exists(dir)? {
            let path = dir.join(FILE);
            let connection =
                Connection::open_in_memory().map_err(|e| LedgerError::sqlite(&path, e))?;
            return Ledger::prepare(connection, path, Members::new(&key::random()?), true);
        }
        let key = Members::new(&key::read(dir)?);
        let ledger = Ledger::connect(dir.join(FILE), key, false)?;
        ledger
            .connection
            .pragma_update(None, "query_only", true)
            .map_err(|e| LedgerError::sqlite(&ledger.path, e))?;
        Ok(ledger)
    }

    fn connect(path: PathBuf, key: Members, new: bool) -> Result<Ledger, LedgerError> {
        // No CREATE: the file is there, or it has been taken away, and then nothing must grow in its place.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection =
            Connection::open_with_flags(&path, flags).map_err(|e| LedgerError::sqlite(&path, e))?;
        Ledger::prepare(connection, path, key, new)
    }

    fn prepare(
        mut connection: Connection,
        path: PathBuf,
        key: Members,
        new: bool,
    ) -> Result<Ledger, LedgerError> {
        let setup = |connection: &Connection| {
            connection.busy_timeout(Duration::from_secs(10))?;
            // Answers with the mode it got: `wal`, or `memory`; a read-only file system keeps what it had.
            connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
            connection.pragma_update(None, "synchronous", "FULL")?;
            connection.pragma_update(None, "foreign_keys", true)?;
            connection.set_prepared_statement_cache_capacity(64);
            Ok(())
        };
        setup(&connection).map_err(|e| LedgerError::sqlite(&path, e))?;
        schema::migrate(&mut connection, &path, new, &key)?;
        Ok(Ledger {
            connection,
            path,
            keyed: key,
        })
    }
}

/// Makes a folder that only its owner can enter, or takes the others' rights to an existing one away.
fn make_private_folder(dir: &Path) -> Result<(), LedgerError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(dir);
    made.map_err(|e| LedgerError::io(dir, e))?;
    let mode = fs::metadata(dir)
        .map_err(|e| LedgerError::io(dir, e))?
        .permissions()
        .mode();
    if mode & 0o077 != 0 {
        fs::set_permissions(dir, Permissions::from_mode(0o700))
            .map_err(|e| LedgerError::io(dir, e))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
