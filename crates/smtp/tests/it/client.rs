//! Runs `scripts/*.smtp`. At the end nothing may be left unread or unchecked.

use crate::script::{Line, Scenario, scenarios};
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
    transcripts: Vec<Box<str>>,
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
            transcripts: Vec::new(),
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
        self.transcripts.push(outcome.transcript);
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

    fn say(&mut self, octets: &[u8], split: Split) {
        let chunks: Vec<&[u8]> = match split {
            Split::Every(step) => octets.chunks(step).collect(),
            Split::At(place) => octets.split_at_checked(place).map_or(vec![octets], |(a, b)| vec![a, b]),
        };
        for chunk in chunks.into_iter().filter(|chunk| !chunk.is_empty()) {
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

/// How what the server says comes in.
#[derive(Debug, Clone, Copy)]
enum Split {
    Every(usize),
    /// In two, here.
    At(usize),
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

fn run(scenario: &Scenario, split: Split) {
    let mut run = Run::new();
    let name = format!("{}: {}", scenario.file, scenario.heading());
    for (n, line) in scenario.lines() {
        let place = format!("{name}:{n} ({split:?})");
        match line {
            Line::Says(replies) => {
                let octets: String = replies.iter().map(|line| format!("{line}\r\n")).collect();
                run.say(octets.as_bytes(), split);
            }
            Line::Said(want) => {
                let end =
                    run.written.iter().position(|b| *b == b'\n').unwrap_or_else(|| panic!("{place}: silent"));
                let said: Vec<u8> = run.written.drain(..=end).collect();
                assert_eq!(String::from_utf8_lossy(&said), format!("{want}\r\n"), "{place}");
            }
            Line::Begins(want) => {
                let end = run.written.iter().position(|b| *b == b'\n').unwrap_or(0);
                let said: Vec<u8> = run.written.drain(..=end).collect();
                assert!(said.starts_with(want.as_bytes()), "{place}: {}", String::from_utf8_lossy(&said));
            }
            Line::Trouble(want) => assert!(run.trouble.contains(want), "{place}: {}", run.trouble),
            Line::Setting(setting) => run.set(setting),
            Line::Act(act) => run.act(act),
            Line::Asked(want) => assert_eq!(run.asked.pop_front().as_deref(), Some(want), "{place}"),
            Line::Result(want) => {
                let got = run.results.pop_front().map(|result| shown(&result));
                assert_eq!(got.as_deref(), Some(want), "{place}");
            }
            Line::Real(_) => {}
        }
    }
    assert_eq!(String::from_utf8_lossy(&run.written), "", "{name}: said and not checked");
    assert!(run.asked.is_empty() && run.results.is_empty(), "{name}: {:?} {:?}", run.asked, run.results);
}

/// What the server says is split in pieces of one size, and in two at every place.
#[test]
fn b3_45_scripts_run_alike_whatever_the_split() {
    let all = scenarios();
    assert!(all.len() > 90, "only {} scenarios found", all.len());
    for scenario in all {
        for step in [1, 2, 3, 5, 7, 11, usize::MAX] {
            run(&scenario, Split::Every(step));
        }
        let said = |line: &str| line.strip_prefix("S:").map_or(0, |said| said.len() + 1);
        let longest: usize =
            scenario.text.split("\nC").map(|turn| turn.lines().map(said).sum()).max().unwrap_or(0);
        for place in 1..longest.min(400) {
            run(&scenario, Split::At(place));
        }
    }
}

/// The cases of docs/hazards.md that are scripts; they run in the test above.
#[test]
fn scripts_of_numbered_cases_are_there() {
    let all = scenarios();
    for number in [48, 49, 51, 53, 54, 55, 56, 57, 63, 64, 65, 66, 67, 87] {
        let heading = format!("# b{}_{number}_", if number < 78 { 3 } else { 5 });
        let has = |scenario: &Scenario| scenario.text.lines().any(|line| line.starts_with(&heading));
        assert!(all.iter().any(has), "no scenario {heading}");
    }
}

fn begun(words: &str) -> Run {
    let mut run = Run::new();
    run.say(b"220 mx\r\n", Split::Every(usize::MAX));
    run.say(b"250-mx\r\n250 PIPELINING\r\n", Split::Every(usize::MAX));
    run.act(words);
    run
}

#[test]
fn a_success_keeps_its_own_lines_within_300_octets() {
    let check = |to: &[&str], kept: &[&str]| {
        let mut run = begun(&format!("mail a@example {}", to.join(",")));
        run.say(
            format!("250 ok\r\n{}354 go\r\n", "250 yes\r\n".repeat(to.len())).as_bytes(),
            Split::Every(50),
        );
        run.act("written");
        run.act("mail x@example y@example");
        run.say(b"250 2.0.0 queued as 4XyZ\r\n250 reset\r\n", Split::Every(50));
        let said = run.transcripts.remove(0);
        assert!(said.len() <= 300, "{} octets", said.len());
        for line in kept {
            assert!(said.contains(line), "{line} is not in {said}");
        }
        for line in ["EHLO", "220 mx", "x@example", "reset"] {
            assert!(!said.contains(line), "{line} is in {said}");
        }
    };
    let own = ["-> MAIL FROM:<a@example>\n", "<- 250 2.0.0 queued as 4XyZ\n"];
    check(&["b@example"], &[own[0], "-> RCPT TO:<b@example>\n", "<- 250 yes\n", "-> (message)\n", own[1]]);
    let many: Vec<String> = (0..1_000).map(|n| format!("recipient-{n}@example")).collect();
    check(&many.iter().map(String::as_str).collect::<Vec<_>>(), &[own[0], "recipient-0@", own[1]]);
}

#[test]
fn a_failure_keeps_the_dialogue_within_16_kib() {
    let mut run = begun("mail a@example b@example");
    run.say(b"250 ok\r\n550 5.1.1 nobody\r\n503 no\r\n", Split::Every(50));
    let all = "<- 220 mx\n-> EHLO localhost\n<- 250-mx\n<- 250 PIPELINING\n-> MAIL FROM:<a@example>\n\
               -> RCPT TO:<b@example>\n-> DATA\n<- 250 ok\n<- 550 5.1.1 nobody\n<- 503 no\n";
    assert_eq!(&*run.transcripts[0], all);

    let many: Vec<String> = (0..1_000).map(|n| format!("recipient-{n}@example")).collect();
    let mut run = begun(&format!("mail a@example {}", many.join(",")));
    let refusal = format!("550 5.1.1 {}\r\n", "\u{1b}é".repeat(600));
    run.say(format!("250 ok\r\n{}503 the end\r\n", refusal.repeat(1_000)).as_bytes(), Split::Every(4_000));
    let said = &run.transcripts[0];
    assert!(said.len() <= 16 * 1024 && said.len() > 10 * 1024, "{} octets", said.len());
    for kept in
        ["<- 220 mx\n", "-> MAIL FROM:<a@example>\n", "recipient-0@", "\n** ...\n", "<- 503 the end\n"]
    {
        assert!(said.contains(kept), "{kept} is not in {said}");
    }
    assert!(!said.contains('\u{1b}'));
}

/// Whoever doubts a transition finds the rule it follows beside it.
#[test]
fn every_transition_names_its_rfc() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let named = ["hello", "after_hello", "tls_done", "begin", "go_on", "content_written", "abandon", "quit"];
    let mut found = 0;
    for file in [
        "client.rs",
        "client/session.rs",
        "client/sign_in.rs",
        "client/transaction.rs",
        "client/transaction/begin.rs",
    ] {
        let text = std::fs::read_to_string(folder.join(file)).unwrap();
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        for (n, line) in lines.iter().enumerate() {
            let Some((_, rest)) = line.split_once("fn ").filter(|(before, _)| !before.contains('/')) else {
                continue;
            };
            let name = rest.split(['(', '<']).next().unwrap();
            if !name.starts_with("on_") && !named.contains(&name) || name == "on_reply" {
                continue;
            }
            found += 1;
            let above = lines[..n].iter().rev().take_while(|line| line.starts_with("///"));
            assert!(above.into_iter().any(|line| line.contains("RFC ")), "{file}: {name} names no RFC");
        }
    }
    assert!(found >= 22, "only {found} transitions found");
}

/// A reply too many somewhere before: the last one due is there, and one more behind it.
#[test]
fn b3_49_a_surplus_reply_never_stands_for_the_word_on_a_text() {
    for (surplus, want) in [
        ("550 no\r\n", "unknown misbehaved end"),
        ("25", "unknown misbehaved end"),
        ("421 bye\r\n", "accepted 250 ok"),
        ("4", "accepted 250 ok"),
        ("", "accepted 250 ok"),
    ] {
        let mut run = Run::new();
        let all = Split::Every(usize::MAX);
        run.say(b"220 mx\r\n", all);
        run.say(b"250-mx\r\n250-PIPELINING\r\n250 CHUNKING\r\n", all);
        run.act("bdat a@example b@example");
        run.act("written");
        run.say(format!("250 ok\r\n250 ok\r\n250 ok\r\n{surplus}").as_bytes(), all);
        assert_eq!(run.results.iter().map(shown).collect::<Vec<_>>(), [want], "{surplus:?}");
    }
}

/// 100 KB of text for each of many recipients would be kept with each.
#[test]
fn b3_75_a_peer_s_text_is_kept_short_with_a_result() {
    let flood = format!("550-{}\r\n", "é<b>\u{1b}[31m".repeat(100)).repeat(60) + "550 end\r\n";
    for before in ["", "250 ok\r\n"] {
        let mut run = Run::new();
        let all = Split::Every(usize::MAX);
        run.say(b"220 mx\r\n", all);
        run.say(b"250-mx\r\n250 PIPELINING\r\n", all);
        run.act("mail a@example b@example");
        run.say(format!("{before}{flood}503 no\r\n503 no\r\n").as_bytes(), all);
        let result = run.results.pop_front().unwrap();
        let RecipientResult::Refused { reply, .. } = result else { panic!("{result:?}") };
        let octets: usize = reply.lines.iter().map(|line| line.len()).sum();
        assert!((1000..1040).contains(&octets) && reply.text().ends_with("..."), "{octets}: {reply}");
    }
}

/// The lie stands in the buffer before the text is sent and is read only after.
#[test]
fn success_that_came_before_the_text_is_never_delivery() {
    let mut run = Run::new();
    run.say(b"220 mx\r\n", Split::Every(100));
    run.say(b"250-mx\r\n250 PIPELINING\r\n", Split::Every(100));
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
