//! The server's side: a line to a command (RFC 5321 4.1.1, 4.1.2).

use super::parameters::number;
use super::{Command, HelloName, MailParameters, Path, RcptParameters, Word};
use crate::sasl::Secret;
use envelope::{Address, ReversePath};

/// Why a line is not a command we can obey. The reply to it is in [`CommandError::reply`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    #[error("not a command")]
    Unknown,
    #[error("octets that may not be in a command")]
    BadOctets,
    #[error("bad argument")]
    BadArgument,
    #[error("bad address")]
    BadAddress,
    #[error("bad parameter value")]
    BadParameter,
    #[error("unknown parameter")]
    UnknownParameter,
}

impl CommandError {
    /// Code and bland text for the peer (RFC 5321 4.2.4, 4.1.1.11; RFC 2034).
    pub fn reply(self) -> envelope::Reply {
        match self {
            Self::Unknown => envelope::Reply::new(500, "5.5.1 Command not recognized"),
            Self::BadOctets => envelope::Reply::new(500, "5.5.2 Bad octets in command"),
            Self::BadArgument => envelope::Reply::new(501, "5.5.4 Bad argument"),
            Self::BadAddress => envelope::Reply::new(501, "5.1.3 Bad address syntax"),
            Self::BadParameter => envelope::Reply::new(501, "5.5.4 Bad parameter value"),
            Self::UnknownParameter => envelope::Reply::new(555, "5.5.4 Parameter not recognized"),
        }
    }
}

impl Command {
    /// Parses one line, given without its CRLF. Whether the command may come now is not judged here.
    pub fn parse(line: &[u8]) -> Result<Self, CommandError> {
        let line = std::str::from_utf8(line).map_err(|_| CommandError::BadOctets)?;
        if line.chars().any(|c| c.is_control() && c != '\t') {
            return Err(CommandError::BadOctets);
        }
        let line = line.trim_end_matches([' ', '\t']);
        let (verb, rest) = line.split_once([' ', '\t']).unwrap_or((line, ""));
        let rest = rest.trim_start_matches([' ', '\t']);
        let hello = || HelloName::parse(rest).ok_or(CommandError::BadArgument);
        let word = || Word::parse(rest).ok_or(CommandError::BadArgument);
        match verb.to_ascii_uppercase().as_str() {
            "EHLO" => Ok(Self::Ehlo(hello()?)),
            "HELO" => Ok(Self::Helo(hello()?)),
            "LHLO" => Ok(Self::Lhlo(hello()?)),
            "MAIL" => mail(rest),
            "RCPT" => rcpt(rest),
            "DATA" => bare(Self::Data, rest),
            "BDAT" => bdat(rest),
            "RSET" => bare(Self::Rset, rest),
            "NOOP" => Ok(Self::Noop),
            "QUIT" => bare(Self::Quit, rest),
            "STARTTLS" => bare(Self::StartTls, rest),
            "AUTH" => auth(rest),
            "VRFY" => Ok(Self::Vrfy(word()?)),
            "EXPN" => Ok(Self::Expn(word()?)),
            "HELP" => Ok(Self::Help),
            _ => Err(CommandError::Unknown),
        }
    }
}

fn bare(command: Command, rest: &str) -> Result<Command, CommandError> {
    if rest.is_empty() { Ok(command) } else { Err(CommandError::BadArgument) }
}

fn mail(rest: &str) -> Result<Command, CommandError> {
    let (path, parameters) = path(rest, "FROM:")?;
    let from = if path.is_empty() { ReversePath(None) } else { address(path)?.into() };
    let from = Path::new(&from).ok_or(CommandError::BadAddress)?;
    Ok(Command::Mail { from, parameters: MailParameters::parse(parameters)? })
}

fn rcpt(rest: &str) -> Result<Command, CommandError> {
    let (path, parameters) = path(rest, "TO:")?;
    let to = Path::forward(&address(path)?).ok_or(CommandError::BadAddress)?;
    Ok(Command::Rcpt { to, parameters: RcptParameters::parse(parameters)? })
}

/// Source routes (RFC 5321 appendix C) begin with `@` and are refused as bad addresses.
fn address(path: &str) -> Result<Address, CommandError> {
    if path.starts_with('@') {
        return Err(CommandError::BadAddress);
    }
    Address::parse(path).map_err(|_| CommandError::BadAddress)
}

/// Splits `FROM:<path> parameters`; a blank before `<` is taken, as everyone does.
fn path<'a>(rest: &'a str, label: &str) -> Result<(&'a str, &'a str), CommandError> {
    let (head, tail) = rest.split_at_checked(label.len()).ok_or(CommandError::BadArgument)?;
    if !head.eq_ignore_ascii_case(label) {
        return Err(CommandError::BadArgument);
    }
    let tail = tail.trim_start_matches(' ').strip_prefix('<').ok_or(CommandError::BadAddress)?;
    let end = closing_bracket(tail).ok_or(CommandError::BadAddress)?;
    let (path, after) = tail.split_at_checked(end).ok_or(CommandError::BadAddress)?;
    let parameters = after.strip_prefix('>').unwrap_or_default();
    if parameters.is_empty() || parameters.starts_with([' ', '\t']) {
        Ok((path, parameters))
    } else {
        Err(CommandError::BadAddress)
    }
}

/// The first `>` outside a quoted local part.
fn closing_bracket(text: &str) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    text.bytes().position(|byte| {
        match (byte, escaped) {
            (_, true) => escaped = false,
            (b'\\', false) if quoted => escaped = true,
            (b'"', false) => quoted = !quoted,
            (b'>', false) => return !quoted,
            _ => {}
        }
        false
    })
}

/// RFC 3030 2.
fn bdat(rest: &str) -> Result<Command, CommandError> {
    let (octets, last) = rest.split_once(' ').unwrap_or((rest, ""));
    let octets = number(octets).ok_or(CommandError::BadArgument)?;
    match last.trim() {
        "" => Ok(Command::Bdat { octets, last: false }),
        word if word.eq_ignore_ascii_case("LAST") => Ok(Command::Bdat { octets, last: true }),
        _ => Err(CommandError::BadArgument),
    }
}

/// RFC 4954 4.
fn auth(rest: &str) -> Result<Command, CommandError> {
    let (mechanism, initial) = rest.split_once(' ').unwrap_or((rest, ""));
    let plain = mechanism.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    let mechanism = Word::parse(&mechanism.to_ascii_uppercase()).filter(|_| plain);
    let mechanism = mechanism.ok_or(CommandError::BadArgument)?;
    let initial = Some(initial.trim()).filter(|text| !text.is_empty()).map(Secret::from);
    Ok(Command::Auth { mechanism, initial })
}
