use super::{Finding, Level};
use std::fmt::Write as _;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The longest piece of a line that is shown, in columns.
const WIDTH: usize = 100;

/// A finding as text for a terminal: message, place, line with caret, hint. Ends with a newline.
pub fn show(finding: &Finding) -> String {
    let mut out = String::new();
    let level = match finding.level {
        Level::Error => "error",
        Level::Warning => "warning",
    };
    let place = &finding.place;
    let path = visible(&place.path);
    let _ = writeln!(out, "{level}: {}", finding.message);
    if place.line == 0 {
        let _ = writeln!(out, "  --> {path}");
        if let Some(hint) = &finding.hint {
            let _ = writeln!(out, "   = hint: {hint}");
        }
        return out;
    }
    let number = place.line.to_string();
    let gutter = " ".repeat(number.len() + 1);
    let (line, column, width) = window(
        &place.text,
        place.column.saturating_sub(place.skipped).max(1),
        place.width,
        place.skipped > 0,
    );
    let _ = writeln!(out, "{gutter}--> {path}:{}:{}", place.line, place.column);
    let _ = writeln!(out, "{gutter} |");
    let _ = writeln!(out, " {number} | {line}");
    let _ = writeln!(
        out,
        "{gutter} | {}{}",
        " ".repeat(column),
        "^".repeat(width)
    );
    if let Some(hint) = &finding.hint {
        let _ = writeln!(out, "{gutter} = hint: {hint}");
    }
    out
}

/// The piece of the line around the caret, and the caret's place in it, all in terminal columns.
fn window(line: &str, column: usize, width: usize, is_cut: bool) -> (String, usize, usize) {
    let clean = visible(line);
    let skip = if column > WIDTH * 2 / 3 {
        column - WIDTH / 3
    } else {
        0
    };
    let mut shown: String = clean.chars().skip(skip).take(WIDTH).collect();
    let before: usize = clean
        .chars()
        .skip(skip)
        .take((column - 1).saturating_sub(skip))
        .map(|c| c.width().unwrap_or(0))
        .sum();
    let meant: usize = clean
        .chars()
        .skip(column - 1)
        .take(width)
        .map(|c| c.width().unwrap_or(0))
        .sum();
    let mut before = before;
    if skip > 0 || is_cut {
        shown.insert(0, '…');
        before += 1;
    }
    let room = shown.width().saturating_sub(before).max(1);
    if clean.chars().count() > skip + WIDTH {
        shown.push('…');
    }
    (shown, before, meant.clamp(1, room))
}

/// A text on one line: control characters would move the cursor, and what turns the reading direction would show
/// another name than the file has. A tab has no width of its own.
fn visible(text: &str) -> String {
    let odd =
        |c: char| c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars()
        .map(|c| {
            if c == '\t' {
                ' '
            } else if odd(c) {
                '\u{fffd}'
            } else {
                c
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::{Source, Span};

    #[test]
    fn a_name_that_would_move_the_cursor_or_read_backwards_does_not() {
        let source = Source::new("advisories/a\r\n\u{1b}[31m\u{202e}cod.md", "x\u{1b}y");
        let shown = show(&source.error(Span::new(0, 1), "odd", "odd"));
        assert!(
            shown.contains("--> advisories/a\u{fffd}\u{fffd}\u{fffd}[31m\u{fffd}cod.md:1:1\n"),
            "{shown:?}"
        );
        assert!(shown.contains("x\u{fffd}y"), "{shown:?}");
    }
}
