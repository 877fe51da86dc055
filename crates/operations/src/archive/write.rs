//! Writing closed parts of the log to files.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use messaging::archive::container::Writer;
use messaging::archive::{ArchiveError, Part, folder, off_thread, row};
use messaging::{SchemaIds, WriteTx, clock, epoch, log};
use sha2::{Digest, Sha256};
use sqlx::PgPool;

use types::hex;

use super::sha256_of;

/// Positions of one file: some ten megabytes.
const FILE_POSITIONS: i64 = 65_536;
const CHUNK: i64 = 500;

/// Archives the next closed part of the log; `None` where nothing closed is left.
pub async fn run(
    pool: &PgPool,
    schema_ids: &SchemaIds,
    service: &str,
) -> Result<Option<Part>, ArchiveError> {
    let folder = folder(pool).await?;
    tokio::fs::create_dir_all(&folder).await?;
    let Some(next) = next(pool).await? else {
        return Ok(None);
    };
    let part = archive_one(pool, schema_ids, service, &folder, &next).await?;
    note(pool, &part).await?;
    metrics::counter!("tributary_archived_messages_total")
        .increment(u64::try_from(part.count).unwrap_or(0));
    metrics::gauge!("tributary_archive_to").set(super::gauge(part.to_position));
    Ok(Some(part))
}

/// What is to be written next.
struct Next {
    from: i64,
    to: i64,
    previous: Option<(String, Vec<u8>)>,
}

async fn next(pool: &PgPool) -> Result<Option<Next>, ArchiveError> {
    let (head, positions): (i64, i64) =
        sqlx::query_as("SELECT position, partition_positions FROM pipeline.log_head")
            .fetch_one(pool)
            .await?;
    let last: Option<Part> =
        sqlx::query_as("SELECT * FROM pipeline.archive ORDER BY from_position DESC LIMIT 1")
            .fetch_optional(pool)
            .await?;
    let from = last.as_ref().map_or(1, |part| part.to_position + 1);
    // Positions begin at 1, so the first partition has one fewer.
    let closed = head / positions * positions - 1;
    let end_of_partition = (from / positions + 1) * positions - 1;
    let to = (from + FILE_POSITIONS - 1).min(end_of_partition);
    Ok((to <= closed).then(|| Next {
        from,
        to,
        previous: last.map(|part| (part.file, part.sha256)),
    }))
}

/// What a first reading of the rows finds, which the file's header has to say.
struct Looked {
    digest: Vec<u8>,
    fingerprints: HashMap<i32, String>,
    schemas: BTreeMap<i32, serde_json::Value>,
}

async fn look(pool: &PgPool, schema_ids: &SchemaIds, next: &Next) -> Result<Looked, ArchiveError> {
    let (mut hasher, mut at) = (Sha256::new(), next.from - 1);
    let (mut fingerprints, mut schemas) = (HashMap::new(), BTreeMap::new());
    while at < next.to {
        let mut datum = Vec::new();
        for row in rows(pool, at, next.to).await? {
            if let Entry::Vacant(place) = fingerprints.entry(row.schema_id) {
                let schema = schema_ids.get(pool, row.schema_id).await?;
                let sha256 = hex(schema.fingerprint());
                let topic = schema.topic().name();
                schemas.insert(
                    row.schema_id,
                    serde_json::json!({"topic": topic, "sha256": sha256, "text": schema.text()}),
                );
                place.insert(sha256);
            }
            datum.clear();
            encode(&row, &fingerprints, &mut datum)?;
            hasher.update(&datum);
            at = row.position;
        }
    }
    Ok(Looked {
        digest: hasher.finalize().to_vec(),
        fingerprints,
        schemas,
    })
}

async fn archive_one(
    pool: &PgPool,
    schema_ids: &SchemaIds,
    service: &str,
    folder: &Path,
    next: &Next,
) -> Result<Part, ArchiveError> {
    let looked = look(pool, schema_ids, next).await?;
    let epochs = serde_json::to_string(&epoch::all(pool).await?)
        .map_err(|error| ArchiveError::Corrupt(error.to_string()))?;
    let schemas = serde_json::to_string(&looked.schemas)
        .map_err(|error| ArchiveError::Corrupt(error.to_string()))?;
    let count = next.to - next.from + 1;
    let (previous, previous_sha256) = next.previous.clone().unwrap_or_default();
    let metadata = [
        ("tributary.service", service.to_owned()),
        ("tributary.from_position", next.from.to_string()),
        ("tributary.to_position", next.to.to_string()),
        ("tributary.count", count.to_string()),
        ("tributary.rows_sha256", hex(&looked.digest)),
        ("tributary.previous_file", previous),
        ("tributary.previous_sha256", hex(&previous_sha256)),
        ("tributary.epochs", epochs),
        ("tributary.schemas", schemas),
    ];
    // Named after what is in it: a restored log's other history never writes over the one that was lost.
    let (short, temporary) = (&hex(&looked.digest)[..8], uuid::Uuid::now_v7().simple());
    let file = format!("{service}-{:012}-{:012}-{short}.avro", next.from, next.to);
    let unfinished = Unfinished(folder.join(format!(".{file}.{temporary}")));
    let mut sync = [0; 16];
    sync.copy_from_slice(&looked.digest[..16]);
    let (mut writer, unfinished) = off_thread(move || {
        let writer = Writer::create(&unfinished.0, &metadata, sync)?;
        Ok((writer, unfinished))
    })
    .await?;
    let mut at = next.from - 1;
    let mut hasher = Sha256::new();
    while at < next.to {
        let mut datums = Vec::new();
        for row in rows(pool, at, next.to).await? {
            let mut datum = Vec::new();
            encode(&row, &looked.fingerprints, &mut datum)?;
            hasher.update(&datum);
            datums.push(datum);
            at = row.position;
        }
        writer = off_thread(move || {
            for datum in &datums {
                writer.append(datum)?;
            }
            Ok(writer)
        })
        .await?;
    }
    if hasher.finalize()[..] != looked.digest {
        return Err(ArchiveError::Corrupt(
            "the log changed meanwhile".to_owned(),
        ));
    }
    off_thread(move || writer.finish()).await?;
    let (sha256, bytes) = put_in_place(&unfinished, folder.join(&file)).await?;
    Ok(Part {
        from_position: next.from,
        to_position: next.to,
        file,
        sha256,
        rows_sha256: looked.digest,
        count,
        bytes,
        archived_at: clock::now().0,
        verified_at: None,
        dropped_at: None,
    })
}

/// A file that is being written. What is not put in its place goes, also when whoever asked for it does not wait to the end.
struct Unfinished(PathBuf);

impl Drop for Unfinished {
    fn drop(&mut self) {
        let _put_in_place = std::fs::remove_file(&self.0);
    }
}

/// Gives a finished file its name, and waits until the disk knows it. Returns its hash and size.
async fn put_in_place(
    unfinished: &Unfinished,
    file: PathBuf,
) -> Result<(Vec<u8>, i64), ArchiveError> {
    let unfinished = unfinished.0.clone();
    off_thread(move || {
        std::fs::rename(&unfinished, &file)?;
        if let Some(folder) = file.parent() {
            std::fs::File::open(folder)?.sync_all()?;
        }
        let bytes = i64::try_from(file.metadata()?.len()).unwrap_or(i64::MAX);
        Ok((sha256_of(&file)?, bytes))
    })
    .await
}

/// The next rows of a range, of which there always are some: the log has no holes.
async fn rows(pool: &PgPool, after: i64, to: i64) -> Result<Vec<log::LogRow>, ArchiveError> {
    let rows = log::all_after(pool, after, CHUNK.min(to - after)).await?;
    let contiguous = rows
        .iter()
        .zip(after + 1..)
        .all(|(row, at)| row.position == at);
    if rows.is_empty() || !contiguous {
        let hole = format!("the log has a hole behind position {after}");
        return Err(ArchiveError::Refused(hole));
    }
    Ok(rows)
}

pub(super) fn encode(
    row: &log::LogRow,
    fingerprints: &HashMap<i32, String>,
    into: &mut Vec<u8>,
) -> Result<(), ArchiveError> {
    let sha256 = fingerprints.get(&row.schema_id).map_or("", String::as_str);
    row::encode(row, sha256, into)
}

/// Another replica may have written the same part: the file is the same then. A part whose predecessor was taken back
/// meanwhile is not noted.
async fn note(pool: &PgPool, part: &Part) -> Result<(), sqlx::Error> {
    sqlx::query(
        "WITH before AS (SELECT 1 FROM pipeline.archive WHERE to_position = $1 - 1 FOR KEY SHARE)
         INSERT INTO pipeline.archive (from_position, to_position, file, sha256, rows_sha256, count, bytes, archived_at)
         SELECT $1, $2, $3, $4, $5, $6, $7, $8 WHERE $1 = 1 OR EXISTS (SELECT FROM before)
         ON CONFLICT (from_position) DO NOTHING",
    )
    .bind(part.from_position)
    .bind(part.to_position)
    .bind(&part.file)
    .bind(&part.sha256)
    .bind(&part.rows_sha256)
    .bind(part.count)
    .bind(part.bytes)
    .bind(part.archived_at)
    .execute(pool)
    .await?;
    Ok(())
}

/// Takes back the part that has a position and all behind it, so that [`run`] writes them again: their rows are still in the
/// table. Each names the one before it by its hash, so that none is left. Returns their first position and their last.
/// Nothing is committed yet.
pub async fn write_again(tx: &mut WriteTx, position: i64) -> Result<(i64, i64), ArchiveError> {
    let connection = tx.connection();
    let from: Option<i64> = sqlx::query_scalar(
        "SELECT from_position FROM pipeline.archive
          WHERE from_position <= $1 AND to_position >= $1 AND dropped_at IS NULL",
    )
    .bind(position)
    .fetch_optional(&mut *connection)
    .await?;
    let Some(from) = from else {
        let reason = format!(
            "no part that is still in the table has position {position}: what left the table is in its file alone"
        );
        return Err(ArchiveError::Refused(reason));
    };
    let mut to = from;
    loop {
        // Once more for a part that another replica noted meanwhile.
        let gone: Vec<i64> = sqlx::query_scalar(
            "DELETE FROM pipeline.archive WHERE from_position >= $1 AND dropped_at IS NULL RETURNING to_position",
        )
        .bind(from)
        .fetch_all(&mut *connection)
        .await?;
        let Some(last) = gone.into_iter().max() else {
            metrics::gauge!("tributary_archive_to").set(super::gauge(from - 1));
            return Ok((from, to));
        };
        to = to.max(last);
    }
}
