//! The acts upon old parts of the log: they are written to files, read back, and dropped from the table.

mod discard;
mod verify;
mod write;

use std::path::Path;

use messaging::archive::{ArchiveError, Part};
use sqlx::PgPool;

pub use discard::{Floor, Held, drop_below, droppable, read_back};
pub(crate) use verify::has_files;
pub use verify::verify;
pub use write::{run, write_again};

/// All parts, oldest first.
pub async fn list(pool: &PgPool) -> Result<Vec<Part>, sqlx::Error> {
    sqlx::query_as("SELECT * FROM pipeline.archive ORDER BY from_position")
        .fetch_all(pool)
        .await
}

/// Parts that begin below a position, newest first.
pub(crate) async fn list_below(
    pool: &PgPool,
    below: i64,
    limit: i64,
) -> Result<Vec<Part>, sqlx::Error> {
    sqlx::query_as(
        "SELECT * FROM pipeline.archive WHERE from_position < $1 ORDER BY from_position DESC LIMIT $2",
    )
    .bind(below)
    .bind(limit)
    .fetch_all(pool)
    .await
}

/// The oldest parts that were not read back yet.
pub(crate) async fn unverified(pool: &PgPool, most: usize) -> Result<Vec<Part>, sqlx::Error> {
    sqlx::query_as(
        "SELECT * FROM pipeline.archive WHERE verified_at IS NULL ORDER BY from_position LIMIT $1",
    )
    .bind(i64::try_from(most).unwrap_or(i64::MAX))
    .fetch_all(pool)
    .await
}

/// Parts that have this position or are behind it, the oldest first, also those whose rows left the table.
pub(crate) async fn behind(
    pool: &PgPool,
    position: i64,
    most: usize,
) -> Result<Vec<Part>, sqlx::Error> {
    sqlx::query_as(
        "SELECT * FROM pipeline.archive WHERE to_position >= $1 ORDER BY from_position LIMIT $2",
    )
    .bind(position)
    .bind(i64::try_from(most).unwrap_or(i64::MAX))
    .fetch_all(pool)
    .await
}

/// How many positions one partition of the log's table has.
pub(crate) async fn partition_positions(pool: &PgPool) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("SELECT partition_positions FROM pipeline.log_head")
        .fetch_one(pool)
        .await
}

/// Sets how many positions one partition of the log's table has. Only an empty log takes it.
pub async fn set_partition_positions(pool: &PgPool, positions: u32) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE pipeline.log_head SET partition_positions = $1 WHERE position = 0")
        .bind(i64::from(positions))
        .execute(pool)
        .await?;
    Ok(())
}

/// Notes where the archive lies, for all who read the log. All replicas see the same folder under the same name.
pub async fn open(pool: &PgPool, folder: &Path) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE pipeline.service_state SET archive_folder = $1")
        .bind(folder.to_string_lossy())
        .execute(pool)
        .await?;
    Ok(())
}

/// A position for a metric, exact up to 2^53.
#[expect(
    clippy::cast_precision_loss,
    reason = "a graph of what lies beyond is as good when it is rounded"
)]
fn gauge(position: i64) -> f64 {
    position as f64
}

/// SHA-256 of a file, read in pieces.
fn sha256_of(path: &Path) -> Result<Vec<u8>, ArchiveError> {
    use sha2::{Digest, Sha256};
    use std::io::BufRead;
    let file = std::fs::File::open(path).map_err(|error| {
        let which = format!("{}: {error}", path.display());
        std::io::Error::new(error.kind(), which)
    })?;
    let mut file = std::io::BufReader::with_capacity(64 * 1024, file);
    let mut hasher = Sha256::new();
    loop {
        let piece = file.fill_buf()?;
        if piece.is_empty() {
            return Ok(hasher.finalize().to_vec());
        }
        hasher.update(piece);
        let read = piece.len();
        file.consume(read);
    }
}

#[cfg(test)]
mod tests {
    use super::gauge;

    #[test]
    fn a_position_beyond_four_thousand_million_is_still_a_number() {
        let beyond = i64::from(u32::MAX) + 1;
        assert!(gauge(beyond) > gauge(beyond - 1) && gauge(beyond).is_finite());
    }
}
