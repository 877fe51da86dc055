//! The states that one batch touches, and what is to be saved of them.

use std::collections::{BTreeSet, HashMap};

use messaging::{Recorded, WriteTx};
use schemas::{Body, CommissionApprovedV1, CommissionReversedV1, Message};
use sealing::Details;
use types::{BrandId, EarningStatus, PartnerId, PayoutId, Uuid};

use crate::domain::{self, Account, AccountType, Balance, Event, Ledger, PostError, Stamp};
use crate::store::{balances, payout_details, payouts, transfers};

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
    transfers: Vec<transfers::Row>,
}

impl BatchState {
    /// Loads balances and payouts that these messages can touch: one query, or two.
    pub(crate) async fn load(tx: &mut WriteTx, messages: &[&Message]) -> Result<Self, sqlx::Error> {
        let (mut accounts, mut ids) = (BTreeSet::new(), BTreeSet::new());
        for message in messages {
            touched(message, &mut accounts, &mut ids);
        }
        let mut state = Self::default();
        if !accounts.is_empty() {
            let accounts = Vec::from_iter(accounts);
            state.ledger.balances = balances::load(tx.connection(), &accounts).await?;
        }
        if !ids.is_empty() {
            let ids = Vec::from_iter(ids);
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
        let (id, time) = (recorded.id, recorded.time);
        domain::evolve(&mut self.ledger, event, Stamp { id, time })?;
        let moved = event.transfers();
        for transfer in &moved {
            for account in [&transfer.debit, &transfer.credit] {
                let balance = Balance::of(account.clone(), transfer.money);
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

    /// Saves what changed: one statement a table.
    pub(crate) async fn save(self, tx: &mut WriteTx) -> Result<(), sqlx::Error> {
        let balances = &self.ledger.balances;
        let changed = self.changed_balances.into_iter();
        let changed: Vec<balances::Row> = changed
            .map(|(balance, position)| balances::Row {
                minor: balances.get(&balance).copied().unwrap_or_default(),
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
                    payout: self.ledger.payouts.get(id)?.clone(),
                    position: *self.positions.get(id)?,
                })
            })
            .collect();
        payouts::save(tx.connection(), &changed).await?;
        payout_details::insert(tx.connection(), &self.details).await
    }
}

/// Notes the accounts and payouts that handling or replaying a message can touch.
pub(crate) fn touched(
    message: &Message,
    accounts: &mut BTreeSet<String>,
    payouts: &mut BTreeSet<String>,
) {
    let mut of_partner = |partner: &PartnerId, types: &[AccountType]| {
        let each = types.iter();
        let each = each.map(|it| Account::Partner(partner.clone(), *it).to_string());
        accounts.extend(each);
    };
    match &message.body {
        Body::RequestPayoutV1(_)
        | Body::PayoutRequestedV1(_)
        | Body::RecordPayoutAnswerV1(_)
        | Body::PayoutPaidV1(_)
        | Body::PayoutFailedV1(_) => {
            if let Ok(owner) = message.header.key.parse() {
                of_partner(
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
            of_partner(
                &fact.partner_id,
                &[match domain::status_of(fact) {
                    EarningStatus::Pending => AccountType::Pending,
                    EarningStatus::Payable => AccountType::Payable,
                }],
            );
            funds(&fact.brand_id, accounts);
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
            of_partner(
                partner_id,
                &[
                    AccountType::Pending,
                    AccountType::Payable,
                    AccountType::Suspense,
                ],
            );
            funds(brand_id, accounts);
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
