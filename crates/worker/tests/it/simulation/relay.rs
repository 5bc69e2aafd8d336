//! A relay that does as its script says, and looks at what it is given.

use super::book::{Book, job_of};
use super::chance::Chance;
use super::clock::SimulatedClock;
use super::script::{End, Mode, Script};
use futures_util::StreamExt;
use queue::{AnyStore, Clock, JobView, RecipientState, Status, Store};
use send::{BoxStream, Mail, MailOutcome, Sender};
use std::future::ready;
use std::sync::{Arc, Mutex};

pub(crate) struct Peer {
    pub(crate) name: &'static str,
    /// Mails under way at once on one connection.
    pub(crate) window: usize,
    pub(crate) book: Arc<Book>,
    pub(crate) clock: Arc<SimulatedClock>,
    pub(crate) store: AnyStore,
    pub(crate) chance: Mutex<Chance>,
}

impl Sender for Peer {
    fn send_batch<'a>(&'a self, mails: BoxStream<'a, Mail>) -> BoxStream<'a, MailOutcome> {
        let answers = mails.map(|mail| self.serve(self.book.hand(self.name, &mail), mail));
        let answers = answers.buffer_unordered(self.window).filter_map(ready);
        Box::pin(answers.map(|(number, outcome)| {
            self.book.tell(number, &outcome.recipients);
            outcome
        }))
    }
}

impl Peer {
    async fn serve(&self, number: usize, mail: Mail) -> Option<(usize, MailOutcome)> {
        self.look(&mail).await;
        let mode = self.book.pages().modes.get(self.name).copied().unwrap_or(Mode::Well);
        let script = Script::of(mode, mail.to.len(), &mut self.chance.lock().unwrap());
        self.clock.pass(script.before).await;
        if script.takes.contains(&true) {
            self.book.take(number, &script.takes);
        }
        self.clock.pass(script.after).await;
        let recipients = match script.end {
            End::Answer(recipients) => recipients,
            End::Hang => std::future::pending().await,
            End::Panic => std::panic::resume_unwind(Box::new("a sender that breaks")),
            End::Silence => return None,
        };
        let (transcript, peer) = ("".into(), self.name.into());
        Some((number, MailOutcome { ticket: mail.ticket, recipients, transcript, remote_id: None, peer }))
    }

    /// Whether the mail is what was submitted, is leased, is due, and may come here.
    async fn look(&self, mail: &Mail) {
        let id = job_of(mail);
        let fault = |what: &str| self.book.fault(&format!("{id} at {}: {what}", self.name));
        let Ok(Some(view)) = self.store.get(id).await else { return fault("it is not known") };
        if view.status != Status::Sending {
            fault(&format!("it is sent while it is {}", view.status.word()));
        }
        if mail.body != format!("body of {id}\r\n") {
            fault("its body is altered");
        }
        let to: Vec<_> = mail.to.iter().map(|r| r.address.to_string()).collect();
        if to != open(&view) {
            fault(&format!("it goes to {to:?}, open are {:?}", open(&view)));
        }
        let pages = self.book.pages();
        let hurried = pages.hurried.contains(&id);
        let before = pages.handed.iter().filter(|h| h.job == id).nth_back(1);
        // Broken off without a word, it may go anywhere; told "perhaps", only there again.
        let bound = before.filter(|h| h.told.is_some() && h.in_doubt()).map(|h| h.relay);
        drop(pages);
        if view.due_at > self.clock.now() && !hurried {
            fault("it is not due");
        }
        if bound.is_some_and(|relay| relay != self.name) {
            fault("another relay has it perhaps");
        }
        let mine = match &*view.route {
            "default" => matches!(self.name, "first" | "second"),
            "bulk" => self.name == "third",
            named => named == self.name,
        };
        if !mine {
            fault(&format!("it was meant for {}", view.route));
        }
    }
}

fn open(view: &JobView) -> Vec<String> {
    let pairs = view.envelope.to.iter().zip(&view.recipients);
    let open = pairs.filter(|(_, r)| r.state == RecipientState::Open);
    open.map(|(to, _)| to.address.to_string()).collect()
}
