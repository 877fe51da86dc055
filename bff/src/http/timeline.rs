//! `/api/v1/timeline`: every message of a request over all services, in causal order, with what became of each.

use std::collections::{HashMap, HashSet};

use axum::extract::State;
use axum::middleware::from_fn;
use chassis::auth::Caller;
use chassis::http::to_its_end;
use chassis::json::Json;
use chassis::openapi::{Forbidden, NotFound, Problems};
use chassis::params::{Path, Query};
use chassis::problem::Problem;
use chassis::time::Timestamp;
use messaging::related::{HandledCommand, InRetryQueue, Question};
use runtime::OrUnread;
use schemas::{Body, Entity, Service};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::Bff;
use super::named::Named;
use super::shown::moment;
use crate::related::visible::{self, Owners, Viewer};
use crate::related::{Found, Gathered};

/// Its routes.
pub(super) fn routes() -> OpenApiRouter<Bff> {
    OpenApiRouter::new()
        .routes(routes!(get_timeline))
        .routes(routes!(find_timeline))
        .layer(from_fn(to_its_end))
}

/// What became of a request, or of all requests that had to do with one thing.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TimelineView {
    /// In causal order: none before what caused it, and else by time.
    messages: Vec<TimelineMessage>,
    /// Services that did not answer: what they know is not shown.
    missing: Vec<MissingView>,
    /// Services whose older messages are in an archive, which was not looked at.
    archived: Vec<ArchivedView>,
    /// There are more messages than are shown.
    truncated: bool,
    /// How many messages wait somewhere or failed.
    waiting: usize,
    /// Microseconds from the first message to the last.
    lasted_micros: i64,
}

/// A message, with what became of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TimelineMessage {
    id: Uuid,
    #[schema(example = "conversion.attributed.v1")]
    r#type: String,
    /// In whose log it is; of a command that is in no log, who took it.
    #[schema(example = "tracking")]
    service: String,
    /// Its place in that log, for operators; absent of one that is in no log.
    position: Option<i64>,
    /// The aggregate that it is about.
    subject: String,
    correlation_id: Option<Uuid>,
    /// The message that caused it, as far as that is shown.
    caused_by: Option<Uuid>,
    recorded_at: Timestamp,
    /// Microseconds since what caused it was recorded; below zero where two services' clocks differ.
    micros_after_cause: Option<i64>,
    /// Who asked for it: the token's subject, for operators.
    actor: Option<String>,
    /// What it says, as far as the caller may see it; `null` of what is in no log.
    #[schema(value_type = Option<Object>)]
    data: Option<Value>,
    /// Of a command: how it ended.
    outcome: Option<OutcomeView>,
    /// Who reacts to it, and how far each is.
    followers: Vec<FollowerView>,
}

/// How a command ended.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OutcomeView {
    /// `completed`, or `rejected`.
    #[schema(example = "completed")]
    status: &'static str,
    /// The event that is its outcome.
    event_id: Uuid,
    #[schema(example = "conversion.attributed.v1")]
    event_type: String,
    /// Why it was refused.
    code: Option<String>,
    decided_at: Timestamp,
}

/// How far a follower is with a message.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FollowerView {
    #[schema(example = "commission")]
    service: String,
    /// `handled`; `under_way`: it did not come there yet; `unknown`: the service did not answer. Of what is in its retry queue
    /// `waiting`, `retrying`, `queued`, `dead` or `unknown_type` for operators, and for others `waits` or `needs_attention`.
    #[schema(example = "handled")]
    state: String,
    /// Of what is in the retry queue, for operators.
    retry_queue: Option<RetryView>,
}

/// Where a message stands in the retry queue.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RetryView {
    reason: String,
    waiting_for: Option<String>,
    attempts: i32,
    since: Timestamp,
    /// When it is tried next; `null` of what is not tried by itself.
    next_at: Option<Timestamp>,
    /// Where an operator looks at it and redrives it.
    #[schema(example = "/api/v1/operator/commission/parked/0199f6a2-7c11-7c3e-9d52-2f6f5b0f4a10")]
    path: String,
}

/// A service that did not answer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MissingView {
    #[schema(example = "payment")]
    service: String,
    #[schema(example = "it cannot be reached")]
    reason: String,
}

/// A service with an archive.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ArchivedView {
    #[schema(example = "tracking")]
    service: String,
    /// Messages up to this position of its log are in the archive alone; for operators.
    to_position: Option<i64>,
}

pub(super) fn missing(gathered: &Gathered) -> Vec<MissingView> {
    let each = gathered.missing.iter().map(|missing| MissingView {
        service: missing.service.name().to_owned(),
        reason: missing.reason.clone(),
    });
    each.collect()
}

/// Every message that a request led to, over all services, in causal order: when, what caused it, how commands ended, and what waits,
/// is retried or is a dead letter. A brand and a partner see what is their own. At most 1,000 messages.
#[utoipa::path(
    get, path = "/api/v1/timeline/{correlation_id}", tag = "timelines", params(("correlation_id" = Uuid, Path)),
    responses((status = 200, body = TimelineView), Problems<Forbidden>), security(("bearer" = []))
)]
pub(crate) async fn get_timeline(
    State(bff): State<Bff>,
    caller: Caller,
    Path(correlation_id): Path<Uuid>,
) -> Result<Json<TimelineView>, Problem> {
    let question = Question {
        correlation_ids: vec![correlation_id],
        ..Question::default()
    };
    timeline(&bff, &caller, question, &[]).await
}

/// The same of all requests that had to do with an order, a click, a conversion or a payout.
#[utoipa::path(
    get, path = "/api/v1/timeline", tag = "timelines", params(Named),
    responses((status = 200, body = TimelineView), Problems<(Forbidden, NotFound)>), security(("bearer" = []))
)]
pub(crate) async fn find_timeline(
    State(bff): State<Bff>,
    caller: Caller,
    Query(named): Query<Named>,
) -> Result<Json<TimelineView>, Problem> {
    caller.scope()?;
    named.check()?;
    let subjects = named.subjects(&bff, &caller).await?;
    if subjects.ids.is_empty() {
        return Err(Problem::not_found());
    }
    let question = Question {
        subjects: subjects.ids,
        ..Question::default()
    };
    let mut shown = timeline(&bff, &caller, question, named.sorts()).await?;
    shown.0.truncated |= subjects.truncated;
    Ok(shown)
}

/// Whether a request has a timeline that this caller sees something of.
pub(super) async fn is_shown(bff: &Bff, caller: &Caller, request: Uuid) -> Result<bool, Problem> {
    let question = Question {
        correlation_ids: vec![request],
        ..Question::default()
    };
    let viewer = visible::viewer(caller);
    let gathered = bff.everywhere.ask(caller, question, &[]).await?;
    let owners = visible::owners(bff.host.pool(), &gathered.messages)
        .await
        .or_unread()?;
    let mut messages = gathered.messages.iter();
    Ok(messages.any(|found| visible::shown(found, &viewer, &owners).is_some()))
}

async fn timeline(
    bff: &Bff,
    caller: &Caller,
    question: Question,
    sorts: &[Entity],
) -> Result<Json<TimelineView>, Problem> {
    caller.scope()?;
    let viewer = visible::viewer(caller);
    let gathered = bff.everywhere.ask(caller, question, sorts).await?;
    let owners = visible::owners(bff.host.pool(), &gathered.messages)
        .await
        .or_unread()?;
    let view = view(&gathered, &viewer, &owners);
    // What is another's and what is nobody's look the same, whoever is away.
    if view.messages.is_empty() && (view.missing.is_empty() || !viewer.is_operator()) {
        return Err(Problem::not_found());
    }
    Ok(Json(view))
}

fn view(gathered: &Gathered, viewer: &Viewer, owners: &Owners) -> TimelineView {
    let mut shown: Vec<(&Found, Value)> = gathered
        .messages
        .iter()
        .filter_map(|found| Some((found, visible::shown(found, viewer, owners)?)))
        .collect();
    let is_whole = gathered.bound(&mut shown);
    let tree = Tree::of(gathered, &shown);
    let mut messages: Vec<TimelineMessage> = shown
        .into_iter()
        .map(|(found, data)| tree.message(found, data, viewer))
        .collect();
    if viewer.is_operator() {
        for message in tree.in_no_log() {
            let effect = |it: &TimelineMessage| it.caused_by == Some(message.id);
            let place = messages.iter().position(effect);
            messages.insert(place.unwrap_or(messages.len()), message);
        }
    }
    let times = || messages.iter().map(|message| message.recorded_at.0.get());
    let lasted_micros = times().max().unwrap_or(0) - times().min().unwrap_or(0);
    let waits = |message: &&TimelineMessage| {
        let mut states = message.followers.iter().map(|it| it.state.as_str());
        states.any(|state| !matches!(state, "handled" | "under_way" | "unknown"))
    };
    TimelineView {
        waiting: messages.iter().filter(waits).count(),
        lasted_micros,
        missing: missing(gathered),
        archived: archived(gathered, viewer),
        truncated: gathered.truncated || !is_whole,
        messages,
    }
}

/// How much there is in all is for operators.
pub(super) fn archived(gathered: &Gathered, viewer: &Viewer) -> Vec<ArchivedView> {
    let each = gathered.archived.iter();
    each.map(|(service, to_position)| ArchivedView {
        service: service.name().to_owned(),
        to_position: viewer.is_operator().then_some(*to_position),
    })
    .collect()
}

/// What is looked up for each message.
struct Tree<'a> {
    gathered: &'a Gathered,
    by_id: HashMap<Uuid, &'a Found>,
    /// What the viewer sees.
    shown: HashSet<Uuid>,
    /// By the command.
    outcomes: HashMap<Uuid, &'a Found>,
    retried: HashMap<(Service, Uuid), &'a InRetryQueue>,
}

impl<'a> Tree<'a> {
    fn of(gathered: &'a Gathered, shown: &[(&'a Found, Value)]) -> Self {
        let all = || gathered.messages.iter();
        let of_command = |found: &'a Found| Some((found.row.outcome_of?, found));
        let retried = gathered.retry_queue.iter();
        Self {
            gathered,
            by_id: all().map(|found| (found.row.id, found)).collect(),
            shown: shown.iter().map(|(found, _)| found.row.id).collect(),
            // The first event of a command is its outcome.
            outcomes: all().rev().filter_map(of_command).collect(),
            retried: retried
                .map(|(service, row)| ((*service, row.message_id), row))
                .collect(),
        }
    }

    fn message(&self, found: &Found, data: Value, viewer: &Viewer) -> TimelineMessage {
        let row = &found.row;
        let cause = self.cause(found);
        let alone = row.causation_id.and_then(|cause| self.taken(cause));
        let alone = alone.filter(|_| viewer.is_operator());
        let caused_at = cause
            .map(|cause| cause.row.time)
            .or(alone.map(|(_, command)| command.received_at));
        let actor = row.actor.as_ref().filter(|_| viewer.is_operator());
        TimelineMessage {
            id: row.id,
            r#type: row.kind.clone(),
            service: found.service.name().to_owned(),
            position: viewer.is_operator().then_some(row.position),
            subject: row.subject.clone(),
            correlation_id: Some(row.correlation_id),
            caused_by: cause
                .map(|cause| cause.row.id)
                .or(alone.map(|(_, command)| command.id)),
            recorded_at: moment(row.time),
            micros_after_cause: caused_at.map(|at| row.time.saturating_sub(at)),
            actor: actor
                .and_then(|actor| actor["subject"].as_str())
                .map(ToOwned::to_owned),
            data: Some(data),
            outcome: self.outcome(row.id),
            followers: self.followers(found, viewer),
        }
    }

    /// The nearest of its causes that the viewer sees.
    fn cause(&self, found: &Found) -> Option<&'a Found> {
        let mut at = found.row.causation_id;
        for _ in 0..self.by_id.len() {
            let cause = *self.by_id.get(&at?)?;
            if self.shown.contains(&cause.row.id) {
                return Some(cause);
            }
            at = cause.row.causation_id;
        }
        None
    }

    fn outcome(&self, command: Uuid) -> Option<OutcomeView> {
        let found = self.outcomes.get(&command)?;
        if !self.shown.contains(&found.row.id) {
            return None;
        }
        let (status, code) = match &found.body {
            Some(Body::CommandRejectedV1(rejected)) => ("rejected", Some(rejected.code.clone())),
            _ => ("completed", None),
        };
        Some(OutcomeView {
            status,
            event_id: found.row.id,
            event_type: found.row.kind.clone(),
            code,
            decided_at: moment(found.row.time),
        })
    }

    fn followers(&self, found: &Found, viewer: &Viewer) -> Vec<FollowerView> {
        let topic = schemas::Topic::parse(&found.row.topic);
        let kind = topic.and_then(|topic| schemas::kind_on(topic, &found.row.kind));
        let followers = kind.map_or(&[][..], |kind| kind.followers);
        let elsewhere = followers
            .iter()
            .filter(|service| **service != found.service);
        let elsewhere = elsewhere.filter(|_| found.row.published);
        elsewhere
            .map(|service| {
                let retried = self.retried.get(&(*service, found.row.id));
                let state = match retried {
                    Some(row) if viewer.is_operator() => row.state.as_str(),
                    Some(row) => visible::state_shown(&row.state),
                    None if self.gathered.lacks(*service) => "unknown",
                    None if self.is_followed(*service, found) => "handled",
                    None => "under_way",
                };
                FollowerView {
                    service: service.name().to_owned(),
                    state: state.to_owned(),
                    retry_queue: retried
                        .filter(|_| viewer.is_operator())
                        .map(|row| retry(*service, row)),
                }
            })
            .collect()
    }

    /// Whether the service has taken the message's stream beyond it.
    fn is_followed(&self, service: Service, found: &Found) -> bool {
        let row = &found.row;
        let (Some(partition), Some(sequence)) = (row.partition, row.sequence) else {
            return false;
        };
        let epoch = row.epoch.unwrap_or(0);
        let watermarks = self.gathered.watermarks.get(&service);
        watermarks.into_iter().flatten().any(|at| {
            at.source == found.service.name()
                && at.topic == row.topic
                && at.partition == partition
                && (at.epoch > epoch || (at.epoch == epoch && at.sequence >= sequence))
        })
    }

    /// A command that was handled, and is in no log: it came to its service by HTTP, or from an external producer.
    fn taken(&self, id: Uuid) -> Option<&'a (Service, HandledCommand)> {
        let command = self.gathered.commands.get(&id);
        command.filter(|_| !self.by_id.contains_key(&id))
    }

    /// The commands that are in no log, and what else is in a retry queue alone.
    fn in_no_log(&self) -> Vec<TimelineMessage> {
        let taken = self.gathered.commands.keys();
        let mut alone: Vec<TimelineMessage> = taken
            .filter_map(|id| self.taken(*id))
            .map(|(service, command)| self.command(*service, command))
            .collect();
        let retried = self.gathered.retry_queue.iter();
        let unknown = retried.filter(|(_, row)| {
            let id = row.message_id;
            !self.by_id.contains_key(&id) && !self.gathered.commands.contains_key(&id)
        });
        alone.extend(unknown.map(|(service, row)| TimelineMessage {
            id: row.message_id,
            r#type: row.kind.clone().unwrap_or_default(),
            service: service.name().to_owned(),
            position: None,
            subject: row.subject.clone().unwrap_or_default(),
            correlation_id: row.correlation_id,
            caused_by: row.causation_id,
            recorded_at: moment(row.time.unwrap_or(row.since)),
            micros_after_cause: None,
            actor: None,
            data: None,
            outcome: None,
            followers: vec![in_retry_queue(*service, row)],
        }));
        alone.sort_by_key(|message| message.recorded_at);
        alone
    }

    fn command(&self, service: Service, command: &HandledCommand) -> TimelineMessage {
        let retried = self.retried.get(&(service, command.id));
        let outcome = self.outcomes.get(&command.id);
        TimelineMessage {
            id: command.id,
            r#type: command.kind.clone(),
            service: service.name().to_owned(),
            position: None,
            subject: command.subject.clone(),
            correlation_id: retried
                .and_then(|row| row.correlation_id)
                .or(outcome.map(|outcome| outcome.row.correlation_id)),
            caused_by: retried.and_then(|row| row.causation_id),
            recorded_at: moment(command.received_at),
            micros_after_cause: None,
            actor: None,
            data: None,
            outcome: self.outcome(command.id),
            followers: retried
                .map(|row| in_retry_queue(service, row))
                .into_iter()
                .collect(),
        }
    }
}

fn in_retry_queue(service: Service, row: &InRetryQueue) -> FollowerView {
    FollowerView {
        service: service.name().to_owned(),
        state: row.state.clone(),
        retry_queue: Some(retry(service, row)),
    }
}

fn retry(service: Service, row: &InRetryQueue) -> RetryView {
    let tried = matches!(row.state.as_str(), "waiting" | "retrying");
    RetryView {
        reason: row.reason.clone(),
        waiting_for: row.waiting_for.clone(),
        attempts: row.attempts,
        since: moment(row.since),
        next_at: tried.then(|| moment(row.next_at)),
        path: format!(
            "/api/v1/operator/{}/parked/{}",
            service.name(),
            row.message_id
        ),
    }
}
