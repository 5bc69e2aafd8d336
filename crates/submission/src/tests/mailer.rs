//! The door over the real library and a store in memory.

use super::*;
use crate::serve;
use postrider::{AnyStore, Limits, Mailer, MailerSettings, Profile, Store};
use queue::{Filter, StoreSettings};
use std::time::Duration;

/// A door over the real library.
pub(super) struct Real {
    pub(super) at: SocketAddr,
    store: AnyStore,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

pub(super) async fn real() -> Real {
    let clock = Arc::new(testkit::ManualClock::new("2030-01-01T00:00:00Z".parse().unwrap()));
    let store = AnyStore::memory(StoreSettings::default(), clock.clone());
    let access = Access::new(Arc::new(StateDb::in_memory().unwrap()));
    let rules = MailerSettings {
        profile: Profile::default(),
        limits: Limits::default(),
        expire_after: Duration::from_secs(3600),
        first_try: Duration::ZERO,
        relays: vec!["default".into()],
        hostname: "door.test".into(),
    };
    let mailer = Mailer::new(store.clone(), access, rules, clock, postrider::Relays::default());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let (stop, stopped) = watch::channel(false);
    let task = tokio::spawn(serve(Listener::Tcp(listener), mailer, settings(), stopped));
    Real { at, store, stop, task }
}

#[tokio::test]
async fn a_mail_is_in_the_queue_when_250_is_said() {
    let Real { at, store, stop, task } = real().await;
    let mut client = Client::over(TcpStream::connect(at).await.unwrap());
    client.check(&OPENING).await;
    client.check(&[("DATA", "354")]).await;
    client
        .say("From: a@b.c\r\nSubject: hello\r\nX-Postrider-Tag: k=v\r\nBcc: z@z.z\r\n\r\nbody\r\n.\r\n")
        .await;
    let answer = client.hear().await;
    let id = answer.strip_prefix("250 2.0.0 Ok: queued as ").unwrap_or_else(|| panic!("{answer}"));
    let page = store.list(Filter::default()).await.unwrap();
    let ids: Vec<_> = page.jobs.iter().map(|job| job.id.to_string()).collect();
    assert_eq!(ids, [id]);
    let content = store.content(page.jobs[0].id).await.unwrap();
    let header = String::from_utf8_lossy(&content.header).replace("\r\n ", " ");
    assert!(header.contains("Received: from c.test ([127.0.0.1]) by door.test (postrider "), "{header}");
    assert!(!header.contains("X-Postrider") && !header.contains("Bcc"), "{header}");

    client.check(&OPENING[2..]).await;
    client.check(&[("DATA", "354"), ("Subject: no From\r\n\r\nx\r\n.", "554 5.6.0")]).await;
    stop.send(true).unwrap();
    drop(client);
    task.await.unwrap();
}
