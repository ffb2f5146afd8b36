//! Texts that are left in their files until they are wanted: of an archive that everybody may read they would be the most
//! of this program's memory. What is closed is read once, and kept in hand.

use super::files;
use crate::{
    advisory::{self, Advisory, Body, Gone, Reader, Shelf, Status},
    artefact::Digest,
    diag::Findings,
    tlp::Tlp,
};
use std::{path::Path, sync::Arc};

/// Whether an advisory is open to everybody: CLEAR and addressed to the public, without embargo and no draft, and to no
/// person by name.
pub(super) fn is_open(advisory: &Advisory) -> bool {
    advisory.tlp == Tlp::Clear
        && advisory.audience.contains(&Reader::Public)
        && !advisory.audience.iter().any(|to| matches!(to, Reader::Person(_)))
        && advisory.embargo.is_none()
        && advisory.status != Status::Draft
}

/// A text that is left in its file, where it was once read without an error; the digest is of the whole file's text.
pub(super) fn in_file(root: &Arc<Path>, path: Arc<str>, digest: Digest) -> Body {
    Body::shelved(InFile { root: root.clone(), path, digest })
}

struct InFile {
    root: Arc<Path>,
    path: Arc<str>,
    digest: Digest,
}

impl Shelf for InFile {
    fn fetch(&self) -> Result<String, Gone> {
        let source = files::text(&self.root, &self.path, &mut Findings::new()).ok().flatten();
        let same = source.filter(|source| Digest::of(source.text.as_bytes()) == self.digest);
        same.and_then(|source| advisory::body(&source)).ok_or_else(|| Gone { path: self.path.to_string() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advisory::Taken;
    use std::fs;

    #[test]
    fn a_text_is_what_was_judged_or_nothing() {
        let dir = tempfile::tempdir().expect("a folder");
        let (root, path): (Arc<Path>, _) = (dir.path().into(), dir.path().join("a.md"));
        let whole = "---\nid: A\n---\n\nText\n";
        fs::write(&path, whole.replace('\n', "\r\n")).expect("written");
        let body = in_file(&root, "a.md".into(), Digest::of(whole.as_bytes()));
        let first = body.read().expect("it is there");
        assert_eq!(&*first, "Text\n");

        // Who reads it at the same time has the same text, whatever becomes of the file.
        fs::write(&path, whole.replace("Text", "Other")).expect("written");
        let (Taken::Shelf(one), Ok(Taken::Shelf(two))) = (&first, body.clone().read()) else { panic!("it is on its shelf") };
        assert!(Arc::ptr_eq(one, &two));
        drop((first, two));
        assert_eq!(body.read().expect_err("it is another text").path, "a.md");

        fs::write(&path, whole).expect("written");
        assert_eq!(&*body.read().expect("it is the same again"), "Text\n");
        fs::remove_file(&path).expect("removed");
        assert!(body.read().is_err());
    }
}
