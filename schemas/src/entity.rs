//! What keys and subjects identify, and which type each has.

use std::fmt::{Debug, Display};
use std::str::FromStr;

use types::{
    ApiKeyId, BanId, BrandId, CampaignId, ClaimId, ClickId, ContactId, ConversionId, DepositId,
    EnrollmentId, ErasureId, EvidenceId, FundsAccountId, FundsTransferId, GroupId, InvalidId,
    LinkCode, MailId, MailTemplateId, MembershipId, PartnerId, PayoutId, StatementId,
    WebhookEndpointId, WithdrawalId, WorkflowId,
};

/// What a key or a subject identifies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Entity {
    /// A campaign.
    Campaign,
    /// A partner in a campaign.
    Enrollment,
    /// That a partner is banned.
    Ban,
    /// An API key of a brand.
    ApiKey,
    /// A piece of evidence.
    Evidence,
    /// A link; its id is its code.
    Link,
    /// A click on a link.
    Click,
    /// A conversion, and the commission that has its id.
    Conversion,
    /// What a partner claims of an order.
    Claim,
    /// The owner of an account.
    Partner,
    /// What is erased, by one request.
    Erasure,
    /// A brand's group.
    Group,
    /// In which group a partner is.
    Membership,
    /// A payout.
    Payout,
    /// A brand.
    Brand,
    /// An account of a brand's own.
    FundsAccount,
    /// Money that a brand sends.
    Deposit,
    /// Money that a brand takes out.
    Withdrawal,
    /// Money between a brand's accounts.
    FundsTransfer,
    /// What moved in a partner's accounts in a month.
    Statement,
    /// A key that details are sealed to.
    SealingKey,
    /// Where a brand or a partner is sent what happens.
    WebhookEndpoint,
    /// The mail addresses of a brand or a partner.
    Contact,
    /// A mail.
    Mail,
    /// What is done with an application.
    Workflow,
    /// A brand's own text of a mail.
    MailTemplate,
    /// Whatever the command had that the message answers.
    OfCommand,
}

impl Entity {
    /// The name in documents.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Campaign => "campaign",
            Self::Enrollment => "enrollment",
            Self::Ban => "ban",
            Self::ApiKey => "API key",
            Self::Evidence => "evidence",
            Self::Link => "link",
            Self::Click => "click",
            Self::Conversion => "conversion",
            Self::Claim => "claim",
            Self::Partner => "partner",
            Self::Erasure => "erasure",
            Self::Group => "group",
            Self::Membership => "membership",
            Self::Payout => "payout",
            Self::Brand => "brand",
            Self::FundsAccount => "account",
            Self::Deposit => "deposit",
            Self::Withdrawal => "withdrawal",
            Self::FundsTransfer => "transfer",
            Self::Statement => "statement",
            Self::SealingKey => "sealing key",
            Self::WebhookEndpoint => "webhook endpoint",
            Self::Contact => "contact",
            Self::Mail => "mail",
            Self::Workflow => "workflow",
            Self::MailTemplate => "mail template",
            Self::OfCommand => "the command's",
        }
    }
}

/// What a key or a subject is, as a type.
pub trait Id: Clone + Debug + Eq + AsRef<str> + FromStr<Err: Display> {
    /// What it identifies.
    const ENTITY: Entity;
}

macro_rules! ids {
    ($($id:ident = $entity:ident)+) => {$(
        impl Id for $id {
            const ENTITY: Entity = Entity::$entity;
        }
    )+};
}

ids! {
    CampaignId = Campaign
    EnrollmentId = Enrollment
    BanId = Ban
    ApiKeyId = ApiKey
    EvidenceId = Evidence
    LinkCode = Link
    ClickId = Click
    ConversionId = Conversion
    ClaimId = Claim
    PartnerId = Partner
    ErasureId = Erasure
    GroupId = Group
    MembershipId = Membership
    PayoutId = Payout
    BrandId = Brand
    FundsAccountId = FundsAccount
    DepositId = Deposit
    WithdrawalId = Withdrawal
    FundsTransferId = FundsTransfer
    StatementId = Statement
    LedgerOwner = Partner
    SealingKeyId = SealingKey
    WebhookEndpointId = WebhookEndpoint
    ContactId = Contact
    MailId = Mail
    MailTemplateId = MailTemplate
    WorkflowId = Workflow
    OfCommand = OfCommand
}

macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name(pub String);

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                if text.is_empty() {
                    return Err(InvalidId);
                }
                Ok(Self(text.to_owned()))
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    )+};
}

texts! {
    /// A partner; in logs of version 0.1 also what a fact called one and is none.
    LedgerOwner
    /// A key that payment details are sealed to.
    SealingKeyId
    /// Whatever the command had that the message answers.
    OfCommand
}
