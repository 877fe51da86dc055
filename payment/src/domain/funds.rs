//! A brand's money: its accounts, what comes from and goes to its bank, when it pays, and what waits for it.

use std::collections::BTreeMap;

use schemas::{
    About, AccountOpenedV1, BillingChangedV1, DepositAnnouncedV1, DepositClearedV1,
    DepositFailedV1, FundsExhaustedV1, FundsLowV1, FundsRestoredV1, FundsStatedV1,
    FundsTransferredV1, FundsWarningChangedV1, RefundRecoveredV1, WithdrawalFailedV1,
    WithdrawalRequestedV1, WithdrawalSettledV1,
};
use types::{
    AccountName, AccountType, BankFailure, BankReference, Billing, BrandId, ConversionId, Currency,
    DepositId, FundsAccountId, FundsTransferId, Micros, Money, PartnerId, Uuid, WithdrawalId,
};

use super::decide::{of_amount, transfer_id};
use super::{
    ANNOUNCED_LIMIT, Account, Actor, BALANCE_LIMIT, Balance, Code, Context, Event, Funding, Ledger,
    Rejection, Transfer,
};

/// So many commissions are funded by one command: what waits behind them is the next one's.
pub const FUNDED_AT_ONCE: usize = 100;

/// Which way money goes between a brand and its bank.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Way {
    /// To the brand's account.
    Deposit,
    /// Out of it.
    Withdrawal,
}

types::names! {
    /// How far a deposit or a withdrawal is. The last two are final.
    pub enum Progress {
        /// Announced, or requested: the money is in clearing.
        UnderWay = "under_way",
        /// The bank has carried it out.
        Done = "done",
        /// The bank has not.
        Failed = "failed",
    }
}

/// A deposit or a withdrawal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BankTransfer {
    /// Whose.
    pub brand: BrandId,
    /// Into or out of which of its accounts; `None`: its funds.
    pub account: Option<AccountName>,
    /// How much.
    pub amount: Money,
    /// What the bank's statement calls it.
    pub reference: Option<BankReference>,
    /// How far it is.
    pub progress: Progress,
    /// Why it failed.
    pub reason: Option<BankFailure>,
    /// When it was announced or requested.
    pub began_at: Micros,
    /// When it last changed.
    pub updated_at: Micros,
    /// Where in the log it began.
    pub position: i64,
}

/// When a brand pays for what its partners earn in a currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Before or after.
    pub billing: Billing,
    /// Of postpaid: how far its funds may be below zero; `None`: no limit.
    pub credit_limit: Option<i64>,
}

impl Terms {
    /// After, without a limit: those of a brand of which nothing is known.
    pub const DEFAULT: Self = Self {
        billing: Billing::Postpaid,
        credit_limit: None,
    };

    /// Those of a currency, where these were stated of the brand.
    fn among(stated: &BTreeMap<Currency, Self>, currency: Currency) -> Self {
        let is_limited = || stated.values().any(|terms| terms.floor().is_some());
        let stated_of_it = stated.get(&currency).copied();
        stated_of_it.unwrap_or_else(|| Self::where_not_stated(is_limited()))
    }

    /// Those of a currency of which nothing was stated.
    pub(crate) const fn where_not_stated(is_limited: bool) -> Self {
        Self {
            billing: Billing::where_not_stated(is_limited),
            credit_limit: None,
        }
    }

    /// What an earning must not take the brand's funds below; `None`: nothing.
    pub fn floor(self) -> Option<i64> {
        match self.billing {
            Billing::Prepaid => Some(0),
            Billing::Postpaid => self.credit_limit.map(i64::saturating_neg),
        }
    }
}

impl From<&BillingChangedV1> for Terms {
    fn from(changed: &BillingChangedV1) -> Self {
        Self {
            billing: changed.billing,
            credit_limit: changed.credit_limit,
        }
    }
}

/// A commission that its brand's funds did not cover when it was earned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Who pays.
    pub brand: BrandId,
    /// Who earned it.
    pub partner: PartnerId,
    /// What is left of it.
    pub minor: i64,
    /// Where it stands at its partner: pending while it is on hold, unfunded once it is approved, or in suspense.
    pub stands: AccountType,
    /// Where in the log it was earned: the first in is the first to be funded.
    pub position: i64,
}

/// What a partner had been paid when refunds of a brand took it back, and it has not earned again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owed {
    /// So much.
    pub minor: i64,
    /// Where in the log it began: the brand whose refund was the first is the first to have it back.
    pub position: i64,
}

/// What a brand, or an operator, asks of a brand's money.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FundsCommand {
    /// An account more.
    OpenAccount {
        /// Whose.
        brand: BrandId,
        /// What it is called.
        name: AccountName,
    },
    /// Money is on its way, or shall be.
    Begin {
        /// Which way.
        way: Way,
        /// The new deposit or withdrawal.
        id: String,
        /// Whose.
        brand: BrandId,
        /// Into or out of which account; `None`: its funds.
        account: Option<AccountName>,
        /// How much.
        amount: Money,
        /// What the bank's statement calls it.
        reference: Option<BankReference>,
    },
    /// What the bank says of it.
    Settle {
        /// Which way.
        way: Way,
        /// Which deposit or withdrawal.
        id: String,
        /// Why it failed; `None`: it was carried out.
        failure: Option<BankFailure>,
    },
    /// From one account of the brand to another.
    Transfer {
        /// The new transfer.
        id: FundsTransferId,
        /// Whose.
        brand: BrandId,
        /// Out of which account; `None`: its funds.
        from: Option<AccountName>,
        /// Into which account; `None`: its funds.
        to: Option<AccountName>,
        /// How much.
        amount: Money,
    },
    /// When it pays.
    SetBilling {
        /// Who.
        brand: BrandId,
        /// For what is earned in this currency.
        currency: Currency,
        /// When.
        terms: Terms,
    },
    /// Below which amount of what its funds still cover it is warned.
    SetWarning {
        /// Who.
        brand: BrandId,
        /// Of funds in this currency.
        currency: Currency,
        /// Minor units; `None`: never.
        amount: Option<i64>,
    },
    /// What waits and is covered now.
    FundEarnings {
        /// Whose funds.
        brand: BrandId,
        /// In which currency.
        currency: Currency,
    },
    /// Whether something waits is stated again.
    State {
        /// For whose funds.
        brand: BrandId,
        /// In which currency.
        currency: Currency,
    },
}

impl Ledger {
    /// When the brand pays for what is earned in the currency.
    pub fn terms(&self, brand: &BrandId, currency: Currency) -> Terms {
        let stated = self.billing.get(brand);
        stated.map_or(Terms::DEFAULT, |stated| Terms::among(stated, currency))
    }

    /// What an operator has said of that.
    pub fn stated_terms(&self, brand: &BrandId, currency: Currency) -> Option<Terms> {
        self.billing.get(brand)?.get(&currency).copied()
    }

    /// Below which amount the brand is warned, in minor units.
    pub fn warning(&self, brand: &BrandId, currency: Currency) -> Option<i64> {
        self.warnings.get(&(brand.clone(), currency)).copied()
    }

    /// Whether the brand's funds cover so much more, with nothing waiting for them before it.
    pub(super) fn covers(&self, brand: &BrandId, amount: Money) -> bool {
        let currency = amount.currency;
        let Some(floor) = self.terms(brand, currency).floor() else {
            return self.waits(brand, currency) == 0;
        };
        let funds = self.balance(Account::BrandFunds(brand.clone()), currency);
        let left = funds.checked_sub(amount.minor);
        self.waits(brand, currency) == 0 && left.is_some_and(|left| left >= floor)
    }

    /// How much waits for the brand's funds.
    pub fn waits(&self, brand: &BrandId, currency: Currency) -> i64 {
        let unfunded = self.balance(Account::BrandUnfunded(brand.clone()), currency);
        unfunded.saturating_neg()
    }

    /// What a brand may take out of an account: what stands there, less what waits for its funds.
    fn available(&self, brand: &BrandId, account: &Account, currency: Currency) -> i64 {
        let balance = self.balance(account.clone(), currency);
        match account {
            Account::BrandFunds(_) => balance.saturating_sub(self.waits(brand, currency)),
            _ => balance,
        }
    }
}

/// Decides upon a command about a brand's money.
pub(super) fn decide(
    ledger: &Ledger,
    command: &FundsCommand,
    context: &Context,
) -> Result<Event, Rejection> {
    match command {
        FundsCommand::OpenAccount { brand, name } => open_account(ledger, brand, name, context),
        FundsCommand::Begin { .. } => begin(ledger, command, context),
        FundsCommand::Settle { way, id, failure } => settle(ledger, *way, id, *failure, context),
        FundsCommand::Transfer { .. } => transfer(ledger, command, context),
        FundsCommand::SetBilling {
            brand,
            currency,
            terms,
        } => set_billing(ledger, brand, *currency, *terms, context),
        FundsCommand::SetWarning {
            brand,
            currency,
            amount,
        } => set_warning(ledger, brand, *currency, *amount, context),
        FundsCommand::FundEarnings { brand, currency } => {
            fund_earnings(ledger, brand, *currency, context)
        }
        FundsCommand::State { brand, currency } => state(ledger, brand, *currency, context),
    }
}

/// What follows from an event, that `cause` made, beside what it moves: a brand is out of funds when the first commission waits
/// for them, and has funds again when none does; what a partner owes goes back to brands as it has payable money again; and
/// last, of all of that, whether a brand's funds have become low.
pub fn consequences(ledger: &Ledger, event: &Event, cause: Uuid) -> Vec<Event> {
    let turned = turned(ledger, event);
    let mut events: Vec<Event> = turned.into_iter().collect();
    events.extend(recovered(ledger, event, cause));
    let low = lowered(ledger, event, &events);
    events.extend(low);
    events
}

/// The brands whose funds cover less than the amount below which they are warned after the event and what follows from it, and
/// did not before. Of one that is out of funds by it nothing is stated but that.
fn lowered(ledger: &Ledger, event: &Event, followed: &[Event]) -> Vec<Event> {
    if ledger.warnings.is_empty() && !matches!(event, Event::FundsWarningChanged(_)) {
        return Vec::new();
    }
    let mut changes: BTreeMap<(BrandId, Currency), i64> = BTreeMap::new();
    let transfers = std::iter::once(event).chain(followed);
    for transfer in transfers.flat_map(Event::transfers) {
        let Money { minor, currency } = transfer.money;
        let sides = [
            (transfer.credit, minor),
            (transfer.debit, minor.saturating_neg()),
        ];
        for (account, change) in sides {
            if let Account::BrandFunds(brand) | Account::BrandUnfunded(brand) = account {
                let sum = changes.entry((brand, currency)).or_default();
                *sum = sum.saturating_add(change);
            }
        }
    }
    match event {
        // It may change what is so where nothing was stated.
        Event::BillingChanged(it) => {
            let of_brand = ledger.warnings.keys();
            let of_brand = of_brand.filter(|(brand, _)| *brand == it.subject);
            changes.extend(of_brand.map(|key| (key.clone(), 0)));
        }
        Event::FundsWarningChanged(it) => {
            changes.insert((it.subject.clone(), it.currency), 0);
        }
        _ => {}
    }
    let exhausted = followed.iter().find_map(|event| match event {
        Event::FundsExhausted(it) => Some((it.subject.clone(), it.currency)),
        _ => None,
    });
    let lowered = changes.into_iter().filter_map(|(key, change)| {
        if exhausted.as_ref() == Some(&key) {
            return None;
        }
        let (brand, currency) = &key;
        let (terms, warning) = (
            ledger.terms(brand, *currency),
            ledger.warning(brand, *currency),
        );
        let (terms_after, warning_after) = match event {
            Event::BillingChanged(it) => (terms_after(ledger, it, *currency), warning),
            Event::FundsWarningChanged(it) => (terms, it.amount),
            _ => (terms, warning),
        };
        let funds = ledger.balance(Account::BrandFunds(brand.clone()), *currency);
        let spendable = funds.saturating_sub(ledger.waits(brand, *currency));
        let was = low(terms, warning, spendable);
        let (left, warning) = low(terms_after, warning_after, spendable.saturating_add(change))
            .filter(|_| was.is_none())?;
        let record = FundsLowV1 {
            currency: *currency,
            left: Money::new(left.max(0), *currency),
            warning: Money::new(warning, *currency),
        };
        Some(About::of(brand.clone(), record).into())
    });
    lowered.collect()
}

/// When the brand pays in a currency, once this is so.
fn terms_after(ledger: &Ledger, changed: &About<BillingChangedV1>, currency: Currency) -> Terms {
    let stated = ledger.billing.get(&changed.subject);
    let mut stated = stated.cloned().unwrap_or_default();
    stated.insert(changed.currency, Terms::from(&changed.record));
    Terms::among(&stated, currency)
}

/// What is left of funds, less what waits for them, down to where nothing more is covered, and the amount below which their brand
/// is warned: where it is less. Without a floor nothing runs out.
fn low(terms: Terms, warning: Option<i64>, spendable: i64) -> Option<(i64, i64)> {
    let left = spendable.saturating_sub(terms.floor()?);
    let warning = warning?;
    (left < warning).then_some((left, warning))
}

/// What partners owe no longer after the event: their payable money being below zero is all that they owe.
fn recovered(ledger: &Ledger, event: &Event, cause: Uuid) -> Vec<Event> {
    let transfers = event.transfers();
    let mut earned: BTreeMap<(&PartnerId, Currency), i64> = BTreeMap::new();
    for transfer in &transfers {
        let Money { minor, currency } = transfer.money;
        for (account, change) in [
            (&transfer.credit, minor),
            (&transfer.debit, minor.saturating_neg()),
        ] {
            if let Account::Partner(partner, AccountType::Payable) = account {
                let sum = earned.entry((partner, currency)).or_default();
                *sum = sum.saturating_add(change);
            }
        }
    }
    let mut events = Vec::new();
    for ((partner, currency), change) in earned {
        let payable = Account::Partner(partner.clone(), AccountType::Payable);
        let before = ledger.balance(payable, currency);
        if before >= 0 || change <= 0 {
            continue;
        }
        let below = before.saturating_add(change).saturating_neg().max(0);
        let owed = ledger.owed.iter();
        let mut owed: Vec<(&BrandId, &Owed)> = owed
            .filter(|((who, of, _), _)| who == partner && *of == currency)
            .map(|((_, _, brand), owed)| (brand, owed))
            .collect();
        owed.sort_unstable_by_key(|(brand, owed)| (owed.position, *brand));
        let all = owed
            .iter()
            .fold(0_i64, |sum, (_, owed)| sum.saturating_add(owed.minor));
        let mut over = all.saturating_sub(below);
        for (brand, owed) in owed {
            let part = over.min(owed.minor);
            if part <= 0 {
                break;
            }
            over = over.saturating_sub(part);
            let ordinal = transfers.len().saturating_add(events.len());
            let record = RefundRecoveredV1 {
                partner_id: partner.clone(),
                amount: Money::new(part, currency),
                transfer_id: transfer_id(cause, ordinal),
            };
            events.push(About::of(brand.clone(), record).into());
        }
    }
    events
}

fn turned(ledger: &Ledger, event: &Event) -> Option<Event> {
    let mut changes: Option<(BrandId, Currency, i64)> = None;
    for transfer in event.transfers() {
        let currency = transfer.money.currency;
        let change = match (&transfer.debit, &transfer.credit) {
            (Account::BrandUnfunded(brand), _) => Some((brand, transfer.money.minor)),
            (_, Account::BrandUnfunded(brand)) => {
                Some((brand, transfer.money.minor.saturating_neg()))
            }
            _ => None,
        };
        if let Some((brand, more)) = change {
            let (_, _, sum) = changes.get_or_insert_with(|| (brand.clone(), currency, 0));
            *sum = sum.saturating_add(more);
        }
    }
    let (brand, currency, more) = changes?;
    let before = ledger.waits(&brand, currency);
    let after = before.saturating_add(more);
    match (before, after) {
        (0, 1..) => Some(About::of(brand, FundsExhaustedV1 { currency }).into()),
        (1.., 0) => Some(About::of(brand, FundsRestoredV1 { currency }).into()),
        _ => None,
    }
}

fn is_brand(context: &Context, brand: &BrandId) -> Result<(), Rejection> {
    let own = context.brand.as_ref() == Some(brand);
    if context.actor == Actor::Operator || own {
        return Ok(());
    }
    Err(brand_unknown())
}

/// Not the caller's, or no id at all: the answer is the same.
pub(crate) fn brand_unknown() -> Rejection {
    Rejection::of("/brand_id", Code::BrandUnknown, "there is no such brand")
}

fn is_by(context: &Context, actor: &Actor) -> Result<(), Rejection> {
    if context.actor == *actor {
        return Ok(());
    }
    let detail = "this is for operators to say";
    Err(Rejection::new(Code::OperatorsOnly, detail))
}

fn open_account(
    ledger: &Ledger,
    brand: &BrandId,
    name: &AccountName,
    context: &Context,
) -> Result<Event, Rejection> {
    is_brand(context, brand)?;
    let id = FundsAccountId::of(brand, name);
    if name.is_default() || ledger.accounts.contains(&id) {
        let detail = "the brand has an account of that name";
        return Err(Rejection::of("/name", Code::AccountExists, detail));
    }
    let opened = AccountOpenedV1 {
        brand_id: brand.clone(),
        name: name.clone(),
    };
    Ok(Event::AccountOpened(About {
        key: brand.clone(),
        subject: id,
        record: opened,
    }))
}

/// The brand's account of that name, which must be open.
fn account(
    ledger: &Ledger,
    brand: &BrandId,
    name: Option<&AccountName>,
    pointer: &'static str,
) -> Result<Account, Rejection> {
    let account = Account::of_brand(brand, name);
    if let Account::Named(brand, name) = &account
        && !ledger.accounts.contains(&FundsAccountId::of(brand, name))
    {
        let detail = "the brand has no account of that name: open it first";
        return Err(Rejection::of(pointer, Code::AccountUnknown, detail));
    }
    Ok(account)
}

fn positive(amount: Money) -> Result<(), Rejection> {
    if amount.minor > 0 {
        return Ok(());
    }
    let detail = "the amount must be more than zero";
    Err(of_amount(Code::AmountNotPositive, detail))
}

/// Refuses what is more than can be taken out of the account.
fn there(
    ledger: &Ledger,
    brand: &BrandId,
    account: &Account,
    amount: Money,
) -> Result<(), Rejection> {
    let available = ledger.available(brand, account, amount.currency);
    if available >= amount.minor {
        return Ok(());
    }
    let available = Money::new(available.max(0), amount.currency);
    let detail = format!("{available} {} can be taken out", available.currency);
    Err(of_amount(Code::InsufficientFunds, detail))
}

/// The event, where the ledger can take what it moves.
fn posted(ledger: &Ledger, event: Event) -> Result<Event, Rejection> {
    let within = ledger.can_post_all(&event.transfers());
    within.map_err(|_| of_amount(Code::AmountOutOfRange, "the amount is too large"))?;
    Ok(event)
}

fn begin(ledger: &Ledger, command: &FundsCommand, context: &Context) -> Result<Event, Rejection> {
    let FundsCommand::Begin {
        way,
        id,
        brand,
        account: name,
        amount,
        reference,
    } = command
    else {
        return Err(unreadable());
    };
    is_brand(context, brand)?;
    if ledger.bank_transfers.contains_key(&(*way, id.clone())) {
        let (code, detail) = match way {
            Way::Deposit => (Code::DepositExists, "the deposit was announced before"),
            Way::Withdrawal => (
                Code::WithdrawalExists,
                "the withdrawal was asked for before",
            ),
        };
        return Err(Rejection::new(code, detail));
    }
    positive(*amount)?;
    let from = account(ledger, brand, name.as_ref(), "/account")?;
    let transfer_id = transfer_id(context.cause, 0);
    let event = match way {
        Way::Deposit => {
            let clearing = Account::BrandClearing(brand.clone());
            let clearing = ledger.balance(clearing, amount.currency);
            if clearing.saturating_add(amount.minor) > ANNOUNCED_LIMIT {
                let most = Money::new(ANNOUNCED_LIMIT, amount.currency);
                let detail = format!("no more than {most} {} can be in clearing", most.currency);
                return Err(of_amount(Code::AmountOutOfRange, detail));
            }
            let announced = DepositAnnouncedV1 {
                brand_id: brand.clone(),
                account: name.clone(),
                amount: *amount,
                reference: reference.clone(),
                transfer_id,
            };
            About::of(deposit(id)?, announced).into()
        }
        Way::Withdrawal => {
            there(ledger, brand, &from, *amount)?;
            let requested = WithdrawalRequestedV1 {
                brand_id: brand.clone(),
                account: name.clone(),
                amount: *amount,
                reference: reference.clone(),
                transfer_id,
            };
            About::of(withdrawal(id)?, requested).into()
        }
    };
    posted(ledger, event)
}

fn deposit(id: &str) -> Result<DepositId, Rejection> {
    DepositId::parse(id).map_err(|_| unknown(Way::Deposit))
}

fn withdrawal(id: &str) -> Result<WithdrawalId, Rejection> {
    WithdrawalId::parse(id).map_err(|_| unknown(Way::Withdrawal))
}

/// There is none of that id, or it is another's.
pub(crate) fn unknown(way: Way) -> Rejection {
    match way {
        Way::Deposit => Rejection::new(Code::DepositUnknown, "there is no such deposit"),
        Way::Withdrawal => Rejection::new(Code::WithdrawalUnknown, "there is no such withdrawal"),
    }
}

fn unreadable() -> Rejection {
    Rejection::new(Code::Unreadable, "it cannot be read: another command")
}

fn settle(
    ledger: &Ledger,
    way: Way,
    id: &str,
    failure: Option<BankFailure>,
    context: &Context,
) -> Result<Event, Rejection> {
    let found = ledger.bank_transfers.get(&(way, id.to_owned()));
    let own = |found: &&BankTransfer| is_brand(context, &found.brand).is_ok();
    let found = found.filter(own).ok_or_else(|| unknown(way))?;
    is_by(context, &Actor::Operator)?;
    if found.progress != Progress::UnderWay {
        let (code, what) = match way {
            Way::Deposit => (Code::DepositSettled, "the deposit"),
            Way::Withdrawal => (Code::WithdrawalSettled, "the withdrawal"),
        };
        let detail = format!("{what} is {}", found.progress.name());
        return Err(Rejection::new(code, detail));
    }
    let BankTransfer {
        brand,
        account,
        amount,
        ..
    } = found.clone();
    let (brand_id, transfer_id) = (brand, transfer_id(context.cause, 0));
    let event = match (way, failure) {
        (Way::Deposit, None) => {
            let cleared = DepositClearedV1 {
                brand_id,
                account,
                amount,
                transfer_id,
            };
            About::of(deposit(id)?, cleared).into()
        }
        (Way::Deposit, Some(reason)) => {
            let failed = DepositFailedV1 {
                brand_id,
                account,
                amount,
                transfer_id,
                reason,
            };
            About::of(deposit(id)?, failed).into()
        }
        (Way::Withdrawal, None) => {
            let settled = WithdrawalSettledV1 {
                brand_id,
                account,
                amount,
                transfer_id,
            };
            About::of(withdrawal(id)?, settled).into()
        }
        (Way::Withdrawal, Some(reason)) => {
            let failed = WithdrawalFailedV1 {
                brand_id,
                account,
                amount,
                transfer_id,
                reason,
            };
            About::of(withdrawal(id)?, failed).into()
        }
    };
    // What comes back was there before: like a payout that failed, it needs no room of its own.
    match (way, failure) {
        (Way::Deposit, None) => posted(ledger, event),
        _ => Ok(event),
    }
}

fn transfer(
    ledger: &Ledger,
    command: &FundsCommand,
    context: &Context,
) -> Result<Event, Rejection> {
    let FundsCommand::Transfer {
        id,
        brand,
        from,
        to,
        amount,
    } = command
    else {
        return Err(unreadable());
    };
    is_brand(context, brand)?;
    positive(*amount)?;
    let debit = account(ledger, brand, from.as_ref(), "/from_account")?;
    let credit = account(ledger, brand, to.as_ref(), "/to_account")?;
    if debit == credit {
        let detail = "must be another account than the money comes from";
        return Err(Rejection::of("/to_account", Code::SameAccount, detail));
    }
    there(ledger, brand, &debit, *amount)?;
    let record = FundsTransferredV1 {
        brand_id: brand.clone(),
        from_account: from.clone(),
        to_account: to.clone(),
        amount: *amount,
        transfer_id: transfer_id(context.cause, 0),
    };
    let transferred = Event::FundsTransferred(About {
        key: brand.clone(),
        subject: id.clone(),
        record,
    });
    posted(ledger, transferred)
}

fn set_billing(
    ledger: &Ledger,
    brand: &BrandId,
    currency: Currency,
    terms: Terms,
    context: &Context,
) -> Result<Event, Rejection> {
    is_brand(context, brand)?;
    is_by(context, &Actor::Operator)?;
    let pointer = "/credit_limit";
    match (terms.billing, terms.credit_limit) {
        (Billing::Prepaid, Some(_)) => {
            let detail = "who pays before has no credit";
            return Err(Rejection::of(pointer, Code::AmountOutOfRange, detail));
        }
        (_, Some(limit)) if !(0..=BALANCE_LIMIT).contains(&limit) => {
            let detail = "a credit limit is zero or more, and no more than a balance can be";
            return Err(Rejection::of(pointer, Code::AmountOutOfRange, detail));
        }
        _ => {}
    }
    // What is so since nothing was stated may be otherwise once something is of another currency.
    if ledger.stated_terms(brand, currency) == Some(terms) {
        let detail = "the brand's billing is so already";
        return Err(Rejection::new(Code::BillingUnchanged, detail));
    }
    let changed = BillingChangedV1 {
        currency,
        billing: terms.billing,
        credit_limit: terms.credit_limit,
    };
    Ok(About::of(brand.clone(), changed).into())
}

fn set_warning(
    ledger: &Ledger,
    brand: &BrandId,
    currency: Currency,
    amount: Option<i64>,
    context: &Context,
) -> Result<Event, Rejection> {
    is_brand(context, brand)?;
    if let Some(minor) = amount {
        positive(Money::new(minor, currency))?;
        if minor > BALANCE_LIMIT {
            return Err(of_amount(Code::AmountOutOfRange, "the amount is too large"));
        }
    }
    if ledger.warning(brand, currency) == amount {
        let detail = "the amount below which the brand is warned is so already";
        return Err(Rejection::new(Code::FundsWarningUnchanged, detail));
    }
    let changed = FundsWarningChangedV1 { currency, amount };
    Ok(About::of(brand.clone(), changed).into())
}

fn state(
    ledger: &Ledger,
    brand: &BrandId,
    currency: Currency,
    context: &Context,
) -> Result<Event, Rejection> {
    is_by(context, &Actor::System)?;
    let stated = FundsStatedV1 {
        currency,
        exhausted: ledger.waits(brand, currency) > 0,
    };
    Ok(About::of(brand.clone(), stated).into())
}

/// Takes from the brand's funds what waited for them, the first in first, as far as they reach: nothing overtakes.
fn fund_earnings(
    ledger: &Ledger,
    brand: &BrandId,
    currency: Currency,
    context: &Context,
) -> Result<Event, Rejection> {
    is_by(context, &Actor::System)?;
    let known_until = ledger.known_until.get(&(brand.clone(), currency));
    let queue = ledger.waiting.iter().filter(|((_, of), waiting)| {
        waiting.brand == *brand
            && *of == currency
            && known_until.is_none_or(|last| waiting.position <= *last)
    });
    let mut queue: Vec<(&ConversionId, &Waiting)> = queue
        .map(|((conversion, _), waiting)| (conversion, waiting))
        .collect();
    queue.sort_unstable_by_key(|(_, waiting)| waiting.position);
    let floor = ledger.terms(brand, currency).floor();
    let mut funds = ledger.balance(Account::BrandFunds(brand.clone()), currency);
    let mut funding = Funding {
        brand: brand.clone(),
        currency,
        transfers: Vec::new(),
        conversions: Vec::new(),
    };
    for (conversion, waiting) in queue.into_iter().take(FUNDED_AT_ONCE) {
        let Some(left) = funds.checked_sub(waiting.minor) else {
            break;
        };
        if floor.is_some_and(|floor| left < floor) {
            break;
        }
        funds = left;
        let money = Money::new(waiting.minor, currency);
        let mut moves = |debit, credit| {
            let id = transfer_id(context.cause, funding.transfers.len());
            funding.transfers.push(Transfer {
                id,
                debit,
                credit,
                money,
            });
        };
        moves(
            Account::BrandFunds(brand.clone()),
            Account::BrandUnfunded(brand.clone()),
        );
        if waiting.stands == AccountType::Unfunded {
            let own = |account_type| Account::Partner(waiting.partner.clone(), account_type);
            moves(own(AccountType::Unfunded), own(AccountType::Payable));
        }
        funding.conversions.push(conversion.clone());
    }
    if funding.conversions.is_empty() {
        let detail = "nothing waits that the brand's funds cover";
        return Err(Rejection::new(Code::NothingFunded, detail));
    }
    let event = Event::EarningsFunded(funding);
    // It was at its partners before, and who has much holds up nobody else: it needs no room but that of an `i64`.
    let within = ledger.can_post_within(BALANCE_LIMIT.saturating_mul(2), &event.transfers());
    within.map_err(|_| of_amount(Code::AmountOutOfRange, "the amount is too large"))?;
    Ok(event)
}

/// What an event does to a brand's money beside moving it.
pub(super) fn evolve(ledger: &mut Ledger, event: &Event, at: super::Stamp) {
    match event {
        Event::AccountOpened(opened) => {
            ledger.accounts.insert(opened.subject.clone());
        }
        Event::DepositAnnounced(it) => {
            let begun = (&it.brand_id, &it.account, it.amount, &it.reference);
            began(ledger, Way::Deposit, it.subject.as_str(), begun, at);
        }
        Event::WithdrawalRequested(it) => {
            let begun = (&it.brand_id, &it.account, it.amount, &it.reference);
            began(ledger, Way::Withdrawal, it.subject.as_str(), begun, at);
        }
        Event::DepositCleared(it) => {
            ended(ledger, Way::Deposit, it.subject.as_str(), None, at);
        }
        Event::DepositFailed(it) => {
            let reason = Some(it.reason);
            ended(ledger, Way::Deposit, it.subject.as_str(), reason, at);
        }
        Event::WithdrawalSettled(it) => {
            ended(ledger, Way::Withdrawal, it.subject.as_str(), None, at);
        }
        Event::WithdrawalFailed(it) => {
            let reason = Some(it.reason);
            ended(ledger, Way::Withdrawal, it.subject.as_str(), reason, at);
        }
        Event::BillingChanged(changed) => {
            let stated = ledger.billing.entry(changed.subject.clone()).or_default();
            stated.insert(changed.currency, Terms::from(&changed.record));
        }
        Event::FundsWarningChanged(changed) => {
            let key = (changed.subject.clone(), changed.currency);
            match changed.amount {
                Some(minor) => ledger.warnings.insert(key, minor),
                None => ledger.warnings.remove(&key),
            };
        }
        Event::EarningsFunded(funding) => {
            for conversion in &funding.conversions {
                let key = (conversion.clone(), funding.currency);
                ledger.waiting.remove(&key);
            }
        }
        Event::RefundRecovered(it) => {
            let key = (it.partner_id.clone(), it.amount.currency, it.key.clone());
            owe(ledger, &key, it.amount.minor.saturating_neg(), at.position);
        }
        Event::LedgerPosted(posting) => {
            for transfer in &posting.transfers {
                if let Some(key) = owed_by(transfer) {
                    owe(ledger, &key, transfer.money.minor, at.position);
                }
            }
            if let Ok(conversion) = posting.conversion.parse::<ConversionId>() {
                for transfer in &posting.transfers {
                    wait(ledger, &conversion, transfer, at.position);
                }
            }
        }
        Event::FundsTransferred(_)
        | Event::FundsExhausted(_)
        | Event::FundsRestored(_)
        | Event::FundsLow(_)
        | Event::FundsStated(_)
        | Event::StatementIssued(_)
        | Event::PayoutRequested(_)
        | Event::PayoutSubmitting(_)
        | Event::PayoutSubmitted(_)
        | Event::PayoutUnknown(_)
        | Event::PayoutPaid(_)
        | Event::PayoutFailed(_) => {}
    }
}

/// Who owes whom by a transfer of a posting.
pub(crate) fn owed_by(transfer: &Transfer) -> Option<(PartnerId, Currency, BrandId)> {
    match (&transfer.debit, &transfer.credit) {
        (Account::Partner(partner, _), Account::BrandRecoverable(brand)) => {
            Some((partner.clone(), transfer.money.currency, brand.clone()))
        }
        _ => None,
    }
}

fn owe(ledger: &mut Ledger, key: &(PartnerId, Currency, BrandId), more: i64, position: i64) {
    let owed = ledger
        .owed
        .entry(key.clone())
        .or_insert(Owed { minor: 0, position });
    owed.minor = owed.minor.saturating_add(more);
    if owed.minor <= 0 {
        ledger.owed.remove(key);
    }
}

/// What a posting makes of what waits: the brand's unfunded account says that a commission waits, and its partner's where.
fn wait(ledger: &mut Ledger, conversion: &ConversionId, transfer: &Transfer, position: i64) {
    let Money { minor, currency } = transfer.money;
    let key = (conversion.clone(), currency);
    match (&transfer.debit, &transfer.credit) {
        (Account::BrandUnfunded(brand), Account::Partner(partner, stands)) => {
            let new = || Waiting {
                brand: brand.clone(),
                partner: partner.clone(),
                minor: 0,
                stands: *stands,
                position,
            };
            let waiting = ledger.waiting.entry(key).or_insert_with(new);
            waiting.minor = waiting.minor.saturating_add(minor);
        }
        (Account::Partner(..), Account::BrandUnfunded(_)) => {
            if let Some(waiting) = ledger.waiting.get_mut(&key) {
                waiting.minor = waiting.minor.saturating_sub(minor);
                if waiting.minor <= 0 {
                    ledger.waiting.remove(&key);
                }
            }
        }
        (Account::Partner(..), Account::Partner(_, AccountType::Unfunded)) => {
            if let Some(waiting) = ledger.waiting.get_mut(&key) {
                waiting.stands = AccountType::Unfunded;
            }
        }
        _ => {}
    }
}

type Begun<'a> = (
    &'a BrandId,
    &'a Option<AccountName>,
    Money,
    &'a Option<BankReference>,
);

fn began(ledger: &mut Ledger, way: Way, id: &str, begun: Begun<'_>, at: super::Stamp) {
    let (brand, account, amount, reference) = begun;
    let new = BankTransfer {
        brand: brand.clone(),
        account: account.clone(),
        amount,
        reference: reference.clone(),
        progress: Progress::UnderWay,
        reason: None,
        began_at: at.time,
        updated_at: at.time,
        position: at.position,
    };
    ledger.bank_transfers.insert((way, id.to_owned()), new);
}

fn ended(ledger: &mut Ledger, way: Way, id: &str, reason: Option<BankFailure>, at: super::Stamp) {
    if let Some(found) = ledger.bank_transfers.get_mut(&(way, id.to_owned())) {
        found.progress = match reason {
            None => Progress::Done,
            Some(_) => Progress::Failed,
        };
        found.reason = reason;
        found.updated_at = at.time;
    }
}

/// The balance of what a brand's partners wait for.
pub(crate) fn waits_at(balance: &Balance) -> Option<(BrandId, Currency)> {
    match &balance.account {
        Account::BrandUnfunded(brand) => Some((brand.clone(), balance.currency)),
        _ => None,
    }
}
