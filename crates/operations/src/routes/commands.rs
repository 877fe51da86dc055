//! `…/commands`: every command that was handled here, with what became of it.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::State;
use chassis::openapi::Problems;
use chassis::page::{Cursor, List, Page, PageQuery};
use chassis::problem::Problem;
use chassis::time::Timestamp;
use serde::{Deserialize, Serialize};
use types::Micros;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::documents::{LoggedState, RejectionName, logged_state, rejection_name};
use crate::event_store::{self, CommandFilter, CommandRow};
use crate::process::Process;
use crate::unread::OrUnread;

/// A command and what became of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LoggedCommand {
    command_id: Uuid,
    #[schema(example = "campaign.accept.command.v1")]
    r#type: String,
    /// The aggregate.
    subject: String,
    /// The token's subject of who asked; absent for the system.
    actor: Option<String>,
    /// When it was handled first.
    received_at: Timestamp,
    #[schema(value_type = LoggedState)]
    state: String,
    /// Why it was refused.
    #[schema(value_type = Option<RejectionName>)]
    code: Option<String>,
    /// Of its outcome in the log, at the bff of itself; while it is parked its place in the queue.
    position: i64,
    /// The events of its transaction.
    events: Vec<CausedEvent>,
}

/// An event that a command caused.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct CausedEvent {
    /// In this log.
    position: i64,
    #[schema(example = "enrollment.accepted.v1")]
    r#type: String,
}

/// Which commands.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct LoggedCommandFilter {
    /// This one.
    id: Option<Uuid>,
    /// Only of this type.
    r#type: Option<String>,
    /// Only of this token subject.
    actor: Option<String>,
    /// Only about this aggregate.
    subject: Option<String>,
    /// Only those that stand so: `done`, `rejected`, `parked` or `dropped`; at the bff `pending`, `completed`, `rejected`,
    /// `dropped` or `needs_attention`.
    #[serde(default, deserialize_with = "logged_state")]
    #[param(value_type = Option<LoggedState>, inline)]
    state: Option<String>,
    /// Only those that were refused with this code.
    #[serde(default, deserialize_with = "rejection_name")]
    #[param(value_type = Option<RejectionName>, inline)]
    code: Option<String>,
}

/// Commands, newest first. Only so much of the log is searched for one page: a page may hold fewer than `limit`, or none,
/// and still have a `next_cursor`. Those that are parked have no outcome in the log yet: ask with `state=parked`.
#[utoipa::path(
    get, path = "/commands", tag = "operator", params(PageQuery, LoggedCommandFilter),
    responses((status = 200, body = Page<LoggedCommand>), Problems), security(("bearer" = []))
)]
pub(crate) async fn list_command_log(
    State(process): State<Arc<Process>>,
    list: List<LoggedCommandFilter>,
) -> Result<Page<LoggedCommand>, Problem> {
    let (below, limit) = (list.page.below(), i64::from(list.page.limit));
    let filter = CommandFilter {
        id: list.filter.id,
        kind: list.filter.r#type,
        actor: list.filter.actor,
        subject: list.filter.subject,
        state: list.filter.state,
        code: list.filter.code,
    };
    let found = if filter.state.as_deref() == Some("parked") {
        event_store::commands_in_retry_queue(&process.pool, &filter, below, limit).await
    } else {
        event_store::commands(&process.pool, process.command_log, &filter, below, limit).await
    };
    let found = found.or_unread()?;
    let places: Vec<(Uuid, i64)> = found
        .rows
        .iter()
        .map(|row| (row.id, row.position))
        .collect();
    let events = event_store::caused(&process.pool, &places).await;
    let mut caused: HashMap<Uuid, Vec<CausedEvent>> = HashMap::new();
    for (command, position, kind) in events.or_unread()? {
        let event = CausedEvent {
            position,
            r#type: kind,
        };
        caused.entry(command).or_default().push(event);
    }
    let next = found.next.map(|position| Cursor { position });
    let items = found.rows.into_iter();
    let items = items.map(|row| {
        let events = caused.remove(&row.id).unwrap_or_default();
        view(row, events)
    });
    Ok(Page::with(list.page, items.collect(), next))
}

fn view(row: CommandRow, events: Vec<CausedEvent>) -> LoggedCommand {
    LoggedCommand {
        command_id: row.id,
        r#type: row.kind,
        subject: row.subject,
        actor: row.actor,
        received_at: Timestamp(Micros(row.received_at)),
        state: row.state,
        code: row.code,
        position: row.position,
        events,
    }
}
