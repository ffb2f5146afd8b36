use super::{Done, desk::Desk, failure::Failure};
use clap::CommandFactory as _;

/// Print the manual page: `advise man | man -l -`
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The page of one command
    #[arg(value_name = "VERB")]
    verb: Option<String>,
}

pub fn run(desk: &Desk, args: Args) -> Result<Done, Failure> {
    let mut command = super::Args::command();
    command.build();
    if let Some(verb) = &args.verb {
        let found = command
            .get_subcommands()
            .find(|one| one.get_name() == verb)
            .cloned();
        command = found.ok_or_else(|| {
            Failure::usage(format!("`{verb}` is not a command")).hint("`advise --help` lists them")
        })?;
    }
    let mut page = Vec::new();
    clap_mangen::Man::new(command)
        .render(&mut page)
        .map_err(|error| Failure::usage(error.to_string()))?;
    desk.ui.data(&String::from_utf8_lossy(&page));
    Ok(Done::Well)
}
