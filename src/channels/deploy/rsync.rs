//! The site by the program `rsync`: into a folder, or over ssh to another host.

use super::{DeployError, Place, Standing, is_kept};
use crate::channels::site::Changes;
use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// A folder here or on another host.
#[derive(Debug)]
pub struct Rsync {
    to: String,
    ssh: Option<String>,
}

impl Rsync {
    /// `to` is as rsync takes it. A folder of this machine must not be a part of the workspace, nor hold it.
    pub fn open(to: &str, ssh: Option<&str>, workspace: &Path) -> Result<Rsync, DeployError> {
        if !to.contains(':') {
            let whole = |path: &Path| existing(path).map_err(DeployError::io("find", path));
            // Relative to the workspace, as every path of the settings.
            let (folder, workspace) = (whole(&workspace.join(to))?, whole(workspace)?);
            if folder.starts_with(&workspace) || workspace.starts_with(&folder) {
                return Err(DeployError::Inside(folder));
            }
            let to = folder.to_string_lossy().into_owned();
            return Ok(Rsync {
                to: format!("{}/", to.trim_end_matches('/')),
                ssh: None,
            });
        }
        Ok(Rsync {
            to: format!("{}/", to.trim_end_matches('/')),
            ssh: ssh.map(str::to_string),
        })
    }

    fn command(&self) -> Command {
        let mut command = Command::new("rsync");
        command.env("LC_ALL", "C.UTF-8").env_remove("RSYNC_RSH");
        if let Some(ssh) = &self.ssh {
            command.arg(format!("--rsh={ssh}"));
        }
        command
    }

    /// Runs it with these names on its standard input, and gives what it prints.
    fn run(
        &self,
        mut command: Command,
        tree: &Standing,
        names: Option<&[&str]>,
    ) -> Result<String, DeployError> {
        // The slash at the end: what is in the folder, not the folder itself.
        command
            .arg("--")
            .arg(format!("{}/", tree.root.display()))
            .arg(&self.to);
        command.stdin(if names.is_some() {
            Stdio::piped()
        } else {
            Stdio::null()
        });
        let failed = |source| DeployError::Program {
            program: "rsync",
            source,
        };
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let list = names.map(|names| {
            names
                .iter()
                .flat_map(|name| name.bytes().chain([0]))
                .collect::<Vec<u8>>()
        });
        let writer = child.stdin.take().zip(list).map(|(mut input, list)| {
            // On a thread of its own, since rsync may speak before it has heard all. If it hears no more, its end says why.
            std::thread::spawn(move || drop(input.write_all(&list)))
        });
        let output = child.wait_with_output().map_err(failed)?;
        if let Some(writer) = writer {
            writer.join().expect("writing to a pipe does not panic");
        }
        if !output.status.success() {
            let words = String::from_utf8_lossy(&output.stderr).into_owned();
            let words = words
                .lines()
                .find(|line| !line.trim().is_empty())
                .unwrap_or("it says no more")
                .trim()
                .to_string();
            return Err(DeployError::Rsync {
                status: output.status.to_string(),
                words,
            });
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

impl Place for Rsync {
    fn difference(&self, tree: &Standing, keep: &[String]) -> Result<Changes, DeployError> {
        let mut command = self.command();
        command.args([
            "--dry-run",
            "--recursive",
            "--checksum",
            "--delete",
            "--8-bit-output",
            "--out-format=%i %n",
        ]);
        command.args(exclusions(keep));
        let listed = self.run(command, tree, None)?;
        let mut changes = Changes::default();
        for line in listed.lines() {
            let Some((what, path)) = line.split_once(' ') else {
                continue;
            };
            let path = path.trim_start();
            match what {
                "*deleting" if !path.ends_with('/') && !is_kept(path, keep) => {
                    changes.removed.push(path.to_string())
                }
                _ if what.starts_with(['<', '>']) && what[1..].starts_with("f+") => {
                    changes.added.push(path.to_string())
                }
                _ if what.starts_with(['<', '>']) && what[1..].starts_with('f') => {
                    changes.changed.push(path.to_string())
                }
                _ => {}
            }
        }
        // A name that rsync writes in another way, or a thing that is no file, would be lost here.
        for path in changes.added.iter().chain(&changes.changed) {
            if !tree.files.contains_key(path) {
                return Err(DeployError::NotOurs {
                    public: tree.root.clone(),
                    path: path.clone(),
                });
            }
        }
        for paths in [
            &mut changes.added,
            &mut changes.changed,
            &mut changes.removed,
        ] {
            paths.sort_unstable();
        }
        Ok(changes)
    }

    fn send(
        &self,
        tree: &Standing,
        paths: &[&str],
        step: &(dyn Fn() + Sync),
    ) -> Result<(), DeployError> {
        let mut command = self.command();
        // Each file is written beside its place and then renamed. They were compared already, by content: `-I`.
        command.args([
            "-I",
            "--times",
            "--perms",
            "--chmod=D755,F644",
            "--omit-dir-times",
            "--from0",
            "--files-from=-",
        ]);
        self.run(command, tree, Some(paths))?;
        paths.iter().for_each(|_| step());
        Ok(())
    }

    fn remove(
        &self,
        tree: &Standing,
        paths: &[&str],
        keep: &[String],
        step: &(dyn Fn() + Sync),
    ) -> Result<(), DeployError> {
        let mut command = self.command();
        // With both of the last two nothing is sent. (Files that are named one by one leave their empty folders behind,
        // and an rsync that is asked to remove those ends with an error.)
        command.args(["--recursive", "--delete", "--existing", "--ignore-existing"]);
        command.args(exclusions(keep));
        self.run(command, tree, None)?;
        paths.iter().for_each(|_| step());
        Ok(())
    }
}

/// What rsync neither sends nor removes.
fn exclusions(keep: &[String]) -> impl Iterator<Item = String> {
    keep.iter().map(|kept| format!("--exclude=/{kept}"))
}

/// The whole path of a folder that may not be there yet, with links resolved as far as it is.
fn existing(path: &Path) -> std::io::Result<PathBuf> {
    let path = std::path::absolute(path)?;
    let mut rest = Vec::new();
    let mut there = path.as_path();
    loop {
        match there.canonicalize() {
            Ok(found) => return Ok(rest.iter().rev().fold(found, |path, part| path.join(part))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                match (there.parent(), there.file_name()) {
                    (Some(parent), Some(name)) => {
                        rest.push(name.to_os_string());
                        there = parent;
                    }
                    _ => return Err(error),
                }
            }
            Err(error) => return Err(error),
        }
    }
}
