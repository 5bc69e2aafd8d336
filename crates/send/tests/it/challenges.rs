//! Servers that ask and ask, or ask nonsense, while we sign in.

use crate::peer::{Peer, plain, script, send_one, shown};
use postrider_send::SmtpSender;
use postrider_send::smtp::{Credentials, Security};

/// Octets of a transcript, whatever is said.
const BOUND: usize = 16 * 1024;
/// Those that a user and a password are enough for.
const MECHANISMS: [&str; 6] = ["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256", "NTLM"];

async fn relay(mechanism: &str, challenges: &str) -> Peer {
    let hello = format!("S: 220 mx\nC: EHLO\nS: 250-mx\nS: 250 AUTH {mechanism}\nC: AUTH {mechanism}");
    plain(&[&script(&[&hello, challenges])]).await
}

#[tokio::test]
async fn b4_82_challenges_without_end_or_sense_end_the_login() {
    let endless = "S: 334 eA==\nC: \n".repeat(40);
    let long = format!("S: 334 {}", "QUFB".repeat(250_000));
    let mut spoken = 0;
    for mechanism in MECHANISMS {
        for challenges in [&*endless, &long, "S: 334 %%%\nS: 334 %%%\nS: 334 %%%\nHANGUP", "S: 334\nHANGUP"] {
            let peer = relay(mechanism, challenges).await;
            let mut settings = peer.settings(Security::Plain);
            settings.auth = Some(mechanism.into());
            settings.credentials = Some(Credentials { user: "u".into(), secret: "hunter2".into() });
            if SmtpSender::new(settings.clone()).is_err() {
                continue;
            }
            spoken += 1;
            let outcome = send_one(settings).await;
            let case = format!("{mechanism} {:.40}: {}", challenges, outcome.transcript);
            assert!(shown(&outcome)[0].starts_with("not attempted"), "{case}");
            assert!(outcome.transcript.len() <= BOUND && !outcome.transcript.contains("hunter2"), "{case}");
            assert!(peer.lines().len() < 12, "{case}");
        }
    }
    assert!(spoken >= 8, "{spoken}");
}
