//! What has gone wrong in real published documents, looked for in ours. Each rule would rather miss a fault than
//! name one that is none.

use super::{
    KeyFacts, Prose,
    facts::names,
    outline::Number,
    prose::Section,
    zone::{Clocks, written},
};
use crate::{
    diag::{Finding, Findings, Span},
    team::Team,
    terms::{Fingerprint, Moment, shorten},
};

/// How many days before its end the key is worth a warning.
const EXPIRY_WARNING_DAYS: i64 = 60;

/// All faults of the prose in one language, and of the key.
pub fn lint(team: &Team, key: Option<&KeyFacts>, prose: &Prose, now: &Moment) -> Findings {
    let mut findings = lint_key(team, key, now);
    findings.append(lint_prose(team, key, prose, now));
    findings
}

/// Faults of what the document says of the key; the same for every language.
pub fn lint_key(team: &Team, key: Option<&KeyFacts>, now: &Moment) -> Findings {
    let mut findings = Findings::new();
    let mut add = |finding: Finding| findings.push(finding);
    let say = |code, message: String| Finding::of_file("team.yaml", code, message);
    let Some(key) = key else {
        add(say(
            "document-without-key",
            "the team has no key, so the RFC 2350 document has nothing to say in 1.4 and 2.8"
                .into(),
        )
        .hint("make one with `advise key generate`, and name it in `keys`")
        .warning());
        return findings;
    };
    match team.keys.first() {
        Some(first) if *first == key.fingerprint => {}
        Some(_) if team.keys.contains(&key.fingerprint) => add(say(
            "key-not-first",
            format!(
                "certificate {} signs, but is not the first of `keys`, which is the current one",
                key.fingerprint
            ),
        )
        .hint("put it first")
        .warning()),
        _ => add(say(
            "key-not-of-team",
            format!(
                "certificate {} signs, but is not among `keys`",
                key.fingerprint
            ),
        )
        .hint(format!(
            "write `keys: [\"{}\"]`, older ones after it",
            key.fingerprint
        ))),
    }
    let address = team.email.key();
    if !key
        .user_ids
        .iter()
        .any(|id| id.to_ascii_lowercase().contains(&address))
    {
        add(say(
            "key-without-address",
            format!(
                "no user ID of certificate {} has the team's address `{address}`",
                key.fingerprint
            ),
        )
        .hint("mail programs find a key by its address: add a user ID with it")
        .warning());
    }
    if let Some(expires) = &key.expires {
        let days = now.days_until(expires);
        let finding = match days {
            _ if expires <= now => Some(say(
                "key-expired",
                format!("the key of section 2.8 expired on {}", expires.date()),
            )),
            0..=EXPIRY_WARNING_DAYS => Some(
                say(
                    "key-expires",
                    format!("the key of section 2.8 expires on {}", expires.date()),
                )
                .warning(),
            ),
            _ => None,
        };
        if let Some(finding) = finding {
            add(finding.hint("renew it in time, so that readers have the new copy"));
        }
    }
    findings
}

/// Faults of the prose in one language.
pub fn lint_prose(team: &Team, key: Option<&KeyFacts>, prose: &Prose, now: &Moment) -> Findings {
    let mut lint = Lint {
        team,
        key,
        prose,
        findings: Findings::new(),
    };
    for (nth, section) in prose.sections.iter().enumerate() {
        let mut at = section.body.start;
        for line in prose.text(section).split_inclusive('\n') {
            lint.line(section, at, line.trim_end_matches('\n'));
            at += line.len();
        }
        lint.fingerprints(section);
        // A section may end by leading to its parts.
        let next = prose
            .sections
            .get(nth + 1)
            .and_then(|next| next.number.as_ref());
        if !section
            .number
            .as_ref()
            .zip(next)
            .is_some_and(|(number, next)| number.contains(next))
        {
            lint.ending(section);
        }
    }
    lint.claims();
    lint.edition();
    lint.offsets(now);
    lint.label();
    lint.empty();
    lint.findings
}

struct Lint<'a> {
    team: &'a Team,
    key: Option<&'a KeyFacts>,
    prose: &'a Prose,
    findings: Findings,
}

/// What a web server puts in the place of a mail address, in lower case.
const ANTI_SPAM: [&str; 9] = [
    "spambot",
    "spam bot",
    "protected from spam",
    "email protected",
    "javascript enabled",
    "enable javascript",
    "спам-бот",
    "спамбот",
    "защищен от спам",
];

const HIDDEN_AT: [&str; 5] = ["(at)", "[at]", "{at}", "(собака)", "[собака]"];

impl Lint<'_> {
    fn warn(&mut self, span: Span, code: &'static str, message: impl Into<String>, hint: &str) {
        self.findings.push(
            self.prose
                .source
                .error(span, code, message)
                .hint(hint)
                .warning(),
        );
    }

    fn line(&mut self, section: &Section, at: usize, line: &str) {
        let lower = line.to_lowercase().replace('ё', "е");
        // Places are counted in the line as written, so a line that changes its length with its case is read as it is.
        let lower = if lower.len() == line.len() {
            lower
        } else {
            line.to_ascii_lowercase()
        };
        let span = |start: usize, length: usize| Span::new(at + start, at + start + length);

        if let Some((place, words)) = ANTI_SPAM
            .iter()
            .find_map(|words| lower.find(words).map(|place| (place, words)))
        {
            let hint = "write the address: `cert@example.org`";
            self.warn(
                span(place, words.len()),
                "hidden-address",
                "a web server put this in the place of a mail address",
                hint,
            );
        }
        for (place, sign) in HIDDEN_AT.iter().flat_map(|sign| lower.match_indices(sign)) {
            let hint = "write `@`: an address that cannot be copied is not used, and a public one is known anyway";
            self.warn(
                span(place, sign.len()),
                "at-address",
                format!("`{sign}` stands in the place of `@`"),
                hint,
            );
        }
        if lower.trim_start().starts_with("- -") {
            let place = line.len() - line.trim_start().len();
            let hint =
                "remove the `- ` in front: it comes from a clear-signed text and says nothing";
            self.warn(
                span(place, 3),
                "dash-escape",
                "this line begins with a dash-escape",
                hint,
            );
        }
        if let Some(place) = line.find("-----BEGIN PGP SIG") {
            let hint = "keep what stands inside the signed text; the document is signed when it is published";
            self.warn(
                span(place, line.len() - place),
                "signature-in-prose",
                "an OpenPGP signature stands in the prose",
                hint,
            );
        }
        for (place, length, what, hint) in urls(&lower) {
            let code = if matches!(what, BLANK | NOWHERE) {
                "blank-url"
            } else {
                "broken-url"
            };
            self.warn(span(place, length), code, what, hint);
        }
        let of_key = ["key", "pgp", "gpg", "ключ", "fingerprint", "отпечаток"]
            .iter()
            .any(|word| lower.contains(word));
        if of_key
            || section
                .number
                .as_ref()
                .is_some_and(|number| number.to_string() == "2.8")
        {
            for (place, token) in tokens(line) {
                let digits = token
                    .strip_prefix("0x")
                    .or_else(|| token.strip_prefix("0X"))
                    .unwrap_or(token);
                let is_id = digits.len() == 8
                    && digits.bytes().all(|c| c.is_ascii_hexdigit())
                    && (digits.len() < token.len()
                        || lower.contains("id") && digits.bytes().any(|c| c.is_ascii_digit()));
                if is_id && !is_in_fingerprint(line, place, token.len()) {
                    let message =
                        format!("`{token}` is a key ID of 32 bits, which anybody can forge");
                    let hint =
                        "give the whole fingerprint, or remove it: section 2.8 has the team's";
                    self.warn(span(place, token.len()), "short-key-id", message, hint);
                }
            }
        }
    }

    /// A fingerprint that is not one of ours: in 2.8 it is wrong, elsewhere it may be another's.
    fn fingerprints(&mut self, section: &Section) {
        let text = self.prose.text(section);
        let in_key_section = section
            .number
            .as_ref()
            .is_some_and(|number| number.to_string() == "2.8");
        let groups: Vec<(usize, &str)> = tokens(text)
            .filter(|(_, token)| token.bytes().all(|c| c.is_ascii_hexdigit()))
            .collect();
        let follows = |a: &(usize, &str), b: &(usize, &str)| {
            a.1.len() == b.1.len()
                && text[a.0 + a.1.len()..b.0]
                    .chars()
                    .all(|c| c.is_whitespace() || c == ':' || c == '-')
        };
        for run in groups.chunk_by(follows) {
            let digits: String = run.iter().map(|(_, group)| *group).collect();
            let Ok(fingerprint) = digits.parse::<Fingerprint>() else {
                continue;
            };
            let is_ours = self.team.keys.contains(&fingerprint)
                || self.key.is_some_and(|key| key.fingerprint == fingerprint);
            if is_ours {
                continue;
            }
            let (first, last) = (run[0], run[run.len() - 1]);
            let span = Span::new(first.0, last.0 + last.1.len()).shifted(section.body.start);
            let message = format!(
                "the fingerprint `{}` is none of the team's",
                shorten(&fingerprint.spaced())
            );
            let hint = "remove it: the document prints the fingerprint of the team's key by itself";
            let finding = self
                .prose
                .source
                .error(span, "foreign-fingerprint", message)
                .hint(hint);
            self.findings.push(if in_key_section {
                finding
            } else {
                finding.warning()
            });
        }
    }

    /// A long last paragraph that stops without any sign, or a colon after which nothing comes.
    fn ending(&mut self, section: &Section) {
        let text = self.prose.text(section);
        let start = text.rfind("\n\n").map_or(0, |place| place + 2);
        let paragraph = &text[start..];
        let first = paragraph.lines().next().unwrap_or_default();
        let numbered = first
            .split(['.', ')'])
            .next()
            .is_some_and(|n| !n.is_empty() && n.bytes().all(|c| c.is_ascii_digit()));
        let is_prose = !first.starts_with([' ', '\t', '-', '*', '+', '|', '>', '`', '~', '[', '#'])
            && !numbered;
        let Some(last) = paragraph
            .split_whitespace()
            .last()
            .filter(|_| is_prose && !paragraph.contains("```"))
        else {
            return;
        };
        let end = section.body.end;
        let span = Span::new(end - last.len(), end);
        let plain = last.trim_end_matches(['*', '_', '`']);
        let is_address = plain.contains("://")
            || plain.contains('@')
            || plain.contains('.')
            || plain.starts_with('<');
        if plain.ends_with(':') {
            self.warn(
                span,
                "cut-short",
                "the section ends with a colon, and nothing follows",
                "write what was to follow",
            );
        } else if plain.ends_with([',', '-', '–'])
            || plain.ends_with(char::is_alphanumeric)
                && !is_address
                && paragraph.split_whitespace().count() >= 8
        {
            self.warn(
                span,
                "cut-short",
                "the section seems to end in the middle of a sentence",
                "finish it, with a full stop",
            );
        }
    }

    /// 1.4: a signature where there is none.
    fn claims(&mut self) {
        let (Some(section), None) = (find(self.prose, "1.4"), self.key) else {
            return;
        };
        let text = self.prose.text(section).to_lowercase();
        if text.len() == section.body.end - section.body.start
            && let Some((place, words)) = ["signed", "signature", "подпис"]
                .iter()
                .find_map(|w| Some((text.find(w)?, w)))
        {
            let span = Span::new(place, place + words.len()).shifted(section.body.start);
            let hint = "make a key with `advise key generate`, and name it in `keys`; the document then says itself how to verify it";
            self.warn(
                span,
                "signature-claimed",
                "this speaks of a signature, and the team has no key that could sign",
                hint,
            );
        }
    }

    /// 1.1: a date that was true once.
    fn edition(&mut self) {
        let Some(section) = find(self.prose, "1.1") else {
            return;
        };
        let text = self.prose.text(section);
        let year = |token: &str| {
            token.len() == 4
                && token
                    .parse::<u16>()
                    .is_ok_and(|year| (1990..2100).contains(&year))
        };
        if let Some((place, token)) = tokens(text).find(|(_, token)| year(token)) {
            let span = Span::new(place, place + token.len()).shifted(section.body.start);
            let hint = "remove it: version and date of the last update are printed, and move by themselves";
            self.warn(
                span,
                "own-date",
                "section 1.1 has a date of its own, which will not move",
                hint,
            );
        }
    }

    /// 2.3: an offset in the prose that no clock of the time zone shows.
    fn offsets(&mut self, now: &Moment) {
        let Some(section) = find(self.prose, "2.3") else {
            return;
        };
        let Some(clocks) = Clocks::of(&self.team.time_zone, now) else {
            return;
        };
        let offsets: Vec<String> = clocks.offsets().into_iter().map(written).collect();
        let text = self.prose.text(section);
        for name in ["UTC", "GMT"] {
            for (place, _) in text.match_indices(name) {
                let rest = &text[place + name.len()..];
                let skipped = rest.len() - rest.trim_start_matches(' ').len();
                let length = rest[skipped..]
                    .bytes()
                    .take_while(|c| c.is_ascii_digit() || b"+-:".contains(c))
                    .count();
                let offset = rest[skipped..skipped + length].trim_end_matches(':');
                let Some(normal) = normal_offset(offset) else {
                    continue;
                };
                if !offsets.contains(&normal) {
                    let span = Span::new(place, place + name.len() + skipped + offset.len())
                        .shifted(section.body.start);
                    let message = format!(
                        "`{}` is at {} and not at {normal}",
                        self.team.time_zone,
                        offsets.join(" and ")
                    );
                    self.warn(
                        span,
                        "wrong-offset",
                        message,
                        "remove it: the document computes the offset from `time_zone`",
                    );
                }
            }
        }
    }

    /// 4.2: another label for what comes without one than `default_tlp` has.
    fn label(&mut self) {
        let (Some(section), Some(tlp)) = (find(self.prose, "4.2"), self.team.default_tlp) else {
            return;
        };
        let text = self.prose.text(section);
        let phrases = [
            "without a label",
            "without any label",
            "unlabelled",
            "unlabeled",
            "без метки",
        ];
        let Some((place, phrase)) = phrases
            .iter()
            .find_map(|phrase| text.find(phrase).map(|place| (place, phrase)))
        else {
            return;
        };
        if text.contains("TLP:") && !names(text, tlp.label()) {
            let span = Span::new(place, place + phrase.len()).shifted(section.body.start);
            let message =
                format!("`default_tlp` in team.yaml is {tlp}, and this text names another label");
            self.warn(span, "label-disagrees", message, "change one of the two");
        }
    }

    /// Sections that readers look for and that would say "None available".
    fn empty(&mut self) {
        let has_fact = |number: &str| match number {
            "2.2" => self.team.address.is_some(),
            "2.4" => self.team.phone.is_some() || self.team.emergency_phone.is_some(),
            "2.9" => self.team.members.is_some(),
            "2.11" => self.team.hours.is_some() || self.team.emergency_phone.is_some(),
            "3.2" => self.team.constituency.is_some(),
            "3.3" => !self.team.affiliation.is_empty(),
            "4.2" => self.team.default_tlp.is_some(),
            // Always there, about the key, or often left out for good reasons: fax, forms.
            "1.1" | "1.2" | "1.3" | "1.4" | "2.1" | "2.3" | "2.5" | "2.6" | "2.7" | "2.8"
            | "2.10" | "6" => true,
            _ => false,
        };
        let written = |number: &Number| {
            let own = |other: &Number| other == number || number.contains(other);
            self.prose
                .sections
                .iter()
                .any(|s| s.body.start < s.body.end && s.number.as_ref().is_some_and(own))
        };
        let mut empty = Vec::new();
        for number in Number::standard() {
            let name = number.to_string();
            // Chapters have their sections, and 5.1 speaks for its parts.
            let is_part =
                number.depth() == 3 && written(&"5.1".parse().unwrap_or_else(|()| number.clone()));
            let is_chapter = number.depth() == 1 && !matches!(name.as_str(), "6" | "7");
            if !is_chapter && !is_part && !has_fact(&name) && !written(&number) {
                empty.push(number);
            }
        }
        for number in empty {
            let title = number.title().unwrap_or_default();
            let message =
                format!("section {number} (`{title}`) has no text, and says so in the document");
            let field = match number.to_string().as_str() {
                "2.2" => Some("address"),
                "2.4" => Some("phone"),
                "2.9" => Some("members"),
                "2.11" => Some("hours"),
                _ => None,
            };
            let path = &self.prose.source.path;
            let hint = match field {
                Some(field) => format!(
                    "fill `{field}` in team.yaml, or write it below `## {number} {title}` in {path}"
                ),
                None => format!("write it below `## {number} {title}` in {path}"),
            };
            let finding = match self.prose.section(&number) {
                Some(section) => self
                    .prose
                    .source
                    .error(section.heading, "empty-section", message),
                None => Finding::of_file(path, "empty-section", message),
            };
            self.findings.push(finding.hint(hint).warning());
        }
    }
}

fn find<'p>(prose: &'p Prose, number: &str) -> Option<&'p Section> {
    prose.section(&number.parse().ok()?)
}

/// Words of letters and digits, with their places.
fn tokens(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let offset = |token: &str| token.as_ptr() as usize - text.as_ptr() as usize;
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|token| !token.is_empty())
        .map(move |token| (offset(token), token))
}

/// Whether groups of hexadecimal digits stand beside this one: then it is a piece of a fingerprint.
fn is_in_fingerprint(line: &str, place: usize, length: usize) -> bool {
    let is_group = |token: Option<&str>| {
        token.is_some_and(|token| {
            token.len() >= 4
                && token.bytes().all(|c| c.is_ascii_hexdigit())
                && token.bytes().any(|c| c.is_ascii_digit())
        })
    };
    is_group(line[..place].split_whitespace().last())
        || is_group(line[place + length..].split_whitespace().next())
}

/// `+5`, `+0500`, `+05:00` as `UTC+05:00`.
fn normal_offset(text: &str) -> Option<String> {
    let sign = text.chars().next().filter(|c| matches!(c, '+' | '-'))?;
    let digits: String = text[1..].chars().filter(|c| *c != ':').collect();
    let (hours, minutes): (u32, u32) = match digits.len() {
        1 | 2 => (digits.parse().ok()?, 0),
        3 | 4 => (
            digits[..digits.len() - 2].parse().ok()?,
            digits[digits.len() - 2..].parse().ok()?,
        ),
        _ => return None,
    };
    // "UTC-0" is UTC.
    let sign = if hours == 0 && minutes == 0 {
        '+'
    } else {
        sign
    };
    Some(format!("UTC{sign}{hours:02}:{minutes:02}"))
}

const BLANK: &str = "this address is blank";
const NOWHERE: &str = "this link leads nowhere";

/// Addresses that lead nowhere: place, length, what, hint.
fn urls(lower: &str) -> Vec<(usize, usize, &'static str, &'static str)> {
    let mut faults = Vec::new();
    for (place, _) in lower.match_indices("http") {
        if lower[..place].ends_with(|c: char| c.is_alphanumeric()) {
            continue;
        }
        let rest = lower[place + 4..]
            .strip_prefix('s')
            .unwrap_or(&lower[place + 4..]);
        let length = lower.len() - place - rest.len();
        if rest.starts_with("//") || rest.starts_with(";//") {
            faults.push((
                place,
                length + 2,
                "this address has no colon",
                "write `https://` before the host",
            ));
        } else if rest.starts_with(":/") && !rest.starts_with("://") {
            faults.push((
                place,
                length + 2,
                "this address has one `/` too few",
                "write `https://` before the host",
            ));
        } else if let Some(host) = rest.strip_prefix("://") {
            if host.starts_with("http:") || host.starts_with("https:") {
                faults.push((
                    place,
                    length + 3,
                    "this address begins twice",
                    "write `https://` once",
                ));
            } else if !host
                .starts_with(|c: char| c.is_alphanumeric() || matches!(c, '[' | '…' | '`'))
            {
                faults.push((place, length + 3, BLANK, "write the host and the path"));
            }
        }
    }
    for (place, _) in lower.match_indices("](") {
        let target = lower[place + 2..]
            .split(')')
            .next()
            .unwrap_or_default()
            .trim();
        if target.is_empty() || target == "#" || target == "<>" {
            faults.push((
                place,
                3.min(lower.len() - place),
                NOWHERE,
                "write the address between the brackets",
            ));
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::{
        super::tests::{date, prose, read, sample_key, sample_team, small_team},
        *,
    };
    use crate::diag::Level;

    const NOW: &str = "2026-11-22";
    const OURS: &str = "3956 A25E AC69 B0F0 46A0  7593 5F7C 9493 AC73 2CE5";

    /// The codes of what is found in one section, and how often each error.
    fn codes(heading: &str, text: &str) -> Vec<&'static str> {
        let prose = prose(&format!("## {heading}\n\n{text}\n"));
        let findings = lint_prose(&sample_team(), Some(&sample_key()), &prose, &date(NOW));
        findings
            .iter()
            .filter(|f| f.code != "empty-section")
            .map(|f| f.code)
            .collect()
    }

    #[test]
    fn the_sample_has_no_faults() {
        for path in ["site/rfc2350.md", "site/rfc2350.ru.md"] {
            let prose = super::super::prose::parse(&read(path), &mut Findings::new());
            let findings = lint(&sample_team(), Some(&sample_key()), &prose, &date(NOW));
            assert!(findings.is_empty(), "{findings:#?}");
        }
    }

    #[test]
    fn faults_of_real_documents_are_found() {
        for (heading, text, code) in [
            (
                "2.7 E-mail",
                "This email address is being protected from spambots. You need JavaScript enabled to view it.",
                "hidden-address",
            ),
            ("2.7 E-mail", "[email protected]", "hidden-address"),
            (
                "2.7 E-mail",
                "Адрес защищён от спам-ботов.",
                "hidden-address",
            ),
            ("2.7 E-mail", "Write to cert(at)example.org.", "at-address"),
            ("1.3 Where", "See https//cert.example.org/.", "broken-url"),
            ("1.3 Where", "See http:/cert.example.org/.", "broken-url"),
            ("1.3 Where", "See [our page]().", "blank-url"),
            ("1.3 Where", "The address is https:// today.", "blank-url"),
            (
                "1.1 Date",
                "This is version 1.2 of 12 March 2015.",
                "own-date",
            ),
            ("5.2 Activities", "- - All sites", "dash-escape"),
            (
                "1.4 Signature",
                "- -----BEGIN PGP SIGNATURE-----",
                "dash-escape",
            ),
            ("2.8 Keys", "Our key has the ID 0x4D7B5100.", "short-key-id"),
            ("2.8 Keys", "Key ID: 4D7B5100", "short-key-id"),
            (
                "3.1 Mission",
                "We help all organisations of the region to find and",
                "cut-short",
            ),
            ("3.1 Mission", "We do the following:", "cut-short"),
            ("2.3 Zone", "We live at UTC+6.", "wrong-offset"),
            ("2.3 Zone", "We live at GMT+0600.", "wrong-offset"),
            (
                "4.2 Disclosure",
                "What comes without a label is TLP:GREEN.",
                "label-disagrees",
            ),
            (
                "4.3 Mail",
                "Partner: 0000 84B5 C767 6EA3 C4D1  C52B 3C00 8A82 4D7B 5100.",
                "foreign-fingerprint",
            ),
        ] {
            assert!(
                codes(heading, text).contains(&code),
                "{text}: {:?}",
                codes(heading, text)
            );
        }
    }

    #[test]
    fn what_is_right_is_left_in_peace() {
        for (heading, text) in [
            ("2.8 Keys", format!("Our key is {OURS}.")),
            ("2.8 Keys", "3956A25EAC69B0F046A075935F7C9493AC732CE5".to_string()),
            ("2.8 Keys", "3956A25E AC69B0F0 46A07593 5F7C9493 AC732CE5".to_string()),
            ("2.8 Keys", "See https://cert.example.org/pgp/ for the key of 20261122.".to_string()),
            ("2.3 Zone", "We live at UTC+05:00, that is GMT+5, or UTC +0500; UTC itself is 5 hours behind.".to_string()),
            ("2.2 Address", "Example CERT\n12 Orchard Street".to_string()),
            ("3.1 Mission", "We help (at any time) all who ask, at https://cert.example.org/help".to_string()),
            (
                "5.2 Activities",
                "We do this and that and much more for them:\n\n- teach\n- warn the people whom we know and who have asked us"
                    .to_string(),
            ),
            ("4.2 Disclosure", "What comes without a label is TLP:AMBER; see `http://` and HTTP 404.".to_string()),
            ("6 Forms", "```\nSend all of it to the address that stands above this\n```".to_string()),
        ] {
            assert_eq!(codes(heading, &text), Vec::<&str>::new(), "{text}");
        }
    }

    #[test]
    fn a_signature_is_not_claimed_without_a_key() {
        let prose = prose("## 1.4 Authenticating this Document\n\nIt is signed.\n");
        let codes = |key| -> Vec<&str> {
            let findings = lint_prose(&sample_team(), key, &prose, &date(NOW));
            findings
                .iter()
                .filter(|f| f.code != "empty-section")
                .map(|f| f.code)
                .collect()
        };
        assert_eq!(
            (codes(None), codes(Some(&sample_key()))),
            (vec!["signature-claimed"], vec![])
        );
    }

    #[test]
    fn a_foreign_fingerprint_in_the_section_of_keys_is_an_error() {
        let text = format!(
            "## 2.8 Keys\n\nOur key is\n{}\n",
            OURS.replace("3956", "0000")
        );
        let findings = lint_prose(&sample_team(), None, &prose(&text), &date(NOW));
        assert_eq!(findings.count(Level::Error), 1);
        let place = &findings
            .iter()
            .find(|f| f.level == Level::Error)
            .expect("an error")
            .place;
        assert_eq!((place.line, place.column, place.width), (4, 1, OURS.len()));
    }

    #[test]
    fn what_readers_look_for_and_do_not_find_is_named() {
        let findings = lint_prose(
            &small_team("phone: \"+7 727 555 0100\"\n"),
            None,
            &prose("## 3.4 Authority\n"),
            &date(NOW),
        );
        let named: Vec<&str> = findings
            .iter()
            .filter_map(|f| f.message.split(' ').nth(1))
            .collect();
        let expected = [
            "2.2", "2.9", "2.11", "3.1", "3.2", "3.3", "3.4", "4.1", "4.2", "4.3", "5.1", "5.1.1",
            "5.1.2", "5.1.3", "5.2", "7",
        ];
        assert_eq!(named, expected);
        assert_eq!(findings.count(Level::Error), 0);
    }

    #[test]
    fn a_key_that_does_not_fit_is_named() {
        let check = |team: &Team, key: Option<&KeyFacts>, now: &str| -> Vec<&'static str> {
            lint_key(team, key, &date(now))
                .iter()
                .map(|f| f.code)
                .collect()
        };
        assert_eq!(check(&sample_team(), None, NOW), ["document-without-key"]);
        assert_eq!(
            check(&sample_team(), Some(&sample_key()), "2028-10-20"),
            ["key-expires"]
        );
        assert_eq!(
            check(&sample_team(), Some(&sample_key()), "2028-11-01"),
            ["key-expired"]
        );
        assert_eq!(
            check(&small_team(""), Some(&sample_key()), NOW),
            ["key-not-of-team"]
        );
        let other = KeyFacts {
            user_ids: vec!["Example <other@example.org>".into()],
            ..sample_key()
        };
        assert_eq!(
            check(&sample_team(), Some(&other), NOW),
            ["key-without-address"]
        );
    }
}
