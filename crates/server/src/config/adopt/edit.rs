//! The lines that go and come when a Gitea file is adopted.

use super::{MAILER, RELAY, Refused, SMTP, pairs};
use crate::config::ini::{self, Line};
use crate::config::reader::STARS;
use crate::config::tree::Tree;
use crate::config::{Listen, Settings};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

/// Keys of `[mailer]` that say where mail goes and how we sign in there.
const MOVED: [&str; 23] = [
    "PROTOCOL",
    "SMTP_ADDR",
    "SMTP_PORT",
    "USER",
    "PASSWD",
    "ENABLE_HELO",
    "HELO_HOSTNAME",
    "FORCE_TRUST_SERVER_CERT",
    "USE_CLIENT_CERT",
    "CLIENT_CERT_FILE",
    "CLIENT_KEY_FILE",
    "SENDMAIL_PATH",
    "SENDMAIL_ARGS",
    "SENDMAIL_TIMEOUT",
    "SENDMAIL_CONVERT_CRLF",
    "MAILER_TYPE",
    "HOST",
    "IS_TLS_ENABLED",
    "DISABLE_HELO",
    "SKIP_VERIFY",
    "USE_CERTIFICATE",
    "CERT_FILE",
    "KEY_FILE",
];

/// A file under change, line by line.
pub(super) struct Edit<'a> {
    old: Vec<&'a str>,
    /// The keys as they stand.
    lines: Vec<Line>,
    /// Numbers of lines that go, from 1.
    gone: Vec<usize>,
    /// Lines that come behind a line of this number; 0: at the head.
    come: BTreeMap<usize, Vec<String>>,
    /// New sections, behind the last line.
    tail: Vec<String>,
    end_of_line: &'static str,
}

impl<'a> Edit<'a> {
    pub(super) fn new(
        text: &'a str,
        tree: &Tree,
        settings: &Settings,
        door: &Listen,
        hostname: &str,
    ) -> Result<Self, Refused> {
        let (lines, _) = ini::parse(text);
        let end_of_line = if text.contains("\r\n") { "\r\n" } else { "\n" };
        let old = text.split_inclusive('\n').collect();
        let (gone, come, tail) = (Vec::new(), BTreeMap::new(), Vec::new());
        let mut edit = Self { old, lines, gone, come, tail, end_of_line };
        edit.door(settings, door)?;
        let from_mailer = settings.relays.iter().any(|relay| relay.key.0 == MAILER);
        if from_mailer {
            edit.relay(settings, hostname);
        }
        edit.mailer(settings, door);
        edit.replace_variables(tree);
        Ok(edit)
    }

    fn own(&self, section: &str, key: &str) -> Option<&Line> {
        self.lines.iter().rev().find(|line| line.section == section && line.key == key)
    }

    /// `[postrider]`: where mail waits, unless the file says.
    pub(super) fn data_dir(&mut self, folder: &Path) {
        if self.own("postrider", "DATA_DIR").is_none() {
            self.add("postrider", vec![format!("DATA_DIR = {}", ini_value(&folder.to_string_lossy()))]);
        }
    }

    /// `[postrider.smtp]`: open to Gitea on this machine.
    fn door(&mut self, settings: &Settings, door: &Listen) -> Result<(), Refused> {
        if self.own(SMTP, "ALLOW_LOCAL").is_some() && !settings.smtp.allow_local {
            return Err(Refused::Door(
                "[postrider.smtp] ALLOW_LOCAL = false keeps Gitea out; write true, or give Gitea a key as USER and \
                 PASSWD by hand (postrider key create)"
                    .into(),
            ));
        }
        let mut lines = Vec::new();
        if settings.smtp.listen.is_none() {
            self.drop_key(SMTP, "LISTEN");
            lines.push(format!("LISTEN = {door}"));
        }
        if !settings.smtp.allow_local {
            lines.push("ALLOW_LOCAL = true".to_owned());
        }
        self.add(SMTP, lines);
        Ok(())
    }

    /// `[postrider.relay]`: what `[mailer]` says, save what stands there already.
    fn relay(&mut self, settings: &Settings, hostname: &str) {
        let ways = settings.relays.iter().map(|relay| &relay.way);
        let pairs: Vec<(&str, String)> = ways.flat_map(|way| pairs(way, hostname)).collect();
        let has_password = ["PASSWD", "PASSWD_FILE", "PASSWD_COMMAND"];
        let has_password = has_password.iter().any(|key| self.own(RELAY, key).is_some());
        let mut lines = Vec::new();
        for (key, value) in pairs {
            let is_there = self.own(RELAY, key).is_some_and(|line| !line.value.is_empty());
            if is_there || key == "PASSWD" && has_password {
                continue;
            }
            lines.push(format!("{key} = {}", ini_value(&value)));
        }
        self.add(RELAY, lines);
    }

    /// `[mailer]`: our door.
    fn mailer(&mut self, settings: &Settings, door: &Listen) {
        let mut new = pointing_at(door);
        let stand: Vec<&Line> = self
            .lines
            .iter()
            .filter(|line| line.section == MAILER && MOVED.contains(&line.key.as_str()))
            .collect();
        let already = stand.len() == new.len()
            && new.iter().all(|(key, value)| stand.iter().any(|l| l.key == *key && l.value == *value));
        if already {
            return;
        }
        let numbers: Vec<usize> = stand.iter().flat_map(|line| line.number..=line.last).collect();
        // Without FROM the user was the sender.
        if self.own(MAILER, "FROM").is_none_or(|line| line.value.is_empty())
            && let Some(from) = &settings.identity.profile.from
        {
            self.drop_key(MAILER, "FROM");
            new.insert(0, ("FROM", from.address.as_str().to_owned()));
        }
        let at = numbers.first().map_or_else(|| self.end_of(MAILER), |first| Some(first - 1));
        self.gone.extend(numbers);
        let lines = new.iter().map(|(key, value)| format!("{key} = {}", ini_value(value))).collect();
        match at {
            Some(at) => self.come.entry(at).or_default().extend::<Vec<String>>(lines),
            None => self.add(MAILER, lines),
        }
    }

    /// Writes out every `%(KEY)s` that stands for a key which goes.
    fn replace_variables(&mut self, tree: &Tree) {
        let is_there = |line: &&Line| {
            let in_mailer = line.section == MAILER || line.section.starts_with("mailer.");
            in_mailer && !self.gone.contains(&line.number)
        };
        let names_moved = |line: &&Line| MOVED.iter().any(|key| line.value.contains(&format!("%({key})s")));
        let found: Vec<Line> = self.lines.iter().filter(is_there).filter(names_moved).cloned().collect();
        for line in found {
            let entry = tree.find(&line.section, &line.key);
            let Some(Ok(value)) = entry.map(|entry| tree.expand(&line.section, entry)) else { continue };
            if value == line.value {
                continue;
            }
            self.gone.extend(line.number..=line.last);
            self.come.entry(line.last).or_default().push(format!("{} = {}", line.key, ini_value(&value)));
        }
    }

    fn drop_key(&mut self, section: &str, key: &str) {
        let all = self.lines.iter().filter(|line| line.section == section && line.key == key);
        self.gone.extend(all.flat_map(|line| line.number..=line.last));
    }

    /// The last line of a section's keys.
    fn end_of(&self, section: &str) -> Option<usize> {
        self.lines.iter().filter(|line| line.section == section).map(|line| line.last).max()
    }

    /// Puts lines at the end of a section, or of the file under a new heading.
    fn add(&mut self, section: &str, lines: Vec<String>) {
        if lines.is_empty() {
            return;
        }
        match self.end_of(section) {
            Some(at) => self.come.entry(at).or_default().extend(lines),
            None => {
                self.tail.extend([String::new(), format!("[{section}]")]);
                self.tail.extend(lines);
            }
        }
    }

    /// The new text, if anything changes, and the changes for people.
    pub(super) fn done(mut self) -> (Option<String>, Vec<String>) {
        if self.gone.is_empty() && self.come.is_empty() && self.tail.is_empty() {
            return (None, Vec::new());
        }
        let tail = std::mem::take(&mut self.tail);
        self.come.entry(self.old.len()).or_default().extend(tail);
        let (mut text, mut changes) = (String::new(), Vec::new());
        self.coming(0, &mut text, &mut changes);
        for (number, line) in (1..).zip(&self.old) {
            match self.gone.contains(&number) {
                true => changes.push(format!("-{}", self.shown(number, line))),
                false => text.push_str(line),
            }
            self.coming(number, &mut text, &mut changes);
        }
        (Some(text), changes)
    }

    /// What comes behind a line.
    fn coming(&self, number: usize, text: &mut String, changes: &mut Vec<String>) {
        for line in self.come.get(&number).into_iter().flatten() {
            if !text.is_empty() && !text.ends_with('\n') {
                text.push_str(self.end_of_line);
            }
            text.push_str(line);
            text.push_str(self.end_of_line);
            changes.push(format!("+{}", starred(line)));
        }
    }

    /// A line that goes. What follows of a value over several lines may be a secret.
    fn shown(&self, number: usize, line: &str) -> String {
        match self.lines.iter().any(|key| key.number == number) {
            true => starred(line.trim_end()),
            false => STARS.to_owned(),
        }
    }
}

/// The keys of `[mailer]` that send to a door of ours.
fn pointing_at(door: &Listen) -> Vec<(&'static str, String)> {
    match door {
        Listen::Tcp(address) => {
            let host = match address.ip() {
                IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
                IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
                ip => ip,
            };
            let port = address.port().to_string();
            vec![("PROTOCOL", "smtp".into()), ("SMTP_ADDR", host.to_string()), ("SMTP_PORT", port)]
        }
        Listen::Unix(path) => {
            vec![("PROTOCOL", "smtp+unix".into()), ("SMTP_ADDR", path.to_string_lossy().into_owned())]
        }
    }
}

/// A line with its value as stars, if that is a secret.
fn starred(line: &str) -> String {
    match line.split_once(['=', ':']) {
        Some((key, _)) if key.trim().trim_matches(['`', '"']) == "PASSWD" => format!("{key}= {STARS}"),
        _ => line.to_owned(),
    }
}

/// A value as Gitea's dialect takes it: in backticks where a comment or a quote would cut it. The last
/// backtick of a line closes, so there may be some within.
fn ini_value(value: &str) -> String {
    let special = |c: char| "#;`\"'\\".contains(c) || c.is_control();
    if !value.is_empty() && !value.contains(special) && value.trim() == value {
        return value.to_owned();
    }
    // Over several lines the first backtick would close.
    let quote = if value.contains('\n') && value.contains('`') { "\"\"\"" } else { "`" };
    format!("{quote}{value}{quote}")
}
