//! Tries the workspace's own words and templates before anybody publishes: makes the site with them, for nobody.

use crate::publish::{PublishError, Stock};
use crate::{
    artefact::Artefact,
    diag::{Finding, Findings, Source, Span},
    receipt::History,
    render::{
        site::{
            page::RenderError,
            pages::{self, SiteError, SiteShop},
        },
        templates::TemplateError,
        words,
    },
    terms::Moment,
    tlp::{Gate, Public, Shareable},
    workspace::Workspace,
};
use std::convert::Infallible;

/// What is wrong with the workspace's `templates/`. Nothing is tried where it has none of its own.
pub fn trial(workspace: &Workspace, gate: &Gate, now: &Moment) -> Findings {
    let mut findings = Findings::new();
    words::read(
        &workspace.settings.site.languages,
        &workspace.templates,
        &mut findings,
    );
    let has_own = workspace
        .templates
        .iter()
        .any(|(name, _)| name.ends_with(".html"));
    if has_own && !findings.has_errors() {
        match made(workspace, gate, now) {
            Ok(()) => {}
            Err(PublishError::Render(RenderError::Template(error))) => {
                findings.push(finding(workspace, &error))
            }
            Err(error) => {
                findings.push(Finding::of_file("templates", "not-made", error.to_string()))
            }
        }
    }
    findings
}

fn made(workspace: &Workspace, gate: &Gate, now: &Moment) -> Result<(), PublishError> {
    let stock = Stock::to_come(workspace, &History::default(), now)?;
    let shop = SiteShop::open(stock.supplies(&workspace.settings.site))?;
    let public = workspace
        .advisories
        .iter()
        .filter(|one| gate.is_open(one, &Public));
    let public = gate.open_all(public, Public)?;
    // (The plain texts beside the pages are made as well, since nothing else tells what is linked to; they are not signed.)
    let forget = |_: Shareable<Artefact, Public>| Ok::<(), Infallible>(());
    pages::render(&shop, &public, &forget, |_, _| Ok(())).map_err(|error| match error {
        SiteError::Render(error) => PublishError::Render(error),
        SiteError::Sink(never) => match never {},
    })
}

/// The mistake at its place in the workspace's file, or in the built-in one that does not fit to it.
fn finding(workspace: &Workspace, error: &TemplateError) -> Finding {
    let hint = "`docs/templates.md` lists the templates and their variables";
    match error {
        TemplateError::At {
            file,
            line,
            column,
            message,
        } => {
            let path = format!("templates/{file}");
            let Some((_, text)) = workspace.templates.iter().find(|(name, _)| name == file) else {
                let message =
                    format!("line {line}, column {column} of the built-in template: {message}");
                return Finding::of_file(&path, "template", message).hint(hint);
            };
            let start: usize = text
                .split_inclusive('\n')
                .take(line.saturating_sub(1))
                .map(str::len)
                .sum();
            let rest = &text[start.min(text.len())..];
            let at = start
                + rest
                    .char_indices()
                    .nth(column.saturating_sub(1))
                    .map_or(rest.len(), |(at, _)| at);
            let word = text[at..]
                .chars()
                .take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '.'))
                .map(char::len_utf8)
                .sum::<usize>();
            Source::new(path, text.as_str())
                .error(Span::new(at, at + word.max(1)), "template", message)
                .hint(hint)
        }
        TemplateError::Whole { file, message } => {
            let path = if file.is_empty() {
                "templates".to_string()
            } else {
                format!("templates/{file}")
            };
            Finding::of_file(&path, "template", message).hint(hint)
        }
    }
}
