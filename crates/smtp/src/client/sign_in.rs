//! AUTH (RFC 4954): one mechanism after the other, as long as the server says that only the mechanism is wrong.

use super::{Client, Expect, Failure, FailureKind, Output, Phase};
use crate::command::Word;
use crate::sasl::{self, Exchange, Fault, Means, Mechanism, Proven, Secret};
use crate::{Command, Violation};
use envelope::{Class, Reply};
use std::collections::VecDeque;

type Next = Result<Option<Output>, Failure>;

/// A sign-in under way.
#[derive(Debug)]
pub(super) struct SignIn {
    exchange: Exchange,
    /// To try when the server does not want this one.
    left: VecDeque<Mechanism>,
    /// The first message went on the AUTH line, and nothing was asked since.
    announced: bool,
    /// We gave up with `*`, and this is why.
    cancelled: Option<Fault>,
}

impl Client {
    /// Begins with the first mechanism that both know, or ends the connection: mail never goes without the login.
    pub(super) fn log_in(&mut self, means: Means) -> Next {
        let wishes = sasl::Wishes {
            means,
            pin: self.config.pin,
            private: self.secured || self.config.private,
            binding: self.binding().is_some(),
            proven: self.config.proven.as_ref(),
        };
        let all = sasl::candidates(&self.caps, wishes)
            .map_err(|refusal| Failure::new(FailureKind::Auth, Phase::Auth, None, refusal.to_string()))?;
        self.try_next(all.into(), |fault| {
            Failure::new(
                FailureKind::Auth,
                Phase::Auth,
                None,
                fault.map(|f| f.to_string()).unwrap_or_default(),
            )
        })
    }

    /// RFC 4954 4, 6: 334 is a challenge, 235 success.
    pub(super) fn on_auth(&mut self, reply: Reply) -> Next {
        let Some(sign_in) = self.sign_in.take() else {
            return Err(self.violated_at(Phase::Auth, Violation::Unsolicited, reply));
        };
        match (reply.code, reply.class()) {
            (334, _) if sign_in.cancelled.is_none() => self.on_challenge(sign_in, &reply),
            (_, Some(Class::Success)) if sign_in.cancelled.is_none() => self.on_success(&sign_in, reply),
            (_, Some(Class::Permanent)) => self.on_refusal(sign_in, reply),
            (_, Some(Class::Transient)) => {
                let text = "the server cannot check who we are now";
                Err(Failure::new(FailureKind::Auth, Phase::Auth, Some(reply), text))
            }
            (334, _) => Err(self.violated_at(Phase::Auth, Violation::EndlessAuth, reply)),
            _ => Err(self.wrong_kind(Phase::Auth, reply)),
        }
    }

    /// The offer and what worked of it, to begin with on the next connection; `None` without a login.
    pub fn proven(&self) -> Option<&Proven> {
        self.proven.as_ref()
    }

    /// RFC 4954 4: what the mechanism answers, or `*` where the challenge has no sense.
    fn on_challenge(&mut self, mut sign_in: SignIn, reply: &Reply) -> Next {
        sign_in.announced = false;
        let challenge = reply.lines.first().map_or("", |line| &**line);
        let line = match sign_in.exchange.respond(challenge) {
            Ok(answer) => {
                self.transcript.sent(0, if answer.expose().is_empty() { "" } else { "***" });
                if let Some(said) = sign_in.exchange.explanation() {
                    self.transcript.note(0, &format!("that is: {said}"));
                }
                answer
            }
            // RFC 4954 4: the server answers this with a 5yz, and another mechanism may begin.
            Err(fault) if fault.allows_another() => {
                self.transcript.sent(0, "*");
                self.transcript.note(0, &fault.to_string());
                sign_in.cancelled = Some(fault);
                Secret::from("*")
            }
            Err(fault) => return Err(self.faulted(sign_in.exchange.mechanism(), fault, None)),
        };
        self.expect(0, Expect::Auth);
        self.sign_in = Some(sign_in);
        Ok(Some(Output::Write(Secret::from([line.expose(), b"\r\n"].concat()))))
    }

    /// RFC 4954 4, and RFC 5802 3: a server that must prove itself has done so by now.
    fn on_success(&mut self, sign_in: &SignIn, reply: Reply) -> Next {
        let mechanism = sign_in.exchange.mechanism();
        if let Err(fault) = sign_in.exchange.finish() {
            return Err(self.faulted(mechanism, fault, Some(reply)));
        }
        self.proven = Some(Proven { offered: self.caps.auth.clone(), mechanism });
        Ok(Some(Output::Ready))
    }

    /// RFC 4954 4.1, 6: 504 and 534 speak of the mechanism, 535 of us: after that nothing else is tried, or the account
    /// is soon locked.
    fn on_refusal(&mut self, sign_in: SignIn, reply: Reply) -> Next {
        let SignIn { exchange, left, announced, cancelled } = sign_in;
        if announced && matches!(reply.code, 500 | 501) {
            // Some servers know no initial response.
            return self.say_auth(exchange, left, false);
        }
        let mechanism = exchange.mechanism();
        let refused = |said: Option<&str>| {
            let said = said.map(|said| format!("; it says {said}")).unwrap_or_default();
            format!("the server refuses {} (by {}){said}", what(mechanism.means()), mechanism.name())
        };
        let text = match cancelled {
            Some(fault) => format!("{}: {fault}", mechanism.name()),
            None => refused(exchange.explanation()),
        };
        let failure = Failure::new(FailureKind::Auth, Phase::Auth, Some(reply.clone()), text);
        if cancelled.is_none() && !matches!(reply.code, 504 | 534) {
            return Err(failure);
        }
        self.try_next(left, |_| failure)
    }

    /// The next mechanism that can carry the credentials; `failure` tells why there is none.
    fn try_next(
        &mut self,
        mut left: VecDeque<Mechanism>,
        failure: impl FnOnce(Option<Fault>) -> Failure,
    ) -> Next {
        let mut last = None;
        while let (Some(mechanism), Some(who)) = (left.pop_front(), self.config.credentials.clone()) {
            let channel = sasl::Channel { binding: self.binding().cloned(), ..self.config.channel.clone() };
            match Exchange::start(mechanism, who, &channel, &self.caps) {
                Ok(exchange) => return self.say_auth(exchange, left, true),
                Err(fault) => {
                    self.transcript.note(0, &format!("{}: {fault}", mechanism.name()));
                    last = Some(fault);
                }
            }
        }
        Err(failure(last))
    }

    fn say_auth(&mut self, mut exchange: Exchange, left: VecDeque<Mechanism>, announce: bool) -> Next {
        let initial = if announce { exchange.initial() } else { exchange.withhold() };
        let Some(mechanism) = Word::parse(exchange.mechanism().name()) else { return Ok(None) };
        self.sign_in = Some(SignIn { exchange, left, announced: initial.is_some(), cancelled: None });
        Ok(Some(self.write(0, &[(Command::Auth { mechanism, initial }, Expect::Auth)])))
    }

    /// Only of the connection as it is now: what was bound to is gone without TLS.
    fn binding(&self) -> Option<&Secret> {
        self.config.channel.binding.as_ref().filter(|_| self.secured)
    }

    fn faulted(&mut self, mechanism: Mechanism, fault: Fault, reply: Option<Reply>) -> Failure {
        self.reusable = false;
        let text = format!("{}: {fault}", mechanism.name());
        Failure::new(FailureKind::Auth, Phase::Auth, reply, text)
    }
}

fn what(means: Means) -> &'static str {
    match means {
        Means::Password => "user and password",
        Means::Token => "the token",
        Means::Certificate => "our certificate",
    }
}
