//! Groups of brands and who is in which, from `campaign-events`. A brand's default group is made with the brand.

use schemas::{Body, Message};
use types::{BrandId, GroupId, GroupStatus};

use super::record;
use super::rows::{ReadModel, Says};
use crate::store::groups::{DefaultGroupRow, GroupRow};
use crate::store::memberships::MembershipRow;

impl ReadModel for GroupRow {
    fn says(message: &Message) -> Says {
        match message.body {
            Body::GroupCreatedV1(_) | Body::GroupChangedV1(_) => Says::Change,
            _ => Says::Nothing,
        }
    }

    fn evolve(before: Option<Self>, message: &Message, place: i64) -> Option<Self> {
        let header = &message.header;
        let (sealed_name, link_limit, status) = match &message.body {
            Body::GroupCreatedV1(it) => (&it.sealed_name, it.link_limit, GroupStatus::Active),
            Body::GroupChangedV1(it) => (&it.sealed_name, it.link_limit, it.status),
            _ => return before,
        };
        let (position, created_at) = before.map_or((place, header.time.get()), |row| {
            (row.position, row.created_at)
        });
        Some(Self {
            id: header.subject.clone(),
            position,
            brand_id: header.key.clone(),
            sealed_name: sealed_name.clone(),
            link_limit,
            status: status.name().to_owned(),
            created_at,
        })
    }
}

/// Every event that names a brand may be the first to do so.
impl ReadModel for DefaultGroupRow {
    fn says(message: &Message) -> Says {
        record::brand(message).map_or(Says::Nothing, |_| Says::All)
    }

    fn evolve(before: Option<Self>, message: &Message, place: i64) -> Option<Self> {
        let at = message.header.time.get();
        let mut row = match before {
            Some(row) => row,
            None => Self {
                id: Self::row_of(message),
                position: place,
                brand_id: record::brand(message)?.to_owned(),
                created_at: at,
            },
        };
        row.created_at = row.created_at.min(at);
        Some(row)
    }

    fn row_of(message: &Message) -> String {
        let brand = record::brand(message).and_then(|brand| BrandId::parse(brand).ok());
        brand.map_or_else(String::new, |brand| {
            GroupId::default_of(&brand).into_string()
        })
    }
}

impl ReadModel for MembershipRow {
    fn says(message: &Message) -> Says {
        match message.body {
            Body::PartnerMovedV1(_) => Says::All,
            _ => Says::Nothing,
        }
    }

    fn evolve(before: Option<Self>, message: &Message, place: i64) -> Option<Self> {
        let (header, Body::PartnerMovedV1(moved)) = (&message.header, &message.body) else {
            return before;
        };
        Some(Self {
            id: header.subject.clone(),
            position: before.map_or(place, |row| row.position),
            brand_id: header.key.clone(),
            partner_id: moved.partner_id.to_string(),
            group_id: moved.group_id.to_string(),
        })
    }
}
