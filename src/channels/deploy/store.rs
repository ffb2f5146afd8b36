//! The site in a store with the interface of S3.

use super::{DeployError, Place, Standing, is_kept};
use crate::{
    channels::{
        site::Changes,
        web::s3::{Headers, Store},
    },
    render::site::page::media_type,
};
use rayon::prelude::*;

/// How many requests are under way at once: they wait for the network, not for the processor.
const AT_ONCE: usize = 8;

/// The objects of a store.
#[derive(Debug)]
pub struct Objects(pub Store);

impl Objects {
    fn each(
        &self,
        paths: &[&str],
        act: impl Fn(&str) -> Result<(), DeployError> + Sync,
    ) -> Result<(), DeployError> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(AT_ONCE).build();
        match pool {
            Ok(pool) => pool.install(|| paths.par_iter().try_for_each(|path| act(path))),
            // No more threads to be had: then one by one.
            Err(_) => paths.iter().try_for_each(|path| act(path)),
        }
    }
}

impl Place for Objects {
    fn difference(&self, tree: &Standing, keep: &[String]) -> Result<Changes, DeployError> {
        let mut there = self.0.list()?;
        let mut changes = Changes::default();
        for path in tree.files.keys() {
            match there.remove(path) {
                None => changes.added.push(path.clone()),
                Some(tag) if tag == md5(&tree.bytes(path)?) => {}
                Some(_) => changes.changed.push(path.clone()),
            }
        }
        changes.removed = there
            .into_keys()
            .filter(|path| !is_kept(path, keep))
            .collect();
        Ok(changes)
    }

    fn send(
        &self,
        tree: &Standing,
        paths: &[&str],
        step: &(dyn Fn() + Sync),
    ) -> Result<(), DeployError> {
        self.each(paths, |path| {
            self.0.put(path, &tree.bytes(path)?, headers(path))?;
            step();
            Ok(())
        })
    }

    fn remove(
        &self,
        _: &Standing,
        paths: &[&str],
        _: &[String],
        step: &(dyn Fn() + Sync),
    ) -> Result<(), DeployError> {
        self.each(paths, |path| {
            self.0.delete(path)?;
            step();
            Ok(())
        })
    }
}

/// What stores call the tag of an object's content. It protects nothing; what is sent was compared by SHA-256.
fn md5(bytes: &[u8]) -> String {
    let digest = openssl::hash::hash(openssl::hash::MessageDigest::md5(), bytes);
    // Where MD5 is forbidden every file counts as changed, and is sent.
    digest
        .map(|digest| digest.iter().map(|byte| format!("{byte:02x}")).collect())
        .unwrap_or_default()
}

/// How a file of the site is served; the samples in `docs/hosting/` say the same to web servers.
fn headers(path: &str) -> Headers {
    let content_type = match path.rsplit_once('/').map_or(path, |(_, file)| file) {
        "rss.xml" => "application/rss+xml; charset=utf-8",
        "atom.xml" => "application/atom+xml; charset=utf-8",
        "feed.json" => "application/feed+json; charset=utf-8",
        "policy" if path.starts_with(".well-known/openpgpkey/") => "text/plain; charset=utf-8",
        _ if path.starts_with(".well-known/openpgpkey/") => "application/octet-stream",
        _ => media_type(path),
    };
    // The style sheet is asked for with its digest, so a new one has a new address.
    let cache_control = match path {
        "assets/site.css" => "public, max-age=31536000, immutable",
        _ if path.starts_with("assets/") => "public, max-age=86400",
        _ => "public, max-age=60, must-revalidate",
    };
    Headers {
        content_type,
        cache_control,
    }
}
