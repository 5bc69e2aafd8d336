//! Mails about accounts and invitations: a link and who it is for.

use crate::kind::{Facts, Model, Shape};

pub(super) struct Account {
    /// What the template may ask for and need not be there.
    pub(super) allowed: &'static [&'static str],
}

impl Model for Account {
    fn shape(&self, facts: &mut Facts<'_>) -> Shape {
        for path in self.allowed {
            facts.allow(path);
        }
        if facts.value("valid_minutes").is_some_and(|minutes| minutes.as_u64().is_none_or(|n| n == 0)) {
            facts.fault("valid_minutes", "must be a whole number of minutes, at least 1");
        }
        // The words of the mail itself say it all, and no page shows it.
        facts.set("page_url", serde_json::Value::Null);
        Shape { forge: true, ..Shape::default() }
    }
}
