//! A row of the log.

use sqlx::FromRow;
use uuid::Uuid;

use super::NewRow;

/// A row as it stands.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct LogRow {
    /// Its place in the log.
    pub position: i64,
    /// The message's id.
    pub id: Uuid,
    /// The message's type.
    #[sqlx(rename = "type")]
    pub kind: String,
    /// Where it is published; `None` for own events.
    pub topic: Option<String>,
    /// The topic's partition.
    pub partition: Option<i32>,
    /// Its place in the stream.
    pub sequence: Option<i64>,
    /// What routes it.
    pub key: String,
    /// The aggregate.
    pub subject: String,
    /// Our time, in microseconds.
    pub time: i64,
    /// The original request's correlation id.
    pub correlation_id: Uuid,
    /// What caused it.
    pub causation_id: Option<Uuid>,
    /// The command whose outcome it is.
    pub outcome_of: Option<Uuid>,
    /// Which writer schema.
    pub schema_id: i32,
    /// The exact Avro bytes.
    pub body: Vec<u8>,
}

impl From<NewRow> for LogRow {
    fn from(row: NewRow) -> Self {
        Self {
            position: row.position,
            id: row.header.id,
            kind: row.header.kind,
            topic: row.topic.map(|topic| topic.name().to_owned()),
            partition: row.partition,
            sequence: row.header.sequence,
            key: row.header.key,
            subject: row.header.subject,
            time: row.header.time.0,
            correlation_id: row.header.correlation_id,
            causation_id: row.header.causation_id,
            outcome_of: row.header.outcome_of,
            schema_id: row.schema_id,
            body: row.body,
        }
    }
}
