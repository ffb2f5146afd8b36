//! Mails to begin with: those of `bounces.txt`, and the corpus where it is beside the repository.

use std::{fs, path::Path};

/// Name and bytes of each mail of `bounces.txt`, with CRLF.
pub fn own() -> Vec<(String, Vec<u8>)> {
    let text = include_str!("bounces.txt");
    let samples = text.split("\n### ").skip(1).map(|sample| {
        let (head, mail) = sample
            .split_once('\n')
            .expect("a line that says what it is");
        (
            head.split_once(" = ").expect("a name").0.to_string(),
            mail.replace('\n', "\r\n").into_bytes(),
        )
    });
    samples.collect()
}

/// One of them.
pub fn named(name: &str) -> Vec<u8> {
    own()
        .into_iter()
        .find(|(own, _)| own == name)
        .expect("a sample of this name")
        .1
}

/// All real mails that can be had.
pub fn real() -> Vec<Vec<u8>> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus");
    let corpus = std::env::var_os("ADVISE_CORPUS").map_or(corpus, Into::into);
    let files = ["bounces", "mails"]
        .iter()
        .filter_map(|folder| fs::read_dir(corpus.join(folder)).ok())
        .flatten();
    let paths = files
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|end| end == "eml"));
    paths.filter_map(|path| fs::read(path).ok()).collect()
}
