//! Who sees which message: by [`schemas::visible`], with what the bff's models know of whose things are.

use std::collections::HashSet;

use chassis::auth::Caller;
use schemas::visible::{self, Seen, SpokenFor, Unsaid};
use serde_json::Value;

pub(crate) use schemas::visible::{Owners, Viewer};

use super::Found;
use crate::store::{campaigns, conversions};

/// Who looks.
pub(crate) fn viewer(caller: &Caller) -> Viewer {
    if caller.is_operator() {
        return Viewer::Operator;
    }
    Viewer::Owner {
        partner: caller.partner().cloned(),
        brand: caller.brand().cloned(),
    }
}

/// Whose what these messages are about is.
pub(crate) async fn owners<'a>(
    pool: &sqlx::PgPool,
    messages: impl IntoIterator<Item = &'a Found>,
) -> Result<Owners, sqlx::Error> {
    let (mut subjects, mut campaigns) = (HashSet::new(), HashSet::new());
    for found in messages {
        match found.seen().unsaid() {
            Some(Unsaid::Subject(id)) => {
                subjects.insert(id);
            }
            Some(Unsaid::Campaign(id)) => {
                campaigns.insert(id);
            }
            None => {}
        }
    }
    let (subjects, campaigns): (Vec<&str>, Vec<&str>) = (
        subjects.into_iter().collect(),
        campaigns.into_iter().collect(),
    );
    let mut owners = Owners::default();
    if !subjects.is_empty() {
        let all = conversions::owners_with_claims(pool, &subjects).await?;
        let all = all
            .into_iter()
            .map(|(id, partner, brand)| (id, (partner, brand)));
        owners.subjects = all.collect();
    }
    if !campaigns.is_empty() {
        let all = campaigns::brands(pool, &campaigns).await?;
        owners.campaigns = all.into_iter().collect();
    }
    Ok(owners)
}

/// What the viewer sees of a message's payload: `None` where it does not see the message at all.
pub(crate) fn shown(found: &Found, viewer: &Viewer, owners: &Owners) -> Option<Value> {
    visible::shown(&found.seen(), viewer, owners)
}

impl Found {
    fn seen(&self) -> Seen<'_> {
        let actor = self.row.actor.as_ref();
        let named = |field: &str| actor.and_then(|actor| actor[field].as_str());
        Seen {
            kind: &self.row.kind,
            key: &self.row.key,
            subject: &self.row.subject,
            asker: SpokenFor {
                partner: named("partner_id"),
                brand: named("brand_id"),
            },
            payload: self.row.payload.as_ref(),
            body: self.body.as_ref(),
        }
    }
}

/// Whether somebody who is no operator learns of the service that a message waits at, and how.
pub(crate) fn state_shown(state: &str) -> &'static str {
    match state {
        "dead" | "unknown_type" => "needs_attention",
        _ => "waits",
    }
}
