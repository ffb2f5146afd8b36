//! Where the sections of a document begin: numbers, known titles, and what only looks like them.

use super::{
    lines::{Line, Mark, Why, ends_sentence},
    titles::{self, Fit},
};
use advise_base::outline::Number;
use std::collections::{HashMap, HashSet};

/// A heading, and the lines below it up to the next one.
#[derive(Debug, Clone)]
pub struct Cut {
    /// In the file, from 1.
    pub line: usize,
    /// As it was written, number and all.
    pub written: String,
    /// The number as it was written.
    pub number: Option<Number>,
    /// Without number and signs.
    pub title: String,
    /// The section of the standard that the title means.
    pub meant: Option<(Number, Fit)>,
    /// Lines of the section, blank ones too; the first may have stood beside the heading.
    pub body: Vec<Line>,
}

/// What stands before the first section, and the sections.
#[derive(Debug, Clone, Default)]
pub struct Cuts {
    /// Before the first heading.
    pub before: Vec<Line>,
    /// In the order of the document.
    pub sections: Vec<Cut>,
    /// Lines that are not of the document.
    pub chrome: Vec<Line>,
}

/// A heading among the lines.
struct Found {
    at: usize,
    /// How many lines it takes.
    length: usize,
    written: String,
    number: Option<Number>,
    title: String,
    meant: Option<(Number, Fit)>,
    /// What follows the title in its line.
    rest: String,
    /// Dots or a page number follow, as in a table of contents.
    leads: bool,
}

/// Cuts a document at its headings.
pub fn cut(lines: Vec<Line>) -> Cuts {
    let lines = apart(lines);
    let mut found = numbered(&lines);
    let known = found
        .iter()
        .filter(|heading| heading.meant.is_some())
        .count();
    if known < 8 {
        let taken: HashSet<usize> = found
            .iter()
            .flat_map(|one| one.at..one.at + one.length)
            .collect();
        let more: Vec<Found> = unnumbered(&lines)
            .into_iter()
            .filter(|one| !taken.contains(&one.at))
            .collect();
        // A list with numbers in a document whose headings have none.
        if more.len() > found.len() * 2 {
            found.retain(|heading| heading.meant.is_some());
        }
        found.extend(more);
        found.sort_by_key(|heading| heading.at);
    } else {
        extra(&lines, &mut found);
    }
    let contents = contents(&lines, &found);
    assemble(lines, found, &contents)
}

/// Lines with two headings become two lines.
fn apart(lines: Vec<Line>) -> Vec<Line> {
    let mut out = Vec::with_capacity(lines.len());
    for line in lines {
        if !line.is_own() || line.text.len() > 2000 {
            out.push(line);
            continue;
        }
        let mut rest = line.text.as_str();
        while let Some(at) = second(rest) {
            out.push(Line {
                text: rest[..at].trim_end().to_string(),
                ..line.clone()
            });
            rest = &rest[at..];
        }
        out.push(Line {
            text: rest.to_string(),
            ..line.clone()
        });
    }
    out
}

/// Where a second heading begins in a line that begins with one.
fn second(line: &str) -> Option<usize> {
    titles::numbered(line).filter(|(number, title)| titles::prefix(title, number).is_some())?;
    let starts = line
        .match_indices(' ')
        .map(|(at, _)| at + 1)
        .filter(|at| line[*at..].starts_with(|c: char| c.is_ascii_digit()));
    starts.skip_while(|at| *at < 3).find(|at| {
        let first = titles::numbered(&line[..*at]);
        let whole =
            first.is_some_and(|(number, title)| titles::fit(title, &number) == Some(Fit::Exact));
        whole
            && titles::numbered(&line[*at..])
                .is_some_and(|(number, title)| titles::prefix(title, &number).is_some())
    })
}

/// A title without the dots, stars and page numbers around it, and whether it led to a page.
fn bare(title: &str) -> (&str, bool) {
    let title = title.trim().trim_matches('*').trim();
    let without = title.trim_end_matches(|c: char| c.is_ascii_digit());
    let dots = without.trim_end().trim_end_matches(['.', '…', '_', ' ']);
    let leads = without.len() < title.len()
        && (without.trim_end().len() >= dots.len() + 3
            || without.ends_with("  ")
            || without.ends_with('\t'))
        || without.trim_end().ends_with("....");
    if leads {
        (dots.trim_end(), true)
    } else {
        (title.trim_end_matches([':', '.']).trim_end(), false)
    }
}

/// Headings with a number.
fn numbered(lines: &[Line]) -> Vec<Found> {
    let mut all: Vec<Found> = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let next = candidate(lines, at).filter(|one| is_heading(lines, one, all.last()));
        at += next.as_ref().map_or(1, |one| one.length);
        all.extend(next);
    }
    all
}

fn candidate(lines: &[Line], at: usize) -> Option<Found> {
    let line = &lines[at];
    if !line.is_own() || line.is_blank() || line.text.len() > 2000 {
        return None;
    }
    let stars = line.text.trim().trim_matches('*').trim();
    let (number, after) = titles::numbered(stars)?;
    let (title, leads) = bare(after);
    let mut found = Found {
        at,
        length: 1,
        written: line.text.trim().to_string(),
        title: title.to_string(),
        meant: None,
        rest: String::new(),
        leads,
        number: Some(number.clone()),
    };
    let following = |from: usize| {
        (from + 1..(from + 4).min(lines.len()))
            .find(|n| !lines[*n].is_blank())
            .filter(|n| lines[*n].is_own())
    };
    if title.is_empty() {
        // The number alone, and the title in the next line, as tables of pages come out.
        let next = following(at)?;
        let (title, leads) = bare(&lines[next].text);
        titles::fit(title, &number)?;
        found.written = format!("{} {}", found.written, lines[next].text.trim());
        (found.title, found.leads, found.length) = (title.to_string(), leads, next - at + 1);
    } else if titles::fit(title, &number) != Some(Fit::Exact) && line.mark != Mark::Heading {
        // A title that was broken into two lines.
        if let Some(next) =
            (at + 1 < lines.len() && !lines[at + 1].is_blank() && lines[at + 1].is_own())
                .then_some(at + 1)
        {
            let (joined, leads) = (format!("{title} {}", lines[next].text.trim()), false);
            let (joined, leads) = {
                let (words, found) = bare(&joined);
                (words.to_string(), leads || found)
            };
            if titles::fit(&joined, &number) == Some(Fit::Exact) {
                found.written = format!("{} {}", found.written, lines[next].text.trim());
                (found.title, found.leads, found.length) = (joined, leads, 2);
            }
        }
    }
    // What follows a known title in the same line is text.
    if titles::fit(&found.title, &number) != Some(Fit::Exact)
        && let Some(end) = titles::prefix(&found.title, &number)
    {
        let (head, tail) = found.title.split_at(end);
        let gap = tail.len()
            - tail
                .trim_start_matches(|c: char| c.is_whitespace() || ":.-–—|".contains(c))
                .len();
        let sign =
            tail[..gap].contains([':', '-', '–', '—', '|', '.', '\t']) || tail.starts_with("  ");
        let rest = &tail[gap..];
        let telling = rest.split_whitespace().count() >= 4
            || rest.contains(|c: char| c.is_ascii_digit() || c == '@');
        if gap > 0 && !rest.is_empty() && !rest.starts_with(char::is_lowercase) && (sign || telling)
        {
            // As it was written, with its last sign.
            let from = stars.rfind(rest).unwrap_or(stars.len());
            found.rest = stars[from..].to_string();
            found.written = stars[..from].trim_end().to_string();
            found.title = head.to_string();
        }
    }
    found.meant = titles::meant(&found.title);
    if found
        .meant
        .as_ref()
        .is_none_or(|(_, fit)| *fit == Fit::Near)
        && let Some(fit) = titles::fit(&found.title, &number)
    {
        found.meant = Some((number, fit));
    }
    Some(found)
}

/// Whether a line with a number is a heading, or an item of a list, a house number, a version.
fn is_heading(lines: &[Line], one: &Found, last: Option<&Found>) -> bool {
    let Some(number) = &one.number else {
        return false;
    };
    if one.meant.is_some() {
        // "5 Services" is one; "5 services that we sold last year" is none.
        return one.title.starts_with(|c: char| !c.is_lowercase())
            || one
                .meant
                .as_ref()
                .is_some_and(|(_, fit)| *fit == Fit::Exact);
    }
    let title = one.title.as_str();
    let words = title.split_whitespace().count();
    let like_title = words <= 10
        && title.chars().count() <= 80
        && title.starts_with(char::is_uppercase)
        && !one.written.ends_with(['.', ';', ',']);
    let blank = |at: Option<usize>| at.is_none_or(|at| lines.get(at).is_none_or(Line::is_blank));
    let alone = blank(one.at.checked_sub(1)) || lines[one.at].mark == Mark::Heading;
    let follows = last
        .and_then(|last| last.number.as_ref())
        .is_some_and(|last| follows(last.parts(), number.parts()));
    // Items of a list follow each other line by line; so do few headings of which nobody knows the title.
    let in_list =
        number.depth() == 1 && lines[one.at].mark != Mark::Heading && number.parts()[0] <= 7;
    like_title && follows && !in_list && (alone || number.depth() > 1 || number.parts()[0] > 7)
}

/// Whether a number may come after another: its next sister (a few may be missing), its first child, an aunt.
fn follows(last: &[u8], next: &[u8]) -> bool {
    let shared = last.iter().zip(next).take_while(|(a, b)| a == b).count();
    match (last.get(shared), next.get(shared)) {
        (None, Some(first)) => next.len() == shared + 1 && *first <= 2,
        (Some(before), Some(after)) => {
            *after > *before
                && *after - *before <= 3
                && (next.len() == shared + 1 || next.len() == shared + 2 && next[shared + 1] == 1)
        }
        _ => false,
    }
}

/// Headings that are known by their title alone.
fn unnumbered(lines: &[Line]) -> Vec<Found> {
    let mut all = Vec::new();
    for (at, line) in lines
        .iter()
        .enumerate()
        .filter(|(_, line)| line.is_own() && !line.is_blank() && line.text.len() < 300)
    {
        let (title, leads) = bare(&line.text);
        let blank_before = at == 0 || lines[at - 1].is_blank() || !lines[at - 1].is_own();
        let loud = title.chars().any(char::is_alphabetic) && !title.chars().any(char::is_lowercase);
        let marked = line.mark == Mark::Heading
            || line.text.trim().starts_with("**")
            || loud
            || line.text.trim().ends_with(':');
        let meant = match line.mark {
            Mark::Heading => titles::meant(title),
            _ => titles::exact(title).map(|number| (number, Fit::Exact)),
        };
        let is_one = meant.is_some() && (marked || blank_before) || line.mark == Mark::Heading;
        // A sentence such as "Contact." is none.
        if is_one && (line.mark == Mark::Heading || !line.text.trim().ends_with(['.', ',', ';'])) {
            let written = line.text.trim().to_string();
            all.push(Found {
                at,
                length: 1,
                written,
                number: None,
                title: title.to_string(),
                meant,
                rest: String::new(),
                leads,
            });
        }
    }
    // Headings before the first that is known are of the page, or the title.
    let first = all
        .iter()
        .position(|one| one.meant.is_some())
        .unwrap_or(all.len());
    all.split_off(first)
}

/// Headings of HTML and Markdown without a number, in a document whose headings have one.
fn extra(lines: &[Line], found: &mut Vec<Found>) {
    let first = found.first().map_or(usize::MAX, |one| one.at);
    let taken: HashSet<usize> = found
        .iter()
        .flat_map(|one| one.at..one.at + one.length)
        .collect();
    for (at, line) in lines.iter().enumerate().skip(first.saturating_add(1)) {
        if line.mark == Mark::Heading && !line.is_blank() && !taken.contains(&at) {
            let title = bare(&line.text).0.to_string();
            let written = line.text.trim().to_string();
            found.push(Found {
                at,
                length: 1,
                written,
                number: None,
                title,
                meant: None,
                rest: String::new(),
                leads: false,
            });
        }
    }
    found.sort_by_key(|one| one.at);
}

/// Which of the headings are of a table of contents: several in a row with nothing between them that come again.
fn contents(lines: &[Line], found: &[Found]) -> Vec<bool> {
    let empty = |n: usize| {
        let from = found[n].at + found[n].length;
        let to = found.get(n + 1).map_or(lines.len(), |next| next.at);
        let is_last = found.get(n + 1).is_none();
        found[n].rest.is_empty()
            && !is_last
            && lines[from..to]
                .iter()
                .all(|line| line.is_blank() || !line.is_own() || is_page(&line.text))
    };
    let name = |one: &Found| (one.number.clone(), titles::words(&one.title));
    let last: HashMap<_, usize> = found
        .iter()
        .enumerate()
        .map(|(n, one)| (name(one), n))
        .collect();
    let again = |n: usize| last.get(&name(&found[n])).is_some_and(|last| *last > n);
    let mut is_entry: Vec<bool> = (0..found.len())
        .map(|n| found[n].leads || again(n))
        .collect();
    // The last entry is followed by the text before the first section, which stands below nothing.
    let mut at = 0;
    while at < found.len() {
        let run = (at..found.len()).take_while(|n| is_entry[*n]).count();
        let quiet = (at..at + run)
            .filter(|n| empty(*n) || found[*n].leads)
            .count();
        // The first chapter's heading may stand alone in front of its first section; a real table has many entries.
        let is_table = run >= 4 && quiet + 1 >= run;
        if !is_table {
            is_entry[at..(at + run).min(found.len())].fill(false);
        }
        at += run.max(1);
    }
    is_entry
}

fn is_page(text: &str) -> bool {
    let text = text.trim();
    !text.is_empty() && text.len() <= 3 && text.bytes().all(|c| c.is_ascii_digit())
}

const CONTENTS: [&str; 12] = [
    "contents",
    "table of contents",
    "inhalt",
    "inhaltsverzeichnis",
    "sommaire",
    "table des matières",
    "содержание",
    "оглавление",
    "índice",
    "indice",
    "sadržaj",
    "spis treści",
];

fn assemble(lines: Vec<Line>, found: Vec<Found>, contents: &[bool]) -> Cuts {
    let mut cuts = Cuts::default();
    let real: Vec<&Found> = found
        .iter()
        .zip(contents)
        .filter(|(_, is_entry)| !**is_entry)
        .map(|(one, _)| one)
        .collect();
    let entries = || {
        found
            .iter()
            .zip(contents)
            .filter(|(_, is_entry)| **is_entry)
            .map(|(one, _)| one)
    };
    let listed: HashSet<usize> = entries()
        .flat_map(|one| one.at..one.at + one.length)
        .collect();
    let near_listed: HashSet<usize> = entries().flat_map(|one| one.at + 1..one.at + 4).collect();
    let mut next = real.iter().peekable();
    let mut at = 0;
    while at < lines.len() {
        let line = &lines[at];
        if let Some(one) = next.next_if(|one| one.at == at) {
            let mut body = Vec::new();
            if !one.rest.is_empty() {
                body.push(Line {
                    text: one.rest.clone(),
                    number: line.number,
                    mark: Mark::Text,
                });
            }
            cuts.sections.push(Cut {
                line: line.number,
                written: one.written.clone(),
                number: one.number.clone(),
                title: one.title.clone(),
                meant: one.meant.clone(),
                body,
            });
            at += one.length;
            continue;
        }
        let in_table = listed.contains(&at) || is_page(&line.text) && near_listed.contains(&at);
        let heads = !listed.is_empty()
            && CONTENTS.contains(
                &line
                    .text
                    .trim()
                    .trim_end_matches(':')
                    .to_lowercase()
                    .as_str(),
            );
        if in_table || heads {
            cuts.chrome.push(Line {
                mark: Mark::Chrome(Why::Contents),
                ..line.clone()
            });
        } else if !line.is_own() {
            if !line.is_blank() {
                cuts.chrome.push(line.clone());
            }
        } else if is_rule(&line.text) {
            cuts.chrome.push(Line {
                mark: Mark::Chrome(Why::Rule),
                ..line.clone()
            });
            if let Some(body) = cuts.sections.last_mut().map(|section| &mut section.body) {
                body.push(Line {
                    text: String::new(),
                    ..line.clone()
                });
            }
        } else {
            cuts.sections
                .last_mut()
                .map_or(&mut cuts.before, |section| &mut section.body)
                .push(line.clone());
        }
        at += 1;
    }
    cuts
}

/// A line of signs that says nothing.
pub fn is_rule(text: &str) -> bool {
    let text = text.trim();
    let signs = text.strip_prefix("- ").unwrap_or(text);
    signs.chars().count() >= 4 && signs.chars().all(|c| "-=_*~#─—═+".contains(c))
        || text.chars().count() >= 3 && text.chars().all(|c| c == '-' || c == '=')
}

/// Whether a line can be a title: short, and no sentence.
pub fn is_short(text: &str) -> bool {
    text.split_whitespace().count() <= 12 && text.chars().count() <= 100 && !ends_sentence(text)
}

/// The same, or a short line with a colon at its end: a menu's.
pub fn is_short_or_colon(text: &str) -> bool {
    is_short(text) || text.split_whitespace().count() <= 6 && text.trim_end().ends_with(':')
}
