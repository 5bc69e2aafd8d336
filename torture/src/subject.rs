//! What is tortured: postrider, or a mail server to compare it with.

use crate::clients::Door;
use crate::disk::Place;
use crate::plan::{Plan, Who};
use crate::postrider::Service;
use anyhow::Result;
use std::collections::BTreeMap;
use testkit::{NullClient, Nullmailer, OpenSmtpdClient};

/// What a service says of a mail, by its subject.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) sent: bool,
    pub(crate) marked: bool,
}

/// A service that can be started, stopped and killed, seen from outside.
pub(crate) trait Subject {
    fn doors(&self) -> [Door; 2];

    /// Starts it and waits until it answers; `false`: it died first, as an injected fault may have it.
    fn start(&mut self, with: &Inject) -> Result<bool>;

    fn has_died(&mut self) -> Result<bool>;

    /// Stops every process where it is, once its system call is over.
    fn freeze(&mut self) -> Result<()>;

    /// SIGKILL.
    fn kill(&mut self) -> Result<()>;

    /// Sets its wall clock, if it was started with `Inject::Clock`, by so many hours from the true one.
    fn clock(&mut self, _hours: i64) -> Result<()> {
        anyhow::bail!("its clock cannot be set")
    }

    /// Mails that wait or are under way; `None`: it does not say.
    fn unsettled(&self) -> Option<u64>;

    /// What it says of each mail; `None`: it keeps no account.
    fn said(&self) -> Result<Option<BTreeMap<String, Said>>>;

    /// The end of its log.
    fn log(&self) -> String;
}

/// What is done to a service from its start on.
#[derive(Debug, Clone, Default)]
pub(crate) enum Inject {
    #[default]
    Nothing,
    /// strace's `inject=CALLS:HOW`.
    Calls(&'static str, String),
    /// A wall clock that is set by what stands in a file.
    Clock,
    /// A wall clock so many seconds from the true one, from the start on.
    Skew(i64),
}

/// The subject that the plan names, its data at this place.
pub(crate) fn open(plan: &Plan, place: &Place, relay: u16) -> Result<Box<dyn Subject>> {
    let data = place.data();
    Ok(match plan.who {
        Who::Postrider | Who::Nodes => Box::new(Service::new(plan, &data, relay, "", "")?),
        Who::Postfix => {
            std::fs::create_dir_all(&data)?;
            Box::new(NullClient::new(&data, relay))
        }
        Who::OpenSmtpd => {
            std::fs::create_dir_all(&data)?;
            Box::new(OpenSmtpdClient::new(&data, relay))
        }
        Who::Nullmailer => {
            std::fs::create_dir_all(&data)?;
            Box::new(Nullmailer::new(&data, relay))
        }
    })
}

/// The peers are only killed, and all that is known of them is whether mail waits.
macro_rules! peer {
    ($peer:ty) => {
        impl Subject for $peer {
            fn doors(&self) -> [Door; 2] {
                [Door::Smtp(self.smtp_port()), Door::Smtp(self.smtp_port())]
            }

            fn start(&mut self, _with: &Inject) -> Result<bool> {
                <$peer>::start(self);
                Ok(true)
            }

            fn has_died(&mut self) -> Result<bool> {
                Ok(false)
            }

            fn freeze(&mut self) -> Result<()> {
                self.group().freeze();
                Ok(())
            }

            fn kill(&mut self) -> Result<()> {
                <$peer>::kill(self);
                Ok(())
            }

            fn unsettled(&self) -> Option<u64> {
                Some(self.waiting() as u64)
            }

            fn said(&self) -> Result<Option<BTreeMap<String, Said>>> {
                Ok(None)
            }

            fn log(&self) -> String {
                <$peer>::log(self)
            }
        }
    };
}

peer!(NullClient);
peer!(OpenSmtpdClient);
peer!(Nullmailer);
