//! What a server said it can do (RFC 5321 4.1.1.1): every keyword as it came, the known ones typed.

use envelope::Reply;

/// The extensions of one EHLO reply. Empty after HELO. Forget it when TLS begins (RFC 3207 4.2).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Capabilities {
    /// All keywords in order, upper-case, with their parameters as they came.
    pub keywords: Vec<Keyword>,
    /// RFC 2920.
    pub pipelining: bool,
    /// RFC 1870: the offered bound in octets; `Some(0)` when offered without one, or with one that
    /// is no number.
    pub size: Option<u64>,
    /// RFC 6152.
    pub eight_bit_mime: bool,
    /// RFC 6531.
    pub smtputf8: bool,
    /// RFC 3030, BDAT.
    pub chunking: bool,
    /// RFC 3461.
    pub dsn: bool,
    /// RFC 3207.
    pub starttls: bool,
    /// RFC 2034.
    pub enhanced_status_codes: bool,
    /// RFC 4954: mechanism names in upper-case, in the server's order, from `AUTH` and from the old
    /// `AUTH=` form, none twice.
    pub auth: Vec<Box<str>>,
    /// RFC 9422: most transactions in one connection.
    pub mail_max: Option<u32>,
    /// RFC 9422: most recipients in one transaction.
    pub rcpt_max: Option<u32>,
    /// RFC 9422: most domains among the recipients of one transaction.
    pub rcpt_domain_max: Option<u32>,
}

/// One EHLO line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keyword {
    pub name: Box<str>,
    pub parameters: Box<str>,
}

impl Capabilities {
    /// Reads a positive reply to EHLO or LHLO; the first line is the server's greeting.
    pub fn from_ehlo(reply: &Reply) -> Self {
        let mut all = Self::default();
        for line in reply.lines.iter().skip(1) {
            all.add(line.trim());
        }
        all
    }

    /// The size bound to obey, `None` when there is none.
    pub fn max_size(&self) -> Option<u64> {
        self.size.filter(|bound| *bound > 0)
    }

    /// Whether a mechanism is offered, in any case.
    pub fn offers_auth(&self, mechanism: &str) -> bool {
        self.auth.iter().any(|name| name.eq_ignore_ascii_case(mechanism))
    }

    fn add(&mut self, line: &str) {
        let split = line.find([' ', '\t', '=']).unwrap_or(line.len());
        let Some((name, rest)) = line.split_at_checked(split) else { return };
        let name = name.to_ascii_uppercase();
        let parameters = rest.trim_start_matches([' ', '\t', '=']).trim_end();
        match name.as_str() {
            "" => return,
            "PIPELINING" => self.pipelining = true,
            "SIZE" => self.size = Some(parameters.parse().unwrap_or(0)),
            "8BITMIME" => self.eight_bit_mime = true,
            "SMTPUTF8" => self.smtputf8 = true,
            "CHUNKING" => self.chunking = true,
            "DSN" => self.dsn = true,
            "STARTTLS" => self.starttls = true,
            "ENHANCEDSTATUSCODES" => self.enhanced_status_codes = true,
            "AUTH" => self.add_mechanisms(parameters),
            "LIMITS" => self.add_limits(parameters),
            _ => {}
        }
        self.keywords.push(Keyword { name: name.into(), parameters: parameters.into() });
    }

    fn add_mechanisms(&mut self, parameters: &str) {
        for name in parameters.split_ascii_whitespace() {
            if !self.offers_auth(name) {
                self.auth.push(name.to_ascii_uppercase().into());
            }
        }
    }

    /// RFC 9422 4: unknown names and values that are no number count as not said.
    fn add_limits(&mut self, parameters: &str) {
        for (name, value) in parameters.split_ascii_whitespace().filter_map(|limit| limit.split_once('=')) {
            let value = value.parse().ok().filter(|bound| *bound > 0);
            if name.eq_ignore_ascii_case("MAILMAX") {
                self.mail_max = value;
            } else if name.eq_ignore_ascii_case("RCPTMAX") {
                self.rcpt_max = value;
            } else if name.eq_ignore_ascii_case("RCPTDOMAINMAX") {
                self.rcpt_domain_max = value;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[&str]) -> Capabilities {
        let lines = ["mx.example greets you"].iter().chain(lines).map(|line| Box::from(*line)).collect();
        Capabilities::from_ehlo(&Reply { code: 250, lines })
    }

    #[test]
    fn known_keywords_are_typed_in_any_case() {
        let caps = read(&[
            "pipelining",
            "8BITMIME",
            "SMTPUTF8",
            "CHUNKING",
            "Dsn",
            "STARTTLS ",
            "ENHANCEDSTATUSCODES",
        ]);
        assert!(caps.pipelining && caps.eight_bit_mime && caps.smtputf8 && caps.chunking);
        assert!(caps.dsn && caps.starttls && caps.enhanced_status_codes);
        assert_eq!(read(&[]), Capabilities::default());
    }

    #[test]
    fn the_greeting_line_is_no_keyword() {
        let reply = Reply { code: 250, lines: vec!["PIPELINING".into()] };
        assert!(!Capabilities::from_ehlo(&reply).pipelining);
    }

    #[test]
    fn a_size_that_is_no_number_is_no_bound() {
        let check = |line: &str, size: Option<u64>, bound: Option<u64>| {
            let caps = read(&[line]);
            assert_eq!((caps.size, caps.max_size()), (size, bound), "{line:?}");
        };
        check("SIZE 1000", Some(1000), Some(1000));
        check("SIZE", Some(0), None);
        check("SIZE 0", Some(0), None);
        check("SIZE 99999999999999999999999999", Some(0), None);
        check("SIZE -1", Some(0), None);
        check("SIZE=77", Some(77), Some(77));
        check("XSIZE 5", None, None);
    }

    #[test]
    fn mechanisms_come_from_both_forms_once() {
        let caps = read(&["AUTH PLAIN login", "AUTH=LOGIN XOAUTH2", "AUTH"]);
        let names: Vec<&str> = caps.auth.iter().map(|name| &**name).collect();
        assert_eq!(names, ["PLAIN", "LOGIN", "XOAUTH2"]);
        assert!(caps.offers_auth("plain") && !caps.offers_auth("NTLM"));
    }

    #[test]
    fn limits_and_unknown_keywords_are_kept() {
        let caps = read(&["LIMITS MAILMAX=20 RCPTMAX=x rcptdomainmax=3 FOO=1", "XCLIENT NAME ADDR", ""]);
        assert_eq!((caps.mail_max, caps.rcpt_max, caps.rcpt_domain_max), (Some(20), None, Some(3)));
        assert_eq!(caps.keywords.len(), 2);
        assert_eq!(&*caps.keywords[1].parameters, "NAME ADDR");
    }
}
