//! Texts, and references, that are left in their files until they are wanted: of an archive that everybody may read they
//! would be the most of this program's memory. What is closed is read once, and kept in hand.

use super::files;
use crate::{
    advisory::{self, Advisory, Gone, Reader, Reference, Shelf, Shelvable, Status},
    artefact::Digest,
    diag::{Findings, Source},
    tlp::Tlp,
};
use std::{path::Path, sync::Arc};

/// Whether an advisory is open to everybody: CLEAR and addressed to the public, without embargo and no draft, and to no
/// person by name.
pub(super) fn is_open(advisory: &Advisory) -> bool {
    advisory.tlp == Tlp::Clear
        && advisory.audience.contains(&Reader::Public)
        && !advisory
            .audience
            .iter()
            .any(|to| matches!(to, Reader::Person(_)))
        && advisory.embargo.is_none()
        && advisory.status != Status::Draft
}

/// What is left in its file, where it was once read without an error; the digest is of the whole file's text.
pub(super) fn in_file<T>(root: &Arc<Path>, path: Arc<str>, digest: Digest) -> Shelvable<T>
where
    InFile: Shelf<T>,
{
    Shelvable::shelved(InFile {
        root: root.clone(),
        path,
        digest,
    })
}

pub(super) struct InFile {
    root: Arc<Path>,
    path: Arc<str>,
    digest: Digest,
}

impl InFile {
    fn cut<T>(&self, cut: impl FnOnce(&Source) -> Option<T>) -> Result<T, Gone> {
        let source = files::text(&self.root, &self.path, &mut Findings::new())
            .ok()
            .flatten();
        let same = source.filter(|source| Digest::of(source.text.as_bytes()) == self.digest);
        same.and_then(|source| cut(&source)).ok_or_else(|| Gone {
            path: self.path.to_string(),
        })
    }
}

impl Shelf<String> for InFile {
    fn fetch(&self) -> Result<String, Gone> {
        self.cut(advisory::body)
    }
}

/// Of an original.
impl Shelf<Vec<Reference>> for InFile {
    fn fetch(&self) -> Result<Vec<Reference>, Gone> {
        self.cut(advisory::references)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advisory::{Body, References, Taken};
    use std::fs;

    #[test]
    fn a_text_is_what_was_judged_or_nothing() {
        let dir = tempfile::tempdir().expect("a folder");
        let (root, path): (Arc<Path>, _) = (dir.path().into(), dir.path().join("a.md"));
        let whole = "---\nid: A\n---\n\nText\n";
        fs::write(&path, whole.replace('\n', "\r\n")).expect("written");
        let body: Body = in_file(&root, "a.md".into(), Digest::of(whole.as_bytes()));
        let first = body.read().expect("it is there");
        assert_eq!(&*first, "Text\n");

        // Who reads it at the same time has the same text, whatever becomes of the file.
        fs::write(&path, whole.replace("Text", "Other")).expect("written");
        let (Taken::Shelf(one), Ok(Taken::Shelf(two))) = (&first, body.clone().read()) else {
            panic!("it is on its shelf")
        };
        assert!(Arc::ptr_eq(one, &two));
        drop((first, two));
        assert_eq!(body.read().expect_err("it is another text").path, "a.md");

        fs::write(&path, whole).expect("written");
        assert_eq!(&*body.read().expect("it is the same again"), "Text\n");
        fs::remove_file(&path).expect("removed");
        assert!(body.read().is_err());
    }

    #[test]
    fn references_are_those_of_the_file_that_was_judged() {
        let dir = tempfile::tempdir().expect("a folder");
        let (root, path): (Arc<Path>, _) = (dir.path().into(), dir.path().join("a.md"));
        let whole = "---\nid: A\nreferences:\n- {title: T, url: \"https://example.com/\"}\n- url: https://example.org/\n---\nText\n";
        fs::write(&path, whole).expect("written");
        let references: References = in_file(&root, "a.md".into(), Digest::of(whole.as_bytes()));
        let read = references.read().expect("they are there");
        let pairs: Vec<_> = read
            .iter()
            .map(|one| (one.title.as_str(), one.url.as_str()))
            .collect();
        assert_eq!(
            pairs,
            [
                ("T", "https://example.com/"),
                ("https://example.org/", "https://example.org/")
            ]
        );
        drop(read);
        fs::write(&path, whole.replace("example.com", "example.net")).expect("written");
        assert_eq!(
            references.read().expect_err("it is another file").path,
            "a.md"
        );
    }
}
