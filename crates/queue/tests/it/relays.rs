//! Which relay gets a job: its route, its urgency, a doubt, a relay that vanished.

use crate::house::{House, finals, job, jobs, over_all, retry_in, settings};
use postrider_queue::{KnownRelays, LeaseAsk, NewJob, Next, Priority, Settlement, Status, Store};

impl House {
    /// What a relay of the default route gets right now.
    async fn for_relay(&self, relay: &str, urgent: bool) -> Vec<postrider_queue::Lease> {
        let ask = LeaseAsk { relay: relay.into(), urgent, ..LeaseAsk::new("default", 9) };
        let mut asking = Box::pin(self.store.lease(ask));
        tokio::select! {
            biased;
            leases = &mut asking => leases.unwrap(),
            _ = self.store.stats() => Vec::new(),
        }
    }

    async fn know(&self, routes: &[&str], relays: &[&str]) {
        let own = |names: &[&str]| names.iter().map(|n| (*n).into()).collect();
        self.store.know(KnownRelays { routes: own(routes), relays: own(relays) }).await.unwrap();
    }
}

macro_rules! contract {
    ($($name:ident($house:ident) $body:block)+) => {
        $(#[tokio::test]
        async fn $name() {
            over_all(settings(), |$house: House| async move { $body }).await;
        })+
    };
}

fn doubt() -> Settlement {
    // The attempt's relay is called "default".
    Settlement { in_doubt: true, ..retry_in(0) }
}

contract! {
    mail_in_doubt_goes_to_its_own_relay_only(h) {
        let id = h.insert(jobs(&["one"])).await[0];
        let lease = h.lease_one().await;
        h.settle(lease, doubt()).await;
        assert!(h.for_relay("second", false).await.is_empty());
        let lease = h.for_relay("default", false).await.pop().unwrap();
        assert!(lease.job.pinned && lease.job.possible_duplicate);
        // Trouble that spends no attempt changes nothing.
        h.settle(lease, Settlement { counted: false, attempt: None, ..retry_in(0) }).await;
        assert!(h.for_relay("second", false).await.is_empty());
        let lease = h.lease_one().await;
        // A clear answer ends the doubt about where it may be.
        h.settle(lease, retry_in(0)).await;
        let lease = h.for_relay("second", false).await.pop().unwrap();
        assert!(!lease.job.pinned && lease.job.possible_duplicate, "the mark stays");
        assert_eq!(lease.job.id, id);
    }

    a_settlement_names_the_next_relay(h) {
        h.insert(jobs(&["one"])).await;
        let lease = h.lease_one().await;
        let elsewhere = Settlement { counted: false, only: Some("second".into()), ..retry_in(0) };
        h.settle(lease, elsewhere).await;
        assert!(h.for_relay("default", false).await.is_empty());
        assert_eq!(h.for_relay("second", false).await.len(), 1);
    }

    a_vanished_relay_holds_no_mail_in_doubt(h) {
        h.insert(jobs(&["one", "two"])).await;
        let mut leases = h.lease(2).await;
        h.settle(leases.pop().unwrap(), doubt()).await;
        h.settle(leases.pop().unwrap(), Settlement { in_doubt: true, ..retry_in(30) }).await;
        h.know(&["default"], &["second"]).await;
        let ready = h.for_relay("second", false).await;
        assert_eq!(ready.len(), 1, "the one that was ready");
        h.pass(60);
        assert_eq!(h.for_relay("second", false).await.len(), 1, "the one that was deferred");
    }

    mail_that_waits_for_a_relay_is_ready_when_the_relay_is_well(h) {
        let named = |route: &str| NewJob { route: route.into(), ..job(route) };
        let ids = h.insert(vec![job("waits"), job("refused"), job("only"), named("second"), named("other")]).await;
        let trouble = || Settlement { counted: false, ..retry_in(600) };
        let mut leases = h.lease(3).await.into_iter();
        h.settle(leases.next().unwrap(), trouble()).await;
        h.settle(leases.next().unwrap(), retry_in(600)).await;
        h.settle(leases.next().unwrap(), Settlement { only: Some("third".into()), ..trouble() }).await;
        for route in ["second", "other"] {
            let lease = h.store.lease(LeaseAsk::new(route, 1)).await.unwrap().pop().unwrap();
            h.settle(lease, trouble()).await;
        }
        let ready = async || {
            let mut ready = Vec::new();
            for (n, id) in ids.iter().enumerate() {
                if h.status(*id).await == Status::Queued {
                    ready.push(n);
                }
            }
            ready
        };
        assert_eq!(ready().await, [0_usize; 0]);
        for (relay, want) in [("second", &[0, 3][..]), ("third", &[0, 2, 3])] {
            let before = ready().await.len();
            let hurried = h.store.hurry(relay.into(), "default".into()).await.unwrap();
            assert_eq!((ready().await, hurried), (want.to_vec(), (want.len() - before) as u64), "{relay}");
        }
        assert_eq!(h.view(ids[0]).await.due_at, h.now());
        assert_eq!(h.for_relay("default", false).await.len(), 1);
        // An answer of its own, after that: it waits for itself.
        let lease = h.for_relay("default", false).await.pop().unwrap();
        h.settle(lease, retry_in(600)).await;
        assert_eq!(h.store.hurry("default".into(), "default".into()).await.unwrap(), 0);
        h.pass(600);
        assert_eq!(ready().await, [0, 1, 2, 3, 4]);
    }

    mail_of_a_vanished_route_is_held_until_the_route_is_back(h) {
        let pinned = NewJob { route: "bulk".into(), ..job("pinned") };
        let id = h.insert(vec![pinned]).await[0];
        let hand = h.insert(jobs(&["by hand"])).await[0];
        h.store.act(hand, postrider_queue::Action::Hold("by hand".into())).await.unwrap();
        h.know(&["default"], &["default"]).await;
        let view = h.view(id).await;
        assert_eq!(view.status, Status::Held);
        assert!(view.held_because.unwrap().contains("\"bulk\" is not in the settings"));
        h.know(&["default", "bulk"], &["default", "bulk"]).await;
        assert_eq!((h.status(id).await, h.status(hand).await), (Status::Queued, Status::Held));
        let leases = h.store.lease(LeaseAsk::new("bulk", 9)).await.unwrap();
        assert_eq!(leases.len(), 1);
    }

    mail_that_names_a_relay_goes_there_only(h) {
        let named = |n: &str| NewJob { route: "second".into(), ..job(n) };
        h.insert(vec![named("a"), job("b"), named("c"), job("d")]).await;
        assert_eq!(h.for_relay("third", false).await.len(), 2);
        let own = LeaseAsk { relay: "second".into(), route: None, place: 0, urgent: false, limit: 9 };
        let leases = h.store.lease(own).await.unwrap();
        assert!(leases.iter().all(|l| &*l.job.route == "second" && !l.job.pinned));
        assert_eq!(leases.len(), 2, "a relay that is spare gets its own only");
        drop(leases);
        let mut both = Vec::new();
        for _ in 0..4 {
            let one = LeaseAsk { limit: 1, relay: "second".into(), ..LeaseAsk::new("default", 1) };
            both.extend(h.store.lease(one).await.unwrap());
        }
        let routes: Vec<_> = both.iter().map(|l| l.job.route.len()).collect();
        assert!(routes.windows(2).all(|w| w[0] != w[1]), "in turn, so that neither waits for the other");
    }

    of_those_who_wait_the_preferred_relay_is_served(h) {
        let ask = |relay: &str, place| LeaseAsk { relay: relay.into(), place, ..LeaseAsk::new("default", 1) };
        let mut first = Box::pin(h.store.lease(ask("first", 0)));
        let mut second = Box::pin(h.store.lease(ask("second", 1)));
        let mut third = Box::pin(h.store.lease(ask("third", 2)));
        tokio::select! {
            biased;
            _ = &mut third => panic!("nothing was there"),
            _ = &mut first => panic!("nothing was there"),
            _ = &mut second => panic!("nothing was there"),
            _ = h.store.stats() => {}
        }
        h.insert(jobs(&["a", "b"])).await;
        let leases = (first.await.unwrap(), second.await.unwrap());
        assert_eq!((leases.0.len(), leases.1.len()), (1, 1));
    }

    urgent_mail_comes_first_whatever_it_names(h) {
        let urgent = |route: &str| NewJob { route: route.into(), priority: Priority::Urgent, ..job(route) };
        h.insert(vec![job("a"), NewJob { route: "second".into(), ..job("b") }]).await;
        h.insert(vec![urgent("default"), urgent("second")]).await;
        let mut leases = h.for_relay("second", false).await;
        assert_eq!(leases.len(), 4);
        assert!(leases.drain(..2).all(|l| l.job.priority == Priority::Urgent));
    }

    a_connection_for_urgent_mail_takes_no_other(h) {
        h.insert(jobs(&["one"])).await;
        assert!(h.for_relay("default", true).await.is_empty());
        h.insert(vec![NewJob { priority: Priority::Urgent, ..job("code") }]).await;
        let leases = h.for_relay("default", true).await;
        assert_eq!(leases.iter().map(|l| l.job.meta.subject.as_str()).collect::<Vec<_>>(), ["code"]);
        h.settle(leases.into_iter().next().unwrap(), finals(&[], Next::Hold("x".into()))).await;
    }
}
