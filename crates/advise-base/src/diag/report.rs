use super::{Finding, Findings, Level};
use serde_json::{Value, json as object};
use std::collections::BTreeMap;

/// The findings as one JSON document: `{"findings": [{level, code, message, path, line, column, hint}], …}`.
pub fn json(findings: &Findings) -> Value {
    let rows: Vec<Value> = findings
        .iter()
        .map(|f| {
            object!({
                "level": level(f), "code": f.code, "message": f.message, "path": &*f.place.path,
                "line": f.place.line, "column": f.place.column, "hint": f.hint,
            })
        })
        .collect();
    object!({ "errors": findings.count(Level::Error), "warnings": findings.count(Level::Warning), "findings": rows })
}

/// The findings in SARIF 2.1.0, as code hosts and editors read it.
pub fn sarif(findings: &Findings) -> Value {
    let rules: BTreeMap<&str, Value> = findings
        .iter()
        .map(|f| (f.code, object!({ "id": f.code })))
        .collect();
    let results: Vec<Value> = findings.iter().map(result).collect();
    object!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "advise",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules.into_values().collect::<Vec<_>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn level(finding: &Finding) -> &'static str {
    match finding.level {
        Level::Error => "error",
        Level::Warning => "warning",
    }
}

fn result(finding: &Finding) -> Value {
    let place = &finding.place;
    // SARIF 2.1.0, 3.4.3: the uri of an artifact location is a valid URI reference, so it is percent-encoded.
    let uri: String = place
        .path
        .bytes()
        .map(|b| match b {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'/' | b'-' | b'.' | b'_' | b'~' => {
                (b as char).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect();
    let mut location = object!({ "artifactLocation": { "uri": uri } });
    if place.line > 0 {
        location["region"] = object!({
            "startLine": place.line, "startColumn": place.column, "endColumn": place.column + place.width,
        });
    }
    let message = match &finding.hint {
        Some(hint) => format!("{}\nHint: {hint}", finding.message),
        None => finding.message.clone(),
    };
    object!({
        "ruleId": finding.code,
        "level": level(finding),
        "message": { "text": message },
        "locations": [{ "physicalLocation": location }],
    })
}
