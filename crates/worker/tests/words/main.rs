//! What the log says of each mail: the reference's lines at its levels. A program of its own, for the log is
//! the whole program's.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    dead_code,
    reason = "a test ends by panic, and of the workbench this needs a part"
)]

#[path = "../it/bench.rs"]
mod bench;

use bench::{Answer, accepted, bench, job, refused};
use queue::{NewJob, Status};
use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard};
use tracing::Level;

/// A log that is read back.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn octets(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap()
    }

    fn lines(&self) -> Vec<String> {
        String::from_utf8(self.octets().clone()).unwrap().lines().map(|l| l.trim().to_owned()).collect()
    }
}

impl Write for Log {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.octets().write(octets)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn named(to: &[&str]) -> NewJob {
    let mut job = job(to);
    job.meta.info = Some("UID: 7, activate account".into());
    job.body = "https://shop.example/activate?code=7f3a".into();
    job
}

#[tokio::test]
async fn each_mail_is_told_as_the_reference_tells_it() {
    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::fmt()
        .with_max_level(Level::TRACE)
        .with_writer(move || writer.clone())
        .without_time()
        .with_ansi(false)
        .with_target(false)
        .init();
    let mut bench = bench(|mail, _| match mail.to[0].address.local() {
        "mixed" => Answer::Each(vec![accepted(), refused(550, "5.1.1 nobody"), accepted()]),
        "later" => Answer::All(refused(451, "4.3.0 later")),
        _ => Answer::All(accepted()),
    });
    let cases = [
        (vec!["ada@example.org"], Status::Sent),
        (vec!["mixed@example.org", "eve@example.org", "bob@example.org"], Status::Partial),
        (vec!["later@example.org"], Status::Deferred),
    ];
    let mut want = Vec::new();
    for (to, status) in cases {
        let job = named(&to);
        let id = job.id;
        bench.submit_all(vec![job]).await;
        bench.until(id, status).await;
        let info = "UID: 7, activate account";
        want.push(format!("TRACE New e-mail sending request [{}]: {info} id={id}", to.join(", ")));
        match status {
            Status::Sent => want.push(format!("TRACE E-mails sent [ada@example.org]: {info} id={id}")),
            Status::Partial => {
                want.push(format!(
                    "ERROR Failed to send emails [eve@example.org]: {info} - RCPT: 550 5.1.1 nobody id={id}"
                ));
                want.push(format!("TRACE E-mails sent [mixed@example.org, bob@example.org]: {info} id={id}"));
            }
            _ => want.push(format!(
                "WARN E-mail deferred [later@example.org]: {info} - RCPT: 451 4.3.0 later id={id} retry_at="
            )),
        }
    }
    let ours = |line: &String| line.contains("mail");
    let lines: Vec<String> = log.lines().into_iter().filter(ours).collect();
    assert_eq!(lines.len(), want.len(), "{lines:#?}");
    for (line, want) in lines.iter().zip(&want) {
        assert!(line.starts_with(want.as_str()), "{line:?} instead of {want:?}");
    }
    assert!(!log.lines().concat().contains("7f3a"), "a body in the log");
}
