//! `terms_mailings`: versions of terms that partners are being mailed about, one step after the other. `worsening_terms`: those that hold only
//! for who accepted them, or a later one.

use std::collections::BTreeMap;

use schemas::{Body, Message};
use sqlx::{FromRow, PgConnection, PgPool};
use types::Uuid;

use crate::mail;

/// A version of terms that takes the place of another.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub(crate) struct TermsMailing {
    pub(crate) event_id: Uuid,
    pub(crate) campaign_id: String,
    pub(crate) correlation_id: Uuid,
    pub(crate) version: i32,
    pub(crate) effective_at: i64,
    pub(crate) worsens: bool,
    /// Partners up to this one are done.
    pub(crate) after_partner: String,
}

impl TermsMailing {
    /// Of a fact that partners are mailed about: the first version changes nothing for anybody.
    pub(crate) fn of(fact: &Message) -> Option<Self> {
        let Body::TermsPublishedV1(published) = &fact.body else {
            return None;
        };
        let version = published.version.get();
        (version > 1).then(|| Self {
            event_id: fact.header.id,
            campaign_id: fact.header.key.clone(),
            correlation_id: fact.header.correlation_id,
            version,
            effective_at: published.effective_at.get(),
            worsens: mail::worsens(published),
            after_partner: String::new(),
        })
    }
}

/// Keeps those that are to be begun, and which versions worsen something. Of those of an earlier number that would come into force no earlier
/// than these, and so never do, nobody is told any more, nor of one whose number was given out again after a restore: who accepted that one, or a
/// later one, is on the version before.
pub(crate) async fn insert(
    connection: &mut PgConnection,
    mailings: &[TermsMailing],
) -> Result<(), sqlx::Error> {
    if mailings.is_empty() {
        return Ok(());
    }
    let by_number = mailings
        .iter()
        .map(|it| ((it.campaign_id.as_str(), it.version), it));
    let latest: BTreeMap<_, _> = by_number.collect();
    let mailings: Vec<&TermsMailing> = latest.into_values().collect();
    sqlx::query(
        "WITH n AS (SELECT * FROM UNNEST($1::text[], $2::int[], $3::uuid[]) AS n(campaign_id, version, event_id)),
              mailings AS (DELETE FROM terms_mailings t USING n
                            WHERE t.campaign_id = n.campaign_id AND t.version = n.version AND t.event_id <> n.event_id)
         DELETE FROM worsening_terms w USING n WHERE w.campaign_id = n.campaign_id AND w.version = n.version",
    )
    .bind(mailings.iter().map(|it| it.campaign_id.as_str()).collect::<Vec<_>>())
    .bind(mailings.iter().map(|it| it.version).collect::<Vec<_>>())
    .bind(mailings.iter().map(|it| it.event_id).collect::<Vec<_>>())
    .execute(&mut *connection)
    .await?;
    sqlx::query(
        "UPDATE enrolled e SET terms_version = n.version - 1
           FROM (SELECT campaign_id, min(version) AS version FROM UNNEST($1::text[], $2::int[]) AS n(campaign_id, version) GROUP BY 1) n
          WHERE e.campaign_id = n.campaign_id AND e.terms_version >= n.version",
    )
    .bind(mailings.iter().map(|it| it.campaign_id.as_str()).collect::<Vec<_>>())
    .bind(mailings.iter().map(|it| it.version).collect::<Vec<_>>())
    .execute(&mut *connection)
    .await?;
    let worse: Vec<_> = mailings.iter().filter(|it| it.worsens).collect();
    messaging::insert_rows!(&mut *connection, worse => "worsening_terms" {
        campaign_id: text = |it| it.campaign_id.clone(),
        version: int = |it| it.version,
        effective_at: bigint = |it| it.effective_at,
    } "ON CONFLICT DO NOTHING")
    .await?;
    messaging::insert_rows!(&mut *connection, mailings => "terms_mailings" {
        event_id: uuid = |it| it.event_id,
        campaign_id: text = |it| it.campaign_id.clone(),
        correlation_id: uuid = |it| it.correlation_id,
        version: int = |it| it.version,
        effective_at: bigint = |it| it.effective_at,
        worsens: boolean = |it| it.worsens,
    } "ON CONFLICT DO NOTHING")
    .await?;
    sqlx::query(
        "WITH n AS (SELECT * FROM UNNEST($1::text[], $2::int[], $3::bigint[]) AS n(campaign_id, version, effective_at)),
              mailings AS (DELETE FROM terms_mailings t USING n
                            WHERE t.campaign_id = n.campaign_id AND t.version < n.version AND t.effective_at >= n.effective_at)
         DELETE FROM worsening_terms w USING n
          WHERE w.campaign_id = n.campaign_id AND w.version < n.version AND w.effective_at >= n.effective_at",
    )
    .bind(mailings.iter().map(|it| it.campaign_id.as_str()).collect::<Vec<_>>())
    .bind(mailings.iter().map(|it| it.version).collect::<Vec<_>>())
    .bind(mailings.iter().map(|it| it.effective_at).collect::<Vec<_>>())
    .execute(connection)
    .await
    .map(|_| ())
}

/// Whether anybody is to be mailed.
pub(crate) async fn any(pool: &PgPool) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("SELECT EXISTS (SELECT FROM terms_mailings)")
        .fetch_one(pool)
        .await
}

/// The oldest one that no other transaction goes on with, for this one alone.
pub(crate) async fn next(
    connection: &mut PgConnection,
) -> Result<Option<TermsMailing>, sqlx::Error> {
    sqlx::query_as("SELECT * FROM terms_mailings ORDER BY position LIMIT 1 FOR UPDATE SKIP LOCKED")
        .fetch_optional(connection)
        .await
}

/// The next partners who are on a version before it, by id, each with whether something worsens for it up to this version.
pub(crate) async fn partners(
    connection: &mut PgConnection,
    mailing: &TermsMailing,
    most: i64,
) -> Result<Vec<(String, bool)>, sqlx::Error> {
    sqlx::query_as(
        "SELECT partner_id, EXISTS (SELECT FROM worsening_terms w
                                     WHERE w.campaign_id = e.campaign_id AND w.version > e.terms_version AND w.version <= $3)
           FROM enrolled e WHERE campaign_id = $1 AND partner_id > $2 AND terms_version < $3 ORDER BY partner_id LIMIT $4",
    )
    .bind(&mailing.campaign_id)
    .bind(&mailing.after_partner)
    .bind(mailing.version)
    .bind(most)
    .fetch_all(connection)
    .await
}

/// Goes on behind that partner; `None`: it is done.
pub(crate) async fn go_on(
    connection: &mut PgConnection,
    event_id: Uuid,
    after: Option<&str>,
) -> Result<(), sqlx::Error> {
    let sql = match after {
        Some(_) => "UPDATE terms_mailings SET after_partner = $2 WHERE event_id = $1",
        None => "DELETE FROM terms_mailings WHERE event_id = $1 AND $2::text IS NULL",
    };
    sqlx::query(sql)
        .bind(event_id)
        .bind(after)
        .execute(connection)
        .await
        .map(|_| ())
}
