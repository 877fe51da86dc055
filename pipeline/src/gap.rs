//! Holes in followed streams: suspected quietly, told when they stand, and closed by whichever process comes first.

use std::collections::HashMap;
use std::time::Duration;

use sqlx::PgPool;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::backoff::Backoff;
use crate::health::Health;
use crate::inbound::{Inbound, StreamId};
use crate::road::resend::{Answered, Sources};
use crate::tx::Watermark;

/// So many sessions in a row meet a gap before it is told: after a change of the active consumer a broker may feed the new
/// one ahead, once, of what the one before had in hand.
const SIGHTS: u32 = 3;
/// Streams that are suspected at once. Whoever may publish can invent streams.
const MOST_SUSPECTS: usize = 64;
/// How often told gaps are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long a source that was asked to send again is left alone, and how often one gap makes it do so.
const ASK_FIRST: Duration = Duration::from_secs(30);
const ASK_MAX: Duration = Duration::from_mins(10);
const MOST_RESENDS: u32 = 5;

/// A hole in a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// Where.
    pub stream: StreamId,
    /// What must come next.
    pub expected: i64,
}

/// Where a follower stands in a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stands {
    /// The newest epoch of which anything was handled; the gap's own when nothing was.
    pub epoch: i64,
    pub at: Watermark,
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
        if self.0.len() >= MOST_SUSPECTS && !self.0.contains_key(&gap.stream) {
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

/// Where a follower stands in the stream of a gap, unless the gap is closed: the process that told it may be a passive
/// consumer now, and another one went on.
pub(crate) async fn stands(pool: &PgPool, gap: &Gap) -> Result<Option<Stands>, sqlx::Error> {
    let newest: Option<(i64, i64, Option<i64>)> = sqlx::query_as(
        "SELECT epoch, sequence, time FROM pipeline.watermark
          WHERE source = $1 AND topic = $2 AND partition = $3 ORDER BY epoch DESC LIMIT 1",
    )
    .bind(&gap.stream.source)
    .bind(gap.stream.topic.name())
    .bind(gap.stream.partition)
    .fetch_optional(pool)
    .await?;
    let (epoch, sequence, time) = newest.unwrap_or((gap.stream.epoch, 0, None));
    let closed =
        epoch > gap.stream.epoch || (epoch == gap.stream.epoch && sequence >= gap.expected);
    let at = Watermark { sequence, time };
    Ok((!closed).then_some(Stands { epoch, at }))
}

/// Takes back every told gap that is closed by what the database says. One that cannot be read now stays told.
pub async fn judge(pool: &PgPool, health: &Health) {
    for gap in health.gaps() {
        if let Ok(None) = stands(pool, &gap).await {
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

/// How a source was asked to mend one gap.
struct Asking {
    expected: i64,
    resends: u32,
    backoff: Backoff,
    next: Instant,
}

impl Asking {
    fn about(gap: &Gap) -> Self {
        Self {
            expected: gap.expected,
            resends: 0,
            backoff: Backoff::new(ASK_FIRST, ASK_MAX),
            next: Instant::now(),
        }
    }
}

/// Looks after told gaps: takes back those that are closed, and asks the sources of the others to send again.
pub async fn watch(pool: PgPool, health: Health, sources: Sources, stop: CancellationToken) {
    let mut asked: HashMap<StreamId, Asking> = HashMap::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
        judge(&pool, &health).await;
        let gaps = health.gaps();
        asked.retain(|stream, asking| {
            let same = |gap: &Gap| gap.stream == *stream && gap.expected == asking.expected;
            gaps.iter().any(same)
        });
        for gap in gaps {
            let asking = asked.entry(gap.stream.clone());
            let asking = asking.or_insert_with(|| Asking::about(&gap));
            if Instant::now() < asking.next || asking.resends >= MOST_RESENDS {
                continue;
            }
            asking.next = Instant::now() + asking.backoff.wait();
            // What cannot be read now is asked next time.
            if let Ok(says) = ask(&pool, &sources, &gap, &mut asking.resends).await {
                health.source_says(&gap, says);
            }
        }
    }
}

/// Asks a gap's source to send again, where nothing speaks of a restore. Returns what is to be told of it.
async fn ask(
    pool: &PgPool,
    sources: &Sources,
    gap: &Gap,
    resends: &mut u32,
) -> Result<String, sqlx::Error> {
    let Some(stands) = stands(pool, gap).await? else {
        return Ok("has sent it".to_owned());
    };
    let stopped: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM pipeline.stopped_stream WHERE source = $1 AND topic = $2 AND partition = $3)",
    )
    .bind(&gap.stream.source)
    .bind(gap.stream.topic.name())
    .bind(gap.stream.partition)
    .fetch_one(pool)
    .await?;
    let (result, says) = if stopped || stands.epoch != gap.stream.epoch {
        let says = "is followed under another epoch, and is not asked to send it again".to_owned();
        ("refused", says)
    } else {
        match sources.ask(&gap.stream, stands.at).await {
            Answered::SentAgain => {
                *resends += 1;
                ("sent", "was asked, and sends again".to_owned())
            }
            Answered::Refused(why) => ("refused", why),
            Answered::Later(why) => ("later", why),
        }
    };
    metrics::counter!("tributary_resends_asked_total", "topic" => gap.stream.topic.name(), "result" => result).increment(1);
    tracing::warn!(
        source = gap.stream.source,
        topic = gap.stream.topic.name(),
        partition = gap.stream.partition,
        expected = gap.expected,
        "a message is missing: its source {says}"
    );
    Ok(says)
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
    fn invented_streams_are_not_kept_without_end() {
        let mut suspects = Suspects::default();
        for epoch in 0..1_000 {
            let mut invented = gap("tracking", 1);
            invented.stream.epoch = epoch;
            suspects.met(&invented);
        }
        assert!(suspects.0.len() <= MOST_SUSPECTS);
    }
}
