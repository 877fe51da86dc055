//! Holes in followed streams: suspected quietly, reported when they stand, and closed by whichever process comes first.

mod claims;

use std::collections::HashMap;
use std::time::Duration;

use sqlx::PgPool;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::backoff::Backoff;
use crate::begin;
use crate::gap::claims::OpenClaims;
use crate::health::Health;
use crate::inbound::Inbound;
use crate::resend::NOTHING_BEHIND;
use crate::stream::{Gap, StreamId, Watermark};
use crate::transport::Peers;
use crate::transport::resend::ResendAnswer;

/// So many sessions in a row meet a gap before it is reported: after a change of the active consumer a broker may feed the
/// new one ahead, once, of what the one before had in flight.
const SIGHTS: u32 = 3;
/// Streams of one topic partition that are suspected at once. Only what a service signed has a stream, so there is one for each of a few epochs.
const MAX_SUSPECTS: usize = 64;
/// How often reported gaps are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// One place in a stream makes its source send again so often at most.
const MAX_RESENDS: u32 = 5;

/// How a follower asks sources to send again.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// How long a source that was asked is left alone at first; each time twice as long.
    pub first: Duration,
    /// The longest that it is left alone.
    pub longest: Duration,
    /// How long a stream stands still before what nobody signed, or the broker's having no more, makes its source be asked: what
    /// came signed may be on its way to the database.
    pub still_for: Duration,
    /// How often the source of a quiet stream is asked whether it has more; the first time when the process has found it quiet.
    pub ends_every: Duration,
    /// How long commands are not asked for again while a source of facts has not answered that it has no more.
    pub facts_first_for: Duration,
    /// A stream that was not quiet for so long is moving.
    pub moving_after: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(30),
            longest: Duration::from_mins(10),
            still_for: Duration::from_secs(5),
            ends_every: Duration::from_hours(1),
            facts_first_for: Duration::from_hours(24),
            moving_after: Duration::from_mins(1),
        }
    }
}

/// Where a follower stands in a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stands {
    /// The newest epoch of which anything was handled; the gap's own when nothing was.
    epoch: i64,
    at: Watermark,
}

/// What a consumer met, over its sessions.
#[derive(Debug, Default)]
pub(crate) struct Suspects(HashMap<StreamId, Suspect>);

#[derive(Debug)]
struct Suspect {
    expected: i64,
    sights: u32,
}

impl Suspects {
    /// Notes that a session met a gap. True once it stands: enough sessions in a row met it.
    pub(crate) fn met(&mut self, gap: &Gap) -> bool {
        if self.0.len() >= MAX_SUSPECTS && !self.0.contains_key(&gap.stream) {
            self.0.clear();
        }
        let suspect = self.0.entry(gap.stream.clone()).or_insert(Suspect {
            expected: gap.expected,
            sights: 0,
        });
        if suspect.expected != gap.expected {
            *suspect = Suspect {
                expected: gap.expected,
                sights: 0,
            };
        }
        suspect.sights = suspect.sights.saturating_add(1);
        suspect.sights >= SIGHTS
    }

    /// The suspected streams that an entry brings on, if its messages are taken.
    pub(crate) fn brought_on(&self, entry: &[Inbound]) -> Vec<StreamId> {
        if self.0.is_empty() {
            return Vec::new();
        }
        let on = entry.iter().filter_map(|inbound| {
            let (stream, sequence) = inbound.stream.as_ref()?;
            let suspect = self.0.get(stream)?;
            (*sequence >= suspect.expected).then(|| stream.clone())
        });
        on.collect()
    }

    /// A stream goes on. True when its gap stood.
    pub(crate) fn forget(&mut self, stream: &StreamId) -> bool {
        let suspect = self.0.remove(stream);
        suspect.is_some_and(|suspect| suspect.sights >= SIGHTS)
    }
}

/// Where a follower stands in a stream of a source, under the newest epoch of which anything was handled; `None` when
/// nothing ever was.
async fn stands(pool: &PgPool, stream: &StreamId) -> Result<Option<Stands>, sqlx::Error> {
    let newest: Option<(i64, i64, Option<i64>)> = sqlx::query_as(
        "SELECT epoch, sequence, time FROM pipeline.watermark
          WHERE source = $1 AND topic = $2 AND partition = $3 ORDER BY epoch DESC LIMIT 1",
    )
    .bind(&stream.source)
    .bind(stream.topic.name())
    .bind(stream.partition)
    .fetch_optional(pool)
    .await?;
    Ok(newest.map(|(epoch, sequence, time)| Stands {
        epoch,
        at: Watermark { sequence, time },
    }))
}

/// Where a follower stands in the stream of a gap, unless the gap is closed: the process that reported it may be a passive
/// consumer now, and another one went on.
async fn stands_before(pool: &PgPool, gap: &Gap) -> Result<Option<Stands>, sqlx::Error> {
    let stands = stands(pool, &gap.stream).await?.unwrap_or(Stands {
        epoch: gap.stream.epoch,
        at: Watermark::default(),
    });
    let goes_on = stands.epoch == gap.stream.epoch && stands.at.sequence >= gap.expected;
    let closed = stands.epoch > gap.stream.epoch || goes_on;
    Ok((!closed).then_some(stands))
}

/// Takes back every reported gap that is closed by what the database says. One that cannot be read now stays reported.
pub async fn judge(pool: &PgPool, health: &Health) {
    for gap in health.gaps() {
        if let Ok(None) = begin::answered(stands_before(pool, &gap)).await {
            tracing::info!(
                source = gap.stream.source,
                topic = gap.stream.topic.name(),
                partition = gap.stream.partition,
                expected = gap.expected,
                "a gap is closed"
            );
            health.gap_closed(&gap.stream);
        }
    }
}

/// Has consumers open anew where an operator let a halted stream go on. What cannot be read now is looked at next time.
async fn let_go_on(pool: &PgPool, health: &Health) {
    for (topic, partition) in health.halts.places() {
        let is_halted = sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM pipeline.stopped_stream WHERE topic = $1 AND partition = $2)",
        )
        .bind(topic.name())
        .bind(partition)
        .fetch_one(pool);
        if let Ok(false) = begin::answered(is_halted).await {
            health.halts.goes_on((topic, partition));
        }
    }
}

/// How a source was asked to send again from one place in a stream.
#[derive(Debug)]
struct Requests {
    expected: i64,
    resends: u32,
    backoff: Backoff,
    next: Instant,
    is_given_up: bool,
}

/// What is to be done about it now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    Wait,
    Request,
    /// The source has sent again so often that once more would not help: said once.
    GiveUp,
}

impl Requests {
    fn new(expected: i64, pace: Pace, now: Instant) -> Self {
        Self {
            expected,
            resends: 0,
            backoff: Backoff::new(pace.first, pace.longest),
            next: now,
            is_given_up: false,
        }
    }

    fn turn(&mut self, now: Instant) -> Turn {
        if self.is_given_up || now < self.next {
            return Turn::Wait;
        }
        if self.resends >= MAX_RESENDS {
            self.is_given_up = true;
            return Turn::GiveUp;
        }
        self.next = now + self.backoff.wait();
        Turn::Request
    }
}

/// Looks after halted streams, and after reported gaps: takes back those that are closed, and asks the sources of the others to send again. Asks too
/// where the end of a stream may have been passed over: see [`claims`].
pub async fn watch(
    pool: PgPool,
    health: Health,
    peers: Peers,
    pace: Pace,
    stop: CancellationToken,
) {
    // A source that does not answer keeps neither the stop waiting nor what is no matter of its.
    tokio::select! {
        () = stop.cancelled() => {}
        () = watch_here(&pool, &health) => {}
        () = close_gaps(&pool, &health, &peers, pace) => {}
        () = answer_claims(&pool, &health, &peers, pace) => {}
    }
}

/// Looks after what the own database tells.
async fn watch_here(pool: &PgPool, health: &Health) {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        judge(pool, health).await;
        let_go_on(pool, health).await;
    }
}

/// Asks sources of reported gaps to send again.
async fn close_gaps(pool: &PgPool, health: &Health, peers: &Peers, pace: Pace) {
    let mut requested: HashMap<StreamId, Requests> = HashMap::new();
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let gaps = health.gaps();
        requested.retain(|stream, requests| {
            let same = |gap: &Gap| gap.stream == *stream && gap.expected == requests.expected;
            gaps.iter().any(same)
        });
        for gap in &gaps {
            let requests = requested.entry(gap.stream.clone());
            let requests =
                requests.or_insert_with(|| Requests::new(gap.expected, pace, Instant::now()));
            match requests.turn(Instant::now()) {
                Turn::Wait => {}
                Turn::GiveUp => report(health, gap, given_up()),
                // What cannot be read now is asked next time.
                Turn::Request => {
                    if let Ok(result) = ask(pool, peers, gap, Why::Missing).await {
                        requests.resends += u32::from(result.is_sent);
                        report(health, gap, result.says);
                    }
                }
            }
        }
    }
}

/// Asks sources where the end of a stream may have been passed over.
async fn answer_claims(pool: &PgPool, health: &Health, peers: &Peers, pace: Pace) {
    let mut open_claims = OpenClaims::default();
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        open_claims.look(pool, health, peers, pace).await;
    }
}

fn given_up() -> String {
    format!(
        "has sent it again {MAX_RESENDS} times, and is asked no more: see why it does not come or does not count \
         (docs/runbooks/unauthenticated.md), then have it sent again"
    )
}

fn report(health: &Health, gap: &Gap, says: String) {
    tracing::warn!(
        source = gap.stream.source,
        topic = gap.stream.topic.name(),
        partition = gap.stream.partition,
        expected = gap.expected,
        "a message is missing: its source {says}"
    );
    health.source_says(gap, says);
}

/// Why a source is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    /// A message is missing, or somebody claims that there is one.
    Missing,
    /// The broker has no more.
    Quiet,
}

/// What came of asking a source.
struct ResendResult {
    is_sent: bool,
    /// It is worth asking again.
    is_later: bool,
    /// The source has no more.
    is_end: bool,
    says: String,
}

/// Asks a gap's source to send again, where nothing speaks of a restore.
async fn ask(
    pool: &PgPool,
    peers: &Peers,
    gap: &Gap,
    why: Why,
) -> Result<ResendResult, sqlx::Error> {
    let Some(stands) = stands_before(pool, gap).await? else {
        return Ok(ResendResult {
            is_sent: false,
            is_later: false,
            is_end: false,
            says: "has sent it".to_owned(),
        });
    };
    let halted: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM pipeline.stopped_stream WHERE source = $1 AND topic = $2 AND partition = $3)",
    )
    .bind(&gap.stream.source)
    .bind(gap.stream.topic.name())
    .bind(gap.stream.partition)
    .fetch_one(pool)
    .await?;
    let (result, says) = if halted || stands.epoch != gap.stream.epoch {
        let says = "is followed under another epoch, and is not asked to send it again".to_owned();
        ("refused", says)
    } else {
        match peers.ask_to_resend(&gap.stream, stands.at).await {
            ResendAnswer::SentAgain => ("sent", "was asked, and sends again".to_owned()),
            ResendAnswer::Refused(why) => ("refused", why),
            ResendAnswer::Later(why) => ("later", why),
        }
    };
    // That a source has no more is what is expected of a quiet stream, and no sign of anything.
    let counted = match (result, why) {
        ("refused", Why::Quiet) => "quiet",
        (result, _) => result,
    };
    metrics::counter!("tributary_resends_asked_total", "topic" => gap.stream.topic.name(), "result" => counted).increment(1);
    Ok(ResendResult {
        is_sent: result == "sent",
        is_later: result == "later",
        is_end: result == "refused" && says.starts_with(NOTHING_BEHIND),
        says,
    })
}

#[cfg(test)]
mod tests {
    use schemas::Topic;

    use super::*;

    fn gap(source: &str, expected: i64) -> Gap {
        let stream = StreamId {
            source: source.to_owned(),
            epoch: 1,
            topic: Topic::CampaignEvents,
            partition: 0,
        };
        Gap { stream, expected }
    }

    #[test]
    fn a_gap_stands_when_three_sessions_in_a_row_met_it() {
        let mut suspects = Suspects::default();
        assert!(!suspects.met(&gap("campaign", 3)));
        assert!(!suspects.met(&gap("campaign", 3)));
        assert!(suspects.met(&gap("campaign", 3)));
        assert!(suspects.met(&gap("campaign", 3)));
        assert!(!suspects.met(&gap("campaign", 9)), "another one");
        assert!(!suspects.forget(&gap("campaign", 9).stream));
    }

    #[test]
    fn streams_are_not_kept_without_end() {
        let mut suspects = Suspects::default();
        for epoch in 0..1_000 {
            let mut of_epoch = gap("tracking", 1);
            of_epoch.stream.epoch = epoch;
            suspects.met(&of_epoch);
        }
        assert!(suspects.0.len() <= MAX_SUSPECTS);
    }
}
