//! How the team can be reached: telephone, fax, mail, web site.

use super::{Finder, Sentence};
use crate::{block::Block, scan, zone};

/// Words that say that a number is for emergencies.
const URGENT: [&str; 14] = [
    "emergenc",
    "24/7",
    "24x7",
    "after hours",
    "outside office",
    "on-call",
    "on call",
    "duty",
    "notfall",
    "bereitschaft",
    "urgence",
    "экстренн",
    "круглосуточ",
    "дежурн",
];

fn is_urgent(text: &str) -> bool {
    let lower = text.to_lowercase();
    URGENT.iter().any(|word| lower.contains(word))
}

/// Words that stand beside a number or address and say nothing more.
const LABELS: &str = " tel telephone phone telefon téléphone fax telefax facsimile number nummer no nr main office hotline mobile cell gsm emergency emergencies in \
                      email e mail address adresse ip the is our cert csirt team duty 24 7 24x7 h телефон факс тел номер адрес почта электронная url web website \
                      site page landline voice notfall and or general primary secondary ";

impl Finder {
    /// 2.4 and 2.5, and numbers for emergencies in 2.11.
    pub(super) fn phones(&mut self) {
        for (number, field) in [("2.4", "phone"), ("2.5", "fax")] {
            for block in self.blocks(number) {
                for sentence in lines(&block) {
                    self.number(number, field, &sentence, &block);
                }
            }
        }
        for number in ["2.11", "2.6"] {
            let sentences: Vec<Sentence> = self
                .blocks(number)
                .iter()
                .flat_map(Block::sentences)
                .collect();
            for sentence in sentences {
                if let [(_, phone)] = &scan::phones(&sentence.text, false)[..] {
                    let field = if is_urgent(&sentence.text) {
                        "emergency_phone"
                    } else {
                        "phone"
                    };
                    let is_known = self
                        .found
                        .facts
                        .iter()
                        .any(|fact| fact.value == phone.as_str());
                    if !is_known
                        && self.found.value(field).is_none()
                        && !sentence.text.to_lowercase().contains("fax")
                    {
                        self.add(field, phone.as_str(), Vec::new()).note =
                            Some(format!("from line {}", sentence.line));
                    }
                }
            }
        }
        if let Some(country) = self
            .found
            .value("phone")
            .or(self.found.value("fax"))
            .and_then(zone::by_phone)
            .map(|country| country.code)
            && self.found.value("country").is_none()
        {
            self.add("country", country, Vec::new()).note =
                Some("from the telephone number".into());
        }
    }

    fn number(&mut self, number: &str, field: &'static str, sentence: &Sentence, block: &Block) {
        let phones = scan::phones(&sentence.text, true);
        let [(span, phone)] = &phones[..] else { return };
        let field = if field == "phone" && is_urgent(&sentence.text) {
            "emergency_phone"
        } else {
            field
        };
        if self.found.value(field).is_some() {
            return;
        }
        let (before, after) = (
            &sentence.text[..span.start],
            sentence.text[span.end..].trim(),
        );
        let whole = block.sentences();
        // Only where the line is a sentence of its own can it be taken out.
        let alone = whole.contains(sentence);
        let bare_after = says_nothing(after);
        if alone && says_nothing(before) && (bare_after || after.starts_with(['(', ',', ';'])) {
            self.take(number, std::slice::from_ref(sentence));
            if !bare_after {
                self.keep(
                    number,
                    sentence.line,
                    after.trim_start_matches([',', ';']).trim(),
                );
            }
            self.add(field, phone.as_str(), vec![sentence.clone()]);
        } else {
            self.add(field, phone.as_str(), Vec::new()).note =
                Some(format!("from line {}", sentence.line));
        }
    }

    /// 2.7: the address that is named most often, there and in 2.11.
    pub(super) fn mail(&mut self) {
        let mut counts: Vec<(String, usize, usize)> = Vec::new();
        for (weight, number) in ["2.7", "2.11", "2.10", "2.8", "6", "2.6"]
            .into_iter()
            .enumerate()
        {
            for mail in self
                .blocks(number)
                .iter()
                .flat_map(|block| scan::mails(&block.text()))
            {
                let key = mail.address.key();
                match counts
                    .iter_mut()
                    .find(|(address, _, _)| address.to_ascii_lowercase() == key)
                {
                    Some((_, count, _)) => *count += 1,
                    None => counts.push((mail.address.to_string(), 1, weight)),
                }
            }
        }
        // What stands in 2.7 comes first; among those the most frequent; among those the first.
        let in_its_section = counts.iter().any(|(_, _, weight)| *weight == 0);
        counts.retain(|(_, _, weight)| !in_its_section || *weight == 0);
        let Some(most) = counts.iter().map(|(_, count, _)| *count).max() else {
            return;
        };
        let Some(address) = counts
            .iter()
            .find(|(_, count, _)| *count == most)
            .map(|(address, _, _)| address.clone())
        else {
            return;
        };
        let bare = |sentence: &Sentence| {
            let mails = scan::mails(&sentence.text);
            matches!(&mails[..], [mail] if mail.address.to_string() == address
                && says_nothing(&sentence.text[..mail.span.start]) && says_nothing(&sentence.text[mail.span.end..]))
        };
        let taken: Vec<Sentence> = self
            .blocks("2.7")
            .iter()
            .flat_map(Block::sentences)
            .filter(bare)
            .collect();
        self.take("2.7", &taken);
        self.add("email", address, taken);
    }

    /// 2.10, or the host of 1.3.
    pub(super) fn website(&mut self) {
        for number in ["2.10", "1.3"] {
            for sentence in self.blocks(number).iter().flat_map(Block::sentences) {
                let Some(span) = scan::urls(&sentence.text).into_iter().next() else {
                    continue;
                };
                let Ok(url) = url::Url::parse(&sentence.text[span.clone()]) else {
                    continue;
                };
                if !matches!(url.scheme(), "http" | "https")
                    || url.host_str().is_none_or(|host| !host.contains('.'))
                {
                    continue;
                }
                if number == "2.10" {
                    let bare = says_nothing(&sentence.text[..span.start])
                        && says_nothing(&sentence.text[span.end..]);
                    let from = if bare {
                        vec![sentence.clone()]
                    } else {
                        Vec::new()
                    };
                    self.take(number, &from);
                    self.add("website", &sentence.text[span], from);
                } else {
                    let root = url.origin().ascii_serialization();
                    self.add("website", root, Vec::new()).note =
                        Some(format!("the host of line {}", sentence.line));
                }
                return;
            }
        }
    }
}

/// Each line of a block as if it were a sentence, which in lists of numbers it is.
fn lines(block: &Block) -> Vec<Sentence> {
    let one = |(line, text): &(usize, String)| Sentence {
        line: *line,
        text: text.split_whitespace().collect::<Vec<_>>().join(" "),
    };
    let by_line: Vec<Sentence> = block.lines.iter().map(one).collect();
    let sentences = block.sentences();
    if by_line.iter().all(|line| sentences.contains(line)) {
        by_line
    } else {
        sentences
    }
}

/// Whether a piece of a line has only words that name what stands beside it.
fn says_nothing(text: &str) -> bool {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .all(|word| LABELS.contains(&format!(" {} ", word.to_lowercase())))
}
