//! Reading: the past as the plan needs it.

use super::{Ledger, LedgerError, RunOutcome};
use crate::{
    artefact::Digest,
    receipt::{
        Bounce, DeliveryKey, DocumentVersion, Edition, EditionText, Frozen, History, Intent,
        MemberHash, Receipt, Returns, State, Verdict,
    },
    terms::{Fingerprint, Id, Lang, Moment},
    tlp::Cover,
};
use rusqlite::{OptionalExtension, Params, Row, params};
use std::{collections::BTreeMap, fmt::Display, str::FromStr};

/// One run of `publish`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Counts up.
    pub number: i64,
    /// When it began.
    pub started: Moment,
    /// When and how it ended; `None` if it broke off, or still runs.
    pub finished: Option<(Moment, RunOutcome)>,
}

/// With what came back of the last try.
const DELIVERY: &str = "SELECT delivery.advisory, delivery.revision, delivery.mail, delivery.member, list, lang, cover,
        message_id, state, attempts, reply, possible_duplicate, delivery.at, first, run,
        verdict, status, words, sent, bounce.at, counts
    FROM delivery LEFT JOIN bounce ON bounce.advisory = delivery.advisory AND bounce.revision = delivery.revision
        AND bounce.mail = delivery.mail AND bounce.member = delivery.member AND bounce.try = delivery.attempts";

impl Ledger {
    /// All of it, but for the lines of what was published ([`Ledger::frozen_lines`]).
    pub fn history(&self) -> Result<History, LedgerError> {
        let deliveries = self.receipts(DELIVERY, [])?;
        let frozen = self.all(
            "SELECT advisory, revision, digest, at FROM frozen",
            [],
            |row| {
                Ok((
                    (word(row, 0)?, row.get(1)?),
                    Frozen {
                        digest: Digest(row.get(2)?),
                        at: word(row, 3)?,
                    },
                ))
            },
        )?;
        let on_site = self.all(
            "SELECT advisory, revision, digest FROM on_site",
            [],
            |row| Ok((word(row, 0)?, (row.get(1)?, Digest(row.get(2)?)))),
        )?;
        Ok(History {
            deliveries: deliveries
                .into_iter()
                .map(|receipt| (receipt.intent.key.clone(), receipt))
                .collect(),
            frozen: frozen.into_iter().collect(),
            on_site: on_site.into_iter().collect(),
            editions: self.editions()?,
            unproven: self.unproven()?,
            returns: self.returns()?,
        })
    }

    /// The keyed hashes of a published revision's lines ([`Ledger::line_hash`]), in their order; none if it was not published.
    pub fn frozen_lines(&self, advisory: &Id, revision: &str) -> Result<Vec<u64>, LedgerError> {
        let sql = "SELECT lines FROM frozen WHERE advisory = ?1 AND revision = ?2";
        let lines = self
            .all(sql, [advisory.as_str(), revision], |row| {
                row.get::<_, Vec<u8>>(0)
            })?
            .concat();
        Ok(lines
            .chunks_exact(8)
            .map(|eight| u64::from_be_bytes(eight.try_into().expect("eight bytes")))
            .collect())
    }

    /// What came back and counts, and who is suspended because of it.
    pub fn returns(&self) -> Result<Returns, LedgerError> {
        let bounces = self.all(
            "SELECT verdict, status, words, sent, at, counts, member FROM bounce WHERE counts",
            [],
            |row| Ok((MemberHash(row.get(6)?), bounce(row, 0)?)),
        )?;
        let suspensions = self.all("SELECT member, list, since FROM suspension", [], |row| {
            Ok((
                MemberHash(row.get(0)?),
                row.get::<_, String>(1)?,
                word::<Moment>(row, 2)?,
            ))
        })?;
        let mut returns = Returns::default();
        for (member, bounce) in bounces {
            returns.bounces.entry(member).or_default().push(bounce);
        }
        for (member, list, since) in suspensions {
            returns
                .suspensions
                .entry(member)
                .or_default()
                .insert(list, since);
        }
        Ok(returns)
    }

    /// A number that changes when another connection writes to the ledger: what was read since is as it was.
    pub fn version(&self) -> Result<i64, LedgerError> {
        // https://www.sqlite.org/pragma.html#pragma_data_version
        let query = self
            .connection
            .query_row("PRAGMA data_version", [], |row| row.get(0));
        query.map_err(|e| LedgerError::sqlite(&self.path, e))
    }

    /// The receipts of one advisory.
    pub fn receipts_of(&self, advisory: &Id) -> Result<Vec<Receipt>, LedgerError> {
        self.receipts(
            &format!("{DELIVERY} WHERE delivery.advisory = ?1"),
            [advisory.as_str()],
        )
    }

    /// The receipt of one delivery.
    pub fn receipt(&self, key: &DeliveryKey) -> Result<Option<Receipt>, LedgerError> {
        let DeliveryKey {
            advisory,
            revision,
            mail,
            member,
        } = key;
        let sql = format!(
            "{DELIVERY} WHERE delivery.advisory = ?1 AND delivery.revision = ?2 AND delivery.mail = ?3 AND delivery.member = ?4"
        );
        let receipts = self.receipts(
            &sql,
            params![advisory.as_str(), revision, mail.as_str(), &member.0[..]],
        )?;
        Ok(receipts.into_iter().next())
    }

    /// What the token of an envelope sender ([`Ledger::envelope`]) stands for: several deliveries if one notice was sent
    /// for several held letters, and none if nobody here made the token.
    pub fn receipts_for_token(&self, token: &str) -> Result<Vec<Receipt>, LedgerError> {
        // RFC 5321, 2.4: a local part keeps its capitals; but there are servers that change them.
        self.receipts(
            &format!("{DELIVERY} WHERE token = ?1"),
            [token.to_ascii_lowercase()],
        )
    }

    /// All versions of the RFC 2350 document, the newest last.
    pub fn editions(&self) -> Result<Vec<Edition>, LedgerError> {
        let mut editions = self.all(
            "SELECT version, digest, date, clocks FROM document ORDER BY version",
            [],
            |row| {
                let version = DocumentVersion {
                    version: row.get(0)?,
                    digest: Digest(row.get(1)?),
                    date: word(row, 2)?,
                };
                Ok(Edition {
                    version,
                    clocks: row.get(3)?,
                    texts: BTreeMap::new(),
                })
            },
        )?;
        let texts = self.all(
            "SELECT version, lang, text, block, detached FROM document_text",
            [],
            |row| {
                let text = EditionText {
                    text: row.get(2)?,
                    block: row.get(3)?,
                    detached: row.get(4)?,
                };
                Ok((row.get::<_, u32>(0)?, word::<Lang>(row, 1)?, text))
            },
        )?;
        for (version, lang, text) in texts {
            if let Some(edition) = editions
                .iter_mut()
                .find(|edition| edition.version.version == version)
            {
                edition.texts.insert(lang, text);
            }
        }
        Ok(editions)
    }

    /// The armored signature that a key once made of a text.
    pub fn signature(
        &self,
        text: Digest,
        signer: &Fingerprint,
    ) -> Result<Option<String>, LedgerError> {
        let sql = "SELECT armor FROM signature WHERE text = ?1 AND fingerprint = ?2";
        let query = || {
            let mut statement = self.connection.prepare_cached(sql)?;
            statement
                .query_row(params![&text.0[..], signer.to_string()], |row| row.get(0))
                .optional()
        };
        query().map_err(|e| LedgerError::sqlite(&self.path, e))
    }

    /// The latest run, ended or not.
    pub fn last_run(&self) -> Result<Option<Run>, LedgerError> {
        let sql = "SELECT id, started, finished, outcome FROM run ORDER BY id DESC LIMIT 1";
        let rows = self.all(sql, [], |row| {
            let outcome: Option<String> = row.get(3)?;
            let outcome = outcome.and_then(|outcome| {
                RunOutcome::ALL
                    .into_iter()
                    .find(|known| known.as_str() == outcome)
            });
            let finished = match outcome {
                Some(outcome) => Some((word(row, 2)?, outcome)),
                None => None,
            };
            Ok(Run {
                number: row.get(0)?,
                started: word(row, 1)?,
                finished,
            })
        })?;
        Ok(rows.into_iter().next())
    }

    fn receipts(&self, sql: &str, values: impl Params) -> Result<Vec<Receipt>, LedgerError> {
        self.all(sql, values, |row| {
            let key = DeliveryKey {
                advisory: word(row, 0)?,
                revision: row.get(1)?,
                mail: word(row, 2)?,
                member: MemberHash(row.get(3)?),
            };
            let cover: String = row.get(6)?;
            let cover = [Cover::Signed, Cover::Encrypted]
                .into_iter()
                .find(|known| known.as_str() == cover);
            let intent = Intent {
                key,
                list: row.get(4)?,
                lang: word(row, 5)?,
                cover: cover.ok_or_else(|| misfit(6, "not a cover"))?,
                message_id: row.get(7)?,
            };
            let bounce = match row.get_ref(15)? {
                rusqlite::types::ValueRef::Null => None,
                _ => Some(bounce(row, 15)?),
            };
            let state = match (word(row, 8)?, &bounce) {
                (
                    State::Accepted,
                    Some(Bounce {
                        verdict: Verdict::Hard,
                        ..
                    }),
                ) => State::Failed,
                (state, _) => state,
            };
            Ok(Receipt {
                intent,
                state,
                attempts: row.get(9)?,
                reply: row.get(10)?,
                possible_duplicate: row.get(11)?,
                at: word(row, 12)?,
                first: match row.get_ref(13)? {
                    rusqlite::types::ValueRef::Null => None,
                    _ => Some(word(row, 13)?),
                },
                run: row.get(14)?,
                bounce,
            })
        })
    }

    pub(super) fn all<T>(
        &self,
        sql: &str,
        values: impl Params,
        read: impl FnMut(&Row<'_>) -> Result<T, rusqlite::Error>,
    ) -> Result<Vec<T>, LedgerError> {
        let query = || {
            self.connection
                .prepare_cached(sql)?
                .query_map(values, read)?
                .collect::<Result<Vec<T>, _>>()
        };
        query().map_err(|e| match e {
            rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::InvalidColumnType(..) => LedgerError::Corrupt {
                path: self.path.clone(),
                why: e.to_string(),
            },
            e => LedgerError::sqlite(&self.path, e),
        })
    }
}

/// Six columns: verdict, status, words, sent, at, counts.
fn bounce(row: &Row<'_>, first: usize) -> Result<Bounce, rusqlite::Error> {
    Ok(Bounce {
        verdict: word(row, first)?,
        status: row.get(first + 1)?,
        words: row.get(first + 2)?,
        sent: word(row, first + 3)?,
        at: word(row, first + 4)?,
        counts: row.get(first + 5)?,
    })
}

/// A column's text as one of our words.
pub(super) fn word<T: FromStr<Err: Display>>(
    row: &Row<'_>,
    column: usize,
) -> Result<T, rusqlite::Error> {
    row.get_ref(column)?
        .as_str()?
        .parse()
        .map_err(|e: T::Err| misfit(column, &e.to_string()))
}

fn misfit(column: usize, why: &str) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, why.into())
}
