//! How a published revision has changed, shown without the text that was published: the ledger keeps keyed
//! hashes of its lines only.

use super::PublishError;
use crate::{advisory::Advisory, ledger::Ledger, plan::Conflict, workspace::Workspace};
use similar::{Algorithm, DiffOp, capture_diff_slices};
use std::{fmt::Write as _, fs};

/// The keyed hashes of the lines of an advisory's file.
pub(super) fn line_hashes(
    workspace: &Workspace,
    advisory: &Advisory,
    ledger: &Ledger,
) -> Result<Vec<u64>, PublishError> {
    let path = workspace.root.join(&*advisory.path);
    let text = fs::read(&path).map_err(|error| PublishError::Io { path, error })?;
    Ok(String::from_utf8_lossy(&text)
        .lines()
        .map(|line| ledger.line_hash(line))
        .collect())
}

/// The lines that changed, as text for a terminal. `published` are the hashes of those that went out.
pub fn difference(
    conflict: &Conflict<'_>,
    published: &[u64],
    text: &str,
    hash: &dyn Fn(&str) -> u64,
) -> String {
    let advisory = conflict.advisory;
    let lines: Vec<&str> = text.lines().collect();
    let now: Vec<u64> = lines.iter().map(|line| hash(line)).collect();
    let mut out = format!(
        "`{}` revision {} was published on {} and has changed since:\n  --> {}\n",
        advisory.id,
        advisory.revision().number,
        conflict.frozen.at.date(),
        advisory.path
    );
    if now == published {
        out.push_str("   | the file is the same; a translation or an attachment was changed, added or removed\n");
        return out;
    }
    let gone = |from: usize, count: usize, out: &mut String| {
        for line in from..from + count {
            let _ = writeln!(
                out,
                "{:>4} - (as published; the text is not kept)",
                line + 1
            );
        }
    };
    let came = |from: usize, count: usize, out: &mut String| {
        for line in from..from + count {
            let _ = writeln!(out, "{:>4} + {}", line + 1, lines.get(line).unwrap_or(&""));
        }
    };
    for op in capture_diff_slices(Algorithm::Myers, published, &now) {
        match op {
            DiffOp::Equal { .. } => {}
            DiffOp::Delete {
                old_index, old_len, ..
            } => gone(old_index, old_len, &mut out),
            DiffOp::Insert {
                new_index, new_len, ..
            } => came(new_index, new_len, &mut out),
            DiffOp::Replace {
                old_index,
                old_len,
                new_index,
                new_len,
            } => {
                gone(old_index, old_len, &mut out);
                came(new_index, new_len, &mut out);
            }
        }
    }
    out
}
