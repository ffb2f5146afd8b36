//! `team.yaml`: from text to a [`Team`] or all its findings. No file is read and no clock asked.

use super::Team;
use crate::{
    diag::{Findings, Level, Source, Span},
    terms::{Address, Fingerprint, Moment, Phone, Slug, Wrong, nearest, shorten},
    tlp::Tlp,
    yaml::{Fields, Line},
};
use jiff::tz::TimeZoneDatabase;
use std::str::FromStr;
use url::Url;

/// The fields of `team.yaml`.
pub const FIELDS: &[&str] = &[
    "name",
    "short_name",
    "address",
    "country",
    "time_zone",
    "hours",
    "holidays",
    "phone",
    "emergency_phone",
    "fax",
    "other_telecommunication",
    "email",
    "website",
    "keys",
    "key_servers",
    "members",
    "constituency",
    "affiliation",
    "default_tlp",
    "notifications",
    "reviewed",
];

/// Where things stand in `team.yaml` that only the whole workspace can judge.
#[derive(Debug, Clone, Default)]
pub struct Places {
    /// The team's certificates.
    pub keys: Vec<(Fingerprint, Span)>,
    /// The lists that are told of changes.
    pub notifications: Vec<(Slug, Span)>,
    /// The time zone.
    pub time_zone: Option<Span>,
    /// The day of the last review.
    pub reviewed: Option<(Moment, Span)>,
}

/// Reads `team.yaml`. `None` if it has errors; all of them are among the findings.
pub fn parse(source: &Source, findings: &mut Findings) -> Option<Team> {
    parse_with_places(source, findings).map(|(team, _)| team)
}

/// The same, with the places of what has to be judged later.
pub fn parse_with_places(source: &Source, findings: &mut Findings) -> Option<(Team, Places)> {
    let node = match crate::yaml::parse(source, Span::new(0, source.text.len())) {
        Ok(node) => node,
        Err(finding) => {
            findings.push(finding);
            return None;
        }
    };
    let before = findings.count(Level::Error);
    let mut fields = Fields::open(source, node, FIELDS, findings)?;

    let name = fields.required_title("name", "write `name: Example CERT`", findings);
    let short_name = fields.title("short_name", findings);
    let address = fields.wording("address", findings);
    let country = fields
        .optional::<Country>("country", findings)
        .map(|(country, _)| country.0);
    let time_zone = fields.required::<ZoneName>(
        "time_zone",
        "write an IANA name, such as `time_zone: Asia/Almaty`",
        findings,
    );
    let hours = fields.wording("hours", findings);
    let holidays = fields.wording("holidays", findings);
    let phone = number(source, &mut fields, "phone", findings);
    let emergency_phone = number(source, &mut fields, "emergency_phone", findings);
    let fax = number(source, &mut fields, "fax", findings);
    let other_telecommunication = fields.wording("other_telecommunication", findings);
    let email = fields.required::<Address>("email", "write `email: cert@example.org`", findings);
    if let Some((address, span)) = email
        .as_ref()
        .filter(|(address, _)| address.domain().ends_with(".invalid"))
    {
        let finding = source.error(
            *span,
            "placeholder-address",
            format!("`{address}` reaches nobody"),
        );
        findings.push(finding.hint("write the team's address").warning());
    }
    let website = fields
        .optional::<Website>("website", findings)
        .map(|(website, _)| website.0);
    let keys = fields.distinct::<Fingerprint>("keys", findings);
    let key_servers = fields
        .list::<Website>("key_servers", findings)
        .into_iter()
        .map(|(server, _)| server.0)
        .collect();
    let members = fields.wording("members", findings);
    let constituency = fields.wording("constituency", findings);
    let affiliation = fields
        .list::<Line>("affiliation", findings)
        .into_iter()
        .map(|(line, _)| line.0)
        .collect();
    let default_tlp = fields
        .optional::<Tlp>("default_tlp", findings)
        .map(|(tlp, _)| tlp);
    let notifications = fields.distinct::<Slug>("notifications", findings);
    let reviewed = fields.optional::<Moment>("reviewed", findings);

    if findings.count(Level::Error) > before {
        return None;
    }
    let (time_zone, zone_span) = time_zone?;
    let places = Places {
        keys,
        notifications,
        time_zone: Some(zone_span),
        reviewed,
    };
    let team = Team {
        name: name?,
        short_name,
        address,
        country,
        time_zone: time_zone.0,
        hours,
        holidays,
        phone,
        emergency_phone,
        fax,
        other_telecommunication,
        email: email?.0,
        website,
        keys: places.keys.iter().map(|(key, _)| key.clone()).collect(),
        key_servers,
        members,
        constituency,
        affiliation,
        default_tlp,
        notifications: places
            .notifications
            .iter()
            .map(|(list, _)| list.clone())
            .collect(),
        reviewed: places.reviewed.as_ref().map(|(day, _)| day.clone()),
    };
    Some((team, places))
}

fn number(
    source: &Source,
    fields: &mut Fields,
    name: &'static str,
    findings: &mut Findings,
) -> Option<String> {
    let (phone, span) = fields.optional::<Phone>(name, findings)?;
    if !phone.is_international() && !phone.is_short() {
        findings.push(
            source
                .error(
                    span,
                    "phone-without-country",
                    format!("`{phone}` cannot be dialled from abroad"),
                )
                .hint("begin it with `+` and the country's code: `\"+7 727 555 0100\"`")
                .warning(),
        );
    }
    Some(phone.as_str().to_string())
}

struct Country(String);

impl FromStr for Country {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Country, Wrong> {
        if text.len() == 2 && text.bytes().all(|c| c.is_ascii_uppercase()) {
            return Ok(Country(text.to_string()));
        }
        let wrong = Wrong::new(format!("`{}` is not the code of a country", shorten(text)));
        Err(
            match text.len() == 2 && text.bytes().all(|c| c.is_ascii_alphabetic()) {
                true => wrong.hint(format!(
                    "write it in capitals: `{}`",
                    text.to_ascii_uppercase()
                )),
                false => wrong.hint("write the two capitals of ISO 3166, such as `KZ`"),
            },
        )
    }
}

/// A name of the time zone database that is built in, so that every machine makes the same document.
struct ZoneName(String);

impl FromStr for ZoneName {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<ZoneName, Wrong> {
        let zones = TimeZoneDatabase::bundled();
        let names: Vec<String> = zones
            .available()
            .map(|name| name.as_str().to_string())
            .collect();
        if names.iter().any(|name| name == text) {
            return Ok(ZoneName(text.to_string()));
        }
        let wrong = Wrong::new(format!("time zone `{}` is not known", shorten(text)));
        if text.starts_with(['+', '-'])
            || text.chars().any(|c| c.is_ascii_digit()) && !text.contains('/')
        {
            return Err(wrong.hint("write an IANA name such as `Asia/Almaty`: it knows about summer time, an offset does not"));
        }
        // People who know the city and not the continent: `Almaty`.
        let city = format!("/{}", text.trim().replace(' ', "_").to_lowercase());
        let by_city = names
            .iter()
            .find(|name| name.to_lowercase().ends_with(&city))
            .map(String::as_str);
        Err(
            match by_city.or_else(|| nearest(text, names.iter().map(String::as_str))) {
                Some(near) => wrong.hint(format!("did you mean `{near}`?")),
                None => wrong.hint("write an IANA name, such as `Asia/Almaty` or `Europe/Berlin`"),
            },
        )
    }
}

struct Website(String);

impl FromStr for Website {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Website, Wrong> {
        let wrong = |why: &str| {
            let hint = match text
                .strip_prefix("https//")
                .or_else(|| text.strip_prefix("http//"))
            {
                Some(rest) => format!("the colon is missing: `https://{rest}`"),
                None => "write it as `https://cert.example.org`".to_string(),
            };
            Wrong::new(format!(
                "`{}` is not the address of a web site: {why}",
                shorten(text)
            ))
            .hint(hint)
        };
        let url = Url::parse(text).map_err(|e| match e {
            url::ParseError::RelativeUrlWithoutBase => wrong("it does not begin with `https://`"),
            other => wrong(&other.to_string()),
        })?;
        if !matches!(url.scheme(), "https" | "http") {
            return Err(wrong("it does not begin with `https://`"));
        }
        if url.host_str().is_none_or(str::is_empty)
            || text.contains(char::is_whitespace)
            || !url.username().is_empty()
        {
            return Err(wrong("it needs a host and nothing else before the path"));
        }
        Ok(Website(text.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terms::Lang;

    const SMALL: &str =
        "name: Example CERT\ntime_zone: Asia/Almaty\nemail: cert@cert.example.org\n";

    fn check(text: &str) -> (Option<Team>, Findings) {
        let mut findings = Findings::new();
        let team = parse(&Source::new("team.yaml", text), &mut findings);
        (team, findings)
    }

    fn says(more: &str, message: &str, hint: &str) {
        let (team, findings) = check(&format!("{SMALL}{more}\n"));
        let found = findings.iter().find(|f| f.message.contains(message));
        let found = found.unwrap_or_else(|| panic!("`{message}` is not among {findings:#?}"));
        assert!(
            found.hint.as_deref().unwrap_or_default().contains(hint),
            "{found:#?}"
        );
        assert_eq!(team.is_none(), findings.has_errors());
    }

    #[test]
    fn three_fields_are_enough() {
        let (team, findings) = check(SMALL);
        assert!(findings.is_empty(), "{findings:#?}");
        let team = team.expect("a team");
        assert_eq!(team.short(&Lang::english()), "Example CERT");
        assert_eq!(team.time_zone, "Asia/Almaty");
    }

    #[test]
    fn the_sample_team_is_read_without_findings() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/team.yaml");
        let (team, findings) =
            check(&std::fs::read_to_string(path).expect("the sample's team.yaml"));
        assert!(findings.is_empty(), "{findings:#?}");
        let team = team.expect("a team");
        assert_eq!(
            team.name.in_lang(&"ru".parse().expect("a language")),
            "Группа реагирования Example CERT"
        );
        assert_eq!(team.notifications.len(), 2);
    }

    #[test]
    fn every_mistake_gets_its_hint() {
        says("country: kz", "`kz` is not the code of a country", "`KZ`");
        says(
            "country: Kazakhstan",
            "is not the code of a country",
            "ISO 3166",
        );
        says(
            "website: https//cert.example.org",
            "is not the address of a web site",
            "the colon is missing",
        );
        says(
            "website: ftp://cert.example.org",
            "is not the address of a web site",
            "https://cert.example.org",
        );
        says("phone: call us", "is not a telephone number", "+7 727");
        says(
            "phone: 727 555 0100",
            "cannot be dialled from abroad",
            "country's code",
        );
        says(
            "keys: [3C008A824D7B5100]",
            "is not a certificate's fingerprint",
            "key ID",
        );
        says(
            "key_servers: [hkps//keys.example.org]",
            "is not the address of a web site",
            "https://",
        );
        says("reviewed: last week", "is not a date", "2026-07-01");
        says("default_tlp: WHITE", "not a label of TLP 2.0", "CLEAR");
        says(
            "notifications: [a-list, a-list]",
            "`a-list` stands in `notifications` twice",
            "remove",
        );
        says("short_name: \"EX\\nCERT\"", "has a line break", "one line");
        says(
            "adress: here",
            "field `adress` is not known",
            "did you mean `address`?",
        );
    }

    #[test]
    fn a_time_zone_that_nobody_knows_gets_the_nearest_one() {
        for (zone, hint) in [
            ("Asia/Almati", "`Asia/Almaty`"),
            ("asia/almaty", "`Asia/Almaty`"),
            ("Berlin", "`Europe/Berlin`"),
            ("+05:00", "IANA name"),
            ("UTC+5", "IANA name"),
        ] {
            let (team, findings) = check(&SMALL.replace("Asia/Almaty", &format!("\"{zone}\"")));
            assert!(team.is_none());
            let finding = findings.iter().next().expect("a finding");
            assert!(
                finding.hint.as_deref().is_some_and(|h| h.contains(hint)),
                "{finding:#?}"
            );
        }
    }

    #[test]
    fn all_that_is_missing_is_named_at_once() {
        let (team, findings) = check("short_name: EX\n");
        assert!(team.is_none());
        let missing = findings
            .iter()
            .filter(|f| f.code == "missing-field")
            .count();
        assert_eq!(missing, 3, "{findings:#?}");
    }
}
