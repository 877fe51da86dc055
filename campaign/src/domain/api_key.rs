//! API keys of brands: which there are, and what they may do. A secret comes nowhere near: edges make and show it.

use schemas::{About, ApiKeyCreatedV1, ApiKeyRevokedV1, ApiKeyRotatedV1};
use types::{ApiKeyId, ApiKeyScope, BrandId, MAX_API_KEYS, Micros};

use super::{Code, Context, Event, Place, Rejection, View};

/// A key of a brand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// Which.
    pub id: ApiKeyId,
    /// Whose.
    pub brand: BrandId,
    /// How it begins, for people.
    pub prefix: String,
    /// SHA-256 of the whole key; `None`: it was revoked.
    pub hash: Option<String>,
    /// What it may do.
    pub scopes: Vec<ApiKeyScope>,
    /// Until when; `None`: until it is revoked.
    pub expires_at: Option<Micros>,
    /// When it was made.
    pub created_at: Micros,
    /// Since when it is what it is.
    pub changed_at: Micros,
    /// Where it stands in lists.
    pub position: i64,
}

/// Another secret for a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// How the key begins from then on.
    pub prefix: String,
    /// SHA-256 of the whole new key.
    pub hash: String,
    /// For how many seconds the secret of before goes on.
    pub overlap_seconds: i64,
}

impl ApiKey {
    /// The key that an event makes of what was there before.
    pub fn evolve(before: Option<Self>, event: &Event, place: Place) -> Option<Self> {
        match (event, before) {
            (Event::ApiKeyCreated(it), _) => Some(Self {
                id: it.subject.clone(),
                brand: it.brand_id.clone(),
                prefix: it.prefix.clone(),
                hash: Some(it.hash.clone()),
                scopes: it.scopes.clone(),
                expires_at: it.expires_at,
                created_at: place.time,
                changed_at: place.time,
                position: place.position,
            }),
            (Event::ApiKeyRotated(it), Some(before)) => Some(Self {
                prefix: it.prefix.clone(),
                hash: Some(it.hash.clone()),
                changed_at: place.time,
                ..before
            }),
            (Event::ApiKeyRevoked(_), Some(before)) => Some(Self {
                hash: None,
                changed_at: place.time,
                ..before
            }),
            (_, before) => before,
        }
    }

    fn has_expired(&self, now: Micros) -> bool {
        self.expires_at.is_some_and(|until| until <= now)
    }
}

/// A key is made.
pub(super) fn create(
    view: View,
    new: &About<ApiKeyCreatedV1>,
    context: &Context,
) -> Result<Event, Rejection> {
    if !context.actor.is_brand(&new.brand_id) {
        let detail = "there is no such brand";
        return Err(Rejection::of("/brand_id", Code::BrandUnknown, detail));
    }
    if new.expires_at.is_some_and(|until| until <= context.now) {
        let detail = "the key must not expire before now";
        return Err(Rejection::of("/expires_at", Code::InvalidExpiry, detail));
    }
    // Its id is that of the command: one that is known is the same command.
    if view.api_key.is_some() || view.keys_of_brand >= MAX_API_KEYS {
        let detail = format!("a brand has {MAX_API_KEYS} keys at most: revoke one");
        return Err(Rejection::new(Code::TooManyApiKeys, detail));
    }
    Ok(new.clone().into())
}

/// A key has another secret.
pub(super) fn rotate(
    view: View,
    rotation: &Rotation,
    context: &Context,
) -> Result<Event, Rejection> {
    let (key, hash) = own(view.api_key, context)?;
    if key.has_expired(context.now) {
        let detail = "the key's time is over: make another";
        return Err(Rejection::new(Code::ApiKeyExpired, detail));
    }
    let overlap = rotation.overlap_seconds;
    let until = context.now.checked_add_seconds(overlap);
    let until = until.filter(|_| overlap > 0);
    let rotated = ApiKeyRotatedV1 {
        brand_id: key.brand.clone(),
        prefix: rotation.prefix.clone(),
        hash: rotation.hash.clone(),
        scopes: key.scopes.clone(),
        expires_at: key.expires_at,
        previous_hash: until.map(|_| hash.clone()),
        previous_until: until,
    };
    Ok(About::of(key.id.clone(), rotated).into())
}

/// A key opens nothing any more. Of one that is not known here an operator says whose it is: a restore may have lost it, and others still
/// take it.
pub(super) fn revoke(
    view: View,
    id: &ApiKeyId,
    named: Option<&BrandId>,
    context: &Context,
) -> Result<Event, Rejection> {
    let brand_id = match (view.api_key, named) {
        (None, Some(brand)) if context.actor.operator => brand.clone(),
        (known, named) => {
            let known = known.filter(|key| named.is_none_or(|brand| *brand == key.brand));
            own(known, context)?.0.brand.clone()
        }
    };
    Ok(About::of(id.clone(), ApiKeyRevokedV1 { brand_id }).into())
}

/// A key that the caller may change, and was not revoked; with its hash.
fn own<'a>(
    key: Option<&'a ApiKey>,
    context: &Context,
) -> Result<(&'a ApiKey, &'a String), Rejection> {
    let own = key.filter(|key| context.actor.is_brand(&key.brand));
    let own = own.ok_or_else(|| Rejection::new(Code::ApiKeyUnknown, "there is no such API key"))?;
    let revoked = || Rejection::new(Code::ApiKeyRevoked, "the key was revoked, for good");
    Ok((own, own.hash.as_ref().ok_or_else(revoked)?))
}
