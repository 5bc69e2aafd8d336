//! Selectors that can be decided in the source: types, classes, ids, attributes, descendants, children.

use super::tag::Element;

/// Compounds from the element outwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Selector {
    pub(crate) last: Compound,
    /// Each with whether it must be the parent itself.
    outer: Vec<(bool, Compound)>,
    /// Ids, classes and attributes, types (CSS Selectors 17).
    pub(crate) weight: (usize, usize, usize),
}

/// Compounds of one selector.
const MOST_COMPOUNDS: usize = 8;

/// What one element must be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Compound {
    name: Option<String>,
    id: Option<String>,
    classes: Vec<String>,
    attributes: Vec<(String, Option<String>)>,
}

impl Selector {
    /// `None`: it asks for more than the source can tell.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let spaced = text.replace('>', " > ");
        let mut outwards: Vec<(bool, Compound)> = Vec::new();
        let mut child = false;
        for word in spaced.split_whitespace() {
            if word == ">" {
                if child || outwards.is_empty() {
                    return None;
                }
                child = true;
                continue;
            }
            if outwards.len() == MOST_COMPOUNDS {
                return None;
            }
            outwards.push((child, Compound::read(word)?));
            child = false;
        }
        if child {
            return None;
        }
        let mut weight = (0, 0, 0);
        for (_, compound) in &outwards {
            weight.0 += usize::from(compound.id.is_some());
            weight.1 += compound.classes.len() + compound.attributes.len();
            weight.2 += usize::from(compound.name.is_some());
        }
        let (mut next_is_child, last) = outwards.pop()?;
        let mut outer = Vec::new();
        while let Some((child, compound)) = outwards.pop() {
            outer.push((next_is_child, compound));
            next_is_child = child;
        }
        Some(Self { last, outer, weight })
    }

    /// Whether it depends on what stands around the element.
    pub(crate) fn looks_around(&self) -> bool {
        !self.outer.is_empty()
    }

    /// `open` are the elements around, the nearest last.
    pub(crate) fn matches(&self, element: &Element, open: &[Element]) -> bool {
        self.last.fits(element) && around(&self.outer, open)
    }
}

/// All places that fit are followed at once, so that no nesting makes it try again and again.
fn around(outer: &[(bool, Compound)], open: &[Element]) -> bool {
    let mut inside = vec![open.len()];
    for (child, compound) in outer {
        let fits = |place: &usize| open.get(*place).is_some_and(|element| compound.fits(element));
        inside = match child {
            true => inside.iter().filter_map(|place| place.checked_sub(1)).filter(fits).collect(),
            false => (0..inside.last().copied().unwrap_or(0)).filter(fits).collect(),
        };
        if inside.is_empty() {
            return false;
        }
    }
    true
}

impl Compound {
    fn read(word: &str) -> Option<Self> {
        let mut compound = Self::default();
        let mut rest = word;
        while let Some(first) = rest.chars().next() {
            let after = rest.get(first.len_utf8()..)?;
            if first == '[' {
                let (inside, beyond) = after.split_once(']')?;
                let (name, value) = match inside.split_once('=') {
                    None => (inside, None),
                    Some((name, value)) => (name, Some(value.trim_matches(['"', '\'']).to_owned())),
                };
                is_name(name).then(|| compound.attributes.push((name.to_ascii_lowercase(), value)))?;
                rest = beyond;
                continue;
            }
            let text = if matches!(first, '.' | '#' | '*') { after } else { rest };
            let end = text.find(|c: char| !is_name_character(c)).unwrap_or(text.len());
            let (name, beyond) = text.split_at_checked(end)?;
            match first {
                '*' if name.is_empty() => {}
                '.' if !name.is_empty() => compound.classes.push(name.to_owned()),
                '#' if !name.is_empty() => compound.id = Some(name.to_owned()),
                _ if is_name(name) && rest.len() == word.len() => {
                    compound.name = Some(name.to_ascii_lowercase())
                }
                _ => return None,
            }
            rest = beyond;
        }
        Some(compound)
    }

    pub(crate) fn fits(&self, element: &Element) -> bool {
        let has = |(name, value): &(String, Option<String>)| {
            element
                .attributes
                .iter()
                .any(|(known, is)| known == name && value.as_ref().is_none_or(|v| v == is))
        };
        self.name.as_ref().is_none_or(|name| *name == element.name)
            && self.id.as_ref().is_none_or(|id| element.attributes.iter().any(|(n, v)| n == "id" && v == id))
            && self.classes.iter().all(|class| element.classes.contains(class))
            && self.attributes.iter().all(has)
    }
}

fn is_name_character(c: char) -> bool {
    c.is_alphanumeric() || c == '-' || c == '_'
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(is_name_character)
}
