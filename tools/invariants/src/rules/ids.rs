//! Ids, derived again from what they follow from (rule 10). The derivation is written out here once more.

use anyhow::Result;
use futures::TryStreamExt;
use sqlx::types::Json;
use sqlx::{FromRow, PgConnection};
use types::ids::NAMESPACE;
use uuid::Uuid;

use crate::Finding;
use crate::evidence::Tally;

/// A stuck command is reported to operators under this ordinal, which no outcome has; once more after each time they
/// touched it.
const STALLED: i64 = 65_535;
/// So often at most.
const MAX_EDITIONS: i64 = 1_000;

/// UUID version 5 over the parts, joined by the unit separator.
fn v5(parts: &[&str]) -> Uuid {
    Uuid::new_v5(&NAMESPACE, parts.join("\u{1f}").as_bytes())
}

/// The id of the event number `ordinal` that a cause has under this epoch.
pub(crate) fn event_id(service: &str, epoch: i64, cause: Uuid, ordinal: i64) -> Uuid {
    let (epoch, cause) = (epoch.to_string(), cause.to_string());
    v5(&["event", service, &epoch, &cause, &ordinal.to_string()])
}

#[derive(FromRow)]
struct Event {
    service: String,
    position: i64,
    id: Uuid,
    r#type: String,
    epoch: Option<i64>,
    last_epoch: i64,
    cause: Uuid,
    ordinal: i64,
}

const EVENTS: &str = "SELECT m.service, m.position, m.id, m.type, m.epoch, h.epoch AS last_epoch, coalesce(m.causation_id, m.correlation_id) AS cause,
        row_number() OVER (PARTITION BY m.service, m.causation_id, m.type = 'command.stalled.v1'
                           ORDER BY m.position) - 1 AS ordinal
   FROM messages m JOIN log_head h USING (service) WHERE m.service <> 'bff' ORDER BY m.service, m.position";

/// (service, epoch, cause, ordinal).
pub(super) async fn events(records: &mut PgConnection) -> Result<Vec<Finding>> {
    let mut tally = Tally::new(
        10,
        "every event's id follows from its source, epoch, cause and place among its cause's events",
    );
    let mut rows = sqlx::query_as::<_, Event>(EVENTS).fetch(records);
    while let Some(row) = rows.try_next().await? {
        let ordinals = match row.r#type.as_str() {
            "command.stalled.v1" => STALLED..STALLED + MAX_EDITIONS,
            "sealing_key.published.v1" => 0..1,
            _ => row.ordinal..row.ordinal + 1,
        };
        // An own event does not say its epoch, and one that a raised epoch restated keeps the id that it was decided with.
        let epochs = 1..=row.epoch.unwrap_or(row.last_epoch);
        let right = epochs.rev().any(|epoch| {
            ordinals
                .clone()
                .any(|ordinal| event_id(&row.service, epoch, row.cause, ordinal) == row.id)
        });
        tally.hold(right, || {
            let Event {
                service,
                position,
                r#type,
                id,
                cause,
                ..
            } = &row;
            let ordinal = ordinals.start;
            format!("{service} position {position} ({type}): {id} does not follow from {cause} and {ordinal}")
        });
    }
    Ok(vec![tally.finding()])
}

/// An id, what it is of, and the parts that it follows from; several where it may be one of several.
#[derive(FromRow)]
struct Derived {
    place: String,
    /// What is not there, such as an event's cause, is evidence too; so is a part.
    id: Option<String>,
    prefix: String,
    parts: Vec<Option<String>>,
    or_parts: Option<Json<Vec<Vec<Option<String>>>>>,
}

/// Ids of aggregates, commands and transfers.
const DERIVED: &str = "
 SELECT format('%s position %s (%s)', service, position, type) AS place, subject AS id, 'enr_' AS prefix,
        ARRAY['enrollment', key, payload ->> 'partner_id'] AS parts, NULL::jsonb AS or_parts
   FROM messages
  WHERE type LIKE 'enrollment.%' OR type IN ('campaign.accept.command.v1', 'campaign.end_enrollment.command.v1', 'campaign.invite.command.v1',
                                             'campaign.approve.command.v1', 'campaign.reject.command.v1')
 UNION ALL
 SELECT format('%s position %s (%s)', service, position, type), subject, 'ban_',
        ARRAY['ban', coalesce(payload ->> 'brand_id', ''), key], NULL
   FROM messages WHERE type IN ('partner.banned.v1', 'partner.unbanned.v1', 'partner.status_adopted.v1') OR type LIKE 'campaign.%ban_partner.command.v1'
 UNION ALL
 SELECT format('%s position %s (%s)', service, position, type), subject, 'mem_',
        ARRAY['membership', key, payload ->> 'partner_id'], NULL
   FROM messages WHERE type IN ('partner.moved.v1', 'partner.move_adopted.v1', 'campaign.move_partner.command.v1')
 UNION ALL
 SELECT format('bff position %s (%s)', position, type), subject, 'evd_',
        ARRAY['evidence', key, payload ->> 'partner_id', payload ->> 'evidence_type', payload ->> 'file_url'], NULL
   -- A sealed address is for the bff and campaign to read.
   FROM messages WHERE type = 'campaign.submit_evidence.command.v1' AND payload ->> 'sealed_url' IS NULL
 UNION ALL
 SELECT format('%s position %s (%s)', service, position, type), subject, '',
        ARRAY['order', CASE WHEN type = 'conversion.attributed.v1' THEN payload ->> 'brand_id'
                            WHEN actor -> 'roles' ? 'brand' AND NOT actor -> 'roles' ? 'operator' THEN actor ->> 'brand_id' END,
              payload ->> 'order_id'],
        -- Who reports without a brand; and whatever was recorded before brands were part of it.
        jsonb_build_array(jsonb_build_array('conversion', coalesce(payload ->> 'campaign_id', ''), payload ->> 'order_id'),
                          jsonb_build_array('conversion', '', payload ->> 'order_id'))
   FROM messages WHERE type IN ('tracking.record_event.command.v1', 'conversion.attributed.v1') AND payload ->> 'order_id' IS NOT NULL
    -- A refund that names its conversion is about that one, whatever order it says.
    AND payload ->> 'conversion_id' IS NULL
 UNION ALL
 SELECT format('bff position %s (%s)', position, type), subject, 'pay_', ARRAY['aggregate', 'pay_', id::text], NULL
   FROM messages WHERE type = 'payment.request_payout.command.v1'
 UNION ALL
 SELECT format('%s position %s (%s)', service, position, type), subject, 'key_',
        ARRAY['aggregate', 'key_', CASE type WHEN 'api_key.created.v1' THEN causation_id ELSE id END::text], NULL
   FROM messages WHERE type IN ('campaign.create_api_key.command.v1', 'api_key.created.v1')
 UNION ALL
 SELECT format('bff position %s (%s)', position, type), subject, v.prefix, ARRAY['aggregate', v.prefix, id::text], NULL
   FROM messages JOIN (VALUES ('payment.announce_deposit.command.v1', 'dep_'), ('payment.withdraw.command.v1', 'wdr_'),
                              ('payment.transfer_funds.command.v1', 'trf_')) v (type, prefix) USING (type)
 UNION ALL
 SELECT format('%s position %s (%s)', service, position, type), subject, 'acc_',
        ARRAY['account', payload ->> 'brand_id', payload ->> 'name'], NULL
   FROM messages WHERE type IN ('payment.open_account.command.v1', 'account.opened.v1')
 UNION ALL
 SELECT format('the bff''s command %s of key %s', id, left(key_hash, 8)), id::text, '',
        ARRAY['command', type, caller, partner_id, brand_id, key_hash], NULL
   FROM bff.commands WHERE key_hash IS NOT NULL
 UNION ALL
 SELECT format('payment position %s, transfer %s', t.position, t.ordinal), t.id::text, '',
        -- Counted over all that one cause moves: what is recovered goes on where the posting before it ended.
        ARRAY['transfer', m.causation_id::text,
              (t.ordinal + count(*) OVER (PARTITION BY m.causation_id ORDER BY t.position
                                          RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW EXCLUDE GROUP))::text], NULL
   FROM payment.transfers t JOIN messages m ON m.service = 'payment' AND m.position = t.position
 UNION ALL
 SELECT format('commission position %s (%s)', a.position, a.type), a.causation_id::text, '',
        ARRAY['timer', a.subject, 'release_hold', c.payload ->> 'hold_until'], NULL
   FROM messages a JOIN messages c ON c.service = 'commission' AND c.type = 'commission.calculated.v1' AND c.subject = a.subject
  WHERE a.type = 'commission.approved.v1'
 UNION ALL
 SELECT format('campaign position %s (%s)', p.position, p.type), p.causation_id::text, '',
        ARRAY['timer', p.subject, CASE p.payload ->> 'reason' WHEN 'ended' THEN 'end_campaign' ELSE 'follow_funds' END, e.ends_at],
        -- Of a campaign that has an end, that is part of the command's id.
        (SELECT jsonb_agg(jsonb_build_array('timer', named.id, 'follow_funds', m.position::text))
           FROM messages m, (VALUES (p.subject), (p.subject || '/' || e.ends_at)) named (id)
          WHERE m.service = 'campaign' AND m.type = 'brand_funds.adopted.v1' AND m.subject = p.payload ->> 'brand_id'
            AND m.position < p.position AND p.payload ->> 'reason' = 'out_of_funds' AND named.id IS NOT NULL)
   FROM messages p
   LEFT JOIN LATERAL (SELECT m.payload ->> 'ends_at' AS ends_at FROM messages m
                       WHERE m.service = 'campaign' AND m.subject = p.subject AND m.position < p.position
                         AND m.type IN ('campaign.created.v1', 'campaign.changed.v1') ORDER BY m.position DESC LIMIT 1) e ON true
  WHERE p.type = 'campaign.paused.v1' AND p.payload ->> 'reason' IN ('ended', 'out_of_funds')
 UNION ALL
 SELECT format('payment position %s (%s of %s)', position, type, subject), causation_id::text, '',
        ARRAY['effect', 'payout', before::text,
              CASE type WHEN 'payout.submitting.v1' THEN 'begin' WHEN 'payout.submitted.v1' THEN 'accepted'
                        ELSE substring(type FROM 'payout\\.(.*)\\.v1') END],
        -- Two operators may have decided so, or a later step than the first found it.
        jsonb_build_array(jsonb_build_array('operator-decision', before::text, substring(type FROM 'payout\\.(.*)\\.v1')),
                          jsonb_build_array('effect', 'payout', before::text, 'unknown_again'))
   FROM (SELECT *, lag(id) OVER (PARTITION BY subject ORDER BY position) AS before FROM messages
          WHERE service = 'payment' AND type LIKE 'payout.%') p
  WHERE type <> 'payout.requested.v1'";

/// Aggregates without a client's id, commands of keys, timers and effects, transfers.
pub(super) async fn derived(records: &mut PgConnection) -> Result<Vec<Finding>> {
    let mut tally = Tally::new(
        10,
        "every derived id of an aggregate, a command or a transfer follows from what it is of",
    );
    let mut rows = sqlx::query_as::<_, Derived>(DERIVED).fetch(records);
    while let Some(row) = rows.try_next().await? {
        let named = |parts: &[Option<String>]| {
            let parts: Vec<&str> = parts
                .iter()
                .map(|part| part.as_deref().unwrap_or_default())
                .collect();
            let id = v5(&parts);
            Some(if row.prefix.is_empty() {
                id.to_string()
            } else {
                format!("{}{}", row.prefix, id.simple())
            })
        };
        let right = row.id == named(&row.parts)
            || row
                .or_parts
                .iter()
                .flat_map(|ways| &ways.0)
                .any(|parts| row.id == named(parts));
        tally.hold(right, || {
            format!(
                "{}: {} does not follow from {:?}",
                row.place,
                row.id.as_deref().unwrap_or("(none)"),
                row.parts
            )
        });
    }
    Ok(vec![tally.finding()])
}
