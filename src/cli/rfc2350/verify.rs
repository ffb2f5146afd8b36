use super::super::{Done, desk::Desk, failure::Failure, ui::count};
use crate::diag::{self, Level};
use rfc2350_import::Seal;
use serde_json::json;
use std::path::PathBuf;

/// Judge anybody's document: signature, completeness, age, agreement with a certificate, faults
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Errors (no or a bad signature, sections that are missing or empty, a last update more than a year ago, another key) \
                        end with 1; warnings do so with --strict only."
)]
pub struct Args {
    /// Plain or clear-signed text, HTML or Markdown; a detached signature is found beside it (FILE.asc, FILE.sig)
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The team's certificate; else those in certs/ are tried
    #[arg(long, value_name = "CERT")]
    key: Vec<PathBuf>,
    /// Let warnings fail too
    #[arg(long)]
    strict: bool,
}

pub fn run(desk: &Desk, args: Args) -> Result<Done, Failure> {
    let file = super::open(&args.file)?;
    let of_team = super::given(&args.key)?;
    let certificates = if of_team.is_empty() {
        super::kept(&desk.root)?
    } else {
        of_team.clone()
    };
    let shown = args.file.display().to_string();
    let document = super::read(&file, &shown, &certificates, &desk.now)
        .map_err(|error| Failure::usage(format!("cannot read `{shown}`: {error}")))?;
    let verdict = rfc2350_import::judge(
        &document,
        &super::known(&certificates, &desk.now),
        &super::known(&of_team, &desk.now),
        &desk.now,
    );
    let (errors, warnings) = (
        verdict.findings.count(Level::Error),
        verdict.findings.count(Level::Warning),
    );
    let passes = verdict.passes() && !(args.strict && warnings > 0);
    let signature = rfc2350_import::signature(&document.seal);
    if desk.ui.wants_json() {
        let signer = match &document.seal {
            Seal::Good { signer, made } => {
                Some(json!({ "fingerprint": signer.to_string(), "made": made.rfc3339() }))
            }
            _ => None,
        };
        desk.ui.json(&json!({
            "file": shown, "passes": passes, "signature": signature, "signer": signer, "encoding": document.encoding,
            "findings": diag::json(&verdict.findings)["findings"], "errors": errors, "warnings": warnings,
        }));
    } else {
        let state = if passes { "passes" } else { "does not pass" };
        let counts = format!(
            "{}, {}",
            count(errors, "error", "errors"),
            count(warnings, "warning", "warnings")
        );
        desk.ui.data(&format!(
            "{}{shown}: {signature}\n{shown}: {state}: {counts}\n",
            findings(desk, &verdict.findings)
        ));
    }
    Ok(if passes {
        Done::Well
    } else {
        Done::WithFindings
    })
}

/// The findings with their names, which docs/rfc2350-import.md explains.
fn findings(desk: &Desk, all: &diag::Findings) -> String {
    let named = |finding: &diag::Finding| diag::Finding {
        message: format!("{}: {}", finding.code, finding.message),
        ..finding.clone()
    };
    desk.ui
        .findings(&all.iter().map(named).collect(), Level::Warning)
}
