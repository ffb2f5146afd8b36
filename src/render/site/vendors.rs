//! The makers of affected products: which there are, and where each has its list.

use crate::{advisory::Advisory, artefact::Digest};
use std::{
    cmp::{Ordering, Reverse},
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    hash::{Hash, Hasher},
};

/// A maker of products. Spellings that differ in capitals and signs only are one.
#[derive(Debug, Clone)]
pub struct Vendor {
    /// Its place on the site: small letters, digits and hyphens.
    pub slug: String,
    /// As the most advisories write it.
    pub name: String,
    /// Its products that advisories name, in the order of the alphabet.
    pub products: Vec<String>,
}

/// Two with one slug are the same; a vendor may have thousands of products, which are not worth a look.
impl Ord for Vendor {
    fn cmp(&self, other: &Vendor) -> Ordering {
        if std::ptr::eq(self, other) {
            Ordering::Equal
        } else {
            self.slug.cmp(&other.slug)
        }
    }
}

impl PartialOrd for Vendor {
    fn partial_cmp(&self, other: &Vendor) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Vendor {
    fn eq(&self, other: &Vendor) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Vendor {}

impl Hash for Vendor {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.slug.hash(state);
    }
}

/// The vendors of some advisories.
#[derive(Debug, Clone, Default)]
pub struct Vendors {
    by_slug: BTreeMap<String, Vendor>,
    /// The slug of each spelling.
    slugs: HashMap<String, String>,
}

impl Vendors {
    /// All that these advisories name.
    pub fn of(advisories: &[&Advisory]) -> Vendors {
        let mut counts: HashMap<&str, (usize, HashSet<&str>)> = HashMap::new();
        let rows = advisories.iter().flat_map(|advisory| {
            advisory
                .affected
                .chunk_by(|one, next| one.vendor == next.vendor)
        });
        for rows in rows {
            let (count, products) = counts.entry(&rows[0].vendor).or_default();
            *count += rows.len();
            let rows = rows.chunk_by(|one, next| one.product == next.product);
            products.extend(rows.map(|one| one[0].product.as_str()));
        }
        let slugs: HashMap<String, String> = counts
            .keys()
            .map(|name| (name.to_string(), slug(name)))
            .collect();
        let mut spellings: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (name, slug) in &slugs {
            spellings.entry(slug).or_default().push(name);
        }
        let vendors = spellings.into_iter().filter_map(|(slug, names)| {
            let name = names
                .iter()
                .max_by_key(|name| (counts[**name].0, Reverse(**name)))?;
            let products: BTreeSet<&str> = names
                .iter()
                .flat_map(|name| counts[*name].1.iter().copied())
                .collect();
            let products = products.into_iter().map(str::to_string).collect();
            Some((
                slug.to_string(),
                Vendor {
                    slug: slug.to_string(),
                    name: name.to_string(),
                    products,
                },
            ))
        });
        Vendors {
            by_slug: vendors.collect(),
            slugs,
        }
    }

    /// Those of one advisory, each once.
    pub fn in_advisory<'v>(&'v self, advisory: &Advisory) -> BTreeSet<&'v Vendor> {
        // Most advisories are about one vendor, in row after row.
        let rows = advisory
            .affected
            .chunk_by(|one, next| one.vendor == next.vendor);
        rows.filter_map(|rows| self.by_slug.get(self.slugs.get(&rows[0].vendor)?))
            .collect()
    }
}

/// The place of a name: its ASCII letters and digits. What says too little in them gets a digest of the name beside it.
fn slug(name: &str) -> String {
    let folded = name.trim().to_lowercase();
    let mut slug = String::with_capacity(folded.len());
    for c in folded.chars() {
        match c.is_ascii_alphanumeric() {
            true => slug.push(c),
            false if !slug.is_empty() && !slug.ends_with('-') => slug.push('-'),
            false => {}
        }
    }
    slug.truncate(48);
    let slug = slug.trim_end_matches('-');
    let lost = folded
        .chars()
        .filter(|c| c.is_alphanumeric() && !c.is_ascii())
        .count()
        + folded.len().saturating_sub(48);
    match (lost, slug) {
        (0, "") | (0, "page") => format!("vendor-{}", digest(&folded)),
        (0, slug) => slug.to_string(),
        (_, "") => format!("vendor-{}", digest(&folded)),
        (_, slug) => format!("{slug}-{}", digest(&folded)),
    }
}

fn digest(text: &str) -> String {
    Digest::of(text.as_bytes()).hex()[..8].to_string()
}

#[cfg(test)]
mod tests {
    use super::slug;

    #[test]
    fn a_vendor_has_one_place_however_it_is_written() {
        assert_eq!(slug("Rockwell Automation"), "rockwell-automation");
        assert_eq!(slug(" rockwell  automation, "), "rockwell-automation");
        assert_eq!(slug("../..//AT&T"), "at-t");
        assert_ne!(slug("Касперский"), slug("Доктор Веб"));
        assert_ne!(slug("C++"), slug("Ç"));
        assert!(slug("Schütz").starts_with("sch-tz-"));
        for odd in ["", "///", "…", "page", &"я".repeat(300), &"x".repeat(300)] {
            let slug = slug(odd);
            assert!(
                !slug.is_empty() && slug.len() < 64 && slug != "page",
                "{odd}: {slug}"
            );
            assert!(
                slug.bytes()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-'),
                "{slug}"
            );
        }
    }
}
