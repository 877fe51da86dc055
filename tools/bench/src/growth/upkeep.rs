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

/// How often memory is looked at.
const LOOK: Duration = Duration::from_millis(200);
/// The check begins on a stack that is quiet within this time.
const QUIET_WITHIN: Duration = Duration::from_mins(5);

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
    for service in Service::ALL {
        let name = service.name();
        progress.note(&format!("replay verify {name}"));
        operator
            .does(service, &["replay", "verify", name], events)
            .await?;
    }
    for service in [Service::Payment, Service::Bff] {
        let name = service.name();
        progress.note(&format!("replay swap {name}"));
        let words = ["replay", "swap", name, "--reason", "benchmark"];
        operator.does(service, &words, events).await?;
    }
    for verb in ["run", "verify", "drop"] {
        progress.note(&format!("archive {verb} tracking"));
        let words = ["archive", verb, "tracking", "--reason", "benchmark"];
        operator.does(Service::Tracking, &words, messages).await?;
    }
    progress.note("a stream is sent again from near its end");
    let last = last_sequence(stack).await?;
    let to = last.saturating_sub(10).to_string();
    let words = [
        "relay",
        "rewind",
        "--source",
        "tracking",
        "--topic",
        "tracking-events",
        "--to",
        &to,
        "--reason",
        "benchmark",
    ];
    operator.does(Service::Tracking, &words, nothing).await?;
    progress.note("an epoch is raised and accepted");
    let raise = [
        "epoch",
        "raise",
        "--service",
        "tracking",
        "--reason",
        "benchmark",
    ];
    operator.does(Service::Tracking, &raise, nothing).await?;
    for at in [Service::Commission, Service::Notify, Service::Bff] {
        let accept = [
            "epoch",
            "accept",
            "--source",
            "tracking",
            "--at",
            at.name(),
            "--reason",
            "benchmark",
        ];
        operator.does(at, &accept, nothing).await?;
    }
    progress.note("the ten rules");
    operator.checks().await?;
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
