//! Reports that servers write for people, in the words of many programs.
//!
//! They are alike: an opening ("could not be delivered to"), addresses, each on a line of its own or behind words that name
//! it, below each the reason; then the returned mail. What is read is that, not the programs one by one; the words are in
//! [`super::lists`].

use super::{
    Bounce, distinct, lists, reason,
    sender::{self, Machine},
    status,
};
use crate::{inbound::Mail, receipt::Verdict};

/// More lines of a report are not read, and of a line no more characters: what servers say is short.
const MAX_LINES: usize = 400;
const MAX_LINE: usize = 1_000;

/// What servers say did not arrive; none if no server speaks.
pub fn told(mail: &Mail) -> Option<Vec<Bounce>> {
    let machine = sender::machine(mail);
    if machine == Machine::No {
        return None;
    }
    let mut report = Report::of(mail);
    let subject = mail.subject().to_lowercase();
    let failed = failed_recipients(mail);
    if failed.is_empty() && !report.opens() && !sender::speaks_of_failure(&subject) {
        return None;
    }
    let ours: Vec<String> = mail
        .addresses("to")
        .iter()
        .map(|address| address.to_lowercase())
        .collect();
    let mut found = match failed.is_empty() {
        true => report.listed(),
        false => report.about(failed),
    };
    if found.is_empty() && report.opens() {
        found = report.inline();
    }
    // From here on it is a guess which address is meant, so it has to be sure that a server speaks.
    let may_guess = machine == Machine::Surely && report.fails();
    if found.is_empty() && may_guess {
        found = report.scattered(&ours);
    }
    if found.is_empty() && may_guess {
        found = returned(mail, &report)
            .into_iter()
            .map(|address| (address, report.lines.join(" ")))
            .collect();
    }
    let is_delay = report.is_delay(&subject);
    let bounces = found.into_iter().map(|(recipient, words)| Bounce {
        recipient,
        verdict: if is_delay {
            Verdict::Soft
        } else {
            Verdict::Hard
        },
        status: status::code(&words),
        words: reason(&words),
    });
    let mut bounces = distinct(bounces.collect());
    if let [one] = &mut bounces[..] {
        // All that is said is about this one.
        one.status = one.status.take().or_else(|| status::code(&report.flat));
    }
    (!bounces.is_empty()).then_some(bounces)
}

/// The addresses in `X-Failed-Recipients`, which Exim and Google write.
fn failed_recipients(mail: &Mail) -> Vec<String> {
    let fields = mail.headers("x-failed-recipients");
    let words = fields.flat_map(|value| {
        value
            .split([',', ' ', ';'])
            .map(str::to_string)
            .collect::<Vec<_>>()
    });
    words
        .filter_map(|word| address(&word).map(str::to_string))
        .collect()
}

/// What a server says, line by line, without the returned mail.
struct Report {
    lines: Vec<String>,
    /// All of it in lower case, with single spaces.
    flat: String,
    /// The returned mail, if it stands in the same text.
    returned: Vec<String>,
}

impl Report {
    fn of(mail: &Mail) -> Report {
        // What is left of structure that got lost on the way, such as boundaries, does no harm among the lines.
        let texts = mail
            .parts()
            .iter()
            .filter(|part| !part.is_quoted && part.is_text());
        let (mut lines, mut returned) = (Vec::new(), Vec::new());
        for text in texts.take(2).map(|part| part.text(mail.raw())) {
            let mut all = text.lines().map(|line| {
                line.char_indices()
                    .nth(MAX_LINE)
                    .map_or(line, |(end, _)| &line[..end])
                    .trim_end()
            });
            // The second text is often the returned mail itself.
            if !lines.is_empty() && !all.clone().take(20).any(|line| opens(&flat([line]))) {
                continue;
            }
            lines.extend(
                all.by_ref()
                    .take_while(|line| !is_returned(line))
                    .take(MAX_LINES)
                    .map(str::to_string),
            );
            returned.extend(all.take(MAX_LINES).map(str::to_string));
        }
        let flat = flat(lines.iter().map(String::as_str));
        Report {
            lines,
            flat,
            returned,
        }
    }

    fn opens(&self) -> bool {
        opens(&self.flat)
    }

    fn fails(&self) -> bool {
        lists::OPENINGS
            .iter()
            .any(|phrase| self.flat.contains(phrase))
    }

    fn is_delay(&self, subject: &str) -> bool {
        let says = |phrases: &[&str]| {
            phrases
                .iter()
                .any(|phrase| self.flat.contains(phrase) || subject.contains(phrase))
        };
        says(lists::DELAYS) && !says(lists::ENDS)
    }

    /// Addresses at the head of a line, below an opening; each with the lines below it.
    fn listed(&self) -> Vec<(String, String)> {
        let Some(start) = self.first_opening() else {
            return Vec::new();
        };
        let mut found: Vec<(String, String)> = Vec::new();
        let mut indent = None;
        for line in &self.lines[start..] {
            let depth = line.len() - line.trim_start().len();
            match head_address(line) {
                // Deeper lines go on with a reason, and the address in them may be the sender's.
                Some((address, rest))
                    if indent.is_none_or(|indent| depth <= indent) && !is_desk(address) =>
                {
                    indent.get_or_insert(depth);
                    found.push((address.to_string(), rest.to_string()));
                }
                _ => {
                    if let Some((_, words)) = found
                        .last_mut()
                        .filter(|(_, words)| words.len() < super::MAX_WORDS)
                    {
                        words.push(' ');
                        words.push_str(line.trim());
                    }
                }
            }
        }
        found
    }

    /// The line on which the first opening ends.
    fn first_opening(&self) -> Option<usize> {
        let is_open =
            |from: usize, to: usize| opens(&flat(self.lines[from..to].iter().map(String::as_str)));
        (1..=self.lines.len())
            .find(|end| is_open(end.saturating_sub(3), *end))
            .map(|end| {
                // A line that opens may be one that already has its address at its head.
                if self.lines[end - 1].trim_start().starts_with('<')
                    || head_address(&self.lines[end - 1]).is_some()
                {
                    end - 1
                } else {
                    end
                }
            })
    }

    /// For addresses that the header names: the words below each in the text, or all words.
    fn about(&mut self, failed: Vec<String>) -> Vec<(String, String)> {
        let of = |wanted: &str| {
            let at = self
                .lines
                .iter()
                .position(|line| line.to_lowercase().contains(&wanted.to_lowercase()))?;
            Some(
                self.lines[at..]
                    .iter()
                    .skip(1)
                    .take_while(|line| !line.trim().is_empty())
                    .map(|line| line.trim())
                    .collect::<Vec<_>>()
                    .join(" "),
            )
        };
        failed
            .iter()
            .map(|wanted| {
                (
                    wanted.clone(),
                    of(wanted)
                        .filter(|words| !words.is_empty())
                        .unwrap_or_else(|| self.lines.join(" ")),
                )
            })
            .collect()
    }

    /// Addresses behind words that name them.
    fn inline(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        for phrase in lists::INLINE {
            for at in 0..self.lines.len() {
                let line = self.lines[at].to_lowercase();
                let Some(hit) = line.find(phrase) else {
                    continue;
                };
                // Lower case may differ in length, so the rest is taken from the lowered line.
                let rest = line[hit + phrase.len()..].trim();
                let next = self
                    .lines
                    .get(at + 1)
                    .map(|line| line.trim().to_lowercase())
                    .unwrap_or_default();
                let near = if rest.is_empty() { next.as_str() } else { rest };
                let near = near.split_whitespace().take(3).find_map(address);
                if let Some(near) = near.filter(|near| !is_desk(near)) {
                    let words = self.lines[at..]
                        .iter()
                        .map(|line| line.trim())
                        .take(6)
                        .collect::<Vec<_>>()
                        .join(" ");
                    found.push((self.as_written(near), words));
                }
            }
            if !found.is_empty() {
                break;
            }
        }
        found
    }

    /// The one address, other than ours, that the report names anywhere.
    fn scattered(&self, ours: &[String]) -> Vec<(String, String)> {
        let all = self
            .lines
            .iter()
            .flat_map(|line| line.split_whitespace())
            .filter_map(address);
        let mut others: Vec<&str> = all
            .filter(|address| !is_desk(address) && !ours.contains(&address.to_lowercase()))
            .collect();
        others.sort_unstable_by_key(|address| address.to_lowercase());
        others.dedup_by_key(|address| address.to_lowercase());
        match others[..] {
            [one] => vec![(one.to_string(), self.lines.join(" "))],
            _ => Vec::new(),
        }
    }

    /// An address with the capitals that it has in the text.
    fn as_written(&self, lower: &str) -> String {
        let words = self
            .lines
            .iter()
            .flat_map(|line| line.split_whitespace())
            .filter_map(address);
        words
            .into_iter()
            .find(|address| address.to_lowercase() == lower)
            .unwrap_or(lower)
            .to_string()
    }
}

/// To whom the returned mail went, if it was one recipient.
fn returned(mail: &Mail, report: &Report) -> Vec<String> {
    let quoted = mail
        .parts()
        .iter()
        .find(|part| part.is_quoted && part.field("to").is_some());
    let field = quoted
        .and_then(|part| part.field("to"))
        .map(str::to_string)
        .or_else(|| {
            let lines = report.returned.iter().chain(&report.lines);
            lines
                .filter_map(|line| line.trim_start_matches(['>', ' ']).strip_prefix("To:"))
                .map(str::to_string)
                .next()
        });
    let all: Vec<String> = field
        .iter()
        .flat_map(|field| field.split([' ', ',', ';']))
        .filter_map(|word| address(word).map(str::to_string))
        .collect();
    if all.len() == 1 { all } else { Vec::new() }
}

fn flat<'l>(lines: impl IntoIterator<Item = &'l str>) -> String {
    let words = lines
        .into_iter()
        .flat_map(str::split_whitespace)
        .map(str::to_lowercase);
    words.collect::<Vec<_>>().join(" ").replace('\u{2019}', "'")
}

fn opens(flat: &str) -> bool {
    lists::OPENINGS
        .iter()
        .chain(lists::DELAYS)
        .any(|phrase| flat.contains(phrase))
}

/// Whether the returned mail begins here.
fn is_returned(line: &str) -> bool {
    let lower = line.trim_start_matches(['>', '|', ' ']).to_lowercase();
    let is_field = [
        "received:",
        "return-path:",
        "x-received:",
        "dkim-signature:",
        "mime-version:",
        "message-id:",
    ]
    .iter()
    .any(|field| lower.starts_with(field));
    is_field
        || lists::RETURNED.iter().any(|mark| lower.contains(mark)) && !lower.contains("attached")
}

/// An address at the head of a line, and what follows it there.
fn head_address(line: &str) -> Option<(&str, &str)> {
    let bare = line.trim_start_matches([' ', '\t', '*', '-', '>', '\u{2022}', '\u{b7}', '|']);
    let bare = bare.strip_prefix("Error-for:").unwrap_or(bare).trim_start();
    let word = bare.split_whitespace().next()?;
    // `c=US;a= ;p=IKON;dda:SMTP=ada@example.org;` of X.400 has it at the end of the word's last pair.
    let address = address(
        word.rsplit_once("SMTP=")
            .map_or(word, |(_, address)| address),
    )
    .or_else(|| address(bare.rsplit_once("SMTP=")?.1.split(';').next()?))
    .or_else(|| named(bare))?;
    let at = bare.find(address)? + address.len();
    let rest = bare[at..].trim_start_matches(['>', '"', ']', ')', ':', ';', ',', ' ']);
    Some((address, rest))
}

/// `Ada Example <ada@example.org>`, `Ada Example (ada@example.org)`, the whole line.
fn named(line: &str) -> Option<&str> {
    let inner = line.trim_end_matches([':', '.', ' ']);
    let (name, rest) = inner.rsplit_once(['<', '(', '['])?;
    let is_name = name.len() < 60
        && !name.contains([':', '.', '@', '<'])
        && name.split_whitespace().count() < 5;
    let rest = rest.strip_suffix(['>', ')', ']'])?;
    address(rest.trim_start_matches("mailto:")).filter(|_| is_name)
}

/// A word as an address, without what stands around it.
fn address(word: &str) -> Option<&str> {
    let around = [
        '<', '>', '"', '\'', '(', ')', '[', ']', '{', '}', ',', ';', ':', '.', '`', '*', '!', '?',
        '“', '”', '„', '«', '»',
    ];
    let word = word.trim_matches(around);
    let word = word.strip_prefix("mailto:").unwrap_or(word);
    // `<ada@example.org>:said`, `ada@example.org>...`
    let word = word
        .split([
            '：', '，', '；', '。', '、', '<', '>', '(', ')', '[', ']', '"', ',', ';', ':',
        ])
        .find(|piece| piece.contains('@'))?;
    let word = word.trim_end_matches(['.', '-']);
    let (local, domain) = word.rsplit_once('@')?;
    let is_domain = domain.contains('.')
        && domain.split('.').all(|label| {
            !label.is_empty()
                && label
                    .chars()
                    .all(|c| c.is_alphanumeric() || c == '-' || c == '_')
        });
    let is_local = !local.is_empty()
        && local.len() <= 128
        && !local.chars().any(|c| c.is_whitespace() || c.is_control());
    (is_domain && is_local).then_some(word)
}

/// Whether an address is where people may complain, and not one that was written to.
fn is_desk(address: &str) -> bool {
    let lower = address.to_lowercase();
    [
        "postmaster@",
        "mailer-daemon@",
        "abuse@",
        "support@",
        "helpdesk@",
        "webmaster@",
        "noc@",
    ]
    .iter()
    .any(|desk| lower.starts_with(desk))
}
