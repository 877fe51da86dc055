//! `pipeline.epoch`: the histories of one log. A restored database's log goes on under a raised epoch.

use sqlx::{FromRow, PgPool};

/// The positions of one epoch: behind `after`, up to `to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Range {
    pub after: i64,
    /// `i64::MAX` for the one that is being written.
    pub to: i64,
}

/// One history of the log.
#[derive(Debug, Clone, PartialEq, Eq, FromRow, serde::Serialize)]
pub struct Epoch {
    /// Its number.
    pub epoch: i64,
    /// It began behind this position.
    pub after_position: i64,
    /// When, in microseconds; 0 for the first.
    pub raised_at: i64,
}

/// All epochs of a log, oldest first.
pub async fn all(pool: &PgPool) -> Result<Vec<Epoch>, sqlx::Error> {
    sqlx::query_as("SELECT * FROM pipeline.epoch ORDER BY epoch")
        .fetch_all(pool)
        .await
}

/// The number of the epoch that is being written, of all.
pub fn newest(epochs: &[Epoch]) -> i64 {
    epochs.last().map_or(1, |epoch| epoch.epoch)
}

pub(crate) async fn range(pool: &PgPool, epoch: i64) -> Result<Range, sqlx::Error> {
    let (after, to): (Option<i64>, Option<i64>) = sqlx::query_as(
        "SELECT (SELECT after_position FROM pipeline.epoch WHERE epoch = $1),
                (SELECT min(after_position) FROM pipeline.epoch WHERE epoch > $1)",
    )
    .bind(epoch)
    .fetch_one(pool)
    .await?;
    Ok(Range {
        after: after.unwrap_or(0),
        to: to.unwrap_or(i64::MAX),
    })
}

/// Which epoch a position belongs to.
pub(crate) fn of(epochs: &[Epoch], position: i64) -> i64 {
    let begun = epochs.iter().rev().find(|it| it.after_position < position);
    begun.map_or(1, |it| it.epoch)
}
