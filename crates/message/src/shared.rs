//! What many messages have in common: text, HTML and files, composed once.

use crate::error::Faults;
use crate::{ComposeError, Draft, Profile, mime};
use bytes::Bytes;

/// The MIME fields and the body of a message to come. Messages that share it have the same body by
/// reference, each with a header of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedBody {
    pub(crate) fields: Bytes,
    pub(crate) body: Bytes,
    /// The Message-ID of the reference is made of it.
    pub(crate) html: String,
}

impl SharedBody {
    /// Composes what the draft says of HTML, text and attachments; `unique` makes the boundary.
    ///
    /// # Errors
    /// Every mistake in the attachments.
    pub fn compose(draft: &Draft, profile: &Profile, unique: u128) -> Result<Self, ComposeError> {
        let mut faults = Faults::default();
        mime::check_attachments(&draft.attachments, &mut faults);
        faults.verdict()?;
        let (mut fields, mut body) = (Vec::new(), Vec::new());
        mime::write(&mut fields, &mut body, draft, profile.plain_text, unique);
        let html = draft.html.clone().unwrap_or_default();
        Ok(Self { fields: fields.into(), body: body.into(), html })
    }
}
