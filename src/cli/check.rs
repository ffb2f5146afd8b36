use super::{Done, desk::Desk, failure::Failure, ui::count};
use crate::{
    channels::wkd::{Directories, WkdError},
    diag::{self, Finding, Findings, Level},
    publish,
    workspace::{PublicLink, Reading},
};
use clap::ValueEnum;
use rayon::prelude::*;
use std::net::SocketAddr;
use url::Url;

/// Find all mistakes of the workspace at once, with place and hint
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only show findings in these files or folders (all is read all the same)
    #[arg(value_name = "PATH")]
    paths: Vec<std::path::PathBuf>,
    /// How to print them
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// Also try the links of the RFC 2350 description, and of nothing else
    #[arg(long)]
    online: bool,
    /// Where a host is, instead of asking DNS for any; for tests
    #[arg(long, hide = true, value_name = "HOST=ADDRESS:PORT", value_parser = super::constituent::host, requires = "online")]
    resolve: Vec<(String, SocketAddr)>,
}

/// More links than these are not tried: a description has a dozen.
const LINKS: usize = 100;

/// So many are tried at once.
const AT_ONCE: usize = 4;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
    Sarif,
}

pub fn run(desk: &Desk, args: Args) -> Result<Done, Failure> {
    let mut reading = desk.reading()?;
    if let Some(workspace) = &reading.workspace {
        reading
            .findings
            .append(publish::trial(workspace, &desk.gate(), &desk.now));
    }
    if args.online {
        let dead = dead_links(desk, &reading, args.resolve)?;
        reading.findings.append(dead);
        reading.findings.sort();
    }
    let findings = match args.paths.is_empty() {
        true => reading.findings,
        false => within(desk, &args.paths, reading.findings)?,
    };
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
    Ok(if errors + warnings > 0 {
        Done::WithFindings
    } else {
        Done::Well
    })
}

/// Tries the links of public texts.
fn dead_links(
    desk: &Desk,
    reading: &Reading,
    hosts: Vec<(String, SocketAddr)>,
) -> Result<Findings, Failure> {
    let settings = reading
        .workspace
        .as_ref()
        .map(|workspace| workspace.settings.wkd.clone())
        .unwrap_or_default();
    let web = Directories::open(&settings, &desk.root, hosts).map_err(Failure::new)?;
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(AT_ONCE)
        .build()
        .map_err(Failure::new)?;
    if reading.links.len() > LINKS {
        desk.ui.warning(&format!(
            "only the first {LINKS} of {} links are tried",
            reading.links.len()
        ));
    }
    let links = &reading.links[..reading.links.len().min(LINKS)];
    let bar = desk.ui.progress(links.len() as u64, "links");
    let tried: Vec<Option<Finding>> = pool.install(|| {
        let one = |link: &PublicLink| {
            let dead = dead(&web, &link.url);
            bar.inc(1);
            dead.map(|(why, hint)| {
                Finding {
                    message: format!("link dead: {why}"),
                    ..link.place.clone()
                }
                .hint(hint)
            })
        };
        links.par_iter().map(one).collect()
    });
    bar.finish_and_clear();
    Ok(tried.into_iter().flatten().collect())
}

/// Why a link leads nowhere, and what to do; `None` if somebody is there, even if they want a password or no robots.
fn dead(web: &Directories, url: &Url) -> Option<(String, &'static str)> {
    match web.visit(url) {
        Ok(401 | 403 | 429) => None,
        Ok(status @ 500..) => Some((
            format!("HTTP status {status}"),
            "look again later: the server has a trouble of its own",
        )),
        Ok(status @ 400..) => Some((
            format!("HTTP status {status}"),
            "write where it is now, or remove it",
        )),
        Ok(_) => None,
        Err(error @ WkdError::Private { .. }) => {
            Some((error.to_string(), "readers cannot go there either"))
        }
        Err(error) => Some((
            error.to_string(),
            "write where it is now, or remove it; or look again later",
        )),
    }
}

/// The findings at or below the given paths, which are relative to the current folder or to the workspace.
fn within(
    desk: &Desk,
    paths: &[std::path::PathBuf],
    findings: Findings,
) -> Result<Findings, Failure> {
    let root = desk
        .root
        .canonicalize()
        .map_err(|error| Failure::io(&desk.root, error))?;
    let mut wanted = Vec::new();
    for path in paths {
        let full = [path.clone(), root.join(path)]
            .into_iter()
            .find_map(|path| path.canonicalize().ok());
        let full =
            full.ok_or_else(|| Failure::usage(format!("`{}` does not exist", path.display())))?;
        let inside = full
            .strip_prefix(&root)
            .map_err(|_| Failure::usage(format!("`{}` is not in the workspace", path.display())))?;
        wanted.push(inside.to_path_buf());
    }
    Ok(findings
        .into_iter()
        .filter(|finding| {
            wanted
                .iter()
                .any(|path| std::path::Path::new(&*finding.place.path).starts_with(path))
        })
        .collect())
}
