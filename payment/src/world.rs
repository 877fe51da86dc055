//! The states that one batch touches, and what is to be saved of them.

use std::collections::{BTreeSet, HashMap};

use money::{PayoutId, Uuid};
use pipeline::{Recorded, WriteTx};
use schemas::Message;
use sealing::Details;

use crate::domain::{self, Balance, Books, Event, Stamp};
use crate::messages::touched;
use crate::store::{balances, payout_details, payouts, transfers};

/// Books with their places in the log, and what was opened on the way.
#[derive(Debug, Default)]
pub struct World {
    pub(crate) books: Books,
    /// Payment details of this batch's requests, by message.
    pub(crate) opened: HashMap<Uuid, Details>,
    pub(crate) details: payout_details::Rows,
    /// Where in the log each payout was requested.
    positions: HashMap<PayoutId, i64>,
    changed_balances: HashMap<Balance, i64>,
    changed_payouts: BTreeSet<PayoutId>,
    transfers: transfers::Rows,
}

impl World {
    /// Loads balances and payouts that these messages can touch: one query, or two.
    pub(crate) async fn load(tx: &mut WriteTx, messages: &[&Message]) -> Result<Self, sqlx::Error> {
        let (mut accounts, mut ids) = (BTreeSet::new(), BTreeSet::new());
        for message in messages {
            touched(message, &mut accounts, &mut ids);
        }
        let mut world = Self::default();
        if !accounts.is_empty() {
            let accounts = Vec::from_iter(accounts);
            world.books.balances = balances::load(tx.connection(), &accounts).await?;
        }
        if !ids.is_empty() {
            let ids = Vec::from_iter(ids);
            for stored in payouts::load(tx.connection(), &ids).await? {
                let id = stored.payout.id.clone();
                world.positions.insert(id.clone(), stored.position);
                world.books.payouts.insert(id, stored.payout);
            }
        }
        Ok(world)
    }

    /// Applies an event and notes what it changed.
    pub(crate) fn evolve(&mut self, recorded: &Recorded<'_, Event>) {
        let event = recorded.event;
        let (id, time) = (recorded.id, recorded.time);
        domain::evolve(&mut self.books, event, Stamp { id, time });
        let moved = event.transfers();
        for transfer in &moved {
            for account in [&transfer.debit, &transfer.credit] {
                let balance = Balance::of(account.clone(), transfer.money);
                self.changed_balances.insert(balance, recorded.position);
            }
        }
        self.transfers.push(recorded.position, time, &moved);
        if let Some(id) = event.payout() {
            let positions = &mut self.positions;
            positions.entry(id.clone()).or_insert(recorded.position);
            self.changed_payouts.insert(id.clone());
        }
    }

    /// Saves what changed: one statement a table.
    pub(crate) async fn save(self, tx: &mut WriteTx) -> Result<(), sqlx::Error> {
        let mut rows = balances::Rows::default();
        for (balance, position) in &self.changed_balances {
            let minor = self.books.balances.get(balance).copied();
            rows.push(balance, minor.unwrap_or_default(), *position);
        }
        rows.save(tx.connection()).await?;
        self.transfers.save(tx.connection()).await?;
        let changed: Vec<payouts::Stored> = self
            .changed_payouts
            .iter()
            .filter_map(|id| {
                Some(payouts::Stored {
                    payout: self.books.payouts.get(id)?.clone(),
                    position: *self.positions.get(id)?,
                })
            })
            .collect();
        payouts::save(tx.connection(), &changed).await?;
        self.details.save(tx.connection()).await
    }
}
