//! The program from outside, by the steps of its flow: what is read, planned and let through, what goes out as mail and as
//! a site, what comes in, who is a member, and how the site reaches its host. `interop` are programs that are not ours,
//! `faults` crashes and servers that fail, and `harness` is what the stories share.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "tests say what they skip, and set the clocks of programs that are not ours"
)]

mod cli;
mod deploy;
mod faults;
mod gate;
mod harness;
mod inbox;
mod interop;
mod mail;
mod members;
mod mistakes;
mod plan;
mod rfc2350;
mod site;

/// The `.rs` files below a folder, as paths from `tests/it`.
fn files(folder: &std::path::Path, prefix: &str, found: &mut std::collections::BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).expect("a folder of tests") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy();
        if path.is_dir() {
            files(&path, &format!("{prefix}{name}/"), found);
        } else if name.ends_with(".rs") {
            found.insert(format!("{prefix}{name}"));
        }
    }
}

/// A file that no `mod` names is not compiled, and its tests do not run without anybody seeing it.
#[test]
fn no_file_of_tests_is_forgotten() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    let mut there = std::collections::BTreeSet::new();
    files(&root, "", &mut there);
    let mut reached = std::collections::BTreeSet::from(["main.rs".to_string()]);
    let mut open = vec!["main.rs".to_string()];
    while let Some(file) = open.pop() {
        let text = std::fs::read_to_string(root.join(&file)).expect("a readable file");
        // `mod x;` in a/b.rs is a/b/x.rs; in a/mod.rs and in main.rs it is beside that file.
        let folder = match file.strip_suffix("main.rs").or(file.strip_suffix("mod.rs")) {
            Some(folder) => folder.to_string(),
            None => format!("{}/", file.strip_suffix(".rs").unwrap_or(&file)),
        };
        let names = text.lines().filter_map(|line| {
            let line = line.strip_prefix("pub ").unwrap_or(line);
            line.strip_prefix("mod ")?.strip_suffix(';')
        });
        for name in names {
            for path in [
                format!("{folder}{name}.rs"),
                format!("{folder}{name}/mod.rs"),
            ] {
                if there.contains(&path) && reached.insert(path.clone()) {
                    open.push(path);
                }
            }
        }
    }
    assert_eq!(there, reached, "each file below tests/it has a `mod`");
}
