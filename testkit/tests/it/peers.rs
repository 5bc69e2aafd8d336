//! The fast sink and the scripted peer.

use testkit::{Script, Sink};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Writes everything at once and reads to the end.
async fn talk(port: u16, words: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.write_all(words.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn the_sink_keeps_data_and_chunks_without_their_dress() {
    let sink = Sink::tcp(0, true).await.unwrap();
    let answer = talk(
        sink.port(),
        "EHLO a\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nRCPT TO:<e@f>\r\nDATA\r\n..dot\r\nx\r\n.\r\n\
         MAIL FROM:<> SIZE=3\r\nRCPT TO:<g@h>\r\nBDAT 2\r\nhiBDAT 3 LAST\r\n.\r\nQUIT\r\n",
    )
    .await;
    assert!(answer.contains("queued as S2") && answer.ends_with("221 2.0.0 Bye\r\n"), "{answer}");
    let mails = sink.mails();
    assert_eq!(sink.count(), 2);
    assert_eq!((mails[0].from.as_str(), mails[0].bytes.as_slice()), ("a@b", b".dot\r\nx\r\n".as_slice()));
    assert_eq!(mails[0].to, ["c@d", "e@f"]);
    assert_eq!((mails[1].from.as_str(), mails[1].bytes.as_slice()), ("", b"hi.\r\n".as_slice()));
}

#[tokio::test]
async fn the_sink_refuses_what_it_is_told_to() {
    let sink = Sink::refusing("RCPT", "550 5.1.1 no such user").await.unwrap();
    let answer = talk(sink.port(), "EHLO a\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nQUIT\r\n").await;
    assert!(answer.contains("550 5.1.1 no such user\r\n221"), "{answer}");
    assert_eq!(sink.count(), 0);
}

#[tokio::test]
async fn the_script_says_its_lines_and_tells_who_left_it() {
    let script = Script::listen("S: 220 hi\nC: EHLO\nS: 250 Ok\nC: .\nS: 421 bye").await.unwrap();
    assert_eq!(talk(script.port(), "ehlo x\r\ntext\r\n.\r\n").await, "220 hi\r\n250 Ok\r\n421 bye\r\n");
    assert_eq!(talk(script.port(), "HELO x\r\n").await, "220 hi\r\n");
    let third = talk(script.port(), "EHLO x\r\n.\r\n").await;
    assert!(third.ends_with("421 bye\r\n"));
    let outcomes = script.outcomes();
    assert_eq!(outcomes[0], Ok(()));
    assert!(outcomes[1].as_ref().unwrap_err().contains("EHLO"), "{outcomes:?}");
}
