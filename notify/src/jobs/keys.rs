//! The keys of partners, as jobs look for them.

use std::time::Duration;

use runtime::{FoundKeys, Host};
use tokio::time::Instant;

use super::KEYS_AGAIN;
use super::pause::Pause;

/// Finds keys of partners.
pub(super) struct Keys {
    host: Host,
    /// A service that has keys did not answer: until this is over none is waited for.
    away: Pause,
}

impl Keys {
    pub(super) fn new(host: Host) -> Self {
        Self {
            host,
            away: Pause::default(),
        }
    }

    /// The keys of what is sealed so. A service that has just not answered is not waited for by one thing that is to be sent after the other.
    pub(super) async fn find<const N: usize>(
        &self,
        sealed: [Option<&[u8]>; N],
    ) -> Result<FoundKeys, sqlx::Error> {
        if self.away.goes_on(Instant::now()) {
            return self.host.find_own_personal_keys(sealed).await;
        }
        let found = self.host.find_personal_keys(sealed).await?;
        if found.is_partial {
            let lasting = Duration::from_micros(KEYS_AGAIN.unsigned_abs());
            self.away.begin(Instant::now(), lasting);
        }
        Ok(found)
    }
}
