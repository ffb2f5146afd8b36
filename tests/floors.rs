//! The house as ARCHITECTURE.md draws it: imports run downward only, no files import each other, each heavy crate has one
//! door, and a type has a name of its own.

use std::{
    collections::{BTreeMap, BTreeSet},
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

/// Every source file of the library and of the crates beside it, with its path from the repository's root.
fn sources() -> Vec<(String, String)> {
    let (mut open, mut all) = (vec![root().join("src"), root().join("crates")], Vec::new());
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

/// The code without what is compiled for tests only, each item blanked out in its place. Files and folders that are named
/// after tests have no code at all.
fn program(path: &str, text: &str) -> String {
    if path.ends_with("tests.rs") || path.contains("/tests/") {
        return String::new();
    }
    let mut code = code(text);
    while let Some(begin) = code.find("#[cfg(test)]") {
        // The item ends with the first `;` or closed brace that is in no bracket.
        let (mut depth, mut end) = (0_i32, code.len());
        for (at, c) in code[begin..].char_indices() {
            depth += match c {
                '{' | '(' | '[' => 1,
                '}' | ')' | ']' => -1,
                _ => 0,
            };
            if depth == 0 && matches!(c, ';' | '}') {
                end = begin + at + 1;
                break;
            }
        }
        let blank: String = code[begin..end]
            .chars()
            .map(|c| if c == '\n' { '\n' } else { ' ' })
            .collect();
        code.replace_range(begin..end, &blank);
    }
    code
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The words and signs of code, each with its line; `::` is one sign.
fn tokens(code: &str) -> Vec<(usize, &str)> {
    let mut all = Vec::new();
    for (number, line) in code.lines().enumerate() {
        let mut rest = line;
        while let Some(first) = rest.chars().next() {
            let length = match first {
                c if is_word(c) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
                ':' if rest.starts_with("::") => 2,
                c => c.len_utf8(),
            };
            if !first.is_whitespace() {
                all.push((number + 1, &rest[..length]));
            }
            rest = &rest[length..];
        }
    }
    all
}

/// A path as it is written, and the name that it has in its file.
type Used = (Vec<String>, String);

/// The paths of a `use`, from what follows that word; and how many tokens they are.
fn used(tokens: &[(usize, &str)], before: &[String]) -> (Vec<Used>, usize) {
    let (mut all, mut path, mut at) = (Vec::new(), before.to_vec(), 0);
    let mut name: Option<String> = None;
    let mut done = |path: &mut Vec<String>, name: &mut Option<String>| {
        if path.len() > before.len() {
            if path.last().is_some_and(|last| last == "self") {
                path.pop();
            }
            let own = path.last().cloned().unwrap_or_default();
            all.push((path.clone(), name.take().unwrap_or(own)));
        }
        *path = before.to_vec();
    };
    while at < tokens.len() {
        match tokens[at].1 {
            "{" => {
                let (inner, length) = used(&tokens[at + 1..], &path);
                path = before.to_vec();
                for one in inner {
                    let (mut whole, own) = one;
                    done(&mut whole, &mut Some(own));
                }
                at += length + 1;
            }
            "}" | ";" => {
                done(&mut path, &mut name);
                return (all, at);
            }
            "," => done(&mut path, &mut name),
            "as" => {
                name = Some(tokens[at + 1].1.to_string());
                at += 1;
            }
            "::" => {}
            word => path.push(word.to_string()),
        }
        at += 1;
    }
    (all, at)
}

/// What a source file imports and names.
struct Unit {
    path: String,
    module: Vec<String>,
    /// What each `use` brings in.
    uses: Vec<Used>,
    /// Paths that code or a `use` writes, each with its line.
    paths: Vec<(usize, Vec<String>)>,
}

fn unit(path: &str, text: &str) -> Unit {
    // The modules of another crate begin with its folder.
    let (folder, inside) = path.split_once("src/").unwrap_or(("", path));
    let inside = inside.trim_end_matches(".rs");
    let inside = inside.strip_suffix("/mod").unwrap_or(inside);
    let modules = inside
        .split('/')
        .filter(|name| !["lib", "main"].contains(name));
    let module = Some(folder)
        .filter(|folder| !folder.is_empty())
        .into_iter()
        .chain(modules)
        .map(str::to_string)
        .collect();
    let code = program(path, text);
    let tokens = tokens(&code);
    let mut uses: Vec<Used> = Vec::new();
    let mut handed_on: Vec<(usize, Used)> = Vec::new();
    let mut paths: Vec<(usize, Vec<String>)> = Vec::new();
    let mut words = BTreeSet::new();
    let mut at = 0;
    while at < tokens.len() {
        let (line, word) = tokens[at];
        if word == "use" {
            let (found, length) = used(&tokens[at + 1..], &[]);
            // What a `pub use` hands on is not used here, unless its name stands elsewhere in the file.
            let is_public = at > 0 && matches!(tokens[at - 1].1, "pub" | ")");
            for one in &found {
                if is_public {
                    handed_on.push((line, one.clone()));
                } else {
                    paths.push((line, one.0.clone()));
                }
            }
            uses.extend(found);
            at += length + 1;
            continue;
        }
        let begins = at == 0 || tokens[at - 1].1 != "::";
        if begins && word.starts_with(is_word) {
            let mut path = vec![word.to_string()];
            while at + 2 < tokens.len()
                && tokens[at + 1].1 == "::"
                && tokens[at + 2].1.starts_with(is_word)
            {
                path.push(tokens[at + 2].1.to_string());
                at += 2;
            }
            match path.len() {
                1 => drop(words.insert(path.remove(0))),
                _ => {
                    words.insert(path[0].clone());
                    paths.push((line, path));
                }
            }
        }
        at += 1;
    }
    let named = handed_on
        .into_iter()
        .filter(|(_, (_, name))| words.contains(name));
    paths.extend(named.map(|(line, (path, _))| (line, path)));
    Unit {
        path: path.to_string(),
        module,
        uses,
        paths,
    }
}

/// The files of the library by their modules.
struct House(BTreeMap<Vec<String>, Unit>);

impl House {
    fn of(sources: &[(String, String)]) -> House {
        let units = sources
            .iter()
            .filter(|(path, _)| path != "src/main.rs")
            .map(|(path, text)| unit(path, text));
        House(units.map(|unit| (unit.module.clone(), unit)).collect())
    }

    /// The file that has what this path names; none where it is a module as such, or of another crate.
    fn file(&self, from: &[String], path: &[String], depth: usize) -> Option<&Unit> {
        let mut module = from.to_vec();
        let mut rest = path;
        match rest.first()?.as_str() {
            "crate" => {
                module.retain(|name| name.ends_with('/'));
                rest = &rest[1..];
            }
            "self" => rest = &rest[1..],
            "super" => {
                while rest.first().is_some_and(|first| first == "super") {
                    module.pop();
                    rest = &rest[1..];
                }
            }
            first => {
                module.push(first.to_string());
                if self.0.contains_key(&module) {
                    rest = &rest[1..];
                } else {
                    module.pop();
                    let (whole, _) = self.0[&module]
                        .uses
                        .iter()
                        .find(|(_, name)| name == first)?;
                    if whole[0] == first || depth == 0 {
                        return None;
                    }
                    let whole = [whole, &rest[1..]].concat();
                    return self.file(&module, &whole, depth - 1);
                }
            }
        }
        while let Some(next) = rest.first() {
            module.push(next.clone());
            if !self.0.contains_key(&module) {
                module.pop();
                break;
            }
            rest = &rest[1..];
        }
        let name = rest.first()?;
        let here = self.0.get(&module)?;
        match here.uses.iter().find(|(_, own)| own == name) {
            Some((whole, _)) if depth > 0 => {
                let whole = [whole, &rest[1..]].concat();
                self.file(&module, &whole, depth - 1)
            }
            _ => Some(here),
        }
    }

    /// Which file imports which, with the line of one such import.
    fn imports(&self) -> BTreeMap<&str, BTreeMap<&str, usize>> {
        let mut all: BTreeMap<&str, BTreeMap<&str, usize>> = BTreeMap::new();
        for unit in self.0.values().filter(|unit| !unit.module.is_empty()) {
            for (line, path) in &unit.paths {
                let there = self.file(&unit.module, path, 8);
                if let Some(there) = there.filter(|there| there.path != unit.path) {
                    all.entry(&unit.path)
                        .or_default()
                        .insert(&there.path, *line);
                }
            }
        }
        all
    }
}

/// The files that import each other in a circle, each group in order. A file below a module may know of that module, of
/// which it is a part; this is no circle.
fn circles(imports: &BTreeMap<&str, BTreeMap<&str, usize>>) -> Vec<Vec<String>> {
    let is_part = |file: &str, of: &str| {
        let folder = ["mod.rs", "lib.rs", ".rs"]
            .into_iter()
            .find_map(|end| of.strip_suffix(end));
        folder.is_some_and(|folder| {
            file.strip_prefix(folder)
                .is_some_and(|rest| folder.ends_with('/') || rest.starts_with('/'))
        })
    };
    let reached = |from: &str| {
        let (mut seen, mut open) = (BTreeSet::new(), vec![from.to_string()]);
        while let Some(file) = open.pop() {
            for there in imports
                .get(file.as_str())
                .into_iter()
                .flat_map(BTreeMap::keys)
            {
                if !is_part(&file, there) && seen.insert(there.to_string()) {
                    open.push(there.to_string());
                }
            }
        }
        seen
    };
    let all: BTreeMap<String, BTreeSet<String>> = imports
        .keys()
        .map(|file| (file.to_string(), reached(file)))
        .collect();
    let mut groups = BTreeSet::new();
    for (file, there) in all.iter().filter(|(file, there)| there.contains(*file)) {
        let group = there
            .iter()
            .filter(|other| all.get(*other).is_some_and(|back| back.contains(file)));
        groups.insert(group.cloned().collect::<Vec<_>>());
    }
    groups.into_iter().collect()
}

/// The room that may not know of another that lies above it, for every import that goes up.
fn upward(house: &House, order: &[String]) -> Vec<String> {
    let floor = |path: &str| {
        let room = room(path, order)?;
        order.iter().position(|one| one == room)
    };
    let mut wrong = Vec::new();
    for (path, there) in house.imports() {
        for (other, line) in there {
            if floor(path) < floor(other) {
                wrong.push(format!(
                    "{path}:{line}: it must not know of {other}, which lies above it"
                ));
            }
        }
    }
    wrong
}

#[test]
fn imports_run_downward_only() {
    let order = order(&fs::read_to_string(root().join("src/lib.rs")).expect("the map"));
    assert!(
        order.len() > 10
            && order.first().is_some_and(|room| room == "yaml")
            && order.last().is_some_and(|room| room == "cli"),
        "{order:?}"
    );
    let house = House::of(&sources());
    assert!(house.imports().len() > 100);
    let wrong = upward(&house, &order);
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

/// Files that import each other, from before this test; the list may only become shorter.
const CIRCLES: [&[&str]; 0] = [];

#[test]
fn no_files_import_each_other() {
    let house = House::of(&sources());
    let imports = house.imports();
    let found: BTreeSet<Vec<String>> = circles(&imports).into_iter().collect();
    let known: BTreeSet<Vec<String>> = CIRCLES
        .iter()
        .map(|files| files.iter().map(|file| file.to_string()).collect())
        .collect();
    let mut ties = String::new();
    for circle in found.difference(&known) {
        for file in circle {
            for (there, line) in imports[file.as_str()]
                .iter()
                .filter(|(there, _)| circle.iter().any(|one| one == *there))
            {
                ties.push_str(&format!("{file}:{line} imports {there}\n"));
            }
        }
        ties.push('\n');
    }
    assert!(ties.is_empty(), "files import each other:\n{ties}");
    let mended: Vec<_> = known.difference(&found).collect();
    assert!(
        mended.is_empty(),
        "this circle is no more; take it out of CIRCLES: {mended:#?}"
    );
}

#[test]
fn an_import_is_seen_however_it_is_written() {
    let file = |path: &str, text: &str| (path.to_string(), text.to_string());
    let sources = [
        file("src/lib.rs", "pub mod terms;\npub mod tlp;\npub mod cli;\n"),
        file(
            "src/terms/mod.rs",
            "mod id;\npub use id::Id;\npub struct Moment;\n",
        ),
        file(
            "src/terms/id.rs",
            "use super::Moment; // crate::cli\nconst S: &str = \"crate::cli::main\";\npub struct Id;\n",
        ),
        file(
            "src/tlp.rs",
            "use crate::{\n    terms::{self, Id as Name},\n};\nfn f() -> terms::Moment { crate::cli::main() }\n#[cfg(test)]\nmod tests { use crate::cli::ui; }\n",
        ),
        file(
            "src/cli/mod.rs",
            "mod desk;\nmod ui;\npub fn main() { ui::say() }\n",
        ),
        file(
            "src/cli/ui.rs",
            "use super::{desk::Desk, super::terms::Id};\npub fn say() { super::main() }\n",
        ),
        file(
            "src/cli/desk.rs",
            "pub struct Desk(crate::cli::ui::Tone);\n",
        ),
    ];
    let house = House::of(&sources);
    let imports = house.imports();
    let of = |file: &str| imports[file].keys().copied().collect::<Vec<_>>();
    assert_eq!(of("src/terms/id.rs"), ["src/terms/mod.rs"]);
    assert_eq!(
        of("src/tlp.rs"),
        ["src/cli/mod.rs", "src/terms/id.rs", "src/terms/mod.rs"]
    );
    assert_eq!(
        of("src/cli/ui.rs"),
        ["src/cli/desk.rs", "src/cli/mod.rs", "src/terms/id.rs"]
    );
    assert_eq!(circles(&imports), [["src/cli/desk.rs", "src/cli/ui.rs"]]);
    let order = ["terms", "tlp", "cli"].map(String::from);
    let up = upward(&house, &order);
    assert!(
        up.len() == 1 && up[0].starts_with("src/tlp.rs:4: "),
        "{up:?}"
    );
}

#[test]
fn the_map_names_every_room() {
    let order = order(&fs::read_to_string(root().join("src/lib.rs")).expect("the map"));
    let lost: Vec<String> = sources()
        .into_iter()
        .map(|(path, _)| path)
        .filter(|path| {
            path.starts_with("src/")
                && room(path, &order).is_none()
                && !["src/lib.rs", "src/main.rs"].contains(&path.as_str())
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

/// Types of the same name at the top of more than one file, and in how many. A reader who meets such a name has to ask which
/// one it is, so the list may only become shorter. `Args` stays: it is what one command takes, in the file of that command.
/// The others are from before this test.
const SHARED_NAMES: [(&str, usize); 75] = [
    ("Addressed", 2),
    ("Answer", 4),
    ("Args", 26),
    ("Attachment", 2),
    ("Batch", 2),
    ("Bounce", 2),
    ("Change", 2),
    ("Changes", 3),
    ("Document", 2),
    ("Entry", 6),
    ("Facts", 2),
    ("Field", 2),
    ("Flaw", 2),
    ("Format", 2),
    ("Gate", 2),
    ("Group", 3),
    ("Judge", 2),
    ("Judged", 2),
    ("Kept", 4),
    ("Kind", 3),
    ("Label", 2),
    ("Letter", 2),
    ("Line", 4),
    ("Lines", 2),
    ("Link", 2),
    ("Lists", 2),
    ("Made", 3),
    ("Mail", 3),
    ("Mark", 3),
    ("Members", 2),
    ("Named", 2),
    ("Next", 2),
    ("NoticeView", 2),
    ("Number", 2),
    ("Office", 2),
    ("Opened", 2),
    ("Outcome", 3),
    ("OwnPage", 2),
    ("Page", 4),
    ("Pages", 3),
    ("Part", 3),
    ("Parts", 3),
    ("Place", 2),
    ("Places", 2),
    ("Prose", 2),
    ("Put", 2),
    ("Read", 2),
    ("Reader", 2),
    ("Reason", 2),
    ("Recipient", 2),
    ("Report", 3),
    ("Request", 2),
    ("Row", 4),
    ("Section", 2),
    ("Sheet", 2),
    ("Signed", 2),
    ("SiteError", 2),
    ("Standing", 2),
    ("State", 2),
    ("Status", 2),
    ("Store", 2),
    ("Taken", 2),
    ("Target", 3),
    ("Text", 3),
    ("Tree", 2),
    ("Trouble", 3),
    ("Unreadable", 2),
    ("Value", 2),
    ("Verb", 5),
    ("Verdict", 2),
    ("Way", 3),
    ("Wire", 2),
    ("Word", 3),
    ("Words", 2),
    ("Workshop", 2),
];

#[test]
fn a_type_has_a_name_of_its_own() {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    // Each crate has names of its own.
    let ours = |path: &str| path.starts_with("src/");
    for (path, text) in sources().into_iter().filter(|(path, _)| ours(path)) {
        for line in program(&path, &text).lines() {
            let mut words = line.split(|c| !is_word(c));
            let mut first = words.next();
            if line.starts_with("pub(") {
                words.next();
                words.next();
                first = words.next();
            } else if first == Some("pub") {
                first = words.next();
            }
            if matches!(first, Some("struct" | "enum" | "trait" | "type")) {
                let name = words.next().unwrap_or_default().to_string();
                found.entry(name).or_default().insert(path.clone());
            }
        }
    }
    assert!(found.len() > 300, "{}", found.len());
    found.retain(|_, files| files.len() > 1);
    let known = BTreeMap::from(SHARED_NAMES);
    let mut wrong = Vec::new();
    for (name, files) in &found {
        let allowed = known.get(name.as_str()).copied().unwrap_or(1);
        if files.len() > allowed {
            wrong.push(format!(
                "`{name}` is a type of {files:?}; find plain names that tell them apart"
            ));
        }
    }
    for (name, count) in &known {
        let now = found.get(*name).map_or(1, BTreeSet::len);
        if now < *count {
            wrong.push(format!(
                "(\"{name}\", {count}) is {now} now: correct SHARED_NAMES"
            ));
        }
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
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
    ("html5ever", "crates/rfc2350-import/src/html.rs"),
    ("encoding_rs", "crates/rfc2350-import/src/decode.rs"),
    ("chardetng", "crates/rfc2350-import/src/decode.rs"),
    ("clap", "src/cli/"),
];

#[test]
fn each_heavy_crate_has_one_door() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let code = program(&path, &text);
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
        for (number, line) in program(&path, &text).lines().enumerate() {
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
