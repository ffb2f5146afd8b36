//! `certs/`, read and judged. Of the team's own certificates the whole is kept; of all others only whether, and to
//! which keys, letters can be encrypted: the whole of a hundred thousand would not fit in memory.

use super::{
    Read, ReadError,
    files::{self, Entry},
    read_all,
};
use crate::{
    diag::{Finding, Findings},
    openpgp::{CertError, Certificate, EncryptionKeys},
    roster::KeyState,
    terms::{Address, Fingerprint, Moment},
};
use std::{
    collections::{BTreeSet, HashMap, HashSet},
    hash::{BuildHasher as _, RandomState},
    path::{Path, PathBuf},
};

/// The certificates of a workspace, as they were when it was read: what was judged and shown is what is used, even if
/// a file changes before the last letter has left.
#[derive(Debug)]
pub struct Certificates {
    root: PathBuf,
    /// Sorted by fingerprint.
    all: Vec<Judged>,
    /// The team's own.
    whole: HashMap<Fingerprint, Certificate>,
}

/// What was found of one.
#[derive(Debug, Clone)]
enum Judged {
    Usable(EncryptionKeys),
    Not(Fingerprint, Box<KeyState>),
}

impl Judged {
    fn fingerprint(&self) -> &Fingerprint {
        match self {
            Judged::Usable(keys) => keys.fingerprint(),
            Judged::Not(fingerprint, _) => fingerprint,
        }
    }

    fn state(&self, now: &Moment) -> KeyState {
        match self {
            Judged::Usable(keys) => keys.state(now),
            Judged::Not(_, state) => KeyState::clone(state),
        }
    }
}

/// Which certificate claims which address, for as long as the workspace is judged: only hashes, since all that is
/// asked is whether to warn.
#[derive(Default)]
pub(super) struct Claims {
    known: HashSet<u64>,
    hasher: RandomState,
}

impl Claims {
    /// Whether the certificate's owner claims this address.
    pub fn has(&self, fingerprint: &Fingerprint, address: &Address) -> bool {
        self.known
            .contains(&self.hasher.hash_one((fingerprint, address.key())))
    }
}

impl Certificates {
    fn judged(&self, fingerprint: &Fingerprint) -> Option<&Judged> {
        let at = self
            .all
            .binary_search_by(|judged| judged.fingerprint().cmp(fingerprint))
            .ok()?;
        Some(&self.all[at])
    }

    /// The keys that letters are encrypted to; `None` if there is no such certificate, or none that can be used.
    pub fn get(&self, fingerprint: &Fingerprint) -> Option<&EncryptionKeys> {
        match self.judged(fingerprint)? {
            Judged::Usable(keys) => Some(keys),
            Judged::Not(..) => None,
        }
    }

    /// What can be done with it at `now`.
    pub fn state(&self, fingerprint: &Fingerprint, now: &Moment) -> KeyState {
        self.judged(fingerprint)
            .map_or(KeyState::Missing, |judged| judged.state(now))
    }

    /// One of the team's own, whole.
    pub fn of_team(&self, fingerprint: &Fingerprint) -> Option<&Certificate> {
        self.whole.get(fingerprint)
    }

    /// Whether its file is there and is a certificate.
    pub fn has(&self, fingerprint: &Fingerprint) -> bool {
        self.judged(fingerprint).is_some()
    }

    /// Of all, sorted.
    pub fn fingerprints(&self) -> impl Iterator<Item = &Fingerprint> {
        self.all.iter().map(Judged::fingerprint)
    }

    /// Any certificate, read from its file once more: for showing it, not for encrypting to it.
    pub fn read(&self, fingerprint: &Fingerprint) -> Result<Option<Certificate>, ReadError> {
        let path = format!("certs/{fingerprint}.asc");
        if !self.has(fingerprint) || !self.root.join(&path).is_file() {
            return Ok(None);
        }
        let bytes = files::bytes(&self.root, &path, &mut Findings::new())?;
        Ok(bytes
            .and_then(|bytes| Certificate::read(&bytes).ok())
            .filter(|read| read.fingerprint() == fingerprint))
    }

    /// A copy that somebody sent, put into the one that is here: whoever sends one may leave a revocation out, and what
    /// others of the same certificate need.
    pub fn merged(&self, copy: Certificate, address: &Address) -> Result<Certificate, ReadError> {
        let here = self.read(copy.fingerprint())?;
        Ok(here
            .and_then(|here| Certificate::renewed(Some(&here), &copy, address))
            .unwrap_or(copy))
    }
}

/// Reads and judges all. `whole` are those of the team.
pub(super) fn read(
    root: &Path,
    entries: &[Entry],
    whole: &BTreeSet<Fingerprint>,
    now: &Moment,
    findings: &mut Findings,
) -> Result<(Certificates, Claims), ReadError> {
    let mut claims = Claims::default();
    let (mut all, mut own) = (Vec::with_capacity(entries.len()), HashMap::new());
    let read = |entry: &Entry| one(root, entry, whole, now, &claims.hasher);
    read_all(
        entries,
        findings,
        read,
        |One {
             judged,
             claimed,
             certificate,
         }| {
            claims.known.extend(claimed);
            own.extend(
                certificate.map(|certificate| (certificate.fingerprint().clone(), certificate)),
            );
            // Copied, since it lies among the much larger pieces that its certificate was read with, and keeps the memory of
            // those from being given back as a whole.
            all.push(judged.clone());
        },
    )?;
    all.sort_unstable_by(|a, b| a.fingerprint().cmp(b.fingerprint()));
    Ok((
        Certificates {
            root: root.to_path_buf(),
            all,
            whole: own,
        },
        claims,
    ))
}

struct One {
    judged: Judged,
    claimed: Vec<u64>,
    certificate: Option<Certificate>,
}

fn one(
    root: &Path,
    entry: &Entry,
    whole: &BTreeSet<Fingerprint>,
    now: &Moment,
    hasher: &RandomState,
) -> Read<One> {
    let mut findings = Findings::new();
    let bytes = match files::bytes(root, &entry.path, &mut findings)? {
        Some(bytes) => bytes,
        None => return Ok((findings, None)),
    };
    let certificate = match Certificate::read(&bytes) {
        Ok(certificate) => certificate,
        Err(error) => {
            let (code, hint) = match error {
                CertError::SecretKey => (
                    "secret-key",
                    "remove it from here at once; publish only what `gpg --export --armor FINGERPRINT` gives, and think of whether the key has to be revoked",
                ),
                _ => (
                    "bad-certificate",
                    "export it again with `gpg --export --armor FINGERPRINT`",
                ),
            };
            findings.push(Finding::of_file(&entry.path, code, error.to_string()).hint(hint));
            return Ok((findings, None));
        }
    };
    let fingerprint = certificate.fingerprint().clone();
    if entry.stem("asc") != Some(&*fingerprint.to_string()) {
        findings.push(
            Finding::of_file(
                &entry.path,
                "bad-file-name",
                "this certificate's file does not have its fingerprint as its name",
            )
            .hint(format!("rename it to `{fingerprint}.asc`")),
        );
        return Ok((findings, None));
    }
    let judged = certificate.judge(now).map_or_else(
        |state| Judged::Not(fingerprint.clone(), Box::new(state)),
        Judged::Usable,
    );
    let claimed = certificate
        .addresses()
        .map(|address| hasher.hash_one((&fingerprint, address)))
        .collect();
    let certificate = whole.contains(&fingerprint).then_some(certificate);
    Ok((
        findings,
        Some(One {
            judged,
            claimed,
            certificate,
        }),
    ))
}
