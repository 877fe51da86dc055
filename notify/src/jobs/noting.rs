//! What came of attempts, noted.

use std::fmt::Display;
use std::time::Duration;

use tokio::time::{Instant, sleep};

/// So far apart it is tried.
const AGAIN: Duration = Duration::from_secs(1);

/// Notes what came of an attempt at this once the database takes it, and tries that until then at most. While it is tried the attempt keeps its
/// place: a database that takes nothing ends the sending, and does not repeat it.
pub(super) async fn note<N>(of: impl Display, until: Instant, mut noting: impl FnMut() -> N)
where
    N: Future<Output = Result<(), sqlx::Error>>,
{
    while let Err(error) = noting().await {
        tracing::warn!(%of, %error, "what came of an attempt cannot be noted now");
        if Instant::now() + AGAIN >= until {
            break;
        }
        sleep(AGAIN).await;
    }
}
