use proptest::prelude::*;

use super::super::{Account, Answer, BALANCE_LIMIT, Event, Pot, Standing};
use super::*;

#[derive(Clone, Debug)]
enum Step {
    Tell(Fact),
    Ask(Command),
    Begin(&'static str),
    Say(&'static str, Answer),
    /// Says it of the payout as it stood before its last event.
    SayLate(&'static str, Answer),
    Wait(i64),
}

fn amount() -> impl Strategy<Value = Money> {
    let currency = prop_oneof![3 => Just(Currency::USD), 1 => Just(Currency::EUR)];
    let edge = proptest::sample::select(vec![BALANCE_LIMIT, BALANCE_LIMIT - 1, i64::MAX, i64::MIN]);
    (prop_oneof![8 => -5_i64..1_000, 1 => edge], currency)
        .prop_map(|(minor, currency)| Money::new(minor, currency))
}

fn standing() -> impl Strategy<Value = Standing> {
    prop_oneof![Just(Standing::Pending), Just(Standing::Payable)]
}

fn step() -> impl Strategy<Value = Step> {
    let name = proptest::sample::select(vec!["p1", "p2", "p3", "p4"]);
    let said = proptest::sample::select(Answer::ALL.to_vec());
    prop_oneof![
        3 => (amount(), standing()).prop_map(|(money, at)| Step::Tell(calculated(money, at))),
        2 => amount().prop_map(|money| Step::Tell(approved(money))),
        2 => (amount(), standing()).prop_map(|(money, at)| Step::Tell(reversed(money, at))),
        4 => (name.clone(), amount()).prop_map(|(name, money)| Step::Ask(request(name, money))),
        4 => name.clone().prop_map(Step::Begin),
        4 => (name.clone(), said.clone()).prop_map(|(name, said)| Step::Say(name, said)),
        1 => (name, said).prop_map(|(name, said)| Step::SayLate(name, said)),
        1 => (0_i64..12).prop_map(Step::Wait),
    ]
}

fn take(world: &mut World, step: &Step) -> Option<Event> {
    match step {
        Step::Tell(fact) => Some(world.tell(fact)),
        Step::Ask(command) => world.ask(command).ok(),
        Step::Begin(name) => world.begin(name).ok(),
        Step::Say(name, said) => world.say(name, *said).ok(),
        Step::SayLate(name, said) => {
            let id = payout(name);
            let of_it = world.events.iter().rev();
            let mut of_it = of_it.filter(|(event, _)| event.payout() == Some(&id));
            let after = of_it.nth(1).map_or(Uuid::nil(), |(_, stamp)| stamp.id);
            let at = PayoutAt {
                after,
                ..world.at(name)
            };
            let refused = world.ask(&answer(at, *said));
            assert!(refused.is_err(), "a stale answer was taken: {refused:?}");
            None
        }
        Step::Wait(hours) => {
            world.hours += hours;
            None
        }
    }
}

fn in_transit_by_payouts(books: &Books, currency: Currency) -> i64 {
    use super::super::Status::{Failed, Paid};
    let under_way = books
        .payouts
        .values()
        .filter(|payout| !matches!(payout.status, Paid | Failed));
    under_way
        .filter(|payout| payout.amount.currency == currency)
        .map(|payout| payout.amount.minor)
        .sum()
}

proptest! {
    #[test]
    fn the_ledger_stays_zero_sum_and_no_payout_spends_more_than_is_payable(
        steps in proptest::collection::vec(step(), 1..80),
    ) {
        let mut world = World::default();
        for step in &steps {
            let before = world.books.clone();
            let Some(event) = take(&mut world, step) else { continue };
            for currency in [Currency::USD, Currency::EUR] {
                let of_currency = world.books.balances.iter().filter(|(at, _)| at.currency == currency);
                prop_assert_eq!(of_currency.map(|(_, minor)| i128::from(*minor)).sum::<i128>(), 0);
                let transit = Account::Partner(partner(), Pot::InTransit);
                let reserved = in_transit_by_payouts(&world.books, currency);
                prop_assert_eq!(world.books.balance(transit, currency), reserved);
            }
            if let Event::PayoutRequested { amount, .. } = event {
                let payable = Account::Partner(partner(), Pot::Payable);
                prop_assert!(amount.minor > 0);
                prop_assert!(before.balance(payable, amount.currency) >= amount.minor);
            }
        }
    }

    #[test]
    fn the_state_is_the_fold_of_its_events(steps in proptest::collection::vec(step(), 1..60)) {
        let mut world = World::default();
        for step in &steps {
            take(&mut world, step);
        }
        let mut replayed = Books::default();
        for (event, at) in &world.events {
            evolve(&mut replayed, event, *at);
        }
        prop_assert_eq!(replayed, world.books);
    }

    #[test]
    fn a_payout_is_paid_or_returned_once(steps in proptest::collection::vec(step(), 1..120)) {
        let mut world = World::default();
        for step in &steps {
            take(&mut world, step);
        }
        for name in ["p1", "p2", "p3", "p4"] {
            let ends = world.events.iter().filter(|(event, _)| {
                matches!(event, Event::PayoutPaid { .. } | Event::PayoutFailed { .. })
                    && event.payout() == Some(&payout(name))
            });
            prop_assert!(ends.count() <= 1);
        }
    }
}
