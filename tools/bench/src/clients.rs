//! Clients that ask at a steady rate, whatever becomes of what they asked before, and time the answers.

use std::cell::Cell;
use std::future::Future;
use std::time::Duration;

use anyhow::Result;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use reqwest::RequestBuilder;
use tokio::time::{MissedTickBehavior, interval};

/// What one kind of request met with.
#[derive(Debug, Default)]
pub struct Met {
    /// From when a request was due to an answer that was what was asked for, in microseconds, ascending.
    pub latencies_us: Vec<u64>,
    /// Told to come again: 503 or 429.
    pub refused: u64,
    /// Accepted, but without the outcome that was waited for.
    pub still_pending: u64,
    /// Anything else.
    pub failed: u64,
}

impl Met {
    /// In tenths of a millisecond.
    pub fn percentile(&self, percent: usize) -> u64 {
        percentile(&self.latencies_us, percent)
    }

    fn note(&mut self, answer: Answer, took: Duration) {
        match answer {
            Answer::Done => {
                let took = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
                self.latencies_us.push(took);
            }
            Answer::Refused => self.refused += 1,
            Answer::Pending => self.still_pending += 1,
            Answer::Failed => self.failed += 1,
        }
    }
}

/// Of ascending microseconds, in tenths of a millisecond.
pub fn percentile(all: &[u64], percent: usize) -> u64 {
    let index = (all.len() * percent / 100).min(all.len().saturating_sub(1));
    all.get(index).copied().unwrap_or(0) / 100
}

#[derive(Clone, Copy)]
enum Answer {
    Done,
    Pending,
    Refused,
    Failed,
}

/// One kind of request, asked so many times a second.
pub struct Client<M> {
    /// For the report.
    pub name: &'static str,
    /// Makes the nth request.
    pub make: M,
    /// Requests a second.
    pub rate: u32,
    /// Whether 202 is less than what was asked for.
    pub waits: bool,
}

impl<M: Fn(u64) -> RequestBuilder> Client<M> {
    /// Asks until stopped, then lets what is under way end.
    pub async fn run(&self, stop: &Cell<bool>, first: u64) -> Result<Met> {
        let ask = |number| self.ask((self.make)(first + number));
        Ok(paced(self.rate, stop, ask).await)
    }

    fn ask(&self, request: RequestBuilder) -> impl Future<Output = Answer> + use<M> {
        let waits = self.waits;
        async move {
            match request.send().await {
                Ok(answer) => {
                    let status = answer.status().as_u16();
                    let read = answer.bytes().await.is_ok();
                    match status {
                        202 if waits => Answer::Pending,
                        503 | 429 => Answer::Refused,
                        200..400 if read => Answer::Done,
                        _ => Answer::Failed,
                    }
                }
                Err(_) => Answer::Failed,
            }
        }
    }
}

/// Asks so many times a second, from the first time on, until stopped; then lets what is under way end. What is asked late, since
/// this end was busy, has waited since it was due.
async fn paced<A: Future<Output = Answer>>(
    rate: u32,
    stop: &Cell<bool>,
    ask: impl Fn(u64) -> A,
) -> Met {
    let mut ticks = interval(Duration::from_secs(1) / rate.max(1));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut met = Met::default();
    let mut under_way = FuturesUnordered::new();
    let mut number = 0;
    while !stop.get() || !under_way.is_empty() {
        tokio::select! {
            Some((answer, took)) = under_way.next() => met.note(answer, took),
            due = ticks.tick() => if !stop.get() {
                number += 1;
                let answer = ask(number);
                under_way.push(async move { (answer.await, due.elapsed()) });
            }
        }
    }
    met.latencies_us.sort_unstable();
    met
}

#[cfg(test)]
mod tests {
    use tokio::task::yield_now;

    use super::*;

    #[tokio::test]
    async fn what_is_asked_late_has_waited_since_it_was_due() {
        let (stop, answered) = (Cell::new(false), Cell::new(0));
        let ask = |number| {
            let answered = &answered;
            async move {
                answered.set(number);
                Answer::Done
            }
        };
        let busy = async {
            while answered.get() == 0 {
                yield_now().await;
            }
            let before = answered.get();
            // This end does nothing else meanwhile, and each tick of it is late.
            std::thread::sleep(Duration::from_millis(200));
            while answered.get() == before {
                yield_now().await;
            }
            stop.set(true);
        };
        let (met, ()) = tokio::join!(paced(100, &stop, ask), busy);
        let longest = met.latencies_us.last().copied().unwrap_or(0);
        assert!(longest >= 150_000, "{longest} µs");
    }
}
