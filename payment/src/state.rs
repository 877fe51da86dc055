//! The states that one batch touches, and what is to be saved of them.

use std::collections::{BTreeSet, HashMap};

use messaging::{Recorded, WriteTx};
use schemas::{Body, CommissionApprovedV1, CommissionReversedV1, Message};
use sealing::Details;
use sqlx::types::Json;
use types::{
    AccountName, BrandId, ConversionId, Currency, EarningStatus, FundsAccountId, PartnerId,
    PayoutId, Uuid,
};

use crate::domain::{
    self, Account, AccountType, Balance, Event, FUNDED_AT_ONCE, Ledger, PostError, Stamp, Way,
    owed_by, waits_at,
};
use crate::messages;
use crate::store::{
    accounts, balances, bank_transfers, billing, owed, payout_details, payouts, statements,
    transfers, waiting,
};

/// Balances and payouts with their places in the log, and what was opened on the way.
#[derive(Debug, Default)]
pub struct BatchState {
    pub(crate) ledger: Ledger,
    /// Payment details of this batch's requests, by message.
    pub(crate) opened: HashMap<Uuid, Details>,
    pub(crate) details: Vec<payout_details::Row>,
    /// Where in the log each payout was requested.
    positions: HashMap<PayoutId, i64>,
    changed_balances: HashMap<Balance, i64>,
    changed_payouts: BTreeSet<PayoutId>,
    changed_bank_transfers: BTreeSet<(Way, String)>,
    changed_billing: HashMap<(BrandId, Currency), i64>,
    changed_waiting: BTreeSet<(ConversionId, Currency)>,
    changed_owed: BTreeSet<owed::Key>,
    new_accounts: Vec<accounts::Row>,
    new_statements: Vec<statements::Row>,
    transfers: Vec<transfers::Row>,
}

impl BatchState {
    /// Loads what these messages can touch. Brands that pay later and without a limit cost nothing: what waits for funds is
    /// read only of those of which an operator has said when they pay.
    pub(crate) async fn load(tx: &mut WriteTx, messages: &[&Message]) -> Result<Self, sqlx::Error> {
        let mut touched = Touched::default();
        for message in messages {
            touched.add(message);
        }
        let mut state = Self::default();
        let ledger = &mut state.ledger;
        if !touched.accounts.is_empty() || !touched.brands.is_empty() {
            let (accounts, brands) = (list(&touched.accounts), list(&touched.brands));
            balances::load_with_billing(tx.connection(), &accounts, &brands, ledger).await?;
        }
        touched.wait_at(ledger);
        if !touched.conversions.is_empty() || !touched.funded.is_empty() {
            let mut more = touched.accounts_of_waiting.clone();
            let loaded = waiting::load(tx.connection(), &list(&touched.conversions)).await?;
            ledger.waiting.extend(loaded);
            for (brand, currency) in &touched.funded {
                let limit = FUNDED_AT_ONCE;
                let first = waiting::first(tx.connection(), brand, *currency, limit).await?;
                if let Some((_, last)) = first.last().filter(|_| first.len() == limit) {
                    let key = (brand.clone(), *currency);
                    ledger.known_until.insert(key, last.position);
                }
                for (key, waiting) in first {
                    add_partner(&mut more, &waiting.partner);
                    ledger.waiting.insert(key, waiting);
                }
            }
            let more: Vec<String> = more.difference(&touched.accounts).cloned().collect();
            let more = balances::load(tx.connection(), &more).await?;
            ledger.balances.extend(more);
        }
        let owing = touched.owing(ledger);
        if !owing.is_empty() {
            let loaded = owed::load(tx.connection(), &list(&owing)).await?;
            let brands = loaded.iter().map(|((_, _, brand), _)| brand.clone());
            let accounts = brands.flat_map(|brand| {
                [
                    Account::BrandFunds(brand.clone()),
                    Account::BrandRecoverable(brand),
                ]
            });
            let more: BTreeSet<String> = accounts.map(|account| account.to_string()).collect();
            let more = balances::load(tx.connection(), &list(&more)).await?;
            ledger.balances.extend(more);
            ledger.owed.extend(loaded);
        }
        if !touched.statements.is_empty() {
            let keys = Vec::from_iter(touched.statements);
            let stated = statements::stated(tx.connection(), &keys).await?;
            ledger.statements.extend(stated);
        }
        if !touched.opened.is_empty() {
            let opened = accounts::existing(tx.connection(), &list(&touched.opened)).await?;
            ledger.accounts.extend(opened);
        }
        if !touched.bank_transfers.is_empty() {
            let ids = list(&touched.bank_transfers);
            // Whose account it settles is known only now.
            let loaded = bank_transfers::load(tx.connection(), &ids).await?;
            let mut more = BTreeSet::new();
            for (_, found) in &loaded {
                let own = Account::of_brand(&found.brand, found.account.as_ref());
                let clearing = Account::BrandClearing(found.brand.clone());
                more.extend([own, clearing, Account::Bank].map(|account| account.to_string()));
            }
            let more: Vec<String> = more.difference(&touched.accounts).cloned().collect();
            let more = balances::load(tx.connection(), &more).await?;
            ledger.balances.extend(more);
            ledger.bank_transfers.extend(loaded);
        }
        if !touched.payouts.is_empty() {
            let ids = list(&touched.payouts);
            for stored in payouts::load(tx.connection(), &ids).await? {
                let id = stored.payout.id.clone();
                state.positions.insert(id.clone(), stored.position);
                state.ledger.payouts.insert(id, stored.payout);
            }
        }
        Ok(state)
    }

    /// Applies an event and notes what it changed.
    pub(crate) fn evolve(&mut self, recorded: &Recorded<'_, Event>) -> Result<(), PostError> {
        let event = recorded.event;
        let (id, time, position) = (recorded.id, recorded.time, recorded.position);
        domain::evolve(&mut self.ledger, event, Stamp { id, time, position })?;
        let moved = event.transfers();
        self.note_funds(event, recorded);
        for transfer in &moved {
            for account in [&transfer.debit, &transfer.credit] {
                let balance = Balance::of(account.clone(), transfer.money);
                if let Some(brand) = waits_at(&balance) {
                    self.changed_billing.insert(brand, position);
                }
                self.changed_balances.insert(balance, recorded.position);
            }
        }
        let moved = (0..).zip(moved);
        self.transfers
            .extend(moved.map(|(ordinal, transfer)| transfers::Row {
                position: recorded.position,
                ordinal,
                transfer,
                at: time,
            }));
        if let Some(id) = event.payout() {
            let positions = &mut self.positions;
            positions.entry(id.clone()).or_insert(recorded.position);
            self.changed_payouts.insert(id.clone());
        }
        Ok(())
    }

    /// Notes what changed of brands' money beside balances.
    fn note_funds(&mut self, event: &Event, recorded: &Recorded<'_, Event>) {
        let mut bank = |way, id: &str| {
            self.changed_bank_transfers.insert((way, id.to_owned()));
        };
        match event {
            Event::DepositAnnounced(it) => bank(Way::Deposit, it.subject.as_str()),
            Event::DepositCleared(it) => bank(Way::Deposit, it.subject.as_str()),
            Event::DepositFailed(it) => bank(Way::Deposit, it.subject.as_str()),
            Event::WithdrawalRequested(it) => bank(Way::Withdrawal, it.subject.as_str()),
            Event::WithdrawalSettled(it) => bank(Way::Withdrawal, it.subject.as_str()),
            Event::WithdrawalFailed(it) => bank(Way::Withdrawal, it.subject.as_str()),
            Event::AccountOpened(opened) => self.new_accounts.push(accounts::Row {
                id: opened.subject.clone(),
                brand: opened.brand_id.clone(),
                name: opened.name.clone(),
                position: recorded.position,
                opened_at: recorded.time,
            }),
            Event::BillingChanged(changed) => {
                let key = (changed.subject.clone(), changed.currency);
                self.changed_billing.insert(key, recorded.position);
            }
            Event::FundsWarningChanged(changed) => {
                let key = (changed.subject.clone(), changed.currency);
                self.changed_billing.insert(key, recorded.position);
            }
            Event::EarningsFunded(funding) => {
                let funded = funding.conversions.iter();
                let keys = funded.map(|conversion| (conversion.clone(), funding.currency));
                self.changed_waiting.extend(keys);
            }
            Event::RefundRecovered(it) => {
                let key = (it.partner_id.clone(), it.amount.currency, it.key.clone());
                self.changed_owed.insert(key);
            }
            Event::LedgerPosted(posting) => {
                let owed = posting.transfers.iter().filter_map(owed_by);
                self.changed_owed.extend(owed);
                if let Ok(conversion) = ConversionId::parse(posting.conversion.as_str()) {
                    let moved = posting
                        .transfers
                        .iter()
                        .filter(|moved| [&moved.debit, &moved.credit].into_iter().any(waits));
                    let keys = moved.map(|moved| (conversion.clone(), moved.money.currency));
                    self.changed_waiting.extend(keys);
                }
            }
            Event::StatementIssued(issued) => self.new_statements.push(statements::Row {
                partner: issued.key.clone(),
                month: issued.month,
                id: issued.subject.clone(),
                position: recorded.position,
                through: issued.through,
                lines: Json(issued.lines.clone()),
                issued_at: recorded.time,
            }),
            Event::FundsTransferred(_)
            | Event::FundsExhausted(_)
            | Event::FundsRestored(_)
            | Event::FundsLow(_)
            | Event::FundsStated(_)
            | Event::PayoutRequested(_)
            | Event::PayoutSubmitting(_)
            | Event::PayoutSubmitted(_)
            | Event::PayoutUnknown(_)
            | Event::PayoutPaid(_)
            | Event::PayoutFailed(_) => {}
        }
    }

    /// Saves what changed: one statement a table.
    pub(crate) async fn save(self, tx: &mut WriteTx) -> Result<(), sqlx::Error> {
        let ledger = &self.ledger;
        let changed = self.changed_balances.into_iter();
        let changed: Vec<balances::Row> = changed
            .map(|(balance, position)| balances::Row {
                minor: ledger.balances.get(&balance).copied().unwrap_or_default(),
                balance,
                position,
            })
            .collect();
        balances::save(tx.connection(), &changed).await?;
        transfers::insert(tx.connection(), &self.transfers).await?;
        let changed: Vec<payouts::Stored> = self
            .changed_payouts
            .iter()
            .filter_map(|id| {
                Some(payouts::Stored {
                    payout: ledger.payouts.get(id)?.clone(),
                    position: *self.positions.get(id)?,
                })
            })
            .collect();
        payouts::save(tx.connection(), &changed).await?;
        accounts::insert(tx.connection(), &self.new_accounts).await?;
        statements::insert(tx.connection(), &self.new_statements).await?;
        let changed = self.changed_bank_transfers.iter();
        let changed: Vec<bank_transfers::Row<'_>> = changed
            .filter_map(|key| Some((key, ledger.bank_transfers.get(key)?)))
            .collect();
        bank_transfers::save(tx.connection(), &changed).await?;
        let changed = self.changed_billing.iter();
        let changed: Vec<billing::Row> = changed
            .map(|((brand, currency), position)| billing::Row {
                stated: ledger.stated_terms(brand, *currency),
                waiting: ledger.waits(brand, *currency),
                warning: ledger.warning(brand, *currency),
                brand: brand.clone(),
                currency: *currency,
                position: *position,
            })
            .collect();
        billing::save(tx.connection(), &changed).await?;
        let changed = self.changed_waiting.iter();
        let changed = changed.map(|key| (key, ledger.waiting.get(key)));
        waiting::save(tx.connection(), &changed.collect::<Vec<_>>()).await?;
        let changed = self.changed_owed.iter();
        let changed = changed.map(|key| (key, ledger.owed.get(key)));
        owed::save(tx.connection(), &changed.collect::<Vec<_>>()).await?;
        payout_details::insert(tx.connection(), &self.details).await
    }
}

/// Whether what moves here may be waiting for a brand's funds.
const fn waits(account: &Account) -> bool {
    matches!(
        account,
        Account::BrandUnfunded(_) | Account::Partner(_, AccountType::Unfunded)
    )
}

fn list(ids: &BTreeSet<String>) -> Vec<String> {
    ids.iter().cloned().collect()
}

/// What handling or replaying messages can touch.
#[derive(Debug, Default)]
pub(crate) struct Touched {
    pub(crate) accounts: BTreeSet<String>,
    pub(crate) payouts: BTreeSet<String>,
    /// Whose billing, and below which amount they are warned.
    pub(crate) brands: BTreeSet<String>,
    /// Deposits and withdrawals.
    pub(crate) bank_transfers: BTreeSet<String>,
    /// Accounts that must be open.
    opened: BTreeSet<String>,
    /// Of whom a statement was counted, and up to where.
    statements: BTreeSet<(PartnerId, i64)>,
    /// Commissions that wait for funds, or may.
    pub(crate) conversions: BTreeSet<String>,
    /// Brands whose funds shall cover what waits.
    pub(crate) funded: BTreeSet<(BrandId, Currency)>,
    /// Of facts: whose commission, and which.
    facts: Vec<(BrandId, PartnerId, String)>,
    accounts_of_waiting: BTreeSet<String>,
    /// Partners that owed something.
    owed: BTreeSet<String>,
    /// Brands whose billing these messages set: from then on their funds may not cover what they did before.
    set: BTreeSet<BrandId>,
}

impl Touched {
    /// Adds what a message can touch.
    pub(crate) fn add(&mut self, message: &Message) {
        let header = &message.header;
        match &message.body {
            Body::RequestPayoutV1(_)
            | Body::PayoutRequestedV1(_)
            | Body::RecordPayoutAnswerV1(_)
            | Body::PayoutPaidV1(_)
            | Body::PayoutFailedV1(_) => {
                if let Ok(owner) = header.key.parse() {
                    let types = [
                        AccountType::Payable,
                        AccountType::InTransit,
                        AccountType::PaidOut,
                    ];
                    self.of_partner(&owner, &types);
                }
                self.payouts.insert(header.subject.clone());
            }
            Body::BeginPayoutV1(_)
            | Body::PayoutSubmittingV1(_)
            | Body::PayoutSubmittedV1(_)
            | Body::PayoutUnknownV1(_) => {
                self.payouts.insert(header.subject.clone());
            }
            Body::CommissionCalculatedV1(fact) => {
                let account_type = match domain::status_of(fact) {
                    EarningStatus::Pending => AccountType::Pending,
                    EarningStatus::Payable => AccountType::Payable,
                };
                self.of_partner(&fact.partner_id, &[account_type]);
                self.fact(&fact.brand_id, &fact.partner_id, message);
            }
            Body::CommissionApprovedV1(CommissionApprovedV1 {
                partner_id,
                brand_id,
                ..
            })
            | Body::CommissionReversedV1(CommissionReversedV1 {
                partner_id,
                brand_id,
                ..
            }) => {
                let types = [
                    AccountType::Pending,
                    AccountType::Payable,
                    AccountType::Suspense,
                ];
                self.of_partner(partner_id, &types);
                if matches!(message.body, Body::CommissionReversedV1(_)) {
                    let recoverable = Account::BrandRecoverable(brand_id.clone());
                    self.accounts.insert(recoverable.to_string());
                }
                self.fact(brand_id, partner_id, message);
            }
            Body::IssueStatementV1(it) => {
                let partner = header.key.parse().ok();
                self.statements
                    .extend(partner.map(|partner| (partner, it.through)));
            }
            Body::LedgerPostedV1(posted) => {
                for transfer in &posted.transfers {
                    self.moved(
                        [&transfer.debit, &transfer.credit],
                        posted.conversion_id.as_ref(),
                    );
                }
            }
            _ => self.of_funds(message),
        }
    }

    fn of_funds(&mut self, message: &Message) {
        let header = &message.header;
        match &message.body {
            Body::EarningsFundedV1(funded) => {
                for transfer in &funded.transfers {
                    self.moved([&transfer.debit, &transfer.credit], None);
                }
                let conversions = funded.conversion_ids.iter();
                let conversions = conversions.map(ToString::to_string);
                self.conversions.extend(conversions);
            }
            Body::OpenAccountV1(_) => {
                // Its subject is what it is filed under; what it opens is what it says.
                let account = messages::account_of(message);
                self.opened.extend(account.map(FundsAccountId::into_string));
            }
            Body::AccountOpenedV1(_) => {
                self.opened.insert(header.subject.clone());
            }
            Body::RefundRecoveredV1(it) => {
                self.owed.insert(it.partner_id.to_string());
                for transfer in schemas::transfers(message).unwrap_or_default() {
                    self.accounts.extend([transfer.debit, transfer.credit]);
                }
            }
            Body::AnnounceDepositV1(it) => {
                self.of_bank(message, &it.brand_id, it.account.as_deref());
            }
            Body::WithdrawV1(it) => self.of_bank(message, &it.brand_id, it.account.as_deref()),
            Body::SettleDepositV1(_)
            | Body::SettleWithdrawalV1(_)
            | Body::DepositAnnouncedV1(_)
            | Body::DepositClearedV1(_)
            | Body::DepositFailedV1(_)
            | Body::WithdrawalRequestedV1(_)
            | Body::WithdrawalSettledV1(_)
            | Body::WithdrawalFailedV1(_)
            | Body::FundsTransferredV1(_) => {
                if schemas::kind(&header.kind)
                    .is_none_or(|kind| kind.subject != schemas::Entity::FundsTransfer)
                {
                    self.bank_transfers.insert(header.subject.clone());
                }
                for transfer in schemas::transfers(message).unwrap_or_default() {
                    self.accounts.extend([transfer.debit, transfer.credit]);
                }
            }
            Body::TransferFundsV1(it) => {
                for name in [&it.from_account, &it.to_account] {
                    self.account(&it.brand_id, name.as_deref());
                }
            }
            Body::SetBillingV1(_) | Body::BillingChangedV1(_) => {
                self.brand(&header.subject);
                self.set.extend(BrandId::parse(header.subject.as_str()));
            }
            Body::SetFundsWarningV1(_) | Body::FundsWarningChangedV1(_) | Body::StateFundsV1(_) => {
                self.brand(&header.subject);
            }
            Body::FundEarningsV1(it) => {
                self.brand(&header.subject);
                let brand = BrandId::parse(header.subject.as_str());
                let currency = Currency::parse(&it.currency);
                self.funded.extend(brand.ok().zip(currency.ok()));
            }
            _ => {}
        }
    }

    fn of_partner(&mut self, partner: &PartnerId, types: &[AccountType]) {
        let each = types.iter();
        let each = each.map(|it| Account::Partner(partner.clone(), *it).to_string());
        self.accounts.extend(each);
    }

    fn fact(&mut self, brand: &BrandId, partner: &PartnerId, message: &Message) {
        let funds = Account::BrandFunds(brand.clone()).to_string();
        self.accounts.insert(funds);
        self.brands.insert(brand.to_string());
        let conversion = message.header.subject.clone();
        self.facts
            .push((brand.clone(), partner.clone(), conversion));
    }

    /// What a posting moved, of this commission.
    fn moved(&mut self, accounts: [&String; 2], conversion: Option<&String>) {
        for text in accounts {
            self.accounts.insert(text.clone());
            let Ok(account) = text.parse::<Account>() else {
                continue;
            };
            if waits(&account) {
                self.conversions.extend(conversion.cloned());
            }
            if let Account::BrandUnfunded(brand) = account {
                self.brands.insert(brand.into_string());
            }
        }
    }

    /// A deposit or withdrawal that begins.
    fn of_bank(&mut self, message: &Message, brand: &str, name: Option<&str>) {
        self.bank_transfers.insert(message.header.subject.clone());
        self.account(brand, name);
        if let Ok(brand) = BrandId::parse(brand) {
            let clearing = Account::BrandClearing(brand);
            let both = [clearing, Account::Bank].map(|account| account.to_string());
            self.accounts.extend(both);
        }
    }

    /// An account of a brand that money goes into or out of.
    fn account(&mut self, brand: &str, name: Option<&str>) {
        let Ok(brand) = BrandId::parse(brand) else {
            return;
        };
        let name = name.map(AccountName::parse).transpose();
        if let Ok(name) = name {
            let account = Account::of_brand(&brand, name.as_ref());
            if let Account::Named(brand, name) = &account {
                self.opened
                    .insert(FundsAccountId::of(brand, name).into_string());
            }
            self.accounts.insert(account.to_string());
            // What waits for the funds is not there to be taken out, and what is may leave less than the brand is warned at.
            if matches!(account, Account::BrandFunds(_)) {
                self.brands.insert(brand.to_string());
            }
            let unfunded = Account::BrandUnfunded(brand);
            self.accounts.insert(unfunded.to_string());
        }
    }

    fn brand(&mut self, brand: &str) {
        if let Ok(brand) = BrandId::parse(brand) {
            self.brands.insert(brand.to_string());
            let both = [
                Account::BrandFunds(brand.clone()),
                Account::BrandUnfunded(brand),
            ];
            self.accounts
                .extend(both.map(|account| account.to_string()));
        }
    }

    /// Adds what facts can touch where a brand's funds may not cover them: now that it is known which brands these are.
    pub(crate) fn wait_at(&mut self, ledger: &Ledger) {
        let limited: BTreeSet<&BrandId> = ledger.billing.keys().chain(&self.set).collect();
        for (brand, partner, conversion) in &self.facts {
            if limited.contains(brand) {
                self.conversions.insert(conversion.clone());
                add_partner(&mut self.accounts_of_waiting, partner);
                let unfunded = Account::BrandUnfunded(brand.clone());
                self.accounts_of_waiting.insert(unfunded.to_string());
            }
        }
    }

    /// Who may owe something: those whose payable money is below zero, and those of whom it is told that they owe less. Whoever
    /// comes to owe in this batch owed nothing before it.
    pub(crate) fn owing(&self, ledger: &Ledger) -> BTreeSet<String> {
        let below = ledger.balances.iter().filter(|(_, minor)| **minor < 0);
        let below = below.filter_map(|(balance, _)| match &balance.account {
            Account::Partner(partner, AccountType::Payable) => Some(partner.to_string()),
            _ => None,
        });
        below.chain(self.owed.iter().cloned()).collect()
    }

    /// Every account that is loaded, for tests.
    #[cfg(test)]
    pub(crate) fn all_accounts(&self) -> BTreeSet<String> {
        self.accounts
            .union(&self.accounts_of_waiting)
            .cloned()
            .collect()
    }
}

/// Where a commission of the partner's can stand.
fn add_partner(accounts: &mut BTreeSet<String>, partner: &PartnerId) {
    let types = [
        AccountType::Pending,
        AccountType::Payable,
        AccountType::Suspense,
        AccountType::Unfunded,
    ];
    let each = types.map(|it| Account::Partner(partner.clone(), it).to_string());
    accounts.extend(each);
}
