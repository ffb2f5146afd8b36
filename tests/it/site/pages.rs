//! The site of the sample workspace, made as `publish` makes it and read as a visitor does.

use advise::{
    advisory::{self, Advisory, Attachment},
    artefact::Artefact,
    diag::{Findings, Source},
    render::{
        site::{
            advisory::Page,
            pages::{self, KeyView, OwnPage, Put, SiteShop, Supplies},
            plain_text::{Twin, has_twin},
            versions::{DocumentView, EditionView},
        },
        words,
    },
    settings::{self, Settings},
    team::{self, Team},
    terms::{Lang, Moment},
    tlp::{Gate, Public, Shareable},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn source(path: &Path) -> Source {
    let text = fs::read_to_string(path).expect("a readable file");
    Source::new(
        path.strip_prefix(root())
            .expect("a file of the sample")
            .to_string_lossy()
            .to_string(),
        text,
    )
}

fn files(folder: &str) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(root().join(folder))
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    found.sort();
    found
}

fn stem(path: &Path) -> String {
    path.file_stem()
        .expect("a name")
        .to_string_lossy()
        .to_string()
}

pub fn lang(tag: &str) -> Lang {
    tag.parse().expect("a language")
}

/// What the sample says, read by the program's own parsers.
pub struct Sample {
    pub settings: Settings,
    pub team: Team,
    advisories: Vec<Advisory>,
    pages: Vec<(String, Lang, String, Option<u32>, String)>,
    assets: Vec<(String, Vec<u8>)>,
}

impl Sample {
    pub fn read() -> Sample {
        let mut findings = Findings::new();
        let settings = settings::parse(&source(&root().join("advise.yaml")), &mut findings)
            .expect("good settings");
        let team =
            team::parse(&source(&root().join("team.yaml")), &mut findings).expect("a good team");
        let all = files("advisories/2026");
        let stems: Vec<String> = all.iter().map(|path| stem(path)).collect();
        let mut advisories = Vec::new();
        for path in all
            .iter()
            .filter(|path| path.extension().is_some_and(|end| end == "md"))
        {
            let name = stem(path);
            let (id, translation) =
                advisory::file_name(&name, |id| stems.iter().any(|stem| stem == id));
            if translation.is_some() {
                continue;
            }
            let one = advisory::parse(&source(path), id, &lang("en"), &mut findings)
                .expect("a good advisory");
            let mut texts = Vec::new();
            for tag in ["ru", "ar"] {
                let path = path.with_file_name(format!("{id}.{tag}.md"));
                if path.is_file() {
                    let text = advisory::parse_translation(&source(&path), &mut findings)
                        .expect("a translation");
                    texts.push((lang(tag), text));
                }
            }
            let folder = path.with_extension("");
            let attachments = fs::read_dir(folder).map_or(Vec::new(), |entries| {
                let read = |path: PathBuf| Attachment {
                    name: path
                        .file_name()
                        .expect("a name")
                        .to_string_lossy()
                        .to_string(),
                    bytes: Arc::from(fs::read(&path).expect("a file")),
                };
                entries
                    .map(|entry| read(entry.expect("an entry").path()))
                    .collect()
            });
            advisories.push(one.advisory.with(texts, attachments));
        }
        let pages = files("site/pages")
            .iter()
            .map(|path| own_page(path))
            .collect();
        let assets = files("site/assets")
            .iter()
            .map(|path| {
                (
                    path.file_name()
                        .expect("a name")
                        .to_string_lossy()
                        .to_string(),
                    fs::read(path).expect("a file"),
                )
            })
            .collect();
        assert!(!findings.has_errors(), "{findings:?}");
        Sample {
            settings,
            team,
            advisories,
            pages,
            assets,
        }
    }

    /// Makes the site at a time, with some overriding templates.
    fn site(&self, now: &str, templates: &[(String, String)]) -> BTreeMap<String, Artefact> {
        let now: Moment = now.parse().expect("a moment");
        let gate = Gate::new(&now, &now);
        let public = self
            .advisories
            .iter()
            .filter(|one| gate.is_open(one, &Public));
        let public = gate.open_all(public, Public).expect("all are public");
        let mut findings = Findings::new();
        let words = words::read(&self.settings.site.languages, templates, &mut findings);
        assert!(findings.is_empty(), "{findings:?}");
        let keys = [KeyView {
            fingerprint: self.team.keys[0].clone(),
            user_ids: vec!["Example CERT <cert@cert.example.org>".into()],
            algorithm: Some("Ed25519".into()),
            created: Some("2026-06-01".parse().expect("a date")),
            expires: Some("2029-06-01".parse().expect("a date")),
            encryption_expires: Some("2028-06-01".parse().expect("a date")),
            armored: b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n".to_vec(),
        }];
        let rfc2350 = BTreeMap::from([(
            lang("en"),
            DocumentView {
                html: "<h2 id=\"s1\">1 Document Information</h2>\n<h3 id=\"s1.1\">1.1 Date of Last Update</h3>\n<p>Version 3</p>"
                    .into(),
                version: "3".into(),
                date: "2026-11-01".parse().expect("a date"),
                text_path: "rfc2350.txt".into(),
                editions: vec![EditionView {
                    version: 3,
                    date: "2026-11-01".parse().expect("a date"),
                    title: "RFC 2350 description, version 3".into(),
                    text_path: "rfc2350/archive/3.txt".into(),
                    sections: "2.4".into(),
                    news: "<h2>2.4 Telephone Number</h2>\n<pre tabindex=\"0\"><code><ins>+ Telephone: 1</ins>\n</code></pre>"
                        .into(),
                }],
            },
        )]);
        let pages: Vec<OwnPage<'_>> = self
            .pages
            .iter()
            .map(|(name, lang, title, nav, markdown)| OwnPage {
                name,
                lang,
                title,
                nav: *nav,
                markdown,
            })
            .collect();
        let supplies = Supplies {
            site: &self.settings.site,
            team: &self.team,
            words: &words,
            templates,
            keys: &keys,
            rfc2350: &rfc2350,
            pages: &pages,
            assets: &self.assets,
            signer: None,
        };
        let shop = SiteShop::open(supplies).expect("good templates");
        let made = Mutex::new(BTreeMap::new());
        let put = |one: &Artefact| {
            let before = made
                .lock()
                .expect("no panic elsewhere")
                .insert(one.path.clone(), one.clone());
            assert!(before.is_none(), "{} is made twice", one.path);
        };
        let sink = |one: Shareable<Artefact, Public>| {
            put(one.thing());
            Ok::<(), std::convert::Infallible>(())
        };
        let unsigned = |twin: &Shareable<Twin, Public>, _: &Put<'_, std::convert::Infallible>| {
            put(&twin.thing().clone().into());
            Ok(())
        };
        pages::render(&shop, &public, &sink, unsigned).expect("a site");
        let made = made.into_inner().expect("no panic elsewhere");
        // What is made together, of a text that is read once, is what each room makes alone.
        for one in public.each() {
            for room in shop.rooms() {
                let pages = one
                    .make::<Vec<Page>>(room)
                    .expect("pages")
                    .each()
                    .map(Shareable::into_artefact);
                let twin = has_twin(one.thing(), &room.lang, room.site)
                    .then(|| one.make::<Twin>(room).expect("a twin"));
                for alone in pages.chain(twin.map(Shareable::into_artefact)) {
                    assert_eq!(made.get(&alone.thing().path), Some(alone.thing()));
                }
            }
        }
        made
    }
}

fn own_page(path: &Path) -> (String, Lang, String, Option<u32>, String) {
    let name = stem(path);
    let (name, tag) = name
        .split_once('.')
        .map_or((name.as_str(), "en"), |(name, tag)| (name, tag));
    let text = fs::read_to_string(path).expect("a readable file");
    let (head, body) = text
        .trim_start_matches("---\n")
        .split_once("\n---\n")
        .expect("front matter");
    let field = |key: &str| {
        head.lines()
            .find_map(|line| line.strip_prefix(key))
            .map(|value| value.trim().to_string())
    };
    let nav = field("nav:").map(|nav| nav.parse().expect("a number"));
    (
        name.to_string(),
        lang(tag),
        field("title:").expect("a title"),
        nav,
        body.to_string(),
    )
}

const NOW: &str = "2026-11-22T12:00:00Z";
fn text(site: &BTreeMap<String, Artefact>, path: &str) -> String {
    let one = site
        .get(path)
        .unwrap_or_else(|| panic!("{path} is not there"));
    String::from_utf8(one.bytes.clone()).expect("text")
}

/// Written where a person can look at it: `target/tmp/site`.
fn write(site: &BTreeMap<String, Artefact>) {
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("site");
    let _ = fs::remove_dir_all(&out);
    for (path, one) in site {
        let path = out.join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, &one.bytes).expect("a file");
    }
}

#[test]
fn a_text_in_a_language_of_its_own_has_the_words_of_each_page_around_it() {
    let mut sample = Sample::read();
    let text = "---\nid: EX-2026-0999\ntitle: \"Қауіпсіздік\"\ndate: 2026-07-01\ntlp: CLEAR\nseverity: high\naudience: [public]\n\
        lang: kk\nstatus: final\n---\n> [!WARNING]\n> Мәтін[^1]\n\n[^1]: Ескерту\n";
    let source = Source::new("advisories/EX-2026-0999.md", text);
    let parsed = advisory::parse(&source, "EX-2026-0999", &lang("en"), &mut Findings::new())
        .expect("a good advisory");
    sample.advisories.push(parsed.advisory);
    let site = sample.site(NOW, &[]);
    for (folder, word) in [("", ">Warning<"), ("ru/", ">Внимание<")] {
        let page = self::text(
            &site,
            &format!("{folder}advisories/EX-2026-0999/index.html"),
        );
        assert!(page.contains(word), "{word} in {page}");
    }
    assert!(self::text(&site, "advisories/EX-2026-0999.txt").contains("| WARNING"));
    assert!(!site.contains_key("ru/advisories/EX-2026-0999.txt"));
}

#[test]
fn the_places_of_the_contract_are_there() {
    let site = Sample::read().site(NOW, &[]);
    write(&site);
    for path in [
        "index.html",
        "advisories/index.html",
        "advisories/2026/index.html",
        "advisories/EX-2026-0007/index.html",
        "advisories/EX-2026-0007.txt",
        "severity/critical/index.html",
        "severity/critical/rss.xml",
        "kind/alert/index.html",
        "kind/alert/rss.xml",
        "rss.xml",
        "atom.xml",
        "feed.json",
        "severity/critical/atom.xml",
        "archive/index.html",
        "advisories/2026/11/index.html",
        "vendor/index.html",
        "language/ru/index.html",
        "language/ru/rss.xml",
        "feeds/index.html",
        "rfc2350/index.html",
        "pgp/index.html",
        "pgp-key.asc",
        "report/index.html",
        "report/form.txt",
        "assets/site.css",
        "assets/favicon.svg",
        "assets/search.js",
        "assets/minisearch.js",
        "search/index.html",
        "search/2026-06/index.html",
        "search/cve/2026/index.html",
        "sitemap.xml",
        "robots.txt",
        "404.html",
    ] {
        assert!(site.contains_key(path), "{path} is not there");
        let is_page = path.ends_with(".html") || path.ends_with("rss.xml");
        for tag in ["ru", "ar"] {
            assert!(
                !is_page || site.contains_key(&format!("{tag}/{path}")),
                "{tag}/{path} is not there"
            );
        }
    }
}

#[test]
fn nothing_tells_of_what_is_closed() {
    let sample = Sample::read();
    let site = sample.site(NOW, &[]);
    let now: Moment = NOW.parse().expect("a moment");
    let gate = Gate::new(&now, &now);
    let closed: Vec<&Advisory> = sample
        .advisories
        .iter()
        .filter(|one| !gate.is_open(one, &Public))
        .collect();
    assert!(closed.len() >= 5);
    for (path, one) in &site {
        let text = String::from_utf8_lossy(&one.bytes);
        for advisory in &closed {
            assert!(!path.contains(advisory.id.as_str()), "{path}");
            assert!(
                !text.contains(advisory.id.as_str()) && !text.contains(advisory.title()),
                "{path} tells of {}",
                advisory.id
            );
        }
    }
}

#[test]
fn nothing_comes_from_another_host_and_nothing_runs() {
    let site = Sample::read().site(NOW, &[]);
    for (path, one) in site.iter().filter(|(path, _)| path.ends_with(".html")) {
        let text = String::from_utf8_lossy(&one.bytes);
        for forbidden in [
            "<style",
            " style=\"",
            " src=\"http",
            "javascript:",
            " onclick",
            "@import",
            "<iframe",
        ] {
            assert!(!text.contains(forbidden), "{path} has {forbidden}");
        }
        // The search page alone has a script: one, from this site.
        let scripts: Vec<&str> = text.split("<script").skip(1).collect();
        match path.trim_start_matches("ru/").trim_start_matches("ar/") {
            "search/index.html" => {
                assert!(
                    scripts.len() == 1
                        && scripts[0].starts_with(" type=\"module\" src=\"/assets/search.js?v="),
                    "{path}"
                );
                assert!(
                    text.contains("script-src 'self'; connect-src 'self'"),
                    "{path} may not run its script"
                );
            }
            _ => assert!(
                scripts.is_empty() && !text.contains("script-src"),
                "{path} may run a script"
            ),
        }
        assert!(text.contains("default-src 'none'"), "{path} has no policy");
    }
    assert!(!text(&site, "assets/site.css").contains("url("));
}

#[test]
fn every_link_within_the_site_leads_somewhere() {
    let site = Sample::read().site(NOW, &[]);
    // Made by others: the signed RFC 2350 document.
    let texts = [
        "rfc2350.txt",
        "rfc2350.txt.asc",
        "rfc2350/archive/3.txt",
        "rfc2350/archive/3.txt.asc",
    ];
    let elsewhere = BTreeSet::from(texts.map(str::to_string));
    for (path, one) in site.iter().filter(|(path, _)| path.ends_with(".html")) {
        let text = String::from_utf8_lossy(&one.bytes);
        for piece in text
            .split("href=\"")
            .skip(1)
            .chain(text.split("src=\"").skip(1))
        {
            let href = piece.split('"').next().unwrap_or_default();
            let href = href
                .strip_prefix("https://cert.example.org")
                .unwrap_or(href);
            if !href.starts_with('/') {
                continue;
            }
            let target = href
                .split(['?', '#'])
                .next()
                .unwrap_or_default()
                .trim_start_matches('/');
            let target = if target.is_empty() || target.ends_with('/') {
                format!("{target}index.html")
            } else {
                target.to_string()
            };
            assert!(
                site.contains_key(&target) || elsewhere.contains(&target),
                "{path} leads to {href}, which is not there"
            );
        }
    }
}

#[test]
fn a_translation_is_linked_and_what_is_not_translated_says_so() {
    let site = Sample::read().site(NOW, &[]);
    let translated = text(&site, "ru/advisories/EX-2026-0007/index.html");
    assert!(
        translated.contains("<h1>Example Gateway: удалённое"),
        "{translated}"
    );
    assert!(
        translated
            .contains("hreflang=\"en\" href=\"https://cert.example.org/advisories/EX-2026-0007/\"")
    );
    assert!(site.contains_key("ru/advisories/EX-2026-0007.txt"));
    let foreign = text(&site, "ru/advisories/EX-2026-0012/index.html");
    assert!(
        foreign.contains("Этот текст не переведён")
            && foreign.contains("<h1 lang=\"en\" dir=\"ltr\">"),
        "{foreign}"
    );
    assert!(
        foreign.contains(
            "rel=\"canonical\" href=\"https://cert.example.org/advisories/EX-2026-0012/\""
        )
    );
    assert!(!site.contains_key("ru/advisories/EX-2026-0012.txt"));
}

#[test]
fn what_is_written_from_right_to_left_stands_so_and_what_is_not_does_not() {
    let site = Sample::read().site(NOW, &[]);
    let arabic = text(&site, "ar/advisories/EX-2026-0007/index.html");
    assert!(
        arabic.contains("<html lang=\"ar\" dir=\"rtl\">")
            && arabic.contains("<h1>Example Gateway: تنفيذ"),
        "{arabic}"
    );
    assert!(
        arabic.contains("<time datetime=\"2026-10-27\">27 أكتوبر 2026</time>"),
        "{arabic}"
    );
    for isolated in [
        "<bdi class=\"id\">EX-2026-0007</bdi>",
        "<bdi>&gt;= 8.0, &lt; 8.1.1</bdi>",
        "lang=\"en\" dir=\"ltr\">Fixed version",
    ] {
        assert!(arabic.contains(isolated), "{isolated}\n{arabic}");
    }
    let foreign = text(&site, "ar/advisories/EX-2026-0002/index.html");
    assert!(
        foreign.contains("<h1 lang=\"en\" dir=\"ltr\">")
            && foreign.contains("<div class=\"prose\" lang=\"en\" dir=\"ltr\">")
    );
    let english = text(&site, "advisories/EX-2026-0007/index.html");
    assert!(english.contains(
        "hreflang=\"x-default\" href=\"https://cert.example.org/advisories/EX-2026-0007/\""
    ));
    assert!(english.contains(
        "<a href=\"/ar/advisories/EX-2026-0007/\" lang=\"ar\" hreflang=\"ar\">العربية</a>"
    ));
}

#[test]
fn a_score_is_explained_metric_by_metric() {
    let page = text(
        &Sample::read().site(NOW, &[]),
        "ru/advisories/EX-2026-0007/index.html",
    );
    assert!(
        page.contains("<strong class=\"score\">9,8</strong> Критическая"),
        "{page}"
    );
    let row =
        "<tr><th scope=\"row\">Вектор атаки</th><td>по сети, в том числе из интернета</td></tr>";
    assert_eq!(page.matches(row).count(), 3, "{page}");
    assert_eq!(
        page.matches("<details class=\"explained\" open>").count(),
        1,
        "the worst stands open"
    );
}

#[test]
fn a_form_can_be_taken_as_a_file() {
    let site = Sample::read().site(NOW, &[]);
    let (page, form) = (
        text(&site, "report/index.html"),
        text(&site, "report/form.txt"),
    );
    assert!(page.contains("href=\"/report/form.txt\"") && page.contains("class=\"fingerprint\""));
    assert!(
        form.starts_with("TLP label") && form.contains("\n1. Who reports\n"),
        "{form}"
    );
    assert_eq!(
        page.matches("<h2 id=\"encrypted-mail\">").count(),
        1,
        "what follows the form is there, once"
    );
}

#[test]
fn the_archive_counts_what_is_public_and_nothing_else() {
    let sample = Sample::read();
    let page = text(&sample.site(NOW, &[]), "archive/index.html");
    let now: Moment = NOW.parse().expect("a moment");
    let gate = Gate::new(&now, &now);
    let public = sample
        .advisories
        .iter()
        .filter(|one| gate.is_open(one, &Public))
        .count();
    assert!(
        page.contains(&format!(
            "<a href=\"/advisories/2026/\">2026</a> <span class=\"soft\">{public} advisories</span>"
        )),
        "{page}"
    );
    assert!(page.contains("<a href=\"/advisories/2026/11/\">November 2026</a> <span class=\"soft\">1 advisory</span>"), "{page}");
}

/// Real ones have 404 CVEs, and texts of 300 KB.
#[test]
fn no_page_of_a_huge_advisory_is_heavy() {
    let mut sample = Sample::read();
    let cves: Vec<String> = (0..404)
        .map(|number| format!("CVE-2026-{}", 10_000 + number))
        .collect();
    let vector = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H/E:P/RL:O/RC:C";
    let scores: String = cves
        .iter()
        .map(|cve| format!("  - {{cve: {cve}, vector: \"{vector}\"}}\n"))
        .collect();
    let affected: String = (0..300)
        .map(|number| format!("  - {{vendor: Example Networks, product: Model {number}, versions: \"< {number}.1\"}}\n"))
        .collect();
    let body: String = cves
        .iter()
        .map(|cve| {
            format!(
                "## {cve}\n\n{}\n\nSee [the first](#cve-2026-10000).\n\n",
                "Long words. ".repeat(60)
            )
        })
        .collect();
    let front = format!(
        "---\nid: EX-2026-0099\nstatus: final\ntitle: Huge\ndate: 2026-07-01\ntlp: CLEAR\nseverity: critical\naudience: [public]\ncves: [{}]\ncvss:\n{scores}affected:\n{affected}---\n{body}",
        cves.join(", ")
    );
    let mut findings = Findings::new();
    let source = Source::new("advisories/2026/EX-2026-0099.md", front);
    let huge = advisory::parse(&source, "EX-2026-0099", &lang("en"), &mut findings)
        .expect("a good advisory");
    assert!(!findings.has_errors(), "{findings:?}");
    sample.advisories.push(huge.advisory);
    let site = sample.site(NOW, &[]);
    for (path, one) in site.iter().filter(|(path, _)| path.ends_with(".html")) {
        assert!(
            one.bytes.len() < 60_000,
            "{path} has {} bytes",
            one.bytes.len()
        );
    }
    let pages: Vec<String> = site
        .keys()
        .filter(|path| path.starts_with("advisories/EX-2026-0099/"))
        .map(|path| text(&site, path))
        .collect();
    assert!(pages.len() > 5);
    let all = pages.concat();
    for cve in &cves {
        let row = format!(
            "<tr><th scope=\"row\"><a href=\"https://www.cve.org/CVERecord?id={cve}\">{cve}</a></th>"
        );
        assert_eq!(all.matches(&row).count(), 1, "{cve}");
    }
    assert_eq!(all.matches("<bdi>Model ").count(), 300);
    assert_eq!(
        all.matches("Long words. Long words.").count(),
        404 * 30,
        "no word is lost"
    );
    assert!(
        all.contains("href=\"/advisories/EX-2026-0099/#text-cve-2026-10000\""),
        "a link leads to the page of its target"
    );
}

#[test]
fn a_withdrawn_advisory_stays_and_says_why() {
    let page = text(
        &Sample::read().site(NOW, &[]),
        "advisories/EX-2026-0005/index.html",
    );
    assert!(page.contains("This advisory has been withdrawn."));
    assert!(page.contains("class=\"notice notice-withdrawn\""));
}

#[test]
fn a_feed_has_an_item_for_each_revision() {
    let site = Sample::read().site(NOW, &[]);
    let feed = rss::Channel::read_from(site["rss.xml"].bytes.as_slice()).expect("RSS");
    let guids: Vec<&str> = feed
        .items
        .iter()
        .map(|item| item.guid.as_ref().expect("a guid").value.as_str())
        .collect();
    for number in ["1", "2"] {
        let guid = format!("https://cert.example.org/advisories/EX-2026-0007/#revision-{number}");
        assert!(guids.contains(&guid.as_str()), "{guids:?}");
    }
    assert_eq!(feed.last_build_date, feed.items[0].pub_date);
    let newest = &feed.items[0];
    let content = newest.content.as_deref().expect("the full text");
    assert!(
        content.starts_with("<p><strong>TLP:CLEAR</strong></p>") && content.contains("<h2"),
        "{content}"
    );
    for item in &feed.items {
        assert!(
            !item
                .content
                .as_deref()
                .unwrap_or_default()
                .contains("href=\"/"),
            "a relative address in {:?}",
            item.title
        );
    }
    assert!(text(&site, "rss.xml").contains("rel=\"self\""));
}

#[test]
fn atom_and_json_have_an_entry_for_each_advisory_with_the_same_text() {
    let site = Sample::read().site(NOW, &[]);
    let rss = rss::Channel::read_from(site["rss.xml"].bytes.as_slice()).expect("RSS");
    let atom = atom_syndication::Feed::read_from(site["atom.xml"].bytes.as_slice()).expect("Atom");
    let json: serde_json::Value = serde_json::from_slice(&site["feed.json"].bytes).expect("JSON");
    let items = json["items"].as_array().expect("items");
    assert_eq!(atom.entries.len(), items.len());
    assert_eq!(atom.links[0].href, "https://cert.example.org/atom.xml");
    let link = "https://cert.example.org/advisories/EX-2026-0007/";
    let entries: Vec<_> = atom
        .entries
        .iter()
        .filter(|entry| entry.id == link)
        .collect();
    let [entry] = entries[..] else {
        panic!("{} entries for one advisory", entries.len())
    };
    assert!(
        entry.updated > entry.published.expect("a first day"),
        "a revision moves it up"
    );
    let item = items
        .iter()
        .find(|item| item["id"] == link)
        .expect("the same in JSON");
    let modified = item["date_modified"]
        .as_str()
        .and_then(|text| text.parse::<atom_syndication::FixedDateTime>().ok());
    assert_eq!(modified, Some(entry.updated));
    let guid = format!("{link}#revision-2");
    let newest = rss
        .items
        .iter()
        .find(|item| item.guid.as_ref().is_some_and(|one| one.value == guid))
        .expect("in RSS");
    let content = entry
        .content
        .as_ref()
        .and_then(|content| content.value.as_deref());
    let content = content.map(str::trim_end);
    assert_eq!(content, newest.content.as_deref().map(str::trim_end));
    assert_eq!(content, item["content_html"].as_str().map(str::trim_end));
}

#[test]
fn a_vendor_has_a_list_and_feeds_of_its_own() {
    let site = Sample::read().site(NOW, &[]);
    let all = text(&site, "vendor/index.html");
    let vendors: Vec<&str> = all
        .split("href=\"/vendor/")
        .skip(1)
        .filter_map(|rest| rest.split_once("/\""))
        .map(|(slug, _)| slug)
        .collect();
    assert!(vendors.len() > 1, "{all}");
    for slug in vendors {
        let list = text(&site, &format!("vendor/{slug}/index.html"));
        assert!(list.contains("href=\"/advisories/EX-"), "{list}");
        for file in ["rss.xml", "atom.xml", "feed.json"] {
            assert!(
                list.contains(&format!("href=\"/vendor/{slug}/{file}\""))
                    && site.contains_key(&format!("vendor/{slug}/{file}"))
            );
        }
    }
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let sample = Sample::read();
    // No embargo of the sample ends between the two.
    let (one, other) = (
        sample.site(NOW, &[]),
        sample.site("2026-11-22T18:00:00Z", &[]),
    );
    assert!(one.keys().eq(other.keys()));
    let differing: Vec<&String> = one
        .iter()
        .filter(|(path, file)| other[*path] != **file)
        .map(|(path, _)| path)
        .collect();
    assert!(differing.is_empty(), "{differing:?}");
}

#[test]
fn the_text_beside_a_page_is_plain_and_narrow() {
    let twin = text(
        &Sample::read().site(NOW, &[]),
        "advisories/EX-2026-0007.txt",
    );
    assert!(
        twin.starts_with("TLP:CLEAR\n") && twin.ends_with("\nTLP:CLEAR\n"),
        "{twin}"
    );
    for line in twin.lines() {
        assert_eq!(line, line.trim_end());
        let is_one_word = line.split_whitespace().count() <= 2;
        assert!(
            line.chars().count() <= 72 || is_one_word || line.contains("zgrep"),
            "{line}"
        );
    }
}

#[test]
fn a_template_of_the_workspace_is_taken_and_its_mistake_is_named() {
    let own = vec![(
        "not_found.html".to_string(),
        "gone: {{ team_name }}".to_string(),
    )];
    assert_eq!(
        text(&Sample::read().site(NOW, &own), "404.html"),
        "gone: Example CERT"
    );
}
