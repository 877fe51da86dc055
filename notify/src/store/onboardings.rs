//! `onboardings`: what brands want done with applications.

use chassis::page::PageQuery;
use runtime::{column, lists};
use schemas::OnboardingChangedV1;
use sqlx::{FromRow, PgConnection, PgExecutor};
use types::{BrandId, Country, GroupId, Micros};

use crate::domain::Onboarding;

/// A row as it stands.
#[derive(Debug, FromRow)]
struct Row {
    brand_id: String,
    position: i64,
    enabled: bool,
    approves: bool,
    countries: String,
    group_id: Option<String>,
    tags: String,
    crm: bool,
    sealed_manager: Option<Vec<u8>>,
    sealed_manager_mail: Option<Vec<u8>>,
    changed_at: i64,
}

impl TryFrom<Row> for Onboarding {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> Result<Self, sqlx::Error> {
        Ok(Self {
            brand: column("brand_id", BrandId::parse(row.brand_id))?,
            wants: OnboardingChangedV1 {
                enabled: row.enabled,
                approves: row.approves,
                countries: column("countries", countries(&row.countries))?,
                group_id: column("group_id", row.group_id.map(GroupId::parse).transpose())?,
                tags: column("tags", serde_json::from_str(&row.tags))?,
                crm: row.crm,
                sealed_manager: row.sealed_manager,
                sealed_manager_mail: row.sealed_manager_mail,
            },
            changed_at: Micros(row.changed_at),
            position: row.position,
        })
    }
}

/// Countries as a column has them.
pub(super) fn countries(text: &str) -> Result<Vec<Country>, types::Invalid> {
    text.split_whitespace()
        .map(|code| Country::parse(code).map_err(|_| types::Invalid("is no country")))
        .collect()
}

/// The same, as a text.
pub(super) fn country_codes(countries: &[Country]) -> String {
    let codes: Vec<String> = countries.iter().map(ToString::to_string).collect();
    codes.join(" ")
}

/// Of these brands, as far as they said something.
pub(crate) async fn load(
    executor: impl PgExecutor<'_>,
    brands: &[String],
) -> Result<Vec<Onboarding>, sqlx::Error> {
    let sql = "SELECT * FROM onboardings WHERE brand_id = ANY($1)";
    runtime::load::<Row, _>(executor, sql, brands).await
}

/// Writes them as they stand now.
pub(crate) async fn save(
    connection: &mut PgConnection,
    onboardings: &[&Onboarding],
) -> Result<(), sqlx::Error> {
    messaging::insert_rows!(connection, onboardings => "onboardings" {
        brand_id: text = |it| it.brand.to_string(),
        position: bigint = |it| it.position,
        enabled: boolean = |it| it.wants.enabled,
        approves: boolean = |it| it.wants.approves,
        countries: text = |it| country_codes(&it.wants.countries),
        group_id: text = |it| it.wants.group_id.as_ref().map(ToString::to_string),
        // Texts: nothing in them that JSON lacks.
        tags: text = |it| serde_json::to_string(&it.wants.tags).unwrap_or_default(),
        crm: boolean = |it| it.wants.crm,
        sealed_manager: bytea = |it| it.wants.sealed_manager.clone(),
        sealed_manager_mail: bytea = |it| it.wants.sealed_manager_mail.clone(),
        changed_at: bigint = |it| it.changed_at.get(),
    } on (brand_id) set (enabled, approves, countries, group_id, tags, crm, sealed_manager, sealed_manager_mail, changed_at))
    .await
}

/// A page of them, of one brand or of all, newest first.
pub(crate) async fn list(
    executor: impl PgExecutor<'_>,
    brand: Option<&BrandId>,
    page: PageQuery,
) -> Result<Vec<Onboarding>, sqlx::Error> {
    let narrowing = [("brand_id", brand.map(BrandId::as_str))];
    let all = ("SELECT * FROM onboardings", "position");
    let rows: Vec<Row> = lists::list(executor, all, page, |_| {}, &narrowing).await?;
    rows.into_iter().map(Onboarding::try_from).collect()
}
