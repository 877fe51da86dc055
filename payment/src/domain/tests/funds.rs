use proptest::prelude::*;
use types::{AccountName, BankFailure, Billing, FundsTransferId};

use super::super::funds::FUNDED_AT_ONCE;
use super::super::{
    ANNOUNCED_LIMIT, BALANCE_LIMIT, Balance, FundsCommand, Note, Progress, Terms, Waiting, Way,
};
use super::funds_low::warn_at;
use super::*;
use schemas::PaymentCode;

fn name(text: &str) -> AccountName {
    AccountName::parse(text).unwrap()
}

fn account(text: Option<&str>) -> Account {
    Account::of_brand(&brand(), text.map(name).as_ref())
}

pub(super) fn begin(way: Way, id: &str, account: Option<&str>, minor: i64) -> Command {
    Command::Funds(FundsCommand::Begin {
        way,
        id: id.to_owned(),
        brand: brand(),
        account: account.map(name),
        amount: usd(minor),
        reference: None,
    })
}

pub(super) fn settle(way: Way, id: &str, failure: Option<BankFailure>) -> Command {
    let id = id.to_owned();
    Command::Funds(FundsCommand::Settle { way, id, failure })
}

pub(super) fn transfer(from: Option<&str>, to: Option<&str>, minor: i64) -> Command {
    Command::Funds(FundsCommand::Transfer {
        id: FundsTransferId::parse("trf_1").unwrap(),
        brand: brand(),
        from: from.map(name),
        to: to.map(name),
        amount: usd(minor),
    })
}

pub(super) fn open(text: &str) -> Command {
    let name = AccountName::parse(text).unwrap();
    let brand = brand();
    Command::Funds(FundsCommand::OpenAccount { brand, name })
}

pub(super) fn set(billing: Billing, credit_limit: Option<i64>) -> Command {
    set_in(Currency::USD, billing, credit_limit)
}

pub(super) fn set_in(currency: Currency, billing: Billing, credit_limit: Option<i64>) -> Command {
    Command::Funds(FundsCommand::SetBilling {
        brand: brand(),
        currency,
        terms: Terms {
            billing,
            credit_limit,
        },
    })
}

pub(super) fn fund() -> Command {
    fund_in(Currency::USD)
}

fn fund_in(currency: Currency) -> Command {
    Command::Funds(FundsCommand::FundEarnings {
        brand: brand(),
        currency,
    })
}

pub(super) fn of(conversion: &str, fact: Fact) -> Fact {
    let id = ConversionId::parse(conversion).unwrap();
    match fact {
        Fact::Calculated(about) => Fact::Calculated(About::of(id, about.record)),
        Fact::Approved(about) => Fact::Approved(About::of(id, about.record)),
        Fact::Reversed(about) => Fact::Reversed(About::of(id, about.record)),
    }
}

impl BatchState {
    fn at_account(&self, account: Account) -> i64 {
        self.ledger.balance(account, Currency::USD)
    }

    fn waits(&self) -> i64 {
        self.ledger.waits(&brand(), Currency::USD)
    }

    pub(super) fn deposit(&mut self, id: &str, account: Option<&str>, minor: i64) {
        self.submit(&begin(Way::Deposit, id, account, minor))
            .unwrap();
        self.submit(&settle(Way::Deposit, id, None)).unwrap();
    }

    fn fund(&mut self) -> Result<Vec<String>, Rejection> {
        match self.submit_as(Actor::System, &fund())? {
            Event::EarningsFunded(funding) => {
                let funded = funding.conversions.iter();
                Ok(funded.map(ToString::to_string).collect())
            }
            other => panic!("not a funding: {other:?}"),
        }
    }

    pub(super) fn stated(&self) -> Vec<&'static str> {
        let stated = self.events.iter().filter_map(|(event, _)| match event {
            Event::FundsExhausted(_) => Some("exhausted"),
            Event::FundsRestored(_) => Some("restored"),
            _ => None,
        });
        stated.collect()
    }

    pub(super) fn prepaid() -> Self {
        let mut state = Self::default();
        state.submit(&set(Billing::Prepaid, None)).unwrap();
        state
    }
}

fn note(event: &Event) -> Option<Note> {
    match event {
        Event::LedgerPosted(posting) => posting.note,
        _ => panic!("not a posting: {event:?}"),
    }
}

/// The arithmetic of the original ledger's demonstration.
#[test]
fn whether_something_waits_is_stated_as_it_is_and_by_the_own_job_alone() {
    let mut state = BatchState::prepaid();
    let command = Command::Funds(FundsCommand::State {
        brand: brand(),
        currency: Currency::USD,
    });
    let refused = state.submit_as(Actor::Operator, &command).unwrap_err();
    assert_eq!(refused.code, PaymentCode::OperatorsOnly.code());
    let stated = |state: &mut BatchState| match state.submit_as(Actor::System, &command) {
        Ok(Event::FundsStated(stated)) => stated.exhausted,
        other => panic!("it was not stated: {other:?}"),
    };
    assert!(!stated(&mut state));
    let fact = calculated(usd(100), EarningStatus::Payable);
    state.follow(&of("c1", fact));
    assert!(stated(&mut state));
    assert_eq!(state.stated(), ["exhausted"]);
}

#[test]
fn open_deposit_500_withdraw_200_transfer_100_and_no_more_than_is_there() {
    let mut state = BatchState::default();
    state.submit(&open("main")).unwrap();
    state.submit(&open("reserve")).unwrap();
    let again = state.submit(&open("reserve")).unwrap_err();
    assert_eq!(again.code, PaymentCode::AccountExists);
    state.deposit("dep_1", Some("main"), 50_000);
    let out = begin(Way::Withdrawal, "wdr_1", Some("main"), 20_000);
    state.submit(&out).unwrap();
    state
        .submit(&transfer(Some("main"), Some("reserve"), 10_000))
        .unwrap();
    assert_eq!(state.at_account(account(Some("main"))), 20_000);
    assert_eq!(state.at_account(account(Some("reserve"))), 10_000);
    for beyond in [
        begin(Way::Withdrawal, "wdr_2", Some("main"), 20_001),
        transfer(Some("reserve"), Some("main"), 10_001),
    ] {
        let refused = state.submit(&beyond).unwrap_err();
        assert_eq!(refused.code, PaymentCode::InsufficientFunds);
    }
}

#[test]
fn a_deposit_is_in_clearing_until_the_bank_has_it_and_goes_back_when_it_has_not() {
    let mut state = BatchState::default();
    for id in ["dep_1", "dep_2"] {
        state.submit(&begin(Way::Deposit, id, None, 500)).unwrap();
    }
    let clearing = || Account::BrandClearing(brand());
    assert_eq!((state.at_account(clearing()), state.funds()), (1_000, 0));
    state.submit(&settle(Way::Deposit, "dep_1", None)).unwrap();
    let failed = settle(Way::Deposit, "dep_2", Some(BankFailure::NotReceived));
    state.submit(&failed).unwrap();
    assert_eq!((state.at_account(clearing()), state.funds()), (0, 500));
    assert_eq!(state.at_account(Account::Bank), -500);
    let again = state
        .submit(&settle(Way::Deposit, "dep_1", None))
        .unwrap_err();
    assert_eq!(again.code, PaymentCode::DepositSettled);
    let failed = &state.ledger.bank_transfers[&(Way::Deposit, "dep_2".to_owned())];
    assert_eq!(failed.progress, Progress::Failed);
    assert_eq!(failed.reason, Some(BankFailure::NotReceived));
}

#[test]
fn what_one_brand_announces_takes_nothing_from_what_others_can() {
    let mut state = BatchState::default();
    let beyond = ANNOUNCED_LIMIT + 1;
    let refused = state.submit(&begin(Way::Deposit, "d1", None, beyond));
    assert_eq!(refused.unwrap_err().code, PaymentCode::AmountOutOfRange);
    state
        .submit(&begin(Way::Deposit, "d2", None, ANNOUNCED_LIMIT - 1))
        .unwrap();
    let refused = state.submit(&begin(Way::Deposit, "d3", None, 2));
    assert_eq!(refused.unwrap_err().code, PaymentCode::AmountOutOfRange);
    state.submit(&begin(Way::Deposit, "d3", None, 1)).unwrap();
}

#[test]
fn a_partner_who_has_as_much_as_can_be_counted_holds_up_nobody_who_waits_behind_it() {
    let mut state = BatchState::prepaid();
    let payable = Account::Partner(partner(), AccountType::Payable);
    state.follow(&of("c1", calculated(usd(100), EarningStatus::Payable)));
    state.follow(&of("c2", calculated(usd(50), EarningStatus::Payable)));
    let full = Balance::of(payable, usd(0));
    state.ledger.balances.insert(full, BALANCE_LIMIT);
    state.deposit("d1", None, 150);
    assert_eq!(state.fund().unwrap(), ["c1", "c2"]);
}

#[test]
fn a_withdrawal_leaves_at_once_and_comes_back_when_it_fails() {
    let mut state = BatchState::default();
    state.deposit("dep_1", None, 500);
    for id in ["wdr_1", "wdr_2"] {
        state
            .submit(&begin(Way::Withdrawal, id, None, 200))
            .unwrap();
    }
    assert_eq!(state.funds(), 100);
    let back = settle(Way::Withdrawal, "wdr_1", Some(BankFailure::Returned));
    state.submit(&back).unwrap();
    state
        .submit(&settle(Way::Withdrawal, "wdr_2", None))
        .unwrap();
    assert_eq!(state.funds(), 300);
    assert_eq!(state.at_account(Account::Bank), -300);
}

#[test]
fn only_an_operator_grants_credit_and_says_what_the_bank_says() {
    let mut state = BatchState::default();
    let mut as_brand = |command: &Command, who: &str| {
        let mut context = state.context(Actor::Other);
        context.brand = Some(BrandId::parse(who).unwrap());
        let decided = decide(&state.ledger, command, &context);
        if let Ok(event) = &decided {
            state.apply(event, &context);
        }
        decided.map(|_| ()).map_err(|refused| refused.code)
    };
    let deposit = begin(Way::Deposit, "dep_1", None, 500);
    assert_eq!(
        as_brand(&deposit, "brand2"),
        Err(PaymentCode::BrandUnknown.code())
    );
    assert_eq!(as_brand(&deposit, "brand1"), Ok(()));
    let cleared = settle(Way::Deposit, "dep_1", None);
    assert_eq!(
        as_brand(&cleared, "brand2"),
        Err(PaymentCode::DepositUnknown.code())
    );
    assert_eq!(
        as_brand(&cleared, "brand1"),
        Err(PaymentCode::OperatorsOnly.code())
    );
    let credit = set(Billing::Postpaid, Some(1));
    assert_eq!(
        as_brand(&credit, "brand1"),
        Err(PaymentCode::OperatorsOnly.code())
    );
    assert_eq!(
        as_brand(&fund(), "brand1"),
        Err(PaymentCode::OperatorsOnly.code())
    );
}

#[test]
fn a_brand_of_which_nothing_was_said_pays_after_without_a_limit() {
    let mut state = BatchState::default();
    state.follow(&calculated(usd(500), EarningStatus::Payable));
    assert_eq!((state.funds(), state.waits()), (-500, 0));
}

fn euros() -> Currency {
    Currency::parse("EUR").unwrap()
}

fn earns_euros(conversion: &str, minor: i64) -> Fact {
    let amount = Money::new(minor, euros());
    of(conversion, calculated(amount, EarningStatus::Payable))
}

#[test]
fn a_brand_with_a_limit_has_it_in_a_currency_of_which_nothing_was_said_too() {
    for limit in [None, Some(1_000)] {
        let billing = limit.map_or(Billing::Prepaid, |_| Billing::Postpaid);
        let mut state = BatchState::default();
        state.submit(&set(billing, limit)).unwrap();
        state.follow(&earns_euros("c1", 500));
        assert_eq!(state.ledger.waits(&brand(), euros()), 500);
        assert_eq!(state.stated(), ["exhausted"]);
        // Of what was said nothing is left to the other.
        state
            .submit(&set_in(euros(), Billing::Postpaid, None))
            .unwrap();
        state.submit_as(Actor::System, &fund_in(euros())).unwrap();
        assert_eq!(state.ledger.waits(&brand(), euros()), 0);
        state.follow(&earns_euros("c2", 500));
        assert_eq!(state.ledger.waits(&brand(), euros()), 0);
        assert_eq!(state.stated(), ["exhausted", "restored"]);
    }
}

#[test]
fn what_waits_in_another_currency_is_covered_once_the_brand_has_no_limit() {
    let mut state = BatchState::prepaid();
    state.follow(&earns_euros("c1", 500));
    state.submit(&set(Billing::Postpaid, None)).unwrap();
    state.submit_as(Actor::System, &fund_in(euros())).unwrap();
    assert_eq!(state.ledger.waits(&brand(), euros()), 0);
}

#[test]
fn what_is_so_since_nothing_was_said_can_be_said_and_stays_so() {
    let mut state = BatchState::prepaid();
    let before = set_in(euros(), Billing::Prepaid, None);
    state.submit(&before).unwrap();
    let again = state.submit(&before).unwrap_err();
    assert_eq!(again.code, PaymentCode::BillingUnchanged);
    state.submit(&set(Billing::Postpaid, None)).unwrap();
    state.follow(&earns_euros("c1", 500));
    assert_eq!(state.ledger.waits(&brand(), euros()), 500);
}

#[test]
fn a_currency_is_set_ahead_to_stay_without_a_limit_whatever_is_set_in_others() {
    let mut state = BatchState::default();
    let ahead = set_in(euros(), Billing::Postpaid, None);
    state.submit(&ahead).unwrap();
    let again = state.submit(&ahead).unwrap_err();
    assert_eq!(again.code, PaymentCode::BillingUnchanged);
    state.submit(&set(Billing::Prepaid, None)).unwrap();
    state.follow(&earns_euros("c1", 500));
    assert_eq!(state.ledger.waits(&brand(), euros()), 0);
    assert_eq!(state.stated(), [""; 0]);
}

#[test]
fn what_funds_do_not_cover_waits_in_order_and_a_deposit_releases_it_in_order() {
    let mut state = BatchState::prepaid();
    state.deposit("dep_1", None, 100);
    state.follow(&of("c0", calculated(usd(100), EarningStatus::Payable)));
    for (conversion, minor) in [("c1", 60), ("c2", 10), ("c3", 40)] {
        let fact = of(conversion, calculated(usd(minor), EarningStatus::Payable));
        assert_eq!(note(&state.follow(&fact)), Some(Note::Unfunded));
    }
    assert_eq!(state.account_type(AccountType::Payable), 100);
    assert_eq!(state.account_type(AccountType::Unfunded), 110);
    assert_eq!(state.stated(), ["exhausted"]);
    // Ten would cover the second, but nothing overtakes the first.
    state.deposit("dep_2", None, 59);
    assert_eq!(state.fund().unwrap_err().code, PaymentCode::NothingFunded);
    state.deposit("dep_3", None, 11);
    assert_eq!(state.fund().unwrap(), ["c1", "c2"]);
    assert_eq!(state.account_type(AccountType::Payable), 170);
    assert_eq!((state.funds(), state.waits()), (0, 40));
    state.deposit("dep_4", None, 50);
    assert_eq!(state.fund().unwrap(), ["c3"]);
    assert_eq!((state.funds(), state.waits()), (10, 0));
    assert_eq!(state.stated(), ["exhausted", "restored"]);
}

#[test]
fn a_later_commission_does_not_overtake_what_waits_even_when_it_would_be_covered() {
    let mut state = BatchState::prepaid();
    state.deposit("dep_1", None, 50);
    state.follow(&of("c1", calculated(usd(60), EarningStatus::Payable)));
    state.follow(&of("c2", calculated(usd(10), EarningStatus::Payable)));
    assert_eq!((state.funds(), state.waits()), (50, 70));
    assert_eq!(state.account_type(AccountType::Payable), 0);
}

#[test]
fn a_held_commission_keeps_its_place_and_is_unfunded_once_it_is_approved() {
    let mut state = BatchState::prepaid();
    state.follow(&of("c1", calculated(usd(60), EarningStatus::Pending)));
    assert_eq!(state.account_type(AccountType::Pending), 60);
    state.follow(&of("c1", approved(usd(60))));
    assert_eq!(state.account_type(AccountType::Pending), 0);
    assert_eq!(state.account_type(AccountType::Unfunded), 60);
    state.deposit("dep_1", None, 60);
    assert_eq!(state.fund().unwrap(), ["c1"]);
    assert_eq!(state.account_type(AccountType::Payable), 60);
}

#[test]
fn a_held_commission_that_was_funded_is_payable_when_it_is_approved() {
    let mut state = BatchState::prepaid();
    state.follow(&of("c1", calculated(usd(60), EarningStatus::Pending)));
    state.deposit("dep_1", None, 60);
    assert_eq!(state.fund().unwrap(), ["c1"]);
    assert_eq!(state.account_type(AccountType::Pending), 60);
    state.follow(&of("c1", approved(usd(60))));
    assert_eq!(state.account_type(AccountType::Payable), 60);
}

#[test]
fn a_reversal_takes_what_waits_from_the_queue() {
    let mut state = BatchState::prepaid();
    state.follow(&of("c1", calculated(usd(60), EarningStatus::Payable)));
    state.follow(&of("c2", calculated(usd(10), EarningStatus::Pending)));
    state.follow(&of("c1", reversed(usd(20), EarningStatus::Payable)));
    assert_eq!((state.funds(), state.waits()), (0, 50));
    state.follow(&of("c1", reversed(usd(40), EarningStatus::Payable)));
    state.follow(&of("c2", reversed(usd(10), EarningStatus::Pending)));
    assert_eq!((state.funds(), state.waits()), (0, 0));
    assert_eq!(state.account_type(AccountType::Unfunded), 0);
    assert_eq!(state.stated(), ["exhausted", "restored"]);
    assert!(state.ledger.waiting.is_empty());
}

#[test]
fn a_credit_limit_is_how_far_funds_go_below_zero() {
    let mut state = BatchState::default();
    state.submit(&set(Billing::Postpaid, Some(100))).unwrap();
    state.follow(&of("c1", calculated(usd(100), EarningStatus::Payable)));
    state.follow(&of("c2", calculated(usd(1), EarningStatus::Payable)));
    assert_eq!((state.funds(), state.waits()), (-100, 1));
    state.submit(&set(Billing::Postpaid, None)).unwrap();
    assert_eq!(state.fund().unwrap(), ["c2"]);
    assert_eq!((state.funds(), state.waits()), (-101, 0));
}

#[test]
fn nothing_that_waits_for_the_funds_is_taken_out_of_them() {
    let mut state = BatchState::prepaid();
    state.deposit("dep_1", None, 50);
    state.follow(&of("c1", calculated(usd(60), EarningStatus::Payable)));
    state.submit(&open("reserve")).unwrap();
    for taken in [
        begin(Way::Withdrawal, "wdr_1", None, 1),
        transfer(None, Some("reserve"), 1),
    ] {
        let refused = state.submit(&taken).unwrap_err();
        assert_eq!(refused.code, PaymentCode::InsufficientFunds);
    }
}

#[test]
fn what_is_in_suspense_waits_for_funds_too_and_stays_there() {
    let mut state = BatchState::prepaid();
    let short = state.follow(&of("c1", approved(usd(60))));
    assert_eq!(note(&short), Some(Note::PendingShort));
    assert_eq!((state.funds(), state.waits()), (0, 60));
    state.deposit("dep_1", None, 60);
    assert_eq!(state.fund().unwrap(), ["c1"]);
    assert_eq!(state.account_type(AccountType::Suspense), 60);
    assert_eq!(state.account_type(AccountType::Payable), 0);
}

#[test]
fn one_command_funds_a_bounded_number_and_none_behind_what_it_knows() {
    let mut state = BatchState::prepaid();
    for number in 0..=FUNDED_AT_ONCE {
        let fact = calculated(usd(1), EarningStatus::Payable);
        state.follow(&of(&format!("c{number}"), fact));
    }
    state.deposit("dep_1", None, 1_000);
    let key = (brand(), Currency::USD);
    let mut places: Vec<i64> = state
        .ledger
        .waiting
        .values()
        .map(|it| it.position)
        .collect();
    places.sort_unstable();
    state.ledger.known_until.insert(key.clone(), places[1]);
    assert_eq!(state.fund().unwrap(), ["c0", "c1"]);
    state.ledger.known_until.remove(&key);
    assert_eq!(state.fund().unwrap().len(), FUNDED_AT_ONCE - 1);
}

#[derive(Clone, Debug)]
enum Step {
    Follow(Fact),
    Submit(Command),
    Deposit(i64),
    Fund,
}

fn step() -> impl Strategy<Value = Step> {
    let conversion = || proptest::sample::select(vec!["c1", "c2", "c3", "c4", "c5"]);
    let minor = || 1_i64..100;
    let status = || prop_oneof![Just(EarningStatus::Pending), Just(EarningStatus::Payable)];
    let limit = proptest::option::of(0_i64..200);
    prop_oneof![
        4 => (conversion(), minor(), status()).prop_map(|(id, minor, at)| Step::Follow(of(id, calculated(usd(minor), at)))),
        3 => (conversion(), minor()).prop_map(|(id, minor)| Step::Follow(of(id, approved(usd(minor))))),
        3 => (conversion(), minor(), status()).prop_map(|(id, minor, at)| Step::Follow(of(id, reversed(usd(minor), at)))),
        2 => minor().prop_map(Step::Deposit),
        1 => minor().prop_map(|minor| Step::Submit(begin(Way::Withdrawal, "wdr_1", None, minor))),
        1 => limit.clone().prop_map(|limit| Step::Submit(set(Billing::Postpaid, limit))),
        1 => Just(Step::Submit(set(Billing::Prepaid, None))),
        1 => limit.prop_map(|limit| Step::Submit(set_in(euros(), Billing::Postpaid, limit))),
        1 => proptest::option::of(minor()).prop_map(|amount| Step::Submit(warn_at(Currency::USD, amount))),
        4 => Just(Step::Fund),
    ]
}

fn in_order(ledger: &Ledger) -> Vec<(String, Waiting)> {
    let waiting = ledger.waiting.iter();
    let mut queue: Vec<_> = waiting
        .map(|((id, _), waiting)| (id.to_string(), waiting.clone()))
        .collect();
    queue.sort_by_key(|(_, waiting)| waiting.position);
    queue
}

/// What is left each time that it has come to be less than the amount, by the state after each decision and not by what it changes.
fn lows_of_the_log(state: &BatchState) -> Vec<i64> {
    let (mut ledger, mut lows, mut was_low) = (Ledger::default(), Vec::new(), false);
    for decision in state
        .events
        .chunk_by(|(_, one), (_, other)| one.id == other.id)
    {
        for (event, at) in decision {
            evolve(&mut ledger, event, *at).unwrap();
        }
        let stands = |account| ledger.balance(account, Currency::USD);
        let spendable =
            stands(Account::BrandFunds(brand())) + stands(Account::BrandUnfunded(brand()));
        let floor = ledger.terms(&brand(), Currency::USD).floor();
        let amount = ledger.warning(&brand(), Currency::USD);
        let left = floor.map(|floor| spendable - floor);
        let is_low = left.zip(amount).is_some_and(|(left, amount)| left < amount);
        let exhausted = decision
            .iter()
            .any(|(event, _)| matches!(event, Event::FundsExhausted(_)));
        if is_low && !was_low && !exhausted {
            lows.extend(left.map(|left| left.max(0)));
        }
        was_low = is_low;
    }
    lows
}

proptest! {
    #[test]
    fn funds_stay_above_their_floor_and_what_waits_is_funded_first_in_first_out(
        steps in proptest::collection::vec(step(), 1..80),
    ) {
        let mut state = BatchState::default();
        for (number, step) in steps.iter().enumerate() {
            let before = state.ledger.clone();
            let event = match step {
                Step::Follow(fact) => Some(state.follow(fact)),
                Step::Submit(command) => state.submit(command).ok(),
                Step::Deposit(minor) => {
                    state.deposit(&format!("dep_{number}"), None, *minor);
                    None
                }
                Step::Fund => state.submit_as(Actor::System, &fund()).ok(),
            };
            let queue = in_order(&state.ledger);
            let waits: i64 = queue.iter().map(|(_, waiting)| waiting.minor).sum();
            prop_assert_eq!(waits, state.waits());
            let unfunded = queue.iter().filter(|(_, waiting)| waiting.stands == AccountType::Unfunded);
            let unfunded: i64 = unfunded.map(|(_, waiting)| waiting.minor).sum();
            prop_assert_eq!(unfunded, state.account_type(AccountType::Unfunded));
            prop_assert_eq!(state.ledger.balances.values().sum::<i64>(), 0);
            let funds = Account::BrandFunds(brand());
            let taken = before.balance(funds, Currency::USD) - state.funds();
            let floor = state.ledger.terms(&brand(), Currency::USD).floor();
            if taken > 0 {
                prop_assert!(floor.is_none_or(|floor| state.funds() >= floor.min(0)), "{:?}", event);
            }
            if let Some(Event::EarningsFunded(funding)) = &event {
                let first = in_order(&before).into_iter().map(|(id, _)| id);
                let first: Vec<String> = first.take(funding.conversions.len()).collect();
                let funded: Vec<String> = funding.conversions.iter().map(ToString::to_string).collect();
                prop_assert_eq!(funded, first);
            }
        }
        for pair in state.stated().windows(2) {
            prop_assert_ne!(pair[0], pair[1]);
        }
        prop_assert_eq!(state.lows(), lows_of_the_log(&state));
        let mut replayed = Ledger::default();
        for (event, at) in &state.events {
            evolve(&mut replayed, event, *at).unwrap();
        }
        prop_assert_eq!(replayed, state.ledger);
    }
}
