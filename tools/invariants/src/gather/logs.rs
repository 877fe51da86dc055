//! A log, read by the schemas that wrote it: headers and payloads, and whether each row says what its bytes say.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::{Context, Result};
use futures::TryStreamExt;
use schemas::visible::Owners;
use schemas::{Header, Message, Service, Topic, WriterSchema};
use serde_json::Value;
use sqlx::{FromRow, PgConnection};
use uuid::Uuid;

use super::{PIECE, seen};
use crate::Finding;
use crate::evidence::Tally;

#[derive(FromRow)]
struct Row {
    position: i64,
    id: Uuid,
    r#type: String,
    topic: Option<String>,
    partition: Option<i32>,
    sequence: Option<i64>,
    key: String,
    subject: String,
    time: i64,
    correlation_id: Uuid,
    causation_id: Option<Uuid>,
    outcome_of: Option<Uuid>,
    schema_id: i32,
    body: Vec<u8>,
}

/// What reading the logs shows.
pub(super) struct Reading {
    readable: Tally,
    same: Tally,
    owners: Owners,
}

impl Reading {
    pub(super) fn new(owners: Owners) -> Self {
        Self {
            owners,
            readable: Tally::new(
                2,
                "every message of every log can be read by the schema that wrote it",
            ),
            same: Tally::new(3, "every row of a log says what its bytes say"),
        }
    }

    pub(super) fn findings(self) -> Vec<Finding> {
        vec![self.readable.finding(), self.same.finding()]
    }

    /// Reads a log to its end, in order, a row at a time.
    pub(super) async fn log(
        &mut self,
        service: Service,
        from: &mut PgConnection,
        into: &mut PgConnection,
    ) -> Result<()> {
        let schemas = writer_schemas(from).await?;
        let mut rows =
            sqlx::query_as::<_, Row>("SELECT * FROM pipeline.message_log ORDER BY position")
                .fetch(from);
        let mut copy = into.copy_in_raw("COPY messages FROM STDIN").await?;
        let mut piece = String::new();
        while let Some(row) = rows.try_next().await? {
            let place = || format!("{service} position {} ({})", row.position, row.r#type);
            self.readable.looked();
            let read = schemas
                .get(&row.schema_id)
                .with_context(|| format!("no writer schema {}", row.schema_id))
                .and_then(|schema| Ok((schema.topic(), schemas::decode(schema, &row.body)?)));
            let read = match read {
                Ok(read) => Some(read),
                Err(error) => {
                    self.readable.wrong(|| format!("{}: {error}", place()));
                    None
                }
            };
            if let Some((topic, message)) = &read {
                let difference = row.difference(service, *topic, &message.header);
                self.same.hold(difference.is_none(), || {
                    format!("{}: {}", place(), difference.unwrap_or_default())
                });
            }
            line(
                &mut piece,
                service,
                &row,
                read.as_ref().map(|(_, message)| message),
                &self.owners,
            );
            if piece.len() >= PIECE {
                copy.send(std::mem::take(&mut piece).into_bytes()).await?;
            }
        }
        copy.send(piece.into_bytes()).await?;
        copy.finish().await?;
        Ok(())
    }
}

impl Row {
    fn difference(&self, service: Service, topic: Topic, header: &Header) -> Option<String> {
        let own = self.topic.is_none();
        let partition = i64::from(self.partition.unwrap_or(0));
        [
            ("id", self.id == header.id),
            ("type", self.r#type == header.kind),
            ("source", service.name() == header.source),
            ("topic", own || self.topic.as_deref() == Some(topic.name())),
            ("sequence", self.sequence == header.sequence),
            ("epoch", header.epoch.is_none() == own),
            (
                "partition",
                own == self.partition.is_none() && partition >= 0,
            ),
            ("key", self.key == header.key),
            ("subject", self.subject == header.subject),
            ("time", self.time == header.time.0),
            (
                "correlation id",
                self.correlation_id == header.correlation_id,
            ),
            ("causation id", self.causation_id == header.causation_id),
            ("outcome of", self.outcome_of == header.outcome_of),
        ]
        .into_iter()
        .find(|(_, same)| !same)
        .map(|(what, _)| format!("another {what}"))
    }
}

async fn writer_schemas(from: &mut PgConnection) -> Result<HashMap<i32, Arc<WriterSchema>>> {
    let rows: Vec<(i32, String, String)> =
        sqlx::query_as("SELECT id, topic, text FROM pipeline.writer_schema")
            .fetch_all(from)
            .await?;
    rows.into_iter()
        .map(|(id, topic, text)| {
            let topic =
                Topic::parse(&topic).with_context(|| format!("there is no topic {topic}"))?;
            Ok((id, WriterSchema::parse(topic, &text)?))
        })
        .collect()
}

/// A line in COPY's text format: tabs between, `\N` for null.
fn line(
    piece: &mut String,
    service: Service,
    row: &Row,
    message: Option<&Message>,
    owners: &Owners,
) {
    let header = message.map(|message| &message.header);
    let payload = message.map(|message| {
        serde_json::to_value(&message.body)
            .unwrap_or(Value::Null)
            .to_string()
    });
    let actor = header
        .and_then(|header| header.actor.as_ref())
        .and_then(|actor| serde_json::to_string(actor).ok());
    let seen_by = message.map(|message| seen::by(message, owners).to_string());
    let some = |value: Option<String>| value.unwrap_or_else(|| "\\N".to_owned());
    let fields = [
        service.name().to_owned(),
        row.position.to_string(),
        row.id.to_string(),
        escaped(&row.r#type),
        some(row.topic.as_deref().map(escaped)),
        some(row.partition.map(|n| n.to_string())),
        some(row.sequence.map(|n| n.to_string())),
        some(
            header
                .and_then(|header| header.epoch)
                .map(|n| n.to_string()),
        ),
        escaped(&row.key),
        escaped(&row.subject),
        row.time.to_string(),
        row.correlation_id.to_string(),
        some(row.causation_id.map(|id| id.to_string())),
        some(row.outcome_of.map(|id| id.to_string())),
        some(header.map(|header| escaped(&header.source))),
        some(payload.as_deref().map(escaped)),
        some(actor.as_deref().map(escaped)),
        some(seen_by.as_deref().map(escaped)),
    ];
    piece.push_str(&fields.join("\t"));
    piece.push('\n');
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('\t', "\\t")
        .replace('\n', "\\n")
        .replace('\r', "\\r")
}
