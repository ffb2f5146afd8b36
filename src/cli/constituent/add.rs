//! `advise constituent add`: one more contact, and its constituent if that is new.

use super::{
    files::{Changes, is_sound, replace},
    newcomer::Judge,
};
use crate::{
    cli::{Done, desk::Desk, failure::Failure},
    diag::Level,
    openpgp::Certificate,
    roster::edit::{self, NewConstituent, NewContact},
    terms::{Address, Fingerprint, Lang, Phone, Slug},
    workspace::Workspace,
    yaml::{Line, Wording},
};
use serde_json::json;
use std::{fs, path::Path};

/// Add a contact to a constituent, or a constituent with its first contact
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: `advise constituent add north ada@north.example.org --name \"Ada Example\" \
                        --certificate ada.asc --list universities`"
)]
pub struct Args {
    /// The constituent's file name without `.yaml`
    constituent: Slug,
    /// The contact's address
    address: Address,
    /// The contact's name
    #[arg(long)]
    name: Line,
    /// The contact's certificate: a file, which is put into `certs/`, or the fingerprint of one that is there
    #[arg(long, value_name = "FILE|FINGERPRINT")]
    certificate: Option<String>,
    /// The language in which the contact reads
    #[arg(long)]
    language: Option<Lang>,
    /// Whom to call when something is critical
    #[arg(long)]
    phone: Option<Phone>,
    /// A list that the contact gets; repeat it for several. Without it: all of the constituent's
    #[arg(long = "list", value_name = "LIST")]
    lists: Vec<Slug>,
    /// The name of a constituent that is new
    #[arg(long, value_name = "NAME")]
    organisation: Option<Line>,
    /// The sector of a constituent that is new
    #[arg(long, requires = "organisation")]
    sector: Option<Line>,
}

pub fn run(desk: &Desk, args: Args) -> Result<Done, Failure> {
    let workspace = desk.workspace()?;
    let (fingerprint, new) = args
        .certificate
        .as_deref()
        .map(|it| certificate(&workspace, it))
        .transpose()?
        .unzip();
    let new = new.flatten();
    let contact = NewContact {
        name: args.name.0,
        address: args.address,
        certificate: fingerprint,
        language: args.language,
        phone: args.phone.map(|phone| phone.as_str().to_string()),
        lists: (!args.lists.is_empty()).then_some(args.lists),
        // As a day: nobody needs more.
        joined: desk.now.date().to_string().parse().ok(),
        suspended: None,
    };
    let slug = &args.constituent;
    let judge = Judge::new(&workspace, &desk.now);
    let known = judge
        .constituent(slug)
        .map(|_| judge.profile(slug))
        .transpose()?;
    let all_lists = known.as_ref().map_or_else(
        || contact.lists.clone().unwrap_or_default(),
        |known| known.lists.clone(),
    );
    let doubts = judge.doubts(slug, &all_lists, &contact, new.as_ref())?;
    if let Some(error) = doubts.iter().find(|doubt| doubt.level == Level::Error) {
        return Err(Failure::usage(&error.message).hint(&error.hint));
    }
    let mut changes = Changes::new(desk);
    match (known, args.organisation) {
        (Some(_), None) => {
            changes.edit(slug, |path, text| edit::with_newcomer(path, text, &contact))?
        }
        (Some(_), Some(_)) => {
            return Err(
                Failure::usage(format!("constituent `{slug}` exists already"))
                    .hint("leave `--organisation` out"),
            );
        }
        (None, Some(name)) => {
            let constituent = NewConstituent {
                name: Wording::One(name.0),
                sector: args.sector.map(|sector| sector.0),
                networks: Vec::new(),
                domains: Vec::new(),
                products: Vec::new(),
                lists: all_lists,
                contacts: vec![NewContact {
                    lists: None,
                    ..contact.clone()
                }],
            };
            changes.create(
                slug,
                edit::new_constituent(&Changes::path(slug), &constituent)?,
            );
        }
        (None, None) => {
            let failure = Failure::usage(format!("constituent `{slug}` does not exist"));
            return Err(match judge.near(slug) {
                Some(near) => failure.hint(format!("did you mean `{near}`?")),
                None => failure,
            }
            .hint("name it with `--organisation` if it is new"));
        }
    }
    // The certificate first: a file of it that nobody names does no harm.
    if let Some(new) = &new {
        let name = format!("{}.asc", new.fingerprint());
        replace(&desk.root.join("certs"), &name, new.armored().as_bytes())?;
        desk.ui.deed(&format!("wrote certs/{name}"));
    }
    let files = changes.write(desk)?;
    for doubt in &doubts {
        desk.ui
            .warning(&format!("{}; {}", doubt.message, doubt.hint));
    }
    if desk.ui.wants_json() {
        let warnings: Vec<&str> = doubts.iter().map(|doubt| doubt.message.as_str()).collect();
        let certificate = contact.certificate.as_ref().map(Fingerprint::to_string);
        desk.ui.json(&json!({
            "constituent": slug.as_str(), "address": contact.address.as_str(), "certificate": certificate, "files": files, "warnings": warnings,
        }));
    }
    Ok(if is_sound(desk)? && doubts.is_empty() {
        Done::Well
    } else {
        Done::WithFindings
    })
}

/// The fingerprint that is meant, and the certificate if it has to be put into `certs/`.
fn certificate(
    workspace: &Workspace,
    given: &str,
) -> Result<(Fingerprint, Option<Certificate>), Failure> {
    if let Ok(fingerprint) = given.parse::<Fingerprint>() {
        return Ok((fingerprint, None));
    }
    let path = Path::new(given);
    let bytes = fs::read(path)
        .map_err(|error| Failure::io(path, error).hint("give a file, or a whole fingerprint"))?;
    let certificate = Certificate::read(&bytes).map_err(|error| {
        Failure::usage(format!("`{given}`: {error}"))
            .hint("`gpg --export --armor FINGERPRINT` gives the public certificate")
    })?;
    let fingerprint = certificate.fingerprint().clone();
    // What is there may have more in it, such as a revocation.
    let certificate = match workspace.certificates.read(&fingerprint)? {
        Some(_) => None,
        None => Some(certificate),
    };
    Ok((fingerprint, certificate))
}
