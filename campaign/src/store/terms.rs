//! `terms`: one row per published version; never changed.

use chassis::page::PageQuery;
use runtime::column;
use sqlx::{FromRow, PgConnection, PgExecutor};
use types::{
    CampaignId, Currency, Earning, HoldDays, Micros, Money, Plan, TermsVersion, WindowDays,
};

use crate::domain::{Place, Terms};

/// A version of a campaign's terms, to be written.
#[derive(Debug, Clone)]
pub(crate) struct Published {
    pub campaign: CampaignId,
    pub terms: Terms,
    pub place: Place,
}

/// A version with its plan and its text, as it stands.
#[derive(Debug, FromRow)]
pub(crate) struct Row {
    pub version: i32,
    pub position: i64,
    pub window_days: i32,
    pub effective_at: i64,
    pub text_hash: Option<String>,
    pub worsens: Option<bool>,
    pub sale_bps: Option<i32>,
    pub sale_flat: Option<i64>,
    pub lead_bps: Option<i32>,
    pub lead_flat: Option<i64>,
    pub hold_days: i32,
    pub text: Option<String>,
}

/// Writes new versions.
pub(crate) async fn insert(
    connection: &mut PgConnection,
    published: &[Published],
) -> Result<(), sqlx::Error> {
    messaging::insert_rows!(connection, published => "terms" {
        campaign_id: text = |p| p.campaign.to_string(),
        version: int = |p| p.terms.version.get(),
        position: bigint = |p| p.place.position,
        window_days: int = |p| p.terms.window.get(),
        effective_at: bigint = |p| p.terms.effective_at.get(),
        text_hash: text = |p| p.terms.text_hash.as_deref(),
        worsens: boolean = |p| p.terms.worsens,
    })
    .await
}

/// Of these campaigns the versions in force since that time, those of the same moment and the last before it, and those that come into
/// force after them, oldest first.
pub(super) async fn current(
    connection: &mut PgConnection,
    campaigns: &[String],
    since: Micros,
    now: Micros,
) -> Result<Vec<(CampaignId, Terms)>, sqlx::Error> {
    #[derive(FromRow)]
    struct Current {
        campaign_id: String,
        currency: String,
        #[sqlx(flatten)]
        row: Row,
    }
    let rows: Vec<Current> = sqlx::query_as(
        "SELECT t.campaign_id, c.currency, t.version, t.position, t.window_days, t.effective_at, t.text_hash, t.worsens,
                p.sale_bps, p.sale_flat, p.lead_bps, p.lead_flat, p.hold_days, NULL::text AS text
           FROM terms t JOIN plans p USING (campaign_id, version) JOIN campaigns c ON c.id = t.campaign_id
          WHERE t.campaign_id = ANY($1)
            AND t.version >= coalesce((SELECT max(f.version) FROM terms f
                                        WHERE f.campaign_id = t.campaign_id AND f.effective_at < $3), 1)
            AND (t.effective_at <= $2 OR NOT EXISTS (SELECT FROM terms s
                                                      WHERE s.campaign_id = t.campaign_id AND s.version > t.version
                                                        AND s.effective_at <= t.effective_at))
          ORDER BY t.campaign_id, t.version",
    )
    .bind(campaigns)
    .bind(now.get())
    .bind(since.get())
    .fetch_all(connection)
    .await?;
    let terms = rows.into_iter().map(|current| {
        let campaign = column("campaign_id", CampaignId::parse(current.campaign_id))?;
        let currency = column("currency", Currency::parse(&current.currency))?;
        Ok((campaign, current.row.terms(currency)?))
    });
    terms.collect()
}

impl Row {
    fn terms(self, currency: Currency) -> Result<Terms, sqlx::Error> {
        let earning = |bps, flat: Option<i64>| {
            let flat = flat.map(|minor| Money::new(minor, currency));
            column("plans", Earning::new(bps, flat))
        };
        let sale = earning(self.sale_bps, self.sale_flat)?;
        let lead = earning(self.lead_bps, self.lead_flat)?;
        let hold = column("hold_days", HoldDays::new(self.hold_days))?;
        Ok(Terms {
            version: column("version", TermsVersion::new(self.version))?,
            window: column("window_days", WindowDays::new(self.window_days))?,
            plan: column("plans", Plan::new(sale, lead, hold))?,
            effective_at: Micros(self.effective_at),
            text_hash: self.text_hash,
            worsens: self.worsens,
        })
    }
}

/// A page of a campaign's versions, newest first.
pub(crate) async fn list(
    executor: impl PgExecutor<'_>,
    campaign: &CampaignId,
    page: PageQuery,
) -> Result<Vec<Row>, sqlx::Error> {
    sqlx::query_as(
        "SELECT t.version, t.position, t.window_days, t.effective_at, p.sale_bps, p.sale_flat, p.lead_bps, p.lead_flat,
                p.hold_days, x.text, t.text_hash, t.worsens
           FROM terms t
           JOIN plans p USING (campaign_id, version)
           LEFT JOIN terms_texts x USING (campaign_id, version)
          WHERE t.campaign_id = $1 AND t.position < $2
          ORDER BY t.position DESC LIMIT $3",
    )
    .bind(campaign.as_str())
    .bind(page.below())
    .bind(page.rows())
    .fetch_all(executor)
    .await
}
