//! What happened, as data: [`Intent`] before, [`Receipt`] after, [`History`] of both.
//!
//! These are the words in which `plan` and `publish` speak with the ledger. Nothing is stored here.

use crate::{
    artefact::Digest,
    terms::{Id, Lang, Moment},
    tlp::Cover,
};
use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    str::FromStr,
};

/// A recipient's address as a keyed hash: the ledger's way of knowing a member without naming one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MemberHash(pub [u8; 16]);

impl MemberHash {
    /// In 32 hexadecimal digits.
    pub fn hex(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// What kind of mail a delivery is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Mail {
    /// The advisory itself.
    Letter,
    /// The signed word, without content, that something is held.
    Notice,
    /// The signed word that the member's certificate ends soon; its advisory is `certificate.DATE`, its revision how
    /// many days before.
    Reminder,
    /// The signed word to a member's colleagues that mail to the member comes back, and that nothing is sent there any
    /// more; its advisory is `suspended.DATE`, its revision the hash of the member.
    Suspension,
}

/// What one delivery is about; no two deliveries of this ledger have the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeliveryKey {
    /// The advisory.
    pub advisory: Id,
    /// Its revision's number, as written.
    pub revision: String,
    /// What kind of mail.
    pub mail: Mail,
    /// To whom.
    pub member: MemberHash,
}

/// What is about to be done for one recipient; durable before the first byte leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intent {
    /// What it is about.
    pub key: DeliveryKey,
    /// The list, or `person` for a contact named in the audience.
    pub list: String,
    /// The letter's language.
    pub lang: Lang,
    /// Signed or encrypted.
    pub cover: Cover,
    /// The same for the same advisory, revision, list and language, at every try.
    pub message_id: String,
}

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Written down, not begun.
    Intended,
    /// Handed to the transport; the answer is not known (or not yet).
    Sending,
    /// The server, or the outbox, took it.
    Accepted,
    /// The server said: later (4xx), or could not be reached.
    Deferred,
    /// The server said: never (5xx); or took it, and then it came back for good.
    Failed,
}

/// How a try ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Taken; the server's words.
    Accepted(String),
    /// Not now; the server's words or the network's.
    Deferred(String),
    /// Never; the server's words.
    Failed(String),
    /// The whole message was handed over and no answer came: it may have arrived, or not.
    Unknown(String),
}

impl Outcome {
    /// The server's words, or the network's.
    pub fn words(&self) -> &str {
        match self {
            Outcome::Accepted(words)
            | Outcome::Deferred(words)
            | Outcome::Failed(words)
            | Outcome::Unknown(words) => words,
        }
    }

    /// The word for reports: `accepted`, `deferred`, `failed`, `unknown`.
    pub fn kind(&self) -> &'static str {
        match self {
            Outcome::Accepted(_) => "accepted",
            Outcome::Deferred(_) => "deferred",
            Outcome::Failed(_) => "failed",
            Outcome::Unknown(_) => "unknown",
        }
    }
}

/// One delivery as the ledger knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// What was meant.
    pub intent: Intent,
    /// Where it stands.
    pub state: State,
    /// How often it was tried.
    pub attempts: u32,
    /// The last words of the server.
    pub reply: String,
    /// An earlier try broke off between the end of data and the answer, so it may have arrived twice.
    pub possible_duplicate: bool,
    /// Of the last change.
    pub at: Moment,
    /// Of the first try; `None` if it was never tried, or by an `advise` that did not write it down.
    pub first: Option<Moment>,
    /// The run of `publish` that tried it last.
    pub run: Option<i64>,
    /// What came back of the last try.
    pub bounce: Option<Bounce>,
}

impl Receipt {
    /// Whether the recipient may have it, whatever became of a later try.
    pub fn may_have_arrived(&self) -> bool {
        matches!(self.state, State::Accepted | State::Sending) || self.possible_duplicate
    }
}

/// Whether a letter that came back might get through another time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verdict {
    /// Perhaps: the mailbox is full, a server cannot be reached.
    Soft,
    /// No: there is no such mailbox.
    Hard,
}

/// A mail that came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounce {
    /// For now, or for good.
    pub verdict: Verdict,
    /// RFC 3463: `5.1.1`; empty if it was not given.
    pub status: String,
    /// What the server said, without addresses.
    pub words: String,
    /// When the mail had been handed over, by our own clock.
    pub sent: Moment,
    /// When it was read here that it came back.
    pub at: Moment,
    /// Whether it still speaks against the address: not after staff have resumed it.
    pub counts: bool,
}

impl Bounce {
    /// Status and words, neither of them twice.
    pub fn said(&self) -> String {
        match (self.words.is_empty(), self.words.contains(&self.status)) {
            (true, _) => self.status.clone(),
            (false, true) => self.words.clone(),
            (false, false) => format!("{} {}", self.status, self.words),
        }
    }
}

/// What was published of one revision, frozen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frozen {
    /// Of the whole source: front matter, text, translations, attachments.
    pub digest: Digest,
    /// When it was first published.
    pub at: Moment,
}

/// One version of the RFC 2350 document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentVersion {
    /// Counts from 1.
    pub version: u32,
    /// Of its content, without version and date.
    pub digest: Digest,
    /// Date of last update.
    pub date: Moment,
}

/// A version of the RFC 2350 document as it was published: all of it is for everybody, and stays so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edition {
    /// Number, content and date.
    pub version: DocumentVersion,
    /// What it says of the team's clocks, in English; empty where an older `advise` did not write that down.
    pub clocks: String,
    /// Its signed texts; none of a version of which only the number is known.
    pub texts: BTreeMap<Lang, EditionText>,
}

impl Edition {
    /// Whether it was published by an older `advise`, or before this ledger began: whom it was announced to is not known,
    /// so it is announced to nobody.
    pub fn is_taken_over(&self) -> bool {
        self.clocks.is_empty()
    }
}

/// A version of the RFC 2350 document in one language, with the signatures that it was published with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EditionText {
    /// Without anything around it.
    pub text: String,
    /// The armored block that makes it a clear-signed text.
    pub block: String,
    /// The armored detached signature of that clear-signed text.
    pub detached: String,
}

/// All that the plan needs to know of the past.
#[derive(Debug, Clone, Default)]
pub struct History {
    /// By what they are about.
    pub deliveries: HashMap<DeliveryKey, Receipt>,
    /// By advisory and revision number.
    pub frozen: HashMap<(Id, String), Frozen>,
    /// What stands on the site: advisory → (revision, digest of what was published).
    pub on_site: HashMap<Id, (String, Digest)>,
    /// Of the RFC 2350 document, the newest last.
    pub editions: Vec<Edition>,
    /// What speaks against addresses.
    pub returns: Returns,
    /// Who joined, or changed the key, by mail, and has not shown yet that they can read what is encrypted to them;
    /// since when they are asked.
    pub unproven: HashMap<MemberHash, Moment>,
}

/// What came back, address by address.
#[derive(Debug, Clone, Default)]
pub struct Returns {
    /// What counts.
    pub bounces: HashMap<MemberHash, Vec<Bounce>>,
    /// Which list's letters are kept from whom because of it, and since when.
    pub suspensions: HashMap<MemberHash, BTreeMap<String, Moment>>,
}

impl History {
    /// Whether nothing was ever published.
    pub fn is_empty(&self) -> bool {
        self.deliveries.is_empty()
            && self.frozen.is_empty()
            && self.on_site.is_empty()
            && self.editions.is_empty()
    }

    /// The newest version of the RFC 2350 document.
    pub fn document(&self) -> Option<&DocumentVersion> {
        self.editions.last().map(|edition| &edition.version)
    }
}

macro_rules! words {
    ($type:ident { $($variant:ident = $word:literal),* }) => {
        impl $type {
            /// The word, as in the ledger and in JSON.
            pub fn as_str(self) -> &'static str {
                match self { $($type::$variant => $word),* }
            }
        }

        impl FromStr for $type {
            type Err = crate::terms::Wrong;

            fn from_str(text: &str) -> Result<$type, Self::Err> {
                match text {
                    $($word => Ok($type::$variant),)*
                    _ => Err(crate::terms::Wrong::new(format!("`{text}` is not a word of the ledger"))),
                }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words!(Mail { Letter = "letter", Notice = "notice", Reminder = "reminder", Suspension = "suspension" });
words!(Verdict { Soft = "soft", Hard = "hard" });
words!(State { Intended = "intended", Sending = "sending", Accepted = "accepted", Deferred = "deferred", Failed = "failed" });
