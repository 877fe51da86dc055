//! Reading archived parts back.

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;

use messaging::archive::container::Reader;
use messaging::archive::{ArchiveError, Part, folder, off_thread};
use messaging::clock;
use messaging::log::{self, LogRow};
use sha2::{Digest, Sha256};
use sqlx::PgPool;

use types::hex;

use super::{sha256_of, write};

/// Reads one part back: the file's hash, its chain to the one before, its rows' digest, and row for row that it is what
/// the table has, unless that was dropped. Notes that it is verified.
pub async fn verify(pool: &PgPool, from_position: i64) -> Result<Part, ArchiveError> {
    let part: Option<Part> =
        sqlx::query_as("SELECT * FROM pipeline.archive WHERE from_position = $1")
            .bind(from_position)
            .fetch_optional(pool)
            .await?;
    let mut part = part.ok_or_else(|| {
        ArchiveError::Refused(format!("no part begins at position {from_position}"))
    })?;
    let previous: Option<Vec<u8>> =
        sqlx::query_scalar("SELECT sha256 FROM pipeline.archive WHERE to_position = $1 - 1")
            .bind(from_position)
            .fetch_optional(pool)
            .await?;
    let path = folder(pool).await?.join(&part.file);
    let mut reader = open(path, part.clone(), previous.unwrap_or_default()).await?;
    let fingerprints = fingerprints(&reader)?;
    let (mut hasher, mut at) = (Sha256::new(), part.from_position - 1);
    loop {
        let read: Option<Vec<LogRow>>;
        (reader, read) = off_thread(move || {
            let rows = reader.rows_after(at)?;
            Ok((reader, rows))
        })
        .await?;
        let Some(rows) = read else { break };
        for row in &rows {
            let mut datum = Vec::new();
            write::encode(row, &fingerprints, &mut datum)?;
            hasher.update(&datum);
        }
        if part.dropped_at.is_none() {
            compare(pool, at, &rows).await?;
        }
        at = rows.last().map_or(at, |row| row.position);
    }
    if at != part.to_position || hasher.finalize()[..] != part.rows_sha256 {
        let reason = format!("{} does not have the rows that it says", part.file);
        return Err(ArchiveError::Corrupt(reason));
    }
    let now = clock::now().0;
    // Not of a part that was written again meanwhile.
    sqlx::query(
        "UPDATE pipeline.archive SET verified_at = $2 WHERE from_position = $1 AND sha256 = $3",
    )
    .bind(from_position)
    .bind(now)
    .bind(&part.sha256)
    .execute(pool)
    .await?;
    part.verified_at = Some(now);
    Ok(part)
}

/// Whether there is anything in the archive's folder.
pub(crate) async fn has_files(pool: &PgPool) -> Result<bool, ArchiveError> {
    let folder = folder(pool).await?;
    off_thread(move || Ok(fs::read_dir(folder)?.next().transpose()?.is_some())).await
}

async fn open(path: PathBuf, part: Part, previous: Vec<u8>) -> Result<Reader, ArchiveError> {
    off_thread(move || {
        if sha256_of(&path)? != part.sha256 {
            return Err(ArchiveError::Corrupt(format!(
                "{} has another hash",
                part.file
            )));
        }
        let reader = Reader::open(&path, part.from_position)?;
        let says = [
            ("tributary.from_position", part.from_position.to_string()),
            ("tributary.to_position", part.to_position.to_string()),
            ("tributary.count", part.count.to_string()),
            ("tributary.rows_sha256", hex(&part.rows_sha256)),
            ("tributary.previous_sha256", hex(&previous)),
        ];
        for (key, expected) in says {
            let found = reader.metadata(key).unwrap_or_default();
            if found != expected {
                let reason = format!("{}: {key} is '{found}', not '{expected}'", part.file);
                return Err(ArchiveError::Corrupt(reason));
            }
        }
        Ok(reader)
    })
    .await
}

/// Which writer schema each small number stands for, as the file itself says.
fn fingerprints(reader: &Reader) -> Result<HashMap<i32, String>, ArchiveError> {
    #[derive(serde::Deserialize)]
    struct Schema {
        sha256: String,
    }
    let text = reader.metadata("tributary.schemas").unwrap_or_default();
    let schemas: HashMap<i32, Schema> = serde_json::from_str(&text)
        .map_err(|error| ArchiveError::Corrupt(format!("its schemas: {error}")))?;
    Ok(schemas
        .into_iter()
        .map(|(id, schema)| (id, schema.sha256))
        .collect())
}

async fn compare(pool: &PgPool, after: i64, archived: &[LogRow]) -> Result<(), ArchiveError> {
    let count = i64::try_from(archived.len()).unwrap_or(0);
    let live = log::all_after(pool, after, count).await?;
    match archived
        .iter()
        .zip(&live)
        .find(|(archived, live)| archived != live)
    {
        None if live.len() == archived.len() => Ok(()),
        differs => {
            let at = differs.map_or(after + 1, |(row, _)| row.position);
            let reason = format!("position {at} is another one in the table");
            Err(ArchiveError::Corrupt(reason))
        }
    }
}
