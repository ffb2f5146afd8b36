//! Reading: the past as the plan needs it.

use super::{Ledger, LedgerError, RunOutcome};
use crate::{
    artefact::Digest,
    receipt::{DeliveryKey, DocumentVersion, Edition, EditionText, Frozen, History, Intent, MemberHash, Receipt},
    terms::{Fingerprint, Id, Lang, Moment},
    tlp::Cover,
};
use rusqlite::{OptionalExtension, Params, Row, params};
use std::{
    collections::{BTreeMap, HashSet},
    fmt::Display,
    str::FromStr,
};

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

/// Advisories and numbers.
type Revisions = HashSet<(Id, String)>;

const DELIVERY: &str = "SELECT advisory, revision, mail, member, list, lang, cover, message_id,
                               state, attempts, reply, possible_duplicate, at, first, run FROM delivery";

impl Ledger {
    /// All of it.
    pub fn history(&self) -> Result<History, LedgerError> {
        let deliveries = self.receipts(DELIVERY, [])?;
        let frozen = self.all("SELECT advisory, revision, digest, lines, at FROM frozen", [], |row| {
            let lines: Vec<u8> = row.get(3)?;
            let lines = lines.chunks_exact(8).map(|eight| u64::from_be_bytes(eight.try_into().expect("eight bytes"))).collect();
            Ok(((word(row, 0)?, row.get(1)?), Frozen { digest: Digest(row.get(2)?), lines, at: word(row, 4)? }))
        })?;
        let on_site = self.all("SELECT advisory, revision, digest FROM on_site", [], |row| {
            Ok((word(row, 0)?, (row.get(1)?, Digest(row.get(2)?))))
        })?;
        Ok(History {
            deliveries: deliveries.into_iter().map(|receipt| (receipt.intent.key.clone(), receipt)).collect(),
            frozen: frozen.into_iter().collect(),
            on_site: on_site.into_iter().collect(),
            editions: self.editions()?,
        })
    }

    /// What is out: revisions that were mailed or stood on the site, and the advisories that stand there.
    pub fn published(&self) -> Result<(Revisions, HashSet<Id>), LedgerError> {
        let revisions = self.all("SELECT advisory, revision FROM frozen", [], |row| Ok((word(row, 0)?, row.get(1)?)))?;
        let on_site = self.all("SELECT advisory FROM on_site", [], |row| word(row, 0))?;
        Ok((revisions.into_iter().collect(), on_site.into_iter().collect()))
    }

    /// The receipts of one advisory.
    pub fn receipts_of(&self, advisory: &Id) -> Result<Vec<Receipt>, LedgerError> {
        self.receipts(&format!("{DELIVERY} WHERE advisory = ?1"), [advisory.as_str()])
    }

    /// The delivery that the token of an envelope sender ([`Ledger::verp`]) stands for.
    pub fn receipt_for_verp(&self, verp: &str) -> Result<Option<Receipt>, LedgerError> {
        let of = |receipt: &Receipt| {
            let id = receipt.intent.message_id.trim_start_matches('<');
            self.verp(&receipt.intent.key.member, id.split('@').next().unwrap_or(id))
        };
        Ok(self.receipts(DELIVERY, [])?.into_iter().find(|receipt| of(receipt) == verp))
    }

    /// All versions of the RFC 2350 document, the newest last.
    pub fn editions(&self) -> Result<Vec<Edition>, LedgerError> {
        let mut editions = self.all("SELECT version, digest, date, clocks FROM document ORDER BY version", [], |row| {
            let version = DocumentVersion { version: row.get(0)?, digest: Digest(row.get(1)?), date: word(row, 2)? };
            Ok(Edition { version, clocks: row.get(3)?, texts: BTreeMap::new() })
        })?;
        let texts = self.all("SELECT version, lang, text, block, detached FROM document_text", [], |row| {
            let text = EditionText { text: row.get(2)?, block: row.get(3)?, detached: row.get(4)? };
            Ok((row.get::<_, u32>(0)?, word::<Lang>(row, 1)?, text))
        })?;
        for (version, lang, text) in texts {
            if let Some(edition) = editions.iter_mut().find(|edition| edition.version.version == version) {
                edition.texts.insert(lang, text);
            }
        }
        Ok(editions)
    }

    /// The armored signature that a key once made of a text.
    pub fn signature(&self, text: Digest, signer: &Fingerprint) -> Result<Option<String>, LedgerError> {
        let sql = "SELECT armor FROM signature WHERE text = ?1 AND fingerprint = ?2";
        let query = || {
            let mut statement = self.connection.prepare_cached(sql)?;
            statement.query_row(params![&text.0[..], signer.to_string()], |row| row.get(0)).optional()
        };
        query().map_err(|e| LedgerError::sqlite(&self.path, e))
    }

    /// The latest run, ended or not.
    pub fn last_run(&self) -> Result<Option<Run>, LedgerError> {
        let sql = "SELECT id, started, finished, outcome FROM run ORDER BY id DESC LIMIT 1";
        let rows = self.all(sql, [], |row| {
            let outcome: Option<String> = row.get(3)?;
            let outcome = outcome.and_then(|outcome| RunOutcome::ALL.into_iter().find(|known| known.as_str() == outcome));
            let finished = match outcome {
                Some(outcome) => Some((word(row, 2)?, outcome)),
                None => None,
            };
            Ok(Run { number: row.get(0)?, started: word(row, 1)?, finished })
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
            let cover = [Cover::Signed, Cover::Encrypted].into_iter().find(|known| known.as_str() == cover);
            let intent = Intent {
                key,
                list: row.get(4)?,
                lang: word(row, 5)?,
                cover: cover.ok_or_else(|| misfit(6, "not a cover"))?,
                message_id: row.get(7)?,
            };
            Ok(Receipt {
                intent,
                state: word(row, 8)?,
                attempts: row.get(9)?,
                reply: row.get(10)?,
                possible_duplicate: row.get(11)?,
                at: word(row, 12)?,
                first: match row.get_ref(13)? {
                    rusqlite::types::ValueRef::Null => None,
                    _ => Some(word(row, 13)?),
                },
                run: row.get(14)?,
            })
        })
    }

    fn all<T>(
        &self,
        sql: &str,
        values: impl Params,
        read: impl FnMut(&Row<'_>) -> Result<T, rusqlite::Error>,
    ) -> Result<Vec<T>, LedgerError> {
        let query = || self.connection.prepare_cached(sql)?.query_map(values, read)?.collect::<Result<Vec<T>, _>>();
        query().map_err(|e| match e {
            rusqlite::Error::FromSqlConversionFailure(..) | rusqlite::Error::InvalidColumnType(..) => {
                LedgerError::Corrupt { path: self.path.clone(), why: e.to_string() }
            }
            e => LedgerError::sqlite(&self.path, e),
        })
    }
}

/// A column's text as one of our words.
fn word<T: FromStr<Err: Display>>(row: &Row<'_>, column: usize) -> Result<T, rusqlite::Error> {
    row.get_ref(column)?.as_str()?.parse().map_err(|e: T::Err| misfit(column, &e.to_string()))
}

fn misfit(column: usize, why: &str) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, why.into())
}
