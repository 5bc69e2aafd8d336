//! Tokens by file and command, and what is made of an endpoint's words.

use super::answer::{Answer, Granted};
use super::request::{Form, Url, basic};
use super::*;

fn token(text: &str) -> Secret {
    Secret::from(text)
}

fn by_command(script: &str, arguments: &[&str]) -> Tokens {
    let words = [&["sh", "-c", script, "sh"], arguments].concat();
    Tokens::new(&TokenSource::Command(words.into_iter().map(str::to_owned).collect())).unwrap()
}

#[tokio::test]
async fn a_file_is_read_for_each_sign_in() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    let tokens = Tokens::new(&TokenSource::File(path.clone())).unwrap();
    let missing = tokens.token().await.unwrap_err();
    assert!(missing.contains("token: No such file") && missing.contains("check path"), "{missing}");
    std::fs::write(&path, " one \nrest").unwrap();
    assert_eq!(tokens.token().await, Ok(token("one")));
    assert!(!tokens.replace(&token("one")).await, "it is the same still");
    std::fs::write(&path, "two").unwrap();
    assert_eq!(tokens.token().await, Ok(token("two")));
    assert!(tokens.replace(&token("one")).await);
    std::fs::write(&path, "\ntwo").unwrap();
    assert!(tokens.token().await.unwrap_err().contains("first line is empty"));
}

#[tokio::test]
async fn a_command_is_run_once_a_minute_and_when_its_token_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("runs");
    let tokens =
        by_command("echo x >> \"$1\"; echo t$(wc -l < \"$1\"); echo more", &[path.to_str().unwrap()]);
    let (one, two) = tokio::join!(tokens.token(), tokens.token());
    assert_eq!((one, two), (Ok(token("t1")), Ok(token("t1"))));
    assert!(tokens.replace(&token("t0")).await, "another connection has made a new one already");
    assert_eq!(tokens.token().await, Ok(token("t1")));
    assert!(tokens.replace(&token("t1")).await);
    assert_eq!(tokens.token().await, Ok(token("t2")));
    tokio::time::pause();
    tokio::time::advance(COMMAND_LIFE).await;
    tokio::time::resume();
    assert_eq!(tokens.token().await, Ok(token("t3")));
}

#[tokio::test]
async fn a_command_that_fails_is_told_without_its_arguments() {
    for (script, said) in [
        ("exit 3", "sh failed (exit status: 3)"),
        ("echo", "sh printed none on its first line"),
        ("kill -9 $$", "sh failed (signal: 9"),
    ] {
        let error = by_command(script, &["hunter2"]).token().await.unwrap_err();
        assert!(error.contains(said) && !error.contains("hunter2"), "{script}: {error}");
    }
    for words in [vec![], vec!["/no/such".to_owned(), "hunter2".into()]] {
        let error = Tokens::new(&TokenSource::Command(words)).unwrap().token().await.unwrap_err();
        assert!(error.starts_with("no access token: ") && !error.contains("hunter2"), "{error}");
    }
}

/// With the time paused, the ten seconds are over as soon as nothing else is to be done.
#[tokio::test(start_paused = true)]
async fn a_command_that_hangs_is_killed_with_all_it_started() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pid");
    let tokens =
        by_command("sleep 600 & echo $! > \"$1.new\"; mv \"$1.new\" \"$1\"; wait", &[path.to_str().unwrap()]);
    // It must have come so far before the clock may jump.
    let started = async {
        while !path.exists() {
            tokio::task::spawn_blocking(std::thread::yield_now).await.unwrap();
        }
        std::future::pending::<()>().await
    };
    let error = tokio::select! {
        made = tokens.token() => made.unwrap_err(),
        () = started => unreachable!(),
    };
    assert!(error.contains("within 10 s and was killed"), "{error}");
    let pid = std::fs::read_to_string(&path).unwrap();
    let stat = format!("/proc/{}/stat", pid.trim());
    let lives = || std::fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z "));
    assert!((0..1_000_000).any(|_| {
        std::thread::yield_now();
        !lives()
    }));
}

#[test]
fn urls_of_endpoints() {
    let url = |text: &str| Url::parse(text).map(|url| (url.tls, url.host.to_string(), url.port));
    assert_eq!(url("https://id.example/t?x=1"), Some((true, "id.example".into(), 443)));
    assert_eq!(url("http://127.0.0.1:81"), Some((false, "127.0.0.1".into(), 81)));
    assert_eq!(url("https://[::1]:444/"), Some((true, "::1".into(), 444)));
    for text in [
        "",
        "id.example",
        "ftp://id.example",
        "https://",
        "https:///x",
        "https://u:p@id.example/",
        "https://a b/",
    ] {
        assert_eq!(url(text), None, "{text:?}");
    }
}

#[test]
fn forms_and_headers() {
    let mut form = Form::default();
    form.add("grant_type", b"client_credentials");
    form.add("scope", "a b:/é&=+".as_bytes());
    assert_eq!(form.text(), "grant_type=client_credentials&scope=a+b%3A%2F%C3%A9%26%3D%2B");
    // RFC 6749 2.3.1, with a colon that the encoding keeps apart.
    assert_eq!(
        basic(b"s6BhdRkqt3", &token("7Fjfp0ZBr1KtDRbnfVdmIw")),
        token("Basic czZCaGRSa3F0Mzo3RmpmcDBaQnIxS3REUmJuZlZkbUl3")
    );
    assert_eq!(basic(b"a:b", &token("c")), token("Basic YSUzQWI6Yw=="));
}

#[test]
fn answers_of_endpoints() {
    let granted = |token: &str, expires_in: Option<u64>, refresh_token: Option<&str>| {
        Ok(Answer::Granted(Granted {
            token: Secret::from(token),
            expires_in: expires_in.map(Duration::from_secs),
            refresh_token: refresh_token.map(Secret::from),
        }))
    };
    let read = |status: u16, body: &str| Answer::read(status, body.as_bytes());
    assert_eq!(
        read(200, r#"{"access_token":"2Yot","token_type":"Bearer","expires_in":3600,"refresh_token":"tGz"}"#),
        granted("2Yot", Some(3600), Some("tGz"))
    );
    assert_eq!(read(200, r#"{"access_token":"a","expires_in":"3599"}"#), granted("a", Some(3599), None));
    assert_eq!(read(200, r#"{"access_token":"a","expires_in":-1}"#), granted("a", None, None));
    let refused = |error: &str, description: &str| {
        Ok(Answer::Refused { error: error.into(), description: description.into() })
    };
    assert_eq!(read(400, r#"{"error":"invalid_grant"}"#), refused("invalid_grant", ""));
    assert_eq!(
        read(401, "{\"error\":\"x\",\"error_description\":\"a\\r\\n\\u001b[31m\"}"),
        refused("x", &smtp::escape("a\r\n\u{1b}[31m", 300))
    );
    for (status, body, said) in [
        (200, "<html>", "is TOKEN_URL right?"),
        (200, "{}", "gives no access_token"),
        (200, r#"{"access_token":""}"#, "gives no access_token"),
        (200, r#"{"access_token":7}"#, "gives no access_token"),
        (302, r#"{"access_token":"a"}"#, "answers 302"),
        (200, r#"{"access_token":"a","token_type":"mac"}"#, "no bearer token"),
    ] {
        let error = read(status, body).unwrap_err();
        assert!(error.contains(said), "{body}: {error}");
    }
}
