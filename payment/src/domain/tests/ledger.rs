use schemas::PaymentCode;
use types::Currency;

use super::super::{Account, AccountType, BALANCE_LIMIT, Event, Note, PostError};
use super::*;

fn note(event: &Event) -> Option<Note> {
    match event {
        Event::LedgerPosted(posting) => posting.note,
        _ => panic!("not a posting: {event:?}"),
    }
}

/// A commission of another brand's, payable at once.
fn of_brand(name: &str, amount: Money) -> Fact {
    let brand = BrandId::parse(name).unwrap();
    earned(partner(), brand, amount, EarningStatus::Payable)
}

#[test]
fn a_commission_without_hold_is_payable_at_once() {
    let state = with_payable(usd(20_000));
    assert_eq!(state.account_type(AccountType::Payable), 20_000);
    assert_eq!(state.funds(), -20_000);
}

#[test]
fn a_held_commission_is_pending_until_it_is_approved() {
    let mut state = BatchState::default();
    state.follow(&calculated(usd(500), EarningStatus::Pending));
    assert_eq!(
        (
            state.account_type(AccountType::Pending),
            state.account_type(AccountType::Payable)
        ),
        (500, 0)
    );
    state.follow(&approved(usd(500)));
    assert_eq!(
        (
            state.account_type(AccountType::Pending),
            state.account_type(AccountType::Payable)
        ),
        (0, 500)
    );
}

#[test]
fn a_reversal_gives_back_from_where_the_money_stands() {
    let mut state = BatchState::default();
    state.follow(&calculated(usd(500), EarningStatus::Pending));
    state.follow(&reversed(usd(200), EarningStatus::Pending));
    assert_eq!(
        (state.account_type(AccountType::Pending), state.funds()),
        (300, -300)
    );
    state.follow(&approved(usd(300)));
    state.follow(&reversed(usd(300), EarningStatus::Payable));
    assert_eq!(
        (state.account_type(AccountType::Payable), state.funds()),
        (0, 0)
    );
}

#[test]
fn a_refund_after_payout_is_carried_over() {
    let mut state = with_payable(usd(500));
    state.submit(&request("p1", usd(500))).unwrap();
    state.follow(&reversed(usd(500), EarningStatus::Payable));
    assert_eq!(state.account_type(AccountType::Payable), -500);
    state.follow(&calculated(usd(700), EarningStatus::Payable));
    let refused = state.submit(&request("p2", usd(201))).unwrap_err();
    assert_eq!(refused.code, PaymentCode::InsufficientBalance);
    state.submit(&request("p3", usd(200))).unwrap();
    assert_eq!(state.account_type(AccountType::Payable), 0);
}

/// What stands in a brand's funds, and in what it has not back of refunds.
fn stands(state: &BatchState, name: &str) -> (i64, i64) {
    let brand = || BrandId::parse(name).unwrap();
    let balance = |account| state.ledger.balance(account, Currency::USD);
    (
        balance(Account::BrandFunds(brand())),
        balance(Account::BrandRecoverable(brand())),
    )
}

#[test]
fn what_was_paid_out_before_its_refund_is_its_brands_again_only_as_the_partner_earns_it() {
    let mut state = with_payable(usd(500));
    state.submit(&request("p1", usd(400))).unwrap();
    let refund = state.follow(&reversed(usd(300), EarningStatus::Payable));
    assert_eq!(note(&refund), Some(Note::PayableShort));
    assert_eq!(state.account_type(AccountType::Payable), -200);
    assert_eq!(stands(&state, "brand1"), (-400, 200));
    state.follow(&of_brand("brand2", usd(150)));
    assert_eq!(stands(&state, "brand1"), (-250, 50));
    assert_eq!(stands(&state, "brand2"), (-150, 0));
    state.follow(&of_brand("brand2", usd(150)));
    assert_eq!(stands(&state, "brand1"), (-200, 0));
    assert_eq!(state.account_type(AccountType::Payable), 100);
    assert!(state.ledger.owed.is_empty());
}

#[test]
fn a_payout_that_fails_gives_back_what_a_refund_took_meanwhile() {
    let mut state = with_payable(usd(500));
    state.submit(&request("p1", usd(500))).unwrap();
    state.begin("p1").unwrap();
    state.follow(&reversed(usd(300), EarningStatus::Payable));
    assert_eq!(stands(&state, "brand1"), (-500, 300));
    state.respond("p1", Answer::Failed).unwrap();
    assert_eq!(stands(&state, "brand1"), (-200, 0));
    assert_eq!(state.account_type(AccountType::Payable), 200);
}

#[test]
fn the_brand_whose_refund_was_first_has_its_money_back_first() {
    let mut state = BatchState::default();
    state.follow(&of_brand("brand2", usd(100)));
    state.follow(&of_brand("brand1", usd(100)));
    state.submit(&request("p1", usd(200))).unwrap();
    for name in ["brand2", "brand1"] {
        let mut refund = reversed(usd(100), EarningStatus::Payable);
        if let Fact::Reversed(it) = &mut refund {
            it.record.brand_id = BrandId::parse(name).unwrap();
        }
        state.follow(&refund);
    }
    state.follow(&of_brand("brand3", usd(130)));
    assert_eq!(stands(&state, "brand2"), (0, 0));
    assert_eq!(stands(&state, "brand1"), (-70, 70));
    state.follow(&of_brand("brand3", usd(100)));
    assert_eq!(stands(&state, "brand1"), (0, 0));
    assert_eq!(state.account_type(AccountType::Payable), 30);
}

#[test]
fn an_approval_of_what_was_never_pending_goes_to_suspense() {
    let mut state = BatchState::default();
    let event = state.follow(&approved(usd(500)));
    assert_eq!(note(&event), Some(Note::PendingShort));
    assert_eq!(
        (
            state.account_type(AccountType::Suspense),
            state.account_type(AccountType::Payable)
        ),
        (500, 0)
    );
    state.follow(&reversed(usd(500), EarningStatus::Pending));
    assert_eq!(
        (state.account_type(AccountType::Suspense), state.funds()),
        (0, 0)
    );
}

#[test]
fn a_fact_that_moves_nothing_is_noted() {
    let mut state = BatchState::default();
    let nothing = state.follow(&calculated(usd(0), EarningStatus::Payable));
    assert_eq!(note(&nothing), Some(Note::NothingToPost));
    let negative = state.follow(&reversed(usd(-1), EarningStatus::Payable));
    assert_eq!(note(&negative), Some(Note::NegativeAmount));
    assert!(state.ledger.balances.is_empty());
}

#[test]
fn money_beyond_counting_is_noted_and_not_moved() {
    let mut state = with_payable(usd(BALANCE_LIMIT));
    for amount in [1, BALANCE_LIMIT, i64::MAX] {
        for status in [EarningStatus::Payable, EarningStatus::Pending] {
            let event = state.follow(&calculated(usd(amount), status));
            assert_eq!(note(&event), Some(Note::OutOfRange), "{amount}");
        }
    }
    let event = state.follow(&of_brand("brand2", usd(1)));
    assert_eq!(note(&event), Some(Note::OutOfRange));
    assert_eq!(state.account_type(AccountType::Payable), BALANCE_LIMIT);
    assert_eq!(state.funds(), -BALANCE_LIMIT);
}

#[test]
fn a_brand_that_owes_as_much_as_can_be_counted_owes_no_more() {
    let mut state = with_payable(usd(BALANCE_LIMIT));
    let other = PartnerId::parse("other").unwrap();
    let event = state.follow(&earned(other, brand(), usd(1), EarningStatus::Payable));
    assert_eq!(note(&event), Some(Note::OutOfRange));
    assert_eq!(state.funds(), -BALANCE_LIMIT);
}

#[test]
fn a_reversal_larger_than_what_was_earned_is_owed_by_the_partner_and_not_made_up() {
    let mut state = with_payable(usd(500));
    state.follow(&reversed(usd(800), EarningStatus::Payable));
    assert_eq!(state.account_type(AccountType::Payable), -300);
    assert_eq!(stands(&state, "brand1"), (0, 300));
    let refused = state.submit(&request("p1", usd(1))).unwrap_err();
    assert_eq!(refused.code, PaymentCode::InsufficientBalance);
}

#[test]
fn a_reversal_larger_than_what_is_pending_goes_to_suspense_and_leaves_other_money_alone() {
    let mut state = BatchState::default();
    state.follow(&calculated(usd(500), EarningStatus::Pending));
    let event = state.follow(&reversed(usd(800), EarningStatus::Pending));
    assert_eq!(note(&event), Some(Note::PendingShort));
    assert_eq!(
        (
            state.account_type(AccountType::Pending),
            state.account_type(AccountType::Suspense)
        ),
        (500, -800)
    );
}

#[test]
fn an_approval_after_the_whole_was_reversed_can_be_spent_by_nobody() {
    let mut state = BatchState::default();
    state.follow(&calculated(usd(500), EarningStatus::Pending));
    state.follow(&reversed(usd(500), EarningStatus::Pending));
    let event = state.follow(&approved(usd(500)));
    assert_eq!(note(&event), Some(Note::PendingShort));
    assert_eq!(
        (
            state.account_type(AccountType::Payable),
            state.account_type(AccountType::Suspense)
        ),
        (0, 500)
    );
    assert!(state.submit(&request("p1", usd(1))).is_err());
}

#[test]
fn a_reversal_that_comes_before_its_approval_leaves_nothing_to_spend() {
    let mut state = BatchState::default();
    state.follow(&reversed(usd(500), EarningStatus::Pending));
    state.follow(&calculated(usd(500), EarningStatus::Pending));
    assert_eq!(
        (
            state.account_type(AccountType::Payable),
            state.account_type(AccountType::Suspense)
        ),
        (0, -500)
    );
    assert_eq!(state.funds(), 0);
    assert!(state.submit(&request("p1", usd(1))).is_err());
}

#[test]
fn what_is_pending_in_one_currency_releases_nothing_in_another() {
    let mut state = BatchState::default();
    let euros = types::Money::new(500, Currency::EUR);
    state.follow(&calculated(euros, EarningStatus::Pending));
    let event = state.follow(&approved(usd(500)));
    assert_eq!(note(&event), Some(Note::PendingShort));
    let pending = Account::Partner(partner(), AccountType::Pending);
    assert_eq!(state.ledger.balance(pending, Currency::EUR), 500);
    assert_eq!(state.account_type(AccountType::Payable), 0);
}

#[test]
fn a_payout_that_fails_at_the_limit_comes_back_whole() {
    let mut state = with_payable(usd(BALANCE_LIMIT));
    state.submit(&request("p1", usd(BALANCE_LIMIT))).unwrap();
    state.follow(&of_brand("brand2", usd(BALANCE_LIMIT)));
    state.begin("p1").unwrap();
    state.respond("p1", Answer::Failed).unwrap();
    assert_eq!(state.account_type(AccountType::Payable), 2 * BALANCE_LIMIT);
    assert_eq!(state.ledger.balances.values().sum::<i64>(), 0);
}

#[test]
fn no_more_goes_into_transit_than_can_ever_be_paid_out() {
    let mut state = with_payable(usd(BALANCE_LIMIT));
    state.submit(&request("p1", usd(BALANCE_LIMIT))).unwrap();
    state.begin("p1").unwrap();
    state.follow(&of_brand("brand2", usd(1)));
    for answer in [Answer::Accepted, Answer::Paid] {
        let refused = state.submit(&request("p2", usd(1))).unwrap_err();
        assert_eq!(refused.code, PaymentCode::AmountOutOfRange);
        state.respond("p1", answer).unwrap();
    }
    assert_eq!(state.account_type(AccountType::PaidOut), BALANCE_LIMIT);
    let refused = state.submit(&request("p3", usd(1))).unwrap_err();
    assert_eq!(refused.code, PaymentCode::AmountOutOfRange);
}

#[test]
fn a_transfer_that_a_balance_cannot_hold_moves_nothing_on_either_side() {
    let mut state = with_payable(usd(BALANCE_LIMIT));
    let before = state.ledger.clone();
    let (from, to) = (AccountType::Pending, AccountType::Payable);
    let beyond = usd(i64::MAX - BALANCE_LIMIT + 1);
    let transfer = within(from, to, beyond);
    assert_eq!(state.ledger.post(&transfer), Err(PostError));
    assert_eq!(state.ledger, before);
}

#[test]
fn a_transfer_from_an_account_to_itself_makes_no_money() {
    let mut state = with_payable(usd(100));
    let payable = AccountType::Payable;
    let transfer = within(payable, payable, usd(7));
    assert_eq!(state.ledger.post(&transfer), Ok(()));
    assert_eq!(state.account_type(payable), 100);
}

#[test]
fn currencies_are_kept_apart() {
    let mut state = with_payable(usd(100));
    let euros = types::Money::new(7, Currency::EUR);
    state.follow(&calculated(euros, EarningStatus::Payable));
    assert_eq!(state.account_type(AccountType::Payable), 100);
    let payable = Account::Partner(partner(), AccountType::Payable);
    assert_eq!(state.ledger.balance(payable, Currency::EUR), 7);
}

#[test]
fn an_account_reads_back_from_its_text() {
    let account_types =
        AccountType::ALL.map(|account_type| Account::Partner(partner(), account_type));
    for account in account_types
        .into_iter()
        .chain([Account::BrandFunds(brand())])
    {
        assert_eq!(account.to_string().parse(), Ok(account));
    }
    for text in [
        "",
        "brand:b",
        "brand:b:payable",
        "partner::payable",
        "partner:p:funds",
        "partner:p:payable:x",
        "partner:a b:payable",
    ] {
        assert!(text.parse::<Account>().is_err(), "{text}");
    }
}
