//! Mail addresses: whose they are, what must arrive, and which are told.

use schemas::{About, ContactAddress, ContactChangedV1};
use types::{BrandId, Channel, ContactId, MailFailure, MailGroup, MailLanguage, Micros, Uuid};

use super::super::{
    Actor, Command, Concluded, Contact, Context, Event, Owner, Place, View, decide, forget_contact,
};

fn brand(id: &str) -> BrandId {
    BrandId::parse(id).unwrap()
}

fn by(id: &str) -> Context {
    Context {
        now: Micros(1_000_000),
        actor: Actor {
            brand: Some(brand(id)),
            ..Actor::default()
        },
    }
}

fn address(sealed: &str, groups: &[MailGroup]) -> ContactAddress {
    ContactAddress {
        sealed_address: sealed.to_owned(),
        language: MailLanguage::English,
        groups: groups.to_vec(),
    }
}

fn change(addresses: Vec<ContactAddress>) -> Command {
    let owner = Owner::Brand(brand("mine"));
    let new = ContactChangedV1 {
        brand_id: Some(brand("mine")),
        partner_id: None,
        addresses,
        numbers: None,
    };
    let new = Box::new(About::of(ContactId::of_brand(&brand("mine")), new));
    Command::ChangeContact { new, owner }
}

fn after(before: Option<&Contact>, command: &Command, position: i64) -> Contact {
    let view = View {
        contact: before,
        ..View::default()
    };
    let place = Place {
        time: Micros(position),
        position,
    };
    let event = decide(view, command, &by("mine")).unwrap();
    Contact::evolve(before.cloned(), &event, place).unwrap()
}

fn code(view: View, command: &Command, who: &str) -> &'static str {
    decide(view, command, &by(who)).unwrap_err().code.name
}

#[test]
fn addresses_are_their_owners_few_different_and_told_of_what_must_arrive() {
    let all = MailGroup::ALL;
    let one = change(vec![address("a", &all)]);
    assert_eq!(code(View::default(), &one, "theirs"), "brand_unknown");
    let six = (0..6).map(|index| address(&format!("a{index}"), &all));
    for refused in [
        six.collect(),
        vec![address("a", &all), address("a", &all)],
        vec![address("a", &[MailGroup::Programme, MailGroup::Security])],
        vec![address("a", &[MailGroup::Money])],
    ] {
        let refused = change(refused);
        assert_eq!(code(View::default(), &refused, "mine"), "invalid_field");
    }
    let none = change(Vec::new());
    assert_eq!(code(View::default(), &none, "mine"), "contact_unchanged");
    let contact = after(None, &one, 1);
    let view = View {
        contact: Some(&contact),
        ..View::default()
    };
    assert_eq!(code(view, &one, "mine"), "contact_unchanged");
    assert!(after(Some(&contact), &none, 2).addresses.is_empty());
}

#[test]
fn an_address_stays_the_same_while_others_come_and_go_and_wants_its_own_groups() {
    let (every, money) = (address("a", &MailGroup::ALL), [MailGroup::Money]);
    let before = after(None, &change(vec![every.clone()]), 1);
    let both = change(vec![address("b", &money), every.clone()]);
    let contact = after(Some(&before), &both, 2);
    assert_eq!((contact.position, contact.changed_at), (1, Micros(2)));
    let mails = [Channel::Mail];
    let programme = |it: &Contact| {
        let wanting = it.wanting(&mails, MailGroup::Programme);
        wanting.map(|(_, id)| id).collect::<Vec<_>>()
    };
    let old = programme(&before);
    assert_eq!(old, programme(&contact));
    assert_eq!(contact.wanting(&mails, MailGroup::Money).count(), 2);
    assert_eq!(contact.address(Channel::Mail, old[0]), Some(&every));
    let mut money = contact.wanting(&mails, MailGroup::Money);
    let (channel, id) = money.next().unwrap();
    assert_eq!(before.address(channel, id), None);
    assert!(forget_contact(&contact).unwrap().addresses.is_empty());
    let empty = after(Some(&contact), &change(Vec::new()), 3);
    assert_eq!(forget_contact(&empty), None);
}

#[test]
fn a_link_takes_one_group_from_one_address_and_leaves_numbers_and_what_must_arrive() {
    let earnings = [MailGroup::Earnings];
    let mut all = change(vec![address("a", &MailGroup::ALL), address("b", &earnings)]);
    if let Command::ChangeContact { new, .. } = &mut all {
        new.record.numbers = Some(vec![address("n", &[MailGroup::Money])]);
    }
    let contact = after(None, &all, 1);
    let mails = [Channel::Mail];
    let wanting = |it: &Contact, group| {
        let wanting = it.wanting(&mails, group);
        wanting.map(|(_, id)| id).collect::<Vec<_>>()
    };
    let ids = wanting(&contact, MailGroup::Earnings);
    let end = |address, group| Command::Unsubscribe {
        contact: contact.id.clone(),
        address,
        group,
    };
    let one = after(Some(&contact), &end(ids[0], MailGroup::Earnings), 2);
    assert_eq!(wanting(&one, MailGroup::Earnings), ids[1..]);
    assert_eq!(wanting(&one, MailGroup::Programme), ids[..1]);
    assert_eq!(one.numbers, contact.numbers);
    assert_eq!(one.changed_at, contact.changed_at, "nothing was given");
    let none = after(Some(&one), &end(ids[1], MailGroup::Earnings), 3);
    assert_eq!(none.addresses.len(), 1, "one that is sent nothing is gone");
    let view = View {
        contact: Some(&none),
        ..View::default()
    };
    for (command, expected) in [
        (end(ids[0], MailGroup::Earnings), "contact_unchanged"),
        (end(ids[1], MailGroup::Programme), "contact_unchanged"),
        (end(Uuid::nil(), MailGroup::Programme), "contact_unchanged"),
        (end(ids[0], MailGroup::Money), "invalid_field"),
        (end(ids[0], MailGroup::Security), "invalid_field"),
    ] {
        assert_eq!(code(view, &command, "nobody"), expected, "{command:?}");
    }
}

#[test]
fn what_became_of_a_mail_is_stated_once() {
    let contact = ContactId::of_brand(&brand("mine"));
    let concluded = |failure| {
        Command::Conclude(Box::new(Concluded {
            mail: types::MailId::of(Uuid::nil(), &contact, Uuid::nil()),
            owner: Owner::Brand(brand("mine")),
            kind: "payout.paid.v1".to_owned(),
            event_id: Uuid::nil(),
            failure,
            smtp_status: Some(550),
            channel: Channel::Mail,
        }))
    };
    let system = Context {
        actor: Actor::default(),
        ..by("mine")
    };
    let view = View {
        mail_waits: true,
        ..View::default()
    };
    let sent = decide(view, &concluded(None), &system);
    assert!(matches!(sent, Ok(Event::MailSent(_))));
    let failed = decide(view, &concluded(Some(MailFailure::Refused)), &system);
    let Ok(Event::MailFailed(failed)) = failed else {
        panic!("{failed:?}");
    };
    assert_eq!(failed.smtp_status, Some(550));
    let again = decide(View::default(), &concluded(None), &system);
    assert_eq!(again.unwrap_err().code.name, "mail_unknown");
}
