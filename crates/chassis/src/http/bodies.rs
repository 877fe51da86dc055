//! Bodies that are on their way, of requests and of answers. They are bounded apart from the requests that are answered, and when there is no
//! room for another, the one that has been on its way longest is ended, of whoever has most of them: slow clients lose to others.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use metrics::{Counter, Gauge, counter, gauge};
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

/// Which way bodies go.
#[derive(Debug, Clone, Copy)]
pub(super) enum Way {
    /// Of requests.
    Coming,
    /// Of answers.
    Going,
}

/// All bodies that are on their way in one direction.
#[derive(Debug)]
pub(super) struct Bodies {
    way: Way,
    most: usize,
    most_bytes: usize,
    percent: Percent,
    moving: Mutex<Moving>,
}

#[derive(Debug, Default)]
struct Moving {
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
pub(super) struct OnItsWay {
    bodies: Arc<Bodies>,
    number: u64,
}

impl Way {
    fn gauge(self) -> Gauge {
        match self {
            Self::Coming => gauge!("http_bodies_coming"),
            Self::Going => gauge!("http_answers_going"),
        }
    }

    fn displaced(self) -> Counter {
        match self {
            Self::Coming => counter!("http_bodies_ended_total", "reason" => "displaced"),
            Self::Going => counter!("http_answers_ended_total"),
        }
    }
}

impl Bodies {
    /// So many bodies and bytes, of which one holder may have a part.
    pub(super) fn new(way: Way, most: usize, most_bytes: usize, percent: Percent) -> Arc<Self> {
        Arc::new(Self {
            way,
            most,
            most_bytes,
            percent,
            moving: Mutex::default(),
        })
    }

    /// Room for one more of this length, at the expense of another if need be, or of itself where it is of who has most. When it is its turn to
    /// go, `displaced` is cancelled.
    pub(super) fn begin(
        self: &Arc<Self>,
        holders: Vec<Holder>,
        bytes: usize,
        displaced: CancellationToken,
    ) -> OnItsWay {
        let mut moving = self.lock();
        let number = moving.next;
        let body = Body {
            holders,
            bytes,
            displaced,
        };
        moving.next += 1;
        moving.bytes += bytes;
        moving.bodies.insert(number, body);
        self.way.gauge().increment(1);
        while let Some(other) = self.in_the_way(&moving, number) {
            if let Some(body) = self.take(&mut moving, other) {
                self.way.displaced().increment(1);
                body.displaced.cancel();
            }
        }
        drop(moving);
        OnItsWay {
            bodies: Arc::clone(self),
            number,
        }
    }

    /// The body that must go, since there are too many or too long ones with the newest.
    fn in_the_way(&self, moving: &Moving, newest: u64) -> Option<u64> {
        let all = || moving.bodies.iter();
        let newest = moving.bodies.get(&newest);
        for holder in newest.map_or(&[][..], |newest| &newest.holders) {
            let share = self.percent.of(self.most, holder);
            let of_holder = || all().filter(|(_, body)| body.holders.contains(holder));
            if moving.bodies.len() > share && of_holder().count() > share {
                return self.oldest_of_who_has_most(of_holder(), |_| 1);
            }
        }
        if moving.bodies.len() > self.most {
            return self.oldest_of_who_has_most(all(), |_| 1);
        }
        let is_full = moving.bytes > self.most_bytes;
        is_full
            .then(|| self.oldest_of_who_has_most(all(), |body| body.bytes))
            .flatten()
    }

    /// Of bodies in the order of their age. Who has most has most of its share; where several bodies are of such a holder,
    /// as when all came from one address, their other holder distinguishes them.
    fn oldest_of_who_has_most<'a>(
        &self,
        bodies: impl Iterator<Item = (&'a u64, &'a Body)> + Clone,
        measure: impl Fn(&Body) -> usize,
    ) -> Option<u64> {
        let mut of: HashMap<Holder, usize> = HashMap::new();
        for (_, body) in bodies.clone() {
            for holder in &body.holders {
                *of.entry(*holder).or_default() += measure(body);
            }
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

    fn take(&self, moving: &mut Moving, number: u64) -> Option<Body> {
        let body = moving.bodies.remove(&number)?;
        moving.bytes -= body.bytes;
        self.way.gauge().decrement(1);
        Some(body)
    }

    fn lock(&self) -> MutexGuard<'_, Moving> {
        self.moving.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for OnItsWay {
    fn drop(&mut self) {
        let bodies = &self.bodies;
        bodies.take(&mut bodies.lock(), self.number);
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

    fn bodies(most: usize, percent: Percent) -> Arc<Bodies> {
        Bodies::new(Way::Coming, most, 1_000, percent)
    }

    struct Begun {
        _on_its_way: OnItsWay,
        displaced: CancellationToken,
    }

    impl Bodies {
        fn expect(self: &Arc<Self>, holders: Vec<Holder>, bytes: usize) -> Begun {
            let displaced = CancellationToken::new();
            Begun {
                _on_its_way: self.begin(holders, bytes, displaced.clone()),
                displaced,
            }
        }
    }

    fn displaced(begun: &[Begun]) -> Vec<bool> {
        let displaced = begun.iter().map(|one| one.displaced.is_cancelled());
        displaced.collect()
    }

    #[test]
    fn a_newcomer_has_room_at_the_expense_of_the_oldest_of_who_has_most() {
        let bodies = bodies(4, percent(75));
        let mut coming = vec![bodies.expect(of("small"), 1)];
        coming.extend((0..3).map(|_| bodies.expect(of("large"), 1)));
        assert_eq!(displaced(&coming), [false; 4]);
        coming.push(bodies.expect(of("large"), 1));
        assert_eq!(displaced(&coming), [false, true, false, false, false]);
        coming.push(bodies.expect(of("other"), 1));
        assert_eq!(displaced(&coming), [false, true, true, false, false, false]);
        drop(coming);
        assert_eq!(bodies.lock().bytes, 0);
    }

    #[test]
    fn bytes_are_bounded_as_they_are_announced() {
        let bodies = bodies(4, percent(100));
        let coming = [
            bodies.expect(of("a"), 600),
            bodies.expect(of("b"), 400),
            bodies.expect(of("c"), 1),
        ];
        assert_eq!(displaced(&coming), [true, false, false]);
        assert_eq!(bodies.lock().bytes, 401);
    }

    #[test]
    fn where_bytes_are_short_who_has_most_of_them_loses_however_few_its_bodies_are() {
        let bodies = bodies(100, percent(100));
        let mut begun = (0..10)
            .map(|_| bodies.expect(of("small"), 10))
            .collect::<Vec<_>>();
        begun.extend((0..3).map(|_| bodies.expect(of("large"), 300)));
        assert_eq!(displaced(&begun), [false; 13]);
        begun.push(bodies.expect(of("other"), 100));
        let mut expected = [false; 14];
        expected[10] = true;
        assert_eq!(displaced(&begun), expected);
    }

    #[test]
    fn who_comes_with_more_bytes_than_anybody_else_has_ends_nobody_elses() {
        let bodies = bodies(100, percent(100));
        let begun = [
            ("small", 300),
            ("other", 300),
            ("large", 600),
            ("huge", 2_000),
        ]
        .map(|(subject, bytes)| bodies.expect(of(subject), bytes));
        assert_eq!(displaced(&begun), [false, false, true, true]);
        assert_eq!(bodies.lock().bytes, 600);
    }

    #[test]
    fn one_address_with_many_subjects_has_its_share_only() {
        let bodies = bodies(4, percent(50));
        let coming = ["a", "b", "c"].map(|subject| bodies.expect(from(subject, [10, 0, 0, 1]), 1));
        assert_eq!(displaced(&coming), [true, false, false]);
    }

    #[test]
    fn many_addresses_of_few_subjects_end_nobody_elses_bodies() {
        let bodies = Bodies::new(Way::Coming, 1_024, 1 << 20, Percent::default());
        let honest = [0, 1].map(|_| bodies.expect(from("honest", [10, 0, 0, 1]), 1));
        let flood: Vec<_> = (0..=255)
            .flat_map(|n| [0, 1, 2, 3].map(|subject| (subject, n)))
            .map(|(subject, n)| {
                let holders = from(&subject.to_string(), [192, 0, subject, n]);
                bodies.expect(holders, 1)
            })
            .collect();
        assert_eq!(displaced(&honest), [false, false]);
        assert_eq!(displaced(&flood).iter().filter(|ended| **ended).count(), 2);
    }

    #[test]
    fn at_one_address_the_oldest_of_the_subject_with_most_is_ended() {
        let bodies = bodies(8, Percent::default());
        let subjects = ["honest", "many", "many", "other"];
        let mut coming = subjects
            .map(|subject| bodies.expect(from(subject, [10, 0, 0, 1]), 1))
            .into_iter()
            .collect::<Vec<_>>();
        coming.push(bodies.expect(from("another", [10, 0, 0, 1]), 1));
        assert_eq!(displaced(&coming), [false, true, false, false, false]);
    }

    #[test]
    fn a_longer_body_may_take_longer() {
        assert_eq!(longest(0), Duration::from_secs(5));
        assert_eq!(longest(64 * 1024), Duration::from_secs(13));
    }
}
