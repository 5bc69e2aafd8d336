//! Signing in by tokens that an endpoint gives out.

use crate::authority::Authority;
use crate::endpoint::Endpoint;
use crate::peer::{Peer, QUIT, TAKEN, mail, plain, script, send, send_one, shown, trouble_text};
use futures_util::future::join_all;
use postrider_send::SmtpSender;
use postrider_send::smtp::{Credentials, Security, SmtpSettings};
use postrider_send::token::{Grant, TokenEndpoint, TokenSource};
use std::time::Duration;

const HELLO: &str = "S: 220 mx\nC: EHLO\nS: 250-mx\nS: 250-PIPELINING\nS: 250 AUTH PLAIN XOAUTH2";
/// `user=u`, the tokens `one` and `two`.
const ONE: &str = "C: AUTH XOAUTH2 dXNlcj11AWF1dGg9QmVhcmVyIG9uZQEB";
const TWO: &str = "C: AUTH XOAUTH2 dXNlcj11AWF1dGg9QmVhcmVyIHR3bwEB";
const OK: &str = "S: 235 ok";
/// `{"status":"401"}` before the refusal.
const REFUSED: &str = "S: 334 eyJzdGF0dXMiOiI0MDEifQ==\nC: \nS: 535 5.7.8 no";
const SENT: [&str; 1] = ["accepted 250 2.0.0 Ok: queued as 77"];

fn granted(token: &str, seconds: u32) -> String {
    format!(r#"{{"access_token":"{token}","token_type":"Bearer","expires_in":{seconds}}}"#)
}

fn by_secret(endpoint: &Endpoint, scheme: &str) -> TokenEndpoint {
    TokenEndpoint {
        url: endpoint.url(scheme),
        client_id: "me".into(),
        client_secret: Some("hunter2&".into()),
        grant: Grant::ClientCredentials,
        scope: Some("mail send".into()),
        ca_file: None,
    }
}

fn with_token(peer: &Peer, endpoint: TokenEndpoint) -> SmtpSettings {
    let mut settings = peer.settings(Security::Plain);
    settings.credentials = Some(Credentials { user: "u".into(), secret: "".into() });
    settings.token = Some(TokenSource::Endpoint(endpoint));
    settings
}

#[tokio::test]
async fn one_token_serves_all_connections_and_is_fetched_once() {
    let endpoint = Endpoint::new(&[(200, &granted("one", 3600))], None).await;
    let peer = plain(&[&script(&[HELLO, ONE, OK, TAKEN, QUIT])]).await;
    let sender = SmtpSender::new(with_token(&peer, by_secret(&endpoint, "http"))).unwrap();
    let all = join_all((0..4).map(|n| send(&sender, vec![mail(n, &["b@example.com"], "hello\r\n")]))).await;
    for outcomes in all {
        assert_eq!(shown(&outcomes[0]), SENT);
    }
    let asked = endpoint.asked();
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert_eq!(
        asked[0].form,
        "grant_type=client_credentials&scope=mail+send&client_id=me&client_secret=hunter2%26"
    );
    assert_eq!(asked[0].head[0], "POST /token?api=1 HTTP/1.1");
    assert!(peer.connections() > 1 && asked[0].authorization().is_none());
}

#[tokio::test]
async fn a_token_that_ends_is_replaced_in_time_and_the_old_one_used_in_its_margin() {
    let answers = [(200, &*granted("one", 1000)), (503, "<html>"), (200, &granted("two", 1000))];
    let endpoint = Endpoint::new(&answers, None).await;
    let [one, two] = [ONE, TWO].map(|token| script(&[HELLO, token, OK, TAKEN]));
    let peer = plain(&[&one, &one, &one, &two]).await;
    let sender = SmtpSender::new(with_token(&peer, by_secret(&endpoint, "http"))).unwrap();
    // The margin begins at 880 s; at 900 s the endpoint is in trouble, at 950 s well again.
    for (n, seconds) in [0, 870, 30, 50].into_iter().enumerate() {
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(seconds)).await;
        tokio::time::resume();
        let outcomes = send(&sender, vec![mail(1, &["b@example.com"], "hello\r\n")]).await;
        assert_eq!(shown(&outcomes[0]), SENT, "{n}");
    }
    assert_eq!(endpoint.asked().len(), 3);
}

#[tokio::test]
async fn a_refused_token_is_replaced_once_and_its_cause_kept() {
    let endpoint = Endpoint::new(&[(200, &granted("one", 3600)), (200, &granted("two", 3600))], None).await;
    let refused = script(&[HELLO, ONE, REFUSED]);
    let peer = plain(&[&refused, &script(&[HELLO, TWO, OK, TAKEN])]).await;
    let outcome = send_one(with_token(&peer, by_secret(&endpoint, "http"))).await;
    assert_eq!((shown(&outcome), peer.connections()), (vec![SENT[0].to_owned()], 2));

    let peer = plain(&[&script(&[HELLO, TWO, REFUSED])]).await;
    let outcome = send_one(with_token(&peer, by_secret(&endpoint, "http"))).await;
    assert_eq!(shown(&outcome), ["not attempted Auth Auth"]);
    assert_eq!((peer.connections(), endpoint.asked().len()), (1, 4), "the same token is not tried again");
    let text = trouble_text(&outcome);
    assert!(text.contains(r#"refuses the token (by XOAUTH2); it says {"status":"401"}"#), "{text}");
    assert!(outcome.transcript.contains(r#"** that is: {"status":"401"}"#), "{}", outcome.transcript);

    let endpoint = Endpoint::new(&[(200, &granted("one", 3600)), (200, &granted("two", 3600))], None).await;
    let peer = plain(&[&refused, &script(&[HELLO, TWO, REFUSED])]).await;
    let outcome = send_one(with_token(&peer, by_secret(&endpoint, "http"))).await;
    assert_eq!(shown(&outcome), ["not attempted Auth Auth"]);
    assert_eq!((peer.connections(), endpoint.asked().len()), (2, 2));
}

#[tokio::test]
async fn a_refresh_token_is_used_and_renewed() {
    let first = r#"{"access_token":"one","expires_in":0,"refresh_token":"r 2"}"#;
    let endpoint = Endpoint::new(&[(200, first), (200, &granted("two", 3600))], None).await;
    let [one, two] = [ONE, TWO].map(|token| script(&[HELLO, token, OK, TAKEN, "HANGUP"]));
    let peer = plain(&[&one, &two]).await;
    let settings = TokenEndpoint {
        grant: Grant::Refresh("r1".into()),
        scope: None,
        client_secret: None,
        ..by_secret(&endpoint, "http")
    };
    let sender = SmtpSender::new(with_token(&peer, settings)).unwrap();
    for _ in 0..2 {
        let outcomes = send(&sender, vec![mail(1, &["b@example.com"], "hello\r\n")]).await;
        assert_eq!(shown(&outcomes[0]), SENT);
    }
    let forms: Vec<String> = endpoint.asked().into_iter().map(|asked| asked.form).collect();
    assert_eq!(
        forms,
        [
            "grant_type=refresh_token&refresh_token=r1&client_id=me",
            "grant_type=refresh_token&refresh_token=r+2&client_id=me"
        ]
    );
}

#[tokio::test]
async fn an_endpoint_that_wants_the_secret_in_the_header_gets_it() {
    let wrong = r#"{"error":"invalid_client"}"#;
    let endpoint = Endpoint::new(&[(401, wrong), (200, &granted("one", 3600))], None).await;
    let peer = plain(&[&script(&[HELLO, ONE, OK, TAKEN])]).await;
    assert_eq!(shown(&send_one(with_token(&peer, by_secret(&endpoint, "http"))).await), SENT);
    let asked = endpoint.asked();
    assert_eq!(asked[1].authorization(), Some("Basic bWU6aHVudGVyMiUyNg=="));
    assert_eq!(asked[1].form, "grant_type=client_credentials&scope=mail+send");
}

#[tokio::test]
async fn over_https_the_endpoint_must_be_trusted() {
    let authority = Authority::new(&["127.0.0.1"]);
    let acceptor = Some(authority.acceptor.clone());
    let endpoint = Endpoint::new(&[(200, &granted("one", 3600))], acceptor).await;
    let peer = plain(&[&script(&[HELLO, ONE, OK, TAKEN])]).await;
    let outcome = send_one(with_token(&peer, by_secret(&endpoint, "https"))).await;
    assert_eq!(shown(&outcome), ["not attempted Auth Auth"]);
    let text = trouble_text(&outcome);
    assert!(text.contains("no access token from 127.0.0.1: ") && text.contains("not trusted"), "{text}");
    assert_eq!((endpoint.asked().len(), peer.connections()), (0, 0));
    let trusting = TokenEndpoint { ca_file: Some(authority.path("ca.pem")), ..by_secret(&endpoint, "https") };
    assert_eq!(shown(&send_one(with_token(&peer, trusting)).await), SENT);
}

#[tokio::test]
async fn no_token_no_connection_and_the_cause_without_a_secret() {
    let long = "x".repeat(70_000);
    let peer = plain(&[&script(&[HELLO])]).await;
    for (status, body, said) in [
        (400, r#"{"error":"invalid_grant","error_description":"Token\r\nrevoked."}"#, "sign in anew"),
        (400, r#"{"error":"invalid_scope"}"#, "check SCOPE"),
        (401, r#"{"error":"invalid_client"}"#, "check CLIENT_ID"),
        (500, "<html>", "answers 500 without JSON"),
        (302, "", "answers 302"),
        (200, &long, "too long"),
        (0, "", "the HTTP exchange broke"),
    ] {
        let endpoint = Endpoint::new(&[(status, body)], None).await;
        let outcome = send_one(with_token(&peer, by_secret(&endpoint, "http"))).await;
        assert_eq!(shown(&outcome), ["not attempted Auth Auth"]);
        let text = trouble_text(&outcome);
        assert!(text.starts_with("no access token from 127.0.0.1: ") && text.contains(said), "{text}");
        assert!(!format!("{outcome:?}").contains("hunter2"), "{outcome:?}");
    }
    let gone = Endpoint::new(&[], None).await;
    let settings = with_token(&peer, by_secret(&gone, "http"));
    assert!(!format!("{settings:?}").contains("hunter2"));
    drop(gone);
    let sender = SmtpSender::new(settings).unwrap();
    assert!(!format!("{sender:?}").contains("hunter2"));
    let outcomes = send(&sender, vec![mail(1, &["b@example.com"], "hello\r\n")]).await;
    assert!(trouble_text(&outcomes[0]).contains("cannot connect to 127.0.0.1:"), "{outcomes:?}");
    let seen = sender.examine().await;
    assert!(seen.transcript.contains("no access token from 127.0.0.1"), "{}", seen.transcript);
    assert_eq!(peer.connections(), 0);
    let bad = TokenEndpoint { url: "https://".into(), ..by_secret(&Endpoint::new(&[], None).await, "http") };
    assert!(
        SmtpSender::new(with_token(&peer, bad)).is_err_and(|error| error.to_string().contains("TOKEN_URL"))
    );
}
