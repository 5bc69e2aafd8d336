//! A finished mail with its envelope in front: what `sendmail` hands over, and what the drop folder
//! keeps while no daemon runs.
//!
//! One line of JSON (the slip), then the message as it came.

mod addresses;

use addresses::addresses;
use bytes::Bytes;
use envelope::{Notify, Ret};
use postrider::{
    Address, Came, Envelope, FieldError, MailerSettings, Options, RawSubmission, Recipient, ReversePath,
};
use serde::{Deserialize, Serialize};

/// `Content-Type` of a letter.
pub const LETTER: &str = "application/vnd.postrider.letter";

/// Octets of a slip: a thousand long addresses in a header field.
pub const MAX_SLIP: usize = 1 << 20;

/// Where a mail comes from and goes to, as the caller wrote it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slip {
    /// Made anew for each mail: the same mail handed over twice is taken once.
    pub key: String,
    /// The login and number of the user who sends.
    pub user: String,
    pub uid: u32,
    /// The envelope's sender; empty or `<>`: nobody; `None`: the house's own.
    #[serde(default)]
    pub from: Option<String>,
    /// The full name in a From field that we add.
    #[serde(default)]
    pub name: Option<String>,
    /// Recipients, each a list as in a header field; a name without domain is one of ours.
    pub to: Vec<String>,
    /// `never`, or some of `success,delay,failure`.
    #[serde(default)]
    pub notify: Option<String>,
    /// `full` or `hdrs`.
    #[serde(default)]
    pub ret: Option<String>,
    #[serde(default)]
    pub envid: Option<String>,
}

impl Slip {
    /// The letter: slip and message.
    ///
    /// # Errors
    /// Never in practice: a slip is plain text and numbers.
    pub fn letter(&self, message: &[u8]) -> Result<Vec<u8>, serde_json::Error> {
        let mut letter = serde_json::to_vec(self)?;
        letter.push(b'\n');
        letter.extend_from_slice(message);
        Ok(letter)
    }

    /// The envelope; names without a domain get this one.
    ///
    /// # Errors
    /// Every mistake in the slip.
    pub fn envelope(&self, domain: &str, usual: &ReversePath) -> Result<Envelope, Vec<FieldError>> {
        let mut faults = Vec::new();
        let mut fault =
            |field: &str, problem: String| faults.push(FieldError { field: field.into(), problem });
        let mut to = Vec::new();
        for list in &self.to {
            match addresses(list, domain) {
                Ok(found) => to.extend(found),
                Err(problem) => fault("to", problem),
            }
        }
        let from = match self.from.as_deref().map(str::trim) {
            None => usual.clone(),
            Some("" | "<>") => ReversePath(None),
            Some(text) => match addresses(text, domain).map(|mut found| (found.pop(), found.len())) {
                Ok((Some(one), 0)) => one.into(),
                Ok(_) => {
                    fault("from", format!("must be one address, not {text:?}"));
                    ReversePath(None)
                }
                Err(problem) => {
                    fault("from", problem);
                    ReversePath(None)
                }
            },
        };
        if to.is_empty() && self.to.iter().all(|list| list.trim().is_empty()) {
            fault("to", "is missing; name recipients".into());
        } else if to.is_empty() {
            fault("to", "names nobody".into());
        }
        let (notify, ret) = (self.notify(&mut fault), self.ret(&mut fault));
        let envid = self.envid.as_deref().filter(|id| is_xtext(id, &mut fault)).map(Into::into);
        if !faults.is_empty() {
            return Err(faults);
        }
        let plain = Envelope::new(from, to);
        let to = plain.to.into_iter().map(|r| Recipient { notify, ..r }).collect();
        Ok(Envelope { to, ret, envid, ..plain })
    }

    fn notify(&self, fault: &mut impl FnMut(&str, String)) -> Notify {
        let mut notify = Notify::default();
        let words: Vec<&str> =
            self.notify.as_deref().map(|list| list.split(',').collect()).unwrap_or_default();
        for word in &words {
            match word.trim().to_ascii_lowercase().as_str() {
                "never" if words.len() == 1 => notify.never = true,
                "success" => notify.success = true,
                "delay" => notify.delay = true,
                "failure" => notify.failure = true,
                _ => fault("notify", "must be never, or some of success,delay,failure".into()),
            }
        }
        notify
    }

    fn ret(&self, fault: &mut impl FnMut(&str, String)) -> Option<Ret> {
        match self.ret.as_deref().map(str::to_ascii_lowercase).as_deref() {
            None => None,
            Some("full") => Some(Ret::Full),
            Some("hdrs") => Some(Ret::Headers),
            Some(_) => {
                fault("ret", "must be full or hdrs".into());
                None
            }
        }
    }
}

/// RFC 3461 4; at most 100 characters (RFC 3461 4.4).
fn is_xtext(text: &str, fault: &mut impl FnMut(&str, String)) -> bool {
    let plain = |b: u8| (b'!'..=b'~').contains(&b) && b != b'=';
    let good = !text.is_empty() && text.len() <= 100 && text.bytes().all(plain);
    if !good {
        fault("envid", "must be 1 to 100 printable ASCII characters without = and blanks".into());
    }
    good
}

/// Reads a letter. The sender that a slip leaves open is the house's own.
///
/// # Errors
/// Every mistake in the slip.
pub fn read_letter(letter: &Bytes, house: &MailerSettings) -> Result<RawSubmission, Vec<FieldError>> {
    let wrong = |problem: String| vec![FieldError { field: "slip".into(), problem }];
    let end = letter.iter().take(MAX_SLIP).position(|b| *b == b'\n');
    let (slip, message) = end
        .and_then(|end| Some((letter.get(..end)?, letter.slice(end + 1..))))
        .ok_or_else(|| wrong("has no end; a letter is one line of JSON and the message".into()))?;
    let slip: Slip = serde_json::from_slice(slip).map_err(|e| wrong(format!("cannot be read: {e}")))?;
    let ours = house.profile.from.as_ref().map(|from| &from.address);
    let domain = ours.map_or(house.hostname.as_str(), Address::domain);
    let usual = house.profile.envelope_from.clone();
    let usual = usual.or_else(|| ours.map(|address| address.clone().into()));
    let usual = usual.or_else(|| Address::parse(&format!("{}@{domain}", slip.user)).ok().map(Into::into));
    let envelope = slip.envelope(domain, &usual.unwrap_or(ReversePath(None)))?;
    let sender = match envelope.from.as_str() {
        "" => format!("{}@{domain}", slip.user),
        sender => sender.to_owned(),
    };
    let from = match slip.name.as_deref().filter(|name| !name.is_empty()) {
        Some(name) => format!("{} <{sender}>", quoted(name)),
        None => sender,
    };
    Ok(RawSubmission {
        envelope,
        raw: message,
        options: Options { idempotency_key: Some(format!("letter:{}", slip.key)), ..Options::default() },
        received: Some(Came { from: String::new(), with: format!("(sendmail, from uid {})", slip.uid) }),
        from: Some(from),
        accept_bare_lf: true,
    })
}

/// A display name as a quoted string (RFC 5322 3.2.4).
fn quoted(name: &str) -> String {
    let mut out = String::from("\"");
    for c in name.chars().filter(|c| !c.is_control()) {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests;
