//! What happened.

use types::WebhookEndpointId;

schemas::events! {
    /// What happened to a webhook endpoint.
    pub enum Event {
        /// There is one.
        Created(WebhookEndpointCreatedV1),
        /// It is another.
        Changed(WebhookEndpointChangedV1),
        /// It is sent events again.
        Enabled(WebhookEndpointEnabledV1),
        /// It is sent nothing.
        Disabled(WebhookEndpointDisabledV1),
        /// What it is sent is signed with another secret.
        SecretRotated(WebhookSecretRotatedV1),
        /// There is one no more.
        Removed(WebhookEndpointRemovedV1),
        /// It is sent an event that says nothing.
        Tested(WebhookEndpointTestedV1),
        /// It is sent again what it was sent.
        Resent(WebhooksResentV1),
    }
}

impl Event {
    /// To which one.
    pub fn endpoint(&self) -> &WebhookEndpointId {
        match self {
            Self::Created(it) => &it.subject,
            Self::Changed(it) => &it.subject,
            Self::Enabled(it) => &it.subject,
            Self::Disabled(it) => &it.subject,
            Self::SecretRotated(it) => &it.subject,
            Self::Removed(it) => &it.subject,
            Self::Tested(it) => &it.subject,
            Self::Resent(it) => &it.subject,
        }
    }
}
