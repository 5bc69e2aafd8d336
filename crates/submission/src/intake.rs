//! What the door needs of the library.

use postrider::{
    Action, Caller, Door, Guesses, JobId, Mailer, Permit, RawSubmission, Receipt, Store, SubmitError,
};

pub(crate) trait Intake: Send + Sync + 'static {
    /// The caller behind a login; `None`: wrong.
    fn login(&self, user: &str, password: &str) -> Option<Caller>;

    /// The wrong passwords so far.
    fn guesses(&self) -> &Guesses;

    /// Room for octets that arrive; `None`: there is none.
    fn room(&self, octets: usize) -> Option<Permit>;

    /// Takes a message; durable when it returns.
    fn submit(
        &self,
        caller: &Caller,
        raw: RawSubmission,
    ) -> impl Future<Output = Result<Receipt, SubmitError>> + Send;

    /// Gives up a message that was stored after its client had been told otherwise; `false`: it is
    /// on its way already.
    fn withdraw(&self, id: JobId) -> impl Future<Output = bool> + Send;

    fn max_recipients(&self) -> usize;
}

impl Intake for Mailer {
    fn login(&self, user: &str, password: &str) -> Option<Caller> {
        self.access().by_name(user, password, Door::Smtp)
    }

    fn guesses(&self) -> &Guesses {
        self.access().guesses()
    }

    fn room(&self, octets: usize) -> Option<Permit> {
        self.budget().take(octets)
    }

    async fn submit(&self, caller: &Caller, raw: RawSubmission) -> Result<Receipt, SubmitError> {
        self.submit_raw_as(caller, raw).await
    }

    async fn withdraw(&self, id: JobId) -> bool {
        self.store().act(id, Action::Cancel).await.is_ok()
    }

    fn max_recipients(&self) -> usize {
        self.settings().limits.recipients
    }
}
