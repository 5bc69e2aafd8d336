//! How each Rust library is told to compose a case.

use crate::cases::Case;
use anyhow::{Context, Result};
use bytes::Bytes;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Attachment, Mailbox, MultiPart};
use message::{Draft, Profile, Written};

/// Columns of prose, for every contender.
const WIDTH: usize = 78;

/// The mail, in one piece or, as ours, header and body apart.
pub type Mail = [Bytes; 2];
pub type Compose = fn(&Case, u128) -> Result<Mail>;

pub fn ours(case: &Case, unique: u128) -> Result<Mail> {
    let person = |(name, address): &(String, String)| Written::Parts {
        name: Some(name.clone()),
        address: address.clone(),
    };
    let draft = Draft {
        from: Some(person(&case.from)),
        to: case.to.iter().map(person).collect(),
        subject: case.subject.clone(),
        html: Some(case.html.clone()),
        headers: case.headers.iter().map(|(n, v)| (n.clone(), vec![v.clone()])).collect(),
        attachments: case
            .files
            .iter()
            .map(|(name, kind, content)| message::Attachment {
                filename: Some(name.clone()),
                content: content.clone(),
                content_type: Some(kind.clone()),
                content_id: None,
            })
            .collect(),
        ..Draft::default()
    };
    let mail = message::compose(&draft, &Profile::default(), jiff::Timestamp::UNIX_EPOCH, unique)?;
    Ok([mail.header, mail.body])
}

pub fn text_of(html: &str) -> Result<String> {
    Ok(html2text::from_read(html.as_bytes(), WIDTH)?)
}

pub fn lettre(case: &Case, _: u128) -> Result<Mail> {
    Ok(whole(lettre_message(case)?.formatted()))
}

pub fn lettre_message(case: &Case) -> Result<lettre::Message> {
    let person = |(name, address): &(String, String)| -> Result<Mailbox> {
        Ok(Mailbox::new(Some(name.clone()), address.parse()?))
    };
    let mut builder = lettre::Message::builder().from(person(&case.from)?).subject(case.subject.clone());
    for to in &case.to {
        builder = builder.to(person(to)?);
    }
    for (name, value) in &case.headers {
        let name = HeaderName::new_from_ascii(name.clone()).ok().context("a header name")?;
        builder = builder.raw_header(HeaderValue::new(name, value.clone()));
    }
    let texts = MultiPart::alternative_plain_html(text_of(&case.html)?, case.html.clone());
    if case.files.is_empty() {
        return Ok(builder.multipart(texts)?);
    }
    let mut mixed = MultiPart::mixed().multipart(texts);
    for (name, kind, content) in &case.files {
        let kind = ContentType::parse(kind)?;
        mixed = mixed.singlepart(Attachment::new(name.clone()).body(content.to_vec(), kind));
    }
    Ok(builder.multipart(mixed)?)
}

pub fn mail_builder(case: &Case, _: u128) -> Result<Mail> {
    use mail_builder::headers::text::Text;
    let person = |p: &(String, String)| (p.0.clone(), p.1.clone());
    let mut builder = mail_builder::MessageBuilder::new()
        .from(person(&case.from))
        .to(case.to.iter().map(person).collect::<Vec<_>>())
        .subject(case.subject.as_str())
        .text_body(text_of(&case.html)?)
        .html_body(case.html.as_str());
    for (name, value) in &case.headers {
        builder = builder.header(name.as_str(), Text::new(value.as_str()));
    }
    for (name, kind, content) in &case.files {
        builder = builder.attachment(kind.as_str(), name.as_str(), &content[..]);
    }
    Ok(whole(builder.write_to_vec()?))
}

fn whole(mail: Vec<u8>) -> Mail {
    [mail.into(), Bytes::new()]
}
