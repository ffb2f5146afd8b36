//! `docs/templates.md` against the views that templates are filled in with: every variable of theirs is described there,
//! with its type, and nothing else is; and against the templates themselves.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Variables with their types, by view.
type Views = BTreeMap<String, BTreeMap<String, String>>;

/// The views in the sources of `render`: what derives `Serialize`, outside of tests.
fn views() -> Views {
    let mut views = Views::new();
    let mut flat: Vec<(String, String)> = Vec::new();
    let mut open = vec![root().join("src/render")];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).expect("a readable folder") {
            let path = entry.expect("an entry").path();
            // What staff see before they publish is no template of `templates/`.
            if path.file_stem().is_some_and(|name| name == "preview") {
                continue;
            }
            if path.is_dir() {
                open.push(path);
                continue;
            }
            let text = read(&path);
            let text = text.split("#[cfg(test)]").next().unwrap_or_default();
            for piece in text.split("#[derive(").skip(1) {
                let Some((derived, rest)) = piece.split_once(")]") else {
                    continue;
                };
                let Some((head, fields)) = rest.split_once('{') else {
                    continue;
                };
                if !derived.contains("Serialize") || !head.contains("struct ") {
                    continue;
                }
                let name = head.rsplit("struct ").next().unwrap_or_default();
                let name = plain(name.split(['<', ' ']).next().unwrap_or_default());
                let fields = fields.split("\n}").next().unwrap_or_default();
                let mut is_flat = false;
                for line in fields.lines().map(str::trim) {
                    is_flat |= line == "#[serde(flatten)]";
                    let Some((field, kind)) = line.trim_end_matches(',').split_once(": ") else {
                        continue;
                    };
                    if line.starts_with("//") {
                        continue;
                    }
                    let field = field.rsplit(' ').next().unwrap_or_default().to_string();
                    match is_flat {
                        true => flat.push((
                            name.clone(),
                            plain(kind.split('<').next().unwrap_or_default()),
                        )),
                        false => drop(
                            views
                                .entry(name.clone())
                                .or_default()
                                .insert(field, meant(kind)),
                        ),
                    }
                    is_flat = false;
                }
            }
        }
    }
    for (into, from) in flat {
        let fields = views.get(&from).cloned().unwrap_or_default();
        views.entry(into).or_default().extend(fields);
    }
    views
}

fn plain(name: &str) -> String {
    name.trim_end_matches("View").to_string()
}

/// What a template writer calls a type of ours.
fn meant(kind: &str) -> String {
    let kind = kind
        .trim()
        .trim_start_matches("&'a ")
        .trim_start_matches("&'static ")
        .trim_start_matches("&'s ");
    let inside = |start: &str| {
        kind.strip_prefix(start)
            .and_then(|rest| rest.strip_suffix(['>', ']']))
    };
    if let Some(inner) = inside("Option<") {
        return format!("{}, or nothing", meant(inner));
    }
    if let Some(inner) = inside("Vec<").or_else(|| inside("[")) {
        return format!("list of {}", meant(inner));
    }
    match kind {
        "str" | "String" => "text".into(),
        "bool" => "yes or no".into(),
        "usize" | "i16" | "u32" | "u64" => "number".into(),
        "BTreeMap<String, String>" => "texts by key".into(),
        other => plain(other.split('<').next().unwrap_or_default()),
    }
}

/// The tables of the document, by the heading that they stand under.
fn described(text: &str) -> Views {
    let mut views = Views::new();
    let mut here = String::new();
    for line in text.lines() {
        if let Some(heading) = line.strip_prefix("### ") {
            here = heading
                .split(':')
                .next()
                .unwrap_or_default()
                .trim()
                .to_string();
        }
        let cells: Vec<&str> = line.split(" | ").collect();
        if let (false, Some(name), Some(kind), true) = (
            here.is_empty(),
            cells
                .first()
                .and_then(|cell| cell.strip_prefix("| `")?.strip_suffix('`')),
            cells.get(1),
            cells.len() == 3,
        ) {
            assert!(
                cells[2].trim_end_matches('|').trim().len() > 3,
                "docs/templates.md does not say what `{name}` means"
            );
            views
                .entry(here.clone())
                .or_default()
                .insert(name.to_string(), kind.trim().to_string());
        }
    }
    views
}

#[test]
fn every_variable_is_described_with_its_type() {
    let (views, described) = (views(), described(&read(&root().join("docs/templates.md"))));
    let mut wrong = Vec::new();
    for (view, fields) in &views {
        for (field, kind) in fields {
            match described.get(view).and_then(|fields| fields.get(field)) {
                Some(said) if said == kind => {}
                said => wrong.push(format!(
                    "### {view}\n| `{field}` | {kind} | … |   (now: {said:?})"
                )),
            }
        }
    }
    for (view, fields) in &described {
        for field in fields.keys().filter(|field| {
            !views
                .get(view)
                .is_some_and(|fields| fields.contains_key(*field))
        }) {
            wrong.push(format!("`{field}` of `{view}` does not exist any more"));
        }
    }
    assert!(
        wrong.is_empty(),
        "docs/templates.md has to say:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn every_template_is_listed() {
    let text = read(&root().join("docs/templates.md"));
    let all: BTreeSet<String> = fs::read_dir(root().join("templates"))
        .expect("a folder")
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .filter(|name| name.contains('.'))
        .collect();
    let missing: Vec<&String> = all
        .iter()
        .filter(|name| !text.contains(&format!("`{name}`")))
        .collect();
    assert!(
        missing.is_empty(),
        "docs/templates.md does not name {missing:?}"
    );
}
