//! The mailer in a program without async.
//!
//!     cargo run -p postrider --example blocking
#![allow(clippy::print_stdout, reason = "an example speaks to the terminal")]
#![allow(clippy::disallowed_methods, reason = "an application reads the clock")]

use postrider::{InboxSender, Message, Timestamp, blocking::Mailer};
use std::error::Error;
use std::time::Duration;

fn main() -> Result<(), Box<dyn Error>> {
    let mailer = Mailer::builder()
        .memory()
        .clock(Timestamp::now)
        .sender(InboxSender)
        .from("report@example.com")
        .open_blocking()?;

    let report = Message::new().to("ada@example.org").subject("Nightly report").text("All is well.\n");
    let outcome = mailer.send_within(report, Duration::from_secs(30))?;
    println!("{}", outcome.status.word());

    // Mistakes come back at once, each with its field.
    let slip = Message::new().to("nobody").subject("two\nlines").text("x");
    println!("{}", mailer.submit(slip).err().map(|error| error.to_string()).unwrap_or_default());

    mailer.close(Duration::from_secs(10))?;
    Ok(())
}
