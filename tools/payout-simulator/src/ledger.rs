//! The provider's own ledger: what it took and what became of it. Time is passed in.

use std::collections::HashMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use uuid::Uuid;

/// What is asked to be paid. The account details are not part of it: they are used and dropped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submission {
    /// The client's own name of the payout.
    pub reference: String,
    /// Decimal text.
    pub amount: String,
    /// ISO 4217 code.
    pub currency: String,
    /// For example `paypal`.
    pub method: String,
}

/// What becomes of a payout in the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The money arrives.
    Paid,
    /// It does not, for this reason.
    Failed(String),
}

/// One line of the ledger.
#[derive(Clone, Debug)]
pub struct Payout {
    /// Counts from 1.
    pub number: u64,
    /// The provider's own reference.
    pub id: String,
    /// What was asked.
    pub submission: Submission,
    /// What becomes of it.
    pub outcome: Outcome,
    /// When that shows.
    pub settles_at: Instant,
}

impl Payout {
    /// `accepted`, then `paid` or `failed`.
    pub fn state(&self, now: Instant) -> &'static str {
        match &self.outcome {
            _ if now < self.settles_at => "accepted",
            Outcome::Paid => "paid",
            Outcome::Failed(_) => "failed",
        }
    }

    /// Why it failed, once that shows.
    pub fn reason(&self, now: Instant) -> Option<&str> {
        match &self.outcome {
            Outcome::Failed(reason) if now >= self.settles_at => Some(reason),
            _ => None,
        }
    }
}

/// Why a submission was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Untaken {
    /// The reference stands for another payout.
    Conflict,
    /// The ledger is full.
    Full,
}

/// Everything ever taken, and which references are still known. Holds at most `capacity` payouts.
#[derive(Debug)]
pub struct Ledger {
    capacity: usize,
    payouts: Vec<Payout>,
    keys: HashMap<String, (usize, Instant)>,
}

impl Ledger {
    /// An empty ledger.
    pub fn new(capacity: usize) -> Self {
        Self {
            capacity,
            payouts: Vec::new(),
            keys: HashMap::new(),
        }
    }

    /// The payout that a reference stands for, unless its key is older than `lifetime`.
    pub fn find(
        &self,
        reference: &str,
        now: Instant,
        lifetime: Option<Duration>,
    ) -> Option<&Payout> {
        let (index, since) = self.keys.get(reference)?;
        let forgotten = lifetime.is_some_and(|lifetime| now.duration_since(*since) >= lifetime);
        if forgotten {
            None
        } else {
            self.payouts.get(*index)
        }
    }

    /// Checks that a new payout could be taken, or finds the one that its reference stands for.
    pub fn known(
        &self,
        submission: &Submission,
        now: Instant,
        lifetime: Option<Duration>,
    ) -> Result<Option<&Payout>, Untaken> {
        match self.find(&submission.reference, now, lifetime) {
            Some(payout) if payout.submission == *submission => Ok(Some(payout)),
            Some(_) => Err(Untaken::Conflict),
            None if self.payouts.len() >= self.capacity => Err(Untaken::Full),
            None => Ok(None),
        }
    }

    /// Takes a payout that is not known.
    pub fn take(
        &mut self,
        submission: Submission,
        outcome: Outcome,
        now: Instant,
        settles_at: Instant,
    ) -> Payout {
        let index = self.payouts.len();
        let payout = Payout {
            number: self.payouts.last().map_or(1, |last| last.number + 1),
            id: format!("sim_{}", Uuid::now_v7().simple()),
            submission,
            outcome,
            settles_at,
        };
        self.keys
            .insert(payout.submission.reference.clone(), (index, now));
        self.payouts.push(payout.clone());
        payout
    }

    /// Puts back a payout from an earlier life, with its own id.
    pub(crate) fn restore(&mut self, payout: Payout, now: Instant) {
        let index = self.payouts.len();
        self.keys
            .insert(payout.submission.reference.clone(), (index, now));
        self.payouts.push(payout);
    }

    /// At most `limit` payouts with a number above `after`, in order.
    pub fn statement(&self, after: u64, limit: usize) -> &[Payout] {
        let start = self
            .payouts
            .partition_point(|payout| payout.number <= after);
        let end = start.saturating_add(limit).min(self.payouts.len());
        &self.payouts[start..end]
    }
}
