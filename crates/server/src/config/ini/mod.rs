//! Gitea's ini dialect: what a file says, line by line, with the place of each value.
//!
//! Reading only. `[a.b]` inheriting `[a]` and `%(KEY)s` belong to look-ups and live in `tree`.

#[cfg(test)]
mod tests;

/// One key as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    /// Empty for keys above the first section.
    pub(crate) section: String,
    pub(crate) key: String,
    pub(crate) value: String,
    /// From 1: where the key stands.
    pub(crate) number: usize,
    /// Where its value ends.
    pub(crate) last: usize,
    /// A `#` or `;` right behind a letter of the value began a comment.
    pub(crate) cut: bool,
}

/// A line that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unreadable {
    pub(crate) number: usize,
    pub(crate) problem: String,
}

const BOM: &str = "\u{feff}";
/// Quotes that protect `#` and `;` and may span lines.
const PROTECTING: [&str; 2] = ["\"\"\"", "`"];

/// Reads a whole file; lines that cannot be read are told apart and the rest is read on.
pub(crate) fn parse(text: &str) -> (Vec<Line>, Vec<Unreadable>) {
    let text = text.strip_prefix(BOM).unwrap_or(text);
    let mut lines = (1..).zip(text.split_inclusive('\n'));
    let (mut found, mut bad, mut section) = (Vec::<Line>::new(), Vec::new(), String::new());
    while let Some((number, raw)) = lines.next() {
        let line = raw.trim_start();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(rest) = line.strip_prefix('[') {
            match rest.rsplit_once(']') {
                // go-ini's name for what stands above the first section.
                Some((name, _)) if name.trim() == "DEFAULT" => section.clear(),
                Some((name, _)) => section = name.trim().to_owned(),
                None => bad.push(unreadable(number, "the section's closing \"]\" is missing; add it")),
            }
            continue;
        }
        match key(line).and_then(|(key, rest)| Ok((key, value(rest, &mut lines)?))) {
            Ok((key, Value { text, last, cut })) => {
                let last = last.unwrap_or(number);
                found.push(Line { section: section.clone(), key, value: text, number, last, cut });
            }
            Err(NO_DELIMITER)
                if found.last().is_some_and(|l| l.last + 1 == number && l.value.ends_with('\\')) =>
            {
                bad.push(unreadable(number, NO_JOINING));
            }
            Err(problem) => bad.push(unreadable(number, problem)),
        }
    }
    (found, bad)
}

fn unreadable(number: usize, problem: &str) -> Unreadable {
    Unreadable { number, problem: problem.to_owned() }
}

const NO_DELIMITER: &str =
    "this is neither a comment, a [section] nor KEY = VALUE; add \"=\" or start it with \"#\"";

const NO_JOINING: &str = "the backslash at the end of the line above does not join the lines; write the value on \
                          one line, or in backticks";

/// The key and what stands behind its delimiter. A key may itself stand in quotes.
fn key(line: &str) -> Result<(String, &str), &'static str> {
    for quote in ["\"\"\"", "\"", "`"] {
        if let Some(rest) = line.strip_prefix(quote) {
            let (name, rest) = rest.split_once(quote).ok_or("the key's closing quote is missing; add it")?;
            let rest = rest.trim_start().strip_prefix(['=', ':']).ok_or(NO_DELIMITER)?;
            return Ok((name.to_owned(), rest));
        }
    }
    let (name, rest) = line.split_once(['=', ':']).ok_or(NO_DELIMITER)?;
    match name.trim() {
        "" => Err("there is no key before the \"=\"; write one or make the line a comment"),
        name => Ok((name.to_owned(), rest)),
    }
}

/// A value and, when it goes on below, its last line.
struct Value {
    text: String,
    last: Option<usize>,
    cut: bool,
}

fn value<'a>(
    rest: &'a str,
    lines: &mut impl Iterator<Item = (usize, &'a str)>,
) -> Result<Value, &'static str> {
    let rest = rest.trim_start_matches([' ', '\t']);
    for quote in PROTECTING {
        if let Some(inside) = rest.strip_prefix(quote) {
            return protected(inside, quote, lines);
        }
    }
    let before = rest.split(['#', ';']).next().unwrap_or_default();
    let cut = before.len() < rest.len() && before.ends_with(|c: char| !c.is_whitespace());
    Ok(Value { text: unquoted(before.trim()).to_owned(), last: None, cut })
}

/// A value in protecting quotes: up to the last closing quote of its line, else over lines.
fn protected<'a>(
    inside: &'a str,
    quote: &str,
    lines: &mut impl Iterator<Item = (usize, &'a str)>,
) -> Result<Value, &'static str> {
    if let Some((value, _)) = inside.rsplit_once(quote) {
        return Ok(Value { text: value.to_owned(), last: None, cut: false });
    }
    let mut value = inside.to_owned();
    for (number, line) in lines {
        match line.rsplit_once(quote) {
            Some((last, _)) => {
                value.push_str(last);
                return Ok(Value { text: value, last: Some(number), cut: false });
            }
            None => value.push_str(line),
        }
    }
    Err("the value's closing quote is missing up to the end of the file; add it (the quotes that \
         protect a value are ` and \"\"\")")
}

/// Strips surrounding quotes if they occur nowhere else.
fn unquoted(value: &str) -> &str {
    let strip = |quote: char| {
        let inside = value.strip_prefix(quote)?.strip_suffix(quote)?;
        (!inside.contains(quote)).then_some(inside)
    };
    strip('"').or_else(|| strip('\'')).unwrap_or(value)
}
