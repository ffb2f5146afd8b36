//! A file as a document: decoded, its signature judged, its sections found and numbered.

use super::{
    Unreadable, armor, around,
    block::{self, Block},
    cut::{self, Cut},
    decode::decode,
    html,
    lines::{self, Form, Line, Mark, Why},
    marks,
    titles::{self, Fit},
};
use advise_base::{
    diag::{Source, Span},
    outline::Number,
    terms::{Fingerprint, Moment},
};
use std::collections::HashMap;

const MOST_LINES: usize = 20_000;

/// What its signature is worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seal {
    /// There is none.
    None,
    /// There is one, and no certificate to verify it with.
    Unchecked,
    /// It is good.
    Good {
        /// Whose.
        signer: Fingerprint,
        /// When, as the signer says.
        made: Moment,
    },
    /// It is not.
    Bad {
        /// In words.
        why: String,
        /// Whether the signature is of another text.
        is_altered: bool,
    },
}

/// What the program knows of an OpenPGP certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownCertificate {
    /// Names it.
    pub fingerprint: Fingerprint,
    /// `None` if it never ends.
    pub expires: Option<Moment>,
    /// Its first mail address.
    pub address: Option<String>,
}

/// A document that somebody published.
#[derive(Debug, Clone)]
pub struct Document {
    /// The whole file, for showing places in it.
    pub source: Source,
    /// Its form.
    pub form: Form,
    /// The name of its encoding.
    pub encoding: &'static str,
    /// How many characters could not be read.
    pub damaged: usize,
    /// Whether soft line breaks of a mail were resolved.
    pub quoted_printable: bool,
    /// What its signature is worth.
    pub seal: Seal,
    /// Its own title.
    pub title: Option<Line>,
    /// The label of the whole document, with its line.
    pub label: Option<(usize, &'static str)>,
    /// In the order of the document. The first may have no heading.
    pub sections: Vec<Section>,
    /// What is not of the document, with the reason.
    pub chrome: Vec<Line>,
    /// The line of a mail address that was hidden from programs and could be read, and what was shown for it.
    pub hidden: Vec<(usize, String)>,
    /// All lines that are not blank.
    pub lines: Vec<Line>,
    /// Armored certificates that stand in it.
    pub certificates: Vec<String>,
    /// Lines with a dash-escape that is left over.
    pub escapes: Vec<usize>,
    starts: Vec<usize>,
}

/// A section.
#[derive(Debug, Clone)]
pub struct Section {
    /// `None` for text before the first one.
    pub heading: Option<Heading>,
    /// That of the standard where the title is one of it; `None` for an extra section without a number.
    pub number: Option<Number>,
    /// Its title as written.
    pub title: String,
    /// Whether the title is known.
    pub is_known: bool,
    /// What stands in it.
    pub blocks: Vec<Block>,
    /// Of its last line, or of its heading.
    pub end: usize,
}

/// A heading as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heading {
    /// In the file.
    pub line: usize,
    /// With its number.
    pub written: String,
    /// As it was written.
    pub number: Option<Number>,
}

impl Document {
    /// The first section with this number.
    pub fn section(&self, number: &str) -> Option<&Section> {
        self.sections.iter().find(|section| {
            section
                .number
                .as_ref()
                .is_some_and(|own| own.to_string() == number)
        })
    }

    /// The place of some words in a line; the line itself if they do not stand there as they are.
    pub fn place(&self, line: usize, words: &str) -> Span {
        let start = self
            .starts
            .get(line.saturating_sub(1))
            .copied()
            .unwrap_or(self.source.text.len());
        let rest = &self.source.text[start..];
        let text = &rest[..rest.find('\n').unwrap_or(rest.len())];
        match text.find(words).filter(|_| !words.is_empty()) {
            Some(at) => Span::new(start + at, start + at + words.len()),
            None => {
                let lead = text.len() - text.trim_start().len();
                Span::new(start + lead, start + text.trim_end().len().max(lead))
            }
        }
    }
}

/// Whether a file has a clear-signed text. Then only that text is the document.
pub fn is_clear_signed(bytes: &[u8]) -> bool {
    armor::parts(bytes).is_some()
}

/// Reads a file whose signature the program has verified. `signed` is the clear-signed text in it, as the verifier
/// gives it out.
pub fn read(
    path: &str,
    bytes: &[u8],
    seal: Seal,
    signed: Option<&[u8]>,
) -> Result<Document, Unreadable> {
    let whole = decode(bytes)?;
    let parts = armor::parts(bytes);
    let mut chrome = Vec::new();
    let (decoded, first) = match &parts {
        None => (whole.clone(), 1),
        Some(parts) => {
            let outside = |text: &[u8], first: usize| -> Vec<Line> {
                let text = decode(text).map(|decoded| decoded.text).unwrap_or_default();
                let lines = lines::plain(&text, first)
                    .into_iter()
                    .filter(|line| !line.is_blank());
                lines
                    .map(|line| Line {
                        mark: Mark::Chrome(Why::Unsigned),
                        ..line
                    })
                    .collect()
            };
            chrome.extend(outside(parts.before, 1));
            chrome.extend(outside(parts.after, parts.last));
            // What the verifier gave out is what is signed. It is read by our own hand as well, which keeps bytes
            // that are not UTF-8; should the two ever differ, the verifier's is the document.
            let own = || String::from_utf8_lossy(&parts.text).into_owned();
            let text = signed
                .filter(|signed| !same(&String::from_utf8_lossy(signed), &own()))
                .unwrap_or(&parts.text);
            (decode(text)?, parts.first)
        }
    };
    let mut hidden = Vec::new();
    let form = form(&decoded.text);
    let mut lines = match form {
        Form::Html => {
            let page = html::page(&decoded.text);
            hidden = page
                .hidden
                .into_iter()
                .map(|(line, words)| (line + first - 1, words))
                .collect();
            page.lines
                .into_iter()
                .map(|line| Line {
                    number: line.number + first - 1,
                    ..line
                })
                .collect()
        }
        Form::Text | Form::Markdown => lines::plain(&decoded.text, first),
    };
    if lines.len() > MOST_LINES {
        return Err(Unreadable::TooManyLines {
            lines: lines.len(),
            most: MOST_LINES,
        });
    }
    if form == Form::Markdown {
        lines::read_markdown(&mut lines);
    }
    let armored = marks::mark_certificates(&mut lines);
    marks::mark_armor(&mut lines);
    lines::mark_furniture(&mut lines);
    marks::welcome(&mut lines);
    if form != Form::Markdown {
        lines::close_ranks(&mut lines);
    }
    let all: Vec<Line> = lines
        .iter()
        .filter(|line| !line.is_blank())
        .cloned()
        .collect();
    if all.is_empty() {
        return Err(Unreadable::Empty);
    }
    let label = marks::mark_label(&mut lines);
    let escapes = lines
        .iter()
        .filter(|line| is_escaped(&line.text))
        .map(|line| line.number)
        .collect();
    let width = block::width(lines.iter().filter(|line| line.is_own()));
    let cuts = cut::cut(lines);
    chrome.extend(cuts.chrome);
    let (title, preamble) =
        around::preamble(cuts.before, form, !cuts.sections.is_empty(), &mut chrome);
    let mut cut = cuts.sections;
    around::trailing(&mut cut, &all, &mut chrome);
    let numbers = numbers(&cut);
    let blocks = |lines: &[Line]| block::blocks(lines, width, form == Form::Markdown);
    let mut sections: Vec<Section> = preamble
        .into_iter()
        .map(|(heading, body)| Section {
            title: heading
                .as_ref()
                .map(|line| line.text.trim().to_string())
                .unwrap_or_default(),
            heading: heading.map(|line| Heading {
                line: line.number,
                written: line.text.trim().to_string(),
                number: None,
            }),
            number: None,
            is_known: false,
            end: body.last().map_or(0, |line| line.number),
            blocks: blocks(&body),
        })
        .collect();
    sections.extend(cut.into_iter().zip(numbers).map(|(cut, number)| {
        let end = cut
            .body
            .iter()
            .rfind(|line| !line.is_blank())
            .map_or(cut.line, |line| line.number);
        Section {
            is_known: cut
                .meant
                .as_ref()
                .is_some_and(|(meant, _)| Some(meant) == number.as_ref()),
            heading: Some(Heading {
                line: cut.line,
                written: cut.written,
                number: cut.number,
            }),
            number,
            title: cut.title,
            blocks: blocks(&cut.body),
            end,
        }
    }));
    chrome.sort_by_key(|line| line.number);
    let starts = std::iter::once(0)
        .chain(whole.text.match_indices('\n').map(|(at, _)| at + 1))
        .collect();
    Ok(Document {
        source: Source::new(path, whole.text),
        form,
        encoding: decoded.encoding,
        damaged: decoded.damaged,
        quoted_printable: decoded.quoted_printable,
        seal,
        title,
        label,
        sections,
        chrome,
        hidden,
        lines: all,
        certificates: armored,
        escapes,
        starts,
    })
}

/// Whether two texts are the same but for white space at the ends of lines.
fn same(one: &str, other: &str) -> bool {
    let lines = |text: &str| -> Vec<String> {
        text.trim_end()
            .lines()
            .map(|line| line.trim_end().to_string())
            .collect()
    };
    lines(one) == lines(other)
}

fn form(text: &str) -> Form {
    let head = text
        .trim_start()
        .get(..text.trim_start().len().min(2000))
        .map_or_else(|| text.to_lowercase(), str::to_lowercase);
    let lower = text.to_lowercase();
    let tags: usize = [
        "<p>", "<p ", "<br", "<div", "<td", "<li", "<h1", "<h2", "<h3", "<h4", "<strong", "</a>",
    ]
    .iter()
    .map(|tag| lower.matches(tag).count())
    .sum();
    match () {
        () if head.starts_with("<!doctype html")
            || head.starts_with("<html")
            || head.contains("<html") && tags > 2
            || tags >= 10 =>
        {
            Form::Html
        }
        () if lines::is_markdown(text) => Form::Markdown,
        () => Form::Text,
    }
}

fn is_escaped(text: &str) -> bool {
    text.trim_start().starts_with("- -")
}

/// The numbers that sections get: that of the standard whose title they have, unless another section has it.
fn numbers(cuts: &[Cut]) -> Vec<Option<Number>> {
    let own = |cut: &Cut| cut.number.clone();
    let mut wanted: Vec<Option<Number>> = cuts
        .iter()
        .map(|cut| match (&cut.meant, own(cut)) {
            // A number that fits its title well enough stays.
            (_, Some(number)) if titles::fit(&cut.title, &number).is_some() => Some(number),
            (Some((meant, Fit::Exact)), _) => Some(meant.clone()),
            (Some((meant, Fit::Near)), None) => Some(meant.clone()),
            (_, number) => number,
        })
        .collect();
    // Who wants to move to a place that is taken by one who stays keeps its own number.
    loop {
        let mut places: HashMap<Number, Vec<usize>> = HashMap::new();
        for (at, number) in wanted.iter().enumerate() {
            if let Some(number) = number {
                places.entry(number.clone()).or_default().push(at);
            }
        }
        let moves = |at: usize| own(&cuts[at]).is_some() && wanted[at] != own(&cuts[at]);
        let back: Vec<usize> = places
            .values()
            .filter(|all| all.len() > 1)
            .flat_map(|all| all.iter().copied().filter(|at| moves(*at)))
            .collect();
        if back.is_empty() {
            break;
        }
        for at in back {
            wanted[at] = own(&cuts[at]);
        }
    }
    wanted
}
