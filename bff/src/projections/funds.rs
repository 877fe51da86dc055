//! Brands' accounts, deposits, withdrawals and billing, and every transfer, from `payment-events`.

use api::BankTransferColumns;
use schemas::{Body, Message, Transfer};
use types::{BankReference, Currency};

use super::rows::{ReadModel, Says};
use crate::store::funds::{BankTransferRow, BillingRow, FundsAccountRow};
use crate::store::transfers::TransferRow;

impl ReadModel for FundsAccountRow {
    fn says(message: &Message) -> Says {
        match message.body {
            Body::AccountOpenedV1(_) => Says::All,
            _ => Says::Nothing,
        }
    }

    fn evolve(before: Option<Self>, message: &Message, place: i64) -> Option<Self> {
        let Body::AccountOpenedV1(opened) = &message.body else {
            return before;
        };
        Some(Self {
            id: message.header.subject.clone(),
            position: place,
            brand_id: opened.brand_id.to_string(),
            name: opened.name.to_string(),
            opened_at: message.header.time.get(),
        })
    }
}

impl ReadModel for BankTransferRow {
    fn says(message: &Message) -> Says {
        match message.body {
            Body::DepositAnnouncedV1(_) | Body::WithdrawalRequestedV1(_) => Says::All,
            Body::DepositClearedV1(_)
            | Body::DepositFailedV1(_)
            | Body::WithdrawalSettledV1(_)
            | Body::WithdrawalFailedV1(_) => Says::Change,
            _ => Says::Nothing,
        }
    }

    fn row_of(message: &Message) -> String {
        format!("{}/{}", way_of(message), message.header.subject)
    }

    /// As payment has it: an id may be a deposit's and a withdrawal's too.
    fn key(&self) -> String {
        format!("{}/{}", self.way, self.id)
    }

    /// One whose beginning is a dead letter stays unknown.
    fn evolve(before: Option<Self>, message: &Message, place: i64) -> Option<Self> {
        let time = message.header.time.get();
        if let Some(begun) = BankTransferColumns::begun(message) {
            return Some(Self {
                id: begun.id,
                position: place,
                way: way_of(message).to_owned(),
                brand_id: begun.brand,
                account: begun.account,
                amount_minor: begun.amount.minor,
                currency: begun.amount.currency.code().to_owned(),
                reference: begun.reference.map(BankReference::into_string),
                status: begun.status,
                reason: None,
                began_at: time,
                updated_at: time,
            });
        }
        let Some((status, reason)) = api::bank_answer(&message.body) else {
            return before;
        };
        Some(Self {
            status: status.to_owned(),
            reason: reason.map(|reason| reason.name().to_owned()),
            updated_at: time,
            ..before?
        })
    }
}

/// Which way the money of a deposit or a withdrawal goes.
fn way_of(message: &Message) -> &'static str {
    match message.body {
        Body::DepositAnnouncedV1(_) | Body::DepositClearedV1(_) | Body::DepositFailedV1(_) => {
            "deposit"
        }
        _ => "withdrawal",
    }
}

impl ReadModel for BillingRow {
    fn says(message: &Message) -> Says {
        match message.body {
            Body::BillingChangedV1(_) | Body::FundsWarningChangedV1(_) => Says::Change,
            _ => Says::Nothing,
        }
    }

    fn row_of(message: &Message) -> String {
        let currency = match &message.body {
            Body::BillingChangedV1(changed) => changed.currency,
            Body::FundsWarningChangedV1(changed) => changed.currency,
            _ => return String::new(),
        };
        format!("{}/{currency}", message.header.subject)
    }

    fn evolve(before: Option<Self>, message: &Message, place: i64) -> Option<Self> {
        let row = |currency: Currency| {
            before.clone().unwrap_or_else(|| Self {
                id: Self::row_of(message),
                position: place,
                brand_id: message.header.subject.clone(),
                currency: currency.code().to_owned(),
                billing: None,
                credit_limit: None,
                funds_warning: None,
            })
        };
        match &message.body {
            Body::BillingChangedV1(changed) => Some(Self {
                billing: Some(changed.billing.name().to_owned()),
                credit_limit: changed.credit_limit,
                ..row(changed.currency)
            }),
            Body::FundsWarningChangedV1(changed) => Some(Self {
                funds_warning: changed.amount,
                ..row(changed.currency)
            }),
            _ => before,
        }
    }
}

/// Notes the transfers of the message.
pub(super) fn fold(rows: &mut Vec<TransferRow>, message: &Message, moved: Vec<Transfer>) {
    let header = &message.header;
    rows.extend(moved.into_iter().map(|transfer| TransferRow {
        position: 0,
        id: transfer.id,
        debit: transfer.debit,
        credit: transfer.credit,
        minor: transfer.minor,
        currency: transfer.currency.code().to_owned(),
        event_type: header.kind.clone(),
        subject: header.subject.clone(),
        correlation_id: header.correlation_id,
        posted_at: header.time.get(),
    }));
}
