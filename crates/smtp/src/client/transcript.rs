//! The dialogue as an operator reads it: `->` sent, `<-` received, `~>` and `<~` within TLS, `**` ours.
//!
//! What a peer says is foreign text: control and direction characters are escaped. Bounded whatever
//! comes: the beginning and the end are kept, the middle goes.

use crate::limits;
use envelope::Reply;

const LINE: usize = 512;
const SESSION: usize = 4 * 1024;

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
    mail: Ends,
    in_mail: bool,
    secured: bool,
}

impl Transcript {
    pub(super) fn new(secured: bool) -> Self {
        Self { session: Ends::default(), mail: Ends::default(), in_mail: false, secured }
    }

    pub(super) fn secured(&mut self) {
        self.secured = true;
    }

    /// A transaction begins: its lines are its own.
    pub(super) fn begin(&mut self) {
        self.mail = Ends::default();
        self.in_mail = true;
    }

    pub(super) fn sent(&mut self, text: &str) {
        let mark = if self.secured { "~>" } else { "->" };
        self.add(mark, text);
    }

    pub(super) fn received(&mut self, reply: &Reply) {
        let mark = if self.secured { "<~" } else { "<-" };
        let last = reply.lines.len().saturating_sub(1);
        for (n, line) in reply.lines.iter().enumerate() {
            let separator = if n == last { ' ' } else { '-' };
            self.add(mark, &format!("{}{separator}{line}", reply.code));
        }
    }

    pub(super) fn note(&mut self, text: &str) {
        self.add("**", text);
    }

    /// Session and transaction.
    pub(super) fn whole(&self) -> String {
        let mut out = String::new();
        self.session.write(&mut out);
        self.mail.write(&mut out);
        out
    }

    /// The transaction's own lines, short.
    pub(super) fn brief(&self) -> String {
        let mut out = String::new();
        self.mail.write(&mut out);
        shorten(out, limits::TRANSCRIPT_SUCCESS)
    }

    fn add(&mut self, mark: &str, text: &str) {
        let line = format!("{mark} {}", escape(text));
        if self.in_mail {
            self.mail.push(&line, (limits::TRANSCRIPT - SESSION) / 2 - 16);
        } else {
            self.session.push(&line, SESSION / 2 - 16);
        }
    }
}

/// Cuts the middle out, at character borders.
fn shorten(text: String, limit: usize) -> String {
    if text.len() <= limit {
        return text;
    }
    const GAP: &str = "\n...\n";
    let half = (limit - GAP.len()) / 2;
    let head = (0..=half).rev().find_map(|at| text.get(..at)).unwrap_or_default();
    let tail = (text.len() - half..=text.len()).find_map(|at| text.get(at..)).unwrap_or_default();
    format!("{head}{GAP}{tail}")
}

fn escape(text: &str) -> String {
    crate::escape(text, LINE)
}
