//! `mail_templates`: brands' own subjects and texts of mails, sealed.

use runtime::column;
use schemas::MailTemplateChangedV1;
use sqlx::{FromRow, PgConnection, PgExecutor};
use types::{BrandId, MailLanguage, MailTemplateId, Micros};

use crate::domain::MailTemplate;

/// A row as it stands.
#[derive(Debug, FromRow)]
struct Row {
    id: String,
    position: i64,
    brand_id: String,
    kind: String,
    language: String,
    sealed_subject: Option<Vec<u8>>,
    sealed_text: Option<Vec<u8>>,
    changed_at: i64,
}

impl TryFrom<Row> for MailTemplate {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> Result<Self, sqlx::Error> {
        let language = MailLanguage::parse(&row.language).ok_or(());
        Ok(Self {
            id: column("id", MailTemplateId::parse(row.id))?,
            now: MailTemplateChangedV1 {
                brand_id: column("brand_id", BrandId::parse(row.brand_id))?,
                kind: row.kind,
                language: column("language", language)?,
                sealed_subject: row.sealed_subject,
                sealed_text: row.sealed_text,
            },
            changed_at: Micros(row.changed_at),
            position: row.position,
        })
    }
}

/// These, as far as there are.
pub(crate) async fn load(
    executor: impl PgExecutor<'_>,
    ids: &[String],
) -> Result<Vec<MailTemplate>, sqlx::Error> {
    let sql = "SELECT * FROM mail_templates WHERE id = ANY($1)";
    runtime::load::<Row, _>(executor, sql, ids).await
}

/// Writes them as they stand now.
pub(crate) async fn save(
    connection: &mut PgConnection,
    templates: &[&MailTemplate],
) -> Result<(), sqlx::Error> {
    messaging::insert_rows!(connection, templates => "mail_templates" {
        id: text = |it| it.id.to_string(),
        position: bigint = |it| it.position,
        brand_id: text = |it| it.now.brand_id.to_string(),
        kind: text = |it| it.now.kind.clone(),
        language: text = |it| it.now.language.name(),
        sealed_subject: bytea = |it| it.now.sealed_subject.clone(),
        sealed_text: bytea = |it| it.now.sealed_text.clone(),
        changed_at: bigint = |it| it.changed_at.get(),
    } on (id) set (sealed_subject, sealed_text, changed_at))
    .await
}

/// All that a brand has of its own: of each kind one in each language at most.
pub(crate) async fn of_brand(
    executor: impl PgExecutor<'_>,
    brand: &BrandId,
) -> Result<Vec<MailTemplate>, sqlx::Error> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT * FROM mail_templates WHERE brand_id = $1 AND sealed_text IS NOT NULL ORDER BY kind, language",
    )
    .bind(brand.as_str())
    .fetch_all(executor)
    .await?;
    rows.into_iter().map(MailTemplate::try_from).collect()
}
