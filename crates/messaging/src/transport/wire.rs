//! What `POST /internal/v1/messages` carries: one Avro datum with a batch of original bytes.

use std::sync::LazyLock;

use apache_avro::Schema;
use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::writer::datum::GenericDatumWriter;
use serde::{Deserialize, Serialize};

/// A batch of one stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageBatch {
    /// The emitting service.
    pub source: String,
    /// Its log's epoch.
    pub epoch: i64,
    /// The topic.
    pub topic: String,
    /// The topic's partition.
    pub partition: i32,
    /// The writer schemas of the messages. The text is left out once the follower has seen it on this connection.
    pub schemas: Vec<BatchSchema>,
    /// In order.
    pub messages: Vec<BatchMessage>,
}

/// A writer schema by its fingerprint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchSchema {
    /// SHA-256 of the text, in hex.
    pub sha256: String,
    /// The schema itself.
    pub text: Option<String>,
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchMessage {
    /// Its place in the stream.
    pub sequence: i64,
    /// The aggregate, for when the bytes cannot be read.
    pub subject: String,
    /// Index into the batch's schemas.
    pub schema: i32,
    /// The exact bytes.
    #[serde(with = "apache_avro::serde::bytes")]
    pub body: Vec<u8>,
}

const TEXT: &str = r#"{"type":"record","name":"MessageBatch","namespace":"tributary.internal","fields":[
 {"name":"source","type":"string"},{"name":"epoch","type":"long"},{"name":"topic","type":"string"},{"name":"partition","type":"int"},
 {"name":"schemas","type":{"type":"array","items":{"type":"record","name":"BatchSchema","fields":[
   {"name":"sha256","type":"string"},{"name":"text","type":["null","string"],"default":null}]}}},
 {"name":"messages","type":{"type":"array","items":{"type":"record","name":"BatchMessage","fields":[
   {"name":"sequence","type":"long"},{"name":"subject","type":"string"},{"name":"schema","type":"int"},{"name":"body","type":"bytes"}]}}}]}"#;

#[allow(clippy::expect_used, reason = "a constant that a test parses")]
static SCHEMA: LazyLock<Schema> = LazyLock::new(|| {
    // The library's bound is set once for a process, by whoever decodes first.
    schemas::bound_allocations();
    Schema::parse_str(TEXT).expect("the batch's schema is valid")
});

impl MessageBatch {
    /// As one Avro datum.
    pub fn encode(&self) -> Result<Vec<u8>, String> {
        let writer = GenericDatumWriter::builder(&SCHEMA)
            .build()
            .map_err(|error| error.to_string())?;
        let mut bytes = Vec::new();
        writer
            .write_ser(&mut bytes, self)
            .map_err(|error| error.to_string())?;
        Ok(bytes)
    }

    /// From one Avro datum and nothing behind it.
    pub fn decode(mut bytes: &[u8]) -> Result<Self, String> {
        let cut =
            |error: apache_avro::Error| error.to_string().chars().take(200).collect::<String>();
        let reader = GenericDatumReader::builder(&SCHEMA).build().map_err(cut)?;
        let batch = reader.read_deser(&mut bytes).map_err(cut)?;
        if bytes.is_empty() {
            Ok(batch)
        } else {
            Err("bytes are left over behind the batch".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_reads_back_as_it_was_and_no_prefix_of_it_reads_at_all() {
        let batch = MessageBatch {
            source: "tracking".to_owned(),
            epoch: 1,
            topic: "tracking-events".to_owned(),
            partition: 0,
            schemas: vec![BatchSchema {
                sha256: "00ff".to_owned(),
                text: Some("\"string\"".to_owned()),
            }],
            messages: vec![BatchMessage {
                sequence: 7,
                subject: "s".to_owned(),
                schema: 0,
                body: vec![1, 2, 3],
            }],
        };
        let bytes = batch.encode().unwrap();
        assert_eq!(MessageBatch::decode(&bytes).unwrap(), batch);
        for end in 0..bytes.len() {
            assert!(MessageBatch::decode(&bytes[..end]).is_err(), "{end}");
        }
    }
}
