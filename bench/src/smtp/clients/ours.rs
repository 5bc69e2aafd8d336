//! A stream of mails for each connection of one sender.

use super::share;
use crate::mails::{self, FROM, TO};
use crate::order::Order;
use anyhow::{Result, ensure};
use futures_util::future::try_join_all;
use futures_util::{StreamExt, stream};
use send::smtp::{Credentials, Endpoint, Security, SmtpSettings};
use send::{Mail, RecipientOutcome, Sender, SmtpSender};

pub struct Client {
    sender: SmtpSender,
    connections: usize,
    pool: Vec<Mail>,
}

impl Client {
    pub fn new(order: &Order, max_in_doubt: usize) -> Result<Self> {
        let endpoint = Endpoint::Tcp { host: "127.0.0.1".into(), port: order.port };
        let security = if order.ca.is_some() { Security::Implicit } else { Security::Plain };
        let mut settings = SmtpSettings { max_in_doubt, ..SmtpSettings::new(endpoint, security) };
        settings.tls.ca_file.clone_from(&order.ca);
        settings.credentials = order.user.as_ref().map(|(user, password)| Credentials {
            user: user.as_str().into(),
            secret: password.as_str().into(),
        });
        let pool = (0..mails::POOL).map(mail).collect::<Result<_>>()?;
        Ok(Self { sender: SmtpSender::new(settings)?, connections: order.connections, pool })
    }

    pub async fn send(self, count: usize) -> Result<Self> {
        let shares = (0..self.connections).map(|n| share(count, self.connections, n));
        try_join_all(shares.map(|share| self.connection(share))).await?;
        Ok(self)
    }

    async fn connection(&self, count: usize) -> Result<()> {
        let mails = (0..count).map(|n| Mail { ticket: n as u64, ..self.pool[n % mails::POOL].clone() });
        let mut outcomes = self.sender.send_batch(stream::iter(mails).boxed());
        let mut done = 0;
        while let Some(outcome) = outcomes.next().await {
            let taken = matches!(outcome.recipients[..], [RecipientOutcome::Accepted(_)]);
            ensure!(taken, "{:?}\n{}", outcome.recipients, outcome.transcript);
            done += 1;
        }
        ensure!(done == count, "{done} of {count} mails");
        Ok(())
    }
}

fn mail(n: usize) -> Result<Mail> {
    let [header, body] = mails::parts(n);
    let address = |text: &str| envelope::Address::parse(text);
    Ok(Mail {
        ticket: 0,
        from: address(FROM)?.into(),
        to: vec![address(TO)?.into()],
        ret: None,
        envid: None,
        header,
        body,
        eight_bit: false,
        utf8_header: false,
        urgent: false,
    })
}
