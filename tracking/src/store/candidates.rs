//! Which click may have led to a report: read from `last_clicks` and `clicks`.

use std::collections::{HashMap, HashSet};

use sqlx::{FromRow, PgConnection};
use types::{
    BrandId, CampaignId, ClickId, Currency, InvalidId, LinkCode, Micros, PartnerId, TermsVersion,
    Uuid,
};

use super::{each, unreadable};
use crate::click_id::{self, Meaning};
use crate::domain::{Candidate, UserHash, Visitor};

/// What a report says of its click.
#[derive(Debug)]
pub struct Lookup {
    /// The report's message.
    pub report: Uuid,
    /// Who.
    pub user: Visitor,
    /// The campaign, where it was named.
    pub campaign: Option<CampaignId>,
    /// The click, where it was named.
    pub click: Option<ClickId>,
    /// The brand that reports: its shop sells what its own campaigns led to.
    pub brand: Option<BrandId>,
    /// The claimed time, bounded by ours.
    pub at: Micros,
}

impl Lookup {
    /// Whether this click may be what the report is about, if it is its visitor's.
    pub fn may_mean(&self, click: &Candidate) -> bool {
        let campaign = self.campaign.as_ref();
        let brand = self.brand.as_ref();
        self.click.is_none()
            && click.clicked_at <= self.at
            && campaign.is_none_or(|campaign| *campaign == click.campaign)
            && brand.is_none_or(|brand| *brand == click.brand)
    }

    /// Which of two clicks of its visitor it is about: the greater, as [`BY_VISITOR`] orders them.
    pub fn rank<'a>(&self, click: &'a Candidate) -> (bool, Micros, &'a ClickId) {
        (click.covers(self.at), click.clicked_at, &click.click)
    }
}

/// By visitor: the last click that is inside its own window, else the last at all, which then is the reason; before
/// either, one that is later than the report, which then needs a look into the past.
const BY_VISITOR: &str = r"
SELECT q.n, f.*
  FROM UNNEST($1::int[], $2::bytea[], $3::text[], $4::text[], $5::bigint[]) AS q(n, user_hash, campaign_id, brand_id, at)
 CROSS JOIN LATERAL (
    SELECT c.id, c.clicked_at, c.link_code, t.campaign_id, t.brand_id, t.partner_id, t.terms_version, t.window_days, t.currency
      FROM last_clicks c JOIN terms_of_links($6) t ON t.code = c.link_code
     WHERE c.user_hash = q.user_hash AND (q.campaign_id IS NULL OR c.campaign_id = q.campaign_id)
        AND (q.brand_id IS NULL OR t.brand_id = q.brand_id)
     ORDER BY c.clicked_at > q.at DESC, c.clicked_at >= q.at - t.window_days * 86400000000 DESC, c.clicked_at DESC, c.id DESC
     LIMIT 1
 ) f";

/// The same among all clicks before the report, from day to day backwards.
const BY_VISITOR_IN_THE_PAST: &str = r"
SELECT q.n, f.*
  FROM UNNEST($1::int[], $2::bytea[], $3::text[], $4::text[], $5::bigint[]) AS q(n, user_hash, campaign_id, brand_id, at)
 CROSS JOIN LATERAL (
    (SELECT c.id, c.clicked_at, c.link_code, t.campaign_id, t.brand_id, t.partner_id, t.terms_version, t.window_days, t.currency
       FROM clicks c JOIN terms_of_links($6) t ON t.code = c.link_code
      WHERE c.user_hash = q.user_hash AND c.clicked_at <= q.at
        AND (q.campaign_id IS NULL OR c.campaign_id = q.campaign_id)
        AND (q.brand_id IS NULL OR t.brand_id = q.brand_id)
        AND c.clicked_at >= q.at - t.window_days * 86400000000
      ORDER BY c.clicked_at DESC LIMIT 1)
    UNION ALL
    (SELECT c.id, c.clicked_at, c.link_code, t.campaign_id, t.brand_id, t.partner_id, t.terms_version, t.window_days, t.currency
       FROM clicks c JOIN terms_of_links($6) t ON t.code = c.link_code
      WHERE c.user_hash = q.user_hash AND c.clicked_at <= q.at
        AND (q.campaign_id IS NULL OR c.campaign_id = q.campaign_id)
        AND (q.brand_id IS NULL OR t.brand_id = q.brand_id)
      ORDER BY c.clicked_at DESC LIMIT 1)
    LIMIT 1
 ) f";

/// By click id: that click. The bounds leave out the days that none of them is of.
const BY_ID: &str = r"
SELECT q.n, c.id, c.clicked_at, c.link_code, t.campaign_id, t.brand_id, t.partner_id, t.terms_version, t.window_days, t.currency
  FROM UNNEST($1::int[], $2::text[], $3::bigint[]) AS q(n, id, at)
  JOIN clicks c ON c.clicked_at = q.at AND c.id = q.id AND c.clicked_at BETWEEN $4 AND $5
  JOIN terms_of_links($6) t ON t.code = c.link_code";

/// By an id that stands for itself: what it says.
const BY_SIGNED_ID: &str = r"
SELECT q.n, q.id, q.at AS clicked_at, t.code AS link_code, t.campaign_id, t.brand_id, t.partner_id, t.terms_version, t.window_days, t.currency
  FROM UNNEST($1::int[], $2::text[], $3::bigint[], $4::bigint[]) AS q(n, id, at, digest)
  JOIN terms_of_links($5) t ON t.digest = q.digest";

#[derive(FromRow)]
struct Row {
    n: i32,
    id: String,
    clicked_at: i64,
    link_code: String,
    campaign_id: String,
    brand_id: String,
    partner_id: String,
    terms_version: i32,
    window_days: i32,
    currency: String,
}

/// The click that may have led to each report, by the report's message, with the terms that hold for its partner now: a
/// round trip for each way in which reports name clicks, however many there are, and one more where visitors have no click
/// that counts.
pub async fn load(
    connection: &mut PgConnection,
    lookups: &[Lookup],
    now: Micros,
) -> Result<HashMap<Uuid, Candidate>, sqlx::Error> {
    let (mut by_visitor, mut by_id, mut signed) = (Vec::new(), Vec::new(), Vec::new());
    for (n, lookup) in (0_i32..).zip(lookups) {
        let meaning = lookup.click.as_ref().map(|id| (id, click_id::read(id)));
        match meaning {
            None => by_visitor.push(lookup),
            Some((id, Some(Meaning::Stored(at)))) => by_id.push((n, id, at)),
            Some((id, Some(Meaning::Signed { at, link }))) => signed.push((n, id, at, link)),
            Some((_, None)) => {}
        }
    }
    let mut found = of_visitors(connection, &by_visitor, now).await?;
    let mut rows = stored(connection, &by_id, now).await?;
    rows.extend(self_contained(connection, &signed, now).await?);
    for row in rows {
        let lookup = at(lookups, row.n)?;
        found.insert(lookup.report, row.candidate()?);
    }
    Ok(found)
}

/// What has this number.
fn at<T>(all: &[T], n: i32) -> Result<&T, sqlx::Error> {
    let found = usize::try_from(n).ok().and_then(|n| all.get(n));
    found.ok_or_else(|| unreadable("report's number"))
}

/// Each visitor's click by the current hash. Where that finds none that counts, by the other hashes too: of all these the
/// last that counts, else the last.
async fn of_visitors(
    connection: &mut PgConnection,
    lookups: &[&Lookup],
    now: Micros,
) -> Result<HashMap<Uuid, Candidate>, sqlx::Error> {
    let current = each(lookups, |lookup| (*lookup, &lookup.user.hash));
    let clicks = by_hash(connection, &current, now).await?.into_iter();
    let mut found: HashMap<Uuid, Candidate> = clicks
        .map(|(lookup, click)| (lookup.report, click))
        .collect();
    let left = lookups.iter().filter(|lookup| {
        let click = found.get(&lookup.report);
        !click.is_some_and(|click| click.covers(lookup.at))
    });
    let others: Vec<ByHash<'_>> = left
        .flat_map(|lookup| lookup.user.others.iter().map(|hash| (*lookup, hash)))
        .collect();
    for (lookup, click) in by_hash(connection, &others, now).await? {
        let known = found.get(&lookup.report);
        if known.is_none_or(|known| lookup.rank(known) < lookup.rank(&click)) {
            found.insert(lookup.report, click);
        }
    }
    Ok(found)
}

/// A report, and a hash that may have been kept of its visitor.
type ByHash<'a> = (&'a Lookup, &'a UserHash);

/// The click under each hash, if there is one: a round trip where there is a hash, and one more where some clicks are later
/// than their reports.
async fn by_hash<'a>(
    connection: &mut PgConnection,
    hashes: &[ByHash<'a>],
    now: Micros,
) -> Result<Vec<(&'a Lookup, Candidate)>, sqlx::Error> {
    let mut numbered: Vec<_> = (0_i32..).zip(hashes.iter().copied()).collect();
    let mut rows = clicks(connection, &numbered, now, BY_VISITOR).await?;
    let is_late =
        |row: &&Row| at(hashes, row.n).is_ok_and(|(lookup, _)| row.clicked_at > lookup.at.0);
    let late: HashSet<i32> = rows.iter().filter(is_late).map(|row| row.n).collect();
    if !late.is_empty() {
        rows.retain(|row| !late.contains(&row.n));
        numbered.retain(|(n, _)| late.contains(n));
        rows.extend(clicks(connection, &numbered, now, BY_VISITOR_IN_THE_PAST).await?);
    }
    rows.into_iter()
        .map(|row| Ok((at(hashes, row.n)?.0, row.candidate()?)))
        .collect()
}

async fn clicks(
    connection: &mut PgConnection,
    hashes: &[(i32, ByHash<'_>)],
    now: Micros,
    sql: &'static str,
) -> Result<Vec<Row>, sqlx::Error> {
    if hashes.is_empty() {
        return Ok(Vec::new());
    }
    sqlx::query_as(sql)
        .bind(each(hashes, |(n, _)| *n))
        .bind(each(hashes, |(_, (_, hash))| hash.0.as_slice()))
        .bind(each(hashes, |(_, (lookup, _))| {
            lookup.campaign.as_ref().map(CampaignId::as_str)
        }))
        .bind(each(hashes, |(_, (lookup, _))| {
            lookup.brand.as_ref().map(BrandId::as_str)
        }))
        .bind(each(hashes, |(_, (lookup, _))| lookup.at.0))
        .bind(now.0)
        .fetch_all(connection)
        .await
}

async fn stored(
    connection: &mut PgConnection,
    lookups: &[(i32, &ClickId, Micros)],
    now: Micros,
) -> Result<Vec<Row>, sqlx::Error> {
    let times = || lookups.iter().map(|(.., at)| at.0);
    let (Some(first), Some(last)) = (times().min(), times().max()) else {
        return Ok(Vec::new());
    };
    sqlx::query_as(BY_ID)
        .bind(each(lookups, |(n, ..)| *n))
        .bind(each(lookups, |(_, id, _)| id.as_str()))
        .bind(each(lookups, |(.., at)| at.0))
        .bind(first)
        .bind(last)
        .bind(now.0)
        .fetch_all(connection)
        .await
}

async fn self_contained(
    connection: &mut PgConnection,
    lookups: &[(i32, &ClickId, Micros, i64)],
    now: Micros,
) -> Result<Vec<Row>, sqlx::Error> {
    if lookups.is_empty() {
        return Ok(Vec::new());
    }
    sqlx::query_as(BY_SIGNED_ID)
        .bind(each(lookups, |(n, ..)| *n))
        .bind(each(lookups, |(_, id, ..)| id.as_str()))
        .bind(each(lookups, |(_, _, at, _)| at.0))
        .bind(each(lookups, |(.., link)| *link))
        .bind(now.0)
        .fetch_all(connection)
        .await
}

impl Row {
    fn candidate(self) -> Result<Candidate, sqlx::Error> {
        let wrong = |_: InvalidId| unreadable("id");
        let version = TermsVersion::new(self.terms_version);
        Ok(Candidate {
            click: ClickId::parse(self.id).map_err(wrong)?,
            clicked_at: Micros(self.clicked_at),
            link: LinkCode::parse(self.link_code).map_err(wrong)?,
            campaign: CampaignId::parse(self.campaign_id).map_err(wrong)?,
            brand: BrandId::parse(self.brand_id).map_err(wrong)?,
            partner: PartnerId::parse(self.partner_id).map_err(wrong)?,
            terms_version: version.map_err(|_| unreadable("terms version"))?,
            window_days: self.window_days,
            currency: Currency::parse(&self.currency).map_err(|_| unreadable("currency"))?,
        })
    }
}
