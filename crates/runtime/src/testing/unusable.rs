//! What becomes of a fact that a service cannot use: the same at each of them.

use axum::http::StatusCode;
use chassis::telemetry::Metrics;
use messaging::Answer;
use schemas::{Body, Message, Topic};
use serde_json::{Value, json};

use super::{TestService, operator, until};

/// How many facts of a topic became dead letters.
fn dead_lettered(metrics: &Metrics, topic: Topic) -> u64 {
    let counted = format!("topic=\"{}\"", topic.name());
    let page = metrics.render();
    page.lines()
        .filter(|line| line.starts_with("tributary_facts_dead_lettered_total{"))
        .find(|line| line.contains(&counted))
        .and_then(|line| line.rsplit_once(' ')?.1.parse().ok())
        .unwrap_or_default()
}

impl TestService {
    /// Delivers a fact that the service cannot use and asserts what follows: it alone becomes a dead letter, at once, shown
    /// to operators with this reason and counted. A second one of its subject waits behind it. `spoilt`: as
    /// [`TestService::deliver_spoilt`] has it.
    pub async fn assert_dead_letter(
        &mut self,
        topic: Topic,
        subject: &str,
        fact: Body,
        spoilt: &[(&str, &str)],
        reason: &str,
    ) -> Message {
        let metrics = Metrics::install(self.host.service().name()).unwrap();
        // Of all tests of the process.
        let before = dead_lettered(&metrics, topic);
        let about = (subject, subject);
        let first = self.deliver_spoilt(topic, about, fact.clone(), spoilt);
        let (message, answer) = first.await;
        assert!(matches!(answer, Answer::InRetryQueue), "{answer:?}");
        let (_, answer) = self.deliver_spoilt(topic, about, fact, spoilt).await;
        assert!(matches!(answer, Answer::InRetryQueue), "{answer:?}");

        let page = self.retry_queue(subject).await;
        let seen = |index: usize| &page["items"][index];
        let (first, second) = if seen(0)["message_id"] == message.header.id.to_string() {
            (seen(0), seen(1))
        } else {
            (seen(1), seen(0))
        };
        assert_eq!(
            (&first["state"], &first["attempts"]),
            (&json!("dead"), &json!(0)),
            "{page}"
        );
        let why = first["reason"].as_str().unwrap();
        assert!(why.contains(reason), "{why}");
        assert_eq!(second["state"], "queued", "{page}");

        let after = dead_lettered(&metrics, topic);
        assert!(after > before, "{after} after {before}");
        message
    }

    /// Edits what a fact in the retry queue says, and redrives it: it is handled, and what waited behind it comes next.
    pub async fn mend(&self, fact: &Message, edit: impl FnOnce(&mut Value)) {
        let base = format!("/api/v1/operator/{}/parked", self.host.service().name());
        let one = format!("{base}/{}", fact.header.id);
        let (_, shown) = self.get(&one, &operator()).await;
        let payload = shown["message"]["payload"].as_object().unwrap();
        let mut payload = payload.values().next().unwrap().clone();
        edit(&mut payload);
        let body = json!({"payload": payload, "reason": "a test"});
        let put = self.client.put(format!("{}{one}/payload", self.base_url));
        let (status, edited) = Self::answer(put.bearer_auth(operator()).json(&body)).await;
        assert_eq!(status, StatusCode::OK, "{edited}");
        let reason = json!({"reason": "a test"});
        let redrive = format!("{one}/redrive");
        let (status, done) = self.post(&redrive, &operator(), &reason).await;
        assert_eq!(status, StatusCode::OK, "{done}");
        let id = fact.header.id.to_string();
        until(
            "what was mended is handled, and the next one's turn has come",
            || async {
                let page = self.retry_queue(&fact.header.subject).await;
                let items = page["items"].as_array().unwrap();
                items.len() == 1 && items[0]["message_id"] != id && items[0]["state"] == "dead"
            },
        )
        .await;
    }

    async fn retry_queue(&self, subject: &str) -> Value {
        let service = self.host.service().name();
        let path = format!("/api/v1/operator/{service}/parked?subject={subject}");
        let (status, page) = self.get(&path, &operator()).await;
        assert_eq!(status, StatusCode::OK, "{page}");
        page
    }
}
