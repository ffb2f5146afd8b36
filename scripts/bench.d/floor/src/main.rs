//! floor IN OUT: reads each `*.md` in IN, parses its front matter and Markdown, writes OUT/advisories/ID/index.html.
//!
//! No checks, no lists, no feeds, no sitemap: a lower bound made of the same crates, not a publisher.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Deserialize, Serialize)]
struct FrontMatter {
    id: String,
    title: String,
    date: String,
    updated: Option<String>,
    tlp: String,
    severity: String,
    cves: Vec<String>,
    cvss: Vec<Cvss>,
    cwes: Vec<String>,
    affected: Vec<Affected>,
    references: Vec<Reference>,
    revisions: Vec<Revision>,
}

#[derive(Deserialize, Serialize)]
struct Cvss {
    cve: String,
    vector: String,
}

#[derive(Deserialize, Serialize)]
struct Affected {
    vendor: String,
    product: String,
    versions: String,
}

#[derive(Deserialize, Serialize)]
struct Reference {
    title: String,
    url: String,
}

#[derive(Deserialize, Serialize)]
struct Revision {
    number: String,
    date: String,
    summary: String,
}

#[derive(Serialize)]
struct Page<'a> {
    #[serde(flatten)]
    front: &'a FrontMatter,
    content: &'a str,
}

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Outcome<()> {
    let args: Vec<PathBuf> = env::args_os().skip(1).map(PathBuf::from).collect();
    let [from, to] = args.as_slice() else {
        return Err("usage: floor IN OUT".into());
    };
    let mut files = Vec::new();
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == "md") {
            files.push(path);
        }
    }
    let mut templates = tera::Tera::default();
    templates.add_raw_template("page.html", include_str!("page.html"))?;
    let mut options = comrak::Options::default();
    options.extension.table = true;
    options.extension.strikethrough = true;
    options.extension.header_id_prefix = Some(String::new());

    files.par_iter().try_for_each(|path| {
        page(path, to, &templates, &options).map_err(|e| format!("{}: {e}", path.display()).into())
    })
}

fn page(path: &Path, to: &Path, templates: &tera::Tera, options: &comrak::Options) -> Outcome<()> {
    let text = fs::read_to_string(path)?;
    let (front, body) = text
        .strip_prefix("---\n")
        .and_then(|rest| rest.split_once("\n---\n"))
        .ok_or("no front matter")?;
    let front: FrontMatter = serde_saphyr::from_str(front)?;
    let content = comrak::markdown_to_html(body, options);
    let context = tera::Context::from_serialize(&Page {
        front: &front,
        content: &content,
    })?;
    let html = templates.render("page.html", &context)?;
    let folder = to.join("advisories").join(&front.id);
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("index.html"), html)?;
    Ok(())
}
