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

/// Commands of one transaction at most.
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

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    /// It is in the log: now, or since an earlier request with the same key and body.
    Accepted {
        /// Of the request that was taken first.
        correlation_id: Uuid,
    },
    /// Its key was used for another request.
    KeyReused,
}

/// The way into the log.
pub(crate) type Gateway = Group<Request, Taken>;

/// Starts the gateway.
pub(crate) fn start(host: &Host) -> Gateway {
    let log = Log(host.clone());
    Group::start(host.tasks(), "gateway", MAX_BATCH, PACE, log)
}

struct Log(Host);

impl GroupWrite for Log {
    type In = Request;
    type Out = Taken;

    /// Tries again while the database is away. After a connection broke in its commit, the next try finds what stands
    /// by the commands' ids, so nothing is taken twice.
    async fn write(&self, requests: Vec<Request>) -> Result<Vec<Taken>, sqlx::Error> {
        let end = Instant::now() + PATIENCE;
        let mut backoff = Duration::from_millis(20);
        let mut again = false;
        loop {
            match self.append(&requests, again).await {
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
    async fn append(&self, requests: &[Request], again: bool) -> Result<Vec<Taken>, sqlx::Error> {
        let (pool, writer) = (self.0.pool(), self.0.writer());
        let mut tx = WriteTx::begin(pool, writer, Lookups::default()).await?;
        // A command without a key has a new id: it can be known only from a try that broke.
        let repeatable = requests
            .iter()
            .filter(|request| again || request.idempotency.is_some());
        let ids: Vec<Uuid> = repeatable.map(|request| request.id).collect();
        let mut known = if ids.is_empty() {
            HashMap::new()
        } else {
            commands::known(&mut tx, &ids).await?
        };
        let mut new = Vec::with_capacity(requests.len());
        let mut taken = Vec::with_capacity(requests.len());
        for request in requests {
            let hash = request.idempotency.as_ref().map(|(_, hash)| hash);
            if let Some(earlier) = known.get(&request.id) {
                taken.push(earlier.answer(hash));
                continue;
            }
            let correlation_id = request.correlation_id;
            known.insert(
                request.id,
                Known {
                    correlation_id,
                    hash: hash.map(|hash| hash.current().to_vec()),
                },
            );
            new.push(take(&mut tx, request).map_err(|error| unwritable(&error))?);
            taken.push(Taken::Accepted { correlation_id });
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
    fn answer(&self, hash: Option<&RequestHash>) -> Taken {
        let same = match (self.hash.as_deref(), hash) {
            (Some(stored), Some(hash)) => hash.is(stored),
            (stored, hash) => stored.is_none() && hash.is_none(),
        };
        if same {
            let correlation_id = self.correlation_id;
            Taken::Accepted { correlation_id }
        } else {
            Taken::KeyReused
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
            brand: request.actor.brand_id.as_deref(),
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
        let submitted = join_all((0..6 * MAX_BATCH).map(|number| gateway.submit(request(number))));
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
