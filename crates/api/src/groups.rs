//! What campaign is asked of the groups of a brand.

use chassis::json::{Check, Text};
use chassis::problem::Fields;
use schemas::{About, ChangeGroupV1, CreateGroupV1, MovePartnerV1, Written};
use serde::Deserialize;
use types::{
    BrandId, GroupField, GroupId, GroupStatus, MembershipId, PartnerId, Uuid, check_link_limit,
};
use utoipa::ToSchema;

use crate::lists;

requests! {
    CreateGroup = "campaign.create_group.command.v1", "create_group";
    ChangeGroup = "campaign.change_group.command.v1", "change_group";
    MovePartner = "campaign.move_partner.command.v1", "move_partner";
}

named! {
    brand_id: BrandId of CreateGroup ChangeGroup MovePartner;
}

/// A group to be made, for partners that a brand treats alike.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateGroup {
    /// Whose; absent: the token's own brand's. An operator must give it.
    #[schema(value_type = Option<String>, example = "brand1")]
    brand_id: Option<BrandId>,
    /// What the brand calls it.
    #[schema(example = "Gold")]
    name: Text<200>,
    /// How many links a partner in it may have in the brand's campaigns; absent: as many as it likes.
    #[schema(minimum = 0, maximum = 1_000_000, example = 50)]
    link_limit: Option<i32>,
}

impl Check for CreateGroup {
    fn check(&self, fields: &mut Fields) {
        check_limit(fields, self.link_limit);
    }
}

impl CreateGroup {
    /// As a command, of this brand; its id makes the group's.
    pub fn command(self, command_id: Uuid, brand: BrandId) -> Written {
        let about = About {
            key: brand,
            subject: GroupId::of_command(command_id),
            record: CreateGroupV1 {
                name: self.name.into_string(),
                link_limit: self.link_limit,
            },
        };
        about.write()
    }
}

/// What is to be another of a group. What is absent or `null` stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(min_properties = 1)]
pub struct ChangeGroup {
    /// Whose; absent: the token's own brand's. An operator must give it.
    #[schema(value_type = Option<String>, example = "brand1")]
    brand_id: Option<BrandId>,
    /// What the brand calls it.
    #[schema(example = "Gold")]
    name: Option<Text<200>>,
    /// How many links a partner in it may have in the brand's campaigns. Who has more keeps them, and gets no more.
    #[schema(minimum = 0, maximum = 1_000_000, example = 50)]
    link_limit: Option<i32>,
    /// `archived`: its partners are in the default group from now on.
    #[schema(value_type = Option<lists::GroupStatus>)]
    status: Option<GroupStatus>,
    /// What it is to have no more.
    #[schema(value_type = Option<Vec<lists::GroupField>>)]
    clear: Option<Vec<GroupField>>,
}

impl Check for ChangeGroup {
    fn check(&self, fields: &mut Fields) {
        check_limit(fields, self.link_limit);
        let clear = self.clear.as_deref().unwrap_or_default();
        let both = self.link_limit.is_some() && clear.contains(&GroupField::LinkLimit);
        fields.require(!both, "/clear", "must not name what is given, too");
        let says_something = self.name.is_some()
            || self.link_limit.is_some()
            || self.status.is_some()
            || !clear.is_empty();
        fields.require(says_something, "", "must say what is to be another");
    }
}

impl ChangeGroup {
    /// As a command, of this group of this brand.
    pub fn command(self, group: GroupId, brand: BrandId) -> Written {
        let clear = self.clear.unwrap_or_default();
        let about = About {
            key: brand,
            subject: group,
            record: ChangeGroupV1 {
                name: self.name.map(Text::into_string),
                link_limit: self.link_limit,
                status: self.status.map(|status| status.name().to_owned()),
                clear: clear.iter().map(|what| what.name().to_owned()).collect(),
            },
        };
        about.write()
    }
}

/// That a partner is in another group.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MovePartner {
    /// Whose group; absent: the token's own brand's. An operator must give it.
    #[schema(value_type = Option<String>, example = "brand1")]
    brand_id: Option<BrandId>,
    /// Which group.
    #[schema(value_type = String, example = "grp_5f0c8e6b1d4a5b7c9e2f3a4b5c6d7e8f")]
    group_id: GroupId,
}

impl Check for MovePartner {}

impl MovePartner {
    /// As a command, of this partner and this brand.
    pub fn command(self, partner: PartnerId, brand: BrandId) -> Written {
        let about = About {
            subject: MembershipId::of(&brand, &partner),
            key: brand,
            record: MovePartnerV1 {
                partner_id: partner.into_string(),
                group_id: self.group_id.into_string(),
            },
        };
        about.write()
    }
}

fn check_limit(fields: &mut Fields, limit: Option<i32>) {
    if let Some(limit) = limit {
        fields.take("/link_limit", check_link_limit(limit));
    }
}
