//! Who may be sent what, by the table of `schemas::visible`, and not by what notify keeps beside its log.

use anyhow::Result;
use schemas::Message;
use schemas::visible::{self, Owners, Seen, SpokenFor, Viewer};
use serde_json::{Value, json};
use sqlx::{Executor, PgConnection};

/// The brand of each campaign, which later events do not say.
pub(super) async fn owners(campaign: &mut PgConnection) -> Result<Owners> {
    let all: Vec<(String, String)> = sqlx::query_as("SELECT id, brand_id FROM campaigns")
        .fetch_all(campaign)
        .await?;
    Ok(Owners {
        campaigns: all.into_iter().collect(),
        ..Owners::default()
    })
}

/// The brands and partners that notify may send something of a message: a list of texts. Of what is not sent, nobody.
pub(super) fn by(message: &Message, owners: &Owners) -> Value {
    let header = &message.header;
    if !visible::is_sent(&header.kind) {
        return json!([]);
    }
    let payload = schemas::show_payload(&message.body);
    let seen = Seen {
        kind: &header.kind,
        key: &header.key,
        subject: &header.subject,
        asker: SpokenFor::of(header.actor.as_ref()),
        payload: Some(&payload),
        body: Some(&message.body),
    };
    let audience = seen.audience(owners).into_iter();
    let audience = audience.filter(|viewer| visible::shown(&seen, viewer, owners).is_some());
    audience.filter_map(name).collect()
}

fn name(viewer: Viewer) -> Option<String> {
    match viewer {
        Viewer::Owner {
            brand: Some(brand), ..
        } => Some(format!("brand:{brand}")),
        Viewer::Owner { partner, .. } => partner.map(|partner| format!("partner:{partner}")),
        Viewer::Operator => None,
    }
}

/// `seen`: what each owner of an endpoint may be sent, a row for each message. Endpoints and messages are joined by it, both of which may be
/// very many.
pub(super) async fn by_owners_of_endpoints(into: &mut PgConnection) -> Result<()> {
    into.execute(
        "CREATE TABLE seen AS
             SELECT s.owner, m.service, m.topic, m.partition, m.position
               FROM messages m CROSS JOIN LATERAL (SELECT DISTINCT owner FROM jsonb_array_elements_text(m.seen_by) owner) s
              WHERE m.topic IS NOT NULL
                AND s.owner IN (SELECT coalesce('brand:' || brand_id, 'partner:' || partner_id) FROM notify.webhook_endpoints);
         CREATE INDEX ON seen (owner, service, topic, partition, position)",
    )
    .await?;
    Ok(())
}
