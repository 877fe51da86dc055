//! Reports: what conversions, clicks and payouts of some days come to, by what the caller wants apart. Money is summed over the bff's own
//! tables, clicks are counted at tracking, which alone has them.

pub(crate) mod figures;
pub(crate) mod zone;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::str::FromStr;
use std::time::Duration;

use api::{COUNTED_CLICKS, ClicksQuestion, CountedClicks};
use chassis::auth::Scope;
use chassis::http::Holder;
use chassis::params::parameter;
use chassis::problem::Problem;
use chassis::time::Day;
use runtime::{Host, OrUnread};
use schemas::Service;
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use sqlx::PgConnection;
use types::{BrandId, CampaignId, Currency, GroupId, LinkCode, PartnerId};

use self::figures::Figures;
use self::zone::Zone;
use crate::store::reports::{self, Apart, EarnedRow, PaidRow, Selection};
use crate::turns::Turns;

/// Rows of a report at most: nobody reads more, and a program asks for fewer days at a time.
pub(crate) const MAX_ROWS: usize = 10_000;
/// What tracking counts apart for one report at most: groups are put together here.
const MAX_COUNTED: u32 = 50_000;
/// Days of a report at most: a leap year's.
pub(crate) const MAX_DAYS: i64 = 366;
/// So long tracking has to answer: for its turn, and to count.
const PATIENCE: Duration = Duration::from_secs(5);
/// Reports that are summed up at once, and how long one waits for its turn.
const AT_ONCE: usize = 2;
const TURN_TIMEOUT: Duration = Duration::from_secs(4);

/// Makes reports.
#[derive(Clone)]
pub(crate) struct Reports {
    host: Host,
    turns: Turns,
}

types::names! {
    /// What a report has apart.
    pub(crate) enum Grouping {
        Day = "day",
        Campaign = "campaign",
        Partner = "partner",
        Link = "link",
        Group = "group",
    }
}

/// One or two of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GroupBy(pub(crate) BTreeSet<Grouping>);

impl Default for GroupBy {
    fn default() -> Self {
        Self(BTreeSet::from([Grouping::Day]))
    }
}

impl GroupBy {
    fn has(&self, grouping: Grouping) -> bool {
        self.0.contains(&grouping)
    }
}

impl FromStr for GroupBy {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong =
            "must be one or two of day, campaign, partner, link and group, with a comma between";
        let mut by = BTreeSet::new();
        for name in text.split(',') {
            if !by.insert(Grouping::parse(name).ok_or(wrong)?) {
                return Err(wrong);
            }
        }
        if by.len() > 2 {
            return Err(wrong);
        }
        Ok(Self(by))
    }
}

impl<'de> Deserialize<'de> for GroupBy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

/// Which days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Days {
    pub(crate) first: Day,
    /// The last one, which counts too.
    pub(crate) last: Day,
    pub(crate) zone: Zone,
}

impl Days {
    /// When each begins, and when the last one ends: of the whole, where days are not apart.
    fn boundaries(self, are_apart: bool) -> Result<Vec<i64>, Problem> {
        let end = self.last.0.saturating_add(1);
        let days: Vec<i64> = if are_apart {
            (self.first.0..=end).collect()
        } else {
            vec![self.first.0, end]
        };
        let starts = days
            .into_iter()
            .map(|day| Some(self.zone.start_of(Day(day))?.get()));
        let starts: Option<Vec<i64>> = starts.collect();
        starts.ok_or_else(|| parameter("from", "must be a day that the calendar has"))
    }
}

/// What a report is to have in it.
#[derive(Debug)]
pub(crate) struct Wanted<'a> {
    pub(crate) scope: Scope<'a>,
    pub(crate) by: &'a GroupBy,
    pub(crate) days: Days,
    pub(crate) campaign: Option<&'a CampaignId>,
    pub(crate) partner: Option<&'a PartnerId>,
    pub(crate) brand: Option<&'a BrandId>,
    pub(crate) link: Option<&'a LinkCode>,
    pub(crate) currency: Option<Currency>,
}

/// What a row is of: by day, campaign, partner, link, group and currency they stand in order.
#[derive(Debug, Default, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) day: Option<Day>,
    pub(crate) campaign: Option<String>,
    pub(crate) partner: Option<String>,
    pub(crate) link: Option<String>,
    pub(crate) group: Option<String>,
    pub(crate) currency: Option<String>,
}

/// A report.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) rows: BTreeMap<Key, Figures>,
    /// By currency.
    pub(crate) totals: BTreeMap<Option<String>, Figures>,
    /// Whether clicks are known: tracking has answered.
    pub(crate) has_clicks: bool,
    /// Where payouts are in it.
    pub(crate) payouts: Payouts,
}

/// In which rows payouts are: they belong to a partner and a day, and to no campaign.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) enum Payouts {
    /// In none.
    #[default]
    Nowhere,
    /// In those of this partner.
    Of(String),
    /// In all, and in the totals.
    Everywhere,
}

impl Payouts {
    /// Whether what was paid out belongs in this row, or in totals.
    pub(crate) fn are_in(&self, key: &Key) -> bool {
        match self {
            Self::Nowhere => false,
            Self::Of(partner) => key.partner.as_ref() == Some(partner),
            Self::Everywhere => true,
        }
    }
}

impl Wanted<'_> {
    fn apart(&self) -> Apart {
        Apart {
            campaign: self.by.has(Grouping::Campaign),
            partner: self.by.has(Grouping::Partner),
            link: self.by.has(Grouping::Link),
            group: self.by.has(Grouping::Group),
        }
    }

    /// What somebody was paid says nothing of a campaign, and is not a brand's to know: who is a partner too sees its own alone.
    fn payouts(&self) -> Payouts {
        let apart = self.apart();
        let is_of_a_part = apart.campaign || apart.link || apart.group;
        let is_narrowed = self.campaign.is_some() || self.brand.is_some() || self.link.is_some();
        if is_of_a_part || is_narrowed {
            return Payouts::Nowhere;
        }
        match self.scope.partner {
            _ if self.scope.all => Payouts::Everywhere,
            Some(own) if self.scope.brand.is_none() || self.partner == Some(own) => {
                Payouts::Everywhere
            }
            Some(own) if apart.partner => Payouts::Of(own.to_string()),
            _ => Payouts::Nowhere,
        }
    }

    fn question(&self, boundaries: &[i64]) -> ClicksQuestion {
        let apart = self.apart();
        ClicksQuestion {
            boundaries: boundaries.to_vec(),
            all: self.scope.all,
            own_partner: self.scope.partner.cloned(),
            own_brand: self.scope.brand.cloned(),
            campaign_id: self.campaign.cloned(),
            partner_id: self.partner.cloned(),
            brand_id: self.brand.cloned(),
            code: self.link.cloned(),
            currency: self.currency,
            by_campaign: apart.campaign,
            by_partner: apart.partner || apart.group,
            by_brand: apart.group,
            by_link: apart.link,
            limit: MAX_COUNTED,
        }
    }

    fn key(&self, span: i32) -> Key {
        let day = self.days.first.0.saturating_add(i64::from(span));
        Key {
            day: self.by.has(Grouping::Day).then_some(Day(day)),
            ..Key::default()
        }
    }
}

impl Reports {
    pub(crate) fn new(host: &Host) -> Self {
        Self {
            host: host.clone(),
            turns: Turns::new(host, AT_ONCE, TURN_TIMEOUT),
        }
    }

    /// Makes one. Who is neither a brand nor an operator sees no groups: they are a brand's own.
    pub(crate) async fn make(
        &self,
        holders: Vec<Holder>,
        mut wanted: Wanted<'_>,
    ) -> Result<Report, Problem> {
        if wanted.by.has(Grouping::Group) && !wanted.scope.all {
            wanted.scope.partner = None;
            if wanted.scope.brand.is_none() {
                return Err(Problem::forbidden("groups are for the role brand"));
            }
        }
        let boundaries = wanted.days.boundaries(wanted.by.has(Grouping::Day))?;
        let _place = self.turns.place(holders)?;
        let question = wanted.question(&boundaries);
        let peers = self.host.peers();
        let counted = peers.ask(Service::Tracking, COUNTED_CLICKS, &question, PATIENCE);
        let (summed, counted) = tokio::join!(self.sum(&wanted, &boundaries), counted);
        let mut report = summed?;
        match counted {
            Ok(counted) => self.add_clicks(&mut report, &wanted, counted).await?,
            Err(reason) => tracing::warn!(reason, "a report has no clicks"),
        }
        report.close()
    }

    /// What money says, at one moment.
    async fn sum(&self, wanted: &Wanted<'_>, boundaries: &[i64]) -> Result<Report, Problem> {
        let mut selection = Selection {
            scope: wanted.scope,
            boundaries,
            campaign: wanted.campaign,
            partner: wanted.partner,
            brand: wanted.brand,
            link: wanted.link,
            currency: wanted.currency,
            by: wanted.apart(),
            horizon: i64::MIN,
            limit: i64::try_from(MAX_ROWS).unwrap_or(i64::MAX),
        };
        let payouts = wanted.payouts();
        let _turn = self.turns.turn().await?;
        let read = async {
            let mut tx = reports::begin(self.host.pool()).await?;
            selection.horizon = reports::horizon(&mut tx, boundaries).await?;
            let kept = reports::kept(&mut tx, &selection).await?;
            let earned = reports::earned(&mut tx, &selection).await?;
            let mut alone = reports::earned_alone(&mut tx, &selection, true).await?;
            alone.extend(reports::earned_alone(&mut tx, &selection, false).await?);
            let mut paid = Vec::new();
            if payouts != Payouts::Nowhere {
                paid = reports::paid(&mut tx, &selection).await?;
            }
            tx.commit().await?;
            Ok::<_, sqlx::Error>((kept, earned, alone, paid))
        };
        let (kept, earned, alone, paid) = read.await.or_unread()?;
        for rows in [kept.len(), earned.len(), alone.len(), paid.len()] {
            too_many(rows, MAX_ROWS)?;
        }
        let mut report = Report {
            payouts,
            ..Report::default()
        };
        for row in kept.into_iter().chain(earned).chain(alone) {
            report.add_earned(wanted, row)?;
        }
        for row in paid {
            report.add_paid(wanted, row)?;
        }
        Ok(report)
    }

    async fn add_clicks(
        &self,
        report: &mut Report,
        wanted: &Wanted<'_>,
        counted: Vec<CountedClicks>,
    ) -> Result<(), Problem> {
        too_many(
            counted.len(),
            usize::try_from(MAX_COUNTED).unwrap_or(usize::MAX),
        )?;
        let mut groups = HashMap::new();
        if wanted.by.has(Grouping::Group) {
            let read = async {
                let mut connection = self.host.pool().acquire().await?;
                groups_of(&mut connection, &counted).await
            };
            groups = read.await.or_unread()?;
        }
        for row in counted {
            let mut key = Key {
                campaign: row.campaign_id,
                link: row.code,
                currency: row.currency,
                ..wanted.key(row.span)
            };
            let of = (row.partner_id, row.brand_id);
            if wanted.by.has(Grouping::Group) {
                key.group = groups
                    .get(&of)
                    .cloned()
                    .or_else(|| default_group(of.1.as_deref()));
            }
            key.partner = of.0.filter(|_| wanted.by.has(Grouping::Partner));
            let figures = Figures {
                clicks: row.clicks,
                ..Figures::default()
            };
            report.add(wanted, key, figures);
        }
        report.has_clicks = true;
        Ok(())
    }
}

/// In which groups the partners of these clicks are, but for the default ones.
async fn groups_of(
    connection: &mut PgConnection,
    counted: &[CountedClicks],
) -> Result<HashMap<(Option<String>, Option<String>), String>, sqlx::Error> {
    let partners: BTreeSet<&str> = counted
        .iter()
        .filter_map(|it| it.partner_id.as_deref())
        .collect();
    let brands: BTreeSet<&str> = counted
        .iter()
        .filter_map(|it| it.brand_id.as_deref())
        .collect();
    let (partners, brands): (Vec<_>, Vec<_>) =
        (partners.into_iter().collect(), brands.into_iter().collect());
    let rows = reports::groups(connection, &partners, &brands).await?;
    let each = rows.into_iter();
    Ok(each
        .map(|row| ((Some(row.partner_id), Some(row.brand_id)), row.group_id))
        .collect())
}

fn default_group(brand: Option<&str>) -> Option<String> {
    let brand = BrandId::parse(brand?).ok()?;
    Some(GroupId::default_of(&brand).into_string())
}

fn too_many(rows: usize, limit: usize) -> Result<(), Problem> {
    if rows <= limit {
        return Ok(());
    }
    let detail = format!(
        "makes more than {limit} rows of these days: ask for fewer, or name a campaign, a partner, a link or a currency"
    );
    Err(parameter("group_by", detail))
}

/// A sum as the database writes it.
fn sum(text: &str) -> Result<i128, Problem> {
    text.parse().map_err(|error| Problem::internal(&error))
}

impl Report {
    fn add(&mut self, wanted: &Wanted<'_>, key: Key, figures: Figures) {
        let is_wanted = |currency: Currency| key.currency.as_deref() == Some(currency.code());
        if wanted.currency.is_none_or(is_wanted) {
            *self.rows.entry(key).or_default() += figures;
        }
    }

    /// What was paid and what was earned are of one currency, but where something is amiss: then each has its row.
    fn add_earned(&mut self, wanted: &Wanted<'_>, row: EarnedRow) -> Result<(), Problem> {
        let by_group = wanted.by.has(Grouping::Group);
        let default = || default_group(row.brand_id.as_deref());
        let key = Key {
            campaign: row.campaign_id,
            partner: row.partner_id,
            link: row.link_code,
            group: row.group_id.or_else(default).filter(|_| by_group),
            currency: row.currency.or_else(|| row.earned_in.clone()),
            ..wanted.key(row.span)
        };
        let earned = Figures {
            commissions: sum(&row.commissions)?,
            ..Figures::default()
        };
        if let Some(currency) = row.earned_in {
            let key = Key {
                currency: Some(currency),
                ..key.clone()
            };
            self.add(wanted, key, earned);
        }
        let converted = Figures {
            leads: row.leads,
            sales: row.sales,
            revenue: sum(&row.revenue)?,
            refunds: sum(&row.refunds)?,
            ..Figures::default()
        };
        if converted != Figures::default() {
            self.add(wanted, key, converted);
        }
        Ok(())
    }

    fn add_paid(&mut self, wanted: &Wanted<'_>, row: PaidRow) -> Result<(), Problem> {
        let key = Key {
            partner: row.partner_id,
            currency: Some(row.currency),
            ..wanted.key(row.span)
        };
        let figures = Figures {
            payouts: sum(&row.payouts)?,
            ..Figures::default()
        };
        self.add(wanted, key, figures);
        Ok(())
    }

    /// Adds up what there is.
    fn close(mut self) -> Result<Self, Problem> {
        too_many(self.rows.len(), MAX_ROWS)?;
        for (key, figures) in &self.rows {
            *self.totals.entry(key.currency.clone()).or_default() += *figures;
        }
        Ok(self)
    }
}
