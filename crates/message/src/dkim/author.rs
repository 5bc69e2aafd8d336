//! What decides by whose keys a mail is signed.

use super::field::Header;
use envelope::Mailbox;

/// The domain of the first mailbox of From, as A-labels: the one a signature must be of for DMARC (RFC 7489
/// 3.1.1). `None` where there is no From that can be read, or its domain is an address literal.
pub fn author_domain(header: &[u8]) -> Option<String> {
    let fields = Header::read(header);
    let value = fields.value("From")?;
    let text = std::str::from_utf8(value).ok()?.replace("\r\n", "");
    let first = Mailbox::parse_list(text.trim()).ok()?.into_iter().next()?;
    let domain = first.address.domain();
    (!domain.starts_with('[')).then(|| domain.to_owned())
}

/// Whether somebody has signed the mail already.
pub fn is_signed(header: &[u8]) -> bool {
    Header::read(header).count("DKIM-Signature") > 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_domain_is_that_of_the_first_author() {
        for (header, want) in [
            ("From: a@X.Example\r\n\r\n", Some("x.example")),
            ("To: b@y.example\r\nFROM: \"c, d\" <a@x.example>,\r\n e@z.example\r\n\r\n", Some("x.example")),
            (
                "From:\r\n =?utf-8?q?=C3=A4?=\r\n <a@xn--bcher-kva.example>\r\n\r\n",
                Some("xn--bcher-kva.example"),
            ),
            ("From: a@b\u{fc}cher.example\r\n\r\n", Some("xn--bcher-kva.example")),
            ("From: a@[192.0.2.1]\r\n\r\n", None),
            ("From: nobody\r\n\r\n", None),
            ("To: a@x.example\r\n\r\nFrom: b@y.example\r\n", None),
            ("", None),
        ] {
            assert_eq!(author_domain(header.as_bytes()).as_deref(), want, "{header:?}");
        }
    }

    #[test]
    fn a_signature_is_seen_wherever_it_stands() {
        assert!(is_signed(b"Received: x\r\ndkim-signature: v=1\r\nFrom: a@b.c\r\n\r\n"));
        assert!(!is_signed(b"From: a@b.c\r\n\r\nDKIM-Signature: v=1\r\n"));
    }
}
