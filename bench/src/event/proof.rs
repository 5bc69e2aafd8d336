//! Every contender makes the same mail of the event, and its signature is good.

use super::{ALL, Desk};
use crate::keys::Keys;
use anyhow::{Context, Result, ensure};
use mail_auth::common::parse::TxtRecordParser;
use mail_auth::common::verify::DomainKey;
use mail_auth::{AuthenticatedMessage, DkimResult, MessageAuthenticator, Parameters, ResolverCache, Txt};
use mail_parser::MessageParser;
use std::borrow::Borrow;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Instant;

/// By an independent parser: subject, recipient, header and HTML, and the words of the text.
pub fn check(desk: &Desk) -> Result<()> {
    let case = desk.render()?;
    let mut texts = Vec::new();
    for (name, work) in ALL {
        let raw = work(desk, 7)?;
        let mut own = desk.render_by_minijinja()?;
        ensure!(own.subject == case.subject, "{name}: subject {:?}", own.subject);
        ensure!(escaped_alike(&own.html) == case.html, "{name}: other HTML\n{}\n{}", own.html, case.html);
        if name == "postrider" {
            own = desk.render()?;
        }
        crate::proof::check(name, &own, &raw)?;
        let mail = MessageParser::default().parse(&raw).context("unreadable")?;
        texts.push(words(&mail.body_text(0).context("no text")?));
        if let Some(keys) = &desk.keys {
            verify(name, keys, &raw)?;
        }
    }
    let ours = texts.first().context("no contender")?;
    for (text, (name, _)) in texts.iter().zip(ALL) {
        ensure!(text == ours, "{name}: other words\n{text:?}\n{ours:?}");
    }
    told(desk, ours)
}

/// The engine by itself writes two characters as references that ours leaves or writes otherwise.
fn escaped_alike(html: &str) -> String {
    html.replace("&#x2f;", "/").replace("&#x27;", "&#39;")
}

/// Words in their order, without addresses of links and the marks that stand for them.
fn words(text: &str) -> Vec<String> {
    let text = text.split_whitespace().filter(|word| !word.contains("://")).collect::<Vec<_>>().join(" ");
    let marked = text.split('[').map(|piece| match piece.split_once(']') {
        Some((number, rest)) if number.parse::<u8>().is_ok() => rest,
        _ => piece,
    });
    let text = marked.collect::<Vec<_>>().join(" ");
    text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).map(str::to_owned).collect()
}

/// All that the event says is in the text, in its order.
fn told(desk: &Desk, text: &[String]) -> Result<()> {
    let event = &desk.event;
    let comments = event.comments.iter().flat_map(|one| {
        [&one.author, &one.at].into_iter().chain(&one.quote).chain(&one.paragraphs).map(String::as_str)
    });
    let said = [event.title.as_str(), "4711", "6 new comments", "open"].into_iter();
    let labels = ["BUG", "METAL WORK", "HELP WANTED"];
    let said = said.chain(labels).chain(comments).chain(["View it on the forge", "Change what you are told"]);
    let mut rest = text.iter();
    for word in said.flat_map(words) {
        ensure!(rest.any(|one| *one == word), "the text lacks {word:?}: {text:?}");
    }
    Ok(())
}

/// One good signature, as our check says and mail-auth's.
fn verify(name: &str, keys: &Keys, raw: &[u8]) -> Result<()> {
    keys.verify(name, raw)?;
    let key = DomainKey::parse(keys.record().as_bytes()).ok().context("the record")?;
    let known = Known(Some(Txt::DomainKey(Arc::new(key))));
    let mail = AuthenticatedMessage::parse(raw).context("unreadable")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let seen = runtime.block_on(async {
        let resolver = MessageAuthenticator::new_cloudflare().ok().context("mail-auth")?;
        let asked = Parameters {
            params: &mail,
            cache_txt: Some(&known),
            cache_mx: None::<&Known<_>>,
            cache_ptr: None::<&Known<_>>,
            cache_ipv4: None::<&Known<_>>,
            cache_ipv6: None::<&Known<_>>,
        };
        let seen = resolver.verify_dkim(asked).await;
        anyhow::Ok(seen.iter().map(|one| one.result().clone()).collect::<Vec<_>>())
    })?;
    ensure!(seen == [DkimResult::Pass], "{name}: mail-auth says {seen:?}");
    Ok(())
}

/// A cache that knows one answer to everything, so that no server is asked.
struct Known<V>(Option<V>);

impl<K, V: Clone> ResolverCache<K, V> for Known<V> {
    fn get<Q: Hash + Eq + ?Sized>(&self, _: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        self.0.clone()
    }

    fn remove<Q: Hash + Eq + ?Sized>(&self, _: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        None
    }

    fn insert(&self, _: K, _: V, _: Instant) {}
}
