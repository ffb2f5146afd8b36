//! Keeps two runs apart.

use super::{LedgerError, make_private_folder};
use crate::terms::Moment;
use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

/// The right to publish from this workspace; given back when dropped, or by the system when the process dies.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// Takes the lock in the folder `dir` (`.advise`), or says who holds it ([`LedgerError::Held`]).
pub fn lock(dir: &Path, now: &Moment) -> Result<Lock, LedgerError> {
    make_private_folder(dir)?;
    let path = dir.join("lock");
    let wrong = |e| LedgerError::io(&path, e);
    let mut options = OpenOptions::new();
    let mut file = options
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(wrong)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::Error(e)) => return Err(wrong(e)),
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            file.read_to_string(&mut holder).map_err(wrong)?;
            // Empty while the other is about to write; the lock is what counts.
            let mut words = holder.split_whitespace();
            return Err(LedgerError::Held {
                pid: words.next().and_then(|pid| pid.parse().ok()).unwrap_or(0),
                since: words.next().unwrap_or("a moment ago").to_string(),
                host: words.next().unwrap_or("this machine").to_string(),
            });
        }
    }
    let host = rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned();
    file.set_len(0).map_err(wrong)?;
    writeln!(file, "{} {} {host}", std::process::id(), now.rfc3339()).map_err(wrong)?;
    Ok(Lock { _file: file })
}
