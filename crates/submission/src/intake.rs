//! What the door needs of the library.

use postrider::{Caller, Door, Mailer, Permit, RawSubmission, Receipt, SubmitError};

pub(crate) trait Intake: Send + Sync + 'static {
    /// The caller behind a login; `None`: wrong.
    fn login(&self, user: &str, password: &str) -> Option<Caller>;

    /// Room for octets that arrive; `None`: there is none.
    fn room(&self, octets: usize) -> Option<Permit>;

    /// Takes a message; durable when it returns.
    fn submit(
        &self,
        caller: &Caller,
        raw: RawSubmission,
    ) -> impl Future<Output = Result<Receipt, SubmitError>> + Send;

    fn max_recipients(&self) -> usize;
}

impl Intake for Mailer {
    fn login(&self, user: &str, password: &str) -> Option<Caller> {
        self.access().by_name(user, password, Door::Smtp)
    }

    fn room(&self, octets: usize) -> Option<Permit> {
        self.budget().take(octets)
    }

    async fn submit(&self, caller: &Caller, raw: RawSubmission) -> Result<Receipt, SubmitError> {
        self.submit_raw(caller, raw).await
    }

    fn max_recipients(&self) -> usize {
        self.settings().limits.recipients
    }
}
