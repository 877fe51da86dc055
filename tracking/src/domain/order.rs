//! Which order a report is about: an order number belongs to a brand.
//!
//! Where the reporter speaks for a brand, or its campaign or click says whose order it is, the order is known by brand and
//! number. It is also looked for under the ids that say less: those of a reporter without a brand, and those of what was
//! recorded before brands were part of an order's id.

use types::{BrandId, ConversionId, OrderId};

use super::{Access, Candidate, Conversion, Orders, Reason, Report, Status};

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
        [first, second, (self.bare.as_ref(), Place::Bare)]
            .into_iter()
            .filter_map(|(id, place)| Some((orders.find_reported(id?)?, place)))
            .find(|((_, conversion), place)| self.is(brand, conversion, *place))
            .map(|(found, _)| found)
    }

    /// Whether what is known under an id is this order, and not another brand's of the same number.
    fn is(&self, brand: &BrandId, conversion: &Conversion, place: Place) -> bool {
        match (&conversion.status, place) {
            (Status::Attributed(sale), _) => sale.brand_id == *brand,
            (_, Place::Own) => true,
            // While a campaign was unknown, it could be named by everybody.
            (Status::Unattributed(sale), Place::Campaign) => {
                !self.shop || sale.reason != Reason::CampaignUnknown
            }
            (Status::Unattributed(sale), Place::Bare) => {
                !self.shop && sale.user == self.report.user
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
        let its = |visitor| visitor == self.report.user;
        self.bare.as_ref() != Some(id) || known.noted.iter().all(|noted| its(noted.user))
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
