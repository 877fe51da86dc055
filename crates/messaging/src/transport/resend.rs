//! `POST /internal/v1/resends`: a follower asks the source of a stream to send again what it misses.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use schemas::{Service, Topic};
use sqlx::PgPool;
use tokio::sync::Semaphore;

use crate::resend::{self, Outcome, Wanted};
use crate::stream::{StreamId, Watermark};
use crate::transport::Peers;
use crate::transport::internal::{InternalKey, TOKEN_NEEDED};
use crate::tx::Writer;

const REQUEST_TIMEOUT: Duration = Duration::from_secs(12);
/// Of an answer's text, in characters.
const MAX_TEXT_LENGTH: usize = 200;

#[derive(Clone)]
struct Source {
    pool: PgPool,
    writer: Writer,
    key: InternalKey,
    /// What it publishes to the broker.
    topics: Arc<[Topic]>,
    /// One at a time: whoever asks in a loop waits for nobody and keeps nobody waiting.
    free: Arc<Semaphore>,
}

/// The source's route.
pub fn router(pool: PgPool, writer: Writer, key: InternalKey, topics: Vec<Topic>) -> Router {
    let source = Source {
        pool,
        writer,
        key,
        topics: topics.into(),
        free: Arc::new(Semaphore::new(1)),
    };
    Router::new()
        .route("/internal/v1/resends", post(send_again))
        .with_state(source)
}

async fn send_again(
    State(at): State<Source>,
    headers: HeaderMap,
    Query(wanted): Query<Wanted>,
) -> Response {
    let sent = at.key.verify(&headers, at.writer.service);
    let Some(follower) = sent.map(|sent| sent.by) else {
        return (StatusCode::UNAUTHORIZED, TOKEN_NEEDED).into_response();
    };
    let partitions = i32::try_from(at.writer.partitions).unwrap_or(i32::MAX);
    let topic = Topic::parse(&wanted.topic).filter(|topic| topic.followers().contains(&follower));
    let Some(topic) = topic.filter(|_| (0..partitions).contains(&wanted.partition)) else {
        let why = "this service does not follow that stream";
        return (StatusCode::FORBIDDEN, why).into_response();
    };
    if wanted.sequence < 0 {
        let why = "a sequence is not negative";
        return (StatusCode::BAD_REQUEST, why).into_response();
    }
    if !at.topics.contains(&topic) {
        let why = "does not publish that topic to the broker";
        return (StatusCode::CONFLICT, why).into_response();
    }
    let Ok(_one) = at.free.try_acquire() else {
        return StatusCode::TOO_MANY_REQUESTS.into_response();
    };
    match resend::again(&at.pool, &at.writer, follower, topic, &wanted).await {
        Ok(Outcome::SentAgain) => StatusCode::NO_CONTENT.into_response(),
        Ok(Outcome::TooOften) => StatusCode::TOO_MANY_REQUESTS.into_response(),
        Ok(Outcome::Refused(why)) => (StatusCode::CONFLICT, why).into_response(),
        Err(error) => {
            tracing::warn!(%error, "the database does not answer to a follower that misses a message");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}

/// What a source answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResendAnswer {
    /// Its relay begins again there.
    SentAgain,
    /// Not unless an operator orders it to: why.
    Refused(String),
    /// Not now: why.
    Later(String),
}

impl Peers {
    /// Asks the source of a stream to send again from where this service stands.
    pub async fn ask_to_resend(&self, stream: &StreamId, at: Watermark) -> ResendAnswer {
        let Some(source) = Service::parse(&stream.source) else {
            return ResendAnswer::Refused("is no service".to_owned());
        };
        let wanted = Wanted {
            topic: stream.topic.name().to_owned(),
            partition: stream.partition,
            epoch: stream.epoch,
            sequence: at.sequence,
            time: at.time,
        };
        match self.post(source, &wanted).await {
            Ok((status, _)) if status.is_success() => ResendAnswer::SentAgain,
            Ok((StatusCode::CONFLICT, text)) => ResendAnswer::Refused(text),
            Ok((StatusCode::TOO_MANY_REQUESTS, _)) => {
                ResendAnswer::Later("has sent it again a moment ago, or often".to_owned())
            }
            Ok((status, _)) => ResendAnswer::Later(format!(
                "answers {status} when it is asked to send it again"
            )),
            Err(error) => ResendAnswer::Later(format!("cannot be asked to send it again: {error}")),
        }
    }

    async fn post(&self, source: Service, wanted: &Wanted) -> Result<(StatusCode, String), String> {
        let url = format!("{}/internal/v1/resends", self.url_of(source));
        let token = self.key.sign(self.me, source, None);
        let token = token.map_err(|error| error.to_string())?;
        let request = self.client.post(url).query(wanted).bearer_auth(token);
        let sent = request.timeout(REQUEST_TIMEOUT).send().await;
        let answer = sent.map_err(|error| error.without_url().to_string())?;
        let status = answer.status();
        let text = answer.text().await.unwrap_or_default();
        Ok((status, text.chars().take(MAX_TEXT_LENGTH).collect()))
    }
}
