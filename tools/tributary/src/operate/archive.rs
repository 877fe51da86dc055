//! `tributary archive list | run | verify | drop`.

use anyhow::{Error, Result, bail};
use schemas::Service;
use serde_json::{Value, json};

use super::{Client, Listed, cells, service, show_page, text};

/// What can be done with old parts of a log.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Verb {
    /// The parts of a service's log that stand in files, newest first
    List(Listed),
    /// Write everything that is closed to files
    Run {
        /// Whose log, and why
        #[command(flatten)]
        act: Act,
        /// First write the part that has this position again, and all behind it: its file is lost or damaged, and the table still has it
        #[arg(long, value_name = "POSITION")]
        again_from: Option<i64>,
    },
    /// Read everything back that was not yet, and compare it with the table
    Verify {
        /// Whose log, and why
        #[command(flatten)]
        act: Act,
        /// Read everything back, also what was before and what left the table: exit code 1 when a file is not as it was written, or missing
        #[arg(long)]
        all: bool,
    },
    /// Drop from the table what is archived, verified and passed by every follower
    Drop {
        /// Whose log, and why
        #[command(flatten)]
        act: Act,
        /// Keep so many of the newest positions in any case; without it, one partition's worth
        #[arg(long)]
        keep: Option<i64>,
    },
}

/// Whose log, and why.
#[derive(Clone, Debug, clap::Args)]
pub struct Act {
    /// bff, campaign, tracking, commission, payment or notify
    #[arg(value_parser = service)]
    service: Service,
    /// Why, for the audit
    #[arg(long)]
    reason: String,
}

const HEADINGS: [&str; 7] = [
    "from", "to", "messages", "bytes", "verified", "dropped", "file",
];

pub(super) async fn run(client: &Client, verb: Verb) -> Result<()> {
    match verb {
        Verb::List(listed) => {
            client
                .list("/archive", listed, Vec::new(), &HEADINGS, part)
                .await
        }
        Verb::Run { act, again_from } => {
            if let Some(position) = again_from {
                let body = json!({"reason": act.reason, "again_from": position});
                client.post(act.service, "/archive/run", &body).await?;
            }
            repeat(client, &act, "/archive/run", false).await
        }
        Verb::Verify { act, all } => repeat(client, &act, "/archive/verify", all).await,
        Verb::Drop { act, keep } => {
            let mut body = json!({"reason": act.reason});
            if let Some(keep) = keep {
                body["keep_positions"] = json!(keep);
            }
            let dropped = client.post(act.service, "/archive/drop", &body).await?;
            if client.json {
                println!("{dropped:#}");
                return Ok(());
            }
            println!(
                "the table has nothing up to position {}; position {} is the furthest that could go, because of {}",
                dropped["dropped_to"],
                dropped["floor"],
                dropped["held_by"].as_str().unwrap_or_default()
            );
            Ok(())
        }
    }
}

/// One request does a few parts: asks until nothing is left, of every part or of what is to be done. Where a request fails, what the
/// others came to is shown before.
async fn repeat(client: &Client, act: &Act, path: &str, every: bool) -> Result<()> {
    let (mut all, mut damaged, mut next) = (Vec::new(), Vec::new(), 1);
    let failed = loop {
        let mut body = json!({"reason": act.reason});
        if every {
            body["from_position"] = json!(next);
        }
        let done = match client.post_on(act.service, path, &body).await {
            Ok(done) => done,
            Err(failed) => break Some(failed),
        };
        let of = |name: &str| done[name].as_array().cloned().unwrap_or_default();
        let (parts, not_as_written) = (of("parts"), of("damaged"));
        let looked = parts.iter().chain(&not_as_written);
        let last = looked.filter_map(|part| part["to_position"].as_i64()).max();
        next = last.map_or(next, |last| last + 1);
        all.extend(parts);
        damaged.extend(not_as_written);
        if done["more"] != json!(true) {
            break None;
        }
    };
    if failed.is_none() || !all.is_empty() || !damaged.is_empty() {
        let shown = json!({"items": all, "damaged": damaged});
        show_page(client, &shown, &HEADINGS, part);
    }
    ended(&damaged, failed)
}

/// How it went, with each file that is not as it was written.
fn ended(damaged: &[Value], failed: Option<Error>) -> Result<()> {
    if damaged.is_empty() {
        return failed.map_or(Ok(()), Err);
    }
    let lines: Vec<String> = damaged.iter().map(damage).collect();
    let found = format!(
        "{} file(s) are not as they were written, or missing:\n{}",
        damaged.len(),
        lines.join("\n")
    );
    match failed {
        Some(failed) => bail!("{found}\nand not all were read back: {failed:#}"),
        None => bail!(found),
    }
}

fn damage(part: &Value) -> String {
    let [from, to, file, detail] =
        ["from_position", "to_position", "file", "detail"].map(|name| text(&part[name]));
    format!("  {from} to {to}, {file}: {detail}")
}

fn part(part: &Value) -> Vec<String> {
    let names = [
        "from_position",
        "to_position",
        "messages",
        "bytes",
        "verified_at",
        "dropped_at",
    ];
    let mut row = cells(part, names);
    row.push(text(&part["file"]));
    row
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn what_was_found_damaged_is_named_although_a_later_request_failed() {
        let lost = json!({"from_position": 64, "to_position": 127, "file": "a.avro", "detail": "another hash"});
        let failed = || Some(anyhow!("503 archive_unavailable: no right"));
        let both = ended(&[lost], failed()).unwrap_err().to_string();
        for part in ["64 to 127, a.avro: another hash", "503 archive_unavailable"] {
            assert!(both.contains(part), "{both}");
        }
        let alone = ended(&[], failed()).unwrap_err().to_string();
        assert_eq!(alone, "503 archive_unavailable: no right");
        assert!(ended(&[], None).is_ok());
    }
}
