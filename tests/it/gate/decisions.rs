//! The plan against the oracle, for every combination, also for those that `check` would never let through:
//! the values are built by hand, so that nothing but gate and plan stands between them and the post.

use crate::gate::oracle::{
    self, CEILINGS, EMBARGOES, Embargo, Fate, KEYS, Key, LABELS, Label, Past, Reader, STATUSES,
    Status, is_public,
};
use advise::{
    advisory::{self, Advisory},
    artefact::Digest,
    diag::{Findings, Source},
    plan::{self, Change, Facts, Plan, Request},
    receipt::{DeliveryKey, Frozen, History, Intent, Mail, MemberHash, Receipt, State},
    roster::{Constituent, Contact, Delivery, Encrypt, KeyState, List, Roster, parse_list},
    settings::{self, Settings},
    terms::{Address, Fingerprint, Lang, Moment, Slug},
    tlp::{Cover, Tlp},
};
use rayon::prelude::*;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt::Debug,
    str::FromStr,
    sync::Arc,
};

const NOW: &str = "2026-07-01T12:00:00Z";

fn read<T: FromStr<Err: Debug>>(text: &str) -> T {
    text.parse().expect(text)
}

fn tlp(label: Label) -> Tlp {
    match label {
        Label::Clear => Tlp::Clear,
        Label::Green => Tlp::Green,
        Label::Amber => Tlp::Amber,
        Label::Strict => Tlp::AmberStrict,
        Label::Red => Tlp::Red,
    }
}

fn state(key: Key) -> Option<KeyState> {
    match key {
        Key::Usable => Some(KeyState::Usable { expires: None }),
        Key::NoneNamed => None,
        Key::Missing => Some(KeyState::Missing),
        Key::Expired => Some(KeyState::Expired(read("2026-06-30"))),
        Key::Revoked => Some(KeyState::Revoked(String::new())),
        Key::CannotEncrypt => Some(KeyState::CannotEncrypt),
        Key::Weak => Some(KeyState::Weak("SHA1".into())),
    }
}

/// Every certificate of a state; nobody knows anything of the missing one.
fn certificate(key: Key) -> Option<Fingerprint> {
    state(key).map(|_| read(&format!("{:040X}", 0xABC0 + key as u32)))
}

fn key_state(fingerprint: &Fingerprint) -> KeyState {
    let named = KEYS
        .into_iter()
        .filter(|key| certificate(*key).as_ref() == Some(fingerprint));
    named.filter_map(state).next().unwrap_or(KeyState::Missing)
}

fn hash(address: &Address) -> MemberHash {
    let digest = Digest::of(address.key().as_bytes());
    MemberHash(std::array::from_fn(|i| digest.0[i]))
}

fn settings() -> Settings {
    let text = "site:\n  url: https://cert.example.org\n  languages: [en]\nids: \"EX-{year}-{number:4}\"\n";
    settings::parse(&Source::new("advise.yaml", text), &mut Findings::new()).expect("settings")
}

/// The list under test is `varied`. `other` is a member of the open list only, and in good order.
fn audiences() -> Vec<Vec<Reader>> {
    let (list, person) = (
        |name: &str| Reader::List(name.into()),
        |name: &str| Reader::Person(format!("{name}@example.net")),
    );
    vec![
        vec![Reader::Public],
        vec![list("varied")],
        vec![person("member")],
        vec![list("varied"), Reader::Public],
        vec![person("member"), Reader::Public],
        vec![list("varied"), list("open")],
        vec![list("open"), list("varied")],
        vec![person("member"), list("varied")],
        vec![list("varied"), person("member")],
        vec![list("empty")],
        vec![person("other")],
        vec![
            Reader::Public,
            list("open"),
            person("member"),
            list("varied"),
        ],
    ]
}

fn advisories() -> Vec<(oracle::Advisory, Advisory)> {
    let text = "---\nid: EX-2026-0001\ntitle: A title\ndate: 2026-06-20\ntlp: CLEAR\nseverity: low\naudience: [public]\n\
                revisions:\n  - {number: \"1\", date: 2026-06-20, summary: one}\n  - {number: \"2\", date: 2026-06-25, summary: two}\n---\nText\n";
    let source = Source::new("advisories/EX-2026-0001.md", text);
    let parsed = advisory::parse(
        &source,
        "EX-2026-0001",
        &Lang::english(),
        &mut Findings::new(),
    )
    .expect("an advisory");
    let mut all = Vec::new();
    for (label, audience, embargo, status) in product(&audiences()) {
        let number = u32::try_from(all.len()).expect("few") + 1;
        let advisory = Advisory {
            id: read(&format!("EX-2026-{number:04}")),
            tlp: tlp(label),
            status: match status {
                Status::Draft => advisory::Status::Draft,
                Status::Final => advisory::Status::Final,
                Status::Withdrawn => advisory::Status::Withdrawn,
            },
            embargo: match embargo {
                Embargo::None => None,
                Embargo::Past => Some(read("2026-07-01T12:00:00Z")),
                Embargo::Future => Some(read("2026-07-01T12:00:01Z")),
            },
            audience: audience
                .iter()
                .map(|reader| match reader {
                    Reader::Public => advisory::Reader::Public,
                    Reader::List(name) => advisory::Reader::List(read(name)),
                    Reader::Person(address) => {
                        advisory::Reader::Person(read(&address.to_uppercase()))
                    }
                })
                .collect(),
            ..parsed.advisory.clone()
        };
        all.push((
            oracle::Advisory {
                number,
                label,
                status,
                embargo,
                audience,
            },
            advisory,
        ));
    }
    all
}

fn product(
    audiences: &[Vec<Reader>],
) -> impl Iterator<Item = (Label, Vec<Reader>, Embargo, Status)> {
    LABELS.into_iter().flat_map(move |label| {
        audiences.iter().flat_map(move |audience| {
            EMBARGOES.into_iter().flat_map(move |embargo| {
                STATUSES
                    .into_iter()
                    .map(move |status| (label, audience.clone(), embargo, status))
            })
        })
    })
}

/// What the member and the list under test are like.
#[derive(Debug, Clone, Copy)]
struct Setting {
    ceiling: Label,
    always: bool,
    relay: bool,
    key: Key,
    standing: Standing,
    before: Before,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Standing {
    Member,
    Suspended,
    JoinedLate,
    NotOnTheList,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Before {
    Nothing,
    FirstRevision,
    NewestRevision,
}

fn all_settings() -> Vec<Setting> {
    let mut all = Vec::new();
    for ceiling in CEILINGS {
        for (always, relay) in [(false, false), (false, true), (true, false), (true, true)] {
            for key in KEYS {
                for standing in [
                    Standing::Member,
                    Standing::Suspended,
                    Standing::JoinedLate,
                    Standing::NotOnTheList,
                ] {
                    for before in [
                        Before::Nothing,
                        Before::FirstRevision,
                        Before::NewestRevision,
                    ] {
                        all.push(Setting {
                            ceiling,
                            always,
                            relay,
                            key,
                            standing,
                            before,
                        });
                    }
                }
            }
        }
    }
    all
}

impl Setting {
    fn lists(&self) -> Vec<oracle::List> {
        let list = |name: &str, ceiling, always, relay, notify| oracle::List {
            name: name.into(),
            address: format!("{name}@lists.example.org"),
            ceiling,
            always,
            relay,
            notify,
        };
        vec![
            list(
                "varied",
                self.ceiling,
                self.always,
                self.relay.then_some(self.key),
                !self.always,
            ),
            list("open", Label::Clear, false, None, true),
            list("empty", Label::Strict, false, None, true),
        ]
    }

    fn members(&self) -> Vec<oracle::Member> {
        let varied = if self.standing == Standing::NotOnTheList {
            vec!["open".into()]
        } else {
            vec!["varied".into(), "open".into()]
        };
        vec![
            oracle::Member {
                address: "member@example.net".into(),
                lists: varied,
                key: self.key,
                suspended: self.standing == Standing::Suspended,
                joined_late: self.standing == Standing::JoinedLate,
            },
            oracle::Member {
                address: "other@example.net".into(),
                lists: vec!["open".into()],
                key: Key::Usable,
                suspended: false,
                joined_late: false,
            },
        ]
    }

    fn roster(&self) -> Roster {
        let lists = self.lists().into_iter().map(|list| {
            let text = format!(
                "title: A list\naddress: {}\ntlp: {}\n",
                list.address,
                list.ceiling.word()
            );
            let source = Source::new("lists/list.yaml", text);
            let parsed = parse_list(&source, read(&list.name), &mut Findings::new())
                .expect("a list")
                .list;
            List {
                encrypt: if list.always {
                    Encrypt::Always
                } else {
                    Encrypt::ByLabel
                },
                delivery: list
                    .relay
                    .map_or(Delivery::Direct, |key| Delivery::Relay(certificate(key))),
                notify_held: Some(list.notify),
                bounces: advise::roster::Bounces::default(),
                ..parsed
            }
        });
        let constituent: Slug = read("somebody");
        let contacts = self.members().into_iter().map(|member| {
            Arc::new(Contact {
                name: "Some Body".into(),
                address: read(&member.address),
                certificate: certificate(member.key),
                language: None,
                phone: None,
                lists: member.lists.iter().map(|name| read(name)).collect(),
                joined: member.joined_late.then(|| read("2026-06-26")),
                suspended: member.suspended.then(|| "left".into()),
                constituent: constituent.clone(),
            })
        });
        let constituent = Constituent {
            slug: constituent.clone(),
            contacts: contacts.collect(),
        };
        Roster::new(lists.collect::<Vec<_>>(), [constituent])
    }

    /// Everybody got the same of everything.
    fn past(&self, advisories: &[(oracle::Advisory, Advisory)]) -> (Past, History) {
        let (mut past, mut history) = (Past::default(), History::default());
        let revision = match self.before {
            Before::Nothing => return (past, history),
            Before::FirstRevision => "1",
            Before::NewestRevision => "2",
        };
        for address in [
            "member@example.net",
            "other@example.net",
            "varied@lists.example.org",
        ] {
            let member = hash(&read(address));
            for (facts, advisory) in advisories {
                let who = (facts.number, address.to_string());
                match self.before {
                    Before::NewestRevision => past.has.insert(who),
                    _ => past.told.insert(who),
                };
                let key = DeliveryKey {
                    advisory: advisory.id.clone(),
                    revision: revision.into(),
                    mail: Mail::Letter,
                    member,
                };
                let intent = Intent {
                    key: key.clone(),
                    list: "varied".into(),
                    lang: Lang::english(),
                    cover: Cover::Encrypted,
                    message_id: "<a@b.example>".into(),
                };
                let (reply, at) = (String::new(), read("2026-06-25"));
                let receipt = Receipt {
                    intent,
                    state: State::Accepted,
                    attempts: 1,
                    reply,
                    possible_duplicate: false,
                    at,
                    first: None,
                    run: None,
                    bounce: None,
                };
                history.deliveries.insert(key, receipt);
            }
        }
        (past, history)
    }
}

/// What stays the same from case to case.
struct Team {
    advisories: Vec<Advisory>,
    settings: Settings,
    now: Moment,
    request: Request,
}

impl Team {
    fn of(advisories: &[(oracle::Advisory, Advisory)]) -> Team {
        let advisories = advisories
            .iter()
            .map(|(_, advisory)| advisory.clone())
            .collect();
        Team {
            advisories,
            settings: settings(),
            now: read(NOW),
            request: Request::default(),
        }
    }

    fn plan<'a>(&'a self, roster: &'a Roster, history: &'a History) -> Plan<'a> {
        plan::make(&Facts {
            advisories: &self.advisories,
            roster,
            settings: &self.settings,
            key_state: &key_state,
            history,
            member: &hash,
            announcement: None,
            document: None,
            now: &self.now,
            request: &self.request,
        })
    }
}

/// What a plan gives each address of each advisory; two things for one would be a mistake of its own.
fn fates(plan: &Plan<'_>, case: &Setting) -> HashMap<String, BTreeMap<String, Fate>> {
    let mut fates: HashMap<String, BTreeMap<String, Fate>> = HashMap::new();
    let mut put = |advisory: &Advisory, address: &Address, fate| {
        let twice = fates
            .entry(advisory.id.to_string())
            .or_default()
            .insert(address.key(), fate);
        assert_eq!(
            twice, None,
            "{} is planned twice for one address, {case:?}",
            advisory.id
        );
    };
    for batch in &plan.batches {
        for recipient in &batch.recipients {
            let encrypted = batch.cover == Cover::Encrypted;
            assert_eq!(recipient.certificate.is_some(), encrypted, "{case:?}");
            put(
                batch.advisory,
                recipient.address,
                Fate::Letter { encrypted },
            );
        }
    }
    for held in &plan.held {
        put(
            held.advisory,
            held.address,
            Fate::Held {
                notice: held.notice,
            },
        );
    }
    fates
}

#[test]
fn every_combination_is_decided_as_the_oracle_says() {
    let advisories = advisories();
    let team = Team::of(&advisories);
    let cases = all_settings();
    // The first mistake ends it: a wrong gate makes thousands.
    let letters: Result<Vec<usize>, String> = cases
        .par_iter()
        .map(|case| {
            let (lists, members, roster) = (case.lists(), case.members(), case.roster());
            let (past, history) = case.past(&advisories);
            let plan = team.plan(&roster, &history);
            let mut planned = fates(&plan, case);
            let public: BTreeSet<&str> = plan
                .public
                .iter()
                .map(|advisory| advisory.id.as_str())
                .collect();
            let mut letters = 0;
            for (expected, advisory) in &advisories {
                let id = advisory.id.as_str();
                if public.contains(id) != is_public(expected) {
                    return Err(format!(
                        "on the site: {}, {expected:?}, {case:?}",
                        public.contains(id)
                    ));
                }
                let wanted = oracle::mail(expected, &lists, &members, &past);
                let given: BTreeMap<String, Fate> = planned.remove(id).unwrap_or_default();
                if wanted != given {
                    return Err(format!(
                        "wanted {wanted:?}, given {given:?}, {expected:?}, {case:?}"
                    ));
                }
                letters += wanted
                    .values()
                    .filter(|fate| matches!(fate, Fate::Letter { .. }))
                    .count();
            }
            Ok(letters)
        })
        .collect();
    let letters: usize = letters
        .unwrap_or_else(|mistake| panic!("{mistake}"))
        .iter()
        .sum();
    let combinations = cases.len() * advisories.len();
    println!("{combinations} combinations, {letters} letters in them");
    assert!(combinations >= 2_000 && letters > 10_000);
}

#[test]
fn what_stood_on_the_site_by_mistake_disappears() {
    let advisories = advisories();
    let team = Team::of(&advisories);
    let case = Setting {
        ceiling: Label::Strict,
        always: false,
        relay: false,
        key: Key::Usable,
        standing: Standing::Member,
        before: Before::Nothing,
    };
    // As if a run of long ago, or a hand in the ledger, had put everything there.
    let on_site = team
        .advisories
        .iter()
        .map(|advisory| (advisory.id.clone(), ("2".into(), advisory.digest)))
        .collect();
    let history = History {
        on_site,
        ..History::default()
    };
    let roster = case.roster();
    let plan = team.plan(&roster, &history);
    let gone: BTreeSet<&str> = plan
        .site
        .iter()
        .filter(|(.., change)| *change == Change::Disappears)
        .map(|(id, ..)| id.as_str())
        .collect();
    for (expected, advisory) in &advisories {
        assert_eq!(
            gone.contains(advisory.id.as_str()),
            !is_public(expected),
            "{expected:?}"
        );
    }
}

#[test]
fn a_frozen_revision_that_changed_is_sent_to_nobody() {
    let advisories = advisories();
    let mut team = Team::of(&advisories);
    team.request.ids = team
        .advisories
        .iter()
        .map(|advisory| advisory.id.clone())
        .collect();
    let frozen = Frozen {
        digest: Digest::of(b"as it was"),
        at: team.now.clone(),
    };
    let frozen = team
        .advisories
        .iter()
        .map(|advisory| ((advisory.id.clone(), "2".to_string()), frozen.clone()))
        .collect();
    let history = History {
        frozen,
        ..History::default()
    };
    for case in all_settings()
        .into_iter()
        .filter(|case| case.before == Before::Nothing && case.key == Key::Usable)
    {
        let roster = case.roster();
        let plan = team.plan(&roster, &history);
        assert!(plan.batches.is_empty() && plan.held.is_empty(), "{case:?}");
        let finals = advisories
            .iter()
            .filter(|(expected, _)| expected.status != Status::Draft)
            .count();
        assert_eq!(plan.conflicts.len(), finals, "{case:?}");
    }
}
