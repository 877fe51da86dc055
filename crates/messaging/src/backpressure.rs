//! Backpressure: while a backlog of commands is worked off, those who follow what comes of it are asked how far they are. A backlog that runs ahead
//! of its followers is no sooner in the ledger, but everything else that follows from the same streams waits behind it there.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use futures::future::join_all;
use schemas::{Service, Topic};
use sqlx::PgPool;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::epoch;
use crate::log;
use crate::queue::{Followers, Queue};
use crate::transport::http::{HttpTransport, Progress};

/// What the followers are asked is asked again after so long.
const ASK_AFTER: Duration = Duration::from_millis(30);
/// Who does not answer by then is not waited for.
const ANSWER_WITHIN: Duration = Duration::from_millis(300);
/// Behind is who has not handled what was stated so long ago, while somebody waits for what comes of facts.
const LATE: Duration = Duration::from_millis(120);
/// The same while nobody does, and of who has only what waits for company.
const LATE_UNSEEN: Duration = Duration::from_secs(1);
/// Nobody waits for longer than this for who is behind all the time, until it has been there: it may be stopped, or have much to do for a reason
/// of its own, and a backlog does not wait until it is done or somebody mends it.
const PATIENCE: Duration = Duration::from_secs(3);

/// One of the service's streams.
type Stream = (Topic, i32);

/// A stream that the service publishes, and one who follows it.
pub struct Follower {
    service: Service,
    stream: Stream,
    transport: HttpTransport,
    found: Found,
}

/// Since when a follower was behind whenever it was looked at.
#[derive(Default)]
struct Found(Option<Instant>);

impl Found {
    /// Whether it has not handled what was `due`, and that not for too long.
    fn is_behind(&mut self, sequence: i64, due: i64, now: Instant) -> bool {
        if sequence >= due {
            self.0 = None;
            return false;
        }
        now - *self.0.get_or_insert(now) < PATIENCE
    }
}

/// Where a stream ended when it was looked at, oldest first.
#[derive(Default)]
struct Ends(VecDeque<(Instant, i64)>);

impl Ends {
    /// Notes where it ends now.
    fn note(&mut self, end: i64, now: Instant) {
        self.0.push_back((now, end));
        while matches!(self.0.get(1), Some((at, _)) if now - *at >= LATE_UNSEEN) {
            self.0.pop_front();
        }
    }

    /// Where it ended so long ago.
    fn before(&self, late: Duration, now: Instant) -> i64 {
        let mut ends = self.0.iter().rev();
        let due = ends.find(|(at, _)| now - *at >= late);
        due.map_or(0, |(_, end)| *end)
    }
}

impl Follower {
    /// One who is asked by this transport.
    pub fn new(service: Service, stream: Stream, transport: HttpTransport) -> Self {
        Self {
            service,
            stream,
            transport,
            found: Found::default(),
        }
    }

    /// How far it is; `None` where it does not answer.
    async fn progress(&self, epoch: i64) -> Option<Progress> {
        let answer = timeout(ANSWER_WITHIN, self.transport.progress(epoch)).await;
        answer.ok()?.ok()
    }

    fn is_behind(&mut self, progress: Progress, due: i64, now: Instant) -> bool {
        let sequence = progress.watermark.sequence;
        let is_behind = self.found.is_behind(sequence, due, now);
        if is_behind {
            let name = self.service.name();
            metrics::counter!("tributary_follower_behind_total", "follower" => name).increment(1);
        }
        is_behind
    }
}

/// Looks at the followers while there is a backlog of commands, until it is stopped. What cannot be found out holds nothing up.
pub async fn run(
    queue: Queue,
    pool: PgPool,
    mut followers: Vec<Follower>,
    stop: CancellationToken,
) {
    let streams = followers.iter().map(|it| (it.stream, Ends::default()));
    let mut ends: BTreeMap<Stream, Ends> = streams.collect();
    let looking = async {
        loop {
            queue.backlog().await;
            let found = look(&pool, &mut ends, &mut followers).await;
            queue.looked_at_followers(found.unwrap_or(Followers::MayLag));
            sleep(ASK_AFTER).await;
        }
    };
    stop.run_until_cancelled(looking).await;
}

async fn look(
    pool: &PgPool,
    ends: &mut BTreeMap<Stream, Ends>,
    followers: &mut [Follower],
) -> Result<Followers, sqlx::Error> {
    let epoch = epoch::newest(&epoch::all(pool).await?);
    for ((topic, partition), ends) in ends.iter_mut() {
        let end = log::last_sequence(pool, *topic, *partition).await?;
        ends.note(end, Instant::now());
    }
    let found = join_all(followers.iter().map(|it| it.progress(epoch))).await;
    let is_waited_for = found.iter().flatten().any(|it| it.is_waited_for);
    let now = Instant::now();
    let mut is_behind = false;
    for (follower, progress) in followers.iter_mut().zip(found) {
        let Some(progress) = progress else {
            continue;
        };
        let late = if is_waited_for && !progress.waits_for_company {
            LATE
        } else {
            LATE_UNSEEN
        };
        let due = ends[&follower.stream].before(late, now);
        is_behind |= follower.is_behind(progress, due, now);
    }
    Ok(match (is_behind, is_waited_for) {
        (true, _) => Followers::Behind,
        (false, true) => Followers::KeepUp,
        (false, false) => Followers::MayLag,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_follower_is_waited_for_while_it_is_behind_but_not_for_long() {
        let (began, mut found) = (Instant::now(), Found::default());
        assert!(found.is_behind(1_000, 9_000, began));
        assert!(found.is_behind(3_000, 9_500, began + PATIENCE / 2));
        assert!(
            !found.is_behind(4_000, 9_900, began + PATIENCE),
            "it was behind all the time"
        );
        let later = began + PATIENCE * 2;
        assert!(!found.is_behind(9_800, 9_900, later), "and still is");
        assert!(!found.is_behind(9_900, 9_900, later), "it is there");
        assert!(found.is_behind(9_950, 9_990, later));
    }

    #[test]
    fn what_was_stated_just_now_need_not_be_handled_yet() {
        let (began, mut ends) = (Instant::now(), Ends::default());
        let after = |looks: u32| began + LATE * looks;
        assert_eq!(ends.before(LATE, began), 0);
        for (looks, end) in [(0, 1_000), (1, 2_000), (2, 3_000)] {
            ends.note(end, after(looks));
        }
        assert_eq!(ends.before(LATE, after(2)), 2_000);
        assert_eq!(ends.before(LATE_UNSEEN, after(2)), 0);
        ends.note(4_000, after(20));
        assert_eq!(ends.before(LATE, after(20)), 3_000);
        assert_eq!(ends.before(LATE_UNSEEN, after(20)), 3_000);
        assert_eq!(
            ends.0.len(),
            2,
            "the last that is late for everybody, and newer ones"
        );
    }
}
