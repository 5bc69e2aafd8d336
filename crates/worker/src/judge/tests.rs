//! The judge's table.

use super::*;
use send::TroubleKind as Kind;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

#[derive(Debug, PartialEq, Eq)]
enum Want {
    Delivered,
    Retry,
    Doubt,
    Failed,
    Relay,
    PutBack,
}

fn verdict(outcome: &RecipientOutcome, accepted_rcpts: usize) -> Want {
    let profile = RetryProfile::default();
    let id = "00000000000000000000000000000007".parse().unwrap();
    match judge(outcome, Case { id, attempt: 1, profile: &profile, now: NOW, accepted_rcpts }) {
        Verdict::Delivered => Want::Delivered,
        Verdict::RetryAt(at) => {
            assert!(at > NOW);
            Want::Retry
        }
        Verdict::RetryInDoubt(at) => {
            assert!(at >= later(NOW, DOUBT_WAIT));
            Want::Doubt
        }
        Verdict::Failed => Want::Failed,
        Verdict::RelayTrouble => Want::Relay,
        Verdict::PutBack => Want::PutBack,
    }
}

#[test]
fn replies_are_judged_by_the_table() {
    let check = |phase, code, text: &str, accepted, want: Want| {
        let outcome = RecipientOutcome::Refused { phase, reply: Reply::new(code, text) };
        assert_eq!(verdict(&outcome, accepted), want, "{phase:?} {code} {text}");
    };
    check(Phase::Rcpt, 550, "5.1.1 no such user", 0, Want::Failed);
    check(Phase::Rcpt, 451, "4.3.0 later", 0, Want::Retry);
    check(Phase::Rcpt, 450, "5.1.1 the first digit decides", 0, Want::Retry);
    check(Phase::Rcpt, 550, "4.1.1 the first digit decides", 0, Want::Failed);
    check(Phase::End, 554, "5.6.0 no", 0, Want::Failed);
    check(Phase::End, 452, "4.3.1 full", 0, Want::Retry);
    check(Phase::Mail, 552, "5.3.4 too big", 0, Want::Failed);
    check(Phase::Rcpt, 552, "too many recipients", 3, Want::Retry);
    check(Phase::Rcpt, 552, "5.5.3 too many recipients", 3, Want::Retry);
    check(Phase::Rcpt, 552, "5.2.2 mailbox full", 3, Want::Failed);
    check(Phase::Rcpt, 552, "too many recipients", 0, Want::Failed);
    check(Phase::Rcpt, 421, "4.3.2 closing", 0, Want::Relay);
    check(Phase::End, 421, "4.3.2 closing", 0, Want::Relay);
    check(Phase::Mail, 530, "5.7.0 must authenticate", 0, Want::Relay);
    check(Phase::Auth, 535, "5.7.8 wrong password", 0, Want::Relay);
    check(Phase::Mail, 550, "5.7.8 authenticate first", 0, Want::Relay);
    check(Phase::Rcpt, 554, "5.7.1 <a@b>: Relay access denied", 0, Want::Relay);
    check(Phase::Rcpt, 550, "5.7.1 blocked by policy", 0, Want::Failed);
    check(Phase::Greeting, 554, "go away", 0, Want::Relay);
}

#[test]
fn other_outcomes_are_judged_by_the_table() {
    let trouble = |kind, phase| Trouble { kind, phase, reply: None, text: "".into() };
    let check = |outcome: RecipientOutcome, want: Want| assert_eq!(verdict(&outcome, 0), want, "{outcome:?}");
    check(RecipientOutcome::Accepted(Reply::new(250, "ok")), Want::Delivered);
    let status = envelope::EnhancedStatus { class: Class::Permanent, subject: 6, detail: 3 };
    check(RecipientOutcome::Undeliverable { status, text: "8-bit".into() }, Want::Failed);
    for kind in
        [Kind::Unreachable, Kind::Tls, Kind::Auth, Kind::Busy, Kind::Timeout, Kind::Lost, Kind::Misbehaved]
    {
        check(RecipientOutcome::NotAttempted(trouble(kind, Phase::Connect)), Want::Relay);
        check(RecipientOutcome::Unknown(trouble(kind, Phase::End)), Want::Doubt);
    }
    check(RecipientOutcome::NotAttempted(trouble(Kind::Lost, Phase::Data)), Want::Retry);
    check(RecipientOutcome::NotAttempted(trouble(Kind::Stopped, Phase::Mail)), Want::PutBack);
}
