//! A relay that was looked at, for people and for programs.

use super::Checked;
use super::findings::{Finding, Severity};
use crate::exit::Failure;
use send::smtp::Examination;
use send::{Trouble, TroubleKind};
use serde_json::{Value, json};

/// The dialogue, what was found, and the short of it.
pub(super) fn text(checked: &Checked<'_>) -> String {
    let mut out = format!("relay {}  {}\n", checked.relay.name, checked.relay.url);
    if let Some(seen) = &checked.seen {
        for line in seen.transcript.lines() {
            out.push_str(&format!("  {line}\n"));
        }
    }
    for finding in &checked.findings {
        out.push_str(&format!("{} {}: {}\n", finding.severity.word(), finding.code, finding.cause));
        out.push_str(&format!("  remedy: {}\n", finding.remedy));
    }
    match &checked.seen {
        Some(seen) if seen.result.is_ok() => out.push_str(&format!("ok: mail can go{}\n", how(seen))),
        Some(_) => out.push_str("no mail can go this way now\n"),
        None => {}
    }
    out
}

fn how(seen: &Examination) -> String {
    let mut out = String::new();
    if let Some(address) = seen.address {
        out.push_str(&format!(", to {address}"));
    }
    match &seen.tls {
        Some(tls) => out.push_str(&format!(", by {} ({})", tls.version, tls.cipher)),
        None => out.push_str(", without TLS"),
    }
    out
}

pub(super) fn json(checked: &Checked<'_>) -> Value {
    let findings: Vec<Value> = checked.findings.iter().map(finding).collect();
    let seen = checked.seen.as_ref();
    let tls = seen.and_then(|seen| seen.tls.as_ref()).map(|tls| {
        let certificate = tls.certificate.as_ref().map(|certificate| {
            json!({
                "subject": certificate.subject,
                "issuer": certificate.issuer,
                "names": certificate.names,
                "not_before": certificate.not_before.to_string(),
                "not_after": certificate.not_after.to_string(),
                "sha256": certificate.fingerprint,
            })
        });
        json!({"version": tls.version, "cipher": tls.cipher, "certificate": certificate})
    });
    let offers: Option<Vec<String>> = seen.map(|seen| {
        let words = seen.capabilities.keywords.iter();
        words.map(|word| format!("{} {}", word.name, word.parameters).trim().to_owned()).collect()
    });
    json!({
        "name": checked.relay.name,
        "url": checked.relay.url,
        "ok": failure(checked).is_none(),
        "address": seen.and_then(|seen| seen.address).map(|address| address.to_string()),
        "tls": tls,
        "offers": offers,
        "findings": findings,
        "transcript": seen.map(|seen| &seen.transcript),
    })
}

fn finding(finding: &Finding) -> Value {
    json!({
        "severity": finding.severity.word(),
        "code": finding.code,
        "cause": finding.cause,
        "remedy": finding.remedy,
    })
}

/// The gravest finding as the exit code it means.
pub(super) fn failure(checked: &Checked<'_>) -> Option<Failure> {
    let finding = checked.findings.iter().find(|finding| finding.severity == Severity::Error)?;
    let text = format!("relay {}: {}", checked.relay.name, finding.cause);
    let ours = ["settings", "plain_port", "tls_port", "wrong_port", "no_starttls", "not_lmtp", "lmtp"];
    let auth = ["auth_mechanism", "auth_not_offered", "auth_in_clear"];
    let trouble = checked.seen.as_ref().and_then(|seen| seen.result.as_ref().err());
    Some(match trouble {
        _ if ours.contains(&finding.code) || auth.contains(&finding.code) => Failure::Settings(text),
        Some(Trouble { kind: TroubleKind::Auth, .. }) => Failure::Forbidden(text),
        Some(Trouble { kind: TroubleKind::Tls | TroubleKind::Misbehaved, .. }) => Failure::Protocol(text),
        Some(_) | None => Failure::Unavailable(text),
    })
}
