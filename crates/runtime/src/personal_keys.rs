//! Keys of people, in a table that the bff, campaign and notify each have: what one of them seals for a partner is sealed under its own
//! key of that partner. Campaign and notify read what the bff sealed, too, and the bff and notify what campaign did. Whoever deletes a partner's row
//! at all of them has erased what was sealed, wherever it lies.

use std::collections::BTreeSet;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use chassis::auth::Caller;
use chassis::json::Json;
use chassis::problem::{Problem, code};
use messaging::transport::http::InternalKey;
use operations::OrUnread;
use schemas::Service;
use sealing::personal::{self, PersonalKey, PersonalKeys};
use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, PgPool};
use tokio::time::Instant;
use types::PartnerId;
use uuid::Uuid;

use crate::host::Host;

const PATH: &str = "/internal/v1/personal-keys";
/// How long a list waits for the keys of another service.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long a write waits for a database that is away, as commands do, and how long between two tries.
const OUTAGE: Duration = Duration::from_secs(3);
const PAUSE: Duration = Duration::from_millis(50);
/// Keys of one question at most: a list shows fewer rows, with two texts each.
const MAX_KEYS: usize = 2_048;
const MAX_QUESTION_BYTES: usize = 128 * 1024;

/// Which keys.
#[derive(Debug, Serialize, Deserialize)]
struct Question {
    ids: Vec<Uuid>,
}

/// A key, sealed under the lasting secret.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    id: Uuid,
    kept: Vec<u8>,
}

/// Who else has keys that are needed here, each for what those before it have not.
fn others(me: Service) -> &'static [Service] {
    match me {
        Service::Bff => &[Service::Campaign],
        Service::Campaign => &[Service::Bff],
        Service::Notify => &[Service::Bff, Service::Campaign],
        _ => &[],
    }
}

/// Keys that were asked for.
#[derive(Debug, Default)]
pub struct FoundKeys {
    /// As far as there are.
    pub keys: PersonalKeys,
    /// Another service did not answer: what has none here may have one there.
    pub is_partial: bool,
}

impl Host {
    /// The key under which this partner's texts are sealed here, made where there is none. Where nothing is sealed (`is_needed`), and for
    /// a caller who may not speak for the partner and is refused later, one that is forgotten at once.
    ///
    /// # Errors
    ///
    /// A problem when the database does not answer, or the key is kept under a lasting secret that is not accepted here.
    pub async fn personal_key(
        &self,
        caller: &Caller,
        partner: &PartnerId,
        is_needed: bool,
    ) -> Result<PersonalKey, Problem> {
        let random = || PersonalKey::random().map_err(|error| Problem::internal(&error));
        let may_speak = caller.require_owner(Some(partner), None).is_ok();
        if !is_needed || !may_speak {
            return random();
        }
        let new = random()?;
        let end = Instant::now() + OUTAGE;
        loop {
            match found_or_made(self.pool(), partner, &new).await {
                Ok(key) => return Ok(key),
                Err(NoKey::NotAccepted) => return Err(not_accepted()),
                Err(NoKey::Unread(error)) if Instant::now() >= end => {
                    return Err(crate::unread(&error));
                }
                Err(NoKey::Unread(_)) => tokio::time::sleep(PAUSE).await,
            }
        }
    }

    /// The keys of these texts, of all services, as far as there are. With another service away, its texts are not read.
    ///
    /// # Errors
    ///
    /// A problem when the database does not answer.
    pub async fn personal_keys<'a>(
        &self,
        sealed: impl IntoIterator<Item = Option<&'a [u8]>>,
    ) -> Result<PersonalKeys, Problem> {
        let found = self.find_personal_keys(sealed).await;
        Ok(found.or_unread()?.keys)
    }

    /// The same for who must know whether a key is gone, or cannot be had just now.
    ///
    /// # Errors
    ///
    /// The database's.
    pub async fn find_personal_keys<'a>(
        &self,
        sealed: impl IntoIterator<Item = Option<&'a [u8]>>,
    ) -> Result<FoundKeys, sqlx::Error> {
        let (mut keys, ids) = self.own_keys(sealed).await?;
        let mut missing = Question { ids };
        let mut is_partial = false;
        for other in others(self.service()) {
            if missing.ids.is_empty() {
                break;
            }
            let answer = self.peers().ask(*other, PATH, &missing, PATIENCE).await;
            match answer {
                Ok(more) => keys.extend(read(more)),
                Err(error) => {
                    is_partial = true;
                    tracing::warn!(%error, service = other.name(), "texts of partners are not shown: their keys cannot be had");
                }
            }
            missing.ids.retain(|id| !keys.has(*id));
        }
        is_partial &= !missing.ids.is_empty();
        Ok(FoundKeys { keys, is_partial })
    }

    /// The same without a question to another service, for who knows that one does not answer.
    ///
    /// # Errors
    ///
    /// The database's.
    pub async fn find_own_personal_keys<'a>(
        &self,
        sealed: impl IntoIterator<Item = Option<&'a [u8]>>,
    ) -> Result<FoundKeys, sqlx::Error> {
        let (keys, missing) = self.own_keys(sealed).await?;
        let is_partial = !missing.is_empty();
        Ok(FoundKeys { keys, is_partial })
    }

    /// The keys of these texts that are here, and which are not, each once.
    async fn own_keys<'a>(
        &self,
        sealed: impl IntoIterator<Item = Option<&'a [u8]>>,
    ) -> Result<(PersonalKeys, Vec<Uuid>), sqlx::Error> {
        let ids = sealed.into_iter().flatten().filter_map(personal::key_of);
        let ids: BTreeSet<Uuid> = ids.collect();
        let mut ids: Vec<Uuid> = ids.into_iter().collect();
        if ids.is_empty() {
            return Ok(Default::default());
        }
        let keys: PersonalKeys = read(kept(self.pool(), &ids).await?).collect();
        ids.retain(|id| !keys.has(*id));
        Ok((keys, ids))
    }
}

fn read(kept: Vec<Kept>) -> impl Iterator<Item = PersonalKey> {
    kept.into_iter()
        .filter_map(|row| PersonalKey::of_kept(row.id, &row.kept))
}

/// Why a partner's key cannot be had.
enum NoKey {
    /// It may be this process that lacks a lasting secret: all that the partner's key sealed would be lost with it.
    NotAccepted,
    Unread(sqlx::Error),
}

impl From<sqlx::Error> for NoKey {
    fn from(error: sqlx::Error) -> Self {
        Self::Unread(error)
    }
}

/// Trying again here at once mends nothing; another process may accept it.
fn not_accepted() -> Problem {
    tracing::error!("a partner's key is kept under a lasting secret that is not accepted here");
    Problem::unavailable(
        code::DATABASE_UNAVAILABLE,
        "the key of this partner's texts cannot be read here; try again later",
        5,
    )
}

async fn found_or_made(
    pool: &PgPool,
    partner: &PartnerId,
    new: &PersonalKey,
) -> Result<PersonalKey, NoKey> {
    if let Some(key) = of_partner(pool, partner).await? {
        return Ok(key);
    }
    insert(pool, partner, new).await?;
    // Whoever was quicker has made it; erased in between, nothing that is sealed now is to be read.
    let key = of_partner(pool, partner).await?;
    Ok(key.unwrap_or_else(|| new.clone()))
}

async fn of_partner(pool: &PgPool, partner: &PartnerId) -> Result<Option<PersonalKey>, NoKey> {
    let row: Option<(Uuid, Vec<u8>)> =
        sqlx::query_as("SELECT id, kept FROM personal_keys WHERE partner_id = $1")
            .bind(partner.as_str())
            .fetch_optional(pool)
            .await?;
    let Some((id, kept)) = row else {
        return Ok(None);
    };
    let key = PersonalKey::of_kept(id, &kept).ok_or(NoKey::NotAccepted)?;
    Ok(Some(key))
}

/// Keeps every partner's key under the current lasting secret, so that an earlier one can be accepted no more and nothing is lost by
/// that. The cipher is deterministic: one that is kept so already is as it would be kept now.
///
/// # Errors
///
/// The database's.
pub(crate) async fn keep_under_current(pool: &PgPool) -> Result<(), sqlx::Error> {
    const AT_ONCE: i64 = 1_000;
    let (mut last, mut unreadable) = (Uuid::nil(), 0_u64);
    loop {
        let rows: Vec<(Uuid, Vec<u8>)> =
            sqlx::query_as("SELECT id, kept FROM personal_keys WHERE id > $1 ORDER BY id LIMIT $2")
                .bind(last)
                .bind(AT_ONCE)
                .fetch_all(pool)
                .await?;
        let Some((id, _)) = rows.last() else {
            break;
        };
        last = *id;
        let (mut ids, mut anew) = (Vec::new(), Vec::new());
        for (id, kept) in rows {
            match PersonalKey::of_kept(id, &kept).map(|key| key.kept()) {
                None => unreadable += 1,
                Some(now) if now == kept => {}
                Some(now) => {
                    ids.push(id);
                    anew.push(now);
                }
            }
        }
        if ids.is_empty() {
            continue;
        }
        sqlx::query(
            "UPDATE personal_keys k SET kept = n.kept FROM UNNEST($1::uuid[], $2::bytea[]) AS n(id, kept) WHERE k.id = n.id",
        )
        .bind(ids)
        .bind(anew)
        .execute(pool)
        .await?;
    }
    if unreadable > 0 {
        tracing::error!(
            unreadable,
            "keys of partners are kept under a lasting secret that is not accepted here: nothing of these partners can be read or changed"
        );
    }
    Ok(())
}

async fn insert(pool: &PgPool, partner: &PartnerId, key: &PersonalKey) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO personal_keys (id, partner_id, kept) VALUES ($1, $2, $3)
             ON CONFLICT (partner_id) DO NOTHING",
    )
    .bind(key.id())
    .bind(partner.as_str())
    .bind(key.kept())
    .execute(pool)
    .await?;
    Ok(())
}

async fn kept(pool: &PgPool, ids: &[Uuid]) -> Result<Vec<Kept>, sqlx::Error> {
    let rows: Vec<(Uuid, Vec<u8>)> =
        sqlx::query_as("SELECT id, kept FROM personal_keys WHERE id = ANY($1)")
            .bind(ids)
            .fetch_all(pool)
            .await?;
    Ok(rows
        .into_iter()
        .map(|(id, kept)| Kept { id, kept })
        .collect())
}

/// Deletes the keys of partners, and with them all that was sealed for them here.
///
/// # Errors
///
/// The database's.
pub async fn erase_personal_keys(
    connection: &mut PgConnection,
    partners: &[&str],
) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM personal_keys WHERE partner_id = ANY($1)")
        .bind(partners)
        .execute(connection)
        .await?;
    Ok(())
}

#[derive(Clone)]
struct Table {
    pool: PgPool,
    key: InternalKey,
    me: Service,
}

/// The route by which other services ask.
pub(crate) fn router(pool: PgPool, key: InternalKey, me: Service) -> Router {
    Router::new()
        .route(PATH, post(answer))
        .layer(DefaultBodyLimit::max(MAX_QUESTION_BYTES))
        .with_state(Table { pool, key, me })
}

async fn answer(State(table): State<Table>, headers: HeaderMap, body: Bytes) -> Response {
    let asker = table.key.asker(&headers, table.me, &body);
    if !asker.is_some_and(|asker| others(asker).contains(&table.me)) {
        let why = "a token of the service that reads them is needed";
        return (StatusCode::UNAUTHORIZED, why).into_response();
    }
    let question: Question = match serde_json::from_slice(&body) {
        Ok(question) => question,
        Err(error) => return (StatusCode::BAD_REQUEST, error.to_string()).into_response(),
    };
    if question.ids.len() > MAX_KEYS {
        return (StatusCode::BAD_REQUEST, "asks for too many keys").into_response();
    }
    match kept(&table.pool, &question.ids).await {
        Ok(kept) => Json(kept).into_response(),
        Err(error) => {
            tracing::warn!(%error, "the database does not answer to who asks for personal keys");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}
