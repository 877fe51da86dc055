//! Writer schemas that another build noted.

use messaging::{SchemaIdError, SchemaIds};
use schemas::{Topic, WriterSchema};

use crate::lab::Lab;

#[tokio::test]
async fn a_build_that_does_not_know_a_topic_starts_where_a_newer_one_has_noted_it() {
    let lab = Lab::new().await;
    let text = WriterSchema::current(Topic::PaymentEvents)
        .text()
        .to_owned();
    let noted =
        "INSERT INTO pipeline.writer_schema (id, topic, sha256, text) VALUES ($1, $2, $3, $4)";
    for (id, topic, sha256) in [(900, "loyalty-events", 1_u8), (901, "payment-events", 2)] {
        sqlx::query(noted)
            .bind(id)
            .bind(topic)
            .bind([sha256; 32].as_slice())
            .bind(&text)
            .execute(&lab.pool)
            .await
            .unwrap();
    }
    let ids = SchemaIds::open(&lab.pool).await.unwrap();
    assert!(ids.current(Topic::PaymentEvents) > 0);
    // One that runs meets an id that is new to it: the topic that it does not know is not in its way.
    let known = lab.writer.schema_ids.get(&lab.pool, 901).await.unwrap();
    assert_eq!(known.topic(), Topic::PaymentEvents);
    let unknown = lab.writer.schema_ids.get(&lab.pool, 900).await;
    let Err(SchemaIdError::Unusable { topic, reason, .. }) = unknown else {
        panic!("{unknown:?}");
    };
    assert_eq!((&*topic, &*reason), ("loyalty-events", "no such topic"));
}
