//! Lines: how wide a text is, where it may be broken, and in which direction it is read.

use memchr::{memchr, memrchr};
use textwrap::WordSeparator;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// No line is wrapped narrower than this, however deep it stands.
pub(super) const NARROWEST: usize = 20;

/// Opens a piece that reads from left to right, whatever is around it.
const LTR: char = '\u{2066}';
/// Opens a piece that reads as its own first letter says.
const OWN: char = '\u{2068}';
/// Ends either.
const END: char = '\u{2069}';

/// Display columns. Terminals do not agree on joined signs (emoji, Arabic ligatures): this is what the widest takes.
pub(crate) fn columns(text: &str) -> usize {
    match text.is_ascii() {
        true => text.len(),
        false => text
            .width()
            .max(text.chars().filter_map(|c| c.width()).sum()),
    }
}

/// Whether a text has letters that are read from right to left.
pub(crate) fn is_rtl(text: &str) -> bool {
    let rtl = |c| matches!(c, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefe}' | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}');
    !text.is_ascii() && text.chars().any(rtl)
}

/// A piece such as `< 9.8p1`, kept in its order within a text that reads from right to left.
pub(crate) fn ltr(text: &str) -> String {
    format!("{LTR}{text}{END}")
}

/// A piece of which nobody knows the direction, kept together: the cell of a table.
pub(super) fn isolated(text: &str) -> String {
    format!("{OWN}{text}{END}")
}

/// Wraps one paragraph; the later lines begin with `hang`, which counts. Only what has to be copied whole (a word
/// in ASCII, an address) goes beyond the width.
pub fn wrap(text: &str, width: usize, first: &str, hang: &str) -> Vec<String> {
    let mut lines = Vec::new();
    fold(text, width, first, hang, &mut |line| {
        lines.push(line.to_string())
    });
    lines
}

/// The same, line by line, without keeping them.
pub(crate) fn fold(text: &str, width: usize, first: &str, hang: &str, put: &mut dyn FnMut(&str)) {
    // What fits as it is, is a line.
    if first.is_empty() && text.len() <= width && is_plain(text) {
        return put(text.trim_end());
    }
    let mut lines = Lines::begin(text, width, first, hang, put);
    let mut at = 0;
    for piece in text.split('\n') {
        if at > 0 {
            lines.next(at);
        }
        match is_plain(piece) {
            true => lines.plain(at, at + piece.len()),
            false => lines.by_words(piece),
        }
        at += piece.len() + 1;
    }
    lines.next(text.len());
}

/// Nearly every text: each byte is one column, only spaces let it break, and it begins with a word.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~')) && !text.starts_with(' ')
}

struct Lines<'t> {
    text: &'t str,
    width: usize,
    hang: &'t str,
    put: &'t mut dyn FnMut(&str),
    /// What stands before the text of this line.
    line: String,
    used: usize,
    /// In this line.
    words: usize,
    /// The text of this line.
    from: usize,
    to: usize,
}

impl<'t> Lines<'t> {
    fn begin(
        text: &'t str,
        width: usize,
        first: &str,
        hang: &'t str,
        put: &'t mut dyn FnMut(&str),
    ) -> Lines<'t> {
        let (width, used) = (width.max(NARROWEST), columns(first));
        Lines {
            text,
            width,
            hang,
            put,
            line: first.into(),
            used,
            words: 0,
            from: 0,
            to: 0,
        }
    }

    /// A piece of the text that is plain: not word by word, but line by line.
    fn plain(&mut self, mut from: usize, end: usize) {
        let bytes = self.text.as_bytes();
        loop {
            self.from = from;
            let limit = from + self.width.saturating_sub(self.used);
            if limit >= end {
                self.to = end;
                return;
            }
            // A word that is longer than the line stands alone.
            let gap = memrchr(b' ', &bytes[from..=limit]).map(|at| from + at);
            let Some(gap) = gap.or_else(|| memchr(b' ', &bytes[limit..end]).map(|at| limit + at))
            else {
                self.to = end;
                return;
            };
            self.to = gap;
            let Some(next) = bytes[gap..end].iter().position(|byte| *byte != b' ') else {
                return;
            };
            from = gap + next;
            self.next(from);
        }
    }

    fn by_words(&mut self, piece: &str) {
        let mut gap = "";
        for (word, after) in words(piece) {
            self.word(gap, word);
            gap = after;
        }
    }

    fn word(&mut self, gap: &str, word: &str) {
        let wide = columns(word);
        if self.words > 0 && self.used + gap.len() + wide > self.width {
            self.next(self.to + gap.len());
        } else if self.words > 0 {
            self.push(gap, gap.len());
        }
        if self.used + wide <= self.width || word.is_ascii() || word.contains("://") {
            return self.push(word, wide);
        }
        // Scripts without spaces, such as Thai: between what is seen as one sign and the next.
        let mut rest = word;
        while !rest.is_empty() {
            let end = sign(rest);
            let wide = columns(&rest[..end]);
            if self.words > 0 && self.used + wide > self.width {
                self.next(self.to);
            }
            self.push(&rest[..end], wide);
            rest = &rest[end..];
        }
    }

    fn push(&mut self, text: &str, wide: usize) {
        self.to += text.len();
        self.used += wide;
        self.words += 1;
    }

    /// Ends the line, and begins one of the text from there; what is isolated ends and begins anew with it, since every
    /// line is ordered for itself.
    fn next(&mut self, from: usize) {
        self.line.push_str(&self.text[self.from..self.to]);
        (self.from, self.to) = (from, from);
        let mut open = String::new();
        if !self.line.is_ascii() {
            for c in self.line.chars() {
                match c {
                    LTR | OWN => open.push(c),
                    END => drop(open.pop()),
                    _ => {}
                }
            }
        }
        self.line.truncate(self.line.trim_end().len());
        self.line.extend(open.chars().map(|_| END));
        (self.put)(&self.line);
        self.line.clear();
        self.line.push_str(self.hang);
        self.line.push_str(&open);
        (self.used, self.words) = (columns(self.hang), 0);
    }
}

/// The bytes of the first sign: a character with all that joins it.
fn sign(text: &str) -> usize {
    let joins = |c: char| c.width().unwrap_or(0) == 0 || matches!(c, '\u{1f3fb}'..='\u{1f3ff}');
    let mut chars = text.char_indices();
    let mut joiner = chars.next().is_some_and(|(_, c)| c == '\u{200d}');
    for (at, c) in chars {
        if !joins(c) && !joiner {
            return at;
        }
        joiner = c == '\u{200d}';
    }
    text.len()
}

/// Words with the spaces after them. A line may be broken at white space, and where Unicode (UAX #14) allows it
/// beside a wide character, as in Chinese. Not inside addresses, paths and CVSS vectors, where Unicode would allow
/// it too.
fn words(line: &str) -> Vec<(&str, &str)> {
    // Nearly every line: nothing in it lets it break but spaces, so that Unicode need not be asked.
    let breaks = |c: char| match c.is_ascii() {
        true => c.is_ascii_control(),
        false => is_wide(Some(c)) || c == '\u{200b}' || c.is_whitespace() && !is_glue(c),
    };
    if line.contains(breaks) {
        by_unicode(line)
    } else {
        by_spaces(line).collect()
    }
}

fn is_wide(c: Option<char>) -> bool {
    c.and_then(|c| c.width()) == Some(2)
}

/// White space that holds its neighbours together.
fn is_glue(c: char) -> bool {
    matches!(c, '\u{a0}' | '\u{202f}')
}

fn by_spaces(line: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = line;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let word = rest.find(' ').unwrap_or(rest.len());
        let end = rest[word..]
            .find(|c| c != ' ')
            .map_or(rest.len(), |after| word + after);
        let found = (&rest[..word], &rest[word..end]);
        rest = &rest[end..];
        Some(found)
    })
}

fn by_unicode(line: &str) -> Vec<(&str, &str)> {
    let mut words = Vec::new();
    let (mut start, mut end) = (0, 0);
    // Thai and its neighbours would need a dictionary, which is not built in (and is missed aloud).
    let needs_dictionary = |c| matches!(c, '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' | '\u{1950}'..='\u{19ff}' | '\u{1a20}'..='\u{1aad}' | '\u{a9e0}'..='\u{a9ff}' | '\u{aa60}'..='\u{aadf}' | '\u{11700}'..='\u{1174f}');
    let separator = match !line.is_ascii() && line.contains(needs_dictionary) {
        true => WordSeparator::AsciiSpace,
        false => WordSeparator::UnicodeBreakProperties,
    };
    for piece in separator.find_words(line) {
        let before = line[..end].chars().next_back();
        let space = before.is_some_and(|c| c.is_whitespace() || c == '\u{200b}');
        if start < end && (space || is_wide(before) || is_wide(line[end..].chars().next())) {
            // (Unicode keeps some signs with what stands before a space; here each space is a place to break.)
            words.extend(by_spaces(&line[start..end]));
            start = end;
        }
        end += piece.word.len() + piece.whitespace.len();
    }
    words.extend(by_spaces(&line[start..end]));
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_is_wrapped_as_any_other_is() {
        let mut seed = 1u32;
        let mut up_to = |most: u32| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            1 + (seed >> 16) as usize % most as usize
        };
        for (first, hang) in [("", ""), ("* ", "  "), ("a name that is too long: ", "  ")] {
            for _ in 0..2000 {
                let text: String = (0..up_to(9))
                    .map(|_| "x".repeat(up_to(24)) + &" ".repeat(up_to(3)))
                    .collect();
                let text = if up_to(2) == 1 {
                    text.trim_end()
                } else {
                    &text
                };
                let mut lines = Vec::new();
                let mut put = |line: &str| lines.push(line.to_string());
                let mut any = Lines::begin(text, NARROWEST, first, hang, &mut put);
                any.by_words(text);
                any.next(text.len());
                assert!(is_plain(text));
                assert_eq!(
                    wrap(text, NARROWEST, first, hang),
                    lines,
                    "{first:?} {text:?}"
                );
            }
        }
    }

    #[test]
    fn where_only_spaces_break_unicode_says_the_same() {
        for line in [
            "",
            " ",
            "one",
            "  two  words ",
            "CVSS:3.1/AV:N/AC:L https://example.org/a-b?c=d (see) \u{ab}Да\u{bb} \u{2014} нет",
            "10\u{a0}000 \u{202f}! \"quoted ( a ) text\" $ 5 % -1 a-b c/d e\u{2026} f",
            "مرحبا بالعالم \u{2066}< 9.8p1\u{2069} نعم",
            "e\u{301}té \u{2060}x \u{ad}soft",
        ] {
            assert_eq!(
                by_unicode(line),
                by_spaces(line).collect::<Vec<_>>(),
                "{line:?}"
            );
        }
        assert_eq!(words("a\u{200b}b"), [("a\u{200b}", ""), ("b", "")]);
    }
}
