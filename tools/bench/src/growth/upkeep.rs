//! What operators do with long logs: how long it takes, and what memory.

use std::fmt::Write;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Result, bail};
use devstack::demo::Tokens;
use devstack::local::LocalStack;
use devstack::progress::Progress;
use devstack::services::Program;
use invariants::{Journal, RULES, Records, check, settled};
use schemas::Service;
use serde_json::Value;
use sqlx::PgPool;
use tokio::process::Command;
use tokio::time::{Instant, sleep};

use crate::machine::{self, Machine};

/// What changes something is said with a reason.
const REASON: [&str; 2] = ["--reason", "benchmark"];
/// How often memory is looked at.
const LOOK: Duration = Duration::from_millis(200);
/// The check begins on a stack that is quiet within this time.
const QUIET_WITHIN: Duration = Duration::from_mins(5);

/// One thing that is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// A service's tables are made again beside it, and compared.
    Verify(Service),
    /// And put in the place of those that it has.
    Swap(Service),
    /// A stream is sent again from near its end.
    Rewind,
    /// One step of archiving tracking's log.
    Archive(&'static str),
    /// The ten rules are checked.
    Rules,
    /// Tracking begins a new epoch.
    Raise,
    /// A follower takes it.
    Accept(Service),
}

/// All of it, in this order. The rules are checked before anything is dropped: what follows from a message that is not in the log
/// has no cause for them.
fn steps() -> Vec<Step> {
    let mut steps = Service::ALL.map(Step::Verify).to_vec();
    steps.extend([Service::Payment, Service::Bff].map(Step::Swap));
    steps.extend([Step::Rewind, Step::Archive("run"), Step::Archive("verify")]);
    steps.extend([Step::Rules, Step::Archive("drop"), Step::Raise]);
    steps.extend([Service::Commission, Service::Notify, Service::Bff].map(Step::Accept));
    steps
}

/// What an operator does by the command line.
struct Operator<'a> {
    stack: &'a LocalStack,
    token: String,
    page: String,
    /// What went wrong.
    broken: Vec<String>,
}

/// Does all of it, and makes the table; beside it comes what went wrong.
pub async fn run(stack: &LocalStack, progress: Progress) -> Result<(String, Vec<String>)> {
    let token = stack.token(&["--role", "operator", "--lifetime", "1d"])?;
    let page = "\n| what operators do | messages | s | a second | memory before and at most, MiB |\n|---|---|---|---|---|\n";
    let mut operator = Operator {
        stack,
        token,
        page: page.to_owned(),
        broken: Vec::new(),
    };
    for step in steps() {
        progress.note(&format!("{step:?}").to_lowercase());
        operator.step(step).await?;
    }
    Ok((operator.page, operator.broken))
}

async fn last_sequence(stack: &LocalStack) -> Result<i64> {
    let pool = PgPool::connect(&stack.database_url(Service::Tracking)?).await?;
    let sequence = sqlx::query_scalar(
        "SELECT sequence FROM pipeline.message_log WHERE topic = 'tracking-events' AND partition = 0 ORDER BY position DESC LIMIT 1",
    );
    Ok(sequence.fetch_one(&pool).await?)
}

fn events(answer: &Value) -> u64 {
    answer["report"]["events"].as_u64().unwrap_or(0)
}

fn messages(answer: &Value) -> u64 {
    let parts = answer["items"].as_array().map_or(&[][..], Vec::as_slice);
    let each = parts.iter().filter_map(|part| part["messages"].as_u64());
    each.sum()
}

fn nothing(_: &Value) -> u64 {
    0
}

impl Operator<'_> {
    async fn step(&mut self, step: Step) -> Result<()> {
        let tracking = Service::Tracking;
        let (at, words, many): (_, Vec<&str>, fn(&Value) -> u64) = match step {
            Step::Rules => return self.checks().await,
            Step::Rewind => return self.rewind().await,
            Step::Verify(at) => (at, vec!["replay", "verify", at.name()], events),
            Step::Swap(at) => (at, vec!["replay", "swap", at.name()], events),
            Step::Archive(verb) => (tracking, vec!["archive", verb, tracking.name()], messages),
            Step::Raise => (
                tracking,
                vec!["epoch", "raise", "--service", tracking.name()],
                nothing,
            ),
            Step::Accept(at) => (
                at,
                vec![
                    "epoch",
                    "accept",
                    "--source",
                    tracking.name(),
                    "--at",
                    at.name(),
                ],
                nothing,
            ),
        };
        let reason = !matches!(step, Step::Verify(_));
        let reason = if reason { &REASON[..] } else { &[] };
        self.does(at, &[&words, reason].concat(), many).await
    }

    async fn rewind(&mut self) -> Result<()> {
        let to = last_sequence(self.stack).await?.saturating_sub(10);
        let to = to.to_string();
        let stream = ["--source", "tracking", "--topic", "tracking-events"];
        let words = [&["relay", "rewind"], &stream[..], &["--to", &to], &REASON];
        self.does(Service::Tracking, &words.concat(), nothing).await
    }

    /// One command; how much it was about is in its answer.
    async fn does(
        &mut self,
        service: Service,
        words: &[&str],
        many: fn(&Value) -> u64,
    ) -> Result<()> {
        let url = self.stack.settings().admin_url(Service::Bff)?;
        let mut command = Command::new(self.stack.built().join("tributary"));
        command
            .args(words)
            .args(["--url", url, "--token", &self.token, "--json"])
            .stdin(Stdio::null());
        let memory = || machine::memory_of(self.stack.layout(), Program::Service(service));
        let before = memory()?;
        let began = Instant::now();
        let (answer, most) = watched(before, memory, command.output()).await;
        let (answer, took) = (answer?, began.elapsed());
        let text = String::from_utf8_lossy(&answer.stdout);
        if !answer.status.success() {
            let problem = String::from_utf8_lossy(&answer.stderr);
            // What differs is a fault, and the figures are worth having.
            let failed = format!("{}: {problem} {text}", words.join(" "));
            self.broken.push(failed);
        }
        let response: Value = serde_json::from_str(&text).unwrap_or_default();
        let what = format!("{}, at {service}", words.join(" "));
        let what = what.replace(" --reason benchmark", "");
        self.note(&what, many(&response), took, (before, most))
    }

    async fn checks(&mut self) -> Result<()> {
        let layout = self.stack.layout();
        let records = Records::of_stack(self.stack)?;
        if let Err(moving) = settled(&records, QUIET_WITHIN).await {
            bail!("the stack is {moving}");
        }
        let own = || machine::own_memory();
        let before = own()?;
        let server = || -> Result<u64> {
            Ok(Machine::read(layout)?
                .memory()
                .get("postgres")
                .copied()
                .unwrap_or(0))
        };
        let server_before = server()?;
        let began = Instant::now();
        let journal = Journal::default();
        let checking = Box::pin(check(&records, &journal));
        let both = watched(server_before, server, checking);
        let ((found, server_most), most) = watched(before, own, both).await;
        let took = began.elapsed();
        let found = found?;
        let mut many = 0;
        for service in Service::ALL {
            let pool = PgPool::connect(&self.stack.database_url(service)?).await?;
            many += u64::try_from(crate::ledger::head(&pool).await?)?;
        }
        self.note("check, its own process", many, took, (before, most))?;
        self.note(
            "check, Postgres meanwhile",
            many,
            took,
            (server_before, server_most),
        )?;
        let broken = found.iter().filter(|it| !it.holds());
        for it in broken {
            writeln!(
                self.page,
                "\nBroken: {}: {}",
                RULES[usize::from(it.rule) - 1],
                it.check
            )?;
            self.broken.push(format!("{it:?}"));
        }
        Ok(())
    }

    fn note(&mut self, what: &str, many: u64, took: Duration, kib: (u64, u64)) -> Result<()> {
        let tenths = u64::try_from(took.as_millis())? / 100;
        let rate = (many * 10).checked_div(tenths).unwrap_or(0);
        let (many, rate) = match many {
            0 => (String::new(), String::new()),
            many => (many.to_string(), rate.to_string()),
        };
        writeln!(
            self.page,
            "| {what} | {many} | {}.{} | {rate} | {} → {} |",
            tenths / 10,
            tenths % 10,
            kib.0 / 1_024,
            kib.1 / 1_024
        )?;
        Ok(())
    }
}

/// What it comes to, and the most memory meanwhile.
async fn watched<T>(
    before: u64,
    memory: impl Fn() -> Result<u64>,
    busy: impl Future<Output = T>,
) -> (T, u64) {
    let mut most = before;
    tokio::pin!(busy);
    loop {
        tokio::select! {
            done = &mut busy => return (done, most),
            () = sleep(LOOK) => most = most.max(memory().unwrap_or(0)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rules_are_checked_while_all_of_the_log_is_there() {
        let steps = steps();
        let place = |step| steps.iter().position(|it| *it == step).unwrap();
        assert!(place(Step::Rules) < place(Step::Archive("drop")));
        assert!(place(Step::Archive("verify")) < place(Step::Archive("drop")));
        assert!(place(Step::Rewind) < place(Step::Rules));
    }
}
