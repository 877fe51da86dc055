//! Wire records to domain values and back.

mod events;
mod incoming;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use schemas::{Actor as WireActor, Body, Message, Service};
use types::{BrandId, EarningStatus, PartnerId};

use crate::domain::{self, Account, AccountType, Actor, Rejection};

pub(crate) use incoming::{Read, read};

/// What a decision may know of a message.
pub(crate) fn context(context: &messaging::Context) -> domain::Context {
    domain::Context {
        now: context.now,
        cause: context.cause(),
        actor: match context.actor() {
            Some(actor) => actor_of(actor),
            // Only what payment asks itself is asked by nobody.
            None if context.header.source == Service::Payment.name() => Actor::System,
            None => Actor::Other,
        },
    }
}

fn actor_of(actor: &WireActor) -> Actor {
    let has = |role: &str| actor.roles.iter().any(|own| own == role);
    let partner = || PartnerId::parse(actor.partner_id.as_deref()?).ok();
    if has("operator") {
        Actor::Operator
    } else if has("partner") {
        partner().map_or(Actor::Other, Actor::Partner)
    } else {
        Actor::Other
    }
}

/// A refusal as the engine takes it.
pub(crate) fn rejection(rejection: &Rejection) -> messaging::Rejection {
    messaging::Rejection {
        code: rejection.code().into(),
        detail: rejection.to_string(),
        pointer: rejection.pointer().map(str::to_owned),
    }
}

/// Notes the accounts and payouts that handling or replaying a message can touch.
pub(crate) fn touched(
    message: &Message,
    accounts: &mut BTreeSet<String>,
    payouts: &mut BTreeSet<String>,
) {
    let mut account_types = |partner: &PartnerId, account_types: &[AccountType]| {
        let account_types = account_types
            .iter()
            .map(|account_type| Account::Partner(partner.clone(), *account_type));
        accounts.extend(account_types.map(|account| account.to_string()));
    };
    match &message.body {
        Body::RequestPayoutV1(_)
        | Body::PayoutRequestedV1(_)
        | Body::RecordPayoutAnswerV1(_)
        | Body::PayoutPaidV1(_)
        | Body::PayoutFailedV1(_) => {
            if let Ok(owner) = message.header.key.parse() {
                account_types(
                    &owner,
                    &[
                        AccountType::Payable,
                        AccountType::InTransit,
                        AccountType::PaidOut,
                    ],
                );
            }
            payouts.insert(message.header.subject.clone());
        }
        Body::BeginPayoutV1(_)
        | Body::PayoutSubmittingV1(_)
        | Body::PayoutSubmittedV1(_)
        | Body::PayoutUnknownV1(_) => {
            payouts.insert(message.header.subject.clone());
        }
        Body::CommissionCalculatedV1(fact) => {
            account_types(
                &fact.partner_id,
                &[match domain::status_of(fact) {
                    EarningStatus::Pending => AccountType::Pending,
                    EarningStatus::Payable => AccountType::Payable,
                }],
            );
            funds(&fact.brand_id, accounts);
        }
        Body::CommissionApprovedV1(fact) => {
            account_types(
                &fact.partner_id,
                &[
                    AccountType::Pending,
                    AccountType::Payable,
                    AccountType::Suspense,
                ],
            );
            funds(&fact.brand_id, accounts);
        }
        Body::CommissionReversedV1(fact) => {
            account_types(
                &fact.partner_id,
                &[
                    AccountType::Pending,
                    AccountType::Payable,
                    AccountType::Suspense,
                ],
            );
            funds(&fact.brand_id, accounts);
        }
        Body::LedgerPostedV1(posted) => {
            for transfer in &posted.transfers {
                accounts.extend([transfer.debit.clone(), transfer.credit.clone()]);
            }
        }
        _ => {}
    }
}

fn funds(brand: &BrandId, accounts: &mut BTreeSet<String>) {
    accounts.insert(Account::BrandFunds(brand.clone()).to_string());
}
