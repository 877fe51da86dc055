//! `GET /api/v1/<service>/commands/{id}`: where a command stands, for who sent it.

use axum::extract::State;
use chassis::auth::Caller;
use chassis::json::Json;
use chassis::openapi::Problems;
use chassis::params::Path;
use chassis::problem::Problem;
use messaging::inbox;
use operations::{CommandState, RejectionName, unread, unread_schema};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::host::Host;

/// Where a command stands.
#[derive(Debug, Serialize, ToSchema)]
struct CommandStatus {
    command_id: Uuid,
    /// Such as `campaign.create.command.v1`.
    r#type: String,
    status: CommandState,
    /// The aggregate.
    subject: String,
    /// Why it was refused.
    #[schema(value_type = Option<RejectionName>)]
    code: Option<String>,
}

pub(crate) fn routes(host: &Host) -> OpenApiRouter {
    let prefix = format!("/api/v1/{}", host.service().name());
    OpenApiRouter::new()
        .nest(
            &prefix,
            OpenApiRouter::new().routes(routes!(command_status)),
        )
        .with_state(host.clone())
}

/// Where a command stands, for who sent it and for operators.
#[utoipa::path(
    get,
    path = "/commands/{id}",
    tag = "commands",
    params(("id" = Uuid, Path)),
    responses((status = 200, body = CommandStatus), Problems),
    security(("bearer" = []))
)]
async fn command_status(
    State(host): State<Host>,
    caller: Caller,
    Path(id): Path<Uuid>,
) -> Result<Json<CommandStatus>, Problem> {
    let known = inbox::find(host.pool(), host.schema_ids(), id)
        .await
        .map_err(|error| unread_schema(&error))?;
    let command = known
        .filter(|known| caller.is_operator() || known.is_of(caller.identity()))
        .map(|known| known.command)
        .ok_or_else(Problem::not_found)?;
    let status = match inbox::State::parse(&command.state) {
        Some(inbox::State::Done) => CommandState::Completed,
        Some(inbox::State::Rejected) => CommandState::Rejected,
        Some(inbox::State::Dropped) => CommandState::Dropped,
        _ => match messaging::retry_queue::state_of(host.pool(), id).await {
            Ok(Some(state)) if state == "dead" => CommandState::NeedsAttention,
            Ok(_) => CommandState::Pending,
            Err(error) => return Err(unread(&error)),
        },
    };
    Ok(Json(CommandStatus {
        command_id: id,
        r#type: command.kind,
        status,
        subject: command.subject,
        code: command.code,
    }))
}
