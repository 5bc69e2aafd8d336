//! Why a message that could go does not: its relays' trouble.

use jiff::{SignedDuration, Timestamp};
use postrider::{JobView, RelayStatus, Status};
use std::time::Duration;

/// What a message waits for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Waits {
    /// Every relay it may take, with its trouble; `None`: one of them is well, or the message does not wait.
    pub(crate) because: Option<String>,
    /// When it is tried next at the earliest; `None`: at once, or when somebody says so.
    pub(crate) until: Option<Timestamp>,
}

/// `relays`: as they do now.
pub(crate) fn waits(view: &JobView, relays: &[RelayStatus], now: Timestamp) -> Waits {
    let due = matches!(view.status, Status::Scheduled | Status::Deferred).then_some(view.due_at);
    if !matches!(view.status, Status::Queued | Status::Deferred) {
        return Waits { because: None, until: due };
    }
    let usable = |relay: &&RelayStatus| *relay.name == *view.route || *relay.route == *view.route;
    let all: Vec<_> = relays.iter().filter(usable).collect();
    let told: Vec<String> = all.iter().filter_map(|relay| trouble(relay)).collect();
    if told.is_empty() || told.len() < all.len() {
        return Waits { because: None, until: due };
    }
    // A paused relay has no time of its own.
    let again = all.iter().filter(|relay| relay.paused.is_none()).filter_map(|relay| relay.again_in).min();
    let again = again.and_then(|left| now.checked_add(signed(left)).ok());
    Waits { because: Some(told.join("; ")), until: again.max(due) }
}

fn trouble(relay: &RelayStatus) -> Option<String> {
    let name = &relay.name;
    match (&relay.paused, &relay.trouble) {
        (Some(why), _) => Some(format!("relay {name} is paused: {why}")),
        (None, Some(trouble)) => Some(format!("relay {name}: {trouble}")),
        (None, None) => None,
    }
}

fn signed(left: Duration) -> SignedDuration {
    SignedDuration::try_from(left).unwrap_or(SignedDuration::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use postrider::{Action, AnyStore, Clock, Store};
    use queue::StoreSettings;
    use std::sync::Arc;
    use testkit::ManualClock;

    const NOW: &str = "2030-01-01T00:00:00Z";

    fn relay(name: &str, trouble: Option<&str>, again_in: Option<u64>, paused: Option<&str>) -> RelayStatus {
        RelayStatus {
            name: name.into(),
            route: "default".into(),
            url: "smtp://x".into(),
            trouble: trouble.map(Into::into),
            again_in: again_in.map(Duration::from_secs),
            paused: paused.map(Into::into),
            connections: 1,
            last_success: None,
            sent: 0,
            running: Vec::new(),
        }
    }

    /// A message as the store shows it.
    async fn view(status: Status) -> JobView {
        let clock = Arc::new(ManualClock::new(NOW.parse().unwrap()));
        let store = AnyStore::memory(StoreSettings::default(), clock.clone());
        let id = queue::JobId(Default::default());
        let at = clock.now();
        let to = postrider::Address::parse("a@b.example").unwrap();
        store
            .insert(vec![queue::NewJob {
                id,
                project: "default".into(),
                envelope: postrider::Envelope::new(to.clone().into(), [to]),
                header: "A: b\r\n\r\n".into(),
                body: "".into(),
                meta: queue::Meta::new(queue::Door::Http),
                created_at: at,
                due_at: at,
                expires_at: at.checked_add(Duration::from_secs(60)).unwrap(),
                priority: queue::Priority::Normal,
                route: "default".into(),
                idempotency: None,
                eight_bit: false,
                utf8_header: false,
            }])
            .await
            .unwrap();
        if status == Status::Held {
            store.act(id, Action::Hold("by hand".into())).await.unwrap();
        }
        let view = store.get(id).await.unwrap().unwrap();
        assert_eq!(view.status, status);
        view
    }

    #[tokio::test]
    async fn a_message_waits_for_relays_when_none_is_well() {
        let (well, ill) = (relay("a", None, None, None), relay("b", Some("refused"), Some(90), None));
        let (worse, off) =
            (relay("c", Some("no route"), Some(30), None), relay("d", None, None, Some("why")));
        let pinned = |route: &str| RelayStatus { route: route.into(), ..ill.clone() };
        let queued = view(Status::Queued).await;
        for (relays, because, until) in [
            (vec![], None, None),
            (vec![well.clone(), ill.clone()], None, None),
            (vec![pinned("other")], None, None),
            (vec![ill.clone()], Some("relay b: refused"), Some("2030-01-01T00:01:30Z")),
            (
                vec![ill.clone(), worse],
                Some("relay b: refused; relay c: no route"),
                Some("2030-01-01T00:00:30Z"),
            ),
            (vec![off], Some("relay d is paused: why"), None),
        ] {
            let told = waits(&queued, &relays, NOW.parse().unwrap());
            let until = until.map(|at| at.parse().unwrap());
            assert_eq!(told, Waits { because: because.map(Into::into), until }, "{relays:?}");
        }
        let held = waits(&view(Status::Held).await, &[ill], NOW.parse().unwrap());
        assert_eq!(held, Waits::default());
    }
}
