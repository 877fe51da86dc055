//! What is broken on purpose: for every check one thing that it must find.

use schemas::{Body, Service, Topic, WriterSchema};
use serde_json::json;
use sqlx::{Executor, PgConnection};
use types::{BrandId, CampaignId, Currency, Micros, Money, OrderId, PartnerId};

/// How one thing is broken.
#[derive(Debug)]
pub(super) enum Breakage {
    /// By this statement.
    Sql(&'static str),
    /// By what the last event of this type says.
    Says(&'static str, fn(&mut Body)),
    /// By the loss of all but the beginning of the last event of this type.
    Cut(&'static str),
    /// The last event of this type stands under the next epoch, as its first, as after a restore.
    Restated(&'static str),
}

/// A check, and what it must find.
pub(super) struct Case {
    pub(super) rule: u8,
    pub(super) check: &'static str,
    pub(super) of: Service,
    pub(super) breakage: Breakage,
}

const fn sql(rule: u8, check: &'static str, of: Service, statement: &'static str) -> Case {
    let breakage = Breakage::Sql(statement);
    Case {
        rule,
        check,
        of,
        breakage,
    }
}

const fn says(
    rule: u8,
    check: &'static str,
    of: Service,
    kind: &'static str,
    change: fn(&mut Body),
) -> Case {
    let breakage = Breakage::Says(kind, change);
    Case {
        rule,
        check,
        of,
        breakage,
    }
}

use Service::{Bff, Campaign, Commission, Notify, Payment, Tracking};

/// One case for each check.
pub(super) const CASES: &[Case] = &[
    sql(1, "no message stands twice", Tracking,
        "INSERT INTO pipeline.message_log SELECT (SELECT max(position) + 1 FROM pipeline.message_log), id, type, topic, partition, sequence,
            key, subject, time, correlation_id, causation_id, outcome_of, schema_id, body FROM pipeline.message_log WHERE position = 1"),
    sql(1, "every fact that a service follows", Commission,
        "UPDATE pipeline.message_log SET causation_id = gen_random_uuid()
          WHERE position = (SELECT max(position) FROM pipeline.message_log WHERE type = 'commission.calculated.v1')"),
    sql(1, "nothing that had its effect", Commission,
        "INSERT INTO pipeline.parked (source, message_id, arrival, topic, state, reason, subject, attempts, next_at, header, schema_id, body)
         SELECT 'tracking', causation_id, 1, 'tracking-events', 'dead', 'a test', subject, 0, 0, '{}', 1, ''
           FROM pipeline.message_log WHERE type = 'commission.calculated.v1' ORDER BY position LIMIT 1"),
    sql(1, "every idempotency key", Bff,
        "UPDATE commands SET key_hash = 'a', caller = 'b', partner_id = NULL, brand_id = NULL WHERE type = 'campaign.create.command.v1'"),
    sql(1, "the bff's lists show", Bff, "UPDATE conversions SET refunded_minor = refunded_minor + 1"),
    sql(1, "the bff shows", Bff, "UPDATE balances SET payable = payable + 1 WHERE owner = 'partner:partner123'"),
    sql(2, "every message of every log can be read", Campaign,
        "UPDATE pipeline.message_log SET body = substr(body, 1, 20) WHERE position = 1"),
    sql(2, "every follower's watermark", Commission,
        "UPDATE pipeline.watermark SET sequence = sequence - 1 WHERE topic = 'tracking-events'"),
    sql(2, "every command that was answered 2xx is where", Tracking, "DELETE FROM pipeline.inbox WHERE source = 'tracking'"),
    sql(2, "every command that the bff took", Bff,
        "DELETE FROM commands WHERE position = (SELECT max(position) FROM commands)"),
    sql(2, "no click is missing", Tracking, "DELETE FROM clicks"),
    sql(3, "every row of a log says", Campaign, "UPDATE pipeline.message_log SET subject = 'another' WHERE position = 1"),
    sql(3, "no watermark is beyond", Payment, "UPDATE pipeline.watermark SET sequence = sequence + 1 WHERE topic = 'commission-events'"),
    sql(3, "every command that is marked", Campaign,
        "UPDATE pipeline.inbox SET outcome_position = outcome_position + 1 WHERE outcome_position = 1"),
    sql(3, "what one message caused", Tracking,
        "UPDATE pipeline.message_log SET time = time + 1 WHERE position =
            (SELECT max(position) FROM pipeline.message_log WHERE type = 'conversion.refunded.v1' AND outcome_of IS NULL)"),
    sql(3, "every row of state", Tracking,
        "UPDATE conversions SET position = position - 1 WHERE position = (SELECT max(position) FROM conversions)"),
    sql(4, "positions of every log", Tracking, "DELETE FROM pipeline.message_log WHERE position = 3"),
    sql(4, "sequences of every stream", Tracking,
        "UPDATE pipeline.message_log SET sequence = CASE sequence WHEN 1 THEN 2 ELSE 1 END WHERE sequence IN (1, 2)"),
    sql(4, "time never decreases", Payment, "UPDATE pipeline.message_log SET time = time - 60000000 WHERE position = 5"),
    sql(4, "each follower handled", Commission,
        "WITH two AS (SELECT min(position) AS a, max(position) AS b FROM pipeline.message_log
                       WHERE type IN ('commission.calculated.v1', 'commission.reversed.v1') GROUP BY subject
                      HAVING count(*) > 1 LIMIT 1)
         UPDATE pipeline.message_log m SET causation_id = o.causation_id FROM two, pipeline.message_log o
          WHERE m.position = two.a AND o.position = two.b OR m.position = two.b AND o.position = two.a"),
    sql(4, "one subject has one key", Campaign,
        "UPDATE pipeline.message_log SET key = 'another' WHERE position =
            (SELECT max(position) FROM pipeline.message_log WHERE type = 'campaign.activated.v1')"),
    sql(5, "nothing is in the retry queue", Payment, IN_RETRY_QUEUE),
    sql(5, "attempts are bounded", Payment, IN_RETRY_QUEUE),
    sql(5, "attempts are bounded", Payment, "INSERT INTO pipeline.trying VALUES (gen_random_uuid(), 4)"),
    sql(6, "every command that was answered 2xx has", Tracking,
        "UPDATE pipeline.message_log SET outcome_of = NULL WHERE outcome_of IN (SELECT id FROM pipeline.inbox WHERE source = 'tracking')"),
    sql(6, "every command in the bff's log", Campaign, "UPDATE pipeline.message_log SET outcome_of = NULL WHERE position = 1"),
    sql(6, "no command has two", Campaign,
        "UPDATE pipeline.message_log SET outcome_of = (SELECT outcome_of FROM pipeline.message_log WHERE position = 1) WHERE position = 2"),
    sql(6, "every outcome is one", Payment,
        "UPDATE pipeline.inbox SET type = 'payment.begin_payout.command.v1' WHERE type = 'payment.request_payout.command.v1' AND state = 'done'"),
    sql(6, "every outcome's command", Campaign, "UPDATE pipeline.inbox SET code = 'another' WHERE state = 'rejected'"),
    sql(6, "no command is pending", Bff, "DELETE FROM outcomes WHERE status = 'rejected'"),
    sql(6, "the bff says", Bff, "UPDATE outcomes SET status = 'completed' WHERE status = 'rejected'"),
    sql(7, "the tables of every service", Payment, "UPDATE payouts SET reason = 'another' WHERE status = 'failed'"),
    sql(9, "every transfer is stated", Payment, "UPDATE transfers SET minor = minor + 1 WHERE position = (SELECT max(position) FROM transfers)"),
    sql(9, "each balance is the fold", Payment, "UPDATE balances SET minor = minor + 1 WHERE account = 'partner:partner123:payable'"),
    sql(9, "all accounts of a currency", Payment, "UPDATE balances SET minor = minor + 1 WHERE account = 'partner:partner123:payable'"),
    sql(9, "no transfer stands twice", Payment,
        "INSERT INTO transfers SELECT position, ordinal + 100, id, debit, credit, minor, currency, posted_at FROM transfers"),
    sql(9, "every posting has its cause", Payment,
        "UPDATE pipeline.message_log SET causation_id = gen_random_uuid() WHERE position =
            (SELECT max(position) FROM pipeline.message_log WHERE type = 'ledger.posted.v1')"),
    says(9, "every commission is what", Commission, "commission.calculated.v1", |body| {
        let Body::CommissionCalculatedV1(calculated) = body else { return };
        calculated.amount.minor += 1;
    }),
    says(9, "every conversion is attributed once", Tracking, "conversion.refunded.v1", |body| {
        let Body::ConversionRefundedV1(refunded) = body else { return };
        refunded.refunded_total.minor += 1;
    }),
    says(9, "nobody earns on a partner", Tracking, "conversion.attributed.v1", |body| {
        let Body::ConversionAttributedV1(body) = body else { return };
        body.verified_by = Some("claim".to_owned());
    }),
    says(9, "a click is one visitor's", Tracking, "click.bound.v1", |body| {
        let Body::ClickBoundV1(bound) = body else { return };
        bound.brand_id = BrandId::parse("another").unwrap();
    }),
    sql(9, "no click counts that was made", Tracking,
        "UPDATE pipeline.message_log SET time = time - 3600000000 WHERE type = 'campaign.status_adopted.v1'"),
    sql(9, "no click counts that was made", Tracking,
        "UPDATE pipeline.message_log SET time = time - 3600000000 WHERE type = 'link.changed.v1'"),
    says(9, "every conversion is its link's partner's", Tracking, "conversion.attributed.v1", |body| {
        let Body::ConversionAttributedV1(attributed) = body else { return };
        attributed.partner_id = PartnerId::parse("another").unwrap();
    }),
    says(9, "every conversion is its link's partner's", Tracking, "conversion.claimed.v1", |body| {
        let Body::ConversionClaimedV1(claimed) = body else { return };
        claimed.sale.campaign_id = CampaignId::parse("another").unwrap();
    }),
    // The last claim was accepted.
    says(9, "every conversion is its link's partner's", Tracking, "conversion.claimed.v1", |body| {
        let Body::ConversionClaimedV1(claimed) = body else { return };
        claimed.sale.terms_version = claimed.sale.terms_version.next().unwrap();
    }),
    says(9, "every conversion is its link's partner's", Tracking, "claim.accepted.v1", |body| {
        let Body::ClaimAcceptedV1(accepted) = body else { return };
        accepted.partner_id = Some(PartnerId::parse("another").unwrap());
    }),
    says(9, "every conversion is its link's partner's", Tracking, "click.bound.v1", |body| {
        let Body::ClickBoundV1(bound) = body else { return };
        bound.partner_id = PartnerId::parse("another").unwrap();
    }),
    sql(9, "every conversion is by the link", Tracking, "UPDATE conversions SET link_code = 'another' WHERE standing = 'attributed'"),
    says(9, "every conversion is by the terms", Tracking, "conversion.attributed.v1", |body| {
        let Body::ConversionAttributedV1(attributed) = body else { return };
        attributed.terms_version = attributed.terms_version.next().unwrap();
    }),
    says(9, "every conversion is inside", Tracking, "conversion.attributed.v1", |body| {
        let Body::ConversionAttributedV1(attributed) = body else { return };
        attributed.clicked_at = attributed.clicked_at.map(|at| Micros(at.0 - 1));
    }),
    says(9, "every conversion is inside", Tracking, "conversion.attributed.v1", |body| {
        let Body::ConversionAttributedV1(attributed) = body else { return };
        attributed.occurred_at = attributed.clicked_at.map_or(Micros(0), |at| Micros(at.0 - 1));
    }),
    says(9, "every conversion is inside", Tracking, "conversion.claimed.v1", |body| {
        let Body::ConversionClaimedV1(claimed) = body else { return };
        claimed.sale.occurred_at = Micros(0);
    }),
    says(9, "every conversion is inside", Tracking, "conversion.attributed.v1", |body| {
        let Body::ConversionAttributedV1(attributed) = body else { return };
        attributed.amount = attributed.amount.map(|amount| Money::new(amount.minor, Currency::EUR));
    }),
    says(9, "every conversion is inside", Tracking, "conversion.attributed.v1", |body| {
        let Body::ConversionAttributedV1(attributed) = body else { return };
        attributed.brand_id = BrandId::parse("another").unwrap();
    }),
    says(9, "refunds that waited take back", Tracking, "conversion.refund_noted.v1", |body| {
        let Body::ConversionRefundNotedV1(noted) = body else { return };
        noted.amount = Some("1.00".to_owned());
    }),
    sql(9, "refunds that waited take back", Tracking,
        "DELETE FROM pipeline.message_log WHERE type = 'conversion.refunded.v1' AND outcome_of IS NULL"),
    sql(9, "an API key speaks for", Campaign,
        "UPDATE pipeline.message_log SET time = time - 3600000000 WHERE type = 'api_key.revoked.v1'"),
    says(9, "an API key speaks for", Campaign, "api_key.created.v1", |body| {
        let Body::ApiKeyCreatedV1(created) = body else { return };
        created.brand_id = BrandId::parse("another").unwrap();
    }),
    says(9, "one order of a brand", Tracking, "conversion.attributed.v1", |body| {
        let Body::ConversionAttributedV1(attributed) = body else { return };
        attributed.order_id = Some(OrderId::parse("camp_now_o1").unwrap());
    }),
    says(9, "no brand's report meets", Tracking, "conversion.attributed.v1", |body| {
        let Body::ConversionAttributedV1(attributed) = body else { return };
        attributed.brand_id = BrandId::parse("another").unwrap();
    }),
    says(9, "a refund that waited", Tracking, "conversion.refund_noted.v1", |body| {
        let Body::ConversionRefundNotedV1(noted) = body else { return };
        noted.order_id = Some(OrderId::parse("another").unwrap());
    }),
    says(9, "what each owner has", Tracking, "conversion.attributed.v1", |body| {
        let Body::ConversionAttributedV1(attributed) = body else { return };
        attributed.partner_id = PartnerId::parse("another").unwrap();
    }),
    says(9, "every posting goes", Payment, "ledger.posted.v1", |body| {
        let Body::LedgerPostedV1(posted) = body else { return };
        posted.transfers.clear();
    }),
    says(9, "nothing that was reserved", Payment, "payout.requested.v1", |body| {
        let Body::PayoutRequestedV1(requested) = body else { return };
        requested.amount.minor *= 1_000_000;
    }),
    says(9, "what funds do not cover waits", Payment, "earnings.funded.v1", |body| {
        let Body::EarningsFundedV1(funded) = body else { return };
        funded.conversion_ids.reverse();
    }),
    sql(9, "what funds do not cover waits", Payment,
        "DELETE FROM pipeline.message_log WHERE type = 'funds.restored.v1'"),
    says(9, "what funds do not cover waits", Payment, "funds.restored.v1", |body| {
        let Body::FundsRestoredV1(restored) = body else { return };
        *body = schemas::FundsStatedV1 { currency: restored.currency, exhausted: true }.into();
    }),
    // By the rule of before nothing waits in a currency of which nothing was said.
    sql(9, "every posting goes", Payment, "UPDATE aside.rules SET after_position = (SELECT position FROM pipeline.log_head)"),
    says(9, "every posting goes", Payment, "billing.changed.v1", |body| {
        let Body::BillingChangedV1(changed) = body else { return };
        changed.billing = types::Billing::Postpaid;
    }),
    says(9, "a brand is warned once", Payment, "funds.low.v1", |body| {
        let Body::FundsLowV1(low) = body else { return };
        low.left.minor += 1;
    }),
    says(9, "a partner's statement", Payment, "statement.issued.v1", |body| {
        let Body::StatementIssuedV1(issued) = body else { return };
        issued.lines[0].credited += 1;
    }),
    sql(9, "a brand is warned once", Payment,
        "DELETE FROM pipeline.message_log WHERE type = 'funds.low.v1'"),
    says(9, "brands take out", Payment, "deposit.cleared.v1", |body| {
        let Body::DepositClearedV1(cleared) = body else { return };
        cleared.amount.minor += 1;
    }),
    says(9, "brands take out", Payment, "withdrawal.requested.v1", |body| {
        let Body::WithdrawalRequestedV1(requested) = body else { return };
        requested.amount.minor *= 1_000;
    }),
    says(9, "what was paid out before its refund", Payment, "refund.recovered.v1", |body| {
        let Body::RefundRecoveredV1(recovered) = body else { return };
        recovered.amount.minor -= 1;
    }),
    sql(9, "what was paid out before its refund", Payment,
        "DELETE FROM pipeline.message_log WHERE type = 'refund.recovered.v1'"),
    says(9, "what each owner has", Payment, "deposit.announced.v1", |body| {
        let Body::DepositAnnouncedV1(announced) = body else { return };
        announced.amount.minor += 1;
    }),
    sql(9, "what reports say that a partner has earned", Bff,
        "UPDATE commissions SET reversed_minor = reversed_minor + 1 WHERE partner_id = 'partner123'"),
    sql(9, "what reports have summed", Bff,
        "INSERT INTO report_sums SELECT 0, 'camp', 'brand', 'partner', 'link', 'USD', 'USD', 0, 1, 100, 0, 10"),
    sql(9, "what reports have summed", Bff,
        "INSERT INTO report_totals SELECT 0, 'camp', 'brand', 'USD', 'USD', 0, 1, 100, 0, 10, 1"),
    sql(9, "what reports have summed", Bff, "UPDATE report_totals SET sales = sales + 1 WHERE quarters = 96"),
    sql(9, "what is summed of clicks", Tracking,
        "DELETE FROM clicks WHERE clicked_at > (SELECT min(clicked_at) FROM clicks) AND clicked_at < (SELECT summed_to FROM click_horizon)"),
    sql(9, "what is summed of clicks", Tracking, "UPDATE link_clicks SET clicks = clicks + 1 WHERE quarters = 96"),
    sql(9, "what is summed of clicks", Tracking, "UPDATE campaign_clicks SET clicks = clicks + 1 WHERE quarters = 1"),
    sql(9, "what reports say was paid out", Bff, "UPDATE payouts SET status = 'paid' WHERE status = 'failed'"),
    sql(9, "every payout takes the steps", Payment,
        "DELETE FROM pipeline.message_log WHERE type = 'payout.submitting.v1'"),
    sql(1, "each application to a brand", Notify,
        "DELETE FROM pipeline.message_log WHERE type = 'workflow.started.v1'"),
    sql(1, "each application to a brand", Notify,
        "UPDATE pipeline.message_log SET causation_id = gen_random_uuid() WHERE type = 'workflow.started.v1'"),
    sql(2, "every workflow has ended", Notify,
        "UPDATE workflows SET status = 'running', ended_at = NULL WHERE status = 'completed'"),
    sql(2, "every workflow has ended", Notify,
        r#"UPDATE workflows SET status = 'running', approves = false, ended_at = NULL,
                  steps = replace(steps, '"approval","state":"completed"', '"approval","state":"running"')"#),
    sql(7, "every workflow is as far", Notify, "UPDATE workflows SET returned = NOT returned"),
    sql(7, "every workflow is as far", Notify,
        "DELETE FROM pipeline.message_log WHERE type = 'workflow.step_completed.v1'"),
    sql(1, "no endpoint is sent", Notify,
        "UPDATE webhook_deliveries SET event_id = (SELECT event_id FROM webhook_deliveries ORDER BY position LIMIT 1)"),
    sql(1, "no endpoint is sent", Notify, "UPDATE webhook_endpoints SET brand_id = 'another'"),
    sql(2, "an endpoint that is sent", Notify,
        "DELETE FROM webhook_deliveries WHERE position = (SELECT max(position) FROM webhook_deliveries WHERE kind = 'link.created.v1')"),
    sql(1, "what became of each mail", Notify,
        "DELETE FROM pipeline.message_log WHERE type = 'notification.sent.v1'"),
    sql(1, "what became of each mail", Notify, "UPDATE mails SET concluded = false"),
    sql(10, "every message names a cause", Campaign,
        "UPDATE pipeline.message_log SET causation_id = gen_random_uuid() WHERE position = 1"),
    sql(10, "every message keeps its cause's correlation", Campaign,
        "UPDATE pipeline.message_log SET correlation_id = gen_random_uuid() WHERE position = 1"),
    sql(10, "one correlation id", Payment,
        "UPDATE pipeline.message_log SET correlation_id = gen_random_uuid() WHERE type = 'payout.paid.v1'"),
    sql(10, "every event's id", Tracking, "UPDATE pipeline.message_log SET id = gen_random_uuid() WHERE position = 2"),
    sql(10, "every derived id", Bff, "UPDATE commands SET key_hash = 'another' WHERE type = 'tracking.create_link.command.v1'"),
    // What is not there is found too, and does not end the check.
    sql(10, "every derived id", Payment, "UPDATE pipeline.message_log SET causation_id = NULL WHERE type = 'payout.paid.v1'"),
];

pub(super) const IN_RETRY_QUEUE: &str = "INSERT INTO pipeline.parked (source, message_id, arrival, topic, state, reason, subject, attempts, next_at, header,
                                                   schema_id, body)
 VALUES ('commission', gen_random_uuid(), 1, 'commission-events', 'retrying', 'a test', 'conv1', 9, 0, '{}', 1, '')";

impl Breakage {
    pub(super) async fn apply(&self, copy: &mut PgConnection) {
        let (kind, change) = match self {
            Self::Sql(statement) => {
                let done = copy.execute(*statement).await.unwrap();
                assert!(
                    done.rows_affected() > 0,
                    "there is nothing to break: {statement}"
                );
                return;
            }
            Self::Cut(kind) => {
                let cut = sqlx::query(
                    "UPDATE pipeline.message_log SET body = substr(body, 1, 20)
                      WHERE position = (SELECT max(position) FROM pipeline.message_log WHERE type = $1)",
                );
                let done = cut.bind(kind).execute(copy).await.unwrap();
                assert_eq!(done.rows_affected(), 1, "there is no {kind}");
                return;
            }
            Self::Says(kind, change) => (kind, Some(change)),
            Self::Restated(kind) => (kind, None),
        };
        let (position, topic, text, body): (i64, String, String, Vec<u8>) = sqlx::query_as(
            "SELECT m.position, w.topic, w.text, m.body FROM pipeline.message_log m JOIN pipeline.writer_schema w ON w.id = m.schema_id
              WHERE m.type = $1 ORDER BY m.position DESC LIMIT 1",
        )
        .bind(kind)
        .fetch_one(&mut *copy)
        .await
        .unwrap();
        let topic = Topic::parse(&topic).unwrap();
        let schema = WriterSchema::parse(topic, &text).unwrap();
        let mut message = schemas::decode(&schema, &body).unwrap();
        if let Some(change) = change {
            change(&mut message.body);
        } else {
            message.header.epoch = message.header.epoch.map(|epoch| epoch + 1);
            message.header.sequence = Some(1);
        }
        let kind = message.body.kind(topic).unwrap().name;
        message.header.kind = kind.to_owned();
        let body = schemas::encode(topic, &message.header, &message.body).unwrap();
        let put = "UPDATE pipeline.message_log SET body = $2, type = $3, sequence = $4 WHERE position = $1";
        sqlx::query(put)
            .bind(position)
            .bind(body)
            .bind(kind)
            .bind(message.header.sequence)
            .execute(copy)
            .await
            .unwrap();
    }
}

/// Money leaves without the ledger's knowledge: the provider forgets references at once and is asked by somebody else.
pub(super) async fn pay_behind_our_back(provider: &str, references: &[&str]) {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let forget = json!({"key_lifetime_ms": 0, "settle_ms": 0});
    let control = http.post(format!("{provider}/control")).json(&forget);
    control.send().await.unwrap().error_for_status().unwrap();
    for reference in references {
        let payout = json!({"reference": reference, "amount": "1.00", "currency": "USD", "method": "paypal",
                            "details": {"email": "user@example.com"}});
        let taken = http.post(format!("{provider}/v1/payouts")).json(&payout);
        taken.send().await.unwrap().error_for_status().unwrap();
    }
}
