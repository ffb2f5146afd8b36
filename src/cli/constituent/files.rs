//! Files of constituents and certificates that a command changes: all are ready before the first is put in place.

use crate::{
    cli::desk::Desk,
    cli::failure::{Failure, Kind},
    diag::Level,
    inbound::files,
    roster::edit::EditError,
    terms::Slug,
};
use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

impl From<EditError> for Failure {
    fn from(error: EditError) -> Failure {
        let hint = error.finding().and_then(|finding| finding.hint.clone());
        let failure = Failure::new(error);
        match hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

/// Writes a file in one step: a reader sees the old one or the new one, whatever happens meanwhile.
pub fn replace(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), Failure> {
    let path = folder.join(name);
    files::replace(&path, bytes).map_err(|error| Failure::io(&path, error))
}

/// A file as it was read and as it is to be.
struct Change {
    before: Option<String>,
    after: String,
}

/// Changes of `constituents/`, not written yet.
pub struct Changes {
    folder: PathBuf,
    files: BTreeMap<Slug, Change>,
}

impl Changes {
    pub fn new(desk: &Desk) -> Changes {
        Changes {
            folder: desk.root.join("constituents"),
            files: BTreeMap::new(),
        }
    }

    /// A constituent's file from the workspace's root.
    pub fn path(slug: &Slug) -> String {
        format!("constituents/{slug}.yaml")
    }

    fn read(&self, slug: &Slug) -> Result<Option<String>, Failure> {
        let path = self.folder.join(format!("{slug}.yaml"));
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Failure::io(&path, error)),
        }
    }

    /// Edits a file, as it is after the edits before.
    pub fn edit(
        &mut self,
        slug: &Slug,
        edit: impl FnOnce(&str, &str) -> Result<String, EditError>,
    ) -> Result<(), Failure> {
        if !self.files.contains_key(slug) {
            let before = self.read(slug)?;
            let after = before.clone().ok_or_else(|| {
                Failure::usage(format!("`{}` does not exist", Changes::path(slug)))
            })?;
            self.files.insert(slug.clone(), Change { before, after });
        }
        let Some(change) = self.files.get_mut(slug) else {
            return Ok(());
        };
        change.after = edit(&Changes::path(slug), &change.after)?;
        Ok(())
    }

    /// Makes a file that is not there.
    pub fn create(&mut self, slug: &Slug, text: String) {
        self.files.insert(
            slug.clone(),
            Change {
                before: None,
                after: text,
            },
        );
    }

    /// The files that will be others, or new.
    pub fn paths(&self) -> Vec<String> {
        let changed = self
            .files
            .iter()
            .filter(|(_, change)| change.before.as_ref() != Some(&change.after));
        changed.map(|(slug, _)| Changes::path(slug)).collect()
    }

    /// Puts them in place, one after the other; none if one of them has changed since it was read.
    pub fn write(self, desk: &Desk) -> Result<Vec<String>, Failure> {
        let paths = self.paths();
        for (slug, change) in &self.files {
            if self.read(slug)? != change.before {
                let message = format!(
                    "`{}` was changed by somebody else meanwhile; nothing was written",
                    Changes::path(slug)
                );
                return Err(Failure::usage(message).hint("run the same command again"));
            }
        }
        let mut has_begun = false;
        for (slug, change) in self
            .files
            .iter()
            .filter(|(_, change)| change.before.as_ref() != Some(&change.after))
        {
            replace(
                &self.folder,
                &format!("{slug}.yaml"),
                change.after.as_bytes(),
            )
            .map_err(|failure| match has_begun {
                true => Failure {
                    kind: Kind::Partly,
                    ..failure
                }
                .hint("some files were written: run the same command again"),
                false => failure,
            })?;
            desk.ui.deed(&format!("wrote {}", Changes::path(slug)));
            has_begun = true;
        }
        Ok(paths)
    }
}

/// Whether the workspace has no errors after a change; else they are shown. A letter may be addressed to who has left.
pub fn is_sound(desk: &Desk) -> Result<bool, Failure> {
    let reading = desk.reading()?;
    if reading.workspace.is_none() {
        desk.ui.talk_findings(&reading.findings, Level::Error);
        desk.ui.warning("with this change the workspace has errors; `advise publish` waits until they are mended");
    }
    Ok(reading.workspace.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::ui::Ui;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn what_somebody_else_wrote_meanwhile_is_not_lost() {
        let folder = tempfile::tempdir().expect("a folder");
        let now: crate::terms::Moment = "2026-11-28".parse().expect("a day");
        let desk = Desk {
            root: folder.path().into(),
            now: now.clone(),
            clock: now,
            ui: Ui::new(true, false, false),
        };
        let (one, two): (Slug, Slug) = (
            "one".parse().expect("a name"),
            "two".parse().expect("a name"),
        );
        let path = |slug: &Slug| folder.path().join(Changes::path(slug));
        fs::create_dir(folder.path().join("constituents")).expect("a folder");
        fs::write(path(&one), "old").expect("written");
        fs::set_permissions(path(&one), fs::Permissions::from_mode(0o640)).expect("set");
        let begun = || {
            let mut changes = Changes::new(&desk);
            changes
                .edit(&one, |_, text| Ok(format!("{text} and new")))
                .expect("edited");
            changes.create(&two, "new".into());
            changes
        };
        let late = begun();
        assert_eq!(
            begun().write(&desk).expect("written"),
            ["constituents/one.yaml", "constituents/two.yaml"]
        );
        assert_eq!(
            fs::read_to_string(path(&one)).expect("a text"),
            "old and new"
        );
        assert_eq!(
            fs::metadata(path(&one))
                .expect("there")
                .permissions()
                .mode()
                & 0o777,
            0o640
        );
        let failure = late.write(&desk).expect_err("it was changed");
        assert!(
            failure
                .error
                .to_string()
                .contains("changed by somebody else meanwhile"),
            "{failure:?}"
        );
        assert_eq!(
            fs::read_dir(folder.path().join("constituents"))
                .expect("a folder")
                .count(),
            2,
            "no draft is left"
        );
    }
}
