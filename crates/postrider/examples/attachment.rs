//! A message with a file and a picture that its HTML shows, looked at before it is sent.
//!
//!     cargo run -p postrider --example attachment > order.eml
#![allow(clippy::print_stdout, reason = "an example speaks to the terminal")]
#![allow(clippy::disallowed_methods, reason = "an application reads the clock")]

use postrider::{InboxSender, Mailer, Message, Timestamp};
use std::error::Error;
use std::io::Write;
use std::time::Duration;

/// One red pixel.
const PICTURE: &[u8] =
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x02\0\0\0\x90wS\xde\0\0\0\x0cIDAT\x08\xd7c\xf8\
\xcf\xc0\0\0\x03\x01\x01\0\x18\xdd\x8d\xb0\0\0\0\0IEND\xaeB`\x82";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mailer = Mailer::builder()
        .memory()
        .clock(Timestamp::now)
        .sender(InboxSender)
        .from("Shop <shop@example.com>")
        .open()
        .await?;
    let message = Message::new()
        .to(("Ada Lovelace", "ada@example.org"))
        .reply_to("help@example.com")
        .subject("Your invoice – thank you")
        .html("<p><img src=\"cid:logo\" alt=\"Shop\"></p><p>The invoice is attached.</p>")
        .attach("invoice.txt", "One pixel, red: 1.00\n")
        .attach_inline("logo", "logo.png", PICTURE)
        .header("X-Order", "4711")
        .tag("kind", "invoice");

    let mail = mailer.compose(&message)?;
    let mut out = std::io::stdout().lock();
    out.write_all(&mail.header)?;
    out.write_all(&mail.body)?;

    mailer.submit(message).await?;
    mailer.close(Duration::from_secs(10)).await?;
    Ok(())
}
