//! `advise constituent import`: contacts from a table that staff keep in a spreadsheet. All of it or nothing: as long as one
//! line is wrong, no file is touched. It adds, and changes nobody who is there.

use super::{
    files::{Changes, is_sound},
    newcomer::{Doubt, Judge},
};
use crate::{
    cli::{
        Done,
        desk::Desk,
        failure::{Failure, Kind},
        ui::{count, table as columns},
    },
    diag::{self, Finding, Findings, Level, Source, Span},
    roster::{
        Constituent, Contact,
        edit::{self, NewConstituent, NewContact},
        table::{self, Row},
    },
    terms::{Fingerprint, Slug},
};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::{Path, PathBuf},
};

/// The largest table, in bytes.
const LIMIT: u64 = 16 << 20;

/// Add the contacts of a table (CSV; its first line names the columns, as `export` writes them)
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit codes: 0 done · 1 done, and something is to be looked at · 2 a line is wrong, and nothing was written."
)]
pub struct Args {
    /// The table: separated by commas, semicolons or tabs, in UTF-8
    file: PathBuf,
    /// Only say what would be done
    #[arg(long)]
    dry_run: bool,
}

/// What comes of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Added,
    /// It stands there already, just so.
    Unchanged,
    Wrong,
}

impl Outcome {
    fn as_str(self) -> &'static str {
        match self {
            Outcome::Added => "added",
            Outcome::Unchanged => "unchanged",
            Outcome::Wrong => "wrong",
        }
    }
}

/// What is known of the lines so far.
struct Import<'w> {
    judge: Judge<'w>,
    source: &'w Source,
    findings: Findings,
    changes: Changes,
    /// Constituents that are new, with all their contacts.
    founded: BTreeMap<Slug, NewConstituent>,
    /// The lines that an address stood in: of which constituent, and with which certificate.
    seen: HashMap<String, Vec<(Slug, Option<Fingerprint>, usize)>>,
}

pub fn run(desk: &Desk, args: Args) -> Result<Done, Failure> {
    let workspace = desk.workspace()?;
    let mut findings = Findings::new();
    let source = source(&args.file, &mut findings)?;
    let rows = source
        .as_ref()
        .map_or_else(Vec::new, |source| table::read(source, &mut findings));
    let unread = Source::new("", "");
    let mut import = Import {
        judge: Judge::new(&workspace, &desk.now),
        source: source.as_ref().unwrap_or(&unread),
        findings,
        changes: Changes::new(desk),
        founded: BTreeMap::new(),
        seen: HashMap::new(),
    };
    let mut report = Vec::with_capacity(rows.len());
    for row in &rows {
        report.push((row, import.row(row)?));
    }
    import.found()?;
    let Import {
        mut findings,
        changes,
        ..
    } = import;
    findings.sort();
    let errors = findings.count(Level::Error);
    let files = changes.paths();
    let is_written = errors == 0 && !args.dry_run;
    // What is wrong in the table is said before anything is done.
    desk.ui.talk_findings(&findings, Level::Warning);
    if is_written {
        changes.write(desk)?;
    }
    // `--dry-run` of a table with mistakes is as wrong as the import would be.
    let how = if errors > 0 {
        How::Wrong
    } else if args.dry_run {
        How::Tried
    } else {
        How::Written
    };
    tell(desk, &lines(&report, &findings), &findings, &files, how);
    if errors > 0 {
        let what = count(errors, "mistake", "mistakes");
        let error = anyhow::anyhow!("`{}` has {what}; nothing was written", args.file.display());
        // The document is printed already.
        return match desk.ui.wants_json() {
            true => Ok(Done::NotAtAll),
            false => Err(Failure {
                kind: Kind::Findings,
                error,
                hints: vec!["mend them and run the same command again".into()],
            }),
        };
    }
    let is_sound = !is_written || files.is_empty() || is_sound(desk)?;
    Ok(if is_sound && findings.is_empty() {
        Done::Well
    } else {
        Done::WithFindings
    })
}

/// How far an import went.
#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    Written,
    Tried,
    Wrong,
}

fn source(file: &Path, findings: &mut Findings) -> Result<Option<Source>, Failure> {
    let io = |error| Failure::io(file, error);
    let path = file.display().to_string();
    if fs::metadata(file).map_err(io)?.len() > LIMIT {
        return Err(
            Failure::usage(format!("`{path}` has more than {} MB", LIMIT >> 20))
                .hint("import it in pieces"),
        );
    }
    let bytes = fs::read(file).map_err(io)?;
    let hint =
        "save it as `CSV UTF-8`; `iconv -f windows-1251 -t utf-8` converts an old Cyrillic file";
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        findings.push(Finding::of_file(&path, "not-utf8", "the table is in UTF-16").hint(hint));
        return Ok(None);
    }
    match String::from_utf8(bytes) {
        // Places are counted without the mark, which nobody sees.
        Ok(text) => Ok(Some(Source::new(
            path,
            text.strip_prefix('\u{feff}').unwrap_or(&text),
        ))),
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let byte = error.as_bytes()[at];
            let lossy = Source::new(path, String::from_utf8_lossy(error.as_bytes()));
            let message = format!("the table is not UTF-8: here stands the byte {byte:#04x}");
            findings.push(
                lossy
                    .error(
                        Span::new(at, at + '\u{fffd}'.len_utf8()),
                        "not-utf8",
                        message,
                    )
                    .hint(hint),
            );
            Ok(None)
        }
    }
}

impl Import<'_> {
    /// Judges a line, and notes what it changes.
    fn row(&mut self, row: &Row) -> Result<Outcome, Failure> {
        let before = self.findings.count(Level::Error);
        let outcome = match self.judge.constituent(&row.constituent) {
            Some(constituent) => self.known(row, constituent)?,
            None => self.unknown(row)?,
        };
        Ok(if self.findings.count(Level::Error) > before {
            Outcome::Wrong
        } else {
            outcome
        })
    }

    /// A line about a constituent that has a file.
    fn known(&mut self, row: &Row, constituent: &Constituent) -> Result<Outcome, Failure> {
        let profile = self.judge.profile(&constituent.slug)?;
        let said = [
            (
                "organisation",
                row.organisation
                    .as_ref()
                    .is_some_and(|name| *name != profile.name),
            ),
            (
                "sector",
                row.sector.is_some() && row.sector != profile.sector,
            ),
            (
                "networks",
                !row.networks.is_empty() && row.networks != profile.networks,
            ),
            (
                "domains",
                !row.domains.is_empty() && row.domains != profile.domains,
            ),
            (
                "products",
                !row.products.is_empty() && row.products != profile.products,
            ),
            (
                "organisation_lists",
                !row.organisation_lists.is_empty() && row.organisation_lists != profile.lists,
            ),
        ];
        for (column, _) in said.into_iter().filter(|(_, differs)| *differs) {
            let message = format!(
                "`{}` says otherwise, and was left as it is",
                Changes::path(&row.constituent)
            );
            let finding = self.source.error(row.place(column), "differs", message);
            self.findings.push(
                finding
                    .hint("an import adds contacts; change the file by hand")
                    .warning(),
            );
        }
        let Some(contact) = &row.contact else {
            return Ok(Outcome::Unchanged);
        };
        if self.is_twice(row, contact) {
            return Ok(Outcome::Wrong);
        }
        let key = contact.address.key();
        if let Some(there) = constituent
            .contacts
            .iter()
            .find(|there| there.address.key() == key)
        {
            let differing = differing(contact, there);
            for column in &differing {
                let message = format!(
                    "this contact is in `{}` already, with another value",
                    Changes::path(&row.constituent)
                );
                let finding = self.source.error(row.place(column), "differs", message);
                self.findings.push(finding.hint(
                    "an import changes nobody who is there: change the file by hand, or this line",
                ));
            }
            return Ok(Outcome::Unchanged);
        }
        if self.doubts(row, &profile.lists, contact)? == 0 {
            self.changes.edit(&row.constituent, |path, text| {
                edit::with_newcomer(path, text, contact)
            })?;
        }
        Ok(Outcome::Added)
    }

    /// A line about a constituent that has no file yet.
    fn unknown(&mut self, row: &Row) -> Result<Outcome, Failure> {
        let mut lists = row.organisation_lists.clone();
        let known = self.founded.get(&row.constituent);
        lists.extend(known.iter().flat_map(|known| known.lists.clone()));
        if known.is_none() && row.organisation.is_none() {
            let hint = match self.judge.near(&row.constituent) {
                Some(near) => {
                    format!("did you mean `{near}`? Fill the column `organisation` if it is new")
                }
                None => "fill the column `organisation` if it is new".to_string(),
            };
            let message = format!("constituent `{}` does not exist", row.constituent);
            self.findings.push(
                self.source
                    .error(row.place("constituent"), "unknown-constituent", message)
                    .hint(hint),
            );
            return Ok(Outcome::Wrong);
        }
        for list in &row.organisation_lists {
            if let Some(doubt) = self.judge.unknown_list("organisation_lists", list) {
                self.tell(row, doubt);
            }
        }
        if let Some(contact) = &row.contact {
            if self.is_twice(row, contact) {
                return Ok(Outcome::Wrong);
            }
            self.doubts(row, &lists, contact)?;
        }
        let Some(name) = self
            .founded
            .get(&row.constituent)
            .map(|known| known.name.clone())
            .or_else(|| row.organisation.clone())
        else {
            return Ok(Outcome::Wrong);
        };
        if row.organisation.as_ref().is_some_and(|said| *said != name) {
            let message = format!("an earlier line has another name for `{}`", row.constituent);
            let finding = self
                .source
                .error(row.place("organisation"), "differs", message);
            self.findings
                .push(finding.hint("write the same on all its lines, or only on the first"));
            return Ok(Outcome::Wrong);
        }
        let founded = self
            .founded
            .entry(row.constituent.clone())
            .or_insert_with(|| NewConstituent {
                name,
                sector: None,
                networks: Vec::new(),
                domains: Vec::new(),
                products: Vec::new(),
                lists: Vec::new(),
                contacts: Vec::new(),
            });
        if founded.sector.is_none() {
            founded.sector.clone_from(&row.sector);
        }
        add(&mut founded.networks, &row.networks);
        add(&mut founded.domains, &row.domains);
        add(&mut founded.products, &row.products);
        add(&mut founded.lists, &row.organisation_lists);
        if let Some(contact) = &row.contact {
            founded.contacts.push(contact.clone());
        }
        Ok(Outcome::Added)
    }

    /// Notes the files of constituents that are new. Its lists are all that a line names; who gets all of them says nothing.
    fn found(&mut self) -> Result<(), Failure> {
        let has_errors = self.findings.has_errors();
        for (slug, mut constituent) in std::mem::take(&mut self.founded)
            .into_iter()
            .filter(|_| !has_errors)
        {
            let named: Vec<Slug> = constituent
                .contacts
                .iter()
                .flat_map(|contact| contact.lists.clone().unwrap_or_default())
                .collect();
            let before = constituent.lists.clone();
            add(&mut constituent.lists, &named);
            for contact in &mut constituent.contacts {
                // An empty cell is all of those that were said to be everybody's.
                let lists = contact.lists.take().unwrap_or_else(|| before.clone());
                contact.lists = (!is_same(&lists, &constituent.lists)).then_some(lists);
            }
            let text = edit::new_constituent(&Changes::path(&slug), &constituent)?;
            self.changes.create(&slug, text);
        }
        Ok(())
    }

    /// Whether an earlier line has this address, and does not go with this one: one person may stand in two constituents, with
    /// one certificate.
    fn is_twice(&mut self, row: &Row, contact: &NewContact) -> bool {
        let seen = self.seen.entry(contact.address.key()).or_default();
        let same = seen.iter().find(|(slug, ..)| *slug == row.constituent);
        let other = seen
            .iter()
            .find(|(_, certificate, _)| *certificate != contact.certificate);
        let (message, hint) = match (same, other) {
            (Some((.., line)), _) => (
                format!("line {line} has this address already"),
                "one address is one contact: remove one of the two lines",
            ),
            (None, Some((.., line))) => {
                let message = format!("line {line} has this address too, with another certificate");
                (
                    message,
                    "one person has one certificate: write the same in both",
                )
            }
            (None, None) => {
                seen.push((
                    row.constituent.clone(),
                    contact.certificate.clone(),
                    row.line,
                ));
                return false;
            }
        };
        self.findings.push(
            self.source
                .error(row.place("address"), "duplicate-address", message)
                .hint(hint),
        );
        true
    }

    /// Says what only the workspace knows, and gives how many errors that were.
    fn doubts(
        &mut self,
        row: &Row,
        all_lists: &[Slug],
        contact: &NewContact,
    ) -> Result<usize, Failure> {
        let before = self.findings.count(Level::Error);
        for doubt in self
            .judge
            .doubts(&row.constituent, all_lists, contact, None)?
        {
            self.tell(row, doubt);
        }
        Ok(self.findings.count(Level::Error) - before)
    }

    fn tell(&mut self, row: &Row, doubt: Doubt) {
        let finding = self
            .source
            .error(row.place(doubt.field), doubt.code, doubt.message)
            .hint(doubt.hint);
        self.findings.push(if doubt.level == Level::Error {
            finding
        } else {
            finding.warning()
        });
    }
}

fn add<T: Clone + PartialEq>(to: &mut Vec<T>, from: &[T]) {
    for item in from {
        if !to.contains(item) {
            to.push(item.clone());
        }
    }
}

fn is_same(one: &[Slug], other: &[Slug]) -> bool {
    one.len() == other.len() && one.iter().all(|list| other.contains(list))
}

/// The columns in which a line says something else than the file. What a line does not say, it does not deny.
fn differing(said: &NewContact, there: &Contact) -> Vec<&'static str> {
    let fields = [
        ("name", said.name != there.name),
        (
            "certificate",
            said.certificate.is_some() && said.certificate != there.certificate,
        ),
        (
            "language",
            said.language.is_some() && said.language != there.language,
        ),
        ("phone", said.phone.is_some() && said.phone != there.phone),
        (
            "lists",
            said.lists
                .as_ref()
                .is_some_and(|lists| !is_same(lists, &there.lists)),
        ),
        (
            "joined",
            said.joined.is_some() && said.joined != there.joined,
        ),
        (
            "suspended",
            said.suspended.is_some() && said.suspended != there.suspended,
        ),
    ];
    fields
        .into_iter()
        .filter(|(_, differs)| *differs)
        .map(|(column, _)| column)
        .collect()
}

/// What came of a line, in its order; of one that could not be read there is only its number.
struct Line {
    number: usize,
    constituent: Option<String>,
    address: Option<String>,
    outcome: Outcome,
}

/// A report for every line of the table.
fn lines(report: &[(&Row, Outcome)], findings: &Findings) -> Vec<Line> {
    let read = report.iter().map(|(row, outcome)| Line {
        number: row.line,
        constituent: Some(row.constituent.to_string()),
        address: row
            .contact
            .as_ref()
            .map(|contact| contact.address.to_string()),
        outcome: *outcome,
    });
    let mut lines: BTreeMap<usize, Line> = read.map(|line| (line.number, line)).collect();
    // The first line names the columns.
    let errors = findings
        .iter()
        .filter(|finding| finding.level == Level::Error && finding.place.line > 1);
    for number in errors.map(|finding| finding.place.line) {
        lines.entry(number).or_insert(Line {
            number,
            constituent: None,
            address: None,
            outcome: Outcome::Wrong,
        });
    }
    lines.into_values().collect()
}

fn tell(desk: &Desk, lines: &[Line], findings: &Findings, files: &[String], how: How) {
    if desk.ui.wants_json() {
        let row = |line: &Line| -> Value {
            json!({
                "line": line.number, "constituent": line.constituent, "address": line.address, "result": line.outcome.as_str(),
                "written": line.outcome == Outcome::Added && how == How::Written,
            })
        };
        let mut document = diag::json(findings);
        let files = if how == How::Wrong { &[] } else { files };
        let head = json!({
            "dry_run": how == How::Tried, "written": how == How::Written, "files": files,
            "rows": lines.iter().map(row).collect::<Vec<_>>(),
        });
        if let (Value::Object(document), Value::Object(head)) = (&mut document, head) {
            document.extend(head);
        }
        return desk.ui.json(&document);
    }
    let word = |outcome: Outcome| match (outcome, how) {
        (Outcome::Added, How::Tried) => "would be added",
        (Outcome::Added, How::Wrong) => "right, not added",
        (outcome, _) => outcome.as_str(),
    };
    let cells = |line: &Line| {
        let (constituent, address) = (
            line.constituent.clone().unwrap_or_default(),
            line.address.clone().unwrap_or_default(),
        );
        vec![
            line.number.to_string(),
            constituent,
            address,
            word(line.outcome).to_string(),
        ]
    };
    desk.ui.data(&columns(
        &["LINE", "CONSTITUENT", "ADDRESS", "RESULT"],
        &lines.iter().map(cells).collect::<Vec<_>>(),
    ));
}
