//! What notify is asked.

use schemas::{
    About, ContactChangedV1, MailTemplateChangedV1, OnboardingChangedV1, WebhookEndpointCreatedV1,
};
use types::{
    BrandId, ContactId, MailGroup, MailId, MailTemplateId, Micros, PartnerId, Uuid,
    WebhookDisabledReason, WebhookEndpointId, WorkflowId,
};

use super::{
    Concluded, Contact, Endpoint, MailTemplate, Onboarding, Owner, Workflow, WorkflowCommand,
};

/// Who asks. A caller may be partner and brand at once; one without any role owns nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Actor {
    /// It may act for anyone.
    pub operator: bool,
    /// The partner it is.
    pub partner: Option<PartnerId>,
    /// The brand it is.
    pub brand: Option<BrandId>,
}

impl Actor {
    /// Whether it may act for who owns an endpoint.
    pub fn is(&self, owner: &Owner) -> bool {
        self.operator || self.owns(owner)
    }

    /// Whether it is that owner itself.
    pub fn owns(&self, owner: &Owner) -> bool {
        match owner {
            Owner::Brand(brand) => self.brand.as_ref() == Some(brand),
            Owner::Partner(partner) => self.partner.as_ref() == Some(partner),
        }
    }
}

/// What a decision may know beside the state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Context {
    /// Our time.
    pub now: Micros,
    /// Who asks.
    pub actor: Actor,
}

/// What is to be another of an endpoint; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// Where to.
    pub url: Option<String>,
    /// Of which kinds.
    pub kinds: Option<Vec<String>>,
    /// What people call it; empty: nothing.
    pub description: Option<String>,
}

/// What is to be sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resend {
    /// One delivery.
    One(Uuid),
    /// All that were made from one moment on, and before another.
    Range {
        /// The first moment.
        since: Micros,
        /// The moment after the last; absent: now.
        until: Option<Micros>,
    },
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// One is to be made.
    Create {
        /// As it is to be.
        new: Box<About<WebhookEndpointCreatedV1>>,
        /// Whose.
        owner: Owner,
    },
    /// It is to be another.
    Change(WebhookEndpointId, Change),
    /// It is to be sent events again.
    Enable(WebhookEndpointId),
    /// It is to be sent nothing.
    Disable(WebhookEndpointId),
    /// What it is sent is to be signed with another secret, and for so many seconds with that of before too.
    RotateSecret(WebhookEndpointId, i64),
    /// There is to be one no more.
    Remove(WebhookEndpointId),
    /// It is to be sent an event that says nothing.
    Test(WebhookEndpointId),
    /// It is to be sent again what it was sent.
    Resend(WebhookEndpointId, Resend),
    /// The sender found that nothing arrives there; the command's id says since which time that it was enabled.
    GiveUp(WebhookEndpointId, WebhookDisabledReason, Uuid),
    /// An owner's mail addresses are to be these.
    ChangeContact {
        /// As they are to be.
        new: Box<About<ContactChangedV1>>,
        /// Whose.
        owner: Owner,
    },
    /// One of a contact's addresses is not to be sent mails of a group any more.
    Unsubscribe {
        /// Whose.
        contact: ContactId,
        /// Which.
        address: Uuid,
        /// Which mails.
        group: MailGroup,
    },
    /// A kind of mail to a brand's partners is to say something else in a language. That a mail can be made of it was found where it was read.
    ChangeMailTemplate(Box<About<MailTemplateChangedV1>>),
    /// The sender found what became of a mail.
    Conclude(Box<Concluded>),
    /// Something else is to be done with applications to a brand's campaigns.
    ChangeOnboarding(Box<About<OnboardingChangedV1>>),
    /// Something is asked of a workflow.
    Workflow(WorkflowId, WorkflowCommand),
}

impl Command {
    /// Of which endpoint, if of one.
    pub fn endpoint(&self) -> Option<&WebhookEndpointId> {
        Some(match self {
            Self::Create { new, .. } => &new.subject,
            Self::Change(id, _)
            | Self::Enable(id)
            | Self::Disable(id)
            | Self::RotateSecret(id, _)
            | Self::Remove(id)
            | Self::Test(id)
            | Self::Resend(id, _)
            | Self::GiveUp(id, ..) => id,
            Self::ChangeContact { .. }
            | Self::Unsubscribe { .. }
            | Self::ChangeMailTemplate(_)
            | Self::Conclude(_)
            | Self::ChangeOnboarding(_)
            | Self::Workflow(..) => return None,
        })
    }

    /// The workflow that it names.
    pub fn workflow(&self) -> Option<&WorkflowId> {
        match self {
            Self::Workflow(id, _) => Some(id),
            _ => None,
        }
    }

    /// Of which brand it would change what is done with applications.
    pub fn onboarding(&self) -> Option<&BrandId> {
        match self {
            Self::ChangeOnboarding(new) => Some(&new.subject),
            _ => None,
        }
    }

    /// Whose mail addresses it would change.
    pub fn contact(&self) -> Option<&ContactId> {
        match self {
            Self::ChangeContact { new, .. } => Some(&new.subject),
            Self::Unsubscribe { contact, .. } => Some(contact),
            _ => None,
        }
    }

    /// The brand's own text that it would change.
    pub fn mail_template(&self) -> Option<&MailTemplateId> {
        match self {
            Self::ChangeMailTemplate(new) => Some(&new.subject),
            _ => None,
        }
    }

    /// The mail that it names.
    pub fn mail(&self) -> Option<&MailId> {
        match self {
            Self::Conclude(concluded) => Some(&concluded.mail),
            _ => None,
        }
    }

    /// Of whom it matters how many endpoints there are.
    pub fn counted(&self) -> Option<&Owner> {
        match self {
            Self::Create { owner, .. } => Some(owner),
            _ => None,
        }
    }

    /// The delivery that it names.
    pub fn delivery(&self) -> Option<Uuid> {
        match self {
            Self::Resend(_, Resend::One(delivery)) => Some(*delivery),
            _ => None,
        }
    }
}

/// The states that a command touches, as they are.
#[derive(Clone, Copy, Debug, Default)]
pub struct View<'a> {
    /// The endpoint that it names.
    pub endpoint: Option<&'a Endpoint>,
    /// How many endpoints that are not removed the owner has that it would make one for.
    pub endpoints_of_owner: usize,
    /// The mail addresses that it would change.
    pub contact: Option<&'a Contact>,
    /// The brand's own text that it would change, if it ever had one.
    pub mail_template: Option<&'a MailTemplate>,
    /// Whether what became of the mail that it names is not known yet.
    pub mail_waits: bool,
    /// Whether the endpoint was sent the delivery that it names.
    pub has_delivery: bool,
    /// What is done with applications, where it would change that.
    pub onboarding: Option<&'a Onboarding>,
    /// The workflow that it names.
    pub workflow: Option<&'a Workflow>,
    /// The generation of that workflow's call to the CRM, if it has ended.
    pub ended_call: Option<i64>,
}
