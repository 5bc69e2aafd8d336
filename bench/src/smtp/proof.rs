//! Before anything is timed: every client's mails arrive, with their own octets.

use crate::clients::Contender;
use crate::mails;
use crate::order::Order;
use crate::sink::Sink;
use anyhow::{Context, Result, ensure};

pub fn check(all: &[Contender]) -> Result<()> {
    let sink = Sink::start(true, None)?;
    sink.keep(true);
    for contender in all {
        let count = 2 * mails::POOL;
        let order = Order { port: sink.port(), ca: None, user: None, connections: 2, warm: 0, count };
        contender.run(&order).with_context(|| contender.name)?;
        let mut got = sink.take();
        ensure!(got.len() == count, "{}: {} of {count} mails arrived", contender.name, got.len());
        if contender.sends_its_own() {
            let short = got.iter().map(Vec::len).min().unwrap_or(0);
            ensure!(short >= mails::whole(0).len(), "{}: a mail of {short} octets", contender.name);
            continue;
        }
        let mut ends = 0;
        for mail in &mut got {
            // mail-send ends the text with a line of its own
            if mail.ends_with(b"\r\n\r\n") {
                mail.truncate(mail.len() - 2);
                ends += 1;
            }
        }
        if ends > 0 {
            println!("{} adds an empty line to {ends} of {count} mails.", contender.name);
        }
        let mut want: Vec<Vec<u8>> = (0..count).map(|n| mails::whole(n % mails::POOL)).collect();
        got.sort();
        want.sort();
        ensure!(got == want, "{}: a mail arrived with other octets", contender.name);
    }
    Ok(())
}
