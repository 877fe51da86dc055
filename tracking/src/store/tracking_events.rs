//! `tracking_events`: reports that decide nothing.

use money::{ClickId, Micros, OrderId, Uuid};
use sqlx::PgConnection;

use super::{each, uuid};
use crate::domain::EventRecorded;

/// A recorded event with its place.
#[derive(Debug)]
pub struct NewEvent {
    /// Its message's id.
    pub id: Uuid,
    /// What happened.
    pub event: EventRecorded,
    /// When, in our time.
    pub recorded_at: Micros,
    /// Where in the log.
    pub position: i64,
}

/// Saves recorded events.
pub async fn save(connection: &mut PgConnection, rows: &[NewEvent]) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let conversions: Result<Vec<_>, _> =
        rows.iter().map(|row| uuid(&row.event.conversion)).collect();
    sqlx::query(
        "INSERT INTO tracking_events (id, conversion_id, event_type, user_hash, link_code, click_id, campaign_id, order_id,
                                      occurred_at, recorded_at, position)
         SELECT * FROM UNNEST($1::uuid[], $2::uuid[], $3::text[], $4::bytea[], $5::text[], $6::text[], $7::text[], $8::text[],
                              $9::bigint[], $10::bigint[], $11::bigint[])",
    )
    .bind(each(rows, |row| row.id))
    .bind(conversions?)
    .bind(each(rows, |row| row.event.event_type.as_str()))
    .bind(each(rows, |row| row.event.user.0.as_slice()))
    .bind(each(rows, |row| row.event.link.as_ref().map(AsRef::<str>::as_ref)))
    .bind(each(rows, |row| row.event.click.as_ref().map(ClickId::as_str)))
    .bind(each(rows, |row| row.event.campaign.as_ref().map(AsRef::<str>::as_ref)))
    .bind(each(rows, |row| row.event.order.as_ref().map(OrderId::as_str)))
    .bind(each(rows, |row| row.event.occurred_at.0))
    .bind(each(rows, |row| row.recorded_at.0))
    .bind(each(rows, |row| row.position))
    .execute(connection)
    .await?;
    Ok(())
}
