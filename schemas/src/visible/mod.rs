//! Who sees which message, and what of it. An operator sees all; a brand or a partner what is its own, of the kinds and the fields that
//! stand in [`table`]. What stands in no line is for operators alone, and so is a field that is added to a record later.
//!
//! The bff shows by it what people look at, and notify sends by it what happens.

mod table;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap, HashSet};

use serde_json::{Map, Value};
use types::{BrandId, PartnerId};

use crate::entity::Entity;
use crate::envelope::Actor;
use crate::kinds::{Body, KINDS};
use crate::service::Service;
use crate::show::show_payload;
use table::Whose::{
    Accounts, Asker, BrandByKey, Named, OfCampaign, PartnerByKey, PartnerByKeyAndNamed, Subject,
};
use table::{Fields, TABLE, Whose};

/// A message, as far as it matters to whom it is shown.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// Its type.
    pub kind: &'a str,
    /// What routes it.
    pub key: &'a str,
    /// The aggregate.
    pub subject: &'a str,
    /// Who asked.
    pub asker: SpokenFor<'a>,
    /// What it says, as operators see it; `None` where that cannot be read.
    pub payload: Option<&'a Value>,
    /// The same, as this build reads it; `None` where it cannot.
    pub body: Option<&'a Body>,
}

/// For whom somebody asked.
#[derive(Debug, Clone, Copy, Default)]
pub struct SpokenFor<'a> {
    /// The partner that it spoke for.
    pub partner: Option<&'a str>,
    /// The brand that it spoke for.
    pub brand: Option<&'a str>,
}

impl<'a> SpokenFor<'a> {
    /// As a message names who asked.
    pub fn of(actor: Option<&'a Actor>) -> Self {
        Self {
            partner: actor.and_then(|actor| actor.partner_id.as_deref()),
            brand: actor.and_then(|actor| actor.brand_id.as_deref()),
        }
    }
}

/// Whose a message is, where it does not say so itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unsaid<'a> {
    /// That of this conversion or claim.
    Subject(&'a str),
    /// That of this campaign.
    Campaign(&'a str),
}

/// Who looks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Viewer {
    /// Sees all.
    Operator,
    /// Sees its own: as a partner, as a brand, or as both.
    Owner {
        /// The partner that it speaks for.
        partner: Option<PartnerId>,
        /// The brand that it speaks for.
        brand: Option<BrandId>,
    },
}

impl Viewer {
    /// Whether it sees all.
    pub fn is_operator(&self) -> bool {
        matches!(self, Self::Operator)
    }

    fn is_partner(&self, id: Option<&str>) -> bool {
        matches!(self, Self::Owner { partner: Some(partner), .. } if Some(partner.as_str()) == id)
    }

    fn is_brand(&self, id: Option<&str>) -> bool {
        matches!(self, Self::Owner { brand: Some(brand), .. } if Some(brand.as_str()) == id)
    }

    /// Whether it may see what stands in an account.
    pub fn has_account(&self, account: &str) -> bool {
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
pub struct Owners {
    /// The partner and the brand of a conversion or a claim.
    pub subjects: HashMap<String, (Option<String>, Option<String>)>,
    /// The brand of a campaign.
    pub campaigns: HashMap<String, String>,
}

impl<'a> Seen<'a> {
    /// What [`Owners`] must know, if anything, to say whose it is.
    pub fn unsaid(&self) -> Option<Unsaid<'a>> {
        match rule(self.kind)?.1 {
            Subject if !self.names_owners() => Some(Unsaid::Subject(self.subject)),
            OfCampaign if self.brand().is_none() => Some(Unsaid::Campaign(self.campaign())),
            _ => None,
        }
    }

    /// Whether it says itself whose it is.
    fn names_owners(&self) -> bool {
        let named = |field: &str| self.payload.is_some_and(|it| it[field].is_string());
        named("partner_id") || named("brand_id")
    }

    /// The brand that it names.
    fn brand(&self) -> Option<&'a str> {
        self.payload?["brand_id"].as_str()
    }

    /// The campaign that it belongs to: the one that it names, or its key.
    fn campaign(&self) -> &'a str {
        let named = self.payload.and_then(|it| it["campaign_id"].as_str());
        named.unwrap_or(self.key)
    }

    /// The partners and the brands that may be shown something of it, each as who looks.
    pub fn audience(&self, owners: &Owners) -> Vec<Viewer> {
        let (Some(payload), Some((_, whose, ..))) = (self.payload, rule(self.kind)) else {
            return Vec::new();
        };
        let mut all = BTreeSet::new();
        if *whose == Accounts {
            for transfer in payload["transfers"].as_array().into_iter().flatten() {
                for side in [&transfer["debit"], &transfer["credit"]] {
                    let mut parts = side.as_str().unwrap_or_default().split(':');
                    let owner = (parts.next(), parts.next().map(ToOwned::to_owned));
                    match owner {
                        (Some("partner"), partner) => all.insert((partner, None)),
                        (Some("brand"), brand) => all.insert((None, brand)),
                        _ => false,
                    };
                }
            }
        } else {
            let (partner, brand) = parties(*whose, self, payload, owners);
            all.extend([(partner, None), (None, brand)]);
        }
        let viewers = all.into_iter().map(|(partner, brand)| Viewer::Owner {
            partner: partner.and_then(|id| PartnerId::parse(id).ok()),
            brand: brand.and_then(|id| BrandId::parse(id).ok()),
        });
        let is_somebody = |viewer: &Viewer| {
            !matches!(
                viewer,
                Viewer::Owner {
                    partner: None,
                    brand: None
                }
            )
        };
        viewers.filter(is_somebody).collect()
    }
}

/// The kinds of events of which a partner, or a brand, is sent something: what it is shown of those that are sent at all.
pub fn kinds_sent(to_brands: bool) -> impl Iterator<Item = &'static str> {
    kinds_shown(to_brands).filter(|kind| is_sent(kind))
}

/// Whether an event of this kind is sent to whoever is shown something of it: notify follows it, which its own are not, nor those of records,
/// keys and groups, and not as the answer to a step of an onboarding, or as the ban that ends one.
pub fn is_sent(kind: &str) -> bool {
    let mut of = KINDS.iter().filter(|it| it.name == kind);
    of.any(|it| {
        let of_onboarding = matches!(it.subject, Entity::Workflow | Entity::Ban);
        !it.command && it.followers.contains(&Service::Notify) && !of_onboarding
    })
}

/// The kinds of events that postbacks are about: what comes of a partner's clicks, and what it earns with that.
pub const POSTBACK_KINDS: [&str; 5] = [
    "conversion.attributed.v1",
    "conversion.refunded.v1",
    "commission.calculated.v1",
    "commission.approved.v1",
    "commission.reversed.v1",
];

/// The kinds of events of which a partner, or a brand, is shown something.
fn kinds_shown(to_brands: bool) -> impl Iterator<Item = &'static str> {
    let is_event = |kind: &str| !kind.contains(".command.");
    let shown = TABLE.iter().filter(move |(kind, _, partner, brand)| {
        is_event(kind) && if to_brands { brand } else { partner }.is_some()
    });
    shown.map(|(kind, ..)| *kind)
}

fn rule(kind: &str) -> Option<&'static (&'static str, Whose, Fields, Fields)> {
    TABLE.iter().find(|(of, ..)| *of == kind)
}

/// What the viewer sees of a message's payload: `None` where it does not see the message at all.
pub fn shown(seen: &Seen, viewer: &Viewer, owners: &Owners) -> Option<Value> {
    let Some(payload) = seen.payload else {
        return viewer.is_operator().then_some(Value::Null);
    };
    if viewer.is_operator() {
        return Some(seen.body.map_or(Value::Null, show_payload));
    }
    // What this build cannot read may say anything.
    seen.body?;
    let (_, whose, of_partner, of_brand) = rule(seen.kind)?;
    if *whose == Accounts {
        return of_accounts(payload, viewer, *of_partner, *of_brand);
    }
    let (partner, brand) = parties(*whose, seen, payload, owners);
    let mut fields: HashSet<&str> = HashSet::new();
    let mut is_shown = false;
    for (is_its, these) in [
        (viewer.is_partner(partner.as_deref()), of_partner),
        (viewer.is_brand(brand.as_deref()), of_brand),
    ] {
        if let Some(these) = these.filter(|_| is_its) {
            is_shown = true;
            fields.extend(these);
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
    seen: &Seen,
    payload: &Value,
    owners: &Owners,
) -> (Option<String>, Option<String>) {
    let text = |value: &Value| value.as_str().map(ToOwned::to_owned);
    let named = |value: &Value| (text(&value["partner_id"]), text(&value["brand_id"]));
    let asker = || {
        let SpokenFor { partner, brand } = seen.asker;
        (partner.map(ToOwned::to_owned), brand.map(ToOwned::to_owned))
    };
    let key = || Some(seen.key.to_owned());
    match whose {
        Named => match seen.body {
            Some(Body::ConversionClaimedV1(_) | Body::ClaimSettledV1(_)) => named(&payload["sale"]),
            _ => named(payload),
        },
        Subject if seen.names_owners() => named(payload),
        Subject => match owners.subjects.get(seen.subject) {
            Some((partner, brand)) if partner.is_some() || brand.is_some() => {
                (partner.clone(), brand.clone())
            }
            _ => asker(),
        },
        OfCampaign => {
            let kept = || owners.campaigns.get(seen.campaign()).cloned();
            let brand = seen.brand().map(ToOwned::to_owned).or_else(kept);
            (text(&payload["partner_id"]), brand)
        }
        PartnerByKey => (key(), None),
        BrandByKey => (None, key()),
        PartnerByKeyAndNamed => (key(), text(&payload["brand_id"])),
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
