//! The other services, as one of them reaches each by HTTP.

use std::collections::BTreeMap;

use schemas::Service;

use crate::transport::internal::InternalKey;

/// Who asks, and where everybody is.
#[derive(Clone)]
pub struct Peers {
    /// Shared by all that speaks to services.
    pub client: reqwest::Client,
    /// Signs who asks.
    pub key: InternalKey,
    /// Who asks.
    pub me: Service,
    /// Where each service listens, by its name.
    pub urls: BTreeMap<&'static str, String>,
}

impl Peers {
    /// Where a service listens for other services, such as `http://127.0.0.1:8003`.
    pub fn url_of(&self, service: Service) -> &str {
        self.urls.get(service.name()).map_or("", String::as_str)
    }
}
