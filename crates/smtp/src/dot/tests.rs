//! Round trips, and the sequences by which one message was smuggled inside another.

use super::*;
use proptest::prelude::*;

fn stuffed(chunks: &[&[u8]]) -> Vec<u8> {
    let mut stuffer = Stuffer::default();
    let mut wire: Vec<u8> = Vec::new();
    for chunk in chunks {
        for slice in stuffer.stuff(chunk) {
            wire.extend_from_slice(slice);
        }
    }
    wire.extend_from_slice(stuffer.end());
    wire
}

/// The text, the octets left over, or an error.
fn unstuffed(wire: &[u8], step: usize) -> Result<(Vec<u8>, usize, bool), BareLineEnd> {
    let (mut unstuffer, mut text, mut taken) = (Unstuffer::default(), Vec::new(), 0);
    for chunk in wire.chunks(step) {
        let fed = unstuffer.feed(chunk, &mut text)?;
        taken += fed.consumed;
        if fed.done {
            return Ok((text, wire.len() - taken, true));
        }
    }
    Ok((text, wire.len() - taken, false))
}

#[test]
fn dots_are_doubled_at_line_starts_only() {
    let check = |chunks: &[&str], want: &str| {
        let chunks: Vec<&[u8]> = chunks.iter().map(|chunk| chunk.as_bytes()).collect();
        assert_eq!(String::from_utf8_lossy(&stuffed(&chunks)), want, "{chunks:?}");
    };
    check(&[""], ".\r\n");
    check(&["."], "..\r\n.\r\n");
    check(&[".", "."], "...\r\n.\r\n");
    check(&["a.b\r\n"], "a.b\r\n.\r\n");
    check(&["\r\n"], "\r\n.\r\n");
    check(&["no end"], "no end\r\n.\r\n");
    check(&["a\r"], "a\r\n.\r\n");
    check(&["a\r", "\n"], "a\r\n.\r\n");
    check(&["a\r\n", ".b\r\n"], "a\r\n..b\r\n.\r\n");
    check(&["a\r", "\n.b\r\n"], "a\r\n..b\r\n.\r\n");
    check(&["a\r\n", "", ".b\r\n"], "a\r\n..b\r\n.\r\n");
    check(&["a\r\n.\r\n\r\n..\r\n"], "a\r\n..\r\n\r\n...\r\n.\r\n");
    check(&["\r\n\r\n.x\r\n"], "\r\n\r\n..x\r\n.\r\n");
}

#[test]
fn text_without_leading_dots_is_one_slice_of_the_input() {
    let text = b"Subject: x\r\n\r\na.b.c\r\n";
    let mut stuffer = Stuffer::default();
    let slices: Vec<&[u8]> = stuffer.stuff(text).collect();
    assert_eq!(slices.len(), 1);
    assert_eq!(slices[0].as_ptr(), text.as_ptr());
}

#[test]
fn no_smuggling_sequence_ends_the_message() {
    let sequences: [&[u8]; 11] = [
        b"\n.\n",
        b"\r.\r",
        b"\r.\n",
        b"\n.\r",
        b"\n.\r\n",
        b"\r\n.\n",
        b"\r.\r\n",
        b"\r\n.\r",
        b"\r\n\0.\r\n",
        b"\r\n.\0\r\n",
        b"\r\n.\r\r\n",
    ];
    for sequence in sequences {
        let wire = [b"first", sequence, b"MAIL FROM:<evil@example>\r\n.\r\n"].concat();
        for step in [1, 2, wire.len()] {
            match unstuffed(&wire, step) {
                Err(BareLineEnd) => assert!(!sequence.contains(&0), "{sequence:?}"),
                Ok((text, left, done)) => {
                    assert!(done && left == 0, "{sequence:?}");
                    assert!(text.ends_with(b"MAIL FROM:<evil@example>\r\n"), "{sequence:?}");
                }
            }
        }
    }
}

#[test]
fn an_error_stays() {
    let mut unstuffer = Unstuffer::default();
    assert!(unstuffer.feed(b"a\nb", &mut Vec::new()).is_err());
    assert!(unstuffer.feed(b"\r\n.\r\n", &mut Vec::new()).is_err());
}

#[test]
fn what_follows_the_end_is_left() {
    let wire = b"a\r\n.\r\nQUIT\r\n";
    let mut text = Vec::new();
    let fed = Unstuffer::default().feed(wire, &mut text);
    assert_eq!(fed, Ok(Fed { consumed: 6, done: true }));
    assert_eq!(text, b"a\r\n");
    assert_eq!(unstuffed(b".\r\nx", 1), Ok((Vec::new(), 1, true)));
}

#[test]
fn line_ends_are_checked_across_chunks() {
    let check = |chunks: &[&str], good: bool| {
        let mut ends = LineEnds::default();
        let result =
            chunks.iter().try_for_each(|chunk| ends.check(chunk.as_bytes())).and_then(|()| ends.finish());
        assert_eq!(result.is_ok(), good, "{chunks:?}");
    };
    check(&["", "a", "a\r\n", "\r", "", "\n"], true);
    check(&["a\n"], false);
    check(&["a\r"], false);
    check(&["a\r", "b"], false);
    check(&["a\r\r\n"], false);
    check(&["\r\n\n"], false);
}

fn lines() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop::sample::select(vec![".", "..", "a", "\r\n", "\r\n.", "x.y"]), 0..40)
        .prop_map(|parts| parts.concat().into_bytes())
}

proptest! {
    #[test]
    fn what_is_stuffed_comes_back(text in lines(), cut in 0usize..100, step in 1usize..20) {
        let (head, tail) = text.split_at(cut.min(text.len()));
        let wire = stuffed(&[head, tail]);
        let mut want = text.clone();
        if !(want.is_empty() || want.ends_with(b"\r\n")) {
            want.extend_from_slice(b"\r\n");
        }
        prop_assert_eq!(unstuffed(&wire, step), Ok((want, 0, true)));
    }

    #[test]
    fn any_bytes_are_read_alike_whatever_the_split(bytes in prop::collection::vec(prop::sample::select(b"\r\n.a\0".to_vec()), 0..60), step in 1usize..9) {
        prop_assert_eq!(unstuffed(&bytes, step), unstuffed(&bytes, bytes.len().max(1)));
    }
}
