//! Sends what is due by a channel, and states what became of it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use messaging::job::{Job, timer_command};
use runtime::Host;
use schemas::{ConcludeMailV1, ContactAddress, Message, Service};
use sealing::personal;
use serde_json::Value;
use sqlx::PgPool;
use tokio::sync::Mutex;
use tokio::task;
use tokio::time::Instant;
use types::{
    BrandId, Channel, ContactId, MailFailure, MailLanguage, MailTemplateId, Micros, Uuid, ids,
};

use super::keys::Keys;
use super::pause::Pause;
use super::under_way::UnderWay;
use super::{KEYS_AGAIN, STEP, noting, schedule};
use crate::domain::MailTemplate;
use crate::mail::{self, Answer, Draft, Kind, Rendered};
use crate::store::contacts::{self, sealed_bytes};
use crate::store::mail_templates;
use crate::store::mails::{self, Due, Next, Row};

/// Sent at once, of each contact one: each waits for the server as long as an attempt lasts at most.
const AT_ONCE: usize = 8;
/// Commands of one step.
const MAX_CONCLUDED: i64 = 100;
/// So long it may last until what an attempt takes is found, and what came of it noted.
const FOUND_AND_NOTED: Duration = Duration::from_mins(1);
/// So long after it was logged why something is not taken it is logged again.
const LOGGED_AGAIN: Duration = Duration::from_mins(1);
/// What was not sent for so long, in seconds, is given up, though no server was set to try: four days.
const KEPT_SECONDS: i64 = 4 * 24 * 3_600;

/// Counts mails of which a brand's own text could not be made.
pub(crate) const OWN_TEXTS_FAILED: &str = "notify_own_texts_failed_total";

/// A way of sending: by mail, or by text.
pub(crate) trait Outbound: Send + Sync + 'static {
    /// By which way.
    const CHANNEL: Channel;
    /// For logs, and in the ids of its commands.
    const JOB: &'static str;
    /// An address or a number.
    type To: Send + Sync + 'static;

    /// Whose text a sealed address or number of a contact is.
    fn belongs_to(contact: &ContactId) -> String;
    /// What was sealed; `None`: it is none.
    fn read(opened: &str) -> Option<Self::To>;
    /// As people are shown it.
    fn masked(to: &Self::To) -> String;
    /// How long an attempt may last.
    fn timeout(&self) -> Duration;
    /// Sends one, within the time for that. Sent again it has the same id.
    fn send(
        &self,
        id: &str,
        to: &Self::To,
        rendered: &Rendered,
    ) -> impl Future<Output = Answer> + Send;
}

/// Where what is sent goes.
pub(crate) enum Way<O> {
    /// To a server or a provider.
    Server(O),
    /// Into the mailbox of this machine.
    Mailbox,
    /// Nowhere: it waits.
    Nowhere,
}

impl<O: Outbound> Way<O> {
    /// For so long what was taken to be sent is nobody else's: longer than an attempt lasts.
    fn lease(&self) -> Duration {
        match self {
            Self::Server(server) => server.timeout() * 2 + FOUND_AND_NOTED,
            Self::Mailbox | Self::Nowhere => STEP,
        }
    }
}

/// Sends what is due by a channel.
pub(crate) struct Dispatcher<O> {
    sending: Arc<Sending<O>>,
    /// Each holds its contact: one that lasts keeps its contact's others waiting, and nobody else's while fewer last than are sent at once.
    under_way: Mutex<UnderWay<String, Result<(), sqlx::Error>>>,
    /// Where few contacts have all that is due the longest, others are looked for behind this one.
    behind: Mutex<String>,
}

/// What each attempt has of it.
struct Sending<O> {
    keys: Keys,
    way: Arc<Way<O>>,
    /// It was logged why something is not taken: until this is over it is not again.
    logged: Pause,
}

/// What is sent, with all that it takes.
struct Ready<O: Outbound> {
    row: Row,
    to: O::To,
    rendered: Rendered,
}

impl<O: Outbound> Ready<O> {
    /// Puts it into the mailbox, and notes that.
    async fn keep(&self, pool: &PgPool, at: Micros) -> Result<(), sqlx::Error> {
        let Self { row, to, rendered } = self;
        let mut tx = messaging::begin(pool, "BEGIN").await?;
        let masked = O::masked(to);
        let parts = (&*rendered.subject, &*rendered.text, &*rendered.html);
        mails::keep(&mut *tx, (row.id.as_str(), masked.as_str()), parts, at).await?;
        mails::note(&mut *tx, &row.id, row.attempts, (at, Next::Sent, None)).await?;
        tx.commit().await
    }
}

/// What is found before it is sent.
enum Found<O: Outbound> {
    Ready(Box<Ready<O>>),
    /// It is not sent.
    Failed(MailFailure),
    /// The key of its address cannot be had just now.
    KeysAway,
    /// Nothing comes of it just now.
    Later,
}

impl<O: Outbound> Dispatcher<O> {
    pub(crate) fn new(host: Host, way: Arc<Way<O>>) -> Self {
        let sending = Sending {
            keys: Keys::new(host),
            way,
            logged: Pause::default(),
        };
        Self {
            sending: Arc::new(sending),
            under_way: Mutex::default(),
            behind: Mutex::default(),
        }
    }

    /// What is sent next, beside what is under way: of each contact one.
    async fn due(
        &self,
        pool: &PgPool,
        now: Micros,
        under_way: &HashMap<task::Id, String>,
    ) -> Result<Vec<String>, sqlx::Error> {
        let mut busy: HashSet<String> = under_way.values().cloned().collect();
        let mut next = Vec::new();
        if busy.len() >= AT_ONCE {
            return Ok(next);
        }
        let (due, is_more) = mails::due(pool, O::CHANNEL, now).await?;
        choose(due, &mut busy, &mut next);
        if is_more && busy.len() < AT_ONCE {
            // Few contacts have all that: what others have is behind it.
            let mut behind = self.behind.lock().await;
            let (due, last) = mails::due_of_each(pool, O::CHANNEL, now, &behind).await?;
            *behind = last;
            choose(due, &mut busy, &mut next);
        }
        Ok(next)
    }

    /// Sends what is due. Returns whether there may be more.
    async fn step(&self, pool: &PgPool, now: Micros) -> Result<bool, sqlx::Error> {
        let lease = self.sending.way.lease();
        let lasting = i64::try_from(lease.as_micros()).unwrap_or(i64::MAX);
        let until = now.checked_add_micros(lasting).unwrap_or(now);
        let mut under_way = self.under_way.lock().await;
        let end = Instant::now() + lease;
        let due = self.due(pool, now, &under_way.held).await?;
        for row in mails::take(pool, &due, (now, until)).await? {
            let contact = row.contact_id.clone();
            let sending = Arc::clone(&self.sending);
            let attempt = sending.attempt(pool.clone(), row, (now, end));
            under_way.start(contact, attempt);
        }
        if under_way.held.is_empty() {
            return Ok(false);
        }
        let mut failed = None;
        for (_, ended) in under_way.ended().await {
            match ended {
                Ok(Ok(())) => {}
                Ok(Err(error)) => failed = Some(error),
                Err(error) => {
                    tracing::error!(channel = O::CHANNEL.name(), %error, "an attempt broke off");
                }
            }
        }
        failed.map_or(Ok(true), Err)
    }
}

impl<O: Outbound> Sending<O> {
    /// Sends one, and notes what came of it before its lease ends. Killed between the two, it is sent again.
    async fn attempt(
        self: Arc<Self>,
        pool: PgPool,
        row: Row,
        (now, end): (Micros, Instant),
    ) -> Result<(), sqlx::Error> {
        let (mail, before) = (row.id.clone(), row.attempts);
        let began = Instant::now();
        let ended = || {
            let took = i64::try_from(began.elapsed().as_micros()).unwrap_or(i64::MAX);
            now.checked_add_micros(took).unwrap_or(now)
        };
        let (next, code) = match self.find(&pool, row).await? {
            Found::KeysAway => {
                let again = ended().checked_add_micros(KEYS_AGAIN).unwrap_or(now);
                return mails::put_off(&pool, &mail, before, again).await;
            }
            Found::Failed(failure) => (Next::Failed(failure), None),
            Found::Later => (later(before, ended(), None), None),
            Found::Ready(ready) => match &*self.way {
                Way::Nowhere => return Ok(()),
                Way::Mailbox => return ready.keep(&pool, ended()).await,
                Way::Server(server) => match server.send(&mail, &ready.to, &ready.rendered).await {
                    Answer::Taken => (Next::Sent, None),
                    Answer::Later { why, code } => {
                        self.log(why, code);
                        (later(before, ended(), code), code)
                    }
                    Answer::Refused(code) => (Next::Failed(MailFailure::Refused), Some(code)),
                },
            },
        };
        let became = (ended(), next, code);
        noting::note(&mail, end, || mails::note(&pool, &mail, before, became)).await;
        Ok(())
    }

    /// Logs why something is not taken, which is mostly why the next is not either: once in a while.
    fn log(&self, why: &str, code: Option<i32>) {
        let now = Instant::now();
        if !self.logged.goes_on(now) {
            self.logged.begin(now, LOGGED_AGAIN);
            tracing::warn!(
                channel = O::CHANNEL.name(),
                why,
                code,
                "what is sent is not taken now: it is tried again"
            );
        }
    }

    /// The address that it is to, opened, and what it says in its language.
    async fn find(&self, pool: &PgPool, mut row: Row) -> Result<Found<O>, sqlx::Error> {
        let contact = contacts::load(pool, std::slice::from_ref(&row.contact_id));
        let Some(contact) = contact.await?.pop() else {
            return Ok(Found::Failed(MailFailure::NoAddress));
        };
        // Where its owner has given the same one again since the lasting secret changed, it is sealed otherwise by now.
        if let Some(now) = contacts::sealed_anew(&contact, O::CHANNEL, row.address_id) {
            row.address_id = now;
        }
        let address = contact.address(O::CHANNEL, row.address_id);
        let Some(address) = address.filter(|it| is_wanted(&row, it)) else {
            return Ok(Found::Failed(MailFailure::NoAddress));
        };
        let id = &contact.id;
        let sealed = sealed_bytes(address);
        let found = self.keys.find([Some(&sealed)]).await?;
        let Some(opened) = found.keys.open(&O::belongs_to(id), &sealed) else {
            let missing = personal::key_of(&sealed).filter(|key| !found.keys.has(*key));
            match missing {
                Some(_) if found.is_partial => return Ok(Found::KeysAway),
                // Whoever was erased has no address any more.
                Some(key) => {
                    tracing::warn!(mail = row.id, contact = %id, %key, "the key of its address is nowhere, as after a restore: it is tried again");
                }
                None => {
                    tracing::error!(mail = row.id, contact = %id, "its address cannot be opened, as where it was sealed under a lasting secret that is not accepted here: it is tried again");
                }
            }
            return Ok(Found::Later);
        };
        let own = own(pool, &row, O::CHANNEL, address.language).await?;
        Ok(ready(row, &opened, (id, address.language), own.as_ref()))
    }
}

/// Has of these the first of each contact that is not busy sent next, while there is room.
fn choose(due: Vec<Due>, busy: &mut HashSet<String>, next: &mut Vec<String>) {
    for it in due {
        if busy.len() < AT_ONCE && busy.insert(it.contact_id) {
            next.push(it.id);
        }
    }
}

/// Whether it is still sent what it was made for: mails about that may have been ended meanwhile.
fn is_wanted(row: &Row, address: &ContactAddress) -> bool {
    mail::kind_of(&row.kind).is_none_or(|kind| address.groups.contains(&kind.group))
}

/// What the brand whose programme a mail is about has of its own in this language.
async fn own(
    pool: &PgPool,
    row: &Row,
    channel: Channel,
    language: MailLanguage,
) -> Result<Option<MailTemplate>, sqlx::Error> {
    let brand = row.programme_brand_id.as_deref();
    let brand = brand.and_then(|id| BrandId::parse(id).ok());
    let Some(brand) = brand.filter(|_| channel == Channel::Mail) else {
        return Ok(None);
    };
    let id = MailTemplateId::of(&brand, &row.kind, language).into_string();
    let found = mail_templates::load(pool, &[id]).await?.pop();
    Ok(found.filter(|it| it.now.sealed_text.is_some()))
}

/// What a mail says: by the brand's own text, or by ours where there is none, or where no mail comes of it.
fn rendered<O: Outbound>(
    row: &Row,
    kind: &Kind,
    language: MailLanguage,
    (own, data): (Option<&MailTemplate>, &Value),
) -> Result<Rendered, minijinja::Error> {
    let programme = row.programme_brand_id.as_deref();
    let parties = programme.zip(row.partner_id.as_deref());
    if let Some((own, parties)) = own.zip(parties) {
        let why = match Draft::open(own).map(|own| own.render(kind, language, parties, data)) {
            Some(Ok(rendered)) => return Ok(rendered),
            Some(Err(error)) => error.to_string(),
            None => "it cannot be opened".to_owned(),
        };
        metrics::counter!(OWN_TEXTS_FAILED).increment(1);
        tracing::error!(mail = row.id, kind = row.kind, brand = programme, %why, "no mail comes of a brand's own text: ours is sent");
    }
    mail::render(kind, O::CHANNEL, language, data)
}

/// What is sealed was an address when it was asked for, and what is kept was rendered by a test: neither fails.
fn ready<O: Outbound>(
    row: Row,
    opened: &str,
    (contact, language): (&ContactId, MailLanguage),
    own: Option<&MailTemplate>,
) -> Found<O> {
    let data = serde_json::from_str(&row.data);
    let rendered = mail::kind_of(&row.kind)
        .zip(data.ok())
        .map(|(kind, mut data)| {
            mail::open_manager(&mut data);
            mail::add_link(&mut data, kind, language, (contact, row.address_id));
            rendered::<O>(&row, kind, language, (own, &data))
        });
    let rendered = match rendered {
        Some(Ok(rendered)) => rendered,
        Some(Err(error)) => {
            tracing::error!(mail = row.id, kind = row.kind, %error, "it cannot be made of its template");
            return Found::Later;
        }
        None => return Found::Later,
    };
    let Some(to) = O::read(opened) else {
        return Found::Failed(MailFailure::NoAddress);
    };
    Found::Ready(Box::new(Ready { row, to, rendered }))
}

/// Tried again, or given up for what was said at last: codes of SMTP for now are below 500, and a provider of texts gives none for now.
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

impl<O: Outbound> Job for Dispatcher<O> {
    const NAME: &'static str = O::JOB;

    async fn due(
        &self,
        pool: &PgPool,
        now: Micros,
        passed: i64,
    ) -> Result<Vec<Message>, sqlx::Error> {
        let began = Instant::now();
        let is_set = !matches!(*self.sending.way, Way::Nowhere);
        while is_set && began.elapsed() < STEP {
            let since = i64::try_from(began.elapsed().as_micros()).unwrap_or_default();
            let now = now.checked_add_micros(since).unwrap_or(now);
            if !self.step(pool, now).await? {
                break;
            }
        }
        let before = Micros(now.get().saturating_sub(KEPT_SECONDS * 1_000_000));
        mails::give_up(pool, O::CHANNEL, before, now).await?;
        let ended = mails::to_conclude(pool, O::CHANNEL, passed, MAX_CONCLUDED).await?;
        let conclude = |row| conclude::<O>(row, now);
        Ok(ended.into_iter().map(conclude).collect())
    }
}

/// What became of it, with the correlation of what it is about. One command for each end.
fn conclude<O: Outbound>(row: Row, now: Micros) -> Message {
    let ended = Micros(row.ended_at.unwrap_or_default());
    let id = ids::timer_command_id(&row.id, O::JOB, ended);
    let conclude = ConcludeMailV1 {
        brand_id: row.brand_id,
        partner_id: row.partner_id,
        kind: row.kind,
        event_id: row.event_id.to_string(),
        failure: row.failure,
        smtp_status: row.smtp_status,
        channel: Some(O::CHANNEL.name().to_owned()),
    };
    let kind = "notify.conclude_mail.command.v1";
    let mut command = timer_command(Service::Notify, kind, id, row.id, now, conclude);
    command.header.correlation_id = row.correlation_id;
    command.header.causation_id = Some(row.event_id);
    command
}
