//! The keys that payment details are sealed to, from `payment-events`.

use std::collections::HashMap;

use schemas::{Body, Message};

use crate::store::sealing_keys::SealingKey;

/// Notes a published key.
pub(super) fn fold(keys: &mut HashMap<String, SealingKey>, message: &Message) {
    let Body::SealingKeyPublishedV1(published) = &message.body else {
        return;
    };
    let id = message.header.subject.clone();
    let key = SealingKey {
        id: id.clone(),
        public_key: published.public_key.clone(),
        not_after: published.not_after,
        published_at: message.header.time,
    };
    keys.insert(id, key);
}
