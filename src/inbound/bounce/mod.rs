//! What a mail server, or a program that answers for somebody, says about a mail of ours.
//!
//! Three tellers are asked in order: `report` reads what RFC 3464 and its kin lay down, `words` what servers write to
//! people, `away` answers of people who are not there and programs that want proof of a person. A mail in another mail
//! is never looked into for a verdict: who forwards a bounce reports none.

mod away;
mod lists;
mod report;
mod sender;
mod status;
mod words;

use super::Mail;
use crate::receipt::Verdict;

/// A letter did not reach one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounce {
    /// As the report gives it: often a mailbox behind the address that was written to, and not always an address.
    pub recipient: String,
    /// Whether it is for good.
    pub verdict: Verdict,
    /// The status code of RFC 3463, `5.1.1`.
    pub status: Option<String>,
    /// The reason in the server's words, on one line.
    pub words: String,
}

/// What a mail reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// It did not arrive; never empty.
    Bounces(Vec<Bounce>),
    /// It arrived, and its reader is away.
    Vacation,
    /// A program wants proof that a person wrote it.
    Challenge,
    /// It arrived, and its reader, or their provider, calls it unwanted (RFC 5965).
    Complaint,
    /// Nothing about delivery.
    None,
}

/// Tells what a mail reports.
///
/// It is what the mail says, not what is so: anybody can write a bounce. Only one that came to an address which nobody
/// else can know (VERP) may have an effect.
pub fn judge(mail: &Mail) -> Report {
    if let Some(bounces) = report::told(mail) {
        return if bounces.is_empty() {
            Report::None
        } else {
            Report::Bounces(bounces)
        };
    }
    if report::is_complaint(mail) {
        return Report::Complaint;
    }
    // Who is away may say so in the words of servers: that answers are delayed, to whom one could write.
    if away::announces(mail) {
        return Report::Vacation;
    }
    if let Some(bounces) = words::told(mail) {
        return Report::Bounces(bounces);
    }
    away::told(mail)
}

/// Without two for one recipient; the first that was told stays.
fn distinct(bounces: Vec<Bounce>) -> Vec<Bounce> {
    let mut seen = std::collections::HashSet::new();
    bounces
        .into_iter()
        .filter(|bounce| seen.insert(bounce.recipient.to_lowercase()))
        .take(MAX_BOUNCES)
        .collect()
}

/// More recipients are not told of one mail: each of our letters has one.
const MAX_BOUNCES: usize = 1_000;
/// Of a server's reason no more than this is kept.
const MAX_WORDS: usize = 300;

/// A reason on one line, not too long, with nothing in it that moves a cursor.
fn reason(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars()
        .filter(|c| !c.is_control())
        .take(MAX_WORDS)
        .collect()
}

#[cfg(test)]
mod tests;
