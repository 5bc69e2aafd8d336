//! Commands as values: they print themselves for the client and are parsed for the server.
//!
//! Nothing here can end a line: every argument is a type whose constructor refused CR, LF and other
//! control characters, or is checked by [`Path`].

mod parameters;
mod parse;
mod text;

pub use parameters::{Body, MailParameters, Orcpt, RcptParameters};
pub use parse::CommandError;
pub use text::{HelloName, Path, Word, Xtext};

use crate::sasl::Secret;
use std::fmt;

/// One command line (RFC 5321 4.1.1 and the extensions named).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    Ehlo(HelloName),
    Helo(HelloName),
    /// RFC 2033 4.1.
    Lhlo(HelloName),
    Mail {
        from: Path,
        parameters: MailParameters,
    },
    Rcpt {
        to: Path,
        parameters: RcptParameters,
    },
    Data,
    /// RFC 3030: `octets` follow at once.
    Bdat {
        octets: u64,
        last: bool,
    },
    Rset,
    Noop,
    Quit,
    /// RFC 3207.
    StartTls,
    /// RFC 4954: mechanism in upper-case; the initial response still in base64, `=` for an empty one.
    Auth {
        mechanism: Word,
        initial: Option<Secret>,
    },
    Vrfy(Word),
    Expn(Word),
    Help,
}

impl Command {
    /// Appends the command with its CRLF.
    pub fn write(&self, out: &mut Vec<u8>) {
        if let Self::Auth { mechanism, initial: Some(initial) } = self {
            out.extend_from_slice(format!("AUTH {mechanism} ").as_bytes());
            out.extend_from_slice(initial.expose());
        } else {
            out.extend_from_slice(self.to_string().as_bytes());
        }
        out.extend_from_slice(b"\r\n");
    }
}

impl fmt::Display for Command {
    /// The line without CRLF; an initial response is shown as `***`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ehlo(name) => write!(f, "EHLO {name}"),
            Self::Helo(name) => write!(f, "HELO {name}"),
            Self::Lhlo(name) => write!(f, "LHLO {name}"),
            Self::Mail { from, parameters } => write!(f, "MAIL FROM:<{from}>{parameters}"),
            Self::Rcpt { to, parameters } => write!(f, "RCPT TO:<{to}>{parameters}"),
            Self::Data => f.write_str("DATA"),
            Self::Bdat { octets, last: false } => write!(f, "BDAT {octets}"),
            Self::Bdat { octets, last: true } => write!(f, "BDAT {octets} LAST"),
            Self::Rset => f.write_str("RSET"),
            Self::Noop => f.write_str("NOOP"),
            Self::Quit => f.write_str("QUIT"),
            Self::StartTls => f.write_str("STARTTLS"),
            Self::Auth { mechanism, initial: None } => write!(f, "AUTH {mechanism}"),
            Self::Auth { mechanism, initial: Some(_) } => write!(f, "AUTH {mechanism} ***"),
            Self::Vrfy(what) => write!(f, "VRFY {what}"),
            Self::Expn(what) => write!(f, "EXPN {what}"),
            Self::Help => f.write_str("HELP"),
        }
    }
}

#[cfg(test)]
mod tests;
