//! `/api/v1/commands`: where commands stand, for who asked.

use std::time::Duration;

use axum::extract::State;
use chassis::auth::Caller;
use chassis::json::Json;
use chassis::openapi::Problems;
use chassis::page::{Cursor, List, Page, PageQuery};
use chassis::params::Path;
use chassis::problem::Problem;
use chassis::time::Timestamp;
use runtime::{CommandState, OrUnread, RejectionName};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::{Bff, shown};
use crate::store::commands::{self, CommandRow};

/// Who looks at a command that is pending looks again: for so long somebody waits for its outcome, as under `Prefer: wait`.
const LOOKS_AGAIN_WITHIN: Duration = Duration::from_secs(1);

/// Its routes.
pub(super) fn routes() -> OpenApiRouter<Bff> {
    OpenApiRouter::new()
        .routes(routes!(list_commands))
        .routes(routes!(get_command))
}

/// A command and where it stands.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CommandView {
    command_id: Uuid,
    /// Finds the request and everything that it caused.
    correlation_id: Uuid,
    #[schema(example = "campaign.accept.command.v1")]
    r#type: String,
    /// The aggregate that it is about.
    subject: String,
    #[schema(value_type = CommandState)]
    status: String,
    /// Why it was refused, for programs.
    #[schema(value_type = Option<RejectionName>)]
    code: Option<String>,
    /// Why it was refused, for people.
    detail: Option<String>,
    /// The field of the request's body that is at fault.
    pointer: Option<String>,
    accepted_at: Timestamp,
    decided_at: Option<Timestamp>,
}

impl From<CommandRow> for CommandView {
    fn from(row: CommandRow) -> Self {
        Self {
            command_id: row.id,
            correlation_id: row.correlation_id,
            r#type: row.kind,
            subject: row.subject,
            status: row.status,
            code: row.code,
            detail: row.detail,
            pointer: row.pointer,
            accepted_at: shown::moment(row.accepted_at),
            decided_at: row.decided_at.map(shown::moment),
        }
    }
}

/// Which commands.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct CommandFilter {
    /// Only those that stand so. Of very many a part is looked at for a page, which may have fewer than `limit`, or none, and a next one.
    #[param(inline)]
    status: Option<CommandState>,
}

/// The caller's own commands, newest first.
#[utoipa::path(
    get, path = "/api/v1/commands", tag = "commands", params(PageQuery, CommandFilter),
    responses((status = 200, body = Page<CommandView>), Problems), security(("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn list_commands(
    State(bff): State<Bff>,
    caller: Caller,
    list: List<CommandFilter>,
) -> Result<Page<CommandView>, Problem> {
    let status = list.filter.status.map(CommandState::name);
    let (below, rows) = (list.page.below(), list.page.rows());
    let (rows, ended) = commands::list(bff.host.pool(), caller.identity(), status, below, rows)
        .await
        .or_unread()?;
    let mut page = Page::new(list.page, rows, |row| row.position, CommandView::from);
    if page.next_cursor.is_none() {
        page.next_cursor = ended.map(|position| Cursor { position }.encode());
    }
    Ok(page)
}

/// Where a command stands. An operator sees everybody's.
#[utoipa::path(
    get, path = "/api/v1/commands/{id}", tag = "commands", params(("id" = Uuid, Path)),
    responses((status = 200, body = CommandView), Problems), security(("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn get_command(
    State(bff): State<Bff>,
    caller: Caller,
    Path(id): Path<Uuid>,
) -> Result<Json<CommandView>, Problem> {
    let whose = (!caller.is_operator()).then(|| caller.identity());
    let row = commands::find(bff.host.pool(), id, whose)
        .await
        .or_unread()?
        .ok_or_else(Problem::not_found)?;
    if row.status == CommandState::Pending.name() {
        bff.host.flow().hurry_for(LOOKS_AGAIN_WITHIN);
    }
    Ok(Json(row.into()))
}
