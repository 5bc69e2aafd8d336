//! A message written step by step.

use crate::Message;
use ::message::{Attachment, Written};
use bytes::Bytes;
use jiff::Timestamp;
use queue::Priority;

/// Each step takes what it is given; [`Mailer::submit`](crate::Mailer::submit) checks the whole and tells
/// all mistakes at once, each with its field.
///
/// ```
/// use postrider::Message;
///
/// let message = Message::new()
///     .to("Ada <ada@example.org>")
///     .cc(("Grace, the second", "grace@example.org"))
///     .subject("Your order")
///     .html("<p>It is on its way. <img src=\"cid:logo\"></p>")
///     .attach("invoice.pdf", &b"%PDF-1.7"[..])
///     .attach_inline("logo", "logo.png", &b"\x89PNG"[..])
///     .tag("campaign", "spring");
/// assert_eq!(message.draft.attachments.len(), 2);
/// ```
impl Message {
    /// An empty message; it needs recipients and a text, and a From unless the mailer has one.
    pub fn new() -> Self {
        Self::default()
    }

    /// The author, in place of the mailer's own From: `"Name <a@b>"`, `"a@b"` or `(name, address)`.
    pub fn from(mut self, from: impl Into<Written>) -> Self {
        self.draft.from = Some(from.into());
        self
    }

    /// One more recipient, or several in one text, separated by commas.
    pub fn to(mut self, to: impl Into<Written>) -> Self {
        self.draft.to.push(to.into());
        self
    }

    /// One more recipient of a copy.
    pub fn cc(mut self, cc: impl Into<Written>) -> Self {
        self.draft.cc.push(cc.into());
        self
    }

    /// One more recipient whom the others do not see.
    pub fn bcc(mut self, bcc: impl Into<Written>) -> Self {
        self.draft.bcc.push(bcc.into());
        self
    }

    /// One more address to answer to.
    pub fn reply_to(mut self, address: impl Into<Written>) -> Self {
        self.draft.reply_to.push(address.into());
        self
    }

    /// One line.
    pub fn subject(mut self, subject: impl Into<String>) -> Self {
        self.draft.subject = subject.into();
        self
    }

    /// The HTML part. Without a [`text`](Self::text) the text part is made from it.
    pub fn html(mut self, html: impl Into<String>) -> Self {
        self.draft.html = Some(html.into());
        self
    }

    /// The text part; an empty one beside HTML: none.
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.draft.text = Some(text.into());
        self
    }

    /// One more header field, or one more value of a field that was given before. Fields with a step of
    /// their own are refused, except `Message-ID`, `Reply-To` and `Sender`.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let (name, value) = (name.into(), value.into());
        let headers = &mut self.draft.headers;
        match headers.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(&name)) {
            Some((_, values)) => values.push(value),
            None => headers.push((name, vec![value])),
        }
        self
    }

    /// A file that travels with the message; its type is told by the ending of its name.
    pub fn attach(self, filename: impl Into<String>, content: impl Into<Bytes>) -> Self {
        self.attachment(Attachment {
            filename: Some(filename.into()),
            content: content.into(),
            content_type: None,
            content_id: None,
        })
    }

    /// A picture that the HTML shows: `<img src="cid:ID">`, with the same id here, without `cid:`.
    pub fn attach_inline(
        self,
        content_id: impl Into<String>,
        filename: impl Into<String>,
        content: impl Into<Bytes>,
    ) -> Self {
        self.attachment(Attachment {
            filename: Some(filename.into()),
            content: content.into(),
            content_type: None,
            content_id: Some(content_id.into()),
        })
    }

    /// A file with everything said of it.
    pub fn attachment(mut self, attachment: Attachment) -> Self {
        self.draft.attachments.push(attachment);
        self
    }

    /// The Date, in place of the moment of submission.
    pub fn date(mut self, date: Timestamp) -> Self {
        self.draft.date = Some(date);
        self
    }

    /// A label to find the message by; at most 100.
    pub fn tag(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.options.tags.push((name.into(), value.into()));
        self
    }

    /// Not to be sent before then.
    pub fn schedule(mut self, at: Timestamp) -> Self {
        self.options.scheduled_at = Some(at);
        self
    }

    /// Not to be sent after then: what is still waiting ends as `expired`.
    pub fn expires(mut self, at: Timestamp) -> Self {
        self.options.expires_at = Some(at);
        self
    }

    /// Urgent mail overtakes, bulk mail gives way.
    pub fn priority(mut self, priority: Priority) -> Self {
        self.options.priority = priority;
        self
    }

    /// A second submission with the same key and envelope within 24 h stores nothing and gives the id of
    /// the first. 1 to 256 characters.
    pub fn idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.options.idempotency_key = Some(key.into());
        self
    }

    /// The application's own id of the message; 1 to 256 characters.
    pub fn external_id(mut self, id: impl Into<String>) -> Self {
        self.options.external_id = Some(id.into());
        self
    }

    /// A JSON object that is kept and shown as it is; at most 20,000 octets.
    pub fn metadata(mut self, json: impl Into<String>) -> Self {
        self.options.metadata = Some(json.into());
        self
    }

    /// What the log says of the message, such as `UID: 7, activate account`.
    pub fn info(mut self, info: impl Into<String>) -> Self {
        self.options.info = Some(info.into());
        self
    }

    /// The one relay that may take it, by name.
    pub fn relay(mut self, name: impl Into<String>) -> Self {
        self.options.relay = Some(name.into());
        self
    }
}
