//! `contacts`: the mail addresses and numbers of brands and partners, sealed.

use api::ContactFilter;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chassis::auth::Scope;
use chassis::page::PageQuery;
use runtime::{column, lists};
use schemas::ContactAddress;
use sealing::texts;
use sqlx::{FromRow, PgConnection, PgExecutor, Postgres, QueryBuilder};
use types::{BrandId, Channel, ContactId, Micros, PartnerId, Uuid};

use super::seen_by;
use crate::domain::{Contact, Owner};

/// A row as it stands.
#[derive(Debug, FromRow)]
struct Row {
    id: String,
    position: i64,
    brand_id: Option<String>,
    partner_id: Option<String>,
    addresses: String,
    numbers: String,
    changed_at: i64,
}

impl TryFrom<Row> for Contact {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> Result<Self, sqlx::Error> {
        let brand = row.brand_id.map(BrandId::parse).transpose();
        let partner = row.partner_id.map(PartnerId::parse).transpose();
        let owner = Owner::of(column("brand_id", brand)?, column("partner_id", partner)?);
        Ok(Self {
            id: column("id", ContactId::parse(row.id))?,
            owner: column("brand_id", owner.ok_or(()))?,
            addresses: column("addresses", read(&row.addresses))?,
            numbers: column("numbers", read(&row.numbers))?,
            changed_at: Micros(row.changed_at),
            position: row.position,
        })
    }
}

fn read(addresses: &str) -> Result<Vec<ContactAddress>, serde_json::Error> {
    serde_json::from_str(addresses)
}

/// An address as it was sealed: one that is no base64 cannot be opened, as one that was sealed for another.
pub(crate) fn sealed_bytes(address: &ContactAddress) -> Vec<u8> {
    STANDARD.decode(&address.sealed_address).unwrap_or_default()
}

/// Which address or number is the one now that was this one as another key of ours sealed it; `None`: none is, or it is this one still.
pub(crate) fn sealed_anew(contact: &Contact, channel: Channel, was: Uuid) -> Option<Uuid> {
    if contact.address(channel, was).is_some() {
        return None;
    }
    let belongs_to = match channel {
        Channel::Mail => texts::of_mail_addresses(&contact.id),
        Channel::Text => texts::of_phone_numbers(&contact.id),
    };
    let is_it = |it: &&ContactAddress| {
        let Some(text) = texts::open(&belongs_to, &sealed_bytes(it)) else {
            return false;
        };
        let mut sealed = texts::seal_each(&belongs_to, &text);
        sealed.any(|it| contact.address_id(channel, &STANDARD.encode(it)) == was)
    };
    let now = contact.of(channel).iter().find(is_it)?;
    Some(contact.address_id(channel, &now.sealed_address))
}

/// These, as far as there are.
pub(crate) async fn load(
    executor: impl PgExecutor<'_>,
    ids: &[String],
) -> Result<Vec<Contact>, sqlx::Error> {
    let sql = "SELECT * FROM contacts WHERE id = ANY($1)";
    runtime::load::<Row, _>(executor, sql, ids).await
}

/// Writes them as they stand now.
pub(crate) async fn save(
    connection: &mut PgConnection,
    contacts: &[&Contact],
) -> Result<(), sqlx::Error> {
    messaging::insert_rows!(connection, contacts => "contacts" {
        id: text = |it| it.id.to_string(),
        position: bigint = |it| it.position,
        brand_id: text = |it| it.owner.brand().map(ToString::to_string),
        partner_id: text = |it| it.owner.partner().map(ToString::to_string),
        // Bytes, words and lists: nothing in them that JSON lacks.
        addresses: text = |it| serde_json::to_string(&it.addresses).unwrap_or_default(),
        numbers: text = |it| serde_json::to_string(&it.numbers).unwrap_or_default(),
        changed_at: bigint = |it| it.changed_at.get(),
    } on (id) set (addresses, numbers, changed_at))
    .await
}

/// A page of those that may be seen and have addresses or numbers, newest first.
pub(crate) async fn list(
    executor: impl PgExecutor<'_>,
    scope: Scope<'_>,
    filter: &ContactFilter,
    page: PageQuery,
) -> Result<Vec<Contact>, sqlx::Error> {
    let brand = filter.brand_id.as_ref().map(BrandId::as_str);
    let partner = filter.partner_id.as_ref().map(PartnerId::as_str);
    let narrowing = [("e.brand_id", brand), ("e.partner_id", partner)];
    let seen = |sql: &mut QueryBuilder<Postgres>| {
        sql.push(" AND (e.addresses <> '[]' OR e.numbers <> '[]')");
        seen_by(scope)(sql);
    };
    let all = ("SELECT e.* FROM contacts e", "e.position");
    let rows: Vec<Row> = lists::list(executor, all, page, seen, &narrowing).await?;
    rows.into_iter().map(Contact::try_from).collect()
}
