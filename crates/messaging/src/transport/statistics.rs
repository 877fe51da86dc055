//! What the broker reports of a topic at its admin interface: who is connected there, and what waits.

use std::collections::BTreeMap;
use std::time::Duration;

use pulsar::authentication::Authentication;
use schemas::Topic;
use serde::Deserialize;

use crate::transport::peers::{away, read_answer};
use crate::transport::pulsar::BrokerSettings;

/// How long an answer is waited for.
const WITHIN: Duration = Duration::from_secs(3);

/// The broker's admin interface, with the rights of the service's own token: a broker shows the statistics of a topic to whoever may
/// produce or consume there.
#[derive(Clone)]
pub struct BrokerStatistics {
    client: reqwest::Client,
    base: String,
    settings: BrokerSettings,
}

/// A partition of a topic, as [Pulsar's admin interface](https://pulsar.apache.org/docs/4.0.x/admin-api-topics/#get-stats) shows it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TopicStatistics {
    /// Entries a second that come in, over the last minute.
    #[serde(default)]
    pub msg_rate_in: f64,
    /// Bytes that the broker keeps.
    #[serde(default)]
    pub storage_size: u64,
    /// Who is connected to produce.
    #[serde(default)]
    pub publishers: Vec<Connected>,
    /// By its name.
    #[serde(default)]
    pub subscriptions: BTreeMap<String, SubscriptionStatistics>,
}

/// A subscription.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SubscriptionStatistics {
    /// Entries that are not acknowledged.
    #[serde(default)]
    pub msg_backlog: i64,
    /// Entries a second that go out, over the last minute.
    #[serde(default)]
    pub msg_rate_out: f64,
    /// Who is connected to consume.
    #[serde(default)]
    pub consumers: Vec<Connected>,
}

/// A producer or a consumer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Connected {
    /// From where.
    pub address: Option<String>,
    /// With which client.
    pub client_version: Option<String>,
}

impl BrokerStatistics {
    /// The interface of the broker that these settings reach, where they say where it is.
    ///
    /// # Errors
    ///
    /// That the authorities cannot be used.
    pub fn of(settings: &BrokerSettings) -> Result<Option<Self>, reqwest::Error> {
        let Some(admin_url) = &settings.admin_url else {
            return Ok(None);
        };
        let mut client = reqwest::Client::builder()
            .timeout(WITHIN)
            .redirect(reqwest::redirect::Policy::limited(2))
            .no_proxy();
        if let Some(authorities) = &settings.authorities {
            let each = reqwest::Certificate::from_pem_bundle(authorities.pem().as_bytes())?;
            client = client.tls_certs_merge(each);
        }
        Ok(Some(Self {
            client: client.build()?,
            base: admin_url.trim_end_matches('/').to_owned(),
            settings: settings.clone(),
        }))
    }

    /// A partition of a topic; an error says why there is none, for people.
    ///
    /// # Errors
    ///
    /// That the broker does not answer, or with something else.
    pub async fn topic(&self, topic: Topic, partition: i32) -> Result<TopicStatistics, String> {
        let path = self.settings.partition_name(topic, partition);
        let path = path.replacen("://", "/", 1);
        let mut request = self
            .client
            .get(format!("{}/admin/v2/{path}/stats", self.base));
        if let Some(mut token) = self.settings.token.clone() {
            let token = token.auth_data().await.map_err(|error| error.to_string())?;
            request = request.bearer_auth(String::from_utf8_lossy(&token));
        }
        let answer = request.send().await.map_err(|error| away(&error))?;
        let status = answer.status();
        let bytes = read_answer(answer).await?;
        if !status.is_success() {
            return Err(format!("it answers {}", status.as_u16()));
        }
        serde_json::from_slice(&bytes).map_err(|_| "its answer cannot be read".to_owned())
    }
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]
mod tests {
    use super::*;

    #[test]
    fn what_a_broker_leaves_out_or_adds_is_no_error() {
        let none: TopicStatistics = serde_json::from_str("{\"count\": 3}").unwrap();
        assert_eq!((none.storage_size, none.publishers.len()), (0, 0));
        let text = r#"{"msgRateIn": 1.5, "publishers": [{"producerId": 0, "address": "/127.0.0.1:1"}],
            "subscriptions": {"bff": {"msgBacklog": 7, "consumers": [{"clientVersion": "c"}], "type": "Exclusive"}}}"#;
        let some: TopicStatistics = serde_json::from_str(text).unwrap();
        assert_eq!(some.subscriptions["bff"].msg_backlog, 7);
        assert_eq!(some.publishers[0].address.as_deref(), Some("/127.0.0.1:1"));
    }
}
