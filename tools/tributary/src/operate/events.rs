//! `tributary events list`, `show` and `live`.

use anyhow::{Context, Result};
use reqwest::Method;
use schemas::Service;
use serde_json::Value;

use super::{BETWEEN_POLLS, Client, Listed, Pairs, cells, cut, given, service, text};
use crate::tail::moment;

/// What can be asked of a service's log.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Verb {
    /// Messages of a service's log, newest first
    List {
        /// Whose
        #[command(flatten)]
        listed: Listed,
        /// Which of them
        #[command(flatten)]
        which: Which,
        /// Oldest first
        #[arg(long)]
        oldest: bool,
        /// Begin with this position
        #[arg(long)]
        from: Option<i64>,
    },
    /// The message at a position, decoded by the schema that wrote it
    Show {
        /// bff, campaign, tracking, commission, payment or notify
        #[arg(value_parser = service)]
        service: Service,
        /// Its position
        position: i64,
    },
    /// Messages as they are committed, one line of JSON each, until interrupted
    Live {
        /// bff, campaign, tracking, commission, payment or notify
        #[arg(value_parser = service)]
        service: Service,
        /// Which of them
        #[command(flatten)]
        which: Which,
        /// Begin behind this position, 0 for the whole log; without it with what comes from now on
        #[arg(long)]
        after: Option<i64>,
    },
}

/// Which messages.
#[derive(Clone, Debug, clap::Args)]
pub struct Which {
    /// Only those about this aggregate
    #[arg(long)]
    subject: Option<String>,
    /// Only what this request caused
    #[arg(long)]
    correlation: Option<String>,
    /// Only of this type, such as campaign.created.v1
    #[arg(long = "type")]
    kind: Option<String>,
}

const HEADINGS: [&str; 5] = ["position", "time", "type", "subject", "payload"];

impl Which {
    fn query(self) -> Pairs {
        vec![
            ("subject", self.subject),
            ("correlation_id", self.correlation),
            ("type", self.kind),
        ]
    }
}

pub(super) async fn run(client: &Client, verb: Verb) -> Result<()> {
    match verb {
        Verb::List {
            listed,
            which,
            oldest,
            from,
        } => {
            let mut pairs = which.query();
            pairs.push(("order", oldest.then(|| "oldest".to_owned())));
            pairs.push(("from", from.map(|from| from.to_string())));
            client
                .list("/events", listed, pairs, &HEADINGS, row)
                .await?;
        }
        Verb::Show { service, position } => {
            let event = client
                .get(service, &format!("/events/{position}"), &[])
                .await?;
            println!("{event:#}");
        }
        Verb::Live {
            service,
            which,
            after,
        } => {
            live(client, service, &which.query(), after).await?;
        }
    }
    Ok(())
}

fn row(event: &Value) -> Vec<String> {
    let message = &event["message"];
    let time = message["time"].as_i64().and_then(moment);
    let mut row = cells(event, ["position"]);
    row.push(time.unwrap_or_else(|| text(&message["time"])));
    row.extend(cells(message, ["type", "subject"]));
    row.push(cut(&message["payload"].to_string(), 80));
    row
}

/// Prints the data of each event. A stream that the service ends is gone on with behind its last event.
async fn live(
    client: &Client,
    service: Service,
    which: &Pairs,
    mut after: Option<i64>,
) -> Result<()> {
    loop {
        let mut query = which.clone();
        query.push(("after", after.map(|after| after.to_string())));
        let query = given(query);
        let request = client.send(Method::GET, service, "/events/live", &query, None);
        let mut answer = request.await?;
        let mut rest = Vec::new();
        while let Some(chunk) = answer
            .chunk()
            .await
            .context("the stream broke; ask again with --after")?
        {
            rest.extend_from_slice(&chunk);
            while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = rest.drain(..=end).collect();
                let line = String::from_utf8_lossy(&line);
                if let Some(data) = line.strip_prefix("data:") {
                    println!("{}", data.trim());
                } else if let Some(id) = line.strip_prefix("id:") {
                    after = id.trim().parse().ok().or(after);
                }
            }
        }
        tokio::time::sleep(BETWEEN_POLLS).await;
    }
}

#[cfg(test)]
mod tests {
    use schemas::Service;
    use serde_json::json;
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
    use tokio::net::TcpListener;

    use super::{live, row};
    use crate::operate::Client;

    const ANSWER: &[u8] =
        b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nid: 7\ndata: {}\n\nid: 9\n\n";

    #[tokio::test]
    async fn a_live_stream_that_ends_is_gone_on_with_behind_its_last_event() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = Client {
            url: format!("http://{}", listener.local_addr().unwrap()),
            token: String::new(),
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            json: false,
        };
        let requests = async {
            let mut begun = Vec::new();
            for _ in 0..2 {
                let mut stream = BufReader::new(listener.accept().await.unwrap().0);
                let mut head = String::new();
                while !head.ends_with("\r\n\r\n") {
                    stream.read_line(&mut head).await.unwrap();
                }
                stream.write_all(ANSWER).await.unwrap();
                begun.extend(head.lines().next().map(str::to_owned));
            }
            begun
        };
        let which = vec![("type", Some("x".to_owned()))];
        tokio::select! {
            ended = live(&client, Service::Campaign, &which, Some(3)) => panic!("{ended:?}"),
            begun = requests => {
                let path = "GET /api/v1/operator/campaign/events/live?type=x&after";
                assert_eq!(begun, [3, 9].map(|it| format!("{path}={it} HTTP/1.1")));
            }
        }
    }

    #[test]
    fn a_list_of_events_says_when_each_was_as_people_write_it() {
        let message = json!({
            "time": 1_790_000_000_123_456_i64, "type": "campaign.created.v1", "subject": "camp1", "payload": {},
        });
        let row = row(&json!({ "position": 7, "message": message }));
        let time = "2026-09-21T14:13:20.123456Z";
        assert_eq!(row, ["7", time, "campaign.created.v1", "camp1", "{}"]);
    }
}
