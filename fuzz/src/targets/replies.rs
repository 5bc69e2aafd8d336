//! What a server says: any split of it gives the same replies, and memory stays bounded.

use envelope::Reply;
use smtp::ReplyParser;

pub(super) const WORDS: &[&str] = &[
    "220 mx\r\n",
    "250-",
    "250 ok\r\n",
    "354 go\r\n",
    "421 ",
    "550 5.1.1 no\r\n",
    "\r\n",
    "\n",
    "\r",
    "999 x\r\n",
    "25",
    "2 5 0",
];

pub(super) fn run(octets: &[u8]) {
    let whole = read(octets, usize::MAX);
    for step in [1, 2, 7] {
        assert_eq!(read(octets, step), whole, "in steps of {step}");
    }
    for reply in whole.0 {
        assert!((200..600).contains(&reply.code));
        let held: usize = reply.lines.iter().map(|line| line.len()).sum();
        // A byte that is no UTF-8 becomes three octets.
        assert!(held <= 3 * smtp::limits::REPLY_OCTETS + 3 * smtp::limits::REPLY_LINE);
    }
}

/// The replies, and whether the stream broke the protocol.
fn read(octets: &[u8], step: usize) -> (Vec<Reply>, bool) {
    let (mut parser, mut replies) = (ReplyParser::default(), Vec::new());
    for chunk in octets.chunks(step) {
        parser.push(chunk);
        loop {
            match parser.next_reply() {
                Ok(Some(reply)) => replies.push(reply),
                Ok(None) => break,
                Err(_) => return (replies, true),
            }
        }
    }
    (replies, false)
}
