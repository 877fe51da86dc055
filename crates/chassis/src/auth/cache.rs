//! Remembers verified tokens, a bounded number of them, no longer than they are valid.

use std::collections::HashMap;
use std::mem;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::digest::{SHA256, digest};

/// Entries of one generation; two generations are kept.
const GENERATION: usize = 1024;

type Key = [u8; 32];
type Generation<T> = HashMap<Key, (Range<u64>, T)>;

/// Keyed by the token's SHA-256, so that no token stays in memory. A full generation becomes the
/// old one, and what is still used moves back from there.
pub(super) struct Cache<T> {
    generations: Mutex<(Generation<T>, Generation<T>)>,
}

impl<T> Default for Cache<T> {
    fn default() -> Self {
        Self {
            generations: Mutex::new((HashMap::new(), HashMap::new())),
        }
    }
}

impl<T: Clone> Cache<T> {
    /// What was put for the token, while it is valid.
    pub(super) fn get(&self, token: &str, now: u64) -> Option<T> {
        let key = key(token);
        let mut generations = self
            .generations
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let (young, old) = &mut *generations;
        if let Some((valid, value)) = young.get(&key) {
            return valid.contains(&now).then(|| value.clone());
        }
        let (valid, value) = old.remove(&key)?;
        if !valid.contains(&now) {
            return None;
        }
        insert(young, old, key, (valid, value.clone()));
        Some(value)
    }

    /// Remembers the value for the seconds in which it is valid.
    pub(super) fn put(&self, token: &str, valid: Range<u64>, value: T) {
        let mut generations = self
            .generations
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let (young, old) = &mut *generations;
        insert(young, old, key(token), (valid, value));
    }
}

fn insert<T>(young: &mut Generation<T>, old: &mut Generation<T>, key: Key, entry: (Range<u64>, T)) {
    if young.len() >= GENERATION {
        *old = mem::take(young);
    }
    young.insert(key, entry);
}

fn key(token: &str) -> Key {
    let mut key = [0; 32];
    key.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_lives_as_long_as_its_token() {
        let cache = Cache::default();
        cache.put("t", 10..20, 1);
        assert_eq!(cache.get("t", 10), Some(1));
        assert_eq!(cache.get("t", 20), None);
        assert_eq!(cache.get("other", 10), None);
    }

    #[test]
    fn the_cache_stays_bounded_and_keeps_what_is_used() {
        let cache = Cache::default();
        cache.put("used", 0..99, 0);
        for n in 1..5_000 {
            cache.put(&n.to_string(), 0..99, n);
            assert_eq!(cache.get("used", 1), Some(0));
        }
        let generations = cache.generations.lock().unwrap();
        assert!(generations.0.len() + generations.1.len() <= 2 * GENERATION);
    }
}
