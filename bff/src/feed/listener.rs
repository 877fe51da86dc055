//! Somebody who listens: where it is, what it wants, and what it is sent next.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use chassis::auth::MAX_STREAM_AGE;
use chassis::http::{Holder, Place as Room};
use serde_json::json;
use tokio::sync::watch;
use tokio::time::Instant;
use types::Micros;
use uuid::Uuid;

use super::cursor::{Cursor, Place, Stream};
use super::ring::Entry;
use super::{Feed, Folded};
use crate::related::Found;
use crate::related::visible::{self, Owners, Viewer};

/// Who hears nothing for so long is told where it is.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How long a service or the database that is away is left alone.
const PAUSE: Duration = Duration::from_secs(2);
/// After so long a listener asks again for its turn to be brought to the ring.
const TURN: Duration = Duration::from_millis(100);
/// Events that are taken of the ring at once.
const AT_ONCE: usize = 64;

/// What somebody wants to hear of.
#[derive(Debug, Clone)]
pub(crate) struct Filter {
    pub(crate) viewer: Viewer,
    /// Of these kinds; none: of all.
    pub(crate) kinds: Vec<String>,
    pub(crate) subject: Option<String>,
    pub(crate) correlation_id: Option<Uuid>,
}

impl Filter {
    /// What is sent of an event: its kind, and what its reader may see of it.
    fn shown(&self, found: &Found, owners: &Owners) -> Option<(String, String)> {
        let row = &found.row;
        let is_wanted = (self.kinds.is_empty() || self.kinds.contains(&row.kind))
            && self.subject.as_ref().is_none_or(|it| *it == row.subject)
            && self
                .correlation_id
                .is_none_or(|it| it == row.correlation_id);
        if !is_wanted {
            return None;
        }
        let data = visible::shown(found, &self.viewer, owners)?;
        let shown = json!({
            "id": row.id,
            "type": row.kind,
            "service": found.service.name(),
            "subject": row.subject,
            "correlation_id": row.correlation_id,
            "recorded_at": chassis::time::Timestamp(Micros(row.time)),
            "data": data,
        });
        Some((row.kind.clone(), shown.to_string()))
    }
}

/// What a listener is sent.
#[derive(Debug)]
pub(crate) enum Sent {
    /// An event as JSON, with the cursor behind it.
    Event {
        kind: String,
        data: String,
        cursor: String,
    },
    /// Where it is, since nothing happened that it wants to hear of.
    Heartbeat { cursor: String },
}

/// An event that it is sent as soon as it takes it. The cursor behind it is written then: whoever reads slowly can have long ones.
#[derive(Debug)]
struct Ready {
    stream: Stream,
    place: Place,
    kind: String,
    data: String,
}

/// How a listener is given events.
#[derive(Debug)]
enum Way {
    /// The ring is not there yet; without a cursor it begins at its head.
    New,
    /// By the ring: the number of the next. Of streams that it has not been brought to yet, by their logs.
    Ring(u64),
}

/// A stream of which a listener lacks what the ring has no more, or has passed.
#[derive(Debug)]
struct Behind {
    /// The last that it lacks.
    until: Place,
    /// Where in its log the last is that it was sent of it.
    position: Option<i64>,
    /// Its service is left alone so long.
    not_before: Instant,
}

/// Somebody who listens.
pub(crate) struct Listener {
    feed: Feed,
    filter: Filter,
    /// Up to where it was read for it.
    cursor: Cursor,
    /// Up to where it was sent what it is to hear of.
    sent: Cursor,
    has_cursor: bool,
    way: Way,
    behind: BTreeMap<Stream, Behind>,
    /// It has been behind in nothing: the ring need not wait for it.
    is_along: bool,
    ready: VecDeque<Ready>,
    /// It is to be told where it begins.
    begins: bool,
    news: watch::Receiver<()>,
    since: Instant,
    last_sent: Instant,
    holders: Vec<Holder>,
    _room: Room,
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.feed.left();
    }
}

impl Listener {
    pub(super) fn new(
        feed: Feed,
        cursor: Option<Cursor>,
        filter: Filter,
        (holders, room): (Vec<Holder>, Room),
    ) -> Self {
        let now = Instant::now();
        Self {
            news: feed.0.news.subscribe(),
            feed,
            filter,
            has_cursor: cursor.is_some(),
            sent: cursor.clone().unwrap_or_default(),
            cursor: cursor.unwrap_or_default(),
            way: Way::New,
            behind: BTreeMap::new(),
            is_along: false,
            ready: VecDeque::new(),
            begins: false,
            since: now,
            last_sent: now,
            holders,
            _room: room,
        }
    }

    /// What it is sent next; `None` at its end: it was left behind, has listened for long, or the service stops.
    pub(crate) async fn next(mut self) -> Option<(Sent, Self)> {
        let stop = self.feed.0.host.tasks().stop().clone();
        loop {
            // What it is not sent any more it is when it comes back with its cursor, however slowly it reads.
            if stop.is_cancelled() || self.since.elapsed() > MAX_STREAM_AGE {
                return None;
            }
            if let Some(sent) = self.sent_now() {
                return Some((sent, self));
            }
            let has_moved = match self.way {
                Way::New => self.begin(),
                Way::Ring(number) => self.catch_up().await || self.read(number)?,
            };
            if !has_moved {
                let patience = HEARTBEAT.saturating_sub(self.last_sent.elapsed());
                let retry = self.behind.values().map(|it| it.not_before).min();
                let retry = retry.map(|at| at.saturating_duration_since(Instant::now()));
                let wait = patience.min(retry.unwrap_or(patience));
                tokio::select! {
                    () = stop.cancelled() => return None,
                    _ = self.news.changed() => {}
                    () = tokio::time::sleep(wait + Duration::from_millis(1)) => {}
                }
            }
        }
    }

    /// The next event, or where it is when there has been none for long.
    fn sent_now(&mut self) -> Option<Sent> {
        let ready = self.ready.pop_front();
        if ready.is_none() && !self.begins && self.last_sent.elapsed() <= HEARTBEAT {
            return None;
        }
        self.last_sent = Instant::now();
        // Who named no place has none before it begins: from an empty one it would be brought up from the beginning of everything.
        if !self.has_cursor && matches!(self.way, Way::New) {
            return None;
        }
        self.begins = false;
        if let Some(Ready { stream, place, .. }) = &ready {
            self.sent.set(*stream, *place);
        }
        if self.ready.is_empty() {
            self.sent.clone_from(&self.cursor);
        }
        let cursor = self.sent.text();
        Some(match ready {
            Some(Ready { kind, data, .. }) => Sent::Event { kind, data, cursor },
            None => Sent::Heartbeat { cursor },
        })
    }

    /// Goes where its cursor says, as soon as the ring is there.
    fn begin(&mut self) -> bool {
        self.news.borrow_and_update();
        let feed = self.feed.clone();
        let ring = feed.ring();
        let Some(ring) = &*ring else {
            return false;
        };
        if self.has_cursor {
            // A ring begins with all streams that were folded: others would be written out with every event, however many are named.
            for cursor in [&mut self.cursor, &mut self.sent] {
                cursor.keep_those_of(ring.head());
            }
            self.way = Way::Ring(ring.first());
            self.fall_behind(ring.base());
        } else {
            self.cursor = ring.head().clone();
            self.way = Way::Ring(ring.next());
            self.begins = true;
        }
        true
    }

    /// Reads a part of a stream that it is behind in. A service that does not answer keeps its own streams waiting, and no others.
    async fn catch_up(&mut self) -> bool {
        let now = Instant::now();
        let mut due = self.behind.iter().filter(|(_, it)| it.not_before <= now);
        let Some((stream, _)) = due.next() else {
            return false;
        };
        let (stream, feed) = (*stream, self.feed.clone());
        let Some(_turn) = feed.0.catching_up.take(self.holders.clone()) else {
            feed.0.is_waited_for.store(true, Ordering::Relaxed);
            self.put_off(|_| true, TURN);
            return false;
        };
        if let Err(reason) = self.read_up_to(stream).await {
            let topic = stream.topic();
            tracing::debug!(reason, topic, "a listener waits for a service");
            self.put_off(|it| it.owner() == stream.owner(), PAUSE);
            return false;
        }
        // Whoever waits finds its turn free.
        if feed.0.is_waited_for.swap(false, Ordering::Relaxed) {
            self.put_off(|_| true, TURN * 2);
        }
        true
    }

    fn put_off(&mut self, which: impl Fn(Stream) -> bool, pause: Duration) {
        let not_before = Instant::now() + pause;
        for (_, behind) in self.behind.iter_mut().filter(|(stream, _)| which(**stream)) {
            behind.not_before = not_before;
        }
    }

    async fn read_up_to(&mut self, stream: Stream) -> Result<(), String> {
        let folded = Folded::read(self.feed.0.host.pool()).await;
        let folded = folded.map_err(|error| error.to_string())?;
        let Some(Behind {
            until, position, ..
        }) = self.behind.get(&stream)
        else {
            return Ok(());
        };
        let (at, until) = (self.cursor.at(stream), *until);
        let part = self.feed.part(stream, at, *position, &folded).await?;
        let owners = self.feed.owners(&part).await?;
        let last = part.last().map(|(_, last)| last.row.position);
        for (place, found) in part.into_iter().filter(|(place, _)| *place <= until) {
            self.take(stream, place, &found, &owners);
        }
        // What the log has lost, by a restore to before it or into an archive that is not there, nobody can be sent.
        if self.cursor.at(stream) == at {
            self.cursor.set(stream, until);
        }
        if self.cursor.at(stream) >= until {
            self.behind.remove(&stream);
        } else if let Some(behind) = self.behind.get_mut(&stream) {
            behind.position = last;
        }
        Ok(())
    }

    /// What the ring has no more of the streams that it has not been brought to is read in their logs.
    fn fall_behind(&mut self, base: &Cursor) {
        for (stream, base) in base.streams() {
            if self.cursor.at(stream) < base {
                let new = || Behind {
                    until: base,
                    position: None,
                    not_before: self.since,
                };
                let behind = self.behind.entry(stream).or_insert_with(new);
                behind.until = behind.until.max(base);
            }
        }
    }

    /// Takes what is new of the ring; `None` when that has left it behind, who was with it.
    fn read(&mut self, mut number: u64) -> Option<bool> {
        self.news.borrow_and_update();
        let feed = self.feed.clone();
        let entries: Vec<Arc<Entry>> = {
            let ring = feed.ring();
            let ring = ring.as_ref()?;
            if number < ring.first() && !self.is_along {
                number = ring.first();
                self.fall_behind(ring.base());
            }
            for (stream, place) in ring.base().streams() {
                if !self.cursor.has(stream) && !self.behind.contains_key(&stream) {
                    self.cursor.set(stream, place);
                }
            }
            ring.from(number, AT_ONCE)?
        };
        self.is_along |= self.behind.is_empty();
        self.way = Way::Ring(number + entries.len() as u64);
        for entry in &entries {
            if let Some(behind) = self.behind.get_mut(&entry.stream) {
                behind.until = behind.until.max(entry.place);
            } else if entry.place > self.cursor.at(entry.stream) {
                self.take(entry.stream, entry.place, &entry.found, &entry.owners);
            }
        }
        Some(!entries.is_empty())
    }

    fn take(&mut self, stream: Stream, place: Place, found: &Found, owners: &Owners) {
        self.cursor.set(stream, place);
        if let Some((kind, data)) = self.filter.shown(found, owners) {
            self.ready.push_back(Ready {
                stream,
                place,
                kind,
                data,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use runtime::testing::TestService;
    use schemas::Topic;

    use super::super::ring::Ring;
    use super::*;

    #[tokio::test]
    async fn of_a_cursor_only_streams_that_there_are_are_kept_and_written_out_again() {
        let service = TestService::start(crate::define).await;
        let feed = Feed::start(&service.host);
        let stream = |partition| Stream::of(Topic::PaymentEvents.name(), partition).unwrap();
        let at = |sequence| Place { epoch: 1, sequence };
        let mut known = Cursor::default();
        known.set(stream(0), at(7));
        let mut named = known.clone();
        for partition in 1..=1_000 {
            named.set(stream(partition), at(7));
        }
        let filter = Filter {
            viewer: Viewer::Operator,
            kinds: Vec::new(),
            subject: None,
            correlation_id: None,
        };
        let mut listener = feed.listen(Vec::new(), Some(named), filter).unwrap();
        let mut ring = Ring::default();
        ring.begin(stream(0), at(9));
        *feed.ring() = Some(ring);
        assert!(listener.begin());
        assert_eq!((&listener.cursor, &listener.sent), (&known, &known));
        assert!(listener.behind.contains_key(&stream(0)), "it goes on there");
        drop(listener);
        service.stop().await;
    }
}
