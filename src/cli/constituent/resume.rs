//! `advise constituent resume`: staff say that an address works again.

use crate::cli::{Done, desk::Desk, failure::Failure, ui::count};
use crate::{
    ledger::{Ledger, Resumed},
    terms::Address,
};
use serde_json::json;

/// Send to an address again from which letters came back, and send once more those that did
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The contact's address, once its owner says that it works
    address: Address,
}

pub fn run(desk: &Desk, args: Args) -> Result<Done, Failure> {
    let workspace = desk.workspace()?;
    let mut ledger = Ledger::open(&desk.work())?;
    let member = ledger.member(&args.address);
    let Resumed {
        lists,
        bounces,
        letters,
    } = ledger.resume(&member)?;
    let contact = workspace.roster.contact(&args.address);
    if lists + bounces == 0 {
        let failure = Failure::usage(format!("nothing came back from `{}`", args.address));
        return Err(match contact.map(|contact| (&contact.suspended, &contact.constituent)) {
            Some((Some(why), constituent)) => failure.hint(format!(
                "it is suspended by hand ({why}): remove `suspended` from constituents/{constituent}.yaml if it can be used again"
            )),
            Some((None, _)) => failure.hint("this address is not suspended"),
            None => failure.hint("it is not the address of a contact; `advise constituent` shows all"),
        });
    }
    if desk.ui.wants_json() {
        desk.ui.json(&json!({ "address": args.address.as_str(), "lists": lists, "bounces": bounces, "letters": letters }));
    }
    let lists = count(lists, "list sends", "lists send");
    let bounces = count(
        bounces,
        "mail that came back counts",
        "mails that came back count",
    );
    desk.ui.deed(&format!(
        "resumed {}: {lists} to it again, {bounces} no more",
        args.address
    ));
    if contact.is_some_and(|contact| contact.suspended.is_some()) {
        desk.ui
            .warning("it stays suspended by hand, in its constituent's file");
    } else {
        let again = match letters {
            0 => String::new(),
            1 => ", and the letter that came back".into(),
            n => format!(", and the {n} letters that came back"),
        };
        desk.ui.deed(&format!(
            "next: `advise publish` sends what was kept from it{again}"
        ));
    }
    Ok(Done::Well)
}
