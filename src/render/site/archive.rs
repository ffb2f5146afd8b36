//! The archive: every year and month in which something public was first published, and how much.

use super::{
    index::{Catalogue, Scope},
    page::{Head, RenderError, Room},
};
use crate::{
    advisory::Advisory,
    artefact::Artefact,
    tlp::{ByMake, Made, Public},
};
use serde::Serialize;

#[derive(Serialize)]
struct ArchiveMonth {
    href: String,
    name: String,
    count: String,
}

#[derive(Serialize)]
struct ArchiveYear {
    href: String,
    /// As it stands in the path: `2026`.
    number: i16,
    name: String,
    count: String,
    months: Vec<ArchiveMonth>,
}

#[derive(Serialize)]
struct ArchiveView {
    head: Head,
    years: Vec<ArchiveYear>,
}

/// The page of all years and months.
#[derive(Debug, Clone)]
pub struct ArchivePage(Artefact);

impl From<ArchivePage> for Artefact {
    fn from(page: ArchivePage) -> Artefact {
        page.0
    }
}

impl Made<Vec<&Advisory>, Public> for ArchivePage {
    type Shop<'s> = (&'s Room<'s>, &'s Catalogue<'s>);
    type Error = RenderError;

    fn made(
        _: &Vec<&Advisory>,
        _: &Public,
        (room, catalogue): &(&Room<'_>, &Catalogue<'_>),
        _: ByMake,
    ) -> Result<ArchivePage, RenderError> {
        let words = room.words;
        let count = |scope: Scope<'_>| words.count("count_advisories", catalogue.list(scope).len());
        let month = |scope: Scope<'_>| ArchiveMonth {
            href: room.link(&scope.path()),
            name: scope.word(room),
            count: count(scope),
        };
        let years = catalogue.years().filter_map(|scope| {
            let Scope::Year(number) = scope else {
                return None;
            };
            let months = (1..=12).rev().map(|month| Scope::Month(number, month));
            Some(ArchiveYear {
                href: room.link(&scope.path()),
                number,
                name: scope.word(room),
                count: count(scope),
                months: months
                    .filter(|scope| !catalogue.list(*scope).is_empty())
                    .map(month)
                    .collect(),
            })
        });
        let (title, about) = (words.get("archive"), words.get("archive_text"));
        let view = ArchiveView {
            head: room.head("archive/", title, about, "advisories", &room.everywhere()),
            years: years.collect(),
        };
        room.file("archive/", "archive.html", &view)
            .map(ArchivePage)
    }
}
