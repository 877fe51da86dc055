//! An event that comes again changes nothing, and models that were emptied fill again to the same.

use messaging::Answer;
use runtime::testing::{TestService, rows};
use schemas::{Message, Topic};

use crate::app::{
    accept, accepted, bff, calculated, facts, logged, outcome, partner123, payout_requested, posted,
};

const MODELS: [&str; 5] = [
    "outcomes",
    "commissions",
    "payouts",
    "balances",
    "sealing_keys",
];

async fn models(app: &TestService) -> Vec<Vec<String>> {
    let mut models = Vec::new();
    for table in MODELS {
        models.push(rows(app.pool(), table).await);
    }
    models
}

async fn filled(app: &TestService) -> Vec<(Topic, Vec<Message>)> {
    let command = accept(app, &partner123()).await;
    let command = logged(app, command).await;
    let end = outcome(app, Topic::CampaignEvents, &command, accepted()).await;
    app.deliver_all(Topic::CampaignEvents, vec![end.clone()])
        .await;
    let commission = calculated("partner123", "brand1", 1_000, "approved");
    let commissions = [("conv1", "conv1", commission)];
    let commissions = facts(app, Topic::CommissionEvents, &commissions).await;
    crate::app::publish_key(app, "key1", 3_600).await;
    let payments = facts(
        app,
        Topic::PaymentEvents,
        &[
            ("p", "p", posted("brand:b:funds", "partner:p:payable", 900)),
            ("p", "pay_1", payout_requested(500)),
        ],
    )
    .await;
    vec![
        (Topic::CampaignEvents, vec![end]),
        (Topic::CommissionEvents, commissions),
        (Topic::PaymentEvents, payments),
    ]
}

#[tokio::test]
async fn what_comes_again_is_noted_once() {
    let app = bff().await;
    let reported = filled(&app).await;
    let before = models(&app).await;
    for (topic, messages) in reported {
        for answer in app.deliver_all(topic, messages).await {
            assert!(matches!(answer, Answer::Repeated), "{answer:?}");
        }
    }
    assert_eq!(models(&app).await, before);
}

#[tokio::test]
async fn models_without_their_watermarks_fill_again_to_the_same() {
    let app = bff().await;
    let reported = filled(&app).await;
    let before = models(&app).await;
    sqlx::raw_sql(
        "TRUNCATE outcomes, commissions, payouts, balances, transfers; UPDATE read_head SET position = 1;
         DELETE FROM pipeline.watermark WHERE topic <> 'payment-events';
         UPDATE pipeline.watermark SET sequence = 1 WHERE topic = 'payment-events'",
    )
    .execute(app.pool())
    .await
    .unwrap();
    for (topic, messages) in reported {
        app.deliver_all(topic, messages).await;
    }
    let without_positions = |models: Vec<Vec<String>>| -> Vec<Vec<String>> {
        let cut = |row: String| {
            let mut row: serde_json::Value = serde_json::from_str(&row).unwrap();
            row.as_object_mut().unwrap().remove("position");
            row.to_string()
        };
        models
            .into_iter()
            .map(|rows| rows.into_iter().map(cut).collect())
            .collect()
    };
    assert_eq!(
        without_positions(models(&app).await),
        without_positions(before)
    );
}
