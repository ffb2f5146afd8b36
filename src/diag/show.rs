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
    let _ = writeln!(out, "{level}: {}", finding.message);
    if place.line == 0 {
        let _ = writeln!(out, "  --> {}", place.path);
        if let Some(hint) = &finding.hint {
            let _ = writeln!(out, "   = hint: {hint}");
        }
        return out;
    }
    let number = place.line.to_string();
    let gutter = " ".repeat(number.len() + 1);
    let (line, column, width) =
        window(&place.text, place.column.saturating_sub(place.skipped).max(1), place.width, place.skipped > 0);
    let _ = writeln!(out, "{gutter}--> {}:{}:{}", place.path, place.line, place.column);
    let _ = writeln!(out, "{gutter} |");
    let _ = writeln!(out, " {number} | {line}");
    let _ = writeln!(out, "{gutter} | {}{}", " ".repeat(column), "^".repeat(width));
    if let Some(hint) = &finding.hint {
        let _ = writeln!(out, "{gutter} = hint: {hint}");
    }
    out
}

/// The piece of the line around the caret, and the caret's place in it, all in terminal columns.
fn window(line: &str, column: usize, width: usize, is_cut: bool) -> (String, usize, usize) {
    // Control characters would move the cursor; a tab has no width of its own.
    let clean: String = line
        .chars()
        .map(|c| {
            if c == '\t' {
                ' '
            } else if c.is_control() {
                '\u{fffd}'
            } else {
                c
            }
        })
        .collect();
    let skip = if column > WIDTH * 2 / 3 { column - WIDTH / 3 } else { 0 };
    let mut shown: String = clean.chars().skip(skip).take(WIDTH).collect();
    let before: usize = clean.chars().skip(skip).take((column - 1).saturating_sub(skip)).map(|c| c.width().unwrap_or(0)).sum();
    let meant: usize = clean.chars().skip(column - 1).take(width).map(|c| c.width().unwrap_or(0)).sum();
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
