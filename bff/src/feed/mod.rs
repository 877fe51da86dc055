//! The live feed: the events of all services as they were folded here, with one cursor over all of them.
//!
//! In each process one reader for each service reads along with its log while somebody listens, up to where this service has folded
//! it, into a ring that all listeners share. Who comes with a cursor of before the ring is brought there by the logs themselves: so
//! there is no gap and no repeat, whichever process answers and however often it starts anew. Of a service that is away nobody hears for
//! that long, and of all others everybody does. Nobody is written to ahead of what
//! it takes: whom the ring has left behind is cut off, and comes back with its cursor.

mod cursor;
mod listener;
mod ring;

use std::collections::HashMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chassis::http::{Holder, Shares};
use messaging::related::Followed;
use messaging::related::stream::StreamQuestion;
use runtime::Host;
use schemas::{Service, Topic};
use sqlx::PgPool;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::related::Found;
use crate::related::visible::{self, Owners};
use crate::waiting::{COMMIT, PROJECTED};

pub(crate) use cursor::Cursor;
use cursor::{Place, Stream};
pub(crate) use listener::{Filter, Listener, Sent};
use ring::{Entry, Ring};

/// Who listens at once, in one process.
const MAX_LISTENERS: usize = 1_024;
/// Another process may have folded, which notifies nobody here.
const TICK: Duration = Duration::from_millis(200);
/// So long a service has for a part of its log.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long it is left alone when it does not answer.
const AWAY: Duration = Duration::from_secs(1);
/// Listeners that are brought to the ring at once, of which each subject has its share.
const CATCHING_UP: usize = 4;

/// The feed of a process.
#[derive(Clone)]
pub(crate) struct Feed(Arc<Inner>);

struct Inner {
    host: Host,
    /// There while somebody listens.
    ring: Mutex<Option<Ring>>,
    /// Notified of each change of the ring.
    news: watch::Sender<()>,
    listening: watch::Sender<usize>,
    room: Arc<Shares>,
    catching_up: Arc<Shares>,
    /// Somebody waits for a turn to be brought to the ring.
    is_waited_for: AtomicBool,
}

impl Feed {
    /// Starts the readers, which wait for somebody who listens.
    pub(crate) fn start(host: &Host) -> Self {
        let feed = Self(Arc::new(Inner {
            host: host.clone(),
            ring: Mutex::default(),
            news: watch::Sender::new(()),
            listening: watch::Sender::new(0),
            room: Shares::new(MAX_LISTENERS, host.limits().share_percent),
            catching_up: Shares::new(CATCHING_UP, host.limits().share_percent),
            is_waited_for: AtomicBool::new(false),
        }));
        for service in Service::ALL {
            let task = format!("feed of {service}");
            host.tasks().spawn(task, feed.clone().read_along(service));
        }
        feed
    }

    /// Somebody who listens from behind this cursor on, or from now on; `None` when too many do.
    pub(crate) fn listen(
        &self,
        holders: Vec<Holder>,
        cursor: Option<Cursor>,
        filter: Filter,
    ) -> Option<Listener> {
        let room = self.0.room.take(holders.clone())?;
        self.0.listening.send_modify(|count| *count += 1);
        Some(Listener::new(self.clone(), cursor, filter, (holders, room)))
    }

    fn left(&self) {
        self.0.listening.send_modify(|count| *count -= 1);
    }

    fn ring(&self) -> MutexGuard<'_, Option<Ring>> {
        self.0.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn read_along(self, service: Service) {
        let stop = self.0.host.tasks().stop().clone();
        let mut listening = self.0.listening.subscribe();
        let mut away = None;
        while !stop.is_cancelled() {
            if self.is_unheard(&mut listening) {
                away = None;
                tokio::select! {
                    () = stop.cancelled() => return,
                    _ = listening.changed() => continue,
                }
            }
            let folded = PROJECTED.notified();
            if let Err(error) = self.read_on(service, &mut away).await {
                tracing::debug!(%error, %service, "the live feed waits for the database");
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(TICK) => {}
                () = folded => tokio::time::sleep(COMMIT).await,
            }
        }
    }

    /// Whether nobody listens, for whom nothing is kept then.
    fn is_unheard(&self, listening: &mut watch::Receiver<usize>) -> bool {
        let mut ring = self.ring();
        let is_unheard = *listening.borrow_and_update() == 0;
        if is_unheard {
            *ring = None;
        }
        is_unheard
    }

    /// Reads all that was folded of a service since the last time. `away`: when it did not answer.
    async fn read_on(
        &self,
        service: Service,
        away: &mut Option<Instant>,
    ) -> Result<(), sqlx::Error> {
        let folded = messaging::answered(Folded::read(self.0.host.pool())).await?;
        self.begin(&folded);
        if away.is_some_and(|at| at.elapsed() < AWAY) {
            return Ok(());
        }
        let streams = folded.streams().into_iter();
        for (stream, until) in streams.filter(|(stream, _)| stream.owner() == Some(service)) {
            if let Err(reason) = self.read_stream(stream, until, &folded).await {
                tracing::debug!(
                    reason,
                    topic = stream.topic(),
                    "the live feed lacks a service"
                );
                *away = Some(Instant::now());
                return Ok(());
            }
        }
        Ok(())
    }

    /// A new ring begins at the end of what was folded; a stream that is new in it, at its beginning.
    fn begin(&self, folded: &Folded) {
        let mut ring = self.ring();
        let is_new = ring.is_none();
        let ring = ring.get_or_insert_default();
        for (stream, until) in folded.streams() {
            if !ring.head().has(stream) {
                let first = Place {
                    sequence: 0,
                    ..until
                };
                ring.begin(stream, if is_new { until } else { first });
            }
        }
        if is_new {
            self.0.news.send_replace(());
        }
    }

    async fn read_stream(
        &self,
        stream: Stream,
        until: Place,
        folded: &Folded,
    ) -> Result<(), String> {
        loop {
            let end = self.ring().as_ref().and_then(|ring| ring.end(stream));
            let Some((end, position)) = end.filter(|(end, _)| *end < until) else {
                return Ok(());
            };
            let part = self.part(stream, end, position, folded).await?;
            if part.is_empty() {
                return Ok(());
            }
            let owners = self.owners(&part).await?;
            let entries = part.into_iter().map(|(place, found)| Entry {
                stream,
                place,
                found,
                owners: Arc::clone(&owners),
            });
            // Meanwhile the last listener may have left, and another have come.
            if let Some(ring) = self.ring().as_mut() {
                ring.go_on(stream, end, entries.collect());
            }
            self.0.news.send_replace(());
        }
    }

    async fn owners(&self, part: &[(Place, Found)]) -> Result<Arc<Owners>, String> {
        let found = part.iter().map(|(_, found)| found);
        let owners = visible::owners(self.0.host.pool(), found).await;
        owners.map(Arc::new).map_err(|error| error.to_string())
    }

    /// The next events of a stream behind a place that were folded here, each with its place.
    async fn part(
        &self,
        stream: Stream,
        at: Place,
        position: Option<i64>,
        folded: &Folded,
    ) -> Result<Vec<(Place, Found)>, String> {
        let topic = Topic::parse(stream.topic()).ok_or("there is no such topic")?;
        let question = StreamQuestion {
            topic: topic.name().to_owned(),
            partition: stream.partition,
            epoch: at.epoch,
            sequence: at.sequence,
            position,
        };
        let peers = self.0.host.peers();
        let events = peers.events(topic.owner(), &question, PATIENCE).await?;
        let events = events.into_iter().map_while(|row| {
            // Of what this build cannot read the epoch is not known: it is where it stands.
            let place = Place {
                epoch: row.epoch.unwrap_or(at.epoch),
                sequence: row.sequence?,
            };
            let is_folded = folded.has(stream, place);
            is_folded.then(|| (place, Found::new(topic.owner(), row)))
        });
        Ok(events.filter(|(place, _)| *place > at).collect())
    }
}

/// Up to where streams were folded here.
#[derive(Debug)]
struct Folded(Vec<Followed>);

impl Folded {
    async fn read(pool: &PgPool) -> Result<Self, sqlx::Error> {
        let rows = sqlx::query_as(
            "SELECT source, epoch, topic, partition, sequence FROM pipeline.watermark ORDER BY epoch",
        );
        Ok(Self(rows.fetch_all(pool).await?))
    }

    /// Each stream, in its last epoch.
    fn streams(&self) -> HashMap<Stream, Place> {
        let places = self.0.iter().filter_map(|row| {
            let stream = Stream::of(&row.topic, row.partition)?;
            let (epoch, sequence) = (row.epoch, row.sequence);
            Some((stream, Place { epoch, sequence }))
        });
        places.collect()
    }

    /// Whether an event was: of an epoch that has ended all that is in its log counts.
    fn has(&self, stream: Stream, place: Place) -> bool {
        let mut of_stream = self
            .0
            .iter()
            .filter(|row| row.topic == stream.topic() && row.partition == stream.partition);
        of_stream.any(|row| {
            row.epoch > place.epoch || row.epoch == place.epoch && row.sequence >= place.sequence
        })
    }
}
