//! `groups` and `memberships`: how many links partners may have, as adopted from campaign.

use std::collections::HashMap;

use schemas::{About, GroupAdoptedV1, PartnerMoveAdoptedV1};
use sqlx::PgConnection;
use types::{BrandId, GroupId, MembershipId, PartnerId};

use super::unreadable;
use crate::domain::Groups;

/// What links of these partners in campaigns of these brands are limited by. They are counted only where there is a limit, or may be one
/// since `limits_change`: a partner may have very many.
pub async fn load(
    connection: &mut PgConnection,
    brands: &[&str],
    partners: &[&str],
    limits_change: bool,
) -> Result<Groups, sqlx::Error> {
    let rows: Vec<(String, Option<i32>)> = sqlx::query_as(
        "SELECT id, link_limit FROM groups WHERE brand_id = ANY($1) AND status = 'active'",
    )
    .bind(brands)
    .fetch_all(&mut *connection)
    .await?;
    let id = |id| GroupId::parse(id).map_err(|_| unreadable("group id"));
    let limits = rows.into_iter();
    let limits = limits.map(|(group, limit)| Ok((id(group)?, limit)));
    let limits: HashMap<_, _> = limits.collect::<Result<_, sqlx::Error>>()?;
    let rows: Vec<(String, String)> = sqlx::query_as(
        "SELECT id, group_id FROM memberships WHERE brand_id = ANY($1) AND partner_id = ANY($2)",
    )
    .bind(brands)
    .bind(partners)
    .fetch_all(&mut *connection)
    .await?;
    let members: Result<HashMap<_, _>, sqlx::Error> = rows
        .into_iter()
        .map(|(member, group)| {
            let member = MembershipId::parse(member).map_err(|_| unreadable("membership id"))?;
            Ok((member, id(group)?))
        })
        .collect();
    let rows: Vec<(String, String, i64)> = if limits_change || limits.values().any(Option::is_some)
    {
        sqlx::query_as(
            "SELECT c.brand_id, l.partner_id, count(*) FROM links l JOIN campaigns c ON c.id = l.campaign_id
              WHERE l.partner_id = ANY($2) AND c.brand_id = ANY($1) GROUP BY c.brand_id, l.partner_id",
        )
        .bind(brands)
        .bind(partners)
        .fetch_all(connection)
        .await?
    } else {
        Vec::new()
    };
    let links: Result<HashMap<_, _>, sqlx::Error> = rows
        .into_iter()
        .map(|(brand, partner, count)| {
            let brand = BrandId::parse(brand).map_err(|_| unreadable("brand id"))?;
            let partner = PartnerId::parse(partner).map_err(|_| unreadable("partner id"))?;
            Ok(((brand, partner), count))
        })
        .collect();
    Ok(Groups {
        limits,
        members: members?,
        links: links?,
    })
}

/// Saves groups as they are now, each with the position of its event.
pub async fn save(
    connection: &mut PgConnection,
    rows: &[(About<GroupAdoptedV1>, i64)],
) -> Result<(), sqlx::Error> {
    messaging::insert_rows!(connection, rows => "groups" {
        id: text = |(group, _)| group.subject.as_str(),
        brand_id: text = |(group, _)| group.key.as_str(),
        link_limit: int = |(group, _)| group.link_limit,
        status: text = |(group, _)| group.status.name(),
        position: bigint = |(_, position)| *position,
    } on (id) set (link_limit, status, position))
    .await
}

/// Saves in which groups partners are now.
pub async fn save_members(
    connection: &mut PgConnection,
    rows: &[(About<PartnerMoveAdoptedV1>, i64)],
) -> Result<(), sqlx::Error> {
    messaging::insert_rows!(connection, rows => "memberships" {
        id: text = |(moved, _)| moved.subject.as_str(),
        brand_id: text = |(moved, _)| moved.key.as_str(),
        partner_id: text = |(moved, _)| moved.partner_id.as_str(),
        group_id: text = |(moved, _)| moved.group_id.as_str(),
        position: bigint = |(_, position)| *position,
    } on (id) set (group_id, position))
    .await
}
