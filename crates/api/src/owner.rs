//! Whose something is that a brand or a partner has of notify.

use chassis::auth::Caller;
use chassis::problem::{FieldProblem, Problem};
use types::{BrandId, ContactId, PartnerId};

/// A brand or a partner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// A brand.
    Brand(BrandId),
    /// A partner.
    Partner(PartnerId),
}

impl Owner {
    /// Who is named, or else for whom the caller speaks.
    ///
    /// # Errors
    ///
    /// 422 where neither names anybody.
    pub(crate) fn named_or_own(
        named: (Option<&BrandId>, Option<&PartnerId>),
        own_brand: Option<&BrandId>,
        own_partner: Option<&PartnerId>,
    ) -> Result<Self, Problem> {
        match (named, own_brand, own_partner) {
            ((Some(brand), _), ..) | ((None, None), Some(brand), _) => {
                Ok(Self::Brand(brand.clone()))
            }
            ((None, Some(partner)), ..) | ((None, None), None, Some(partner)) => {
                Ok(Self::Partner(partner.clone()))
            }
            ((None, None), None, None) => {
                let problem = FieldProblem::at("/brand_id", "an operator must say for whom");
                Err(Problem::invalid(vec![problem]))
            }
        }
    }

    /// The brand that it is.
    pub fn brand(&self) -> Option<&BrandId> {
        match self {
            Self::Brand(brand) => Some(brand),
            Self::Partner(_) => None,
        }
    }

    /// The partner that it is.
    pub fn partner(&self) -> Option<&PartnerId> {
        match self {
            Self::Partner(partner) => Some(partner),
            Self::Brand(_) => None,
        }
    }

    /// Its mail addresses.
    pub fn contact(&self) -> ContactId {
        match self {
            Self::Brand(brand) => ContactId::of_brand(brand),
            Self::Partner(partner) => ContactId::of_partner(partner),
        }
    }

    /// Whether this caller speaks for it, or for everybody.
    ///
    /// # Errors
    ///
    /// 404 where it does not.
    pub fn require(&self, caller: &Caller) -> Result<(), Problem> {
        caller.require_owner(self.partner(), self.brand())
    }
}
