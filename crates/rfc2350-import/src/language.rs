//! In which language a document is written, by its small words and letters.

use super::read::Document;
use advise_base::terms::Lang;

const SMALL: [(&str, &[&str]); 12] = [
    (
        "en",
        &["the", "and", "of", "is", "to", "for", "with", "this"],
    ),
    (
        "de",
        &["der", "die", "das", "und", "ist", "für", "mit", "dieses"],
    ),
    (
        "fr",
        &["le", "la", "les", "des", "est", "et", "pour", "dans"],
    ),
    ("es", &["el", "los", "las", "del", "y", "para", "es", "una"]),
    (
        "it",
        &["il", "che", "della", "di", "per", "sono", "gli", "una"],
    ),
    ("pt", &["o", "os", "do", "da", "para", "não", "uma", "é"]),
    (
        "nl",
        &["de", "het", "een", "van", "voor", "zijn", "wordt", "met"],
    ),
    ("pl", &["i", "w", "na", "jest", "oraz", "do", "dla", "się"]),
    (
        "cs",
        &["a", "je", "pro", "na", "tento", "nebo", "jsou", "v"],
    ),
    (
        "sr-Latn",
        &["je", "i", "za", "u", "se", "koji", "ili", "na"],
    ),
    ("ru", &["и", "в", "на", "для", "по", "или", "с", "это"]),
    ("uk", &["і", "та", "в", "на", "для", "або", "з", "це"]),
];

/// The most likely language.
pub fn of(document: &Document) -> Lang {
    let mut counts = [0_usize; SMALL.len()];
    let mut letters = (0_usize, 0_usize);
    let own = document
        .sections
        .iter()
        .flat_map(|section| &section.blocks)
        .flat_map(|block| &block.lines);
    for (_, text) in own {
        let lower = text.to_lowercase();
        letters.0 += lower.chars().filter(|c| "әғқңөұүһ".contains(*c)).count();
        letters.1 += lower.chars().filter(|c| "ђјљњћџ".contains(*c)).count();
        for word in lower
            .split(|c: char| !c.is_alphabetic())
            .filter(|word| !word.is_empty())
        {
            for (count, (_, words)) in counts.iter_mut().zip(&SMALL) {
                *count += usize::from(words.contains(&word));
            }
        }
    }
    let most = counts.iter().max().copied().unwrap_or(0);
    let name = match letters {
        (kazakh, _) if kazakh > most / 2 && kazakh > 8 => "kk",
        (_, serbian) if serbian > most / 2 && serbian > 8 => "sr",
        _ => counts
            .iter()
            .position(|count| *count == most)
            .filter(|_| most > 0)
            .map_or("en", |at| SMALL[at].0),
    };
    name.parse().unwrap_or_else(|_| Lang::english())
}
