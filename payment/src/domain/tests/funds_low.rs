//! When a brand is warned that its funds cover less than it wants.

use super::super::{BALANCE_LIMIT, Balance, FundsCommand, Owed, Way};
use super::funds::{begin, fund, of, open, set, set_in, settle, transfer};
use super::*;
use schemas::PaymentCode;
use types::{BankFailure, Billing};

pub(super) fn warn_at(currency: Currency, amount: Option<i64>) -> Command {
    Command::Funds(FundsCommand::SetWarning {
        brand: brand(),
        currency,
        amount,
    })
}

fn warn(amount: i64) -> Command {
    warn_at(Currency::USD, Some(amount))
}

fn earns(conversion: &str, minor: i64) -> Fact {
    of(conversion, calculated(usd(minor), EarningStatus::Payable))
}

impl BatchState {
    /// Pays before, has so much, and is warned below the other.
    fn warned(funds: i64, amount: i64) -> Self {
        let mut state = Self::prepaid();
        state.deposit("dep_0", None, funds);
        state.submit(&warn(amount)).unwrap();
        state
    }

    /// What was left each time that the brand was warned.
    pub(super) fn lows(&self) -> Vec<i64> {
        let lows = self.events.iter().filter_map(|(event, _)| match event {
            Event::FundsLow(low) => Some(low.left.minor),
            _ => None,
        });
        lows.collect()
    }
}

#[test]
fn an_earning_that_takes_what_is_left_below_the_amount_warns_once_until_it_was_there_again() {
    let mut state = BatchState::warned(100, 50);
    state.follow(&earns("c1", 50));
    assert!(state.lows().is_empty(), "fifty is not below fifty");
    state.follow(&earns("c2", 1));
    state.follow(&earns("c3", 9));
    assert_eq!(state.lows(), [49]);
    state.deposit("dep_1", None, 9);
    state.follow(&earns("c4", 1));
    assert_eq!(state.lows(), [49], "forty-nine was not there again");
    state.deposit("dep_2", None, 2);
    state.follow(&earns("c5", 20));
    assert_eq!(state.lows(), [49, 30]);
}

#[test]
fn a_withdrawal_and_a_transfer_out_of_the_funds_warn() {
    for takes in [
        begin(Way::Withdrawal, "wdr_1", None, 60),
        transfer(None, Some("reserve"), 60),
    ] {
        let mut state = BatchState::warned(100, 50);
        state.submit(&open("reserve")).unwrap();
        state.submit(&takes).unwrap();
        assert_eq!(state.lows(), [40], "{takes:?}");
    }
}

#[test]
fn what_comes_back_is_there_again() {
    let mut state = BatchState::warned(100, 50);
    state
        .submit(&begin(Way::Withdrawal, "wdr_1", None, 60))
        .unwrap();
    let back = settle(Way::Withdrawal, "wdr_1", Some(BankFailure::Returned));
    state.submit(&back).unwrap();
    state.follow(&earns("c1", 60));
    state.follow(&of("c1", reversed(usd(60), EarningStatus::Payable)));
    state.follow(&earns("c2", 51));
    assert_eq!(state.lows(), [40, 40, 49]);
}

#[test]
fn of_credit_counts_what_is_left_to_its_limit() {
    let mut state = BatchState::default();
    state.submit(&warn(50)).unwrap();
    state.follow(&earns("c1", 100));
    assert!(state.lows().is_empty(), "without a limit nothing runs out");
    state.submit(&set(Billing::Postpaid, Some(200))).unwrap();
    assert!(state.lows().is_empty());
    state.follow(&earns("c2", 51));
    assert_eq!(state.lows(), [49]);
}

#[test]
fn billing_that_leaves_less_than_the_amount_warns() {
    let mut state = BatchState::default();
    state.submit(&warn(50)).unwrap();
    state.deposit("dep_1", None, 40);
    state.submit(&set(Billing::Postpaid, Some(10))).unwrap();
    assert!(state.lows().is_empty());
    state.submit(&set(Billing::Postpaid, Some(9))).unwrap();
    state.submit(&set(Billing::Prepaid, None)).unwrap();
    assert_eq!(state.lows(), [49]);
    state.submit(&set(Billing::Postpaid, None)).unwrap();
    state.submit(&set(Billing::Prepaid, None)).unwrap();
    assert_eq!(state.lows(), [49, 40]);
}

#[test]
fn less_than_nothing_is_left_of_no_funds() {
    let mut state = BatchState::default();
    state.follow(&earns("c1", 100));
    state.submit(&warn(50)).unwrap();
    state.submit(&set(Billing::Prepaid, None)).unwrap();
    assert_eq!(state.lows(), [0]);
}

#[test]
fn an_amount_above_what_is_left_warns_at_once_and_a_higher_one_not_again() {
    let mut state = BatchState::warned(100, 150);
    assert_eq!(state.lows(), [100]);
    state.submit(&warn(200)).unwrap();
    assert_eq!(state.lows(), [100]);
    state.submit(&warn(100)).unwrap();
    state.submit(&warn(101)).unwrap();
    assert_eq!(state.lows(), [100, 100]);
}

#[test]
fn funds_that_are_exhausted_by_the_same_earning_are_not_said_to_be_low_too() {
    let mut state = BatchState::warned(100, 50);
    state.follow(&earns("c1", 101));
    assert_eq!(state.stated(), ["exhausted"]);
    assert!(state.lows().is_empty());
    // Forty-nine are left of it, which is less than before the exhaustion, and no news.
    state.deposit("dep_1", None, 50);
    state.submit_as(Actor::System, &fund()).unwrap();
    state.follow(&earns("c2", 1));
    assert_eq!(state.stated(), ["exhausted", "restored"]);
    assert!(state.lows().is_empty());
    state.deposit("dep_2", None, 2);
    state.follow(&earns("c3", 1));
    assert_eq!(state.lows(), [49]);
}

#[test]
fn funding_what_waits_leaves_as_much_as_before() {
    let mut state = BatchState::warned(100, 50);
    state.follow(&earns("c1", 101));
    state.deposit("dep_1", None, 51);
    state.submit_as(Actor::System, &fund()).unwrap();
    assert!(state.lows().is_empty());
    state.follow(&earns("c2", 1));
    assert_eq!(state.lows(), [49]);
}

#[test]
fn what_a_partner_owed_and_is_back_at_once_is_not_missing() {
    let mut state = BatchState::warned(100, 50);
    let key = (partner(), Currency::USD, brand());
    let (minor, position) = (60, 1);
    state.ledger.owed.insert(key, Owed { minor, position });
    let payable = Account::Partner(partner(), AccountType::Payable);
    for (account, stands) in [(payable, -60), (Account::BrandRecoverable(brand()), 60)] {
        state
            .ledger
            .balances
            .insert(Balance::of(account, usd(0)), stands);
    }
    state.follow(&earns("c1", 60));
    assert_eq!(state.funds(), 100);
    assert!(state.lows().is_empty());
}

#[test]
fn money_of_another_currency_another_brand_or_another_account_warns_nobody() {
    let mut state = BatchState::warned(100, 50);
    state.submit(&open("reserve")).unwrap();
    state.deposit("dep_1", Some("reserve"), 60);
    state.submit(&transfer(Some("reserve"), None, 60)).unwrap();
    let euros = Money::new(100, Currency::parse("EUR").unwrap());
    state.follow(&of("c1", calculated(euros, EarningStatus::Payable)));
    let other = BrandId::parse("brand2").unwrap();
    let others = earned(partner(), other, usd(1_000), EarningStatus::Payable);
    state.follow(&of("c2", others));
    assert!(state.lows().is_empty());
}

#[test]
fn a_brand_without_an_amount_of_the_currency_is_not_warned() {
    let mut state = BatchState::warned(100, 50);
    state.submit(&warn_at(Currency::USD, None)).unwrap();
    let euros = Currency::parse("EUR").unwrap();
    state.submit(&warn_at(euros, Some(50))).unwrap();
    assert_eq!(state.lows(), [0], "of euros it has none");
    state.follow(&earns("c1", 100));
    assert_eq!(state.lows(), [0]);
}

#[test]
fn an_amount_is_more_than_zero_no_more_than_a_balance_and_another_than_before() {
    let mut state = BatchState::prepaid();
    let mut refused = |amount| {
        let command = warn_at(Currency::USD, amount);
        state.submit(&command).map_err(|refused| refused.code).err()
    };
    for none in [0, -1, i64::MIN] {
        let code = PaymentCode::AmountNotPositive.code();
        assert_eq!(refused(Some(none)), Some(code));
    }
    for beyond in [BALANCE_LIMIT + 1, i64::MAX] {
        let code = PaymentCode::AmountOutOfRange.code();
        assert_eq!(refused(Some(beyond)), Some(code));
    }
    let unchanged = Some(PaymentCode::FundsWarningUnchanged.code());
    assert_eq!(refused(None), unchanged);
    assert_eq!(refused(Some(BALANCE_LIMIT)), None);
    assert_eq!(refused(Some(BALANCE_LIMIT)), unchanged);
    assert_eq!(refused(None), None);
}

#[test]
fn a_brand_sets_its_own_amount_and_no_others() {
    let mut state = BatchState::default();
    let mut context = state.context(Actor::Other);
    let mut as_brand = |who: Option<&str>| {
        context.brand = who.map(|who| BrandId::parse(who).unwrap());
        let decided = decide(&state.ledger, &warn(50), &context);
        decided.map(|_| ()).map_err(|refused| refused.code)
    };
    let unknown = Err(PaymentCode::BrandUnknown.code());
    assert_eq!(as_brand(Some("brand1")), Ok(()));
    assert_eq!(as_brand(Some("brand2")), unknown);
    assert_eq!(as_brand(None), unknown);
}

#[test]
fn a_limit_that_is_set_in_another_currency_warns_where_not_stated() {
    let euros = Currency::parse("EUR").unwrap();
    let mut state = BatchState::default();
    state.submit(&warn(50)).unwrap();
    assert!(state.lows().is_empty(), "without a limit nothing runs out");
    state
        .submit(&set_in(euros, Billing::Prepaid, None))
        .unwrap();
    assert_eq!(state.lows(), [0]);
}
