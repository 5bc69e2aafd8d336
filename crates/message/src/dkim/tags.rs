//! Lists of `tag=value` (RFC 6376 3.2).

/// Tags of one list.
const MAX_TAGS: usize = 64;

/// The tags in their order, blanks around names and values removed. `None` when it is no such list, a
/// tag stands twice, or there are too many.
pub(super) fn parse(text: &str) -> Option<Vec<(&str, &str)>> {
    let mut all: Vec<(&str, &str)> = Vec::new();
    let mut parts = text.split(';').peekable();
    while let Some(part) = parts.next() {
        if part.trim().is_empty() && parts.peek().is_none() {
            break;
        }
        let (name, value) = part.split_once('=')?;
        let (name, value) = (name.trim(), value.trim());
        let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if !is_name || all.len() >= MAX_TAGS || all.iter().any(|(other, _)| *other == name) {
            return None;
        }
        all.push((name, value));
    }
    Some(all)
}

pub(super) fn find<'a>(all: &[(&str, &'a str)], name: &str) -> Option<&'a str> {
    all.iter().find(|(other, _)| *other == name).map(|(_, value)| *value)
}

/// The value without the blanks a fold leaves in it.
pub(super) fn packed(value: &str) -> String {
    value.chars().filter(|c| !c.is_ascii_whitespace()).collect()
}

/// A signature field without the value of its `b` tag, byte for byte otherwise.
pub(super) fn without_signature(field: &str) -> String {
    let mut out = String::with_capacity(field.len());
    let body = field.find(':').map_or(0, |at| at + 1);
    let (name, tags) = field.split_at_checked(body).unwrap_or(("", field));
    out.push_str(name);
    for (i, part) in tags.split(';').enumerate() {
        if i > 0 {
            out.push(';');
        }
        match part.split_once('=') {
            Some((tag, _)) if tag.trim() == "b" => {
                out.push_str(tag);
                out.push('=');
            }
            _ => out.push_str(part),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists() {
        assert_eq!(parse(" v=1; a = b c ;\r\n d=;"), Some(vec![("v", "1"), ("a", "b c"), ("d", "")]));
        for bad in ["v", "v=1;v=2", "=1", "1=2", "v=1;;b=2", ""] {
            assert_eq!(parse(bad).is_some(), bad.is_empty(), "{bad:?}");
        }
        assert_eq!(
            without_signature("DKIM-Signature: bh=x=; b=ab\r\n c; h=a:b"),
            "DKIM-Signature: bh=x=; b=; h=a:b"
        );
    }
}
