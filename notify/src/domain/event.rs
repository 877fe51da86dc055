//! What happened.

use types::{BrandId, ContactId, MailTemplateId, WebhookEndpointId, WorkflowId};

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
        /// A brand wants something else done with applications.
        OnboardingChanged(OnboardingChangedV1),
        /// An application is taken through its brand's steps.
        WorkflowStarted(WorkflowStartedV1),
        /// Campaign is to do a step, or to take it back.
        StepRequested(WorkflowStepRequestedV1),
        /// A step is under way.
        StepStarted(WorkflowStepStartedV1),
        /// A step is done, or left out.
        StepCompleted(WorkflowStepCompletedV1),
        /// A step came to nothing.
        StepFailed(WorkflowStepFailedV1),
        /// What a step did is taken back.
        StepCompensated(WorkflowStepCompensatedV1),
        /// What was done is to be taken back.
        WorkflowCancelled(WorkflowCancelledV1),
        /// All steps are done.
        WorkflowCompleted(WorkflowCompletedV1),
        /// What was done is taken back.
        WorkflowCompensated(WorkflowCompensatedV1),
        /// An address is not sent mails of a group any more.
        Unsubscribed(ContactUnsubscribedV1),
        /// A kind of mail to a brand's partners says something else in a language.
        MailTemplateChanged(MailTemplateChangedV1),
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
            _ => return None,
        })
    }

    /// Of which brand's onboarding.
    pub fn onboarding(&self) -> Option<&BrandId> {
        match self {
            Self::OnboardingChanged(it) => Some(&it.subject),
            _ => None,
        }
    }

    /// Which of a brand's own texts, if one.
    pub fn mail_template(&self) -> Option<&MailTemplateId> {
        match self {
            Self::MailTemplateChanged(it) => Some(&it.subject),
            _ => None,
        }
    }

    /// Of which workflow.
    pub fn workflow(&self) -> Option<&WorkflowId> {
        Some(match self {
            Self::WorkflowStarted(it) => &it.subject,
            Self::StepRequested(it) => &it.subject,
            Self::StepStarted(it) => &it.subject,
            Self::StepCompleted(it) => &it.subject,
            Self::StepFailed(it) => &it.subject,
            Self::StepCompensated(it) => &it.subject,
            Self::WorkflowCancelled(it) => &it.subject,
            Self::WorkflowCompleted(it) => &it.subject,
            Self::WorkflowCompensated(it) => &it.subject,
            _ => return None,
        })
    }

    /// To whose mail addresses, if to some.
    pub fn contact(&self) -> Option<&ContactId> {
        match self {
            Self::ContactChanged(it) => Some(&it.subject),
            Self::Unsubscribed(it) => Some(&it.subject),
            _ => None,
        }
    }
}
