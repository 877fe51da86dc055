//! `mails` and `mailbox`: what addresses and numbers are sent, by mail and by text, and what became of it.

use std::collections::HashMap;

use api::{MailFilter, MailboxFilter};
use chassis::page::PageQuery;
use runtime::lists;
use schemas::Message;
use sqlx::{FromRow, PgConnection, PgExecutor, PgPool};
use types::{BrandId, Channel, ContactId, MailFailure, MailId, MailState, Micros, PartnerId, Uuid};

use crate::domain::{Contact, Owner};
use crate::mail::{self, Kind};

/// Rows that one statement takes away, or gives up.
const AT_ONCE: i64 = 1_000;
/// So many that are due are looked at for those that are sent next, or so many contacts.
const WINDOW: i64 = 200;

/// What an address or a number is to be sent.
#[derive(Debug)]
pub(crate) struct NewMail {
    pub(crate) id: MailId,
    pub(crate) contact: ContactId,
    pub(crate) channel: Channel,
    pub(crate) address: Uuid,
    pub(crate) owner: Owner,
    pub(crate) kind: &'static str,
    /// Whether it goes before those that do not.
    pub(crate) hurries: bool,
    pub(crate) event_id: Uuid,
    pub(crate) correlation_id: Uuid,
    /// What its template is made of, as JSON.
    pub(crate) data: String,
    /// Whose programme it is about: that brand's own text is used.
    pub(crate) programme: Option<BrandId>,
}

/// What mails are about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cause<'a> {
    /// Each address is told once of what has this id.
    pub(crate) of: Uuid,
    pub(crate) event_id: Uuid,
    pub(crate) correlation_id: Uuid,
    /// The brand whose programme that is, if it is of one.
    pub(crate) programme: Option<&'a BrandId>,
}

impl Cause<'_> {
    /// An event of this id, which a message states or leads to.
    pub(crate) fn of(message: &Message, event_id: Uuid) -> Self {
        Self {
            of: event_id,
            event_id,
            correlation_id: message.header.correlation_id,
            programme: None,
        }
    }
}

impl NewMail {
    /// One for each address and number that wants it.
    pub(crate) fn to_each(
        kind: &'static Kind,
        contact: &Contact,
        cause: Cause,
        data: &str,
    ) -> Vec<Self> {
        let wanting = contact.wanting(kind.channels(), kind.group);
        let mails = wanting.map(|(channel, address)| Self {
            id: MailId::of(cause.of, &contact.id, address),
            contact: contact.id.clone(),
            channel,
            address,
            owner: contact.owner.clone(),
            kind: kind.event,
            hurries: kind.hurries(),
            event_id: cause.event_id,
            correlation_id: cause.correlation_id,
            data: data.to_owned(),
            programme: cause.programme.cloned(),
        });
        mails.collect()
    }
}

/// Keeps what is to be sent. The same event for the same address is the same mail.
pub(crate) async fn insert(
    connection: &mut PgConnection,
    mails: &[NewMail],
    now: Micros,
) -> Result<(), sqlx::Error> {
    messaging::insert_rows!(connection, mails => "mails" {
        id: text = |it| it.id.to_string(),
        contact_id: text = |it| it.contact.to_string(),
        channel: text = |it| it.channel.name(),
        address_id: uuid = |it| it.address,
        brand_id: text = |it| it.owner.brand().map(ToString::to_string),
        partner_id: text = |it| it.owner.partner().map(ToString::to_string),
        kind: text = |it| it.kind,
        event_id: uuid = |it| it.event_id,
        correlation_id: uuid = |it| it.correlation_id,
        data: text = |it| it.data.clone(),
        programme_brand_id: text = |it| it.programme.as_ref().map(ToString::to_string),
        hurries: boolean = |it| it.hurries,
        created_at: bigint = |_| now.get(),
        next_at: bigint = |_| now.get(),
    } "ON CONFLICT DO NOTHING")
    .await
}

/// By contact, of which endpoints these were mailed since then that they were given up.
pub(crate) async fn disabled(
    connection: &mut PgConnection,
    contacts: &[String],
    since: Micros,
) -> Result<HashMap<String, Vec<String>>, sqlx::Error> {
    let rows: Vec<(String, Uuid, String)> = sqlx::query_as(
        "SELECT DISTINCT contact_id, event_id, data FROM mails
          WHERE kind = 'webhook_endpoint.disabled.v1' AND contact_id = ANY($1) AND created_at > $2",
    )
    .bind(contacts)
    .bind(since.get())
    .fetch_all(connection)
    .await?;
    let mut disabled: HashMap<_, Vec<_>> = HashMap::new();
    for (contact, _, data) in rows {
        let given_up = mail::given_up(&data);
        disabled.entry(contact).or_default().extend(given_up);
    }
    Ok(disabled)
}

/// By contact, how many texts these were sent since then, but for those about endpoints, which [`disabled`] counts.
pub(crate) async fn texted(
    connection: &mut PgConnection,
    contacts: &[String],
    since: Micros,
) -> Result<HashMap<String, i64>, sqlx::Error> {
    if contacts.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<(String, i64)> = sqlx::query_as(
        "SELECT contact_id, count(*) FROM mails
          WHERE channel = 'text' AND kind <> 'webhook_endpoint.disabled.v1' AND contact_id = ANY($1) AND created_at > $2
          GROUP BY contact_id",
    )
    .bind(contacts)
    .bind(since.get())
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().collect())
}

/// Of these, those of which the log does not have what became of them.
pub(crate) async fn unconcluded(
    connection: &mut PgConnection,
    ids: &[String],
) -> Result<Vec<String>, sqlx::Error> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    sqlx::query_scalar(
        "SELECT id FROM mails WHERE id = ANY($1) AND state <> 'pending' AND NOT concluded",
    )
    .bind(ids)
    .fetch_all(connection)
    .await
}

/// The log has what became of these.
pub(crate) async fn conclude(
    connection: &mut PgConnection,
    ids: &[String],
) -> Result<(), sqlx::Error> {
    if ids.is_empty() {
        return Ok(());
    }
    sqlx::query("UPDATE mails SET concluded = true WHERE id = ANY($1)")
        .bind(ids)
        .execute(connection)
        .await
        .map(|_| ())
}

/// Whoever was erased: what was sent to it is shown no more, and what it says is kept no more. Returns of how many mails that is now so, of
/// that many at most.
pub(crate) async fn erase(
    connection: &mut PgConnection,
    partners: &[&str],
    most: i64,
) -> Result<u64, sqlx::Error> {
    sqlx::query(
        "WITH theirs AS MATERIALIZED (
           SELECT id FROM mails WHERE partner_id = ANY($1) AND data <> '{}' LIMIT $2
         ), shown AS (
           DELETE FROM mailbox USING theirs WHERE mail_id = theirs.id
         )
         UPDATE mails SET data = '{}' FROM theirs WHERE mails.id = theirs.id",
    )
    .bind(partners)
    .bind(most)
    .execute(connection)
    .await
    .map(|blanked| blanked.rows_affected())
}

/// A mail that is to be sent now, or that the log is to have.
#[derive(Debug, Clone, FromRow)]
pub(crate) struct Row {
    pub id: String,
    pub contact_id: String,
    pub address_id: Uuid,
    pub brand_id: Option<String>,
    pub partner_id: Option<String>,
    pub kind: String,
    pub event_id: Uuid,
    pub correlation_id: Uuid,
    pub data: String,
    pub programme_brand_id: Option<String>,
    pub failure: Option<String>,
    pub smtp_status: Option<i32>,
    pub attempts: i32,
    pub ended_at: Option<i64>,
}

/// One that is due.
#[derive(Debug, FromRow)]
pub(crate) struct Due {
    pub id: String,
    pub contact_id: String,
}

/// Those of a channel that are due, money and security first and then the longest, and whether there may be more than are looked at.
pub(crate) async fn due(
    executor: impl PgExecutor<'_>,
    channel: Channel,
    now: Micros,
) -> Result<(Vec<Due>, bool), sqlx::Error> {
    let due: Vec<Due> = sqlx::query_as(
        "SELECT id, contact_id FROM mails WHERE state = 'pending' AND channel = $1 AND next_at <= $2
          ORDER BY NOT hurries, next_at, position LIMIT $3",
    )
    .bind(channel.name())
    .bind(now.get())
    .bind(WINDOW)
    .fetch_all(executor)
    .await?;
    let is_more = is_window(due.len());
    Ok((due, is_more))
}

/// What is due first of each contact for which something waits by a channel, however much that is: of so many contacts behind this one, and
/// behind which one there may be more, the empty one where they end.
pub(crate) async fn due_of_each(
    executor: impl PgExecutor<'_>,
    channel: Channel,
    now: Micros,
    behind: &str,
) -> Result<(Vec<Due>, String), sqlx::Error> {
    let rows: Vec<(Option<String>, String, String)> = sqlx::query_as(
        "WITH RECURSIVE contacts AS (
           (SELECT contact_id FROM mails WHERE state = 'pending' AND channel = $1 AND contact_id > $2 ORDER BY contact_id LIMIT 1)
           UNION ALL
           SELECT (SELECT m.contact_id FROM mails m WHERE m.state = 'pending' AND m.channel = $1 AND m.contact_id > c.contact_id
                    ORDER BY m.contact_id LIMIT 1)
             FROM contacts c WHERE c.contact_id IS NOT NULL
         )
         SELECT d.id, c.contact_id, max(c.contact_id) OVER ()
           FROM (SELECT contact_id FROM contacts WHERE contact_id IS NOT NULL LIMIT $4) c
           LEFT JOIN LATERAL (
             SELECT m.* FROM (VALUES (true), (false)) h (hurries)
              CROSS JOIN LATERAL (SELECT * FROM mails WHERE state = 'pending' AND channel = $1 AND contact_id = c.contact_id
                                     AND mails.hurries = h.hurries AND next_at <= $3
                                   ORDER BY next_at, position LIMIT 1) m
              ORDER BY NOT m.hurries LIMIT 1) d ON true
          ORDER BY NOT d.hurries, d.next_at, d.position",
    )
    .bind(channel.name())
    .bind(behind)
    .bind(now.get())
    .bind(WINDOW)
    .fetch_all(executor)
    .await?;
    let last = rows.first().map(|(.., last)| last.clone());
    let last = last.filter(|_| is_window(rows.len()));
    let due = rows.into_iter().filter_map(|(id, contact_id, _)| {
        Some(Due {
            id: id?,
            contact_id,
        })
    });
    Ok((due.collect(), last.unwrap_or_default()))
}

/// Whether it is as much as is looked at.
fn is_window(found: usize) -> bool {
    i64::try_from(found).is_ok_and(|found| found >= WINDOW)
}

/// Takes these, as far as they are due, and leaves them to whoever called until then. What cannot be written cannot be sent either: a database that
/// takes nothing makes nobody send the same again and again.
pub(crate) async fn take(
    pool: &PgPool,
    ids: &[String],
    (now, until): (Micros, Micros),
) -> Result<Vec<Row>, sqlx::Error> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    sqlx::query_as(
        "UPDATE mails SET next_at = $3 WHERE id = ANY($1) AND state = 'pending' AND next_at <= $2 RETURNING *",
    )
    .bind(ids)
    .bind(now.get())
    .bind(until.get())
    .fetch_all(pool)
    .await
}

/// Those of a channel that have ended, which the log does not have yet.
pub(crate) async fn to_conclude(
    pool: &PgPool,
    channel: Channel,
    passed: i64,
    most: i64,
) -> Result<Vec<Row>, sqlx::Error> {
    sqlx::query_as(
        "SELECT * FROM mails WHERE state <> 'pending' AND NOT concluded AND channel = $3 ORDER BY position OFFSET $1 LIMIT $2",
    )
    .bind(passed)
    .bind(most)
    .bind(channel.name())
    .fetch_all(pool)
    .await
}

/// What becomes of a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// A server or provider took it.
    Sent,
    /// It is tried again.
    At(Micros),
    /// It is not tried again.
    Failed(MailFailure),
}

/// Notes an attempt, of which there were `before`, and the code of its answer, if it had one.
pub(crate) async fn note(
    executor: impl PgExecutor<'_>,
    mail: &str,
    before: i32,
    (at, next, code): (Micros, Next, Option<i32>),
) -> Result<(), sqlx::Error> {
    let (state, next_at, ended_at, failure) = match next {
        Next::Sent => ("sent", None, Some(at), None),
        Next::At(at) => ("pending", Some(at), None, None),
        Next::Failed(failure) => ("failed", None, Some(at), Some(failure)),
    };
    sqlx::query(
        "UPDATE mails SET state = $3, attempts = attempts + 1, next_at = coalesce($4, next_at), ended_at = $5, failure = $6,
                smtp_status = CASE channel WHEN 'mail' THEN $7 END, provider_code = CASE channel WHEN 'text' THEN $7 END
          WHERE id = $1 AND attempts = $2 AND state = 'pending'",
    )
    .bind(mail)
    .bind(before)
    .bind(state)
    .bind(next_at.map(Micros::get))
    .bind(ended_at.map(Micros::get))
    .bind(failure.map(MailFailure::name))
    .bind(code)
    .execute(executor)
    .await
    .map(|_| ())
}

/// Leaves one for later that was not sent: it counts as no attempt.
pub(crate) async fn put_off(
    pool: &PgPool,
    mail: &str,
    before: i32,
    until: Micros,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE mails SET next_at = $3 WHERE id = $1 AND attempts = $2 AND state = 'pending'",
    )
    .bind(mail)
    .bind(before)
    .bind(until.get())
    .execute(pool)
    .await
    .map(|_| ())
}

/// Gives up those of a channel that were made before then.
pub(crate) async fn give_up(
    pool: &PgPool,
    channel: Channel,
    before: Micros,
    now: Micros,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE mails SET state = 'failed', failure = 'unreachable', ended_at = $2
          WHERE id IN (SELECT id FROM mails WHERE state = 'pending' AND created_at < $1 AND channel = $4 LIMIT $3)",
    )
    .bind(before.get())
    .bind(now.get())
    .bind(AT_ONCE)
    .bind(channel.name())
    .execute(pool)
    .await
    .map(|_| ())
}

/// Takes away what is older than that and has ended. Returns whether there may be more.
pub(crate) async fn trim(pool: &PgPool, before: Micros) -> Result<bool, sqlx::Error> {
    let trimmed = sqlx::query(
        "WITH old AS (DELETE FROM mails WHERE id IN (SELECT id FROM mails WHERE created_at < $1 AND concluded LIMIT $2) RETURNING id),
              shown AS (DELETE FROM mailbox USING old WHERE mail_id = old.id)
         SELECT id FROM old",
    )
    .bind(before.get())
    .bind(AT_ONCE)
    .fetch_all(pool)
    .await?;
    Ok(!trimmed.is_empty())
}

/// A mail in the mailbox.
#[derive(Debug, FromRow)]
pub(crate) struct Kept {
    pub mail_id: String,
    pub position: i64,
    pub brand_id: Option<String>,
    pub partner_id: Option<String>,
    pub kind: String,
    pub channel: String,
    pub masked: String,
    pub subject: String,
    pub plain: String,
    pub html: String,
    pub sent_at: i64,
}

/// Puts one there.
pub(crate) async fn keep(
    executor: impl PgExecutor<'_>,
    (mail, masked): (&str, &str),
    (subject, plain, html): (&str, &str, &str),
    at: Micros,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO mailbox (mail_id, masked, subject, plain, html, sent_at) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
    )
    .bind(mail)
    .bind(masked)
    .bind(subject)
    .bind(plain)
    .bind(html)
    .bind(at.get())
    .execute(executor)
    .await
    .map(|_| ())
}

/// A page of those in the mailbox, newest first.
pub(crate) async fn mailbox(
    executor: impl PgExecutor<'_>,
    filter: &MailboxFilter,
    page: PageQuery,
) -> Result<Vec<Kept>, sqlx::Error> {
    let brand = filter.brand_id.as_ref().map(BrandId::as_str);
    let partner = filter.partner_id.as_ref().map(PartnerId::as_str);
    let narrowing = [("m.brand_id", brand), ("m.partner_id", partner)];
    let all = "SELECT b.*, m.brand_id, m.partner_id, m.kind, m.channel FROM mailbox b JOIN mails m ON m.id = b.mail_id";
    lists::list(executor, (all, "b.position"), page, |_| {}, &narrowing).await
}

/// A mail as operators are shown it.
#[derive(Debug, FromRow)]
pub(crate) struct Listed {
    pub id: String,
    pub position: i64,
    pub brand_id: Option<String>,
    pub partner_id: Option<String>,
    pub kind: String,
    pub channel: String,
    pub event_id: Uuid,
    pub correlation_id: Uuid,
    pub state: String,
    pub attempts: i32,
    pub next_at: i64,
    pub failure: Option<String>,
    pub smtp_status: Option<i32>,
    pub provider_code: Option<i32>,
    pub created_at: i64,
    pub ended_at: Option<i64>,
}

/// A page of them, newest first.
pub(crate) async fn list(
    executor: impl PgExecutor<'_>,
    filter: &MailFilter,
    page: PageQuery,
) -> Result<Vec<Listed>, sqlx::Error> {
    let brand = filter.brand_id.as_ref().map(BrandId::as_str);
    let partner = filter.partner_id.as_ref().map(PartnerId::as_str);
    let narrowing = [
        ("brand_id", brand),
        ("partner_id", partner),
        ("kind", filter.kind.as_deref()),
        ("channel", filter.channel.map(Channel::name)),
    ];
    let all = ("SELECT * FROM mails", "position");
    let that_are_so = lists::in_state("state", filter.state.map(MailState::name));
    lists::list(executor, all, page, that_are_so, &narrowing).await
}

#[cfg(test)]
mod tests {
    use chassis::page::Form;
    use runtime::testing::{TestService, rows_read};

    use super::*;
    use crate::Notify;

    #[tokio::test]
    async fn behind_very_much_of_one_contact_what_is_due_of_another_is_found_by_reading_little() {
        let service = TestService::start::<Notify>(crate::define).await;
        // Nobody else sees it: the service itself sends none.
        let mut tx = messaging::begin(service.pool(), "BEGIN").await.unwrap();
        sqlx::raw_sql(
            "INSERT INTO mails (id, contact_id, address_id, partner_id, kind, event_id, correlation_id, data, hurries, created_at, next_at)
             SELECT 'mail_' || n, CASE n WHEN 20001 THEN 'ctc_b' ELSE 'ctc_a' END, gen_random_uuid(), 'partner1', 'payout.paid.v1',
                    gen_random_uuid(), gen_random_uuid(), '{}', true, n, n FROM generate_series(1, 20001) n;
             ANALYZE mails",
        )
        .execute(&mut *tx)
        .await
        .unwrap();
        let (channel, now) = (Channel::Mail, Micros(20_001));
        let (first, is_more) = due(&mut *tx, channel, now).await.unwrap();
        assert!(is_more && first.iter().all(|it| it.contact_id == "ctc_a"));
        let of_each = async |tx: &mut PgConnection, behind| {
            let (due, last) = due_of_each(tx, channel, now, behind).await.unwrap();
            (due.into_iter().map(|it| it.id).collect::<Vec<_>>(), last)
        };
        let (due, last) = of_each(&mut tx, "").await;
        assert_eq!(due, ["mail_1", "mail_20001"]);
        assert_eq!(last, "", "there are no more contacts");
        let (due, _) = of_each(&mut tx, "ctc_a").await;
        assert_eq!(due, ["mail_20001"]);
        let read = rows_read(&mut tx, "mails").await;
        assert!(read <= 300, "{read}");
        drop(tx);
        service.stop().await;
    }

    #[tokio::test]
    async fn the_few_mails_that_failed_are_found_behind_very_many_that_were_sent() {
        let service = TestService::start::<Notify>(crate::define).await;
        // Nobody else sees it: the service itself tells of none.
        let mut tx = messaging::begin(service.pool(), "BEGIN").await.unwrap();
        sqlx::raw_sql(
            "INSERT INTO mails (id, contact_id, address_id, partner_id, kind, event_id, correlation_id, data, hurries, created_at, next_at, state)
             SELECT 'mail_' || n, 'ctc_a', gen_random_uuid(), 'partner1', 'payout.paid.v1', gen_random_uuid(), gen_random_uuid(), '{}',
                    true, n, n, CASE n WHEN 1 THEN 'failed' ELSE 'sent' END
               FROM generate_series(1, 20000) n;
             ANALYZE mails",
        )
        .execute(&mut *tx)
        .await
        .unwrap();
        let filter = MailFilter {
            brand_id: None,
            partner_id: None,
            state: Some(MailState::Failed),
            kind: None,
            channel: None,
        };
        let page = PageQuery {
            limit: 50,
            cursor: None,
            form: Form::Json,
        };
        let found = list(&mut *tx, &filter, page).await.unwrap();
        let found: Vec<&str> = found.iter().map(|it| it.id.as_str()).collect();
        assert_eq!(found, ["mail_1"]);
        let read = rows_read(&mut tx, "mails").await;
        assert!(read <= 20, "{read}");
        drop(tx);
        service.stop().await;
    }
}
