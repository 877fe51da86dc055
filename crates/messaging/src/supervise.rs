//! Tasks whose end is noticed.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The tasks of one service. When one ends that should not, the service stops.
#[derive(Clone, Default)]
pub struct Tasks {
    tracker: TaskTracker,
    /// Those of them that answer requests.
    serving: TaskTracker,
    stop: CancellationToken,
    /// One of them ended that should not.
    broke: Arc<AtomicBool>,
}

impl Tasks {
    /// No tasks yet.
    pub fn new(stop: CancellationToken) -> Self {
        Self {
            stop,
            ..Self::default()
        }
    }

    /// Cancelled when the service is to stop.
    pub fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    /// Runs a task that lasts as long as the service.
    pub fn spawn(&self, name: impl Into<String>, task: impl Future<Output = ()> + Send + 'static) {
        // Behind a pointer, so that what runs tasks is compiled once, and not again for each.
        self.spawn_boxed(name.into(), task.boxed());
    }

    /// Runs what answers requests, which ends once those that it has when the service is to stop are answered.
    pub fn spawn_serving(
        &self,
        name: impl Into<String>,
        task: impl Future<Output = ()> + Send + 'static,
    ) {
        self.spawn_boxed(name.into(), self.serving.track_future(task).boxed());
    }

    /// Waits until the service is to stop and all requests are answered.
    pub async fn drained(&self) {
        self.stop.cancelled().await;
        self.serving.close();
        self.serving.wait().await;
    }

    fn spawn_boxed(&self, name: String, task: BoxFuture<'static, ()>) {
        let (stop, broke) = (self.stop.clone(), Arc::clone(&self.broke));
        #[allow(clippy::disallowed_methods, reason = "this is the supervisor")]
        self.tracker.spawn(async move {
            let ended = std::panic::AssertUnwindSafe(task).catch_unwind().await;
            if !stop.is_cancelled() {
                let panicked = ended.is_err();
                tracing::error!(
                    task = name,
                    panicked,
                    "a task ended that should not; the service stops"
                );
                broke.store(true, Ordering::Relaxed);
                stop.cancel();
            }
        });
    }

    /// Whether it stops since a task ended that should not.
    pub fn broke(&self) -> bool {
        self.broke.load(Ordering::Relaxed)
    }

    /// Waits for every task, after [`Tasks::stop`] was cancelled.
    pub async fn finished(&self) {
        self.tracker.close();
        self.tracker.wait().await;
    }
}
