//! The states of one kind that a batch touches.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;

/// States by their ids, and which of them are to be saved.
#[derive(Debug)]
pub struct States<K, S> {
    all: HashMap<K, S>,
    changed: BTreeSet<K>,
}

impl<K, S> Default for States<K, S> {
    fn default() -> Self {
        Self {
            all: HashMap::new(),
            changed: BTreeSet::new(),
        }
    }
}

impl<K: Clone + Ord + Hash, S> States<K, S> {
    /// As they were loaded.
    pub fn new(loaded: Vec<S>, id: impl Fn(&S) -> &K) -> Self {
        Self {
            all: loaded.into_iter().map(|it| (id(&it).clone(), it)).collect(),
            changed: BTreeSet::new(),
        }
    }

    /// The state of this id.
    pub fn get(&self, id: &K) -> Option<&S> {
        self.all.get(id)
    }

    /// All of them, in no order.
    pub fn values(&self) -> impl Iterator<Item = &S> {
        self.all.values()
    }

    /// Has this be the state from now on.
    pub fn put(&mut self, id: &K, state: S) {
        self.all.insert(id.clone(), state);
        self.changed.insert(id.clone());
    }

    /// Has a state become what `evolve` makes of it; where that is nothing there is none.
    pub fn evolve(&mut self, id: &K, evolve: impl FnOnce(Option<S>) -> Option<S>) {
        if let Some(after) = evolve(self.all.remove(id)) {
            self.put(id, after);
        }
    }

    /// Those that changed, in the order of their ids.
    pub fn changed(&self) -> Vec<&S> {
        let changed = self.changed.iter();
        changed.filter_map(|id| self.all.get(id)).collect()
    }
}
