//! An authority made for one test, and the certificates that a server of it may show.

use openssl::{
    asn1::Asn1Time,
    bn::BigNum,
    ec::{EcGroup, EcKey},
    hash::MessageDigest,
    nid::Nid,
    pkey::{PKey, Private},
    ssl::{SslAcceptor, SslMethod},
    x509::{
        X509, X509NameBuilder,
        extension::{BasicConstraints, SubjectAlternativeName},
    },
};

/// Which certificate the server shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// For `localhost`, by the authority that the settings name.
    Right,
    /// For another host.
    OfAnother,
    /// By an authority that nobody knows.
    OfNobody,
    /// Its time is over.
    Expired,
}

/// The authority.
pub struct Authority {
    certificate: X509,
    key: PKey<Private>,
}

impl Authority {
    pub fn new() -> Authority {
        let key = key();
        Authority {
            certificate: certificate("An authority", (-400, 400), &key, None),
            key,
        }
    }

    pub fn pem(&self) -> String {
        String::from_utf8(self.certificate.to_pem().expect("PEM")).expect("PEM is ASCII")
    }

    /// What a server that shows this certificate takes connections with.
    pub fn acceptor(&self, shown: Shown) -> SslAcceptor {
        let stranger = Authority::new;
        let own = key();
        let by = |authority: &Authority, name: &str, days| {
            certificate(
                name,
                days,
                &own,
                Some((&authority.certificate, &authority.key)),
            )
        };
        let leaf = match shown {
            Shown::Right => by(self, "localhost", (-1, 30)),
            Shown::OfAnother => by(self, "elsewhere.example.test", (-1, 30)),
            Shown::OfNobody => by(&stranger(), "localhost", (-1, 30)),
            Shown::Expired => by(self, "localhost", (-30, -1)),
        };
        let mut acceptor =
            SslAcceptor::mozilla_intermediate_v5(SslMethod::tls()).expect("an acceptor");
        acceptor.set_private_key(&own).expect("a key");
        acceptor.set_certificate(&leaf).expect("a certificate");
        acceptor.build()
    }
}

fn key() -> PKey<Private> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).expect("a curve");
    PKey::from_ec_key(EcKey::generate(&group).expect("a key")).expect("a key")
}

/// `days`: from when to when, counted from today.
fn certificate(
    name: &str,
    days: (i64, i64),
    key: &PKey<Private>,
    issuer: Option<(&X509, &PKey<Private>)>,
) -> X509 {
    let day = |n: i64| {
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .expect("after 1970")
            .as_secs();
        Asn1Time::from_unix(i64::try_from(now).expect("before the end of time") + n * 86_400)
            .expect("a time")
    };
    let mut subject = X509NameBuilder::new().expect("a name");
    subject.append_entry_by_text("CN", name).expect("a name");
    let subject = subject.build();
    let mut builder = X509::builder().expect("a builder");
    builder.set_version(2).expect("version 3");
    let serial = BigNum::from_u32(if issuer.is_some() { 2 } else { 1 })
        .and_then(|n| n.to_asn1_integer())
        .expect("a number");
    builder.set_serial_number(&serial).expect("a number");
    builder.set_subject_name(&subject).expect("a name");
    builder
        .set_issuer_name(issuer.map_or(&*subject, |(ca, _)| ca.subject_name()))
        .expect("a name");
    builder.set_not_before(&day(days.0)).expect("a time");
    builder.set_not_after(&day(days.1)).expect("a time");
    builder.set_pubkey(key).expect("a key");
    let extension = match issuer {
        None => BasicConstraints::new()
            .critical()
            .ca()
            .build()
            .expect("an extension"),
        Some(_) => SubjectAlternativeName::new()
            .dns(name)
            .build(&builder.x509v3_context(None, None))
            .expect("an extension"),
    };
    builder.append_extension(extension).expect("an extension");
    builder
        .sign(issuer.map_or(key, |(_, key)| key), MessageDigest::sha256())
        .expect("signed");
    builder.build()
}
