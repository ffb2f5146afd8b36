//! What comes back: it is noted only if it comes to the token that this one copy was sent with, so that nobody can
//! suspend a member by forging it.

use super::{
    Batch, Ledger, LedgerError,
    append::{came_back, scrub},
};
use crate::{
    receipt::{DeliveryKey, MemberHash, Receipt, Verdict},
    terms::{Address, Moment},
};
use rusqlite::params;

/// What was made of a mail that came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Noted {
    /// It counts; this is what came back, as it stood before.
    Counted(Box<Receipt>),
    /// This try of it had come back already, and not less badly.
    Known,
    /// Nothing was ever sent with this token.
    NoSuchToken,
    /// Somebody else got this letter with a token of their own: whoever wrote this has mixed up the two, or tries to.
    AnotherMember,
}

/// What was put right for an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resumed {
    /// So many lists had suspended it.
    pub lists: usize,
    /// So many mails that came back do not count any more.
    pub bounces: usize,
    /// So many letters that came back for good are sent again by the next run.
    pub letters: usize,
}

impl Ledger {
    /// Notes that the mail with this token came back: durable when it returns.
    ///
    /// `recipient` is the address that the report names. It need not be the member's, whose mail may be passed on, but
    /// nobody else's who got the same letter.
    pub fn note_bounce(
        &mut self,
        token: &str,
        recipient: Option<&Address>,
        verdict: Verdict,
        status: &str,
        words: &str,
        now: &Moment,
    ) -> Result<Noted, LedgerError> {
        let receipts = self.receipts_for_token(token)?;
        let Some(first) = receipts.first() else {
            return Ok(Noted::NoSuchToken);
        };
        let named = recipient.map_or(first.intent.key.member, |recipient| self.member(recipient));
        let own = DeliveryKey {
            member: named,
            ..first.intent.key.clone()
        };
        if own != first.intent.key && self.receipt(&own)?.is_some() {
            return Ok(Noted::AnotherMember);
        }
        let status = if is_status(status) { status } else { "" };
        let words = scrub(words);
        let noted = self.alone(|batch| {
            let mut noted = 0;
            for Receipt { intent, attempts, at, .. } in &receipts {
                let key = &intent.key;
                noted += batch.write(
                    "INSERT INTO bounce (advisory, revision, mail, member, try, verdict, status, words, sent, at)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
                     ON CONFLICT DO UPDATE
                     SET try = excluded.try, verdict = excluded.verdict, status = excluded.status, words = excluded.words,
                         sent = excluded.sent, at = excluded.at, counts = 1
                     WHERE try < excluded.try OR (verdict = 'soft' AND excluded.verdict = 'hard')",
                    params![
                        key.advisory.as_str(),
                        key.revision,
                        key.mail.as_str(),
                        &key.member.0[..],
                        attempts,
                        verdict.as_str(),
                        status,
                        words,
                        at.to_string(),
                        now.to_string()
                    ],
                )?;
            }
            Ok(noted)
        })?;
        match noted {
            0 => Ok(Noted::Known),
            _ => Ok(Noted::Counted(Box::new(
                receipts.into_iter().next().expect("there is a first"),
            ))),
        }
    }

    /// From now on a list's letters are kept from a member. See [`Batch::suspend`].
    pub fn suspend(
        &mut self,
        member: &MemberHash,
        list: &str,
        now: &Moment,
    ) -> Result<(), LedgerError> {
        self.alone(|batch| batch.suspend(member, list, now))
    }

    /// Staff say that an address can be reached again: no list suspends it any more, nothing that came back counts, and
    /// the letters that did are due again.
    pub fn resume(&mut self, member: &MemberHash) -> Result<Resumed, LedgerError> {
        self.alone(|batch| {
            let member = [&member.0[..]];
            let again = concat!(
                "UPDATE delivery SET state = 'intended', first = NULL
                 WHERE (advisory, revision, mail, member) IN
                       (SELECT advisory, revision, mail, member FROM bounce WHERE member = ?1 AND mail = 'letter' AND counts)
                   AND ",
                came_back!()
            );
            let letters = batch.write(again, member)?;
            let bounces = batch.write("UPDATE bounce SET counts = 0 WHERE member = ?1 AND counts", member)?;
            let lists = batch.write("DELETE FROM suspension WHERE member = ?1", member)?;
            Ok(Resumed { lists, bounces, letters })
        })
    }
}

impl Batch<'_> {
    /// From now on a list's letters are kept from a member; who is suspended already stays so since then.
    pub fn suspend(
        &self,
        member: &MemberHash,
        list: &str,
        now: &Moment,
    ) -> Result<(), LedgerError> {
        let sql = "INSERT INTO suspension (member, list, since) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
        self.write(sql, params![&member.0[..], list, now.to_string()])
            .map(|_| ())
    }
}

/// RFC 3463, 2: `status-code = class "." subject "." detail`, and class is 2, 4 or 5.
fn is_status(text: &str) -> bool {
    let numbers: Vec<&str> = text.split('.').collect();
    let is_number =
        |part: &&str| (1..=3).contains(&part.len()) && part.bytes().all(|c| c.is_ascii_digit());
    numbers.len() == 3 && matches!(numbers[0], "2" | "4" | "5") && numbers.iter().all(is_number)
}
