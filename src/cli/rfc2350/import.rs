use super::{
    super::{Done, desk::Desk, failure::Failure, ui::count},
    init,
};
use crate::{
    diag::{Findings, Level, Source},
    inbound::files::replace,
    markdown,
    openpgp::Certificate,
    rfc2350, settings,
    team::{self, Team},
    terms::{Address, Fingerprint, Lang, UNKNOWN_ADDRESS},
};
use rfc2350_import::{Import, Imported, Refused, Seal};
use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

/// Turn a published document into team.yaml and site/rfc2350.md, and say what is wrong with it
#[derive(Debug, clap::Args)]
#[command(
    after_help = "No text is lost: what is not in the two files is in the report, and an import that cannot prove it fails. Import the \
                        second language after the first: it only adds its texts."
)]
pub struct Args {
    /// Plain or clear-signed text, HTML saved from a site, or Markdown
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The team's certificate: verifies the document, and goes into certs/ if section 2.8 names it
    #[arg(long, value_name = "CERT")]
    key: Vec<PathBuf>,
    /// Into this folder instead of the workspace
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// The language of the document; guessed without it
    #[arg(long, value_name = "LANG")]
    lang: Option<Lang>,
    /// The team's address, where the document has none that can be read
    #[arg(long, value_name = "ADDRESS")]
    email: Option<Address>,
    /// Overwrite files that are there
    #[arg(long)]
    force: bool,
}

pub fn run(desk: &Desk, args: Args) -> Result<Done, Failure> {
    let root = args.out.clone().unwrap_or_else(|| desk.root.clone());
    let file = super::open(&args.file)?;
    let of_team = super::given(&args.key)?;
    let mut certificates = of_team.clone();
    certificates.extend(super::kept(&root)?);
    let shown = args.file.display().to_string();
    let name = args
        .file
        .file_name()
        .map_or(shown.clone(), |name| name.to_string_lossy().into_owned());
    let document = super::read(&file, &name, &certificates, &desk.now)
        .map_err(|error| Failure::usage(format!("cannot read `{shown}`: {error}")))?;
    if let Seal::Bad { why, .. } = &document.seal {
        desk.ui.warning(&format!("`{shown}`: {why}"));
    }
    let target = Target::open(&root)?;
    // A certificate that stands in the document is the team's if section 2.8 names it.
    let inside = document
        .certificates
        .iter()
        .filter_map(|armored| Certificate::read(armored.as_bytes()).ok());
    certificates.extend(inside);
    let mut imported = rfc2350_import::import(
        &document,
        &Import {
            lang: args.lang.as_ref(),
            email: args.email.as_ref(),
            certificates: &super::known(&certificates, &desk.now),
            of_team: &super::known(&of_team, &desk.now),
            keys: target
                .new_team
                .as_ref()
                .map_or(&[], |team| team.keys.as_slice()),
            now: &desk.now,
            shown: text_of,
        },
    )
    .map_err(|refused| match &refused {
        Refused::Restricted { .. } => Failure::new(refused).hint(
            "nothing was written; if the team has made it public, take the label out of the file",
        ),
        Refused::Lost(_) => Failure::new(refused).hint(OUR_MISTAKE),
    })?;
    let parsed = parse(&imported)?;
    let files = target.files(&mut imported, &parsed, &certificates, args.force)?;
    write(&root, &files)?;
    match desk.ui.wants_json() {
        true => {
            let mut value = imported.report.json(&imported.faults);
            value["written"] = files.keys().cloned().collect();
            desk.ui.json(&value);
        }
        false => desk.ui.data(&imported.report.text(&imported.faults)),
    }
    for path in files.keys() {
        desk.ui
            .deed(&format!("wrote {}", root.join(path).display()));
    }
    if parsed.email.as_str() == UNKNOWN_ADDRESS
        && files.contains_key("team.yaml")
        && target.team.is_none()
    {
        desk.ui.warning(
            "the document has no mail address that can be read; write the team's into team.yaml",
        );
    }
    if !target.languages.is_empty() && !target.languages.contains(&imported.lang) {
        desk.ui.warning(&format!(
            "the site has no language `{0}`: add `{0}` to `site.languages` in advise.yaml",
            imported.lang
        ));
    }
    let faults = imported.faults.count(Level::Error) + imported.faults.count(Level::Warning);
    let found = count(faults, "fault", "faults");
    desk.ui.deed(&format!(
        "imported {shown}: {found} of the document; next: `advise check`"
    ));
    Ok(if faults > 0 || !imported.report.disagreements.is_empty() {
        Done::WithFindings
    } else {
        Done::Well
    })
}

const OUR_MISTAKE: &str =
    "nothing was written; this is a mistake of `advise`: please report it with the document";

/// The text that readers see of some Markdown; `None` if `advise check` would refuse it.
fn text_of(markdown: &str) -> Option<String> {
    markdown::lint(markdown)
        .is_empty()
        .then(|| markdown::text(markdown, 200))
}

/// Reads what the importer wrote, as every later command will, before it goes to disk.
fn parse(imported: &Imported) -> Result<Team, Failure> {
    let mut findings = Findings::new();
    let team = Source::new("team.yaml", imported.team.as_str());
    let team = team::parse(&team, &mut findings);
    let prose = Source::new("site/rfc2350.md", imported.prose.as_str());
    rfc2350::prose::parse(&prose, &mut findings);
    let mut errors = findings
        .iter()
        .filter(|finding| finding.level == Level::Error);
    match (team, errors.next()) {
        (Some(team), None) => Ok(team),
        (_, error) => {
            let message = error.map_or("", |finding| finding.message.as_str());
            Err(
                Failure::usage(format!("what would be written has errors: {message}"))
                    .hint(OUR_MISTAKE),
            )
        }
    }
}

/// The folder that is written to.
struct Target {
    root: PathBuf,
    /// Of its settings, the default first; none where there are no settings yet.
    languages: Vec<Lang>,
    /// A `team.yaml` that somebody has written.
    team: Option<(Source, Team)>,
    /// One that `init` has written, and nobody has filled in yet but for keys.
    new_team: Option<Team>,
}

impl Target {
    fn open(root: &Path) -> Result<Target, Failure> {
        let wrong = |path: &str| {
            Failure::usage(format!("`{}` has mistakes", root.join(path).display()))
                .hint("`advise check` shows them; nothing was written")
        };
        let mut findings = Findings::new();
        let languages = match read(&root.join("advise.yaml"))? {
            None => Vec::new(),
            Some(text) => {
                let settings = settings::parse(&Source::new("advise.yaml", text), &mut findings)
                    .ok_or_else(|| wrong("advise.yaml"))?;
                settings.site.languages
            }
        };
        let (mut team, mut new_team) = (None, None);
        if let Some(text) = read(&root.join("team.yaml"))? {
            let source = Source::new("team.yaml", text);
            let parsed = team::parse(&source, &mut findings).ok_or_else(|| wrong("team.yaml"))?;
            let skeleton = team::parse(&Source::new("team.yaml", init::NEW_TEAM), &mut findings);
            let is_new = skeleton.is_some_and(|new| {
                new.name == parsed.name && new.email == parsed.email && parsed.address.is_none()
            });
            match is_new {
                true => new_team = Some(parsed),
                false => team = Some((source, parsed)),
            }
        }
        Ok(Target {
            root: root.to_path_buf(),
            languages,
            team,
            new_team,
        })
    }

    /// What is to be written. A file that somebody wrote is left alone, unless staff say otherwise; only texts of a new
    /// language are added to `team.yaml`.
    fn files(
        &self,
        imported: &mut Imported,
        parsed: &Team,
        certificates: &[Certificate],
        force: bool,
    ) -> Result<BTreeMap<String, Vec<u8>>, Failure> {
        let lang = imported.lang.clone();
        let first = self.languages.first().unwrap_or(&lang).clone();
        let end = if lang == first {
            String::new()
        } else {
            format!(".{lang}")
        };
        let prose = format!("site/rfc2350{end}.md");
        let report = format!("rfc2350-import{end}.txt");
        let mut files = BTreeMap::new();
        for (path, new) in [(&prose, Some(init::new_prose())), (&report, None)] {
            let there = read_bytes(&self.root.join(path))?;
            if there.is_some_and(|there| !force && new != Some(there.as_slice())) {
                return Err(Failure::usage(format!(
                    "`{}` exists already",
                    self.root.join(path).display()
                ))
                .hint(
                    "nothing was written; `--force` overwrites it, `--out DIR` writes elsewhere",
                ));
            }
        }
        match self.team.as_ref().filter(|_| !force) {
            None => drop(files.insert("team.yaml".to_string(), imported.team.clone().into_bytes())),
            Some((source, team)) => {
                let merged = super::merge::merge(source, team, &first, parsed, &lang).ok_or_else(|| {
                    Failure::usage("the texts of this language cannot be added to team.yaml")
                        .hint("nothing was written; `--out DIR` writes elsewhere, and you can put the two together by hand")
                })?;
                imported.report.disagreements = merged.disagreements;
                if merged.text != *source.text {
                    files.insert("team.yaml".into(), merged.text.into_bytes());
                }
            }
        }
        let named: Vec<&Fingerprint> = parsed.keys.iter().collect();
        for certificate in certificates
            .iter()
            .filter(|certificate| named.contains(&certificate.fingerprint()))
        {
            let path = format!("certs/{}.asc", certificate.fingerprint());
            if !self.root.join(&path).exists() {
                files.insert(path, certificate.armored().into_bytes());
            }
        }
        if self.languages.is_empty() {
            let url = parsed
                .website
                .as_deref()
                .and_then(|url| url::Url::parse(url).ok())
                .map(|url| url.origin().ascii_serialization());
            let settings =
                init::NEW_SETTINGS.replace("languages: [en]", &format!("languages: [{lang}]"));
            let settings = url.map_or(settings.clone(), |url| {
                settings.replace("https://cert.example.org ", &format!("{url} "))
            });
            files.insert("advise.yaml".into(), settings.into_bytes());
            if !self.root.join(".gitignore").exists() {
                files.insert(".gitignore".into(), init::IGNORED.into());
            }
        }
        files.insert(prose, imported.prose.clone().into_bytes());
        files.insert(report, imported.report.text(&imported.faults).into_bytes());
        Ok(files)
    }
}

fn read_bytes(path: &Path) -> Result<Option<Vec<u8>>, Failure> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::io(path, error)),
    }
}

fn read(path: &Path) -> Result<Option<String>, Failure> {
    let Some(bytes) = read_bytes(path)? else {
        return Ok(None);
    };
    String::from_utf8(bytes)
        .map(Some)
        .map_err(|_| Failure::usage(format!("`{}` is not UTF-8", path.display())))
}

fn write(root: &Path, files: &BTreeMap<String, Vec<u8>>) -> Result<(), Failure> {
    for (path, bytes) in files {
        let path = root.join(path);
        // `team.yaml` may be there already: a crash must leave the old one or the new one.
        replace(&path, bytes).map_err(|error| Failure::io(&path, error))?;
    }
    Ok(())
}
