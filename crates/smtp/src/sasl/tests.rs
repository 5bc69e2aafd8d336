//! Exchanges as servers hold them, the choice of a mechanism, and silence about secrets.

use super::*;
use crate::{Capabilities, limits};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use envelope::Reply;

fn credentials() -> Credentials {
    Credentials::password("tim", Secret::from("tanstaaftanstaaf"))
}

fn b64(text: &str) -> String {
    STANDARD.encode(text)
}

fn encoded(text: &str) -> Result<Secret, Fault> {
    Ok(Secret::from(&*b64(text)))
}

fn caps(auth: &str) -> Capabilities {
    Capabilities::from_ehlo(&Reply { code: 250, lines: vec!["mx".into(), format!("AUTH {auth}").into()] })
}

fn start(mechanism: Mechanism) -> Exchange {
    begin(mechanism, credentials(), &Channel::default()).unwrap()
}

fn begin(mechanism: Mechanism, who: Credentials, channel: &Channel) -> Result<Exchange, Fault> {
    Exchange::start(mechanism, who, channel, &caps(mechanism.name()))
}

#[test]
fn plain_says_everything_at_once() {
    let mut exchange = start(Mechanism::Plain);
    let want = b64("\0tim\0tanstaaftanstaaf");
    assert_eq!(exchange.initial(), Some(Secret::from(want.as_str())));
    assert_eq!(exchange.respond("anything"), Ok(Secret::from(want.as_str())));
    assert_eq!(exchange.respond(""), Err(Fault::Endless));
    let nul = Credentials::password("tim", Secret::from("a\0b"));
    assert!(begin(Mechanism::Plain, nul, &Channel::default()).is_err());
}

#[test]
fn login_answers_the_prompts_of_real_servers() {
    let check = |first: &str, second: &str| {
        let mut exchange = start(Mechanism::Login);
        assert_eq!(exchange.initial(), None);
        assert_eq!(exchange.respond(first), encoded("tim"), "{first}");
        assert_eq!(exchange.respond(second), encoded("tanstaaftanstaaf"), "{second}");
        assert_eq!(exchange.respond(second), Err(Fault::Endless));
    };
    check(&b64("Username:"), &b64("Password:"));
    check(&b64("User Name\0"), &b64("Password\0"));
    check(&b64("username:"), &b64("PASSWORD"));
    check("", "");
    check("=", "=");
    check(&format!(" {} ", b64("Login")), &b64("Passwort"));
}

#[test]
fn a_server_that_asks_the_wrong_way_round_gets_no_secret() {
    assert!(matches!(start(Mechanism::Login).respond(&b64("Password:")), Err(Fault::Malformed(_))));
    let mut exchange = start(Mechanism::Login);
    assert!(matches!(exchange.respond("not base64!"), Err(Fault::Malformed(_))));
    let mut exchange = start(Mechanism::Login);
    let long = "A".repeat(limits::AUTH_LINE + 4);
    assert!(matches!(exchange.respond(&long), Err(Fault::Malformed(_))));
}

/// RFC 2195 2.
#[test]
fn cram_md5_hashes_the_servers_text() {
    let mut exchange = start(Mechanism::CramMd5);
    assert_eq!(exchange.initial(), None);
    let challenge = b64("<1896.697170952@postoffice.reston.mci.net>");
    assert_eq!(exchange.respond(&challenge), encoded("tim b913a602c7eda7a495b4e6e7334d3890"));
    assert_eq!(exchange.respond(&challenge), Err(Fault::Endless));
    assert!(matches!(start(Mechanism::CramMd5).respond(""), Err(Fault::Malformed(_))));
}

#[test]
fn tokens_and_what_is_said_of_their_refusal() {
    let who = || Credentials::token("someuser@example.com", Secret::from("vF9dft4qmT"));
    let channel = Channel { host: "server.example.com".into(), port: 143, ..Channel::default() };
    let mut exchange = begin(Mechanism::XOAuth2, who(), &channel).unwrap();
    let first = b64("user=someuser@example.com\x01auth=Bearer vF9dft4qmT\x01\x01");
    assert_eq!(exchange.initial(), Some(Secret::from(&*first)));
    let refusal = r#"{"status":"401","schemes":"bearer vF9dft4qmT","scope":"https://mail.example/"}"#;
    assert_eq!(exchange.respond(&b64(refusal)), Ok(Secret::from("")));
    assert_eq!(exchange.explanation(), Some(&*refusal.replace("vF9dft4qmT", "***")));
    assert_eq!(exchange.respond(&b64(refusal)), Err(Fault::Endless));
    // RFC 7628 4.1.
    let mut exchange = begin(Mechanism::OAuthBearer, who(), &channel).unwrap();
    let first =
        "n,a=someuser@example.com,\x01host=server.example.com\x01port=143\x01auth=Bearer vF9dft4qmT\x01\x01";
    assert_eq!(exchange.initial(), Some(Secret::from(&*b64(first))));
    assert_eq!(exchange.respond(&b64(r#"{"status":"invalid_token"}"#)), encoded("\x01"));
    let odd = Credentials::token("a,b=c", Secret::from("x"));
    let mut exchange = begin(Mechanism::OAuthBearer, odd, &Channel::default()).unwrap();
    assert_eq!(exchange.initial(), Some(Secret::from(&*b64("n,a=a=2Cb=3Dc,\x01auth=Bearer x\x01\x01"))));
    for token in ["", "a b", "a\x01b", "a\nb", "ä"] {
        let who = Credentials::token("u", Secret::from(token));
        for mechanism in [Mechanism::XOAuth2, Mechanism::OAuthBearer] {
            assert!(begin(mechanism, who.clone(), &channel).is_err(), "{token:?}");
        }
    }
}

#[test]
fn what_does_not_fit_on_the_auth_line_waits_for_a_challenge() {
    let token = "t".repeat(1500);
    let who = Credentials::token("u", Secret::from(&*token));
    let mut exchange = begin(Mechanism::XOAuth2, who, &Channel::default()).unwrap();
    assert_eq!(exchange.initial(), None);
    assert_eq!(exchange.respond("not base64"), encoded(&format!("user=u\x01auth=Bearer {token}\x01\x01")));
    assert_eq!(exchange.respond(&b64("{}")), Ok(Secret::from("")));
    let who = Credentials::token("u", Secret::from("t".repeat(12_000).as_str()));
    assert!(matches!(begin(Mechanism::XOAuth2, who, &Channel::default()), Err(Fault::Unsuitable(_))));
    // Exchange answers a bare AUTH NTLM by words.
    let mut exchange = start(Mechanism::Ntlm);
    let first = begin(Mechanism::Ntlm, credentials(), &Channel::default()).unwrap().initial();
    assert_eq!(exchange.respond("NTLM supported").ok(), first);
    let mut exchange = start(Mechanism::Ntlm);
    exchange.initial();
    assert!(matches!(exchange.respond("NTLM supported"), Err(Fault::Malformed(_))));
}

#[test]
fn external_names_whom_to_act_for_or_nobody() {
    for (user, initial, again) in [("", "=", ""), ("ada", "YWRh", "YWRh")] {
        let mut exchange =
            begin(Mechanism::External, Credentials::certificate(user), &Channel::default()).unwrap();
        assert_eq!(exchange.initial(), Some(Secret::from(initial)));
        assert_eq!(exchange.respond(""), Ok(Secret::from(again)));
        assert_eq!(exchange.respond(""), Err(Fault::Endless));
    }
}

#[test]
fn scram_binds_when_it_can_and_says_when_it_could() {
    let bound = Channel { binding: Some(Secret::from(vec![1; 32])), ..Channel::default() };
    let check = |mechanism: Mechanism, offer: &str, channel: &Channel, header: Option<&str>| {
        let exchange = Exchange::start(mechanism, credentials(), channel, &caps(offer));
        let first = exchange.ok().and_then(|mut exchange| exchange.initial());
        let first = first.map(|first| String::from_utf8(STANDARD.decode(first.expose()).unwrap()).unwrap());
        let got = first.as_deref().map(|first| first.split("n=tim").next().unwrap());
        assert_eq!(got, header, "{mechanism:?} {offer}");
    };
    check(Mechanism::ScramSha256Plus, "SCRAM-SHA-256-PLUS", &bound, Some("p=tls-exporter,,"));
    check(Mechanism::ScramSha1Plus, "SCRAM-SHA-1-PLUS", &bound, Some("p=tls-exporter,,"));
    check(Mechanism::ScramSha256Plus, "SCRAM-SHA-256-PLUS", &Channel::default(), None);
    check(Mechanism::ScramSha256, "SCRAM-SHA-256 PLAIN", &bound, Some("y,,"));
    check(Mechanism::ScramSha256, "SCRAM-SHA-256 SCRAM-SHA-256-PLUS", &bound, Some("n,,"));
    check(Mechanism::ScramSha1, "SCRAM-SHA-1", &Channel::default(), Some("n,,"));
}

#[test]
fn success_without_the_servers_proof_is_not_believed() {
    for mechanism in Mechanism::ALL {
        let channel = Channel { binding: Some(Secret::from("x")), ..Channel::default() };
        let exchange = begin(mechanism, credentials(), &channel).unwrap();
        let proves = mechanism.name().starts_with("SCRAM");
        assert_eq!(exchange.finish().is_err(), proves, "{mechanism:?}");
    }
}

#[test]
fn b4_81_the_choice_never_shows_a_secret_and_never_falls_to_none() {
    struct Case {
        auth: &'static str,
        wishes: Wishes<'static>,
    }
    let wishes = Wishes { means: Means::Password, pin: None, private: true, binding: false, proven: None };
    let case = |auth, wishes| Case { auth, wishes };
    let names = |case: &Case| match candidates(&caps(case.auth), case.wishes) {
        Ok(all) => all.iter().map(|mechanism| mechanism.name()).collect::<Vec<_>>().join(" "),
        Err(refusal) => refusal.to_string(),
    };
    let check = |case: Case, want: &str| {
        let got = names(&case);
        assert!(got == want || want.starts_with('~') && got.contains(&want[1..]), "{}: {got}", case.auth);
    };
    let all = "login NTLM PLAIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256 SCRAM-SHA-1-PLUS SCRAM-SHA-256-PLUS XOAUTH2 \
               OAUTHBEARER EXTERNAL GSSAPI";
    let unbound = "SCRAM-SHA-256 SCRAM-SHA-1 PLAIN LOGIN CRAM-MD5 NTLM";
    check(case(all, wishes), unbound);
    let plus = "SCRAM-SHA-256-PLUS SCRAM-SHA-1-PLUS";
    check(case(all, Wishes { binding: true, ..wishes }), &format!("{plus} {unbound}"));
    check(case(all, Wishes { private: false, ..wishes }), "SCRAM-SHA-256 SCRAM-SHA-1 CRAM-MD5 NTLM");
    check(case("LOGIN PLAIN", Wishes { private: false, ..wishes }), "~smtp+starttls://");
    check(case(all, Wishes { means: Means::Token, ..wishes }), "OAUTHBEARER XOAUTH2");
    check(case(all, Wishes { means: Means::Token, private: false, ..wishes }), "~smtp+starttls://");
    check(case("PLAIN", Wishes { means: Means::Token, ..wishes }), "~takes a token");
    check(case(all, Wishes { means: Means::Certificate, ..wishes }), "EXTERNAL");
    let pin = |pin| Wishes { pin: Some(pin), ..wishes };
    check(case(all, pin(Mechanism::Login)), "LOGIN");
    check(case("PLAIN", pin(Mechanism::Login)), "~pin AUTH to LOGIN");
    check(case("PLAIN", Wishes { private: false, ..pin(Mechanism::Plain) }), "~smtp+starttls://");
    check(case(all, pin(Mechanism::ScramSha1Plus)), "~bound to TLS 1.3");
    check(case("SCRAM-SHA-1-PLUS", wishes), "~none of the mechanisms");
    check(case("GSSAPI DIGEST-MD5", wishes), "~GSSAPI, DIGEST-MD5");
    check(case("", wishes), "~offers no AUTH");
}

#[test]
fn what_worked_is_tried_first_while_the_offer_is_the_same() {
    let offer = caps("PLAIN LOGIN CRAM-MD5");
    let proven = Proven { offered: offer.auth.clone(), mechanism: Mechanism::Login };
    let wishes =
        Wishes { means: Means::Password, pin: None, private: true, binding: false, proven: Some(&proven) };
    let expected = [Mechanism::Login, Mechanism::Plain, Mechanism::CramMd5];
    assert_eq!(candidates(&offer, wishes).unwrap(), expected);
    assert_eq!(candidates(&caps("PLAIN LOGIN"), wishes).unwrap(), [Mechanism::Plain, Mechanism::Login]);
    let clear = Wishes { private: false, ..wishes };
    assert_eq!(candidates(&offer, clear).unwrap(), [Mechanism::CramMd5]);
}

#[test]
fn nothing_prints_a_secret() {
    for mechanism in Mechanism::ALL {
        let channel = Channel { binding: Some(Secret::from("tanstaaf")), ..Channel::default() };
        let mut exchange = begin(mechanism, credentials(), &channel).unwrap();
        exchange.initial();
        let shown = format!("{exchange:?} {:?} {channel:?}", credentials());
        assert!(!shown.contains("tanstaaf") && !shown.contains(&format!("{:?}", b"tanst")[1..9]), "{shown}");
    }
}
