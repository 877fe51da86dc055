//! What a stranger strews on the topics: copies of real messages, and messages that cannot be read.

use anyhow::{Context, Result};
use pulsar::producer::Message as RawMessage;
use schemas::{Header, Message, Service, Topic, WriterSchema};
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use super::external_producers::ExternalProducers;
use super::fault::Garbage;
use super::stack::ChaosStack;

/// The source that such messages name, by which their refusals are known.
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

/// What must become of garbage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Who takes the topic's commands refuses it.
    Refusal,
    /// Nothing is kept of it.
    Nothing,
}

/// Sends a message that nobody can read, or that nobody may take. `None` when there is none to spoil.
pub async fn garbage(
    stack: &ChaosStack,
    external: &ExternalProducers,
    topic: Topic,
    sort: Garbage,
) -> Result<Option<Due>> {
    let payload = if sort == Garbage::Noise {
        b"\xff\xfe this is no message of ours \x00\x01".to_vec()
    } else {
        match last(stack, topic, 1).await?.pop() {
            Some((_, real)) => spoilt(topic, real, sort)?,
            None => return Ok(None),
        }
    };
    let due = due(topic, &payload);
    // Nobody answers what does not say which message it is.
    let properties = [
        ("source", GARBAGE_SOURCE.to_owned()),
        ("id", Uuid::now_v7().to_string()),
    ];
    let raw = RawMessage {
        payload,
        partition_key: Some("garbage".to_owned()),
        properties: properties
            .map(|(name, value)| (name.to_owned(), value))
            .into(),
        ..RawMessage::default()
    };
    external.send_raw(topic, vec![raw]).await?;
    Ok(Some(due))
}

/// Nobody whose key is known signs it: a command is refused so that who sent it learns of it, and of a fact, or of what says
/// that it is a service's, nothing is kept (`docs/decisions/0031-external-producers.md`).
fn due(topic: Topic, payload: &[u8]) -> Due {
    let header = schemas::decode_header(&WriterSchema::current(topic), payload);
    let says_a_service = header.is_ok_and(|header| Service::parse(&header.source).is_some());
    if topic.is_commands() && !says_a_service {
        Due::Refusal
    } else {
        Due::Nothing
    }
}

/// A real message, made into one that is nobody's. It names a subject of its own: were it parked, it would hold up whatever
/// follows of its subject.
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
    fn what_nobody_signed_is_refused_among_commands_unless_it_says_that_a_service_sent_it() {
        let golden = |topic: Topic, kind: &str| {
            let golden = format!("../../schemas/golden/next/{topic}/{kind}.avro");
            std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(golden)).unwrap()
        };
        let commands = Topic::CampaignCommands;
        let real = golden(commands, "campaign.create.command.v1");
        assert_eq!(due(commands, b"noise"), Due::Refusal);
        let newer = spoilt(commands, real.clone(), Garbage::Newer).unwrap();
        assert_eq!(due(commands, &newer), Due::Refusal);
        assert_eq!(due(commands, &real), Due::Nothing);
        let events = Topic::CampaignEvents;
        assert_eq!(due(events, b"noise"), Due::Nothing);
        let real = golden(events, "terms.published.v1");
        let stranger = spoilt(events, real, Garbage::Stranger).unwrap();
        assert_eq!(due(events, &stranger), Due::Nothing);
    }

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
