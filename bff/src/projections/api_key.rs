//! API keys, from `campaign-events`. A revocation leaves what lists show, and nothing that opens anything.

use schemas::{Body, Message};
use types::{ApiKeyScope, Micros};

use super::rows::{ReadModel, Says};
use crate::store::api_keys::ApiKeyRow;

impl ReadModel for ApiKeyRow {
    fn says(message: &Message) -> Says {
        match message.body {
            Body::ApiKeyCreatedV1(_) => Says::All,
            Body::ApiKeyRotatedV1(_) | Body::ApiKeyRevokedV1(_) => Says::Change,
            _ => Says::Nothing,
        }
    }

    fn evolve(before: Option<Self>, message: &Message, place: i64) -> Option<Self> {
        let header = &message.header;
        let position = before.as_ref().map_or(place, |row| row.position);
        let row =
            |brand: &types::BrandId, secret: (&str, &str), scopes, expires: Option<Micros>| Self {
                id: header.subject.clone(),
                position,
                brand_id: brand.to_string(),
                prefix: secret.0.to_owned(),
                scopes: ApiKeyScope::join(scopes),
                hash: Some(secret.1.to_owned()),
                expires_at: expires.map(Micros::get),
                previous_hash: None,
                previous_until: None,
                created_at: header.time.get(),
                changed_at: header.time.get(),
            };
        match &message.body {
            Body::ApiKeyCreatedV1(it) => {
                let secret = (it.prefix.as_str(), it.hash.as_str());
                Some(row(&it.brand_id, secret, &it.scopes, it.expires_at))
            }
            Body::ApiKeyRotatedV1(it) => {
                let secret = (it.prefix.as_str(), it.hash.as_str());
                // When it was made is not said again.
                let made = before.as_ref().map(|row| row.created_at);
                Some(Self {
                    created_at: made.unwrap_or(header.time.get()),
                    previous_hash: it.previous_hash.clone(),
                    previous_until: it.previous_until.map(Micros::get),
                    ..row(&it.brand_id, secret, &it.scopes, it.expires_at)
                })
            }
            Body::ApiKeyRevokedV1(_) => before.map(|before| Self {
                hash: None,
                previous_hash: None,
                previous_until: None,
                changed_at: header.time.get(),
                ..before
            }),
            _ => before,
        }
    }
}
