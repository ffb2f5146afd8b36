use super::{
    Done,
    desk::{Desk, Failure},
    ui::count,
};
use crate::{
    diag::{self, Findings, Level},
    publish,
};
use clap::ValueEnum;

/// Find all mistakes of the workspace at once, with place and hint
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only show findings in these files or folders (all is read all the same)
    #[arg(value_name = "PATH")]
    paths: Vec<std::path::PathBuf>,
    /// How to print them
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
    Sarif,
}

pub fn run(desk: &Desk, args: Args) -> Result<Done, Failure> {
    let reading = desk.reading()?;
    let mut findings = reading.findings;
    if let Some(workspace) = &reading.workspace {
        publish::trial(workspace, &desk.now).into_iter().for_each(|finding| findings.push(finding));
    }
    if !args.paths.is_empty() {
        findings = within(desk, &args.paths, findings)?;
    }
    match args.format {
        Format::Text if desk.ui.wants_json() => desk.ui.json(&diag::json(&findings)),
        Format::Text => desk.ui.data(&desk.ui.findings(&findings, Level::Warning)),
        Format::Json => desk.ui.json(&diag::json(&findings)),
        Format::Sarif => desk.ui.json(&diag::sarif(&findings)),
    }
    let (errors, warnings) = (findings.count(Level::Error), findings.count(Level::Warning));
    desk.ui.deed(&format!(
        "checked {}: {}, {}",
        count(reading.advisories, "advisory", "advisories"),
        count(errors, "error", "errors"),
        count(warnings, "warning", "warnings")
    ));
    Ok(if errors + warnings > 0 { Done::WithFindings } else { Done::Well })
}

/// The findings at or below the given paths, which are relative to the current folder or to the workspace.
fn within(desk: &Desk, paths: &[std::path::PathBuf], findings: Findings) -> Result<Findings, Failure> {
    let root = desk.root.canonicalize().map_err(|error| Failure::io(&desk.root, error))?;
    let mut wanted = Vec::new();
    for path in paths {
        let full = [path.clone(), root.join(path)].into_iter().find_map(|path| path.canonicalize().ok());
        let full = full.ok_or_else(|| Failure::usage(format!("`{}` does not exist", path.display())))?;
        let inside =
            full.strip_prefix(&root).map_err(|_| Failure::usage(format!("`{}` is not in the workspace", path.display())))?;
        wanted.push(inside.to_path_buf());
    }
    Ok(findings
        .into_iter()
        .filter(|finding| wanted.iter().any(|path| std::path::Path::new(&*finding.place.path).starts_with(path)))
        .collect())
}
