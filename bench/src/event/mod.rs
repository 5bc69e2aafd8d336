//! An event's mail as one piece of work: data in memory, a template, text from the HTML, the message, a signature.

mod data;
mod proof;

use crate::cases::Case;
use crate::contenders;
use crate::keys::Keys;
use anyhow::{Context, Result};
use data::{FILES, MAIL};
use message::dkim::KeyKind;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, Value, context};
use std::hint::black_box;
use template::{Source, Templates};

/// Where the subject's template stands with the peers; ours has it in the file of the mail.
const SUBJECT: &str = "subject.txt";

pub struct Desk {
    event: data::Event,
    ours: Templates,
    engine: Environment<'static>,
    /// `None`: mail leaves unsigned.
    keys: Option<Keys>,
}

/// From the event to the octets that leave.
pub type Work = fn(&Desk, u128) -> Result<Vec<u8>>;

pub const ALL: [(&str, Work); 3] =
    [("postrider", ours), ("lettre", lettre), ("mail-builder + mail-auth", mail_builder)];

impl Desk {
    /// Reads the templates, makes a key, and proves that all contenders make the same mail.
    fn new(kind: Option<KeyKind>) -> Result<Self> {
        let source =
            |(name, text): (&str, &str)| Source { name: name.into(), text: text.into(), origin: name.into() };
        let ours = Templates::new(FILES.map(source)).ok().context("the templates")?;
        let mut engine = Environment::new();
        engine.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
        for (name, text) in FILES {
            match text.split_once("\n---\n") {
                Some((subject, body)) => {
                    engine.add_template(SUBJECT, subject)?;
                    engine.add_template(name, body)?;
                }
                None => engine.add_template(name, text)?,
            }
        }
        let desk = Self { event: data::event(), ours, engine, keys: kind.map(Keys::new).transpose()? };
        proof::check(&desk)?;
        Ok(desk)
    }

    /// Without a key, and with each kind.
    pub fn all() -> Result<Vec<Self>> {
        [None, Some(KeyKind::Ed25519), Some(KeyKind::Rsa)].into_iter().map(Self::new).collect()
    }

    pub fn signed(&self) -> String {
        self.keys.as_ref().map_or_else(|| "not signed".into(), |keys| format!("signed, {}", keys.kind()))
    }

    /// Octets of the HTML that our template makes.
    pub fn html(&self) -> Result<usize> {
        Ok(self.render()?.html.len())
    }

    fn case(&self, subject: String, html: String) -> Case {
        let robot = ("Build robot".into(), "robot@forge.example".into());
        let jane = ("Jane Doe".into(), "jane.doe@customer.example".into());
        let headers = vec![("X-Forge-Repository".into(), self.event.repository.clone())];
        Case { name: "event", from: robot, to: vec![jane], subject, headers, html, files: Vec::new() }
    }

    fn render(&self) -> Result<Case> {
        let mail = self.ours.render(MAIL, None, &serde_json::to_value(&self.event)?)?;
        Ok(self.case(mail.subject.context("no subject")?, mail.html.context("no HTML")?))
    }

    fn render_by_minijinja(&self) -> Result<Case> {
        let event = Value::from(Serde(&self.event));
        let subject = self.engine.get_template(SUBJECT)?.render(event.clone())?;
        let html = self.engine.get_template(FILES[0].0)?;
        let html = html.render(context! { subject => subject.as_str(), lang => "en", ..event })?;
        Ok(self.case(subject, html))
    }
}

/// Subject and HTML alone.
pub fn rendered(desk: &Desk, by_minijinja: bool) -> Result<()> {
    let case = if by_minijinja { desk.render_by_minijinja() } else { desk.render() };
    case.map(|case| drop(black_box(case)))
}

fn ours(desk: &Desk, unique: u128) -> Result<Vec<u8>> {
    let [header, body] = contenders::ours(&desk.render()?, unique)?;
    let fields = desk.keys.as_ref().map(|keys| keys.sign_ours(&header, &body)).transpose()?;
    Ok([&fields.unwrap_or_default(), &header[..], &body].concat())
}

fn lettre(desk: &Desk, _: u128) -> Result<Vec<u8>> {
    let mut message = contenders::lettre_message(&desk.render_by_minijinja()?)?;
    if let Some(keys) = &desk.keys {
        message.sign(&keys.lettre);
    }
    Ok(message.formatted())
}

fn mail_builder(desk: &Desk, unique: u128) -> Result<Vec<u8>> {
    let [mail, _] = contenders::mail_builder(&desk.render_by_minijinja()?, unique)?;
    let Some(keys) = &desk.keys else { return Ok(mail.into()) };
    let mut signed = Vec::with_capacity(mail.len() + 1024);
    keys.sign_mail_auth(&mail)?.write(&mut signed, true);
    signed.extend_from_slice(&mail);
    Ok(signed)
}
