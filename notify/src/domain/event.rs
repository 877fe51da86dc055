//! What happened.

use types::{ContactId, WebhookEndpointId};

schemas::events! {
    /// What happened to a webhook endpoint, to mail addresses, or to a mail.
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
        /// An owner has other mail addresses.
        ContactChanged(ContactChangedV1),
        /// A mail was sent.
        MailSent(NotificationSentV1),
        /// A mail was not sent, and is not tried again.
        MailFailed(NotificationFailedV1),
    }
}

impl Event {
    /// To which endpoint, if to one.
    pub fn endpoint(&self) -> Option<&WebhookEndpointId> {
        Some(match self {
            Self::Created(it) => &it.subject,
            Self::Changed(it) => &it.subject,
            Self::Enabled(it) => &it.subject,
            Self::Disabled(it) => &it.subject,
            Self::SecretRotated(it) => &it.subject,
            Self::Removed(it) => &it.subject,
            Self::Tested(it) => &it.subject,
            Self::Resent(it) => &it.subject,
            Self::ContactChanged(_) | Self::MailSent(_) | Self::MailFailed(_) => return None,
        })
    }

    /// To whose mail addresses, if to some.
    pub fn contact(&self) -> Option<&ContactId> {
        match self {
            Self::ContactChanged(it) => Some(&it.subject),
            _ => None,
        }
    }
}
