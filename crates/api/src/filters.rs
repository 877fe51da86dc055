//! What lists are narrowed to that both the bff and campaign have.

use serde::Deserialize;
use types::{BrandId, Country, GroupId, GroupStatus, PartnerId, PartnerStatus};
use utoipa::IntoParams;

use crate::lists;

/// Which bans.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct BanFilter {
    /// Of this partner.
    #[param(value_type = Option<String>)]
    pub partner_id: Option<PartnerId>,
    /// Of this brand; an operator's, of all campaigns, is no brand's.
    #[param(value_type = Option<String>)]
    pub brand_id: Option<BrandId>,
    /// That are so; an ended one is `active`.
    #[param(inline, value_type = Option<lists::PartnerStatus>)]
    pub status: Option<PartnerStatus>,
}

/// Which groups.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct GroupFilter {
    /// Of this brand.
    #[param(value_type = Option<String>)]
    pub brand_id: Option<BrandId>,
    /// That are so.
    #[param(inline, value_type = Option<lists::GroupStatus>)]
    pub status: Option<GroupStatus>,
}

/// Which partners.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PartnerFilter {
    /// That are or were in campaigns of this brand, as it sees them.
    #[param(value_type = Option<String>)]
    pub brand_id: Option<BrandId>,
    /// In this group of the brand that asks, or that is named; an operator may name the group alone.
    #[param(value_type = Option<String>)]
    pub group_id: Option<GroupId>,
    /// At home there, by ISO 3166-1.
    #[param(value_type = Option<String>)]
    pub country: Option<Country>,
    /// That are so.
    #[param(inline, value_type = Option<lists::PartnerStatus>)]
    pub status: Option<PartnerStatus>,
}
