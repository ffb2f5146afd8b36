//! What is read: label and meaning, what changed, facts, the author's text, references, and the label again.

use super::{LetterError, LetterShop, mime::refuse_control};
use crate::{
    advisory::{Advisory, Status},
    markdown::{self, TextStyle, wrap},
};
use unicode_width::UnicodeWidthStr as _;

/// Columns of a letter.
pub(super) const WIDTH: usize = 76;

/// Where the labels are explained.
const FIRST: &str = "https://www.first.org/tlp/";

pub(super) fn text(advisory: &Advisory, shop: &LetterShop<'_>) -> Result<String, LetterError> {
    let words = shop.words;
    let (_, text) = advisory.text(shop.lang);
    if text.body.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t')) {
        return Err(LetterError::Control("body"));
    }
    let mut page = Page::default();

    // TLP 2.0, usage in messaging: the label stands "directly prior to the information itself"; and "where needed,
    // also make sure to designate the end of the text to which the TLP label applies".
    page.line(advisory.tlp.label());
    match advisory.embargo.as_ref().filter(|until| shop.date < until) {
        // Until then the label does not say how far it may go.
        Some(until) => page.paragraph(&words.embargo.replace("{until}", &until.to_string())),
        None => page.paragraph(words.meaning(advisory.tlp)),
    }
    page.line(FIRST);
    page.gap();
    page.paragraph(&text.title);
    page.underline('=');
    page.gap();

    let newest = advisory.revision();
    if advisory.status == Status::Withdrawn {
        page.frame(&words.withdrawn.to_uppercase(), &[&words.withdrawn_notice, &newest.summary]);
    } else if advisory.is_revised() {
        page.frame(
            &format!("{} ({} {}, {})", words.changed, words.revision, newest.number, newest.date.date()),
            &[&newest.summary],
        );
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
            facts.push((&words.severity, format!("{severity} (CVSS {}: {:.1})", top.cvss.version(), top.cvss.score())));
        }
        None if advisory.severity > crate::terms::Severity::None => facts.push((&words.severity, severity.to_string())),
        None => {}
    }
    if !advisory.cves.is_empty() {
        facts.push((&words.cves, advisory.cves.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")));
    }
    if let Some(address) = shop.page {
        facts.push((&words.on_the_web, address.to_string()));
    }
    page.facts(&facts);
    if !advisory.affected.is_empty() {
        page.gap();
        page.line(&format!("{}:", words.affected));
        for one in &advisory.affected {
            let fixed = one.fixed.as_ref().map(|fixed| format!(" ({} {fixed})", words.fixed_in)).unwrap_or_default();
            page.hanging("  * ", "    ", &format!("{} {} {}{fixed}", one.vendor, one.product, one.versions));
        }
    }
    page.gap();

    let style = TextStyle { width: WIDTH, words: &words.markdown, site: shop.site, top: 2 };
    let written = markdown::text_as(&text.body, &style);
    page.text.push_str(&written.text);
    page.gap();

    if !advisory.references.is_empty() {
        page.line(&words.references);
        page.underline('~');
        page.gap();
        // The numbers go on where those of the text's own links end, so that each number means one address.
        let digits = (written.links + advisory.references.len()).to_string().len() + 2;
        for (number, reference) in (written.links + 1..).zip(&advisory.references) {
            let indent = " ".repeat(digits + 1);
            page.hanging(&format!("{:>digits$} ", format!("[{number}]")), &indent, &reference.title);
            page.line(&format!("{indent}{}", reference.url));
        }
        page.gap();
    }

    page.line(&format!("{}:", words.questions));
    page.line(shop.team.name.in_lang(shop.lang));
    let team = [Some(shop.team.email.as_str()), shop.team.phone.as_deref(), shop.team.website.as_deref()];
    page.line(&team.into_iter().flatten().collect::<Vec<_>>().join(", "));
    page.gap();
    page.line(advisory.tlp.label());

    for line in page.text.lines() {
        refuse_control("body", &line.replace('\t', " "))?;
    }
    Ok(page.text)
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

    fn underline(&mut self, with: char) {
        let width = self.text.lines().last().map_or(0, |line| line.width());
        self.line(&with.to_string().repeat(width));
    }

    /// Something that nobody should overlook.
    fn frame(&mut self, title: &str, texts: &[&str]) {
        self.hanging("| ", "| ", title);
        for text in texts.iter().filter(|text| !text.trim().is_empty()) {
            self.hanging("| ", "| ", text);
        }
        self.gap();
    }

    fn facts(&mut self, facts: &[(&str, String)]) {
        let widest = facts.iter().map(|(name, _)| name.width()).max().unwrap_or(0);
        let indent = " ".repeat(widest + 2);
        for (name, value) in facts {
            let first = format!("{name}:{}", " ".repeat(widest + 1 - name.width()));
            self.hanging(&first, &indent, value);
        }
    }
}
