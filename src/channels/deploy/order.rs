//! In which order files are sent, so that a reader never follows a link to something that is not there.

use crate::{channels::site::Changes, terms::Lang};

/// Files that are sent together, in any order, before the next pass begins.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Pass<'a> {
    pub paths: Vec<&'a str>,
    pub removes: bool,
}

/// All passes that have something to do.
///
/// New pages link to new lists and those to the pages, so no order among new files is enough: but nothing that stands
/// points to any of them (and of a whole new site, the first page comes last). What changed may point to all that is
/// new, and to what stood before. What goes is gone only when nothing that is left points to it.
pub(super) fn passes<'a>(changes: &'a Changes, languages: &[Lang]) -> Vec<Pass<'a>> {
    let mut passes = Vec::new();
    for paths in [&changes.added, &changes.changed] {
        for rank in Rank::ALL {
            let of_rank = paths
                .iter()
                .map(String::as_str)
                .filter(|path| Rank::of(path, languages) == rank);
            passes.push(Pass {
                paths: of_rank.collect(),
                removes: false,
            });
        }
    }
    passes.push(Pass {
        paths: changes.removed.iter().map(String::as_str).collect(),
        removes: true,
    });
    passes.retain(|pass| !pass.paths.is_empty());
    passes
}

/// What a file is for a reader: what leads to others comes after them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rank {
    /// Style sheets and pictures, signed texts, attachments, keys: they lead nowhere.
    Leaf,
    Page,
    List,
    /// Feeds and the sitemap: programs come from there.
    Feed,
    /// The home pages of other languages.
    Home,
    /// The first page, from which all can be reached.
    First,
}

impl Rank {
    const ALL: [Rank; 6] = [
        Rank::Leaf,
        Rank::Page,
        Rank::List,
        Rank::Feed,
        Rank::Home,
        Rank::First,
    ];

    fn of(path: &str, languages: &[Lang]) -> Rank {
        if path == "index.html" {
            return Rank::First;
        }
        let path = match path.split_once('/') {
            Some((first, rest)) if languages.iter().any(|lang| lang.as_str() == first) => rest,
            _ => path,
        };
        let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
        match file {
            "rss.xml" | "atom.xml" | "feed.json" => return Rank::Feed,
            _ if folder.is_empty() && file.starts_with("sitemap") => return Rank::Feed,
            "index.html" if folder.is_empty() => return Rank::Home,
            _ if !file.ends_with(".html") => return Rank::Leaf,
            _ => {}
        }
        let mut parts = folder.split('/');
        match (parts.next(), parts.next()) {
            (Some("severity" | "kind" | "vendor" | "language" | "search" | "feeds"), _)
            | (Some("advisories"), None) => Rank::List,
            // Years and the pages of a list, which no id can be mistaken for.
            (Some("advisories"), Some(part))
                if part == "page" || part.bytes().all(|b| b.is_ascii_digit()) =>
            {
                Rank::List
            }
            _ => Rank::Page,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leads_to_others_comes_after_them() {
        let owned = |paths: &[&str]| {
            paths
                .iter()
                .map(|path| path.to_string())
                .collect::<Vec<_>>()
        };
        let changes = Changes {
            added: owned(&[
                "advisories/EX-2026-0001/index.html",
                "vendor/acme/index.html",
            ]),
            changed: owned(&[
                "advisories/EX-2026-0002/index.html",
                "advisories/2026/index.html",
                "advisories/EX-2026-0002.txt",
                "assets/site.css",
                "index.html",
                "pgp/index.html",
                "ru/index.html",
                "ru/rss.xml",
                "severity/high/index.html",
                "sitemap.xml",
            ]),
            removed: owned(&["advisories/EX-2026-0003/index.html"]),
        };
        let languages = ["en", "ru"].map(|lang| lang.parse().expect("a language"));
        let passes: Vec<(Vec<&str>, bool)> = passes(&changes, &languages)
            .into_iter()
            .map(|pass| (pass.paths, pass.removes))
            .collect();
        assert_eq!(
            passes,
            [
                (vec!["advisories/EX-2026-0001/index.html"], false),
                (vec!["vendor/acme/index.html"], false),
                (
                    vec!["advisories/EX-2026-0002.txt", "assets/site.css"],
                    false
                ),
                (
                    vec!["advisories/EX-2026-0002/index.html", "pgp/index.html"],
                    false
                ),
                (
                    vec!["advisories/2026/index.html", "severity/high/index.html"],
                    false
                ),
                (vec!["ru/rss.xml", "sitemap.xml"], false),
                (vec!["ru/index.html"], false),
                (vec!["index.html"], false),
                (vec!["advisories/EX-2026-0003/index.html"], true),
            ]
        );
    }
}
