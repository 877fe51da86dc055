//! One rebuild: fold beside, compare, and put in place.

use std::sync::Arc;
use std::time::Duration;

use messaging::{AdvisoryLock, DynDomain, Lock, Lookups, WriteTx, Writer};
use sqlx::pool::PoolConnection;
use sqlx::{PgExecutor, PgPool, Postgres};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::compare::{self, TableReport};
use super::feed::{Feed, Patience, Target};
use super::{Phase, ReplayError, fold, jobs, shadow};

/// With no more than this to fold, the rest is folded in one transaction.
const NEAR: i64 = 5_000;
/// How often the log may run ahead of the fold before the rest is folded all the same.
const ROUNDS: u32 = 20;
/// With more than this to fold nothing is put in place: everybody would wait for it.
const TOO_FAR: i64 = 10 * NEAR;
/// How long a sender that is away is waited for each time, ...
const PATIENCE: Patience = Patience::Each(Duration::from_mins(5));
/// ... and within a transaction. Then that is given up, and the sender is waited for outside of it.
const PATIENCE_WITHIN: Duration = Duration::from_secs(3);
/// How often and how far apart it is looked whether another one holds others off: it does a moment longer than it is under way.
const LOOKS: u32 = 20;
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How often what is done in one transaction is begun.
pub(super) const TRIES: u32 = 10;

/// Makes a service's fold tables again beside the running service.
pub struct Rebuild {
    pub(super) domain: Arc<dyn DynDomain>,
    /// The live tables.
    pub(super) live: PgPool,
    /// Of the live tables.
    pub(super) writer: Writer,
    /// Where the copies are what a bare name means.
    pub(super) shadow: PgPool,
    pub(super) feed: Feed,
    pub(super) stop: CancellationToken,
    pub(super) seen: Seen,
    /// Holds off every other rebuild in this database, by whichever process.
    pub(super) held: Option<PoolConnection<Postgres>>,
    /// Where its progress is noted.
    pub(super) job: Option<Uuid>,
    /// The migration whose tables are copied.
    migration: Option<i64>,
}

/// What was folded so far.
#[derive(Debug, Clone, Copy)]
pub struct Seen {
    /// Messages.
    pub events: u64,
    /// Their sizes, in bytes.
    pub bytes: u64,
    /// How far it is, and how far it is to come.
    pub done: i64,
    /// See `done`.
    pub target: i64,
    /// Since when.
    pub(super) started: Instant,
}

impl Rebuild {
    /// Over the live tables of a pool, which `writer` writes.
    pub fn new(
        domain: Arc<dyn DynDomain>,
        live: PgPool,
        writer: Writer,
        feed: Feed,
        stop: CancellationToken,
    ) -> Self {
        Self {
            domain,
            shadow: shadow::pool(&live),
            live,
            writer,
            feed,
            stop,
            held: None,
            job: None,
            migration: None,
            seen: Seen {
                events: 0,
                bytes: 0,
                done: 0,
                target: 0,
                started: Instant::now(),
            },
        }
    }

    /// Holds off every other rebuild in this database from now on.
    pub(super) async fn hold(&mut self) -> Result<(), ReplayError> {
        let mut connection = self.shadow.acquire().await?;
        let mut looks = 1;
        while !sqlx::query_scalar::<_, bool>(AdvisoryLock::Replay.ask())
            .fetch_one(&mut *connection)
            .await?
        {
            if looks == LOOKS {
                return Err(ReplayError::Busy);
            }
            looks += 1;
            tokio::time::sleep(LOOK_EVERY).await;
        }
        self.held = Some(connection);
        Ok(())
    }

    /// Others may begin.
    pub(super) async fn release(mut self) {
        drop(self.held.take());
        // The lock goes with its connection.
        self.shadow.close().await;
    }

    /// Fails if the database was away since this began: what it had not written down of the copies then is lost, and others may have begun.
    pub(super) async fn is_held(&mut self) -> Result<(), ReplayError> {
        if let Some(held) = &mut self.held {
            let looked = sqlx::query("SELECT 1").execute(&mut **held).await;
            looked.map_err(ReplayError::Away)?;
        }
        Ok(())
    }

    /// Makes the copies and folds until little is left.
    pub(super) async fn catch_up(&mut self) -> Result<(), ReplayError> {
        let unlisted = shadow::unlisted(&self.live, &self.domain.tables()).await?;
        if !unlisted.is_empty() {
            return Err(ReplayError::Unlisted(unlisted.join(", ")));
        }
        self.migration = shadow::migration(&self.live).await?;
        shadow::create(&self.shadow, &self.domain.tables()).await?;
        self.approach().await
    }

    /// Fails if the live tables were migrated since they were copied.
    pub(super) async fn is_of_its_migration(
        &self,
        live: impl PgExecutor<'_>,
    ) -> Result<(), ReplayError> {
        if shadow::migration(live).await? == self.migration {
            Ok(())
        } else {
            Err(ReplayError::Migrated)
        }
    }

    /// Folds until little is left.
    pub(super) async fn approach(&mut self) -> Result<(), ReplayError> {
        for _ in 0..ROUNDS {
            let tx = self.begin().await?;
            let target = Target::of(&tx);
            drop(tx);
            self.fold_to(&target).await?;
            let tx = self.begin().await?;
            let (done, head) = self.feed.progress(&Target::of(&tx));
            if head - done <= NEAR {
                break;
            }
        }
        Ok(())
    }

    /// One snapshot, of the copies and of the live tables, while the copies are still its own.
    async fn begin(&mut self) -> Result<WriteTx, ReplayError> {
        let writer = self.writer.clone().with(Lock::Rebuild);
        let tx = WriteTx::begin(&self.shadow, &writer, Lookups::default()).await?;
        self.is_held().await?;
        Ok(tx)
    }

    async fn fold_to(&mut self, target: &Target) -> Result<(), ReplayError> {
        let mut since = Instant::now();
        loop {
            let batch = tokio::select! {
                () = self.stop.cancelled() => return Err(ReplayError::Stopped),
                batch = self.feed.next(target, PATIENCE) => batch?,
            };
            if batch.is_empty() {
                break;
            }
            let mut tx = self.begin().await?;
            self.seen.events += fold(self.domain.as_ref(), &mut tx, &batch).await?;
            tx.commit().await?;
            self.note(&batch, target);
            if since.elapsed() > Duration::from_secs(1) {
                since = Instant::now();
                self.report(Phase::Folding).await;
            }
        }
        self.report(Phase::Folding).await;
        Ok(())
    }

    /// Notes how far it is, for whoever asked for it.
    pub(super) async fn report(&self, phase: Phase) {
        let reported = match self.job {
            Some(job) => jobs::report(&self.live, job, phase, self.seen).await,
            None => Ok(()),
        };
        if let Err(error) = reported {
            tracing::debug!(%error, "how far a replay is could not be noted");
        }
    }

    fn note(&mut self, batch: &[super::feed::Fed], target: &Target) {
        let bytes: usize = batch.iter().map(|fed| fed.bytes).sum();
        self.seen.bytes += bytes as u64;
        (self.seen.done, self.seen.target) = self.feed.progress(target);
    }

    /// Folds the rest up to where the live tables stand at one moment, and compares both within it.
    pub(super) async fn compare(&mut self) -> Result<(i64, Vec<TableReport>), ReplayError> {
        let mut tries = 1;
        loop {
            self.report(Phase::Comparing).await;
            match self.try_compare().await {
                Err(ReplayError::Sender(reason)) if tries < TRIES => {
                    self.go_back(&reason).await;
                    self.approach().await?;
                    tries += 1;
                }
                done => return done,
            }
        }
    }

    async fn try_compare(&mut self) -> Result<(i64, Vec<TableReport>), ReplayError> {
        let mut tx = self.begin().await?;
        let target = Target::of(&tx);
        let patience = Patience::Each(PATIENCE_WITHIN);
        self.fold_within(&mut tx, &target, patience).await?;
        let compared = compare::compare(tx.connection(), &self.domain.tables()).await;
        // Its snapshot is of before, and what is compared has the columns of after.
        self.is_of_its_migration(&self.live).await?;
        let tables = compared?;
        let position = target.position;
        tx.commit().await?;
        Ok((position, tables))
    }

    /// Notes that a sender was away within a transaction: it is waited for where nobody waits for the replay.
    pub(super) async fn go_back(&self, reason: &str) {
        tracing::info!(
            reason,
            "a log could not be read in time; the replay goes back to folding"
        );
        self.report(Phase::Folding).await;
    }

    /// Folds the rest in one transaction, up to where its snapshot sees the live tables.
    async fn fold_within(
        &mut self,
        tx: &mut WriteTx,
        target: &Target,
        patience: Patience,
    ) -> Result<(), ReplayError> {
        let before = (self.feed.clone(), self.seen);
        let folded = self.fold_rest(tx, target, patience).await;
        if folded.is_err() {
            // What it folded goes with the transaction.
            (self.feed, self.seen) = before;
        }
        folded
    }

    async fn fold_rest(
        &mut self,
        tx: &mut WriteTx,
        target: &Target,
        mut patience: Patience,
    ) -> Result<(), ReplayError> {
        loop {
            let batch = self.feed.next(target, patience).await?;
            if batch.is_empty() {
                return self.feed.is_as_folded(tx.connection()).await;
            }
            let begun = Instant::now();
            self.seen.events += fold(self.domain.as_ref(), tx, &batch).await?;
            self.note(&batch, target);
            patience = patience.after(begun.elapsed());
        }
    }

    /// The rest, while nobody can write the live tables.
    pub(super) async fn finish(&mut self) -> Result<(), ReplayError> {
        let mut tx = self.begin().await?;
        let target = Target::of(&tx);
        let (done, head) = self.feed.progress(&target);
        if head - done > TOO_FAR {
            return Err(ReplayError::TooFar(head - done));
        }
        let patience = Patience::Until(Instant::now() + PATIENCE_WITHIN);
        self.fold_within(&mut tx, &target, patience).await?;
        tx.commit().await?;
        Ok(())
    }
}
