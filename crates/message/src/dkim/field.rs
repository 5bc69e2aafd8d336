//! Header fields: which are signed, and their canonical form (RFC 6376 3.4.2, 5.4).

/// The fields a signature covers. Names are compared without regard to case. A relay that adds an
/// oversigned field the mail lacks breaks the signature, so the set belongs to the way of the mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedFields {
    /// Signed as often as they stand and once more, so that none can be added.
    pub oversigned: Vec<String>,
    /// Signed as often as they stand.
    pub signed: Vec<String>,
}

impl Default for SignedFields {
    fn default() -> Self {
        let names = |all: &[&str]| all.iter().map(|name| (*name).to_owned()).collect();
        Self {
            oversigned: names(&[
                "From",
                "To",
                "Cc",
                "Subject",
                "Date",
                "Message-ID",
                "Reply-To",
                "In-Reply-To",
                "References",
                "MIME-Version",
                "Content-Type",
                "Content-Transfer-Encoding",
            ]),
            // A submission server may add Sender when From is not its client's.
            signed: names(&[
                "Sender",
                "List-ID",
                "List-Unsubscribe",
                "List-Unsubscribe-Post",
                "List-Archive",
                "Auto-Submitted",
            ]),
        }
    }
}

impl SignedFields {
    /// For relays that write Date and Message-ID anew.
    pub fn without_date_and_id() -> Self {
        let mut all = Self::default();
        all.oversigned.retain(|name| !matches!(name.as_str(), "Date" | "Message-ID"));
        all
    }

    /// The names of `h=` for this header.
    pub(super) fn names(&self, header: &Header<'_>) -> Vec<&str> {
        let mut all = Vec::with_capacity(48);
        for (names, more) in [(&self.oversigned, 1), (&self.signed, 0)] {
            for name in names {
                all.extend(std::iter::repeat_n(name.as_str(), header.count(name) + more));
            }
        }
        all
    }
}

/// The fields of a header with their names, in its order. Names are compared without regard to case.
pub(super) struct Header<'a>(Vec<(&'a str, &'a [u8])>);

impl<'a> Header<'a> {
    /// Reads a header block; what is not a field is skipped.
    pub(super) fn read(block: &'a [u8]) -> Self {
        let mut all = Vec::with_capacity(32);
        let mut rest = block;
        while !rest.is_empty() && !rest.starts_with(b"\r\n") {
            let end = memchr::memchr_iter(b'\n', rest)
                .map(|at| at + 1)
                .find(|&end| !matches!(rest.get(end), Some(b' ' | b'\t')))
                .unwrap_or(rest.len());
            let (field, tail) = rest.split_at(end);
            rest = tail;
            let name = memchr::memchr(b':', field).and_then(|at| field.get(..at));
            if let Some(name) = name.and_then(|name| std::str::from_utf8(name).ok()) {
                all.push((name.trim_end(), field));
            }
        }
        Self(all)
    }

    pub(super) fn count(&self, name: &str) -> usize {
        self.all(name).count()
    }

    pub(super) fn all(&self, name: &str) -> impl DoubleEndedIterator<Item = &'a [u8]> {
        self.0.iter().filter(move |(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, field)| *field)
    }

    /// The value of the first field of this name, folds in it.
    pub(super) fn value(&self, name: &str) -> Option<&'a [u8]> {
        let (_, field) = self.0.iter().find(|(other, _)| other.eq_ignore_ascii_case(name))?;
        field.get(memchr::memchr(b':', field)? + 1..)
    }

    /// What is hashed of these fields: each name takes the last one not yet taken; a name with none
    /// left counts as nothing (RFC 6376 5.4.2).
    pub(super) fn canonical(&self, names: &[&str], relaxed: bool) -> Vec<u8> {
        let mut out = Vec::with_capacity(2048);
        for (i, name) in names.iter().enumerate() {
            let taken = names.iter().take(i).filter(|other| other.eq_ignore_ascii_case(name)).count();
            let Some(field) = self.all(name).rev().nth(taken) else { continue };
            if relaxed {
                put_relaxed(&mut out, field);
                out.extend_from_slice(b"\r\n");
            } else {
                out.extend_from_slice(field);
            }
        }
        out
    }
}

/// Appends a field in relaxed form, without its line end.
pub(super) fn put_relaxed(out: &mut Vec<u8>, field: &[u8]) {
    let colon = memchr::memchr(b':', field).unwrap_or(field.len());
    let (name, value) = field.split_at(colon);
    out.extend(name.trim_ascii_end().iter().map(u8::to_ascii_lowercase));
    out.push(b':');
    let mut first = true;
    let is_blank = |b: &u8| matches!(b, b' ' | b'\t' | b'\r' | b'\n');
    for word in value.get(1..).unwrap_or_default().split(is_blank).filter(|word| !word.is_empty()) {
        if !std::mem::take(&mut first) {
            out.push(b' ');
        }
        out.extend_from_slice(word);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relaxed_fields() {
        let check = |field: &str, want: &str| {
            let mut out = Vec::new();
            put_relaxed(&mut out, field.as_bytes());
            assert_eq!(String::from_utf8(out).unwrap(), want);
        };
        check("A: X\r\n", "a:X");
        check("B : Y\t\r\n\tZ  \r\n", "b:Y Z");
        check("C:\r\n", "c:");
    }

    #[test]
    fn fields_are_taken_from_the_bottom() {
        let header = Header::read(b"X: 1\r\nY: 2\r\nx: 3\r\n\r\nX: body\r\n");
        let got = header.canonical(&["x", "X", "x", "z", "y"], true);
        assert_eq!(got, b"x:3\r\nx:1\r\ny:2\r\n");
    }
}
