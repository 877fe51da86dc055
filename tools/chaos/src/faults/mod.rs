//! `cargo chaos faults`: is the check itself any good? Debug binaries with one promise broken on purpose run under traffic
//! while processes die, and the rule that the fault breaks must be reported as broken, and with no fault none.

mod scene;
mod storm;
mod traffic;

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use futures::{StreamExt, stream};
use mutants::Fault;

use devstack::layout::Layout;
use devstack::local::{LocalStack, SHORT_LIVED_BROKER, UNLIMITED};
use devstack::progress::Progress;
use devstack::settings::Mode;
use devstack::tools;
use invariants::{Finding, Records};
use scene::Scene;
use storm::Storm;
use traffic::Traffic;

/// How long the traffic lasts.
const SECONDS: u64 = 12;
/// With most faults quiet never comes: then it is waited until nothing changes for so long, and not more often than this.
const STILL_FOR: Duration = Duration::from_secs(5);
const LOOKS: u32 = 8;
/// Without a fault it must.
const SETTLES_HONESTLY_WITHIN: Duration = Duration::from_secs(90);

/// Which faults to inject.
#[derive(clap::Args, Clone, Debug)]
pub struct Faults {
    /// Names of faults, `none`, or `all`, which is every fault and none
    #[arg(required = true)]
    names: Vec<String>,
    /// How long the traffic lasts, in seconds
    #[arg(long, default_value_t = SECONDS)]
    seconds: u64,
    /// With the binaries of the last time
    #[arg(long)]
    as_built: bool,
    /// Stacks at once; each wants a core and 2 GB of memory
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=4))]
    at_once: u8,
}

/// What came of one fault.
pub struct Outcome {
    name: &'static str,
    rule: Option<u8>,
    findings: Vec<Finding>,
    took: Duration,
}

impl Outcome {
    /// The fault's rule is reported broken; without a fault nothing is.
    pub fn is_right(&self) -> bool {
        match self.rule {
            Some(rule) => self.broken().any(|finding| finding.rule == rule),
            None => self.broken().next().is_none(),
        }
    }

    fn broken(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| !finding.holds())
    }

    /// What to print.
    pub fn line(&self) -> String {
        let wanted = self
            .rule
            .map_or_else(|| "none".to_owned(), |rule| rule.to_string());
        let mut broken: Vec<u8> = self.broken().map(|finding| finding.rule).collect();
        broken.dedup();
        let evidence = self
            .broken()
            .find(|finding| self.rule.is_none_or(|rule| finding.rule == rule))
            .map_or_else(String::new, |finding| {
                let first = finding.broken.first().map_or("", String::as_str);
                format!(
                    "{}: {}",
                    finding.check,
                    first.chars().take(110).collect::<String>()
                )
            });
        format!(
            "{:<30} rule {wanted:<4} {:<7} broken {broken:?} in {} s  {evidence}",
            self.name,
            if self.is_right() { "caught" } else { "MISSED" },
            self.took.as_secs()
        )
    }
}

/// Injects each, and prints a table. False when one is not caught, or something is found that is not there.
pub async fn command(layout: &Layout, faults: &Faults, progress: Progress) -> Result<bool> {
    tools::ensure(true)?;
    let scenes = scenes(&faults.names)?;
    let built = if faults.as_built {
        layout.built(mutants::FOLDER)
    } else {
        mutants::build(layout, progress)?
    };
    let lasting = Duration::from_secs(faults.seconds);
    let plays = scenes.into_iter().map(async |fault| {
        let step = progress.step(fault.map_or("no fault", Fault::name));
        let played = play(fault, &built, lasting).await;
        let right = played.as_ref().is_ok_and(Outcome::is_right);
        let line = played.map_or_else(
            |problem| format!("{:<30} {problem:#}", fault.map_or("none", Fault::name)),
            |outcome| outcome.line(),
        );
        step.done(&line);
        (line, right)
    });
    let plays = stream::iter(plays).buffered(faults.at_once.into());
    let (lines, right): (Vec<String>, Vec<bool>) = plays.unzip().await;
    println!("\n{}", lines.join("\n"));
    Ok(right.into_iter().all(|right| right))
}

fn scenes(names: &[String]) -> Result<Vec<Option<Fault>>> {
    let mut scenes = Vec::new();
    for name in names {
        match name.as_str() {
            "all" => {
                scenes.extend(Fault::ALL.map(Some));
                scenes.push(None);
            }
            "none" => scenes.push(None),
            name => {
                let known = || Fault::ALL.map(Fault::name).join(", ");
                let fault = Fault::parse(name);
                scenes.push(Some(fault.with_context(|| {
                    format!("there is no fault {name}; there are {}", known())
                })?));
            }
        }
    }
    Ok(scenes)
}

/// One stack with one fault, from its start to its records.
pub async fn play(fault: Option<Fault>, built: &Path, lasting: Duration) -> Result<Outcome> {
    let begun = Instant::now();
    let scene = Scene::of(fault);
    let variables = [&SHORT_LIVED_BROKER, &UNLIMITED[..]].concat();
    let mut stack = LocalStack::start_built(Mode::Hybrid, built.to_owned(), &variables).await?;
    stack.load_demo().await?;
    if let Some(fault) = fault {
        let settings = stack.settings_mut();
        settings.set("TRIBUTARY_FAULT", fault.name());
        stack.start_again().await?;
    }
    let mut storm = Storm::new(&scene, &mut stack).await?;
    let traffic = Traffic::start(storm.stack(), &storm.replicas()).await?;
    storm.rage(lasting).await?;
    let journal = traffic.end().await;
    storm.calm().await?;
    let records = Records::of(
        storm.stack().layout(),
        storm.stack().settings(),
        built.to_owned(),
        None,
    )?;
    if let Err(moving) = quiet(&records, fault).await {
        println!("    {moving}");
    }
    let findings = invariants::check(&records, &journal).await?;
    Ok(Outcome {
        name: fault.map_or("none", Fault::name),
        rule: scene.rule,
        findings,
        took: begun.elapsed(),
    })
}

/// Waits until nothing moves, or what moved has come to a stand.
async fn quiet(records: &Records, fault: Option<Fault>) -> Result<(), String> {
    if fault.is_none() {
        return invariants::settled(records, SETTLES_HONESTLY_WITHIN).await;
    }
    let mut last = Ok(());
    for _ in 0..LOOKS {
        let now = invariants::settled(records, STILL_FOR).await;
        if now.is_ok() || now == last {
            return now;
        }
        last = now;
    }
    last
}
