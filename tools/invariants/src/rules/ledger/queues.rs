//! What waits for brands' funds. Very much may wait for one brand: nothing here looks through all of it.

use std::collections::{BTreeMap, HashMap};

use super::Funds;

/// A commission that waits for its brand's funds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Waiting {
    pub(super) conversion: String,
    pub(super) partner: String,
    pub(super) minor: i64,
    /// Where it stands at its partner.
    pub(super) stands: &'static str,
}

/// The queue of each brand and currency.
#[derive(Default)]
pub(super) struct Queues {
    /// By the number that each was given when it began to wait.
    of: HashMap<Funds, BTreeMap<u64, Waiting>>,
    /// Where each conversion waits.
    places: HashMap<String, Vec<(Funds, u64)>>,
    last: u64,
}

impl Queues {
    /// What waits there, in its order.
    pub(super) fn of(&self, key: &Funds) -> impl Iterator<Item = &Waiting> {
        self.of.get(key).into_iter().flat_map(BTreeMap::values)
    }

    /// How much waits there.
    pub(super) fn len(&self, key: &Funds) -> usize {
        self.of.get(key).map_or(0, BTreeMap::len)
    }

    /// Whether nothing does.
    pub(super) fn is_empty(&self, key: &Funds) -> bool {
        self.len(key) == 0
    }

    /// Where something has waited, and how much does now.
    pub(super) fn all(&self) -> impl Iterator<Item = (&Funds, usize)> {
        self.of.iter().map(|(key, queue)| (key, queue.len()))
    }

    /// A conversion that waits there.
    pub(super) fn get(&self, key: &Funds, conversion: &str) -> Option<&Waiting> {
        let number = self.number(key, conversion)?;
        self.of.get(key)?.get(&number)
    }

    /// So much more of a conversion waits: behind the others, where nothing of it did.
    pub(super) fn add(&mut self, key: &Funds, new: Waiting) {
        let number = self.number(key, &new.conversion);
        let queue = self.of.entry(key.clone()).or_default();
        if let Some(number) = number {
            if let Some(waiting) = queue.get_mut(&number) {
                waiting.minor += new.minor;
            }
            return;
        }
        self.last += 1;
        let places = self.places.entry(new.conversion.clone()).or_default();
        places.push((key.clone(), self.last));
        queue.insert(self.last, new);
    }

    /// So much less of it does: where nothing is left, it waits no more.
    pub(super) fn lessen(&mut self, key: &Funds, conversion: &str, minor: i64) {
        let number = self.number(key, conversion);
        let queue = self.of.entry(key.clone()).or_default();
        let Some(number) = number else {
            return;
        };
        let is_over = queue.get_mut(&number).is_none_or(|waiting| {
            waiting.minor -= minor;
            waiting.minor <= 0
        });
        if is_over {
            queue.remove(&number);
            self.forget(conversion, number);
        }
    }

    /// From here on a conversion stands there at its partner, wherever it waits.
    pub(super) fn stand(&mut self, conversion: &str, stands: &'static str) {
        for (key, number) in self.places.get(conversion).into_iter().flatten() {
            let queue = self.of.get_mut(key);
            if let Some(waiting) = queue.and_then(|queue| queue.get_mut(number)) {
                waiting.stands = stands;
            }
        }
    }

    /// The first so many wait no more.
    pub(super) fn take(&mut self, key: &Funds, count: usize) -> Vec<Waiting> {
        let queue = self.of.entry(key.clone()).or_default();
        let first: Vec<_> = (0..count).map_while(|_| queue.pop_first()).collect();
        for (number, waiting) in &first {
            self.forget(&waiting.conversion, *number);
        }
        first.into_iter().map(|(_, waiting)| waiting).collect()
    }

    fn number(&self, key: &Funds, conversion: &str) -> Option<u64> {
        let mut places = self.places.get(conversion)?.iter();
        let place = places.find(|(of, _)| of == key)?;
        Some(place.1)
    }

    fn forget(&mut self, conversion: &str, number: u64) {
        if let Some(places) = self.places.get_mut(conversion) {
            places.retain(|(_, other)| *other != number);
            if places.is_empty() {
                self.places.remove(conversion);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(conversion: &str, minor: i64) -> Waiting {
        Waiting {
            conversion: conversion.to_owned(),
            partner: "p1".to_owned(),
            minor,
            stands: "pending",
        }
    }

    fn funds(brand: &str) -> Funds {
        (brand.to_owned(), "USD".to_owned())
    }

    fn names<'a>(waiting: impl IntoIterator<Item = &'a Waiting>) -> Vec<(&'a str, i64)> {
        let names = waiting.into_iter();
        names.map(|it| (it.conversion.as_str(), it.minor)).collect()
    }

    #[test]
    fn what_waits_keeps_its_order_until_it_is_taken_or_nothing_is_left() {
        let (key, mut queues) = (funds("b1"), Queues::default());
        for conversion in ["a", "b", "c", "d"] {
            queues.add(&key, waiting(conversion, 10));
        }
        queues.add(&key, waiting("a", 5));
        queues.lessen(&key, "c", 4);
        queues.lessen(&key, "b", 10);
        queues.lessen(&key, "unknown", 1);
        queues.add(&key, waiting("b", 1));
        let of = names(queues.of(&key));
        assert_eq!(of, [("a", 15), ("c", 6), ("d", 10), ("b", 1)]);
        let first = queues.take(&key, 2);
        assert_eq!(names(&first), [("a", 15), ("c", 6)]);
        assert_eq!(queues.get(&key, "a"), None);
        assert_eq!(queues.get(&key, "d"), Some(&waiting("d", 10)));
        assert_eq!(names(&queues.take(&key, 9)), [("d", 10), ("b", 1)]);
        assert!(queues.is_empty(&key) && queues.places.is_empty());
        let all: Vec<_> = queues.all().collect();
        assert_eq!(all, [(&key, 0)]);
    }

    #[test]
    fn a_conversion_stands_elsewhere_wherever_it_waits() {
        let (one, other, mut queues) = (funds("b1"), funds("b2"), Queues::default());
        queues.add(&one, waiting("a", 1));
        queues.add(&other, waiting("a", 2));
        queues.add(&other, waiting("b", 3));
        queues.stand("a", "unfunded");
        let stands = |key, conversion| queues.get(key, conversion).map(|it| it.stands);
        assert_eq!(stands(&one, "a"), Some("unfunded"));
        assert_eq!(stands(&other, "a"), Some("unfunded"));
        assert_eq!(stands(&other, "b"), Some("pending"));
    }
}
