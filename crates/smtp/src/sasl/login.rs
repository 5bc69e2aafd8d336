//! LOGIN: two prompts, user and password. The prompts are free text in practice.

use super::{Credentials, Fault, Secret};

/// How far the exchange is.
#[derive(Debug, Default)]
pub(super) struct Login {
    answered: u8,
}

impl Login {
    /// The user first, then the password, whatever the wording; a prompt that plainly asks for the
    /// other one is a broken server, and gets nothing.
    pub(super) fn respond(&mut self, prompt: &[u8], who: &Credentials) -> Result<Secret, Fault> {
        let word: String =
            String::from_utf8_lossy(prompt).chars().filter(char::is_ascii_alphabetic).collect();
        let word = word.to_ascii_lowercase();
        let place = self.answered;
        self.answered = place.saturating_add(1);
        match (place, word.as_str()) {
            (0, "password") => Err(Fault::Malformed("it asks for the password first")),
            (0, _) => Ok(Secret::from(&*who.user)),
            (1, "username" | "user") => Err(Fault::Malformed("it asks for the user twice")),
            (1, _) => Ok(who.secret.clone()),
            _ => Err(Fault::Endless),
        }
    }
}
