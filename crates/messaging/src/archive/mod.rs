//! Old parts of the log, as files: `pipeline.archive` says which, and the log is read through them as if they were live.
//! Operators have them written, verified and dropped; here is what such a file is.

pub mod container;
pub mod row;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use sqlx::{FromRow, PgPool};

use crate::log::row::LogRow;
use crate::schema_ids::SchemaIdError;
use container::Reader;

/// What went wrong with an archive.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The database said so.
    #[error(transparent)]
    Sql(#[from] sqlx::Error),
    /// The folder or a file said so.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// A writer schema is unusable.
    #[error(transparent)]
    Schema(#[from] SchemaIdError),
    /// A file is not what was written.
    #[error("the file is not what was archived: {0}")]
    Corrupt(String),
    /// `ARCHIVE_FOLDER` is not set, and never was for this database.
    #[error("there is no archive: set ARCHIVE_FOLDER")]
    NoFolder,
    /// An act that the state of things forbids.
    #[error("{0}")]
    Refused(String),
}

impl ArchiveError {
    #[allow(clippy::needless_pass_by_value, reason = "for map_err")]
    fn avro(error: apache_avro::Error) -> Self {
        // Errors of the library may print whole schemas.
        Self::Corrupt(error.to_string().chars().take(200).collect())
    }
}

impl From<ArchiveError> for sqlx::Error {
    /// For who reads the log: a file that cannot be read is an outage of the log.
    fn from(error: ArchiveError) -> Self {
        match error {
            ArchiveError::Sql(error) => error,
            ArchiveError::Io(error) => Self::Io(error),
            other => Self::Io(std::io::Error::other(other.to_string())),
        }
    }
}

/// A part of the log that stands in a file.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Part {
    /// Its first position.
    pub from_position: i64,
    /// Its last position.
    pub to_position: i64,
    /// The file's name in the archive's folder.
    pub file: String,
    /// Of the whole file.
    pub sha256: Vec<u8>,
    /// Of its rows' datums, one behind the other.
    pub rows_sha256: Vec<u8>,
    /// Its rows.
    pub count: i64,
    /// The file's size.
    pub bytes: i64,
    /// When it was written, in microseconds.
    pub archived_at: i64,
    /// When it was read back and compared.
    pub verified_at: Option<i64>,
    /// When its rows were dropped from the table.
    pub dropped_at: Option<i64>,
}

/// Where the archive lies.
pub async fn folder(pool: &PgPool) -> Result<PathBuf, ArchiveError> {
    let folder: Option<String> =
        sqlx::query_scalar("SELECT archive_folder FROM pipeline.service_state")
            .fetch_one(pool)
            .await?;
    folder.map(PathBuf::from).ok_or(ArchiveError::NoFolder)
}

/// Rows behind a position that a file has, and up to where it was looked at: one block at a time, so that what is kept in
/// memory is bounded.
pub async fn read_after(
    pool: &PgPool,
    after: i64,
    limit: i64,
    ours: impl Fn(&LogRow) -> bool + Send + 'static,
) -> Result<(Vec<LogRow>, i64), ArchiveError> {
    let part: Option<Part> = sqlx::query_as(
        "SELECT * FROM pipeline.archive WHERE to_position > $1 ORDER BY to_position LIMIT 1",
    )
    .bind(after)
    .fetch_optional(pool)
    .await?;
    let part = part.filter(|part| part.from_position <= after + 1);
    let Some(part) = part else {
        let hole = format!(
            "position {} is neither in the table nor in the archive",
            after + 1
        );
        return Err(ArchiveError::Refused(hole));
    };
    let path = folder(pool).await?.join(&part.file);
    let limit = usize::try_from(limit).unwrap_or(0);
    off_thread(move || {
        let mut reader = Reader::open(&path, part.from_position)?;
        let read = reader.rows_after(after)?;
        let read =
            read.ok_or_else(|| ArchiveError::Corrupt(format!("{} ends early", part.file)))?;
        let mut through = after;
        let mut rows = Vec::new();
        for row in read.into_iter().filter(|row| row.position > after) {
            if rows.len() == limit {
                break;
            }
            through = row.position;
            if ours(&row) {
                rows.push(row);
            }
        }
        Ok((rows, through))
    })
    .await
}

/// Rows that files have of those that somebody wants to see, as far as that was to be had.
#[derive(Debug, Default)]
pub struct Picked {
    /// In no order.
    pub rows: Vec<LogRow>,
    /// Why some are missing whose file could not be read.
    pub failed: Option<ArchiveError>,
}

/// The rows at these positions, of which nothing is in the table, out of so many blocks at most: those of newer files first. Each
/// file is opened once. The `turn` is held until that is done, also where nobody waits for it any more.
pub async fn pick(
    pool: &PgPool,
    positions: Vec<i64>,
    blocks: usize,
    turn: impl Send + 'static,
) -> Result<Picked, sqlx::Error> {
    let parts: Vec<Part> = sqlx::query_as(
        "SELECT * FROM pipeline.archive a
          WHERE EXISTS (SELECT FROM UNNEST($1::bigint[]) p WHERE p BETWEEN a.from_position AND a.to_position)
          ORDER BY from_position DESC",
    )
    .bind(&positions)
    .fetch_all(pool)
    .await?;
    let mut picked = Picked::default();
    if parts.is_empty() {
        return Ok(picked);
    }
    let folder = match folder(pool).await {
        Ok(folder) => folder,
        Err(ArchiveError::Sql(error)) => return Err(error),
        Err(error) => {
            picked.failed = Some(error);
            return Ok(picked);
        }
    };
    let wanted: BTreeSet<i64> = positions.into_iter().collect();
    let read = off_thread(move || {
        let _held = turn;
        let (mut picked, mut blocks) = (Picked::default(), blocks);
        for part in parts {
            if let Err(error) = pick_of(&part, &folder, &wanted, &mut blocks, &mut picked.rows) {
                picked.failed = Some(error);
                blocks = blocks.saturating_sub(1);
            }
        }
        Ok(picked)
    })
    .await;
    Ok(read.unwrap_or_else(|error| Picked {
        failed: Some(error),
        ..picked
    }))
}

fn pick_of(
    part: &Part,
    folder: &Path,
    wanted: &BTreeSet<i64>,
    blocks: &mut usize,
    picked: &mut Vec<LogRow>,
) -> Result<(), ArchiveError> {
    if *blocks == 0 {
        return Ok(());
    }
    let mut reader = Reader::open(&folder.join(&part.file), part.from_position)?;
    let mut through = part.from_position - 1;
    while let Some(next) = wanted.range(through + 1..).next() {
        if *next > part.to_position || *blocks == 0 {
            break;
        }
        *blocks -= 1;
        let read = reader.rows_after(next - 1)?;
        let read =
            read.ok_or_else(|| ArchiveError::Corrupt(format!("{} ends early", part.file)))?;
        through = read.last().map_or(part.to_position, |row| row.position);
        picked.extend(
            read.into_iter()
                .filter(|row| wanted.contains(&row.position)),
        );
    }
    Ok(())
}

/// Packing and disks take milliseconds, which a service's one thread has not.
pub async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ArchiveError> + Send + 'static,
) -> Result<T, ArchiveError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| ArchiveError::Io(std::io::Error::other(error)))?
}
