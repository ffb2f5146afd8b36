use super::{
    Done,
    desk::{Desk, Failure},
};
use crate::{publish, terms::Lang};

/// The team's RFC 2350 description
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Print the document as it would be published now
    Show {
        /// In this language
        #[arg(long, value_name = "LANG")]
        lang: Option<Lang>,
    },
}

pub fn run(desk: &Desk, args: Args) -> Result<Done, Failure> {
    let Verb::Show { lang } = args.verb;
    let workspace = desk.workspace()?;
    let lang = lang.unwrap_or_else(|| workspace.settings.site.default_lang().clone());
    if !workspace.settings.site.languages.contains(&lang) {
        return Err(
            Failure::usage(format!("the site has no language `{lang}`")).hint("`site.languages` in advise.yaml names them")
        );
    }
    let history = desk.ledger_to_read()?.history()?;
    let text = publish::document_text(&workspace, &history, &lang, &desk.now).ok_or_else(|| {
        Failure::usage("there is no RFC 2350 document yet").hint("it needs `site/rfc2350.md` and the team's certificate")
    })?;
    match desk.ui.wants_json() {
        true => desk.ui.json(&serde_json::json!({ "lang": lang.as_str(), "text": text })),
        false => desk.ui.data(&text),
    }
    Ok(Done::Well)
}
