//! What programs look for below `/.well-known/`: the team's Web Key Directory, and security.txt (RFC 9116).
//!
//! Both are made of the facts about the team, never of an advisory. security.txt is only composed here; whoever
//! publishes signs it.

use super::page::TEXT;
use crate::{
    artefact::Artefact,
    openpgp::{Certificate, directory, directory_hash},
    settings::Settings,
    team::Team,
    terms::{Address, Moment},
    tlp::{ByMake, Made, Public},
};
use jiff::civil;
use std::{collections::BTreeSet, convert::Infallible, fmt::Write as _};

/// Where security.txt stands.
pub const SECURITY_TXT: &str = ".well-known/security.txt";

/// The workshop of this room.
#[derive(Debug, Clone, Copy)]
pub struct Shop<'s> {
    /// Address and languages of the site, the addresses of mail.
    pub settings: &'s Settings,
    /// The team's certificates, the current one first.
    pub certificates: &'s [&'s Certificate],
    /// The names of the team's own pages.
    pub pages: &'s BTreeSet<&'s str>,
    /// The time.
    pub now: &'s Moment,
}

/// The files of the directory, in both layouts.
///
/// Section 3.1 of the draft: the advanced one is asked at `openpgpkey.DOMAIN`, the direct one at the domain itself. One
/// folder serves both, if the web server answers to these names.
impl Made<&Team, Public> for Vec<Artefact> {
    type Shop<'s> = Shop<'s>;
    type Error = Infallible;

    fn made(
        team: &&Team,
        _: &Public,
        shop: &Shop<'_>,
        _: ByMake,
    ) -> Result<Vec<Artefact>, Infallible> {
        let base = ".well-known/openpgpkey";
        let host = shop
            .settings
            .site
            .url
            .host_str()
            .unwrap_or_default()
            .to_ascii_lowercase();
        let mut own: BTreeSet<&str> = BTreeSet::from([team.email.domain(), host.as_str()]);
        own.extend(shop.settings.mail.from.as_ref().map(Address::domain));
        let mut files = Vec::new();
        let mut domains = BTreeSet::new();
        let mut direct = BTreeSet::new();
        let found = directory(shop.certificates, shop.now);
        let mut found: Vec<(&Address, &Vec<u8>)> = found
            .iter()
            .filter(|(address, _)| own.contains(address.domain()))
            .collect();
        // The direct layout has no domain in its path. Where two domains have the same local part, that which the site
        // stands at goes first, then that of the team's address.
        found.sort_by_key(|(address, _)| {
            (
                address.domain() != host,
                address.domain() != team.email.domain(),
            )
        });
        for (address, bytes) in found {
            let (domain, hash) = (address.domain(), directory_hash(address));
            files.push(Artefact::new(
                format!("{base}/{domain}/hu/{hash}"),
                BINARY,
                bytes.clone(),
            ));
            domains.insert(domain);
            if direct.insert(hash.clone()) {
                files.push(Artefact::new(
                    format!("{base}/hu/{hash}"),
                    BINARY,
                    bytes.clone(),
                ));
            }
        }
        if !domains.is_empty() {
            // Section 4.5: a domain that has no policy has an empty file.
            files.push(Artefact::new(format!("{base}/policy"), TEXT, ""));
            files.extend(
                domains
                    .iter()
                    .map(|domain| Artefact::new(format!("{base}/{domain}/policy"), TEXT, "")),
            );
        }
        Ok(files)
    }
}

/// The media type of what a directory answers.
pub const BINARY: &str = "application/octet-stream";

/// security.txt before it is signed.
#[derive(Debug, Clone)]
pub struct SecurityTxt(String);

impl SecurityTxt {
    /// The text.
    pub fn text(&self) -> &str {
        &self.0
    }
}

/// The key that would sign it is at its end, and so would the text be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the key that signs security.txt has ended")]
pub struct KeyEnded;

impl Made<&Team, Public> for SecurityTxt {
    type Shop<'s> = (Shop<'s>, &'s Certificate);
    type Error = KeyEnded;

    fn made(
        team: &&Team,
        _: &Public,
        (shop, signer): &(Shop<'_>, &Certificate),
        _: ByMake,
    ) -> Result<SecurityTxt, KeyEnded> {
        let site = &shop.settings.site;
        let expires = expires(shop.now, signer.signs_until(shop.now)).ok_or(KeyEnded)?;
        let mut text = String::new();
        let mut field = |name: &str, value: &str| {
            let _ = writeln!(text, "{name}: {value}");
        };
        // RFC 9116, 2.5.3: "The value MUST follow the URI syntax", and several stand "in order of preference".
        field(
            "Contact",
            &format!("mailto:{}", crate::render::letter::encoded(&team.email)),
        );
        if shop.pages.contains("report") {
            field("Contact", &site.link("report/"));
        }
        for phone in [&team.emergency_phone, &team.phone].into_iter().flatten() {
            let digits: String = phone
                .chars()
                .filter(|c| c.is_ascii_digit() || *c == '+')
                .collect();
            field("Contact", &format!("tel:{digits}"));
        }
        field("Expires", &expires.rfc3339());
        field("Encryption", &site.link("pgp-key.asc"));
        field(
            "Encryption",
            &format!(
                "openpgp4fpr:{}",
                signer.fingerprint().to_string().to_ascii_lowercase()
            ),
        );
        let languages: Vec<&str> = site.languages.iter().map(|lang| lang.as_str()).collect();
        field("Preferred-Languages", &languages.join(", "));
        // Section 3: the file is found at the root of the host, wherever the site itself stands.
        let canonical = site.url.join(&format!("/{SECURITY_TXT}"));
        field(
            "Canonical",
            canonical
                .expect("an absolute path can be joined to an address with a host")
                .as_str(),
        );
        for page in ["disclosure", "policy"]
            .into_iter()
            .filter(|page| shop.pages.contains(page))
            .take(1)
        {
            field("Policy", &site.link(&format!("{page}/")));
        }
        Ok(SecurityTxt(text))
    }
}

/// When a security.txt made now ends: the first day of the third quarter after this one, so that six to nine months
/// are left; or when its key ends, if that is earlier. Nothing has to be remembered: all that is made within a
/// quarter, by any machine, has the same end, and the first publication of the next quarter renews it.
///
/// RFC 9116, 2.5.5: "It is RECOMMENDED that the value of this field be less than a year into the future".
fn expires(now: &Moment, key: Option<Moment>) -> Option<Moment> {
    let today = now.timestamp().to_zoned(jiff::tz::TimeZone::UTC).date();
    let months = i32::from(today.year()) * 12 + i32::from(today.month() - 1) / 3 * 3 + 9;
    let year = i16::try_from(months.div_euclid(12)).ok()?;
    let month = i8::try_from(months.rem_euclid(12) + 1).ok()?;
    let end = civil::Date::new(year, month, 1)
        .ok()?
        .to_zoned(jiff::tz::TimeZone::UTC)
        .ok()?;
    let end = Moment::from_timestamp(end.timestamp());
    match key {
        Some(key) if key <= *now => None,
        Some(key) if key < end => Some(key),
        _ => Some(end),
    }
}

/// When a security.txt that stands somewhere ends, if it says so in one way only.
pub fn end_of(text: &str) -> Option<Moment> {
    let mut ends = text
        .lines()
        .filter_map(|line| line.strip_prefix("Expires: "));
    let end = ends.next()?.trim().parse().ok()?;
    ends.next().is_none().then_some(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_lies_between_six_and_nine_months_ahead_and_moves_once_a_quarter() {
        let end = |now: &str, key: Option<&str>| {
            let at = |time: &str| time.parse::<Moment>().expect("a time");
            expires(&at(now), key.map(at)).map(|end| end.rfc3339())
        };
        assert_eq!(
            end("2026-10-01T00:00:00Z", None).as_deref(),
            Some("2027-07-01T00:00:00Z")
        );
        assert_eq!(
            end("2026-12-31T23:59:59Z", None).as_deref(),
            Some("2027-07-01T00:00:00Z")
        );
        assert_eq!(
            end("2027-01-01T00:00:00Z", None).as_deref(),
            Some("2027-10-01T00:00:00Z")
        );
        assert_eq!(
            end("2026-03-01", Some("2029-01-01")).as_deref(),
            Some("2026-10-01T00:00:00Z")
        );
        assert_eq!(
            end("2026-03-01", Some("2026-04-01T08:00:00Z")).as_deref(),
            Some("2026-04-01T08:00:00Z")
        );
        assert_eq!(
            end("2026-03-01", Some("2026-02-01")),
            None,
            "what such a key signs is worth nothing"
        );
    }

    #[test]
    fn the_end_is_read_back() {
        assert_eq!(
            end_of("Contact: x\nExpires: 2027-07-01T00:00:00Z\n").map(|end| end.unix()),
            Some(1_814_400_000)
        );
        assert!(end_of("Expires: 2027-07-01T00:00:00Z\nExpires: 2028-07-01T00:00:00Z\n").is_none());
        assert!(end_of("nothing").is_none());
    }
}
