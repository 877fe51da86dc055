//! Orders: what is known of each, and which one a report is about. An order number belongs to a brand.
//!
//! Where the reporter speaks for a brand, or its campaign or click says whose order it is, the order is known by brand and
//! number. It is also looked for under the ids that say less: those of a reporter without a brand, and those of what was
//! recorded before brands were part of an order's id.

use std::collections::HashMap;

use types::{
    Amount, BrandId, CampaignId, ConversionId, Currency, Micros, Money, OrderId, TermsVersion, Uuid,
};

use super::{
    Access, Attributed, Candidate, Claim, Event, Report, Unattributed, UnattributedReason, UserHash,
};
use schemas::ClaimedSale;

/// So many refunds wait for their order: all of them are read and written with each.
pub(super) const MAX_NOTED: usize = 100;

/// One order, or one purchase or lead without an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversion {
    /// Whose it is, if it was reported yet.
    pub status: Status,
    /// The event that gave it its status.
    pub event_id: Uuid,
    /// When that was, in our time.
    pub recorded_at: Micros,
    /// That event's place in the log.
    pub position: i64,
    /// Refunds that came before the purchase, or for one that is nobody's: kept, and counted once by the purchase.
    pub noted: Vec<NotedRefund>,
    /// What went back so far, in minor units of the purchase's currency.
    pub refunded_minor: i64,
    /// Whether one that was worth nothing was taken back: no amount says so.
    pub is_taken_back: bool,
}

/// Whose a conversion is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// Only refunds are known of it.
    Noted(Option<OrderId>),
    /// Nobody's.
    Unattributed(Unattributed),
    /// A partner's.
    Attributed(Attributed),
}

/// A refund that waits for its purchase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotedRefund {
    /// How much; none: all of it.
    pub amount: Option<Amount>,
    /// Of which currency; none: the purchase's.
    pub currency: Option<Currency>,
    /// Who.
    pub user: UserHash,
}

impl Conversion {
    /// Whether its purchase or lead was reported.
    pub fn is_reported(&self) -> bool {
        !matches!(self.status, Status::Noted(_))
    }

    /// The shop's order, where it has one.
    pub(super) fn order(&self) -> Option<&OrderId> {
        match &self.status {
            Status::Noted(order) => order.as_ref(),
            Status::Unattributed(event) => event.order.as_ref(),
            Status::Attributed(event) => event.order_id.as_ref(),
        }
    }

    /// Whether nothing is left of what it was worth.
    pub(super) fn is_back(&self, worth: Money) -> bool {
        if worth.minor == 0 {
            self.is_taken_back
        } else {
            self.refunded_minor == worth.minor
        }
    }
}

/// The conversions that are looked at, and under which other ids they are known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Orders {
    /// By their own id.
    pub conversions: HashMap<ConversionId, Conversion>,
    /// Other id to own id.
    pub aliases: HashMap<ConversionId, ConversionId>,
    /// Of the terms by which something without an amount is a partner's, or may become one's.
    pub currencies: HashMap<(CampaignId, TermsVersion), Currency>,
}

impl Orders {
    /// The conversion that is known under an id, its own or another.
    pub fn find<'a>(&'a self, id: &'a ConversionId) -> Option<(&'a ConversionId, &'a Conversion)> {
        let id = self.aliases.get(id).unwrap_or(id);
        self.conversions.get_key_value(id)
    }

    /// Like [`Orders::find`], when its purchase or lead was reported.
    pub fn find_reported<'a>(
        &'a self,
        id: &'a ConversionId,
    ) -> Option<(&'a ConversionId, &'a Conversion)> {
        self.find(id)
            .filter(|(_, conversion)| conversion.is_reported())
    }

    /// The terms by which conversions without an amount are a partner's.
    pub fn without_amount(&self) -> impl Iterator<Item = (CampaignId, TermsVersion)> {
        let all = self.conversions.values();
        all.filter_map(|conversion| match &conversion.status {
            Status::Attributed(sale) if sale.amount.is_none() => {
                Some((sale.campaign_id.clone(), sale.terms_version))
            }
            _ => None,
        })
    }

    /// What a partner's conversion is worth: without an amount nothing, in the currency of its terms.
    pub(super) fn worth(&self, sale: &Attributed) -> Option<Money> {
        let terms = || (sale.campaign_id.clone(), sale.terms_version);
        let nothing = || self.currencies.get(&terms()).copied().map(Money::zero);
        sale.amount.or_else(nothing)
    }

    /// Applies what happened. Returns the id of the conversion that changed.
    pub fn evolve(
        &mut self,
        event: &Event,
        id: Uuid,
        time: Micros,
        position: i64,
    ) -> Option<ConversionId> {
        let new = |status| Conversion {
            status,
            event_id: id,
            recorded_at: time,
            position,
            noted: Vec::new(),
            refunded_minor: 0,
            is_taken_back: false,
        };
        match event {
            Event::Attributed(event) => {
                if let Some(alias) = &event.alias_id {
                    self.aliases.insert(alias.clone(), event.subject.clone());
                }
                let conversion = new(Status::Attributed(event.clone()));
                Some(self.report(&event.subject, conversion))
            }
            Event::Unattributed(event) => {
                let conversion = new(Status::Unattributed(event.clone()));
                Some(self.report(&event.conversion, conversion))
            }
            Event::Refunded(event) => {
                let conversion = self.conversions.get_mut(&event.subject)?;
                conversion.refunded_minor = event.refunded_total.minor;
                conversion.is_taken_back = event.purchase_amount.minor == 0;
                Some(event.subject.clone())
            }
            Event::RefundNoted(event) => {
                let conversion = self
                    .conversions
                    .entry(event.conversion.clone())
                    .or_insert_with(|| new(Status::Noted(event.order.clone())));
                conversion.noted.push(NotedRefund {
                    amount: event.amount,
                    currency: event.currency,
                    user: event.user,
                });
                Some(event.conversion.clone())
            }
            Event::DuplicateIgnored(event) => {
                // From now on this id means the other's order, whatever its visitor clicks next.
                let first = event.first_conversion_id.as_ref()?;
                self.aliases.insert(event.subject.clone(), first.clone());
                None
            }
            Event::TermsAdopted(_)
            | Event::CampaignAdopted(_)
            | Event::EnrollmentAdopted(_)
            | Event::LinkCreated(_)
            | Event::Recorded(_)
            | Event::Claimed(_)
            | Event::ClaimSettled(_)
            | Event::ClaimAccepted(_)
            | Event::ClaimDeclined(_)
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
            | Event::LinkAnswered(_) => None,
        }
    }

    fn report(&mut self, id: &ConversionId, mut conversion: Conversion) -> ConversionId {
        if let Some(noted) = self.conversions.remove(id) {
            conversion.noted = noted.noted;
        }
        self.conversions.insert(id.clone(), conversion);
        id.clone()
    }
}

/// An order, and under which ids it may be known.
#[derive(Debug)]
pub struct Order<'a> {
    report: &'a Report,
    /// Whether the reporter speaks for the brand.
    shop: bool,
    brand: Option<&'a BrandId>,
    number: Option<&'a OrderId>,
    /// By brand and number.
    own: Option<ConversionId>,
    /// By the named campaign, else that of the click, and number.
    campaign: Option<ConversionId>,
    /// By number alone.
    bare: Option<ConversionId>,
}

/// How much an id says of an order.
#[derive(Clone, Copy)]
enum Place {
    Own,
    Campaign,
    Bare,
}

impl<'a> Order<'a> {
    /// The order of a report: of the brand that the reporter speaks for, else of the named campaign, else of the click.
    pub fn of(
        report: &'a Report,
        access: &'a Access,
        campaign: Option<&'a BrandId>,
        candidate: Option<&'a Candidate>,
    ) -> Self {
        let named = report.campaign.as_ref();
        let candidate = candidate.filter(|_| named.is_none());
        let brand = access.shop().or(campaign);
        let brand = brand.or(candidate.map(|click| &click.brand));
        let number = report.order.as_ref();
        let campaign = named.or(candidate.map(|click| &click.campaign));
        Self {
            report,
            shop: access.shop().is_some(),
            brand,
            number,
            own: brand.zip(number).map(|(b, n)| ConversionId::of_brand(b, n)),
            campaign: campaign
                .zip(number)
                .map(|(c, n)| ConversionId::of_order(Some(c), n)),
            bare: number.map(|number| ConversionId::of_order(None, number)),
        }
    }

    /// Every id that it may be known under.
    pub fn ids(&self) -> impl Iterator<Item = &ConversionId> {
        let named = [&self.own, &self.campaign, &self.bare]
            .into_iter()
            .flatten();
        named.chain([&self.report.conversion])
    }

    /// What it is known by when it was not known before.
    pub(super) fn id(&self) -> &ConversionId {
        self.own.as_ref().unwrap_or(&self.report.conversion)
    }

    /// Its purchase or lead, if it was reported.
    pub(super) fn first<'o>(
        &'o self,
        orders: &'o Orders,
    ) -> Option<(&'o ConversionId, &'o Conversion)> {
        let Some(brand) = self.brand.filter(|_| self.number.is_some()) else {
            return orders.find_reported(&self.report.conversion);
        };
        let (own, campaign) = (
            (self.own.as_ref(), Place::Own),
            (self.campaign.as_ref(), Place::Campaign),
        );
        // Before brands were part of ids, a number was an order in each campaign: the one that is named is meant.
        let [first, second] = match self.report.campaign {
            Some(_) => [campaign, own],
            None => [own, campaign],
        };
        let known = [first, second, (self.bare.as_ref(), Place::Bare)].map(|(id, place)| {
            let found = orders.find_reported(id?)?;
            self.is(brand, found.1, place).then_some(found)
        });
        let mut known = known.into_iter().flatten();
        // While its campaign was unknown it may have become nobody's under that, and somebody's by its shop's report.
        let is_somebodys =
            |found: &(_, &Conversion)| matches!(found.1.status, Status::Attributed(_));
        known.clone().find(is_somebodys).or(known.next())
    }

    /// Whether what is known under an id is this order, and not another brand's of the same number.
    fn is(&self, brand: &BrandId, conversion: &Conversion, place: Place) -> bool {
        match (&conversion.status, place) {
            (Status::Attributed(sale), _) => sale.brand_id == *brand,
            (_, Place::Own) => true,
            // While a campaign was unknown, it could be named by everybody.
            (Status::Unattributed(sale), Place::Campaign) => {
                !self.shop || sale.reason != UnattributedReason::CampaignUnknown
            }
            (Status::Unattributed(sale), Place::Bare) => {
                !self.shop && self.report.user.is(sale.user)
            }
            (Status::Noted(_), _) => false,
        }
    }

    /// Whether what the sender calls the order may mean this conversion from now on.
    pub(super) fn may_mean(&self, first: &ConversionId, orders: &Orders) -> bool {
        let called = &self.report.conversion;
        let means = orders.find(called).is_some_and(|(id, _)| id == first);
        means || self.is_free(called, orders)
    }

    fn is_free(&self, id: &ConversionId, orders: &Orders) -> bool {
        match orders.find(id) {
            None => true,
            Some((_, known)) => !known.is_reported() && self.are_its(id, known),
        }
    }

    /// Whether the refunds that are noted under an id are this order's: a number alone may be another shop's.
    fn are_its(&self, id: &ConversionId, known: &Conversion) -> bool {
        let its = |noted: &NotedRefund| self.report.user.is(noted.user);
        self.bare.as_ref() != Some(id) || known.noted.iter().all(its)
    }

    /// The other id that means this order from now on: one under which its refunds wait, else its number, when that is
    /// how the sender calls it.
    pub(super) fn alias(&self, orders: &Orders) -> Option<ConversionId> {
        let free = |id: &&ConversionId| *id != self.id() && self.is_free(id, orders);
        let waits = |id: &&ConversionId| orders.find(id).is_some();
        let called = |id: &&ConversionId| **id == self.report.conversion;
        let campaign = self.campaign.as_ref().filter(free).filter(waits);
        let bare = self.bare.as_ref().filter(free);
        let alias = campaign.or(bare.filter(|id| waits(id) || called(id)));
        alias.cloned()
    }
}

/// The ids beside its own under which a claimed order may be known: by campaign and number, and by number alone.
pub fn other_ids(sale: &ClaimedSale) -> Option<[ConversionId; 2]> {
    let number = sale.order_id.as_ref()?;
    let campaign = ConversionId::of_order(Some(&sale.campaign_id), number);
    Some([campaign, ConversionId::of_order(None, number)])
}

/// The other id under which refunds of a claimed order wait: a report of it would take them over (see [`Order::alias`]).
pub(super) fn alias_of(claim: &Claim, orders: &Orders) -> Option<ConversionId> {
    let its = |noted: &NotedRefund| claim.user == Some(noted.user);
    let waits = |id: &ConversionId, of: &dyn Fn(&NotedRefund) -> bool| {
        let known = orders.find(id).filter(|(_, it)| !it.is_reported());
        *id != claim.sale.conversion_id && known.is_some_and(|(_, it)| it.noted.iter().all(of))
    };
    let [campaign, bare] = other_ids(&claim.sale)?;
    if waits(&campaign, &|_| true) {
        return Some(campaign);
    }
    waits(&bare, &its).then_some(bare)
}
