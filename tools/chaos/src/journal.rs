//! What clients were answered with, and what astonished them.

use std::sync::{Arc, Mutex, PoisonError};

use uuid::Uuid;

use invariants::Acknowledged;

/// Everything that the workload noted.
#[derive(Clone, Debug, Default)]
pub struct Notes {
    /// Commands answered 2xx.
    pub acknowledged: Vec<Acknowledged>,
    /// Clicks of answered redirects.
    pub clicks: Vec<String>,
    /// Messages that were made to stay in the retry queue.
    pub meant_for_retry_queue: Vec<Uuid>,
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
            meant_for_retry_queue: self.meant_for_retry_queue.clone(),
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
