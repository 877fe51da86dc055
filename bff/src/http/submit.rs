//! A write: from a checked request to its 202, or to its outcome when the client prefers to wait.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::time::Duration;

use api::Request;
use axum::http::header::LOCATION;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use chassis::auth::{Caller, Role};
use chassis::http::RequestContext;
use chassis::idempotency::RequestHash;
use chassis::json::Json;
use chassis::openapi::{Problems, Refuses};
use chassis::problem::{Problem, code};
use chassis::write::Write;
use messaging::group::GroupError;
use runtime::CommandState;
use schemas::{Service, Written};
use serde::Serialize;
use types::{BrandId, PartnerId};
use utoipa::openapi::{ContentBuilder, Ref, RefOr, ResponseBuilder};
use utoipa::{IntoResponses, ToSchema};
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
    pub(crate) correlation_id: Uuid,
    /// `pending`.
    status: CommandState,
}

/// Commands that are in the log, in the order of what was asked for.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AcceptedItems {
    items: Vec<Accepted>,
}

/// What a write answers: that it is taken, or its outcome where the client waits for it; and what is refused.
pub(crate) struct Answers<R>(PhantomData<R>);

impl<R: Refuses> IntoResponses for Answers<R> {
    fn responses() -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
        let answer = |schema: Cow<'static, str>, description| {
            let schema = Ref::from_schema_name(schema);
            let content = ContentBuilder::new().schema(Some(schema)).build();
            let response = ResponseBuilder::new().content("application/json", content);
            response.description(description).build().into()
        };
        let outcome = "Its outcome, under `Prefer: wait`";
        let mut answers = Problems::<R>::responses();
        answers.insert("202".to_owned(), answer(Accepted::name(), ""));
        answers.insert("200".to_owned(), answer(CommandView::name(), outcome));
        answers
    }
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
    forget: Option<Forget>,
}

impl CommandRequest {
    /// Parts a write from what it says.
    pub(crate) fn part<T: Request>(write: Write<T>, caller: Caller) -> (T, Self) {
        let id = write.command_id(&caller);
        let hash = write.request_hash;
        let command_request = Self {
            caller,
            id,
            kind: T::KIND,
            context: write.context,
            idempotency: write.key.map(|key| (key.hash(), hash)),
            wait: write.wait,
            forget: None,
        };
        (write.body, command_request)
    }

    /// The same, and notes go once it is taken.
    pub(crate) fn forgetting(mut self, whom: Forget) -> Self {
        self.forget = Some(whom);
        self
    }

    /// What goes into the log: what the request says, and who makes it.
    fn with(self, mut command: Written) -> Result<gateway::Request, Problem> {
        let unknown = || Problem::internal(&"a request makes a command that there is none of");
        let kind = schemas::kind(self.kind).ok_or_else(unknown)?;
        Ok(gateway::Request {
            note: Note::take(&mut command),
            forget: self.forget,
            id: self.id,
            topic: kind.topic,
            key: command.key,
            subject: command.subject,
            body: command.body,
            actor: runtime::actor(&self.caller),
            correlation_id: self.context.correlation_id,
            traceparent: self.context.trace.to_header(),
            idempotency: self.idempotency,
        })
    }

    /// The partner that the request is about: the one it names, else the caller's own. Another's is nobody's to a caller, before its
    /// service decides.
    pub(crate) fn partner(&self, named: Option<&PartnerId>) -> Result<PartnerId, Problem> {
        let partner = self.caller.partner_or_own(named)?;
        self.caller.require_owner(Some(&partner), None)?;
        Ok(partner)
    }

    /// The same of a brand.
    pub(crate) fn brand(&self, named: Option<&BrandId>) -> Result<BrandId, Problem> {
        let brand = self.caller.brand_or_own(named)?;
        self.caller.require_owner(None, Some(&brand))?;
        Ok(brand)
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
        let names: Vec<_> = roles.iter().map(|role| role.name()).collect();
        let detail = format!("this is for the role {}", names.join(" or "));
        Err(Problem::forbidden(detail))
    }
}

/// Where a command stands when its request is answered.
pub(crate) enum Stand {
    /// It is in the log.
    Pending(Accepted),
    /// It is done.
    Ended(CommandRow),
}

/// What is reported of a command that was taken.
pub(crate) struct Reported {
    id: Uuid,
    stand: Stand,
    /// The preference that was honoured.
    applied: Option<Duration>,
}

impl Reported {
    /// 202, or 200 with the outcome, and what `body` makes of it.
    pub(crate) fn respond<T: Serialize>(self, body: impl FnOnce(Stand) -> T) -> Response {
        let status = match self.stand {
            Stand::Pending(_) => StatusCode::ACCEPTED,
            Stand::Ended(_) => StatusCode::OK,
        };
        let response = (status, location(self.id), Json(body(self.stand)));
        match self.applied {
            Some(wait) => ([applied(wait)], response).into_response(),
            None => response.into_response(),
        }
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
        #[derive(Serialize)]
        #[serde(untagged)]
        enum Body {
            Accepted(Accepted),
            Outcome(CommandView),
        }
        let reported = self.submit_reported(command_request, command).await?;
        Ok(reported.respond(|stand| match stand {
            Stand::Pending(accepted) => Body::Accepted(accepted),
            Stand::Ended(command) => Body::Outcome(command.into()),
        }))
    }

    /// The same, for who answers in another way. A refusal that came in that time is an error, as the service itself would return it:
    /// a client that looks at the status alone must not take it for done.
    pub(crate) async fn submit_reported(
        &self,
        command_request: CommandRequest,
        command: Written,
    ) -> Result<Reported, Problem> {
        let (id, wait) = (command_request.id, command_request.wait);
        let caller = command_request.caller.clone();
        let request = command_request.with(command)?;
        let service = request.topic.owner();
        let accepted = self.take_one(request).await?;
        match wait.filter(|wait| !wait.is_zero()) {
            None => Ok(Reported {
                id,
                stand: Stand::Pending(accepted),
                applied: None,
            }),
            Some(wait) => self.outcome(service, &caller, accepted, wait).await,
        }
    }

    /// Takes several commands of one request in, all or none, and answers once they are in the log.
    pub(crate) async fn submit_all(
        &self,
        commands: Vec<(CommandRequest, Written)>,
    ) -> Result<Response, Problem> {
        let requests = commands
            .into_iter()
            .map(|(command_request, command)| command_request.with(command))
            .collect::<Result<Vec<_>, _>>()?;
        let items = self.take(requests).await?;
        Ok((StatusCode::ACCEPTED, Json(AcceptedItems { items })).into_response())
    }

    async fn take_one(&self, request: gateway::Request) -> Result<Accepted, Problem> {
        let accepted = self.take(vec![request]).await?.pop();
        accepted.ok_or_else(|| Problem::internal(&"a command was taken that is not reported"))
    }

    async fn take(&self, requests: Vec<gateway::Request>) -> Result<Vec<Accepted>, Problem> {
        let ids: Vec<Uuid> = requests.iter().map(|request| request.id).collect();
        match self.gateway.submit(requests).await {
            Ok(Taken::Accepted { correlation_ids }) => {
                let each = ids.into_iter().zip(correlation_ids);
                let accepted = each.map(|(command_id, correlation_id)| Accepted {
                    command_id,
                    correlation_id,
                    status: CommandState::Pending,
                });
                Ok(accepted.collect())
            }
            Ok(Taken::KeyReused) => Err(key_reused()),
            Err(error) => Err(not_taken(&error, ids.first().copied())),
        }
    }

    async fn outcome(
        &self,
        service: Service,
        caller: &Caller,
        accepted: Accepted,
        wait: Duration,
    ) -> Result<Reported, Problem> {
        let id = accepted.command_id;
        let reported = |stand, applied| Reported { id, stand, applied };
        if !self.waiting.wait(id, caller, wait).await {
            return Ok(reported(Stand::Pending(accepted), None));
        }
        let command = commands::find(self.host.pool(), id, None).await;
        // The command is in the log whatever a read says now.
        let command = command.ok().flatten().filter(CommandRow::ended);
        match command {
            Some(command) => {
                let ended = refused(service, command);
                let ended = ended.map_err(|problem| with_headers(problem, id, wait))?;
                Ok(reported(Stand::Ended(ended), Some(wait)))
            }
            None => Ok(reported(Stand::Pending(accepted), Some(wait))),
        }
    }
}

/// The command, unless it was refused.
fn refused(service: Service, command: CommandRow) -> Result<CommandRow, Problem> {
    match command.code {
        Some(code) => {
            let detail = command.detail.unwrap_or_default();
            let (id, pointer) = (command.id, command.pointer);
            Err(runtime::refusal(service, id, code, detail, pointer))
        }
        None => Ok(command),
    }
}

/// A refusal that was waited for says where it is, too.
fn with_headers(problem: Problem, id: Uuid, wait: Duration) -> Problem {
    let all = location(id).into_iter().chain([applied(wait)]);
    all.fold(
        problem,
        |problem, (name, value)| match HeaderValue::try_from(value) {
            Ok(value) => problem.with_header(name, value),
            Err(_) => problem,
        },
    )
}

fn applied(wait: Duration) -> (HeaderName, String) {
    (PREFERENCE_APPLIED, format!("wait={}", wait.as_secs()))
}

fn location(id: Uuid) -> [(HeaderName, String); 1] {
    [(LOCATION, format!("/api/v1/commands/{id}"))]
}

fn key_reused() -> Problem {
    Problem::of(code::IDEMPOTENCY_KEY_REUSED)
        .with_detail("this Idempotency-Key was used for another request")
}

/// As many commands wait as may.
pub(super) fn queue_full() -> Problem {
    Problem::unavailable(
        code::QUEUE_FULL,
        "too many commands wait; try again soon",
        1,
    )
}

fn not_taken(error: &GroupError, id: Option<Uuid>) -> Problem {
    match error {
        GroupError::Full => queue_full(),
        GroupError::Failed(_) => {
            let detail = "the command may or may not be taken: ask for its status, or repeat it with its Idempotency-Key";
            let problem = Problem::unavailable(code::DATABASE_UNAVAILABLE, detail, 1);
            match id {
                Some(id) => problem.with_command_id(id),
                None => problem,
            }
        }
    }
}
