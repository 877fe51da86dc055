//! `tributary parked`: the retry queue, and redriving what is in it.

use std::fs;
use std::io::Read;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use clap::builder::NonEmptyStringValueParser;
use reqwest::{Method, StatusCode};
use schemas::Service;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{
    Client, Line, Listed, Pairs, cells, cut, given, service, show_page, table, text, value_of,
};

/// What can be done with the retry queue.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Verb {
    /// The retry queue of a service, newest first
    List {
        #[command(flatten)]
        listed: Listed,
        #[command(flatten)]
        filter: Filter,
    },
    /// How much is in the retry queue, by state, type and reason; of every service if none is named
    Counts {
        /// One service
        #[arg(value_parser = service)]
        service: Option<Service>,
        #[command(flatten)]
        filter: Filter,
    },
    /// One message in full, read by the schema that wrote it
    Show(Which),
    /// What handling it would come to now; nothing of it stays
    DryRun {
        #[command(flatten)]
        which: Which,
        /// A file with an edited payload to try, - for the standard input
        #[arg(long)]
        payload: Option<PathBuf>,
    },
    /// Put an edited payload in the place of its own; the old bytes are kept
    Edit {
        #[command(flatten)]
        which: Which,
        /// A file with the payload as JSON, - for the standard input
        #[arg(long)]
        payload: PathBuf,
        /// Why, for the audit
        #[arg(long)]
        reason: String,
    },
    /// Bring one message back, or with --all those that a filter names
    Redrive {
        /// bff, campaign, tracking, commission, payment or notify
        #[arg(value_parser = service)]
        service: Service,
        /// The message's id
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        id: Option<Uuid>,
        /// Every dead message that the filter names; follows it until it is done
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        filter: Filter,
        /// Messages a second, with --all
        #[arg(long, default_value_t = 50, requires = "all")]
        rate: i32,
        /// Why, for the audit
        #[arg(long)]
        reason: String,
    },
    /// The latest redrives of many, and how far they are
    Redrives {
        /// bff, campaign, tracking, commission, payment or notify
        #[arg(value_parser = service)]
        service: Service,
    },
    /// Stop a redrive of many where it is
    Cancel {
        /// bff, campaign, tracking, commission, payment or notify
        #[arg(value_parser = service)]
        service: Service,
        /// The redrive's id
        id: Uuid,
        /// Why, for the audit
        #[arg(long)]
        reason: String,
    },
    /// Take one message away for good, or with --all the dead letters of one reason; a command ends with the outcome dropped
    Drop {
        /// bff, campaign, tracking, commission, payment or notify
        #[arg(value_parser = service)]
        service: Service,
        /// The message's id
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        id: Option<Uuid>,
        /// Who sent it, when two senders took the same id
        #[arg(long, conflicts_with = "all")]
        source: Option<String>,
        /// Every dead letter whose reason begins as --why has it
        #[arg(long, requires = "why")]
        all: bool,
        /// How the reason of those begins, with --all
        #[arg(long, requires = "all", conflicts_with = "id", value_parser = NonEmptyStringValueParser::new())]
        why: Option<String>,
        /// Why, for the audit
        #[arg(long)]
        reason: String,
    },
}

/// One message.
#[derive(Clone, Debug, clap::Args)]
pub struct Which {
    /// bff, campaign, tracking, commission, payment or notify
    #[arg(value_parser = service)]
    service: Service,
    /// The message's id
    id: Uuid,
    /// Who sent it, when two senders took the same id
    #[arg(long)]
    source: Option<String>,
}

/// Which messages.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Filter {
    /// waiting, retrying, queued, dead or `unknown_type`
    #[arg(long)]
    state: Option<String>,
    /// The reason contains this
    #[arg(long = "why")]
    why: Option<String>,
    /// Such as campaign.accept.command.v1
    #[arg(long = "type")]
    kind: Option<String>,
    /// From this source
    #[arg(long)]
    from: Option<String>,
    /// About this aggregate
    #[arg(long)]
    subject: Option<String>,
    /// In the retry queue since before this moment, such as 2026-11-20T09:00:00Z
    #[arg(long)]
    before: Option<String>,
}

impl Filter {
    fn pairs(self) -> Pairs {
        vec![
            ("state", self.state),
            ("reason", self.why),
            ("type", self.kind),
            ("source", self.from),
            ("subject", self.subject),
            ("before", self.before),
        ]
    }
}

pub(super) async fn run(client: &Client, verb: Verb) -> Result<()> {
    match verb {
        Verb::List { listed, filter } => {
            let row = |row: &Value| cells(row, SHOWN);
            let pairs = filter.pairs();
            client
                .list("/parked", listed, pairs, &HEADINGS, row)
                .await?;
        }
        Verb::Counts { service, filter } => counts(client, service, &filter).await?,
        Verb::Show(which) => {
            let shown = which.ask(client, Method::GET, "", None).await?;
            println!("{shown:#}");
        }
        Verb::DryRun { which, payload } => {
            let body = match payload {
                Some(file) => json!({ "payload": read(&file)? }),
                None => json!({}),
            };
            let answer = which.ask(client, Method::POST, "/dry-run", Some(&body));
            println!("{:#}", answer.await?);
        }
        Verb::Edit {
            which,
            payload,
            reason,
        } => {
            let body = json!({ "payload": read(&payload)?, "reason": reason });
            let shown = which.ask(client, Method::PUT, "/payload", Some(&body));
            println!("{:#}", shown.await?);
        }
        Verb::Redrive {
            service,
            id: Some(id),
            reason,
            filter,
            ..
        } => {
            let which = Which {
                service,
                id,
                source: filter.from,
            };
            which.act(client, "/redrive", reason).await?;
        }
        Verb::Redrive {
            service,
            filter,
            rate,
            reason,
            ..
        } => redrive_all(client, service, filter, rate, &reason).await?,
        Verb::Redrives { service } => {
            let redrives = client.get(service, "/redrives", &[]).await?;
            show_page(client, &json!({ "items": redrives }), &PROGRESS, progress);
        }
        Verb::Cancel {
            service,
            id,
            reason,
        } => {
            let path = format!("/redrives/{id}/cancel");
            let body = json!({ "reason": reason });
            println!("{:#}", client.post(service, &path, &body).await?);
        }
        Verb::Drop {
            service,
            id: Some(id),
            source,
            reason,
            ..
        } => {
            let which = Which {
                service,
                id,
                source,
            };
            which.act(client, "/drop", reason).await?;
        }
        Verb::Drop {
            service,
            why,
            reason,
            ..
        } => drop_all(client, service, &why.unwrap_or_default(), &reason).await?,
    }
    Ok(())
}

async fn counts(client: &Client, service: Option<Service>, filter: &Filter) -> Result<()> {
    let services = service.map_or(Service::ALL.to_vec(), |service| vec![service]);
    let mut unread = Vec::new();
    for service in services {
        let query = given(filter.clone().pairs());
        match client.get(service, "/parked/counts", &query).await {
            Ok(counts) => show_counts(client, service, &counts),
            // The others are what is looked for then.
            Err(error) => unread.push(format!("{service}: {error:#}")),
        }
    }
    if !unread.is_empty() {
        bail!("{}", unread.join("\n"));
    }
    Ok(())
}

impl Which {
    async fn ask(
        &self,
        client: &Client,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value> {
        let path = format!("/parked/{}{path}", self.id);
        let query = given(vec![("source", self.source.clone())]);
        client.ask(method, self.service, &path, &query, body).await
    }

    async fn act(&self, client: &Client, path: &str, reason: String) -> Result<()> {
        let body = json!({ "reason": reason });
        let done = self.ask(client, Method::POST, path, Some(&body)).await?;
        if client.json {
            println!("{done:#}");
        } else {
            println!("{} is {}", self.id, done["done"].as_str().unwrap_or("?"));
        }
        Ok(())
    }
}

/// Starts a redrive of many and follows it; interrupting the command leaves it going on.
async fn redrive_all(
    client: &Client,
    service: Service,
    filter: Filter,
    rate: i32,
    reason: &str,
) -> Result<()> {
    let filter: Map<String, Value> = given(filter.pairs())
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect();
    let body = json!({ "filter": filter, "rate": rate, "reason": reason });
    let mut redrive = client.post(service, "/redrives", &body).await?;
    let path = format!("/redrives/{}", redrive["id"].as_str().unwrap_or_default());
    let mut line = Line::default();
    while redrive["state"] == "running" {
        if !client.json {
            line.show(progress(&redrive).join("  "));
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        redrive = client.poll(service, &path).await?;
    }
    drop(line);
    show_page(client, &json!({ "items": [redrive] }), &PROGRESS, progress);
    let passed_over = &redrive["passed_over"];
    // Builds of before do not say it.
    if passed_over.as_i64().is_some_and(|count| count > 0) {
        bail!(
            "{passed_over} of them are of a kind that the build that went on with it does not have: redrive them once every replica of {service} has it"
        );
    }
    if redrive["state"] != "done" || redrive["failed"] != 0 {
        bail!("not all of them were handled: ./tributary parked list {service}");
    }
    Ok(())
}

/// Drops them one after the other, the newest first, each with its own audit. How many were is printed also where one could not be.
async fn drop_all(client: &Client, service: Service, why: &str, reason: &str) -> Result<()> {
    let mut dropped = 0;
    let ended = drop_each(client, service, why, reason, &mut dropped).await;
    if client.json {
        println!("{:#}", json!({ "dropped": dropped }));
    } else {
        println!("{dropped} dead letter(s) of {} dropped", service.name());
    }
    ended
}

async fn drop_each(
    client: &Client,
    service: Service,
    why: &str,
    reason: &str,
    dropped: &mut u64,
) -> Result<()> {
    // Of no reason at all it would be everything.
    ensure!(!why.is_empty(), "say how the reason begins: --why");
    let body = json!({ "reason": reason });
    let mut cursor = None;
    loop {
        let state = Some("dead".to_owned());
        let page = vec![
            ("state", state),
            ("reason", Some(why.to_owned())),
            ("cursor", cursor),
        ];
        let page = client.get(service, "/parked", &given(page)).await?;
        // The list has those whose reason contains it somewhere, in whatever case.
        let begins = |row: &&Value| row["reason"].as_str().is_some_and(|it| it.starts_with(why));
        let rows = page["items"].as_array().into_iter().flatten();
        for row in rows.filter(begins) {
            let id = text(&row["message_id"]);
            let query = given(vec![("source", Some(text(&row["source"])))]);
            let path = format!("/parked/{id}/drop");
            let answer = client.try_send(Method::POST, service, &path, &query, Some(&body));
            let answer = answer.await?;
            // Somebody else was quicker.
            if answer.status() == StatusCode::NOT_FOUND {
                continue;
            }
            value_of(answer).await.with_context(|| id)?;
            *dropped += 1;
        }
        cursor = page["next_cursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            return Ok(());
        }
    }
}

fn read(file: &PathBuf) -> Result<Value> {
    let mut text = String::new();
    if file.as_os_str() == "-" {
        std::io::stdin().read_to_string(&mut text)?;
    } else {
        text =
            fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    }
    serde_json::from_str(&text).context("the payload is no JSON")
}

const HEADINGS: [&str; 7] = [
    "id", "state", "attempts", "type", "subject", "since", "reason",
];
const SHOWN: [&str; 7] = [
    "message_id",
    "state",
    "attempts",
    "type",
    "subject",
    "parked_at",
    "reason",
];
const PROGRESS: [&str; 8] = [
    "id",
    "state",
    "rate",
    "total",
    "done",
    "failed",
    "left",
    "passed_over",
];

fn progress(redrive: &Value) -> Vec<String> {
    cells(redrive, PROGRESS)
}

fn show_counts(client: &Client, service: Service, counts: &Value) {
    if client.json {
        println!("{:#}", json!({ service.name(): counts }));
        return;
    }
    let mut rows = Vec::new();
    for (title, name) in [
        ("state", "states"),
        ("type", "types"),
        ("reason", "reasons"),
    ] {
        for count in counts[name].as_array().into_iter().flatten() {
            rows.push(vec![
                title.to_owned(),
                cut(&text(&count["name"]), 80),
                text(&count["messages"]),
                text(&count["oldest"]),
            ]);
        }
    }
    if rows.is_empty() {
        println!("{}: the retry queue is empty", service.name());
    } else {
        table(&[service.name(), "", "messages", "oldest"], &rows);
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Typed {
        #[command(subcommand)]
        verb: Verb,
    }

    #[test]
    fn what_is_dropped_is_one_message_or_all_of_a_reason_and_never_all_there_are() {
        let id = "019a0b6e-6a3e-7cc0-9a51-6f6b1f0c2d3e";
        let drop = |words: &[&str]| {
            let begun = ["parked", "drop", "commission", "--reason", "known"].iter();
            Typed::try_parse_from(begun.chain(words))
        };
        let why = "it had its effect as";
        let of_a_reason = drop(&["--all", "--why", why]).unwrap().verb;
        assert!(
            matches!(&of_a_reason, Verb::Drop { id: None, why: Some(it), .. } if it == why),
            "{of_a_reason:?}"
        );
        for words in [&[id][..], &[id, "--source", "tracking"]] {
            let one = drop(words).unwrap().verb;
            assert!(matches!(
                one,
                Verb::Drop {
                    id: Some(_),
                    all: false,
                    ..
                }
            ));
        }
        for words in [
            &[][..],
            &["--all"],
            &["--all", "--why", ""],
            &["--why", why],
            &[id, "--why", why],
            &[id, "--all", "--why", why],
            &["--all", "--why", why, "--source", "tracking"],
        ] {
            assert!(drop(words).is_err(), "{words:?}");
        }
    }
}
