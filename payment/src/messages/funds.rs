//! What is asked of a brand's money.

use schemas::{Body, Message, WireMoney};
use types::{
    AccountName, BankFailure, BankReference, Billing, BrandId, Currency, DepositStatus,
    FundsAccountId, FundsTransferId, Money, WithdrawalStatus,
};

use super::incoming::unreadable;
use crate::domain::{Code, FundsCommand, Rejection, Terms, Way, brand_unknown, unknown};

/// The command of a message; `None` of one that asks nothing of a brand's money.
pub(super) fn command(message: &Message) -> Option<Result<FundsCommand, Rejection>> {
    Some(match &message.body {
        Body::OpenAccountV1(wire) => brand(&wire.brand_id).and_then(|brand| {
            let name = AccountName::parse(&*wire.name);
            let name = name.map_err(|invalid| unreadable(format!("its name {invalid}")))?;
            Ok(FundsCommand::OpenAccount { brand, name })
        }),
        Body::AnnounceDepositV1(wire) => begin(
            message,
            Way::Deposit,
            &wire.brand_id,
            (&wire.account, &wire.reference),
            &wire.amount,
        ),
        Body::WithdrawV1(wire) => begin(
            message,
            Way::Withdrawal,
            &wire.brand_id,
            (&wire.account, &wire.reference),
            &wire.amount,
        ),
        Body::SettleDepositV1(wire) => {
            let failed = match DepositStatus::parse(&wire.status) {
                Some(DepositStatus::Cleared) => Ok(false),
                Some(DepositStatus::Failed) => Ok(true),
                Some(DepositStatus::Announced) | None => {
                    Err(unreadable("neither cleared nor failed"))
                }
            };
            settle(message, Way::Deposit, failed, wire.reason.as_deref())
        }
        Body::SettleWithdrawalV1(wire) => {
            let failed = match WithdrawalStatus::parse(&wire.status) {
                Some(WithdrawalStatus::Settled) => Ok(false),
                Some(WithdrawalStatus::Failed) => Ok(true),
                Some(WithdrawalStatus::Requested) | None => {
                    Err(unreadable("neither settled nor failed"))
                }
            };
            settle(message, Way::Withdrawal, failed, wire.reason.as_deref())
        }
        Body::TransferFundsV1(wire) => brand(&wire.brand_id).and_then(|brand| {
            let id = FundsTransferId::parse(&*message.header.subject);
            Ok(FundsCommand::Transfer {
                id: id.map_err(|_| unreadable("the subject is no transfer's id"))?,
                brand,
                from: account(wire.from_account.as_ref(), "/from_account")?,
                to: account(wire.to_account.as_ref(), "/to_account")?,
                amount: amount(&wire.amount)?,
            })
        }),
        Body::SetBillingV1(wire) => brand(&message.header.subject).and_then(|brand| {
            let billing = Billing::parse(&wire.billing);
            Ok(FundsCommand::SetBilling {
                brand,
                currency: currency(&wire.currency)?,
                terms: Terms {
                    billing: billing.ok_or_else(|| unreadable("neither prepaid nor postpaid"))?,
                    credit_limit: wire.credit_limit,
                },
            })
        }),
        Body::SetFundsWarningV1(wire) => brand(&message.header.subject).and_then(|brand| {
            Ok(FundsCommand::SetWarning {
                brand,
                currency: currency(&wire.currency)?,
                amount: wire.amount,
            })
        }),
        Body::FundEarningsV1(wire) => brand(&message.header.subject).and_then(|brand| {
            Ok(FundsCommand::FundEarnings {
                brand,
                currency: currency(&wire.currency)?,
            })
        }),
        Body::StateFundsV1(wire) => brand(&message.header.subject).and_then(|brand| {
            Ok(FundsCommand::State {
                brand,
                currency: currency(&wire.currency)?,
            })
        }),
        _ => return None,
    })
}

/// The account that a command opens, by what it says: its sender need not know how ids are derived.
pub(crate) fn account_of(message: &Message) -> Option<FundsAccountId> {
    let Body::OpenAccountV1(wire) = &message.body else {
        return None;
    };
    let brand = BrandId::parse(&*wire.brand_id).ok()?;
    let name = AccountName::parse(&*wire.name).ok()?;
    Some(FundsAccountId::of(&brand, &name))
}

fn brand(text: &str) -> Result<BrandId, Rejection> {
    BrandId::parse(text).map_err(|_| brand_unknown())
}

fn account(name: Option<&String>, pointer: &'static str) -> Result<Option<AccountName>, Rejection> {
    let name = name
        .map(|name| AccountName::parse(name.as_str()))
        .transpose();
    name.map_err(|_| {
        let detail = "the brand has no account of that name";
        Rejection::of(pointer, Code::AccountUnknown, detail)
    })
}

fn currency(code: &str) -> Result<Currency, Rejection> {
    Currency::parse(code).map_err(|_| currency_unknown())
}

fn amount(wire: &WireMoney) -> Result<Money, Rejection> {
    Money::try_from(wire).map_err(|_| currency_unknown())
}

fn currency_unknown() -> Rejection {
    let detail = "the currency is not a known ISO 4217 code";
    Rejection::of("/currency", Code::CurrencyUnknown, detail)
}

/// Account and reference, as they came.
type Named<'a> = (&'a Option<String>, &'a Option<String>);

fn begin(
    message: &Message,
    way: Way,
    brand_id: &str,
    (name, reference): Named<'_>,
    wire: &WireMoney,
) -> Result<FundsCommand, Rejection> {
    let reference = reference.as_deref().map(BankReference::parse).transpose();
    Ok(FundsCommand::Begin {
        way,
        id: id(message, way)?,
        brand: brand(brand_id)?,
        account: account(name.as_ref(), "/account")?,
        amount: amount(wire)?,
        reference: reference.map_err(|invalid| unreadable(format!("its reference {invalid}")))?,
    })
}

fn settle(
    message: &Message,
    way: Way,
    failed: Result<bool, Rejection>,
    reason: Option<&str>,
) -> Result<FundsCommand, Rejection> {
    let reason = reason.map(|name| {
        BankFailure::parse(name).ok_or_else(|| unreadable("a reason that is not known"))
    });
    let failure = match (failed?, reason.transpose()?) {
        (false, None) => None,
        (true, Some(reason)) => Some(reason),
        _ => return Err(unreadable("what failed has a reason, and nothing else has")),
    };
    Ok(FundsCommand::Settle {
        way,
        id: id(message, way)?,
        failure,
    })
}

fn id(message: &Message, way: Way) -> Result<String, Rejection> {
    let subject = &message.header.subject;
    if types::ids::is_valid(subject) {
        Ok(subject.clone())
    } else {
        Err(unknown(way))
    }
}
