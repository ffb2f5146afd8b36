use super::{Done, desk::Desk, failure::Failure};
use crate::{advisory::Kind, yaml::Line};
use std::{fs, io::Write as _, process::Command};

/// Begin an advisory: takes the next free id, writes a draft, opens the editor
#[derive(Debug, clap::Args)]
pub struct Args {
    /// One line that says what it is about
    title: String,
    /// What sort of message it is
    #[arg(long, value_parser = kind, default_value = "advisory")]
    kind: Kind,
    /// Do not open the editor
    #[arg(long)]
    no_edit: bool,
}

fn kind(word: &str) -> Result<Kind, String> {
    word.parse::<Kind>().map_err(|wrong| wrong.to_string())
}

pub fn run(desk: &Desk, args: Args) -> Result<Done, Failure> {
    let title: Line = args
        .title
        .parse()
        .map_err(|wrong: crate::terms::Wrong| Failure::usage(wrong.to_string()))?;
    let (settings, taken) = desk.ids()?;
    let year = desk.now.year();
    let id = (1..1_000_000)
        .map(|number| settings.ids.id(year, number))
        .find(|id| !taken.contains(&id.to_ascii_lowercase()))
        .ok_or_else(|| {
            Failure::usage("no id is free: every number of the pattern `ids` is taken")
        })?;
    let folder = desk.root.join("advisories").join(year.to_string());
    fs::create_dir_all(&folder).map_err(|error| Failure::io(&folder, error))?;
    let path = folder.join(format!("{id}.md"));
    let mut file = fs::File::create_new(&path).map_err(|error| Failure::io(&path, error))?;
    file.write_all(
        draft(
            &id,
            &title.0,
            args.kind,
            desk.now.date().to_string().as_str(),
        )
        .as_bytes(),
    )
    .map_err(|error| Failure::io(&path, error))?;
    let shown = path
        .strip_prefix(&desk.root)
        .unwrap_or(&path)
        .display()
        .to_string();
    match desk.ui.wants_json() {
        true => desk
            .ui
            .json(&serde_json::json!({ "id": id, "path": shown })),
        false => desk.ui.data(&format!("{}\n", path.display())),
    }
    let editor = std::env::var("VISUAL")
        .or_else(|_| std::env::var("EDITOR"))
        .ok()
        .filter(|editor| !editor.is_empty());
    match editor {
        Some(editor) if !args.no_edit && desk.ui.can_ask() => {
            // The editor may have arguments (`code --wait`), so the shell splits it; the path is handed over apart.
            let status = Command::new("sh")
                .arg("-c")
                .arg(format!("{editor} \"$1\""))
                .arg("sh")
                .arg(&path)
                .status();
            let status = status.map_err(|error| {
                Failure::usage(format!("cannot start the editor `{editor}`: {error}"))
            })?;
            if !status.success() {
                return Err(Failure::usage(format!(
                    "the editor `{editor}` ended with {status}; the draft is at `{}`",
                    path.display()
                )));
            }
        }
        _ => desk
            .ui
            .deed("wrote a draft; choose `tlp`, `severity` and `audience`, then `advise check`"),
    }
    Ok(Done::Well)
}

/// `tlp` and `audience` are left open on purpose: there is no default that widens reach.
fn draft(id: &str, title: &str, kind: Kind, date: &str) -> String {
    let title = serde_json::Value::from(title);
    format!(
        "---\nid: {id}\nkind: {kind}\nstatus: draft\ntitle: {title}\ndate: {date}\ntlp:            # CLEAR GREEN AMBER AMBER+STRICT RED\n\
         severity:       # none low medium high critical\naudience: []    # lists, `public`, or contacts' addresses\ncves: []\ncvss: []\n\
         affected: []\nreferences: []\n---\n\n## Summary\n\n## What to do\n\n## Details\n"
    )
}
