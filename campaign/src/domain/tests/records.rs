//! What is known of partners and brands themselves.

use schemas::{About, EnrollmentInvitedV1};
use types::{BrandId, Country, Currency, EnrollmentId, Micros, PartnerId};

use super::{brand, new_campaign, partner, place, submitted_by};
use crate::domain::{
    Actor, Brand, BrandChange, Code, Command, Edit, Event, Partner, PartnerChange, View, decide,
};

fn partner1() -> PartnerId {
    "partner1".parse().unwrap()
}

fn brand1() -> BrandId {
    "brand1".parse().unwrap()
}

fn operator() -> Actor {
    Actor {
        operator: true,
        ..Actor::default()
    }
}

fn of_partner(change: PartnerChange) -> Command {
    Command::ChangePartner {
        partner: partner1(),
        change: Box::new(change),
    }
}

fn of_brand(change: BrandChange) -> Command {
    Command::ChangeBrand {
        brand: brand1(),
        change,
    }
}

#[test]
fn a_partner_and_a_brand_are_there_since_the_first_event_that_names_them() {
    let (campaign, key) = ("camp1".parse().unwrap(), partner1());
    let invited = Event::EnrollmentInvited(About {
        subject: EnrollmentId::of(&campaign, &key),
        key: campaign,
        record: EnrollmentInvitedV1 {
            partner_id: key,
            brand_id: brand1(),
        },
    });
    assert_eq!(invited.partner(), Some(&partner1()));
    let seen = Partner::evolve(None, &partner1(), &invited, place(7));
    assert_eq!((seen.seen, seen.changed_at), (place(7), None));
    let again = Partner::evolve(Some(seen.clone()), &partner1(), &invited, place(9));
    assert_eq!(again, seen, "named again it is as it was");

    let created = Event::CampaignCreated(new_campaign("camp1", "brand1"));
    assert_eq!(created.brand(), Some(&brand1()));
    let seen = Brand::evolve(None, &brand1(), &created, place(3));
    assert_eq!(seen.seen, place(3));
}

#[test]
fn what_is_given_of_a_partner_changes_what_is_cleared_is_gone_and_the_event_says_it_whole() {
    let by = submitted_by(partner("partner1"));
    let first = PartnerChange {
        sealed_name: Edit::Set(vec![1]),
        country: Edit::Set(Country::parse("DE").unwrap()),
        currency: Edit::Set(Currency::EUR),
        sealed_website: Edit::Set(vec![2]),
    };
    let event = decide(View::default(), &of_partner(first), &by).unwrap();
    let known = Partner::evolve(None, &partner1(), &event, place(4));
    assert_eq!(known.seen, place(4), "its own word may be the first");
    let second = PartnerChange {
        country: Edit::Set(Country::parse("AT").unwrap()),
        sealed_website: Edit::Clear,
        ..PartnerChange::default()
    };
    let view = View {
        partner: Some(&known),
        ..View::default()
    };
    let event = decide(view, &of_partner(second), &by).unwrap();
    let Event::PartnerChanged(whole) = &event else {
        panic!("{event:?}");
    };
    let parts = (whole.country.map(Country::code), whole.currency);
    assert_eq!(parts, (Some("AT"), Some(Currency::EUR)));
    assert_eq!(whole.sealed_name, Some(vec![1]));
    assert_eq!(whole.sealed_website, None);
    let after = Partner::evolve(Some(known.clone()), &partner1(), &event, place(8));
    assert_eq!(after.seen, known.seen);
    assert_eq!(after.changed_at, Some(Micros(8_000)));
}

#[test]
fn a_record_is_for_whose_it_is_and_for_operators_to_change() {
    let of_partner = of_partner(PartnerChange::default());
    let of_brand = of_brand(BrandChange {
        sealed_name: Edit::Set(vec![1]),
        currency: Edit::Set(Currency::USD),
    });
    let decided = |command: &Command, by: Actor| {
        decide(View::default(), command, &submitted_by(by)).map_err(|refused| refused.code)
    };
    for stranger in [partner("partner2"), brand("brand1"), Actor::default()] {
        assert_eq!(
            decided(&of_partner, stranger),
            Err(Code::PartnerUnknown.code())
        );
    }
    for stranger in [partner("partner1"), brand("brand2"), Actor::default()] {
        assert_eq!(decided(&of_brand, stranger), Err(Code::BrandUnknown.code()));
    }
    for (command, own) in [
        (&of_partner, partner("partner1")),
        (&of_brand, brand("brand1")),
    ] {
        assert!(decided(command, own).is_ok());
        assert!(decided(command, operator()).is_ok());
    }
}

#[test]
fn a_brands_record_changes_in_what_is_given() {
    let by = submitted_by(brand("brand1"));
    let named = of_brand(BrandChange {
        sealed_name: Edit::Set(vec![1]),
        currency: Edit::Set(Currency::USD),
    });
    let event = decide(View::default(), &named, &by).unwrap();
    let known = Brand::evolve(None, &brand1(), &event, place(4));
    let view = View {
        brand: Some(&known),
        ..View::default()
    };
    let cleared = of_brand(BrandChange {
        sealed_name: Edit::Clear,
        currency: Edit::Keep,
    });
    let event = decide(view, &cleared, &by).unwrap();
    let after = Brand::evolve(Some(known), &brand1(), &event, place(5));
    assert_eq!(
        (after.sealed_name, after.currency),
        (None, Some(Currency::USD))
    );
}

#[test]
fn a_partner_is_erased_by_an_operator_alone_and_its_place_stays() {
    let erase = Command::ErasePartner {
        partner: partner1(),
    };
    for who in [partner("partner1"), brand("brand1"), Actor::default()] {
        let refused = decide(View::default(), &erase, &submitted_by(who)).unwrap_err();
        assert_eq!(refused.code, Code::ErasureNotPermitted);
    }
    let change = PartnerChange {
        sealed_name: Edit::Set(vec![1]),
        country: Edit::Set(Country::parse("DE").unwrap()),
        currency: Edit::Set(Currency::EUR),
        sealed_website: Edit::Set(vec![2]),
    };
    let by = submitted_by(partner("partner1"));
    let changed = decide(View::default(), &of_partner(change), &by).unwrap();
    let known = Partner::evolve(None, &partner1(), &changed, place(4));
    let erased = decide(View::default(), &erase, &submitted_by(operator())).unwrap();
    assert_eq!(erased.partner(), Some(&partner1()));
    let after = Partner::evolve(Some(known), &partner1(), &erased, place(9));
    let nothing = Partner {
        id: partner1(),
        sealed_name: None,
        country: None,
        currency: None,
        sealed_website: None,
        seen: place(4),
        changed_at: Some(place(9).time),
    };
    assert_eq!(after, nothing);
}
