//! What becomes of a brand's groups and who is in which.

use schemas::{About, GroupCreatedV1, RejectionCode};
use types::{BrandId, GroupId, GroupStatus, MembershipId, Uuid};

use super::{brand, partner, place, submitted_by};
use crate::domain::{
    Actor, Code, Command, Edit, Event, Group, GroupChange, MAX_GROUPS, Membership, Rejection, View,
    decide,
};

fn brand1() -> BrandId {
    "brand1".parse().unwrap()
}

fn gold() -> GroupId {
    GroupId::of_command(Uuid::from_u128(7))
}

fn new_group() -> Command {
    Command::CreateGroup(About {
        key: brand1(),
        subject: gold(),
        record: GroupCreatedV1 {
            link_limit: Some(3),
            sealed_name: Some(vec![1]),
        },
    })
}

fn change(group: GroupId, change: GroupChange) -> Command {
    Command::ChangeGroup {
        brand: brand1(),
        group,
        change,
    }
}

fn archived() -> GroupChange {
    GroupChange {
        status: Some(GroupStatus::Archived),
        ..GroupChange::default()
    }
}

fn moved(group: GroupId) -> Command {
    Command::MovePartner {
        brand: brand1(),
        partner: "partner1".parse().unwrap(),
        group,
    }
}

fn decided(view: View, command: &Command, by: Actor) -> Result<Event, RejectionCode> {
    decide(view, command, &submitted_by(by)).map_err(|Rejection { code, .. }| code)
}

fn of(group: &Group) -> View<'_> {
    View {
        group: Some(group),
        ..View::default()
    }
}

fn made() -> Group {
    let event = decided(View::default(), &new_group(), brand("brand1")).unwrap();
    Group::evolve(None, &event, place(3)).unwrap()
}

#[test]
fn a_group_is_made_once_and_changes_in_what_is_given() {
    let group = made();
    assert_eq!(
        (group.link_limit, group.status),
        (Some(3), GroupStatus::Active)
    );
    let again = decided(of(&group), &new_group(), brand("brand1"));
    assert_eq!(again, Err(Code::GroupExists.code()));
    let unlimited = GroupChange {
        link_limit: Edit::Clear,
        ..GroupChange::default()
    };
    let event = decided(of(&group), &change(gold(), unlimited), brand("brand1")).unwrap();
    let after = Group::evolve(Some(group.clone()), &event, place(9)).unwrap();
    assert_eq!(
        (after.link_limit, after.sealed_name),
        (None, group.sealed_name)
    );
    assert_eq!(after.created, group.created);
}

#[test]
fn a_brand_has_so_many_groups_and_no_more() {
    for (groups_of_brand, may) in [(MAX_GROUPS - 1, true), (MAX_GROUPS, false)] {
        let view = View {
            groups_of_brand,
            ..View::default()
        };
        let refused = (!may).then(|| Code::TooManyGroups.code());
        let decided = decided(view, &new_group(), brand("brand1"));
        assert_eq!(decided.err(), refused, "{groups_of_brand}");
    }
}

#[test]
fn the_default_group_is_there_by_itself_has_limits_and_is_not_archived() {
    let default = GroupId::default_of(&brand1());
    let limited = GroupChange {
        link_limit: Edit::Set(1),
        ..GroupChange::default()
    };
    let (nothing, by) = (View::default(), || brand("brand1"));
    let event = decided(nothing, &change(default.clone(), limited), by()).unwrap();
    let group = Group::evolve(None, &event, place(3)).unwrap();
    assert_eq!((&group.id, group.link_limit), (&default, Some(1)));
    for view in [nothing, of(&group)] {
        let refused = decided(view, &change(default.clone(), archived()), by());
        assert_eq!(refused, Err(Code::DefaultGroup.code()));
    }
    let taken = Command::CreateGroup(About {
        key: brand1(),
        subject: default,
        record: GroupCreatedV1 {
            link_limit: None,
            sealed_name: None,
        },
    });
    assert_eq!(
        decided(nothing, &taken, by()),
        Err(Code::GroupExists.code())
    );
}

#[test]
fn a_partner_is_in_one_group_of_a_brand_and_moves_to_another_that_is_active() {
    let (group, default) = (made(), GroupId::default_of(&brand1()));
    let by = || brand("brand1");
    let in_default = decided(View::default(), &moved(default.clone()), by());
    assert_eq!(in_default, Err(Code::AlreadyInGroup.code()));
    let event = decided(of(&group), &moved(gold()), by()).unwrap();
    let member = Membership::evolve(None, &event, place(5)).unwrap();
    let id = MembershipId::of(&brand1(), &"partner1".parse().unwrap());
    assert_eq!((&member.id, &member.group), (&id, &gold()));
    let known = View {
        membership: Some(&member),
        ..of(&group)
    };
    let twice = decided(known, &moved(gold()), by());
    assert_eq!(twice, Err(Code::AlreadyInGroup.code()));
    let known = View {
        membership: Some(&member),
        ..View::default()
    };
    let back = decided(known, &moved(default.clone()), by()).unwrap();
    let member = Membership::evolve(Some(member), &back, place(8)).unwrap();
    assert_eq!((member.group, member.position), (default, 5));

    let event = decided(of(&group), &change(gold(), archived()), by()).unwrap();
    let group = Group::evolve(Some(group), &event, place(9)).unwrap();
    let refused = decided(of(&group), &moved(gold()), by());
    assert_eq!(refused, Err(Code::GroupArchived.code()));
}

#[test]
fn a_strangers_group_cannot_be_told_from_none() {
    let group = made();
    for stranger in [brand("brand2"), partner("partner1"), Actor::default()] {
        for command in [change(gold(), archived()), moved(gold())] {
            for view in [of(&group), View::default()] {
                let refused = decided(view, &command, stranger.clone());
                assert_eq!(refused, Err(Code::GroupUnknown.code()));
            }
        }
        let refused = decided(View::default(), &new_group(), stranger);
        assert_eq!(refused, Err(Code::BrandUnknown.code()));
    }
    // Another brand's group, named as one's own.
    let theirs = Group {
        brand: "brand2".parse().unwrap(),
        ..group
    };
    for command in [change(gold(), archived()), moved(gold())] {
        let refused = decided(of(&theirs), &command, brand("brand1"));
        assert_eq!(refused, Err(Code::GroupUnknown.code()));
    }
    let operator = Actor {
        operator: true,
        ..Actor::default()
    };
    assert!(decided(of(&made()), &moved(gold()), operator).is_ok());
}
