//! Lines that are known for what they are before the sections are found: armor, certificates, labels; and elements of a
//! page that look like a menu and have the document in them.

use super::{
    lines::{Line, Mark, Why},
    titles,
};
use std::collections::BTreeMap;

/// Armored certificates that are whole, which are files and not text.
pub fn mark_certificates(lines: &mut [Line]) -> Vec<String> {
    let is = |line: &Line, words: &str| line.text.trim().trim_start_matches("- ") == words;
    let mut all = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let rest = &lines[at..];
        let whole = is(&rest[0], "-----BEGIN PGP PUBLIC KEY BLOCK-----").then(|| {
            rest.iter()
                .position(|line| is(line, "-----END PGP PUBLIC KEY BLOCK-----"))
        });
        let Some(end) = whole.flatten().map(|end| at + end) else {
            at += 1;
            continue;
        };
        let bare = |line: &Line| line.text.trim().trim_start_matches("- ").to_string();
        all.push(
            lines[at..=end]
                .iter()
                .map(|line| bare(line) + "\n")
                .collect(),
        );
        // In Markdown it stands in a fence, which would be empty without it.
        let fence =
            |line: Option<&Line>| line.is_some_and(|line| line.text.trim().starts_with("```"));
        let fenced = at > 0 && fence(lines.get(at - 1)) && fence(lines.get(end + 1));
        let (from, end) = if fenced { (at - 1, end + 1) } else { (at, end) };
        for line in lines[from..=end].iter_mut().filter(|line| !line.is_blank()) {
            line.mark = Mark::Chrome(Why::Certificate);
        }
        at = end + 1;
    }
    all
}

/// Lines of an armor that is shown in a page, or is not whole.
pub fn mark_armor(lines: &mut [Line]) {
    let bare = |text: &str| text.trim().trim_start_matches("- ").trim().to_string();
    let mut inside = false;
    let mut heads = false;
    for line in lines.iter_mut().filter(|line| line.is_own()) {
        let text = bare(&line.text);
        let begins = text.starts_with("-----BEGIN PGP SIGN") && text.ends_with("-----");
        if begins {
            inside = text.contains("SIGNATURE");
            heads = !inside;
            line.mark = Mark::Chrome(Why::Armor);
        } else if text == "-----END PGP SIGNATURE-----" {
            (inside, heads) = (false, false);
            line.mark = Mark::Chrome(Why::Armor);
        } else if heads {
            heads = text.starts_with("Hash:") || text.is_empty() && heads;
            if text.starts_with("Hash:") {
                line.mark = Mark::Chrome(Why::Armor);
            }
        } else if inside && !text.is_empty() {
            // An end that is missing must not swallow the rest.
            let is_head = ["Version:", "Comment:", "Hash:", "Charset:"]
                .iter()
                .any(|name| text.starts_with(name));
            inside = is_head || !text.contains(char::is_whitespace) && text.is_ascii();
            if inside {
                line.mark = Mark::Chrome(Why::Armor);
            }
        }
    }
}

/// Takes an element back that looked like a part of the page, but has the document in it.
pub fn welcome(lines: &mut [Line]) {
    let is_known = |line: &Line| {
        titles::is_numbered_heading(line.text.trim()) || titles::exact(line.text.trim()).is_some()
    };
    let own = lines
        .iter()
        .filter(|line| line.is_own() && is_known(line))
        .count();
    let mut inside: BTreeMap<usize, usize> = BTreeMap::new();
    for line in lines.iter().filter(|line| is_known(line)) {
        if let Mark::Chrome(Why::Page(root)) = line.mark {
            *inside.entry(root).or_default() += 1;
        }
    }
    let wanted: Vec<usize> = inside
        .into_iter()
        .filter(|(_, count)| *count >= 4 && own < 8)
        .map(|(root, _)| root)
        .collect();
    for line in lines.iter_mut() {
        if matches!(line.mark, Mark::Chrome(Why::Page(root)) if wanted.contains(&root)) {
            line.mark = Mark::Text;
        }
    }
}

/// The labels of TLP 2.0, the widest first.
pub const LABELS: [&str; 5] = ["CLEAR", "GREEN", "AMBER", "AMBER+STRICT", "RED"];

/// A line that is a label and nothing else, near the beginning or the end.
pub fn mark_label(lines: &mut [Line]) -> Option<(usize, &'static str)> {
    let written: Vec<usize> = (0..lines.len())
        .filter(|at| !lines[*at].is_blank())
        .collect();
    let edge = written
        .iter()
        .take(12)
        .chain(written.iter().rev().take(6))
        .copied()
        .collect::<Vec<_>>();
    let mut narrowest = None;
    for at in edge {
        let text = lines[at]
            .text
            .trim()
            .trim_matches(|c: char| "[]()*_".contains(c))
            .to_uppercase();
        let words = text.strip_prefix("TLP").map(|rest| {
            rest.trim_start_matches([':', ' ', '-'])
                .trim_end_matches('.')
                .to_string()
        });
        let found = words.and_then(|word| match word.as_str() {
            // TLP 1 had another word for it.
            "WHITE" => Some(0),
            word => LABELS.iter().position(|label| *label == word),
        });
        if let Some(label) = found {
            if narrowest.is_none_or(|(_, other)| label > other) {
                narrowest = Some((lines[at].number, label));
            }
            if lines[at].is_own() {
                lines[at].mark = Mark::Chrome(Why::Label);
            }
        }
    }
    narrowest.map(|(line, label)| (line, LABELS[label]))
}
