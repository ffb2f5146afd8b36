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
