//! What a mail server, or a program that answers for somebody, says about a mail of ours.

use super::Mail;

/// A letter did not reach one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounce {
    /// As the report gives it: often a mailbox behind the address that was written to, and not always an address.
    pub recipient: String,
    /// Whether it is for good.
    pub verdict: Severity,
    /// The status code of RFC 3463, `5.1.1`.
    pub status: Option<String>,
    /// The reason in the server's words, on one line.
    pub words: String,
}

/// Whether trying again makes sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// Not before somebody mends something.
    Hard,
    /// Delayed, or refused for now.
    Soft,
}

impl Severity {
    /// `hard` or `soft`.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Hard => "hard",
            Severity::Soft => "soft",
        }
    }
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
    /// Nothing about delivery.
    None,
}

/// Tells what a mail reports.
pub fn judge(mail: &Mail) -> Report {
    let _ = mail;
    Report::None
}
