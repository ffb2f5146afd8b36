//! Writing: each entry is durable when its function returns, or, in a [`Batch`], when the batch is committed.

use super::{Ledger, LedgerError, Members};
use crate::{
    artefact::Digest,
    receipt::{DeliveryKey, Edition, EditionText, Intent, Outcome, State},
    terms::{Fingerprint, Id, Moment},
};
use rusqlite::{OptionalExtension, Params, Transaction, TransactionBehavior, params};
use std::{cell::RefCell, path::Path};

/// Of a delivery in SQL: whether it was taken, and its last try came back for good. A delivery's own state says what the
/// server answered, since a letter may be back before that answer is written down.
macro_rules! came_back {
    () => {
        "(state = 'accepted' AND EXISTS (
            SELECT 1 FROM bounce WHERE bounce.advisory = delivery.advisory AND bounce.revision = delivery.revision
            AND bounce.mail = delivery.mail AND bounce.member = delivery.member AND bounce.try = delivery.attempts
            AND bounce.verdict = 'hard'))"
    };
}
pub(super) use came_back;

/// How a run of `publish` ended; the exit codes of the desk, in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunOutcome {
    /// Everything was done.
    Done,
    /// Done, but something is held.
    Held,
    /// Nothing was sent.
    Failed,
    /// Some of it was done; the same command goes on.
    Partly,
}

impl RunOutcome {
    pub(super) const ALL: [RunOutcome; 4] = [
        RunOutcome::Done,
        RunOutcome::Held,
        RunOutcome::Failed,
        RunOutcome::Partly,
    ];

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            RunOutcome::Done => "done",
            RunOutcome::Held => "held",
            RunOutcome::Failed => "failed",
            RunOutcome::Partly => "partly",
        }
    }
}

/// Entries that become durable together; dropped without [`Batch::commit`], none of them was made.
pub struct Batch<'l> {
    pub(super) tx: Transaction<'l>,
    path: &'l Path,
    members: Members,
    /// A time as it is written, once for all entries of the same time.
    stamp: RefCell<Option<(Moment, String)>>,
}

impl Ledger {
    /// Opens a batch.
    pub fn batch(&mut self) -> Result<Batch<'_>, LedgerError> {
        let members = self.members();
        let begun = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate);
        let tx = begun.map_err(|e| LedgerError::sqlite(&self.path, e))?;
        Ok(Batch {
            tx,
            path: &self.path,
            members,
            stamp: RefCell::default(),
        })
    }

    pub(super) fn alone<T>(
        &mut self,
        entry: impl FnOnce(&Batch<'_>) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        let batch = self.batch()?;
        let value = entry(&batch)?;
        batch.commit()?;
        Ok(value)
    }

    /// Writes down what is about to be done, all of it or nothing. See [`Batch::intend`].
    pub fn intend(&mut self, intents: &[Intent], now: &Moment) -> Result<(), LedgerError> {
        self.alone(|batch| {
            intents
                .iter()
                .try_for_each(|intent| batch.intend(intent, now))
        })
    }

    /// A try begins. See [`Batch::begin`].
    pub fn begin(&mut self, key: &DeliveryKey, now: &Moment) -> Result<(), LedgerError> {
        self.alone(|batch| batch.begin(key, now))
    }

    /// Several tries begin. A crash now leaves all of them in doubt, so keep the number small.
    pub fn begin_all<'k>(
        &mut self,
        keys: impl IntoIterator<Item = &'k DeliveryKey>,
        now: &Moment,
    ) -> Result<(), LedgerError> {
        self.alone(|batch| keys.into_iter().try_for_each(|key| batch.begin(key, now)))
    }

    /// A try ended. See [`Batch::settle`].
    pub fn settle(
        &mut self,
        key: &DeliveryKey,
        outcome: &Outcome,
        now: &Moment,
    ) -> Result<(), LedgerError> {
        self.alone(|batch| batch.settle(key, outcome, now))
    }

    /// Several tries ended.
    pub fn settle_all<'k>(
        &mut self,
        ends: impl IntoIterator<Item = (&'k DeliveryKey, &'k Outcome)>,
        now: &Moment,
    ) -> Result<(), LedgerError> {
        self.alone(|batch| {
            ends.into_iter()
                .try_for_each(|(key, outcome)| batch.settle(key, outcome, now))
        })
    }

    /// A try did not come about. See [`Batch::take_back`].
    pub fn take_back(
        &mut self,
        key: &DeliveryKey,
        why: &str,
        now: &Moment,
    ) -> Result<(), LedgerError> {
        self.alone(|batch| batch.take_back(key, why, now))
    }

    /// Freezes a revision. See [`Batch::freeze`].
    pub fn freeze(
        &mut self,
        advisory: &Id,
        revision: &str,
        digest: Digest,
        lines: &[u64],
        now: &Moment,
    ) -> Result<(), LedgerError> {
        self.alone(|batch| batch.freeze(advisory, revision, digest, lines, now))
    }

    /// An advisory stands on the site. See [`Batch::site_published`].
    pub fn site_published(
        &mut self,
        advisory: &Id,
        revision: &str,
        digest: Digest,
        now: &Moment,
    ) -> Result<(), LedgerError> {
        self.alone(|batch| batch.site_published(advisory, revision, digest, now))
    }

    /// An advisory stands on the site no more.
    pub fn site_removed(&mut self, advisory: &Id) -> Result<(), LedgerError> {
        self.alone(|batch| batch.site_removed(advisory))
    }

    /// A version of the RFC 2350 document is out. See [`Batch::document_published`].
    pub fn document_published(&mut self, edition: &Edition) -> Result<(), LedgerError> {
        self.alone(|batch| batch.document_published(edition))
    }

    /// Keeps the signature of a text. See [`Batch::keep_signature`].
    pub fn keep_signature(
        &mut self,
        text: Digest,
        signer: &Fingerprint,
        armor: &str,
    ) -> Result<(), LedgerError> {
        self.alone(|batch| batch.keep_signature(text, signer, armor))
    }

    /// A run begins; gives its number.
    pub fn run_started(&mut self, now: &Moment) -> Result<i64, LedgerError> {
        self.alone(|batch| {
            batch.write("INSERT INTO run (started) VALUES (?1)", [now.to_string()])?;
            Ok(batch.tx.last_insert_rowid())
        })
    }

    /// A run ended.
    pub fn run_finished(
        &mut self,
        run: i64,
        outcome: RunOutcome,
        now: &Moment,
    ) -> Result<(), LedgerError> {
        let sql = "UPDATE run SET finished = ?2, outcome = ?3 WHERE id = ?1";
        self.alone(|batch| {
            batch
                .write(sql, params![run, now.to_string(), outcome.as_str()])
                .map(|_| ())
        })
    }
}

impl Batch<'_> {
    /// Makes all entries of the batch durable.
    pub fn commit(self) -> Result<(), LedgerError> {
        self.tx
            .commit()
            .map_err(|e| LedgerError::sqlite(self.path, e))
    }

    /// Writes down one delivery that is about to be made.
    ///
    /// Where the ledger knows it already, its state, its tries and its answer stay as they are. Only what was
    /// meant (list, language, cover) is restated while nothing has arrived or may have arrived, or after it came back: a
    /// member whose certificate came between two tries gets an encrypted letter, and the receipt has to say so.
    pub fn intend(&self, intent: &Intent, now: &Moment) -> Result<(), LedgerError> {
        let DeliveryKey {
            advisory,
            revision,
            mail,
            member,
        } = &intent.key;
        let values = params![
            advisory.as_str(),
            revision,
            mail.as_str(),
            &member.0[..],
            intent.list,
            intent.lang.as_str(),
            intent.cover.as_str(),
            intent.message_id,
            now.to_string(),
            self.members.envelope(member, &intent.message_id),
        ];
        let sql = concat!(
            "INSERT INTO delivery (advisory, revision, mail, member, list, lang, cover, message_id, state, at, token)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'intended', ?9, ?10)
             ON CONFLICT DO UPDATE
             SET list = excluded.list, lang = excluded.lang, cover = excluded.cover, message_id = excluded.message_id,
                 token = excluded.token
             WHERE state IN ('intended', 'deferred', 'failed') OR ",
            came_back!()
        );
        self.write(sql, values).map(|_| ())
    }

    /// A try begins: the delivery is now `sending`. If it was so before, an earlier run broke off without an
    /// answer, and this try may be the second that arrives. What is accepted cannot be begun again, unless it came back.
    pub fn begin(&self, key: &DeliveryKey, now: &Moment) -> Result<(), LedgerError> {
        let sql = concat!(
            "UPDATE delivery SET possible_duplicate = possible_duplicate OR state = 'sending', state = 'sending',
                                 attempts = attempts + 1, at = ?5, first = coalesce(first, ?5), reply = '',
                                 run = (SELECT max(id) FROM run)
             WHERE advisory = ?1 AND revision = ?2 AND mail = ?3 AND member = ?4 AND ?6 = ?6 AND (state != 'accepted' OR ",
            came_back!(),
            ")"
        );
        found(self.delivery(key, sql, now, "")?, "open", key)
    }

    /// A try ended. [`Outcome::Unknown`] leaves the delivery `sending`, a question for the next run.
    /// Addresses in the server's words are taken out.
    pub fn settle(
        &self,
        key: &DeliveryKey,
        outcome: &Outcome,
        now: &Moment,
    ) -> Result<(), LedgerError> {
        let (state, words) = match outcome {
            Outcome::Accepted(words) => (State::Accepted, words),
            Outcome::Deferred(words) => (State::Deferred, words),
            Outcome::Failed(words) => (State::Failed, words),
            Outcome::Unknown(words) => (State::Sending, words),
        };
        // `begin` empties the reply: a delivery that is `sending` without one broke off with the program.
        let words = if words.is_empty() && state == State::Sending {
            "no answer"
        } else {
            words
        };
        let sql = format!(
            "UPDATE delivery SET state = '{state}', reply = ?6, at = ?5
             WHERE advisory = ?1 AND revision = ?2 AND mail = ?3 AND member = ?4 AND state = 'sending'"
        );
        found(self.delivery(key, &sql, now, &scrub(words))?, "begun", key)
    }

    /// A try that began did not come about: nothing was handed over, and it counts as none.
    pub fn take_back(&self, key: &DeliveryKey, why: &str, now: &Moment) -> Result<(), LedgerError> {
        let sql = "UPDATE delivery SET state = 'intended', attempts = attempts - 1, reply = ?6, at = ?5,
                                       first = CASE WHEN attempts > 1 THEN first END
                   WHERE advisory = ?1 AND revision = ?2 AND mail = ?3 AND member = ?4 AND state = 'sending'";
        found(self.delivery(key, sql, now, &scrub(why))?, "begun", key)
    }

    /// Freezes what was published of a revision. The same again is nothing new; other content is refused.
    pub fn freeze(
        &self,
        advisory: &Id,
        revision: &str,
        digest: Digest,
        lines: &[u64],
        now: &Moment,
    ) -> Result<(), LedgerError> {
        let bytes: Vec<u8> = lines.iter().flat_map(|line| line.to_be_bytes()).collect();
        let added = self.write(
            "INSERT INTO frozen (advisory, revision, digest, lines, at) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING",
            params![advisory.as_str(), revision, &digest.0[..], bytes, now.to_string()],
        )?;
        if added == 1 {
            return Ok(());
        }
        let sql = "SELECT digest FROM frozen WHERE advisory = ?1 AND revision = ?2";
        let query = |tx: &Transaction<'_>| {
            tx.prepare_cached(sql)?
                .query_row(params![advisory.as_str(), revision], |row| {
                    row.get::<_, [u8; 32]>(0)
                })
                .optional()
        };
        match query(&self.tx).map_err(|e| LedgerError::sqlite(self.path, e))? {
            Some(known) if known == digest.0 => Ok(()),
            _ => Err(LedgerError::Frozen {
                advisory: advisory.to_string(),
                revision: revision.to_string(),
            }),
        }
    }

    /// An advisory stands on the site in this revision and form.
    pub fn site_published(
        &self,
        advisory: &Id,
        revision: &str,
        digest: Digest,
        now: &Moment,
    ) -> Result<(), LedgerError> {
        self.write(
            "INSERT INTO on_site (advisory, revision, digest, at) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO UPDATE SET revision = excluded.revision, digest = excluded.digest, at = excluded.at
             WHERE revision != excluded.revision OR digest != excluded.digest",
            params![advisory.as_str(), revision, &digest.0[..], now.to_string()],
        )
        .map(|_| ())
    }

    /// An advisory stands on the site no more.
    pub fn site_removed(&self, advisory: &Id) -> Result<(), LedgerError> {
        self.write(
            "DELETE FROM on_site WHERE advisory = ?1",
            [advisory.as_str()],
        )
        .map(|_| ())
    }

    /// A version of the RFC 2350 document is out, or about to be; a version keeps its content and its texts from then on.
    pub fn document_published(&self, edition: &Edition) -> Result<(), LedgerError> {
        let Edition {
            version,
            clocks,
            texts,
        } = edition;
        let sql = "INSERT INTO document (version, digest, date, clocks) VALUES (?1, ?2, ?3, ?4)
                   ON CONFLICT DO UPDATE SET clocks = CASE clocks WHEN '' THEN excluded.clocks ELSE clocks END
                   WHERE digest = excluded.digest";
        let kept = self.write(
            sql,
            params![
                version.version,
                &version.digest.0[..],
                version.date.to_string(),
                clocks
            ],
        )?;
        if kept == 0 {
            return Err(LedgerError::Frozen {
                advisory: "rfc2350".into(),
                revision: version.version.to_string(),
            });
        }
        for (
            lang,
            EditionText {
                text,
                block,
                detached,
            },
        ) in texts
        {
            if !is_signature(block) || !is_signature(detached) {
                return Err(LedgerError::NotASignature);
            }
            let sql = "INSERT INTO document_text (version, lang, text, block, detached) VALUES (?1, ?2, ?3, ?4, ?5)
                       ON CONFLICT DO NOTHING";
            self.write(
                sql,
                params![version.version, lang.as_str(), text, block, detached],
            )?;
        }
        Ok(())
    }

    /// Keeps the armored signature that a key made of a text, so that the next build writes the same bytes.
    /// The text itself is known by its digest only, and anything but an armored signature is refused.
    pub fn keep_signature(
        &self,
        text: Digest,
        signer: &Fingerprint,
        armor: &str,
    ) -> Result<(), LedgerError> {
        if !is_signature(armor) {
            return Err(LedgerError::NotASignature);
        }
        self.write(
            "INSERT INTO signature (text, fingerprint, armor) VALUES (?1, ?2, ?3)
             ON CONFLICT DO UPDATE SET armor = excluded.armor",
            params![&text.0[..], signer.to_string(), armor],
        )
        .map(|_| ())
    }

    fn delivery(
        &self,
        key: &DeliveryKey,
        sql: &str,
        now: &Moment,
        words: &str,
    ) -> Result<usize, LedgerError> {
        let DeliveryKey {
            advisory,
            revision,
            mail,
            member,
        } = key;
        let mut stamp = self.stamp.borrow_mut();
        let (_, now) = match &mut *stamp {
            Some(known) if known.0 == *now => known,
            other => other.insert((now.clone(), now.to_string())),
        };
        self.write(
            sql,
            params![
                advisory.as_str(),
                revision,
                mail.as_str(),
                &member.0[..],
                &*now,
                words
            ],
        )
    }

    pub(super) fn write(&self, sql: &str, values: impl Params) -> Result<usize, LedgerError> {
        let run = || self.tx.prepare_cached(sql)?.execute(values);
        run().map_err(|e| LedgerError::sqlite(self.path, e))
    }
}

fn found(rows: usize, what: &'static str, key: &DeliveryKey) -> Result<(), LedgerError> {
    match rows {
        0 => Err(LedgerError::NoDelivery {
            what,
            advisory: key.advisory.to_string(),
            revision: key.revision.clone(),
            member: key.member.hex(),
        }),
        _ => Ok(()),
    }
}

/// Whether it is an armored signature and nothing else.
fn is_signature(armor: &str) -> bool {
    let (first, last) = (
        "-----BEGIN PGP SIGNATURE-----",
        "-----END PGP SIGNATURE-----",
    );
    let body = armor
        .trim()
        .strip_prefix(first)
        .and_then(|rest| rest.strip_suffix(last));
    let base64 = |c: u8| c.is_ascii_alphanumeric() || b"+/=\r\n".contains(&c);
    body.is_some_and(|body| body.bytes().all(base64))
}

/// A server's words without addresses and control characters, and not without end.
pub(super) fn scrub(words: &str) -> String {
    let border = |c: char| c.is_whitespace() || c.is_control() || "<>()[]\"',;:".contains(c);
    let mut clean = String::with_capacity(words.len());
    for piece in words.split_inclusive(border) {
        let (word, end) = match piece.char_indices().next_back() {
            Some((at, c)) if border(c) => (&piece[..at], Some(c)),
            _ => (piece, None),
        };
        clean.push_str(if word.contains('@') { "…" } else { word });
        clean.extend(end.map(|c| if c.is_control() { ' ' } else { c }));
    }
    match clean.char_indices().nth(500) {
        Some((at, _)) => clean[..at].to_string(),
        None => clean,
    }
}

#[cfg(test)]
mod tests {
    use super::scrub;

    #[test]
    fn a_servers_words_are_kept_without_addresses() {
        for (said, kept) in [
            (
                "550 5.1.1 <ada@uni.example.org>: Recipient address rejected",
                "550 5.1.1 <…>: Recipient address rejected",
            ),
            (
                "450 greylisted for ada@uni.example.org, see rfc822;Ada@uni.example.org",
                "450 greylisted for …, see rfc822;…",
            ),
            (
                "250 2.0.0 Ok: queued as 4F1\r\nBcc: x",
                "250 2.0.0 Ok: queued as 4F1  Bcc: x",
            ),
        ] {
            assert_eq!(scrub(said), kept);
        }
        assert_eq!(scrub(&"é".repeat(9999)).chars().count(), 500);
    }
}
