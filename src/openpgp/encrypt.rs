//! Encryption: one letter sealed for each recipient alone.
//!
//! Bulk mail is one plaintext for a whole list, so a [`Sealer`] encrypts it once; each recipient then costs
//! the session key, encrypted to that recipient alone, and a copy. Nothing in a mail tells of the others.

use super::{EncryptionKeys, errors::EncryptError, judged::SubKey, words};
use crate::terms::Moment;
use openssl::base64::encode_block;
use sequoia_openpgp::{
    Packet,
    crypto::SessionKey,
    packet::{
        PKESK,
        pkesk::{PKESK3, PKESK6},
    },
    serialize::{
        Serialize as _,
        stream::{Encryptor, Message},
    },
    types::{AEADAlgorithm, SymmetricAlgorithm},
};
use std::{
    collections::HashMap,
    fmt,
    io::Write as _,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

/// Seals one message for many, each alone. Only for texts that are the same for all.
pub struct Sealer<'m> {
    message: &'m [u8],
    /// Each version has its own session key: the same key under two ciphers is not to be.
    containers: [OnceLock<Result<Container, String>>; 2],
}

impl<'m> Sealer<'m> {
    /// The message is encrypted when the first recipient comes.
    pub fn new(message: &'m [u8]) -> Sealer<'m> {
        Sealer {
            message,
            containers: Default::default(),
        }
    }

    /// As [`encrypt`](super::encrypt), but the container is made only once for all.
    pub fn seal(&self, to: &EncryptionKeys, now: &Moment) -> Result<Sealed, EncryptError> {
        let failed = |why: String| EncryptError::Failed {
            fingerprint: to.fingerprint().clone(),
            why,
        };
        let keys = to.at(now)?;
        // Version 2 only for who says so: GnuPG 2.2 cannot open it.
        let version = if to.opens_version_2() {
            Version::V2
        } else {
            Version::V1
        };
        let container = self.containers[version as usize]
            .get_or_init(|| Container::new(self.message, version).map_err(|e| words(&e)));
        let container = container.as_ref().map_err(|why| failed(why.clone()))?;
        let head = container.head(&keys).map_err(|e| failed(words(&e)))?;
        Ok(container.armored(&head))
    }
}

/// One recipient's ciphertext in armor, with CRLF, as the second part of `multipart/encrypted`: the lines that are
/// this recipient's, and those that all have. `Display` writes it out.
pub struct Sealed {
    own: String,
    shared: Arc<str>,
    sum: Option<[u8; 3]>,
}

impl Sealed {
    /// Its length in bytes.
    pub fn len(&self) -> usize {
        BEGIN.len()
            + self.own.len()
            + self.shared.len()
            + if self.sum.is_some() { 7 } else { 0 }
            + END.len()
    }

    /// Never.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// Writes it behind what is there: the only time that the shared lines are copied.
    pub fn push_to(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(BEGIN.as_bytes());
        out.extend_from_slice(self.own.as_bytes());
        out.extend_from_slice(self.shared.as_bytes());
        if let Some(sum) = &self.sum {
            out.push(b'=');
            out.extend_from_slice(encode_block(sum).as_bytes());
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(END.as_bytes());
    }
}

impl fmt::Display for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = Vec::with_capacity(self.len());
        self.push_to(&mut bytes);
        f.write_str(std::str::from_utf8(&bytes).map_err(|_| fmt::Error)?)
    }
}

/// Of the container of encrypted data (RFC 9580, 5.13).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Version {
    /// With a modification detection code.
    V1,
    /// Authenticated, with OCB.
    V2,
}

const CIPHER: SymmetricAlgorithm = SymmetricAlgorithm::AES256;

/// The encrypted message, without anybody who could open it.
struct Container {
    version: Version,
    key: SessionKey,
    bytes: Vec<u8>,
    /// The bytes as they add to a checksum.
    checksum: Checksum,
    /// The lines of armor of all bytes but the first few, by the number of the few. It depends on the length
    /// of what stands in front, and there are not many different lengths.
    lines: Mutex<HashMap<usize, Arc<str>>>,
}

impl Container {
    fn new(message: &[u8], version: Version) -> sequoia_openpgp::Result<Container> {
        let key = SessionKey::new(CIPHER.key_size()?)?;
        let mut bytes = Vec::with_capacity(message.len() + 1024);
        let mut encryptor =
            Encryptor::with_session_key(Message::new(&mut bytes), CIPHER, key.clone())?;
        if version == Version::V2 {
            encryptor = encryptor.aead_algo(AEADAlgorithm::OCB);
        }
        // No compression: its length would tell of the content.
        let mut sink = encryptor.build()?;
        sink.write_all(message)?;
        sink.finalize()?;
        Ok(Container {
            version,
            key,
            checksum: Checksum::of(&bytes),
            bytes,
            lines: Mutex::default(),
        })
    }

    /// The session key, encrypted to each of one recipient's keys.
    fn head(&self, keys: &[SubKey]) -> sequoia_openpgp::Result<Vec<u8>> {
        let mut head = Vec::with_capacity(128 * keys.len());
        for key in keys {
            let packet: PKESK = match self.version {
                Version::V1 => PKESK3::for_recipient(CIPHER, &self.key, key)?.into(),
                Version::V2 => PKESK6::for_recipient(&self.key, key)?.into(),
            };
            Packet::from(packet).serialize(&mut head)?;
        }
        Ok(head)
    }

    /// The whole message in armor, with CRLF.
    fn armored(&self, head: &[u8]) -> Sealed {
        // The first bytes of the container fill the last line of the head; from there on all lines are shared.
        let few = ((LINE - head.len() % LINE) % LINE).min(self.bytes.len());
        let (fill, rest) = self.bytes.split_at(few);
        let shared = {
            let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
            lines
                .entry(few)
                .or_insert_with(|| armor_lines(rest).into())
                .clone()
        };
        // RFC 9580, 6.1, forbids the checksum after version 2; GnuPG 2.2 cannot do without it elsewhere.
        let sum = (self.version == Version::V1).then(|| {
            let [_, sum @ ..] = Checksum::of(head)
                .then(&self.checksum)
                .value()
                .to_be_bytes();
            sum
        });
        Sealed {
            own: armor_lines(&[head, fill].concat()),
            shared,
            sum,
        }
    }
}

const BEGIN: &str = "-----BEGIN PGP MESSAGE-----\r\n\r\n";
const END: &str = "-----END PGP MESSAGE-----\r\n";

/// Bytes in a line of armor: 64 letters.
const LINE: usize = 48;

fn armor_lines(bytes: &[u8]) -> String {
    let letters = encode_block(bytes);
    let mut lines = String::with_capacity(letters.len() + letters.len() / 32 + 4);
    let mut rest = letters.as_str();
    while !rest.is_empty() {
        let (line, more) = rest.split_at(rest.len().min(LINE / 3 * 4));
        lines.push_str(line);
        lines.push_str("\r\n");
        rest = more;
    }
    lines
}

/// The CRC-24 of RFC 9580, 6.1, of a piece that something else may stand before: polynomials modulo
/// `POLYNOMIAL`, so the sum of two pieces comes of the pieces' sums, without going through them again.
#[derive(Clone, Copy)]
struct Checksum {
    /// Of the piece alone, begun with zero.
    sum: u32,
    /// By which the piece moves what stands before it: x to the power of its bits.
    shift: u32,
}

impl Checksum {
    const POLYNOMIAL: u32 = 0x0186_4CFB;
    const START: u32 = 0x00B7_04CE;

    fn of(bytes: &[u8]) -> Checksum {
        static TABLE: OnceLock<[u32; 256]> = OnceLock::new();
        let table = TABLE.get_or_init(|| {
            std::array::from_fn(|byte| {
                (0..8).fold((byte as u32) << 16, |sum, _| Checksum::times_x(sum))
            })
        });
        let step = |sum: u32, byte: &u8| {
            (sum << 8) & 0xFF_FFFF ^ table[(sum >> 16) as usize ^ usize::from(*byte)]
        };
        let sum = bytes.iter().fold(0, step);
        let (mut shift, mut square, mut power) = (1, 0x100, bytes.len());
        while power > 0 {
            if power & 1 == 1 {
                shift = Checksum::product(shift, square);
            }
            square = Checksum::product(square, square);
            power >>= 1;
        }
        Checksum { sum, shift }
    }

    fn then(self, next: &Checksum) -> Checksum {
        let sum = Checksum::product(self.sum, next.shift) ^ next.sum;
        Checksum {
            sum,
            shift: Checksum::product(self.shift, next.shift),
        }
    }

    fn value(self) -> u32 {
        Checksum::product(Checksum::START, self.shift) ^ self.sum
    }

    fn times_x(sum: u32) -> u32 {
        let sum = sum << 1;
        if sum & 0x0100_0000 == 0 {
            sum
        } else {
            sum ^ Checksum::POLYNOMIAL
        }
    }

    fn product(a: u32, b: u32) -> u32 {
        (0..24).rev().fold(0, |sum, bit| {
            Checksum::times_x(sum) ^ if b >> bit & 1 == 1 { a } else { 0 }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::openpgp::{Certificate, instant, policy};
    use sequoia_openpgp::{
        Cert, KeyHandle, Profile,
        armor::{self, Kind},
        cert::CertBuilder,
        packet::SKESK,
        parse::{
            Parse as _,
            stream::{DecryptionHelper, DecryptorBuilder, MessageStructure, VerificationHelper},
        },
        types::Features,
    };
    use std::io::Read as _;

    /// As the library would write it.
    fn reference(bytes: &[u8], profile: Profile) -> String {
        let mut writer = armor::Writer::new(Vec::new(), Kind::Message).expect("a writer");
        writer.set_profile(profile).expect("a profile");
        writer.write_all(bytes).expect("written");
        String::from_utf8(writer.finalize().expect("written"))
            .expect("text")
            .replace('\n', "\r\n")
    }

    #[test]
    fn armor_made_of_pieces_is_the_armor_of_the_whole() {
        for (length, version) in [
            (1, Version::V1),
            (40, Version::V1),
            (1000, Version::V1),
            (70_000, Version::V2),
            (95, Version::V2),
        ] {
            let bytes: Vec<u8> = (0..length)
                .map(|i: u32| (i.wrapping_mul(i) >> 3) as u8)
                .collect();
            let container = Container {
                version,
                key: SessionKey::new(32).expect("random"),
                checksum: Checksum::of(&bytes),
                bytes: bytes.clone(),
                lines: Mutex::default(),
            };
            let profile = if version == Version::V1 {
                Profile::RFC4880
            } else {
                Profile::RFC9580
            };
            for head in (1..200).chain([94, 94]) {
                let head: Vec<u8> = (0..head).map(|i| i as u8 ^ 0xA5).collect();
                assert_eq!(
                    container.armored(&head).to_string(),
                    reference(&[head, bytes.clone()].concat(), profile)
                );
            }
        }
    }

    /// Opens a message with the keys of one certificate.
    struct Opener(Cert);

    impl VerificationHelper for Opener {
        fn get_certs(&mut self, _: &[KeyHandle]) -> sequoia_openpgp::Result<Vec<Cert>> {
            Ok(Vec::new())
        }
        fn check(&mut self, _: MessageStructure) -> sequoia_openpgp::Result<()> {
            Ok(())
        }
    }

    impl DecryptionHelper for Opener {
        fn decrypt(
            &mut self,
            packets: &[PKESK],
            _: &[SKESK],
            cipher: Option<SymmetricAlgorithm>,
            open: &mut dyn FnMut(Option<SymmetricAlgorithm>, &SessionKey) -> bool,
        ) -> sequoia_openpgp::Result<Option<Cert>> {
            for (packet, key) in packets
                .iter()
                .flat_map(|packet| self.0.keys().secret().map(move |key| (packet, key)))
            {
                let mut pair = key.key().clone().into_keypair()?;
                if packet
                    .decrypt(&mut pair, cipher)
                    .is_some_and(|(cipher, key)| open(cipher, &key))
                {
                    break;
                }
            }
            Ok(None)
        }
    }

    #[test]
    fn who_can_open_version_2_gets_it() {
        let now: Moment = "2026-07-01".parse().expect("a moment");
        let message = b"\xcb\x0b\x62\x00\x00\x00\x00\x00hello";
        let sealer = Sealer::new(message);
        for (profile, features) in [
            (Profile::RFC4880, Features::empty().set_seipdv1()),
            (
                Profile::RFC4880,
                Features::empty().set_seipdv1().set_seipdv2(),
            ),
            (
                Profile::RFC9580,
                Features::empty().set_seipdv1().set_seipdv2(),
            ),
        ] {
            let builder = CertBuilder::new()
                .set_creation_time(instant(&now))
                .set_profile(profile)
                .expect("a profile");
            let builder = builder
                .set_features(features.clone())
                .expect("features")
                .add_transport_encryption_subkey();
            let (cert, _) = builder
                .add_userid("who@example.org")
                .generate()
                .expect("a key");
            let keys = Certificate::public(cert.clone())
                .expect("a certificate")
                .judge(&now)
                .expect("usable");
            let sealed = sealer.seal(&keys, &now).expect("sealed").to_string();
            let version_2 = features.supports_seipdv2();
            assert_eq!(
                sealed.lines().any(|line| line.starts_with('=')),
                !version_2,
                "{sealed}"
            );
            let policy = policy(instant(&now));
            let opened = DecryptorBuilder::from_bytes(sealed.as_bytes()).expect("a message");
            let mut opened = opened
                .with_policy(&policy, instant(&now), Opener(cert))
                .expect("opened");
            let mut text = String::new();
            opened.read_to_string(&mut text).expect("read");
            assert_eq!(text, "hello");
        }
    }
}
