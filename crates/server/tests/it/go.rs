//! A mail as Go's net/smtp sends it (`BODY=8BITMIME` and `SMTPUTF8` on each MAIL, needed or not), on to a relay that has
//! neither extension: what the mail needs is computed, not believed.

use crate::guide::send_as_go;
use crate::run::binary;
use std::time::Duration;
use testkit::{Daemon, until};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

const PATIENCE: Duration = Duration::from_secs(60);

/// Takes one session without any extension; all that was said to it.
async fn plain_relay(listener: TcpListener) -> std::io::Result<Vec<u8>> {
    let mut stream = BufReader::new(listener.accept().await?.0);
    let (mut heard, mut in_text) = (Vec::new(), false);
    stream.write_all(b"220 plain\r\n").await?;
    loop {
        let mut line = Vec::new();
        stream.read_until(b'\n', &mut line).await?;
        heard.extend(&line);
        let reply: &[u8] = match line.as_slice() {
            b".\r\n" if in_text => {
                in_text = false;
                b"250 taken\r\n"
            }
            _ if in_text => continue,
            b"DATA\r\n" => {
                in_text = true;
                b"354 go\r\n"
            }
            b"QUIT\r\n" | b"" => return Ok(heard),
            [b'M', b'A', b'I', b'L', ..] if line.ends_with(b">\r\n") => b"250 Ok\r\n",
            [b'M', b'A', b'I', b'L', ..] => b"555 5.5.4 parameters are not known here\r\n",
            _ => b"250 Ok\r\n",
        };
        stream.write_all(reply).await?;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_of_gos_with_8_bit_text_reaches_a_relay_without_extensions_as_7_bit() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let relay = tokio::spawn(plain_relay(listener));
    let daemon =
        Daemon::start(binary(), &format!("PROTOCOL = smtp\nSMTP_ADDR = 127.0.0.1\nSMTP_PORT = {port}"), "");
    let text = "Mime-Version: 1.0\r\nSubject: =?UTF-8?q?Gr=C3=BC=C3=9Fe?=\r\nFrom: \"Forge\" <forge@example.com>\r\n\
                To: ada@example.org\r\nContent-Type: text/plain; charset=UTF-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\
                Grüße aus Köln\r\n";
    send_as_go(daemon.smtp_port, text);
    let sent = until("the mail", PATIENCE, || {
        let list = daemon.api.get("/emails").expect("an answer").json;
        (list["data"][0]["status"] == "sent").then_some(list)
    });
    assert_eq!(sent["data"][0]["subject"], "Grüße");
    drop(daemon);
    let heard = relay.await.expect("a relay").expect("a session");
    assert!(heard.is_ascii(), "8-bit at a relay that cannot take it");
    let heard = String::from_utf8(heard).expect("ASCII");
    assert!(heard.contains("MAIL FROM:<forge@example.com>\r\nRCPT TO:<ada@example.org>\r\n"), "{heard}");
    assert!(heard.contains("Content-Transfer-Encoding: base64\r\n"), "{heard}");
    // "Grüße aus Köln" and its line end.
    assert!(heard.contains("\r\n\r\nR3LDvMOfZSBhdXMgS8O2bG4NCg==\r\n"), "{heard}");
}
