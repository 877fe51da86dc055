//! `bans`: which partners are kept out, as adopted from campaign.

use std::collections::HashSet;

use schemas::{About, PartnerStatusAdoptedV1};
use sqlx::PgConnection;
use types::{BanId, BrandId};

use super::unreadable;

/// The bans of these partners that are in force.
pub async fn in_force(
    connection: &mut PgConnection,
    partners: &[&str],
) -> Result<HashSet<BanId>, sqlx::Error> {
    let ids: Vec<String> =
        sqlx::query_scalar("SELECT id FROM bans WHERE partner_id = ANY($1) AND status = 'banned'")
            .bind(partners)
            .fetch_all(connection)
            .await?;
    let parse = |id| BanId::parse(id).map_err(|_| unreadable("ban id"));
    ids.into_iter().map(parse).collect()
}

/// Saves what partners are now, each with the position of its event.
pub async fn save(
    connection: &mut PgConnection,
    rows: &[(About<PartnerStatusAdoptedV1>, i64)],
) -> Result<(), sqlx::Error> {
    messaging::insert_rows!(connection, rows => "bans" {
        id: text = |(ban, _)| ban.subject.as_str(),
        partner_id: text = |(ban, _)| ban.key.as_str(),
        brand_id: text = |(ban, _)| ban.brand_id.as_ref().map(BrandId::as_str),
        status: text = |(ban, _)| ban.status.name(),
        position: bigint = |(_, position)| *position,
    } on (id) set (status, position))
    .await
}
