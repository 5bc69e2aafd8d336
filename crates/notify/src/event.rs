//! What an application hands over.

use jiff::Timestamp;
use postrider::Mailbox;
use serde_json::{Map, Value};

/// Something happened that people are to hear of.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Event {
    /// The application's own id: each recipient hears of it once in 24 hours, however often it is handed
    /// over. Without it the Message-ID stands in, where the event has a lasting one.
    pub id: Option<String>,
    /// Who did it.
    pub actor: Option<Actor>,
    /// At most 1,000.
    pub recipients: Vec<Recipient>,
    /// What the template prints.
    pub data: Map<String, Value>,
    /// When it happened; `None`: now.
    pub at: Option<Timestamp>,
    /// What the mail belongs to, for kinds that do not know it by themselves.
    pub thread: Option<Thread>,
    pub list: List,
    /// Whether the actor hears of it like the others.
    pub actor_too: bool,
    /// Asked of old mail systems; no field unless it is given.
    pub precedence: Option<Precedence>,
}

/// Who did it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Actor {
    pub name: String,
    pub username: Option<String>,
    /// A recipient with this address is the actor.
    pub address: Option<Mailbox>,
    pub url: Option<String>,
}

/// Whom it concerns.
#[derive(Debug, Clone, PartialEq)]
pub struct Recipient {
    pub mailbox: Mailbox,
    pub username: Option<String>,
    /// A language tag such as `de-AT`.
    pub language: Option<String>,
    /// Why it reaches them, in one word: `mention`, `assign`, `author`, `subscribed`, or the application's own.
    pub reason: Option<String>,
    pub is_actor: bool,
    /// Whether they want to hear of what they did themselves.
    pub wants_own: bool,
    pub unsubscribe: Option<Unsubscribe>,
    /// Where an answer goes.
    pub reply_to: Option<Mailbox>,
    /// Further ids for References, as before the `@` of a Message-ID.
    pub references: Vec<String>,
    /// Theirs alone, over the event's; the template is then filled for them alone, too.
    pub data: Map<String, Value>,
}

impl Recipient {
    pub fn new(mailbox: Mailbox) -> Self {
        Self {
            mailbox,
            username: None,
            language: None,
            reason: None,
            is_actor: false,
            wants_own: false,
            unsubscribe: None,
            reply_to: None,
            references: Vec::new(),
            data: Map::new(),
        }
    }
}

/// How a recipient ends it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unsubscribe {
    /// Where a POST ends it at once, when it is `https` (RFC 8058); else a page.
    pub url: Option<String>,
    pub mailto: Option<String>,
}

/// What a mail belongs to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Thread {
    /// The lasting id, as before the `@` of a Message-ID: `invoice/4711`.
    pub id: String,
    /// Which mail of the thread this is: `reminder/2`. `None`: the one that opens it.
    pub step: Option<String>,
}

/// The list that a recipient is on, so to say (RFC 2369, RFC 2919).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct List {
    /// `invoices.shop.example`
    pub id: Option<String>,
    pub name: Option<String>,
    pub archive: Option<String>,
    /// A page where it is ended.
    pub unsubscribe: Option<String>,
}

/// How unimportant the mail is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precedence {
    Bulk,
    List,
}

impl Precedence {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Bulk => "bulk",
            Self::List => "list",
        }
    }
}
