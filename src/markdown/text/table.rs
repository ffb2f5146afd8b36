//! Tables: in columns where they fit, else one record after the other.

use super::wrap::{columns, wrap};
use comrak::nodes::TableAlignment;

/// Columns under their headings.
pub(super) fn aligned(rows: &[Vec<String>], widths: &[usize], alignments: &[TableAlignment]) -> Vec<String> {
    let line = |cells: &[String], fill: char| {
        let cells = widths.iter().enumerate().map(|(at, width)| {
            let cell = cells.get(at).map(String::as_str).unwrap_or_default();
            let room = width - columns(cell);
            let left = match alignments.get(at) {
                Some(TableAlignment::Right) => room,
                Some(TableAlignment::Center) => room / 2,
                Some(TableAlignment::Left | TableAlignment::None) | None => 0,
            };
            format!("{}{cell}{}", fill.to_string().repeat(left), fill.to_string().repeat(room - left))
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_string()
    };
    let mut out = Vec::with_capacity(rows.len() + 1);
    for (at, row) in rows.iter().enumerate() {
        out.push(line(row, ' '));
        if at == 0 {
            out.push(line(&[], '='));
        }
    }
    out
}

/// For what is too wide: each row as lines of `heading: cell`.
pub(super) fn records(rows: &[Vec<String>], width: usize) -> Vec<String> {
    let (head, rows) = match rows.split_first() {
        Some((head, [])) => return wrap(&head.join(" / "), width, "", "  "),
        Some((head, rows)) => (head, rows),
        None => return Vec::new(),
    };
    let mut out = Vec::new();
    for row in rows {
        if !out.is_empty() {
            out.push(String::new());
        }
        for (at, cell) in row.iter().enumerate().filter(|(_, cell)| !cell.is_empty()) {
            match head.get(at).filter(|head| !head.is_empty()) {
                Some(head) => out.extend(wrap(&format!("{head}: {cell}"), width, "", "  ")),
                None => out.extend(wrap(cell, width, "", "  ")),
            }
        }
    }
    out
}
