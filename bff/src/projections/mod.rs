//! Projections: every event becomes what front ends read. Each row belongs to one topic, since two topics have no order
//! between them.

mod balance;
mod ban;
mod claim;
mod commission;
mod enrollment;
mod outcome;
mod payout;
mod sealing_key;

use std::collections::{HashMap, HashSet};

use messaging::{FoldError, Projection, Tables, WriteTx};
use schemas::{Message, Service};
use uuid::Uuid;

use crate::store::balances::{self, Holder, Totals};
use crate::store::bans::{self, BanRow};
use crate::store::claims::{self, ClaimRow};
use crate::store::commands;
use crate::store::commissions::{self, CommissionRow};
use crate::store::enrollments::{self, EnrollmentRow};
use crate::store::outcomes::{self, Outcome};
use crate::store::payouts::{self, PayoutRow};
use crate::store::sealing_keys::{self, SealingKey};
use crate::waiting::PROJECTED;

/// The bff as a follower: it decides nothing and notes everything that it can read.
#[derive(Debug, Clone, Copy)]
pub struct Projections;

/// What one batch of events changes.
#[derive(Debug, Default)]
pub struct BatchState {
    /// Those of the batch's commands that were asked here.
    submitted_here: HashSet<Uuid>,
    /// By command and its kind.
    outcomes: HashMap<(Uuid, &'static str), Outcome>,
    claims: HashMap<String, ClaimRow>,
    commissions: HashMap<String, CommissionRow>,
    bans: HashMap<String, BanRow>,
    enrollments: HashMap<String, EnrollmentRow>,
    payouts: HashMap<String, PayoutRow>,
    /// By how much balances change.
    changes: HashMap<Holder, Totals>,
    sealing_keys: HashMap<String, SealingKey>,
}

impl Projection for Projections {
    type BatchState = BatchState;

    const SERVICE: Service = Service::Bff;
    const COMMAND_LOG: &'static str = commands::LOG;
    const TABLES: Tables = Tables {
        folds: &[
            "read_head",
            "outcomes",
            "claims",
            "commissions",
            "bans",
            "enrollments",
            "payouts",
            "balances",
            "sealing_keys",
        ],
        sides: &["commands"],
        // Streams have no order between them: in which one rows were first seen, and which touched a brand last, differs.
        run_dependent: &[
            ("read_head", "position"),
            ("claims", "position"),
            ("commissions", "position"),
            ("bans", "position"),
            ("enrollments", "position"),
            ("payouts", "position"),
            ("balances", "position"),
            ("balances", "updated_at"),
        ],
        seeds: &["INSERT INTO read_head VALUES (true, 0)"],
        fold_version: 4,
    };

    /// Rows that later events change; what an event says in full is not read before it is written.
    async fn load(
        &self,
        tx: &mut WriteTx,
        messages: &[&Message],
    ) -> Result<BatchState, sqlx::Error> {
        let mut state = BatchState::default();
        let commands: Vec<Uuid> = messages
            .iter()
            .filter_map(|message| outcome::of_a_command_from_elsewhere(message))
            .collect();
        if !commands.is_empty() {
            state.submitted_here = outcomes::submitted_here(tx, &commands).await?;
        }
        let changed = subjects(messages, claim::changes);
        if !changed.is_empty() {
            let rows = claims::load(tx, &changed).await?;
            state.claims = rows.into_iter().map(|row| (row.id.clone(), row)).collect();
        }
        let changed = subjects(messages, commission::changes);
        if !changed.is_empty() {
            let rows = commissions::load(tx, &changed).await?;
            state.commissions = rows.into_iter().map(|row| (row.id.clone(), row)).collect();
        }
        let changed = subjects(messages, payout::changes);
        if !changed.is_empty() {
            let rows = payouts::load(tx, &changed).await?;
            state.payouts = rows.into_iter().map(|row| (row.id.clone(), row)).collect();
        }
        Ok(state)
    }

    fn unusable(&self, message: &Message) -> Option<String> {
        balance::unreadable(message)
    }

    fn fold(&self, state: &mut BatchState, message: &Message) -> Result<(), FoldError> {
        outcome::fold(state, message);
        claim::fold(&mut state.claims, message);
        commission::fold(&mut state.commissions, message);
        ban::fold(&mut state.bans, message);
        enrollment::fold(&mut state.enrollments, message);
        payout::fold(&mut state.payouts, message);
        sealing_key::fold(&mut state.sealing_keys, message);
        balance::fold(&mut state.changes, message)
    }

    async fn save(&self, tx: &mut WriteTx, state: BatchState) -> Result<(), sqlx::Error> {
        if !state.claims.is_empty() {
            claims::upsert(tx, &in_order(state.claims, |row| row.position)).await?;
        }
        if !state.commissions.is_empty() {
            commissions::upsert(tx, &in_order(state.commissions, |row| row.position)).await?;
        }
        if !state.bans.is_empty() {
            bans::upsert(tx, &in_order(state.bans, |row| row.position)).await?;
        }
        if !state.enrollments.is_empty() {
            enrollments::upsert(tx, &in_order(state.enrollments, |row| row.position)).await?;
        }
        if !state.payouts.is_empty() {
            payouts::upsert(tx, &in_order(state.payouts, |row| row.position)).await?;
        }
        if !state.changes.is_empty() {
            balances::add(tx, &state.changes).await?;
        }
        if !state.sealing_keys.is_empty() {
            sealing_keys::upsert(tx, &rows(state.sealing_keys)).await?;
        }
        if !state.outcomes.is_empty() {
            outcomes::upsert(tx, &rows(state.outcomes)).await?;
            PROJECTED.notify_waiters();
        }
        Ok(())
    }
}

fn subjects<'a>(messages: &[&'a Message], wanted: impl Fn(&Message) -> bool) -> Vec<&'a str> {
    let wanted = messages.iter().filter(|message| wanted(message));
    wanted
        .map(|message| message.header.subject.as_str())
        .collect()
}

/// Where a new row stands among those of its batch: positions are given in this order.
fn among_new(place: usize) -> i64 {
    i64::try_from(place).unwrap_or(i64::MAX)
}

fn in_order<R>(by_id: HashMap<String, R>, position: impl Fn(&R) -> i64) -> Vec<R> {
    let mut rows = rows(by_id);
    rows.sort_unstable_by_key(position);
    rows
}

fn rows<K, R>(by_id: HashMap<K, R>) -> Vec<R> {
    by_id.into_values().collect()
}
