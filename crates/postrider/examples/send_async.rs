//! Mail that nobody waits for: from any thread, in order, with a hook for what is not taken.
//!
//!     cargo run -p postrider --example send_async
#![allow(clippy::print_stdout, reason = "an example speaks to the terminal")]
#![allow(clippy::disallowed_methods, reason = "an application reads the clock")]

use postrider::{InboxSender, Mailer, Message, Timestamp};
use std::error::Error;
use std::time::Duration;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mailer = Mailer::builder()
        .memory()
        .clock(Timestamp::now)
        .sender(InboxSender)
        .from("forge@example.com")
        .on_error(|message, error| println!("not taken: {:?}: {error}", message.draft.subject))
        .open()
        .await?;

    let worker = mailer.clone();
    std::thread::spawn(move || {
        for number in 1..=3 {
            let subject = format!("Build {number} is ready");
            worker.send_async(Message::new().to("ada@example.org").subject(subject).text("Have a look."));
        }
        worker.send_async(Message::new().to("nobody").subject("Build 4 is ready").text("Have a look."));
    })
    .join()
    .map_err(|_| "the thread broke off")?;

    // Stores what was handed over, sends what is due.
    mailer.close(Duration::from_secs(10)).await?;
    let sent: u64 = mailer.relays().status().iter().map(|relay| relay.sent).sum();
    println!("{sent} sent");
    Ok(())
}
