//! The phrases around an advisory in a letter, in one language. English is built in.

use crate::{markdown, terms::Severity, tlp::Tlp};

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
    /// Before the summary of the newest revision: `What changed`.
    pub changed: String,
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
    /// Above the references: `References`.
    pub references: String,
    /// Before the team's addresses: `Questions and reports`.
    pub questions: String,
    /// Of the Markdown.
    pub markdown: markdown::Words,
}

impl LetterWords {
    /// In English; the meanings of the labels are the short ones of FIRST's TLP 2.0.
    pub fn english() -> LetterWords {
        LetterWords {
            tlp_clear: "Recipients can spread this to the world, there is no limit on disclosure.".into(),
            tlp_green: "Limited disclosure, recipients can spread this within their community.".into(),
            tlp_amber: "Limited disclosure, recipients can only spread this on a need-to-know basis within their \
                        organization and its clients."
                .into(),
            tlp_amber_strict: "Limited disclosure, recipients can only spread this on a need-to-know basis within \
                               their organization."
                .into(),
            tlp_red: "For the eyes and ears of individual recipients only, no further disclosure.".into(),
            severity_none: "None".into(),
            severity_low: "Low".into(),
            severity_medium: "Medium".into(),
            severity_high: "High".into(),
            severity_critical: "Critical".into(),
            withdrawn: "Withdrawn".into(),
            withdrawn_notice: "This has been withdrawn. What it said does not hold any more.".into(),
            changed: "What changed".into(),
            id: "Identifier".into(),
            revision: "Revision".into(),
            published: "Published".into(),
            updated: "Updated".into(),
            severity: "Severity".into(),
            cves: "CVE".into(),
            affected: "Affected".into(),
            fixed_in: "fixed in".into(),
            on_the_web: "On the web".into(),
            references: "References".into(),
            questions: "Questions and reports".into(),
            markdown: markdown::Words::english(),
        }
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
/// that takes certificates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoticeWords {
    /// The subject: `{team}: something is waiting for you`.
    pub subject: String,
    /// What happened.
    pub waiting: String,
    /// What to do about it.
    pub mend: String,
    /// How to be sure that this notice is no trap.
    pub check: String,
}

impl NoticeWords {
    /// In English.
    pub fn english() -> NoticeWords {
        NoticeWords {
            subject: "{team}: something is waiting for you".into(),
            waiting: "{team} has something for you that may travel encrypted only, and there is no usable OpenPGP \
                      certificate of yours here: it is missing, expired, revoked, or cannot encrypt. Nothing is lost. \
                      What is waiting is sent as soon as this is mended."
                .into(),
            mend: "Please send your current certificate (the public key, as an .asc file), with this mail address in \
                   one of its User IDs, to {address}."
                .into(),
            check: "This notice is signed, asks for nothing secret, and has no link. If you doubt it, call us at the \
                    number that you know."
                .into(),
        }
    }
}

impl Default for NoticeWords {
    fn default() -> NoticeWords {
        NoticeWords::english()
    }
}
