//! Who sees which message, and what of it. An operator sees all; a brand or a partner what is its own, of the kinds and the fields that
//! stand in [`table`]. What stands in no line is for operators alone, and so is a field that is added to a record later.

mod table;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};

use chassis::auth::Caller;
use schemas::Body;
use serde_json::{Map, Value};
use types::{BrandId, PartnerId};

use super::Found;
use crate::store::{campaigns, conversions};
use table::Whose::{Accounts, Asker, BrandByKey, Named, OfCampaign, PartnerByKey, Subject};
use table::{Fields, TABLE, Whose};

/// Who looks.
#[derive(Debug, Clone)]
pub(crate) enum Viewer {
    /// Sees all.
    Operator,
    /// Sees its own: as a partner, as a brand, or as both.
    Owner {
        partner: Option<PartnerId>,
        brand: Option<BrandId>,
    },
}

impl Viewer {
    pub(crate) fn of(caller: &Caller) -> Self {
        if caller.is_operator() {
            return Self::Operator;
        }
        Self::Owner {
            partner: caller.partner().cloned(),
            brand: caller.brand().cloned(),
        }
    }

    pub(crate) fn is_operator(&self) -> bool {
        matches!(self, Self::Operator)
    }

    fn is_partner(&self, id: Option<&str>) -> bool {
        matches!(self, Self::Owner { partner: Some(partner), .. } if Some(partner.as_str()) == id)
    }

    fn is_brand(&self, id: Option<&str>) -> bool {
        matches!(self, Self::Owner { brand: Some(brand), .. } if Some(brand.as_str()) == id)
    }

    /// Whether it may see what stands in an account.
    pub(crate) fn has_account(&self, account: &str) -> bool {
        let mut parts = account.split(':');
        match (self, parts.next(), parts.next()) {
            (Self::Operator, ..) => true,
            (_, Some("partner"), id) => self.is_partner(id),
            (_, Some("brand"), id) => self.is_brand(id),
            _ => false,
        }
    }
}

/// Whose conversions, claims and campaigns are, where messages about them do not say it.
#[derive(Debug, Default)]
pub(crate) struct Owners {
    /// The partner and the brand of a conversion or a claim.
    subjects: HashMap<String, (Option<String>, Option<String>)>,
    /// The brand of a campaign.
    campaigns: HashMap<String, String>,
}

impl Owners {
    /// Of what these messages are about.
    pub(crate) async fn of<'a>(
        pool: &sqlx::PgPool,
        messages: impl IntoIterator<Item = &'a Found>,
    ) -> Result<Self, sqlx::Error> {
        let (mut subjects, mut campaigns) = (HashSet::new(), HashSet::new());
        for found in messages {
            match rule(&found.row.kind) {
                Some((_, Subject, ..)) => {
                    subjects.insert(found.row.subject.as_str());
                }
                Some((_, OfCampaign, ..)) => {
                    campaigns.insert(campaign_of(found));
                }
                _ => {}
            }
        }
        let (subjects, campaigns): (Vec<&str>, Vec<&str>) = (
            subjects.into_iter().collect(),
            campaigns.into_iter().collect(),
        );
        let mut owners = Self::default();
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
}

/// The campaign that a message belongs to: the one that it names, or its key.
fn campaign_of(found: &Found) -> &str {
    let payload = found.row.payload.as_ref();
    let named = payload.and_then(|it| it["campaign_id"].as_str());
    named.unwrap_or(&found.row.key)
}

fn rule(kind: &str) -> Option<&'static (&'static str, Whose, Fields, Fields)> {
    TABLE.iter().find(|(of, ..)| *of == kind)
}

/// What the viewer sees of a message's payload: `None` where it does not see the message at all.
pub(crate) fn shown(found: &Found, viewer: &Viewer, owners: &Owners) -> Option<Value> {
    let Some(payload) = &found.row.payload else {
        return viewer.is_operator().then_some(Value::Null);
    };
    if viewer.is_operator() {
        return Some(match &found.body {
            Some(body) => schemas::show_payload(body),
            None => Value::Null,
        });
    }
    // What this build cannot read may say anything.
    found.body.as_ref()?;
    let (_, whose, of_partner, of_brand) = rule(&found.row.kind)?;
    if *whose == Accounts {
        return of_accounts(payload, viewer, *of_partner, *of_brand);
    }
    let (partner, brand) = parties(*whose, found, payload, owners);
    let mut fields: HashSet<&str> = HashSet::new();
    let mut is_shown = false;
    for (is_its, seen) in [
        (viewer.is_partner(partner.as_deref()), of_partner),
        (viewer.is_brand(brand.as_deref()), of_brand),
    ] {
        if let Some(seen) = seen.filter(|_| is_its) {
            is_shown = true;
            fields.extend(seen);
        }
    }
    is_shown.then(|| picked(payload, &fields))
}

fn picked(payload: &Value, fields: &HashSet<&str>) -> Value {
    let of = payload.as_object().into_iter().flatten();
    let kept = of.filter(|(name, _)| fields.contains(name.as_str()));
    kept.map(|(name, value)| (name.clone(), value.clone()))
        .collect::<Map<_, _>>()
        .into()
}

/// The partner and the brand whose a message is.
fn parties(
    whose: Whose,
    found: &Found,
    payload: &Value,
    owners: &Owners,
) -> (Option<String>, Option<String>) {
    let text = |value: &Value| value.as_str().map(ToOwned::to_owned);
    let named = |value: &Value| (text(&value["partner_id"]), text(&value["brand_id"]));
    let asker = || found.row.actor.as_ref().map_or((None, None), named);
    let key = || Some(found.row.key.clone());
    match whose {
        Named => match &found.body {
            Some(Body::ConversionClaimedV1(_) | Body::ClaimSettledV1(_)) => named(&payload["sale"]),
            _ => named(payload),
        },
        Subject => match owners.subjects.get(&found.row.subject) {
            Some((partner, brand)) if partner.is_some() || brand.is_some() => {
                (partner.clone(), brand.clone())
            }
            _ => asker(),
        },
        OfCampaign => {
            let brand = owners.campaigns.get(campaign_of(found));
            (text(&payload["partner_id"]), brand.cloned())
        }
        PartnerByKey => (key(), None),
        BrandByKey => (None, key()),
        Asker | Accounts => asker(),
    }
}

/// A movement of money with the transfers that the viewer has a side of.
fn of_accounts(
    payload: &Value,
    viewer: &Viewer,
    of_partner: Fields,
    of_brand: Fields,
) -> Option<Value> {
    let transfers = payload["transfers"].as_array()?;
    let has = |side: &Value| side.as_str().is_some_and(|it| viewer.has_account(it));
    let own: Vec<&Value> = transfers
        .iter()
        .filter(|transfer| has(&transfer["debit"]) || has(&transfer["credit"]))
        .collect();
    if own.is_empty() {
        return None;
    }
    let of_owner = |owner: &str| {
        let mut sides = own.iter().flat_map(|it| [&it["debit"], &it["credit"]]);
        sides.any(|side| has(side) && side.as_str().is_some_and(|it| it.starts_with(owner)))
    };
    let mut fields: HashSet<&str> = HashSet::new();
    for (owner, seen) in [("partner:", of_partner), ("brand:", of_brand)] {
        if of_owner(owner) {
            fields.extend(seen.unwrap_or_default());
        }
    }
    let mut shown = picked(payload, &fields);
    shown["transfers"] = own.into_iter().cloned().collect();
    Some(shown)
}

/// Whether somebody who is no operator learns of the service that a message waits at, and how.
pub(crate) fn state_shown(state: &str) -> &'static str {
    match state {
        "dead" | "unknown_type" => "needs_attention",
        _ => "waits",
    }
}
