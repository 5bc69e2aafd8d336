//! What a caller's key allows of a message.

use crate::{Caller, SubmitError};
use envelope::{Mailbox, ReversePath};

/// A key bound to domains sends only as them: the header's From and, where the caller chose it,
/// the reverse-path.
pub(crate) fn from_domain(
    caller: &Caller,
    from: &str,
    reverse_path: Option<&ReversePath>,
) -> Result<(), SubmitError> {
    if caller.from_domains.is_empty() {
        return Ok(());
    }
    let authors = Mailbox::parse_list(from).unwrap_or_default();
    let reverse = reverse_path.and_then(|p| p.0.as_ref()).map(|a| a.domain());
    let mut domains = authors.iter().map(|m| m.address.domain()).chain(reverse);
    let allowed = |domain: &str| caller.from_domains.iter().any(|d| d.eq_ignore_ascii_case(domain));
    match domains.find(|domain| !allowed(domain)) {
        None if !authors.is_empty() => Ok(()),
        Some(domain) => Err(SubmitError::Forbidden(format!(
            "this key may not send from {domain}; it is bound to {}",
            caller.from_domains.join(", ")
        ))),
        None => {
            Err(SubmitError::Forbidden("the From of the message cannot be checked against this key".into()))
        }
    }
}
