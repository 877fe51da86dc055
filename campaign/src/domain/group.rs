//! Groups: partners that a brand treats alike.

use schemas::{About, GroupChangedV1, GroupCreatedV1, PartnerMovedV1};
use types::{BrandId, GroupId, GroupStatus, MembershipId, PartnerId};

use super::decide::brand_unknown;
use super::{Code, Context, Edit, Event, Place, Rejection, View};

/// So many groups a brand may have, with the default one and those that are archived: who reads them all holds them at once.
pub const MAX_GROUPS: usize = 1_000;

/// A brand's group. The default one is there as long as its brand is; who is in no other is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Which.
    pub id: GroupId,
    /// Whose.
    pub brand: BrandId,
    /// What the brand calls it, sealed.
    pub sealed_name: Option<Vec<u8>>,
    /// How many links a partner in it may have in the brand's campaigns; `None`: as many as it likes.
    pub link_limit: Option<i32>,
    /// Whether partners are in it.
    pub status: GroupStatus,
    /// Where it was made.
    pub created: Place,
}

/// In which group of a brand a partner is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// Of whom in which brand's groups.
    pub id: MembershipId,
    /// Whose groups.
    pub brand: BrandId,
    /// Who.
    pub partner: PartnerId,
    /// In which.
    pub group: GroupId,
    /// Where it was first said.
    pub position: i64,
}

/// What is to be another of a group. What is not given stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupChange {
    /// What the brand calls it, sealed.
    pub sealed_name: Option<Vec<u8>>,
    /// How many links a partner in it may have.
    pub link_limit: Edit<i32>,
    /// Whether partners are in it.
    pub status: Option<GroupStatus>,
}

impl Group {
    /// The default group of a brand, as it comes with it.
    pub fn default_of(brand: &BrandId, created: Place) -> Self {
        Self {
            id: GroupId::default_of(brand),
            brand: brand.clone(),
            sealed_name: None,
            link_limit: None,
            status: GroupStatus::Active,
            created,
        }
    }

    /// Where it stands in lists. One event may make a brand's default group and another of it: the default one stands before.
    pub fn number(&self) -> i64 {
        let is_default = self.id == GroupId::default_of(&self.brand);
        let twice = self.created.position.saturating_mul(2);
        twice.saturating_add(i64::from(!is_default))
    }

    /// The group that an event makes of what was there before.
    pub fn evolve(before: Option<Self>, event: &Event, place: Place) -> Option<Self> {
        let (key, subject, name, link_limit, status) = match event {
            Event::GroupCreated(it) => (
                &it.key,
                &it.subject,
                &it.sealed_name,
                it.link_limit,
                GroupStatus::Active,
            ),
            Event::GroupChanged(it) => (
                &it.key,
                &it.subject,
                &it.sealed_name,
                it.link_limit,
                it.status,
            ),
            _ => return before,
        };
        Some(Self {
            id: subject.clone(),
            brand: key.clone(),
            sealed_name: name.clone(),
            link_limit,
            status,
            created: before.map_or(place, |before| before.created),
        })
    }
}

impl Membership {
    /// The membership that an event makes of what was there before.
    pub fn evolve(before: Option<Self>, event: &Event, place: Place) -> Option<Self> {
        let Event::PartnerMoved(moved) = event else {
            return before;
        };
        Some(Self {
            id: moved.subject.clone(),
            brand: moved.key.clone(),
            partner: moved.partner_id.clone(),
            group: moved.group_id.clone(),
            position: before.map_or(place.position, |before| before.position),
        })
    }
}

/// A group is made. For the brand, and for operators.
pub(super) fn create(
    view: View,
    new: &About<GroupCreatedV1>,
    context: &Context,
) -> Result<Event, Rejection> {
    if !context.actor.is_brand(&new.key) {
        return Err(brand_unknown());
    }
    if view.group.is_some() || new.subject == GroupId::default_of(&new.key) {
        let detail = "there is a group of this id already";
        return Err(Rejection::new(Code::GroupExists, detail));
    }
    if view.groups_of_brand >= MAX_GROUPS {
        let detail = format!("a brand has {MAX_GROUPS} groups at most: rename one");
        return Err(Rejection::new(Code::TooManyGroups, detail));
    }
    Ok(Event::GroupCreated(new.clone()))
}

/// A group is another. Archived, its partners are in the default group, until it is active again or they are moved.
pub(super) fn change(
    view: View,
    brand: &BrandId,
    group: &GroupId,
    change: &GroupChange,
    context: &Context,
) -> Result<Event, Rejection> {
    if !context.actor.is_brand(brand) {
        return Err(group_unknown());
    }
    let before = own(view, brand, group, context)?;
    let status = change.status.unwrap_or(before.status);
    if status == GroupStatus::Archived && before.id == GroupId::default_of(brand) {
        let detail = "the default group is there for who is in no other";
        return Err(Rejection::of("/status", Code::DefaultGroup, detail));
    }
    let sealed_name = change.sealed_name.clone().or(before.sealed_name);
    Ok(Event::GroupChanged(About {
        key: brand.clone(),
        subject: group.clone(),
        record: GroupChangedV1 {
            sealed_name,
            link_limit: change.link_limit.of(before.link_limit.as_ref()),
            status,
        },
    }))
}

/// A partner is in another group of the brand, be it in a campaign of it or not yet.
pub(super) fn move_partner(
    view: View,
    brand: &BrandId,
    partner: &PartnerId,
    group: &GroupId,
    context: &Context,
) -> Result<Event, Rejection> {
    if !context.actor.is_brand(brand) {
        return Err(group_unknown());
    }
    let into = own(view, brand, group, context)?;
    if into.status == GroupStatus::Archived {
        let detail = "nobody comes into an archived group";
        return Err(Rejection::of("/group_id", Code::GroupArchived, detail));
    }
    let default = GroupId::default_of(brand);
    let is_in = view.membership.map_or(&default, |before| &before.group);
    if is_in == group {
        let detail = "the partner is in this group";
        return Err(Rejection::new(Code::AlreadyInGroup, detail));
    }
    Ok(Event::PartnerMoved(About {
        key: brand.clone(),
        subject: MembershipId::of(brand, partner),
        record: PartnerMovedV1 {
            partner_id: partner.clone(),
            group_id: group.clone(),
        },
    }))
}

/// The brand's group; its default one as it comes with the brand where nothing was said of it.
fn own(
    view: View,
    brand: &BrandId,
    group: &GroupId,
    context: &Context,
) -> Result<Group, Rejection> {
    let known = view.group.filter(|known| known.brand == *brand).cloned();
    let default = || {
        let place = Place {
            time: context.now,
            position: 0,
        };
        (*group == GroupId::default_of(brand)).then(|| Group::default_of(brand, place))
    };
    known.or_else(default).ok_or_else(group_unknown)
}

fn group_unknown() -> Rejection {
    let detail = "there is no such group";
    Rejection::new(Code::GroupUnknown, detail)
}
