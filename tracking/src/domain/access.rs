//! Whose things the one who asks may touch.

use types::{BrandId, DisabledBy, PartnerId, VerifiedBy};

/// What the one who asks may touch. Decided upon here and not from a read model, which lags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// An operator, or the system itself.
    All,
    /// A partner its own, a brand what is in its campaigns.
    Own {
        /// The partner it is.
        partner: Option<PartnerId>,
        /// The brand it is.
        brand: Option<BrandId>,
    },
}

impl Access {
    /// Whose word it is.
    pub fn verified_by(&self) -> VerifiedBy {
        match self {
            Self::All => VerifiedBy::Operator,
            Self::Own { .. } => VerifiedBy::Brand,
        }
    }

    /// As whom it disables a link of a campaign of this brand.
    pub fn disables_as(&self, brand: &BrandId) -> DisabledBy {
        match self {
            Self::All => DisabledBy::Operator,
            Self::Own { .. } if self.is_brand(brand) => DisabledBy::Brand,
            Self::Own { .. } => DisabledBy::Partner,
        }
    }

    /// Whether a thing of this partner in a campaign of this brand is its own.
    pub fn covers(&self, partner: &PartnerId, brand: &BrandId) -> bool {
        self.is_partner(partner) || self.is_brand(brand)
    }

    /// Whether it may act as this partner.
    pub fn is_partner(&self, partner: &PartnerId) -> bool {
        match self {
            Self::All => true,
            Self::Own { partner: own, .. } => own.as_ref() == Some(partner),
        }
    }

    /// Whether it may act as this brand.
    pub fn is_brand(&self, brand: &BrandId) -> bool {
        match self {
            Self::All => true,
            Self::Own { brand: own, .. } => own.as_ref() == Some(brand),
        }
    }

    /// The brand whose shop it speaks for: what it reports is of that brand and of no other, also when it is a partner too.
    pub fn shop(&self) -> Option<&BrandId> {
        match self {
            Self::All => None,
            Self::Own { brand, .. } => brand.as_ref(),
        }
    }

    /// Whether it may report what a click of this partner in a campaign of this brand led to.
    pub fn may_report(&self, partner: &PartnerId, brand: &BrandId) -> bool {
        match self.shop() {
            Some(own) => own == brand,
            None => self.covers(partner, brand),
        }
    }

    /// Whether it may state what is nobody's yet: a partner may not, since it would take orders from others.
    pub fn speaks_for_a_shop(&self) -> bool {
        *self == Self::All || self.shop().is_some()
    }
}
