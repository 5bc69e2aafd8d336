//! The URLs of relays. A URL may hold a password, so no error repeats it.

use super::settings::{Place, Secret, Security};
use send::DummyScript;
use std::path::PathBuf;

/// A relay's URL, read.
#[derive(Debug, Clone)]
pub(crate) enum RelayUrl {
    /// `lmtp`: spoken as LMTP (RFC 2033).
    Smtp {
        place: Place,
        lmtp: bool,
        security: Security,
        user: Option<String>,
        password: Option<Secret>,
    },
    Sendmail {
        path: PathBuf,
        args: Vec<String>,
    },
    Inbox,
    Dummy(DummyScript),
}

const FORMS: &str = "smtp://host, smtps://host, smtp+starttls://host, smtp+unix:///path, lmtp://host, \
                     lmtp+unix:///path, sendmail:///path, dummy:// or inbox://";

/// RFC 2033 names none and forbids 25; this is what servers use.
const LMTP_PORT: u16 = 24;

/// Reads `scheme://[user[:password]@]host[:port]` and the forms without a host.
pub(crate) fn parse(url: &str) -> Result<RelayUrl, String> {
    let (scheme, rest) =
        url.split_once("://").ok_or_else(|| format!("this is no relay's URL; write {FORMS}"))?;
    let (security, port) = match scheme {
        "smtp" => (Security::Off, 25),
        "smtps" => (Security::Implicit, 465),
        "smtp+starttls" => (Security::StartTls, 587),
        "lmtp" => (Security::Off, LMTP_PORT),
        "smtp+unix" => return unix(rest, false),
        "lmtp+unix" => return unix(rest, true),
        "sendmail" => return sendmail(rest),
        "dummy" if rest.is_empty() => return Ok(RelayUrl::Dummy(DummyScript::default())),
        "dummy" if rest.starts_with('?') => {
            return DummyScript::parse(rest.trim_start_matches('?')).map(RelayUrl::Dummy);
        }
        "inbox" if rest.is_empty() => return Ok(RelayUrl::Inbox),
        "dummy" => return Err("only ?script=… may follow dummy://; remove the rest".into()),
        "inbox" => return Err("nothing may follow inbox://; remove it".into()),
        _ => return Err(format!("the scheme before :// is unknown; write {FORMS}")),
    };
    let (login, place) = match rest.rsplit_once('@') {
        Some((login, place)) => (Some(login), place),
        None => (None, rest),
    };
    let place = place.strip_suffix('/').unwrap_or(place);
    if place.contains(['/', '?', '#']) {
        return Err("nothing may follow host and port; remove it, and write / ? # @ of a password as \
                    %2F %3F %23 %40"
            .into());
    }
    let (user, password) = credentials(login)?;
    Ok(RelayUrl::Smtp { place: host(place, port)?, lmtp: scheme == "lmtp", security, user, password })
}

fn unix(path: &str, lmtp: bool) -> Result<RelayUrl, String> {
    if !path.starts_with('/') || path.len() == 1 {
        return Err("the path of the socket must be whole; write smtp+unix:///run/relay.sock".into());
    }
    let place = Place::Unix(PathBuf::from(decode(path)?));
    Ok(RelayUrl::Smtp { place, lmtp, security: Security::Off, user: None, password: None })
}

/// `/path?args=…`, the arguments as one percent-encoded text, split as a shell does.
fn sendmail(rest: &str) -> Result<RelayUrl, String> {
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    if !path.starts_with('/') || path.len() == 1 {
        return Err("the path of the program must be whole; write sendmail:///usr/sbin/sendmail".into());
    }
    let args = match (query, query.strip_prefix("args=")) {
        ("", _) => Vec::new(),
        (_, Some(args)) if !args.contains('&') => super::sendmail::words(&decode(args)?)?,
        _ => {
            return Err(
                "only args may follow the program; write sendmail:///path?args=-o%20x, and & as %26".into()
            );
        }
    };
    Ok(RelayUrl::Sendmail { path: PathBuf::from(decode(path)?), args })
}

fn credentials(login: Option<&str>) -> Result<(Option<String>, Option<Secret>), String> {
    let Some(login) = login else { return Ok((None, None)) };
    let (user, password) = match login.split_once(':') {
        Some((user, password)) => (user, Some(decode(password)?.into())),
        None => (login, None),
    };
    match decode(user)? {
        user if user.is_empty() => Err("there is no user before the \"@\"; write user:password@host".into()),
        user => Ok((Some(user), password)),
    }
}

fn host(place: &str, default: u16) -> Result<Place, String> {
    let (host, port) = match place.strip_prefix('[') {
        Some(literal) => {
            let (host, rest) =
                literal.split_once(']').ok_or("the closing \"]\" of the address is missing; add it")?;
            (host, rest.strip_prefix(':'))
        }
        None => match place.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (place, None),
        },
    };
    if host.is_empty() {
        return Err("the host is missing; write it behind ://".into());
    }
    if !super::values::is_host(host) {
        return Err(
            "the host is neither a name nor an address; write smtps://host, or smtps://[::1]:465".into()
        );
    }
    // Where "@host" was forgotten this is a password.
    let wrong =
        "what stands behind the last colon is not a port, a number from 1 to 65535; or \"@host\" is missing";
    let port = port.map_or(Ok(default), super::values::port).map_err(|_| wrong)?;
    Ok(Place::Host { host: host.to_owned(), port })
}

/// Undoes `%41`.
pub(super) fn decode(text: &str) -> Result<String, String> {
    let wrong = || "a % must be followed by two hexadecimal digits; write % itself as %25".to_owned();
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2).ok_or_else(wrong)?;
        bytes.push(u8::from_str_radix(digits, 16).map_err(|_| wrong())?);
        bytes.extend(rest.as_bytes());
    }
    String::from_utf8(bytes).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(url: &str) -> Result<String, String> {
        Ok(match parse(url)? {
            RelayUrl::Smtp { place, lmtp, security, user, password } => {
                let lmtp = if lmtp { "LMTP " } else { "" };
                format!("{place:?} {lmtp}{security:?} {user:?} {:?}", password.map(|p| p.0.to_string()))
            }
            other => format!("{other:?}"),
        })
    }

    fn check(url: &str, host: &str, port: u16, rest: &str) {
        let expected = format!("Host {{ host: {host:?}, port: {port} }} {rest}");
        assert_eq!(shown(url), Ok(expected), "{url}");
    }

    #[test]
    fn urls_are_read() {
        check("smtp://mail.example", "mail.example", 25, "Off None None");
        check("smtp://mail.example:2525/", "mail.example", 2525, "Off None None");
        check("smtps://u:p@mail.example", "mail.example", 465, r#"Implicit Some("u") Some("p")"#);
        check("smtp+starttls://a%40b:p%3A%25@h:26", "h", 26, r#"StartTls Some("a@b") Some("p:%")"#);
        check("smtp://a@b:c@h", "h", 25, r#"Off Some("a@b") Some("c")"#);
        check("lmtp://mail.example", "mail.example", 24, "LMTP Off None None");
        check("lmtp://u:p@mail.example:2003", "mail.example", 2003, r#"LMTP Off Some("u") Some("p")"#);
        assert_eq!(shown("lmtp+unix:///run/x"), Ok("Unix(\"/run/x\") LMTP Off None None".into()));
        check("smtp://[::1]:2525", "::1", 2525, "Off None None");
        assert_eq!(shown("smtp+unix:///run/x%20y"), Ok("Unix(\"/run/x y\") Off None None".into()));
        let program = |args: &str| Ok(format!("Sendmail {{ path: \"/x/send mail\", args: {args} }}"));
        assert_eq!(shown("sendmail:///x/send%20mail"), program("[]"));
        assert_eq!(
            shown("sendmail:///x/send%20mail?args=-o%20'a%20%26'+b%20--"),
            program(r#"["-o", "a &+b", "--"]"#)
        );
        assert_eq!(shown("inbox://"), Ok("Inbox".into()));
    }

    #[test]
    fn bad_urls_are_refused_without_repeating_them() {
        for (url, fragment) in [
            ("mail.example:25", "no relay's URL"),
            ("http://secret@x", "unknown"),
            ("lmtp://x:secret", "not a port"),
            ("lmtp+unix://secret", "must be whole"),
            ("smtp://", "host is missing"),
            ("smtp://:25", "host is missing"),
            ("smtp://x:0", "not a port"),
            ("smtps://user:secret", "\"@host\" is missing"),
            ("smtp://x/secret", "nothing may follow"),
            ("smtp://u:secret%2@x", "hexadecimal"),
            ("smtp://:secret@x", "no user"),
            ("smtp+unix://secret", "must be whole"),
            ("inbox://secret", "nothing may follow"),
            ("dummy://secret", "only ?script"),
            ("dummy://?script=refuse", "is no step"),
            ("sendmail://secret", "must be whole"),
            ("sendmail:///secret?arg=x", "only args"),
            ("sendmail:///secret?args=x&y=z", "only args"),
            ("sendmail:///x?args='secret", "not closed"),
            ("smtp://[::1", "closing"),
        ] {
            let error = parse(url).expect_err(url);
            assert!(error.contains(fragment) && !error.contains("secret"), "{url}: {error}");
        }
    }
}
