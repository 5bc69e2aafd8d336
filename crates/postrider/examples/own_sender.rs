//! A way out of one's own: here each mail becomes a line on the terminal.
//!
//!     cargo run -p postrider --example own_sender
#![allow(clippy::print_stdout, reason = "an example speaks to the terminal")]
#![allow(clippy::disallowed_methods, reason = "an application reads the clock")]

use futures_util::StreamExt;
use postrider::{
    BoxStream, Mail, MailOutcome, Mailer, Message, Phase, RecipientOutcome, Reply, Sender, Timestamp,
};
use std::error::Error;
use std::time::Duration;

/// Takes mail for example.org and refuses all other for good.
struct Printer;

impl Printer {
    fn print(mail: &Mail) -> MailOutcome {
        let mut outcome = MailOutcome::all(mail.ticket, 0, RecipientOutcome::Accepted(taken()), "terminal");
        for recipient in &mail.to {
            let address = recipient.address.as_str();
            outcome.recipients.push(match recipient.address.domain() {
                "example.org" => RecipientOutcome::Accepted(taken()),
                _ => RecipientOutcome::Refused {
                    phase: Phase::Rcpt,
                    reply: Reply::new(550, "5.1.2 example.org only"),
                },
            });
            println!("{address}: {} octets", mail.size());
        }
        outcome
    }
}

fn taken() -> Reply {
    Reply::new(250, "2.0.0 printed")
}

impl Sender for Printer {
    fn send_batch<'a>(&'a self, mails: BoxStream<'a, Mail>) -> BoxStream<'a, MailOutcome> {
        mails.map(|mail| Self::print(&mail)).boxed()
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mailer = Mailer::builder()
        .memory()
        .clock(Timestamp::now)
        .sender(Printer)
        .from("shop@example.com")
        .open()
        .await?;
    let message = Message::new().to("ada@example.org").cc("eve@example.net").subject("Hello").text("Hello!");
    let outcome = mailer.send_within(message, Duration::from_secs(30)).await?;
    println!("{}", outcome.status.word());
    for (recipient, became) in outcome.envelope.to.iter().zip(&outcome.recipients) {
        println!("{}: {}", recipient.address.as_str(), became.status.word());
    }
    mailer.close(Duration::from_secs(10)).await?;
    Ok(())
}
