//! Somebody who listens: where it is, what it wants, and what it is sent next.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use chassis::http::Place as Room;
use serde_json::{Value, json};
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
/// After so long the token is to be shown again: whoever may see no more listens no more.
const MAX_AGE: Duration = Duration::from_mins(10);
/// How long to wait for a service or the database that is away.
const PAUSE: Duration = Duration::from_millis(500);
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
    fn shown(&self, found: &Found, owners: &Owners) -> Option<(String, Value)> {
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
        Some((row.kind.clone(), shown))
    }
}

/// What a listener is sent.
#[derive(Debug)]
pub(crate) enum Sent {
    /// An event, with the cursor behind it.
    Event {
        kind: String,
        data: Value,
        cursor: String,
    },
    /// Where it is, since nothing happened that it wants to hear of.
    Heartbeat { cursor: String },
}

/// How a listener is given events.
#[derive(Debug)]
enum Way {
    /// The ring is not there yet; without a cursor it begins at its head.
    New,
    /// By the logs, up to where the ring begins.
    CatchingUp { positions: HashMap<Stream, i64> },
    /// By the ring: the number of the next.
    Ring(u64),
}

/// Somebody who listens.
pub(crate) struct Listener {
    feed: Feed,
    filter: Filter,
    cursor: Cursor,
    has_cursor: bool,
    way: Way,
    ready: VecDeque<Sent>,
    news: watch::Receiver<()>,
    since: Instant,
    last_sent: Instant,
    _room: Room,
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.feed.left();
    }
}

impl Listener {
    pub(super) fn new(feed: Feed, cursor: Option<Cursor>, filter: Filter, room: Room) -> Self {
        let now = Instant::now();
        Self {
            news: feed.0.news.subscribe(),
            feed,
            filter,
            has_cursor: cursor.is_some(),
            cursor: cursor.unwrap_or_default(),
            way: Way::New,
            ready: VecDeque::new(),
            since: now,
            last_sent: now,
            _room: room,
        }
    }

    /// What it is sent next; `None` at its end: it was left behind, has listened for long, or the service stops.
    pub(crate) async fn next(mut self) -> Option<(Sent, Self)> {
        let stop = self.feed.0.host.tasks().stop().clone();
        loop {
            if let Some(sent) = self.ready.pop_front() {
                self.last_sent = Instant::now();
                return Some((sent, self));
            }
            if stop.is_cancelled() || self.since.elapsed() > MAX_AGE {
                return None;
            }
            if self.last_sent.elapsed() > HEARTBEAT {
                let cursor = self.cursor.text();
                self.ready.push_back(Sent::Heartbeat { cursor });
                continue;
            }
            let has_moved = match &self.way {
                Way::New => self.begin(),
                Way::CatchingUp { .. } => self.catch_up().await,
                Way::Ring(number) => {
                    let number = *number;
                    self.read(number)?
                }
            };
            if !has_moved {
                let patience = HEARTBEAT.saturating_sub(self.last_sent.elapsed());
                tokio::select! {
                    () = stop.cancelled() => return None,
                    _ = self.news.changed() => {}
                    () = tokio::time::sleep(patience + Duration::from_millis(1)) => {}
                }
            }
        }
    }

    /// Goes where its cursor says, as soon as the ring is there.
    fn begin(&mut self) -> bool {
        self.news.borrow_and_update();
        let ring = self.feed.ring();
        let Some(ring) = &*ring else {
            return false;
        };
        if self.has_cursor {
            let positions = HashMap::new();
            self.way = Way::CatchingUp { positions };
        } else {
            self.cursor = ring.head().clone();
            self.way = Way::Ring(ring.next());
            let cursor = self.cursor.text();
            self.ready.push_back(Sent::Heartbeat { cursor });
        }
        true
    }

    /// Reads a part of a stream that is behind the ring's beginning; goes over to the ring when there is none.
    async fn catch_up(&mut self) -> bool {
        let behind = {
            let ring = self.feed.ring();
            let Some(ring) = &*ring else {
                return false;
            };
            let base = ring.base();
            let behind = base
                .streams()
                .find(|(stream, place)| self.cursor.at(*stream) < *place);
            if behind.is_none() {
                self.way = Way::Ring(ring.first());
            }
            behind
        };
        let Some((stream, base)) = behind else {
            return true;
        };
        if let Err(reason) = self.read_up_to(stream, base).await {
            tracing::debug!(
                reason,
                topic = stream.topic(),
                "a listener waits for a service"
            );
            tokio::time::sleep(PAUSE).await;
        }
        true
    }

    async fn read_up_to(&mut self, stream: Stream, base: Place) -> Result<(), String> {
        let feed = self.feed.clone();
        let turn = feed.0.catching_up.acquire().await;
        let _turn = turn.map_err(|error| error.to_string())?;
        let folded = Folded::read(feed.0.host.pool()).await;
        let folded = folded.map_err(|error| error.to_string())?;
        let at = self.cursor.at(stream);
        let Way::CatchingUp { positions } = &mut self.way else {
            return Ok(());
        };
        let position = positions.get(&stream).copied();
        let part = feed.part(stream, at, position, &folded).await?;
        let Some((_, last)) = part.last() else {
            // What the log has lost, by a restore to before it or into an archive that is not there, nobody can be sent.
            self.cursor.set(stream, base);
            return Ok(());
        };
        positions.insert(stream, last.row.position);
        let owners = feed.owners(&part).await?;
        for (place, found) in part.into_iter().filter(|(place, _)| *place <= base) {
            self.take(stream, place, &found, &owners);
        }
        if self.cursor.at(stream) == at {
            self.cursor.set(stream, base);
        }
        Ok(())
    }

    /// Takes what is new of the ring; `None` when that has left it behind.
    fn read(&mut self, number: u64) -> Option<bool> {
        self.news.borrow_and_update();
        let entries: Vec<Arc<Entry>> = {
            let ring = self.feed.ring();
            let ring = ring.as_ref()?;
            for (stream, place) in ring.base().streams() {
                if !self.cursor.has(stream) {
                    self.cursor.set(stream, place);
                }
            }
            ring.from(number, AT_ONCE)?
        };
        self.way = Way::Ring(number + entries.len() as u64);
        for entry in &entries {
            if entry.place > self.cursor.at(entry.stream) {
                self.take(entry.stream, entry.place, &entry.found, &entry.owners);
            }
        }
        Some(!entries.is_empty())
    }

    fn take(&mut self, stream: Stream, place: Place, found: &Found, owners: &Owners) {
        self.cursor.set(stream, place);
        if let Some((kind, data)) = self.filter.shown(found, owners) {
            let cursor = self.cursor.text();
            self.ready.push_back(Sent::Event { kind, data, cursor });
        }
    }
}
