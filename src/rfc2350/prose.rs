//! `site/rfc2350.md`: the prose of the document, cut into its sections. The numbers of the headings decide
//! where it goes; the facts come from `team.yaml`.

use super::{
    outline::{Number, is_near},
    words::DocumentWords,
};
use crate::{
    diag::{Findings, Source, Span},
    markdown,
    terms::{nearest, shorten},
};
use std::sync::Arc;

/// The prose of a document in one language, in the order in which it was written.
#[derive(Debug, Clone)]
pub struct Prose {
    /// The file.
    pub source: Source,
    /// One for each heading.
    pub sections: Vec<Section>,
}

/// A heading and what stands below it, up to the next heading.
#[derive(Debug, Clone)]
pub struct Section {
    /// `None` for an extra section, which stays behind the one before it.
    pub number: Option<Number>,
    /// May be empty when there is a number.
    pub title: String,
    /// Place of the heading.
    pub heading: Span,
    /// Place of the Markdown below it, without blank lines around it.
    pub body: Span,
}

impl Prose {
    /// The prose of a team that has written none.
    pub fn none() -> Prose {
        Prose {
            source: Source::new("site/rfc2350.md", Arc::from("")),
            sections: Vec::new(),
        }
    }

    /// The Markdown of a section.
    pub fn text(&self, section: &Section) -> &str {
        &self.source.text[section.body.start..section.body.end]
    }

    /// All addresses of the web in it, each with its place.
    pub fn links(&self) -> Vec<(Span, &str)> {
        let text = &*self.source.text;
        let starts = text.match_indices("http").map(|(at, _)| at);
        let starts = starts.filter(|at| {
            ["http://", "https://"]
                .iter()
                .any(|scheme| text[*at..].starts_with(scheme))
        });
        let ends = |c: char| c.is_whitespace() || "<>()[]\"`«»|{}".contains(c);
        let found = starts.map(|at| {
            let url = &text[at..at + text[at..].find(ends).unwrap_or(text.len() - at)];
            let url = url.trim_end_matches(['.', ',', ';', ':', '!', '?', '*', '_', '\'']);
            (Span::new(at, at + url.len()), url)
        });
        found.collect()
    }

    /// The first section with this number.
    pub fn section(&self, number: &Number) -> Option<&Section> {
        self.sections
            .iter()
            .find(|section| section.number.as_ref() == Some(number))
    }
}

/// Cuts the Markdown of `site/rfc2350.md` at its headings.
pub fn parse(source: &Source, findings: &mut Findings) -> Prose {
    let mut sections = cut(source);
    // A title of the whole file is a help for its writers and says nothing to readers.
    let first = sections.first();
    if first.is_some_and(|s| {
        s.number.is_none() && s.body.start == s.body.end && level(source, s) == Some(1)
    }) {
        sections.remove(0);
    }
    let before = sections
        .first()
        .map_or(source.text.len(), |section| section.heading.start);
    let preamble = trimmed(source, Span::new(0, before));
    let is_title = source.text[preamble.start..preamble.end].starts_with("# ")
        && !source.text[preamble.start..preamble.end].contains('\n');
    if preamble.start < preamble.end && !is_title {
        findings.push(
            source
                .error(
                    preamble,
                    "prose-without-section",
                    "this text stands before the first heading and is left out",
                )
                .hint("give it a heading, such as `## 3.1 Mission Statement`")
                .warning(),
        );
    }
    doubles(source, &sections, findings);
    odd_titles(source, &sections, findings);
    flaws(source, &sections, findings);
    Prose {
        source: source.clone(),
        sections,
    }
}

fn cut(source: &Source) -> Vec<Section> {
    let text = &*source.text;
    let mut sections: Vec<Section> = Vec::new();
    let mut fence: Option<(char, usize)> = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let start = at;
        at += line.len();
        let content = line.trim_end();
        let indent = content.len() - content.trim_start_matches(' ').len();
        let bare = content.trim_start_matches(' ');
        let mark = bare.chars().next().unwrap_or(' ');
        let run = bare.chars().take_while(|c| *c == mark).count();
        // CommonMark 0.31, 4.5: a fence is closed by one of the same character that is at least as long.
        if indent < 4 && run >= 3 && matches!(mark, '`' | '~') {
            match fence {
                None => fence = Some((mark, run)),
                Some((open, length)) if open == mark && run >= length && bare.len() == run => {
                    fence = None
                }
                Some(_) => {}
            }
            continue;
        }
        // CommonMark 0.31, 4.2: one to six `#`, then a space or the end of the line.
        let is_heading = fence.is_none() && indent < 4 && mark == '#' && run <= 6;
        let rest = &bare[if is_heading { run } else { 0 }..];
        if !is_heading || !(rest.is_empty() || rest.starts_with([' ', '\t'])) {
            continue;
        }
        let heading = rest.trim();
        let closed = heading.trim_end_matches('#');
        let heading = if closed.is_empty() || closed.ends_with(' ') {
            closed.trim()
        } else {
            heading
        };
        let (word, title) = heading
            .split_once(char::is_whitespace)
            .unwrap_or((heading, ""));
        let (number, title) = match word.parse::<Number>() {
            Ok(number) => (Some(number), title.trim()),
            Err(()) => (None, heading),
        };
        if let Some(last) = sections.last_mut() {
            last.body = Span::new(last.body.start, start);
        }
        sections.push(Section {
            number,
            title: title.to_string(),
            heading: Span::new(start + indent, start + content.len()),
            body: Span::new(at, text.len()),
        });
    }
    for section in &mut sections {
        section.body = trimmed(source, section.body);
    }
    sections
}

fn level(source: &Source, section: &Section) -> Option<usize> {
    let heading = source
        .text
        .get(section.heading.start..section.heading.end)?;
    Some(heading.chars().take_while(|c| *c == '#').count())
}

/// Without blank lines around it; the first line keeps its indent.
fn trimmed(source: &Source, span: Span) -> Span {
    let text = &source.text[span.start..span.end];
    let end = span.start + text.trim_end().len();
    if text.trim().is_empty() {
        return Span::new(span.start, span.start);
    }
    let lead = text.len() - text.trim_start().len();
    let start = span.start + text[..lead].rfind('\n').map_or(0, |n| n + 1);
    Span::new(start, end)
}

fn doubles(source: &Source, sections: &[Section], findings: &mut Findings) {
    for (i, section) in sections.iter().enumerate() {
        let Some(number) = &section.number else {
            continue;
        };
        if sections[..i]
            .iter()
            .any(|other| other.number.as_ref() == Some(number))
        {
            findings.push(
                source
                    .error(
                        section.heading,
                        "duplicate-section",
                        format!("section {number} stands here twice"),
                    )
                    .hint("put the two together, or give one of them the next free number"),
            );
        }
    }
}

/// A title far from the standard's most often means a wrong number. In which language a file is written shows
/// in its titles: only where most of them are known is an unknown one worth a word.
fn odd_titles(source: &Source, sections: &[Section], findings: &mut Findings) {
    let numbered: Vec<(&Section, &Number)> = sections
        .iter()
        .filter(|section| !section.title.is_empty())
        .filter_map(|section| section.number.as_ref().map(|number| (section, number)))
        .collect();
    let standard = || {
        numbered
            .iter()
            .filter(|(_, number)| number.title().is_some())
    };
    for words in DocumentWords::all() {
        let fits = |section: &Section, number: &Number| {
            is_near(&section.title, &words.title(number).unwrap_or_default())
        };
        let fitting = standard()
            .filter(|(section, number)| fits(section, number))
            .count();
        if fitting * 2 <= standard().count() || fitting == 0 {
            continue;
        }
        for (section, number) in standard().filter(|(section, number)| !fits(section, number)) {
            let titles: Vec<(Number, String)> = Number::standard()
                .filter_map(|n| Some((n.clone(), words.title(&n)?)))
                .collect();
            let near = nearest(
                &section.title,
                titles.iter().map(|(_, title)| title.as_str()),
            );
            let other = near.and_then(|near| titles.iter().find(|(_, title)| title == near));
            let own = words.title(number).unwrap_or_default();
            let hint = match other {
                Some((meant, title)) => format!("`{title}` is {meant}; {number} is `{own}`"),
                None => format!(
                    "RFC 2350 calls {number} `{own}`; a section of your own takes a number that is free"
                ),
            };
            let message = format!(
                "section {number} is not what RFC 2350 has there: `{}`",
                shorten(&section.title)
            );
            findings.push(
                source
                    .error(section.heading, "odd-section-title", message)
                    .hint(hint)
                    .warning(),
            );
        }
        return;
    }
}

/// What may not stand in any text of ours.
fn flaws(source: &Source, sections: &[Section], findings: &mut Findings) {
    for section in sections {
        for flaw in markdown::lint(&source.text[section.body.start..section.body.end]) {
            let span = flaw.span.shifted(section.body.start);
            findings.push(source.error(span, flaw.code, flaw.message).hint(flaw.hint));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::Level;

    fn check(text: &str) -> (Vec<(String, String, String)>, Findings) {
        let mut findings = Findings::new();
        let prose = parse(&Source::new("site/rfc2350.md", text), &mut findings);
        let number = |s: &Section| s.number.as_ref().map(Number::to_string).unwrap_or_default();
        let rows = prose
            .sections
            .iter()
            .map(|s| (number(s), s.title.clone(), prose.text(s).to_string()))
            .collect();
        (rows, findings)
    }

    #[test]
    fn the_number_decides_and_the_level_does_not() {
        let text = "# 3.1 Mission Statement\n\nWe help.\n\n###### 2.10. Other Information ##\n\n    indented\n\n## Emergencies\nCall.\n";
        let (rows, findings) = check(text);
        assert!(findings.is_empty(), "{findings:#?}");
        let expected = [
            ("3.1", "Mission Statement", "We help."),
            ("2.10", "Other Information", "    indented"),
            ("", "Emergencies", "Call."),
        ];
        assert_eq!(
            rows,
            expected.map(|(a, b, c)| (a.to_string(), b.to_string(), c.to_string()))
        );
    }

    #[test]
    fn addresses_end_before_what_stands_around_them() {
        let text = "## 6 Forms\n\nSee <https://a.example/x>, [b](http://b.example/?q=1), https://c.example. Or https//no.\n";
        let prose = parse(&Source::new("site/rfc2350.md", text), &mut Findings::new());
        let links: Vec<&str> = prose.links().into_iter().map(|(_, url)| url).collect();
        assert_eq!(
            links,
            [
                "https://a.example/x",
                "http://b.example/?q=1",
                "https://c.example"
            ]
        );
    }

    #[test]
    fn a_heading_in_a_code_block_is_code() {
        let (rows, _) =
            check("## 6 Incident Reporting Forms\n\n```\n## 7 Disclaimers\n~~~\n```\n\nEnd.\n");
        assert_eq!(rows.len(), 1);
        assert!(rows[0].2.ends_with("End."));
    }

    #[test]
    fn a_title_of_the_file_is_no_section() {
        let (rows, findings) =
            check("# The prose of our RFC 2350 document\n\n## 3.1 Mission Statement\n\nWe help.\n");
        assert_eq!(rows.len(), 1);
        assert!(findings.is_empty(), "{findings:#?}");
    }

    #[test]
    fn what_is_odd_is_said() {
        let (_, findings) = check(
            "Hello.\n\n## 3.1 Mission Statement\n\nA.\n\n## 3.1 Mission\n\nB.\n\n## 3.4 Disclaimers\n\nC.\n",
        );
        let codes: Vec<&str> = findings.iter().map(|f| f.code).collect();
        assert_eq!(
            codes,
            [
                "prose-without-section",
                "duplicate-section",
                "odd-section-title"
            ],
            "{findings:#?}"
        );
        assert_eq!(findings.count(Level::Error), 1);
        let odd = findings.iter().last().expect("a finding");
        assert_eq!(
            (odd.place.line, odd.hint.as_deref()),
            (11, Some("`Disclaimers` is 7; 3.4 is `Authority`"))
        );
    }

    #[test]
    fn a_language_that_we_do_not_know_is_left_in_peace() {
        let (_, findings) = check("## 3.1 Auftrag\n\nA.\n\n## 3.2 Zielgruppe\n\nB.\n");
        assert!(findings.is_empty(), "{findings:#?}");
    }
}
