//! Bodies that are on their way. They are bounded apart from the requests that are answered, and when there is no room for
//! another, the one that has been on its way longest is ended, of whoever has most of them: slow senders lose to others.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use metrics::{counter, gauge};
use tokio_util::sync::CancellationToken;

use super::shares::{Holder, Percent};

/// The first bytes may take this long,
const GRACE: Duration = Duration::from_secs(5);
/// and all of them no longer than at this rate.
const LEAST_BYTES_PER_SECOND: u64 = 8 * 1024;

/// How long a body of this length may take.
pub(super) fn longest(bytes: usize) -> Duration {
    let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
    GRACE.saturating_add(Duration::from_millis(
        bytes.saturating_mul(1_000) / LEAST_BYTES_PER_SECOND,
    ))
}

/// All bodies that are on their way.
#[derive(Debug)]
pub(super) struct Arrivals {
    most: usize,
    most_bytes: usize,
    percent: Percent,
    coming: Mutex<Coming>,
}

#[derive(Debug, Default)]
struct Coming {
    next: u64,
    bytes: usize,
    /// By age.
    bodies: BTreeMap<u64, Body>,
}

#[derive(Debug)]
struct Body {
    holders: Vec<Holder>,
    bytes: usize,
    displaced: CancellationToken,
}

/// One body that is on its way, until this is dropped.
#[derive(Debug)]
pub(super) struct Arrival {
    arrivals: Arc<Arrivals>,
    number: u64,
    displaced: CancellationToken,
}

impl Arrivals {
    /// So many bodies and bytes, of which one holder may have a part.
    pub(super) fn new(most: usize, most_bytes: usize, percent: Percent) -> Arc<Self> {
        Arc::new(Self {
            most,
            most_bytes,
            percent,
            coming: Mutex::default(),
        })
    }

    /// Room for one more of this length, at the expense of another if need be.
    pub(super) fn expect(self: &Arc<Self>, holders: Vec<Holder>, bytes: usize) -> Arrival {
        let mut coming = self.lock();
        while let Some(number) = self.in_the_way(&coming, &holders, bytes) {
            if let Some(body) = coming.take(number) {
                counter!("http_bodies_ended_total", "reason" => "displaced").increment(1);
                body.displaced.cancel();
            }
        }
        let number = coming.next;
        let displaced = CancellationToken::new();
        let body = Body {
            holders,
            bytes,
            displaced: displaced.clone(),
        };
        coming.next += 1;
        coming.bytes += bytes;
        coming.bodies.insert(number, body);
        gauge!("http_bodies_coming").increment(1);
        Arrival {
            arrivals: Arc::clone(self),
            number,
            displaced,
        }
    }

    /// The body that must go before one of these holders has room.
    fn in_the_way(&self, coming: &Coming, holders: &[Holder], bytes: usize) -> Option<u64> {
        let all = || coming.bodies.iter();
        for holder in holders {
            let share = self.percent.of(self.most, holder);
            let of_holder = || all().filter(|(_, body)| body.holders.contains(holder));
            if coming.bodies.len() >= share && of_holder().count() >= share {
                return self.oldest_of_who_has_most(of_holder());
            }
        }
        let full = coming.bodies.len() >= self.most || coming.bytes + bytes > self.most_bytes;
        full.then(|| self.oldest_of_who_has_most(all())).flatten()
    }

    /// Of bodies in the order of their age. Who has most has most of its share; where several bodies are of such a holder,
    /// as when all came from one address, their other holder distinguishes them.
    fn oldest_of_who_has_most<'a>(
        &self,
        bodies: impl Iterator<Item = (&'a u64, &'a Body)> + Clone,
    ) -> Option<u64> {
        let mut of: HashMap<Holder, usize> = HashMap::new();
        for holder in bodies.clone().flat_map(|(_, body)| &body.holders) {
            *of.entry(*holder).or_default() += 1;
        }
        let part = |holder: &Holder| {
            of[holder].saturating_mul(1_000) / self.percent.percent(holder).max(1)
        };
        let weight = |body: &Body| {
            let parts = body.holders.iter().map(part);
            parts.fold((0, 0), |(most, all), part| (part.max(most), all + part))
        };
        let heaviest = bodies.max_by_key(|(number, body)| (weight(body), Reverse(**number)));
        heaviest.map(|(number, _)| *number)
    }

    fn lock(&self) -> MutexGuard<'_, Coming> {
        self.coming.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Coming {
    fn take(&mut self, number: u64) -> Option<Body> {
        let body = self.bodies.remove(&number)?;
        self.bytes -= body.bytes;
        gauge!("http_bodies_coming").decrement(1);
        Some(body)
    }
}

impl Arrival {
    /// Waits until the body has to go.
    pub(super) async fn displaced(&self) {
        self.displaced.cancelled().await;
    }
}

impl Drop for Arrival {
    fn drop(&mut self) {
        self.arrivals.lock().take(self.number);
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn percent(of_one: u8) -> Percent {
        Percent {
            subject: of_one,
            address: of_one,
        }
    }

    fn of(subject: &str) -> Vec<Holder> {
        let id = Uuid::new_v5(&Uuid::nil(), subject.as_bytes());
        vec![Holder::Subject(id)]
    }

    fn from(subject: &str, address: [u8; 4]) -> Vec<Holder> {
        [of(subject), vec![Holder::at(address.into())]].concat()
    }

    fn displaced(arrivals: &[Arrival]) -> Vec<bool> {
        let displaced = arrivals.iter().map(|one| one.displaced.is_cancelled());
        displaced.collect()
    }

    #[test]
    fn a_newcomer_has_room_at_the_expense_of_the_oldest_of_who_has_most() {
        let arrivals = Arrivals::new(4, 1_000, percent(75));
        let mut coming = vec![arrivals.expect(of("small"), 1)];
        coming.extend((0..3).map(|_| arrivals.expect(of("large"), 1)));
        assert_eq!(displaced(&coming), [false; 4]);
        coming.push(arrivals.expect(of("large"), 1));
        assert_eq!(displaced(&coming), [false, true, false, false, false]);
        coming.push(arrivals.expect(of("other"), 1));
        assert_eq!(displaced(&coming), [false, true, true, false, false, false]);
        drop(coming);
        assert_eq!(arrivals.lock().bytes, 0);
    }

    #[test]
    fn bytes_are_bounded_as_they_are_announced() {
        let arrivals = Arrivals::new(4, 1_000, percent(100));
        let coming = [
            arrivals.expect(of("a"), 600),
            arrivals.expect(of("b"), 400),
            arrivals.expect(of("c"), 1),
        ];
        assert_eq!(displaced(&coming), [true, false, false]);
        assert_eq!(arrivals.lock().bytes, 401);
    }

    #[test]
    fn one_address_with_many_subjects_has_its_share_only() {
        let arrivals = Arrivals::new(4, 1_000, percent(50));
        let coming =
            ["a", "b", "c"].map(|subject| arrivals.expect(from(subject, [10, 0, 0, 1]), 1));
        assert_eq!(displaced(&coming), [true, false, false]);
    }

    #[test]
    fn many_addresses_of_few_subjects_end_nobody_elses_bodies() {
        let arrivals = Arrivals::new(1_024, 1 << 20, Percent::default());
        let honest = [0, 1].map(|_| arrivals.expect(from("honest", [10, 0, 0, 1]), 1));
        let flood: Vec<_> = (0..=255)
            .flat_map(|n| [0, 1, 2, 3].map(|subject| (subject, n)))
            .map(|(subject, n)| {
                let holders = from(&subject.to_string(), [192, 0, subject, n]);
                arrivals.expect(holders, 1)
            })
            .collect();
        assert_eq!(displaced(&honest), [false, false]);
        assert_eq!(displaced(&flood).iter().filter(|ended| **ended).count(), 2);
    }

    #[test]
    fn at_one_address_the_oldest_of_the_subject_with_most_is_ended() {
        let arrivals = Arrivals::new(8, 1_000, Percent::default());
        let subjects = ["honest", "many", "many", "other"];
        let mut coming = subjects
            .map(|subject| arrivals.expect(from(subject, [10, 0, 0, 1]), 1))
            .into_iter()
            .collect::<Vec<_>>();
        coming.push(arrivals.expect(from("another", [10, 0, 0, 1]), 1));
        assert_eq!(displaced(&coming), [false, true, false, false, false]);
    }

    #[test]
    fn a_longer_body_may_take_longer() {
        assert_eq!(longest(0), Duration::from_secs(5));
        assert_eq!(longest(64 * 1024), Duration::from_secs(13));
    }
}
