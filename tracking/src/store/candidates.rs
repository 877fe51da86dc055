//! Which click may have led to a report: read from `last_clicks` and `clicks`.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::Hash;
use std::iter;

use runtime::each;
use sqlx::{FromRow, PgConnection, Row as _};
use types::{
    BrandId, CampaignId, ClickId, Currency, InvalidId, LinkCode, Micros, PartnerId, TermsVersion,
    Uuid,
};

use super::erasures::is_kept;
use super::unreadable;
use crate::click_id::{self, Meaning};
use crate::domain::{Candidate, UserHash, Visitor, is_inside};

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
    /// When it happened, bounded by our time.
    pub at: Micros,
    /// The latest that a click may be which led to it.
    pub clicked_by: Micros,
}

impl Lookup {
    /// Whether this click may be what the report is about, if it is its visitor's.
    pub fn may_mean(&self, click: &Candidate) -> bool {
        let campaign = self.campaign.as_ref();
        let brand = self.brand.as_ref();
        self.click.is_none()
            && click.clicked_at <= self.clicked_by
            && campaign.is_none_or(|campaign| *campaign == click.campaign)
            && brand.is_none_or(|brand| *brand == click.brand)
    }

    fn campaign(&self) -> Option<&str> {
        self.campaign.as_ref().map(CampaignId::as_str)
    }

    fn brand(&self) -> Option<&str> {
        self.brand.as_ref().map(BrandId::as_str)
    }

    /// Which of two clicks of its visitor it is about: the greater.
    pub fn rank<'a>(&self, click: &'a Candidate) -> (bool, Micros, &'a ClickId) {
        (click.covers(self.at), click.clicked_at, &click.click)
    }
}

/// What is read of a link's terms, `t`.
macro_rules! terms {
    () => {
        "t.campaign_id, t.brand_id, t.partner_id, t.terms_version, t.window_days, t.currency,
         (SELECT max(v.window_days) FROM terms v WHERE v.campaign_id = t.campaign_id) AS max_window_days"
    };
}

/// By visitor: the last click of each campaign, of so many campaigns; who clicked on more is looked for in the past.
const BY_VISITOR: &str = r"
SELECT q.n, c.id, c.clicked_at, c.link_code
  FROM UNNEST($1::int[], $2::bytea[], $3::text[]) AS q(n, user_hash, campaign_id)
 CROSS JOIN LATERAL (
    SELECT * FROM last_clicks l
     WHERE l.user_hash = q.user_hash AND (q.campaign_id IS NULL OR l.campaign_id = q.campaign_id)
     LIMIT $4
 ) c";

/// The most last clicks that are read of a visitor.
const MAX_LAST_CLICKS: i64 = 32;

/// The same in a brand's campaigns, the last of them, where a visitor has clicked in very many of others.
const BY_VISITOR_OF_BRAND: &str = r"
SELECT q.n, c.id, c.clicked_at, c.link_code
  FROM UNNEST($1::int[], $2::bytea[], $3::text[]) AS q(n, user_hash, brand_id)
 CROSS JOIN LATERAL (
    SELECT * FROM (SELECT * FROM last_clicks WHERE user_hash = q.user_hash LIMIT $5) l
     WHERE EXISTS (SELECT FROM terms k WHERE k.campaign_id = l.campaign_id AND k.brand_id = q.brand_id)
     ORDER BY l.clicked_at DESC LIMIT $4
 ) c";

/// The last clicks of a visitor before the report, with their terms, from day to day backwards. Not those that are being erased, and of
/// very many (a shop may give all its guests one id) only the last: reports are decided one after another.
macro_rules! past_clicks {
    () => {
        concat!(
            "SELECT c.id, c.clicked_at, c.link_code, t.*
               FROM (SELECT * FROM (SELECT id, clicked_at, link_code, campaign_id, user_hash FROM clicks
                                     WHERE user_hash = q.user_hash AND clicked_at <= q.clicked_by ORDER BY clicked_at DESC LIMIT $7) read
                      WHERE (q.campaign_id IS NULL OR campaign_id = q.campaign_id)
                        AND (q.brand_id IS NULL OR EXISTS (SELECT FROM terms k WHERE k.campaign_id = read.campaign_id AND k.brand_id = q.brand_id))
                      ORDER BY clicked_at DESC LIMIT $8) c
              CROSS JOIN LATERAL (SELECT ",
            terms!(),
            " FROM terms_of_links($6) t WHERE t.code = c.link_code) t
              WHERE ",
            is_kept!("t.brand_id"),
        )
    };
}

/// By visitor, among its past clicks: the last that is inside its own window, else the last at all, which then is the reason.
const BY_VISITOR_IN_THE_PAST: &str = concat!(
    r"
SELECT q.n, f.*
  FROM UNNEST($1::int[], $2::bytea[], $3::text[], $4::text[], $5::bigint[], $9::bigint[]) AS q(n, user_hash, campaign_id, brand_id, at, clicked_by)
 CROSS JOIN LATERAL (
    (",
    past_clicks!(),
    " AND c.clicked_at >= q.at - t.window_days * 86400000000 ORDER BY c.clicked_at DESC LIMIT 1)
    UNION ALL
    (",
    past_clicks!(),
    r" ORDER BY c.clicked_at DESC LIMIT 1)
    LIMIT 1
 ) f",
);

/// The most clicks that are read of a visitor in the past, for one report of a brand or for all of them that are looked up together.
const MAX_PAST_CLICKS: i64 = 10_000;
/// So many are read for each, however many reports there are.
const MIN_PAST_CLICKS: i64 = 100;
/// The most of these whose terms are looked at, if they are of the report's brand and campaign.
const MAX_PAST_CANDIDATES: i64 = 1_000;

/// By click id: that click. The bounds leave out the days that none of them is of.
const BY_ID: &str = r"
SELECT q.n, c.id, c.clicked_at, c.link_code
  FROM UNNEST($1::int[], $2::text[], $3::bigint[]) AS q(n, id, at)
  JOIN clicks c ON c.clicked_at = q.at AND c.id = q.id AND c.clicked_at BETWEEN $4 AND $5";

/// The terms that hold now for each of these links, once however many clicks they have.
const TERMS: &str = concat!(
    "SELECT code AS link_code, digest, ",
    terms!(),
    " FROM terms_of_links($3) t
 WHERE code IN (SELECT code FROM links WHERE code = ANY($1) UNION ALL SELECT code FROM links WHERE digest = ANY($2))",
);

/// A click, and the number of what it was looked for by.
#[derive(FromRow)]
struct ClickRow {
    n: i32,
    id: String,
    clicked_at: i64,
    link_code: String,
}

/// A link with its terms.
#[derive(FromRow, Clone)]
struct TermsRow {
    link_code: String,
    campaign_id: String,
    brand_id: String,
    partner_id: String,
    terms_version: i32,
    window_days: i32,
    /// The most that any terms of its campaign give.
    max_window_days: i32,
    currency: String,
}

#[derive(FromRow)]
struct Row {
    n: i32,
    id: String,
    clicked_at: i64,
    #[sqlx(flatten)]
    terms: TermsRow,
}

/// The click that may have led to each report, by the report's message, with the terms that hold for its partner now: two
/// round trips for each way in which reports name clicks, however many there are, and more where visitors have no click
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
    let stored = stored(connection, &by_id).await?;
    let terms = Terms::load(
        connection,
        stored.iter().map(|click| click.link_code.as_str()),
        signed.iter().map(|(.., digest)| *digest),
        now,
    );
    let terms = terms.await?;
    let stored = stored.into_iter().filter_map(|click| terms.row(click));
    let signed = signed.into_iter().filter_map(|(n, id, at, digest)| {
        Some(Row {
            n,
            id: id.to_string(),
            clicked_at: at.0,
            terms: terms.by_digest.get(&digest)?.clone(),
        })
    });
    for row in stored.chain(signed) {
        let lookup = at(lookups, row.n)?;
        found.insert(lookup.report, row.candidate()?);
    }
    Ok(found)
}

/// The links that clicks have, with the terms that hold for them now.
#[derive(Default)]
struct Terms {
    by_code: HashMap<String, TermsRow>,
    by_digest: HashMap<i64, TermsRow>,
}

impl Terms {
    async fn load<'a>(
        connection: &mut PgConnection,
        codes: impl Iterator<Item = &'a str>,
        digests: impl Iterator<Item = i64>,
        now: Micros,
    ) -> Result<Self, sqlx::Error> {
        let codes: HashSet<&str> = codes.collect();
        let digests: HashSet<i64> = digests.collect();
        let mut terms = Self::default();
        if codes.is_empty() && digests.is_empty() {
            return Ok(terms);
        }
        let rows = sqlx::query(TERMS)
            .bind(codes.into_iter().collect::<Vec<_>>())
            .bind(digests.into_iter().collect::<Vec<_>>())
            .bind(now.0)
            .fetch_all(connection)
            .await?;
        for row in rows {
            let (digest, row) = (row.try_get("digest")?, TermsRow::from_row(&row)?);
            terms.by_digest.insert(digest, row.clone());
            terms.by_code.insert(row.link_code.clone(), row);
        }
        Ok(terms)
    }

    /// The click with the terms of its link, where it has any.
    fn row(&self, click: ClickRow) -> Option<Row> {
        let terms = self.by_code.get(&click.link_code)?.clone();
        Some(Row {
            n: click.n,
            id: click.id,
            clicked_at: click.clicked_at,
            terms,
        })
    }
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
    for click in by_hash(connection, &others, now).await? {
        keep(&mut found, click.0.report, click);
    }
    Ok(found)
}

/// A report, and a hash that may have been kept of its visitor.
type ByHash<'a> = (&'a Lookup, &'a UserHash);

/// The click under each hash, if there is one: two round trips where there is a hash, one more where a visitor has clicked in very many
/// campaigns, and one where some clicks are later than their reports, or many, or may hide an earlier one.
async fn by_hash<'a>(
    connection: &mut PgConnection,
    hashes: &[ByHash<'a>],
    now: Micros,
) -> Result<Vec<(&'a Lookup, Candidate)>, sqlx::Error> {
    let mut found: HashMap<i32, Candidate> = HashMap::new();
    // Up to when an earlier click of the same campaign may count, though its last does not.
    let mut hidden: HashMap<i32, Micros> = HashMap::new();
    let (clicks, mut in_the_past) = last_clicks(connection, hashes, now).await?;
    for row in clicks {
        let n = row.n;
        let lookup = at(hashes, n)?.0;
        let may_hide = row.may_hide(lookup.at);
        let click = row.candidate()?;
        if lookup.brand.as_ref().is_some_and(|it| *it != click.brand) {
            continue;
        }
        if click.clicked_at > lookup.clicked_by {
            in_the_past.insert(n);
            continue;
        }
        if may_hide && !click.covers(lookup.at) {
            let hidden = hidden.entry(n).or_insert(click.clicked_at);
            *hidden = click.clicked_at.max(*hidden);
        }
        keep(&mut found, n, (lookup, click));
    }
    for (n, until) in hidden {
        let lookup = at(hashes, n)?.0;
        let known = found.get(&n).filter(|click| click.covers(lookup.at));
        if known.is_none_or(|known| known.clicked_at < until) {
            in_the_past.insert(n);
        }
    }
    if !in_the_past.is_empty() {
        let hashes_in_the_past: Vec<_> = numbered(hashes)
            .filter(|(n, _)| in_the_past.contains(n))
            .collect();
        for (clicks, hashes_in_the_past) in by_clicks_to_read(hashes_in_the_past) {
            let read = clicks_in_the_past(connection, &hashes_in_the_past, clicks, now);
            for row in read.await? {
                let (n, click) = (row.n, row.candidate()?);
                keep(&mut found, n, (at(hashes, n)?.0, click));
            }
        }
    }
    let found = found.into_iter();
    found
        .map(|(n, click)| Ok((at(hashes, n)?.0, click)))
        .collect()
}

/// The greater of two clicks of a visitor.
fn keep<K: Eq + Hash>(
    found: &mut HashMap<K, Candidate>,
    of: K,
    (lookup, click): (&Lookup, Candidate),
) {
    let known = found.get(&of);
    if known.is_none_or(|known| lookup.rank(known) < lookup.rank(&click)) {
        found.insert(of, click);
    }
}

fn numbered<'a, 'h>(hashes: &'h [ByHash<'a>]) -> impl Iterator<Item = (i32, ByHash<'a>)> + 'h {
    (0_i32..).zip(hashes.iter().copied())
}

/// The last click of each campaign under each hash, by the hash's number; and the hashes that may have more of them.
async fn last_clicks(
    connection: &mut PgConnection,
    hashes: &[ByHash<'_>],
    now: Micros,
) -> Result<(Vec<Row>, HashSet<i32>), sqlx::Error> {
    if hashes.is_empty() {
        return Ok(Default::default());
    }
    let mut clicks: Vec<ClickRow> = sqlx::query_as(BY_VISITOR)
        .bind(numbered(hashes).map(|(n, _)| n).collect::<Vec<_>>())
        .bind(each(hashes, |(_, hash)| hash.0.as_slice()))
        .bind(each(hashes, |(lookup, _)| lookup.campaign()))
        .bind(MAX_LAST_CLICKS)
        .fetch_all(&mut *connection)
        .await?;
    // Of all that were read: one whose link has no terms here counts to the limit too.
    let mut read: HashMap<i32, i64> = HashMap::new();
    for click in &clicks {
        *read.entry(click.n).or_default() += 1;
    }
    let full = read
        .into_iter()
        .filter(|(_, read)| *read == MAX_LAST_CLICKS);
    let full: HashSet<i32> = full.map(|(n, _)| n).collect();
    let of_brands: Vec<_> = numbered(hashes)
        .filter(|(n, (lookup, _))| full.contains(n) && lookup.brand.is_some())
        .collect();
    for (most, hashes) in by_clicks_to_read(of_brands) {
        let of_brand: Vec<ClickRow> = sqlx::query_as(BY_VISITOR_OF_BRAND)
            .bind(each(&hashes, |(n, _)| *n))
            .bind(each(&hashes, |(_, (_, hash))| hash.0.as_slice()))
            .bind(each(&hashes, |(_, (lookup, _))| lookup.brand()))
            .bind(MAX_LAST_CLICKS)
            .bind(most)
            .fetch_all(&mut *connection)
            .await?;
        clicks.extend(of_brand);
    }
    let codes = clicks.iter().map(|click| click.link_code.as_str());
    let terms = Terms::load(connection, codes, iter::empty(), now).await?;
    let clicks = clicks.into_iter().filter_map(|click| terms.row(click));
    Ok((clicks.collect(), full))
}

/// By how many clicks are read for each: the more reports of its brand there are, the fewer. Other brands' reports take nothing from it.
fn by_clicks_to_read(hashes: Vec<(i32, ByHash<'_>)>) -> BTreeMap<i64, Vec<(i32, ByHash<'_>)>> {
    let mut reports: HashMap<Option<&BrandId>, HashSet<Uuid>> = HashMap::new();
    for (_, (lookup, _)) in &hashes {
        let of_brand = reports.entry(lookup.brand.as_ref()).or_default();
        of_brand.insert(lookup.report);
    }
    let mut by_clicks: BTreeMap<i64, Vec<_>> = BTreeMap::new();
    for hash in hashes {
        let of_brand = reports.get(&hash.1.0.brand.as_ref());
        let count = of_brand.and_then(|of_brand| i64::try_from(of_brand.len()).ok());
        let clicks = MAX_PAST_CLICKS / count.unwrap_or(i64::MAX).max(1);
        let clicks = clicks.max(MIN_PAST_CLICKS);
        by_clicks.entry(clicks).or_default().push(hash);
    }
    by_clicks
}

async fn clicks_in_the_past(
    connection: &mut PgConnection,
    hashes: &[(i32, ByHash<'_>)],
    most: i64,
    now: Micros,
) -> Result<Vec<Row>, sqlx::Error> {
    sqlx::query_as(BY_VISITOR_IN_THE_PAST)
        .bind(each(hashes, |(n, _)| *n))
        .bind(each(hashes, |(_, (_, hash))| hash.0.as_slice()))
        .bind(each(hashes, |(_, (lookup, _))| lookup.campaign()))
        .bind(each(hashes, |(_, (lookup, _))| lookup.brand()))
        .bind(each(hashes, |(_, (lookup, _))| lookup.at.0))
        .bind(now.0)
        .bind(most)
        .bind(MAX_PAST_CANDIDATES)
        .bind(each(hashes, |(_, (lookup, _))| lookup.clicked_by.0))
        .fetch_all(connection)
        .await
}

async fn stored(
    connection: &mut PgConnection,
    lookups: &[(i32, &ClickId, Micros)],
) -> Result<Vec<ClickRow>, sqlx::Error> {
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
        .fetch_all(connection)
        .await
}

impl Row {
    /// Whether an earlier click of the same campaign may be inside its window then.
    fn may_hide(&self, at: Micros) -> bool {
        is_inside(Micros(self.clicked_at), self.terms.max_window_days, at)
    }

    fn candidate(self) -> Result<Candidate, sqlx::Error> {
        let wrong = |_: InvalidId| unreadable("id");
        let terms = self.terms;
        let version = TermsVersion::new(terms.terms_version);
        Ok(Candidate {
            click: ClickId::parse(self.id).map_err(wrong)?,
            clicked_at: Micros(self.clicked_at),
            link: LinkCode::parse(terms.link_code).map_err(wrong)?,
            campaign: CampaignId::parse(terms.campaign_id).map_err(wrong)?,
            brand: BrandId::parse(terms.brand_id).map_err(wrong)?,
            partner: PartnerId::parse(terms.partner_id).map_err(wrong)?,
            terms_version: version.map_err(|_| unreadable("terms version"))?,
            window_days: terms.window_days,
            currency: Currency::parse(&terms.currency).map_err(|_| unreadable("currency"))?,
        })
    }
}
