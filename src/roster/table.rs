//! The roster as a table: a line a contact, as staff keep it in a spreadsheet. CSV in, rows or all findings; and out again.
//! The door of `csv`.
//!
//! Separated by `,`, `;` or tabs, with or without a byte-order mark, as Excel and LibreOffice write it. What only the
//! workspace can judge (whether a list exists, who is there already) is left to it, with the places to point at.

use super::{
    Constituent, Profile,
    edit::NewContact,
    parse::{Domain, Network, Reason},
};
use crate::{
    diag::{Finding, Findings, Level, Source, Span},
    terms::{Address, Fingerprint, Lang, Moment, Phone, Slug, Wrong, nearest, shorten},
    yaml::{Line, Wording},
};
use std::{collections::BTreeMap, str::FromStr};

/// The columns, in the order in which they are written. `organisation.ru` and so on stand besides `organisation`.
pub const COLUMNS: [&str; 15] = [
    "constituent",
    "organisation",
    "sector",
    "networks",
    "domains",
    "products",
    "organisation_lists",
    "name",
    "address",
    "certificate",
    "language",
    "phone",
    "lists",
    "joined",
    "suspended",
];

/// Those that have to be there.
const NEEDED: [&str; 3] = ["constituent", "name", "address"];

/// In the column `lists`: none of the constituent's.
const NONE: &str = "-";

/// A line of the table: a constituent, and one of its contacts.
#[derive(Debug, Clone)]
pub struct Row {
    /// Of the file, from 1.
    pub line: usize,
    /// The constituent's file name without `.yaml`.
    pub constituent: Slug,
    /// Its name, if a cell says it.
    pub organisation: Option<Wording>,
    /// Of the constituent.
    pub sector: Option<String>,
    /// Of the constituent.
    pub networks: Vec<String>,
    /// Of the constituent.
    pub domains: Vec<String>,
    /// Of the constituent.
    pub products: Vec<String>,
    /// Of the constituent.
    pub organisation_lists: Vec<Slug>,
    /// Nobody, if the line is about the constituent only.
    pub contact: Option<NewContact>,
    /// Where its cells stand, by column.
    places: BTreeMap<String, Span>,
}

impl Row {
    /// Where a column's cell stands; else the constituent's.
    pub fn place(&self, column: &str) -> Span {
        self.places
            .get(column)
            .or_else(|| self.places.get("constituent"))
            .copied()
            .unwrap_or_default()
    }
}

/// Reads a table. Rows with errors are left out; all errors are among the findings.
pub fn read(source: &Source, findings: &mut Findings) -> Vec<Row> {
    let text = &*source.text;
    let (start, delimiter) = delimiter(text);
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .from_reader(&text.as_bytes()[start..]);
    let mut heading: Option<Vec<(String, Span)>> = None;
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                findings.push(Finding::of_file(
                    &source.path,
                    "csv",
                    format!("this is not a table: {error}"),
                ));
                return rows;
            }
        };
        let at = start
            + record
                .position()
                .map_or(0, |position| position.byte() as usize);
        let places =
            match places(text, at, delimiter) {
                Ok(places) => places,
                Err(open) => {
                    let finding = source.error(
                        Span::new(open, open + 1),
                        "csv",
                        "the quote that is opened here is not closed",
                    );
                    findings.push(finding.hint(
                        "put a `\"` at the end of the cell; a `\"` in a cell is written twice",
                    ));
                    return rows;
                }
            };
        let cells: Vec<(String, Span)> = record
            .iter()
            .map(|cell| bare(cell).to_string())
            .zip(places)
            .collect();
        if cells.iter().all(|(cell, _)| cell.is_empty()) {
            continue;
        }
        match &heading {
            None => match columns(source, cells, findings) {
                Some(columns) => heading = Some(columns),
                None => return rows,
            },
            Some(heading) => rows.extend(row(source, heading, cells, findings)),
        }
    }
    if heading.is_none() {
        let finding = Finding::of_file(&source.path, "csv", "the table is empty");
        findings.push(finding.hint(format!(
            "its first line names the columns: {}",
            COLUMNS.join(", ")
        )));
    }
    rows
}

/// Where the table begins, and the sign between its cells: the first line has the names of columns, in which none stands.
fn delimiter(text: &str) -> (usize, u8) {
    let first = text.lines().next().unwrap_or_default();
    // Excel's own way to say it, on a line of its own.
    if let Some(&[sign]) = first.trim_end().strip_prefix("sep=").map(str::as_bytes) {
        return ((first.len() + 1).min(text.len()), sign);
    }
    let count = |sign: u8| first.bytes().filter(|byte| *byte == sign).count();
    let sign = [b',', b';', b'\t']
        .into_iter()
        .rev()
        .max_by_key(|sign| count(*sign))
        .unwrap_or(b',');
    (0, sign)
}

/// Where the cells of the record stand that begins at a place; or where a quote is opened that is never closed.
fn places(text: &str, at: usize, delimiter: u8) -> Result<Vec<Span>, usize> {
    let bytes = text.as_bytes();
    let mut at = at
        + bytes[at..]
            .iter()
            .take_while(|byte| matches!(byte, b'\r' | b'\n'))
            .count();
    let mut places = Vec::new();
    loop {
        let start = at;
        if bytes.get(at) == Some(&b'"') {
            at += 1;
            loop {
                match (bytes.get(at), bytes.get(at + 1)) {
                    (Some(b'"'), Some(b'"')) => at += 2,
                    (Some(b'"'), _) => break,
                    (Some(_), _) => at += 1,
                    (None, _) => return Err(start),
                }
            }
        }
        while bytes
            .get(at)
            .is_some_and(|byte| *byte != delimiter && !matches!(byte, b'\r' | b'\n'))
        {
            at += 1;
        }
        places.push(Span::new(start, at));
        match bytes.get(at) {
            Some(byte) if *byte == delimiter => at += 1,
            _ => return Ok(places),
        }
    }
}

/// A cell without blanks around it, and without the `'` that keeps a spreadsheet from running it.
fn bare(cell: &str) -> &str {
    let cell = cell.trim_matches(|c: char| c.is_whitespace() || c == '\u{a0}');
    cell.strip_prefix('\'')
        .filter(|rest| runs(rest))
        .unwrap_or(cell)
}

/// Whether a spreadsheet would take a cell for a formula.
fn runs(cell: &str) -> bool {
    cell.starts_with(['=', '+', '-', '@']) && cell != NONE
}

fn columns(
    source: &Source,
    cells: Vec<(String, Span)>,
    findings: &mut Findings,
) -> Option<Vec<(String, Span)>> {
    let before = findings.count(Level::Error);
    let mut columns: Vec<(String, Span)> = Vec::new();
    let mut meant: Vec<&str> = Vec::new();
    for (cell, span) in cells {
        let name = cell.to_lowercase().replace([' ', '-'], "_");
        // The tag of a language has capitals that mean something.
        let language = name
            .strip_prefix("organisation.")
            .and_then(|_| cell.get("organisation.".len()..))
            .map(str::parse::<Lang>);
        let name = match language {
            Some(Ok(lang)) => format!("organisation.{lang}"),
            _ => name,
        };
        let is_known = COLUMNS.contains(&name.as_str()) || language_of(&name).is_some();
        if !is_known {
            let near = nearest(&name, COLUMNS);
            meant.extend(near);
            let hint = match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!(
                    "known are {}; remove what is not for `advise`",
                    COLUMNS.join(", ")
                ),
            };
            let message = match cell.is_empty() {
                true => "this column has no name".to_string(),
                false => format!("column `{}` is not known", shorten(&cell)),
            };
            findings.push(source.error(span, "unknown-column", message).hint(hint));
        } else if columns.iter().any(|(other, _)| *other == name) {
            let finding = source.error(
                span,
                "duplicate-column",
                format!("column `{name}` stands here twice"),
            );
            findings.push(finding.hint("remove one of the two"));
        }
        columns.push((name, span));
    }
    let whole = columns.first().map_or(Span::default(), |(_, span)| *span);
    for needed in NEEDED {
        if !columns.iter().any(|(name, _)| name == needed) && !meant.contains(&needed) {
            let finding = source.error(
                whole,
                "missing-column",
                format!("column `{needed}` is missing"),
            );
            findings.push(finding.hint(format!(
                "the first line names the columns: {}",
                COLUMNS.join(", ")
            )));
        }
    }
    (findings.count(Level::Error) == before).then_some(columns)
}

fn language_of(column: &str) -> Option<Lang> {
    column.strip_prefix("organisation.")?.parse().ok()
}

/// The cells of one line, taken out one by one.
struct Cells<'a> {
    source: &'a Source,
    cells: BTreeMap<String, (String, Span)>,
    findings: &'a mut Findings,
}

impl Cells<'_> {
    fn text(&self, column: &str) -> Option<&(String, Span)> {
        self.cells.get(column).filter(|(text, _)| !text.is_empty())
    }

    fn one<T: FromStr<Err = Wrong>>(&mut self, column: &str) -> Option<T> {
        let (text, span) = self.text(column)?.clone();
        self.term(column, &text, span)
    }

    fn term<T: FromStr<Err = Wrong>>(&mut self, column: &str, text: &str, span: Span) -> Option<T> {
        match text.parse() {
            Ok(value) => Some(value),
            Err(wrong) => {
                let code = match column {
                    "address" => "bad-address",
                    "certificate" => "bad-fingerprint",
                    "joined" => "bad-date",
                    _ => "bad-value",
                };
                self.findings.push(self.source.wrong(span, code, wrong));
                None
            }
        }
    }

    /// Several in a cell, with one of the `signs` between them; each once.
    fn several<T: FromStr<Err = Wrong> + PartialEq>(
        &mut self,
        column: &str,
        signs: &[char],
    ) -> Vec<T> {
        let Some((text, span)) = self.text(column).cloned() else {
            return Vec::new();
        };
        let mut values: Vec<T> = Vec::new();
        for part in text
            .split(signs)
            .map(str::trim)
            .filter(|part| !part.is_empty())
        {
            values.extend(
                self.term(column, part, span)
                    .filter(|value| !values.contains(value)),
            );
        }
        values
    }
}

/// Between names, networks and domains, which have none of these signs.
const BETWEEN: [char; 6] = [' ', ',', ';', '|', '\n', '\t'];
/// Between products, whose names have blanks and commas.
const BETWEEN_PRODUCTS: [char; 3] = [';', '|', '\n'];

fn row(
    source: &Source,
    heading: &[(String, Span)],
    cells: Vec<(String, Span)>,
    findings: &mut Findings,
) -> Option<Row> {
    let before = findings.count(Level::Error);
    if let Some((_, span)) = cells
        .get(heading.len()..)
        .unwrap_or_default()
        .iter()
        .find(|(cell, _)| !cell.is_empty())
    {
        let message = format!(
            "this line has more cells than the {} columns of the first",
            heading.len()
        );
        findings.push(
            source
                .error(*span, "csv", message)
                .hint("a cell with the separating sign in it needs quotes"),
        );
        return None;
    }
    let first = cells.first().map_or(Span::default(), |(_, span)| *span);
    let places: BTreeMap<String, Span> = heading
        .iter()
        .zip(&cells)
        .map(|((name, _), (_, span))| (name.clone(), *span))
        .collect();
    let cells = heading
        .iter()
        .map(|(name, _)| name.clone())
        .zip(cells)
        .collect();
    let mut cells = Cells {
        source,
        cells,
        findings,
    };
    let needed = |cells: &mut Cells<'_>, column: &str| {
        if cells.text(column).is_none() {
            let span = places.get(column).copied().unwrap_or(first);
            cells.findings.push(
                source
                    .error(span, "missing-cell", format!("`{column}` is empty"))
                    .hint("every line needs it"),
            );
        }
    };
    needed(&mut cells, "constituent");
    let has_contact = COLUMNS[7..]
        .iter()
        .any(|column| cells.text(column).is_some());
    if has_contact {
        needed(&mut cells, "name");
        needed(&mut cells, "address");
    }
    let constituent = cells.one::<Slug>("constituent");
    let one = cells.one::<Line>("organisation").map(|line| line.0);
    let mut many = BTreeMap::new();
    for lang in heading.iter().filter_map(|(name, _)| language_of(name)) {
        let text = cells.one::<Line>(&format!("organisation.{lang}"));
        many.extend(text.map(|text| (lang, text.0)));
    }
    let organisation = match (one, many.is_empty()) {
        (_, false) => Some(Wording::Many(many)),
        (one, true) => one.map(Wording::One),
    };
    let sector = cells.one::<Line>("sector").map(|line| line.0);
    let networks = cells.several::<Network>("networks", &BETWEEN);
    let domains = cells.several::<Domain>("domains", &BETWEEN);
    let products = cells.several::<Line>("products", &BETWEEN_PRODUCTS);
    let organisation_lists = cells.several::<Slug>("organisation_lists", &BETWEEN);
    let name = cells.one::<Line>("name");
    let address = cells.one::<Address>("address");
    let certificate = cells.one::<Fingerprint>("certificate");
    let language = cells.one::<Lang>("language");
    let phone = cells
        .one::<Phone>("phone")
        .map(|phone| phone.as_str().to_string());
    let lists = match cells.text("lists").map(|(text, _)| text == NONE) {
        None => None,
        Some(true) => Some(Vec::new()),
        Some(false) => Some(cells.several::<Slug>("lists", &BETWEEN)),
    };
    let joined = cells.one::<Moment>("joined");
    let suspended = cells.one::<Reason>("suspended").map(|reason| reason.0);
    if cells.findings.count(Level::Error) > before {
        return None;
    }
    let contact = match has_contact {
        false => None,
        true => Some(NewContact {
            name: name?.0,
            address: address?,
            certificate,
            language,
            phone,
            lists,
            joined,
            suspended,
        }),
    };
    Some(Row {
        line: source.place(first).line,
        constituent: constituent?,
        organisation,
        sector,
        networks: networks.into_iter().map(|network| network.0).collect(),
        domains: domains.into_iter().map(|domain| domain.0).collect(),
        products: products.into_iter().map(|product| product.0).collect(),
        organisation_lists,
        contact,
        places,
    })
}

/// A constituent with its contacts, and what else is known of it.
pub type Entry<'r> = (&'r Constituent, Profile);

/// All constituents and contacts as a table that [`read`] reads; for Excel with `;` and a byte-order mark, without which
/// it takes neither the columns nor the letters for what they are.
pub fn write(entries: &[Entry<'_>], for_excel: bool) -> String {
    let languages = languages(entries);
    let mut columns: Vec<String> = COLUMNS.map(String::from).to_vec();
    columns.splice(
        2..2,
        languages.iter().map(|lang| format!("organisation.{lang}")),
    );
    let delimiter = if for_excel { b';' } else { b',' };
    let mut writer = csv::WriterBuilder::new()
        .delimiter(delimiter)
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    writer
        .write_record(&columns)
        .expect("a record is written to memory");
    for cells in rows(entries) {
        let cells = columns
            .iter()
            .map(|column| guarded(cells.get(column.as_str()).map_or("", String::as_str)));
        writer
            .write_record(cells)
            .expect("every line has a cell a column");
    }
    let bytes = writer.into_inner().expect("memory takes all of it");
    let text = String::from_utf8(bytes).expect("every cell is UTF-8");
    if for_excel {
        format!("\u{feff}{text}")
    } else {
        text
    }
}

/// The cells of every line of the table, by column.
pub fn rows(entries: &[Entry<'_>]) -> Vec<BTreeMap<String, String>> {
    let mut rows = Vec::new();
    for (constituent, profile) in entries {
        let mut head: BTreeMap<String, String> = BTreeMap::new();
        let mut put = |column: &str, text: String| drop(head.insert(column.to_string(), text));
        put("constituent", constituent.slug.to_string());
        match &profile.name {
            Wording::One(name) => put("organisation", name.clone()),
            Wording::Many(names) => names
                .iter()
                .for_each(|(lang, name)| put(&format!("organisation.{lang}"), name.clone())),
        }
        put("sector", profile.sector.clone().unwrap_or_default());
        put("networks", profile.networks.join(" "));
        put("domains", profile.domains.join(" "));
        put("products", profile.products.join("; "));
        put("organisation_lists", joined(&profile.lists));
        if constituent.contacts.is_empty() {
            rows.push(head.clone());
        }
        for contact in &constituent.contacts {
            let mut row = head.clone();
            let mut put = |column: &str, text: Option<String>| {
                drop(row.insert(column.to_string(), text.unwrap_or_default()))
            };
            put("name", Some(contact.name.clone()));
            put("address", Some(contact.address.to_string()));
            put(
                "certificate",
                contact.certificate.as_ref().map(ToString::to_string),
            );
            put(
                "language",
                contact
                    .language
                    .as_ref()
                    .map(|lang| lang.as_str().to_string()),
            );
            put("phone", contact.phone.clone());
            put(
                "lists",
                Some(if contact.lists.is_empty() {
                    NONE.into()
                } else {
                    joined(&contact.lists)
                }),
            );
            put("joined", contact.joined.as_ref().map(ToString::to_string));
            put("suspended", contact.suspended.clone());
            rows.push(row);
        }
    }
    rows
}

fn joined(lists: &[Slug]) -> String {
    lists.iter().map(Slug::as_str).collect::<Vec<_>>().join(" ")
}

fn languages(entries: &[Entry<'_>]) -> Vec<Lang> {
    let names = entries.iter().map(|(_, profile)| &profile.name);
    let mut languages: Vec<Lang> = names
        .flat_map(|name| match name {
            Wording::One(_) => Vec::new(),
            Wording::Many(names) => names.keys().cloned().collect(),
        })
        .collect();
    languages.sort();
    languages.dedup();
    languages
}

/// A cell that no spreadsheet runs as a formula; a telephone number is none.
fn guarded(cell: &str) -> String {
    if runs(cell) && cell.parse::<Phone>().is_err() {
        format!("'{cell}")
    } else {
        cell.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> (Vec<Row>, Vec<(String, usize, usize)>) {
        let mut findings = Findings::new();
        let rows = read(&Source::new("a.csv", text), &mut findings);
        (
            rows,
            findings
                .iter()
                .map(|f| (f.message.clone(), f.place.line, f.place.column))
                .collect(),
        )
    }

    fn wrong(text: &str, message: &str, line: usize, column: usize) {
        let (_, findings) = check(text);
        let found = findings.iter().find(|(found, ..)| found.contains(message));
        assert_eq!(
            found.map(|(_, line, column)| (*line, *column)),
            Some((line, column)),
            "{findings:#?}"
        );
    }

    #[test]
    fn tables_of_people_and_of_spreadsheets_are_read() {
        for text in [
            "constituent,name,address,phone,lists\nuni,\"Ada \"\"A\"\", Example\",ada@u.example.org,+7 727 555 0110,one two\n",
            "Constituent;Name;Address;Phone;Lists\r\n\r\nuni;\"Ada \"\"A\"\", Example\";ada@u.example.org;'+7 727 555 0110;\"one;two\"\r\n;;;;\r\n",
            "sep=|\nconstituent|name|address|phone|lists\nuni|\"Ada \"\"A\"\", Example\"|ada@u.example.org|+7 727 555 0110|one, two",
            "constituent\tname\taddress\tphone\tlists\nuni\t\"Ada \"\"A\"\", Example\"\tada@u.example.org\t+7 727 555 0110\t\"one\ntwo\"",
        ] {
            let (rows, findings) = check(text);
            assert!(findings.is_empty(), "{findings:#?}");
            let contact = rows[0].contact.as_ref().expect("a contact");
            assert_eq!(
                (rows.len(), contact.name.as_str()),
                (1, "Ada \"A\", Example"),
                "{text}"
            );
            assert_eq!(contact.phone.as_deref(), Some("+7 727 555 0110"));
            assert_eq!(
                contact.lists.as_ref().map(|lists| joined(lists)).as_deref(),
                Some("one two")
            );
        }
    }

    #[test]
    fn every_mistake_has_its_line_and_column() {
        let head = "constituent,name,address,certificate,phone\n";
        wrong(
            "constituent,name,adress\n",
            "column `adress` is not known",
            1,
            18,
        );
        wrong(
            "constituent,name,address,name\n",
            "column `name` stands here twice",
            1,
            26,
        );
        wrong("name,address\n", "column `constituent` is missing", 1, 1);
        wrong("", "the table is empty", 0, 0);
        wrong(
            &format!("{head}uni,Ada,ada at example.org\n"),
            "is not a mail address",
            2,
            9,
        );
        wrong(
            &format!("{head}uni,\"A\nB\",ada@example.org\n"),
            "has a line break",
            2,
            5,
        );
        wrong(
            &format!("{head}uni,\"A\n\",ada@example.org,89AB\n"),
            "is not a certificate's fingerprint",
            3,
            19,
        );
        wrong(
            &format!("{head}uni,Ada,a@example.org,,7.72756E+11\n"),
            "is not a telephone number",
            2,
            24,
        );
        wrong(
            &format!("{head}\n\nuni,,a@example.org\n"),
            "`name` is empty",
            4,
            5,
        );
        wrong(
            &format!("{head}uni,A,a@example.org,,,x\n"),
            "more cells than the 5 columns",
            2,
            23,
        );
        wrong(
            &format!("{head}uni,\"A,a@example.org\nuni,B,b@example.org\n"),
            "not closed",
            2,
            5,
        );
    }

    #[test]
    fn no_cell_is_a_formula() {
        for (cell, guarded) in [
            ("=1+1", "'=1+1"),
            ("@x", "'@x"),
            ("-x", "'-x"),
            ("+7 727 555 0110", "+7 727 555 0110"),
            ("-", "-"),
        ] {
            assert_eq!(super::guarded(cell), guarded);
            assert_eq!(bare(guarded), cell);
        }
        assert_eq!(bare(" O'Neil\u{a0}"), "O'Neil");
    }
}
