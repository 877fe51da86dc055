//! The keys that count at this moment, and the tokens that were verified with them.

use std::sync::{Arc, PoisonError, RwLock};

use super::cache::Cache;
use super::{Caller, VerifyingKeys};

/// Keys, and what was verified with them: a token is never remembered longer than the keys that it was verified with.
#[derive(Default)]
pub(super) struct Known {
    /// None when a key set was never fetched.
    pub(super) keys: Option<VerifyingKeys>,
    pub(super) tokens: Cache<Caller>,
}

/// What all requests verify with; changed as a whole.
#[derive(Clone, Default)]
pub(super) struct Current(Arc<RwLock<Arc<Known>>>);

impl Current {
    pub(super) fn get(&self) -> Arc<Known> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// From now on these count, and no token is remembered.
    pub(super) fn set(&self, keys: Option<VerifyingKeys>) {
        let known = Known {
            keys,
            tokens: Cache::default(),
        };
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(known);
    }
}
