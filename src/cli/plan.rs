use super::{Done, desk::Desk, failure::Failure};
use crate::{
    plan::{self, Only, Request},
    terms::Id,
};

/// Show what `publish` would do: who gets what under which cover, who is held and why; sends nothing
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Mail only these advisories, however old they are
    #[arg(value_name = "ID")]
    ids: Vec<Id>,
    /// Only one of the channels
    #[arg(long, value_name = "CHANNEL", value_parser = only)]
    only: Option<Only>,
}

/// Reads the word of `--only`.
pub fn only(word: &str) -> Result<Only, String> {
    match word {
        "mail" => Ok(Only::Mail),
        "site" => Ok(Only::Site),
        _ => Err("one of `mail`, `site`".into()),
    }
}

pub fn run(desk: &Desk, args: Args) -> Result<Done, Failure> {
    let workspace = desk.workspace()?;
    desk.warn_of_security_txt(&workspace)?;
    let ledger = desk.ledger_to_read()?;
    let request = Request {
        ids: args.ids,
        only: args.only,
    };
    desk.planned(&workspace, &ledger, &request, |plan| {
        match desk.ui.wants_json() {
            true => desk.ui.json(&plan::json(plan)),
            false => desk.ui.data(&plan::words(plan)),
        }
        if plan.conflicts.is_empty() {
            return Ok(if plan.needs_attention() {
                Done::WithFindings
            } else {
                Done::Well
            });
        }
        Err(desk.conflict(&ledger, &workspace, plan))
    })
}
