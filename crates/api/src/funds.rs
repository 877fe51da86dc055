//! What is asked of a brand's money.

use chassis::json::{AmountText, Check};
use chassis::problem::Fields;
use schemas::{
    About, AnnounceDepositV1, OpenAccountV1, SetBillingV1, SetFundsWarningV1, SettleDepositV1,
    SettleWithdrawalV1, TransferFundsV1, WithdrawV1, Written,
};
use serde::Deserialize;
use types::{
    AccountName, AmountError, BankFailure, BankReference, Billing, BrandId, Currency, DepositId,
    DepositStatus, FundsAccountId, FundsTransferId, Money, Uuid, WithdrawalId, WithdrawalStatus,
};
use utoipa::ToSchema;

use crate::lists;

requests! {
    OpenAccount = "payment.open_account.command.v1", "open_account";
    AnnounceDeposit = "payment.announce_deposit.command.v1", "announce_deposit";
    SettleDeposit = "payment.settle_deposit.command.v1", "settle_deposit";
    Withdraw = "payment.withdraw.command.v1", "withdraw";
    SettleWithdrawal = "payment.settle_withdrawal.command.v1", "settle_withdrawal";
    TransferFunds = "payment.transfer_funds.command.v1", "transfer_funds";
    SetBilling = "payment.set_billing.command.v1", "set_billing";
    SetFundsWarning = "payment.set_funds_warning.command.v1", "set_funds_warning";
}

named! {
    brand_id: BrandId of AnnounceDeposit Withdraw TransferFunds OpenAccount SetFundsWarning;
}

/// An account of a brand's own beside its funds.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenAccount {
    /// What it is called: 1 to 64 characters from `A-Z a-z 0-9 _ -`. Every brand has `default`, its funds, by itself.
    #[schema(value_type = String, example = "reserve")]
    name: AccountName,
    /// Whose; absent: the token's own brand. An operator must give it.
    #[schema(value_type = Option<String>, example = "brand1")]
    brand_id: Option<BrandId>,
}

impl Check for OpenAccount {}

impl OpenAccount {
    /// As a command, of this brand's account.
    pub fn command(self, brand: BrandId) -> Written {
        let about = About {
            subject: FundsAccountId::of(&brand, &self.name),
            record: OpenAccountV1 {
                brand_id: brand.to_string(),
                name: self.name.into_string(),
            },
            key: brand,
        };
        about.write()
    }
}

/// Money that a brand sends.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AnnounceDeposit {
    /// More than zero, with no more decimals than the currency has.
    amount: AmountText,
    /// ISO 4217.
    #[schema(value_type = String, example = "USD")]
    currency: Currency,
    /// Into which of the brand's accounts; absent: its funds.
    #[schema(value_type = Option<String>, example = "reserve")]
    account: Option<AccountName>,
    /// What the bank's statement will call it: 1 to 64 characters from `A-Z a-z 0-9 _ -`.
    #[schema(value_type = Option<String>, example = "INV-2026-11")]
    reference: Option<BankReference>,
    /// Whose; absent: the token's own brand. An operator must give it.
    #[schema(value_type = Option<String>, example = "brand1")]
    brand_id: Option<BrandId>,
}

/// Money that a brand takes out.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Withdraw {
    /// More than zero, with no more decimals than the currency has.
    amount: AmountText,
    /// ISO 4217.
    #[schema(value_type = String, example = "USD")]
    currency: Currency,
    /// Out of which of the brand's accounts; absent: its funds.
    #[schema(value_type = Option<String>, example = "reserve")]
    account: Option<AccountName>,
    /// What the bank's statement will call it: 1 to 64 characters from `A-Z a-z 0-9 _ -`.
    #[schema(value_type = Option<String>, example = "INV-2026-11")]
    reference: Option<BankReference>,
    /// Whose; absent: the token's own brand. An operator must give it.
    #[schema(value_type = Option<String>, example = "brand1")]
    brand_id: Option<BrandId>,
}

/// Money that a brand moves from one of its accounts to another.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TransferFunds {
    /// More than zero, with no more decimals than the currency has.
    amount: AmountText,
    /// ISO 4217.
    #[schema(value_type = String, example = "USD")]
    currency: Currency,
    /// Out of which of the brand's accounts; absent: its funds.
    #[schema(value_type = Option<String>)]
    from_account: Option<AccountName>,
    /// Into which of the brand's accounts; absent: its funds.
    #[schema(value_type = Option<String>, example = "reserve")]
    to_account: Option<AccountName>,
    /// Whose; absent: the token's own brand. An operator must give it.
    #[schema(value_type = Option<String>, example = "brand1")]
    brand_id: Option<BrandId>,
}

fn money(amount: &AmountText, currency: Currency) -> Result<Money, AmountError> {
    Money::parse_positive(amount.as_str(), currency)
}

/// What a checked amount is on the wire.
fn wire(amount: &AmountText, currency: Currency) -> schemas::WireMoney {
    let checked = money(amount, currency);
    checked.unwrap_or(Money::new(0, currency)).into()
}

macro_rules! of_amount {
    ($($body:ident)+) => {$(
        impl Check for $body {
            fn check(&self, fields: &mut Fields) {
                fields.take("/amount", money(&self.amount, self.currency));
            }
        }
    )+};
}

of_amount! {
    AnnounceDeposit
    Withdraw
    TransferFunds
}

impl AnnounceDeposit {
    /// As the command of this id, of this brand's money.
    pub fn command(self, id: Uuid, brand: BrandId) -> Written {
        let announce = AnnounceDepositV1 {
            brand_id: brand.into_string(),
            account: self.account.map(AccountName::into_string),
            amount: wire(&self.amount, self.currency),
            reference: self.reference.map(BankReference::into_string),
        };
        About::of(DepositId::of_command(id), announce).write()
    }
}

impl Withdraw {
    /// As the command of this id, of this brand's money.
    pub fn command(self, id: Uuid, brand: BrandId) -> Written {
        let withdraw = WithdrawV1 {
            brand_id: brand.into_string(),
            account: self.account.map(AccountName::into_string),
            amount: wire(&self.amount, self.currency),
            reference: self.reference.map(BankReference::into_string),
        };
        About::of(WithdrawalId::of_command(id), withdraw).write()
    }
}

impl TransferFunds {
    /// As the command of this id, of this brand's money.
    pub fn command(self, id: Uuid, brand: BrandId) -> Written {
        let about = About {
            subject: FundsTransferId::of_command(id),
            record: TransferFundsV1 {
                brand_id: brand.to_string(),
                from_account: self.from_account.map(AccountName::into_string),
                to_account: self.to_account.map(AccountName::into_string),
                amount: wire(&self.amount, self.currency),
            },
            key: brand,
        };
        about.write()
    }
}

/// What the bank says of a deposit.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SettleDeposit {
    /// `cleared` or `failed`.
    #[schema(value_type = lists::DepositStatus)]
    status: DepositStatus,
    /// Why it failed; of what is cleared there is none.
    #[schema(value_type = Option<lists::BankFailure>)]
    reason: Option<BankFailure>,
}

impl Check for SettleDeposit {
    fn check(&self, fields: &mut Fields) {
        let decided = self.status != DepositStatus::Announced;
        fields.require(decided, "/status", "must be cleared or failed");
        reason(fields, self.status == DepositStatus::Failed, self.reason);
    }
}

impl SettleDeposit {
    /// As a command, of this deposit.
    pub fn command(self, deposit: DepositId) -> Written {
        let settle = SettleDepositV1 {
            status: self.status.name().to_owned(),
            reason: self.reason.map(|reason| reason.name().to_owned()),
        };
        About::of(deposit, settle).write()
    }
}

/// What the bank says of a withdrawal.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SettleWithdrawal {
    /// `settled` or `failed`.
    #[schema(value_type = lists::WithdrawalStatus)]
    status: WithdrawalStatus,
    /// Why it failed; of what is settled there is none.
    #[schema(value_type = Option<lists::BankFailure>)]
    reason: Option<BankFailure>,
}

impl Check for SettleWithdrawal {
    fn check(&self, fields: &mut Fields) {
        let decided = self.status != WithdrawalStatus::Requested;
        fields.require(decided, "/status", "must be settled or failed");
        reason(fields, self.status == WithdrawalStatus::Failed, self.reason);
    }
}

impl SettleWithdrawal {
    /// As a command, of this withdrawal.
    pub fn command(self, withdrawal: WithdrawalId) -> Written {
        let settle = SettleWithdrawalV1 {
            status: self.status.name().to_owned(),
            reason: self.reason.map(|reason| reason.name().to_owned()),
        };
        About::of(withdrawal, settle).write()
    }
}

fn reason(fields: &mut Fields, failed: bool, reason: Option<BankFailure>) {
    let right = failed == reason.is_some();
    fields.require(
        right,
        "/reason",
        "must be given where it failed, and only there",
    );
}

/// When a brand pays for what its partners earn in a currency. One that has a limit in any currency pays before in those of which nothing
/// was said.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetBilling {
    /// Whose.
    #[schema(value_type = String, example = "brand1")]
    brand_id: BrandId,
    /// ISO 4217.
    #[schema(value_type = String, example = "USD")]
    currency: Currency,
    /// Before or after.
    #[schema(value_type = lists::Billing)]
    billing: Billing,
    /// Of `postpaid`: how far its funds may be below zero; absent: no limit.
    credit_limit: Option<AmountText>,
}

impl Check for SetBilling {
    fn check(&self, fields: &mut Fields) {
        if let Some(limit) = &self.credit_limit {
            let limit = Money::parse(limit.as_str(), self.currency);
            let negative = limit.as_ref().is_ok_and(|limit| limit.minor < 0);
            fields.take("/credit_limit", limit);
            fields.require(!negative, "/credit_limit", "must not be below zero");
            let postpaid = self.billing == Billing::Postpaid;
            fields.require(postpaid, "/credit_limit", "must not be given of prepaid");
        }
    }
}

impl SetBilling {
    /// As a command.
    pub fn command(self) -> Written {
        let limit = self.credit_limit;
        let limit = limit.and_then(|limit| Money::parse(limit.as_str(), self.currency).ok());
        let set = SetBillingV1 {
            currency: self.currency.code().to_owned(),
            billing: self.billing.name().to_owned(),
            credit_limit: limit.map(|limit| limit.minor),
        };
        About::of(self.brand_id, set).write()
    }
}

/// Below which amount of what its funds still cover a brand is warned.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetFundsWarning {
    /// ISO 4217.
    #[schema(value_type = String, example = "USD")]
    currency: Currency,
    /// More than zero, with no more decimals than the currency has; absent: it is not warned.
    amount: Option<AmountText>,
    /// Whose; absent: the token's own brand. An operator must give it.
    #[schema(value_type = Option<String>, example = "brand1")]
    brand_id: Option<BrandId>,
}

impl Check for SetFundsWarning {
    fn check(&self, fields: &mut Fields) {
        if let Some(amount) = &self.amount {
            fields.take("/amount", money(amount, self.currency));
        }
    }
}

impl SetFundsWarning {
    /// As a command, of this brand's funds.
    pub fn command(self, brand: BrandId) -> Written {
        let amount = self.amount.as_ref();
        let amount = amount.and_then(|amount| money(amount, self.currency).ok());
        let set = SetFundsWarningV1 {
            currency: self.currency.code().to_owned(),
            amount: amount.map(|amount| amount.minor),
        };
        About::of(brand, set).write()
    }
}
