//! From the emitter's `message_log`.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use schemas::{Topic, WriterSchema};
use serde_json::json;
use sqlx::PgConnection;
use tokio::time::sleep;

use super::{Tail, line};
use devstack::settings::Settings;
use devstack::stack::connect;

type Row = (i64, i32, Vec<u8>);

/// The last `count` of the topic, oldest first, and with `follow` what comes after.
pub(super) async fn read(settings: &Settings, topic: Topic, tail: &Tail) -> Result<()> {
    let mut database = database(settings, topic).await?;
    let mut known = HashMap::new();
    let mut rows = last(&mut database, topic, tail).await?;
    loop {
        let mut position = None;
        for row in rows {
            println!("{}", shown(&mut database, &mut known, topic, &row).await?);
            position = Some(row.0);
        }
        if !tail.follow {
            return Ok(());
        }
        let from = match position {
            Some(position) => position,
            None => head(&mut database).await?,
        };
        rows = loop {
            let found = after(&mut database, topic, tail, from).await?;
            if !found.is_empty() {
                break found;
            }
            sleep(Duration::from_millis(200)).await;
        };
    }
}

/// What a request has on the topic, a line each.
pub(crate) async fn of_request(
    settings: &Settings,
    topic: Topic,
    request: uuid::Uuid,
) -> Result<Vec<String>> {
    let tail = Tail {
        topic: topic.name().to_owned(),
        count: 100,
        follow: false,
        broker: false,
        correlation_id: Some(request),
    };
    let mut database = database(settings, topic).await?;
    let mut known = HashMap::new();
    let mut lines = Vec::new();
    for row in last(&mut database, topic, &tail).await? {
        lines.push(shown(&mut database, &mut known, topic, &row).await?);
    }
    Ok(lines)
}

async fn database(settings: &Settings, topic: Topic) -> Result<PgConnection> {
    let service = topic.publisher();
    connect(&settings.database_url(service)?.parse()?)
        .await
        .with_context(|| format!("{service}'s database: is the stack up? (./start.sh)"))
}

async fn shown(
    database: &mut PgConnection,
    known: &mut HashMap<i32, Arc<WriterSchema>>,
    topic: Topic,
    (position, schema_id, body): &Row,
) -> Result<String> {
    let schema = writer(database, known, topic, *schema_id).await?;
    let place = json!({"log": topic.publisher().name(), "position": position});
    Ok(line(&schema, body, &place))
}

async fn last(database: &mut PgConnection, topic: Topic, tail: &Tail) -> Result<Vec<Row>> {
    let query = "SELECT position, schema_id, body FROM pipeline.message_log
                 WHERE topic = $1 AND ($2::uuid IS NULL OR correlation_id = $2) ORDER BY position DESC LIMIT $3";
    let limit = i64::try_from(tail.count)?;
    let mut rows: Vec<Row> = sqlx::query_as(query)
        .bind(topic.name())
        .bind(tail.correlation_id)
        .bind(limit)
        .fetch_all(database)
        .await?;
    rows.reverse();
    Ok(rows)
}

async fn after(
    database: &mut PgConnection,
    topic: Topic,
    tail: &Tail,
    position: i64,
) -> Result<Vec<Row>> {
    let query = "SELECT position, schema_id, body FROM pipeline.message_log
                 WHERE position > $1 AND topic = $2 AND ($3::uuid IS NULL OR correlation_id = $3)
                 ORDER BY position LIMIT 1000";
    let rows = sqlx::query_as(query)
        .bind(position)
        .bind(topic.name())
        .bind(tail.correlation_id)
        .fetch_all(database);
    Ok(rows.await?)
}

async fn head(database: &mut PgConnection) -> Result<i64> {
    Ok(sqlx::query_scalar("SELECT position FROM pipeline.log_head")
        .fetch_one(database)
        .await?)
}

async fn writer(
    database: &mut PgConnection,
    known: &mut HashMap<i32, Arc<WriterSchema>>,
    topic: Topic,
    id: i32,
) -> Result<Arc<WriterSchema>> {
    if let Some(schema) = known.get(&id) {
        return Ok(Arc::clone(schema));
    }
    let query = "SELECT text FROM pipeline.writer_schema WHERE id = $1";
    let text: String = sqlx::query_scalar(query)
        .bind(id)
        .fetch_one(database)
        .await?;
    let schema = WriterSchema::parse(topic, &text)?;
    known.insert(id, Arc::clone(&schema));
    Ok(schema)
}
