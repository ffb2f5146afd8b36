use super::*;
use crate::roster::{Constituent, ParsedConstituent};

const PATH: &str = "constituents/uni.yaml";

/// Comments between contacts, at their ends and in them; quotes of both kinds; fields in an odd order.
const WRITTEN: &str = "\
# The university in the north.
name:
  en: \"Northern University\"   # as it calls itself
  ru: 'Северный университет'
sector: education
domains: [north.example.org]
lists: [universities, community]   # both

contacts:
  # In the order in which we call them.
  - name: Dana Serikova
    address: dana@north.example.org
    certificate: \"EF36B8ACA78370DC8581C375DF36AA3D08367DEA\"
    phone: '+7 727 555 0110'   # at night too
    # asked for Russian in March
    language: ru

  # The desk reads the closed list only.
  - address: Desk@north.example.org   # first the address
    name: Security Desk
    lists:
      - universities
    # it has no certificate yet
  # Pavel left.
  - {name: Pavel Orlov, address: pavel@north.example.org, suspended: left}
# The end.
";

fn address(text: &str) -> Address {
    text.parse().expect("an address")
}

fn slug(text: &str) -> Slug {
    text.parse().expect("a slug")
}

fn person(local: &str) -> NewContact {
    NewContact {
        name: "Ada Example".into(),
        address: address(&format!("{local}@north.example.org")),
        certificate: None,
        language: None,
        phone: None,
        lists: None,
        joined: None,
        suspended: None,
    }
}

fn full() -> NewContact {
    NewContact {
        certificate: Some(
            "8DDE84B5C7676EA3C4D1C52B3C008A824D7B5100"
                .parse()
                .expect("a fingerprint"),
        ),
        language: Some("ru".parse().expect("a language")),
        phone: Some("+7 727 555 0111".into()),
        lists: Some(vec![slug("community")]),
        joined: Some("2026-11-28".parse().expect("a day")),
        suspended: Some("on leave: back in May".into()),
        ..person("ada")
    }
}

fn parsed(text: &str) -> ParsedConstituent {
    let mut findings = Findings::new();
    let parsed = parse_constituent(
        &Source::new(PATH, page::plain(text)),
        slug("uni"),
        &mut findings,
    );
    parsed.unwrap_or_else(|| panic!("{findings:#?}\n{text}"))
}

fn read(text: &str) -> Constituent {
    parsed(text).constituent
}

/// What was put in and what was taken out, line by line.
fn changes(before: &str, after: &str) -> String {
    let diff = similar::TextDiff::from_lines(before, after);
    let changed = diff
        .iter_all_changes()
        .filter(|change| change.tag() != similar::ChangeTag::Equal);
    changed
        .map(|change| format!("{}{}", change.tag(), change.value()))
        .collect()
}

fn check(after: Result<String, EditError>, before: &str, expected: &str) {
    let after = after.unwrap_or_else(|error| panic!("{error}\n{before}"));
    assert_eq!(changes(before, &after), expected, "\n{after}");
}

#[test]
fn a_contact_comes_after_the_others_and_nothing_else_changes() {
    let new = "+  - {name: Ada Example, address: ada@north.example.org}\n";
    check(with_contact(PATH, WRITTEN, &person("ada")), WRITTEN, new);
    let blocks = WRITTEN.replace(
        "  - {name: Pavel Orlov, address: pavel@north.example.org, suspended: left}\n",
        "",
    );
    let new = "\
+  - name: Ada Example
+    address: ada@north.example.org
+    certificate: \"8DDE84B5C7676EA3C4D1C52B3C008A824D7B5100\"
+    language: ru
+    phone: \"+7 727 555 0111\"
+    lists: [community]
+    joined: 2026-11-28
+    suspended: \"on leave: back in May\"
";
    // With an empty line, as between the two that are there.
    check(
        with_contact(PATH, &blocks, &full()),
        &blocks,
        &format!("+\n{new}"),
    );
    let made = with_contact(PATH, &blocks, &full()).expect("made");
    assert!(
        made.contains("    # it has no certificate yet\n\n  - name: Ada Example\n"),
        "{made}"
    );
    let contact = read(&made).contacts[2].clone();
    assert_eq!(
        (contact.phone.as_deref(), contact.lists.len()),
        (Some("+7 727 555 0111"), 1)
    );
}

#[test]
fn a_contact_is_taken_out_with_the_comments_that_speak_of_it() {
    let gone = "\
-
-  # The desk reads the closed list only.
-  - address: Desk@north.example.org   # first the address
-    name: Security Desk
-    lists:
-      - universities
-    # it has no certificate yet
";
    let after = without_contact(PATH, WRITTEN, &address("desk@NORTH.example.org"));
    check(after, WRITTEN, &gone.replacen("-\n", "", 1));
    let gone = "-  # Pavel left.\n-  - {name: Pavel Orlov, address: pavel@north.example.org, suspended: left}\n";
    check(
        without_contact(PATH, WRITTEN, &address("pavel@north.example.org")),
        WRITTEN,
        gone,
    );
    // What stands above the first may speak of all.
    let after = without_contact(PATH, WRITTEN, &address("dana@north.example.org")).expect("made");
    assert!(
        after.contains("contacts:\n  # In the order in which we call them.\n\n  # The desk reads"),
        "{after}"
    );
}

#[test]
fn fields_come_go_and_change_in_place() {
    let dana = address("dana@north.example.org");
    let set = |field: &str, value: Option<&str>| with_field(PATH, WRITTEN, &dana, field, value);
    check(
        set("suspended", Some("left: \"for good\"")),
        WRITTEN,
        "+    suspended: \"left: \\\"for good\\\"\"\n",
    );
    check(set("suspended", None), WRITTEN, "");
    check(set("language", Some("ru")), WRITTEN, "");
    check(
        set("phone", Some("+7 727 555 0199")),
        WRITTEN,
        "-    phone: '+7 727 555 0110'   # at night too\n+    phone: '+7 727 555 0199'   # at night too\n",
    );
    check(
        set("phone", None),
        WRITTEN,
        "-    phone: '+7 727 555 0110'   # at night too\n",
    );
    check(
        set("joined", Some("2026-01-02")),
        WRITTEN,
        "+    joined: 2026-01-02\n",
    );
    let desk = address("desk@north.example.org");
    check(
        with_field(
            PATH,
            WRITTEN,
            &desk,
            "certificate",
            Some("EF36B8ACA78370DC8581C375DF36AA3D08367DEA"),
        ),
        WRITTEN,
        "+    certificate: \"EF36B8ACA78370DC8581C375DF36AA3D08367DEA\"\n",
    );
    check(
        with_field(
            PATH,
            WRITTEN,
            &desk,
            "address",
            Some("soc@north.example.org"),
        ),
        WRITTEN,
        "-  - address: Desk@north.example.org   # first the address\n+  - address: soc@north.example.org   # first the address\n",
    );
    let pavel = address("pavel@north.example.org");
    let line =
        |rest: &str| format!("  - {{name: Pavel Orlov, address: pavel@north.example.org{rest}}}\n");
    let was = line(", suspended: left");
    for (field, value, rest) in [
        ("suspended", None, ""),
        (
            "suspended",
            Some("left, really"),
            ", suspended: \"left, really\"",
        ),
        ("language", Some("ru"), ", language: ru, suspended: left"),
    ] {
        check(
            with_field(PATH, WRITTEN, &pavel, field, value),
            WRITTEN,
            &format!("-{was}+{}", line(rest)),
        );
    }
}

#[test]
fn lists_of_a_contact_change_one_by_one() {
    let desk = address("desk@north.example.org");
    let lists = |names: &[&str]| names.iter().map(|name| slug(name)).collect::<Vec<Slug>>();
    check(
        with_lists(PATH, WRITTEN, &desk, Some(&lists(&["universities"]))),
        WRITTEN,
        "",
    );
    check(
        with_lists(
            PATH,
            WRITTEN,
            &desk,
            Some(&lists(&["community", "universities"])),
        ),
        WRITTEN,
        "+      - community\n",
    );
    check(
        with_lists(PATH, WRITTEN, &desk, Some(&[])),
        WRITTEN,
        "-    lists:\n-      - universities\n+    lists: []\n",
    );
    check(
        with_lists(PATH, WRITTEN, &desk, Some(&lists(&["community"]))),
        WRITTEN,
        "-    lists:\n-      - universities\n+    lists: [community]\n",
    );
    check(
        with_lists(PATH, WRITTEN, &desk, None),
        WRITTEN,
        "-    lists:\n-      - universities\n",
    );
    check(
        with_lists(
            PATH,
            WRITTEN,
            &address("dana@north.example.org"),
            Some(&lists(&["community"])),
        ),
        WRITTEN,
        "+    lists: [community]\n",
    );
}

#[test]
fn one_more_list_reaches_nobody_who_did_not_ask() {
    let made = with_list(PATH, WRITTEN, &slug("operators")).expect("made");
    check(
        Ok(made.clone()),
        WRITTEN,
        "-lists: [universities, community]   # both\n+lists: [universities, community, operators]   # both\n\
         +    lists: [universities, community]\n\
         -  - {name: Pavel Orlov, address: pavel@north.example.org, suspended: left}\n\
         +  - {name: Pavel Orlov, address: pavel@north.example.org, lists: [universities, community], suspended: left}\n",
    );
    let (before, after) = (read(WRITTEN), read(&made));
    assert_eq!(before.contacts, after.contacts);
    let none = "name: U\ncontacts:\n- name: A\n  address: a@u.example.org\n";
    check(
        with_list(PATH, none, &slug("operators")),
        none,
        "+lists: [operators]\n+  lists: []\n",
    );
    check(with_list(PATH, WRITTEN, &slug("community")), WRITTEN, "");
}

#[test]
fn a_newcomer_brings_a_list_along() {
    let text = "name: U\nlists: [one]\ncontacts:\n  - name: A\n    address: a@u.example.org\n";
    let lists = |names: &[&str]| Some(names.iter().map(|name| slug(name)).collect());
    let with = |lists: Option<Vec<Slug>>| {
        with_newcomer(
            PATH,
            text,
            &NewContact {
                lists,
                ..person("ada")
            },
        )
    };
    let new = "+  - name: Ada Example\n+    address: ada@north.example.org\n";
    check(with(None), text, new);
    check(with(lists(&["one"])), text, new);
    check(with(lists(&[])), text, &format!("{new}+    lists: []\n"));
    let both = "-lists: [one]\n+lists: [one, two]\n";
    check(
        with(lists(&["two", "one"])),
        text,
        &format!("{both}+    lists: [one]\n{new}"),
    );
    check(
        with(lists(&["two"])),
        text,
        &format!("{both}+    lists: [one]\n{new}+    lists: [two]\n"),
    );
}

#[test]
fn the_first_contact_and_the_last() {
    let head = "name: U\nlists: [community]\n";
    let item = "  - name: Ada Example\n    address: ada@north.example.org\n";
    for (before, after) in [
        ("", format!("contacts:\n{item}")),
        ("contacts:", format!("contacts:\n{item}")),
        ("contacts:\n", format!("contacts:\n{item}")),
        ("contacts: []\n", format!("contacts:\n{item}")),
        ("contacts: []", format!("contacts:\n{item}")),
        (
            "contacts: ~   # none\nsector: s\n",
            format!("contacts:   # none\n{item}sector: s\n"),
        ),
        (
            "contacts: [ ]   # none\n\nsector: s\n",
            format!("contacts:   # none\n{item}\nsector: s\n"),
        ),
        (
            "contacts: [\n  # none\n]\n",
            "contacts: [{name: Ada Example, address: ada@north.example.org}\n  # none\n]\n".into(),
        ),
        (
            "contacts:\n  # nobody yet\n\n# end",
            format!("contacts:\n  # nobody yet\n{item}\n# end"),
        ),
    ] {
        let made = with_contact(PATH, &format!("{head}{before}"), &person("ada"))
            .unwrap_or_else(|error| panic!("{error}: {before}"));
        assert_eq!(
            made.trim_end(),
            format!("{head}{after}").trim_end(),
            "{before}"
        );
    }
    let one = format!("{head}contacts:   # one\n  # Not at night.\n{item}# end\n");
    let made = without_contact(PATH, &one, &address("ada@north.example.org")).expect("made");
    assert_eq!(made, format!("{head}contacts: []   # one\n# end\n"));
    let flow = "{name: U, lists: [community]} # a\n";
    let made = with_contact(PATH, flow, &person("ada")).expect("made");
    assert_eq!(
        made,
        "{name: U, lists: [community], contacts: [{name: Ada Example, address: ada@north.example.org}]} # a\n"
    );
    assert_eq!(
        without_contact(PATH, &made, &address("ada@north.example.org")).expect("made"),
        "{name: U, lists: [community], contacts: []} # a\n"
    );
}

#[test]
fn what_a_program_cannot_keep_it_does_not_touch() {
    let refused = |text: &str| match with_contact(PATH, text, &person("ada")) {
        Err(EditError::ByHand(finding)) => assert_eq!(finding.place.line, 3, "{finding:?}"),
        other => panic!("{other:?}"),
    };
    refused("name: U\n? contacts\n: - name: B\n    address: b@u.example.org\n");
    let twice = with_contact(PATH, WRITTEN, &person("DANA"));
    let error = twice.expect_err("she is there already");
    assert!(
        matches!(&error, EditError::WouldBeMistake(finding) if finding.code == "duplicate-address"),
        "{error}"
    );
    assert_eq!(
        error.to_string(),
        "with this change, `constituents/uni.yaml`, line 26: two contacts of this file have this address"
    );
    let nobody = with_field(
        PATH,
        WRITTEN,
        &address("x@north.example.org"),
        "phone",
        None,
    );
    assert_eq!(
        nobody.expect_err("nobody").to_string(),
        "nobody in `constituents/uni.yaml` has this address"
    );
    let mistake =
        with_list(PATH, "name: U\nlists: universities\n", &slug("community")).expect_err("no list");
    assert!(
        mistake
            .to_string()
            .contains("`constituents/uni.yaml`, line 2: field `lists` has to be a list"),
        "{mistake}"
    );
    for (field, value) in [
        ("certificate", "not one"),
        ("phone", "call me"),
        ("suspended", "yes"),
        ("nam", "x"),
        ("name", ""),
    ] {
        let error = with_field(
            PATH,
            WRITTEN,
            &address("dana@north.example.org"),
            field,
            Some(value),
        )
        .expect_err(field);
        assert!(matches!(error, EditError::WouldBeMistake(_)), "{error}");
    }
    assert!(
        with_field(
            PATH,
            WRITTEN,
            &address("dana@north.example.org"),
            "address",
            None
        )
        .is_err()
    );
}

#[test]
fn a_new_constituent_is_written_as_people_write_it() {
    let constituent = NewConstituent {
        name: Wording::Many(
            [("en", "Grid"), ("ru", "Сеть: юг")]
                .map(|(l, n)| (l.parse().expect("a language"), n.into()))
                .into(),
        ),
        sector: Some("energy".into()),
        networks: vec!["192.0.2.0/24".into(), "2001:db8::/32".into()],
        domains: vec!["grid.example.net".into()],
        products: vec!["BC-200, small".into(), "1.0".into()],
        lists: vec![slug("operators")],
        contacts: vec![person("ada"), person("bob")],
    };
    let text = new_constituent("constituents/grid.yaml", &constituent).expect("made");
    let expected = "\
name:
  en: Grid
  ru: \"Сеть: юг\"
sector: energy
networks: [192.0.2.0/24, \"2001:db8::/32\"]
domains: [grid.example.net]
products: [\"BC-200, small\", \"1.0\"]
lists: [operators]
contacts:
  - name: Ada Example
    address: ada@north.example.org
  - name: Ada Example
    address: bob@north.example.org
";
    assert_eq!(text, expected);
    let nameless = NewConstituent {
        name: Wording::One(" ".into()),
        ..constituent
    };
    assert!(matches!(
        new_constituent("constituents/grid.yaml", &nameless),
        Err(EditError::WouldBeMistake(_))
    ));
}

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        ((self.0 >> 33) % sides as u64) as usize
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.roll(of.len())]
    }
}

/// How many files are made up; each seed is another file.
const FILES: u64 = 300;

const WORDS: [&str; 14] = [
    "Ada",
    "O'Neil",
    "\"Q\"",
    "a: b",
    "a #b",
    "x, y",
    "- z",
    "[w]",
    "{v}",
    "no",
    "1.0",
    "Дана",
    "*star",
    "back\\slash",
];

fn comment(dice: &mut Dice) -> String {
    format!(
        "# {}",
        dice.one(&["who: knows", "- name: X", "\"", "it's [", "плохо", "}"])
    )
}

fn quoted(dice: &mut Dice, text: &str) -> String {
    match dice.roll(3) {
        0 => format!("'{}'", text.replace('\'', "''")),
        1 => format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")),
        _ => write::flow(&Value::plain(text)),
    }
}

/// A file as somebody might write it, with so many contacts `nN@u.example.org`.
fn file(dice: &mut Dice, contacts: usize) -> String {
    let mut lines: Vec<String> = Vec::new();
    let noise = |dice: &mut Dice, lines: &mut Vec<String>, column: usize| {
        for _ in 0..dice.roll(3) {
            let line = if dice.roll(3) == 0 {
                String::new()
            } else {
                format!("{}{}", " ".repeat(column), comment(dice))
            };
            lines.push(line);
        }
    };
    noise(dice, &mut lines, 0);
    lines.push(format!("name: {}", quoted(dice, "Uni")));
    lines.push(
        dice.one(&[
            "lists: [one, two]",
            "lists:\n- one\n- two",
            "lists:\n    - one   # first\n    - two",
            "lists: [one, # first\n  two,\n  ]",
        ])
        .into(),
    );
    noise(dice, &mut lines, 0);
    let fields = |dice: &mut Dice, nth: usize| {
        let word = dice.one(&WORDS);
        let mut fields = vec![
            ("name", quoted(dice, word)),
            ("address", quoted(dice, &format!("N{nth}@u.example.org"))),
        ];
        if dice.roll(2) == 0 {
            fields.push(("lists", dice.one(&["[one]", "[]", "[two, one]"]).into()));
        }
        if dice.roll(3) == 0 {
            fields.push(("phone", quoted(dice, "+7 727 555 0110")));
        }
        if dice.roll(3) == 0 {
            fields.push(("suspended", quoted(dice, "left, for good")));
        }
        let by = dice.roll(fields.len());
        fields.rotate_left(by);
        fields
    };
    if dice.roll(4) == 0 {
        let items: Vec<String> = (0..contacts)
            .map(|nth| {
                let fields: Vec<String> = fields(dice, nth)
                    .into_iter()
                    .map(|(name, value)| format!("{name}: {value}"))
                    .collect();
                format!("{{{}}}", fields.join(dice.one(&[", ", ",\n    "])))
            })
            .collect();
        let (open, between, close) = [
            ("[", ", ", "]"),
            ("[\n  ", ",\n  ", "\n]"),
            ("[\n  ", ",   # c\n  ", ",  # d\n  ]"),
        ][dice.roll(3)];
        lines.push(format!("contacts: {open}{}{close}", items.join(between)));
    } else {
        lines.push("contacts:".into());
        let column = dice.roll(3) * 2;
        let gap = dice.one(&["- ", "-   ", "-\n", "-   # c\n"]);
        for nth in 0..contacts {
            noise(dice, &mut lines, column);
            let inner = column + if gap.ends_with('\n') { 3 } else { gap.len() };
            let margin = " ".repeat(column);
            let mut text = format!("{margin}{}", if dice.roll(4) == 0 { "- {" } else { gap });
            if text.ends_with('{') {
                let fields: Vec<String> = fields(dice, nth)
                    .into_iter()
                    .map(|(name, value)| format!("{name}: {value}"))
                    .collect();
                text.push_str(&format!("{}}}", fields.join(", ")));
            } else {
                for (at, (name, value)) in fields(dice, nth).into_iter().enumerate() {
                    if at > 0 || gap.ends_with('\n') {
                        text.push_str(&" ".repeat(inner));
                    }
                    text.push_str(&format!("{name}: {value}"));
                    if dice.roll(4) == 0 {
                        text.push_str(&format!("   {}", comment(dice)));
                    }
                    text.push('\n');
                    if dice.roll(5) == 0 {
                        text.push_str(&format!("{}{}\n", " ".repeat(inner), comment(dice)));
                    }
                }
            }
            lines.push(text.trim_end_matches('\n').to_string());
        }
    }
    noise(dice, &mut lines, 0);
    if dice.roll(2) == 0 {
        lines.push(format!("sector: {}   # s", quoted(dice, "no: one")));
    }
    let text = lines.join("\n") + dice.one(&["", "\n", "\n\n"]);
    let text = if dice.roll(3) == 0 {
        text.replace('\n', "\r\n")
    } else {
        text
    };
    if dice.roll(8) == 0 {
        format!("\u{feff}{text}")
    } else {
        text
    }
}

/// Every line of one text in another, in its order, byte by byte; a last line without an end counts as one with it.
fn is_kept(lines: &[&str], text: &str) -> bool {
    let mut rest = text.split_inclusive('\n');
    lines.iter().all(|line| {
        rest.any(|there| there == *line || there.trim_end_matches(['\r', '\n']) == *line)
    })
}

#[test]
fn whatever_was_written_is_kept() {
    let mut done = [0_u64; 5];
    for seed in 0..FILES {
        let dice = &mut Dice(seed);
        let people = 1 + dice.roll(4);
        let before = file(dice, people);
        let (is, who) = (read(&before), dice.roll(people));
        let him = address(&format!("n{who}@u.example.org"));
        let old: Vec<&str> = before.split_inclusive('\n').collect();
        let fail = |error: EditError| -> String { panic!("seed {seed}: {error}\n{before}") };
        let windows = before.contains("\r\n");
        let same_ends = |after: &str| {
            assert!(
                !windows || !after.replace("\r\n", "").contains('\n'),
                "seed {seed}:\n{after:?}"
            )
        };
        let values = |text: &str| {
            read(text)
                .contacts
                .iter()
                .map(|contact| (**contact).clone())
                .collect::<Vec<_>>()
        };
        let had = values(&before);

        // One more: all the others are as they were.
        let new = if dice.roll(2) == 0 {
            full()
        } else {
            person("ada")
        };
        let new = NewContact {
            lists: new.lists.map(|_| vec![slug("one")]),
            name: dice.one(&WORDS).into(),
            ..new
        };
        let after = with_contact(PATH, &before, &new).unwrap_or_else(fail);
        let now = values(&after);
        assert_eq!(now[..people], had[..], "seed {seed}");
        assert_eq!(
            (&now[people].name, &now[people].suspended),
            (&new.name, &new.suspended),
            "seed {seed}\n{before}\n{after}"
        );
        assert!(
            old.len() - old.iter().filter(|line| after.contains(**line)).count() <= 2,
            "seed {seed}\n{before}\n{after}"
        );
        same_ends(&after);
        done[0] += 1;
        // And gone again, as if it had not been there; but for an empty line.
        let back = without_contact(PATH, &after, &new.address).unwrap_or_else(fail);
        assert_eq!(read(&back).contacts, is.contacts, "seed {seed}");
        if !before.contains("contacts: [") {
            let lines = |text: &str| {
                text.lines()
                    .filter(|line| !line.is_empty())
                    .map(str::to_string)
                    .collect::<Vec<_>>()
            };
            assert_eq!(lines(&back), lines(&before), "seed {seed}");
        }

        // One fewer.
        let after = without_contact(PATH, &before, &him).unwrap_or_else(fail);
        let mut left = had.clone();
        left.remove(who);
        assert_eq!(values(&after), left, "seed {seed}");
        same_ends(&after);
        if !before.contains("contacts: [") && people > 1 {
            let new: Vec<&str> = after.split_inclusive('\n').collect();
            assert!(
                is_kept(&new, &before),
                "seed {seed}: a line was changed\n{before}\n{after}"
            );
        }
        done[1] += 1;

        // A field comes, changes and goes; the file is as it was.
        let phone = |text: &str, phone: Option<&str>| with_field(PATH, text, &him, "phone", phone);
        let after = phone(&before, Some("+7 727 555 0199")).unwrap_or_else(fail);
        let mut changed = had.clone();
        changed[who].phone = Some("+7 727 555 0199".into());
        assert_eq!(values(&after), changed, "seed {seed}");
        same_ends(&after);
        let back = phone(&after, had[who].phone.as_deref()).unwrap_or_else(fail);
        assert_eq!(back.trim_end(), before.trim_end(), "seed {seed}");
        done[2] += 1;
        if let Ok(after) = phone(&before, None) {
            changed[who].phone = None;
            assert_eq!(values(&after), changed, "seed {seed}");
            done[3] += 1;
        }

        // One more list.
        let after = with_list(PATH, &before, &slug("three")).unwrap_or_else(fail);
        assert_eq!(values(&after), had, "seed {seed}");
        assert_eq!(parsed(&after).profile.lists.len(), 3, "seed {seed}");
        same_ends(&after);
        let lists = [slug("two"), slug("three")];
        let after = with_lists(PATH, &after, &him, Some(&lists)).unwrap_or_else(fail);
        let mut now = values(&after)[who].lists.to_vec();
        now.sort();
        assert_eq!(now, [slug("three"), slug("two")], "seed {seed}");
        done[4] += 1;
    }
    assert!(done.iter().all(|done| *done > FILES * 3 / 4), "{done:?}");
}

#[test]
fn a_text_in_pieces_is_refused_or_changed_and_never_breaks_the_program() {
    for seed in 0..FILES {
        let dice = &mut Dice(seed);
        let mut text: Vec<char> = file(dice, 2).chars().collect();
        for _ in 0..1 + dice.roll(3) {
            let at = dice.roll(text.len());
            let signs = [
                '\n', '\r', ' ', '-', ':', '#', '[', '}', '"', '\'', '|', ',', 'é',
            ];
            match dice.roll(3) {
                0 => drop(text.remove(at)),
                1 => text.insert(at, signs[dice.roll(signs.len())]),
                _ => drop(text.drain(at..(at + dice.roll(12)).min(text.len()))),
            }
        }
        let text: String = text.into_iter().collect();
        let him = address("n1@u.example.org");
        let results = [
            with_contact(PATH, &text, &full()),
            without_contact(PATH, &text, &him),
            with_field(PATH, &text, &him, "suspended", Some("on leave")),
            with_field(PATH, &text, &him, "lists", None),
            with_list(PATH, &text, &slug("three")),
            with_lists(PATH, &text, &him, Some(&[slug("two")])),
        ];
        for after in results.into_iter().flatten() {
            assert!(
                mistake(&Source::new(PATH, page::plain(&after))).is_ok(),
                "seed {seed}: {text:?}"
            );
        }
    }
}
