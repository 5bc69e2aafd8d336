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
    /// Seconds asked for.
    TooFast(u64),
    Next,
    PutBack,
}

fn case(profile: &RetryProfile) -> Case<'_> {
    Case {
        id: "00000000000000000000000000000007".parse().unwrap(),
        attempt: 1,
        profile,
        now: NOW,
        accepted_rcpts: 0,
        has_next: false,
        tripped_alone: false,
        mass_failure: false,
    }
}

fn verdict(outcome: &RecipientOutcome, edit: impl FnOnce(&mut Case<'_>)) -> Want {
    let profile = RetryProfile::default();
    let mut case = case(&profile);
    edit(&mut case);
    match judge(outcome, case) {
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
        Verdict::TooFast(wait) => Want::TooFast(wait.as_secs()),
        Verdict::NextRelay => Want::Next,
        Verdict::PutBack => Want::PutBack,
    }
}

#[test]
fn replies_are_judged_by_the_table() {
    let check = |phase, code, text: &str, accepted, want: Want| {
        let outcome = RecipientOutcome::Refused { phase, reply: Reply::new(code, text) };
        assert_eq!(verdict(&outcome, |c| c.accepted_rcpts = accepted), want, "{phase:?} {code} {text}");
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
    check(Phase::Mail, 452, "4.3.1 insufficient system storage", 0, Want::Relay);
    check(Phase::Mail, 451, "4.3.0 queue file write error", 0, Want::Relay);
    check(Phase::Mail, 452, "4.3.4 too big for now", 0, Want::Retry);
    check(Phase::Rcpt, 452, "4.3.1 insufficient system storage", 0, Want::Retry);
    check(Phase::Rcpt, 450, "4.7.1 too many connections", 0, Want::TooFast(0));
    check(Phase::Mail, 421, "4.7.28 rate limited, retry in 90 seconds", 0, Want::TooFast(90));
    check(Phase::End, 451, "Sending rate exceeded, try again in 2 minutes", 0, Want::TooFast(120));
    check(Phase::Rcpt, 452, "4.5.3 too many recipients", 3, Want::Retry);
    check(Phase::Rcpt, 451, "4.7.1 greylisted, try again in 60 seconds", 0, Want::Retry);
}

#[test]
fn other_outcomes_are_judged_by_the_table() {
    let trouble = |kind, phase| Trouble { kind, phase, reply: None, text: "".into() };
    let check =
        |outcome: RecipientOutcome, want: Want| assert_eq!(verdict(&outcome, |_| ()), want, "{outcome:?}");
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
    let going = |phase, text: &str| {
        let reply = Some(Reply::new(421, text));
        RecipientOutcome::NotAttempted(Trouble { reply, ..trouble(Kind::Busy, phase) })
    };
    check(going(Phase::Mail, "4.7.28 rate limited, retry in 90 seconds"), Want::TooFast(90));
    check(going(Phase::Greeting, "4.3.2 try again in 2 minutes"), Want::TooFast(120));
    check(going(Phase::Connect, "4.3.2 try again in 2 minutes"), Want::TooFast(120));
    check(going(Phase::Rcpt, "4.3.2 closing"), Want::Relay);
    check(going(Phase::End, "4.3.2 closing"), Want::Retry);
    check(RecipientOutcome::NotAttempted(trouble(Kind::Stopped, Phase::Mail)), Want::PutBack);
}

#[test]
fn a_relay_that_refuses_all_is_held_and_a_mail_that_trips_it_alone_is_charged() {
    let check = |code, text: &str, mass: bool, alone: bool, want: Want| {
        let outcome = RecipientOutcome::Refused { phase: Phase::Rcpt, reply: Reply::new(code, text) };
        let got = verdict(&outcome, |c| (c.mass_failure, c.tripped_alone) = (mass, alone));
        assert_eq!(got, want, "{code} {text} {mass} {alone}");
    };
    check(550, "5.7.1 blocked", true, false, Want::Relay);
    check(450, "4.2.0 later", true, false, Want::Retry);
    check(554, "5.7.1 Relay access denied", false, false, Want::Relay);
    check(554, "5.7.1 Relay access denied", false, true, Want::Failed);
    check(450, "4.7.1 too many connections", false, true, Want::Retry);
    check(421, "closing", false, true, Want::Retry);
    let lost = |phase| {
        RecipientOutcome::NotAttempted(Trouble { kind: Kind::Lost, phase, reply: None, text: "".into() })
    };
    for (phase, alone, want) in [
        (Phase::Mail, false, Want::Relay),
        (Phase::Mail, true, Want::Retry),
        (Phase::Rcpt, true, Want::Retry),
        (Phase::Connect, true, Want::Relay),
    ] {
        assert_eq!(verdict(&lost(phase), |c| c.tripped_alone = alone), want, "{phase:?} {alone}");
    }
}

#[test]
fn mail_that_this_relay_cannot_take_goes_to_the_next() {
    let status = envelope::EnhancedStatus { class: Class::Permanent, subject: 6, detail: 3 };
    let outcome = RecipientOutcome::Undeliverable { status, text: "8-bit".into() };
    assert_eq!(verdict(&outcome, |c| c.has_next = true), Want::Next);
    assert_eq!(verdict(&outcome, |c| c.has_next = false), Want::Failed);
}

#[test]
fn a_wait_that_is_asked_for_is_obeyed_three_times() {
    let profile = RetryProfile::default();
    let reply = Reply::new(451, "4.7.1 greylisted, try again in 10 seconds");
    let outcome = RecipientOutcome::Refused { phase: Phase::Rcpt, reply };
    let wait = |attempt| match judge(&outcome, Case { attempt, ..case(&profile) }) {
        Verdict::RetryAt(at) => at.duration_since(NOW).as_secs(),
        other => panic!("{other:?}"),
    };
    assert_eq!((wait(1), wait(3)), (10, 10));
    assert!(wait(4) >= 24 * 60, "from then on the profile's: {}", wait(4));
}
