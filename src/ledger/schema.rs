//! The tables, and how an older ledger becomes a current one.

use super::{KEY_FILE, LedgerError, Members};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior};
use std::path::Path;

/// One step a version: the first makes version 1 of nothing. Steps are never edited, only added.
pub(super) const STEPS: &[&str] = &[
    "
    CREATE TABLE key_check (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        value BLOB NOT NULL CHECK (length(value) = 16)
    ) STRICT;
    CREATE TABLE delivery (
        advisory TEXT NOT NULL,
        revision TEXT NOT NULL,
        mail TEXT NOT NULL CHECK (mail IN ('letter', 'notice')),
        member BLOB NOT NULL CHECK (length(member) = 16),
        list TEXT NOT NULL,
        lang TEXT NOT NULL,
        cover TEXT NOT NULL CHECK (cover IN ('signed', 'encrypted')),
        message_id TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('intended', 'sending', 'accepted', 'deferred', 'failed')),
        attempts INTEGER NOT NULL DEFAULT 0,
        reply TEXT NOT NULL DEFAULT '',
        possible_duplicate INTEGER NOT NULL DEFAULT 0,
        at TEXT NOT NULL,
        PRIMARY KEY (advisory, revision, mail, member)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE frozen (
        advisory TEXT NOT NULL,
        revision TEXT NOT NULL,
        digest BLOB NOT NULL CHECK (length(digest) = 32),
        lines BLOB NOT NULL CHECK (length(lines) % 8 = 0),
        at TEXT NOT NULL,
        PRIMARY KEY (advisory, revision)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE on_site (
        advisory TEXT PRIMARY KEY,
        revision TEXT NOT NULL,
        digest BLOB NOT NULL CHECK (length(digest) = 32),
        at TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE document (
        version INTEGER PRIMARY KEY CHECK (version > 0),
        digest BLOB NOT NULL CHECK (length(digest) = 32),
        date TEXT NOT NULL
    ) STRICT;
    CREATE TABLE signature (
        text BLOB NOT NULL CHECK (length(text) = 32),
        fingerprint TEXT NOT NULL,
        armor TEXT NOT NULL,
        PRIMARY KEY (text, fingerprint)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE run (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        started TEXT NOT NULL,
        finished TEXT,
        outcome TEXT CHECK (outcome IN ('done', 'held', 'failed', 'partly'))
    ) STRICT;
",
    // A third kind of mail. SQLite cannot widen a CHECK, so the table is made anew.
    "
    CREATE TABLE delivery_with_reminders (
        advisory TEXT NOT NULL,
        revision TEXT NOT NULL,
        mail TEXT NOT NULL CHECK (mail IN ('letter', 'notice', 'reminder')),
        member BLOB NOT NULL CHECK (length(member) = 16),
        list TEXT NOT NULL,
        lang TEXT NOT NULL,
        cover TEXT NOT NULL CHECK (cover IN ('signed', 'encrypted')),
        message_id TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('intended', 'sending', 'accepted', 'deferred', 'failed')),
        attempts INTEGER NOT NULL DEFAULT 0,
        reply TEXT NOT NULL DEFAULT '',
        possible_duplicate INTEGER NOT NULL DEFAULT 0,
        at TEXT NOT NULL,
        PRIMARY KEY (advisory, revision, mail, member)
    ) STRICT, WITHOUT ROWID;
    INSERT INTO delivery_with_reminders
        (advisory, revision, mail, member, list, lang, cover, message_id, state, attempts, reply, possible_duplicate, at)
        SELECT advisory, revision, mail, member, list, lang, cover, message_id, state, attempts, reply, possible_duplicate, at
        FROM delivery;
    DROP TABLE delivery;
    ALTER TABLE delivery_with_reminders RENAME TO delivery;
",
    // When the first try was, since a letter is given up that was deferred for too long; and whose the last was.
    "
    ALTER TABLE delivery ADD COLUMN first TEXT;
    ALTER TABLE delivery ADD COLUMN run INTEGER;
",
    // The archive of the RFC 2350 document: public texts, and the only ones here.
    "
    ALTER TABLE document ADD COLUMN clocks TEXT NOT NULL DEFAULT '';
    CREATE TABLE document_text (
        version INTEGER NOT NULL REFERENCES document (version),
        lang TEXT NOT NULL,
        text TEXT NOT NULL,
        block TEXT NOT NULL,
        detached TEXT NOT NULL,
        PRIMARY KEY (version, lang)
    ) STRICT, WITHOUT ROWID;
",
    // What mail servers send back, found by the token of the envelope; and who gets nothing because of it. From here on
    // the kinds of mail are judged when they are read, so that a new one does not need the table to be made anew.
    "
    CREATE TABLE delivery_with_tokens (
        advisory TEXT NOT NULL,
        revision TEXT NOT NULL,
        mail TEXT NOT NULL,
        member BLOB NOT NULL CHECK (length(member) = 16),
        list TEXT NOT NULL,
        lang TEXT NOT NULL,
        cover TEXT NOT NULL CHECK (cover IN ('signed', 'encrypted')),
        message_id TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('intended', 'sending', 'accepted', 'deferred', 'failed')),
        attempts INTEGER NOT NULL DEFAULT 0,
        reply TEXT NOT NULL DEFAULT '',
        possible_duplicate INTEGER NOT NULL DEFAULT 0,
        at TEXT NOT NULL,
        first TEXT,
        run INTEGER,
        token TEXT NOT NULL DEFAULT '',
        PRIMARY KEY (advisory, revision, mail, member)
    ) STRICT, WITHOUT ROWID;
    INSERT INTO delivery_with_tokens
        (advisory, revision, mail, member, list, lang, cover, message_id, state, attempts, reply, possible_duplicate, at,
         first, run)
        SELECT advisory, revision, mail, member, list, lang, cover, message_id, state, attempts, reply, possible_duplicate, at,
               first, run
        FROM delivery;
    DROP TABLE delivery;
    ALTER TABLE delivery_with_tokens RENAME TO delivery;
    CREATE INDEX delivery_by_token ON delivery (token);
    CREATE TABLE bounce (
        advisory TEXT NOT NULL,
        revision TEXT NOT NULL,
        mail TEXT NOT NULL,
        member BLOB NOT NULL CHECK (length(member) = 16),
        try INTEGER NOT NULL,
        verdict TEXT NOT NULL CHECK (verdict IN ('soft', 'hard')),
        status TEXT NOT NULL,
        words TEXT NOT NULL,
        sent TEXT NOT NULL,
        at TEXT NOT NULL,
        counts INTEGER NOT NULL DEFAULT 1,
        PRIMARY KEY (advisory, revision, mail, member)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE suspension (
        member BLOB NOT NULL CHECK (length(member) = 16),
        list TEXT NOT NULL,
        since TEXT NOT NULL,
        PRIMARY KEY (member, list)
    ) STRICT, WITHOUT ROWID;
",
    // Requests by mail: which were taken already, how many answers a sender got in a day, and who has still to prove
    // that they can read what is encrypted to them.
    "
    CREATE TABLE seen (
        what BLOB PRIMARY KEY CHECK (length(what) = 16),
        at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX seen_at ON seen (at);
    CREATE TABLE answered (
        day INTEGER NOT NULL,
        sender BLOB NOT NULL CHECK (length(sender) = 16),
        answers INTEGER NOT NULL,
        PRIMARY KEY (day, sender)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE challenge (
        member BLOB PRIMARY KEY CHECK (length(member) = 16),
        token BLOB NOT NULL UNIQUE CHECK (length(token) = 16),
        list TEXT NOT NULL,
        at TEXT NOT NULL,
        proven TEXT
    ) STRICT, WITHOUT ROWID;
",
    // What every run asks of what was published, without the lines, which are the most of it.
    "
    CREATE INDEX frozen_heads ON frozen (advisory, revision, digest, at);
",
];

/// Brings the tables up to date, and sees whether `key` is the one that the ledger was made with: with another one no
/// member would be known, and everybody would get everything again. Only a `new` ledger may be without tables:
/// elsewhere that is one which lost its past.
pub(super) fn migrate(
    connection: &mut Connection,
    path: &Path,
    new: bool,
    key: &Members,
) -> Result<(), LedgerError> {
    let wrong = |e| LedgerError::sqlite(path, e);
    let known = u32::try_from(STEPS.len()).expect("the steps are few");
    let version = |connection: &Connection| {
        connection.query_row("PRAGMA user_version", [], |row| row.get::<_, u32>(0))
    };
    let found = version(connection).map_err(wrong)?;
    if found > known {
        return Err(LedgerError::Newer {
            path: path.to_path_buf(),
            found,
            known,
        });
    }
    if found == 0 && !new {
        return Err(LedgerError::Corrupt {
            path: path.to_path_buf(),
            why: "it is empty".into(),
        });
    }
    if found < known {
        // Immediate, so that of two runs that find the same old version one waits and then finds nothing to do.
        let tx = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(wrong)?;
        let found = version(&tx).map_err(wrong)?;
        for step in STEPS.iter().skip(found as usize) {
            tx.execute_batch(step).map_err(wrong)?;
        }
        if found == 0 {
            tx.execute(
                "INSERT INTO key_check (one, value) VALUES (1, ?1)",
                [&key.check()[..]],
            )
            .map_err(wrong)?;
        }
        tx.pragma_update(None, "user_version", known)
            .map_err(wrong)?;
        tx.commit().map_err(wrong)?;
    }
    let check = connection
        .query_row("SELECT value FROM key_check", [], |row| {
            row.get::<_, [u8; 16]>(0)
        })
        .optional();
    match check.map_err(wrong)? {
        Some(check) if check == key.check() => Ok(()),
        Some(_) => Err(LedgerError::WrongKey {
            path: path.with_file_name(KEY_FILE),
        }),
        None => Err(LedgerError::Corrupt {
            path: path.to_path_buf(),
            why: "it does not say which key belongs to it".into(),
        }),
    }
}
