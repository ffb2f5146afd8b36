//! Two documents with nearly all faults that real ones have.

use super::*;

const SOUND: [(usize, &str); 8] = [
    (13, "outdated"),
    (21, "missing-section"),
    (46, "empty-section"),
    (51, "at-address"),
    (51, "at-address"),
    (63, "empty-section"),
    (68, "at-address"),
    (129, "broken-url"),
];

/// The name of each fault and the beginning of its line; lines are counted by the test.
const FJORD: [(&str, &str); 15] = [
    ("- -----", "dash-escape"),
    ("Version 2.1", "outdated"),
    ("on its own pages; the full", "blank-url"),
    ("The text has been signed", "false-signature"),
    ("40-41b", "cut-short"),
    ("Summer GMT", "same-offsets"),
    ("Этот адрес", "hidden-address"),
    ("FJORD-CERT uses one PGP key", "short-key-id"),
    ("Web site:", "blank-url"),
    ("What else there is", "blank-url"),
    ("Write to us first", "hidden-address"),
    ("- - Each school", "dash-escape"),
    ("- - A few others", "dash-escape"),
    ("comes straight to", "cut-short"),
    ("the traffic light protocol (TLP).", "blank-url"),
];

#[test]
fn all_faults_of_the_twins_are_found_and_none_is_invented() {
    assert_eq!(names(&imported(&read(&twin("sound.txt"))).faults), SOUND);
    let bytes = twin("fjord.txt");
    let text = String::from_utf8(bytes.clone()).expect("UTF-8");
    let line = |start: &str| {
        text.lines()
            .position(|line| line.starts_with(start))
            .expect("a line")
            + 1
    };
    let expected: Vec<(usize, &str)> = FJORD
        .iter()
        .map(|(start, name)| (line(start), *name))
        .collect();
    assert_eq!(names(&imported(&read(&bytes)).faults), expected);
}

#[test]
fn facts_of_the_twins_are_in_the_file_of_facts() {
    let team = imported(&read(&twin("sound.txt"))).parsed;
    let en = advise::terms::Lang::english();
    assert_eq!(
        team.name.in_lang(&en),
        "national response team of the Sound Islands"
    );
    assert_eq!(team.short(&en), "SOUND-CERT");
    assert_eq!(
        (team.country.as_deref(), team.time_zone.as_str()),
        (Some("BA"), "Europe/Sarajevo")
    );
    assert_eq!(
        (team.phone.as_deref(), team.fax.as_deref()),
        (Some("+387 33 555 010"), Some("+387 33 555 011"))
    );
    assert_eq!(team.email.as_str(), "desk@sound-cert.example");
    assert_eq!(
        team.hours.expect("hours").in_lang(&en),
        "07:30 to 15:30 monday to friday except holidays"
    );
    assert_eq!(team.default_tlp, Some(advise::tlp::Tlp::Amber));
    let team = imported(&read(&twin("fjord.txt"))).parsed;
    assert_eq!(
        (team.short(&en), team.time_zone.as_str()),
        ("FJORD-CERT", "Asia/Almaty")
    );
    assert_eq!(team.fax.as_deref(), Some("+7 727 555 1725"));
    assert_eq!(team.email.as_str(), advise::terms::UNKNOWN_ADDRESS);
}

/// Each sentence of the text, looked for by a hand that knows nothing of how the import was made.
fn nothing_is_lost(bytes: &[u8]) {
    let imported = imported(&read(bytes));
    let (sources, all) = (
        words(&format!("{}\n{}", imported.prose, imported.team)),
        words(&written(&imported)),
    );
    let text = String::from_utf8(bytes.to_vec()).expect("UTF-8");
    for line in text.lines().filter(|line| !words(line).trim().is_empty()) {
        assert!(
            all.contains(&words(line)) || halves(line, &all),
            "lost: {line}"
        );
    }
    // Paragraphs: without the blank lines between all lines that one of the twins has.
    let double = text.matches("\n\n").count() > text.matches('\n').count() / 3
        && !text.contains("\n\n\n\n    ");
    let gap = if double
        && text.lines().filter(|line| line.is_empty()).count() * 2 > text.lines().count()
    {
        "\n\n\n"
    } else {
        "\n\n"
    };
    let mut sentences = 0;
    for paragraph in text.split(gap) {
        let flat = paragraph.split_whitespace().collect::<Vec<_>>().join(" ");
        for sentence in flat.split_inclusive(". ").filter(|sentence| {
            sentence.trim_end().ends_with('.') && sentence.split(' ').count() > 4
        }) {
            if sentence.contains("Этот") || sentence.contains("fingerprint") {
                continue;
            }
            sentences += 1;
            assert!(
                sources.contains(&words(sentence)) || in_two(sentence, &sources),
                "not in the sources: {sentence}"
            );
        }
    }
    assert!(sentences > 20, "{sentences}");
}

/// A time of day without a full stop, which runs into the next line.
fn in_two(sentence: &str, all: &str) -> bool {
    let mut places = sentence.match_indices(' ').map(|(at, _)| at);
    let is_time = sentence.contains(":30 ") || sentence.contains(":00 ");
    is_time
        && places.any(|at| {
            all.contains(&words(&sentence[..at])) && all.contains(&words(&sentence[at..]))
        })
}

/// A line of which one sentence became a fact, and the others stayed.
fn halves(line: &str, all: &str) -> bool {
    line.split_inclusive(". ")
        .all(|sentence| all.contains(&words(sentence)))
}

#[test]
fn no_sentence_of_the_twins_is_lost() {
    for name in ["sound.txt", "fjord.txt"] {
        nothing_is_lost(&twin(name));
    }
}

#[test]
fn what_is_of_the_page_is_told_and_not_taken_over() {
    let document = read(&twin("fjord.txt"));
    let told: Vec<&str> = document
        .chrome
        .iter()
        .map(|line| line.text.as_str())
        .collect();
    assert_eq!(told.len(), 4, "{told:?}");
    let imported = imported(&document);
    for line in ["сменить язык:", "Наши друзья:"] {
        assert!(told.contains(&line), "{told:?}");
        assert!(
            !imported.prose.contains(line) && imported.report.text(&Findings::new()).contains(line)
        );
    }
}

/// The real documents, where they are.
pub fn seeds() -> Vec<(String, Vec<u8>)> {
    let root = std::env::var_os("ADVISE_SEEDS").map(PathBuf::from);
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/seeds");
    let Some(folder) = root.or(Some(beside)).filter(|folder| folder.is_dir()) else {
        eprintln!("\n*** SKIPPED: the real documents: there is no folder `../shared/seeds` ***\n");
        return Vec::new();
    };
    let mut all: Vec<(String, Vec<u8>)> = std::fs::read_dir(folder)
        .expect("a readable folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.to_string_lossy().ends_with(".rfc2350.txt"))
        .map(|path| {
            (
                path.file_name()
                    .expect("a name")
                    .to_string_lossy()
                    .into_owned(),
                std::fs::read(&path).expect("readable"),
            )
        })
        .collect();
    all.sort();
    all
}

#[test]
fn the_real_documents_lose_nothing_either() {
    for (name, bytes) in seeds() {
        nothing_is_lost(&bytes);
        let found = names(&imported(&read(&bytes)).faults);
        let count = |code: &str| found.iter().filter(|(_, name)| *name == code).count();
        let expected: &[(&str, usize)] = match name.as_str() {
            "cert-rs.rfc2350.txt" => &[
                ("at-address", 3),
                ("broken-url", 1),
                ("empty-section", 2),
                ("missing-section", 1),
                ("outdated", 1),
            ],
            "kazrena-cert.rfc2350.txt" => &[
                ("blank-url", 4),
                ("cut-short", 2),
                ("dash-escape", 3),
                ("false-signature", 1),
                ("hidden-address", 2),
                ("outdated", 1),
                ("same-offsets", 1),
                ("short-key-id", 1),
            ],
            _ => continue,
        };
        for (code, times) in expected {
            assert_eq!(count(code), *times, "{name}: {code} in {found:?}");
        }
        assert_eq!(
            found.len(),
            expected.iter().map(|(_, times)| times).sum::<usize>(),
            "{name}: {found:?}"
        );
    }
}
