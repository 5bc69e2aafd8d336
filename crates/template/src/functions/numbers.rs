//! `number` and `filesize`: digits as the language groups them.

use super::{Words, given, refused};
use minijinja::{Environment, Error, State, Value};
use std::sync::Arc;

/// Decimals that are shown at most.
const MOST_DECIMALS: usize = 15;
const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];

pub(super) fn add(env: &mut Environment<'static>, words: &Arc<Words>) {
    let known = words.clone();
    env.add_filter("number", move |state: &mut State, value: Value, decimals: Option<usize>| {
        given(state, &value)?;
        number(&known, &value, decimals)
    });
    let known = words.clone();
    env.add_filter("filesize", move |state: &mut State, value: Value| {
        given(state, &value)?;
        filesize(&known, &value)
    });
}

/// The sign between groups of three digits, and before the decimals.
fn signs(words: &Words) -> (String, String) {
    let usual = match words.plain_language() {
        "en" => (",", "."),
        "de" | "nl" | "es" | "it" | "pt" | "da" | "id" | "tr" => (".", ","),
        // SI style, with a blank that does not break
        _ => ("\u{a0}", ","),
    };
    let style = |key, usual: &str| words.style(key).unwrap_or(usual).to_owned();
    (style("_number.group", usual.0), style("_number.decimal", usual.1))
}

fn number(words: &Words, value: &Value, decimals: Option<usize>) -> Result<String, Error> {
    let text = match i128::try_from(value.clone()) {
        Ok(whole) if value.is_number() => match decimals.unwrap_or(0).min(MOST_DECIMALS) {
            0 => whole.to_string(),
            n => format!("{whole}.{}", "0".repeat(n)),
        },
        Ok(_) | Err(_) => {
            let number = f64::try_from(value.clone()).ok().filter(|n| n.is_finite() && value.is_number());
            let number = number.ok_or_else(|| refused("number needs a number, such as 1234.5"))?;
            match decimals {
                Some(n) => format!("{number:.*}", n.min(MOST_DECIMALS)),
                None => number.to_string(),
            }
        }
    };
    let (group, decimal) = signs(words);
    let (whole, rest) = text.split_once('.').unwrap_or((&text, ""));
    let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |digits| ("-", digits));
    let mut out = sign.to_owned();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push_str(&group);
        }
        out.push(digit);
    }
    if !rest.is_empty() {
        out.push_str(&decimal);
        out.push_str(rest);
    }
    Ok(out)
}

fn filesize(words: &Words, value: &Value) -> Result<String, Error> {
    let octets = f64::try_from(value.clone()).ok().filter(|n| value.is_number() && *n >= 0.0);
    let mut size = octets.ok_or_else(|| refused("filesize needs a number of octets"))?;
    let mut units = UNITS.iter();
    let mut unit = units.next();
    while size >= 999.95 {
        let Some(next) = units.next() else { break };
        (size, unit) = (size / 1000.0, Some(next));
    }
    let decimals = if unit == UNITS.first() || size >= 100.0 { 0 } else { 1 };
    Ok(format!("{} {}", number(words, &Value::from(size), Some(decimals))?, unit.unwrap_or(&"B")))
}
