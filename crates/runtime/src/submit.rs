//! A command that comes by HTTP: submitted, handled as every message is, answered after its commit.

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::time::Duration;

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chassis::auth::Caller;
use chassis::http::RequestContext;
use chassis::idempotency::RequestHash;
use chassis::json::Json;
use chassis::openapi::answer_of;
use chassis::problem::{FieldProblem, Problem, code};
use chassis::write::{Request, Write};
use messaging::{Answer, Inbound, clock, inbox};
use operations::{CommandState, OrUnread, unread_schema};
use schemas::{Actor, Body, Header, Message, Service, Topic, Written, rejection_code};
use serde::Serialize;
use types::Micros;
use utoipa::openapi::{self, RefOr};
use utoipa::{IntoResponses, ToSchema};
use uuid::Uuid;

use crate::host::Host;

/// A command that is not committed by then is answered as of unknown outcome.
const COMMIT_TIMEOUT: Duration = Duration::from_secs(10);

/// A command as an edge submits it.
#[derive(Debug)]
pub struct Submit {
    /// Its id: derived from the caller and the `Idempotency-Key`, or new.
    pub id: Uuid,
    /// Routes it.
    pub key: String,
    /// The aggregate.
    pub subject: String,
    /// What it says.
    pub body: Body,
    /// HMAC of the request, when it has an `Idempotency-Key`.
    pub request_hash: Option<RequestHash>,
}

impl Submit {
    /// A command of this id, as a request's body says it.
    pub fn of(id: Uuid, command: Written, request_hash: Option<RequestHash>) -> Self {
        Self {
            id,
            key: command.key,
            subject: command.subject,
            body: command.body,
            request_hash,
        }
    }
}

/// What became of a command.
#[derive(Debug)]
pub enum CommandResult {
    /// It was handled: what happened.
    Done(Vec<Message>),
    /// It waits for something; its status shows what becomes of it.
    InRetryQueue,
}

/// Who asks, as it travels in messages.
pub fn actor(caller: &Caller) -> Actor {
    Actor {
        subject: caller.subject.clone(),
        roles: caller.role_names(),
        partner_id: caller.partner().map(ToString::to_string),
        brand_id: caller.brand().map(ToString::to_string),
    }
}

impl Host {
    /// Submits what a write asks for and waits for the commit. `command` makes it of its id and the body.
    pub async fn submit_write<T: Request>(
        &self,
        write: Write<T>,
        caller: &Caller,
        command: impl FnOnce(Uuid, T) -> Written,
    ) -> Result<Submitted, Problem> {
        let context = write.context;
        let (id, body, request_hash) = write.part(caller);
        let command = Submit::of(id, command(id, body), request_hash);
        self.submit(command, caller, &context).await
    }

    /// Submits a command and waits for the commit. A refusal by the domain is a problem with its code.
    pub async fn submit(
        &self,
        command: Submit,
        caller: &Caller,
        context: &RequestContext,
    ) -> Result<Submitted, Problem> {
        let topic = self.commands_topic()?;
        let kind = command
            .body
            .kind(topic)
            .ok_or_else(|| Problem::internal(&"a command of another service"))?;
        let header = Header {
            id: command.id,
            kind: kind.name.to_owned(),
            source: self.service().name().to_owned(),
            subject: command.subject,
            key: command.key,
            time: self.now(),
            epoch: None,
            sequence: None,
            correlation_id: context.correlation_id,
            causation_id: None,
            outcome_of: None,
            actor: Some(actor(caller)),
            traceparent: Some(context.trace.to_header()),
        };
        let message = Message {
            header,
            body: command.body,
        };
        let hash = command.request_hash;
        let stored = hash.as_ref().map(|hash| hash.current().to_vec());
        let inbound = Inbound::local(topic, message, stored);
        let answered = self.handle(command.id, inbound).await?;
        let result = match answered {
            Answer::Repeated => self.repeated(command.id, kind.name, hash.as_ref()).await?,
            Answer::Rejected {
                code,
                detail,
                pointer,
            } => return Err(refusal(self.service(), command.id, code, detail, pointer)),
            Answer::InRetryQueue => CommandResult::InRetryQueue,
            Answer::Done(events) => CommandResult::Done(events),
            Answer::Skipped
            | Answer::Unauthenticated
            | Answer::Gap { .. }
            | Answer::Halted { .. } => {
                return Err(Problem::internal(&"an edge's command was not handled"));
            }
        };
        Ok(Submitted {
            result,
            command_id: command.id,
            service: self.service().name(),
        })
    }

    /// Refuses what one request stands for before any of it is submitted, where the request's key was used for another. What the bff took
    /// under the key has its request's hash there alone: of what it sent there is all, or it was another request.
    pub async fn refuse_reused(
        &self,
        commands: &[Uuid],
        hash: &RequestHash,
    ) -> Result<(), Problem> {
        let stored = inbox::request_hashes(self.pool(), commands).await;
        let stored = stored.or_unread()?;
        let has_all = stored.len() == commands.len();
        let same = stored.iter().all(|stored| match stored {
            Some(stored) => hash.is(stored),
            None => has_all,
        });
        if same { Ok(()) } else { Err(reused()) }
    }

    /// By its database's clock, as far as this process knows it.
    fn now(&self) -> Micros {
        let least = self.looked().borrow().now_at_least();
        least.unwrap_or(Micros(0)).max(clock::now())
    }

    fn commands_topic(&self) -> Result<Topic, Problem> {
        self.service()
            .commands_topic()
            .ok_or_else(|| Problem::internal(&"this service takes no commands"))
    }

    async fn handle(&self, id: Uuid, inbound: Inbound) -> Result<Answer, Problem> {
        let full = || {
            Problem::unavailable(
                code::QUEUE_FULL,
                "too many commands wait; try again soon",
                1,
            )
        };
        let answers = self.flow().offer(vec![inbound]).map_err(|_| full())?;
        let answered = tokio::time::timeout(COMMIT_TIMEOUT, answers).await;
        let unknown = || {
            Problem::of(code::OUTCOME_UNKNOWN)
                .with_detail(
                    "the command was not committed in time; ask for its status before repeating it",
                )
                .with_command_id(id)
        };
        let mut answers = answered.map_err(|_| unknown())?.map_err(|_| unknown())?;
        answers.pop().ok_or_else(unknown)
    }

    /// A command that was handled before is answered as it was then.
    async fn repeated(
        &self,
        id: Uuid,
        kind: &str,
        hash: Option<&RequestHash>,
    ) -> Result<CommandResult, Problem> {
        let known = inbox::find(self.pool(), self.schema_ids(), id)
            .await
            .map_err(|error| unread_schema(&error))?
            .ok_or_else(|| Problem::internal(&"a repeated command is not in the inbox"))?;
        let first = &known.command;
        let same = match (first.request_hash.as_deref(), hash) {
            (Some(stored), Some(hash)) => hash.is(stored),
            // What came from the bff under the same key has its request's hash there alone.
            (None, Some(_)) => first.source != self.service().name() && first.kind == kind,
            (stored, None) => stored.is_none(),
        };
        if !same {
            return Err(reused());
        }
        match inbox::State::parse(&known.command.state) {
            Some(inbox::State::Rejected | inbox::State::Dropped) => {
                let code = known.command.code.unwrap_or_default();
                let (detail, pointer) = match known.outcome.into_iter().next().map(|m| m.body) {
                    Some(Body::CommandRejectedV1(rejected)) => (rejected.detail, rejected.pointer),
                    _ => (String::new(), None),
                };
                Err(refusal(self.service(), id, code, detail, pointer))
            }
            Some(inbox::State::Done) => Ok(CommandResult::Done(known.outcome)),
            Some(inbox::State::InRetryQueue) | None => Ok(CommandResult::InRetryQueue),
        }
    }
}

fn reused() -> Problem {
    Problem::of(code::IDEMPOTENCY_KEY_REUSED)
        .with_detail("this Idempotency-Key was used for another request")
}

/// The problem that a refusal is, wherever its client hears of it: at the service, or at the bff.
pub fn refusal(
    service: Service,
    id: Uuid,
    code: String,
    detail: String,
    pointer: Option<String>,
) -> Problem {
    // A newer build of the service may have codes that this one does not know.
    let status = rejection_code(service, &code)
        .and_then(|code| StatusCode::from_u16(code.status).ok())
        .unwrap_or(StatusCode::UNPROCESSABLE_ENTITY);
    let problem = Problem::new(status, code)
        .with_detail(detail.clone())
        .with_command_id(id);
    match pointer {
        Some(pointer) => problem.with_error(FieldProblem::at(pointer, detail)),
        None => problem,
    }
}

/// A command with its result, ready to be returned.
#[derive(Debug)]
pub struct Submitted {
    /// What became of it.
    pub result: CommandResult,
    /// Its id.
    pub command_id: Uuid,
    service: &'static str,
}

/// A command that waits for something, or for its turn; its status is at `Location`.
#[derive(Debug, Serialize, ToSchema)]
struct Waiting {
    /// Of the command.
    command_id: Uuid,
    /// `pending`.
    status: CommandState,
}

/// How a command is answered after its commit, as a route and its document say it: `STATUS` with what it came to, or 202 while it waits.
#[derive(Debug)]
pub struct Answered<const STATUS: u16, T>(Response, PhantomData<T>);

/// 201 with what was made.
pub type Created<T> = Answered<201, T>;

/// 200 with what was done.
pub type Done<T> = Answered<200, T>;

impl<const STATUS: u16, T> IntoResponse for Answered<STATUS, T> {
    fn into_response(self) -> Response {
        self.0
    }
}

impl<const STATUS: u16, T: ToSchema> IntoResponses for Answered<STATUS, T> {
    fn responses() -> BTreeMap<String, RefOr<openapi::Response>> {
        BTreeMap::from([
            (STATUS.to_string(), answer_of::<T>().into()),
            ("202".to_owned(), answer_of::<Waiting>().into()),
        ])
    }
}

impl Submitted {
    /// What happened first; nothing while the command waits.
    pub fn event(&self) -> Option<&Message> {
        match &self.result {
            CommandResult::Done(events) => events.first(),
            CommandResult::InRetryQueue => None,
        }
    }

    /// What `body` makes of the first event, or that the command waits.
    pub fn answer<const STATUS: u16, T: Serialize, B: Into<Option<T>>>(
        self,
        body: impl FnOnce(&Message) -> B,
    ) -> Answered<STATUS, T> {
        let status = StatusCode::from_u16(STATUS).unwrap_or_default();
        let id = HeaderValue::try_from(self.command_id.to_string());
        let command_id = id.map(|id| [(HeaderName::from_static("x-command-id"), id)]);
        let response = match &self.result {
            CommandResult::Done(events) => match events.first() {
                Some(first) => {
                    let body: Option<T> = body(first).into();
                    (status, Json(body)).into_response()
                }
                None => Problem::internal(&"a handled command without an event").into_response(),
            },
            CommandResult::InRetryQueue => {
                let at = format!("/api/v1/{}/commands/{}", self.service, self.command_id);
                let waiting = Waiting {
                    command_id: self.command_id,
                    status: CommandState::Pending,
                };
                (
                    StatusCode::ACCEPTED,
                    [(header::LOCATION, at)],
                    Json(waiting),
                )
                    .into_response()
            }
        };
        let response = match command_id {
            Ok(command_id) => (command_id, response).into_response(),
            Err(_) => response,
        };
        Answered(response, PhantomData)
    }
}
