//! Who signed a mail: its one signature, over all that is believed of it, checked at this moment.
//!
//! What comes out of here was read from the signed bytes and from nothing else of the mail. A mail that is not signed as a
//! whole (a signed part in a forwarded mail, a list's footer around it, text around a clear-signed text) is not signed.

use super::mail::Mail;
use crate::{
    artefact::Digest,
    openpgp::{Certificate, VerifyError, verify},
    roster::KeyState,
    terms::{Fingerprint, Moment},
};

/// For how many days a signature is good for a request. The ledger remembers requests for longer than that.
const GOOD_DAYS: i64 = 14;

/// How far ahead, in seconds, a sender's clock may be.
const AHEAD: i64 = 30 * 60;

/// No more attached certificates than this are looked at, and no more bytes of them.
const CERTIFICATES: usize = 8;
const CERTIFICATE_BYTES: usize = 256 * 1024;

/// What was signed, and with which certificate.
#[derive(Debug, Clone)]
pub struct Signed {
    /// Good at the time of the signature, and now.
    pub certificate: Certificate,
    /// What can be encrypted to it now.
    pub state: KeyState,
    /// When it was signed, as the signer says.
    pub made: Moment,
    /// The subject, if it is among what was signed.
    pub subject: String,
    /// What the signer wrote.
    pub text: String,
    /// Certificates that were attached to what was signed, and can be encrypted to.
    pub offered: Vec<Certificate>,
    /// Of what was signed, its white space left out.
    pub digest: Digest,
}

/// Why a mail proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// Not as a whole.
    #[error("it is not signed as a whole")]
    NotSigned,
    /// By a certificate that is not at hand.
    #[error("the certificate that it is signed with is neither attached nor found")]
    NoCertificate,
    /// The signature is another text's.
    #[error("its signature does not fit what is signed")]
    Altered,
    /// Too old, or from the future.
    #[error("it was signed on {0}, which is too long ago or still to come")]
    NotInTime(Moment),
    /// The certificate is not good now, or was not then.
    #[error("the certificate that it is signed with does not count: {0}")]
    Unfit(String),
    /// The sender that was signed is another than the one outside.
    #[error("what is signed names another sender than the mail")]
    OtherSender,
    /// Neither of this nor of that.
    #[error("its signature cannot be read: {0}")]
    Unreadable(String),
}

impl Signed {
    /// Whether the signed text begins with this command and this word, or the signed subject is that: `unsubscribe LIST`.
    pub fn says(&self, command: &str, word: &str) -> bool {
        self.words(command)
            .any(|said| said.eq_ignore_ascii_case(word))
    }

    /// Whether it begins with `key` and this fingerprint.
    pub fn names_key(&self, fingerprint: &Fingerprint) -> bool {
        self.words("key").any(|said| {
            said.parse::<Fingerprint>()
                .is_ok_and(|said| said == *fingerprint)
        })
    }

    /// What follows a command. Only at the beginning: what comes later may be somebody's mail that is answered, and whoever
    /// passes the signed answer on would make a command of it.
    fn words<'s>(&'s self, command: &'s str) -> impl Iterator<Item = String> + 's {
        let first = self.text.lines().find(|line| !line.trim().is_empty());
        [Some(self.subject.as_str()), first]
            .into_iter()
            .flatten()
            .filter_map(move |line| {
                let mut words = line.split_whitespace();
                words
                    .next()?
                    .eq_ignore_ascii_case(command)
                    .then(|| words.collect())
            })
    }
}

/// Checks the signature of a mail. `known` is who the sender should be; `find` looks for more certificates, and is asked only
/// about a signature that none at hand made.
pub fn check(
    mail: &Mail,
    known: Option<&Certificate>,
    find: &dyn Fn() -> Vec<Certificate>,
    now: &Moment,
) -> Result<Signed, Flaw> {
    let (bytes, signature) = signed_bytes(mail).ok_or(Flaw::NotSigned)?;
    let mut certificates: Vec<Certificate> = known.into_iter().cloned().collect();
    certificates.extend(attached(mail));
    let at = Moment::from_timestamp(
        now.timestamp()
            .saturating_add(jiff::SignedDuration::from_secs(AHEAD))
            .map_err(|_| Flaw::NotSigned)?,
    );
    let ask =
        |certificates: &[Certificate]| verify(&bytes, signature.as_deref(), certificates, &at);
    let verified = match ask(&certificates) {
        Err(VerifyError::UnknownSigner(_)) => {
            certificates = find();
            ask(&certificates)
        }
        other => other,
    };
    let verified = verified.map_err(|error| match error {
        VerifyError::UnknownSigner(_) => Flaw::NoCertificate,
        VerifyError::Altered(_) => Flaw::Altered,
        VerifyError::Refused { why, .. } => Flaw::Unfit(why),
        VerifyError::Unreadable(why) => Flaw::Unreadable(why),
        VerifyError::TooLong => Flaw::Unreadable("it is too long".into()),
    })?;
    let age = now.unix() - verified.made.unix();
    if !(-AHEAD..=GOOD_DAYS * 86_400).contains(&age) {
        return Err(Flaw::NotInTime(verified.made));
    }
    // One of ours comes first, so that a copy which leaves out a revocation does not stand in for it.
    let certificate = certificates
        .iter()
        .find(|one| *one.fingerprint() == verified.signer)
        .cloned();
    let certificate = certificate.ok_or(Flaw::NoCertificate)?;
    let state = certificate.state(now);
    if !certificate.can_sign(now) {
        return Err(Flaw::Unfit(if state.is_usable() {
            "it cannot sign any more".into()
        } else {
            state.to_string()
        }));
    }
    // Without white space: whoever passes on what somebody signed as a text may change its line ends, and it is still signed.
    let bare: Vec<u8> = verified
        .content
        .iter()
        .copied()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    let digest = Digest::of(&bare);
    let (subject, text, offered) = match signature {
        None => (
            String::new(),
            String::from_utf8_lossy(&verified.content).into_owned(),
            Vec::new(),
        ),
        Some(_) => {
            let inner =
                Mail::read(verified.content).map_err(|why| Flaw::Unreadable(why.to_string()))?;
            if inner.header("from").is_some()
                && inner.from().map(|from| from.key()) != mail.from().map(|from| from.key())
            {
                return Err(Flaw::OtherSender);
            }
            let offered = attached(&inner)
                .into_iter()
                .filter(|one| one.state(now).is_usable())
                .collect();
            (inner.subject().to_string(), inner.text(), offered)
        }
    };
    Ok(Signed {
        certificate,
        state,
        made: verified.made,
        subject,
        text,
        offered,
        digest,
    })
}

/// What is signed, and its signature if that stands beside it.
fn signed_bytes(mail: &Mail) -> Option<(Vec<u8>, Option<Vec<u8>>)> {
    if let Some(part) = mail.signed_part() {
        return Some((part.entity, Some(part.signature)));
    }
    let text = mail.text();
    let text = text.trim();
    let whole = text.starts_with("-----BEGIN PGP SIGNED MESSAGE-----")
        && text.ends_with("-----END PGP SIGNATURE-----");
    let once =
        text.matches("-----BEGIN PGP ").count() == 2 && text.matches("-----END PGP ").count() == 1;
    (whole && once).then(|| (format!("{text}\n").into_bytes(), None))
}

/// The certificates among a mail's attachments, wherever they stand in it.
fn attached(mail: &Mail) -> Vec<Certificate> {
    let mut room = CERTIFICATE_BYTES;
    let mut all = Vec::new();
    for attachment in mail.attachments() {
        let bytes = attachment.bytes.trim_ascii();
        let is_key = attachment.kind == "application/pgp-keys"
            || bytes.starts_with(b"-----BEGIN PGP PUBLIC KEY BLOCK-----");
        if !is_key || bytes.len() > room {
            continue;
        }
        room -= bytes.len();
        all.extend(Certificate::read_all(bytes).unwrap_or_default());
        all.truncate(CERTIFICATES);
    }
    all
}
