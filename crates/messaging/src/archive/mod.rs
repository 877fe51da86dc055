//! Old parts of the log, as files: `pipeline.archive` says which, and the log is read through them as if they were live.

mod container;
mod discard;
mod row;
mod verify;
mod write;

use std::path::{Path, PathBuf};

use sqlx::{FromRow, PgPool};

use crate::log::LogRow;
use crate::schema_ids::SchemaIdError;
use container::Reader;

pub use discard::{Floor, Held, drop_below, droppable, read_back};
pub use row::SCHEMA_TEXT;
pub use verify::verify;
pub use write::run;

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
    pub(crate) fn avro(error: apache_avro::Error) -> Self {
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

impl Part {
    /// The file's hash as text.
    pub fn sha256_hex(&self) -> String {
        hex(&self.sha256)
    }
}

/// All parts, oldest first.
pub async fn list(pool: &PgPool) -> Result<Vec<Part>, sqlx::Error> {
    sqlx::query_as("SELECT * FROM pipeline.archive ORDER BY from_position")
        .fetch_all(pool)
        .await
}

/// Parts that begin below a position, newest first.
pub async fn list_below(pool: &PgPool, below: i64, limit: i64) -> Result<Vec<Part>, sqlx::Error> {
    sqlx::query_as(
        "SELECT * FROM pipeline.archive WHERE from_position < $1 ORDER BY from_position DESC LIMIT $2",
    )
    .bind(below)
    .bind(limit)
    .fetch_all(pool)
    .await
}

/// Where the oldest parts begin that were not read back yet.
pub async fn unverified(pool: &PgPool, most: usize) -> Result<Vec<i64>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT from_position FROM pipeline.archive WHERE verified_at IS NULL ORDER BY from_position LIMIT $1",
    )
    .bind(i64::try_from(most).unwrap_or(i64::MAX))
    .fetch_all(pool)
    .await
}

/// How many positions one partition of the log's table has.
pub async fn partition_positions(pool: &PgPool) -> Result<i64, sqlx::Error> {
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

/// Where the archive lies.
pub(crate) async fn folder(pool: &PgPool) -> Result<PathBuf, ArchiveError> {
    let folder: Option<String> =
        sqlx::query_scalar("SELECT archive_folder FROM pipeline.service_state")
            .fetch_one(pool)
            .await?;
    folder.map(PathBuf::from).ok_or(ArchiveError::NoFolder)
}

/// Rows behind a position that a file has, and up to where it was looked at: one block at a time, so that what is kept in
/// memory is bounded.
pub(crate) async fn read_after(
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

/// Packing and disks take milliseconds, which a service's one thread has not.
async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ArchiveError> + Send + 'static,
) -> Result<T, ArchiveError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| ArchiveError::Io(std::io::Error::other(error)))?
}

/// A position for a metric; it saturates far beyond any log's first years.
fn gauge(position: i64) -> f64 {
    u32::try_from(position).map_or(f64::INFINITY, f64::from)
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// SHA-256 of a file, read in pieces.
fn sha256_of(path: &Path) -> Result<Vec<u8>, ArchiveError> {
    use sha2::{Digest, Sha256};
    use std::io::BufRead;
    let mut file = std::io::BufReader::with_capacity(64 * 1024, std::fs::File::open(path)?);
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
