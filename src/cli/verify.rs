use super::{Done, desk::Desk, failure::Failure};
use crate::openpgp::{self, Certificate};
use serde_json::json;
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Verify what the team signed: a text, a file with its `.asc` beside it, or a signed mail
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What to verify
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// With this certificate instead of the workspace's
    #[arg(long, value_name = "CERTIFICATE")]
    certificate: Option<PathBuf>,
}

pub fn run(desk: &Desk, args: Args) -> Result<Done, Failure> {
    let certificates = match &args.certificate {
        Some(path) => {
            let bytes = fs::read(path).map_err(|error| Failure::io(path, error))?;
            vec![
                Certificate::read(&bytes)
                    .map_err(|error| Failure::usage(format!("`{}`: {error}", path.display())))?,
            ]
        }
        None => {
            let workspace = desk.workspace()?;
            let keys = &workspace.team.keys;
            keys.iter()
                .filter_map(|fingerprint| workspace.certificates.of_team(fingerprint).cloned())
                .collect()
        }
    };
    if certificates.is_empty() {
        return Err(Failure::usage("there is no certificate to verify with")
            .hint("name the team's `keys` in team.yaml, or use `--certificate FILE`"));
    }
    let mut good = true;
    let mut rows = Vec::new();
    for path in &args.files {
        let bytes = fs::read(path).map_err(|error| Failure::io(path, error))?;
        let verdict = verify(path, &bytes, &certificates, desk);
        good &= verdict.is_ok();
        let shown = path.display();
        if desk.ui.wants_json() {
            rows.push(match &verdict {
                Ok(verified) => json!({ "file": shown.to_string(), "good": true, "signer": verified.signer.to_string(), "made": verified.made.rfc3339() }),
                Err(why) => json!({ "file": shown.to_string(), "good": false, "why": why }),
            });
        } else {
            desk.ui.data(&match &verdict {
                Ok(verified) => format!(
                    "{shown}: good signature of {} made {}\n",
                    verified.signer,
                    verified.made.rfc3339()
                ),
                Err(why) => format!("{shown}: NOT VERIFIED: {why}\n"),
            });
        }
    }
    if desk.ui.wants_json() {
        desk.ui.json(&json!({ "files": rows }));
    }
    Ok(if good { Done::Well } else { Done::WithFindings })
}

fn verify(
    path: &Path,
    bytes: &[u8],
    certificates: &[Certificate],
    desk: &Desk,
) -> Result<openpgp::Verified, String> {
    let words = |error: openpgp::VerifyError| error.to_string();
    if let Some((payload, signature)) = signed_mail(bytes) {
        return openpgp::verify(&payload, Some(&signature), certificates, &desk.now).map_err(words);
    }
    let clear = bytes
        .windows(34)
        .any(|window| window == b"-----BEGIN PGP SIGNED MESSAGE-----");
    let beside = path.with_file_name(format!(
        "{}.asc",
        path.file_name().unwrap_or_default().to_string_lossy()
    ));
    match (clear, fs::read(&beside)) {
        (false, Ok(signature)) => {
            openpgp::verify(bytes, Some(&signature), certificates, &desk.now).map_err(words)
        }
        (false, Err(error)) if error.kind() != io::ErrorKind::NotFound => {
            Err(format!("cannot read `{}`: {error}", beside.display()))
        }
        (false, Err(_))
            if bytes
                .windows(27)
                .any(|window| window == b"-----BEGIN PGP MESSAGE-----") =>
        {
            Err(
                "it is encrypted: decrypt it first (`gpg --decrypt` shows the signature too)"
                    .into(),
            )
        }
        (false, Err(_)) => Err(format!(
            "it carries no signature, and there is no `{}`",
            beside.display()
        )),
        (true, _) => openpgp::verify(bytes, None, certificates, &desk.now).map_err(words),
    }
}

/// The signed part of a multipart/signed mail, with the line ends that were signed, and its signature (RFC 3156, 5).
fn signed_mail(bytes: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let text: Vec<u8> = bytes
        .iter()
        .copied()
        .filter(|byte| *byte != b'\r')
        .collect();
    let end = text.windows(2).position(|window| window == b"\n\n")?;
    let head = String::from_utf8_lossy(&text[..end])
        .replace("\n ", " ")
        .replace("\n\t", " ");
    let kind = head
        .lines()
        .find(|line| line.to_ascii_lowercase().starts_with("content-type:"))?;
    if !kind.to_ascii_lowercase().contains("multipart/signed") {
        return None;
    }
    let boundary = kind
        .split("boundary=")
        .nth(1)?
        .trim_start_matches('"')
        .split(['"', ';'])
        .next()?
        .trim();
    let mark = format!("\n--{boundary}");
    let marks: Vec<usize> = text
        .windows(mark.len())
        .enumerate()
        .filter(|(_, window)| *window == mark.as_bytes())
        .map(|(at, _)| at)
        .collect();
    let [first, second, third, ..] = marks[..] else {
        return None;
    };
    let payload = &text[first + mark.len() + 1..second];
    let payload = payload
        .split(|byte| *byte == b'\n')
        .collect::<Vec<_>>()
        .join(&b"\r\n"[..]);
    Some((payload, text[second + mark.len()..third].to_vec()))
}
