//! Projections: every event becomes what front ends read. Each row belongs to one topic, since two topics have no order
//! between them.

mod balance;
mod commission;
mod outcome;
mod payout;
mod sealing_key;

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;

use pipeline::{Context, Domain, Emit, Lock, Recorded, Tables, Verdict, WriteTx};
use planted::Fault;
use schemas::{Message, Service};
use uuid::Uuid;

use crate::store::balances::{self, Holder, Pots};
use crate::store::commands;
use crate::store::commissions::{self, CommissionRow};
use crate::store::outcomes::{self, Outcome};
use crate::store::payouts::{self, PayoutRow};
use crate::store::sealing_keys::{self, SealingKey};
use crate::waiting::PROJECTED;

/// The bff as a follower: it decides nothing and notes everything that it can read.
#[derive(Debug, Clone, Copy)]
pub struct Projections;

/// What one batch of events changes.
#[derive(Debug, Default)]
pub struct World {
    /// Those of the batch's commands that were asked here.
    asked_here: HashSet<Uuid>,
    /// By command and its kind.
    outcomes: HashMap<(Uuid, &'static str), Outcome>,
    commissions: HashMap<String, CommissionRow>,
    payouts: HashMap<String, PayoutRow>,
    /// By how much balances change.
    changes: HashMap<Holder, Pots>,
    sealing_keys: HashMap<String, SealingKey>,
}

impl Domain for Projections {
    type World = World;
    /// Nothing happens here.
    type Event = Infallible;

    const SERVICE: Service = Service::Bff;
    const LOCK: Lock = Lock::ReadModels;
    const COMMAND_LOG: &'static str = commands::LOG;
    const TABLES: Tables = Tables {
        folds: &[
            "read_head",
            "outcomes",
            "commissions",
            "payouts",
            "balances",
            "sealing_keys",
        ],
        sides: &["commands"],
        // Streams have no order between them: in which one rows were first seen, and which touched a brand last, differs.
        run_dependent: &[
            ("read_head", "position"),
            ("commissions", "position"),
            ("payouts", "position"),
            ("balances", "position"),
            ("balances", "updated_at"),
        ],
        seeds: &["INSERT INTO read_head VALUES (true, 0)"],
        fold_version: 2,
    };

    /// Rows that later events change; what an event says in full is not read before it is written.
    async fn load(&self, tx: &mut WriteTx, messages: &[&Message]) -> Result<World, sqlx::Error> {
        let mut world = World::default();
        let commands: Vec<Uuid> = messages
            .iter()
            .filter_map(|message| outcome::doubtful(message))
            .collect();
        if !commands.is_empty() {
            world.asked_here = outcomes::asked_here(tx, &commands).await?;
        }
        let changed = subjects(messages, commission::changes);
        if !changed.is_empty() {
            let rows = commissions::load(tx, &changed).await?;
            world.commissions = rows.into_iter().map(|row| (row.id.clone(), row)).collect();
        }
        let changed = subjects(messages, payout::changes);
        if !changed.is_empty() {
            let rows = payouts::load(tx, &changed).await?;
            world.payouts = rows.into_iter().map(|row| (row.id.clone(), row)).collect();
        }
        Ok(world)
    }

    fn handle(&self, _: &World, message: &Message, _: &Context) -> Verdict<Infallible> {
        balance::unreadable(message).map_or(Verdict::Noted, Verdict::SetAside)
    }

    fn evolve(&self, _: &mut World, recorded: &Recorded<Infallible>) {
        match *recorded.event {}
    }

    fn emit(&self, event: &Infallible) -> Emit {
        match *event {}
    }

    fn own_event(&self, _: &Message) -> Option<Infallible> {
        None
    }

    fn aside(&self, world: &mut World, message: &Message, _: &[Infallible]) {
        outcome::fold(world, message);
        commission::fold(&mut world.commissions, message);
        payout::fold(&mut world.payouts, message);
        balance::fold(&mut world.changes, message);
        sealing_key::fold(&mut world.sealing_keys, message);
    }

    async fn save(&self, tx: &mut WriteTx, world: World) -> Result<(), sqlx::Error> {
        if !world.commissions.is_empty() {
            commissions::upsert(tx, &in_order(world.commissions, |row| row.position)).await?;
        }
        if !world.payouts.is_empty() {
            payouts::upsert(tx, &in_order(world.payouts, |row| row.position)).await?;
        }
        if !world.changes.is_empty() {
            balances::add(tx, &world.changes).await?;
        }
        if !world.sealing_keys.is_empty() {
            sealing_keys::upsert(tx, &rows(world.sealing_keys)).await?;
        }
        let forgets = planted::now_and_then(Fault::ProjectionLost, 5);
        if !world.outcomes.is_empty() && !forgets {
            outcomes::upsert(tx, &rows(world.outcomes)).await?;
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
