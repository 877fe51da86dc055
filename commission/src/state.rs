//! The states that one batch touches: read in one round trip, written in one.

use std::collections::{HashMap, HashSet};

use messaging::WriteTx;
use schemas::{Body, Message};
use sqlx::Row;
use sqlx::types::Json;
use types::{ConversionId, EarningStatus, Micros};

use crate::domain::{Calculated, Commission, Event, Plan, PlanAdopted, PlanKey};
use crate::store::commissions::{self, CommissionRow};
use crate::store::plans::{self, PlanRow};
use crate::store::reversals::{self, ReversalRow};

/// A commission with its place in the log.
#[derive(Debug)]
pub struct Kept {
    /// As it stands.
    pub commission: Commission,
    /// The position of the event that made it: lists go by it.
    pub position: i64,
    /// Whether its row is there already.
    pub is_stored: bool,
}

/// The states that one batch touches.
#[derive(Debug, Default)]
pub struct BatchState {
    plans: HashMap<PlanKey, Plan>,
    commissions: HashMap<ConversionId, Kept>,
    adopted: HashMap<PlanKey, PlanRow>,
    changed: HashSet<ConversionId>,
    reversals: Vec<ReversalRow>,
}

impl BatchState {
    /// Loads the commissions and plans that these messages can touch: one round trip, which a batch of new conversions answers
    /// with its few plans.
    pub(crate) async fn load(tx: &mut WriteTx, messages: &[&Message]) -> Result<Self, sqlx::Error> {
        let mut commissions = Vec::with_capacity(messages.len());
        let mut plans = Vec::new();
        for message in messages {
            let subject = message.header.subject.as_str();
            match &message.body {
                Body::TermsPublishedV1(body) => plans.push((subject, body.version.get())),
                Body::PlanAdoptedV1(body) => plans.push((subject, body.version.get())),
                Body::ConversionAttributedV1(body) => {
                    plans.push((body.campaign_id.as_str(), body.terms_version.get()));
                    commissions.push(subject);
                }
                _ => commissions.push(subject),
            }
        }
        plans.sort_unstable();
        plans.dedup();
        let (campaigns, versions): (Vec<&str>, Vec<i32>) = plans.into_iter().unzip();
        let row = sqlx::query(LOAD)
            .bind(commissions)
            .bind(campaigns)
            .bind(versions)
            .fetch_one(tx.connection())
            .await?;
        let Json(commissions): Json<Vec<CommissionRow>> = row.try_get("commissions")?;
        let Json(plans): Json<Vec<PlanRow>> = row.try_get("plans")?;
        let mut state = Self::default();
        for row in commissions {
            let kept = row
                .into_commission()
                .ok_or_else(|| unreadable("commissions"))?;
            let id = kept.commission.calculated.conversion.clone();
            state.commissions.insert(id, kept);
        }
        for row in plans {
            let (key, plan) = row.into_plan().ok_or_else(|| unreadable("plans"))?;
            state.plans.insert(key, plan);
        }
        Ok(state)
    }

    /// A version of a campaign's plan, when it is known here.
    pub fn plan(&self, key: &PlanKey) -> Option<&Plan> {
        self.plans.get(key)
    }

    /// A commission, when there is one.
    pub fn commission(&self, id: &ConversionId) -> Option<&Commission> {
        self.commissions.get(id).map(|kept| &kept.commission)
    }

    /// Applies what happened.
    pub fn evolve(&mut self, event: &Event, at: Micros, position: i64) {
        match event {
            Event::PlanAdopted(PlanAdopted { key, plan }) => {
                let row = PlanRow::new(key, plan, at, position);
                self.adopted.insert(key.clone(), row);
                self.plans.insert(key.clone(), plan.clone());
            }
            Event::Calculated(calculated) => self.begin(calculated, at, position),
            Event::Approved(approved) => self.change(&approved.subject, event, at),
            Event::Reversed(reversed) => {
                self.change(&reversed.subject, event, at);
                self.reversals.push(ReversalRow {
                    commission_id: reversed.subject.to_string(),
                    position,
                    amount_minor: reversed.amount.minor,
                    reversed_total_minor: reversed.reversed_total.minor,
                    currency: reversed.amount.currency.code().to_owned(),
                    pending: reversed.from == EarningStatus::Pending,
                    reversed_at: at.0,
                });
            }
        }
    }

    /// Saves what changed.
    pub(crate) async fn save(self, tx: &mut WriteTx) -> Result<(), sqlx::Error> {
        let connection = tx.connection();
        if !self.adopted.is_empty() {
            let adopted: Vec<PlanRow> = self.adopted.into_values().collect();
            plans::upsert(connection, &adopted).await?;
        }
        if !self.changed.is_empty() {
            let changed = self.changed.iter();
            let changed: Vec<&Kept> = changed.filter_map(|id| self.commissions.get(id)).collect();
            commissions::upsert(connection, &changed).await?;
        }
        if !self.reversals.is_empty() {
            reversals::insert(connection, &self.reversals).await?;
        }
        Ok(())
    }

    fn begin(&mut self, calculated: &Calculated, at: Micros, position: i64) {
        let id = calculated.conversion.clone();
        let kept = Kept {
            commission: Commission::begin(calculated.clone(), at),
            position,
            is_stored: self.commissions.get(&id).is_some_and(|it| it.is_stored),
        };
        self.changed.insert(id.clone());
        self.commissions.insert(id, kept);
    }

    fn change(&mut self, id: &ConversionId, event: &Event, at: Micros) {
        if let Some(kept) = self.commissions.get_mut(id) {
            kept.commission.apply(event, at);
            self.changed.insert(id.clone());
        }
    }
}

const LOAD: &str = r"
SELECT (SELECT coalesce(json_agg(c), '[]') FROM commissions c WHERE c.id = ANY($1)) AS commissions,
       (SELECT coalesce(json_agg(p), '[]') FROM plans p
         WHERE (p.campaign_id, p.version) IN (SELECT * FROM UNNEST($2::text[], $3::int[]))) AS plans";

fn unreadable(table: &str) -> sqlx::Error {
    sqlx::Error::Decode(format!("a row of {table} is none that this build writes").into())
}
