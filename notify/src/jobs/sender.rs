//! Sends what is due: of each subject of an endpoint one at a time and in order, of each endpoint a few at once, of each owner as many as
//! there is still room for, and of all together so many that receivers that are slow keep none waiting that are not.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use messaging::job::{Job, timer_command};
use schemas::{GiveWebhookEndpointUpV1, Message, Service};
use sqlx::PgPool;
use tokio::sync::Mutex;
use tokio::time::Instant;
use types::{Micros, Uuid, clock};

use super::under_way::UnderWay;
use super::{STEP, noting, schedule};
use crate::domain::{SENDER, give_up_id};
use crate::postback;
use crate::receivers::{Answered, Outgoing, Receivers, Signed};
use crate::secret::{Secrets, Versions};
use crate::store::sending::{self, Attempted, Busy, Due, GivenUp, Next};

/// Sent at once.
const MAX_AT_ONCE: usize = 256;
/// Of these to endpoints whose last attempt failed: they may hang for as long as an attempt lasts.
const MAX_FAILING_AT_ONCE: usize = 128;
/// Sent at once to one endpoint.
const MAX_TO_ONE: i64 = 8;
/// An endpoint whose attempt lasts so long counts as one that fails until it answers: it may hang.
const SLOW: Duration = Duration::from_secs(1);
/// So long after an attempt that failed an endpoint counts as one that fails: what is tried more seldom takes little room.
const FAILING_FOR: Duration = Duration::from_hours(1);
/// An endpoint that was given up is sent nothing more for so long: until it is disabled, others of its deliveries are due.
const GIVEN_UP_FOR: Duration = Duration::from_secs(10);
/// For so long it is tried to note what came of an attempt.
const NOTED_WITHIN: Duration = Duration::from_mins(1);

/// Sends what is due.
pub(crate) struct Sender {
    receivers: Receivers,
    secrets: Arc<Secrets>,
    in_flight: Mutex<InFlight>,
}

impl Sender {
    pub(crate) fn new(receivers: Receivers, secrets: Arc<Secrets>) -> Self {
        Self {
            receivers,
            secrets,
            in_flight: Mutex::default(),
        }
    }

    /// Sends one, notes what came of it and returns that; `None`: it was put off, and its receiver was sent nothing. What cannot be noted in a
    /// minute is sent again under the same id.
    fn attempt(
        &self,
        pool: PgPool,
        due: Due,
        now: Micros,
    ) -> impl Future<Output = Option<Next>> + Send + use<> {
        let (receivers, secrets) = (self.receivers.clone(), Arc::clone(&self.secrets));
        async move {
            let began = Instant::now();
            let postback = postback::of(&due);
            let is_sent = !matches!(postback, Some(Err(_)));
            let answered = match postback {
                None => send_signed(&receivers, &secrets, &due, now).await,
                Some(Ok(url)) => {
                    receivers
                        .send(Outgoing {
                            url: &url,
                            event: None,
                        })
                        .await
                }
                Some(Err(unknown)) => Err(unknown),
            };
            let took = i64::try_from(began.elapsed().as_micros()).unwrap_or(i64::MAX);
            let ended = now.checked_add_micros(took).unwrap_or(now);
            let jitter = Uuid::new_v4().as_bytes()[0];
            let next = schedule::next(due.attempts, answered.as_ref(), ended, jitter);
            let (answered, error) = match answered {
                Ok(answered) => (Some(answered), None),
                Err(error) => (None, Some(error)),
            };
            let attempted = Attempted {
                delivery: due.id,
                endpoint: due.endpoint_id,
                subject: due.subject,
                before: due.attempts,
                at: ended,
                took_ms: took / 1_000,
                status: answered.as_ref().map(|it| i32::from(it.status)),
                answer: answered.map(|it| it.answer),
                error,
                next,
            };
            let until = Instant::now() + NOTED_WITHIN;
            noting::note(attempted.delivery, until, || {
                sending::note(&pool, &attempted)
            })
            .await;
            is_sent.then_some(next)
        }
    }
}

/// Sends an event with a signature by each secret that counts.
async fn send_signed(
    receivers: &Receivers,
    secrets: &Secrets,
    due: &Due,
    now: Micros,
) -> Result<Answered, String> {
    let id = due.id.to_string();
    let versions = Versions {
        current: due.secret_version,
        previous_until: due.previous_until.map(Micros),
    };
    let timestamp = clock::real().get() / 1_000_000;
    let signed = (id.as_str(), timestamp, due.body.as_str());
    let event = Signed {
        id: &id,
        timestamp,
        signatures: secrets.signatures(&due.endpoint_id, versions, now, signed),
        body: due.body.clone(),
    };
    let outgoing = Outgoing {
        url: &due.url,
        event: Some(event),
    };
    receivers.send(outgoing).await
}

impl Job for Sender {
    const NAME: &'static str = SENDER;

    async fn due(
        &self,
        pool: &PgPool,
        now: Micros,
        passed: i64,
    ) -> Result<Vec<Message>, sqlx::Error> {
        let began = Instant::now();
        let mut in_flight = self.in_flight.lock().await;
        in_flight.forget(Instant::now());
        let looked = sending::free(pool, now, in_flight.looked_behind).await?;
        in_flight.looked_behind = looked.unwrap_or_default();
        loop {
            let since = i64::try_from(began.elapsed().as_micros()).unwrap_or_default();
            let now = now.checked_add_micros(since).unwrap_or(now);
            let room = MAX_AT_ONCE.saturating_sub(in_flight.deliveries.held.len());
            if room > 0 {
                let room = i64::try_from(room).unwrap_or_default();
                for due in sending::due(pool, now, &in_flight.busy(Instant::now()), room).await? {
                    let held = Held::of(&due);
                    if !in_flight.may_begin(&held) {
                        continue;
                    }
                    let attempt = self.attempt(pool.clone(), due, now);
                    in_flight.deliveries.start(held, attempt);
                }
            }
            in_flight.ended().await;
            if in_flight.deliveries.held.is_empty() || began.elapsed() >= STEP {
                break;
            }
        }
        let given_up = sending::given_up(pool, passed).await?;
        Ok(given_up.into_iter().map(|it| give_up(it, now)).collect())
    }
}

/// One command for each time that an endpoint was enabled.
pub(super) fn give_up(given_up: GivenUp, now: Micros) -> Message {
    let GivenUp {
        endpoint_id,
        reason,
        since,
    } = given_up;
    let id = give_up_id(&endpoint_id, Micros(since));
    timer_command(
        Service::Notify,
        "notify.give_webhook_endpoint_up.command.v1",
        id,
        endpoint_id,
        now,
        GiveWebhookEndpointUpV1 { reason },
    )
}

/// Attempts under way: none of these deliveries is taken a second time.
#[derive(Default)]
struct InFlight {
    deliveries: UnderWay<Held, Option<Next>>,
    /// Endpoints whose last attempt failed, with when that was.
    failing: HashMap<String, Instant>,
    /// Endpoints that are to be disabled, with since when.
    given_up: HashMap<String, Instant>,
    /// Up to where it was looked for what waits behind others, and is the first by now.
    looked_behind: i64,
}

/// A delivery under way.
#[derive(Debug)]
struct Held {
    delivery: Uuid,
    endpoint: String,
    owner: String,
    since: Instant,
}

impl Held {
    fn of(due: &Due) -> Self {
        Self {
            delivery: due.id,
            endpoint: due.endpoint_id.clone(),
            owner: due.owner.clone(),
            since: Instant::now(),
        }
    }
}

impl InFlight {
    /// Whether an owner has as many under way as there is still room for: each whose endpoints hang leaves half of it to the next.
    fn is_full(&self, owner: &str) -> bool {
        let room = MAX_AT_ONCE.saturating_sub(self.deliveries.held.len());
        let under_way = self.deliveries.held.values().filter(|it| it.owner == owner);
        under_way.count() >= room
    }

    /// Whether this one may be begun. The look that found it counted what was under way then: what was begun of it since counts too.
    fn may_begin(&self, next: &Held) -> bool {
        if self.is_full(&next.owner) || self.given_up.contains_key(&next.endpoint) {
            return false;
        }
        let slow = self.slow(next.since);
        let may_hang = self.failing.contains_key(&next.endpoint) || slow.contains(&*next.endpoint);
        !(may_hang && self.failing_are_full(&slow))
    }

    /// Endpoints whose attempts under way last so long that they count as failing.
    fn slow(&self, now: Instant) -> HashSet<&str> {
        let under_way = self.deliveries.held.values();
        let slow = under_way.filter(|it| now.duration_since(it.since) >= SLOW);
        slow.map(|it| &*it.endpoint).collect()
    }

    /// Whether as many are under way to endpoints that fail, or are slow, as may be.
    fn failing_are_full(&self, slow: &HashSet<&str>) -> bool {
        let under_way = self.deliveries.held.values();
        let of_failing = under_way
            .filter(|it| self.failing.contains_key(&it.endpoint) || slow.contains(&*it.endpoint));
        of_failing.count() >= MAX_FAILING_AT_ONCE
    }

    /// Forgets those that have failed long ago: one that was disabled or removed, or for which nothing is due, is tried no more.
    fn forget(&mut self, now: Instant) {
        self.failing
            .retain(|_, last| now.duration_since(*last) < FAILING_FOR);
        self.given_up
            .retain(|_, since| now.duration_since(*since) < GIVEN_UP_FOR);
    }

    /// What is under way now, and how much more may be.
    fn busy(&self, now: Instant) -> Busy {
        let mut under_way: HashMap<&str, i64> = HashMap::new();
        for held in self.deliveries.held.values() {
            *under_way.entry(&held.endpoint).or_default() += 1;
        }
        for endpoint in self.failing.keys().chain(self.given_up.keys()) {
            under_way.entry(endpoint).or_default();
        }
        let slow = self.slow(now);
        let is_full = self.failing_are_full(&slow);
        let rooms = under_way.into_iter().map(|(endpoint, count)| {
            let may_hang = self.failing.contains_key(endpoint) || slow.contains(endpoint);
            let is_given_up = self.given_up.contains_key(endpoint);
            let most = match (may_hang || is_given_up, is_full || is_given_up) {
                (true, true) => 0,
                (true, false) => 1,
                (false, _) => MAX_TO_ONE,
            };
            (endpoint.to_owned(), (most - count).max(0))
        });
        let owners: HashSet<&str> = self.deliveries.held.values().map(|it| &*it.owner).collect();
        let full_owners = owners.into_iter().filter(|owner| self.is_full(owner));
        Busy {
            held: self
                .deliveries
                .held
                .values()
                .map(|it| it.delivery)
                .collect(),
            rooms: rooms.collect(),
            room_of_others: MAX_TO_ONE,
            full_owners: full_owners.map(str::to_owned).collect(),
        }
    }

    /// Takes note of the attempts that have ended, after a while of the first.
    async fn ended(&mut self) {
        for (held, ended) in self.deliveries.ended().await {
            match ended {
                Ok(None) => {}
                Ok(Some(Next::Delivered)) => {
                    self.failing.remove(&held.endpoint);
                }
                Ok(Some(Next::GiveUp(_))) => {
                    self.failing.remove(&held.endpoint);
                    self.given_up.insert(held.endpoint, Instant::now());
                }
                Ok(Some(Next::At(_))) => {
                    self.failing.insert(held.endpoint, Instant::now());
                }
                Err(error) => {
                    tracing::error!(?held, %error, "an attempt to send broke off: it is made again");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room_of(busy: &Busy, endpoint: &str) -> i64 {
        let known = busy.rooms.iter().find(|(it, _)| it == endpoint);
        known.map_or(busy.room_of_others, |(_, room)| *room)
    }

    fn held(owner: &str, endpoint: &str) -> Held {
        Held {
            delivery: Uuid::new_v4(),
            endpoint: endpoint.to_owned(),
            owner: owner.to_owned(),
            since: Instant::now(),
        }
    }

    fn hang(in_flight: &mut InFlight, owner: &str, endpoint: &str) {
        let held = held(owner, endpoint);
        in_flight.deliveries.start(held, std::future::pending());
    }

    #[tokio::test]
    async fn an_owner_whose_endpoints_hang_leaves_half_of_the_room_to_others() {
        let mut in_flight = InFlight::default();
        let mut under_way = Vec::new();
        for owner in ["brand 1", "partner 1", "brand 2", "partner 2"] {
            let mut begun = 0;
            while !in_flight.is_full(owner) {
                hang(&mut in_flight, owner, owner);
                begun += 1;
            }
            under_way.push(begun);
        }
        assert_eq!(under_way, [128, 64, 32, 16]);
        let mut full = in_flight.busy(Instant::now()).full_owners;
        full.sort();
        assert_eq!(full, ["brand 1", "brand 2", "partner 1", "partner 2"]);
        let (first, of_first) = in_flight.deliveries.held.iter().next().unwrap();
        let (first, owner) = (*first, of_first.owner.clone());
        in_flight.deliveries.held.remove(&first);
        assert_eq!(in_flight.deliveries.held.len(), 239);
        assert_eq!(in_flight.is_full(&owner), owner != "partner 2");
    }

    #[tokio::test]
    async fn an_endpoint_counts_as_failing_until_it_is_given_up_or_was_not_tried_for_an_hour() {
        let mut in_flight = InFlight::default();
        let fails = Some(Next::At(Micros(0)));
        let was_put_off = None;
        for (endpoint, next) in [
            ("whe_fails", fails),
            ("whe_gone", fails),
            ("whe_mended", fails),
            ("whe_gone", Some(Next::GiveUp("gone"))),
            ("whe_mended", Some(Next::Delivered)),
            ("whe_fails", was_put_off),
            ("whe_waits", was_put_off),
        ] {
            let held = held("brand 1", endpoint);
            in_flight.deliveries.start(held, std::future::ready(next));
            while !in_flight.deliveries.held.is_empty() {
                in_flight.ended().await;
            }
        }
        let mut rooms = in_flight.busy(Instant::now()).rooms;
        rooms.sort();
        assert_eq!(
            rooms,
            [("whe_fails".to_owned(), 1), ("whe_gone".to_owned(), 0)]
        );
        assert!(
            !in_flight.may_begin(&held("brand 1", "whe_gone")),
            "it is to be disabled"
        );
        in_flight.forget(Instant::now());
        assert_eq!(in_flight.failing.len(), 1);
        in_flight.forget(Instant::now() + GIVEN_UP_FOR);
        assert!(in_flight.may_begin(&held("brand 1", "whe_gone")));
        in_flight.forget(Instant::now() + FAILING_FOR);
        assert_eq!(in_flight.busy(Instant::now()).rooms, []);
    }

    #[tokio::test]
    async fn endpoints_that_fail_are_begun_at_half_of_the_places_however_many_were_found_due() {
        let mut in_flight = InFlight::default();
        let owners: Vec<String> = (0..200).map(|it| format!("brand {it}")).collect();
        for owner in &owners {
            in_flight.failing.insert(owner.clone(), Instant::now());
        }
        let mut begun = 0;
        for owner in &owners {
            if in_flight.may_begin(&held(owner, owner)) {
                hang(&mut in_flight, owner, owner);
                begun += 1;
            }
        }
        assert_eq!(begun, MAX_FAILING_AT_ONCE);
        assert_eq!(
            room_of(&in_flight.busy(Instant::now()), "brand 199"),
            0,
            "what is looked for next is of others"
        );
        assert!(in_flight.may_begin(&held("brand 199", "whe_healthy")));
    }

    #[tokio::test]
    async fn an_endpoint_that_says_nothing_for_a_second_is_begun_no_more_at_before_it_answers() {
        let mut in_flight = InFlight::default();
        for _ in 0..3 {
            hang(&mut in_flight, "brand 1", "whe_hangs");
        }
        let at_once = Instant::now();
        assert_eq!(room_of(&in_flight.busy(at_once), "whe_hangs"), 5);
        let later = in_flight.busy(at_once + SLOW);
        assert_eq!(room_of(&later, "whe_hangs"), 0);
        assert_eq!(room_of(&later, "whe_other"), MAX_TO_ONE);
    }
}
