//! `lists/NAME.yaml` and `constituents/SLUG.yaml`: from text to a [`List`] or [`Constituent`], or all findings.
//!
//! One file is judged at a time. What only the whole workspace can judge (whether a list exists, whether
//! a certificate is there, whether an address stands in two files) is left to it, with the places to point at.

use super::{Constituent, Contact, Delivery, Encrypt, List, Profile, bounces};
use crate::{
    diag::{Findings, Level, Source, Span},
    terms::{Address, Fingerprint, Lang, Moment, Phone, Slug, Wrong, one_of, shorten},
    tlp::Tlp,
    yaml::{Fields, Line, Node},
};
use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
    sync::{Arc, Mutex, PoisonError},
};

/// The fields of `lists/NAME.yaml`.
pub const LIST_FIELDS: &[&str] = &[
    "title",
    "description",
    "address",
    "tlp",
    "encrypt",
    "delivery",
    "certificate",
    "notify_held",
    "bounces",
];

/// The fields of `constituents/SLUG.yaml`.
pub const CONSTITUENT_FIELDS: &[&str] = &[
    "name", "sector", "networks", "domains", "products", "lists", "contacts",
];

/// The fields of one of a constituent's contacts.
pub const CONTACT_FIELDS: &[&str] = &[
    "name",
    "address",
    "certificate",
    "language",
    "phone",
    "lists",
    "joined",
    "suspended",
];

/// A list, and where in its file things stand that only the workspace can judge.
#[derive(Debug, Clone)]
pub struct ParsedList {
    /// Without members: the roster fills them in.
    pub list: List,
    /// Of a relay list.
    pub certificate_span: Option<(Fingerprint, Span)>,
    /// Of the list's own address.
    pub address_span: Span,
}

/// A constituent, and where in its file things stand that only the workspace can judge.
#[derive(Debug, Clone)]
pub struct ParsedConstituent {
    /// With its contacts.
    pub constituent: Constituent,
    /// The rest of what the file says.
    pub profile: Profile,
    /// Every name of a list; a contact's own too.
    pub list_spans: Vec<(Slug, Span)>,
    /// Of the contacts.
    pub certificate_spans: Vec<(Fingerprint, Span)>,
    /// Of the contacts.
    pub address_spans: Vec<(Address, Span)>,
}

/// Reads `lists/NAME.yaml`. `None` if it has errors; all of them are among the findings.
pub fn parse_list(source: &Source, name: Slug, findings: &mut Findings) -> Option<ParsedList> {
    let before = findings.count(Level::Error);
    let mut fields = open(source, LIST_FIELDS, findings)?;
    let title = fields.required_title("title", "write `title: Universities`", findings);
    let description = fields.wording("description", findings);
    let address = fields.required::<Address>(
        "address",
        "write `address: universities@lists.cert.example.org`",
        findings,
    );
    let hint = "write the narrowest label that the list may carry, such as `tlp: AMBER`";
    let tlp = fields.required::<Tlp>("tlp", hint, findings);
    // TLP 2.0: RED is "for the eyes and ears of individual recipients only", so no list can carry it.
    if let Some((Tlp::Red, span)) = tlp {
        findings.push(
            source
                .error(span, "bad-tlp", "no list can carry TLP:RED, which is for named persons only")
                .hint("write `AMBER+STRICT` or wider here, and name the persons in the advisory's `audience`"),
        );
    }
    let encrypt = fields
        .optional::<Encrypt>("encrypt", findings)
        .map_or(Encrypt::ByLabel, |(encrypt, _)| encrypt);
    let delivery = fields.optional::<Way>("delivery", findings);
    let certificate = fields.optional::<Fingerprint>("certificate", findings);
    let notify_held = fields.flag("notify_held", findings);
    let bounces_span = fields.key("bounces");
    let bounces = fields
        .node("bounces")
        .and_then(|node| bounces::parse(source, node, findings));
    if let (Some(_), Some(span), Some((Way::Relay, _))) = (&bounces, bounces_span, &delivery) {
        findings.push(
            source
                .error(span, "bounces-of-relay", "a list server keeps its own members, so nobody can be suspended here")
                .hint("remove this; mail to the list server itself that comes back is shown by `advise status`"),
        );
    }

    let delivery = match (delivery, &certificate) {
        (Some((Way::Relay, span)), None) => {
            let needs = encrypt == Encrypt::Always
                || tlp.as_ref().is_some_and(|(tlp, _)| tlp.must_encrypt());
            if needs {
                findings.push(
                    source
                        .error(
                            span,
                            "relay-without-certificate",
                            "this list server has no certificate, so what must be encrypted is held",
                        )
                        .hint("write `certificate:` with the fingerprint of the list server's certificate")
                        .warning(),
                );
            }
            Delivery::Relay(None)
        }
        (Some((Way::Relay, _)), Some((certificate, _))) => {
            Delivery::Relay(Some(certificate.clone()))
        }
        (_, Some((_, span))) => {
            findings.push(
                source
                    .error(*span, "certificate-without-relay", "a list has a certificate only if a list server delivers it")
                    .hint("write `delivery: relay`, or remove this; members' certificates stand in `constituents/`"),
            );
            Delivery::Direct
        }
        (_, None) => Delivery::Direct,
    };
    if findings.count(Level::Error) > before {
        return None;
    }
    let (address, address_span) = address?;
    let list = List {
        name,
        title: title?,
        description,
        address,
        tlp: tlp?.0,
        encrypt,
        delivery,
        notify_held,
        bounces: bounces.unwrap_or_default(),
        members: Vec::new(),
    };
    Some(ParsedList {
        list,
        certificate_span: certificate,
        address_span,
    })
}

/// Reads `constituents/SLUG.yaml`. `None` if it has errors; all of them are among the findings.
pub fn parse_constituent(
    source: &Source,
    slug: Slug,
    findings: &mut Findings,
) -> Option<ParsedConstituent> {
    let before = findings.count(Level::Error);
    let mut fields = open(source, CONSTITUENT_FIELDS, findings)?;
    let name = fields.required_title("name", "write `name: University of Examples`", findings);
    let sector = fields.text("sector", findings).map(|(sector, _)| sector);
    let networks = fields.distinct::<Network>("networks", findings);
    let domains = fields.distinct::<Domain>("domains", findings);
    let products = fields.list::<Line>("products", findings);
    let lists = fields.distinct::<Slug>("lists", findings);
    let nodes = fields.nodes("contacts", findings);

    let names = shared(&lists);
    let mut places = Places {
        lists,
        ..Places::default()
    };
    let mut contacts = Vec::with_capacity(nodes.len());
    for node in nodes {
        contacts.extend(contact(source, node, &slug, &names, &mut places, findings).map(Arc::new));
    }
    if findings.count(Level::Error) > before {
        return None;
    }
    let profile = Profile {
        name: name?,
        sector,
        networks: networks.into_iter().map(|(network, _)| network.0).collect(),
        domains: domains.into_iter().map(|(domain, _)| domain.0).collect(),
        products: products.into_iter().map(|(line, _)| line.0).collect(),
        lists: names.to_vec(),
    };
    let Places {
        lists,
        certificates,
        addresses,
    } = places;
    Some(ParsedConstituent {
        constituent: Constituent { slug, contacts },
        profile,
        list_spans: lists,
        certificate_spans: certificates,
        address_spans: addresses,
    })
}

/// The names of lists. Of a hundred thousand constituents most are on the same few, so each such set is kept once.
fn shared(lists: &[(Slug, Span)]) -> Arc<[Slug]> {
    static KNOWN: Mutex<BTreeSet<Arc<[Slug]>>> = Mutex::new(BTreeSet::new());
    let names: Vec<Slug> = lists.iter().map(|(list, _)| list.clone()).collect();
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(same) = known.get(&*names) {
        return same.clone();
    }
    let names: Arc<[Slug]> = names.into();
    known.insert(names.clone());
    names
}

#[derive(Default)]
struct Places {
    lists: Vec<(Slug, Span)>,
    certificates: Vec<(Fingerprint, Span)>,
    addresses: Vec<(Address, Span)>,
}

fn contact(
    source: &Source,
    node: Node,
    constituent: &Slug,
    all_lists: &Arc<[Slug]>,
    places: &mut Places,
    findings: &mut Findings,
) -> Option<Contact> {
    let mut fields = Fields::open(source, node, CONTACT_FIELDS, findings)?;
    let name = fields.required::<Line>("name", "write `name: Ada Example`", findings);
    let address =
        fields.required::<Address>("address", "write `address: ada@example.org`", findings);
    let certificate = fields.optional::<Fingerprint>("certificate", findings);
    let language = fields
        .optional::<Lang>("language", findings)
        .map(|(lang, _)| lang);
    let phone = fields
        .optional::<Phone>("phone", findings)
        .map(|(phone, _)| phone.as_str().to_string());
    let narrowed = fields.key("lists").is_some();
    let own = fields.distinct::<Slug>("lists", findings);
    let joined = fields
        .optional::<Moment>("joined", findings)
        .map(|(moment, _)| moment);
    let suspended = fields
        .optional::<Reason>("suspended", findings)
        .map(|(reason, _)| reason.0);

    let names: Vec<&str> = all_lists.iter().map(Slug::as_str).collect();
    for (list, span) in &own {
        if !names.contains(&list.as_str()) {
            let hint = match names.is_empty() {
                true => format!("add `{list}` to the constituent's `lists`"),
                false => format!(
                    "{}; or add it to the constituent's `lists`",
                    one_of(list.as_str(), &names)
                ),
            };
            let message = format!("list `{list}` is not among the constituent's lists");
            findings.push(
                source
                    .error(*span, "list-not-of-constituent", message)
                    .hint(hint),
            );
        }
    }
    if let Some((address, span)) = &address {
        if places
            .addresses
            .iter()
            .any(|(other, _)| other.key() == address.key())
        {
            findings.push(
                source
                    .error(
                        *span,
                        "duplicate-address",
                        "two contacts of this file have this address",
                    )
                    .hint("one address is one contact: remove one of the two"),
            );
        }
        places.addresses.push((address.clone(), *span));
    }
    places.certificates.extend(certificate.clone());
    let lists = match narrowed {
        true => shared(&own),
        false => all_lists.clone(),
    };
    places.lists.extend(own);
    Some(Contact {
        name: name?.0.0,
        address: address?.0,
        certificate: certificate.map(|(certificate, _)| certificate),
        language,
        phone,
        lists,
        joined,
        suspended,
        constituent: constituent.clone(),
    })
}

fn open<'s>(
    source: &'s Source,
    known: &'static [&'static str],
    findings: &mut Findings,
) -> Option<Fields<'s>> {
    match crate::yaml::parse(source, Span::new(0, source.text.len())) {
        Ok(node) => Fields::open(source, node, known, findings),
        Err(finding) => {
            findings.push(finding);
            None
        }
    }
}

impl FromStr for Encrypt {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Encrypt, Wrong> {
        match text {
            "by-label" => Ok(Encrypt::ByLabel),
            "always" => Ok(Encrypt::Always),
            "never" | "false" | "no" => Err(Wrong::new(
                "the label decides what must be encrypted, no list can say less",
            )
            .hint("write `by-label` or `always`")),
            _ => Err(Wrong::new(format!("`{}` is not known here", shorten(text)))
                .hint(one_of(text, &["by-label", "always"]))),
        }
    }
}

enum Way {
    Direct,
    Relay,
}

impl FromStr for Way {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Way, Wrong> {
        match text {
            "direct" => Ok(Way::Direct),
            "relay" => Ok(Way::Relay),
            _ => Err(
                Wrong::new(format!("delivery `{}` is not known", shorten(text)))
                    .hint(one_of(text, &["direct", "relay"])),
            ),
        }
    }
}

/// Why nothing is sent to somebody; a bare yes or no is no reason.
pub(super) struct Reason(pub(super) String);

impl FromStr for Reason {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Reason, Wrong> {
        let line: Line = text.parse()?;
        match line.0.to_lowercase().as_str() {
            "true" | "yes" | "on" => Err(Wrong::new("`suspended` takes the reason, not yes or no")
                .hint("write `suspended: left the university in August 2026`")),
            "false" | "no" | "off" => {
                Err(Wrong::new("`suspended` takes the reason, not yes or no")
                    .hint("remove the line: nobody is suspended without it"))
            }
            _ => Ok(Reason(line.0)),
        }
    }
}

/// A network in CIDR notation, whose host bits are zero.
#[derive(PartialEq)]
pub(super) struct Network(pub(super) String);

impl FromStr for Network {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Network, Wrong> {
        let wrong = |why: &str| Wrong::new(format!("`{}` is not a network: {why}", shorten(text)));
        let plain = "write it as `192.0.2.0/24` or `2001:db8::/32`";
        let Some((address, bits)) = text.split_once('/') else {
            return Err(match text.parse::<IpAddr>() {
                Ok(IpAddr::V4(ip)) => {
                    wrong("it has no length").hint(format!("for one address, write `{ip}/32`"))
                }
                Ok(IpAddr::V6(ip)) => {
                    wrong("it has no length").hint(format!("for one address, write `{ip}/128`"))
                }
                Err(_) => wrong("it has no `/`").hint(plain),
            });
        };
        let address: IpAddr = address
            .parse()
            .map_err(|_| wrong("what stands before the `/` is no IP address").hint(plain))?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let decimal = !bits.is_empty() && bits.bytes().all(|c| c.is_ascii_digit());
        let bits: u32 = bits
            .parse()
            .ok()
            .filter(|bits| decimal && *bits <= width)
            .ok_or_else(|| {
                wrong(&format!("after the `/` stands a number from 0 to {width}")).hint(plain)
            })?;
        let base = base(address, bits);
        if base != address {
            return Err(
                wrong(&format!("the address has bits beyond the first {bits}"))
                    .hint(format!("the network of this address is `{base}/{bits}`")),
            );
        }
        Ok(Network(format!("{base}/{bits}")))
    }
}

fn base(address: IpAddr, bits: u32) -> IpAddr {
    match address {
        IpAddr::V4(ip) => {
            Ipv4Addr::from_bits(ip.to_bits() & u32::MAX.checked_shl(32 - bits).unwrap_or(0)).into()
        }
        IpAddr::V6(ip) => {
            Ipv6Addr::from_bits(ip.to_bits() & u128::MAX.checked_shl(128 - bits).unwrap_or(0))
                .into()
        }
    }
}

/// A domain name in lower case, without a wildcard.
#[derive(PartialEq)]
pub(super) struct Domain(pub(super) String);

impl FromStr for Domain {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Domain, Wrong> {
        let wrong = || Wrong::new(format!("`{}` is not a domain", shorten(text)));
        if !text.is_ascii() {
            return Err(wrong().hint("write an international domain in its `xn--` form"));
        }
        let bare = text
            .trim_start_matches("https://")
            .trim_start_matches("http://")
            .trim_start_matches("*.");
        let bare = bare
            .split('/')
            .next()
            .unwrap_or(bare)
            .trim_end_matches('.')
            .to_ascii_lowercase();
        // The rules for a domain are those of a mail address.
        let is_domain = bare.contains('.') && format!("a@{bare}").parse::<Address>().is_ok();
        match is_domain {
            true if bare == text => Ok(Domain(bare)),
            true => Err(wrong().hint(format!("write `{bare}`, which has all that is below it"))),
            false => Err(wrong().hint("write it as `uni.example.org`")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roster::{Bounces, Roster};

    const LIST: &str =
        "title: Universities\naddress: universities@lists.cert.example.org\ntlp: AMBER\n";
    const MEMBER: &str = "name: University\nlists: [universities, community]\ncontacts:\n  - name: Ada\n    address: ada@uni.example.org\n";
    const FPR: &str = "8DDE84B5C7676EA3C4D1C52B3C008A824D7B5100";

    fn slug(text: &str) -> Slug {
        text.parse().expect("a slug")
    }

    fn list(text: &str) -> (Option<ParsedList>, Findings) {
        let mut findings = Findings::new();
        let list = parse_list(
            &Source::new("lists/universities.yaml", text),
            slug("universities"),
            &mut findings,
        );
        (list, findings)
    }

    fn constituent(text: &str) -> (Option<ParsedConstituent>, Findings) {
        let mut findings = Findings::new();
        let parsed = parse_constituent(
            &Source::new("constituents/uni.yaml", text),
            slug("uni"),
            &mut findings,
        );
        (parsed, findings)
    }

    fn says(findings: &Findings, message: &str, hint: &str) {
        let found = findings.iter().find(|f| f.message.contains(message));
        let found = found.unwrap_or_else(|| panic!("`{message}` is not among {findings:#?}"));
        assert!(
            found.hint.as_deref().unwrap_or_default().contains(hint),
            "{found:#?}"
        );
    }

    #[test]
    fn a_list_needs_title_address_and_ceiling() {
        let (parsed, findings) = list(LIST);
        assert!(findings.is_empty(), "{findings:#?}");
        let list = parsed.expect("a list").list;
        assert_eq!(
            (list.tlp, list.encrypt, list.delivery),
            (Tlp::Amber, Encrypt::ByLabel, Delivery::Direct)
        );
        assert_eq!(self::list("description: x\n").1.count(Level::Error), 3);
    }

    #[test]
    fn no_list_carries_red_or_stays_in_clear() {
        says(
            &list(&LIST.replace("AMBER", "RED")).1,
            "no list can carry TLP:RED",
            "audience",
        );
        says(
            &list(&format!("{LIST}encrypt: never\n")).1,
            "the label decides",
            "always",
        );
    }

    #[test]
    fn a_certificate_and_a_relay_go_together() {
        says(
            &list(&format!("{LIST}certificate: {FPR}\n")).1,
            "only if a list server",
            "delivery: relay",
        );
        let (parsed, findings) = list(&format!("{LIST}delivery: relay\n"));
        says(&findings, "is held", "certificate");
        assert!(parsed.is_some() && !findings.has_errors());
        let (parsed, findings) = list(&format!("{LIST}delivery: relay\ncertificate: {FPR}\n"));
        assert!(findings.is_empty(), "{findings:#?}");
        assert!(matches!(
            parsed.map(|p| p.list.delivery),
            Some(Delivery::Relay(Some(_)))
        ));
    }

    #[test]
    fn a_list_says_when_bounces_suspend() {
        let bounces = |text: &str| {
            let (parsed, findings) = list(&format!("{LIST}{text}"));
            assert!(findings.is_empty(), "{findings:#?}");
            parsed.expect("a list").list.bounces
        };
        assert_eq!(
            bounces(""),
            Bounces {
                suspend: true,
                hard: 2,
                soft: 6,
                within: 60
            }
        );
        let own = "bounces: {suspend: false, hard: 3, soft: 9, within: 30}\n";
        assert_eq!(
            bounces(own),
            Bounces {
                suspend: false,
                hard: 3,
                soft: 9,
                within: 30
            }
        );
        assert_eq!(
            bounces("bounces: {hard: 5}\n"),
            Bounces {
                hard: 5,
                ..Bounces::default()
            }
        );
        says(
            &list(&format!("{LIST}bounces: {{hard: 0}}\n")).1,
            "`0` is not a number from 1 to 100",
            "suspend: false",
        );
        says(
            &list(&format!("{LIST}bounces: {{hards: 3}}\n")).1,
            "field `hards` is not known",
            "did you mean `hard`?",
        );
        says(
            &list(&format!("{LIST}delivery: relay\nbounces: {{hard: 3}}\n")).1,
            "a list server keeps its own members",
            "status",
        );
    }

    #[test]
    fn a_contact_gets_all_lists_of_the_constituent_or_fewer() {
        let (parsed, findings) = constituent(&format!(
            "{MEMBER}  - {{name: Bob, address: bob@uni.example.org, lists: [community]}}\n"
        ));
        assert!(findings.is_empty(), "{findings:#?}");
        let parsed = parsed.expect("a constituent");
        let counts: Vec<usize> = parsed
            .constituent
            .contacts
            .iter()
            .map(|c| c.lists.len())
            .collect();
        assert_eq!(counts, [2, 1]);
        assert_eq!(parsed.list_spans.len(), 3);
        let (_, findings) = constituent(&format!("{MEMBER}    lists: [universitis]\n"));
        says(
            &findings,
            "list `universitis` is not among the constituent's lists",
            "did you mean `universities`?",
        );
    }

    #[test]
    fn mistakes_of_a_constituent_get_their_hints() {
        let twice = format!("{MEMBER}  - {{name: Ada, address: ADA@uni.example.org}}\n");
        says(
            &constituent(&twice).1,
            "two contacts of this file have this address",
            "one contact",
        );
        says(
            &constituent(&format!("{MEMBER}    suspended: true\n")).1,
            "takes the reason",
            "left",
        );
        says(
            &constituent(&format!("{MEMBER}    suspended: false\n")).1,
            "takes the reason",
            "remove",
        );
        for (network, hint) in [
            ("192.0.2.1/24", "`192.0.2.0/24`"),
            ("192.0.2.1", "`192.0.2.1/32`"),
            ("192.0.2.0/33", "192.0.2.0/24"),
            ("2001:db8::1/32", "`2001:db8::/32`"),
            ("192.0.2.0/+4", "192.0.2.0/24"),
            ("all of it", "192.0.2.0/24"),
        ] {
            says(
                &constituent(&format!("networks: [\"{network}\"]\n{MEMBER}")).1,
                "is not a network",
                hint,
            );
        }
        for (domain, hint) in [
            ("https://uni.example.org/", "`uni.example.org`"),
            ("*.uni.example.org", "`uni.example.org`"),
            ("uni", "uni.example.org"),
        ] {
            says(
                &constituent(&format!("domains: [\"{domain}\"]\n{MEMBER}")).1,
                "is not a domain",
                hint,
            );
        }
    }

    #[test]
    fn the_widest_and_the_smallest_networks_are_networks() {
        for network in ["0.0.0.0/0", "::/0", "192.0.2.1/32", "2001:db8::1/128"] {
            assert!(network.parse::<Network>().is_ok(), "{network}");
        }
    }

    #[test]
    fn places_point_at_what_was_written() {
        let text = format!("{MEMBER}    certificate: {FPR}\n");
        let (parsed, _) = constituent(&text);
        let parsed = parsed.expect("a constituent");
        let at = |span: Span| &text[span.start..span.end];
        assert_eq!(at(parsed.list_spans[0].1), "universities");
        assert_eq!(at(parsed.certificate_spans[0].1), FPR);
        assert_eq!(at(parsed.address_spans[0].1), "ada@uni.example.org");
    }

    #[test]
    fn the_sample_roster_is_read_without_findings() {
        let mut findings = Findings::new();
        let read = |folder: &str| -> Vec<(Slug, Source)> {
            let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
            let files = std::fs::read_dir(path)
                .expect("a folder of the sample")
                .map(|entry| entry.expect("an entry").path());
            files
                .map(|file| {
                    let stem = file.file_stem().and_then(|s| s.to_str()).expect("a name");
                    let text = std::fs::read_to_string(&file).expect("a file of the sample");
                    (
                        slug(stem),
                        Source::new(format!("{folder}/{stem}.yaml"), text),
                    )
                })
                .collect()
        };
        let lists: Vec<List> = read("lists")
            .into_iter()
            .filter_map(|(name, source)| parse_list(&source, name, &mut findings))
            .map(|p| p.list)
            .collect();
        let constituents: Vec<Constituent> = read("constituents")
            .into_iter()
            .filter_map(|(name, source)| parse_constituent(&source, name, &mut findings))
            .map(|p| p.constituent)
            .collect();
        assert!(findings.is_empty(), "{findings:#?}");
        let roster = Roster::new(lists, constituents);
        assert_eq!((roster.lists.len(), roster.constituents.len()), (4, 12));
        assert!(roster.lists.values().all(|list| !list.members.is_empty()));
    }
}
