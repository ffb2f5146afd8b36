//! Staff keep the roster: one contact at a time, by tables, and as people who write comments into files.

use crate::harness::World;
use advise::openpgp::{self, Kind};
use std::{fs, time::Duration};

const LAKESIDE: &str = "constituents/lakeside-university.yaml";
const YELENA: &str = "yelena@lakeside.example.org";
const DANA: &str = "dana@north.example.org";
const NORTH: &str = "constituents/northern-university.yaml";

/// A file that is there as it was, but for these lines that are new and those that are gone.
fn changes(before: &str, after: &str) -> String {
    let diff = similar::TextDiff::from_lines(before, after);
    let changed = diff
        .iter_all_changes()
        .filter(|change| change.tag() != similar::ChangeTag::Equal);
    changed
        .map(|change| format!("{}{}", change.tag(), change.value()))
        .collect()
}

#[test]
fn a_contact_joins_is_suspended_and_leaves_and_the_file_is_as_it_was() {
    let world = World::sample();
    let before = world.text(LAKESIDE);
    let now = crate::harness::NOW.parse().expect("a time");
    let year = Duration::from_secs(365 * 86_400);
    let made = openpgp::generate(
        &["Ada <ada@lakeside.example.org>"],
        Kind::Member,
        Some(year),
        &now,
        None,
    )
    .expect("a key");
    let file = world.beside().join("ada.asc");
    fs::write(&file, made.certificate.armored()).expect("written");
    let fingerprint = made.certificate.fingerprint();
    let joined = format!(
        "+  - name: Ada Example\n+    address: ada@lakeside.example.org\n+    certificate: \"{fingerprint}\"\n+    language: en\n\
         +    phone: \"+7 727 555 0199\"\n+    joined: 2026-11-22\n"
    );
    let add = format!(
        "constituent add lakeside-university ada@lakeside.example.org --name \"Ada Example\" --certificate {} --language en \
         --phone \"+7 727 555 0199\"",
        file.display()
    );
    world
        .run(&add)
        .says(&format!("wrote certs/{fingerprint}.asc"))
        .look(|world| assert_eq!(changes(&before, &world.text(LAKESIDE)), joined))
        .run("list show universities")
        .says("Universities and research <universities@lists.cert.example.org>\nup to TLP:AMBER, encrypts as the label asks\n")
        .says("Ada Example             ada@lakeside.example.org     lakeside-university  en        2026-11-22  365")
        .says("8 members: 5 with a certificate that can be used, 2 without, 1 suspended")
        .says("usable until 2027-11-22")
        .run(&add)
        .exits(2)
        .says("two contacts of this file have this address")
        .run("constituent suspend ADA@lakeside.example.org --reason \"on leave: back in May\"")
        .look(|world| {
            let line = "+    suspended: \"on leave: back in May\"\n";
            assert_eq!(changes(&before, &world.text(LAKESIDE)), format!("{joined}{line}"));
        })
        .run("list universities")
        .says("suspended: on leave: back in May")
        .run("constituent suspend ada@lakeside.example.org --reason \"on leave: back in May\"")
        .says("nothing to do: suspended already")
        .run("constituent suspend ada@lakeside.example.org --reason yes")
        .exits(2)
        .says("`suspended` takes the reason, not yes or no")
        .run("constituent remove ada@lakeside.example.org")
        .look(|world| assert_eq!(world.text(LAKESIDE), before))
        .run("constituent remove ada@lakeside.example.org --json")
        .exits(2)
        .says("no contact has this address");
}

#[test]
fn a_list_that_a_constituent_did_not_have_reaches_the_new_contact_only() {
    let world = World::without_advisories();
    let before = world.text(LAKESIDE);
    world
        .run("constituent add lakeside-university ada@lakeside.example.org --name Ada --list operators")
        .exits(1)
        .says("warning: no certificate: what list `operators` encrypts is held for this contact")
        .look(|world| {
            let expected = "-lists: [universities]\n+lists: [universities, operators]\n+    lists: [universities]\n\
                 +    lists: [universities]\n+  - name: Ada\n+    address: ada@lakeside.example.org\n+    lists: [operators]\n\
                 +    joined: 2026-11-22\n";
            assert_eq!(changes(&before, &world.text(LAKESIDE)), expected);
        })
        .run("list show operators --json")
        .gives(|json| {
            let members = json["members"].as_array().expect("members");
            let ada = members.iter().find(|member| member["name"] == "Ada").expect("Ada");
            assert_eq!((&ada["state"], &ada["can_be_encrypted_to"]), (&"no certificate".into(), &false.into()));
            assert!(!members.iter().any(|member| member["address"] == YELENA));
        })
        .run("constituent add lakeside-university bob@lakeside.example.org --name Bob --list universitis")
        .exits(2)
        .says("list `universitis` does not exist")
        .says("did you mean `universities`?")
        .run("constituent add lakeside bob@lakeside.example.org --name Bob")
        .exits(2)
        .says("constituent `lakeside` does not exist")
        .says("name it with `--organisation` if it is new")
        .run("constituent add harbour bob@harbour.example.org --name Bob --organisation Harbour --list open-announce")
        .run("constituent harbour")
        .says("bob@harbour.example.org");
}

#[test]
fn who_is_still_named_in_a_letter_is_missed_aloud() {
    World::without_advisories()
        .advisory("EX-2026-0101", &format!("tlp: RED\naudience: [{DANA}]"))
        .run(&format!("constituent remove {DANA}"))
        .exits(1)
        .says("nobody in `constituents/` has this address")
        .says("warning: with this change the workspace has errors");
}

const TABLE: &str = "\
constituent;organisation;name;address;certificate;phone;lists
lakeside-university;;\"Ada \"\"A\"\" Example\";ada@lakeside.example.org;;+7 727 555 0199;
harbour;Harbour Authority;Bob;bob@harbour.example.org;8DDE84B5C7676EA3C4D1C52B3C008A824D7B5100;;operators
harbour;;Eve;eve@harbour.example.org;;;community, operators
lakeside-university;;Yelena Kim;yelena@lakeside.example.org;;;universities
";

#[test]
fn a_table_from_a_spreadsheet_is_tried_imported_and_imported_again() {
    let excel = format!("\u{feff}{}", TABLE.replace('\n', "\r\n"));
    let world = World::sample().file("members.csv", &excel);
    let before = world.text(LAKESIDE);
    world
        .shell("$advise constituent import members.csv --dry-run")
        .exits(1)
        .says("there is no certificate `certs/8DDE84B5C7676EA3C4D1C52B3C008A824D7B5100.asc`")
        .says("  --> members.csv:3:55")
        .says("warning: no certificate: what list `universities` encrypts is held for this contact")
        .says("warning: no certificate: what list `operators` encrypts is held for this contact")
        .says("3     harbour              bob@harbour.example.org      would be added")
        .shell("$advise constituent import members.csv --json")
        .exits(1)
        .whatever_it_says()
        .gives(|json| {
            assert_eq!((&json["written"], &json["dry_run"], &json["errors"]), (&true.into(), &false.into(), &0.into()));
            let results: Vec<&str> =
                json["rows"].as_array().expect("rows").iter().map(|row| row["result"].as_str().expect("a word")).collect();
            assert_eq!(results, ["added", "added", "added", "unchanged"]);
            assert_eq!(json["files"].as_array().expect("files").len(), 2);
        })
        .look(|world| {
            let new = "+  - name: Ada \"A\" Example\n+    address: ada@lakeside.example.org\n+    phone: \"+7 727 555 0199\"\n";
            assert_eq!(changes(&before, &world.text(LAKESIDE)), new);
            let harbour = "name: Harbour Authority\nlists: [operators, community]\ncontacts:\n  - name: Bob\n    \
                 address: bob@harbour.example.org\n    certificate: \"8DDE84B5C7676EA3C4D1C52B3C008A824D7B5100\"\n    \
                 lists: [operators]\n  - name: Eve\n    address: eve@harbour.example.org\n";
            assert_eq!(world.text("constituents/harbour.yaml"), harbour);
        })
        .shell("$advise constituent import members.csv")
        .says("4     harbour              eve@harbour.example.org      unchanged")
        .run("check")
        .exits(1)
        .whatever_it_says();
}

#[test]
fn one_wrong_line_and_nothing_is_written() {
    let wrong = "\
constituent,organisation,name,address,certificate,lists
north,,A,a@north.example.org,,
harbour,Harbour,B,b at harbour.example.org,,
harbour,Harbour,C,c@harbour.example.org,,comunity
harbour,Harbour,D,d@harbour.example.org,89ABCDEF,
harbour,Harbour,E,e@harbour.example.org,,community
harbour,Harbour,F,E@harbour.example.org,,community
lakeside-university,,Yelena Kimm,yelena@lakeside.example.org,,
northern-university,,E,e@harbour.example.org,8DDE84B5C7676EA3C4D1C52B3C008A824D7B5100,
";
    World::sample()
        .file("members.csv", wrong)
        .shell("$advise constituent import members.csv")
        .exits(2)
        .says("error: constituent `north` does not exist")
        .says("error: `b at harbour.example.org` is not a mail address")
        .says("  --> members.csv:3:19")
        .says("error: list `comunity` does not exist")
        .says("did you mean `community`?")
        .says("error: `89ABCDEF` is not a certificate's fingerprint")
        .says("this is a key ID, which can be forged")
        .says("error: line 6 has this address already")
        .says("  --> members.csv:7:19")
        .says("already, with another value")
        .says("error: line 6 has this address too, with another certificate")
        .says(&format!("5{}wrong", " ".repeat(55)))
        .says("right, not added")
        .says("error: `members.csv` has 7 mistakes; nothing was written")
        .shell("$advise constituent import members.csv --json --dry-run")
        .exits(2)
        .whatever_it_says()
        .gives(|json| assert_eq!((&json["errors"], &json["written"]), (&7.into(), &false.into())))
        .file("members.csv", "constituent,name,adress\nharbour,A,a@harbour.example.org\n")
        .shell("$advise constituent import members.csv")
        .exits(2)
        .says("error: column `adress` is not known")
        .says("did you mean `address`?")
        .says("error: `members.csv` has 1 mistake; nothing was written")
        .shell("printf 'constituent,name,address\\nharbour,\\xc0\\xeb,a@b.example.org\\n' > ../old.csv; $advise constituent import ../old.csv")
        .exits(2)
        .says("error: the table is not UTF-8: here stands the byte 0xc0")
        .says("nothing was written");
}

#[test]
fn what_is_exported_is_imported_as_the_same() {
    for way in ["--csv", "--excel"] {
        let mut world = World::without_advisories().run("constituent --json");
        let before = world.json();
        let mut world = world.run(&format!("constituent export {way}"));
        let table = world.output();
        assert_eq!(table.starts_with('\u{feff}'), way == "--excel");
        let mut world = world
            .without("constituents")
            .file("all.csv", &table)
            .shell("$advise constituent import all.csv")
            .exits(1)
            .whatever_it_says()
            .run("constituent --json");
        assert_eq!(world.json(), before, "{way}");
        let mut world = world.run(&format!("constituent export {way}"));
        assert_eq!(world.output(), table);
        assert!(
            world
                .text(NORTH)
                .contains("suspended: left the university in August 2026")
        );
    }
}
