//! What is read: label and meaning, what changed, facts, the author's text, references, and the label again.

use super::{LetterError, LetterShop, file_name, mime::refuse_control};
use crate::{
    advisory::{Advisory, Revision, Status},
    markdown::{self, TextStyle, columns, is_rtl, ltr, wrap},
    tlp::Tlp,
};

/// Columns of a letter.
pub(super) const WIDTH: usize = 76;

/// Where the labels are explained.
const FIRST: &str = "https://www.first.org/tlp/";

pub(super) fn text(advisory: &Advisory, shop: &LetterShop<'_>) -> Result<String, LetterError> {
    let words = shop.words;
    let (lang, text) = advisory.text(shop.lang);
    if text
        .body
        .chars()
        .any(|c| c.is_control() && !matches!(c, '\n' | '\t'))
    {
        return Err(LetterError::Control("body"));
    }
    let mut page = Page::default();

    // TLP 2.0, usage in messaging: the label stands "directly prior to the information itself"; and "where needed,
    // also make sure to designate the end of the text to which the TLP label applies".
    page.line(advisory.tlp.label());
    match advisory.embargo.as_ref().filter(|until| shop.date < until) {
        // Until then the label does not say how far it may go; but RED stays narrower than any embargo.
        Some(until) => {
            let then = if advisory.tlp == Tlp::Red {
                words.meaning(Tlp::Red)
            } else {
                &words.embargo_meaning
            };
            page.paragraph(&format!(
                "{} {then}",
                words.embargo.replace("{until}", &until.to_string())
            ));
        }
        None => page.paragraph(words.meaning(advisory.tlp)),
    }
    page.line(FIRST);
    page.gap();
    page.heading(&text.title, '=');
    if lang != shop.lang {
        page.paragraph(&words.untranslated);
        page.gap();
    }

    let newest = advisory.revision();
    if advisory.status == Status::Withdrawn {
        page.frame(&words.withdrawn.to_uppercase());
        page.frame(&words.withdrawn_notice);
        page.frame(&newest.summary);
        page.gap();
    } else if advisory.is_revised() {
        for revision in news(&advisory.revisions, shop.missed) {
            page.frame(&format!(
                "{} ({} {}, {})",
                words.changed,
                words.revision,
                revision.number,
                revision.date.date()
            ));
            page.frame(&revision.summary);
        }
        page.gap();
    }

    let mut facts: Vec<(&str, String)> = vec![
        (&words.id, advisory.id.to_string()),
        (&words.revision, newest.number.clone()),
        (&words.published, advisory.date.to_string()),
    ];
    if advisory.is_revised() {
        facts.push((&words.updated, newest.date.to_string()));
    }
    let severity = words.severity(advisory.severity);
    match advisory.top_score() {
        Some(top) => {
            facts.push((
                &words.severity,
                format!(
                    "{severity} (CVSS {}: {:.1})",
                    top.cvss.version(),
                    top.cvss.score()
                ),
            ));
        }
        None if advisory.severity > crate::terms::Severity::None => {
            facts.push((&words.severity, severity.to_string()))
        }
        None => {}
    }
    if !advisory.cves.is_empty() {
        facts.push((
            &words.cves,
            advisory
                .cves
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(", "),
        ));
    }
    if let Some(address) = shop.page {
        facts.push((&words.on_the_web, address.to_string()));
    }
    page.facts(&facts);
    if !advisory.affected.is_empty() {
        page.gap();
        page.paragraph(&format!("{}:", words.affected));
        for one in &advisory.affected {
            let what = beside(
                &words.fixed_in,
                &format!("{} {} {}", one.vendor, one.product, one.versions),
            );
            let fixed = one
                .fixed
                .as_ref()
                .map(|fixed| format!(" ({} {})", words.fixed_in, beside(&words.fixed_in, fixed)));
            page.hanging(
                "  * ",
                "    ",
                &format!("{what}{}", fixed.unwrap_or_default()),
            );
        }
    }
    if !advisory.attachments.is_empty() {
        page.gap();
        page.paragraph(&format!("{}:", words.attachments));
        for one in &advisory.attachments {
            page.hanging(
                "  * ",
                "    ",
                &beside(&words.attachments, &file_name(&one.name)),
            );
        }
    }
    page.gap();

    let style = TextStyle {
        width: WIDTH,
        words: &words.markdown,
        site: shop.site,
        top: 2,
    };
    let written = markdown::text_as(&text.body, &style);
    page.text.push_str(&written.text);
    page.gap();

    let references = &advisory.references;
    if !references.is_empty() {
        page.heading(&words.references, '~');
        // The numbers go on where those of the text's own links end, so that each number means one address.
        let digits = (written.links + references.len()).to_string().len() + 2;
        for (number, reference) in (written.links + 1..).zip(references) {
            let indent = " ".repeat(digits + 1);
            page.hanging(
                &format!("{:>digits$} ", format!("[{number}]")),
                &indent,
                &reference.title,
            );
            page.line(&format!("{indent}{}", markdown::address(&reference.url)));
        }
        page.gap();
    }

    page.paragraph(&format!("{}:", words.questions));
    page.paragraph(shop.team.name.in_lang(shop.lang));
    let team = [
        Some(shop.team.email.as_str()),
        shop.team.phone.as_deref(),
        shop.team.website.as_deref(),
    ];
    page.paragraph(&team.into_iter().flatten().collect::<Vec<_>>().join(", "));
    page.gap();
    page.line(advisory.tlp.label());

    for line in page.text.lines() {
        refuse_control("body", &line.replace('\t', " "))?;
    }
    Ok(page.text)
}

/// A header field as it is shown, in lines that begin with a space but for the first.
pub(super) fn folded(field: &str) -> String {
    wrap(field, WIDTH, "", " ")
        .into_iter()
        .map(|line| line + "\n")
        .collect()
}

/// What its readers have not heard of yet: the newest revision, after those that they missed.
fn news<'a>(revisions: &'a [Revision], missed: &[&str]) -> impl Iterator<Item = &'a Revision> {
    let newest = revisions.last().map(|newest| newest.number.as_str());
    revisions
        .iter()
        .filter(move |one| newest == Some(&one.number) || missed.contains(&one.number.as_str()))
}

/// A value that stands behind a word: in its own order, where the word is read from right to left and it is not.
fn beside(word: &str, value: &str) -> String {
    if is_rtl(word) && !is_rtl(value) {
        ltr(value)
    } else {
        value.to_string()
    }
}

/// Lines, one after the other.
#[derive(Default)]
pub(super) struct Page {
    pub(super) text: String,
}

impl Page {
    pub(super) fn line(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    /// One empty line, never two.
    pub(super) fn gap(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with("\n\n") {
            self.text.push('\n');
        }
    }

    pub(super) fn paragraph(&mut self, text: &str) {
        self.hanging("", "", text);
    }

    fn hanging(&mut self, first: &str, rest: &str, text: &str) {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for line in wrap(&text, WIDTH, first, rest) {
            self.line(&line);
        }
    }

    /// Underlined as far as it goes, with an empty line below.
    fn heading(&mut self, text: &str, with: char) {
        let before = self.text.len();
        self.paragraph(text);
        let width = self.text[before..].lines().map(columns).max().unwrap_or(0);
        self.line(&with.to_string().repeat(width.min(WIDTH)));
        self.gap();
    }

    /// Something that nobody should overlook.
    pub(super) fn frame(&mut self, text: &str) {
        if !text.trim().is_empty() {
            self.hanging("| ", "| ", text);
        }
    }

    fn facts(&mut self, facts: &[(&str, String)]) {
        // A name beyond this (somebody's own words) does not push all values to the right.
        let widest = facts
            .iter()
            .map(|(name, _)| columns(name))
            .max()
            .unwrap_or(0)
            .min(WIDTH / 3);
        let indent = " ".repeat(widest + 2);
        for (name, value) in facts {
            let first = format!(
                "{name}:{}",
                " ".repeat((widest + 1).saturating_sub(columns(name)).max(1))
            );
            match columns(&first) > WIDTH / 2 {
                true => self.hanging("", &indent, &format!("{first}{}", beside(name, value))),
                false => self.hanging(&first, &indent, &beside(name, value)),
            }
        }
    }
}
