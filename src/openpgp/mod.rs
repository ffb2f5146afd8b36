//! OpenPGP: certificates, the team's key, signing, encryption, verification, and making keys.
//!
//! The one door of `sequoia-openpgp` and `sequoia-gpg-agent`: their types stop here. No file is read, nobody
//! is asked for a passphrase, and the clock is passed in; `gpg-agent` is the only thing outside that is touched.
//! What holds a secret has no `Debug`:
//! ```compile_fail
//! fn leak(secret: &advise::openpgp::Secret) -> String { format!("{secret:?}") }
//! ```
//! ```compile_fail
//! fn leak(key: &advise::openpgp::TeamKey) -> String { format!("{key:?}") }
//! ```
//! And nothing is signed but by a [`TeamKey`]:
//! ```compile_fail
//! let forged = advise::openpgp::Signed { thing: "a letter", signature: todo!() }; // the fields are private
//! ```

#[cfg(feature = "gpg-agent")]
mod agent;
mod certs;
mod clear;
mod directory;
mod encrypt;
mod errors;
mod generate;
mod judged;
mod key_facts;
mod renew;
mod secret;
mod signer;
mod verify;

pub use certs::{CertError, Certificate, encrypt};
pub use clear::Clearsigned;
pub use directory::{directory, directory_hash};
pub use encrypt::{Sealed, Sealer};
pub use errors::{EncryptError, SignerError};
pub use generate::{Cause, GenerateError, Generated, Kind, generate, revoke};
pub use judged::EncryptionKeys;
pub use secret::Secret;
pub use signer::{Payload, Signed, TeamKey, needs_passphrase};
pub use verify::{Verified, VerifyError, verify};

use crate::terms::Moment;
use sequoia_openpgp::{armor, policy::StandardPolicy, types::Timestamp};
use std::{
    io::Write as _,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// A moment as OpenPGP counts it: whole seconds since 1970 in 32 bits, so the year 2106 is the end of time.
fn instant(moment: &Moment) -> SystemTime {
    let seconds = u32::try_from(moment.unix().max(0)).unwrap_or(u32::MAX);
    Timestamp::from(seconds).into()
}

/// An OpenPGP time as a moment in UTC.
fn moment(time: SystemTime) -> Moment {
    let seconds = time
        .duration_since(UNIX_EPOCH)
        .unwrap_or(Duration::ZERO)
        .as_secs();
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
    Moment::from_timestamp(jiff::Timestamp::from_second(seconds).unwrap_or(jiff::Timestamp::MAX))
}

/// Which algorithms are good enough, as judged at that time.
fn policy(at: SystemTime) -> StandardPolicy<'static> {
    StandardPolicy::at(at)
}

/// ASCII armor without comment or version lines, with LF.
///
/// RFC 9580, 6.1, forbids the checksum after version 6 packets; GnuPG 2.2 cannot read older ones without it.
fn armored(kind: armor::Kind, bytes: &[u8], checksum: bool) -> String {
    let memory = "writing to memory does not fail";
    let mut writer =
        armor::Writer::new(Vec::with_capacity(bytes.len() * 4 / 3 + 200), kind).expect(memory);
    let profile = if checksum {
        sequoia_openpgp::Profile::RFC4880
    } else {
        sequoia_openpgp::Profile::RFC9580
    };
    writer
        .set_profile(profile)
        .expect("the profile of a new writer is not chosen yet");
    writer.write_all(bytes).expect(memory);
    String::from_utf8(writer.finalize().expect(memory)).expect("armor is ASCII")
}

/// Line ends as mail has them; the text has LF only.
fn crlf(text: &str) -> String {
    text.replace('\n', "\r\n")
}

/// The innermost words of an error: the library wraps them in what it was doing, which says less.
fn words(error: &anyhow::Error) -> String {
    let text = error.root_cause().to_string();
    let text = text.trim_end_matches('.');
    // A capital that begins a sentence goes; one that begins a name (`SHA1`) stays.
    let mut letters = text.chars();
    match (letters.next(), letters.next()) {
        (Some(first), Some(second)) if second.is_lowercase() => {
            first.to_lowercase().chain(text.chars().skip(1)).collect()
        }
        _ => text.to_string(),
    }
}
