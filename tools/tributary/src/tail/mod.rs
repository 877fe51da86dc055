//! `tributary tail <topic>`: messages as one line of JSON each, from the emitter's log or from the broker.

use anyhow::{Context, Result, bail};
use chrono::{DateTime, SecondsFormat};
use schemas::{Header, Message, Topic, WriterSchema, decode, decode_header};
use serde_json::{Value, json};

mod broker;
mod log;

use devstack::settings::Settings;

pub(crate) use log::of_request;

/// What to show.
#[derive(Clone, Debug, clap::Args)]
pub struct Tail {
    /// Such as campaign-events
    pub topic: String,
    /// The last so many
    #[arg(short = 'n', long, default_value_t = 20)]
    pub count: usize,
    /// Go on as messages come
    #[arg(short, long)]
    pub follow: bool,
    /// Read the broker's topic instead of the emitter's log
    #[arg(long)]
    pub broker: bool,
    /// Only messages of this request
    #[arg(long)]
    pub correlation_id: Option<uuid::Uuid>,
}

/// Prints what is asked for.
pub async fn run(settings: &Settings, tail: &Tail) -> Result<()> {
    let names = Topic::ALL.map(Topic::name).join(", ");
    let topic = Topic::parse(&tail.topic)
        .with_context(|| format!("there is no topic {}; there are {names}", tail.topic))?;
    if tail.broker {
        if !settings.uses_broker()? {
            bail!(
                "no service uses the broker in http mode; without --broker the emitter's log is read"
            );
        }
        return Box::pin(broker::read(settings, topic, tail)).await;
    }
    log::read(settings, topic, tail).await
}

/// One line; a message that this build cannot read shows what can be read of it.
fn line(schema: &WriterSchema, bytes: &[u8], place: &Value) -> String {
    let shown = match (decode(schema, bytes), decode_header(schema, bytes)) {
        (Ok(Message { header, body }), _) => object(&header, place, ("payload", json!(body))),
        (Err(problem), Ok(header)) => {
            object(&header, place, ("unreadable", json!(problem.to_string())))
        }
        (Err(problem), Err(_)) => {
            json!({"place": place, "unreadable": problem.to_string(), "bytes": bytes.len()})
        }
    };
    shown.to_string()
}

/// Microseconds since 1970 in RFC 3339; none when they are no time.
pub(crate) fn moment(micros: i64) -> Option<String> {
    let time = DateTime::from_timestamp_micros(micros)?;
    Some(time.to_rfc3339_opts(SecondsFormat::Micros, true))
}

fn object(header: &Header, place: &Value, (name, content): (&str, Value)) -> Value {
    let mut shown = json!({
        "time": moment(header.time.0),
        "type": header.kind,
        "subject": header.subject,
        "key": header.key,
        "correlation_id": header.correlation_id,
        "id": header.id,
        "causation_id": header.causation_id,
        "outcome_of": header.outcome_of,
        "source": header.source,
        "sequence": header.sequence,
        "actor": header.actor.as_ref().map(|actor| &actor.subject),
        "place": place,
    });
    shown[name] = content;
    shown
}

fn wanted(tail: &Tail, schema: &WriterSchema, bytes: &[u8]) -> bool {
    tail.correlation_id.is_none_or(|id| {
        decode_header(schema, bytes).is_ok_and(|header| header.correlation_id == id)
    })
}
