//! `pipeline.inbox`: each command once, and how it ended.

use std::collections::HashMap;

use schemas::{Actor, Message};
use sqlx::{FromRow, PgConnection, PgPool};
use types::ids::Asker;
use uuid::Uuid;

use crate::log;
use crate::schema_ids::{SchemaIdError, SchemaIds};

types::names! {
    /// Where a command stands.
    pub enum State {
        /// It had its effect.
        Done = "done",
        /// It was refused.
        Rejected = "rejected",
        /// It is in the retry queue.
        InRetryQueue = "parked",
        /// An operator dropped it.
        Dropped = "dropped",
    }
}

/// What is to be noted of a command.
#[derive(Debug)]
pub(crate) struct Mark {
    pub id: Uuid,
    pub kind: String,
    pub source: String,
    pub subject: String,
    pub actor: Option<String>,
    pub caller: Option<Uuid>,
    pub request_hash: Option<Vec<u8>>,
    pub received_at: i64,
    pub state: State,
    pub code: Option<String>,
    pub outcome_position: Option<i64>,
}

/// A command as the inbox knows it.
#[derive(Debug, Clone, FromRow)]
pub struct CommandRow {
    /// Its id.
    pub id: Uuid,
    /// Its type.
    #[sqlx(rename = "type")]
    pub kind: String,
    /// Who sent it.
    pub source: String,
    /// The aggregate.
    pub subject: String,
    /// The token's subject.
    pub actor: Option<String>,
    /// Who that is, with partner and brand: [`Asker::id`].
    pub caller: Option<Uuid>,
    /// HMAC of the request.
    pub request_hash: Option<Vec<u8>>,
    /// When it was handled first, in microseconds.
    pub received_at: i64,
    /// `done`, `rejected`, `parked` or `dropped`.
    pub state: String,
    /// Why it was refused.
    pub code: Option<String>,
    /// The position of its outcome in the log.
    pub outcome_position: Option<i64>,
}

/// A command with what it came to.
#[derive(Debug)]
pub struct Known {
    /// As the inbox knows it.
    pub command: CommandRow,
    /// The events of its transaction: empty while it is parked.
    pub outcome: Vec<Message>,
}

impl Known {
    /// Whether this is who asked. An older row does not say; the outcome does.
    pub fn is_of(&self, asker: Asker<'_>) -> bool {
        let outcome = || self.outcome.first()?.header.actor.as_ref().map(caller);
        self.command.caller.or_else(outcome) == Some(asker.id())
    }
}

/// Of these commands, those that were handled before, with how they ended.
pub(crate) async fn states(
    connection: &mut PgConnection,
    commands: &[Uuid],
) -> Result<HashMap<Uuid, String>, sqlx::Error> {
    if commands.is_empty() {
        return Ok(HashMap::new());
    }
    let states: Vec<(Uuid, String)> =
        sqlx::query_as("SELECT id, state FROM pipeline.inbox WHERE id = ANY($1)")
            .bind(commands)
            .fetch_all(connection)
            .await?;
    Ok(states.into_iter().collect())
}

/// Who an actor is, to be compared.
pub(crate) fn caller(actor: &Actor) -> Uuid {
    let asker = Asker {
        subject: &actor.subject,
        partner: actor.partner_id.as_deref(),
        brand: actor.brand_id.as_deref(),
    };
    asker.id()
}

/// Of each of these commands that is known, the hash of the request that it came by; `None` where it came from another edge, which has
/// that.
pub async fn request_hashes(
    pool: &PgPool,
    commands: &[Uuid],
) -> Result<Vec<Option<Vec<u8>>>, sqlx::Error> {
    sqlx::query_scalar("SELECT request_hash FROM pipeline.inbox WHERE id = ANY($1)")
        .bind(commands)
        .fetch_all(pool)
        .await
}

/// Looks a command up, with its outcome. `None` when it never came.
pub async fn find(
    pool: &PgPool,
    schema_ids: &SchemaIds,
    id: Uuid,
) -> Result<Option<Known>, SchemaIdError> {
    let row: Option<CommandRow> = sqlx::query_as("SELECT * FROM pipeline.inbox WHERE id = $1")
        .bind(id)
        .fetch_optional(pool)
        .await?;
    let Some(command) = row else { return Ok(None) };
    let mut outcome = Vec::new();
    if let Some(position) = command.outcome_position {
        let rows = log::next_rows(pool, position - 1, log::OF_ONE_COMMAND).await?;
        for row in rows.iter().filter(|row| row.causation_id == Some(id)) {
            let schema = schema_ids.get(pool, row.schema_id).await?;
            if let Ok(message) = schemas::decode(&schema, &row.body) {
                outcome.push(message);
            }
        }
    }
    Ok(Some(Known { command, outcome }))
}
