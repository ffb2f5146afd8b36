use super::{Done, desk::Desk, failure::Failure};
use clap::CommandFactory as _;

/// Print completions for a shell
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which shell
    #[arg(value_enum)]
    shell: clap_complete::Shell,
}

pub fn run(desk: &Desk, args: Args) -> Result<Done, Failure> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut super::Args::command(), "advise", &mut text);
    desk.ui.data(&String::from_utf8_lossy(&text));
    Ok(Done::Well)
}
