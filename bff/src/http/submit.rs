//! A write: from a checked request to its 202, or to its outcome when the client prefers to wait.

use std::time::Duration;

use api::Request;
use axum::http::header::LOCATION;
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use chassis::auth::{Caller, Role};
use chassis::http::RequestContext;
use chassis::idempotency::RequestHash;
use chassis::json::Json;
use chassis::problem::{FieldProblem, Problem, code};
use chassis::write::Write;
use messaging::group::GroupError;
use runtime::CommandState;
use schemas::{Service, Written};
use serde::Serialize;
use types::{BrandId, PartnerId};
use utoipa::ToSchema;
use uuid::Uuid;

use super::Bff;
use super::commands::CommandView;
use crate::gateway::{self, Taken};
use crate::store::commands::{self, CommandRow};
use crate::store::notes::{Forget, Note};

const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// A command that is in the log; its outcome is at `Location`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Accepted {
    command_id: Uuid,
    /// Finds the request and everything that it causes.
    correlation_id: Uuid,
    /// `pending`.
    status: CommandState,
}

/// Who asks, and how.
pub(crate) struct CommandRequest {
    pub(crate) caller: Caller,
    /// The command's id.
    pub(crate) id: Uuid,
    kind: &'static str,
    context: RequestContext,
    idempotency: Option<(String, RequestHash)>,
    wait: Option<Duration>,
}

impl CommandRequest {
    /// Parts a write from what it says.
    pub(crate) fn part<T: Request>(
        write: Write<T>,
        caller: Caller,
        context: RequestContext,
    ) -> (T, Self) {
        let id = write.command_id(&caller, T::KIND);
        let hash = write.request_hash;
        let command_request = Self {
            caller,
            id,
            kind: T::KIND,
            context,
            idempotency: write.key.map(|key| (key.hash(), hash)),
            wait: write.wait,
        };
        (write.body, command_request)
    }

    /// The partner that the request is about: the caller's own, or the one that an operator names.
    pub(crate) fn partner(&self, named: Option<&PartnerId>) -> Result<PartnerId, Problem> {
        match (named, self.caller.partner()) {
            (Some(named), _) => self
                .caller
                .require_owner(Some(named), None)
                .map(|()| named.clone()),
            (None, Some(own)) => Ok(own.clone()),
            (None, None) if self.caller.is_operator() => Err(missing("/partner_id")),
            (None, None) => self.caller.require_partner().cloned(),
        }
    }

    /// The brand that the request is about: the caller's own, or the one that an operator names.
    pub(crate) fn brand(&self, named: Option<&BrandId>) -> Result<BrandId, Problem> {
        match (named, self.caller.brand()) {
            (Some(named), _) => self
                .caller
                .require_owner(None, Some(named))
                .map(|()| named.clone()),
            (None, Some(own)) => Ok(own.clone()),
            (None, None) if self.caller.is_operator() => Err(missing("/brand_id")),
            (None, None) => self.caller.require_brand().cloned(),
        }
    }

    /// The brand that the request is about; of an operator that names none: all of them.
    pub(crate) fn brand_or_all(&self, named: Option<&BrandId>) -> Result<Option<BrandId>, Problem> {
        if named.is_none() && self.caller.is_operator() {
            return Ok(None);
        }
        self.brand(named).map(Some)
    }

    /// 403 unless the caller is in one of these roles, or an operator. Whose the thing is, its service decides.
    pub(crate) fn require_role(&self, roles: &[Role]) -> Result<(), Problem> {
        let has = self.caller.is_operator() || roles.iter().any(|role| self.caller.has(*role));
        if has {
            return Ok(());
        }
        let names: Vec<_> = roles.iter().map(|role| role.as_str()).collect();
        let detail = format!("this is for the role {}", names.join(" or "));
        Err(Problem::forbidden(detail))
    }
}

impl Bff {
    /// Takes a command in and answers once it is in the log, or with its outcome if that comes in the time that the
    /// client prefers to wait.
    pub(crate) async fn submit(
        &self,
        command_request: CommandRequest,
        command: Written,
    ) -> Result<Response, Problem> {
        self.submit_and(command_request, command, None).await
    }

    /// The same, by which notes go at once.
    pub(crate) async fn submit_and(
        &self,
        command_request: CommandRequest,
        mut command: Written,
        forget: Option<Forget>,
    ) -> Result<Response, Problem> {
        let (id, wait) = (command_request.id, command_request.wait);
        let unknown = || Problem::internal(&"a request makes a command that there is none of");
        let topic = schemas::kind(command_request.kind)
            .ok_or_else(unknown)?
            .topic;
        let note = Note::take(&mut command);
        let request = gateway::Request {
            note,
            forget,
            id,
            topic,
            key: command.key,
            subject: command.subject,
            body: command.body,
            actor: runtime::actor(&command_request.caller),
            correlation_id: command_request.context.correlation_id,
            traceparent: command_request.context.trace.to_header(),
            idempotency: command_request.idempotency,
        };
        let correlation_id = match self.gateway.submit(request).await {
            Ok(Taken::Accepted { correlation_id }) => correlation_id,
            Ok(Taken::KeyReused) => return Err(key_reused()),
            Err(error) => return Err(not_taken(&error, id)),
        };
        let accepted = Accepted {
            command_id: id,
            correlation_id,
            status: CommandState::Pending,
        };
        match wait.filter(|wait| !wait.is_zero()) {
            None => Ok(at(id, StatusCode::ACCEPTED, Json(accepted))),
            Some(wait) => {
                let service = topic.owner();
                self.outcome(service, &command_request.caller, accepted, wait)
                    .await
            }
        }
    }

    async fn outcome(
        &self,
        service: Service,
        caller: &Caller,
        accepted: Accepted,
        wait: Duration,
    ) -> Result<Response, Problem> {
        let id = accepted.command_id;
        if !self.waiting.wait(id, caller, wait).await {
            return Ok(at(id, StatusCode::ACCEPTED, Json(accepted)));
        }
        let command = commands::find(self.host.pool(), id, None).await;
        // The command is in the log whatever a read says now.
        let command = command.ok().flatten().filter(CommandRow::ended);
        let applied = [(PREFERENCE_APPLIED, format!("wait={}", wait.as_secs()))];
        let response = match command {
            Some(command) => ended(service, command),
            None => at(id, StatusCode::ACCEPTED, Json(accepted)),
        };
        Ok((applied, response).into_response())
    }
}

/// A refusal is returned as the service itself would: a client that looks at the status alone must not take it for done.
fn ended(service: Service, command: CommandRow) -> Response {
    let id = command.id;
    match command.code {
        Some(code) => {
            let detail = command.detail.unwrap_or_default();
            let problem = runtime::refusal(service, id, code, detail, command.pointer);
            (location(id), problem).into_response()
        }
        None => at(id, StatusCode::OK, Json(CommandView::from(command))),
    }
}

fn at(id: Uuid, status: StatusCode, body: impl IntoResponse) -> Response {
    (status, location(id), body).into_response()
}

fn location(id: Uuid) -> [(HeaderName, String); 1] {
    [(LOCATION, format!("/api/v1/commands/{id}"))]
}

fn missing(pointer: &'static str) -> Problem {
    let detail = "an operator must say for whom";
    Problem::invalid(vec![FieldProblem::at(pointer, detail)])
}

fn key_reused() -> Problem {
    Problem::of(code::IDEMPOTENCY_KEY_REUSED)
        .with_detail("this Idempotency-Key was used for another request")
}

fn not_taken(error: &GroupError, id: Uuid) -> Problem {
    match error {
        GroupError::Full => {
            Problem::unavailable(code::QUEUE_FULL, "too many commands wait; try again soon", 1)
        }
        GroupError::Failed(_) => Problem::unavailable(
            code::DATABASE_UNAVAILABLE,
            "the command may or may not be taken: ask for its status, or repeat it with its Idempotency-Key",
            1,
        )
        .with_command_id(id),
    }
}
