//! The house as ARCHITECTURE.md draws it: imports run downward only, and each heavy crate has one door.

use std::{
    fs,
    path::{Path, PathBuf},
};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The rooms in the order of `src/lib.rs`, the ground first.
fn order(map: &str) -> Vec<String> {
    map.lines()
        .filter_map(|line| {
            line.strip_prefix("pub mod ")?
                .strip_suffix(';')
                .map(str::to_string)
        })
        .collect()
}

/// Every source file of the library, with its path from the repository's root.
fn sources() -> Vec<(String, String)> {
    let (mut open, mut all) = (vec![root().join("src")], Vec::new());
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).expect("a readable folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                let name = path
                    .strip_prefix(root())
                    .expect("below the root")
                    .display()
                    .to_string();
                all.push((name, fs::read_to_string(&path).expect("a readable file")));
            }
        }
    }
    all.sort();
    all
}

/// The room that a file belongs to; none for `lib.rs` and `main.rs`.
fn room<'o>(path: &str, order: &'o [String]) -> Option<&'o String> {
    let first = Path::new(path).components().nth(1)?.as_os_str().to_str()?;
    order
        .iter()
        .find(|room| *room == first.trim_end_matches(".rs"))
}

/// The text with comments and the insides of strings blanked out, so that every line keeps its place.
fn code(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let taken = match next {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '"' => {
                let mut escaped = false;
                let end = rest[1..].find(|c| {
                    let ends = c == '"' && !escaped;
                    escaped = c == '\\' && !escaped;
                    ends
                });
                end.map_or(rest.len(), |end| end + 2)
            }
            '\'' if rest.starts_with("'\"'") => 3,
            '\'' if rest.starts_with("'\\\"'") => 4,
            _ => {
                out.push(next);
                rest = &rest[next.len_utf8()..];
                continue;
            }
        };
        out.extend(
            rest[..taken]
                .chars()
                .map(|c| if c == '\n' { '\n' } else { ' ' }),
        );
        rest = &rest[taken..];
    }
    out
}

/// The text without tests: what comes after their mark is not the program, and files and folders named after them neither.
fn program<'t>(path: &str, text: &'t str) -> &'t str {
    match path.ends_with("tests.rs") || path.contains("/tests/") {
        true => "",
        false => text.split("#[cfg(test)]").next().unwrap_or_default(),
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// What follows each `crate::`, with its line: one name, or those that a brace opens at its first level.
fn imports(text: &str) -> Vec<(usize, String)> {
    let code = code(text);
    let mut all = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        if code[..at].ends_with(is_word) || code[..at].ends_with('$') {
            continue;
        }
        let line = |at: usize| code[..at].matches('\n').count() + 1;
        let start = at + "crate::".len();
        if !code[start..].starts_with('{') {
            let name = code[start..]
                .split(|c| !is_word(c))
                .next()
                .unwrap_or_default();
            all.push((line(at), name.to_string()));
            continue;
        }
        let (mut depth, mut fresh) = (0, false);
        for (offset, c) in code[start..].char_indices() {
            match c {
                '{' => {
                    depth += 1;
                    fresh = depth == 1;
                }
                '}' => depth -= 1,
                ',' => fresh = depth == 1,
                c if fresh && is_word(c) => {
                    let name = code[start + offset..]
                        .split(|c| !is_word(c))
                        .next()
                        .unwrap_or_default();
                    all.push((line(start + offset), name.to_string()));
                    fresh = false;
                }
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
    }
    all
}

/// `path:line` of every import that goes up.
fn upward(path: &str, text: &str, order: &[String]) -> Vec<String> {
    let floor = |name: &str| order.iter().position(|room| room == name);
    let Some(here) = room(path, order).and_then(|room| floor(room)) else {
        return Vec::new();
    };
    let above = imports(text)
        .into_iter()
        .filter(|(_, name)| floor(name).is_some_and(|there| there > here));
    above
        .map(|(line, name)| {
            format!(
                "{path}:{line}: `{}` must not know of `{name}`, which lies above it",
                order[here]
            )
        })
        .collect()
}

#[test]
fn imports_run_downward_only() {
    let order = order(&fs::read_to_string(root().join("src/lib.rs")).expect("the map"));
    assert!(
        order.len() > 10
            && order.first().is_some_and(|room| room == "terms")
            && order.last().is_some_and(|room| room == "cli"),
        "{order:?}"
    );
    let sources = sources();
    assert!(
        sources
            .iter()
            .filter(|(path, _)| room(path, &order).is_some())
            .count()
            > 50
    );
    let wrong: Vec<String> = sources
        .iter()
        .flat_map(|(path, text)| upward(path, text, &order))
        .collect();
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn the_map_names_every_room() {
    let order = order(&fs::read_to_string(root().join("src/lib.rs")).expect("the map"));
    let lost: Vec<String> = sources()
        .into_iter()
        .map(|(path, _)| path)
        .filter(|path| {
            room(path, &order).is_none() && !["src/lib.rs", "src/main.rs"].contains(&path.as_str())
        })
        .collect();
    assert!(lost.is_empty(), "{lost:?} belong to no room of src/lib.rs");
    let map = fs::read_to_string(root().join("ARCHITECTURE.md")).expect("the map in words");
    for room in &order {
        assert!(
            map.contains(&format!("`{room}`")),
            "ARCHITECTURE.md does not name `{room}`"
        );
    }
}

#[test]
fn an_import_that_goes_up_is_seen() {
    let order: Vec<String> = ["terms", "tlp", "roster", "cli"].map(String::from).to_vec();
    let text = "use crate::terms::Id;\nuse crate::{\n    terms::{Id, tlp},\n    roster::List,\n};\nfn f() { crate::cli::main() } // crate::cli\nlet s = \"crate::cli\";\n";
    let seen = upward("src/tlp.rs", text, &order);
    assert_eq!(
        seen.iter()
            .map(|line| line.split(": ").next().unwrap_or_default())
            .collect::<Vec<_>>(),
        ["src/tlp.rs:4", "src/tlp.rs:6"],
        "{seen:?}"
    );
    assert!(upward("src/cli/ui.rs", text, &order).is_empty());
    assert!(upward("src/terms/id.rs", "use crate::{terms::Lang};", &order).is_empty());
}

/// Each heavy crate, and the only place of `src/` that may name it.
const DOORS: [(&str, &str); 24] = [
    ("sequoia_openpgp", "src/openpgp/"),
    ("sequoia_gpg_agent", "src/openpgp/"),
    ("serde_yaml", "src/yaml/"),
    ("csv", "src/roster/table.rs"),
    ("comrak", "src/markdown/"),
    ("tera", "src/render/"),
    ("icu_datetime", "src/render/locale.rs"),
    ("icu_decimal", "src/render/locale.rs"),
    ("icu_plurals", "src/render/locale.rs"),
    ("rss", "src/render/site/feed/"),
    ("atom_syndication", "src/render/site/feed/"),
    ("rusqlite", "src/ledger/"),
    ("lettre", "src/channels/mail"),
    ("mail_parser", "src/inbound/mime.rs"),
    ("async_imap", "src/inbound/source/imap.rs"),
    ("hyper", "src/channels/preview.rs"),
    ("hyper_util", "src/channels/preview.rs"),
    ("http_body_util", "src/channels/preview.rs"),
    ("ureq", "src/channels/web/"),
    ("rusty_s3", "src/channels/web/s3.rs"),
    ("html5ever", "src/rfc2350_import/html.rs"),
    ("encoding_rs", "src/rfc2350_import/decode.rs"),
    ("chardetng", "src/rfc2350_import/decode.rs"),
    ("clap", "src/cli/"),
];

#[test]
fn each_heavy_crate_has_one_door() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let code = code(program(&path, &text));
        for (number, line) in code.lines().enumerate() {
            for (name, door) in DOORS {
                let path_of = format!("{name}::");
                let named = line
                    .match_indices(&path_of)
                    .any(|(at, _)| !line[..at].ends_with(|c| is_word(c) || c == ':'));
                if named && !path.starts_with(door) {
                    wrong.push(format!(
                        "{path}:{}: `{name}` is named outside of its door `{door}`",
                        number + 1
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn only_the_desk_prints_and_asks_the_clock() {
    let mut wrong = Vec::new();
    for (path, text) in sources()
        .into_iter()
        .filter(|(path, _)| !path.starts_with("src/cli/") && path != "src/main.rs")
    {
        for (number, line) in code(program(&path, &text)).lines().enumerate() {
            for word in [
                "println!",
                "print!",
                "eprintln!",
                "eprint!",
                "dbg!",
                "process::exit",
                "Timestamp::now",
                "Zoned::now",
                "SystemTime::now",
            ] {
                if line
                    .match_indices(word)
                    .any(|(at, _)| !line[..at].ends_with(is_word))
                {
                    wrong.push(format!("{path}:{}: `{word}`", number + 1));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}
