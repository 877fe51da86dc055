//! The command gateway: each write becomes a command in the bff's own log, many callers in one transaction.

use std::collections::HashMap;
use std::time::Duration;

use chassis::idempotency::RequestHash;
use messaging::group::{Group, GroupWrite};
use messaging::{Lookups, NewMessage, TxError, WriteTx};
use runtime::Host;
use schemas::{Actor, Body, Topic};
use tokio::time::Instant;
use uuid::Uuid;

use crate::store::commands::{self, Known, NewCommand};
use crate::store::notes::{self, Forget, NewNote, Note};

/// So many commands, or one submission more, are one transaction.
const MAX_BATCH: usize = 512;
/// Under load, transactions start at least this far apart.
const PACE: Duration = Duration::from_millis(5);
/// How long the database may be away before callers get an error.
const PATIENCE: Duration = Duration::from_secs(3);
const BACKOFF_MAX: Duration = Duration::from_millis(500);

/// A command as an edge submits it.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) id: Uuid,
    pub(crate) topic: Topic,
    pub(crate) key: String,
    pub(crate) subject: String,
    pub(crate) body: Body,
    pub(crate) actor: Actor,
    pub(crate) correlation_id: Uuid,
    pub(crate) traceparent: String,
    /// The hash of the client's `Idempotency-Key`, and that of its request.
    pub(crate) idempotency: Option<(String, RequestHash)>,
    /// What its client noted beside it.
    pub(crate) note: Option<Note>,
    /// Whose notes go.
    pub(crate) forget: Option<Forget>,
}

/// What became of a submission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Taken {
    /// All of it is in the log: now, or since an earlier submission with the same key and body.
    Accepted {
        /// Of each command's request that was taken first.
        correlation_ids: Vec<Uuid>,
    },
    /// Its key was used for another request: none of it was taken.
    KeyReused,
}

/// The way into the log. A submission is the commands of one request, and taken as one: it waits for its turn as any other.
pub(crate) type Gateway = Group<Vec<Request>, Taken>;

/// Starts the gateway.
pub(crate) fn start(host: &Host) -> Gateway {
    let log = Log(host.clone());
    Group::start(host.tasks(), "gateway", MAX_BATCH, PACE, log)
}

struct Log(Host);

impl GroupWrite for Log {
    type In = Vec<Request>;
    type Out = Taken;

    fn weight(submission: &Vec<Request>) -> usize {
        submission.len()
    }

    /// Tries again while the database is away. After a connection broke in its commit, the next try finds what stands
    /// by the commands' ids, so nothing is taken twice.
    async fn write(&self, submissions: Vec<Vec<Request>>) -> Result<Vec<Taken>, sqlx::Error> {
        let end = Instant::now() + PATIENCE;
        let mut backoff = Duration::from_millis(20);
        let mut again = false;
        loop {
            match self.append(&submissions, again).await {
                Ok(taken) => return Ok(taken),
                Err(error) if Instant::now() >= end || is_ours(&error) => return Err(error),
                Err(error) => {
                    tracing::warn!(%error, retry_in = ?backoff, "the database is away; commands wait");
                    tokio::time::sleep(backoff).await;
                    backoff = (backoff * 2).min(BACKOFF_MAX);
                    again = true;
                }
            }
        }
    }
}

impl Log {
    async fn append(
        &self,
        submissions: &[Vec<Request>],
        again: bool,
    ) -> Result<Vec<Taken>, sqlx::Error> {
        let (pool, writer) = (self.0.pool(), self.0.writer());
        let mut tx = WriteTx::begin(pool, writer, Lookups::default()).await?;
        // A command without a key has a new id: it can be known only from a try that broke.
        let requests = submissions.iter().flatten();
        let repeatable = requests.filter(|request| again || request.idempotency.is_some());
        let ids: Vec<Uuid> = repeatable.map(|request| request.id).collect();
        let mut known = if ids.is_empty() {
            HashMap::new()
        } else {
            commands::known(&mut tx, &ids).await?
        };
        let mut new = Vec::with_capacity(submissions.len());
        let mut taken = Vec::with_capacity(submissions.len());
        for submission in submissions {
            let reuses =
                |request: &Request| known.get(&request.id).is_some_and(|it| !it.is(request));
            if submission.iter().any(reuses) {
                taken.push(Taken::KeyReused);
                continue;
            }
            let mut correlation_ids = Vec::with_capacity(submission.len());
            for request in submission {
                let correlation_id = if let Some(earlier) = known.get(&request.id) {
                    earlier.correlation_id
                } else {
                    known.insert(request.id, Known::of(request));
                    new.push(take(&mut tx, request).map_err(|error| unwritable(&error))?);
                    request.correlation_id
                };
                correlation_ids.push(correlation_id);
            }
            taken.push(Taken::Accepted { correlation_ids });
        }
        if new.is_empty() {
            return Ok(taken);
        }
        commands::insert(&mut tx, &new).await?;
        let noted: Vec<_> = new.iter().filter_map(NewCommand::note).collect();
        notes::save(&mut tx, &noted).await?;
        for forget in new.iter().filter_map(|new| new.request.forget.as_ref()) {
            notes::forget(&mut tx, forget).await?;
        }
        let position = tx.commit().await?;
        self.0.committed(position);
        Ok(taken)
    }
}

impl Known {
    fn of(request: &Request) -> Self {
        let hash = request.idempotency.as_ref().map(|(_, hash)| hash);
        Self {
            correlation_id: request.correlation_id,
            hash: hash.map(|hash| hash.current().to_vec()),
        }
    }

    /// Whether this request is the one that was taken.
    fn is(&self, request: &Request) -> bool {
        match (self.hash.as_deref(), &request.idempotency) {
            (Some(stored), Some((_, hash))) => hash.is(stored),
            (stored, given) => stored.is_none() && given.is_none(),
        }
    }
}

fn take<'a>(tx: &mut WriteTx, request: &'a Request) -> Result<NewCommand<'a>, TxError> {
    let (message, position) = tx.append(NewMessage {
        id: request.id,
        topic: request.topic,
        key: request.key.clone(),
        subject: request.subject.clone(),
        body: request.body.clone(),
        correlation_id: request.correlation_id,
        causation_id: None,
        outcome_of: None,
        actor: Some(request.actor.clone()),
        traceparent: Some(request.traceparent.clone()),
    })?;
    Ok(NewCommand {
        request,
        kind: message.header.kind,
        position,
        accepted_at: message.header.time,
    })
}

impl NewCommand<'_> {
    fn note(&self) -> Option<NewNote<'_>> {
        let request = self.request;
        Some(NewNote {
            command: request.id,
            brand: request.actor.shop(),
            noted_at: self.accepted_at.get(),
            note: request.note.as_ref()?,
        })
    }
}

/// Edges bound every body far below what a log takes: this is a bug, and fails the transaction.
fn unwritable(error: &TxError) -> sqlx::Error {
    sqlx::Error::Encode(error.to_string().into())
}

/// Whether trying again could not help: bad data rather than an outage.
fn is_ours(error: &sqlx::Error) -> bool {
    let code = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code);
    let of_data = code.is_some_and(|code| code.starts_with("22") || code.starts_with("23"));
    of_data
        || matches!(
            error,
            sqlx::Error::Encode(_) | sqlx::Error::ColumnDecode { .. }
        )
}

#[cfg(test)]
mod tests {
    use futures::future::join_all;
    use messaging::group::GroupError;
    use runtime::testing::TestService;
    use schemas::AcceptV1;

    use super::*;

    fn request(number: usize) -> Request {
        let subject = format!("enrollment{number}");
        Request {
            id: Uuid::now_v7(),
            topic: Topic::CampaignCommands,
            key: "camp123".to_owned(),
            subject,
            body: AcceptV1 {
                partner_id: format!("partner{number}"),
                ..AcceptV1::default()
            }
            .into(),
            actor: runtime::testing::operator_actor(),
            correlation_id: Uuid::now_v7(),
            traceparent: String::new(),
            idempotency: None,
            note: None,
            forget: None,
        }
    }

    #[tokio::test]
    async fn beyond_its_bound_the_gateway_refuses_and_what_it_took_is_written() {
        let app = TestService::start(crate::define).await;
        let gateway = start(&app.host);
        let holder = app.hold_writer_lock().await;
        // One group is in flight, four may wait.
        let submitted =
            join_all((0..6 * MAX_BATCH).map(|number| gateway.submit(vec![request(number)])));
        let release = async {
            runtime::testing::until("the gateway waits for the lock", || async {
                let waiting =
                    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted";
                let waiting = sqlx::query_scalar(waiting).fetch_one(app.pool());
                waiting.await.is_ok_and(|count: i64| count > 0)
            })
            .await;
            drop(holder);
        };
        let (answers, ()) = tokio::join!(submitted, release);
        let full = |answer: &&_| matches!(answer, Err::<Taken, _>(GroupError::Full));
        let refused = answers.iter().filter(full).count();
        assert!(refused >= MAX_BATCH, "{refused}");
        let taken = answers.iter().filter(|answer| answer.is_ok()).count();
        assert_eq!(refused + taken, 6 * MAX_BATCH);
        let written = messaging::log::head(app.pool()).await.unwrap();
        assert_eq!(written, i64::try_from(taken).unwrap());
        app.stop().await;
    }
}
