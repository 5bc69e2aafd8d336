//! Every bound on what a peer can make us hold, and the sizes the RFCs set for our own lines.

/// Longest reply line we read, CRLF included. RFC 5321 4.5.3.1.5 allows 512; real servers exceed it.
pub const REPLY_LINE: usize = 4 * 1024;
/// Most lines in one reply. RFC 5321 4.2.1 sets none; the longest EHLO seen has some thirty.
pub const REPLY_LINES: usize = 128;
/// Most octets in one reply, all lines together.
pub const REPLY_OCTETS: usize = 64 * 1024;
/// Most octets of a reply kept with a result: it is kept for each recipient, shown and logged.
pub const REPLY_KEPT: usize = 1024;
/// Longest command line a server reads, CRLF included: RFC 5321 4.5.3.1.4 sets 512, and the
/// extensions add to it (RFC 3461 4: 500 for ORCPT, RFC 4954 4: 500, RFC 6531 3.4: 10, RFC 1870: 26).
pub const COMMAND_LINE: usize = 2 * 1024;
/// Longest AUTH command of ours, CRLF included (RFC 5321 4.5.3.1.4, RFC 4954 4): what is longer waits for a challenge.
pub const AUTH_COMMAND: usize = 512;
/// Rounds of PBKDF2 a SCRAM server may ask for. RFC 7677 4 wants 4096 at least; fewer than 1000 is a server that
/// wants to guess, more than a million one that wants to keep us busy: that is a third of a second.
pub const SCRAM_ITERATIONS: std::ops::RangeInclusive<u32> = 1_000..=1_000_000;
/// Longest line within an AUTH exchange, CRLF included (RFC 4954 4.3).
pub const AUTH_LINE: usize = 12 * 1024;
/// Most challenges a server may send in one AUTH exchange; SCRAM needs two, NTLM two, LOGIN two.
pub const AUTH_ROUNDS: u8 = 6;
/// Longest challenge of CRAM-MD5; RFC 2195 describes a message id.
pub const CRAM_CHALLENGE: usize = 1024;
/// Most attributes of a SCRAM message (RFC 5802 7); real ones have four.
pub const SCRAM_ATTRIBUTES: usize = 16;
/// Longest nonce of a SCRAM client.
pub const SCRAM_CLIENT_NONCE: usize = 256;
/// Most octets kept of what a server says of a refused token (RFC 7628 3.2.2).
pub const EXPLANATION: usize = 300;
/// Errors without a message between them after which a client is sent away by 421 (RFC 5321 4.3.2).
pub const ERRORS: u32 = 20;
/// Failed logins in one connection.
pub const LOGINS: u32 = 5;
/// Commands without a message; more than the recipients of one transaction need.
pub const COMMANDS: u32 = 4_000;
/// Octets dropped of an over-long line before the client is sent away.
pub const SKIPPED: usize = 1 << 20;
/// Longest name in EHLO (RFC 5321 4.5.3.1.2).
pub const HELLO_NAME: usize = 255;
/// Longest ENVID in xtext (RFC 3461 4.4).
pub const ENVID: usize = 100;
/// Longest ORCPT in xtext, with its address type (RFC 3461 4.2).
pub const ORCPT: usize = 500;
/// Longest address in the AUTH parameter of MAIL (RFC 4954 5), in xtext.
pub const MAIL_AUTH: usize = 500;
/// Most digits of a SIZE value (RFC 1870 4).
pub const SIZE_DIGITS: usize = 20;
/// Most transactions of a connection that may end without an accepted recipient: to Exim the RSET behind each
/// is a command that brings no mail, and it answers the eleventh such with 554 and hangs up.
pub const BARREN: usize = 8;
/// Most octets of a line of a transcript.
pub const TRANSCRIPT_LINE: usize = 512;
/// Most octets of a transcript that the session's own lines take: greeting, EHLO, TLS, AUTH.
pub const TRANSCRIPT_SESSION: usize = 4 * 1024;
/// Most octets of a transcript kept for a failed mail.
pub const TRANSCRIPT: usize = 16 * 1024;
/// Most octets of a transcript kept for a mail that went well.
pub const TRANSCRIPT_SUCCESS: usize = 300;
