//! The session key, encrypted to a Cv25519 key: what nearly all members have. It does what the library does in
//! `PKESK3::for_recipient`, by the same OpenSSL, with two multiplications instead of three and without looking up
//! algorithms for each mail; everything but the two multiplications is the library's or plain bytes.

use super::judged::SubKey;
use openssl::{
    derive::Deriver,
    pkey::{Id, PKey},
    sha::Sha256,
};
use sequoia_openpgp::{
    crypto::{
        SessionKey,
        ecdh::aes_key_wrap,
        mem::Protected,
        mpi::{Ciphertext, MPI, PublicKey},
    },
    packet::pkesk::PKESK3,
    types::{Curve, HashAlgorithm, PublicKeyAlgorithm, SymmetricAlgorithm},
};

/// The packet, or `None` for a key of another kind, which is the library's to encrypt to.
pub(super) fn session_key_packet(
    cipher: SymmetricAlgorithm,
    session_key: &SessionKey,
    to: &SubKey,
) -> sequoia_openpgp::Result<Option<PKESK3>> {
    let (hash, kek) = (HashAlgorithm::SHA256, SymmetricAlgorithm::AES128);
    let point = match to.mpis() {
        PublicKey::ECDH {
            curve: Curve::Cv25519,
            q,
            hash: h,
            sym,
        } if to.version() == 4 && (*h, *sym) == (hash, kek) => q.decode_point(&Curve::Cv25519)?.0,
        _ => return Ok(None),
    };
    // A key for this one packet. OpenSSL refuses points that would make the secret zero.
    let ephemeral = PKey::generate_x25519()?;
    let recipient = PKey::public_key_from_raw_bytes(point, Id::X25519)?;
    let mut deriver = Deriver::new(&ephemeral)?;
    deriver.set_peer(&recipient)?;
    let secret: Protected = deriver.derive_to_vec()?.into();

    // RFC 9580, 11.5: "Param = curve_OID_len || curve_OID || public_key_alg_ID || 03 || 01 || KDF_hash_ID ||
    // KEK_alg_ID for AESKeyWrap || "Anonymous Sender    " || recipient_fingerprint"; 11.4: the key is the hash of
    // "00 || 00 || 00 || 01 || ZB || Param", cut to its length.
    let mut kdf = Sha256::new();
    kdf.update(&[0, 0, 0, 1]);
    kdf.update(&secret);
    kdf.update(&[u8::try_from(Curve::Cv25519.oid().len())?]);
    kdf.update(Curve::Cv25519.oid());
    kdf.update(&[
        PublicKeyAlgorithm::ECDH.into(),
        3,
        1,
        hash.into(),
        kek.into(),
    ]);
    kdf.update(b"Anonymous Sender    ");
    kdf.update(to.fingerprint().as_bytes());
    let wrapping: Protected = kdf.finish()[..kek.key_size()?].to_vec().into();

    // RFC 9580, 5.1.3: the algorithm, the key, the sum of its octets; 11.5: padded, here to 40 octets as GnuPG does.
    let mut plain: Vec<u8> = Vec::with_capacity(PADDED);
    plain.push(cipher.into());
    plain.extend_from_slice(session_key);
    let sum = session_key
        .iter()
        .fold(0u16, |sum, octet| sum.wrapping_add(u16::from(*octet)));
    plain.extend_from_slice(&sum.to_be_bytes());
    let missing = u8::try_from(PADDED.saturating_sub(plain.len()))?;
    plain.resize(PADDED, missing);
    let wrapped = aes_key_wrap(kek, &wrapping, &plain.into())?;

    let e = MPI::new_compressed_point(&ephemeral.raw_public_key()?);
    let esk = Ciphertext::ECDH {
        e,
        key: wrapped.into_boxed_slice(),
    };
    PKESK3::new(Some(to.keyid()), PublicKeyAlgorithm::ECDH, esk).map(Some)
}

const PADDED: usize = 40;
