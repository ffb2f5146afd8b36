//! That an import lost nothing: every word sequence of the document is found again in what was written, or in the
//! report. It knows nothing of how the sources were made; it only compares words.

use super::{block::Sentence, read::Document};

/// Words of a text, looked for from where the last ones were found.
struct Words {
    text: String,
    at: usize,
}

impl Words {
    fn of(text: &str) -> Words {
        let mut out = String::with_capacity(text.len() + 2);
        out.push(' ');
        for word in words(text) {
            out.push_str(&word);
            out.push(' ');
        }
        Words { text: out, at: 0 }
    }

    fn has(&mut self, wanted: &[String]) -> bool {
        let wanted = format!(" {} ", wanted.join(" "));
        let found = self.text[self.at..]
            .find(&wanted)
            .map(|at| at + self.at)
            .or_else(|| self.text.find(&wanted));
        if let Some(at) = found {
            self.at = at;
        }
        found.is_some()
    }
}

/// In small letters, without any sign.
fn words(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}

/// The lines and sentences of a document that are in none of the texts.
pub fn lost(document: &Document, texts: &[&str]) -> Vec<Sentence> {
    let mut places: Vec<Words> = texts.iter().map(|text| Words::of(text)).collect();
    let mut lost = Vec::new();
    // Each line, whatever became of it: in as many pieces as a heading, a fact and sentences can make of it.
    for line in &document.lines {
        let pieces = 3 + line.text.matches(['.', '!', '?', '…', ':']).count();
        if !covered(&words(&line.text), &mut places, pieces) {
            lost.push(Sentence {
                line: line.number,
                text: line.text.trim().to_string(),
            });
        }
    }
    // Each sentence as a whole, over the ends of lines.
    for sentence in document
        .sections
        .iter()
        .flat_map(|section| &section.blocks)
        .flat_map(super::Block::sentences)
    {
        let wanted = words(&sentence.text);
        if !wanted.is_empty() && !places.iter_mut().any(|place| place.has(&wanted)) {
            lost.push(sentence);
        }
    }
    lost.sort_by_key(|sentence| sentence.line);
    lost.dedup();
    lost
}

/// Whether words can be put together of at most so many pieces of the texts.
fn covered(wanted: &[String], places: &mut [Words], pieces: usize) -> bool {
    let mut rest = wanted;
    for _ in 0..pieces {
        if rest.is_empty() || places.iter_mut().any(|place| place.has(rest)) {
            return true;
        }
        // The longest beginning that is there; if a longer one is, so is each shorter one.
        let (mut low, mut high) = (0, rest.len());
        while low + 1 < high {
            let middle = usize::midpoint(low, high);
            match places.iter_mut().any(|place| place.has(&rest[..middle])) {
                true => low = middle,
                false => high = middle,
            }
        }
        if low == 0 {
            return false;
        }
        rest = &rest[low..];
    }
    rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Seal, read};

    fn of(text: &str, written: &[&str]) -> Vec<String> {
        let document = read("d.txt", text.as_bytes(), Seal::None, None).expect("a document");
        lost(&document, written)
            .into_iter()
            .map(|sentence| format!("{}: {}", sentence.line, sentence.text))
            .collect()
    }

    #[test]
    fn what_is_not_found_again_is_named() {
        let text = "3.1 Mission Statement\n\nWe help all. We teach\nthose who ask.\n";
        assert!(
            of(
                text,
                &["## 3.1 Mission statement\n\nWe *help*\nall. We teach those who ask."]
            )
            .is_empty()
        );
        assert_eq!(
            of(
                text,
                &["3.1 Mission Statement We help all. We teach those."]
            ),
            ["3: We teach those who ask.", "4: those who ask."]
        );
        assert_eq!(
            of(
                text,
                &["Mission Statement", "We help all. We teach those who ask."]
            ),
            ["1: 3.1 Mission Statement"]
        );
    }
}
