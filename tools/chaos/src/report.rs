//! What a run comes to, for people.

use std::collections::BTreeMap;
use std::time::Duration;

use super::breaker::Fired;
use super::journal::Notes;
use super::replica::Lives;
use invariants::{Canonical, Finding};

/// What a run comes to.
#[derive(Debug)]
pub struct Report {
    /// The plan's seed and digests, printed first.
    pub head: String,
    /// What was broken.
    pub fired: Fired,
    /// What clients were answered with.
    pub notes: Notes,
    /// What became of each replica.
    pub lives: Vec<Lives>,
    /// What is not as it must be.
    pub broken: Vec<String>,
    /// The ten rules.
    pub findings: Vec<Finding>,
    /// Where ledger and aggregates ended.
    pub canonical: Canonical,
}

/// First evidences that are shown of a list.
const SHOWN: usize = 12;

impl Report {
    /// No rule is broken, nothing ended by itself, and every command ended as planned.
    pub fn holds(&self) -> bool {
        let holds = |found: &Finding| found.holds() && !found.could_not_look();
        self.broken.is_empty() && self.findings.iter().all(holds)
    }

    /// All of it.
    pub fn text(&self) -> String {
        let mut lines = vec![self.head.clone(), String::new()];
        lines.push(format!(
            "faults: {} kills, {} at named points ({} points were not met in time), {} found nothing to break",
            self.fired.kills, self.fired.at_points, self.fired.not_met, self.fired.missed
        ));
        let mut by_fault: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for ((what, target), count) in &self.fired.counts {
            by_fault
                .entry(what)
                .or_default()
                .push(format!("{target} {count}"));
        }
        for (what, targets) in by_fault {
            lines.push(format!("  {what:<20} {}", targets.join(", ")));
        }
        lines.push(String::new());
        let recoveries = self.lives.iter().flat_map(|lives| &lives.recoveries);
        lines.push(recovery("services ready again", recoveries.copied()));
        for server in ["postgres", "pulsar"] {
            let of_server = self
                .fired
                .servers
                .iter()
                .filter(|(name, _)| *name == server);
            lines.push(recovery(server, of_server.map(|(_, took)| *took)));
        }
        lines.push(format!(
            "clients: {} requests, {} commands answered 2xx, {} clicks, {} journeys finished, {} malformed or unsigned commands to be refused",
            self.notes.requests,
            self.notes.acknowledged.len(),
            self.notes.clicks.len(),
            self.notes.finished,
            self.fired.refusals.values().sum::<u64>()
        ));
        lines.push(String::new());
        for (number, broken) in self.broken.iter().enumerate() {
            if number == SHOWN {
                lines.push(format!("… and {} more", self.broken.len() - SHOWN));
                break;
            }
            lines.push(format!("BROKEN {broken}"));
        }
        lines.join("\n")
    }
}

fn recovery(of: &str, times: impl Iterator<Item = Duration>) -> String {
    let mut times: Vec<Duration> = times.collect();
    times.sort();
    let Some(longest) = times.last() else {
        return format!("recovery, {of}: none");
    };
    format!(
        "recovery, {of}: median {:.2} s, longest {:.2} s, of {}",
        times[times.len() / 2].as_secs_f64(),
        longest.as_secs_f64(),
        times.len()
    )
}
