//! `tributary publish`: a command at the broker, as a brand's own system sends one, and what comes of it.

use std::io::Read;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use devstack::external_producer::ExternalProducer;
use devstack::producers::{self, EXTERNAL_PRODUCER};
use devstack::settings::Settings;
use schemas::{Body, KINDS, Kind, Message, Reach, Topic};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::tail;

/// How long a command may take that nothing stands in the way of.
const ANSWERED_WITHIN: Duration = Duration::from_secs(15);

const EXAMPLES: &str = "\
Examples:
  ./tributary publish --demo
  ./tributary publish --list
  ./tributary publish tracking.record_event.command.v1 '{\"event_type\": \"lead\", \"user_id\": \"user123\"}'
  ./tributary publish campaign.pause.command.v1 --subject camp123 '{}'

The message is Avro by the topic's schema, signed with the producer's key of EXTERNAL_PRODUCERS, whose brand is the actor:
see EVENT_DRIVEN_GUIDE.md, Publishing from outside.";

/// What to publish.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES, arg_required_else_help = true)]
pub struct Publish {
    /// Its type, as docs/messages.md has it
    #[arg(required_unless_present_any = ["demo", "list"])]
    kind: Option<String>,
    /// What it says, as JSON under the names of docs/messages.md; - reads it from the standard input
    #[arg(required_unless_present_any = ["demo", "list"])]
    payload: Option<String>,
    /// What it is about, such as camp123; of a report tracking derives it
    #[arg(long, default_value = "")]
    subject: String,
    /// What routes it, where that is not what it is about
    #[arg(long)]
    key: Option<String>,
    /// Who of `EXTERNAL_PRODUCERS` sends it
    #[arg(long, default_value = EXTERNAL_PRODUCER.0)]
    producer: String,
    /// Its id, to send the same again; without it a new one
    #[arg(long)]
    id: Option<Uuid>,
    /// The types that there are, with what each says
    #[arg(long, exclusive = true)]
    list: bool,
    /// A lead, a purchase, the same purchase again and a refund of the demo's visitor, each with what comes of it
    #[arg(long, exclusive = true)]
    demo: bool,
}

/// Does what was asked.
pub async fn run(settings: &Settings, publish: Publish) -> Result<()> {
    if publish.list {
        list();
        return Ok(());
    }
    if !settings.uses_broker()? {
        bail!("no service uses the broker in http mode: ./start.sh --mode hybrid, or event");
    }
    if publish.demo {
        return demo(settings).await;
    }
    let kind = kind(publish.kind.as_deref().unwrap_or_default())?;
    let json = payload_text(publish.payload.as_deref().unwrap_or_default())?;
    let json: Value = serde_json::from_str(&json).context("the payload is no JSON")?;
    let command = Command {
        id: publish.id.unwrap_or_else(Uuid::now_v7),
        body: schemas::payload(kind, &json)?,
        key: publish.key.unwrap_or_else(|| publish.subject.clone()),
        subject: publish.subject,
    };
    command.send(settings, kind.topic, &publish.producer).await
}

fn commands() -> impl Iterator<Item = &'static Kind> {
    KINDS
        .iter()
        .filter(|kind| kind.command && kind.reach == Reach::Public)
}

fn list() {
    for kind in commands() {
        let fields = schemas::payload_fields(kind).join(", ");
        println!("{}\n    {fields}", kind.name);
    }
}

fn kind(name: &str) -> Result<&'static Kind> {
    commands()
        .find(|kind| kind.name == name)
        .with_context(|| format!("nobody outside sends a {name}: ./tributary publish --list"))
}

fn payload_text(given: &str) -> Result<String> {
    if given != "-" {
        return Ok(given.to_owned());
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    Ok(text)
}

struct Command {
    id: Uuid,
    subject: String,
    key: String,
    body: Body,
}

impl Command {
    /// Sends it, and prints what its service says of it.
    async fn send(&self, settings: &Settings, topic: Topic, producer: &str) -> Result<()> {
        let message = self.message(topic, producer)?;
        let mut sender = ExternalProducer::open(settings, topic, producer).await?;
        let receipt = sender.send(&message).await?;
        receipt.await.context("the broker did not take it")?;
        println!(
            "{} on {topic}, id and correlation id {}",
            message.header.kind, self.id
        );
        let events = topic.owner().events_topic();
        let events = events.context("the service states no events")?;
        for line in outcome(settings, events, self.id).await? {
            println!("{line}");
        }
        Ok(())
    }

    fn message(&self, topic: Topic, producer: &str) -> Result<Message> {
        let about = (&*self.subject, &*self.key);
        producers::written(self.id, producer, topic, about, self.body.clone())
    }
}

/// What a request has on a topic, once there is something.
async fn outcome(settings: &Settings, topic: Topic, request: Uuid) -> Result<Vec<String>> {
    let end = Instant::now() + ANSWERED_WITHIN;
    loop {
        let lines = tail::of_request(settings, topic, request).await?;
        if !lines.is_empty() {
            return Ok(lines);
        }
        if Instant::now() >= end {
            bail!(
                "nothing on {topic} after {ANSWERED_WITHIN:?}: does the service consume? See ./tributary status, and \
                 ./tributary tail {topic} --correlation-id {request}"
            );
        }
        sleep(Duration::from_millis(100)).await;
    }
}

async fn demo(settings: &Settings) -> Result<()> {
    let order = format!("order-{}", Uuid::now_v7().simple());
    let lead = json!({"event_type": "lead", "user_id": "user123", "campaign_id": "camp100"});
    let purchase = json!({"event_type": "purchase", "user_id": "user123", "campaign_id": "camp100",
        "order_id": order, "amount": "150.00", "currency": "USD"});
    let refund = json!({"event_type": "refund", "user_id": "user123", "campaign_id": "camp100",
        "order_id": order, "amount": "50.00", "currency": "USD"});
    let sold = report(&purchase)?;
    for (what, command) in [
        (
            "A lead of a visitor that followed the demo's link",
            &report(&lead)?,
        ),
        ("A purchase of 150.00", &sold),
        ("The same message again: what was done is done once", &sold),
        ("A refund of 50.00 of that order", &report(&refund)?),
    ] {
        println!("\n# {what}");
        command
            .send(settings, Topic::TrackingCommands, EXTERNAL_PRODUCER.0)
            .await?;
    }
    println!("\n# What the purchase became in the ledger");
    for line in outcome(settings, Topic::PaymentEvents, sold.id).await? {
        println!("{line}");
    }
    println!(
        "\nAll that it caused: ./tributary tail commission-events --correlation-id {}",
        sold.id
    );
    Ok(())
}

fn report(json: &Value) -> Result<Command> {
    let kind = kind("tracking.record_event.command.v1")?;
    Ok(Command {
        id: Uuid::now_v7(),
        subject: String::new(),
        key: String::new(),
        body: schemas::payload(kind, json)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_public_may_be_published_and_nothing_that_a_service_sends_itself() {
        let names: Vec<&str> = commands().map(|kind| kind.name).collect();
        assert!(names.contains(&"tracking.record_event.command.v1"));
        assert!(!names.contains(&"payment.begin_payout.command.v1"));
        assert!(kind("payment.begin_payout.command.v1").is_err());
        assert!(kind("conversion.attributed.v1").is_err());
    }

    #[test]
    fn a_payload_of_other_fields_than_the_schemas_is_refused() {
        let refused = |json: Value| report(&json).err().map(|error| error.to_string());
        let unknown = json!({"event_type": "lead", "user_id": "u", "colour": "red"});
        assert_eq!(
            refused(unknown).unwrap(),
            "/colour: the schema has no such field"
        );
        assert!(
            refused(json!({"event_type": "lead"}))
                .unwrap()
                .contains("user_id")
        );
        assert!(refused(json!({"event_type": "lead", "user_id": "u"})).is_none());
    }
}
