//! What payment is asked and what it states.

use serde::{Deserialize, Serialize};
use types::{
    Account, AccountName, AccountType, BankFailure, BankReference, Billing, BrandId, ConversionId,
    Currency, InvalidId, Micros, Money, Month, PartnerId, PayoutId, PayoutMethod, Uuid,
};

use super::shared::{Transfer, WireMoney};
use crate::envelope::Message;
use crate::kinds::Body;

/// A partner asks for its money.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestPayoutV1 {
    /// How much.
    pub amount: WireMoney,
    /// For example `paypal`.
    pub method: String,
    /// Where to, sealed to payment's key.
    #[serde(with = "apache_avro::serde::bytes")]
    pub sealed_details: Vec<u8>,
    /// The key that it was sealed to.
    pub key_id: String,
    /// Where to, as it may be shown.
    pub masked: String,
}

/// The payout worker is about to submit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BeginPayoutV1 {
    /// Id of the payout's event that it follows: `payout.requested.v1`, or `payout.unknown.v1` where the provider never saw the
    /// first attempt.
    pub requested_event_id: String,
}

/// What the provider said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordPayoutAnswerV1 {
    /// `accepted`, `paid`, `failed` or `unknown`.
    pub answer: String,
    /// The provider's own reference.
    pub provider_ref: Option<String>,
    /// What it said beside, or why nothing is known.
    pub reason: Option<String>,
}

/// Money is reserved for a payout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PayoutRequestedV1 {
    /// How much.
    pub amount: Money,
    /// For example `paypal`.
    pub method: PayoutMethod,
    /// Where to, as it may be shown.
    pub masked: String,
    /// The transfer from payable to in transit.
    pub transfer_id: Uuid,
}

/// The intent to submit, committed before the provider is called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PayoutSubmittingV1 {
    /// Counts from 1.
    pub attempt: i32,
    /// What the provider knows the payout by; never varied.
    pub reference: PayoutId,
    /// How much.
    pub amount: Money,
    /// For example `paypal`.
    pub method: PayoutMethod,
}

/// The provider has taken the payout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PayoutSubmittedV1 {
    /// How much.
    pub amount: Money,
    /// The provider's own reference.
    pub provider_ref: Option<String>,
    /// What it said beside.
    pub reason: Option<String>,
}

/// Nobody knows whether the provider has it: from here there are only look-ups.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PayoutUnknownV1 {
    /// How much.
    pub amount: Money,
    /// The provider's own reference, where one was seen.
    pub provider_ref: Option<String>,
    /// What went wrong.
    pub reason: Option<String>,
}

/// The money has arrived.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PayoutPaidV1 {
    /// How much.
    pub amount: Money,
    /// The transfer from in transit to paid out.
    pub transfer_id: Uuid,
    /// The provider's own reference.
    pub provider_ref: Option<String>,
}

/// The money came back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PayoutFailedV1 {
    /// How much.
    pub amount: Money,
    /// The transfer from in transit back to payable.
    pub transfer_id: Uuid,
    /// The provider's own reference.
    pub provider_ref: Option<String>,
    /// What the provider said.
    pub reason: Option<String>,
}

/// A whole amount, on its way from one account to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Movement {
    /// The transfer's id.
    pub id: Uuid,
    /// How much.
    pub amount: Money,
    /// Where from.
    pub from: Account,
    /// Where to.
    pub to: Account,
}

impl Movement {
    fn transfer(&self) -> Transfer {
        Transfer {
            id: self.id,
            debit: self.from.to_string(),
            credit: self.to.to_string(),
            minor: self.amount.minor,
            currency: self.amount.currency,
        }
    }
}

macro_rules! moves {
    ($($record:ident: $from:ident => $to:ident;)+) => {
        $(impl $record {
            /// The money of this partner that this step moves.
            pub fn movement(&self, partner: &PartnerId) -> Movement {
                Movement {
                    id: self.transfer_id,
                    amount: self.amount,
                    from: Account::Partner(partner.clone(), AccountType::$from),
                    to: Account::Partner(partner.clone(), AccountType::$to),
                }
            }
        })+
    };
}

moves! {
    PayoutRequestedV1: Payable => InTransit;
    PayoutPaidV1: InTransit => PaidOut;
    PayoutFailedV1: InTransit => Payable;
}

macro_rules! moves_of_brands {
    ($($record:ident: $from:ident => $to:ident;)+) => {
        $(impl $record {
            /// The money that this step moves.
            pub fn movement(&self) -> Movement {
                let own = Account::of_brand(&self.brand_id, self.account.as_ref());
                let clearing = Account::BrandClearing(self.brand_id.clone());
                let side = |own: &Account, clearing: &Account, which: Side| match which {
                    Side::Own => own.clone(),
                    Side::Clearing => clearing.clone(),
                    Side::Bank => Account::Bank,
                };
                Movement {
                    id: self.transfer_id,
                    amount: self.amount,
                    from: side(&own, &clearing, Side::$from),
                    to: side(&own, &clearing, Side::$to),
                }
            }
        })+
    };
}

/// Where money of a brand is on its way between its bank and itself.
#[derive(Clone, Copy)]
enum Side {
    Own,
    Clearing,
    Bank,
}

moves_of_brands! {
    DepositAnnouncedV1: Bank => Clearing;
    DepositClearedV1: Clearing => Own;
    DepositFailedV1: Clearing => Bank;
    WithdrawalRequestedV1: Own => Clearing;
    WithdrawalSettledV1: Clearing => Bank;
    WithdrawalFailedV1: Clearing => Own;
}

impl FundsTransferredV1 {
    /// The money that it moves.
    pub fn movement(&self) -> Movement {
        Movement {
            id: self.transfer_id,
            amount: self.amount,
            from: Account::of_brand(&self.brand_id, self.from_account.as_ref()),
            to: Account::of_brand(&self.brand_id, self.to_account.as_ref()),
        }
    }
}

impl RefundRecoveredV1 {
    /// The money that it moves.
    pub fn movement(&self, brand: &BrandId) -> Movement {
        Movement {
            id: self.transfer_id,
            amount: self.amount,
            from: Account::BrandRecoverable(brand.clone()),
            to: Account::BrandFunds(brand.clone()),
        }
    }
}

/// The money that a message of payment's moves, whichever kind it is of: every change of a balance is one of these.
///
/// # Errors
/// Its key is no id of whose money it moves.
pub fn transfers(message: &Message) -> Result<Vec<Transfer>, InvalidId> {
    let partner = || message.header.key.parse::<PartnerId>();
    let movement = match &message.body {
        Body::LedgerPostedV1(posted) => return Ok(posted.transfers.clone()),
        Body::EarningsFundedV1(funded) => return Ok(funded.transfers.clone()),
        Body::PayoutRequestedV1(it) => it.movement(&partner()?),
        Body::PayoutPaidV1(it) => it.movement(&partner()?),
        Body::PayoutFailedV1(it) => it.movement(&partner()?),
        Body::DepositAnnouncedV1(it) => it.movement(),
        Body::DepositClearedV1(it) => it.movement(),
        Body::DepositFailedV1(it) => it.movement(),
        Body::WithdrawalRequestedV1(it) => it.movement(),
        Body::WithdrawalSettledV1(it) => it.movement(),
        Body::WithdrawalFailedV1(it) => it.movement(),
        Body::FundsTransferredV1(it) => it.movement(),
        Body::RefundRecoveredV1(it) => it.movement(&message.header.key.parse()?),
        _ => return Ok(Vec::new()),
    };
    Ok(vec![movement.transfer()])
}

/// Money moved between accounts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerPostedV1 {
    /// One or more, in order.
    pub transfers: Vec<Transfer>,
    /// Type of the message that it follows from.
    pub cause: String,
    /// The commission that it belongs to, if it is one's.
    pub conversion_id: Option<String>,
    /// Why it went where it went, when that is not the usual place.
    pub reason: Option<String>,
}

/// Payment details may be sealed to this key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealingKeyPublishedV1 {
    /// X25519, 32 bytes.
    #[serde(with = "apache_avro::serde::bytes")]
    pub public_key: Vec<u8>,
    /// When it must no longer be used.
    pub not_after: Micros,
}

/// A brand wants an account of its own beside its funds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenAccountV1 {
    /// Whose.
    pub brand_id: String,
    /// What it calls it.
    pub name: String,
}

/// A brand sends money.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnnounceDepositV1 {
    /// Whose.
    pub brand_id: String,
    /// Which of the brand's accounts, by its name; `None`: its funds.
    pub account: Option<String>,
    /// How much.
    pub amount: WireMoney,
    /// What the bank's statement calls it.
    pub reference: Option<String>,
}

/// The bank has an announced deposit, or will not have it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettleDepositV1 {
    /// `cleared` or `failed`.
    pub status: String,
    /// Why it failed, from a closed list.
    pub reason: Option<String>,
}

/// A brand takes money out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WithdrawV1 {
    /// Whose.
    pub brand_id: String,
    /// Which of the brand's accounts, by its name; `None`: its funds.
    pub account: Option<String>,
    /// How much.
    pub amount: WireMoney,
    /// What the bank's statement calls it.
    pub reference: Option<String>,
}

/// The bank has carried out a withdrawal, or will not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettleWithdrawalV1 {
    /// `settled` or `failed`.
    pub status: String,
    /// Why it failed, from a closed list.
    pub reason: Option<String>,
}

/// A brand moves money from one of its accounts to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransferFundsV1 {
    /// Whose.
    pub brand_id: String,
    /// Out of which of them, by its name; `None`: its funds.
    pub from_account: Option<String>,
    /// Into which of them, by its name; `None`: its funds.
    pub to_account: Option<String>,
    /// How much.
    pub amount: WireMoney,
}

/// When a brand pays for what its partners earn in a currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetBillingV1 {
    /// ISO 4217 code.
    pub currency: String,
    /// `prepaid` or `postpaid`.
    pub billing: String,
    /// Of postpaid: minor units that its funds may be below zero; `None`: no limit.
    pub credit_limit: Option<i64>,
}

/// What waits for a brand's funds and is covered now, the first in first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FundEarningsV1 {
    /// ISO 4217 code.
    pub currency: String,
}

/// Whether something waits for a brand's funds is stated again, once payment's database has gone back to a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateFundsV1 {
    /// ISO 4217 code.
    pub currency: String,
}

/// Below which amount of what its funds still cover a brand is warned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetFundsWarningV1 {
    /// ISO 4217 code.
    pub currency: String,
    /// Minor units, more than zero; `None`: it is not warned.
    pub amount: Option<i64>,
}

/// A brand has an account of its own beside its funds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountOpenedV1 {
    /// Whose.
    pub brand_id: BrandId,
    /// What it calls it.
    pub name: AccountName,
}

/// A brand says that money is on its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DepositAnnouncedV1 {
    /// Whose.
    pub brand_id: BrandId,
    /// Which of the brand's accounts, by its name; `None`: its funds.
    pub account: Option<AccountName>,
    /// How much.
    pub amount: Money,
    /// What the bank's statement calls it.
    pub reference: Option<BankReference>,
    /// The transfer from the bank to the brand's clearing account.
    pub transfer_id: Uuid,
}

/// A deposit is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DepositClearedV1 {
    /// Whose.
    pub brand_id: BrandId,
    /// Which of the brand's accounts, by its name; `None`: its funds.
    pub account: Option<AccountName>,
    /// How much.
    pub amount: Money,
    /// The transfer from the brand's clearing account to its own.
    pub transfer_id: Uuid,
}

/// A deposit did not come, or went back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DepositFailedV1 {
    /// Whose.
    pub brand_id: BrandId,
    /// Which of the brand's accounts, by its name; `None`: its funds.
    pub account: Option<AccountName>,
    /// How much.
    pub amount: Money,
    /// The transfer from the brand's clearing account back to the bank.
    pub transfer_id: Uuid,
    /// Why.
    pub reason: BankFailure,
}

/// Money of a brand is on its way to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WithdrawalRequestedV1 {
    /// Whose.
    pub brand_id: BrandId,
    /// Which of the brand's accounts, by its name; `None`: its funds.
    pub account: Option<AccountName>,
    /// How much.
    pub amount: Money,
    /// What the bank's statement calls it.
    pub reference: Option<BankReference>,
    /// The transfer from the brand's account to its clearing account.
    pub transfer_id: Uuid,
}

/// A withdrawal has arrived.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WithdrawalSettledV1 {
    /// Whose.
    pub brand_id: BrandId,
    /// Which of the brand's accounts, by its name; `None`: its funds.
    pub account: Option<AccountName>,
    /// How much.
    pub amount: Money,
    /// The transfer from the brand's clearing account to the bank.
    pub transfer_id: Uuid,
}

/// A withdrawal came back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WithdrawalFailedV1 {
    /// Whose.
    pub brand_id: BrandId,
    /// Which of the brand's accounts, by its name; `None`: its funds.
    pub account: Option<AccountName>,
    /// How much.
    pub amount: Money,
    /// The transfer from the brand's clearing account back to its own.
    pub transfer_id: Uuid,
    /// Why.
    pub reason: BankFailure,
}

/// Money moved from one account of a brand to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FundsTransferredV1 {
    /// Whose.
    pub brand_id: BrandId,
    /// Out of which of them, by its name; `None`: its funds.
    pub from_account: Option<AccountName>,
    /// Into which of them, by its name; `None`: its funds.
    pub to_account: Option<AccountName>,
    /// How much.
    pub amount: Money,
    /// The transfer.
    pub transfer_id: Uuid,
}

/// What a partner had been paid before a refund took it back, and has earned again: it is in the brand's funds again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundRecoveredV1 {
    /// Who owed it.
    pub partner_id: PartnerId,
    /// How much of it.
    pub amount: Money,
    /// The transfer.
    pub transfer_id: Uuid,
}

/// When a brand pays for what its partners earn in a currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BillingChangedV1 {
    /// ISO 4217 code.
    pub currency: Currency,
    /// Before or after.
    pub billing: Billing,
    /// Of postpaid: minor units that its funds may be below zero; `None`: no limit.
    pub credit_limit: Option<i64>,
}

/// A brand's funds cover what waited for them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EarningsFundedV1 {
    /// ISO 4217 code.
    pub currency: Currency,
    /// From the brand's funds, and of what is approved to payable, in order.
    pub transfers: Vec<Transfer>,
    /// The commissions that they belong to, the first in first.
    pub conversion_ids: Vec<ConversionId>,
}

/// A brand's funds do not cover what a partner has earned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FundsExhaustedV1 {
    /// ISO 4217 code.
    pub currency: Currency,
}

/// Nothing waits for a brand's funds any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FundsRestoredV1 {
    /// ISO 4217 code.
    pub currency: Currency,
}

/// Whether something waits for a brand's funds, as it is, once payment's database has gone back to a backup: `funds.exhausted` and
/// `funds.restored` state when that turns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FundsStatedV1 {
    /// ISO 4217 code.
    pub currency: Currency,
    /// Whether something waits for them.
    pub exhausted: bool,
}

/// Below which amount of what its funds still cover a brand is warned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FundsWarningChangedV1 {
    /// ISO 4217 code.
    pub currency: Currency,
    /// Minor units, more than zero; `None`: it is not warned.
    pub amount: Option<i64>,
}

/// A brand's funds cover less than the amount below which it is warned, and covered as much before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FundsLowV1 {
    /// ISO 4217 code.
    pub currency: Currency,
    /// How much they still cover; never below zero.
    pub left: Money,
    /// The amount below which the brand is warned.
    pub warning: Money,
}

/// The statement of a partner's month that is over, with what was counted for it: nobody can change that any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssueStatementV1 {
    /// For example `2026-11`.
    pub month: String,
    /// Up to where in payment's log the statement before counts; 0: there is none.
    pub since: i64,
    /// By account and currency.
    pub lines: Vec<StatementLine>,
    /// The position of the last event that is counted.
    pub through: i64,
}

/// One account of a partner in one currency, in minor units: opening and credited less debited is closing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementLine {
    /// Which of the partner's.
    pub account: AccountType,
    /// In which currency.
    pub currency: Currency,
    /// What stood there when the month began.
    pub opening: i64,
    /// What came in, in the month.
    pub credited: i64,
    /// What went out, in the month.
    pub debited: i64,
    /// What stood there when the month ended.
    pub closing: i64,
}

/// What moved in a partner's accounts in a month that is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementIssuedV1 {
    /// In UTC.
    pub month: Month,
    /// By account and currency; none where nothing stood and nothing moved.
    pub lines: Vec<StatementLine>,
    /// The position in payment's log of the last event that moved money of the partner in the month.
    pub through: i64,
}
