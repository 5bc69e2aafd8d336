//! A server that answers by chance and keeps a record of what it took: whatever it does, each
//! recipient's outcome must agree with the record, and no mail may leave twice or under another's name.

use crate::peer::shown;
use futures_util::StreamExt;
use postrider_send::smtp::{Endpoint, Security, SmtpSettings};
use postrider_send::{Mail, RecipientOutcome, Sender, SmtpSender};
use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// `SplitMix64`.
#[derive(Clone)]
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn percent(&mut self, share: u64) -> bool {
        self.next() % 100 < share
    }
}

/// What a server took: sender, recipient, text.
type Record = Arc<Mutex<HashMap<(String, String, String), usize>>>;

struct Storm {
    extensions: &'static str,
    /// How often it answers otherwise than with success, in percent.
    trouble: u64,
    record: Record,
}

/// Ends the session at once.
struct Gone;

impl From<io::Error> for Gone {
    fn from(_: io::Error) -> Self {
        Self
    }
}

struct Session<'a> {
    storm: &'a Storm,
    chance: Chance,
    line: BufReader<TcpStream>,
    said: Vec<u8>,
    mail: Option<String>,
    to: Vec<String>,
}

impl Session<'_> {
    async fn serve(mut self) -> Result<(), Gone> {
        self.say("220 storm");
        loop {
            if self.line.buffer().is_empty() {
                let said = std::mem::take(&mut self.said);
                self.line.get_mut().write_all(&said).await?;
            }
            let mut command = String::new();
            if self.line.read_line(&mut command).await? == 0 {
                return Ok(());
            }
            self.obey(command.trim_end()).await?;
        }
    }

    fn say(&mut self, line: &str) {
        self.said.extend_from_slice(line.as_bytes());
        self.said.extend_from_slice(b"\r\n");
    }

    /// Sometimes refuses, goes with 421, or goes without a word.
    fn refuses(&mut self) -> Result<bool, Gone> {
        if !self.chance.percent(self.storm.trouble) {
            return Ok(false);
        }
        match self.chance.next() % 12 {
            0 => return Err(Gone),
            1 => {
                self.say("421 4.3.2 going");
                return Err(Gone);
            }
            n if n.is_multiple_of(2) => self.say("450 4.2.0 later"),
            _ => self.say("550 5.1.1 no"),
        }
        Ok(true)
    }

    async fn obey(&mut self, command: &str) -> Result<(), Gone> {
        let verb = command.split([' ', ':']).next().unwrap_or_default();
        let path = |text: &str| text.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
        match verb {
            "EHLO" => self.say(&format!("250-storm{}\r\n250 8BITMIME", self.storm.extensions)),
            "RSET" => {
                (self.mail, self.to) = (None, Vec::new());
                self.say("250 ok");
            }
            "MAIL" if self.mail.is_some() => self.say("503 5.5.1 nested MAIL"),
            "MAIL" => {
                if !self.refuses()? {
                    self.mail = Some(path(command));
                    self.say("250 ok");
                }
            }
            "RCPT" if self.mail.is_none() => self.say("503 5.5.1 MAIL first"),
            "RCPT" => {
                if !self.refuses()? {
                    self.to.push(path(command));
                    self.say("250 ok");
                }
            }
            "DATA" if self.to.is_empty() && self.chance.percent(50) => self.say("503 5.5.1 RCPT first"),
            "DATA" => {
                if !self.refuses()? {
                    self.say("354 go on");
                    let said = std::mem::take(&mut self.said);
                    self.line.get_mut().write_all(&said).await?;
                    let text = self.dotted().await?;
                    self.end(text)?;
                }
            }
            "BDAT" => {
                let octets = command.split(' ').nth(1).and_then(|n| n.parse().ok()).ok_or(Gone)?;
                let mut text = vec![0; octets];
                self.line.read_exact(&mut text).await?;
                self.end(String::from_utf8(text).unwrap())?;
            }
            _ => self.say("250 ok"),
        }
        Ok(())
    }

    async fn dotted(&mut self) -> Result<String, Gone> {
        let mut text = String::new();
        loop {
            let mut line = String::new();
            if self.line.read_line(&mut line).await? == 0 {
                return Err(Gone);
            }
            if line == ".\r\n" {
                return Ok(text);
            }
            text.push_str(line.strip_prefix('.').unwrap_or(&line));
        }
    }

    fn end(&mut self, text: String) -> Result<(), Gone> {
        if self.to.is_empty() {
            self.say("554 5.5.1 no recipients");
            return Ok(());
        }
        if self.refuses()? {
            return Ok(());
        }
        let from = self.mail.take().unwrap();
        for to in std::mem::take(&mut self.to) {
            *self.storm.record.lock().unwrap().entry((from.clone(), to, text.clone())).or_default() += 1;
        }
        if self.chance.percent(self.storm.trouble / 5) {
            return Err(Gone);
        }
        self.say("250 2.0.0 ok");
        Ok(())
    }
}

async fn listen(storm: Storm, seed: u64) -> Endpoint {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let storm = Arc::new(storm);
    tokio::spawn(async move {
        let mut chance = Chance(seed);
        while let Ok((stream, _)) = listener.accept().await {
            let (storm, chance) = (storm.clone(), Chance(chance.next()));
            tokio::spawn(async move {
                let line = BufReader::new(stream);
                let session =
                    Session { storm: &storm, chance, line, said: Vec::new(), mail: None, to: Vec::new() };
                drop(session.serve().await);
            });
        }
    });
    Endpoint::Tcp { host: "127.0.0.1".into(), port }
}

fn mail(n: u64, chance: &mut Chance) -> Mail {
    let to: Vec<_> = (0..1 + chance.next() % 4).map(|r| format!("r{r}.{n}@example.org")).collect();
    let to: Vec<&str> = to.iter().map(String::as_str).collect();
    let lines: String = (0..chance.next() % 40)
        .map(|l| format!("{}line {l}\r\n", if l % 5 == 0 { "." } else { "" }))
        .collect();
    let from = envelope::Address::parse(&format!("s{n}@example.com")).unwrap();
    Mail { from: from.into(), urgent: chance.percent(5), ..crate::peer::mail(n, &to, &lines) }
}

/// Sends a batch through one storm and compares.
async fn check(extensions: &'static str, trouble: u64, seed: u64) {
    let mut chance = Chance(seed);
    let record = Record::default();
    let endpoint = listen(Storm { extensions, trouble, record: record.clone() }, seed).await;
    let mut settings = SmtpSettings::new(endpoint, Security::Plain);
    settings.messages_per_connection = 30;
    let sender = SmtpSender::new(settings).unwrap();
    let mails: Vec<Mail> = (0..60).map(|n| mail(n, &mut chance)).collect();
    let mut outcomes = Vec::new();
    // A relay in trouble ends a batch.
    for batch in mails.chunks(10).map(<[Mail]>::to_vec) {
        outcomes
            .extend(sender.send_batch(futures_util::stream::iter(batch).boxed()).collect::<Vec<_>>().await);
    }
    assert_eq!(outcomes.len(), mails.len());
    let mut record = record.lock().unwrap();
    for outcome in outcomes {
        let mail = &mails[usize::try_from(outcome.ticket).unwrap()];
        let text = [&mail.header[..], &mail.body[..]].concat();
        assert_eq!(outcome.recipients.len(), mail.to.len());
        for (to, result) in mail.to.iter().zip(&outcome.recipients) {
            let key = (
                mail.from.as_str().to_owned(),
                to.address.to_string(),
                String::from_utf8(text.clone()).unwrap(),
            );
            let times = record.remove(&key).unwrap_or(0);
            let fits = match result {
                RecipientOutcome::Accepted(_) => times == 1,
                RecipientOutcome::Unknown(_) => times <= 1,
                _ => times == 0,
            };
            let place = format!("seed {seed},{extensions:?}, mail {}, {}", mail.ticket, to.address);
            assert!(fits, "{place}: taken {times} times, and the outcome is {:?}", shown(&outcome));
        }
    }
    assert!(record.is_empty(), "seed {seed}: taken, and never sent so: {record:?}");
}

#[tokio::test]
async fn b3_73_every_outcome_agrees_with_what_the_server_took() {
    for seed in 0..40 {
        check("", 8, seed).await;
        check("\r\n250-PIPELINING", 8, seed).await;
        check("\r\n250-PIPELINING\r\n250-CHUNKING", 8, seed).await;
        check("\r\n250-PIPELINING\r\n250-CHUNKING", 2, seed).await;
        check("\r\n250-PIPELINING\r\n250-CHUNKING", 0, seed).await;
    }
}
