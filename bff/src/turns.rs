//! Questions of people that take long: few are looked into at once, and of those that wait for that each subject has its share, so that it
//! keeps nobody else waiting for long.

use std::sync::Arc;
use std::time::Duration;

use chassis::http::{Holder, Place, Shares};
use chassis::problem::{Problem, code};
use runtime::Host;
use tokio::sync::{Semaphore, SemaphorePermit};

/// Questions that are looked into or wait for it.
const MAX_UNDER_WAY: usize = 32;

/// Who is looked into, one after the other.
#[derive(Clone)]
pub(crate) struct Turns {
    free: Arc<Semaphore>,
    under_way: Arc<Shares>,
    patience: Duration,
}

impl Turns {
    /// So many at once; one waits so long for its turn.
    pub(crate) fn new(host: &Host, at_once: usize, patience: Duration) -> Self {
        Self {
            free: Arc::new(Semaphore::new(at_once)),
            under_way: Shares::new(MAX_UNDER_WAY, host.limits().share_percent),
            patience,
        }
    }

    /// A place among those under way.
    ///
    /// # Errors
    /// All are taken, or one of the holders has its share.
    pub(crate) fn place(&self, holders: Vec<Holder>) -> Result<Place, Problem> {
        self.under_way.take(holders).ok_or_else(busy)
    }

    /// A turn of whoever has a place.
    ///
    /// # Errors
    /// It did not come in time.
    pub(crate) async fn turn(&self) -> Result<SemaphorePermit<'_>, Problem> {
        let turn = tokio::time::timeout(self.patience, self.free.acquire()).await;
        turn.ok().and_then(Result::ok).ok_or_else(busy)
    }
}

fn busy() -> Problem {
    let detail = "others are answered first; try again";
    Problem::unavailable(code::OVERLOADED, detail, 1)
}
