//! Addresses as people write them to `sendmail`: lists, display names, comments, names of this house.

use postrider::Address;

/// The addresses of a list. A name without a domain gets this one; a group counts with its members.
pub(super) fn addresses(list: &str, domain: &str) -> Result<Vec<Address>, String> {
    let mut found = Vec::new();
    for part in parts(list) {
        let text = match part.contains('@') {
            true => part.clone(),
            false => format!("{part}@{domain}"),
        };
        found.push(Address::parse(&text).map_err(|error| format!("{part:?}: {error}"))?);
    }
    Ok(found)
}

/// What stands between the commas, or in the angle brackets, without comments (RFC 5322 3.4).
fn parts(list: &str) -> Vec<String> {
    let mut all = Vec::new();
    let (mut plain, mut angle) = (String::new(), None::<String>);
    let (mut quoted, mut escaped, mut depth, mut inside) = (false, false, 0_usize, false);
    for c in list.chars() {
        let keep = if escaped {
            escaped = false;
            depth == 0
        } else {
            match c {
                '\\' if quoted || depth > 0 => {
                    escaped = true;
                    depth == 0
                }
                '"' if depth == 0 => {
                    quoted = !quoted;
                    true
                }
                _ if quoted => true,
                '(' => {
                    depth += 1;
                    false
                }
                ')' if depth > 0 => {
                    depth -= 1;
                    false
                }
                _ if depth > 0 => false,
                '<' => {
                    (inside, angle) = (true, Some(String::new()));
                    false
                }
                '>' if inside => {
                    inside = false;
                    false
                }
                ':' if !inside => {
                    plain.clear();
                    false
                }
                ',' | ';' if !inside => {
                    all.push(angle.take().unwrap_or_else(|| std::mem::take(&mut plain)));
                    plain.clear();
                    false
                }
                _ => true,
            }
        };
        if keep {
            angle.as_mut().filter(|_| inside).unwrap_or(&mut plain).push(c);
        }
    }
    all.push(angle.unwrap_or(plain));
    all.into_iter().map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::addresses;

    #[track_caller]
    fn check(list: &str, expected: &[&str]) {
        let found = addresses(list, "here.example").unwrap();
        assert_eq!(found.iter().map(|a| a.as_str()).collect::<Vec<_>>(), expected, "{list:?}");
    }

    #[test]
    fn lists_are_read_as_people_write_them() {
        check("a@b.example", &["a@b.example"]);
        check("root", &["root@here.example"]);
        check("root, a@b.example,", &["root@here.example", "a@b.example"]);
        check("Ada <a@b.example>, <root>", &["a@b.example", "root@here.example"]);
        check("\"Lovelace, Ada\" <a@b.example>", &["a@b.example"]);
        check("a@b.example (Ada, of \\) Lovelace (she))", &["a@b.example"]);
        check("\"a b\"@b.example", &["\"a b\"@b.example"]);
        check("undisclosed-recipients:;", &[]);
        check(
            "friends: a@b.example, c@d.example;, e@f.example",
            &["a@b.example", "c@d.example", "e@f.example"],
        );
    }

    #[test]
    fn what_is_no_address_is_told() {
        for bad in ["a b@c.example", "a@b@c", "a@", "-\u{0}x", "a@b.example c@d.example"] {
            assert!(addresses(bad, "here.example").is_err(), "{bad:?}");
        }
    }
}
