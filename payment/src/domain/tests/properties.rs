use proptest::prelude::*;

use super::super::{Account, AccountType, Answer, BALANCE_LIMIT, Event};
use super::*;

#[derive(Clone, Debug)]
enum Step {
    Follow(Fact),
    Submit(Command),
    Begin(&'static str),
    Respond(&'static str, Answer),
    /// Says it of the payout as it stood before its last event.
    RespondLate(&'static str, Answer),
    Wait(i64),
}

fn amount() -> impl Strategy<Value = Money> {
    let currency = prop_oneof![3 => Just(Currency::USD), 1 => Just(Currency::EUR)];
    let edge = proptest::sample::select(vec![BALANCE_LIMIT, BALANCE_LIMIT - 1, i64::MAX, i64::MIN]);
    (prop_oneof![8 => -5_i64..1_000, 1 => edge], currency)
        .prop_map(|(minor, currency)| Money::new(minor, currency))
}

fn status() -> impl Strategy<Value = EarningStatus> {
    prop_oneof![Just(EarningStatus::Pending), Just(EarningStatus::Payable)]
}

fn step() -> impl Strategy<Value = Step> {
    let name = proptest::sample::select(vec!["p1", "p2", "p3", "p4"]);
    let response = proptest::sample::select(Answer::ALL.to_vec());
    prop_oneof![
        3 => (amount(), status()).prop_map(|(money, at)| Step::Follow(calculated(money, at))),
        2 => amount().prop_map(|money| Step::Follow(approved(money))),
        2 => (amount(), status()).prop_map(|(money, at)| Step::Follow(reversed(money, at))),
        4 => (name.clone(), amount()).prop_map(|(name, money)| Step::Submit(request(name, money))),
        4 => name.clone().prop_map(Step::Begin),
        4 => (name.clone(), response.clone()).prop_map(|(name, response)| Step::Respond(name, response)),
        1 => (name, response).prop_map(|(name, response)| Step::RespondLate(name, response)),
        1 => (0_i64..12).prop_map(Step::Wait),
    ]
}

fn take(state: &mut BatchState, step: &Step) -> Option<Event> {
    match step {
        Step::Follow(fact) => Some(state.follow(fact)),
        Step::Submit(command) => state.submit(command).ok(),
        Step::Begin(name) => state.begin(name).ok(),
        Step::Respond(name, response) => state.respond(name, *response).ok(),
        Step::RespondLate(name, response) => {
            let id = payout(name);
            let of_it = state.events.iter().rev();
            let mut of_it = of_it.filter(|(event, _)| event.payout() == Some(&id));
            let after = of_it.nth(1).map_or(Uuid::nil(), |(_, stamp)| stamp.id);
            let at = PayoutAt {
                after,
                ..state.at(name)
            };
            let refused = state.submit(&answer(at, *response));
            assert!(refused.is_err(), "a stale answer was taken: {refused:?}");
            None
        }
        Step::Wait(hours) => {
            state.hours += hours;
            None
        }
    }
}

fn in_transit_by_payouts(ledger: &Ledger, currency: Currency) -> i64 {
    use super::super::Status::{Failed, Paid};
    let under_way = ledger
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
        let mut state = BatchState::default();
        for step in &steps {
            let before = state.ledger.clone();
            let Some(event) = take(&mut state, step) else { continue };
            for currency in [Currency::USD, Currency::EUR] {
                let of_currency = state.ledger.balances.iter().filter(|(at, _)| at.currency == currency);
                prop_assert_eq!(of_currency.map(|(_, minor)| i128::from(*minor)).sum::<i128>(), 0);
                let transit = Account::Partner(partner(), AccountType::InTransit);
                let reserved = in_transit_by_payouts(&state.ledger, currency);
                prop_assert_eq!(state.ledger.balance(transit, currency), reserved);
                let payable = Account::Partner(partner(), AccountType::Payable);
                let below = state.ledger.balance(payable, currency).min(0).saturating_neg();
                let owed = state.ledger.owed.iter().filter(|((_, of, _), _)| *of == currency);
                prop_assert_eq!(owed.map(|(_, owed)| owed.minor).sum::<i64>(), below);
                let recoverable = Account::BrandRecoverable(brand());
                prop_assert_eq!(state.ledger.balance(recoverable, currency), below);
            }
            if let Event::PayoutRequested(requested) = event {
                let amount = requested.amount;
                let payable = Account::Partner(partner(), AccountType::Payable);
                prop_assert!(amount.minor > 0);
                prop_assert!(before.balance(payable, amount.currency) >= amount.minor);
            }
        }
    }

    #[test]
    fn the_state_is_the_fold_of_its_events(steps in proptest::collection::vec(step(), 1..60)) {
        let mut state = BatchState::default();
        for step in &steps {
            take(&mut state, step);
        }
        let mut replayed = Ledger::default();
        for (event, at) in &state.events {
            evolve(&mut replayed, event, *at).unwrap();
        }
        prop_assert_eq!(replayed, state.ledger);
    }

    #[test]
    fn a_payout_is_paid_or_returned_once(steps in proptest::collection::vec(step(), 1..120)) {
        let mut state = BatchState::default();
        for step in &steps {
            take(&mut state, step);
        }
        for name in ["p1", "p2", "p3", "p4"] {
            let ends = state.events.iter().filter(|(event, _)| {
                matches!(event, Event::PayoutPaid(_) | Event::PayoutFailed(_))
                    && event.payout() == Some(&payout(name))
            });
            prop_assert!(ends.count() <= 1);
        }
    }
}
