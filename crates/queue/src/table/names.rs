//! Names of projects and routes, each kept once.

use std::collections::HashMap;
use std::sync::Arc;

/// A name by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Name(u32);

/// All names met. There are as many as projects and routes; none is ever forgotten.
#[derive(Debug, Default)]
pub(crate) struct Names {
    numbers: HashMap<Arc<str>, Name>,
    names: Vec<Arc<str>>,
    nameless: Arc<str>,
}

impl Names {
    pub(crate) fn number(&mut self, name: &str) -> Name {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let number = Name(u32::try_from(self.names.len()).unwrap_or(u32::MAX));
        let name: Arc<str> = name.into();
        self.names.push(name.clone());
        self.numbers.insert(name, number);
        number
    }

    pub(crate) fn name(&self, number: Name) -> &Arc<str> {
        self.names.get(number.0 as usize).unwrap_or(&self.nameless)
    }
}
