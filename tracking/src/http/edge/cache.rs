//! Where codes lead, remembered. What was read stays true until a link changes, or a campaign or an enrollment stops, and that is
//! known to every process before long; with the database away it is what there is.

use std::collections::HashMap;
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};

use types::LinkCode;

use crate::store::links::Target;

/// Links in one generation. A target has at most 2 KiB and its UTM parameters 6 KiB, so both generations stay under 40 MiB.
const GENERATION: usize = 2_048;

/// The links that were used last: when the young generation is full, the old one is forgotten.
#[derive(Default)]
pub(super) struct LinkCache(Mutex<Links>);

#[derive(Default)]
struct Links {
    young: HashMap<LinkCode, Remembered>,
    old: HashMap<LinkCode, Remembered>,
    stop: Stop,
}

/// The event that last stopped links, or changed one, as this process knows it; `None` when none has.
pub(super) type Stop = Option<i64>;

/// What was read, and the last stop that was known when it was.
#[derive(Clone)]
struct Remembered {
    target: Arc<Target>,
    stop: Stop,
}

/// What is remembered of a link.
pub(super) enum Known {
    /// Nothing has stopped since it was read.
    Fresh(Arc<Target>),
    /// Something has stopped, this link or another: to be read again, if that can be.
    Stale(Arc<Target>),
    /// Nothing.
    Unknown,
}

impl LinkCache {
    pub(super) fn get(&self, code: &LinkCode) -> Known {
        let mut links = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let remembered = match links.young.get(code) {
            Some(remembered) => remembered.clone(),
            None => match links.old.remove(code) {
                Some(remembered) => {
                    links.put(code.clone(), remembered.clone());
                    remembered
                }
                None => return Known::Unknown,
            },
        };
        if remembered.stop == links.stop {
            Known::Fresh(remembered.target)
        } else {
            Known::Stale(remembered.target)
        }
    }

    /// The last stop that is known: to be looked up before a link is read, and remembered with it.
    pub(super) fn stop(&self) -> Stop {
        let links = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        links.stop
    }

    /// Remembers a link that was read when this was the last stop.
    pub(super) fn put(&self, code: LinkCode, target: Arc<Target>, stop: Stop) {
        let mut links = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        links.put(code, Remembered { target, stop });
    }

    /// Forgets a link.
    pub(super) fn forget(&self, code: &LinkCode) {
        let mut links = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        links.young.remove(code);
        links.old.remove(code);
    }

    /// This is the last stop now: any other than before, since a restored database may have gone back.
    pub(super) fn stopped(&self, stop: Stop) {
        let mut links = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        links.stop = stop;
    }
}

impl Links {
    fn put(&mut self, code: LinkCode, remembered: Remembered) {
        if self.young.len() >= GENERATION {
            self.old = mem::take(&mut self.young);
        }
        self.young.insert(code, remembered);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target() -> Arc<Target> {
        Arc::new(Target {
            campaign_id: "camp".to_owned(),
            brand_id: "brand".to_owned(),
            url: "https://shop.example/".to_owned(),
            live: true,
            deep_paths: false,
            trusts_redirects: false,
            ends_at: None,
        })
    }

    fn code(n: usize) -> LinkCode {
        LinkCode::parse(format!("lnk_{n}")).unwrap()
    }

    #[test]
    fn the_links_that_were_used_last_are_remembered_and_never_more_than_two_generations() {
        let cache = LinkCache::default();
        for n in 0..GENERATION * 5 {
            cache.put(code(n), target(), None);
            assert!(
                matches!(cache.get(&code(0)), Known::Fresh(_)),
                "used all the time"
            );
        }
        let links = cache.0.lock().unwrap();
        assert!(links.young.len() + links.old.len() <= 2 * GENERATION);
        drop(links);
        assert!(matches!(cache.get(&code(1)), Known::Unknown));
        let last = cache.get(&code(GENERATION * 5 - 1));
        assert!(matches!(last, Known::Fresh(_)));
    }

    #[test]
    fn after_a_stop_every_link_is_read_again_and_one_that_was_read_meanwhile_too() {
        let cache = LinkCache::default();
        let read_before = cache.stop();
        cache.put(code(1), target(), read_before);
        cache.stopped(Some(7));
        assert!(matches!(cache.get(&code(1)), Known::Stale(_)));
        cache.put(code(2), target(), read_before);
        assert!(matches!(cache.get(&code(2)), Known::Stale(_)));
        cache.put(code(1), target(), cache.stop());
        assert!(matches!(cache.get(&code(1)), Known::Fresh(_)));
        // A database that was restored has gone back.
        cache.stopped(Some(5));
        assert!(matches!(cache.get(&code(1)), Known::Stale(_)));
        cache.forget(&code(1));
        assert!(matches!(cache.get(&code(1)), Known::Unknown));
    }
}
