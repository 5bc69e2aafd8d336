//! What a Redis is worth, and whether mail waits in it, without becoming one of its nodes. Nothing is written.

use super::opening;
use super::place::{RedisPlace, trouble};
use crate::Worth;
use crate::error::StoreError;

impl RedisPlace {
    /// What this Redis promises; asked once, with two seconds to connect and eight for each answer.
    ///
    /// # Errors
    /// `Away`: it is not to be reached. `Unfit`: no queue can be kept in it.
    pub async fn worth(&self) -> Result<Worth, StoreError> {
        let mut connection = self.connect().await.map_err(|error| trouble(self, &error))?;
        opening::worth(self, &mut connection).await
    }

    /// Jobs of the queue there that still have something to do; 0 if there is no queue.
    ///
    /// # Errors
    /// `Away`: it is not to be reached, or does not let us in.
    pub async fn waiting(&self) -> Result<u64, StoreError> {
        let mut connection = self.connect().await.map_err(|error| trouble(self, &error))?;
        let mut count = redis::cmd("ZCARD");
        count.arg(format!("{}open", self.prefix()));
        count.query_async(&mut connection).await.map_err(|error| trouble(self, &error))
    }
}
