//! `cargo chaos faults`: is the check itself any good? Debug binaries with one promise broken on purpose run under traffic
//! while processes die, and a check that the fault is there for must report its rule as broken, and with no fault none may.

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
use scene::{Scene, Shows, WHILE_SOMETHING_MOVES};
use storm::Storm;
use traffic::Traffic;

/// How long the traffic lasts.
const SECONDS: u64 = 12;
/// With most faults quiet never comes: it is looked so often ...
const LOOK_EVERY: Duration = Duration::from_secs(5);
const LOOKS: u32 = 18;
/// ... until nothing changes for so long: a sound build pauses for less before it tries again.
const STUCK_AFTER: Duration = Duration::from_secs(40);
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

/// What the stack did when it was checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rest {
    /// Nothing is left to do.
    Quiet,
    /// What is left to do is not done: nothing moved any more.
    Stuck,
    /// Something is on its way yet.
    Moving,
}

/// What came of one fault.
pub struct Outcome {
    name: &'static str,
    shows: Option<Shows>,
    rest: Rest,
    findings: Vec<Finding>,
    /// How often a source has sent again what a follower missed.
    resends: i64,
    took: Duration,
}

impl Outcome {
    /// A check that the fault is there for reports its rule as broken, or what it lost was had again; without a fault none does.
    pub fn is_right(&self) -> bool {
        match self.shows {
            Some(shows) => {
                self.broken().any(|finding| self.is_found(shows, finding)) || self.is_healed()
            }
            None => self.broken().next().is_none(),
        }
    }

    /// Nothing was lost where nothing was sent again: then the fault had no effect.
    fn is_healed(&self) -> bool {
        self.shows.is_some_and(|shows| shows.heals)
            && self.resends > 0
            && self.rest == Rest::Quiet
            && self.broken().next().is_none()
    }

    /// Whether this is the fault, and no sound build's backlog.
    fn is_found(&self, shows: Shows, finding: &Finding) -> bool {
        let is_of = |checks: &[&str]| checks.iter().any(|it| finding.check.starts_with(it));
        finding.rule == shows.rule
            && is_of(shows.checks)
            && !(self.rest == Rest::Moving && is_of(WHILE_SOMETHING_MOVES))
    }

    fn broken(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| !finding.holds())
    }

    /// What to print.
    pub fn line(&self) -> String {
        let wanted = self
            .shows
            .map_or_else(|| "none".to_owned(), |shows| shows.rule.to_string());
        let mut broken: Vec<u8> = self.broken().map(|finding| finding.rule).collect();
        broken.dedup();
        let is_its = |finding: &&Finding| self.shows.is_none_or(|it| self.is_found(it, finding));
        let evidence = self
            .broken()
            .find(is_its)
            .or_else(|| self.broken().next())
            .map_or_else(String::new, |finding| {
                let first = finding.broken.first().map_or("", String::as_str);
                format!(
                    "{}: {}",
                    finding.check,
                    first.chars().take(110).collect::<String>()
                )
            });
        format!(
            "{:<30} rule {wanted:<4} {:<7} broken {broken:?} in {} s, {:?}  {evidence}",
            self.name,
            if self.is_healed() {
                "healed"
            } else if self.is_right() {
                "caught"
            } else {
                "MISSED"
            },
            self.took.as_secs(),
            self.rest
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
    // Before the fault is there: what it loses is the traffic's.
    let other_brand = traffic::another_brand(&stack).await?;
    if let Some(fault) = fault {
        let settings = stack.settings_mut();
        settings.set("TRIBUTARY_FAULT", fault.name());
        stack.start_again().await?;
    }
    let mut storm = Storm::new(&scene, &mut stack).await?;
    let traffic = Traffic::start(storm.stack(), &storm.replicas(), other_brand).await?;
    storm.rage(lasting).await?;
    let journal = traffic.end().await;
    storm.calm().await?;
    let records = Records::of(
        storm.stack().layout(),
        storm.stack().settings(),
        built.to_owned(),
        None,
    )?;
    let rest = rest(&records, fault).await;
    let findings = invariants::check(&records, &journal).await?;
    let resends = invariants::resends(&records).await?;
    Ok(Outcome {
        name: fault.map_or("none", Fault::name),
        shows: scene.shows,
        rest,
        findings,
        resends,
        took: begun.elapsed(),
    })
}

/// Waits until nothing moves, or what moved has come to a stand.
async fn rest(records: &Records, fault: Option<Fault>) -> Rest {
    let (looks, each) = match fault {
        Some(_) => (LOOKS, LOOK_EVERY),
        None => (1, SETTLES_HONESTLY_WITHIN),
    };
    let mut last = None;
    let mut since = Instant::now();
    for _ in 0..looks {
        let Err(moving) = invariants::settled(records, each).await else {
            return Rest::Quiet;
        };
        println!("    {moving}");
        // What does not answer is no sign that nothing moves.
        let now = invariants::positions(records).await.ok();
        if now.is_none() || now != last {
            (last, since) = (now, Instant::now());
        } else if since.elapsed() >= STUCK_AFTER {
            return Rest::Stuck;
        }
    }
    Rest::Moving
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    /// The outcome of a fault where only this check found something.
    fn outcome(fault: Fault, rest: Rest, rule: u8, check: &'static str) -> Outcome {
        let finding = Finding {
            rule,
            check,
            looked_at: 1,
            wrong: 1,
            broken: vec!["evidence".to_owned()],
        };
        Outcome {
            name: fault.name(),
            shows: Scene::of(Some(fault)).shows,
            rest,
            findings: vec![finding],
            resends: 1,
            took: Duration::ZERO,
        }
    }

    const WATERMARK: &str = "every follower's watermark is its source's head";

    #[test]
    fn a_fault_is_caught_by_a_check_that_it_is_there_for_and_by_no_other_of_its_rule() {
        let click = Fault::ClickBeforeCommit;
        for rest in [Rest::Quiet, Rest::Stuck, Rest::Moving] {
            assert!(!outcome(click, rest, 2, WATERMARK).is_right());
            let missing = "no click is missing whose visitor was sent on with its id";
            assert!(outcome(click, rest, 2, missing).is_right());
            assert!(!outcome(click, rest, 3, missing).is_right());
        }
    }

    #[test]
    fn a_follower_that_is_behind_is_a_fault_only_once_nothing_moves() {
        let of = |rest| outcome(Fault::AckBeforeCommit, rest, 2, WATERMARK).is_right();
        assert!(of(Rest::Quiet) && of(Rest::Stuck));
        assert!(!of(Rest::Moving));
    }

    #[test]
    fn what_was_lost_and_had_again_is_right_and_what_shows_nothing_else_is_not() {
        let of = |fault, rest| {
            let mut outcome = outcome(fault, rest, 2, WATERMARK);
            outcome.findings.clear();
            outcome.is_right()
        };
        assert!(of(Fault::RelayGoesOnAfterError, Rest::Quiet));
        assert!(!of(Fault::RelayGoesOnAfterError, Rest::Stuck));
        assert!(!of(Fault::ClickBeforeCommit, Rest::Quiet));
    }

    #[test]
    fn what_was_never_lost_is_not_healed() {
        let mut outcome = outcome(Fault::RelayGoesOnAfterError, Rest::Quiet, 2, WATERMARK);
        outcome.findings.clear();
        outcome.resends = 0;
        assert!(!outcome.is_right());
        assert!(outcome.line().contains("MISSED"), "{}", outcome.line());
    }

    #[test]
    fn each_check_that_a_scene_names_is_one_of_the_ten_rules() {
        let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("../invariants/src/rules");
        let mut folders = vec![rules];
        let mut sources = String::new();
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    sources += &fs::read_to_string(path).unwrap();
                }
            }
        }
        let scenes = Fault::ALL.map(|fault| Scene::of(Some(fault)));
        let named = scenes.iter().filter_map(|scene| scene.shows);
        let named = named.flat_map(|shows| shows.checks);
        for check in named.chain(WHILE_SOMETHING_MOVES) {
            assert!(sources.contains(&format!("\"{check}")), "{check}");
        }
    }
}
