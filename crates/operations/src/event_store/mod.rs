//! The log as an event store: its messages by subject, by correlation or by type, from a position, newest or oldest first.
//!
//! The live part of the log has no secondary index, so what is looked for is searched in windows of positions: a
//! search that finds little ends with a place to go on from rather than with a long statement. What was dropped from the
//! table is searched in the archive's files.

mod archived;

use messaging::SchemaIds;
use messaging::log::{self, LogRow};
use schemas::{Message, Topic};
use serde_json::{Value, json};
use sqlx::{FromRow, PgPool};
use uuid::Uuid;

/// Positions that one search looks at.
pub const WINDOW: i64 = 100_000;
/// What stands in place of sealed payment details.
const SEALED: &str = "(sealed)";

/// What is looked for.
#[derive(Debug, Default, Clone)]
pub struct Filter {
    /// The aggregate's id.
    pub subject: Option<String>,
    /// All that one request caused.
    pub correlation_id: Option<Uuid>,
    /// The message's type.
    pub kind: Option<String>,
}

impl Filter {
    /// Whether a row is looked for: what [`SEARCH`] says of the table's rows.
    fn matches(&self, row: &LogRow) -> bool {
        let Self {
            subject,
            correlation_id,
            kind,
        } = self;
        subject.as_ref().is_none_or(|it| *it == row.subject)
            && correlation_id.is_none_or(|it| it == row.correlation_id)
            && kind.as_ref().is_none_or(|it| *it == row.kind)
    }
}

/// Which way, and from where: that position itself is not among what is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Oldest first, above this position.
    Above(i64),
    /// Newest first, below this position.
    Below(i64),
}

/// What a search found.
#[derive(Debug)]
pub struct Found<R> {
    /// In the order of the way.
    pub rows: Vec<R>,
    /// Where to go on, the same way; `None` at the end of the log.
    pub next: Option<i64>,
    /// Up to here everything was searched.
    pub searched: i64,
}

/// Searches one window, or until so many rows were found.
pub async fn search(
    pool: &PgPool,
    filter: &Filter,
    way: Way,
    limit: i64,
) -> Result<Found<LogRow>, sqlx::Error> {
    let head = log::head(pool).await?;
    let window = Window::of(way, head);
    let sql = match way {
        Way::Above(_) => SEARCH.replace("$order", "ASC"),
        Way::Below(_) => SEARCH.replace("$order", "DESC"),
    };
    let rows: Vec<LogRow> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(window.above)
        .bind(window.to)
        .bind(&filter.subject)
        .bind(filter.correlation_id)
        .bind(&filter.kind)
        .bind(limit)
        .fetch_all(pool)
        .await?;
    let most = usize::try_from(limit).unwrap_or(0);
    let (rows, window) = archived::join(pool, filter, way, window, rows, most).await?;
    let last = rows.last().map(|row| row.position);
    Ok(window.found(way, rows, last, limit, head))
}

const SEARCH: &str = "SELECT * FROM pipeline.message_log
  WHERE position > $1 AND position <= $2 AND ($3::text IS NULL OR subject = $3)
    AND ($4::uuid IS NULL OR correlation_id = $4) AND ($5::text IS NULL OR type = $5)
  ORDER BY position $order LIMIT $6";

/// Positions above one, up to and with another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Window {
    above: i64,
    to: i64,
}

impl Window {
    fn of(way: Way, head: i64) -> Self {
        match way {
            Way::Above(at) => {
                let above = at.clamp(0, head);
                let to = above.saturating_add(WINDOW).min(head);
                Self { above, to }
            }
            Way::Below(at) => {
                let to = at.saturating_sub(1).clamp(0, head);
                let above = to.saturating_sub(WINDOW).max(0);
                Self { above, to }
            }
        }
    }

    fn found<R>(
        self,
        way: Way,
        rows: Vec<R>,
        last: Option<i64>,
        limit: i64,
        head: i64,
    ) -> Found<R> {
        let is_full = i64::try_from(rows.len()).is_ok_and(|rows| rows >= limit);
        let full = last.filter(|_| is_full);
        Found {
            rows,
            next: self.next(way, full, head),
            searched: full.unwrap_or(self.to),
        }
    }

    /// Where to go on: behind the last row when there were as many as asked for, else behind the window.
    fn next(self, way: Way, full: Option<i64>, head: i64) -> Option<i64> {
        match way {
            Way::Above(_) => full.or(Some(self.to)).filter(|at| *at < head),
            Way::Below(_) => full.or(Some(self.above + 1)).filter(|at| *at > 1),
        }
    }
}

/// A row as people read it: its place, and the message decoded by the schema that wrote it. What is sealed stays so.
pub async fn shown(pool: &PgPool, schema_ids: &SchemaIds, row: &LogRow) -> Value {
    let read = match schema_ids.get(pool, row.schema_id).await {
        Ok(schema) => schemas::decode(&schema, &row.body)
            .map(|message| masked(schema.topic(), &message))
            .map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    let mut shown = json!({
        "position": row.position,
        "topic": row.topic,
        "partition": row.partition,
        "published": row.topic.is_some(),
        "bytes": row.body.len(),
    });
    match read {
        Ok(message) => shown["message"] = message,
        Err(error) => {
            shown["unreadable"] = error.into();
            shown["message"] = json!({ "id": row.id, "type": row.kind, "subject": row.subject, "key": row.key,
                                       "correlationid": row.correlation_id, "causationid": row.causation_id });
        }
    }
    shown
}

/// A message as JSON, without what is sealed.
pub fn masked(topic: Topic, message: &Message) -> Value {
    let mut shown = schemas::to_json(topic, message);
    mask(&mut shown["payload"]);
    shown
}

fn mask(value: &mut Value) {
    let Value::Object(fields) = value else { return };
    for (name, value) in fields {
        if name == "sealed_details" {
            *value = SEALED.into();
        } else {
            mask(value);
        }
    }
}

/// A command as its log has it.
#[derive(Debug, Clone, FromRow)]
pub struct CommandRow {
    /// Of its outcome, or at the bff its own.
    pub position: i64,
    /// Its id.
    pub id: Uuid,
    /// Its type.
    #[sqlx(rename = "type")]
    pub kind: String,
    /// The aggregate.
    pub subject: String,
    /// The token's subject.
    pub actor: Option<String>,
    /// Microseconds.
    pub received_at: i64,
    /// Where it stands.
    pub state: String,
    /// Why it was refused.
    pub code: Option<String>,
}

/// Which commands.
#[derive(Debug, Default, Clone)]
pub struct CommandFilter {
    /// This one.
    pub id: Option<Uuid>,
    /// Of this type.
    pub kind: Option<String>,
    /// Of this token subject.
    pub actor: Option<String>,
    /// About this aggregate.
    pub subject: Option<String>,
    /// That stand so.
    pub state: Option<String>,
    /// Refused with this code.
    pub code: Option<String>,
}

/// Searches one window of commands, newest first. `commands` is the service's list ([`messaging::Domain::COMMAND_LOG`]).
pub async fn commands(
    pool: &PgPool,
    commands: &'static str,
    filter: &CommandFilter,
    below: i64,
    limit: i64,
) -> Result<Found<CommandRow>, sqlx::Error> {
    let head = log::head(pool).await?;
    let way = Way::Below(below);
    let window = Window::of(way, head);
    let rows = command_rows(pool, commands, filter, window, limit, None).await?;
    let most = usize::try_from(limit).unwrap_or(0);
    let joined = archived::join_commands(pool, commands, filter, window, rows, most);
    let (rows, window) = joined.await?;
    let last = rows.last().map(|row| row.position);
    Ok(window.found(way, rows, last, limit, head))
}

/// A message's position, its id and the command whose outcome it is.
type Place = (i64, Uuid, Option<Uuid>);

/// The commands of one window. `places` are those that `commands` reads when it does not read the table.
async fn command_rows(
    pool: &PgPool,
    commands: &str,
    filter: &CommandFilter,
    window: Window,
    limit: i64,
    places: Option<&[Place]>,
) -> Result<Vec<CommandRow>, sqlx::Error> {
    let sql = format!(
        "SELECT c.* FROM ({commands} AND l.position > $1 AND l.position <= $2) c
          WHERE ($3::uuid IS NULL OR c.id = $3) AND ($4::text IS NULL OR c.type = $4)
            AND ($5::text IS NULL OR c.actor = $5) AND ($6::text IS NULL OR c.subject = $6)
            AND ($7::text IS NULL OR c.state = $7) AND ($8::text IS NULL OR c.code = $8)
          ORDER BY c.position DESC LIMIT $9"
    );
    let mut query = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(window.above)
        .bind(window.to)
        .bind(filter.id)
        .bind(&filter.kind)
        .bind(&filter.actor)
        .bind(&filter.subject)
        .bind(&filter.state)
        .bind(&filter.code)
        .bind(limit);
    if let Some(places) = places {
        query = query
            .bind(places.iter().map(|place| place.0).collect::<Vec<_>>())
            .bind(places.iter().map(|place| place.1).collect::<Vec<_>>())
            .bind(places.iter().map(|place| place.2).collect::<Vec<_>>());
    }
    query.fetch_all(pool).await
}

/// Commands that are in the retry queue and so have no outcome yet, newest first.
pub async fn commands_in_retry_queue(
    pool: &PgPool,
    filter: &CommandFilter,
    below: i64,
    limit: i64,
) -> Result<Found<CommandRow>, sqlx::Error> {
    let rows: Vec<CommandRow> = sqlx::query_as(
        "SELECT p.arrival AS position, i.id, i.type, i.subject, i.actor, i.received_at, i.state, i.code
           FROM pipeline.parked p JOIN pipeline.inbox i ON i.id = p.message_id
          WHERE i.state = 'parked' AND p.arrival < $1 AND ($2::uuid IS NULL OR i.id = $2)
            AND ($3::text IS NULL OR i.type = $3) AND ($4::text IS NULL OR i.actor = $4)
            AND ($5::text IS NULL OR i.subject = $5)
          ORDER BY p.arrival DESC LIMIT $6",
    )
    .bind(below)
    .bind(filter.id)
    .bind(&filter.kind)
    .bind(&filter.actor)
    .bind(&filter.subject)
    .bind(limit)
    .fetch_all(pool)
    .await?;
    let is_full = i64::try_from(rows.len()).is_ok_and(|rows| rows >= limit);
    let last = rows.last().map_or(0, |row| row.position);
    Ok(Found {
        rows,
        next: Some(last).filter(|_| is_full),
        searched: last,
    })
}

/// The events that these commands caused: those of their own transactions, which stand together from the outcome on.
pub async fn caused(
    pool: &PgPool,
    commands: &[(Uuid, i64)],
) -> Result<Vec<(Uuid, i64, String)>, sqlx::Error> {
    let (ids, positions): (Vec<Uuid>, Vec<i64>) = commands.iter().copied().unzip();
    let live = sqlx::query_as(
        "SELECT c.id, l.position, l.type
           FROM UNNEST($1::uuid[], $2::bigint[]) AS c(id, position)
           JOIN pipeline.message_log l
             ON l.position >= c.position AND l.position < c.position + $3 AND l.causation_id = c.id
          ORDER BY l.position",
    )
    .bind(ids)
    .bind(positions)
    .bind(log::OF_ONE_COMMAND)
    .fetch_all(pool)
    .await?;
    archived::join_caused(pool, commands, live).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_follow_each_other_without_gap_or_overlap_both_ways() {
        let head = 2 * WINDOW + 10;
        let (mut seen, mut at) = (0, Some(0));
        while let Some(above) = at {
            let way = Way::Above(above);
            let window = Window::of(way, head);
            seen += window.to - window.above;
            at = window.next(way, None, head);
        }
        assert_eq!(seen, head);
        let (mut seen, mut at) = (0, Some(i64::MAX));
        while let Some(below) = at {
            let way = Way::Below(below);
            let window = Window::of(way, head);
            seen += window.to - window.above;
            at = window.next(way, None, head);
        }
        assert_eq!(seen, head);
    }

    #[test]
    fn a_full_page_goes_on_behind_its_last_row_and_the_last_ends() {
        let window = Window::of(Way::Above(0), 10);
        assert_eq!(window.next(Way::Above(0), Some(4), 10), Some(4));
        assert_eq!(window.next(Way::Above(0), Some(10), 10), None);
        let window = Window::of(Way::Below(i64::MAX), 10);
        assert_eq!(window.next(Way::Below(i64::MAX), Some(4), 10), Some(4));
        assert_eq!(window.next(Way::Below(i64::MAX), Some(1), 10), None);
    }
}
