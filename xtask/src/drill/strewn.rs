//! What a foreign producer strews on the road: copies of real messages, and messages that cannot be read.

use std::collections::HashMap;

use anyhow::Result;
use pulsar::producer::Message as RawMessage;
use schemas::{Service, Topic};
use sqlx::{Connection, PgConnection};

use super::fault::Garbage;
use super::foreign::Foreign;
use super::stack::DrillStack;

/// The source that unreadable messages name, by which they are known where they are set aside.
pub const GARBAGE_SOURCE: &str = "drill-garbage";

/// Who has written what lies on a topic.
fn writer(topic: Topic) -> Service {
    if topic.is_commands() {
        Service::Bff
    } else {
        topic.owner()
    }
}

/// The last messages of a topic as they stand in the log of who published them, oldest first.
async fn last(stack: &DrillStack, topic: Topic, count: u64) -> Result<Vec<(String, Vec<u8>)>> {
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
    stack: &DrillStack,
    foreign: &Foreign,
    topic: Topic,
    count: u64,
) -> Result<bool> {
    let rows = last(stack, topic, count).await?;
    let copies: Vec<RawMessage> = rows
        .into_iter()
        .map(|(key, payload)| RawMessage {
            payload,
            partition_key: Some(key),
            ..RawMessage::default()
        })
        .collect();
    let any = !copies.is_empty();
    foreign.send_raw(topic, copies).await?;
    Ok(any)
}

/// Sends a message that nobody can read.
pub async fn garbage(
    stack: &DrillStack,
    foreign: &Foreign,
    topic: Topic,
    sort: Garbage,
) -> Result<bool> {
    let payload = match sort {
        Garbage::Noise => b"\xff\xfe this is no message of ours \x00\x01".to_vec(),
        Garbage::Truncated => match last(stack, topic, 1).await?.pop() {
            Some((_, mut bytes)) => {
                bytes.truncate(bytes.len() * 2 / 3);
                bytes
            }
            None => return Ok(false),
        },
    };
    let raw = RawMessage {
        payload,
        partition_key: Some("garbage".to_owned()),
        properties: HashMap::from([("source".to_owned(), GARBAGE_SOURCE.to_owned())]),
        ..RawMessage::default()
    };
    foreign.send_raw(topic, vec![raw]).await?;
    Ok(true)
}
