//! Claims: what a partner says that a click of its own led to. Nobody is paid for one until who may say so reports the same
//! order, which settles it, or the brand accepts it.

use std::collections::HashMap;

use schemas::{
    About, ClaimAcceptedV1, ClaimDeclinedV1, ClaimSettledV1, ClaimedSale, ConversionClaimedV1,
};
use types::{
    CampaignId, ClaimId, ClaimStatus, ConversionId, DeclineReason, Micros, TermsVersion, Uuid,
};

use super::order::alias_of;
use super::report::{attributed_sale, duplicate, money};
use super::{
    Access, Code, Conversion, Event, Known, Order, Orders, Rejection, Report, Status, UserHash,
    VerifiedBy,
};

/// A claim as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// What is claimed.
    pub sale: ClaimedSale,
    /// Who bought, where that was kept.
    pub user: Option<UserHash>,
    /// What became of it.
    pub status: ClaimStatus,
    /// The conversion of its order, once there is one.
    pub conversion: Option<ConversionId>,
    /// Why it was declined.
    pub reason: Option<DeclineReason>,
    /// The event that made it.
    pub event_id: Uuid,
    /// When that was, in our time.
    pub claimed_at: Micros,
    /// When it was decided or settled.
    pub decided_at: Option<Micros>,
    /// That first event's place in the log.
    pub position: i64,
}

/// The claims that are looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claims(pub HashMap<ClaimId, Claim>);

/// Asks what becomes of a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecideClaim {
    /// Which.
    pub claim: ClaimId,
    /// What its brand says.
    pub decision: ClaimDecision,
}

/// What a brand says of a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClaimDecision {
    /// It is true.
    Accept,
    /// It is not, for this reason.
    Decline(DeclineReason),
}

impl Claims {
    /// Applies what happened. Returns the id of the claim that changed.
    pub fn evolve(
        &mut self,
        event: &Event,
        id: Uuid,
        time: Micros,
        position: i64,
    ) -> Option<ClaimId> {
        let new = |sale: &ClaimedSale, user| Claim {
            sale: sale.clone(),
            user,
            status: ClaimStatus::Open,
            conversion: None,
            reason: None,
            event_id: id,
            claimed_at: time,
            decided_at: None,
            position,
        };
        let (claim, status, conversion, reason) = match event {
            Event::Claimed(it) => {
                let user = it.user_hash.as_deref().and_then(UserHash::parse);
                self.0.insert(it.subject.clone(), new(&it.sale, user));
                return Some(it.subject.clone());
            }
            Event::ClaimSettled(it) => {
                let claim = self.0.entry(it.subject.clone());
                claim.or_insert_with(|| new(&it.sale, None));
                let conversion = Some(it.conversion_id.clone());
                (&it.subject, ClaimStatus::Settled, conversion, None)
            }
            Event::ClaimAccepted(it) => {
                let conversion = Some(it.conversion_id.clone());
                (&it.subject, ClaimStatus::Accepted, conversion, None)
            }
            Event::ClaimDeclined(it) => {
                let reason = Some(it.reason);
                (&it.subject, ClaimStatus::Declined, None, reason)
            }
            Event::TermsAdopted(_)
            | Event::CampaignAdopted(_)
            | Event::EnrollmentAdopted(_)
            | Event::LinkCreated(_)
            | Event::Attributed(_)
            | Event::Unattributed(_)
            | Event::Refunded(_)
            | Event::RefundNoted(_)
            | Event::DuplicateIgnored(_)
            | Event::Recorded(_)
            | Event::CampaignStatusAdopted(_)
            | Event::EnrollmentEndAdopted(_)
            | Event::PartnerStatusAdopted(_)
            | Event::ApiKeyAdopted(_)
            | Event::CampaignChangeAdopted(_)
            | Event::LinkChanged(_)
            | Event::ClickBound(_)
            | Event::VisitorErased(_)
            | Event::GroupAdopted(_)
            | Event::PartnerMoveAdopted(_)
            | Event::LinkAnswered(_) => return None,
        };
        let known = self.0.get_mut(claim)?;
        if !known.status.stays() {
            known.status = status;
            known.conversion = conversion;
            known.reason = reason;
            known.decided_at = Some(time);
        }
        Some(claim.clone())
    }

    /// The terms of what is claimed, and nobody has decided. Accepted it may have no amount though its partner claims one: it is worth
    /// what its brand reported.
    pub fn open_terms(&self) -> impl Iterator<Item = (CampaignId, TermsVersion)> {
        let open = |claim: &&Claim| claim.status == ClaimStatus::Open;
        let sales = self.0.values().filter(open).map(|claim| &claim.sale);
        sales.map(|sale| (sale.campaign_id.clone(), sale.terms_version))
    }

    /// The claims of an order that nobody has decided upon, oldest first.
    pub(super) fn open_of<'a, 'b>(
        &'a self,
        ids: impl IntoIterator<Item = &'b ConversionId>,
    ) -> Vec<(&'a ClaimId, &'a Claim)> {
        let ids: Vec<_> = ids.into_iter().collect();
        let is_open = |claim: &Claim| {
            claim.status == ClaimStatus::Open && ids.contains(&&claim.sale.conversion_id)
        };
        let mut open: Vec<_> = self.0.iter().filter(|(_, claim)| is_open(claim)).collect();
        open.sort_by_key(|(id, claim)| (claim.position, *id));
        open
    }
}

/// What a partner's report of what its own click led to comes to.
pub(super) fn claim(
    report: &Report,
    sale: ClaimedSale,
    order: &Order<'_>,
    known: &Known<'_>,
) -> Event {
    let id = ClaimId::of(&sale.conversion_id, &sale.partner_id);
    if let Some((conversion, first)) = order.first(known.orders)
        && !leaves_open(conversion, first, &sale)
    {
        return settled(&id, sale, conversion);
    }
    match known.claims.0.get(&id) {
        None => {
            let user_hash = Some(report.user.hash.to_string());
            About::of(id, ConversionClaimedV1 { sale, user_hash }).into()
        }
        Some(first) => {
            let brand = Some(&first.sale.brand_id);
            duplicate(report, &sale.conversion_id, first.event_id, None, brand)
        }
    }
}

/// Whether a claim of an order is its brand's to decide although the order was reported: the report found nobody, and what it found nobody
/// for becomes the partner's where the brand accepts the claim.
pub(super) fn leaves_open(
    conversion: &ConversionId,
    first: &Conversion,
    claimed: &ClaimedSale,
) -> bool {
    matches!(first.status, Status::Unattributed(_)) && *conversion == claimed.conversion_id
}

/// What becomes of these claims when the conversion of their order is known.
pub(super) fn settle<'a>(
    open: Vec<(&'a ClaimId, &'a Claim)>,
    conversion: &'a ConversionId,
) -> impl Iterator<Item = Event> + 'a {
    let open = open.into_iter();
    open.map(move |(id, claim)| settled(id, claim.sale.clone(), conversion))
}

fn settled(id: &ClaimId, sale: ClaimedSale, conversion: &ConversionId) -> Event {
    let settled = ClaimSettledV1 {
        sale,
        conversion_id: conversion.clone(),
    };
    About::of(id.clone(), settled).into()
}

/// What an accepted claim is worth: where its order was reported and came to nobody, what it was reported as, and not what its partner says.
fn as_reported(claimed: &ClaimedSale, orders: &Orders) -> Result<ClaimedSale, Rejection> {
    let first = orders.conversions.get(&claimed.conversion_id);
    let Some(Status::Unattributed(reported)) = first.map(|first| &first.status) else {
        return Ok(claimed.clone());
    };
    let terms = (claimed.campaign_id.clone(), claimed.terms_version);
    let of_terms = || orders.currencies.get(&terms).copied();
    let currency = claimed.amount.map(|it| it.currency).or_else(of_terms);
    let amount = match currency {
        Some(currency) => money(reported.amount, reported.currency, currency)?,
        None => None,
    };
    Ok(ClaimedSale {
        event_type: reported.event_type,
        amount,
        ..claimed.clone()
    })
}

/// Decides what becomes of a claim: for its brand, and for operators.
pub fn decide_claim(
    command: &DecideClaim,
    claims: &Claims,
    orders: &Orders,
    access: &Access,
) -> Result<Vec<Event>, Rejection> {
    let id = &command.claim;
    let claim = claims.0.get(id);
    let claim = claim.filter(|claim| access.is_brand(&claim.sale.brand_id));
    let unknown = || Rejection::new(Code::ClaimUnknown, "there is no such claim");
    let claim = claim.ok_or_else(unknown)?;
    if claim.status != ClaimStatus::Open {
        let detail = format!("the claim is {}", claim.status.name());
        return Err(Rejection::new(Code::ClaimDecided, detail));
    }
    let sale = &claim.sale;
    let conversion = &sale.conversion_id;
    match &command.decision {
        ClaimDecision::Decline(reason) => {
            let declined = ClaimDeclinedV1 {
                reason: *reason,
                partner_id: Some(sale.partner_id.clone()),
                brand_id: Some(sale.brand_id.clone()),
            };
            Ok(vec![About::of(id.clone(), declined).into()])
        }
        ClaimDecision::Accept => {
            let accepted = ClaimAcceptedV1 {
                conversion_id: conversion.clone(),
                partner_id: Some(sale.partner_id.clone()),
                brand_id: Some(sale.brand_id.clone()),
            };
            let accepted: Event = About::of(id.clone(), accepted).into();
            let alias = alias_of(claim, orders);
            let sale = as_reported(sale, orders)?;
            let attributed = attributed_sale(sale, alias, VerifiedBy::Claim, None, orders);
            let mut others = claims.open_of([conversion]);
            others.retain(|(other, _)| *other != id);
            Ok([accepted]
                .into_iter()
                .chain(attributed)
                .chain(settle(others, conversion))
                .collect())
        }
    }
}
