//! Brands' money as it is shown: the same at payment and at the bff.

use std::str::FromStr;

use chassis::auth::Caller;
use chassis::problem::Problem;
use chassis::time::Timestamp;
use schemas::{Body, Message};
use serde::{Deserialize, Serialize};
use types::{
    Account, AccountName, BankFailure, BankReference, Billing, BrandId, Currency, DepositStatus,
    InvalidId, Money, PartnerId, Uuid, WithdrawalStatus,
};
use utoipa::{IntoParams, ToSchema};

use crate::lists;

/// One account in one currency. Its id is the account's text in the ledger, and the currency: `brand:brand1:funds:USD`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountId {
    /// Whose.
    pub account: Account,
    /// Of what.
    pub currency: Currency,
}

impl FromStr for AccountId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let (account, currency) = text.rsplit_once(':').ok_or(InvalidId)?;
        Ok(Self {
            account: account.parse()?,
            currency: Currency::parse(currency).map_err(|_| InvalidId)?,
        })
    }
}

impl AccountId {
    /// The account of that id, where the caller may see it: a partner and a brand their own, an operator all.
    pub fn seen_by(caller: &Caller, id: &str) -> Result<Self, Problem> {
        let id: Self = id.parse().map_err(|_| Problem::not_found())?;
        let (partner, brand) = match &id.account {
            Account::Partner(partner, _) => (Some(partner), None),
            account => (None, brand_of(account)),
        };
        caller.require_owner(partner, brand)?;
        Ok(id)
    }
}

fn brand_of(account: &Account) -> Option<&BrandId> {
    match account {
        Account::BrandFunds(brand)
        | Account::Named(brand, _)
        | Account::BrandUnfunded(brand)
        | Account::BrandClearing(brand)
        | Account::BrandRecoverable(brand) => Some(brand),
        Account::Partner(..) | Account::Bank => None,
    }
}

/// Whose accounts. Partners and brands see their own where they name nobody.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AccountFilter {
    /// Of this partner.
    #[param(value_type = Option<String>)]
    pub partner_id: Option<PartnerId>,
    /// Of this brand.
    #[param(value_type = Option<String>)]
    pub brand_id: Option<BrandId>,
    /// Of this currency.
    #[param(value_type = Option<String>)]
    pub currency: Option<Currency>,
}

/// Whose billing.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct BillingFilter {
    /// For operators: of this brand.
    #[param(value_type = Option<String>)]
    pub brand_id: Option<BrandId>,
}

/// Which deposits.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DepositFilter {
    /// For operators: of this brand.
    #[param(value_type = Option<String>)]
    pub brand_id: Option<BrandId>,
    /// Only those in this status.
    #[param(inline, value_type = Option<lists::DepositStatus>)]
    pub status: Option<DepositStatus>,
}

/// Which withdrawals.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WithdrawalFilter {
    /// For operators: of this brand.
    #[param(value_type = Option<String>)]
    pub brand_id: Option<BrandId>,
    /// Only those in this status.
    #[param(inline, value_type = Option<lists::WithdrawalStatus>)]
    pub status: Option<WithdrawalStatus>,
}

/// An account in one currency.
#[derive(Debug, Serialize, ToSchema)]
pub struct AccountView {
    #[schema(example = "brand:brand1:funds:USD")]
    id: String,
    /// The partner, when it is one's.
    #[schema(example = "partner123")]
    partner_id: Option<String>,
    /// The brand, when it is one's.
    #[schema(example = "brand1")]
    brand_id: Option<String>,
    /// Of a brand `funds`, `unfunded`, `clearing` or `recoverable`; of a partner `pending`, `payable`, `in_transit`, `paid_out`, `suspense`
    /// or `unfunded`; `cash` of the bank's side.
    #[schema(example = "funds")]
    account_type: String,
    /// What a brand calls it: `default` is its funds.
    #[schema(example = "default")]
    name: Option<String>,
    #[schema(example = "USD")]
    currency: String,
    /// Decimal text with the currency's digits; below zero where it is owed.
    #[schema(example = "500.00")]
    balance: String,
}

impl AccountView {
    /// An account with so much, in minor units.
    pub fn of(id: &AccountId, minor: i64) -> Self {
        let AccountId { account, currency } = id;
        let (account_type, name) = match account {
            Account::BrandFunds(_) => ("funds", Some(AccountName::DEFAULT)),
            Account::Named(_, name) => ("funds", Some(name.as_str())),
            Account::BrandUnfunded(_) => ("unfunded", None),
            Account::BrandClearing(_) => ("clearing", None),
            Account::BrandRecoverable(_) => ("recoverable", None),
            Account::Partner(_, account_type) => (account_type.name(), None),
            Account::Bank => ("cash", None),
        };
        let partner = match account {
            Account::Partner(partner, _) => Some(partner.to_string()),
            _ => None,
        };
        Self {
            id: format!("{account}:{currency}"),
            partner_id: partner,
            brand_id: brand_of(account).map(ToString::to_string),
            account_type: account_type.to_owned(),
            name: name.map(ToOwned::to_owned),
            currency: currency.to_string(),
            balance: Money::new(minor, *currency).to_string(),
        }
    }
}

/// A transfer, as one of its two accounts has it.
#[derive(Debug, Serialize, ToSchema)]
pub struct EntryView {
    /// The transfer's.
    pub id: Uuid,
    /// Decimal text with the currency's digits; below zero what went out.
    #[schema(example = "-100.00")]
    pub amount: String,
    /// ISO 4217.
    #[schema(example = "USD")]
    pub currency: String,
    /// Where it came from, or went to: that account's id without its currency.
    #[schema(example = "brand:brand1:funds.reserve")]
    pub other_account: String,
    /// The kind of event that moved it.
    #[schema(example = "funds.transferred.v1")]
    pub event_type: Option<String>,
    /// What that event is about: a payout, a deposit, a partner.
    pub subject: Option<String>,
    /// Finds the request that began it.
    pub correlation_id: Option<Uuid>,
    /// When.
    pub posted_at: Timestamp,
}

/// A transfer from one of its two accounts: so much came in, or below zero went out, and the other account.
pub fn seen_from(account: &str, debit: String, credit: String, minor: i64) -> (i64, String) {
    if debit == account {
        (minor.saturating_neg(), credit)
    } else {
        (minor, debit)
    }
}

/// A deposit.
#[derive(Debug, Serialize, ToSchema)]
pub struct DepositView {
    /// Its id.
    #[schema(example = "dep_5f0c8e6b1d4a5b7c9e2f3a4b5c6d7e8f")]
    pub id: String,
    /// Whose.
    pub brand_id: String,
    /// Into which of the brand's accounts: `default` is its funds.
    #[schema(example = "default")]
    pub account: String,
    /// Decimal text with the currency's digits.
    #[schema(example = "500.00")]
    pub amount: String,
    /// ISO 4217.
    #[schema(example = "USD")]
    pub currency: String,
    /// What the bank's statement calls it.
    pub reference: Option<String>,
    /// How far it is.
    #[schema(value_type = lists::DepositStatus)]
    pub status: String,
    /// Why it failed.
    #[schema(value_type = Option<lists::BankFailure>)]
    pub reason: Option<String>,
    /// When it was announced.
    pub announced_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// A withdrawal.
#[derive(Debug, Serialize, ToSchema)]
pub struct WithdrawalView {
    /// Its id.
    #[schema(example = "wdr_5f0c8e6b1d4a5b7c9e2f3a4b5c6d7e8f")]
    pub id: String,
    /// Whose.
    pub brand_id: String,
    /// Out of which of the brand's accounts: `default` is its funds.
    #[schema(example = "default")]
    pub account: String,
    /// Decimal text with the currency's digits.
    #[schema(example = "200.00")]
    pub amount: String,
    /// ISO 4217.
    #[schema(example = "USD")]
    pub currency: String,
    /// What the bank's statement calls it.
    pub reference: Option<String>,
    /// How far it is.
    #[schema(value_type = lists::WithdrawalStatus)]
    pub status: String,
    /// Why it failed.
    #[schema(value_type = Option<lists::BankFailure>)]
    pub reason: Option<String>,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// What deposits and withdrawals have in common.
#[derive(Clone, Debug)]
pub struct BankTransferColumns {
    /// Its id.
    pub id: String,
    /// Whose.
    pub brand: String,
    /// Into or out of which account; `None`: the brand's funds.
    pub account: Option<String>,
    /// How much.
    pub amount: Money,
    /// What the bank's statement calls it.
    pub reference: Option<BankReference>,
    /// How far it is, as it is shown.
    pub status: String,
    /// Why it failed.
    pub reason: Option<BankFailure>,
    /// When it was announced or requested.
    pub began_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl BankTransferColumns {
    /// The new deposit or withdrawal, from its event.
    pub fn begun(event: &Message) -> Option<Self> {
        let (brand, account, amount, reference, status) = match &event.body {
            Body::DepositAnnouncedV1(it) => {
                let status = DepositStatus::Announced.name();
                (&it.brand_id, &it.account, it.amount, &it.reference, status)
            }
            Body::WithdrawalRequestedV1(it) => {
                let status = WithdrawalStatus::Requested.name();
                (&it.brand_id, &it.account, it.amount, &it.reference, status)
            }
            _ => return None,
        };
        Some(Self {
            id: event.header.subject.clone(),
            brand: brand.to_string(),
            account: account.as_ref().map(ToString::to_string),
            amount,
            reference: reference.clone(),
            status: status.to_owned(),
            reason: None,
            began_at: Timestamp(event.header.time),
            updated_at: Timestamp(event.header.time),
        })
    }
}

/// What became of a deposit or a withdrawal, by the event that ends it: its status as it is shown, and why it failed.
pub fn bank_answer(event: &Body) -> Option<(&'static str, Option<BankFailure>)> {
    match event {
        Body::DepositClearedV1(_) => Some((DepositStatus::Cleared.name(), None)),
        Body::DepositFailedV1(it) => Some((DepositStatus::Failed.name(), Some(it.reason))),
        Body::WithdrawalSettledV1(_) => Some((WithdrawalStatus::Settled.name(), None)),
        Body::WithdrawalFailedV1(it) => Some((WithdrawalStatus::Failed.name(), Some(it.reason))),
        _ => None,
    }
}

macro_rules! of_columns {
    ($($view:ident: $began_at:ident;)+) => {$(
        impl From<BankTransferColumns> for $view {
            fn from(row: BankTransferColumns) -> Self {
                Self {
                    id: row.id,
                    brand_id: row.brand,
                    account: row.account.unwrap_or_else(|| AccountName::DEFAULT.to_owned()),
                    amount: row.amount.to_string(),
                    currency: row.amount.currency.to_string(),
                    reference: row.reference.map(BankReference::into_string),
                    status: row.status,
                    reason: row.reason.map(|reason| reason.name().to_owned()),
                    $began_at: row.began_at,
                    updated_at: row.updated_at,
                }
            }
        }
    )+};
}

of_columns! {
    DepositView: announced_at;
    WithdrawalView: requested_at;
}

/// When a brand pays for what its partners earn in a currency, and below which amount it is warned.
#[derive(Debug, Serialize, ToSchema)]
pub struct BillingView {
    brand_id: String,
    #[schema(example = "USD")]
    currency: String,
    #[schema(value_type = lists::Billing)]
    billing: String,
    /// Of `postpaid`: how far its funds may be below zero; `null`: no limit.
    #[schema(example = "1000.00")]
    credit_limit: Option<String>,
    /// What its funds are; below zero what it owes.
    #[schema(example = "250.00")]
    funds: String,
    /// What waits for its funds.
    #[schema(example = "0.00")]
    unfunded: String,
    /// Below which amount of what its funds still cover it is warned; `null`: it is not.
    #[schema(example = "500.00")]
    funds_warning: Option<String>,
}

impl BillingView {
    /// Of a brand, with its amounts in minor units.
    pub fn of(
        brand_id: String,
        currency: Currency,
        (billing, credit_limit): (Billing, Option<i64>),
        (funds, unfunded): (i64, i64),
        funds_warning: Option<i64>,
    ) -> Self {
        let shown = |minor| Money::new(minor, currency).to_string();
        Self {
            brand_id,
            currency: currency.to_string(),
            billing: billing.name().to_owned(),
            credit_limit: credit_limit.map(shown),
            funds: shown(funds),
            unfunded: shown(unfunded),
            funds_warning: funds_warning.map(shown),
        }
    }
}
