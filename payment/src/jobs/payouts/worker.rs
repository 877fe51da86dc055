//! The worker that takes payouts further: it reads which are due, has one step done for each, some at once and each by
//! itself, and hands on the commands that they came to.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use chassis::telemetry::{KeyValue, Kind, Span, Spans, TraceContext};
use messaging::clock::real_of;
use messaging::job::Job;
use messaging::trace::log_span;
use schemas::Message;
use sealing::{DataKeys, Details};
use sqlx::PgPool;
use tokio::sync::Mutex;
use tokio::task::{self, JoinSet};
use tokio::time::{Instant, timeout, timeout_at};
use tracing::Instrument;
use types::{Micros, PayoutId};

use super::provider::PayoutProvider;
use super::step::{Handing, gave_up, step};
use super::{NAME, command};
use crate::domain::{MAX_STEP_SECONDS, Next, Transitions};
use crate::store::calls::{self, Due};

/// Payouts in flight at once.
const MAX_AT_ONCE: usize = 16;
/// The end of a first step is waited for so long before more payouts are taken.
const PAUSE: Duration = Duration::from_millis(100);
/// A step that takes longer is given up: whatever the provider did, it is looked up.
const MAX_STEP: Duration = Duration::from_secs(MAX_STEP_SECONDS.unsigned_abs());

/// Takes payouts further. One that the provider is slow about keeps its own place and delays no other.
pub struct PayoutWorker<P> {
    provider: Arc<P>,
    data_keys: Arc<DataKeys>,
    in_flight: Mutex<InFlight>,
}

impl<P: PayoutProvider> PayoutWorker<P> {
    /// A worker with this provider.
    pub fn new(provider: P, data_keys: Arc<DataKeys>) -> Self {
        Self {
            provider: Arc::new(provider),
            data_keys,
            in_flight: Mutex::default(),
        }
    }

    /// Takes a step of one that was due at `now`; its time began no later than `read`, before the database was asked.
    fn take(
        &self,
        due: Due,
        now: Micros,
        read: Instant,
    ) -> impl Future<Output = Option<Message>> + use<P> {
        let handed_for = due.handed_for;
        let handed_at = handed_for.map(|micros| Micros(now.get().saturating_sub(micros)));
        let provider = Arc::clone(&self.provider);
        let details = self.details(&due);
        let until = now.checked_add_seconds(MAX_STEP_SECONDS);
        let handing = handing(&due, until.unwrap_or(now));
        let clock = move || {
            let since = i64::try_from(read.elapsed().as_micros()).ok();
            let at = since.and_then(|micros| now.checked_add_micros(micros));
            at.unwrap_or(Micros(i64::MAX))
        };
        let logged = log_span(due.correlation_id, due.traceparent.as_deref());
        let taken = async move {
            let payout = &due.stored.payout;
            let step = step(&*provider, payout, handed_at, details, handing, clock);
            let step = timeout_at(read + MAX_STEP, step).await;
            trace(&due, real_of(now), real_of(clock()));
            command::of(&due, step.unwrap_or_else(|_| gave_up(payout)), now)
        };
        taken.instrument(logged)
    }
}

impl<P: PayoutProvider> Job for PayoutWorker<P> {
    const NAME: &'static str = NAME;

    async fn due(&self, pool: &PgPool, now: Micros, _: i64) -> Result<Vec<Message>, sqlx::Error> {
        let mut in_flight = self.in_flight.lock().await;
        let room = MAX_AT_ONCE - in_flight.payouts.len();
        if room > 0 {
            // What is read now holds for a step's time from now on, however late it comes.
            let read = Instant::now();
            for due in calls::take_due(pool, &in_flight.held(), room).await? {
                in_flight.start(due.stored.payout.id.clone(), self.take(due, now, read));
            }
        }
        Ok(in_flight.ended().await)
    }
}

impl<P> PayoutWorker<P> {
    fn details(&self, due: &Due) -> Option<Details> {
        let encrypted = due.details.as_deref()?;
        let id = due.stored.payout.id.as_str();
        let json = self
            .data_keys
            .decrypt(due.data_key.as_deref(), id, encrypted);
        if json.is_err() {
            tracing::error!(
                payout = id,
                "payment details cannot be decrypted: is a key missing that PAYMENT_DATA_KEY was before?"
            );
        }
        Details::parse(&json.ok()?).ok()
    }
}

fn handing(due: &Due, until: Micros) -> Handing {
    match (due.paused, due.taken_before) {
        (true, _) => Handing::Paused,
        (false, true) => Handing::MayHaveBeen,
        (false, false) => Handing::AllowedUntil(until),
    }
}

/// What was asked of the provider, in the trace of who asked for the payout.
fn trace(due: &Due, started: Micros, ended: Micros) {
    let name = match Transitions::of(due.stored.payout.status).next {
        Next::Submit => "submit payout",
        Next::LookUp => "look payout up",
        Next::Begin | Next::Nothing => return,
    };
    let parent = due.traceparent.as_deref();
    let parent: Option<TraceContext> = parent.and_then(|text| text.parse().ok());
    let (Some(spans), Some(parent)) = (Spans::of_process(), parent) else {
        return;
    };
    let payout = &due.stored.payout;
    spans.record(Span {
        at: parent.child(),
        parent: Some(parent),
        name: name.to_owned(),
        kind: Kind::Client,
        started,
        ended,
        attributes: vec![KeyValue::new("tributary.subject", payout.id.to_string())],
        error: None,
    });
}

/// Steps under way and their payouts: none of these is taken a second time.
#[derive(Default)]
struct InFlight {
    steps: JoinSet<Option<Message>>,
    payouts: HashMap<task::Id, PayoutId>,
}

impl InFlight {
    fn held(&self) -> Vec<String> {
        self.payouts.values().map(PayoutId::to_string).collect()
    }

    fn start(
        &mut self,
        payout: PayoutId,
        step: impl Future<Output = Option<Message>> + Send + 'static,
    ) {
        let task = self.steps.spawn(step).id();
        self.payouts.insert(task, payout);
    }

    /// What the steps that have ended came to.
    async fn ended(&mut self) -> Vec<Message> {
        let mut commands = Vec::new();
        let first = timeout(PAUSE, self.steps.join_next_with_id()).await;
        let mut next = first.ok().flatten();
        while let Some(ended) = next {
            match ended {
                Ok((task, command)) => {
                    self.payouts.remove(&task);
                    commands.extend(command);
                }
                Err(error) => {
                    let payout = self.payouts.remove(&error.id());
                    tracing::error!(?payout, %error, "a step of a payout broke off: it is taken again");
                }
            }
            next = self.steps.try_join_next_with_id();
        }
        commands
    }
}
