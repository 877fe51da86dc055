//! What is kept of a visitor's id: a hash under a key, which [`api::visitor`] makes.

use api::visitor::{self, Hashes, Unreadable};
use schemas::VisitorHashes;

use crate::domain::{UserHash, Visitor};

/// What is kept of a visitor's id, the same in clicks, states and events.
pub fn hash(user_id: &str) -> UserHash {
    UserHash(visitor::hash(user_id))
}

/// A visitor by all hashes that may have been kept of its id.
pub fn read(user_id: &str) -> Visitor {
    visitor::hashes(user_id).into()
}

/// A visitor as a command of an edge says it.
pub fn of_command(hashes: &VisitorHashes) -> Result<Visitor, Unreadable> {
    visitor::read(hashes).map(Visitor::from)
}

impl From<Hashes> for Visitor {
    fn from(hashes: Hashes) -> Self {
        Self {
            hash: UserHash(hashes.current),
            others: hashes.others.into_iter().map(UserHash).collect(),
        }
    }
}
