//! Sends mails that are due, and states what became of them.

use std::sync::Arc;
use std::time::Duration;

use lettre::message::Mailbox;
use messaging::job::{Job, timer_command};
use runtime::Host;
use schemas::{ConcludeMailV1, Message, Service};
use sealing::texts;
use sqlx::PgPool;
use tokio::task::JoinSet;
use tokio::time::Instant;
use types::{MailAddress, MailFailure, MailLanguage, Micros, Uuid, ids};

use super::schedule;
use crate::mail::{self, Answer, Outgoing, Rendered, Server};
use crate::store::contacts::{self, sealed_bytes};
use crate::store::mails::{self, Next, Row};

/// Sent at once: each waits for the server as long as an attempt lasts at most.
const AT_ONCE: i64 = 4;
/// Commands of one step.
const MAX_CONCLUDED: i64 = 100;
/// So long a step goes on sending before the job looks about.
const STEP: Duration = Duration::from_secs(1);
/// What was not sent for so long, in seconds, is given up, though no server was set to try: four days.
const KEPT_SECONDS: i64 = 4 * 24 * 3_600;

/// Where mails go.
#[derive(Debug, Clone)]
pub(crate) enum Post {
    /// To a server, from this sender.
    Server(Server, Mailbox),
    /// Into the mailbox of this machine.
    Mailbox,
    /// Nowhere: they wait.
    Nowhere,
}

impl Post {
    /// For so long, in microseconds, a mail is nobody else's once it was taken to be sent: longer than an attempt lasts.
    fn lease(&self) -> i64 {
        let longest = match self {
            Self::Server(server, _) => server.timeout() * 2,
            Self::Mailbox | Self::Nowhere => STEP,
        };
        i64::try_from(longest.as_micros()).unwrap_or(i64::MAX)
    }
}

/// Sends mails.
pub(crate) struct Mails {
    host: Host,
    post: Arc<Post>,
}

/// A mail with all that sending it takes.
struct Ready {
    row: Row,
    address: MailAddress,
    rendered: Rendered,
}

/// What is found of a mail before it is sent.
enum Found {
    Ready(Box<Ready>),
    /// It is not sent.
    Failed(MailFailure),
    /// Its address cannot be read just now.
    Later,
}

impl Mails {
    pub(crate) fn new(host: Host, post: Arc<Post>) -> Self {
        Self { host, post }
    }

    /// Sends what is due. Returns whether there may be more.
    async fn step(&self, pool: &PgPool, now: Micros) -> Result<bool, sqlx::Error> {
        let until = now.checked_add_micros(self.post.lease()).unwrap_or(now);
        let due = mails::take_due(pool, now, until, AT_ONCE).await?;
        let is_more = i64::try_from(due.len()).is_ok_and(|it| it == AT_ONCE);
        let mut attempts = JoinSet::new();
        let mut found = Vec::new();
        for row in due {
            let (mail, before) = (row.id.clone(), row.attempts);
            found.push((mail, before, self.find(pool, row).await?));
        }
        for (mail, before, found) in found {
            let next = match found {
                Found::Ready(ready) => {
                    attempts.spawn(attempt(Arc::clone(&self.post), pool.clone(), ready, now));
                    continue;
                }
                Found::Failed(failure) => Next::Failed(failure),
                Found::Later => later(before, now, None),
            };
            let pool = pool.clone();
            attempts
                .spawn(async move { mails::note(&pool, &mail, before, (now, next, None)).await });
        }
        // Each ends, whatever became of the others.
        while let Some(ended) = attempts.join_next().await {
            match ended {
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    tracing::warn!(%error, "what came of a mail cannot be noted: it is sent again");
                }
                Err(error) => tracing::error!(%error, "an attempt to send a mail broke off"),
            }
        }
        Ok(is_more)
    }

    /// The address that a mail is to, opened, and the mail in its language.
    async fn find(&self, pool: &PgPool, row: Row) -> Result<Found, sqlx::Error> {
        let contact = contacts::load(pool, std::slice::from_ref(&row.contact_id));
        let contact = contact.await?.pop();
        let address = contact.as_ref().and_then(|it| it.address(row.address_id));
        let (Some(address), Some(id)) = (address, contact.as_ref().map(|it| &it.id)) else {
            return Ok(Found::Failed(MailFailure::NoAddress));
        };
        let sealed = sealed_bytes(address);
        let found = self.host.find_personal_keys([Some(&*sealed)]).await?;
        let Some(opened) = found.keys.open(&texts::of_mail_addresses(id), &sealed) else {
            let is_gone = !found.is_partial;
            return Ok(if is_gone {
                Found::Failed(MailFailure::NoAddress)
            } else {
                Found::Later
            });
        };
        Ok(ready(row, &opened, address.language))
    }
}

/// What is sealed was an address when it was asked for, and what is kept was rendered by a test: neither fails.
fn ready(row: Row, address: &str, language: MailLanguage) -> Found {
    let data = serde_json::from_str(&row.data);
    let rendered = mail::kind_of(&row.kind)
        .zip(data.ok())
        .map(|(kind, mut data)| {
            mail::open_manager(&mut data);
            mail::render(kind, language, &data)
        });
    let rendered = match rendered {
        Some(Ok(rendered)) => rendered,
        Some(Err(error)) => {
            tracing::error!(mail = row.id, kind = row.kind, %error, "a mail cannot be made of its template");
            return Found::Later;
        }
        None => return Found::Later,
    };
    let Ok(address) = MailAddress::parse(address) else {
        return Found::Failed(MailFailure::NoAddress);
    };
    Found::Ready(Box::new(Ready {
        row,
        address,
        rendered,
    }))
}

/// Sends one, and notes what came of it. Killed between the two, it is sent again: with the same `Message-ID`.
async fn attempt(
    post: Arc<Post>,
    pool: PgPool,
    ready: Box<Ready>,
    now: Micros,
) -> Result<(), sqlx::Error> {
    let Ready {
        row,
        address,
        rendered,
    } = *ready;
    let began = Instant::now();
    let answer = match &*post {
        Post::Nowhere => return Ok(()),
        Post::Mailbox => {
            let mut tx = messaging::begin(&pool, "BEGIN").await?;
            let to = (row.id.as_str(), address.masked());
            let parts = (&*rendered.subject, &*rendered.text, &*rendered.html);
            mails::keep(&mut *tx, (to.0, &to.1), parts, now).await?;
            mails::note(&mut *tx, &row.id, row.attempts, (now, Next::Sent, None)).await?;
            return tx.commit().await;
        }
        Post::Server(server, from) => {
            let outgoing = Outgoing {
                id: &row.id,
                from,
                to: &address,
                rendered: &rendered,
            };
            match mail::message(&outgoing) {
                Ok(message) => server.send(&message).await,
                Err(error) => {
                    tracing::error!(mail = row.id, error, "a mail cannot be written");
                    Answer::Later(None)
                }
            }
        }
    };
    let took = i64::try_from(began.elapsed().as_micros()).unwrap_or(i64::MAX);
    let ended = now.checked_add_micros(took).unwrap_or(now);
    let (next, code) = match answer {
        Answer::Taken => (Next::Sent, None),
        Answer::Later(code) => (later(row.attempts, ended, code), code),
        Answer::Refused(code) => (Next::Failed(MailFailure::Refused), Some(code)),
    };
    mails::note(&pool, &row.id, row.attempts, (ended, next, code)).await
}

/// Tried again, or given up for what was said at last.
fn later(before: i32, now: Micros, code: Option<i32>) -> Next {
    let jitter = Uuid::new_v4().as_bytes()[0];
    let at = schedule::again(before, 0, now, jitter);
    let refused = code.is_some_and(|code| code >= 500);
    at.map_or(
        Next::Failed(if refused {
            MailFailure::Refused
        } else {
            MailFailure::Unreachable
        }),
        Next::At,
    )
}

impl Job for Mails {
    const NAME: &'static str = "mails";

    async fn due(
        &self,
        pool: &PgPool,
        now: Micros,
        passed: i64,
    ) -> Result<Vec<Message>, sqlx::Error> {
        let began = Instant::now();
        let is_set = !matches!(*self.post, Post::Nowhere);
        while is_set && began.elapsed() < STEP {
            let since = i64::try_from(began.elapsed().as_micros()).unwrap_or_default();
            let now = now.checked_add_micros(since).unwrap_or(now);
            if !self.step(pool, now).await? {
                break;
            }
        }
        let before = Micros(now.get().saturating_sub(KEPT_SECONDS * 1_000_000));
        mails::give_up(pool, before, now).await?;
        let ended = mails::to_conclude(pool, passed, MAX_CONCLUDED).await?;
        Ok(ended.into_iter().map(|row| conclude(row, now)).collect())
    }
}

/// What became of it, with the correlation of what it is about. One command for each end.
fn conclude(row: Row, now: Micros) -> Message {
    let ended = Micros(row.ended_at.unwrap_or_default());
    let id = ids::timer_command_id(&row.id, Mails::NAME, ended);
    let conclude = ConcludeMailV1 {
        brand_id: row.brand_id,
        partner_id: row.partner_id,
        kind: row.kind,
        event_id: row.event_id.to_string(),
        failure: row.failure,
        smtp_status: row.smtp_status,
    };
    let kind = "notify.conclude_mail.command.v1";
    let mut command = timer_command(Service::Notify, kind, id, row.id, now, conclude);
    command.header.correlation_id = row.correlation_id;
    command.header.causation_id = Some(row.event_id);
    command
}
