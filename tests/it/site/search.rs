//! Search over an archive of a few thousand advisories: how large its files get, and how many of them change.

use super::pages::{Sample, lang};
use advise::{
    advisory::{self, Advisory},
    artefact::{Artefact, Digest},
    diag::{Findings, Source},
    render::{
        site::{
            pages::{SiteShop, Supplies},
            search::{FoundPage, FoundShop, IndexPart, PartShop, Shelves},
        },
        words,
    },
    terms::Moment,
    tlp::{Gate, Public},
};
use std::collections::BTreeMap;

/// An advisory with some CVEs of its own, one that all of a year share, and a long title in two-byte letters.
fn made(number: usize) -> Advisory {
    let (year, month, day) = (2021 + number / 700, 1 + number / 59 % 12, 1 + number % 28);
    let title = format!(
        "Шлюз \\\"{number}\\\" & {}: <script>",
        "уязвимость ".repeat(12)
    );
    let affected = format!(
        "{{vendor: Vendor {}, product: \"Product S7-{number} of the house\", versions: all}}",
        number % 40
    );
    let text = format!(
        "---\nid: EX-{year}-{number:04}\nstatus: final\ntitle: \"{title}\"\ndate: {year}-{month:02}-{day:02}\ntlp: CLEAR\n\
         severity: high\naudience: [public]\naffected: [{affected}]\n\
         cves: [CVE-{year}-1000, CVE-{year}-{}, CVE-{year}-{}]\n---\n## Summary\n\nUpdate it.\n",
        2000 + number,
        30_000 + 17 * number,
    );
    let mut findings = Findings::new();
    let id = format!("EX-{year}-{number:04}");
    let source = Source::new(format!("advisories/{id}.md"), text);
    let parsed = advisory::parse(&source, &id, &lang("en"), &mut findings);
    parsed
        .unwrap_or_else(|| panic!("{findings:?}"))
        .advisory
        .with(Vec::new(), Vec::new())
}

/// A file, and digests of what it was made of.
type Files = BTreeMap<String, (Artefact, Vec<Digest>)>;

/// All that search is made of for these advisories, in one language.
fn files(sample: &Sample, advisories: &[Advisory]) -> Files {
    let now: Moment = "2026-11-22T12:00:00Z".parse().expect("a moment");
    let gate = Gate::new(&now, &now);
    let public = advisories.iter().filter(|one| gate.is_open(one, &Public));
    let public = gate.open_all(public, Public).expect("all are public");
    let site = &sample.settings.site;
    let words = words::read(&site.languages, &[], &mut Findings::new());
    let documents = BTreeMap::new();
    let shop = SiteShop::open(Supplies {
        site,
        team: &sample.team,
        words: &words,
        templates: &[],
        keys: &[],
        rfc2350: &documents,
        pages: &[],
        assets: &[],
        signer: None,
    })
    .expect("good templates");
    let room = shop.room(&lang("ru")).expect("a Russian site");
    let shelves = Shelves::of(public.thing(), site.url.path());
    let parts = shelves.parts().map(|part| {
        let part = PartShop { site, part };
        (
            public
                .make::<IndexPart>(&part)
                .expect("a part of the index")
                .into_artefact(),
            part.made_of(public.thing()),
        )
    });
    let pages = shelves.pages().iter().map(|found| {
        let page = FoundShop { room, found };
        assert!(page.path().starts_with("ru/search/"));
        (
            public
                .make::<FoundPage>(&page)
                .expect("a page")
                .into_artefact(),
            page.made_of(public.thing()),
        )
    });
    parts
        .chain(pages)
        .map(|(file, made_of)| (file.thing().path.clone(), (file.thing().clone(), made_of)))
        .collect()
}

fn text(file: &Artefact) -> String {
    String::from_utf8(file.bytes.clone()).expect("text")
}

#[test]
fn a_large_archive_stays_in_small_files_and_a_new_advisory_changes_few() {
    let sample = Sample::read();
    let mut advisories: Vec<Advisory> = (0..2000).map(made).collect();
    let before = files(&sample, &advisories);
    let (mut index, mut linked) = (0, BTreeMap::<String, usize>::new());
    for (path, (file, _)) in &before {
        if path.ends_with(".json") {
            index += file.bytes.len();
            continue;
        }
        assert!(
            file.bytes.len() < 60_000,
            "{path} has {} bytes",
            file.bytes.len()
        );
        for link in text(file)
            .split("href=\"/")
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
        {
            if let Some(id) = link
                .strip_prefix("ru/advisories/")
                .filter(|id| !id.is_empty())
            {
                *linked
                    .entry(id.trim_end_matches('/').to_string())
                    .or_default() += 1;
            } else if link.starts_with("ru/search/") && link != "ru/search/" {
                assert!(
                    before.contains_key(&format!("{link}index.html")),
                    "{path} leads to {link}, which is not there"
                );
            }
        }
    }
    assert!(
        index < 2000 * 500,
        "{index} bytes of index, of titles with 280 bytes each"
    );
    for one in &advisories {
        assert_eq!(
            linked.get(one.id.as_str()),
            Some(&4),
            "{}: by month and by each of three CVEs",
            one.id
        );
    }
    assert!(
        before.contains_key("ru/search/cve/2021/1000/page/2/index.html"),
        "one CVE of many advisories has several pages"
    );
    assert!(before.contains_key("ru/search/cve/2021/30xxx/index.html"));
    let part: serde_json::Value =
        serde_json::from_str(&text(&before["search/2021-1.json"].0)).expect("JSON");
    assert_eq!(part.as_array().map(Vec::len), Some(500));
    assert_eq!(
        part[0][5], "Vendor Product S7-0 of the house",
        "each word once, and none of the title"
    );

    advisories.push(made(2000));
    let after = files(&sample, &advisories);
    let changed: Vec<&String> = after
        .iter()
        .filter(|(path, file)| before.get(*path) != Some(file))
        .map(|(path, _)| path)
        .collect();
    let parts: Vec<&&String> = changed
        .iter()
        .filter(|path| path.ends_with(".json"))
        .collect();
    assert_eq!(
        parts,
        [&"search/2023-2.json"],
        "one part of the index, the last"
    );
    assert!(changed.len() <= 6, "its month, its CVEs: {changed:?}");
    assert!(
        before.keys().all(|path| after.contains_key(path)),
        "nothing moved"
    );
}
