//! What the preview's own pages show: plain texts, as staff see them in `plan`. No template sees anything else.

use super::{Status, Trouble};
use serde::Serialize;

/// The list of all advisories, with what would become of each.
#[derive(Debug, Serialize)]
#[allow(missing_docs, reason = "what its template shows")]
pub struct Overview {
    pub team: String,
    pub as_of: String,
    pub count: String,
    pub drafts: String,
    pub notes: Vec<String>,
    /// The last line of `plan`.
    pub plan: String,
    pub plan_href: String,
    pub warnings: Option<Trouble>,
    pub groups: Vec<Group>,
    pub page: usize,
    pub pages: usize,
    pub newer: Option<String>,
    pub older: Option<String>,
}

/// Some of them.
#[derive(Debug, Serialize)]
#[allow(missing_docs, reason = "what its template shows")]
pub struct Group {
    pub title: String,
    pub rows: Vec<Row>,
}

/// One of them.
#[derive(Debug, Serialize)]
#[allow(missing_docs, reason = "what its template shows")]
pub struct Row {
    pub id: String,
    pub title: String,
    pub path: String,
    pub tlp: &'static str,
    pub tlp_slug: &'static str,
    pub severity: &'static str,
    pub revision: String,
    pub date: String,
    pub audience: String,
    pub states: Vec<State>,
    pub does: Vec<String>,
    pub page: Option<String>,
    pub letters: Vec<Link>,
}

/// How far an advisory is.
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs, reason = "what its template shows")]
pub struct State {
    pub slug: &'static str,
    pub word: String,
}

/// To one of an advisory's letters.
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs, reason = "what its template shows")]
pub struct Link {
    pub href: String,
    pub name: String,
    pub detail: String,
    pub current: bool,
}

/// One letter, or why there is none.
#[derive(Debug, Default, Serialize)]
#[allow(missing_docs, reason = "what its template shows")]
pub struct LetterPage {
    pub id: String,
    pub title: String,
    pub tlp: &'static str,
    pub tlp_slug: &'static str,
    #[serde(skip)]
    pub mark: Option<String>,
    pub heading: String,
    pub letters: Vec<Link>,
    pub page: Option<String>,
    pub cover: &'static str,
    pub encrypted: bool,
    pub goes_to: String,
    pub not_now: Option<String>,
    pub held: Vec<HeldRow>,
    pub error: Option<String>,
    pub outer: Vec<HeadField>,
    pub inner: Vec<HeadField>,
    pub lang: String,
    pub text: String,
    pub attached: Vec<FileRow>,
    pub notices: Vec<NoticeView>,
}

/// Who cannot get it.
#[derive(Debug, Serialize)]
#[allow(missing_docs, reason = "what its template shows")]
pub struct HeldRow {
    pub who: String,
    pub why: String,
    pub mend: String,
}

/// A line of a header.
#[derive(Debug, Serialize)]
#[allow(missing_docs, reason = "what its template shows")]
pub struct HeadField {
    pub name: &'static str,
    pub value: String,
}

/// A file that goes along.
#[derive(Debug, Serialize)]
#[allow(missing_docs, reason = "what its template shows")]
pub struct FileRow {
    pub name: String,
    pub media_type: &'static str,
    pub size: usize,
}

/// What who is held gets meanwhile.
#[derive(Debug, Serialize)]
#[allow(missing_docs, reason = "what its template shows")]
pub struct NoticeView {
    pub lang: String,
    pub head: Vec<HeadField>,
    pub text: String,
}

/// A few words instead of a page.
#[derive(Debug, Serialize)]
pub struct Word {
    /// Whether it says that something is missing, or broken.
    #[serde(skip)]
    pub status: Status,
    /// One line.
    pub heading: String,
    /// As on a terminal.
    pub text: String,
}
