//! The grammar of SCRAM's messages (RFC 5802 7).

use std::borrow::Cow;

/// `r=…,s=…`: each a letter and what stands behind its `=`. `None`: something else.
pub(super) fn attributes(text: &str) -> Option<Vec<(char, &str)>> {
    let visible = |c: char| !c.is_control();
    if !text.chars().all(visible) || text.split(',').count() > crate::limits::SCRAM_ATTRIBUTES {
        return None;
    }
    let one = |part: &'_ str| -> Option<(char, usize)> {
        let letter = part.chars().next().filter(char::is_ascii_alphabetic)?;
        part.get(1..2).filter(|equals| *equals == "=").map(|_| (letter, 2))
    };
    text.split(',').map(|part| one(part).and_then(|(letter, at)| Some((letter, part.get(at..)?)))).collect()
}

/// A name with `,` and `=` escaped.
pub(super) fn saslname(name: &str) -> Cow<'_, str> {
    if name.contains([',', '=']) {
        return Cow::Owned(name.replace('=', "=3D").replace(',', "=2C"));
    }
    Cow::Borrowed(name)
}

/// The name behind it; `None`: an `=` that escapes nothing.
pub(super) fn from_saslname(name: &str) -> Option<String> {
    let mut parts = name.split('=');
    let mut out = parts.next()?.to_owned();
    for part in parts {
        let (octet, rest) = part.split_at_checked(2)?;
        out.push(match octet {
            "2C" => ',',
            "3D" => '=',
            _ => return None,
        });
        out.push_str(rest);
    }
    Some(out)
}
