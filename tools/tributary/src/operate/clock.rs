//! `tributary clock show | advance | reset`: the time by which all services of a local stack decide.

use anyhow::{Context, Result, anyhow, bail};
use reqwest::{Method, StatusCode};
use schemas::Service;
use serde_json::{Value, json};
use types::clock::Offset;

use super::{Client, refusal, table};

/// Followers before those whom they follow, and the bff last, which makes commands: nobody is handed what is far ahead of its
/// own time.
fn order() -> impl Iterator<Item = Service> {
    let others: Vec<Service> = Service::Bff.others().collect();
    others.into_iter().rev().chain([Service::Bff])
}

/// What is done with the test clock.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Verb {
    /// Each service's time, and how far it is from real time
    Show,
    /// Let time pass for all services, such as: advance 14d. Tokens keep real time
    Advance {
        /// With s, m, h or d behind it
        by: Offset,
        /// Why, for the audit
        #[arg(long, default_value = "time passes")]
        reason: String,
    },
    /// Back to real time. What a log's end is ahead of it, the service stands still until then
    Reset {
        /// Why, for the audit
        #[arg(long, default_value = "back to real time")]
        reason: String,
    },
}

pub(super) async fn run(client: &Client, verb: Verb) -> Result<()> {
    match verb {
        Verb::Show => {
            let clocks = clocks(client).await;
            show(client, &clocks);
            is_complete(&clocks)
        }
        Verb::Advance { by, reason } => advance(client, by, &reason).await,
        Verb::Reset { reason } => {
            let body = json!({"reason": reason});
            let clocks =
                each(async |service| clock(client, Method::DELETE, service, Some(&body)).await);
            let clocks = clocks.await;
            show(client, &clocks);
            for (service, clock) in &clocks {
                if let Some(clock) = clock.as_ref().ok().filter(|it| it["stands_still"] == true) {
                    eprintln!(
                        "{service}: its log ends at {}, and a log's times never go back: until then all that it decides has that \
                         time. ./stop.sh --wipe begins anew",
                        clock["last_time"].as_str().unwrap_or_default()
                    );
                }
            }
            is_complete(&clocks)
        }
    }
}

/// Each service with its clock, or why there is none.
type Clocks = Vec<(Service, Result<Value>)>;

/// To an offset that is the same for all, so that saying it again mends what did not reach everybody and moves nothing twice.
async fn advance(client: &Client, by: Offset, reason: &str) -> Result<()> {
    if by <= Offset::default() {
        bail!("time passes in one direction: advance by 1s or more, or reset");
    }
    let before = clocks(client).await;
    if before.iter().any(|(_, clock)| clock.is_err()) {
        show(client, &before);
        return is_complete(&before)
            .context("nothing was moved: say it again when all services answer");
    }
    let found: Vec<(Service, Value)> = before
        .into_iter()
        .filter_map(|(service, clock)| Some((service, clock.ok()?)))
        .collect();
    let (target, unfinished) = target(&found, by)?;
    let body = json!({"offset_seconds": target, "reason": reason});
    let clocks =
        each(async |service| clock(client, Method::POST, service, Some(&body)).await).await;
    show(client, &clocks);
    let to = Offset::of_seconds(target).unwrap_or_default();
    if clocks.iter().any(|(_, clock)| clock.is_err()) {
        let mended = format!(
            "the others are at {to}: say it again, and those that were not reached are brought there"
        );
        return is_complete(&clocks).context(mended);
    }
    if unfinished {
        eprintln!(
            "an earlier advance had not reached all: now all are at {to}, and nothing was added. Say it again to advance by {by}"
        );
    }
    Ok(())
}

/// Where all are moved to, and whether that is only where the furthest is already. Whoever was reset is not brought there: that would undo
/// the reset.
fn target(clocks: &[(Service, Value)], by: Offset) -> Result<(i64, bool)> {
    let offset = |clock: &Value| clock["offset_seconds"].as_i64().unwrap_or_default();
    let offsets = clocks.iter().map(|(_, clock)| offset(clock));
    let ahead = offsets.clone().max().unwrap_or_default();
    let unfinished = offsets.clone().any(|offset| offset != ahead);
    let was_reset = |clock: &Value| offset(clock) == 0 && clock["stands_still"] == true;
    let reset = clocks.iter().find(|(_, clock)| was_reset(clock));
    if let (Some((service, _)), true) = (reset, ahead > 0) {
        let is_ahead =
            |(service, clock): &(Service, Value)| (offset(clock) > 0).then_some(service.name());
        let others: Vec<&str> = clocks.iter().filter_map(is_ahead).collect();
        bail!(
            "nothing was moved: {service} was reset, and its log ends ahead of real time, but {} was not reached. Say clock reset again, \
             then advance",
            others.join(", ")
        );
    }
    let target = if unfinished {
        ahead
    } else {
        ahead.saturating_add(by.seconds())
    };
    Ok((target, unfinished))
}

async fn clocks(client: &Client) -> Clocks {
    each(async |service| clock(client, Method::GET, service, None).await).await
}

async fn each(ask: impl AsyncFn(Service) -> Result<Value>) -> Clocks {
    let mut clocks = Vec::new();
    for service in order() {
        clocks.push((service, ask(service).await));
    }
    clocks
}

/// Asks one service; one outside the local profile has no such route.
async fn clock(
    client: &Client,
    method: Method,
    service: Service,
    body: Option<&Value>,
) -> Result<Value> {
    let answer = client
        .try_send(method, service, "/clock", &[], body)
        .await?;
    let status = answer.status();
    if status == StatusCode::NOT_FOUND {
        bail!(
            "it does not run in the local profile (TRIBUTARY_PROFILE=local), and has no test clock"
        );
    }
    let text = answer.text().await?;
    if !status.is_success() {
        bail!(refusal(status, &text));
    }
    Ok(serde_json::from_str(&text)?)
}

fn show(client: &Client, clocks: &Clocks) {
    if client.json {
        let all: serde_json::Map<String, Value> = clocks
            .iter()
            .map(|(service, clock)| {
                let clock = match clock {
                    Ok(clock) => clock.clone(),
                    Err(error) => json!({"error": error.to_string()}),
                };
                (service.name().to_owned(), clock)
            })
            .collect();
        println!("{}", Value::Object(all));
        return;
    }
    let row = |(service, clock): &(Service, Result<Value>)| {
        let mut cells = vec![service.name().to_owned()];
        match clock {
            Ok(clock) => {
                let still = if clock["stands_still"] == true {
                    ", stands still"
                } else {
                    ""
                };
                let offset = clock["offset"].as_str().unwrap_or_default();
                cells.push(clock["now"].as_str().unwrap_or_default().to_owned());
                cells.push(format!("{offset}{still}"));
            }
            Err(error) => cells.extend(["-".to_owned(), error.to_string()]),
        }
        cells
    };
    let rows: Vec<Vec<String>> = clocks.iter().map(row).collect();
    table(&["service", "its time", "from real time"], &rows);
}

/// Fails where somebody did not answer.
fn is_complete(clocks: &Clocks) -> Result<()> {
    let missing: Vec<String> = clocks
        .iter()
        .filter_map(|(service, clock)| Some(format!("{service}: {}", clock.as_ref().err()?)))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(anyhow!(
        "not all services answer:\n  {}",
        missing.join("\n  ")
    ))
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]
mod tests {
    use super::*;

    #[test]
    fn an_advance_brings_all_to_the_furthest_and_undoes_no_reset_that_missed_one() {
        let hour = Offset::of_seconds(3_600).unwrap();
        let moved = |campaign: (i64, bool), payment: (i64, bool)| {
            let clock = |(offset, still)| json!({"offset_seconds": offset, "stands_still": still});
            let clocks = [
                (Service::Campaign, clock(campaign)),
                (Service::Payment, clock(payment)),
            ];
            target(&clocks, hour).map_err(|error| error.to_string())
        };
        assert_eq!(moved((0, false), (0, false)), Ok((3_600, false)));
        assert_eq!(moved((7_200, false), (7_200, false)), Ok((10_800, false)));
        // An advance that reached one of them, and its first.
        assert_eq!(moved((3_600, false), (7_200, false)), Ok((7_200, true)));
        assert_eq!(moved((0, false), (7_200, false)), Ok((7_200, true)));
        // A reset that reached all, and one that missed payment.
        assert_eq!(moved((0, true), (0, true)), Ok((3_600, false)));
        let refused = moved((0, true), (7_200, false)).unwrap_err();
        let wanted = "nothing was moved: campaign was reset";
        assert!(refused.starts_with(wanted), "{refused}");
        assert!(refused.contains("payment was not reached"), "{refused}");
    }
}
