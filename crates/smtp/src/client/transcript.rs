//! The dialogue as an operator reads it: `->` sent, `<-` received, `~>` and `<~` within TLS, `**` ours.
//!
//! What a peer says is foreign text: control and direction characters are escaped. Bounded whatever
//! comes: the beginning and the end are kept, the middle goes.

use crate::escape::escape_into;
use crate::limits;
use envelope::Reply;
use std::collections::VecDeque;
use std::fmt::{Display, Write};

/// Text that keeps its first and its last half.
#[derive(Debug, Default)]
struct Ends {
    head: String,
    tail: String,
    dropped: bool,
}

impl Ends {
    fn push(&mut self, line: &str, half: usize) {
        if self.tail.is_empty() && self.head.len() + line.len() < half {
            self.head.push_str(line);
            self.head.push('\n');
            return;
        }
        self.tail.push_str(line);
        self.tail.push('\n');
        while self.tail.len() > half {
            let end = self.tail.find('\n').map_or(self.tail.len(), |at| at + 1);
            self.tail.drain(..end);
            self.dropped = true;
        }
    }

    fn write(&self, out: &mut String) {
        out.push_str(&self.head);
        if self.dropped {
            out.push_str("** ...\n");
        }
        out.push_str(&self.tail);
    }
}

#[derive(Debug)]
pub(super) struct Transcript {
    session: Ends,
    /// By transaction, the oldest first.
    mails: VecDeque<(u64, Ends)>,
    secured: bool,
    /// The line in the making, kept for its room: every mail has some ten.
    line: String,
    said: String,
}

impl Transcript {
    pub(super) fn new(secured: bool) -> Self {
        Self {
            session: Ends::default(),
            mails: VecDeque::new(),
            secured,
            line: String::new(),
            said: String::new(),
        }
    }

    pub(super) fn secured(&mut self) {
        self.secured = true;
    }

    /// A transaction begins: its lines are its own.
    pub(super) fn begin(&mut self, transaction: u64) {
        let head = String::with_capacity(limits::TRANSCRIPT_SUCCESS);
        self.mails.push_back((transaction, Ends { head, ..Ends::default() }));
    }

    /// Its lines are gone.
    pub(super) fn end(&mut self, transaction: u64) {
        self.mails.retain(|(number, _)| *number != transaction);
    }

    /// In transaction 0 it is the session's line.
    pub(super) fn sent(&mut self, transaction: u64, text: &str) {
        let mark = if self.secured { "~> " } else { "-> " };
        self.add(transaction, mark, text);
    }

    /// As it prints itself, without its secrets.
    pub(super) fn sent_command(&mut self, transaction: u64, command: &impl Display) {
        let mut said = std::mem::take(&mut self.said);
        said.clear();
        // a String takes all
        write!(said, "{command}").ok();
        self.sent(transaction, &said);
        self.said = said;
    }

    pub(super) fn received(&mut self, transaction: u64, reply: &Reply) {
        let arrow = if self.secured { "<~" } else { "<-" };
        let last = reply.lines.len().saturating_sub(1);
        let mut mark = String::with_capacity(16);
        for (n, line) in reply.lines.iter().enumerate() {
            mark.clear();
            let separator = if n == last { ' ' } else { '-' };
            // a String takes all
            write!(mark, "{arrow} {}{separator}", reply.code).ok();
            self.add(transaction, &mark, line);
        }
    }

    pub(super) fn note(&mut self, transaction: u64, text: &str) {
        self.add(transaction, "** ", text);
    }

    /// Session and transaction.
    pub(super) fn whole(&self, transaction: u64) -> String {
        let mut out = String::new();
        self.session.write(&mut out);
        if let Some(mail) = self.mail(transaction) {
            mail.write(&mut out);
        }
        out
    }

    /// The transaction's own lines, short.
    pub(super) fn brief(&self, transaction: u64) -> String {
        let mut out = String::new();
        if let Some(mail) = self.mail(transaction) {
            mail.write(&mut out);
        }
        crate::shorten(out, limits::TRANSCRIPT_SUCCESS)
    }

    fn mail(&self, transaction: u64) -> Option<&Ends> {
        self.mails.iter().find(|(number, _)| *number == transaction).map(|(_, mail)| mail)
    }

    fn add(&mut self, transaction: u64, mark: &str, text: &str) {
        self.line.clear();
        self.line.push_str(mark);
        escape_into(&mut self.line, text, limits::TRANSCRIPT_LINE);
        match self.mails.iter_mut().find(|(number, _)| *number == transaction) {
            Some((_, mail)) => {
                mail.push(&self.line, (limits::TRANSCRIPT - limits::TRANSCRIPT_SESSION) / 2 - 16);
            }
            None => self.session.push(&self.line, limits::TRANSCRIPT_SESSION / 2 - 16),
        }
    }
}
