//! Statements, from `payment-events`. Each is said once and as a whole.

use schemas::{Body, Message};
use sqlx::types::Json;

use super::rows::{ReadModel, Says};
use crate::store::statements::StatementRow;

impl ReadModel for StatementRow {
    fn says(message: &Message) -> Says {
        match message.body {
            Body::StatementIssuedV1(_) => Says::All,
            _ => Says::Nothing,
        }
    }

    fn evolve(before: Option<Self>, message: &Message, place: i64) -> Option<Self> {
        let Body::StatementIssuedV1(issued) = &message.body else {
            return before;
        };
        let header = &message.header;
        Some(Self {
            id: header.subject.clone(),
            position: before.map_or(place, |row| row.position),
            partner_id: header.key.clone(),
            month: issued.month.to_string(),
            lines: Json(issued.lines.clone()),
            issued_at: header.time.get(),
        })
    }
}
