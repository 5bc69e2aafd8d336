//! A mailer inside an application, with its mail on disk.
//!
//!     cargo run -p postrider --example embed -- FOLDER [RELAY_HOST PORT]
//!
//! Without a relay the mail ends in `InboxSender`, which takes everything.
#![allow(clippy::print_stdout, reason = "an example speaks to the terminal")]
#![allow(clippy::disallowed_methods, reason = "an application reads the clock")]

use postrider::{InboxSender, Mailer, Message, SmtpSender, SmtpSettings, Timestamp};
use std::error::Error;
use std::time::Duration;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let folder = words.next().ok_or("say in which folder the mail is to be kept")?;
    let builder = Mailer::builder().disk(folder).clock(Timestamp::now).from("Shop <shop@example.com>");
    let mailer = match (words.next(), words.next()) {
        (Some(host), Some(port)) => {
            let relay = SmtpSettings::plain(host).port(port.parse()?);
            builder.sender(SmtpSender::new(relay)?).open().await?
        }
        (_, _) => builder.sender(InboxSender).open().await?,
    };

    let message = Message::new()
        .to("Ada <ada@example.org>")
        .subject("Your order")
        .html("<h1>Thank you</h1><p>It is on its way.</p>");
    // From here on the mail survives whatever dies.
    let id = mailer.submit(message).await?;
    println!("accepted {id}");

    let seen = mailer.wait(id, Duration::from_secs(30)).await?;
    println!("{}", seen.map_or("gone", |seen| seen.status.word()));

    mailer.close(Duration::from_secs(10)).await?;
    Ok(())
}
