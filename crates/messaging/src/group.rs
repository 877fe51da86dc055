//! Group commit for what is written outside the batches: many callers, one transaction.

use std::future::Future;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::begin;
use crate::company::Company;
use crate::supervise::Tasks;

/// Writes what was gathered in one transaction, answering in the same order.
pub trait GroupWrite: Send + Sync + 'static {
    /// What a caller hands over.
    type In: Send + 'static;
    /// What it gets.
    type Out: Send + 'static;
    /// For so long a transaction is waited for: a database that is silent would else hold up all that come for good.
    const PATIENCE: Duration = begin::PATIENCE;
    /// How much of a transaction it takes.
    fn weight(_: &Self::In) -> usize {
        1
    }
    /// Writes all or nothing.
    fn write(
        &self,
        items: Vec<Self::In>,
    ) -> impl Future<Output = Result<Vec<Self::Out>, sqlx::Error>> + Send;
}

/// Why nothing is known to be written.
#[derive(Debug, Clone, thiserror::Error)]
pub enum GroupError {
    /// Too many wait already; nothing was written.
    #[error("too many requests wait for the database")]
    Full,
    /// The transaction failed. If the connection broke or nothing was answered in its commit, it may stand all the same.
    #[error("the database says: {0}")]
    Failed(String),
}

struct Waiting<I, O> {
    item: I,
    done: oneshot::Sender<Result<O, GroupError>>,
}

/// A way into a group commit.
pub struct Group<I, O> {
    sender: mpsc::Sender<Waiting<I, O>>,
}

impl<I, O> Clone for Group<I, O> {
    fn clone(&self) -> Self {
        Self {
            sender: self.sender.clone(),
        }
    }
}

impl<I: Send + 'static, O: Send + 'static> Group<I, O> {
    /// Starts the writer: at once when idle or when no company is to be expected, otherwise `pace` apart, no further item a time once they
    /// weigh `most`, and four times as many waiting. It ends when all requests are answered: one that came before the stop may need it.
    pub fn start<W: GroupWrite<In = I, Out = O>>(
        tasks: &Tasks,
        name: &str,
        most: usize,
        pace: Duration,
        write: W,
    ) -> Self {
        let (sender, mut receiver) = mpsc::channel::<Waiting<I, O>>(most * 4);
        let serving = tasks.clone();
        tasks.spawn(name, async move {
            let drained = serving.drained();
            tokio::pin!(drained);
            let mut next_start = Instant::now();
            let (mut waiting, mut company) = (Vec::new(), Company::default());
            loop {
                let first = tokio::select! {
                    biased;
                    got = receiver.recv() => got,
                    () = &mut drained => return,
                };
                let Some(first) = first else { return };
                let mut weight = W::weight(&first.item);
                waiting.push(first);
                while weight < most {
                    let next = match receiver.try_recv() {
                        Ok(next) => Some(next),
                        Err(_) if company.is_there(waiting.len()) => None,
                        Err(_) => tokio::select! {
                            biased;
                            got = receiver.recv() => got,
                            () = tokio::time::sleep_until(next_start) => None,
                        },
                    };
                    let Some(next) = next else { break };
                    weight += W::weight(&next.item);
                    waiting.push(next);
                }
                company.had(waiting.len());
                next_start = Instant::now() + pace;
                let (items, dones): (Vec<I>, Vec<_>) =
                    waiting.drain(..).map(|w| (w.item, w.done)).unzip();
                match begin::answered_within(W::PATIENCE, write.write(items)).await {
                    Ok(outs) => {
                        for (out, done) in outs.into_iter().zip(dones) {
                            let _ = done.send(Ok(out));
                        }
                    }
                    Err(error) => {
                        tracing::warn!(%error, "a group commit failed");
                        for done in dones {
                            let _ = done.send(Err(GroupError::Failed(error.to_string())));
                        }
                    }
                }
            }
        });
        Self { sender }
    }

    /// Hands an item over and waits for its commit.
    pub async fn submit(&self, item: I) -> Result<O, GroupError> {
        let (done, answer) = oneshot::channel();
        self.sender
            .try_send(Waiting { item, done })
            .map_err(|_| GroupError::Full)?;
        answer
            .await
            .unwrap_or_else(|_| Err(GroupError::Failed("the service stops".to_owned())))
    }
}
