//! What the sender reads and writes: which deliveries are due, and what became of an attempt.

use sqlx::{FromRow, PgConnection, PgExecutor, PgPool};
use types::{Micros, Uuid};

use super::deliveries::behind;
use crate::postback::Sale;

/// Of one endpoint only so many of the deliveries that are due are looked at, those that are due the longest.
const WINDOW: i64 = 1_000;
/// Of those that wait behind others so many are looked at in one step.
const LOOKED_BEHIND: i64 = 1_000;
/// Rows that one statement takes away.
const TRIMMED_AT_ONCE: i64 = 1_000;

/// A delivery that is to be sent now.
#[derive(Debug, Clone, FromRow)]
pub(crate) struct Due {
    pub id: Uuid,
    pub endpoint_id: String,
    /// Whose endpoint it is.
    pub owner: String,
    pub subject: String,
    pub body: String,
    pub attempts: i32,
    pub url: String,
    pub secret_version: i32,
    pub previous_until: Option<i64>,
    pub format: String,
    #[sqlx(flatten)]
    pub sale: Sale,
}

/// What is sent just now, and how much more may be.
#[derive(Debug, Default)]
pub(crate) struct Busy {
    /// Deliveries under way.
    pub(crate) held: Vec<Uuid>,
    /// Endpoints with how much more each may be sent at once.
    pub(crate) rooms: Vec<(String, i64)>,
    /// How much more any other endpoint may be.
    pub(crate) room_of_others: i64,
    /// Whose endpoints are sent nothing more now.
    pub(crate) full_owners: Vec<String>,
}

/// Whose an endpoint is, `e`.
macro_rules! owner {
    () => {
        "coalesce('brand ' || e.brand_id, 'partner ' || e.partner_id)"
    };
}

/// The columns of a [`Sale`], where `o` is what is known of it.
macro_rules! sale_columns {
    () => {
        "o.conversion_id IS NOT NULL AS is_known, o.click_id, o.link_code, o.campaign_id, o.order_id, o.amount, o.currency"
    };
}
pub(crate) use sale_columns;

/// At most `room` deliveries that are due: of each endpoint what is due the longest, of each of its subjects the first that waits.
pub(crate) async fn due(
    executor: impl PgExecutor<'_>,
    now: Micros,
    busy: &Busy,
    room: i64,
) -> Result<Vec<Due>, sqlx::Error> {
    let (full, rooms): (Vec<&str>, Vec<i64>) = busy
        .rooms
        .iter()
        .map(|(id, room)| (id.as_str(), *room))
        .unzip();
    sqlx::query_as(
        concat!("SELECT d.id, d.endpoint_id, ", owner!(), " AS owner, d.subject, d.body, d.attempts, e.url, e.secret_version, e.previous_until, e.format, ", sale_columns!(), "
           FROM webhook_endpoints e
           LEFT JOIN UNNEST($3::text[], $4::bigint[]) AS r (id, room) ON r.id = e.id
           CROSS JOIN LATERAL (
             SELECT w.* FROM (SELECT * FROM webhook_deliveries
                               WHERE endpoint_id = e.id AND state = 'pending' AND next_at <= $1
                               ORDER BY next_at, position LIMIT $6) w
              WHERE w.id <> ALL($2)
                AND NOT EXISTS (SELECT 1 FROM webhook_deliveries b
                                 WHERE b.endpoint_id = w.endpoint_id AND b.subject = w.subject AND b.state = 'pending'
                                   AND b.position < w.position)
              ORDER BY w.next_at, w.position LIMIT coalesce(r.room, $5)) d
           LEFT JOIN postback_sales o ON o.conversion_id = d.subject AND o.partner_id = e.partner_id AND e.format = 'postback'
          WHERE e.status = 'enabled' AND coalesce(r.room, $5) > 0 AND ", owner!(), " <> ALL($8)
          ORDER BY d.next_at, d.position LIMIT $7"),
    )
    .bind(now.get())
    .bind(&busy.held)
    .bind(full)
    .bind(rooms)
    .bind(busy.room_of_others)
    .bind(WINDOW)
    .bind(room)
    .bind(&busy.full_owners)
    .fetch_all(executor)
    .await
}

/// What came of an attempt.
#[derive(Debug)]
pub(crate) struct Attempted {
    pub(crate) delivery: Uuid,
    pub(crate) endpoint: String,
    pub(crate) subject: String,
    /// How often it was tried before.
    pub(crate) before: i32,
    /// When it ended.
    pub(crate) at: Micros,
    pub(crate) took_ms: i64,
    pub(crate) status: Option<i32>,
    pub(crate) answer: Option<String>,
    pub(crate) error: Option<String>,
    pub(crate) next: Next,
}

/// What becomes of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// It was taken.
    Delivered,
    /// It is tried again, and what waits behind it goes on waiting.
    At(Micros),
    /// It is not tried again, and the endpoint is given up for this reason.
    GiveUp(&'static str),
}

/// Notes an attempt, once however often it is noted. One of a delivery that was had sent again meanwhile is noted, and changes nothing else.
pub(crate) async fn note(pool: &PgPool, attempted: &Attempted) -> Result<(), sqlx::Error> {
    let (state, next_at, ended_at, gives_up) = match attempted.next {
        Next::Delivered => ("delivered", None, Some(attempted.at), None),
        Next::At(at) => ("pending", Some(at), None, None),
        Next::GiveUp(reason) => ("failed", None, Some(attempted.at), Some(reason)),
    };
    let mut tx = messaging::begin(pool, "BEGIN").await?;
    // What a build before this one left behind it has a time of its own; where the next one has none, nothing behind it is looked at.
    let noted = sqlx::query(concat!(
        "WITH noted AS (
           INSERT INTO webhook_attempts (delivery_id, attempted_at, took_ms, status, answer, error)
           SELECT id, $3, $4, $5, $6, $7 FROM webhook_deliveries
            WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM webhook_attempts WHERE delivery_id = $1 AND attempted_at = $3 AND took_ms = $4)
         ), left_behind AS (
           UPDATE webhook_deliveries SET next_at = ",
        behind!(),
        "   WHERE endpoint_id = $12 AND subject = $13 AND state = 'pending' AND next_at < ",
        behind!(),
        "     AND position > (SELECT a.position FROM webhook_deliveries a WHERE a.id = $1 AND a.attempts = $2 AND a.state = 'pending')
              AND (SELECT b.next_at FROM webhook_deliveries b
                    WHERE b.endpoint_id = $12 AND b.subject = $13 AND b.state = 'pending'
                      AND b.position > (SELECT a.position FROM webhook_deliveries a WHERE a.id = $1) ORDER BY b.position LIMIT 1) < ",
        behind!(),
        "
         )
         UPDATE webhook_deliveries SET state = $8, attempts = attempts + 1, next_at = coalesce($9::bigint, next_at), ended_at = $10, gives_up = $11
          WHERE id = $1 AND attempts = $2 AND state = 'pending'",
    ))
    .bind(attempted.delivery)
    .bind(attempted.before)
    .bind(attempted.at.get())
    .bind(attempted.took_ms)
    .bind(attempted.status)
    .bind(attempted.answer.as_deref())
    .bind(attempted.error.as_deref())
    .bind(state)
    .bind(next_at.map(Micros::get))
    .bind(ended_at.map(Micros::get))
    .bind(gives_up)
    .bind(&attempted.endpoint)
    .bind(&attempted.subject)
    .execute(&mut *tx)
    .await?;
    if ended_at.is_some() && noted.rows_affected() > 0 {
        free_next(&mut tx, attempted).await?;
    }
    tx.commit().await
}

/// Has the next one be due, once one is done with: by a statement of its own, which sees what was put behind that one while its end was noted.
async fn free_next(connection: &mut PgConnection, ended: &Attempted) -> Result<(), sqlx::Error> {
    sqlx::query(concat!(
        "UPDATE webhook_deliveries SET next_at = $3
          WHERE id = (SELECT id FROM webhook_deliveries WHERE endpoint_id = $1 AND subject = $2 AND state = 'pending' ORDER BY position LIMIT 1)
            AND next_at = ",
        behind!()
    ))
    .bind(&ended.endpoint)
    .bind(&ended.subject)
    .bind(ended.at.get())
    .execute(connection)
    .await
    .map(|_| ())
}

/// Has those be due that wait behind others and are the first of their subject: a build before this one ended what was before them, or it was
/// taken away. Looks at some that are behind this place. Returns up to where it looked; `None`: there are no more.
pub(crate) async fn free(
    pool: &PgPool,
    now: Micros,
    after: i64,
) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query_scalar(concat!(
        "WITH looked AS (
           SELECT id, endpoint_id, subject, position FROM webhook_deliveries
            WHERE state = 'pending' AND next_at = ",
        behind!(),
        " AND position > $2 ORDER BY position LIMIT $3
         ), freed AS (
           UPDATE webhook_deliveries d SET next_at = $1 FROM looked l
            WHERE d.id = l.id AND d.state = 'pending'
              AND NOT EXISTS (SELECT 1 FROM webhook_deliveries b
                               WHERE b.endpoint_id = l.endpoint_id AND b.subject = l.subject AND b.state = 'pending'
                                 AND b.position < l.position)
         )
         SELECT max(position) FROM looked HAVING count(*) = $3"
    ))
    .bind(now.get())
    .bind(after)
    .bind(LOOKED_BEHIND)
    .fetch_optional(pool)
    .await
}

/// An endpoint that is to be given up.
#[derive(Debug, FromRow)]
pub(crate) struct GivenUp {
    pub endpoint_id: String,
    pub reason: String,
    pub since: i64,
}

/// Endpoints that are sent events and should not be, behind so many of them: a delivery failed since they were last enabled.
pub(crate) async fn given_up(pool: &PgPool, passed: i64) -> Result<Vec<GivenUp>, sqlx::Error> {
    sqlx::query_as(
        "SELECT DISTINCT ON (e.id) e.id AS endpoint_id, d.gives_up AS reason, e.enabled_at AS since
           FROM webhook_deliveries d JOIN webhook_endpoints e ON e.id = d.endpoint_id
          WHERE d.gives_up IS NOT NULL AND e.status = 'enabled' AND d.ended_at >= e.enabled_at
          ORDER BY e.id, d.ended_at OFFSET $1",
    )
    .bind(passed)
    .fetch_all(pool)
    .await
}

/// Endpoints for which more waits than is kept, of what came since each was last enabled: it is not given up for what its owner wants sent.
pub(crate) async fn overfull(
    executor: impl PgExecutor<'_>,
    most: i64,
) -> Result<Vec<GivenUp>, sqlx::Error> {
    sqlx::query_as(
        "SELECT e.id AS endpoint_id, 'queue_full' AS reason, e.enabled_at AS since FROM webhook_endpoints e
          WHERE e.status = 'enabled' AND (SELECT count(*) FROM (SELECT 1 FROM webhook_deliveries d
                WHERE d.endpoint_id = e.id AND d.state = 'pending' AND d.created_at >= e.enabled_at LIMIT $1 + 1) w) > $1",
    )
    .bind(most)
    .fetch_all(executor)
    .await
}

/// Takes away what is older than that and is not to be sent, or never will be. Returns whether there may be more.
pub(crate) async fn trim(pool: &PgPool, before: Micros) -> Result<bool, sqlx::Error> {
    let trimmed = sqlx::query(
        "DELETE FROM webhook_deliveries WHERE id IN (
           SELECT d.id FROM webhook_deliveries d LEFT JOIN webhook_endpoints e ON e.id = d.endpoint_id
            WHERE d.created_at < $1 AND (d.state <> 'pending' OR e.status IS DISTINCT FROM 'enabled') LIMIT $2)",
    )
    .bind(before.get())
    .bind(TRIMMED_AT_ONCE)
    .execute(pool)
    .await?;
    Ok(trimmed.rows_affected() > 0)
}

#[cfg(test)]
mod tests {
    use runtime::testing::{TestService, until};
    use types::WebhookEndpointId;

    use super::*;
    use crate::Notify;
    use crate::store::deliveries::{self, NewDelivery};
    use crate::store::resends;

    const SECOND: i64 = 1_000_000;

    /// An endpoint of this status.
    async fn endpoint(connection: &mut PgConnection, status: &str) -> WebhookEndpointId {
        let endpoint = "INSERT INTO webhook_endpoints (id, position, brand_id, url, kinds, status, secret_version, enabled_at, created_at, changed_at)
                        VALUES ('whe_00000000000000000000000000000001', 1, 'brand1', 'https://shop.example.com/', '', $1, 1, 0, 0, 0) RETURNING id";
        let endpoint = sqlx::query_scalar(endpoint).bind(status);
        let endpoint: String = endpoint.fetch_one(connection).await.unwrap();
        WebhookEndpointId::parse(endpoint).unwrap()
    }

    /// So many of a subject that it is to be sent.
    fn of_subject(
        endpoint: &WebhookEndpointId,
        subject: &'static str,
        count: usize,
    ) -> Vec<NewDelivery> {
        let new = || NewDelivery {
            id: Uuid::new_v4(),
            endpoint: endpoint.clone(),
            subject: subject.to_owned(),
            event_id: Uuid::new_v4(),
            kind: "kind".to_owned(),
            body: "{}".to_owned(),
        };
        (0..count).map(|_| new()).collect()
    }

    /// What is due, by id.
    async fn all_due(tx: &mut PgConnection, now: i64) -> Vec<Uuid> {
        let busy = Busy {
            room_of_others: 8,
            ..Busy::default()
        };
        let due = due(tx, Micros(now), &busy, 8).await.unwrap();
        due.into_iter().map(|it| it.id).collect()
    }

    /// When each is due, in order.
    async fn due_at(pool: &PgPool) -> Vec<i64> {
        let all =
            "SELECT next_at FROM webhook_deliveries WHERE state = 'pending' ORDER BY position";
        sqlx::query_scalar(all).fetch_all(pool).await.unwrap()
    }

    /// One that failed, and behind it more of its subject than are looked at, which wait since a second. Returns the endpoint, and their ids in order.
    async fn waits_behind_a_failed_one(
        tx: &mut PgConnection,
        now: i64,
    ) -> (WebhookEndpointId, Vec<Uuid>) {
        let endpoint = endpoint(tx, "enabled").await;
        let failed = "INSERT INTO webhook_deliveries (id, endpoint_id, subject, event_id, kind, body, created_at, next_at, state, attempts, ended_at)
                      VALUES (gen_random_uuid(), $1, 'order1', gen_random_uuid(), 'kind', '{}', $2, $2, 'failed', 10, $2)";
        let behind = "INSERT INTO webhook_deliveries (id, endpoint_id, subject, event_id, kind, body, created_at, next_at)
                      SELECT gen_random_uuid(), $1, 'order1', gen_random_uuid(), 'kind', '{}', $2, $2 FROM generate_series(1, 1001)";
        for insert in [failed, behind] {
            let inserted = sqlx::query(insert).bind(endpoint.as_str());
            let inserted = inserted.bind(now - SECOND).execute(&mut *tx);
            inserted.await.unwrap();
        }
        let ids = "SELECT id FROM webhook_deliveries ORDER BY position";
        let ids = sqlx::query_scalar(ids).fetch_all(tx).await.unwrap();
        (endpoint, ids)
    }

    /// The one of them that is sent next.
    async fn next(tx: &mut PgConnection, now: i64) -> Option<Uuid> {
        let busy = Busy {
            room_of_others: 1,
            ..Busy::default()
        };
        let due = due(tx, Micros(now), &busy, 10).await.unwrap();
        due.first().map(|it| it.id)
    }

    #[tokio::test]
    async fn what_is_sent_again_is_found_before_very_many_that_wait_behind_it_of_the_same_subject()
    {
        let service = TestService::start::<Notify>(crate::define).await;
        let now = types::clock::real().get();
        for whole_range in [false, true] {
            // Nobody else sees it: the service's own sender sends none.
            let mut tx = messaging::begin(service.pool(), "BEGIN").await.unwrap();
            let (endpoint, ids) = waits_behind_a_failed_one(&mut tx, now).await;
            assert_eq!(next(&mut tx, now).await, Some(ids[1]));
            if whole_range {
                let since = Micros(now - 2 * SECOND);
                resends::insert(&mut tx, &endpoint, since, Micros(now))
                    .await
                    .unwrap();
                let range = resends::next(&mut tx, endpoint.as_str(), 10_000).await;
                let range = range.unwrap().unwrap();
                resends::step(&mut tx, &range, Micros(now), 1_000)
                    .await
                    .unwrap();
            } else {
                deliveries::resend(&mut tx, &endpoint, ids[0], Micros(now))
                    .await
                    .unwrap();
            }
            for id in &ids[..3] {
                assert_eq!(next(&mut tx, now).await, Some(*id), "{whole_range}");
                let taken = "UPDATE webhook_deliveries SET state = 'delivered' WHERE id = $1";
                let taken = sqlx::query(taken).bind(id);
                taken.execute(&mut *tx).await.unwrap();
            }
            drop(tx);
        }
        service.stop().await;
    }

    #[tokio::test]
    async fn very_many_of_one_subject_keep_no_other_waiting() {
        let service = TestService::start::<Notify>(crate::define).await;
        let now = types::clock::real().get();
        let mut tx = messaging::begin(service.pool(), "BEGIN").await.unwrap();
        let endpoint = endpoint(&mut tx, "enabled").await;
        let busy = of_subject(&endpoint, "order1", 1_001);
        let (at_once, later) = busy.split_at(500);
        let before = Micros(now - 2 * SECOND);
        for new in [at_once, later] {
            deliveries::insert(&mut tx, new, before).await.unwrap();
        }
        let other = of_subject(&endpoint, "order2", 1);
        let since = Micros(now - SECOND);
        deliveries::insert(&mut tx, &other, since).await.unwrap();
        assert_eq!(all_due(&mut tx, now).await, [busy[0].id, other[0].id]);
        drop(tx);
        service.stop().await;
    }

    #[tokio::test]
    async fn what_waits_behind_another_is_due_once_that_one_is_done_with() {
        let service = TestService::start::<Notify>(crate::define).await;
        let pool = service.pool();
        let now = types::clock::real().get();
        let mut tx = messaging::begin(pool, "BEGIN").await.unwrap();
        // The service's own sender sends it none.
        let endpoint = endpoint(&mut tx, "disabled").await;
        let new = of_subject(&endpoint, "order1", 3);
        deliveries::insert(&mut tx, &new, Micros(now))
            .await
            .unwrap();
        tx.commit().await.unwrap();
        assert_eq!(due_at(pool).await, [now, i64::MAX, i64::MAX]);
        let attempted = |of: usize, before, at, next| Attempted {
            delivery: new[of].id,
            endpoint: endpoint.to_string(),
            subject: "order1".to_owned(),
            before,
            at: Micros(at),
            took_ms: 1,
            status: None,
            answer: None,
            error: None,
            next,
        };
        let again = attempted(0, 0, now + 1, Next::At(Micros(now + SECOND)));
        note(pool, &again).await.unwrap();
        assert_eq!(due_at(pool).await, [now + SECOND, i64::MAX, i64::MAX]);
        // As a build before this one left them: each has a time of its own.
        let of_before = "UPDATE webhook_deliveries SET next_at = $1 WHERE state = 'pending'";
        let of_before = sqlx::query(of_before).bind(now + SECOND);
        of_before.execute(pool).await.unwrap();
        let taken = attempted(0, 1, now + 2, Next::Delivered);
        for _ in 0..2 {
            note(pool, &taken).await.unwrap();
            assert_eq!(due_at(pool).await, [now + 2, i64::MAX]);
        }
        let given_up = attempted(1, 0, now + 3, Next::GiveUp("failing"));
        note(pool, &given_up).await.unwrap();
        assert_eq!(due_at(pool).await, [now + 3]);
        let mut tx = messaging::begin(pool, "BEGIN").await.unwrap();
        deliveries::resend(&mut tx, &endpoint, new[1].id, Micros(now + 4))
            .await
            .unwrap();
        tx.commit().await.unwrap();
        assert_eq!(due_at(pool).await, [now + 3, now + 3]);
        service.stop().await;
    }

    #[tokio::test]
    async fn what_waits_behind_nothing_since_a_build_before_this_one_ended_that_is_due() {
        let service = TestService::start::<Notify>(crate::define).await;
        let pool = service.pool();
        let now = types::clock::real().get();
        let mut tx = messaging::begin(pool, "BEGIN").await.unwrap();
        let endpoint = endpoint(&mut tx, "disabled").await;
        let new = of_subject(&endpoint, "order1", 3);
        deliveries::insert(&mut tx, &new, Micros(now))
            .await
            .unwrap();
        let taken = "UPDATE webhook_deliveries SET state = 'delivered', ended_at = 1 WHERE id = $1";
        let taken = sqlx::query(taken).bind(new[0].id);
        taken.execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
        until("the next one is due, and it alone", || async {
            let due = due_at(pool).await;
            due[0] < i64::MAX && due[1] == i64::MAX
        })
        .await;
        service.stop().await;
    }
}
