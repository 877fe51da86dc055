//! Whose things the one who asks may touch.

use money::{BrandId, PartnerId};

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

    /// The brand that it is, when it is nothing else.
    pub fn only_brand(&self) -> Option<&BrandId> {
        match self {
            Self::Own {
                partner: None,
                brand,
            } => brand.as_ref(),
            _ => None,
        }
    }

    /// Whether it may state what is nobody's yet: a partner may not, since it would take orders from others.
    pub fn speaks_for_a_shop(&self) -> bool {
        match self {
            Self::All => true,
            Self::Own { brand, .. } => brand.is_some(),
        }
    }
}
