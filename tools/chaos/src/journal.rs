//! What clients were answered with, and what astonished them.

use std::sync::{Arc, Mutex, PoisonError};

use invariants::Acknowledged;

/// Everything that the workload noted.
#[derive(Clone, Debug, Default)]
pub struct Notes {
    /// Commands answered 2xx.
    pub acknowledged: Vec<Acknowledged>,
    /// Clicks of answered redirects.
    pub clicks: Vec<String>,
    /// Outcomes other than the plan says.
    pub surprises: Vec<String>,
    /// Requests, repetitions included.
    pub requests: u64,
    /// Journeys that came to their end.
    pub finished: u64,
}

impl Notes {
    /// What the rules are checked against.
    pub fn journal(&self) -> invariants::Journal {
        invariants::Journal {
            commands: self.acknowledged.clone(),
            clicks: self.clicks.clone(),
            // Nothing of this run's is: what nobody signed is kept nowhere.
            meant_for_retry_queue: Vec::new(),
        }
    }
}

/// Shared by all journeys.
#[derive(Clone, Debug, Default)]
pub struct Journal(Arc<Mutex<Notes>>);

impl Journal {
    /// Notes something.
    pub fn note<T>(&self, change: impl FnOnce(&mut Notes) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Notes what is not as planned.
    pub fn surprise(&self, what: String) {
        devstack::progress::Progress.note(&format!("surprise: {what}"));
        self.note(|notes| notes.surprises.push(what));
    }
}
