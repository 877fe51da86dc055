//! What a stranger strews on the topics: copies of real messages, and messages that cannot be read.

use std::collections::HashMap;

use anyhow::{Context, Result};
use pulsar::producer::Message as RawMessage;
use schemas::{Header, Message, Service, Topic, WriterSchema};
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use super::external_producers::ExternalProducers;
use super::fault::Garbage;
use super::stack::ChaosStack;

/// The source that such messages name, by which they are known in the retry queue.
pub const GARBAGE_SOURCE: &str = "chaos-garbage";

/// Who has written what lies on a topic.
fn writer(topic: Topic) -> Service {
    if topic.is_commands() {
        Service::Bff
    } else {
        topic.owner()
    }
}

/// The last messages of a topic as they stand in the log of who published them, oldest first.
async fn last(stack: &ChaosStack, topic: Topic, count: u64) -> Result<Vec<(String, Vec<u8>)>> {
    const LAST: &str = "SELECT key, body FROM pipeline.message_log WHERE topic = $1 ORDER BY position DESC LIMIT $2";
    let url = stack.database_url(writer(topic))?;
    let mut connection = PgConnection::connect(&url).await?;
    let mut rows: Vec<(String, Vec<u8>)> = sqlx::query_as(LAST)
        .bind(topic.name())
        .bind(i64::try_from(count)?)
        .fetch_all(&mut connection)
        .await?;
    connection.close().await?;
    rows.reverse();
    Ok(rows)
}

/// Sends copies of a topic's last messages, byte for byte. False when there are none.
pub async fn duplicates(
    stack: &ChaosStack,
    external: &ExternalProducers,
    topic: Topic,
    count: u64,
) -> Result<bool> {
    let rows = last(stack, topic, count).await?;
    let copies: Vec<RawMessage> = rows
        .into_iter()
        .map(|(key, payload)| external.copy(topic, key, payload))
        .collect::<Result<_>>()?;
    let any = !copies.is_empty();
    external.send_raw(topic, copies).await?;
    Ok(any)
}

/// Sends a message that nobody can read, or that nobody may take.
pub async fn garbage(
    stack: &ChaosStack,
    external: &ExternalProducers,
    topic: Topic,
    sort: Garbage,
) -> Result<bool> {
    let payload = if sort == Garbage::Noise {
        b"\xff\xfe this is no message of ours \x00\x01".to_vec()
    } else {
        match last(stack, topic, 1).await?.pop() {
            Some((_, real)) => spoilt(topic, real, sort)?,
            None => return Ok(false),
        }
    };
    let raw = RawMessage {
        payload,
        partition_key: Some("garbage".to_owned()),
        properties: HashMap::from([("source".to_owned(), GARBAGE_SOURCE.to_owned())]),
        ..RawMessage::default()
    };
    external.send_raw(topic, vec![raw]).await?;
    Ok(true)
}

/// A real message, made into one that is to stay in the retry queue. It names a subject of its own: what is there holds up
/// whatever follows of its subject.
fn spoilt(topic: Topic, mut real: Vec<u8>, sort: Garbage) -> Result<Vec<u8>> {
    if sort == Garbage::Truncated {
        real.truncate(real.len() * 2 / 3);
        return Ok(real);
    }
    let Message { header, body } = schemas::decode(&WriterSchema::current(topic), &real)?;
    let header = Header {
        id: Uuid::now_v7(),
        source: GARBAGE_SOURCE.to_owned(),
        subject: "garbage".to_owned(),
        key: "garbage".to_owned(),
        epoch: None,
        sequence: None,
        outcome_of: None,
        ..header
    };
    let mut bytes = schemas::encode(topic, &header, &body)?;
    if sort == Garbage::Newer {
        let kind = header.kind.as_bytes();
        let at = bytes.windows(kind.len()).position(|part| part == kind);
        let version = at.context("a message names its kind")? + kind.len() - 1;
        bytes[version] = b'9';
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use schemas::decode_header;

    use super::*;

    #[test]
    fn a_spoilt_message_is_cut_or_of_another_kind_or_of_another_source() {
        let topic = Topic::CampaignEvents;
        let schema = WriterSchema::current(topic);
        let golden = "../../schemas/golden/next/campaign-events/terms.published.v1.avro";
        let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join(golden);
        let real = std::fs::read(golden).unwrap();
        let kind = schemas::decode(&schema, &real).unwrap().header.kind;
        let cut = spoilt(topic, real.clone(), Garbage::Truncated).unwrap();
        assert!(decode_header(&schema, &cut).is_err());
        let newer = spoilt(topic, real.clone(), Garbage::Newer).unwrap();
        let newer = decode_header(&schema, &newer).unwrap();
        assert_eq!(newer.kind, kind.replace(".v1", ".v9"));
        let stranger = spoilt(topic, real, Garbage::Stranger).unwrap();
        let stranger = schemas::decode(&schema, &stranger).unwrap().header;
        assert_eq!(
            (stranger.source.as_str(), stranger.kind),
            (GARBAGE_SOURCE, kind)
        );
    }
}
