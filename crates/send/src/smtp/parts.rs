//! A mail that one transaction cannot carry goes in several: recipients who need SMTPUTF8 apart from the
//! others (RFC 6531 3.5 makes them travel as one), no more than the relay takes at once (RFC 9422,
//! RFC 5321 4.5.3.1.10). To the caller it stays one mail with one outcome.

use crate::{Mail, MailOutcome, Phase, RecipientOutcome};
use smtp::Capabilities;
use std::collections::{HashMap, HashSet};

/// The recipients of a part, by their places in the mail.
pub(super) type Places = Vec<usize>;

/// How a mail is cut for this relay; one part with all of them is the rule.
pub(super) fn cut(mail: &Mail, caps: &Capabilities) -> Vec<Places> {
    let plain_text = !mail.utf8_header && mail.from.as_str().is_ascii();
    let apart = caps.smtputf8 && plain_text;
    let (needy, others): (Places, Places) = (0..mail.to.len())
        .partition(|n| mail.to.get(*n).is_some_and(|to| apart && to.address.needs_smtputf8()));
    let parts = [others, needy].into_iter().filter(|places| !places.is_empty());
    parts.flat_map(|places| within(mail, &places, caps)).collect()
}

/// No more recipients, and no more of their domains, than the relay takes in one transaction (RFC 9422 4).
fn within(mail: &Mail, places: &[usize], caps: &Capabilities) -> Vec<Places> {
    let bound = |limit: Option<u32>| limit.and_then(|n| usize::try_from(n).ok()).unwrap_or(usize::MAX).max(1);
    let (most, most_domains) = (bound(caps.rcpt_max), bound(caps.rcpt_domain_max));
    if most_domains == usize::MAX {
        return places.chunks(most).map(<[usize]>::to_vec).collect();
    }
    let mut parts: Vec<Places> = Vec::new();
    let mut domains = HashSet::new();
    for place in places {
        let Some(domain) = mail.to.get(*place).map(|to| to.address.domain()) else { continue };
        let fits = domains.contains(domain) || domains.len() < most_domains;
        match parts.last_mut().filter(|part| fits && part.len() < most) {
            Some(part) => part.push(*place),
            None => {
                domains.clear();
                parts.push(vec![*place]);
            }
        }
        domains.insert(domain);
    }
    parts
}

/// The mail for some of its recipients; its text is shared.
pub(super) fn part(mail: &Mail, places: &[usize]) -> Mail {
    let to = places.iter().filter_map(|n| mail.to.get(*n)).cloned().collect();
    Mail {
        ticket: mail.ticket,
        from: mail.from.clone(),
        to,
        ret: mail.ret,
        envid: mail.envid.clone(),
        header: mail.header.clone(),
        body: mail.body.clone(),
        eight_bit: mail.eight_bit,
        utf8_header: mail.utf8_header,
        urgent: mail.urgent,
    }
}

/// Recipients of a part that were too many for one transaction, when it took others: they go in a further
/// one at once. Each such transaction delivers to somebody, so they come to an end.
pub(super) fn too_many(outcome: &MailOutcome) -> Places {
    let took = |r: &RecipientOutcome| matches!(r, RecipientOutcome::Accepted(_));
    if !outcome.recipients.iter().any(took) {
        return Places::new();
    }
    let over = |r: &RecipientOutcome| match r {
        RecipientOutcome::Refused { phase: Phase::Rcpt, reply } => {
            let says = |subject| reply.enhanced().is_none_or(|s| (s.subject, s.detail) == (subject, 3));
            matches!(reply.code, 452 | 552) && says(5)
        }
        _ => false,
    };
    (0..outcome.recipients.len()).filter(|n| outcome.recipients.get(*n).is_some_and(over)).collect()
}

/// Mails that went in parts, until the last one is answered.
#[derive(Debug, Default)]
pub(super) struct Wholes(HashMap<u64, Whole>);

#[derive(Debug)]
struct Whole {
    recipients: Vec<Option<RecipientOutcome>>,
    transcript: String,
    remote_id: Option<Box<str>>,
}

impl Wholes {
    /// Notes that a mail of so many recipients goes in parts.
    pub(super) fn expect(&mut self, ticket: u64, recipients: usize) {
        self.0.entry(ticket).or_insert_with(|| Whole {
            recipients: vec![None; recipients],
            transcript: String::new(),
            remote_id: None,
        });
    }

    /// Takes a part's outcome for these places; `Some`: the mail is done.
    pub(super) fn take(&mut self, places: &[usize], outcome: MailOutcome) -> Option<MailOutcome> {
        let Some(whole) = self.0.get_mut(&outcome.ticket) else { return Some(outcome) };
        for (place, result) in places.iter().zip(outcome.recipients) {
            if let Some(slot) = whole.recipients.get_mut(*place) {
                *slot = Some(result);
            }
        }
        if whole.transcript.len() < smtp::limits::TRANSCRIPT {
            whole.transcript.push_str(&outcome.transcript);
        }
        whole.remote_id = whole.remote_id.take().or(outcome.remote_id);
        if whole.recipients.iter().any(Option::is_none) {
            return None;
        }
        let whole = self.0.remove(&outcome.ticket)?;
        let recipients: Vec<_> = whole.recipients.into_iter().flatten().collect();
        Some(MailOutcome {
            ticket: outcome.ticket,
            transcript: shorten(whole.transcript, &recipients).into(),
            recipients,
            remote_id: whole.remote_id,
            peer: outcome.peer,
        })
    }
}

/// No longer than one transaction's may be.
fn shorten(text: String, recipients: &[RecipientOutcome]) -> String {
    let good = recipients.iter().all(|r| matches!(r, RecipientOutcome::Accepted(_)));
    smtp::shorten(text, if good { smtp::limits::TRANSCRIPT_SUCCESS } else { smtp::limits::TRANSCRIPT })
}

#[cfg(test)]
mod tests {
    use super::*;
    use envelope::Reply;

    fn mail(to: &[&str]) -> Mail {
        let address = |text: &str| envelope::Address::parse(text).unwrap();
        Mail {
            ticket: 7,
            from: address("a@example.com").into(),
            to: to.iter().map(|to| address(to).into()).collect(),
            ret: None,
            envid: None,
            header: "\r\n".into(),
            body: "".into(),
            eight_bit: false,
            utf8_header: false,
            urgent: false,
        }
    }

    #[test]
    fn recipients_are_cut_as_the_relay_needs() {
        let check = |to: &[&str], smtputf8: bool, rcpt_max: Option<u32>, want: &[&[usize]]| {
            let caps = Capabilities { smtputf8, rcpt_max, ..Capabilities::default() };
            assert_eq!(cut(&mail(to), &caps), want, "{to:?}");
        };
        check(&["b@c.d"], true, None, &[&[0]]);
        check(&["b@c.d", "grün@c.d", "e@c.d"], true, None, &[&[0, 2], &[1]]);
        check(&["b@c.d", "grün@c.d"], false, None, &[&[0, 1]]);
        check(&["b@grün.example", "e@c.d"], true, None, &[&[0, 1]]);
        check(&["a@c.d", "b@c.d", "c@c.d", "d@c.d", "e@c.d"], true, Some(2), &[&[0, 1], &[2, 3], &[4]]);
        check(&["a@c.d", "b@c.d"], true, Some(0), &[&[0], &[1]]);
        let caps = Capabilities { rcpt_domain_max: Some(1), rcpt_max: Some(2), ..Capabilities::default() };
        let to = ["a@c.d", "b@c.d", "c@c.d", "d@e.f", "e@c.d", "f@c.d"];
        assert_eq!(cut(&mail(&to), &caps), [vec![0, 1], vec![2], vec![3], vec![4, 5]]);
        let caps = Capabilities { rcpt_domain_max: Some(2), ..Capabilities::default() };
        assert_eq!(cut(&mail(&["a@c.d", "b@e.f", "c@c.d", "d@g.h"]), &caps), [vec![0, 1, 2], vec![3]]);
        let whole = Mail { utf8_header: true, ..mail(&["b@c.d", "grün@c.d"]) };
        let caps = Capabilities { smtputf8: true, ..Capabilities::default() };
        assert_eq!(cut(&whole, &caps), [vec![0, 1]], "all need it");
    }

    #[test]
    fn too_many_is_told_from_other_refusals() {
        let outcome = |replies: &[(Phase, u16, &str)]| {
            let one = |(phase, code, text): &(Phase, u16, &str)| match code {
                250 => RecipientOutcome::Accepted(Reply::new(250, "ok")),
                _ => RecipientOutcome::Refused { phase: *phase, reply: Reply::new(*code, *text) },
            };
            let recipients = replies.iter().map(one).collect();
            MailOutcome {
                recipients,
                ..MailOutcome::all(7, 0, RecipientOutcome::Accepted(Reply::new(250, "")), "")
            }
        };
        let check = |replies: &[(Phase, u16, &str)], want: &[usize]| {
            assert_eq!(too_many(&outcome(replies)), want, "{replies:?}");
        };
        let ok = (Phase::End, 250, "");
        check(
            &[ok, (Phase::Rcpt, 452, "4.5.3 Too many recipients"), (Phase::Rcpt, 552, "too many")],
            &[1, 2],
        );
        check(
            &[ok, (Phase::Rcpt, 452, "4.2.2 full"), (Phase::Rcpt, 450, "4.5.3 x"), (Phase::End, 452, "x")],
            &[],
        );
        check(&[(Phase::Rcpt, 452, "4.5.3 Too many"), (Phase::Rcpt, 452, "4.5.3 Too many")], &[]);
    }

    #[test]
    fn parts_make_one_outcome_in_the_mail_s_order() {
        let mut wholes = Wholes::default();
        wholes.expect(7, 3);
        let part = |text: &str, count| {
            let accepted = RecipientOutcome::Accepted(Reply::new(250, text));
            MailOutcome { transcript: text.into(), ..MailOutcome::all(7, count, accepted, "relay:25") }
        };
        assert_eq!(wholes.take(&[0, 2], part("first", 2)), None);
        let whole = wholes.take(&[1], part("second", 1)).unwrap();
        let said = |r: &RecipientOutcome| match r {
            RecipientOutcome::Accepted(reply) => reply.text(),
            _ => panic!("{r:?}"),
        };
        assert_eq!(whole.recipients.iter().map(said).collect::<Vec<_>>(), ["first", "second", "first"]);
        assert_eq!((&*whole.transcript, wholes.0.len()), ("firstsecond", 0));
        let mut long = |outcome: RecipientOutcome| {
            wholes.expect(7, 2);
            let part = |outcome| MailOutcome {
                transcript: "x".repeat(250).into(),
                ..MailOutcome::all(7, 1, outcome, "")
            };
            assert_eq!(wholes.take(&[0], part(RecipientOutcome::Accepted(Reply::new(250, "")))), None);
            wholes.take(&[1], part(outcome)).unwrap().transcript.len()
        };
        let refused = RecipientOutcome::Refused { phase: Phase::Rcpt, reply: Reply::new(550, "") };
        assert!(long(RecipientOutcome::Accepted(Reply::new(250, ""))) <= 300);
        assert_eq!(long(refused), 500);
    }
}
