//! What keys and subjects identify, and which type each has.

use std::fmt::{Debug, Display};
use std::str::FromStr;

use types::{
    ApiKeyId, BanId, BrandId, CampaignId, ClaimId, ClickId, ContactId, ConversionId, DepositId,
    EnrollmentId, ErasureId, EvidenceId, FundsAccountId, FundsTransferId, GroupId, InvalidId,
    LinkCode, MailId, MailTemplateId, MembershipId, PartnerId, PayoutId, StatementId,
    WebhookEndpointId, WithdrawalId, WorkflowId,
};

types::names! {
    /// What a key or a subject identifies, by its name in documents.
    pub enum Entity {
        /// A campaign.
        Campaign = "campaign",
        /// A partner in a campaign.
        Enrollment = "enrollment",
        /// That a partner is banned.
        Ban = "ban",
        /// An API key of a brand.
        ApiKey = "API key",
        /// A piece of evidence.
        Evidence = "evidence",
        /// A link; its id is its code.
        Link = "link",
        /// A click on a link.
        Click = "click",
        /// A conversion, and the commission that has its id.
        Conversion = "conversion",
        /// What a partner claims of an order.
        Claim = "claim",
        /// The owner of an account.
        Partner = "partner",
        /// What is erased, by one request.
        Erasure = "erasure",
        /// A brand's group.
        Group = "group",
        /// In which group a partner is.
        Membership = "membership",
        /// A payout.
        Payout = "payout",
        /// A brand.
        Brand = "brand",
        /// An account of a brand's own.
        FundsAccount = "account",
        /// Money that a brand sends.
        Deposit = "deposit",
        /// Money that a brand takes out.
        Withdrawal = "withdrawal",
        /// Money between a brand's accounts.
        FundsTransfer = "transfer",
        /// What moved in a partner's accounts in a month.
        Statement = "statement",
        /// A key that details are sealed to.
        SealingKey = "sealing key",
        /// Where a brand or a partner is sent what happens.
        WebhookEndpoint = "webhook endpoint",
        /// The mail addresses of a brand or a partner.
        Contact = "contact",
        /// A mail.
        Mail = "mail",
        /// What is done with an application.
        Workflow = "workflow",
        /// A brand's own text of a mail.
        MailTemplate = "mail template",
        /// Whatever the command had that the message answers.
        OfCommand = "the command's",
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
