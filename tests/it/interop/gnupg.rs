//! The `openpgp` room against GnuPG: what it makes, a program that is not ours verifies and decrypts.

use crate::harness::stopped_clock;
use advise::{
    openpgp::{
        Cause, CertError, Certificate, Clearsigned, EncryptError, Generated, Kind, Payload, Sealer,
        Secret, Signed, SignerError, TeamKey, VerifyError, encrypt, generate, needs_passphrase,
        revoke, verify,
    },
    roster::KeyState,
    terms::Moment,
    tlp::{Gate, Marked, Public, Tlp},
};
use std::{os::unix::fs::PermissionsExt as _, process::Command, time::Duration};

const DAY: Duration = Duration::from_secs(86_400);

fn at(text: &str) -> Moment {
    text.parse().expect("a moment")
}

fn made() -> Moment {
    at("2026-01-01T00:00:00Z")
}

fn now() -> Moment {
    at("2026-07-01T09:30:00Z")
}

fn key(kind: Kind) -> Generated {
    generate(
        &["Example <who@example.org>"],
        kind,
        Some(365 * DAY),
        &made(),
        None,
    )
    .expect("a key")
}

fn team() -> (TeamKey, Certificate) {
    let team = key(Kind::Team);
    (
        TeamKey::from_file(team.secret.expose(), None, team.certificate.clone(), &now())
            .expect("a team key"),
        team.certificate,
    )
}

#[derive(Clone)]
struct Letter(Vec<u8>);

impl Payload for Letter {
    fn payload(&self) -> &[u8] {
        &self.0
    }
}

impl Marked for Letter {
    fn tlp(&self) -> Tlp {
        Tlp::Clear
    }
    fn is_addressed_to(&self, _: &str) -> bool {
        true
    }
}

fn letter() -> Letter {
    Letter("Content-Type: text/plain; charset=utf-8\r\n\r\nПривет =2D- \r\n\r\n".into())
}

/// A GnuPG home of its own, under a short path because its sockets need one; its agent ends with it.
struct Gnupg(tempfile::TempDir);

impl Gnupg {
    fn with(keys: &[&[u8]]) -> Gnupg {
        let only_mine = std::fs::Permissions::from_mode(0o700);
        let home = tempfile::Builder::new()
            .prefix("g")
            .rand_bytes(5)
            .permissions(only_mine)
            .tempdir_in("/tmp");
        let home = Gnupg(home.expect("a folder"));
        assert!(home.gpg(&["--trust-model", "pgp", "--check-trustdb"]).0);
        std::fs::write(home.path("gpg-agent.conf"), "allow-loopback-pinentry\n").expect("written");
        for (i, key) in keys.iter().enumerate() {
            let name = format!("key{i}");
            std::fs::write(home.path(&name), key).expect("written");
            let (ok, _, err) = home.gpg(&["--import", &home.path(&name)]);
            assert!(ok, "{err}");
        }
        home
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_string_lossy().into_owned()
    }

    /// At the tests' time: whether it succeeded, its output, and its talk with the status lines.
    fn gpg(&self, args: &[&str]) -> (bool, Vec<u8>, String) {
        let fixed = ["--batch", "--status-fd", "2", "--trust-model", "always"];
        let run = Command::new("gpg")
            .arg("--homedir")
            .arg(self.0.path())
            .args(fixed)
            .args(stopped_clock("2026-07-01T09:31:00Z"))
            .args(args)
            .output()
            .expect("gpg runs");
        (
            run.status.success(),
            run.stdout,
            String::from_utf8_lossy(&run.stderr).into_owned(),
        )
    }

    fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        std::fs::write(self.path(name), bytes).expect("written");
        self.path(name)
    }
}

impl Drop for Gnupg {
    fn drop(&mut self) {
        let _ = Command::new("gpgconf")
            .arg("--homedir")
            .arg(self.0.path())
            .args(["--kill", "all"])
            .status();
    }
}

fn is_good(certificate: &Certificate, (ok, _, err): &(bool, Vec<u8>, String)) {
    let valid = err
        .lines()
        .find(|line| line.contains("VALIDSIG"))
        .unwrap_or_default();
    assert!(
        *ok && err.contains("GOODSIG") && valid.ends_with(&certificate.fingerprint().to_string()),
        "{err}"
    );
}

#[test]
fn gnupg_verifies_a_signed_letter() {
    let (key, certificate) = team();
    let gnupg = Gnupg::with(&[&certificate.binary()]);
    let signed = key.sign(letter()).expect("signed");
    assert!(
        signed.detached().lines().count() > 3
            && !signed.detached().replace("\r\n", "").contains('\n')
    );
    let (data, signature) = (
        gnupg.file("letter", &signed.thing().0),
        gnupg.file("letter.asc", signed.detached()),
    );
    is_good(&certificate, &gnupg.gpg(&["--verify", &signature, &data]));

    // The inline message is the same signature, and gives the same bytes.
    let inline = gnupg.file("inline", signed.inline());
    let seen = gnupg.gpg(&["--decrypt", &inline]);
    is_good(&certificate, &seen);
    assert_eq!(seen.1, letter().0);
    let changed = gnupg.file("letter", "something else");
    assert!(!gnupg.gpg(&["--verify", &signature, &changed]).0);
}

#[test]
fn gnupg_verifies_clear_signed_text() {
    let (key, certificate) = team();
    let gnupg = Gnupg::with(&[certificate.armored().as_bytes()]);
    let text = "1. Document Information  \t\n\n-----------------------\n- -- dashes\r\n\nFrom here: Предупреждение №1 ≤ «кавычки»\n\t tab\n\n-\n\n\n";
    let signed = key.clearsign(text).expect("signed");
    let document = gnupg.file("rfc2350.txt", signed.document());
    let seen = gnupg.gpg(&["--output", &gnupg.path("out"), "--decrypt", &document]);
    is_good(&certificate, &seen);
    assert_eq!(
        std::fs::read_to_string(gnupg.path("out")).expect("read"),
        signed.text()
    );

    // A kept signature makes the same document again, and ours reads what GnuPG reads.
    let again = Clearsigned::assemble(text, signed.block());
    assert_eq!(again.document(), signed.document());
    let read = |bytes: &[u8]| verify(bytes, None, std::slice::from_ref(&certificate), &now());
    let verified = read(again.document().as_bytes()).expect("good");
    assert_eq!(
        (verified.content.as_slice(), &verified.signer),
        (signed.text().as_bytes(), certificate.fingerprint())
    );
    assert_eq!(verified.made, now());
    // So does a copy with the line ends of mail, and one with other text around it.
    assert_eq!(
        read(signed.document().replace('\n', "\r\n").as_bytes())
            .expect("good")
            .content,
        verified.content
    );
    let around = format!("Believe this!\n\n{}\nand this!\n", signed.document());
    assert_eq!(
        read(around.as_bytes()).expect("good").content,
        verified.content
    );
    let altered = signed.document().replace("tab", "tap");
    assert_eq!(
        read(altered.as_bytes()),
        Err(VerifyError::Altered(certificate.fingerprint().clone()))
    );
}

#[test]
fn texts_of_every_shape_are_clear_signed() {
    let (key, certificate) = team();
    let gnupg = Gnupg::with(&[&certificate.binary()]);
    for (i, text) in [
        "",
        "\n",
        "-",
        "a",
        "\n\n\na",
        "- ",
        " ",
        "-----BEGIN PGP SIGNATURE-----\n\nfoo",
        "x\u{b}\u{c}\n\u{85}\u{a0}\ny",
    ]
    .iter()
    .enumerate()
    {
        let signed = key
            .clearsign(text)
            .unwrap_or_else(|e| panic!("{text:?}: {e}"));
        is_good(
            &certificate,
            &gnupg.gpg(&["--verify", &gnupg.file(&format!("t{i}"), signed.document())]),
        );
    }
    assert!(matches!(
        key.clearsign(&"x".repeat(20_000)),
        Err(SignerError::LongLine {
            line: 1,
            bytes: 20_000
        })
    ));
    let long = key
        .clearsign(&format!("-{}", "я".repeat(9_000)))
        .expect("signed");
    is_good(
        &certificate,
        &gnupg.gpg(&["--verify", &gnupg.file("long", long.document())]),
    );
}

#[test]
fn only_the_recipient_reads_a_sealed_letter() {
    let (key, certificate) = team();
    let (ada, bob) = (self::key(Kind::Member), self::key(Kind::Member));
    let adas = Gnupg::with(&[&certificate.binary(), ada.secret.expose()]);
    let bobs = Gnupg::with(&[&certificate.binary(), bob.secret.expose()]);
    let long = Letter(letter().0.repeat(4_000));
    for letter in [letter(), long] {
        let inline = key.sign(letter.clone()).expect("signed").inline();
        let sealer = Sealer::new(&inline);
        // With one container for both, too, nobody can open the other's mail.
        let seal = |to: &Generated| {
            sealer
                .seal(&to.certificate.judge(&now()).expect("usable"), &now())
                .expect("sealed")
                .to_string()
        };
        let for_bob = seal(&bob);
        is_good(
            &certificate,
            &bobs.gpg(&["--decrypt", &bobs.file("mail", for_bob)]),
        );
        for sealed in [
            encrypt(&inline, &ada.certificate, &now()).expect("sealed"),
            seal(&ada),
        ] {
            assert!(
                !sealed.replace("\r\n", "").contains('\n')
                    && sealed.ends_with("-----END PGP MESSAGE-----\r\n")
            );
            let seen = adas.gpg(&["--decrypt", &adas.file("mail", &sealed)]);
            is_good(&certificate, &seen);
            assert!(
                seen.1 == letter.0 && seen.2.contains("GOODMDC"),
                "{}",
                seen.2
            );
            let seen = bobs.gpg(&["--decrypt", &bobs.file("mail", &sealed)]);
            assert!(
                !seen.0 && seen.1.is_empty() && seen.2.contains("NO_SECKEY"),
                "{}",
                seen.2
            );
        }
    }
}

#[test]
fn gnupg_keys_of_many_kinds_are_encrypted_to() {
    let (key, certificate) = team();
    let gnupg = Gnupg::with(&[&certificate.binary()]);
    for (address, first, second) in [
        ("rsa", "rsa2048", "rsa2048"),
        ("curve", "ed25519", "cv25519"),
        ("nist", "nistp256", "nistp256"),
    ] {
        let user = format!("{address}@example.org");
        let none = ["--pinentry-mode", "loopback", "--passphrase", ""];
        let (ok, _, err) = gnupg.gpg(
            &[
                &none[..],
                &["--quick-gen-key", &user, first, "sign,cert", "1y"],
            ]
            .concat(),
        );
        assert!(ok, "{err}");
        let made = err
            .lines()
            .find_map(|line| line.split_once("KEY_CREATED P "))
            .expect("created")
            .1
            .to_string();
        // Two keys for encryption: both get the session key.
        for _ in 0..2 {
            let (ok, _, err) =
                gnupg.gpg(&[&none[..], &["--quick-add-key", &made, second, "encr", "1y"]].concat());
            assert!(ok, "{err}");
        }
        let member = Certificate::read(&gnupg.gpg(&["--armor", "--export", &made]).1)
            .expect("a certificate");
        assert!(member.has_address(&user.parse().expect("an address")));
        assert!(!member.state(&now()).is_usable() && member.state(&at("2026-07-02")).is_usable());
        let sealed = encrypt(
            &key.sign(letter()).expect("signed").inline(),
            &member,
            &at("2026-07-01T12:00:00Z"),
        )
        .expect("sealed");
        let seen = gnupg.gpg(&["--decrypt", &gnupg.file("mail", sealed)]);
        is_good(&certificate, &seen);
        assert_eq!(seen.2.matches("ENC_TO").count(), 2, "{}", seen.2);
    }
}

#[cfg(feature = "gpg-agent")]
#[test]
fn the_team_signs_with_a_key_in_gpg_agent() {
    let locked = "correct horse";
    let team = generate(
        &["Team <team@example.org>"],
        Kind::Team,
        None,
        &made(),
        None,
    )
    .expect("a key");
    let gnupg = Gnupg::with(&[team.secret.expose()]);
    let key = TeamKey::from_agent_in(
        Some(std::path::Path::new(&gnupg.path(""))),
        team.certificate.clone(),
        &now(),
    )
    .expect("a key");
    let signed = key.sign(letter()).expect("signed");
    is_good(
        &team.certificate,
        &gnupg.gpg(&["--decrypt", &gnupg.file("m", signed.inline())]),
    );
    is_good(
        &team.certificate,
        &gnupg.gpg(&[
            "--verify",
            &gnupg.file("t", key.clearsign("-a").expect("signed").document()),
        ]),
    );

    // Many threads, and one that is inside a runtime.
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| key.detach(b"bytes").expect("signed"));
        }
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        key.detach(b"bytes").expect("signed");
        let home = gnupg.path("");
        TeamKey::from_agent_in(
            Some(std::path::Path::new(&home)),
            team.certificate.clone(),
            &now(),
        )
        .expect("a key");
    });

    let other = self::key(Kind::Team).certificate;
    let home = gnupg.path("");
    assert_eq!(
        TeamKey::from_agent_in(Some(std::path::Path::new(&home)), other.clone(), &now()).err(),
        Some(SignerError::AgentHasNoKey(other.fingerprint().clone()))
    );
    let nowhere = TeamKey::from_agent_in(
        Some(std::path::Path::new("/nonexistent/gnupg")),
        other,
        &now(),
    )
    .err();
    assert!(
        matches!(nowhere, Some(SignerError::AgentMissing(_))),
        "{nowhere:?}"
    );

    // A locked key and nobody to ask.
    let team = generate(
        &["Team <t@example.org>"],
        Kind::Team,
        None,
        &made(),
        Some(&Secret::from(locked)),
    )
    .expect("a key");
    let gnupg = Gnupg::with(&[team.secret.expose()]);
    let key = TeamKey::from_agent_in(
        Some(std::path::Path::new(&gnupg.path(""))),
        team.certificate,
        &now(),
    )
    .expect("a key")
    .without_asking();
    let refused = key.detach(b"bytes").err();
    assert!(
        matches!(refused, Some(SignerError::AgentRefused { .. })),
        "{refused:?}"
    );
}

#[test]
fn a_key_file_opens_with_its_passphrase_only() {
    let secret = Secret::from("пароль");
    let team = generate(
        &["Team <team@example.org>"],
        Kind::Team,
        None,
        &made(),
        Some(&secret),
    )
    .expect("a key");
    let open = |passphrase: Option<&Secret>, certificate: &Certificate| {
        TeamKey::from_file(
            team.secret.expose(),
            passphrase,
            certificate.clone(),
            &now(),
        )
        .err()
    };
    let fingerprint = team.certificate.fingerprint().clone();
    assert_eq!(needs_passphrase(team.secret.expose()), Ok(true));
    assert_eq!(needs_passphrase(key(Kind::Team).secret.expose()), Ok(false));
    assert!(matches!(
        needs_passphrase(team.certificate.armored().as_bytes()),
        Err(SignerError::Unreadable(_))
    ));
    assert!(matches!(
        needs_passphrase(b"hello"),
        Err(SignerError::Unreadable(_))
    ));
    assert_eq!(
        open(None, &team.certificate),
        Some(SignerError::PassphraseNeeded(fingerprint.clone()))
    );
    for wrong in ["wrong", "", "Пароль"] {
        assert_eq!(
            open(Some(&wrong.into()), &team.certificate),
            Some(SignerError::WrongPassphrase(fingerprint.clone()))
        );
    }
    assert_eq!(open(Some(&secret), &team.certificate), None);
    let other = key(Kind::Team).certificate;
    assert_eq!(
        open(Some(&secret), &other),
        Some(SignerError::NoKey(other.fingerprint().clone()))
    );

    // GnuPG opens the same file, and what it exports opens here: the whole key, and the working keys alone.
    let gnupg = Gnupg::with(&[team.secret.expose()]);
    for export in ["--export-secret-keys", "--export-secret-subkeys"] {
        let (ok, exported, err) = gnupg.gpg(&[
            "--pinentry-mode",
            "loopback",
            "--passphrase",
            "пароль",
            "--armor",
            export,
        ]);
        assert!(ok, "{err}");
        assert_eq!(needs_passphrase(&exported), Ok(true));
        let key = TeamKey::from_file(&exported, Some(&secret), team.certificate.clone(), &now())
            .expect("a team key");
        is_good(
            &team.certificate,
            &gnupg.gpg(&[
                "--decrypt",
                &gnupg.file("m", key.sign(letter()).expect("signed").inline()),
            ]),
        );
        let locked = TeamKey::from_file(
            &exported,
            Some(&"wrong".into()),
            team.certificate.clone(),
            &now(),
        )
        .err();
        assert_eq!(
            locked,
            Some(SignerError::WrongPassphrase(fingerprint.clone()))
        );
    }
    let args = [
        "--pinentry-mode",
        "loopback",
        "--passphrase",
        "пароль",
        "--detach-sign",
        "--armor",
        "--output",
        &gnupg.path("sig"),
    ];
    let data = gnupg.file("data", "data");
    let (ok, _, err) = gnupg.gpg(&[&args[..], &[&data]].concat());
    assert!(ok, "{err}");
    let signature = std::fs::read(gnupg.path("sig")).expect("read");
    let verified = verify(
        b"data",
        Some(&signature),
        &[other, team.certificate.clone()],
        &at("2026-07-02"),
    )
    .expect("good");
    assert_eq!(&verified.signer, team.certificate.fingerprint());
}

#[test]
fn certificates_are_judged_at_a_moment() {
    let member = key(Kind::Member);
    let state = |certificate: &Certificate, time: &str| certificate.state(&at(time));
    assert_eq!(
        state(&member.certificate, "2026-07-01"),
        KeyState::Usable {
            expires: Some(at("2027-01-01"))
        }
    );
    assert_eq!(
        state(&member.certificate, "2027-01-01"),
        KeyState::Expired(at("2027-01-01"))
    );
    assert!(matches!(
        state(&member.certificate, "2025-12-31"),
        KeyState::Weak(_)
    ));
    assert_eq!(
        state(&key(Kind::SignOnly).certificate, "2026-07-01"),
        KeyState::CannotEncrypt
    );
    assert!(
        key(Kind::SignOnly).certificate.can_sign(&now())
            && !member.certificate.can_sign(&at("2027-01-02"))
    );
    assert_eq!(
        (
            member.certificate.expires(&now()),
            member.certificate.created()
        ),
        (Some(at("2027-01-01")), made())
    );
    assert_eq!(member.certificate.algorithm(), "Ed25519");

    let retired = revoke(
        &member.certificate,
        &member.secret,
        None,
        Cause::Retired,
        "left the team",
        &at("2026-06-01"),
    )
    .expect("revoked");
    assert!(state(&retired, "2026-05-31").is_usable());
    assert_eq!(
        state(&retired, "2026-06-01"),
        KeyState::Revoked("left the team".into())
    );
    let lost = revoke(
        &member.certificate,
        &member.secret,
        None,
        Cause::Compromised,
        "",
        &at("2026-06-01"),
    )
    .expect("revoked");
    assert_eq!(
        state(&lost, "2026-05-31"),
        KeyState::Revoked("its secret key may be in other hands".into())
    );
    assert_eq!(
        Certificate::read(lost.armored().as_bytes()).as_ref(),
        Ok(&lost)
    );

    for (certificate, time) in [
        (&member.certificate, "2027-01-01"),
        (&retired, "2026-06-02"),
        (&key(Kind::SignOnly).certificate, "2026-07-01"),
    ] {
        assert!(matches!(
            encrypt(b"x", certificate, &at(time)),
            Err(EncryptError::NotUsable { .. })
        ));
    }
    for (certificate, time) in [
        (&member.certificate, "2027-01-01"),
        (&retired, "2026-06-02"),
        (&lost, "2026-02-01"),
    ] {
        let refused =
            TeamKey::from_file(member.secret.expose(), None, certificate.clone(), &at(time)).err();
        assert!(
            matches!(refused, Some(SignerError::Unusable { .. })),
            "{refused:?}"
        );
    }

    // The revocation that was made with the key revokes it, in GnuPG too.
    let gnupg = Gnupg::with(&[&member.certificate.binary(), member.revocation.expose()]);
    let revoked = Certificate::read(&gnupg.gpg(&["--export"]).1).expect("a certificate");
    assert!(matches!(revoked.state(&now()), KeyState::Revoked(_)));
}

#[test]
fn a_certificate_file_has_one_certificate_and_no_secret() {
    let (one, two) = (key(Kind::Member), key(Kind::Team));
    let armored = one.certificate.armored();
    assert!(
        armored.starts_with("-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n")
            && armored.ends_with("-----END PGP PUBLIC KEY BLOCK-----\n")
    );
    let read = |bytes: &[u8]| Certificate::read(bytes);
    let again = read(armored.as_bytes()).expect("a certificate");
    assert_eq!(
        (again.armored(), &again),
        (armored.clone(), &one.certificate)
    );
    assert_eq!(
        read(&one.certificate.binary())
            .expect("a certificate")
            .armored(),
        armored
    );
    let commented = armored
        .replacen("\n\n", "\nComment: who@example.org\nVersion: X\n\n", 1)
        .replace('\n', "\r\n");
    assert_eq!(
        read(format!("\u{feff}Here is my key:\r\n{commented}").as_bytes())
            .expect("a certificate")
            .armored(),
        armored
    );

    assert_eq!(read(one.secret.expose()).err(), Some(CertError::SecretKey));
    let both = [armored.as_bytes(), one.secret.expose()].concat();
    assert_eq!(read(&both).err(), Some(CertError::SecretKey));
    let disguised = String::from_utf8(one.secret.expose().to_vec())
        .expect("text")
        .replace("PRIVATE", "PUBLIC");
    assert_eq!(read(disguised.as_bytes()).err(), Some(CertError::SecretKey));
    let twice = format!("{armored}{}", two.certificate.armored());
    assert_eq!(read(twice.as_bytes()).err(), Some(CertError::Several(2)));
    assert_eq!(
        read(&[one.certificate.binary(), two.certificate.binary()].concat()).err(),
        Some(CertError::Several(2))
    );
    for wrong in [
        "",
        "hello",
        "-----BEGIN PGP PUBLIC KEY BLOCK-----",
        "\u{1f600}",
        "-----BEGIN PGP MESSAGE-----\n\n",
    ] {
        let error = read(wrong.as_bytes()).err();
        assert!(
            matches!(error, Some(CertError::NotACertificate(_))),
            "{wrong:?}: {error:?}"
        );
    }
    assert!(matches!(
        read(one.revocation.expose()).err(),
        Some(CertError::NotACertificate(_))
    ));
    let (ada, who) = (
        "ada@example.org".parse().expect("an address"),
        "WHO@example.org".parse().expect("an address"),
    );
    assert!(one.certificate.has_address(&who) && !one.certificate.has_address(&ada));
    assert!(!format!("{:?}", one.certificate).contains("example"));
}

#[test]
fn a_signature_counts_by_the_certificate_at_its_time() {
    let (key, certificate) = team();
    let signed = key.sign(letter()).expect("signed");
    let check = |certificates: &[Certificate], time: &str| {
        let inline = verify(&signed.inline(), None, certificates, &at(time));
        let detached = verify(
            &letter().0,
            Some(signed.detached().as_bytes()),
            certificates,
            &at(time),
        );
        assert_eq!(inline, detached);
        inline
    };
    let verified = check(std::slice::from_ref(&certificate), "2030-01-01")
        .expect("what was signed before it expired is good");
    assert_eq!((verified.content, verified.made), (letter().0, now()));
    assert!(matches!(
        check(&[], "2026-07-02"),
        Err(VerifyError::UnknownSigner(_))
    ));
    assert!(matches!(
        check(&[self::key(Kind::Team).certificate], "2026-07-02"),
        Err(VerifyError::UnknownSigner(_))
    ));
    assert!(matches!(
        check(std::slice::from_ref(&certificate), "2026-06-01"),
        Err(VerifyError::Refused { .. })
    ));
    let altered = verify(
        b"other",
        Some(signed.detached().as_bytes()),
        std::slice::from_ref(&certificate),
        &now(),
    );
    assert_eq!(
        altered,
        Err(VerifyError::Altered(certificate.fingerprint().clone()))
    );
    for wrong in [
        &b""[..],
        b"hello",
        certificate.armored().as_bytes(),
        &signed.inline()[..40],
    ] {
        let read = verify(wrong, None, std::slice::from_ref(&certificate), &now());
        assert!(matches!(read, Err(VerifyError::Unreadable(_))), "{read:?}");
    }
}

#[test]
fn a_shareable_thing_is_signed_for_its_audience_only() {
    let (key, _) = team();
    let shareable = Gate::new(&now(), &now())
        .open(letter(), Public)
        .expect("open");
    let signed = shareable.make::<Signed<Letter>>(&key).expect("signed");
    assert_eq!(
        (signed.thing().micalg(), &signed.thing().thing().0),
        ("pgp-sha512", &letter().0)
    );
}

#[test]
fn what_the_policy_refuses_is_not_encrypted_to() {
    let gnupg = Gnupg::with(&[]);
    let none = ["--pinentry-mode", "loopback", "--passphrase", ""];
    let (ok, _, err) = gnupg.gpg(
        &[
            &none[..],
            &[
                "--cert-digest-algo",
                "SHA1",
                "--quick-gen-key",
                "old@example.org",
                "rsa2048",
                "sign,cert",
                "1y",
            ],
        ]
        .concat(),
    );
    assert!(ok, "{err}");
    let sha1 =
        Certificate::read(&gnupg.gpg(&["--export", "old@example.org"]).1).expect("a certificate");
    let state = sha1.state(&at("2026-07-02"));
    assert!(
        matches!(&state, KeyState::Weak(why) if why.contains("SHA1")),
        "{state:?}"
    );

    let (ok, _, err) = gnupg.gpg(
        &[
            &none[..],
            &[
                "--quick-gen-key",
                "short@example.org",
                "rsa2048",
                "sign,cert",
                "1y",
            ],
        ]
        .concat(),
    );
    assert!(ok, "{err}");
    let made = err
        .lines()
        .find_map(|line| line.split_once("KEY_CREATED P "))
        .expect("created")
        .1
        .to_string();
    let (ok, _, err) = gnupg.gpg(
        &[
            &none[..],
            &["--quick-add-key", &made, "rsa1024", "encr", "1y"],
        ]
        .concat(),
    );
    assert!(ok, "{err}");
    let short = Certificate::read(&gnupg.gpg(&["--export", &made]).1).expect("a certificate");
    assert_eq!(
        short.state(&at("2026-07-02")),
        KeyState::Weak("its key for encryption is too weak".into())
    );
    assert_eq!(short.algorithm(), "RSA 2048");

    // What nobody signed is not verified, and what GnuPG signed and compressed is.
    let member = key(Kind::Member);
    let gnupg = Gnupg::with(&[member.secret.expose()]);
    let data = gnupg.file("data", "data");
    let certificates = std::slice::from_ref(&member.certificate);
    let stored = gnupg.gpg(&["--store", "--output", "-", &data]).1;
    assert!(matches!(
        verify(&stored, None, certificates, &at("2026-07-02")),
        Err(VerifyError::Unreadable(_))
    ));
    let signed = gnupg.gpg(&["--sign", "--output", "-", &data]).1;
    assert_eq!(
        verify(&signed, None, certificates, &at("2026-07-02"))
            .expect("good")
            .content,
        b"data"
    );
}
