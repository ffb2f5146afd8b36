//! Somebody with a mailbox and a key, who writes to lists.

use crate::harness::{Mail, World};
use advise::{
    openpgp::{self, Certificate, Generated, Kind, Secret, TeamKey},
    terms::Moment,
};
use serde_json::Value;
use std::{fs, time::Duration};

const DAY: Duration = Duration::from_secs(86_400);

/// Where the requests of these stories go.
pub const LIST: &str = "universities@lists.cert.example.org";

pub struct Person {
    pub address: String,
    pub name: String,
    pub key: Generated,
}

impl Person {
    /// A stranger with a fresh key for their address.
    pub fn new(name: &str, address: &str) -> Person {
        Person::since(name, address, "2026-11-01T00:00:00Z", None)
    }

    /// The same with a key that was made then and is good for so many days.
    pub fn since(name: &str, address: &str, made: &str, days: Option<u32>) -> Person {
        let at: Moment = made.parse().expect("a moment");
        let key = openpgp::generate(
            &[&format!("{name} <{address}>")],
            Kind::Member,
            days.map(|days| DAY * days),
            &at,
            None,
        );
        Person {
            address: address.into(),
            name: name.into(),
            key: key.expect("a key"),
        }
    }

    /// A contact of the sample, with the key that the sample made.
    pub fn of_sample(world: &World, name: &str, address: &str) -> Person {
        let secret = fs::read(world.path(&format!(".advise/keys/{address}.key")))
            .expect("a key of the sample");
        let mut made = openpgp::generate(
            &[&format!("{name} <{address}>")],
            Kind::Member,
            None,
            &"2026-11-01".parse().expect("a moment"),
            None,
        )
        .expect("a key");
        let file = fs::read_dir(world.path("certs"))
            .expect("certs")
            .filter_map(|entry| {
                let certificate = Certificate::read(&fs::read(entry.ok()?.path()).ok()?).ok()?;
                certificate
                    .has_address(&address.parse().ok()?)
                    .then_some(certificate)
            });
        made.certificate = file
            .into_iter()
            .next()
            .expect("a certificate of the sample");
        made.secret = Secret::new(secret);
        Person {
            address: address.into(),
            name: name.into(),
            key: made,
        }
    }

    pub fn fingerprint(&self) -> String {
        self.key.certificate.fingerprint().to_string()
    }

    /// A detached signature made at this time.
    pub fn signs(&self, bytes: &[u8], at: &str) -> String {
        let at: Moment = at.parse().expect("a moment");
        let key = TeamKey::from_file(
            self.key.secret.expose(),
            None,
            self.key.certificate.clone(),
            &at,
        )
        .expect("a key that signs");
        key.detach(bytes).expect("a signature")
    }

    /// A signature of a text, for which all line ends are the same.
    pub fn signs_text(&self, text: &str, at: &str) -> String {
        let at: Moment = at.parse().expect("a moment");
        let key = TeamKey::from_file(
            self.key.secret.expose(),
            None,
            self.key.certificate.clone(),
            &at,
        )
        .expect("a key that signs");
        key.clearsign(text)
            .expect("a signature")
            .block()
            .to_string()
    }

    /// The part that is signed: a text, and this certificate.
    pub fn entity(text: &str, attached: Option<&Certificate>) -> String {
        let words = format!(
            "Content-Type: text/plain; charset=utf-8\r\n\r\n{}\r\n",
            text.replace('\n', "\r\n")
        );
        match attached {
            None => words,
            Some(certificate) => format!(
                "Content-Type: multipart/mixed; boundary=inner\r\n\r\n--inner\r\n{words}\r\n--inner\r\nContent-Type: application/pgp-keys\r\nContent-Disposition: attachment; filename=key.asc\r\n\r\n{}\r\n--inner--\r\n",
                certificate.armored().replace('\n', "\r\n")
            ),
        }
    }

    /// The header of a mail, up to its Content-Type.
    pub fn header(&self, to: &str, subject: &str, id: &str) -> String {
        format!(
            "From: {} <{}>\r\nTo: {to}\r\nSubject: {subject}\r\nDate: Sun, 22 Nov 2026 12:00:00 +0000\r\nMessage-ID: <{id}@mail.example.net>\r\nMIME-Version: 1.0\r\n",
            self.name, self.address
        )
    }

    /// A mail that is signed as a whole by `signer`, with a certificate attached to what is signed.
    pub fn signed_by(
        &self,
        signer: &Person,
        to: &str,
        id: &str,
        text: &str,
        attached: Option<&Certificate>,
    ) -> String {
        let entity = Person::entity(text, attached);
        let signature = signer.signs(entity.as_bytes(), "2026-11-22T12:00:00Z");
        format!(
            "{}{}",
            self.header(to, "hello", id),
            whole(&entity, &signature)
        )
    }

    /// The usual: signed with the own key, which is attached.
    pub fn signed(&self, to: &str, id: &str, text: &str) -> String {
        self.signed_by(self, to, id, text, Some(&self.key.certificate))
    }

    pub fn unsigned(&self, to: &str, id: &str, subject: &str, text: &str) -> String {
        format!(
            "{}Content-Type: text/plain\r\n\r\n{text}\r\n",
            self.header(to, subject, id)
        )
    }

    /// What a mail to this person says, if it is encrypted to them.
    pub fn opens(&self, mail: &Mail) -> String {
        super::requests::decrypt(self.key.secret.expose(), &mail.raw)
    }
}

/// `multipart/signed` around a part and its signature.
pub fn whole(entity: &str, signature: &str) -> String {
    format!(
        "Content-Type: multipart/signed; boundary=outer; protocol=\"application/pgp-signature\"; micalg=pgp-sha512\r\n\r\n--outer\r\n{entity}\r\n--outer\r\nContent-Type: application/pgp-signature; name=signature.asc\r\n\r\n{}\r\n--outer--\r\n",
        signature.replace('\n', "\r\n")
    )
}

/// `LIST-subscribe@…` and the like.
pub fn to(command: &str) -> String {
    LIST.replace('@', &format!("-{command}@"))
}

impl World {
    /// A mail arrives in the Maildir beside the workspace, and is taken.
    pub fn receives(self, mail: &str) -> World {
        let folder = self.beside().join("maildir");
        for name in ["new", "cur", "tmp"] {
            fs::create_dir_all(folder.join(name)).expect("a folder");
        }
        fs::write(folder.join("new/mail"), mail).expect("written");
        let world = self
            .run(&format!("inbox --maildir {} --json", folder.display()))
            .whatever_it_says();
        fs::remove_dir_all(folder).expect("removed");
        world
    }

    /// What came of the mail that was just received: the decision, and the answer.
    pub fn decides(self, decision: &str, answer: &str) -> World {
        self.ends_as_it_should().gives(|json| {
            let request = &json["messages"][0]["request"];
            assert_eq!(
                (&request["decision"], &request["answer"]),
                (&Value::from(decision), &Value::from(answer)),
                "{json:#}"
            );
        })
    }

    /// With 1 if the mail was kept for staff.
    fn ends_as_it_should(mut self) -> World {
        let is_kept = !self.json()["messages"][0]["kept"].is_null();
        if is_kept { self.exits(1) } else { self }
    }

    /// It was no request at all.
    pub fn does_not_know_it(self) -> World {
        self.ends_as_it_should()
            .gives(|json| assert_eq!(json["messages"][0]["request"], Value::Null, "{json:#}"))
    }

    /// The names of the requests that wait.
    pub fn waiting(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.path(".advise/requests")) else {
            return Vec::new();
        };
        let mut all: Vec<String> = entries
            .map(|entry| {
                entry
                    .expect("an entry")
                    .file_name()
                    .to_string_lossy()
                    .into_owned()
            })
            .collect();
        all.sort();
        all
    }

    /// The newest mail in the outbox to this address.
    pub fn last_mail_to(&self, address: &str) -> Mail {
        let mut mail: Vec<Mail> = self
            .mail()
            .into_iter()
            .filter(|mail| mail.recipient().eq_ignore_ascii_case(address))
            .collect();
        mail.sort_by_key(|mail| {
            fs::metadata(&mail.path)
                .and_then(|data| data.modified())
                .expect("a time")
        });
        mail.pop().unwrap_or_else(|| panic!("no mail to {address}"))
    }
}
