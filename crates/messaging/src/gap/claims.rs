//! What comes in a source's name and is not signed may be a true message all the same, of an older build or signed with a key
//! that is gone. It is passed over, and the next message that counts shows the gap. At the end of a quiet stream there is none,
//! so there the source itself is asked what stands behind what was handled. So it is, now and then, where the broker has no
//! more: what it lost at the end nothing claims.

use std::collections::HashMap;

use sqlx::PgPool;
use tokio::time::Instant;

use super::{Pace, Requests, ResendResult, Stands, Turn, Why, ask, stands};
use crate::health::{Claim, Health, Place};
use crate::stream::{Gap, StreamId};
use crate::transport::Peers;

/// Streams that something was claimed of. They stay known, so that who claims on and on has a source asked no more often.
#[derive(Debug, Default)]
pub(super) struct OpenClaims {
    by_place: HashMap<Place, OpenClaim>,
    /// Since when they are looked at.
    since: Option<Instant>,
}

#[derive(Debug)]
struct OpenClaim {
    /// Until the source has answered, and why.
    open: Option<Why>,
    /// As the last message claimed.
    epoch: i64,
    /// When the source was asked last, whatever for.
    requested_at: Option<Instant>,
    /// At the last look.
    stands: Option<Stands>,
    still_since: Instant,
    requests: Requests,
    /// Its source has answered that it has no more, and was not had to send anything again since.
    is_whole: bool,
    /// Since when it waits for facts.
    waits_since: Option<Instant>,
}

impl OpenClaim {
    fn new(pace: Pace, now: Instant) -> Self {
        Self {
            open: None,
            epoch: 1,
            requested_at: None,
            stands: None,
            still_since: now,
            requests: Requests::new(1, pace, now),
            is_whole: false,
            waits_since: None,
        }
    }

    fn claimed(&mut self, claim: Claim, pace: Pace, now: Instant) {
        let was_open = self.open.is_some();
        match claim {
            Claim::Unsigned { epoch } => {
                self.epoch = epoch;
                self.open = Some(Why::Missing);
            }
            Claim::Quiet => {
                let is_turn = self
                    .requested_at
                    .is_none_or(|at| now - at >= pace.ends_every);
                self.open = self.open.or(is_turn.then_some(Why::Quiet));
            }
        }
        if !was_open {
            self.still_since = now;
        }
    }

    /// Whether a stream of commands waits for facts that may come again: what is requested before what it stands on is there is refused
    /// for good. Not for ever: a source that is gone comes to no end.
    fn waits_for_facts(&mut self, are_whole: bool, pace: Pace, now: Instant) -> bool {
        if are_whole {
            self.waits_since = None;
            return false;
        }
        now - *self.waits_since.get_or_insert(now) < pace.facts_first_for
    }

    /// Notes what the source answered.
    fn answered(&mut self, result: &ResendResult) {
        self.requests.resends += u32::from(result.is_sent);
        self.open = self.open.filter(|_| result.is_later);
        if result.is_end {
            self.is_whole = true;
        } else {
            // Whether what comes then was all is seen once it is quiet again, and not in an hour.
            self.is_whole &= result.is_later;
            self.requested_at = None;
        }
    }

    /// Whether the source is to be asked now, of a stream of which so much is handled.
    fn is_due(&mut self, stands: Option<Stands>, pace: Pace, now: Instant) -> bool {
        let expected = stands.map_or(0, |stands| stands.at.sequence) + 1;
        if self.stands != stands {
            self.stands = stands;
            self.still_since = now;
            // What came shows what is missing before it, and is no sign of an end.
            self.open = self.open.filter(|why| *why != Why::Quiet);
        }
        if now - self.still_since < pace.still_for {
            return false;
        }
        if self.requests.expected != expected {
            self.requests.expected = expected;
            self.requests.resends = 0;
            self.requests.is_given_up = false;
        }
        // Long ago is as good as never.
        if self.requests.next + pace.longest <= now {
            self.requests.backoff.reset();
        }
        let is_due = self.requests.turn(now) == Turn::Request;
        if is_due {
            self.requested_at = Some(now);
        }
        if self.requests.is_given_up {
            self.open = None;
        }
        is_due && self.open.is_some()
    }
}

impl OpenClaims {
    /// Whether nothing of these is missing: their sources have said so, or they were never quiet since these are looked at, and what
    /// comes would show a gap.
    fn are_whole(&mut self, facts: &[Place], gaps: &[Gap], pace: Pace, now: Instant) -> bool {
        let is_moving = now - *self.since.get_or_insert(now) >= pace.moving_after;
        let is_at_gap = |(topic, partition): &Place| {
            let mut streams = gaps.iter().map(|gap| &gap.stream);
            streams.any(|it| it.topic == *topic && it.partition == *partition)
        };
        let is_whole = |place: &Place| match self.by_place.get(place) {
            Some(claim) => claim.is_whole,
            None => is_moving && !is_at_gap(place),
        };
        facts.iter().all(is_whole)
    }

    /// Asks the sources of streams that stand still since something was claimed of them, or that are quiet. It says nothing in `/ready`: where
    /// the source has nothing behind what was handled, it was somebody else's word only.
    pub(super) async fn look(&mut self, pool: &PgPool, health: &Health, peers: &Peers, pace: Pace) {
        let now = Instant::now();
        for (place, claimed) in health.claims.take() {
            let claim = self.by_place.entry(place);
            let claim = claim.or_insert_with(|| OpenClaim::new(pace, now));
            claim.claimed(claimed, pace, now);
        }
        let gaps = health.gaps();
        for gap in &gaps {
            if let Some(claim) = self
                .by_place
                .get_mut(&(gap.stream.topic, gap.stream.partition))
            {
                claim.is_whole = false;
                claim.requested_at = None;
            }
        }
        let facts = health.claims.followed_facts();
        let are_facts_whole = self.are_whole(&facts, &gaps, pace, now);
        for (&(topic, partition), claim) in &mut self.by_place {
            let Some(why) = claim.open else { continue };
            let is_reported =
                |gap: &Gap| (gap.stream.topic, gap.stream.partition) == (topic, partition);
            if gaps.iter().any(is_reported) {
                claim.open = None;
                continue;
            }
            if topic.is_commands() && claim.waits_for_facts(are_facts_whole, pace, now) {
                continue;
            }
            let mut stream = StreamId {
                source: topic.publisher().name().to_owned(),
                epoch: claim.epoch,
                topic,
                partition,
            };
            // What cannot be read now is looked at next time.
            let Ok(stands) = stands(pool, &stream).await else {
                continue;
            };
            if !claim.is_due(stands, pace, Instant::now()) {
                continue;
            }
            stream.epoch = stands.map_or(claim.epoch, |stands| stands.epoch);
            let expected = claim.requests.expected;
            let Ok(result) = ask(pool, peers, &Gap { stream, expected }, why).await else {
                continue;
            };
            claim.answered(&result);
            if why == Why::Quiet && !result.is_sent {
                continue;
            }
            let came = match why {
                Why::Missing => "something came in a source's name that nobody known signed",
                Why::Quiet => "the broker has no more of a stream",
            };
            tracing::info!(
                source = topic.publisher().name(),
                topic = topic.name(),
                partition,
                expected,
                "{came}: asked what comes next, its source {}",
                result.says
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use schemas::Topic;

    use crate::stream::Watermark;

    fn stands(sequence: i64) -> Stands {
        let time = Some(sequence);
        let at = Watermark { sequence, time };
        Stands { epoch: 1, at }
    }

    /// How often a source is asked in so many seconds, in each of which something is claimed.
    fn requested(
        claimed: Claim,
        seconds: u64,
        sends_again: bool,
        stands: impl Fn(u64) -> Option<Stands>,
    ) -> u32 {
        let (pace, start) = (Pace::default(), Instant::now());
        let mut claim = OpenClaim::new(pace, start);
        let mut requested = 0;
        for second in 0..seconds {
            let now = start + Duration::from_secs(second);
            claim.claimed(claimed, pace, now);
            if claim.open.is_some() && claim.is_due(stands(second), pace, now) {
                requested += 1;
                claim.requests.resends += u32::from(sends_again);
                claim.open = None;
            }
        }
        requested
    }

    const UNSIGNED: Claim = Claim::Unsigned { epoch: 1 };

    #[test]
    fn who_claims_on_and_on_has_a_source_asked_every_ten_minutes() {
        let day = 86_400;
        let requested = requested(UNSIGNED, day, false, |_| Some(stands(7)));
        assert!((100..200).contains(&requested), "{requested} times a day");
    }

    #[test]
    fn a_stream_that_goes_on_is_not_asked_about() {
        let on = |second| Some(stands(i64::try_from(second / 3).unwrap()));
        assert_eq!(requested(UNSIGNED, 3_600, false, on), 0);
    }

    #[test]
    fn a_source_that_sends_again_in_vain_is_asked_five_times_until_the_stream_goes_on() {
        assert_eq!(requested(UNSIGNED, 86_400, true, |_| Some(stands(7))), 5);
        let later = |second| Some(stands(if second < 40_000 { 7 } else { 8 }));
        assert_eq!(requested(UNSIGNED, 86_400, true, later), 10);
    }

    #[test]
    fn the_source_of_a_quiet_stream_is_asked_at_once_and_then_every_hour() {
        assert_eq!(requested(Claim::Quiet, 60, false, |_| Some(stands(7))), 1);
        let day = requested(Claim::Quiet, 86_400, false, |_| Some(stands(7)));
        assert!((23..=24).contains(&day), "{day} times a day");
        let in_vain = requested(Claim::Quiet, 86_400, true, |_| Some(stands(7)));
        assert_eq!(in_vain, 5);
        let on = |second| Some(stands(i64::try_from(second / 3).unwrap()));
        assert_eq!(requested(Claim::Quiet, 86_400, false, on), 0);
    }

    #[test]
    fn commands_wait_for_facts_a_day_and_not_for_ever() {
        let (pace, start) = (Pace::default(), Instant::now());
        let mut commands = OpenClaim::new(pace, start);
        let after = |hours| start + Duration::from_hours(hours);
        assert!(commands.waits_for_facts(false, pace, start));
        assert!(commands.waits_for_facts(false, pace, after(23)));
        assert!(!commands.waits_for_facts(false, pace, after(24)));
        assert!(!commands.waits_for_facts(true, pace, after(25)));
        assert!(commands.waits_for_facts(false, pace, after(26)));
    }

    #[test]
    fn facts_that_never_come_to_an_end_are_whole_while_they_show_no_gap() {
        let (pace, start) = (Pace::default(), Instant::now());
        let mut claims = OpenClaims::default();
        let facts = [(Topic::CommissionEvents, 0)];
        let later = start + pace.moving_after;
        assert!(!claims.are_whole(&facts, &[], pace, start));
        assert!(claims.are_whole(&facts, &[], pace, later));
        let stream = StreamId {
            source: "commission".to_owned(),
            epoch: 1,
            topic: Topic::CommissionEvents,
            partition: 0,
        };
        let gap = Gap {
            stream,
            expected: 7,
        };
        assert!(!claims.are_whole(&facts, &[gap], pace, later));
        // Once it was quiet its source is asked.
        claims
            .by_place
            .insert(facts[0], OpenClaim::new(pace, later));
        assert!(!claims.are_whole(&facts, &[], pace, later));
    }

    #[test]
    fn what_is_sent_again_is_whole_once_its_source_has_no_more() {
        let (pace, start) = (Pace::default(), Instant::now());
        let mut facts = OpenClaim::new(pace, start);
        let answer = |what| ResendResult {
            is_sent: what == "sent",
            is_later: what == "later",
            is_end: what == "end",
            says: String::new(),
        };
        for (what, is_whole) in [
            ("later", false),
            ("end", true),
            ("later", true),
            ("sent", false),
            ("refused", false),
            ("end", true),
            ("refused", false),
        ] {
            facts.answered(&answer(what));
            assert_eq!(facts.is_whole, is_whole, "{what}");
        }
    }

    #[test]
    fn nothing_handled_is_a_place_too() {
        assert_eq!(requested(UNSIGNED, 6, false, |_| None), 1);
    }
}
