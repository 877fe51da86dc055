//! `webhook_deliveries`: what endpoints are sent, and what became of it.

use std::collections::HashMap;

use api::WebhookDeliveryFilter;
use chassis::auth::Scope;
use chassis::page::PageQuery;
use runtime::lists::{in_state, push_end, push_equal};
use sqlx::{FromRow, PgConnection, PgExecutor, Postgres, QueryBuilder};
use types::{Micros, Uuid, WebhookDeliveryState, WebhookEndpointId};

use super::seen_by;
use super::sending::sale_columns;
use crate::postback::Sale;

/// What an endpoint is to be sent.
#[derive(Debug)]
pub(crate) struct NewDelivery {
    pub(crate) id: Uuid,
    pub(crate) endpoint: WebhookEndpointId,
    pub(crate) subject: String,
    pub(crate) event_id: Uuid,
    pub(crate) kind: String,
    pub(crate) body: String,
}

/// A row as lists show it, with its last attempt.
#[derive(Debug, FromRow)]
pub(crate) struct Row {
    pub id: Uuid,
    pub position: i64,
    pub endpoint_id: String,
    pub subject: String,
    pub event_id: Uuid,
    pub kind: String,
    pub body: String,
    pub created_at: i64,
    pub state: String,
    pub attempts: i32,
    /// None where nothing is before it, and it is not freed yet.
    pub next_at: Option<i64>,
    pub ended_at: Option<i64>,
    pub last_status: Option<i32>,
    pub last_error: Option<String>,
}

/// So many are looked through for a page, where no index has what is wanted of them alone.
const SEARCHED: i64 = 10_000;
/// When a delivery is due that waits behind another of its subject: once that one is done with, and not by itself.
macro_rules! behind {
    () => {
        "9223372036854775807"
    };
}
pub(super) use behind;

/// What is shown of deliveries, which stand behind it. One that waits behind another of its subject is sent no sooner than that one.
const SHOWN: &str = concat!(
    "SELECT d.id, d.position, d.endpoint_id, d.subject, d.event_id, d.kind, d.body, d.created_at, d.state, d.attempts, \
     nullif(coalesce((SELECT b.next_at FROM webhook_deliveries b WHERE b.endpoint_id = d.endpoint_id AND b.subject = d.subject AND b.state = 'pending' \
               ORDER BY b.position LIMIT 1), d.next_at), ",
    behind!(),
    ") AS next_at, d.ended_at, a.status AS last_status, a.error AS last_error FROM ("
);
/// With the last attempt of each.
const ATTEMPTED: &str = ") d LEFT JOIN LATERAL (SELECT status, error FROM webhook_attempts WHERE delivery_id = d.id ORDER BY attempt DESC LIMIT 1) a ON true";

/// Which of these there are, each with its endpoint.
pub(crate) async fn known(
    connection: &mut PgConnection,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, String>, sqlx::Error> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<(Uuid, String)> =
        sqlx::query_as("SELECT id, endpoint_id FROM webhook_deliveries WHERE id = ANY($1)")
            .bind(ids)
            .fetch_all(connection)
            .await?;
    Ok(rows.into_iter().collect())
}

/// What this says of the first that waits of a row's subject, which stays that until this transaction has ended. One of which it is noted just
/// now what became of it is passed over: it may be the last before them, and what waits behind it is due rather too early than never.
macro_rules! first_that_waits {
    ($row:literal, $($says:expr),+) => {
        concat!(
            "(SELECT ",
            $($says,)+
            " FROM webhook_deliveries b WHERE b.endpoint_id = ",
            $row,
            ".endpoint_id AND b.subject = ",
            $row,
            ".subject AND b.state = 'pending' ORDER BY b.position LIMIT 1 FOR SHARE SKIP LOCKED)"
        )
    };
}
pub(super) use first_that_waits;

/// Has them sent, each behind what waits of the same subject: not before its first. One that is there already was made by the same event before.
pub(crate) async fn insert(
    connection: &mut PgConnection,
    new: &[NewDelivery],
    now: Micros,
) -> Result<(), sqlx::Error> {
    if new.is_empty() {
        return Ok(());
    }
    let texts = |of: fn(&NewDelivery) -> &str| new.iter().map(of).collect::<Vec<_>>();
    let ids: Vec<Uuid> = new.iter().map(|it| it.id).collect();
    let events: Vec<Uuid> = new.iter().map(|it| it.event_id).collect();
    sqlx::query(concat!(
        "WITH n AS (
           SELECT *, row_number() OVER (PARTITION BY endpoint_id, subject ORDER BY ordinal) AS nth
             FROM UNNEST($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::text[], $6::text[])
                  WITH ORDINALITY AS n (id, endpoint_id, subject, event_id, kind, body, ordinal)
            WHERE NOT EXISTS (SELECT FROM webhook_deliveries d WHERE d.id = n.id)
         )
         INSERT INTO webhook_deliveries (id, endpoint_id, subject, event_id, kind, body, created_at, next_at)
         SELECT n.id, n.endpoint_id, n.subject, n.event_id, n.kind, n.body, $7,
                CASE WHEN n.nth > 1 OR ",
        first_that_waits!("n", "b.id"),
        " IS NOT NULL THEN ",
        behind!(),
        " ELSE $7 END
           FROM n ORDER BY n.ordinal
         ON CONFLICT (id) DO NOTHING",
    ))
    .bind(ids)
    .bind(texts(|it| it.endpoint.as_str()))
    .bind(texts(|it| &it.subject))
    .bind(events)
    .bind(texts(|it| &it.kind))
    .bind(texts(|it| &it.body))
    .bind(now.get())
    .execute(connection)
    .await
    .map(|_| ())
}

/// What becomes of a delivery that is sent again, from the first attempt on; beside it stands when.
macro_rules! sent_again {
    () => {
        "state = 'pending', attempts = 0, ended_at = NULL, gives_up = NULL"
    };
}
pub(super) use sent_again;

/// When `d` is due, which is sent again: behind what waits of its subject before it, or else at once, and no later than what waits behind it, so
/// that it is seen before that.
macro_rules! due_again {
    ($now:literal) => {
        concat!(
            "coalesce(",
            first_that_waits!(
                "d",
                "CASE WHEN b.position < d.position THEN ",
                behind!(),
                " ELSE least(",
                $now,
                ", b.next_at) END"
            ),
            ", ",
            $now,
            ")"
        )
    };
}
pub(super) use due_again;

/// Has one that an endpoint was sent sent again, from the first attempt on. What is under way goes on.
pub(crate) async fn resend(
    connection: &mut PgConnection,
    endpoint: &WebhookEndpointId,
    delivery: Uuid,
    now: Micros,
) -> Result<(), sqlx::Error> {
    sqlx::query(concat!(
        "UPDATE webhook_deliveries d SET ",
        sent_again!(),
        ", next_at = ",
        due_again!("$3"),
        " WHERE id = $1 AND endpoint_id = $2 AND state <> 'pending'",
    ))
    .bind(delivery)
    .bind(endpoint.as_str())
    .bind(now.get())
    .execute(connection)
    .await
    .map(|_| ())
}

/// Leaves of the endpoints `e` those whose deliveries may be seen, or one.
fn push_endpoints(
    sql: &mut QueryBuilder<Postgres>,
    scope: Scope<'_>,
    filter: &WebhookDeliveryFilter,
) {
    sql.push("e.status <> 'removed'");
    seen_by(scope)(sql);
    let endpoint = filter.endpoint_id.as_ref().map(WebhookEndpointId::as_str);
    push_equal(sql, &[("e.id", endpoint)]);
}

/// Up to which position a page is looked for, and no further: where no index has what is wanted alone, very many others may have to be looked
/// through to find it. `None` where it is looked for among all.
pub(crate) async fn searched_to(
    executor: impl PgExecutor<'_>,
    scope: Scope<'_>,
    filter: &WebhookDeliveryFilter,
    page: PageQuery,
) -> Result<Option<i64>, sqlx::Error> {
    let subject = filter.subject.as_deref();
    let of_rare_state = filter
        .state
        .filter(|state| *state != WebhookDeliveryState::Delivered);
    let conditions = [
        filter.kind.is_some(),
        filter.state.is_some(),
        filter.subject.is_some(),
    ];
    let conditions = conditions.into_iter().filter(|is_there| *is_there).count();
    let has_index = usize::from(subject.is_some() || of_rare_state.is_some());
    if conditions == has_index {
        return Ok(None);
    }
    // What is further counts: there are no more than so many either way. `least` would pass over a null, which stands for all.
    let mut sql = QueryBuilder::new("SELECT nullif(least(");
    let of_all = scope.all && filter.endpoint_id.is_none();
    if of_all {
        push_newest_of_all(&mut sql, page);
    }
    if of_all && has_index > 0 {
        sql.push(", ");
    }
    if !of_all || has_index > 0 {
        push_newest_of_each(&mut sql, scope, filter, page, |sql| {
            push_equal(sql, &[("subject", subject)]);
            if subject.is_none() {
                in_state("state", of_rare_state.map(WebhookDeliveryState::name))(sql);
            }
        });
    }
    sql.push("), 0)");
    sql.build_query_scalar().fetch_one(executor).await
}

/// From where on there are so many of all endpoints, however many of them there are, or 0.
fn push_newest_of_all(sql: &mut QueryBuilder<Postgres>, page: PageQuery) {
    sql.push("coalesce((SELECT CASE WHEN reached > oldest THEN reached END FROM (SELECT least(")
        .push_bind(page.below())
        .push(", pg_sequence_last_value(pg_get_serial_sequence('webhook_deliveries', 'position')::regclass) + 1) - ")
        .push_bind(SEARCHED)
        .push(" AS reached, (SELECT position FROM webhook_deliveries ORDER BY created_at, position LIMIT 1) AS oldest) d), 0)");
}

/// From where on there are so many that an index has, or 0: the endpoints that have any have equal shares.
fn push_newest_of_each(
    sql: &mut QueryBuilder<Postgres>,
    scope: Scope<'_>,
    filter: &WebhookDeliveryFilter,
    page: PageQuery,
    of_index: impl Fn(&mut QueryBuilder<Postgres>),
) {
    let push_newest = |sql: &mut QueryBuilder<Postgres>, endpoint: &str| {
        sql.push(
            " CROSS JOIN LATERAL (SELECT position FROM webhook_deliveries WHERE endpoint_id = ",
        )
        .push(endpoint)
        .push(" AND position < ")
        .push_bind(page.below());
        of_index(sql);
        sql.push(" ORDER BY position DESC");
    };
    sql.push("coalesce((WITH seen AS MATERIALIZED (SELECT e.id FROM webhook_endpoints e");
    push_newest(sql, "e.id");
    sql.push(" LIMIT 1) newest WHERE ");
    push_endpoints(sql, scope, filter);
    sql.push(") SELECT max(d.position) FROM seen");
    push_newest(sql, "seen.id");
    sql.push(" OFFSET (SELECT greatest(")
        .push_bind(SEARCHED)
        .push(" / greatest(count(*), 1), 1) - 1 FROM seen) LIMIT 1) d), 0)");
}

/// A page of those that may be seen, newest first: of those from `searched_to` on.
pub(crate) async fn list(
    executor: impl PgExecutor<'_>,
    scope: Scope<'_>,
    filter: &WebhookDeliveryFilter,
    page: PageQuery,
    searched_to: Option<i64>,
) -> Result<Vec<Row>, sqlx::Error> {
    // Of each endpoint its newest: there may be very many of all.
    let mut sql = QueryBuilder::new(SHOWN);
    sql.push("SELECT d.* FROM webhook_endpoints e CROSS JOIN LATERAL (SELECT * FROM webhook_deliveries WHERE endpoint_id = e.id AND position < ")
        .push_bind(page.below());
    if let Some(position) = searched_to {
        sql.push(" AND position >= ").push_bind(position);
    }
    in_state("state", filter.state.map(WebhookDeliveryState::name))(&mut sql);
    let narrowing = [
        ("kind", filter.kind.as_deref()),
        ("subject", filter.subject.as_deref()),
    ];
    push_equal(&mut sql, &narrowing);
    push_end(&mut sql, "position", page);
    sql.push(") d WHERE ");
    push_endpoints(&mut sql, scope, filter);
    push_end(&mut sql, "d.position", page);
    sql.push(ATTEMPTED).push(" ORDER BY d.position DESC");
    sql.build_query_as().fetch_all(executor).await
}

/// One that may be seen.
pub(crate) async fn find(
    executor: impl PgExecutor<'_>,
    scope: Scope<'_>,
    delivery: Uuid,
) -> Result<Option<Row>, sqlx::Error> {
    let mut sql = QueryBuilder::new(SHOWN);
    sql.push("SELECT d.* FROM webhook_deliveries d JOIN webhook_endpoints e ON e.id = d.endpoint_id WHERE e.status <> 'removed' AND d.id = ")
        .push_bind(delivery);
    seen_by(scope)(&mut sql);
    sql.push(ATTEMPTED);
    sql.build_query_as().fetch_optional(executor).await
}

/// What a delivery is sent by and with.
#[derive(Debug, FromRow)]
pub(crate) struct Sent {
    pub url: String,
    pub format: String,
    #[sqlx(flatten)]
    pub sale: Sale,
}

/// Where a delivery is sent to as its endpoint stands.
pub(crate) async fn sent(
    executor: impl PgExecutor<'_>,
    delivery: Uuid,
) -> Result<Option<Sent>, sqlx::Error> {
    sqlx::query_as(concat!(
        "SELECT e.url, e.format, ",
        sale_columns!(),
        " FROM webhook_deliveries d JOIN webhook_endpoints e ON e.id = d.endpoint_id
          LEFT JOIN postback_sales o ON o.conversion_id = d.subject AND o.partner_id = e.partner_id
         WHERE d.id = $1"
    ))
    .bind(delivery)
    .fetch_optional(executor)
    .await
}

#[cfg(test)]
mod tests {
    use chassis::page::{Cursor, Form};
    use runtime::testing::{TestService, rows_read};
    use types::BrandId;

    use super::*;
    use crate::Notify;

    const PAGE: PageQuery = PageQuery {
        limit: 50,
        cursor: None,
        form: Form::Json,
    };
    const ALL: WebhookDeliveryFilter = WebhookDeliveryFilter {
        endpoint_id: None,
        state: None,
        kind: None,
        subject: None,
    };

    /// A brand's endpoint with very many deliveries, of which the first is like none behind it.
    async fn with_very_many() -> TestService {
        let service = TestService::start::<Notify>(crate::define).await;
        sqlx::raw_sql(
            "INSERT INTO webhook_endpoints (id, position, brand_id, url, kinds, status, secret_version, enabled_at, created_at, changed_at)
             VALUES ('endpoint1', 1, 'brand1', 'https://hooks.example.com/', '', 'enabled', 1, 0, 0, 0);
             INSERT INTO webhook_deliveries (id, endpoint_id, subject, event_id, kind, body, created_at, next_at, state)
             SELECT gen_random_uuid(), 'endpoint1', 'order' || n, gen_random_uuid(), CASE n WHEN 1 THEN 'rare' ELSE 'frequent' END, '{}',
                    (extract(epoch FROM now()) * 1000000)::bigint + n, 0,
                    CASE n WHEN 1 THEN 'failed' ELSE 'delivered' END
               FROM generate_series(1, 25000) n ORDER BY n;
             ANALYZE webhook_endpoints, webhook_deliveries",
        )
        .execute(service.pool())
        .await
        .unwrap();
        service
    }

    fn scope(brand: &BrandId) -> Scope<'_> {
        Scope {
            all: false,
            partner: None,
            brand: Some(brand),
        }
    }

    #[tokio::test]
    async fn what_failed_and_what_is_about_a_subject_is_found_among_very_many() {
        let service = with_very_many().await;
        let brand = BrandId::parse("brand1").unwrap();
        let mut tx = messaging::begin(service.pool(), "BEGIN").await.unwrap();
        let failed = WebhookDeliveryFilter {
            state: Some(WebhookDeliveryState::Failed),
            ..ALL
        };
        let of_subject = WebhookDeliveryFilter {
            subject: Some("order1".to_owned()),
            ..ALL
        };
        for filter in [failed, of_subject] {
            let searched_to = searched_to(&mut *tx, scope(&brand), &filter, PAGE).await;
            assert_eq!(searched_to.unwrap(), None, "among all");
            let found = list(&mut *tx, scope(&brand), &filter, PAGE, None).await;
            assert_eq!(found.unwrap().len(), 1, "{filter:?}");
        }
        let read = rows_read(&mut tx, "webhook_deliveries").await;
        assert!(read < 100, "{read}");
        drop(tx);
        service.stop().await;
    }

    #[tokio::test]
    async fn a_page_of_all_endpoints_is_full_however_many_there_are_of_them() {
        let service = with_very_many().await;
        sqlx::raw_sql(
            "INSERT INTO webhook_endpoints (id, position, brand_id, url, kinds, status, secret_version, enabled_at, created_at, changed_at)
             SELECT 'other' || n, 1 + n, 'brand2', 'https://hooks.example.com/', '', 'enabled', 1, 0, 0, 0 FROM generate_series(1, 1000) n",
        )
        .execute(service.pool())
        .await
        .unwrap();
        let all = Scope {
            all: true,
            partner: None,
            brand: None,
        };
        let delivered = WebhookDeliveryFilter {
            state: Some(WebhookDeliveryState::Delivered),
            ..ALL
        };
        let (mut page, mut searched) = (PAGE, Vec::new());
        loop {
            let end = searched_to(service.pool(), all, &delivered, page).await;
            let end = end.unwrap();
            let rows = list(service.pool(), all, &delivered, page, end).await;
            assert!(rows.unwrap().len() >= 50);
            searched.push(end);
            let Some(position) = end else { break };
            page.cursor = Some(Cursor { position });
        }
        assert_eq!(searched, [Some(15_001), Some(5_001), None]);
        service.stop().await;
    }

    #[tokio::test]
    async fn an_operator_finds_what_is_of_a_rare_state_and_a_kind_before_very_many_others() {
        let service = with_very_many().await;
        let all = Scope {
            all: true,
            partner: None,
            brand: None,
        };
        let failed = WebhookDeliveryFilter {
            kind: Some("rare".to_owned()),
            state: Some(WebhookDeliveryState::Failed),
            ..ALL
        };
        let of_subject = WebhookDeliveryFilter {
            subject: Some("order1".to_owned()),
            ..failed.clone()
        };
        let mut tx = messaging::begin(service.pool(), "BEGIN").await.unwrap();
        for filter in [&failed, &of_subject] {
            let end = searched_to(&mut *tx, all, filter, PAGE).await.unwrap();
            assert_eq!(end, None, "among all: {filter:?}");
            let found = list(&mut *tx, all, filter, PAGE, end).await;
            assert_eq!(found.unwrap().len(), 1, "{filter:?}");
        }
        let read = rows_read(&mut tx, "webhook_deliveries").await;
        assert!(read < 200, "{read}");
        drop(tx);
        // Where very many are of the state itself, each page says how far it looked, and the last one has it.
        sqlx::raw_sql(
            "INSERT INTO webhook_endpoints (id, position, brand_id, url, kinds, status, secret_version, enabled_at, created_at, changed_at)
             SELECT 'other' || n, 1 + n, 'brand2', 'https://hooks.example.com/', '', 'enabled', 1, 0, 0, 0 FROM generate_series(1, 1000) n;
             INSERT INTO webhook_deliveries (id, endpoint_id, subject, event_id, kind, body, created_at, next_at, state)
             SELECT gen_random_uuid(), 'other1', 'order' || n, gen_random_uuid(), 'frequent', '{}',
                    (extract(epoch FROM now()) * 1000000)::bigint + n, 0, 'failed'
               FROM generate_series(25001, 40000) n ORDER BY n;
             ANALYZE webhook_endpoints, webhook_deliveries",
        )
        .execute(service.pool())
        .await
        .unwrap();
        let (mut page, mut found, mut searched) = (PAGE, Vec::new(), Vec::new());
        loop {
            let end = searched_to(service.pool(), all, &failed, page).await;
            let end = end.unwrap();
            let rows = list(service.pool(), all, &failed, page, end).await;
            found.extend(rows.unwrap());
            searched.push(end);
            let Some(position) = end else { break };
            page.cursor = Some(Cursor { position });
        }
        assert_eq!(searched, [Some(30_001), Some(20_001), None]);
        assert_eq!(found.len(), 1);
        service.stop().await;
    }

    #[tokio::test]
    async fn one_that_is_the_first_of_its_subject_and_not_freed_yet_has_no_time() {
        let service = with_very_many().await;
        let id: Uuid = sqlx::query_scalar(concat!(
            "UPDATE webhook_deliveries SET state = 'pending', next_at = ",
            behind!(),
            " WHERE subject = 'order2' RETURNING id"
        ))
        .fetch_one(service.pool())
        .await
        .unwrap();
        let brand = BrandId::parse("brand1").unwrap();
        let found = find(service.pool(), scope(&brand), id).await;
        assert_eq!(found.unwrap().unwrap().next_at, None);
        service.stop().await;
    }

    #[tokio::test]
    async fn what_no_index_has_is_looked_for_among_so_many_for_each_page() {
        let service = with_very_many().await;
        let brand = BrandId::parse("brand1").unwrap();
        let rare = WebhookDeliveryFilter {
            kind: Some("rare".to_owned()),
            ..ALL
        };
        let delivered = WebhookDeliveryFilter {
            kind: Some("rare".to_owned()),
            state: Some(WebhookDeliveryState::Delivered),
            ..ALL
        };
        for (filter, expected) in [(rare, 1), (delivered, 0)] {
            let (mut page, mut found) = (PAGE, Vec::new());
            let mut searched = Vec::new();
            loop {
                let mut tx = messaging::begin(service.pool(), "BEGIN").await.unwrap();
                // Of transactions before it in this session too, which the server adds up once a second.
                let before = rows_read(&mut tx, "webhook_deliveries").await;
                let end = searched_to(&mut *tx, scope(&brand), &filter, page).await;
                let end = end.unwrap();
                let rows = list(&mut *tx, scope(&brand), &filter, page, end).await;
                found.extend(rows.unwrap());
                let read = rows_read(&mut tx, "webhook_deliveries").await - before;
                assert!(read <= 2 * SEARCHED + 100, "{read}");
                searched.push(end);
                let Some(position) = end else { break };
                page.cursor = Some(Cursor { position });
            }
            assert_eq!(searched, [Some(15_001), Some(5_001), None], "{filter:?}");
            assert_eq!(found.len(), expected, "{filter:?}");
        }
        service.stop().await;
    }
}
