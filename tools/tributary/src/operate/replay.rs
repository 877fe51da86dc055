//! `tributary replay verify`, `swap`, `list` and `drop`.

use std::time::Duration;

use anyhow::{Result, bail};
use schemas::Service;
use serde_json::{Value, json};

use super::{Client, Line, cut, service, table};

/// What can be done with a service's tables and its log.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Verb {
    /// Make the tables again beside the running service and compare: exit code 1 when something differs
    Verify {
        /// bff, campaign, tracking, commission, payment or notify
        #[arg(value_parser = service)]
        service: Service,
    },
    /// Make the tables again, compare, and put them in place without downtime
    Swap {
        /// bff, campaign, tracking, commission, payment or notify
        #[arg(value_parser = service)]
        service: Service,
        /// Why, for the audit
        #[arg(long)]
        reason: String,
    },
    /// The last replays of a service, and the old tables that swaps left
    List {
        /// bff, campaign, tracking, commission, payment or notify
        #[arg(value_parser = service)]
        service: Service,
    },
    /// Remove old tables that a swap left, for good
    Drop {
        /// bff, campaign, tracking, commission, payment or notify
        #[arg(value_parser = service)]
        service: Service,
        /// Such as `replaced_20261120_131500_000`
        name: String,
        /// Why, for the audit
        #[arg(long)]
        reason: String,
    },
}

pub(super) async fn run(client: &Client, verb: Verb) -> Result<()> {
    match verb {
        Verb::Verify { service } => {
            let report = follow(client, service, &json!({ "kind": "verify" })).await?;
            match report["different"].as_i64() {
                Some(0) => Ok(()),
                _ => bail!("{} differs from the fold of its log", service.name()),
            }
        }
        Verb::Swap { service, reason } => {
            let body = json!({ "kind": "swap", "reason": reason });
            follow(client, service, &body).await.map(drop)
        }
        Verb::List { service } => list(client, service).await,
        Verb::Drop {
            service,
            name,
            reason,
        } => {
            let path = format!("/replays/replaced/{name}/drop");
            let done = client
                .post(service, &path, &json!({ "reason": reason }))
                .await?;
            if client.json {
                println!("{done:#}");
            } else {
                println!("{name} is gone");
            }
            Ok(())
        }
    }
}

/// Starts a replay, shows how far it is, and shows what it came to.
async fn follow(client: &Client, service: Service, body: &Value) -> Result<Value> {
    let begun = client.post(service, "/replays", body).await?;
    let path = format!("/replays/{}", begun["id"].as_str().unwrap_or_default());
    let mut line = Line::default();
    let replay = loop {
        let replay = client.poll(service, &path).await?;
        let (phase, done) = (text(&replay, "phase"), &replay["done"]);
        if !client.json {
            line.show(format!(
                "{phase}: {done} of {}, {} events",
                replay["target"], replay["events"]
            ));
        }
        if phase == "interrupted" {
            bail!("its process is gone; ask again");
        }
        if !replay["finished_at"].is_null() {
            break replay;
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    };
    drop(line);
    if client.json {
        println!("{replay:#}");
    }
    if let Some(error) = replay["error"].as_str() {
        bail!("{error}");
    }
    let report = replay["report"].clone();
    if !client.json {
        show(&report);
    }
    Ok(report)
}

fn show(report: &Value) {
    let tables = report["tables"].as_array().map_or(&[][..], Vec::as_slice);
    let number = |value: &Value| value.to_string();
    let rows: Vec<Vec<String>> = tables
        .iter()
        .map(|t| {
            vec![
                text(t, "table"),
                number(&t["live_rows"]),
                number(&t["rebuilt_rows"]),
                number(&t["different"]),
            ]
        })
        .collect();
    table(&["table", "live rows", "rebuilt rows", "different"], &rows);
    for of_table in tables {
        let first = of_table["first"].as_array().map_or(&[][..], Vec::as_slice);
        for row in first {
            println!(
                "{} {} {}",
                text(of_table, "table"),
                text(row, "what"),
                row["key"]
            );
            println!("  live     {}", cut(&row["live"].to_string(), 200));
            println!("  rebuilt  {}", cut(&row["rebuilt"].to_string(), 200));
        }
    }
    let (events, bytes) = (integer(report, "events"), integer(report, "bytes"));
    let milliseconds = integer(report, "milliseconds").max(1);
    println!(
        "{events} events, {} KiB, {milliseconds} ms, {} events a second, at position {}",
        bytes / 1024,
        events * 1000 / milliseconds,
        report["position"],
    );
    if let Some(name) = report["replaced"].as_str() {
        println!("put in place; the old tables are kept in {name}: tributary replay drop");
    }
}

async fn list(client: &Client, service: Service) -> Result<()> {
    let all = client.get(service, "/replays", &[]).await?;
    if client.json {
        println!("{all:#}");
        return Ok(());
    }
    let (build, tables) = (&all["fold_version"], &all["tables_fold_version"]);
    println!("fold {build} of this build, fold {tables} made the tables in place");
    for old in all["replaced"].as_array().into_iter().flatten() {
        println!(
            "kept {} ({} KiB)",
            text(old, "name"),
            integer(old, "bytes") / 1024
        );
    }
    let replays = all["replays"].as_array().map_or(&[][..], Vec::as_slice);
    let rows: Vec<Vec<String>> = replays
        .iter()
        .map(|replay| {
            let different = &replay["report"]["different"];
            let mut row: Vec<String> = ["started_at", "kind", "phase", "actor"]
                .map(|name| text(replay, name))
                .into();
            row.extend([
                replay["events"].to_string(),
                different.to_string(),
                cut(&text(replay, "reason"), 40),
            ]);
            row
        })
        .collect();
    table(
        &[
            "started",
            "kind",
            "phase",
            "actor",
            "events",
            "different",
            "reason",
        ],
        &rows,
    );
    Ok(())
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_default().to_owned()
}

fn integer(value: &Value, name: &str) -> i64 {
    value[name].as_i64().unwrap_or_default()
}
