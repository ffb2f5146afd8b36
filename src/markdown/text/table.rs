//! Tables: in columns where they fit, else one record after the other.

use super::{
    Out,
    wrap::{columns, fold},
};
use comrak::nodes::TableAlignment;
use std::iter::repeat_n;

/// Columns under their headings.
pub(super) fn aligned(
    rows: &[Vec<String>],
    widths: &[usize],
    alignments: &[TableAlignment],
    out: &mut Out,
) {
    let mut line = String::new();
    for (at, row) in rows.iter().enumerate() {
        line.clear();
        for (at, width) in widths.iter().enumerate() {
            let cell = row.get(at).map(String::as_str).unwrap_or_default();
            let room = width - columns(cell);
            let left = match alignments.get(at) {
                Some(TableAlignment::Right) => room,
                Some(TableAlignment::Center) => room / 2,
                Some(TableAlignment::Left | TableAlignment::None) | None => 0,
            };
            if at > 0 {
                line.push_str("  ");
            }
            line.extend(repeat_n(' ', left));
            line.push_str(cell);
            line.extend(repeat_n(' ', room - left));
        }
        out.line(&line);
        if at == 0 {
            out.line(
                &widths
                    .iter()
                    .map(|width| "=".repeat(*width))
                    .collect::<Vec<_>>()
                    .join("  "),
            );
        }
    }
}

/// For what is too wide: each row as lines of `heading: cell`.
pub(super) fn records(rows: &[Vec<String>], width: usize, out: &mut Out) {
    let Some((head, rows)) = rows.split_first() else {
        return;
    };
    if rows.is_empty() {
        return fold(&head.join(" / "), width, "", "  ", &mut |line| {
            out.line(line)
        });
    }
    let begin = out.lines;
    for row in rows {
        if out.lines > begin {
            out.line("");
        }
        for (at, cell) in row.iter().enumerate().filter(|(_, cell)| !cell.is_empty()) {
            match head.get(at).filter(|head| !head.is_empty()) {
                Some(head) => fold(&format!("{head}: {cell}"), width, "", "  ", &mut |line| {
                    out.line(line)
                }),
                None => fold(cell, width, "", "  ", &mut |line| out.line(line)),
            }
        }
    }
}
