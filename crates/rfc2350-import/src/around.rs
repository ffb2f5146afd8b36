//! What stands before the first section and after the last: title, text without a heading, pieces of a page.

use super::{
    cut::{self, Cut},
    lines::{Form, Line, Mark, Why},
};

pub type Preamble = Vec<(Option<Line>, Vec<Line>)>;

/// What stands before the first section: the title, what is of the page, and paragraphs, perhaps with headings.
pub fn preamble(
    before: Vec<Line>,
    form: Form,
    has_sections: bool,
    chrome: &mut Vec<Line>,
) -> (Option<Line>, Preamble) {
    let is_title = |line: &Line| {
        let lower = line.text.to_lowercase();
        cut::is_short(&line.text)
            && (lower.contains("2350")
                || lower.contains("csirt description")
                || lower.contains("cert description"))
    };
    let named = before
        .iter()
        .position(|line| !line.is_blank() && is_title(line));
    let first = before
        .iter()
        .position(|line| !line.is_blank() && cut::is_short(&line.text));
    let at = named.or(first.filter(|at| has_sections && before[..*at].iter().all(Line::is_blank)));
    let title = at.map(|at| before[at].clone());
    let mut parts: Preamble = Vec::new();
    let mut push = |line: &Line| match parts.last_mut() {
        Some((_, body)) => body.push(line.clone()),
        None => parts.push((None, vec![line.clone()])),
    };
    let mut heads = Vec::new();
    for (n, line) in before.iter().enumerate() {
        let above = at.is_some_and(|at| n < at);
        // In a page, single words before the document are links and buttons, wherever they stand.
        let loose = form == Form::Html
            && line.mark != Mark::Heading
            && cut::is_short(&line.text)
            && line.text.split_whitespace().count() <= 3;
        if Some(n) == at {
            continue;
        }
        if !line.is_blank()
            && has_sections
            && (above && named.is_some() && cut::is_short_or_colon(&line.text) || loose)
        {
            chrome.push(Line {
                mark: Mark::Chrome(Why::Around),
                ..line.clone()
            });
            continue;
        }
        let next = before[n + 1..].iter().find(|line| !line.is_blank());
        let heads_text = !line.is_blank()
            && cut::is_short(&line.text)
            && line.text.split_whitespace().count() <= 8
            && (n == 0 || before[n - 1].is_blank())
            && (line.mark == Mark::Heading || before.get(n + 1).is_some_and(Line::is_blank))
            && next.is_some_and(|next| next.text.split_whitespace().count() > 8);
        if heads_text && has_sections && !above {
            heads.push(n);
        }
        push(line);
    }
    // Cut again at the headings, which is easier once it is known which lines stay.
    let lines: Vec<Line> = parts.into_iter().flat_map(|(_, body)| body).collect();
    let heads: Vec<usize> = heads.into_iter().map(|n| before[n].number).collect();
    let mut parts: Preamble = Vec::new();
    for line in lines {
        if heads.contains(&line.number) && !line.is_blank() {
            parts.push((Some(line), Vec::new()));
        } else {
            match parts.last_mut() {
                Some((_, body)) => body.push(line),
                None => parts.push((None, vec![line])),
            }
        }
    }
    parts.retain(|(heading, body)| heading.is_some() || body.iter().any(|line| !line.is_blank()));
    (title, parts)
}

/// Words of pages and not of documents.
const PAGE_WORDS: [&str; 22] = [
    "all rights reserved",
    "cookie",
    "privacy policy",
    "sitemap",
    "site map",
    "back to top",
    "follow us",
    "powered by",
    "our partners",
    "наши партнеры",
    "наши партнёры",
    "выберите язык",
    "choose language",
    "select language",
    "skip to content",
    "impressum",
    "datenschutz",
    "mentions légales",
    "все права защищены",
    "карта сайта",
    "share this",
    "print this page",
];

/// What stands after the document: lines that are of the page by their words or by their script.
pub fn trailing(sections: &mut [Cut], all: &[Line], chrome: &mut Vec<Line>) {
    let Some(last) = sections.last_mut() else {
        return;
    };
    let main = cyrillic(
        all.iter()
            .filter(|line| line.is_own())
            .map(|line| line.text.as_str()),
    );
    while let Some(at) = last.body.iter().rposition(|line| !line.is_blank()) {
        let text = last.body[at].text.trim();
        let lower = text.to_lowercase();
        let short = text.split_whitespace().count() <= 12 && !text.ends_with(['.', '!', '?']);
        let of_page = short
            && (PAGE_WORDS.iter().any(|word| lower.contains(word))
                || cyrillic([text].into_iter()) != main && text.chars().any(char::is_alphabetic))
            || (lower.starts_with('©') || lower.starts_with("copyright ©"))
                && text.split_whitespace().count() <= 15;
        if !of_page {
            break;
        }
        let line = last.body.remove(at);
        chrome.push(Line {
            mark: Mark::Chrome(Why::Around),
            ..line
        });
    }
}

fn cyrillic<'t>(texts: impl Iterator<Item = &'t str>) -> bool {
    let (mut yes, mut no) = (0_usize, 0_usize);
    for c in texts.flat_map(str::chars).filter(|c| c.is_alphabetic()) {
        if matches!(c, '\u{400}'..='\u{52f}') {
            yes += 1
        } else {
            no += 1
        }
    }
    yes > no
}
