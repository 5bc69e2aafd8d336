//! What is told of the sender at start.

use message::Profile;

/// Warns of a sender that no other machine can answer.
pub(crate) fn warn(profile: &Profile) {
    let from = profile.from.as_ref().map(|from| from.address.as_str());
    if let Some(from) = from.filter(|from| is_local(from)) {
        tracing::warn!(
            "mail without a sender of its own goes out from {from}, which other servers refuse or cannot \
             answer; name one that can be answered by [mailer] FROM"
        );
    }
}

/// Whether an address means something on this machine only (RFC 6761 6.3, RFC 2606 2).
pub(crate) fn is_local(address: &str) -> bool {
    let domain = address.rsplit_once('@').map_or("", |(_, domain)| domain).to_ascii_lowercase();
    matches!(domain.as_str(), "localhost" | "localhost.localdomain" | "localdomain" | "")
        || [".localhost", ".localdomain", ".local"].iter().any(|end| domain.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::is_local;

    #[test]
    fn names_of_this_machine_are_told_from_others() {
        for local in
            ["a@localhost", "a@LocalHost", "a@b.localhost", "a@localhost.localdomain", "a@box.local", "a"]
        {
            assert!(is_local(local), "{local}");
        }
        for other in ["a@example.org", "a@localhost.example", "a@mylocalhost"] {
            assert!(!is_local(other), "{other}");
        }
    }
}
