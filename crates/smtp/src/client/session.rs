//! From the greeting to a session that takes mail.

use super::outcome::class;
use super::{Client, Expect, Failure, FailureKind, Output, Phase, Security};
use crate::{Capabilities, Command, Violation};
use envelope::{Class, Reply};

type Next = Result<Option<Output>, Failure>;

impl Client {
    /// RFC 5321 3.1, 4.3.2: 220 opens, 4yz and 5yz turn away.
    pub(super) fn on_greeting(&mut self, reply: Reply) -> Next {
        match reply.class() {
            Some(Class::Success) => Ok(Some(self.hello())),
            Some(_) => {
                Err(Failure::new(FailureKind::Busy, Phase::Greeting, Some(reply), "the server turns us away"))
            }
            None => Err(self.wrong_kind(Phase::Greeting, reply)),
        }
    }

    /// RFC 5321 3.2: a 5yz to EHLO asks for HELO; RFC 2033 4.1: LMTP knows only LHLO.
    pub(super) fn on_ehlo(&mut self, reply: Reply) -> Next {
        match class(&reply) {
            Some(Class::Success) => {
                self.caps = Capabilities::from_ehlo(&reply);
                self.caps.pipelining &= !self.config.sequential;
                self.after_hello()
            }
            Some(Class::Permanent) if !self.config.lmtp => {
                let helo = Command::Helo(self.config.hello.clone());
                Ok(Some(self.write(0, &[(helo, Expect::Helo)])))
            }
            Some(_) => {
                Err(Failure::new(FailureKind::Busy, Phase::Hello, Some(reply), "the server refuses EHLO"))
            }
            None => Err(self.wrong_kind(Phase::Hello, reply)),
        }
    }

    /// RFC 5321 4.1.1.1: HELO offers no extensions.
    pub(super) fn on_helo(&mut self, reply: Reply) -> Next {
        match class(&reply) {
            Some(Class::Success) => {
                self.caps = Capabilities::default();
                self.after_hello()
            }
            Some(_) => {
                Err(Failure::new(FailureKind::Busy, Phase::Hello, Some(reply), "the server refuses HELO"))
            }
            None => Err(self.wrong_kind(Phase::Hello, reply)),
        }
    }

    /// RFC 3207 4: only 220 starts TLS, and nothing may stand behind it.
    pub(super) fn on_starttls(&mut self, reply: Reply) -> Next {
        if reply.code == 220 {
            if self.parser.is_empty() {
                return Ok(Some(Output::StartTls));
            }
            let mut failure = self.violated(Violation::InjectedBeforeTls, None);
            failure.phase = Phase::Tls;
            return Err(failure);
        }
        match reply.class() {
            Some(Class::Transient | Class::Permanent) if self.may_go_clear() => {
                self.starttls_refused = true;
                self.after_hello()
            }
            Some(Class::Transient | Class::Permanent) => Err(Failure::new(
                FailureKind::Tls,
                Phase::Tls,
                Some(reply),
                "the server refuses to start TLS",
            )),
            _ => Err(self.wrong_kind(Phase::Tls, reply)),
        }
    }

    /// TLS stands: all that was known is forgotten (RFC 3207 4.2).
    pub fn tls_done(&mut self) -> Output {
        self.secured = true;
        self.transcript.secured();
        self.caps = Capabilities::default();
        self.hello()
    }

    /// RFC 5321 3.2, RFC 2033 4.1.
    fn hello(&mut self) -> Output {
        let name = self.config.hello.clone();
        let command = if self.config.lmtp { Command::Lhlo(name) } else { Command::Ehlo(name) };
        self.write(0, &[(command, Expect::Ehlo)])
    }

    /// Clear text is allowed when nothing demands TLS and no secret would be shown.
    fn may_go_clear(&self) -> bool {
        let required = matches!(self.config.security, Security::StartTls { required: true });
        !required && self.config.credentials.is_none()
    }

    /// STARTTLS (RFC 3207 4.2), then AUTH (RFC 4954 4), then ready.
    fn after_hello(&mut self) -> Next {
        if let (Security::StartTls { required }, false) = (self.config.security, self.secured) {
            if self.caps.starttls && !self.starttls_refused {
                return Ok(Some(self.write(0, &[(Command::StartTls, Expect::StartTls)])));
            }
            if required {
                let text = "the server does not offer STARTTLS and the settings demand TLS; \
                            use smtps:// if the port speaks TLS from the start";
                return Err(Failure::new(FailureKind::Settings, Phase::Tls, None, text));
            }
        }
        match self.config.credentials.as_ref().map(|who| who.means) {
            None => Ok(Some(Output::Ready)),
            Some(means) => self.log_in(means),
        }
    }
}
