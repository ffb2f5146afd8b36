//! What came in by mail, as far as it has to be remembered: which requests were taken, how many answers a sender got
//! today, and whose key is not proven yet. Senders are keyed hashes here, as members are.

use super::{Ledger, LedgerError, history::word, keyed::base32};
use crate::{
    receipt::MemberHash,
    terms::{Address, Moment, Slug},
};
use rusqlite::{OptionalExtension, params};
use std::collections::HashMap;

/// For how many days a request is remembered. A signature that is older than half of it is not taken any more, so that
/// forgetting opens no door.
const MEMORY_DAYS: i64 = 30;

/// For how many days the token of a mail that asks whether somebody wants to leave is good.
const LEAVING_DAYS: i64 = 7;

/// Stands for a request that was taken, and says nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark([u8; 16]);

/// How many answers went out today.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answered {
    /// To this sender.
    pub to_sender: u32,
    /// To all senders.
    pub to_all: u32,
}

/// A challenge that came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proven {
    /// Who has shown that they can read.
    pub member: MemberHash,
    /// The list that they joined when they were asked.
    pub list: Slug,
    /// Whether this is news.
    pub is_new: bool,
}

impl Ledger {
    /// The mark of a request: `kind` and all that makes it what it is.
    pub fn mark<'p>(&self, kind: &'p str, parts: impl IntoIterator<Item = &'p [u8]>) -> Mark {
        Mark(self.keyed("request", std::iter::once(kind.as_bytes()).chain(parts)))
    }

    /// A name made of all that makes something what it is: 26 characters that say nothing to others, and are the same
    /// each time.
    pub fn name<'p>(&self, kind: &'p str, parts: impl IntoIterator<Item = &'p [u8]>) -> String {
        base32(&self.keyed("name", std::iter::once(kind.as_bytes()).chain(parts)))
    }

    /// Whether a request was taken already.
    pub fn knows(&self, mark: Mark) -> Result<bool, LedgerError> {
        let found = self.all("SELECT 1 FROM seen WHERE what = ?1", [&mark.0[..]], |_| {
            Ok(())
        })?;
        Ok(!found.is_empty())
    }

    /// Remembers requests, and forgets those that are too old to be taken for new.
    pub fn remember(&mut self, marks: &[Mark], now: &Moment) -> Result<(), LedgerError> {
        self.alone(|batch| {
            batch.write(
                "DELETE FROM seen WHERE at < ?1",
                [now.unix() - MEMORY_DAYS * 86_400],
            )?;
            for mark in marks {
                let sql = "INSERT INTO seen (what, at) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
                batch.write(sql, params![&mark.0[..], now.unix()])?;
            }
            Ok(())
        })
    }

    /// How many answers went out on this day (of UTC).
    pub fn answered(&self, sender: &Address, now: &Moment) -> Result<Answered, LedgerError> {
        let sender = self.member(sender);
        let sql = "SELECT coalesce(sum(answers) FILTER (WHERE sender = ?2), 0), coalesce(sum(answers), 0) FROM answered WHERE day = ?1";
        let rows = self.all(sql, params![day(now), &sender.0[..]], |row| {
            Ok(Answered {
                to_sender: row.get(0)?,
                to_all: row.get(1)?,
            })
        })?;
        Ok(rows.first().copied().unwrap_or(Answered {
            to_sender: 0,
            to_all: 0,
        }))
    }

    /// One answer more; it counts before it is sent.
    pub fn count_answer(&mut self, sender: &Address, now: &Moment) -> Result<(), LedgerError> {
        let sender = self.member(sender);
        self.alone(|batch| {
            batch.write("DELETE FROM answered WHERE day < ?1", [day(now) - 1])?;
            let sql = "INSERT INTO answered (day, sender, answers) VALUES (?1, ?2, 1)
                       ON CONFLICT DO UPDATE SET answers = answers + 1";
            batch
                .write(sql, params![day(now), &sender.0[..]])
                .map(|_| ())
        })
    }

    /// Asks a member to prove that they can read: gives the token that has to come back. From now on, what is encrypted
    /// to them is held. Only a keyed hash of the token is kept; whoever was asked before has to send the new one.
    pub fn challenge(
        &mut self,
        member: MemberHash,
        list: &Slug,
        now: &Moment,
    ) -> Result<String, LedgerError> {
        let mut random = [0; 16];
        openssl::rand::rand_priv_bytes(&mut random).map_err(LedgerError::Random)?;
        let token = base32(&random);
        let hash = self.keyed("challenge", [token.as_bytes()]);
        let sql = "INSERT INTO challenge (member, token, list, at) VALUES (?1, ?2, ?3, ?4)
                   ON CONFLICT (member) DO UPDATE
                   SET token = excluded.token, list = excluded.list, at = excluded.at, proven = NULL";
        let values = params![&member.0[..], &hash[..], list.as_str(), now.to_string()];
        self.alone(|batch| batch.write(sql, values).map(|_| ()))?;
        Ok(token)
    }

    /// Whose challenge a token is, if it is one.
    pub fn challenged(&self, token: &str) -> Result<Option<Proven>, LedgerError> {
        let hash = self.keyed("challenge", [token.as_bytes()]);
        let found = self.all(
            "SELECT member, list, proven IS NULL FROM challenge WHERE token = ?1",
            [&hash[..]],
            |row| {
                Ok(Proven {
                    member: MemberHash(row.get(0)?),
                    list: word(row, 1)?,
                    is_new: row.get(2)?,
                })
            },
        )?;
        Ok(found.into_iter().next())
    }

    /// A member has proven that they can read, or staff vouch for them: nothing is held for that any more. `false` if
    /// nobody had asked.
    pub fn prove(&mut self, member: MemberHash, now: &Moment) -> Result<bool, LedgerError> {
        let sql = "UPDATE challenge SET proven = ?2 WHERE member = ?1 AND proven IS NULL";
        self.alone(|batch| {
            batch
                .write(sql, params![&member.0[..], now.to_string()])
                .map(|changed| changed > 0)
        })
    }

    /// Who was asked to prove that they can read and has not yet, and when that was.
    pub fn unproven(&self) -> Result<HashMap<MemberHash, Moment>, LedgerError> {
        let rows = self.all(
            "SELECT member, at FROM challenge WHERE proven IS NULL",
            [],
            |row| Ok((MemberHash(row.get(0)?), word(row, 1)?)),
        )?;
        Ok(rows.into_iter().collect())
    }

    /// Whether this member was ever asked, and proved it.
    pub fn proved(&self, member: MemberHash) -> Result<bool, LedgerError> {
        let sql = "SELECT 1 FROM challenge WHERE member = ?1 AND proven IS NOT NULL";
        let query = || {
            self.connection
                .prepare_cached(sql)?
                .query_row([&member.0[..]], |_| Ok(()))
                .optional()
        };
        Ok(query()
            .map_err(|e| LedgerError::sqlite(&self.path, e))?
            .is_some())
    }

    /// What only an address can know that asked to leave a list today: nothing is kept of it.
    pub fn leaving_token(&self, address: &Address, list: &Slug, now: &Moment) -> String {
        self.leaving(address, list, day(now))
    }

    /// Whether that is it, and not too old.
    pub fn is_leaving_token(
        &self,
        token: &str,
        address: &Address,
        list: &Slug,
        now: &Moment,
    ) -> bool {
        let token = token.as_bytes();
        (0..LEAVING_DAYS).any(|ago| {
            let good = self.leaving(address, list, day(now) - ago);
            token.len() == good.len() && openssl::memcmp::eq(token, good.as_bytes())
        })
    }

    fn leaving(&self, address: &Address, list: &Slug, day: i64) -> String {
        let day = day.to_be_bytes();
        base32(&self.keyed(
            "leave",
            [address.key().as_bytes(), list.as_str().as_bytes(), &day[..]],
        ))
    }
}

fn day(now: &Moment) -> i64 {
    now.unix().div_euclid(86_400)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ledger() -> (tempfile::TempDir, Ledger) {
        let dir = tempfile::tempdir().expect("a folder");
        let ledger = Ledger::create(dir.path()).expect("a ledger");
        (dir, ledger)
    }

    fn at(text: &str) -> Moment {
        text.parse().expect("a moment")
    }

    #[test]
    fn a_request_is_remembered_for_a_month() {
        let (_dir, mut ledger) = ledger();
        let mark = ledger.mark("signed", [&b"ada"[..], b"2026-11-01"]);
        assert_ne!(mark, ledger.mark("signed", [&b"ada2"[..], b"026-11-01"]));
        ledger.remember(&[mark], &at("2026-11-01")).expect("kept");
        ledger.remember(&[], &at("2026-11-30")).expect("kept");
        assert!(ledger.knows(mark).expect("known"));
        ledger.remember(&[], &at("2026-12-02")).expect("kept");
        assert!(!ledger.knows(mark).expect("forgotten"));
    }

    #[test]
    fn a_challenge_is_proven_by_its_newest_token_only() {
        let (_dir, mut ledger) = ledger();
        let member = ledger.member(&"ada@uni.example.org".parse().expect("an address"));
        let list: Slug = "universities".parse().expect("a name");
        let old = ledger
            .challenge(member, &list, &at("2026-11-01"))
            .expect("a token");
        let new = ledger
            .challenge(member, &list, &at("2026-11-02"))
            .expect("a token");
        assert_eq!(ledger.challenged(&old).expect("asked"), None);
        assert_eq!(
            ledger
                .challenged(&new)
                .expect("asked")
                .map(|proven| (proven.member, proven.is_new)),
            Some((member, true))
        );
        assert_eq!(ledger.unproven().expect("asked").len(), 1);
        assert!(ledger.prove(member, &at("2026-11-03")).expect("proven"));
        assert!(
            !ledger
                .prove(member, &at("2026-11-03"))
                .expect("proven before")
        );
        assert!(
            ledger.unproven().expect("asked").is_empty() && ledger.proved(member).expect("asked")
        );
        let bytes = std::fs::read(_dir.path().join(super::super::FILE)).expect("the file");
        assert!(
            !bytes.windows(26).any(|window| window == new.as_bytes()),
            "the token itself is kept"
        );
    }

    #[test]
    fn the_token_to_leave_is_of_one_address_list_and_week() {
        let (_dir, ledger) = ledger();
        let (ada, bob): (Address, Address) = (
            "ada@uni.example.org".parse().expect("one"),
            "bob@uni.example.org".parse().expect("one"),
        );
        let (list, other): (Slug, Slug) = (
            "universities".parse().expect("a name"),
            "operators".parse().expect("a name"),
        );
        let token = ledger.leaving_token(&ada, &list, &at("2026-11-01"));
        let good = |address: &Address, list: &Slug, now: &str| {
            ledger.is_leaving_token(&token, address, list, &at(now))
        };
        assert!(good(&ada, &list, "2026-11-01") && good(&ada, &list, "2026-11-07"));
        assert!(
            !good(&ada, &list, "2026-11-08")
                && !good(&bob, &list, "2026-11-01")
                && !good(&ada, &other, "2026-11-01")
        );
    }

    #[test]
    fn answers_are_counted_by_sender_and_day() {
        let (_dir, mut ledger) = ledger();
        let (ada, bob): (Address, Address) = (
            "ada@uni.example.org".parse().expect("one"),
            "bob@uni.example.org".parse().expect("one"),
        );
        ledger
            .count_answer(&ada, &at("2026-11-01T10:00:00Z"))
            .expect("counted");
        ledger
            .count_answer(&ada, &at("2026-11-01T23:00:00Z"))
            .expect("counted");
        ledger
            .count_answer(&bob, &at("2026-11-01T23:00:00Z"))
            .expect("counted");
        let of = |now: &str| ledger.answered(&ada, &at(now)).expect("counted");
        assert_eq!(
            of("2026-11-01T23:59:00Z"),
            Answered {
                to_sender: 2,
                to_all: 3
            }
        );
        assert_eq!(
            of("2026-11-02T00:00:00Z"),
            Answered {
                to_sender: 0,
                to_all: 0
            }
        );
    }
}
