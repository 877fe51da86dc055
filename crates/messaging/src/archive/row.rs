//! A row of the log as an Avro record: what an archive's file holds.

use std::sync::LazyLock;

use apache_avro::Schema;
use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::writer::datum::GenericDatumWriter;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::ArchiveError;
use crate::log::row::LogRow;

/// The schema of the rows, letter by letter as it stands in a file's header.
pub(super) const SCHEMA_TEXT: &str = r#"{"type":"record","name":"LogRow","namespace":"tributary.archive","fields":[
 {"name":"position","type":"long"},{"name":"id","type":"string"},{"name":"type","type":"string"},
 {"name":"topic","type":["null","string"]},{"name":"partition","type":["null","int"]},{"name":"sequence","type":["null","long"]},
 {"name":"key","type":"string"},{"name":"subject","type":"string"},
 {"name":"time","type":{"type":"long","logicalType":"timestamp-micros"}},
 {"name":"correlation_id","type":"string"},{"name":"causation_id","type":["null","string"]},{"name":"outcome_of","type":["null","string"]},
 {"name":"schema_id","type":"int"},
 {"name":"schema_sha256","type":"string","doc":"of the writer schema's text, which stands in the file's metadata"},
 {"name":"body","type":"bytes","doc":"one Avro datum by that schema, as it was published"}]}"#;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename = "LogRow")]
struct Archived {
    position: i64,
    id: String,
    #[serde(rename = "type")]
    kind: String,
    topic: Option<String>,
    partition: Option<i32>,
    sequence: Option<i64>,
    key: String,
    subject: String,
    time: i64,
    correlation_id: String,
    causation_id: Option<String>,
    outcome_of: Option<String>,
    schema_id: i32,
    schema_sha256: String,
    #[serde(with = "apache_avro::serde::bytes")]
    body: Vec<u8>,
}

#[allow(clippy::expect_used, reason = "a constant that a test parses")]
static SCHEMA: LazyLock<Schema> =
    LazyLock::new(|| Schema::parse_str(SCHEMA_TEXT).expect("the archive's schema is valid"));

/// Appends a row to a buffer as one datum.
pub fn encode(row: &LogRow, schema_sha256: &str, into: &mut Vec<u8>) -> Result<(), ArchiveError> {
    let text = |id: Uuid| id.to_string();
    let archived = Archived {
        position: row.position,
        id: text(row.id),
        kind: row.kind.clone(),
        topic: row.topic.clone(),
        partition: row.partition,
        sequence: row.sequence,
        key: row.key.clone(),
        subject: row.subject.clone(),
        time: row.time,
        correlation_id: text(row.correlation_id),
        causation_id: row.causation_id.map(text),
        outcome_of: row.outcome_of.map(text),
        schema_id: row.schema_id,
        schema_sha256: schema_sha256.to_owned(),
        body: row.body.clone(),
    };
    let writer = GenericDatumWriter::builder(&SCHEMA)
        .build()
        .map_err(ArchiveError::avro)?;
    writer
        .write_ser(into, &archived)
        .map_err(ArchiveError::avro)?;
    Ok(())
}

/// Reads one datum off the front of a buffer.
pub(super) fn decode(from: &mut &[u8]) -> Result<LogRow, ArchiveError> {
    let reader = GenericDatumReader::builder(&SCHEMA)
        .build()
        .map_err(ArchiveError::avro)?;
    let row: Archived = reader.read_deser(from).map_err(ArchiveError::avro)?;
    let id = |text: &str| {
        Uuid::parse_str(text).map_err(|_| ArchiveError::Corrupt(format!("{text} is no id")))
    };
    Ok(LogRow {
        position: row.position,
        id: id(&row.id)?,
        kind: row.kind,
        topic: row.topic,
        partition: row.partition,
        sequence: row.sequence,
        key: row.key,
        subject: row.subject,
        time: row.time,
        correlation_id: id(&row.correlation_id)?,
        causation_id: row.causation_id.as_deref().map(id).transpose()?,
        outcome_of: row.outcome_of.as_deref().map(id).transpose()?,
        schema_id: row.schema_id,
        body: row.body,
    })
}
