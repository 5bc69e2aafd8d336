//! Exchanges as servers hold them, the choice of a mechanism, and silence about secrets.

use super::*;
use crate::Capabilities;
use envelope::Reply;

fn credentials() -> Credentials {
    Credentials { user: "tim".into(), secret: Secret::from("tanstaaftanstaaf") }
}

fn b64(text: &str) -> String {
    STANDARD.encode(text)
}

#[test]
fn plain_says_everything_at_once() {
    let mut exchange = Exchange::new(Mechanism::Plain, credentials());
    let want = b64("\0tim\0tanstaaftanstaaf");
    assert_eq!(exchange.initial(), Some(Secret::from(want.as_str())));
    assert_eq!(exchange.respond(""), Ok(Secret::from(want.as_str())));
    assert_eq!(exchange.respond(""), Err(Violation::EndlessAuth));
}

#[test]
fn login_answers_the_prompts_of_real_servers() {
    let check = |first: &str, second: &str| {
        let mut exchange = Exchange::new(Mechanism::Login, credentials());
        assert_eq!(exchange.initial(), None);
        assert_eq!(exchange.respond(first), Ok(Secret::from(b64("tim").as_str())), "{first}");
        assert_eq!(exchange.respond(second), Ok(Secret::from(b64("tanstaaftanstaaf").as_str())), "{second}");
        assert_eq!(exchange.respond(second), Err(Violation::EndlessAuth));
    };
    check(&b64("Username:"), &b64("Password:"));
    check(&b64("User Name\0"), &b64("Password\0"));
    check(&b64("username:"), &b64("PASSWORD"));
    check("", "");
    check(&format!(" {} ", b64("Login")), &b64("Passwort"));
}

#[test]
fn a_server_that_asks_the_wrong_way_round_gets_no_secret() {
    let mut exchange = Exchange::new(Mechanism::Login, credentials());
    assert_eq!(exchange.respond(&b64("Password:")), Err(Violation::BadChallenge));
    assert!(exchange.respond("not base64!").is_err());
    let mut exchange = Exchange::new(Mechanism::Login, credentials());
    assert_eq!(exchange.respond(&"A".repeat(limits::AUTH_LINE + 4)), Err(Violation::BadChallenge));
}

#[test]
fn the_choice_never_shows_a_secret_and_never_falls_to_none() {
    let caps = |auth: &str| {
        Capabilities::from_ehlo(&Reply { code: 250, lines: vec!["mx".into(), format!("AUTH {auth}").into()] })
    };
    let check = |auth: &str, pin: Option<Mechanism>, private: bool, want: Result<Mechanism, &str>| {
        let got = choose(&caps(auth), pin, private);
        match (&got, want) {
            (Ok(mechanism), Ok(want)) => assert_eq!(*mechanism, want, "{auth}"),
            (Err(refusal), Err(part)) => assert!(refusal.to_string().contains(part), "{auth}: {refusal}"),
            _ => panic!("{auth}: {got:?}"),
        }
    };
    check("LOGIN PLAIN", None, true, Ok(Mechanism::Plain));
    check("login", None, true, Ok(Mechanism::Login));
    check("LOGIN PLAIN", Some(Mechanism::Login), true, Ok(Mechanism::Login));
    check("LOGIN PLAIN", None, false, Err("smtp+starttls://"));
    check("PLAIN", Some(Mechanism::Login), true, Err("pin AUTH to LOGIN"));
    check("NTLM CRAM-MD5", None, true, Err("NTLM, CRAM-MD5"));
    check("", None, true, Err("offers no AUTH"));
}

#[test]
fn nothing_prints_a_secret() {
    let exchange = Exchange::new(Mechanism::Login, credentials());
    assert!(!format!("{exchange:?} {:?}", credentials()).contains("tanstaaf"));
}
