//! What the engine's own limits do not bound: tags so long that compiling them would exhaust the stack, and
//! lists that double.
//!
//! Lists are added lazily, so that counting the items of one that was added to itself forty times would
//! take for ever before any fuel is spent. A sum that is kept is therefore made flat at once, within a limit,
//! and none is given to a call, which might be one of a macro by itself.

use crate::functions::refused;
use crate::scan::{self, Kind, Tag, Token};
use minijinja::value::{Kwargs, ValueKind};
use minijinja::{Environment, Error, State, Value};

/// Words, texts and signs of one tag.
const MOST_TOKENS: usize = 400;
/// `+`s of one tag. A longer chain of lists the engine copies, whatever its length, before any fuel is spent.
const MOST_SUMS: usize = 30;
/// `elif`s of one file: they nest.
const MOST_ELIFS: usize = 100;
/// Items of lists and maps in one value that is kept.
const MOST_ITEMS: usize = 50_000;
/// Lists in lists, of one value that is kept.
const DEEPEST: usize = 16;
/// Cannot be written in a template by chance; the length of it is no matter.
const FLAT: &str = "_flat";

/// The source with every kept sum made flat.
///
/// # Errors
/// The place of a tag, and what is wrong with it.
pub(crate) fn guard(source: &str) -> Result<String, (usize, String)> {
    let (mut out, mut done, mut elifs) = (String::with_capacity(source.len()), 0, 0);
    for tag in scan::tags(source).filter(|tag| tag.kind != Kind::Raw) {
        if tag.tokens().nth(MOST_TOKENS).is_some() {
            let problem = format!("a tag has more than {MOST_TOKENS} words and signs; part it by set");
            return Err((tag.start, problem));
        }
        let sums = tag.tokens().filter(|token| *token == Token::Sign('+')).count();
        if sums > MOST_SUMS {
            return Err((
                tag.start,
                format!("a tag has more than {MOST_SUMS} +; write ~ for texts, or part it by set"),
            ));
        }
        if sum_in_call(&tag) {
            let problem = "+ cannot stand in brackets after a word; write {% set %} before it";
            return Err((tag.start, problem.to_owned()));
        }
        let Some(word) = tag.word().filter(|_| tag.kind == Kind::Statement) else { continue };
        elifs += usize::from(word == "elif");
        if elifs > MOST_ELIFS {
            return Err((tag.start, format!("there are more than {MOST_ELIFS} elifs in the file")));
        }
        if sums == 0 || matches!(word, "if" | "elif") {
            continue;
        }
        let (before, value) = value_of(&tag, word)
            .ok_or_else(|| (tag.start, format!("+ cannot stand in {word}; write {{% set %}} before it")))?;
        out.push_str(source.get(done..before).unwrap_or(""));
        out.push_str(&format!("({value})|{FLAT}"));
        done = before + value.len();
    }
    out.push_str(source.get(done..).unwrap_or(""));
    Ok(out)
}

/// Whether a `+` stands in what a call is given. Which words are names the engine alone knows: every word
/// counts but the one that opens an `if`.
fn sum_in_call(tag: &Tag<'_>) -> bool {
    let (mut open, mut before) = (Vec::new(), None);
    for (place, token) in tag.tokens().enumerate() {
        let inside = open.last().is_some_and(|call| *call);
        match token {
            Token::Sign('(') => open.push(inside || before.is_some()),
            Token::Sign('[' | '{') => open.push(inside),
            Token::Sign(')' | ']' | '}') => drop(open.pop()),
            Token::Sign('+') if inside => return true,
            Token::Sign(_) | Token::Word(_) | Token::Text(_) => {}
        }
        before = match token {
            Token::Word("if" | "elif") if place == 0 && tag.kind == Kind::Statement => None,
            Token::Word(_) | Token::Sign(')' | ']' | '}') => Some(()),
            Token::Sign(_) | Token::Text(_) => None,
        };
    }
    false
}

/// Where the value of a `set` starts, and the value.
fn value_of<'a>(tag: &Tag<'a>, word: &str) -> Option<(usize, &'a str)> {
    if word != "set" {
        return None;
    }
    let equals = tag.inside.find('=')?;
    let value = tag.inside.get(equals + 1..)?;
    Some((tag.inside_at + equals + 1, value))
}

pub(crate) fn add(env: &mut Environment<'static>) {
    env.add_filter(FLAT, |state: &State, value: Value| flat(state, &value, &mut 0, 0));
    // It adds as lazily as + does.
    env.remove_filter("chain");
    env.add_filter("sum", sum);
}

/// The engine's, of numbers alone: from a list it would add lists.
fn sum(
    state: &State,
    values: Value,
    attribute: Option<String>,
    start: Option<Value>,
    more: Kwargs,
) -> Result<Value, Error> {
    let named = more.peek::<Option<Value>>("start")?;
    if start.iter().chain(&named).any(|start| !start.is_number()) {
        return Err(refused("sum starts from a number"));
    }
    minijinja::filters::sum(state, values, attribute.as_deref(), start, more)
}

fn flat(state: &State, value: &Value, items: &mut usize, depth: usize) -> Result<Value, Error> {
    let kind = value.kind();
    if !matches!(kind, ValueKind::Seq | ValueKind::Iterable | ValueKind::Map) {
        return Ok(value.clone());
    }
    if depth > DEEPEST {
        return Err(refused(format!("lists stand in lists more than {DEEPEST} deep")));
    }
    let mut kept = Vec::new();
    for item in value.try_iter()? {
        *items += 1;
        if *items > MOST_ITEMS {
            return Err(refused(format!("a list has more than {MOST_ITEMS} items")));
        }
        state.consume_fuel(1)?;
        let inner = if kind == ValueKind::Map { value.get_item(&item)? } else { item.clone() };
        kept.push((item, flat(state, &inner, items, depth + 1)?));
    }
    Ok(match kind {
        ValueKind::Map => kept.into_iter().collect(),
        _ => Value::from(kept.into_iter().map(|(_, item)| item).collect::<Vec<_>>()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_that_are_kept_are_made_flat() {
        for (source, expected) in [
            ("{% set x = a + b %}+", "{% set x =( a + b )|_flat%}+"),
            ("{%- set n.x=a+b -%}", "{%- set n.x=(a+b )|_flat-%}"),
            ("{% set x = '+' %}{{ a + b }}", "{% set x = '+' %}{{ a + b }}"),
            ("{% if a + b %}x{% endif %}", "{% if a + b %}x{% endif %}"),
        ] {
            assert_eq!(guard(source).as_deref(), Ok(expected), "{source}");
        }
        for refused in
            ["{% for x in a + b %}", "{% with x = a + b %}", "{% macro m(x=a + b) %}", "{% call m(a + b) %}"]
        {
            assert!(guard(refused).is_err(), "{refused}");
        }
        assert!(guard(&format!("{{{{ 1{} }}}}", " + 1".repeat(300))).is_err());
        assert!(guard(&"{% elif x %}".repeat(101)).is_err());
    }
}
