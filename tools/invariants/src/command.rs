//! `./tributary check`: the running local stack, checked by hand.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;
use devstack::demo::Tokens;
use devstack::layout::Layout;
use devstack::token::GenerateJwt;
use devstack::{terminal, up};
use schemas::Service;
use serde_json::json;

use crate::{Finding, Journal, RULES, Records, check_within, settled};

/// What to check.
#[derive(Clone, Debug, Args)]
pub struct Check {
    /// Print the findings as JSON
    #[arg(long)]
    json: bool,
    /// Wait so many seconds for the stack to be quiet, a day at most
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(..=86_400))]
    patience: u64,
    /// Note what it came to at the bff, where the audit and the console show it
    #[arg(long)]
    report: bool,
    /// The server on which the check makes a database of its own, as a URL of who may; without it the one that ./start.sh runs
    #[arg(long, env = "TRIBUTARY_SCRATCH_URL", hide_env_values = true)]
    scratch_url: Option<String>,
}

impl Check {
    /// Checks and prints; 1 when a rule is broken.
    pub async fn run(self) -> Result<ExitCode> {
        let layout = Layout::find();
        let settings = up::as_started(&layout)?;
        let built = layout.built("release");
        let records = Records::of(&layout, &settings, built.clone(), self.scratch_url)?;
        records.need_rebuild()?;
        let patience = Duration::from_secs(self.patience);
        if let Err(moving) = settled(&records, patience).await {
            bail!("the rules are checked on a quiet stack, and this one is {moving}");
        }
        let findings = check_within(&records, &Journal::default(), patience).await?;
        if self.json {
            println!("{}", serde_json::to_string_pretty(&findings)?);
        } else {
            print(&findings);
        }
        if self.report {
            let token = GenerateJwt::new(&layout, &settings, &built);
            let token = token.token(&["--role", "operator", "--subject", "operator"])?;
            report(settings.admin_url(Service::Bff)?, &token, &findings).await?;
        }
        Ok(terminal::holds(findings.iter().all(Finding::holds)))
    }
}

/// Notes the findings at a bff, as the operator of this token.
pub async fn report(bff: &str, token: &str, findings: &[Finding]) -> Result<()> {
    let url = format!("{bff}/api/v1/operator/bff/checks");
    let body = json!({"reason": "tributary check --report", "findings": findings});
    let client = reqwest::Client::builder().no_proxy().build()?;
    let answer = client.post(&url).bearer_auth(token).json(&body).send();
    let answer = answer.await.context("the bff cannot be reached")?;
    let status = answer.status();
    if !status.is_success() {
        bail!("POST {url} answers {status}: {}", answer.text().await?);
    }
    Ok(())
}

/// The table of the ten rules, with the first evidence of what is broken.
pub fn print(findings: &[Finding]) {
    for (number, name) in (1_u8..).zip(RULES) {
        let of_rule: Vec<&Finding> = findings
            .iter()
            .filter(|found| found.rule == number)
            .collect();
        let looked: u64 = of_rule.iter().map(|found| found.looked_at).sum();
        let is_partial = of_rule.iter().any(|found| found.could_not_look());
        let result = match (looked, of_rule.iter().all(|found| found.holds())) {
            (_, false) => "BROKEN",
            (0, true) => "not looked at",
            (_, true) if is_partial => "held, as far as was looked",
            (_, true) => "held",
        };
        println!("{number:>2} {name:<46} {result}");
        for found in of_rule {
            let mark = if found.holds() { ' ' } else { '!' };
            println!("   {mark} {:>9}  {}", found.looked_at, found.check);
            if !found.holds() {
                println!("              {} wrong; the first:", found.wrong);
            }
            for line in &found.broken {
                println!("              - {line}");
            }
        }
    }
}
