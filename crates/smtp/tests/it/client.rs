//! Runs `scripts/*.smtp`.
//!
//! `@` a setting (before the first line) · `S:` the server says · `C:` the client must have said ·
//! `>` the driver does · `!` what the client must have asked of the driver · `=` the next recipient's
//! result · `C?` how what it must have said begins · `~` words of the last trouble. At the end nothing may be left
//! unread or unchecked.

use postrider_smtp::client::{
    Begun, Client, Config, Failure, FailureKind, Outcome, Output, Phase, RecipientResult, Security, Text,
    Transaction,
};
use postrider_smtp::command::HelloName;
use postrider_smtp::sasl::{Channel, Credentials, Mechanism, Proven, Secret};
use std::collections::VecDeque;

struct Run {
    config: Config,
    client: Option<Client>,
    written: Vec<u8>,
    /// Transactions whose text is being written, the oldest first.
    writing: VecDeque<u64>,
    asked: VecDeque<String>,
    results: VecDeque<RecipientResult>,
    trouble: Box<str>,
}

impl Run {
    fn new() -> Self {
        let config = Config {
            lmtp: false,
            hello: HelloName::localhost(),
            security: Security::Plain,
            private: false,
            credentials: None,
            pin: None,
            channel: Channel::default(),
            proven: None,
            sequential: false,
        };
        Self {
            config,
            client: None,
            written: Vec::new(),
            writing: VecDeque::new(),
            asked: VecDeque::new(),
            results: VecDeque::new(),
            trouble: "".into(),
        }
    }

    fn set(&mut self, setting: &str) {
        match setting {
            "lmtp" => self.config.lmtp = true,
            "starttls" => self.config.security = Security::StartTls { required: false },
            "starttls required" => self.config.security = Security::StartTls { required: true },
            "implicit" => self.config.security = Security::Implicit,
            "private" => self.config.private = true,
            "pin login" => self.config.pin = Mechanism::parse("LOGIN"),
            "pin scram-sha-256" => self.config.pin = Mechanism::parse("SCRAM-SHA-256"),
            "certificate" => self.config.credentials = Some(Credentials::certificate("")),
            "token" => {
                self.config.credentials = Some(Credentials::token("u", Secret::from("tok")));
                (self.config.channel.host, self.config.channel.port) = ("mx.example".into(), 587);
            }
            "proven login of PLAIN LOGIN" => {
                let offered = vec!["PLAIN".into(), "LOGIN".into()];
                self.config.proven = Some(Proven { offered, mechanism: Mechanism::Login });
            }
            "credentials" => {
                self.config.credentials = Some(Credentials::password("u", Secret::from("pw")));
            }
            other => panic!("unknown setting {other:?}"),
        }
    }

    fn client(&mut self) -> &mut Client {
        self.client.get_or_insert_with(|| Client::new(self.config.clone()))
    }

    fn take(&mut self, outcome: Outcome) {
        assert!(outcome.transcript.len() <= 16 * 1024);
        self.results.extend(outcome.recipients);
    }

    fn obey(&mut self, output: Result<Output, Failure>) -> bool {
        let asked = match output {
            Ok(Output::Wait) => return false,
            Ok(Output::Write(octets)) => {
                self.written.extend_from_slice(octets.expose());
                return true;
            }
            Ok(Output::Content(transaction)) => {
                self.writing.push_back(transaction);
                "content".into()
            }
            Ok(Output::Done(_, outcome)) => {
                self.take(outcome);
                let reusable = self.client().reusable();
                if reusable { "done".into() } else { "done, close".into() }
            }
            Ok(other) => format!("{other:?}").to_lowercase(),
            Err(failure) => {
                let asked = format!("{:?} {:?}", failure.kind, failure.phase).to_lowercase();
                for (_, outcome) in self.client().abandon(&failure) {
                    self.take(outcome);
                }
                self.asked.push_back(asked);
                self.trouble = failure.text;
                return false;
            }
        };
        self.asked.push_back(asked);
        true
    }

    fn say(&mut self, octets: &[u8], step: usize) {
        for chunk in octets.chunks(step) {
            self.client().receive(chunk);
            while self.client().awaiting().is_some() {
                let output = self.client().poll();
                let paused = matches!(output, Ok(Output::StartTls));
                if !self.obey(output) || paused {
                    break;
                }
            }
        }
    }

    fn act(&mut self, act: &str) {
        let (verb, rest) = act.split_once(' ').unwrap_or((act, ""));
        let output = match verb {
            "tls" => Ok(self.client().tls_done()),
            "mail" => self.begin(rest, Text::Data),
            "bdat" => self.begin(rest, Text::Bdat),
            "overlap?" => {
                let may = self.client().may_overlap();
                self.asked.push_back(if may { "yes".into() } else { "no".into() });
                return;
            }
            "written" => {
                let transaction = self.writing.pop_front().unwrap_or_default();
                return self.client().content_written(transaction);
            }
            "quit" => Ok(self.client().quit()),
            "lost" => Err(Failure::new(
                FailureKind::Lost,
                self.client().awaiting().unwrap_or(Phase::Mail),
                None,
                "the connection broke",
            )),
            other => panic!("unknown act {other:?}"),
        };
        self.obey(output);
    }
}

impl Run {
    fn begin(&mut self, words: &str, text: Text) -> Result<Output, Failure> {
        match self.client().begin(&transaction(words), text)? {
            Begun::Refused(outcome) => Ok(Output::Done(0, outcome)),
            Begun::Lines { transaction, octets, text } => {
                if text == Text::Bdat {
                    self.writing.push_back(transaction);
                }
                Ok(Output::Write(Secret::from(octets)))
            }
        }
    }
}

fn transaction(text: &str) -> Transaction {
    let mut words = text.split(' ');
    let from = words.next().filter(|from| *from != "<>").map(|from| from.parse().unwrap());
    let to =
        words.next().unwrap().split(',').map(|to| envelope::Address::parse(to).unwrap().into()).collect();
    let mut all = Transaction {
        from: envelope::ReversePath(from),
        to,
        ret: None,
        envid: None,
        size: 500,
        eight_bit: false,
        utf8_header: false,
    };
    for word in words {
        match word {
            "8bit" => all.eight_bit = true,
            "utf8" => all.utf8_header = true,
            "dsn" => {
                all.ret = Some(envelope::Ret::Headers);
                all.envid = Some("id1".into());
                all.to.iter_mut().for_each(|to| to.notify.failure = true);
            }
            other => panic!("unknown word {other:?}"),
        }
    }
    all
}

fn shown(result: &RecipientResult) -> String {
    match result {
        RecipientResult::Accepted(reply) => format!("accepted {reply}"),
        RecipientResult::Refused { phase, reply } => format!("refused {phase:?} {reply}"),
        RecipientResult::Undeliverable { status, .. } => format!("undeliverable {status}"),
        RecipientResult::NotAttempted(failure) => {
            format!("not attempted {:?} {:?}", failure.kind, failure.phase)
        }
        RecipientResult::Unknown(failure) => format!("unknown {:?} {:?}", failure.kind, failure.phase),
    }
    .to_lowercase()
}

fn run(name: &str, script: &str, step: usize) {
    let mut run = Run::new();
    let mut lines = script.lines().enumerate().peekable();
    while let Some((n, line)) = lines.next() {
        let place = format!("{name}:{} (step {step})", n + 1);
        match line.split_at_checked(2).map(|(mark, rest)| (mark, rest.trim())) {
            Some(("S:", first)) => {
                let mut octets = format!("{first}\r\n");
                while let Some((_, more)) = lines.next_if(|(_, line)| line.starts_with("S:")) {
                    octets.push_str(&format!("{}\r\n", more[2..].trim()));
                }
                run.say(octets.as_bytes(), step);
            }
            Some(("C:", want)) => {
                let end =
                    run.written.iter().position(|b| *b == b'\n').unwrap_or_else(|| panic!("{place}: silent"));
                let said: Vec<u8> = run.written.drain(..=end).collect();
                assert_eq!(String::from_utf8_lossy(&said), format!("{want}\r\n"), "{place}");
            }
            Some(("C?", want)) => {
                let end = run.written.iter().position(|b| *b == b'\n').unwrap_or(0);
                let said: Vec<u8> = run.written.drain(..=end).collect();
                assert!(said.starts_with(want.as_bytes()), "{place}: {}", String::from_utf8_lossy(&said));
            }
            Some(("~ ", want)) => assert!(run.trouble.contains(want), "{place}: {}", run.trouble),
            Some(("@ ", setting)) => run.set(setting),
            Some(("> ", act)) => run.act(act),
            Some(("! ", want)) => assert_eq!(run.asked.pop_front().as_deref(), Some(want), "{place}"),
            Some(("= ", want)) => {
                let got = run.results.pop_front().map(|result| shown(&result));
                assert_eq!(got.as_deref(), Some(want), "{place}");
            }
            _ => assert!(line.is_empty() || line.starts_with('#'), "{place}: {line:?}"),
        }
    }
    assert_eq!(String::from_utf8_lossy(&run.written), "", "{name}: said and not checked");
    assert!(run.asked.is_empty() && run.results.is_empty(), "{name}: {:?} {:?}", run.asked, run.results);
}

#[test]
fn scripts_run_alike_whatever_the_split() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/scripts");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        for scenario in text.split("\n---\n") {
            for step in [1, 3, 7, usize::MAX] {
                run(&name, scenario, step);
            }
            count += 1;
        }
    }
    assert!(count > 30, "only {count} scenarios found");
}

/// The lie stands in the buffer before the text is sent and is read only after.
#[test]
fn success_that_came_before_the_text_is_never_delivery() {
    let mut run = Run::new();
    run.say(b"220 mx\r\n", 100);
    run.say(b"250-mx\r\n250 PIPELINING\r\n", 100);
    run.act("mail a@example b@example");
    run.client().receive(b"250 ok\r\n250 ok\r\n354 go\r\n250 queued\r\n");
    let output = run.client().poll();
    assert!(matches!(output, Ok(Output::Content(1))));
    run.obey(output);
    run.asked.clear();
    run.act("written");
    let output = run.client().poll();
    assert!(matches!(&output, Err(failure) if failure.kind == FailureKind::Misbehaved), "{output:?}");
    run.obey(output);
    assert_eq!(run.results.iter().map(shown).collect::<Vec<_>>(), ["unknown misbehaved end"]);
}
