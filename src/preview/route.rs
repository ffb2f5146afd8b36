//! Which page of the preview a path asks for.

use super::{letters, overview, session::Session, word_of};
use crate::{
    render::{
        preview::{Mark, OWN, Sheet, Status, TwinOfSite, Unsigned, Word, Workshop},
        site::page::RenderError,
    },
    rfc2350::Document,
    tlp::{Shareable, Staff},
};

type Made = Result<Option<Shareable<Sheet, Staff>>, RenderError>;

impl Session<'_> {
    /// What staff are shown at a path below the preview's own.
    pub(super) fn sheet(&self, path: &str, workshop: &Workshop) -> Shareable<Sheet, Staff> {
        match self.made(path, workshop) {
            Ok(Some(sheet)) => sheet,
            Ok(None) => {
                let text = "The overview lists all advisories. One that is not addressed to the public has letters, but no page."
                    .to_string();
                word_of(
                    Word {
                        status: Status::Missing,
                        heading: "There is no such page".into(),
                        text,
                    },
                    workshop,
                )
            }
            Err(error) => {
                let text = format!("error: {error}\n");
                word_of(
                    Word {
                        status: Status::Broken,
                        heading: "This page cannot be made".into(),
                        text,
                    },
                    workshop,
                )
            }
        }
    }

    fn made(&self, path: &str, workshop: &Workshop) -> Made {
        if let Some(own) = path.strip_prefix(OWN) {
            return self.own(own, workshop);
        }
        if let Some(text) = self.unsigned(path)? {
            return Ok(Some(text));
        }
        let path = if path.is_empty() || path.ends_with('/') {
            format!("{path}index.html")
        } else {
            path.to_string()
        };
        Ok(self
            .collection
            .make::<Vec<Sheet>>(&(workshop, &self.desk, path.as_str()))?
            .each()
            .next())
    }

    fn own(&self, path: &str, workshop: &Workshop) -> Made {
        let page = match path {
            "" => Some(1),
            _ => path
                .strip_prefix("page/")
                .and_then(|page| page.strip_suffix('/')?.parse().ok()),
        };
        if let Some(page) = page {
            return match overview::page(self, page, workshop) {
                Some(overview) => Ok(Some(
                    Shareable::past_the_gate(overview).make::<Sheet>(workshop)?,
                )),
                None => Ok(None),
            };
        }
        if path == "plan/" {
            let heading = "What `advise publish` would do now".to_string();
            let word = Word {
                status: Status::Found,
                heading,
                text: self.plan().words.clone(),
            };
            return Ok(Some(word_of(word, workshop)));
        }
        let Some((id, slug)) = path
            .strip_prefix("letters/")
            .and_then(|rest| rest.split_once('/'))
        else {
            return Ok(None);
        };
        let Some(advisory) = self
            .snapshot
            .workspace
            .advisories
            .iter()
            .find(|one| one.id.as_str() == id)
        else {
            return Ok(None);
        };
        match letters::page(self, advisory, slug.trim_end_matches('/'), workshop) {
            Some(page) => Ok(Some(
                Shareable::past_the_gate(page).make::<Sheet>(workshop)?,
            )),
            None => Ok(None),
        }
    }

    /// The texts that are signed when they are published.
    fn unsigned(&self, path: &str) -> Made {
        for room in self.desk.rooms() {
            let name = room.path("rfc2350.txt");
            if path == name {
                let document = self
                    .stock
                    .documents
                    .iter()
                    .find(|document| document.thing().lang() == &room.lang);
                let text = document.map(|document| Unsigned(Document::text(document.thing())));
                return Ok(text.map(|text| as_sheet(text, None)));
            }
            let archive = room.path("rfc2350/archive/");
            if let Some(version) = path
                .strip_prefix(&archive)
                .and_then(|name| name.strip_suffix(".txt")?.parse::<u32>().ok())
            {
                let before = self
                    .snapshot
                    .history
                    .editions
                    .iter()
                    .find(|edition| edition.version.version == version);
                let before = before
                    .and_then(|edition| edition.texts.get(&room.lang))
                    .map(|text| text.text.clone());
                let mut now = self.stock.documents.iter().map(Shareable::thing);
                let now = now.find(|document| {
                    document.lang() == &room.lang && document.version() == version
                });
                return Ok(before
                    .or_else(|| now.map(Document::text))
                    .map(|text| as_sheet(Unsigned(text), None)));
            }
            let folder = room.path("advisories/");
            let Some(id) = path
                .strip_prefix(&folder)
                .and_then(|name| name.strip_suffix(".txt"))
            else {
                continue;
            };
            let collection = self.collection.thing();
            let Some(advisory) = collection.all.iter().find(|one| one.id.as_str() == id) else {
                continue;
            };
            let twin = Shareable::past_the_gate(*advisory).make::<TwinOfSite>(room)?;
            let text = twin
                .thing()
                .0
                .as_ref()
                .map(|text| Unsigned(self.desk.at_home_text(&text.0)));
            return Ok(text.map(|text| as_sheet(text, collection.marks.get(id))));
        }
        Ok(None)
    }
}

fn as_sheet(text: Unsigned, mark: Option<&Mark>) -> Shareable<Sheet, Staff> {
    let Ok(sheet) = Shareable::past_the_gate(text).make::<Sheet>(&mark);
    sheet
}
