//! `groups` and `memberships`: how many links partners may have, as adopted from campaign.

use std::collections::{HashMap, HashSet};

use schemas::{About, GroupAdoptedV1, PartnerMoveAdoptedV1};
use sqlx::PgConnection;
use types::{BrandId, GroupId, MembershipId, PartnerId};

use super::unreadable;
use crate::domain::Groups;

/// What limits the links of these partners in campaigns of these brands: of a brand's groups, of which there may be very many, the default
/// one, and those that these partners are in or are moved `into`. Links are counted where there is a limit, and up to it: a partner may have
/// very many. Where groups or memberships are `changing`, that is any limit of these groups, and any up to this.
pub async fn load(
    connection: &mut PgConnection,
    makers: &[(&BrandId, &PartnerId)],
    changing: Option<i32>,
    into: &[GroupId],
) -> Result<Groups, sqlx::Error> {
    let (brands, partners): (Vec<&str>, Vec<&str>) = makers
        .iter()
        .map(|(brand, partner)| (brand.as_str(), partner.as_str()))
        .unzip();
    let id = |id| GroupId::parse(id).map_err(|_| unreadable("group id"));
    let rows: Vec<(String, String)> = sqlx::query_as(
        "SELECT id, group_id FROM memberships WHERE brand_id = ANY($1) AND partner_id = ANY($2)",
    )
    .bind(&brands)
    .bind(&partners)
    .fetch_all(&mut *connection)
    .await?;
    let members: Result<HashMap<_, _>, sqlx::Error> = rows
        .into_iter()
        .map(|(member, group)| {
            let member = MembershipId::parse(member).map_err(|_| unreadable("membership id"))?;
            Ok((member, id(group)?))
        })
        .collect();
    let members = members?;
    let mut named: HashSet<GroupId> = makers
        .iter()
        .map(|(brand, _)| GroupId::default_of(brand))
        .collect();
    named.extend(members.values().chain(into).cloned());
    let named: Vec<&str> = named.iter().map(GroupId::as_str).collect();
    let rows: Vec<(String, Option<i32>)> = sqlx::query_as(
        "SELECT id, link_limit FROM groups WHERE id = ANY($1) AND brand_id = ANY($2) AND status = 'active'",
    )
    .bind(named)
    .bind(&brands)
    .fetch_all(&mut *connection)
    .await?;
    let limits = rows.into_iter();
    let limits = limits.map(|(group, limit)| Ok((id(group)?, limit)));
    let limits: HashMap<_, _> = limits.collect::<Result<_, sqlx::Error>>()?;
    let mut groups = Groups {
        limits,
        members,
        links: HashMap::new(),
    };
    let any = changing.max(groups.limits.values().copied().max().flatten());
    let limited: Vec<_> = makers
        .iter()
        .filter_map(|&(brand, partner)| {
            let limit = groups.limit(partner, brand);
            let most = if changing.is_some() { any } else { limit };
            Some((brand, partner, most?))
        })
        .collect();
    groups.links = count(connection, &limited).await?;
    Ok(groups)
}

/// How many links these partners have in campaigns of these brands, each counted up to so many.
async fn count(
    connection: &mut PgConnection,
    limited: &[(&BrandId, &PartnerId, i32)],
) -> Result<HashMap<(BrandId, PartnerId), i64>, sqlx::Error> {
    if limited.is_empty() {
        return Ok(HashMap::new());
    }
    let brands: Vec<&str> = limited.iter().map(|(brand, ..)| brand.as_str()).collect();
    let partners: Vec<&str> = limited.iter().map(|(_, it, _)| it.as_str()).collect();
    let most: Vec<i32> = limited.iter().map(|(.., most)| *most).collect();
    // From each campaign in which the partner has links to the next: of one there may be very many.
    let counts: Vec<i64> = sqlx::query_scalar(
        "SELECT (WITH RECURSIVE walk (id) AS (
                   (SELECT campaign_id FROM links WHERE partner_id = n.partner_id ORDER BY campaign_id LIMIT 1)
                   UNION ALL
                   SELECT (SELECT campaign_id FROM links WHERE partner_id = n.partner_id AND campaign_id > walk.id
                            ORDER BY campaign_id LIMIT 1) FROM walk WHERE walk.id IS NOT NULL)
                 SELECT count(*) FROM (
                   SELECT FROM walk CROSS JOIN LATERAL (
                          SELECT FROM links WHERE partner_id = n.partner_id AND campaign_id = walk.id OFFSET 0) l
                    WHERE (SELECT brand_id FROM campaigns WHERE id = walk.id) = n.brand_id LIMIT n.most) f)
           FROM UNNEST($1::text[], $2::text[], $3::int[]) WITH ORDINALITY AS n (brand_id, partner_id, most, place)
          ORDER BY n.place",
    )
    .bind(brands)
    .bind(partners)
    .bind(most)
    .fetch_all(connection)
    .await?;
    let both = limited
        .iter()
        .map(|&(brand, partner, _)| (brand.clone(), partner.clone()));
    Ok(both.zip(counts).collect())
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
