//! `advise constituent export`: the roster as a table, on standard output.

use crate::{
    cli::{
        Done,
        desk::{Desk, profile},
        failure::Failure,
    },
    roster::table,
};
use serde_json::{Value, json};

/// Print all constituents and contacts as a table that `import` reads (CSV, or JSON with `--json`)
#[derive(Debug, clap::Args)]
pub struct Args {
    /// As CSV with commas, which is what is printed without `--json`
    #[arg(long)]
    csv: bool,
    /// As CSV that Excel opens: with semicolons and a byte-order mark
    #[arg(long, conflicts_with = "csv")]
    excel: bool,
}

pub fn run(desk: &Desk, args: Args) -> Result<Done, Failure> {
    let workspace = desk.workspace()?;
    if desk.ui.wants_json() && (args.csv || args.excel) {
        return Err(Failure::usage(
            "`--json` prints JSON: leave `--csv` or `--excel` out",
        ));
    }
    let constituents = workspace.roster.constituents.iter();
    let entries = constituents
        .map(|one| Ok((one, profile(&workspace, &one.slug)?)))
        .collect::<Result<Vec<_>, Failure>>()?;
    if desk.ui.wants_json() {
        let rows = table::rows(&entries);
        let filled = |row: std::collections::BTreeMap<String, String>| -> Value {
            row.into_iter()
                .filter(|(_, cell)| !cell.is_empty())
                .map(|(column, cell)| (column, Value::from(cell)))
                .collect()
        };
        desk.ui
            .json(&json!({ "rows": rows.into_iter().map(filled).collect::<Vec<Value>>() }));
    } else {
        desk.ui.data(&table::write(&entries, args.excel));
    }
    Ok(Done::Well)
}
