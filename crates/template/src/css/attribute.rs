//! What an element's `style` attribute becomes.

use super::Rule;
use super::sheet::Declaration;
use super::tag::StyleAttribute;
use std::collections::BTreeSet;

/// What to put where in the source; `None`: nothing.
pub(crate) fn splice(
    source: &str,
    style: &StyleAttribute,
    matched: &BTreeSet<usize>,
    rules: &[Rule],
) -> Option<(usize, usize, String)> {
    let mut all: Vec<(usize, &Rule)> = matched.iter().filter_map(|n| Some((*n, rules.get(*n)?))).collect();
    // The cascade: by weight, then by order.
    all.sort_by_key(|(number, rule)| (rule.selector.weight, *number));
    let (usual, forced) = (written(&all, false), written(&all, true));
    if usual.is_empty() && forced.is_empty() {
        return None;
    }
    let join = |parts: [&str; 3]| parts.into_iter().filter(|p| !p.is_empty()).collect::<Vec<_>>().join(";");
    match style {
        StyleAttribute::Unsure => None,
        StyleAttribute::None(at) => {
            Some((*at, *at, format!(" style=\"{}\"", quoted(&join([&usual, "", &forced]), '"'))))
        }
        StyleAttribute::Value(range) => {
            let own = source.get(range.clone())?;
            let quote = source.get(..range.start)?.chars().next_back()?;
            let own = own.trim().trim_end_matches(';');
            let (usual, forced) = (quoted(&usual, quote), quoted(&forced, quote));
            Some((range.start, range.end, join([&usual, own, &forced])))
        }
    }
}

/// The declarations in the order of the cascade; what a later rule says of a property replaces what an
/// earlier one did, but a rule may say a thing twice, for programs that understand only one.
fn written(all: &[(usize, &Rule)], important: bool) -> String {
    let mut kept: Vec<&Declaration> = Vec::new();
    for (_, rule) in all {
        let of_rule: Vec<_> = rule.declarations.iter().filter(|d| d.important == important).collect();
        kept.retain(|old| !of_rule.iter().any(|new| new.property == old.property));
        kept.extend(of_rule);
    }
    kept.iter().map(|d| format!("{}:{}", d.property, d.value)).collect::<Vec<_>>().join(";")
}

/// As the value of an attribute.
fn quoted(text: &str, quote: char) -> String {
    match quote {
        '"' => text.replace('"', "'"),
        _ => text.replace('\'', "\""),
    }
}
