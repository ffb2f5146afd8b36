//! Names the program by its sources, so that it makes anew what another program made.

#![allow(clippy::print_stdout, reason = "this is how cargo is told")]

use std::{
    fs,
    hash::{DefaultHasher, Hasher},
    io,
    path::{Path, PathBuf},
};

fn main() -> Result<(), io::Error> {
    let mut files = vec![PathBuf::from("Cargo.toml"), PathBuf::from("Cargo.lock")];
    for folder in ["src", "crates", "templates"] {
        println!("cargo::rerun-if-changed={folder}");
        below(Path::new(folder), &mut files)?;
    }
    println!("cargo::rerun-if-changed=Cargo.lock");
    files.sort();
    let mut hasher = DefaultHasher::new();
    for file in files.iter().filter(|file| file.is_file()) {
        let bytes = fs::read(file)?;
        hasher.write(file.as_os_str().as_encoded_bytes());
        hasher.write_usize(bytes.len());
        hasher.write(&bytes);
    }
    println!(
        "cargo::rustc-env=ADVISE_PROGRAM={}-{:016x}",
        env!("CARGO_PKG_VERSION"),
        hasher.finish()
    );
    Ok(())
}

fn below(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), io::Error> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        match path.is_dir() {
            true => below(&path, files)?,
            false => files.push(path),
        }
    }
    Ok(())
}
