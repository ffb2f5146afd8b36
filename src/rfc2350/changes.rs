//! What is other in a version of the document than in the one before, for people: by section, line by line.
//!
//! Versions are compared as the texts that were signed, since these are what is kept. Version, date and address of
//! the version itself are left out: that they are new is no news.

use super::{
    facts::{Fact, edition_rows},
    html::escape,
    text::{INDENT, fact_lines},
    words::DocumentWords,
};
use crate::{
    receipt::{DocumentVersion, Edition},
    settings::Site,
    terms::Lang,
};
use similar::{Algorithm, DiffOp, capture_diff_slices};
use std::fmt::Write as _;

/// The text of a version, and what is needed to know which of its lines only name the version.
#[derive(Debug, Clone, Copy)]
struct VersionText<'a> {
    text: &'a str,
    version: &'a DocumentVersion,
    lang: &'a Lang,
    words: &'a DocumentWords,
    site: &'a Site,
}

/// The lines that went and came, by section.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Part {
    heading: String,
    lines: Vec<(Way, String)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Gone,
    Come,
}

impl Way {
    fn sign(self) -> char {
        match self {
            Way::Gone => '-',
            Way::Come => '+',
        }
    }

    fn element(self) -> &'static str {
        match self {
            Way::Gone => "del",
            Way::Come => "ins",
        }
    }
}

impl Changes {
    /// From one version to the next.
    fn between(old: VersionText<'_>, new: VersionText<'_>) -> Changes {
        let (old, new) = (lines(old), lines(new));
        let mut changes = Changes::default();
        for op in capture_diff_slices(Algorithm::Patience, &old, &new) {
            let (gone, come) = match op {
                DiffOp::Equal { .. } => continue,
                DiffOp::Delete {
                    old_index, old_len, ..
                } => (old_index..old_index + old_len, 0..0),
                DiffOp::Insert {
                    new_index, new_len, ..
                } => (0..0, new_index..new_index + new_len),
                DiffOp::Replace {
                    old_index,
                    old_len,
                    new_index,
                    new_len,
                } => (
                    old_index..old_index + old_len,
                    new_index..new_index + new_len,
                ),
            };
            gone.for_each(|at| changes.add(Way::Gone, &old, at));
            come.for_each(|at| changes.add(Way::Come, &new, at));
        }
        changes
    }

    fn add(&mut self, way: Way, lines: &[&str], at: usize) {
        if lines[at].is_empty() {
            return;
        }
        let heading = lines[..=at]
            .iter()
            .rev()
            .find(|line| is_heading(line))
            .copied()
            .unwrap_or_default();
        let line = (
            way,
            lines[at]
                .strip_prefix(INDENT)
                .unwrap_or(lines[at])
                .to_string(),
        );
        match self.0.last_mut() {
            Some(part) if part.heading == heading => part.lines.push(line),
            _ => self.0.push(Part {
                heading: heading.to_string(),
                lines: vec![line],
            }),
        }
    }

    /// Whether both say the same.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The numbers of the sections, or their titles where they have none: `2.4, 2.8`.
    pub fn sections(&self) -> String {
        let mut names: Vec<&str> = Vec::new();
        for part in &self.0 {
            let number = part.heading.split(' ').next().unwrap_or_default();
            let is_number = number.starts_with(|c: char| c.is_ascii_digit());
            let name = if is_number {
                number.trim_end_matches('.')
            } else {
                part.heading.as_str()
            };
            if !name.is_empty() && !names.contains(&name) {
                names.push(name);
            }
        }
        names.join(", ")
    }

    /// As lines of text, at most so many; and whether that was all.
    pub fn text(&self, most: usize) -> (String, bool) {
        let mut all: Vec<String> = Vec::new();
        for part in &self.0 {
            if !all.is_empty() {
                all.push(String::new());
            }
            all.push(part.heading.clone());
            all.extend(
                part.lines
                    .iter()
                    .map(|(way, line)| format!("{} {line}", way.sign())),
            );
        }
        let is_all = all.len() <= most;
        all.truncate(most);
        (all.join("\n"), is_all)
    }

    /// As a fragment of a page, from `<h2>` on.
    pub fn html(&self) -> String {
        let mut out = String::new();
        for part in &self.0 {
            if !part.heading.is_empty() {
                let _ = writeln!(out, "<h2>{}</h2>", escape(&part.heading));
            }
            out.push_str("<pre tabindex=\"0\"><code>");
            for (way, line) in &part.lines {
                let _ = writeln!(
                    out,
                    "<{0}>{1} {2}</{0}>",
                    way.element(),
                    way.sign(),
                    escape(line)
                );
            }
            out.push_str("</code></pre>\n");
        }
        out
    }
}

/// Everything but headings is indented, or stands for itself: the label, and the line below the title.
fn is_heading(line: &str) -> bool {
    !line.is_empty() && !line.starts_with([' ', '=']) && !line.starts_with("TLP:")
}

fn lines<'a>(of: VersionText<'a>) -> Vec<&'a str> {
    let VersionText {
        text,
        version,
        lang,
        words,
        site,
    } = of;
    let own = edition_rows(words, site, lang, version.version, &version.date).map(Fact::Edition);
    let own = fact_lines(&own);
    let own: Vec<String> = own
        .iter()
        .map(|line| format!("{INDENT}{}", line.trim_end()))
        .collect();
    text.lines()
        .filter(|line| !own.iter().any(|own| own == line))
        .collect()
}

/// What a version brings, in one language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// There was none before it.
    First,
    /// The one before is known by its number only.
    Unknown,
    /// The one before was not in this language.
    NewLanguage,
    /// Something else than this language has changed.
    Same,
    /// This has changed.
    Changed(Changes),
}

impl News {
    /// Of one of these versions, the oldest of which is the first; `None` if it is not in this language.
    pub fn of(
        editions: &[Edition],
        at: usize,
        lang: &Lang,
        words: &DocumentWords,
        site: &Site,
    ) -> Option<News> {
        let shown = |edition: &'_ Edition| {
            let text = edition.texts.get(lang)?.text.clone();
            Some((text, edition.version.clone()))
        };
        let (text, version) = shown(editions.get(at)?)?;
        let Some(before) = at.checked_sub(1).and_then(|at| editions.get(at)) else {
            return Some(if version.version == 1 {
                News::First
            } else {
                News::Unknown
            });
        };
        let Some((old_text, old_version)) = shown(before) else {
            return Some(if before.texts.is_empty() {
                News::Unknown
            } else {
                News::NewLanguage
            });
        };
        let old = VersionText {
            text: &old_text,
            version: &old_version,
            lang,
            words,
            site,
        };
        let changes = Changes::between(
            old,
            VersionText {
                text: &text,
                version: &version,
                lang,
                words,
                site,
            },
        );
        Some(if changes.is_empty() {
            News::Same
        } else {
            News::Changed(changes)
        })
    }

    /// Whether readers of this language should hear of it.
    pub fn is_news(&self) -> bool {
        matches!(self, News::NewLanguage | News::Changed(_))
    }

    /// The numbers of the sections that changed; empty where that is not the point.
    pub fn sections(&self) -> String {
        match self {
            News::Changed(changes) => changes.sections(),
            _ => String::new(),
        }
    }

    fn words<'w>(&self, words: &'w DocumentWords) -> &'w str {
        words.get(match self {
            News::First => "rfc2350_news_first",
            News::Unknown => "rfc2350_news_unknown",
            News::NewLanguage => "rfc2350_news_language",
            News::Same => "rfc2350_news_same",
            News::Changed(_) => "rfc2350_news_lines",
        })
    }

    /// As a fragment of a page.
    pub fn html(&self, words: &DocumentWords) -> String {
        let changes = match self {
            News::Changed(changes) => changes.html(),
            _ => String::new(),
        };
        format!(
            "<p>{}</p>\n{changes}",
            escape(self.words(words))
                .replace("`-`", "<code>-</code>")
                .replace("`+`", "<code>+</code>")
        )
    }

    /// As Markdown for a letter, that refers to a page for what is more than so many lines.
    pub fn markdown(&self, words: &DocumentWords, most: usize, page: &str) -> String {
        let News::Changed(changes) = self else {
            return self.words(words).to_string();
        };
        let (text, is_all) = changes.text(most);
        // CommonMark 0.31, 4.5: a fence is longer than any run of its character inside.
        let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
        let fence = "`".repeat(longest.max(2) + 1);
        let more = if is_all {
            String::new()
        } else {
            format!("\n\n{} {page}", words.get("rfc2350_news_more"))
        };
        format!("{}\n\n{fence}\n{text}\n{fence}{more}", self.words(words))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{artefact::Digest, receipt::EditionText};
    use std::collections::BTreeMap;

    fn edition(version: u32, text: &str) -> Edition {
        let date = format!("2026-07-0{version}").parse().expect("a date");
        let digest = Digest::of(text.as_bytes());
        let permanent = format!("     https://cert.example.org/rfc2350/archive/{version}.txt\n");
        let head = format!(
            "1.1 Date of Last Update\n\n   Version: {version}\n   Date of last update: 2026-07-0{version}\n\n"
        );
        let text = format!("{head}1.3 Where\n\n   This version, for good:\n{permanent}\n{text}");
        let text = EditionText {
            text,
            block: String::new(),
            detached: String::new(),
        };
        let version = DocumentVersion {
            version,
            digest,
            date,
        };
        Edition {
            version,
            clocks: String::new(),
            texts: BTreeMap::from([(Lang::english(), text)]),
        }
    }

    fn news(old: &str, new: &str) -> News {
        let words = DocumentWords::built_in(&Lang::english());
        let site = super::super::tests::site();
        News::of(
            &[edition(1, old), edition(2, new)],
            1,
            &Lang::english(),
            &words,
            &site,
        )
        .expect("it is in this language")
    }

    #[test]
    fn lines_stand_below_their_sections() {
        let old = "2.4 Telephone\n\n   Telephone: 1\n\n3. Charter\n\n   We help.\n   All.\n";
        let new = "2.4 Telephone\n\n   Telephone: 2\n\n2.5 Fax\n\n   Fax: 3 `x` <b>\n\n3. Charter\n\n   We help.\n   All.\n";
        let News::Changed(changes) = news(old, new) else {
            panic!("it changed")
        };
        let (text, is_all) = changes.text(99);
        let expected =
            "2.4 Telephone\n- Telephone: 1\n+ Telephone: 2\n\n2.5 Fax\n+ 2.5 Fax\n+ Fax: 3 `x` <b>";
        assert_eq!((text.as_str(), is_all), (expected, true));
        assert_eq!(
            (changes.text(2).1, changes.sections().as_str()),
            (false, "2.4, 2.5")
        );
        assert!(
            changes.html().contains("<ins>+ Fax: 3 `x` &lt;b&gt;</ins>"),
            "{}",
            changes.html()
        );
    }

    #[test]
    fn a_new_number_and_a_new_date_are_no_news() {
        assert_eq!(
            news("3. Charter\n\n   We help.\n", "3. Charter\n\n   We help.\n"),
            News::Same
        );
    }

    #[test]
    fn what_stands_in_the_text_cannot_end_the_fence() {
        let words = DocumentWords::built_in(&Lang::english());
        let changed = news("", "6. Forms\n\n   ````\n   # not a heading\n   ````\n");
        let markdown = changed.markdown(&words, 99, "https://cert.example.org/");
        assert!(
            markdown.contains("\n`````\n6. Forms\n") && markdown.ends_with("\n`````"),
            "{markdown}"
        );
    }
}
