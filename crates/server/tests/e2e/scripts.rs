//! The scripts that test the client core, said to real servers: each answers what its script claims.
//!
//! The `C:` lines between two replies go out in one write, as the client writes them. Compared are the code of each
//! reply and, where the script has one, its enhanced status; of the answer to EHLO that each keyword of the
//! script is in it.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use testkit::{Aiosmtpd, Dovecot, Exim, OpenSmtpd, Postfix};

use crate::PATIENCE;
use crate::script::{Line, Scenario, scenarios};

/// Who stands for the names in the scripts.
type Names = fn(&str) -> String;

struct Server<'a> {
    name: &'a str,
    port: u16,
    names: Names,
    /// Said after EHLO where a sign-in is needed, and answered 235.
    sign_in: Option<String>,
}

/// Of servers that take mail for every domain.
fn everywhere(name: &str) -> String {
    let domain = if name.starts_with('a') || name == "banned" { "com" } else { "org" };
    format!("{name}@example.{domain}")
}

/// Of a server of mailboxes.
fn mailboxes(name: &str) -> String {
    let name = match name {
        "a" => return "a@example.com".into(),
        "b" => "ada",
        "c" => "bob",
        "d" => "r0",
        "refused" => "nobody",
        "full" => "full",
        other => panic!("nobody stands for {other}"),
    };
    format!("{name}@example.net")
}

/// The line with the server's names.
fn renamed(line: &str, names: Names) -> String {
    match line.split_once('<').and_then(|(head, rest)| Some((head, rest.split_once("@example>")?))) {
        Some((head, (name, tail))) => format!("{head}<{}>{tail}", names(name)),
        None => line.to_owned(),
    }
}

/// A reply's code, enhanced status and lines without them.
#[derive(Debug, Default)]
struct Reply {
    code: String,
    status: Option<String>,
    lines: Vec<String>,
}

fn is_status(word: &str) -> bool {
    let mut parts = word.split('.');
    let numbers = parts.clone().count() == 3 && parts.all(|part| part.parse::<u16>().is_ok());
    numbers && word.starts_with(['2', '4', '5'])
}

impl Reply {
    fn add(&mut self, line: &str) {
        let (code, text) = line.split_at_checked(3).unwrap_or((line, ""));
        code.clone_into(&mut self.code);
        let text = text.get(1..).unwrap_or_default();
        let first = text.split(' ').next().unwrap_or_default();
        self.status = Some(first).filter(|first| is_status(first)).map(str::to_owned);
        self.lines.push(text.to_owned());
    }

    fn keywords(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().skip(1).filter_map(|line| line.split(' ').next())
    }
}

fn ends(line: &str) -> bool {
    line.as_bytes().get(3) != Some(&b'-')
}

/// The replies that a scenario has one after another.
fn replies(lines: &[&str]) -> Vec<Reply> {
    lines
        .split_inclusive(|line| ends(line))
        .map(|lines| {
            let mut reply = Reply::default();
            lines.iter().for_each(|line| reply.add(line));
            reply
        })
        .collect()
}

/// One connection on which a scenario is said.
struct Dialogue {
    line: BufReader<TcpStream>,
    unsent: Vec<u8>,
    last: String,
    said: String,
}

impl Dialogue {
    fn open(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        let line = BufReader::new(stream);
        Self { line, unsent: Vec::new(), last: String::new(), said: String::new() }
    }

    fn say(&mut self, line: String) {
        self.said.push_str(&format!("C: {line}\n"));
        self.unsent.extend_from_slice(format!("{line}\r\n").as_bytes());
        self.last = line;
    }

    /// The text, as the command before it says how it goes.
    fn text(&mut self) {
        let chunk = self.last.strip_prefix("BDAT ").and_then(|rest| rest.split(' ').next());
        let octets = match chunk.map(|size| size.parse().unwrap()) {
            Some(size) => format!("Subject: x\r\n\r\n{}\r\n", "x".repeat(usize::max(size, 16) - 16)),
            None => "Subject: x\r\n\r\nx\r\n.\r\n".into(),
        };
        self.unsent.extend_from_slice(octets.as_bytes());
        self.said.push_str("C: (text)\n");
    }

    fn hear(&mut self) -> Reply {
        self.line.get_mut().write_all(&self.unsent).unwrap();
        self.unsent.clear();
        let mut reply = Reply::default();
        loop {
            let mut line = String::new();
            let read = self.line.read_line(&mut line);
            self.said.push_str(&format!("S: {line}"));
            if read.is_err() || line.is_empty() {
                self.said.push_str("(nothing)\n");
                return reply;
            }
            reply.add(line.trim_end());
            if ends(&line) {
                return reply;
            }
        }
    }

    /// What the server says otherwise than the script.
    fn compare(&mut self, want: &Reply) -> Option<String> {
        let got = self.hear();
        let status = want.status.is_none() || want.status == got.status;
        if want.code != got.code || !status {
            return Some(format!("{want:?} was due"));
        }
        let missing = want
            .keywords()
            .find(|&word| self.last.contains("HLO ") && !got.keywords().any(|got| got == word));
        missing.map(|word| format!("{word} is not offered"))
    }
}

/// What a server does otherwise than the scenario says, with the dialogue.
fn play(scenario: &Scenario, server: &Server<'_>) -> Result<(), String> {
    let mut dialogue = Dialogue::open(server.port);
    let wrong = follow(scenario, server, &mut dialogue);
    wrong.map_or(Ok(()), |wrong| {
        Err(format!("{} plays {}: {wrong} where it said\n{}", server.name, scenario.heading(), dialogue.said))
    })
}

fn follow(scenario: &Scenario, server: &Server<'_>, dialogue: &mut Dialogue) -> Option<String> {
    let mut sign_in = server.sign_in.clone();
    for (_, line) in scenario.lines() {
        match line {
            Line::Said(line) => dialogue.say(renamed(line, server.names)),
            Line::Act("written") => dialogue.text(),
            Line::Act("lost") => {
                let code = dialogue.hear().code;
                return (!code.is_empty()).then(|| format!("{code} came where it should have gone"));
            }
            Line::Act("tls") | Line::Begins(_) => panic!("{} cannot be said", scenario.heading()),
            Line::Says(lines) => {
                for want in replies(&lines) {
                    let wrong = dialogue.compare(&want);
                    if wrong.is_some() {
                        return wrong;
                    }
                }
                if let Some(line) = sign_in.take_if(|_| dialogue.last.contains("HLO ")) {
                    dialogue.say(line);
                    let wrong = dialogue.compare(&replies(&["235 welcome"])[0]);
                    if wrong.is_some() {
                        return wrong;
                    }
                }
            }
            Line::Act(_)
            | Line::Setting(_)
            | Line::Real(_)
            | Line::Asked(_)
            | Line::Result(_)
            | Line::Trouble(_) => {}
        }
    }
    if dialogue.last == "QUIT" {
        return None;
    }
    // a reply too many would be read here
    dialogue.say("QUIT".into());
    dialogue.compare(&replies(&["221 bye"])[0])
}

/// Those it is to play are marked, and it says in each what the script says.
#[track_caller]
fn check(server: &Server<'_>, at_least: usize) {
    let all = scenarios();
    let mut played = 0;
    let mut wrong = Vec::new();
    for scenario in all.iter().filter(|scenario| scenario.servers().contains(&server.name)) {
        played += 1;
        wrong.extend(play(scenario, server).err());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(played >= at_least, "{} plays {played} scenarios only", server.name);
}

fn server(name: &str, port: u16, names: Names) -> Server<'_> {
    Server { name, port, names, sign_in: None }
}

#[test]
fn postfix_answers_as_the_scripts_say() {
    let postfix = Postfix::start();
    check(&server("postfix", postfix.smtp_port(), everywhere), 13);
}

#[test]
fn exim_answers_as_the_scripts_say() {
    check(&server("exim", Exim::start().port(), everywhere), 13);
    check(&server("exim-without-chunking", Exim::without_chunking().port(), everywhere), 1);
}

#[test]
fn opensmtpd_answers_as_the_scripts_say() {
    let smtpd = OpenSmtpd::start();
    check(&server("opensmtpd", smtpd.port(), everywhere), 5);
}

#[test]
fn aiosmtpd_answers_as_the_scripts_say() {
    let smtpd = Aiosmtpd::start();
    check(&server("aiosmtpd", smtpd.port(), everywhere), 3);
}

#[test]
fn dovecots_lmtp_answers_as_the_scripts_say() {
    let dovecot = Dovecot::start();
    check(&server("lmtp", dovecot.lmtp_port(), mailboxes), 5);
}

#[test]
fn dovecots_submission_answers_as_the_scripts_say() {
    let postfix = Postfix::start();
    let dovecot = Dovecot::before(postfix.smtp_port());
    let secret = format!("\0{}\0{}", Dovecot::USER, Dovecot::PASSWORD);
    let sign_in = Some(format!("AUTH PLAIN {}", BASE64_STANDARD.encode(secret)));
    check(&Server { sign_in, ..server("submission", dovecot.submission_port(), everywhere) }, 11);
}

/// The rows of docs/matrix.md are the scenarios that are marked.
#[test]
fn the_matrix_names_who_plays_what() {
    let row = |scenario: &Scenario| {
        let (servers, heading) = (scenario.servers(), scenario.heading());
        (!servers.is_empty()).then(|| format!("| {heading} | `{}` | {} |", scenario.file, servers.join(", ")))
    };
    let due: Vec<String> = scenarios().iter().filter_map(row).collect();
    let docs = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/matrix.md");
    let docs = std::fs::read_to_string(docs).unwrap();
    let rows: Vec<&str> = docs.lines().filter(|line| line.contains(".smtp` |")).collect();
    assert_eq!(rows, due, "the rows that are due:\n{}", due.join("\n"));
}
