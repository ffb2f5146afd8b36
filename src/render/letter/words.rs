//! The phrases around an advisory in a letter, in one language; they stand in `templates/words/`.

use crate::{
    diag::Findings,
    markdown,
    render::words::Words,
    terms::{Lang, Severity},
    tlp::Tlp,
};

/// All phrases of a letter. A phrase has no line breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LetterWords {
    /// What TLP:CLEAR means, in one sentence.
    pub tlp_clear: String,
    /// What TLP:GREEN means.
    pub tlp_green: String,
    /// What TLP:AMBER means.
    pub tlp_amber: String,
    /// What TLP:AMBER+STRICT means.
    pub tlp_amber_strict: String,
    /// What TLP:RED means.
    pub tlp_red: String,
    /// `None`, with a capital, as the five words are used in a subject.
    pub severity_none: String,
    /// `Low`
    pub severity_low: String,
    /// `Medium`
    pub severity_medium: String,
    /// `High`
    pub severity_high: String,
    /// `Critical`
    pub severity_critical: String,
    /// The word in the subject of what was withdrawn: `Withdrawn`.
    pub withdrawn: String,
    /// The sentence at the top of what was withdrawn.
    pub withdrawn_notice: String,
    /// Above a text in another language than its reader's.
    pub untranslated: String,
    /// Before the summary of the newest revision: `What changed`.
    pub changed: String,
    /// Below the label before the end of an embargo; `{until}` is its moment.
    pub embargo: String,
    /// After it, instead of the label's meaning: no wider than any label that a list carries.
    pub embargo_meaning: String,
    /// The word in the subject before the end of an embargo: `EMBARGO`.
    pub embargo_mark: String,
    /// `Identifier`
    pub id: String,
    /// `Revision`
    pub revision: String,
    /// `Published`
    pub published: String,
    /// `Updated`
    pub updated: String,
    /// `Severity`
    pub severity: String,
    /// `CVE`
    pub cves: String,
    /// `Affected`
    pub affected: String,
    /// Before the version that mends it: `fixed in`.
    pub fixed_in: String,
    /// Before the address of the public page: `On the web`.
    pub on_the_web: String,
    /// Above the names of the files that go along: `Attachments`.
    pub attachments: String,
    /// Above the references: `References`.
    pub references: String,
    /// Before the team's addresses: `Questions and reports`.
    pub questions: String,
    /// Of the Markdown.
    pub markdown: markdown::Words,
}

impl LetterWords {
    /// The phrases of a language, of the words of site and letters; what it lacks is in English there.
    pub fn of(words: &Words) -> LetterWords {
        let word = |key: &str| words.get(key).to_string();
        LetterWords {
            tlp_clear: word("tlp_clear"),
            tlp_green: word("tlp_green"),
            tlp_amber: word("tlp_amber"),
            tlp_amber_strict: word("tlp_amber_strict"),
            tlp_red: word("tlp_red"),
            severity_none: word("severity_none"),
            severity_low: word("severity_low"),
            severity_medium: word("severity_medium"),
            severity_high: word("severity_high"),
            severity_critical: word("severity_critical"),
            withdrawn: word("letter_withdrawn"),
            withdrawn_notice: word("letter_withdrawn_notice"),
            untranslated: word("untranslated"),
            changed: word("letter_changed"),
            embargo: word("letter_embargo"),
            embargo_meaning: word("letter_embargo_meaning"),
            embargo_mark: word("letter_embargo_mark"),
            id: word("letter_id"),
            revision: word("letter_revision"),
            published: word("text_published"),
            updated: word("text_updated"),
            severity: word("severity"),
            cves: "CVE".into(),
            affected: word("text_affected"),
            fixed_in: word("letter_fixed_in"),
            on_the_web: word("letter_on_the_web"),
            attachments: word("attachments"),
            references: word("references"),
            questions: word("letter_questions"),
            markdown: words.marks(),
        }
    }

    /// In English, as built in.
    pub fn english() -> LetterWords {
        LetterWords::of(&Words::read(&Lang::english(), &[], &mut Findings::new()))
    }

    /// What a label means.
    pub fn meaning(&self, tlp: Tlp) -> &str {
        match tlp {
            Tlp::Clear => &self.tlp_clear,
            Tlp::Green => &self.tlp_green,
            Tlp::Amber => &self.tlp_amber,
            Tlp::AmberStrict => &self.tlp_amber_strict,
            Tlp::Red => &self.tlp_red,
        }
    }

    /// The word for a severity.
    pub fn severity(&self, severity: Severity) -> &str {
        match severity {
            Severity::None => &self.severity_none,
            Severity::Low => &self.severity_low,
            Severity::Medium => &self.severity_medium,
            Severity::High => &self.severity_high,
            Severity::Critical => &self.severity_critical,
        }
    }
}

impl Default for LetterWords {
    fn default() -> LetterWords {
        LetterWords::english()
    }
}

/// The phrases of a [`super::Notice`]. `{team}` and `{address}` stand for the team's name and for the address
/// that takes certificates, `{date}` for the day on which a certificate ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoticeWords {
    /// The subject: `{team}: something is waiting for you`.
    pub subject: String,
    /// What happened, or will.
    pub waiting: String,
    /// What to do about it.
    pub mend: String,
    /// What else could be done, after the commands; empty in a notice of held mail.
    pub instead: String,
    /// How to be sure that this notice is no trap.
    pub check: String,
}

impl NoticeWords {
    /// That something is held, in the language of the words.
    pub fn held(words: &Words) -> NoticeWords {
        let word = |key: &str| words.get(key).to_string();
        NoticeWords {
            subject: word("notice_subject"),
            waiting: word("notice_waiting"),
            mend: word("notice_mend"),
            instead: String::new(),
            check: word("notice_check"),
        }
    }

    /// That a certificate ends soon, in the language of the words.
    pub fn expiring(words: &Words) -> NoticeWords {
        let word = |key: &str| words.get(key).to_string();
        NoticeWords {
            subject: word("reminder_subject"),
            waiting: word("reminder_ends"),
            mend: word("reminder_mend"),
            instead: word("reminder_instead"),
            check: word("notice_check"),
        }
    }

    /// That mail to a colleague comes back, in the language of the words.
    pub fn suspended(words: &Words) -> NoticeWords {
        let word = |key: &str| words.get(key).to_string();
        NoticeWords {
            subject: word("suspended_subject"),
            waiting: word("suspended_mailbox"),
            mend: word("suspended_mend"),
            instead: String::new(),
            check: word("notice_check"),
        }
    }
}
