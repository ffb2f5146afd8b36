//! Writes a file of the workspace in one step.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::Path,
};

/// Replaces a file, or makes it: a reader sees the old one or the new one, whatever happens meanwhile.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let draft = folder.join(format!(".{name}.new"));
    let write = || {
        fs::create_dir_all(folder)?;
        let mut file = File::create(&draft)?;
        if let Ok(before) = fs::metadata(path) {
            file.set_permissions(before.permissions())?;
        }
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&draft, path)?;
        File::open(folder)?.sync_all()
    };
    write().inspect_err(|_| {
        // It may not be there; what went wrong is the error itself.
        drop(fs::remove_file(&draft));
    })
}
