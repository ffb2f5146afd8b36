use super::*;
use std::{collections::BTreeMap, fs, path::Path};

/// What a judge says about each real bounce; skipped where the corpus is not beside the repository.
#[test]
fn real_bounces_are_recognised() {
    let Some(folder) = corpus("bounces") else { return };
    let labels = fs::read_to_string(folder.join("labels.csv")).expect("labels");
    let (mut right, mut all, mut wrong) = (0, 0, Vec::new());
    let mut told: BTreeMap<String, Vec<Bounce>> = BTreeMap::new();
    for line in labels.lines().skip(1) {
        let (file, rest) = line.split_once(',').expect("a label");
        let (rest, source) = rest.rsplit_once(',').expect("a label");
        let (recipient, verdict) = rest.rsplit_once(',').expect("a label");
        let bounces = told.entry(file.to_string()).or_insert_with(|| match judge(&read(&folder.join(file))) {
            Report::Bounces(bounces) => bounces,
            _ => Vec::new(),
        });
        all += 1;
        match bounces.iter().any(|b| b.recipient.eq_ignore_ascii_case(recipient) && b.verdict.as_str() == verdict) {
            true => right += 1,
            false => wrong.push(format!(
                "{file}: {recipient} {verdict} ({source}), not {:?}",
                bounces.iter().map(|b| (b.recipient.as_str(), b.verdict, &b.status)).collect::<Vec<_>>()
            )),
        }
    }
    println!("{right} of {all}\n{}", wrong.join("\n"));
    for (file, bounces) in &told {
        let labelled = labels.lines().filter(|line| line.starts_with(&format!("{file},"))).count();
        if bounces.len() > labelled {
            println!("more: {file}: {:?}", bounces.iter().map(|b| b.recipient.as_str()).collect::<Vec<_>>());
        }
    }
    assert!(right * 100 >= all * 95, "{right} of {all}\n{}", wrong.join("\n"));
}

#[test]
fn ordinary_mails_are_no_bounces() {
    let Some(folder) = corpus("mails") else { return };
    for entry in fs::read_dir(folder).expect("mails") {
        let path = entry.expect("an entry").path();
        let report = judge(&read(&path));
        assert!(!matches!(report, Report::Bounces(_)), "{}: {report:?}", path.display());
    }
}

fn corpus(name: &str) -> Option<std::path::PathBuf> {
    let root = std::env::var_os("ADVISE_CORPUS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus"), Into::into);
    Some(root.join(name)).filter(|folder| folder.is_dir())
}

fn read(path: &Path) -> Mail {
    Mail::read(fs::read(path).expect("a mail")).unwrap_or_else(|why| panic!("{}: {why}", path.display()))
}
