use super::{Done, desk::Desk, failure::Failure};
use crate::{
    channels::preview::{Door, PreviewError, Pulse, Show},
    preview::{Ask, Studio, watch},
    terms::Moment,
    workspace::{ReadError, trace},
};
use std::{
    sync::{Arc, mpsc},
    thread,
};

/// Preview the site and each letter in a browser, drafts included; pages follow what you save
///
/// Prints an address on this computer, with a secret in it: open it in your browser, and pass it on to nobody. It shows
/// closed texts too. Nothing is written, signed or sent. Ctrl-C ends it.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The port on 127.0.0.1 and ::1; default: any that is free
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    port: Option<u16>,
}

pub fn run(desk: &Desk, args: Args) -> Result<Done, Failure> {
    if !desk.root.join("advise.yaml").is_file() {
        return Err(ReadError::NotAWorkspace(desk.root.clone()).into());
    }
    let door = Door::open(args.port).map_err(failure)?;
    let (pulse, (ask, asks)) = (Pulse::new(), mpsc::channel());
    let ui = desk.ui;
    let now = (desk.now != desk.clock).then(|| desk.now.clone());
    let (root, ledger, saved) = (
        desk.root.clone(),
        desk.work().join(crate::ledger::FILE),
        ask.clone(),
    );
    let known = trace(&root, &[&ledger]);
    let studio = Studio {
        root: desk.root.clone(),
        work: desk.work(),
        prefix: door.prefix(),
        clock: Box::new(move || {
            now.clone()
                .unwrap_or_else(|| Moment::from_timestamp(crate::cli::clock::now()))
        }),
        tell: Box::new(move |words| ui.deed(words)),
        pulse: pulse.clone(),
    };
    // Both end with the program; neither has anything in hand that would have to be put away.
    thread::spawn(move || {
        if let Err(error) = studio.run(&asks) {
            ui.failure(&Failure::new(error));
        }
    });
    thread::spawn(move || watch(&root, &ledger, known, &saved));
    let show: Show = Arc::new(move |path| {
        let (reply, answer) = mpsc::channel();
        ask.send(Ask::Show(path.to_string(), reply)).ok()?;
        answer.recv().ok()
    });
    match desk.ui.wants_json() {
        true => desk
            .ui
            .json(&serde_json::json!({ "address": door.address() })),
        false => desk.ui.data(&format!("{}\n", door.address())),
    }
    desk.ui.deed("open this address in a browser on this computer, and pass it on to nobody; Ctrl-C ends the preview");
    door.serve(show, &pulse).map_err(failure)?;
    Ok(Done::Well)
}

fn failure(error: PreviewError) -> Failure {
    let is_taken = matches!(error, PreviewError::Port { .. });
    let failure = Failure::new(error);
    if is_taken {
        failure.hint("without `--port` any free one is taken")
    } else {
        failure
    }
}
