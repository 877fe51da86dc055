//! A row of the log.

use sqlx::FromRow;
use uuid::Uuid;

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
