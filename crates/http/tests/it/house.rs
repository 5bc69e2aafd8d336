//! A house with one door, and a client that needs no socket.

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use jiff::Timestamp;
use postrider::{Access, Limits, Mailer, MailerSettings, Profile};
use postrider_http::{HttpSettings, Peer, Trust, router};
use queue::state::{KeyScope, NewKey, StateDb};
use queue::{
    AnyStore, Attempt, AttemptRecipient, LeaseAsk, Next, RecipientState, Settlement, Store, StoreSettings,
};
use serde_json::{Value, json};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;
use testkit::ManualClock;
use tower::ServiceExt;

pub(crate) struct House {
    pub(crate) mailer: Mailer,
    pub(crate) state: Arc<StateDb>,
    pub(crate) router: Router,
}

/// What came back.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.text()))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn id(&self) -> String {
        assert_eq!(self.status, StatusCode::ACCEPTED, "{}", self.text());
        self.json()["id"].as_str().unwrap().to_owned()
    }
}

pub(crate) const START: &str = "2030-01-01T00:00:00Z";

pub(crate) const NEAR: Peer = Peer(Some(IpAddr::V4(Ipv4Addr::LOCALHOST)));
pub(crate) const FAR: Peer = Peer(Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1))));

pub(crate) fn house(trust: Trust) -> House {
    house_with(trust, |_| {})
}

pub(crate) fn house_with(trust: Trust, change: impl FnOnce(&mut MailerSettings)) -> House {
    let clock = Arc::new(ManualClock::new(START.parse().unwrap()));
    let keep_body = Duration::from_secs(3_600);
    let store = AnyStore::memory(StoreSettings { keep_body, ..StoreSettings::default() }, clock.clone());
    let state = Arc::new(StateDb::in_memory().unwrap());
    let mut settings = MailerSettings {
        profile: Profile::default(),
        limits: Limits::default(),
        expire_after: Duration::from_secs(3_600),
        relays: vec!["here".into()],
        hostname: "door.test".into(),
        first_try: Duration::ZERO,
    };
    change(&mut settings);
    let mailer =
        Mailer::new(store, Access::new(state.clone()), settings, clock, postrider::Relays::default());
    let settings =
        HttpSettings { public_url: Some("https://mail.example.com/".into()), ..HttpSettings::default() };
    let router = router(mailer.clone(), settings, trust);
    House { mailer, state, router }
}

impl House {
    pub(crate) fn key(&self, name: &str, project: &str, scopes: &[KeyScope]) -> String {
        let at = START.parse::<Timestamp>().unwrap();
        let new = NewKey { project: project.into(), scopes: scopes.to_vec(), ..NewKey::named(name, at) };
        self.state.create(&new).unwrap().key.to_string()
    }

    /// One call from this machine; `Host: localhost` unless given.
    pub(crate) async fn call(
        &self,
        method: &str,
        uri: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Reply {
        self.call_from(Some(NEAR), method, uri, headers, body).await
    }

    /// One call from a client with this address.
    pub(crate) async fn call_from(
        &self,
        peer: Option<Peer>,
        method: &str,
        uri: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Reply {
        let mut request = Request::builder().method(method).uri(uri);
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
            request = request.header("host", "localhost:8025");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(body.into()).unwrap();
        if let Some(peer) = peer {
            request.extensions_mut().insert(peer);
        }
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        Reply { status: parts.status, headers: parts.headers, body }
    }

    pub(crate) async fn get(&self, uri: &str) -> Reply {
        self.call("GET", uri, &[], "").await
    }

    pub(crate) async fn post(&self, uri: &str, body: &Value) -> Reply {
        self.call("POST", uri, &[], body.to_string()).await
    }

    /// Sends a plain message with this subject to these recipients; its id.
    pub(crate) async fn send(&self, subject: &str, to: &[&str]) -> String {
        let mail = json!({"from": "Ada <ada@example.org>", "to": to, "subject": subject, "text": "hello"});
        self.post("/emails", &mail).await.id()
    }

    /// Settles the one job that is due: the first recipient is sent, the others have failed.
    pub(crate) async fn deliver(&self) {
        let ask = LeaseAsk::new("default", 1);
        let lease = self.mailer.store().lease(ask).await.unwrap().pop().unwrap();
        let state = |index| if index == 0 { RecipientState::Sent } else { RecipientState::Failed };
        let reply = |index| match index {
            0 => envelope::Reply::new(250, "2.0.0 Ok: queued as PEER-1"),
            _ => envelope::Reply::new(550, "5.1.1 <b>nobody</b> here"),
        };
        let indices = 0..u32::try_from(lease.job.envelope.to.len()).unwrap();
        let recipient = |index| AttemptRecipient {
            index,
            command: "RCPT".into(),
            reply: Some(reply(index)),
            cause: None,
        };
        let attempt = Attempt {
            at: START.parse().unwrap(),
            relay: "here".into(),
            peer: "127.0.0.1:25".into(),
            recipients: indices.clone().map(recipient).collect(),
            transcript: "-> RCPT TO:<x@y.z>\n<- 250 <script>".into(),
            remote_id: Some("PEER-1".into()),
        };
        let settlement = Settlement {
            finals: indices.map(|index| (index, state(index))).collect(),
            next: Next::Hold(String::new()),
            attempt: Some(attempt),
            counted: true,
            in_doubt: false,
            only: None,
        };
        self.mailer.store().settle(vec![(lease, settlement)]).await.unwrap();
    }
}
