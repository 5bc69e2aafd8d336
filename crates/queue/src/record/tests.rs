//! Records come back as they went.

use super::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap()
}

#[test]
fn a_settlement_comes_back_as_it_went() {
    let settled = SettledRecord {
        id: JobId(uuid::Uuid::from_u128(7)),
        at: at(1),
        finals: vec![(0, RecipientState::Sent), (3, RecipientState::Failed)],
        due_at: Some(Timestamp::MAX),
        hold: Some("why".into()),
        counted: true,
        doubt: true,
        attempt: None,
    };
    let stored = Record::Settled(Box::new(settled.clone())).store(Bytes::new(), Bytes::new()).unwrap();
    let Record::Settled(back) = Record::read(stored.kind, &stored.head).unwrap() else {
        panic!("another kind")
    };
    assert_eq!(
        (back.id, back.at, back.finals, back.hold),
        (settled.id, settled.at, settled.finals, settled.hold)
    );
    assert!(back.counted && back.doubt && back.due_at.unwrap() >= at(253_402_207_000), "{:?}", back.due_at);
}

#[test]
fn bytes_that_are_no_record_are_an_error() {
    for kind in 0..=9 {
        for bytes in [&b""[..], b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", b"\x80"] {
            assert!(Record::read(kind, bytes).is_err(), "{kind} {bytes:?}");
        }
    }
}
