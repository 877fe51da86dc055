//! Where codes lead, remembered: links never change, so what was read once stays true, also with the database away.

use std::collections::HashMap;
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};

use types::LinkCode;

use crate::store::links::Target;

/// Links in one generation. A target has at most 2 KiB, so both generations stay under 10 MiB.
const GENERATION: usize = 2_048;

/// The links that were used last: when the young generation is full, the old one is forgotten.
#[derive(Default)]
pub(super) struct LinkCache(Mutex<Generations>);

#[derive(Default)]
struct Generations {
    young: HashMap<LinkCode, Arc<Target>>,
    old: HashMap<LinkCode, Arc<Target>>,
}

impl LinkCache {
    pub(super) fn get(&self, code: &LinkCode) -> Option<Arc<Target>> {
        let mut links = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(target) = links.young.get(code) {
            return Some(Arc::clone(target));
        }
        let target = links.old.remove(code)?;
        links.put(code.clone(), Arc::clone(&target));
        Some(target)
    }

    pub(super) fn put(&self, code: LinkCode, target: Arc<Target>) {
        let mut links = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        links.put(code, target);
    }
}

impl Generations {
    fn put(&mut self, code: LinkCode, target: Arc<Target>) {
        if self.young.len() >= GENERATION {
            self.old = mem::take(&mut self.young);
        }
        self.young.insert(code, target);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_links_that_were_used_last_are_remembered_and_never_more_than_two_generations() {
        let cache = LinkCache::default();
        let code = |n: usize| LinkCode::parse(format!("lnk_{n}")).unwrap();
        let target = Arc::new(Target {
            campaign_id: "camp".to_owned(),
            target_url: "https://shop.example/".to_owned(),
        });
        for n in 0..GENERATION * 5 {
            cache.put(code(n), Arc::clone(&target));
            assert!(cache.get(&code(0)).is_some(), "used all the time");
        }
        let links = cache.0.lock().unwrap();
        assert!(links.young.len() + links.old.len() <= 2 * GENERATION);
        drop(links);
        assert!(cache.get(&code(1)).is_none());
        assert!(cache.get(&code(GENERATION * 5 - 1)).is_some());
    }
}
