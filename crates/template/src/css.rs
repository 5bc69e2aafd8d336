//! Style sheets of a mail, moved into the `style` attributes of its elements: many mail programs read only
//! those. It is done on the sources, once, when the set is made: nothing is fetched, and no mail pays for it.
//!
//! The walk follows a template as the engine will: from the layout into the blocks that fill it and the
//! files that are included, with the elements that are open at each place. A rule is moved where it is sure to
//! apply; what depends on the reader (`@media`, `:hover`) or on the data stays in `<style>`.

mod attribute;
mod selector;
mod sheet;
mod tag;
mod walk;

use sheet::{Declaration, Sheet};
use std::collections::{BTreeMap, BTreeSet};
use walk::{Place, Walk};

/// A rule of one selector, in the order of all sheets.
pub(crate) struct Rule {
    pub(crate) selector: selector::Selector,
    pub(crate) declarations: Vec<Declaration>,
}

/// The files that a mail is made of, with its styles moved; `None`: it has no styles.
pub(crate) fn inline(root: &str, files: &BTreeMap<String, String>) -> Option<BTreeMap<String, String>> {
    let mut first = Walk::new(files, &[]);
    first.root(root);
    let reached = first.reached;
    let mut places = Vec::new();
    for place in first.styles {
        if !places.contains(&place) {
            places.push(place);
        }
    }
    if places.is_empty() {
        return None;
    }
    let (mut rules, mut sheets) = (Vec::new(), Vec::new());
    for place in &places {
        let text = files.get(&place.file).and_then(|text| text.get(place.inner.clone())).unwrap_or("");
        sheets.push(Sheet::read(text, &mut rules));
    }
    let mut second = Walk::new(files, &rules);
    second.root(root);
    let Walk { elements, mut kept, unsure, foreign, .. } = second;
    let mut splices: BTreeMap<String, Vec<(usize, usize, String)>> = BTreeMap::new();
    let mut moved = BTreeSet::new();
    for ((file, _), element) in &elements {
        // A file that is used twice may stand in two surroundings.
        let Some(everywhere) = element.visits.iter().cloned().reduce(|a, b| &a & &b) else { continue };
        for some in &element.visits {
            kept.extend(some - &everywhere);
        }
        moved.extend(everywhere.iter().copied());
        let source = files.get(file).map_or("", String::as_str);
        if let Some(splice) = attribute::splice(source, &element.style, &everywhere, &rules) {
            splices.entry(file.clone()).or_default().push(splice);
        }
    }
    if unsure || foreign {
        kept.extend((0..rules.len()).filter(|rule| foreign || !moved.contains(rule)));
    }
    for (place, sheet) in places.iter().zip(&sheets) {
        let old = files.get(&place.file).and_then(|text| text.get(place.outer.clone())).unwrap_or("");
        let new = sheet.left(&kept);
        splices.entry(place.file.clone()).or_default().push(restyled(place, old, &new));
    }
    let done = |file: String| {
        let text = files.get(&file).cloned().unwrap_or_default();
        let text = splices.get(&file).map_or(text.clone(), |all| apply(&text, all));
        (file, text)
    };
    Some(reached.into_iter().map(done).collect())
}

/// A style element with what is left in it, on as many lines as before.
fn restyled(place: &Place, old: &str, new: &str) -> (usize, usize, String) {
    let opening = old.split_inclusive('>').next().unwrap_or("<style>");
    let new = if new.is_empty() { String::new() } else { format!("{opening}{new}</style>") };
    let lines = old.matches('\n').count().saturating_sub(new.matches('\n').count());
    let filler = if lines == 0 { String::new() } else { format!("{{#{}#}}", "\n".repeat(lines)) };
    (place.outer.start, place.outer.end, new + &filler)
}

fn apply(text: &str, splices: &[(usize, usize, String)]) -> String {
    let mut sorted: Vec<_> = splices.iter().collect();
    sorted.sort_by_key(|(start, _, _)| *start);
    let (mut out, mut done) = (String::with_capacity(text.len() * 2), 0);
    for (start, end, new) in sorted {
        out.push_str(text.get(done..*start).unwrap_or(""));
        out.push_str(new);
        done = *end;
    }
    out.push_str(text.get(done..).unwrap_or(""));
    out
}
