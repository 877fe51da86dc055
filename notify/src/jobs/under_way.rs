//! Attempts that go on while others are begun.

use std::collections::HashMap;
use std::time::Duration;

use tokio::task::{self, JoinError, JoinSet};
use tokio::time::timeout;

/// The end of a first attempt is waited for so long before more are begun.
const PAUSE: Duration = Duration::from_millis(100);

/// Attempts, each with what it holds until it ends. They end with this.
#[derive(Debug)]
pub(super) struct UnderWay<H, T> {
    attempts: JoinSet<T>,
    pub(super) held: HashMap<task::Id, H>,
}

impl<H, T> Default for UnderWay<H, T> {
    fn default() -> Self {
        Self {
            attempts: JoinSet::new(),
            held: HashMap::new(),
        }
    }
}

impl<H, T: Send + 'static> UnderWay<H, T> {
    pub(super) fn start(&mut self, held: H, attempt: impl Future<Output = T> + Send + 'static) {
        let task = self.attempts.spawn(attempt).id();
        self.held.insert(task, held);
    }

    /// Those that have ended, after a while of the first; an error is of one that broke off.
    pub(super) async fn ended(&mut self) -> Vec<(H, Result<T, JoinError>)> {
        let first = timeout(PAUSE, self.attempts.join_next_with_id()).await;
        let mut next = first.ok().flatten();
        let mut all = Vec::new();
        while let Some(ended) = next {
            let (task, ended) = match ended {
                Ok((task, ended)) => (task, Ok(ended)),
                Err(error) => (error.id(), Err(error)),
            };
            all.extend(self.held.remove(&task).map(|held| (held, ended)));
            next = self.attempts.try_join_next_with_id();
        }
        all
    }
}
