//! The key under which the ledger hashes lines and addresses.
//!
//! It is a file of its own, `.advise/keys/ledger.key`. Whoever gets hold of the ledger alone cannot find out by guessing
//! which address or line a hash stands for.

use super::{LedgerError, make_private_folder};
use std::{
    fs::{self, File, OpenOptions, Permissions},
    io::{self, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

/// Where the key is, inside `.advise`.
pub const KEY_FILE: &str = "keys/ledger.key";

/// The key: random bytes.
pub(super) type Key = [u8; 32];

pub(super) fn random() -> Result<Key, LedgerError> {
    let mut key = [0; 32];
    openssl::rand::rand_priv_bytes(&mut key).map_err(LedgerError::Random)?;
    Ok(key)
}

/// Reads the key that belongs to the ledger in the folder `dir` (`.advise`).
pub(super) fn read(dir: &Path) -> Result<Key, LedgerError> {
    let path = dir.join(KEY_FILE);
    let bytes = fs::read(&path).map_err(|e| match e.kind() {
        io::ErrorKind::NotFound => LedgerError::NoKey { path: path.clone() },
        _ => LedgerError::io(&path, e),
    })?;
    let mode = fs::metadata(&path)
        .map_err(|e| LedgerError::io(&path, e))?
        .permissions()
        .mode();
    if mode & 0o077 != 0 {
        fs::set_permissions(&path, Permissions::from_mode(0o600))
            .map_err(|e| LedgerError::io(&path, e))?;
    }
    bytes.try_into().map_err(|_| LedgerError::WrongKey { path })
}

/// Gives the key for a new ledger. A key that is there already is used again and never overwritten: it may belong to a
/// ledger that is in a backup. A new one is durable when this returns.
pub(super) fn read_or_make(dir: &Path) -> Result<Key, LedgerError> {
    match read(dir) {
        Err(LedgerError::NoKey { path }) => make(&path),
        other => other,
    }
}

fn make(path: &Path) -> Result<Key, LedgerError> {
    let folder = path.parent().expect("the key is in a folder");
    make_private_folder(folder)?;
    let key = random()?;
    let draft = PathBuf::from(format!("{}.new", path.display()));
    let write = || {
        let mut options = OpenOptions::new();
        let mut file = options
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&draft)?;
        file.write_all(&key)?;
        file.sync_all()?;
        fs::rename(&draft, path)?;
        // The entries of the key and of its folder.
        File::open(folder)?.sync_all()?;
        folder
            .parent()
            .map_or(Ok(()), |above| File::open(above)?.sync_all())
    };
    write().map_err(|e| LedgerError::io(path, e))?;
    Ok(key)
}
