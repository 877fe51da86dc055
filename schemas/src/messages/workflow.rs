//! What notify is asked and states of onboarding, and what campaign answers it.

use serde::{Deserialize, Serialize};
use types::{
    BrandId, CampaignId, Country, GroupId, LinkCode, PartnerId, Uuid, WorkflowReason, WorkflowStep,
};

/// Asks that applications to a brand's campaigns are taken through these steps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeOnboardingV1 {
    /// Whether applications to its campaigns are taken through these steps.
    pub enabled: bool,
    /// Whether who came through all steps is let in; else the brand decides, as without them.
    pub approves: bool,
    /// Of which countries partners may be, by ISO 3166; none: of all.
    pub countries: Vec<String>,
    /// The group that they come into; absent: they stay in theirs.
    pub group_id: Option<String>,
    /// What they are marked with at the CRM.
    pub tags: Vec<String>,
    /// Whether they become contacts of the CRM.
    pub crm: bool,
    /// The name of who looks after them, sealed to the services; absent: nobody.
    #[serde(default, with = "apache_avro::serde::bytes_opt")]
    pub sealed_manager: Option<Vec<u8>>,
    /// Its mail address, sealed to the services.
    #[serde(default, with = "apache_avro::serde::bytes_opt")]
    pub sealed_manager_mail: Option<Vec<u8>>,
}

/// Asks that a step that waits is tried now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetryWorkflowV1 {}

/// Asks that a step that waits is left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SkipWorkflowStepV1 {
    /// Which, from a closed list.
    pub step: String,
}

/// Asks that a workflow ends, and what it did is taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancelWorkflowV1 {}

/// What a workflow is about is no more: the service's own conclusion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndWorkflowV1 {
    /// Why, from a closed list.
    pub reason: String,
}

/// The CRM has a contact, or has it no more, or refuses: the caller's own conclusion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConcludeCrmCallV1 {
    /// Whether the contact was to be removed.
    pub removes: bool,
    /// Why nothing was done, from a closed list; absent: it was.
    pub reason: Option<String>,
    /// What the CRM answered, as a status of HTTP.
    pub crm_status: Option<i32>,
    /// Which call of the workflow's ended, as notify counts them.
    pub generation: Option<i64>,
    /// Whether the contact may have been made all the same, by an attempt that was not answered.
    pub may_exist: Option<bool>,
}

/// Applications to a brand's campaigns are taken through these steps from now on, whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OnboardingChangedV1 {
    /// Whether applications to its campaigns are taken through these steps.
    pub enabled: bool,
    /// Whether who came through all steps is let in; else the brand decides, as without them.
    pub approves: bool,
    /// Of which countries partners may be, by ISO 3166; none: of all.
    pub countries: Vec<Country>,
    /// The group that they come into; absent: they stay in theirs.
    pub group_id: Option<GroupId>,
    /// What they are marked with at the CRM.
    pub tags: Vec<String>,
    /// Whether they become contacts of the CRM.
    pub crm: bool,
    /// The name of who looks after them, sealed to the services; absent: nobody.
    #[serde(default, with = "apache_avro::serde::bytes_opt")]
    pub sealed_manager: Option<Vec<u8>>,
    /// Its mail address, sealed to the services.
    #[serde(default, with = "apache_avro::serde::bytes_opt")]
    pub sealed_manager_mail: Option<Vec<u8>>,
}

/// An application is taken through its brand's steps, as they are then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkflowStartedV1 {
    /// Whose campaign it is.
    pub brand_id: BrandId,
    /// Who applied.
    pub partner_id: PartnerId,
    /// To which campaign.
    pub campaign_id: CampaignId,
    /// The request that all of it follows on.
    pub correlation_id: Uuid,
    /// Whether who came through all steps is let in; else the brand decides, as without them.
    pub approves: bool,
    /// Of which countries partners may be, by ISO 3166; none: of all.
    pub countries: Vec<Country>,
    /// The group that they come into; absent: they stay in theirs.
    pub group_id: Option<GroupId>,
    /// What they are marked with at the CRM.
    pub tags: Vec<String>,
    /// Whether they become contacts of the CRM.
    pub crm: bool,
    /// The name of who looks after them, sealed to the services; absent: nobody.
    #[serde(default, with = "apache_avro::serde::bytes_opt")]
    pub sealed_manager: Option<Vec<u8>>,
    /// Its mail address, sealed to the services.
    #[serde(default, with = "apache_avro::serde::bytes_opt")]
    pub sealed_manager_mail: Option<Vec<u8>>,
}

/// Campaign, or tracking where it is the link, is to do a step, or to take it back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkflowStepRequestedV1 {
    /// Whose campaign it is.
    pub brand_id: BrandId,
    /// Who applied.
    pub partner_id: PartnerId,
    /// To which campaign.
    pub campaign_id: CampaignId,
    /// Which, from a closed list.
    pub step: WorkflowStep,
    /// Whether it is to be taken back.
    pub compensates: bool,
    /// Of which countries the partner may be; none: of all.
    pub countries: Vec<Country>,
    /// The group that it is to be in.
    pub group_id: Option<GroupId>,
    /// The group that it must be in for that; absent: whichever.
    pub from_group_id: Option<GroupId>,
}

/// A step is under way: a call outward is made until it comes to something, or the brand is to decide.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkflowStepStartedV1 {
    /// Whose campaign it is.
    pub brand_id: BrandId,
    /// Who applied.
    pub partner_id: PartnerId,
    /// To which campaign.
    pub campaign_id: CampaignId,
    /// Which, from a closed list.
    pub step: WorkflowStep,
    /// Whether it takes back what was done.
    pub compensates: bool,
}

/// A step is done, or left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkflowStepCompletedV1 {
    /// Whose campaign it is.
    pub brand_id: BrandId,
    /// Who applied.
    pub partner_id: PartnerId,
    /// To which campaign.
    pub campaign_id: CampaignId,
    /// Which, from a closed list.
    pub step: WorkflowStep,
    /// Why it was left out, from a closed list; absent: it was not.
    pub skipped: Option<WorkflowReason>,
    /// The group that the partner was in before.
    pub group_before: Option<GroupId>,
    /// Of which country the partner is.
    pub country: Option<Country>,
    /// The partner's name, sealed under its own key.
    #[serde(default, with = "apache_avro::serde::bytes_opt")]
    pub sealed_name: Option<Vec<u8>>,
    /// The link that the partner has for the campaign.
    pub link_code: Option<LinkCode>,
}

/// A step came to nothing, for good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkflowStepFailedV1 {
    /// Whose campaign it is.
    pub brand_id: BrandId,
    /// Who applied.
    pub partner_id: PartnerId,
    /// To which campaign.
    pub campaign_id: CampaignId,
    /// Which, from a closed list.
    pub step: WorkflowStep,
    /// Why, from a closed list.
    pub reason: WorkflowReason,
    /// What the CRM answered, as a status of HTTP.
    pub crm_status: Option<i32>,
    /// Whether the contact may have been made all the same, by an attempt that was not answered; absent: it was not.
    pub may_exist: Option<bool>,
}

/// What a step did is taken back, as far as that goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkflowStepCompensatedV1 {
    /// Whose campaign it is.
    pub brand_id: BrandId,
    /// Who applied.
    pub partner_id: PartnerId,
    /// To which campaign.
    pub campaign_id: CampaignId,
    /// Which, from a closed list.
    pub step: WorkflowStep,
    /// Why it was not, from a closed list; absent: it was.
    pub failure: Option<WorkflowReason>,
}

/// What a workflow did is to be taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkflowCancelledV1 {
    /// Whose campaign it is.
    pub brand_id: BrandId,
    /// Who applied.
    pub partner_id: PartnerId,
    /// To which campaign.
    pub campaign_id: CampaignId,
    /// Why, from a closed list.
    pub reason: WorkflowReason,
}

/// All steps are done: the partner is in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkflowCompletedV1 {
    /// Whose campaign it is.
    pub brand_id: BrandId,
    /// Who applied.
    pub partner_id: PartnerId,
    /// To which campaign.
    pub campaign_id: CampaignId,
    /// The name of who looks after it, sealed to the services.
    #[serde(default, with = "apache_avro::serde::bytes_opt")]
    pub sealed_manager: Option<Vec<u8>>,
    /// The link that it has for the campaign; absent: it has to make one.
    pub link_code: Option<LinkCode>,
}

/// What the steps did is taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkflowCompensatedV1 {
    /// Whose campaign it is.
    pub brand_id: BrandId,
    /// Who applied.
    pub partner_id: PartnerId,
    /// To which campaign.
    pub campaign_id: CampaignId,
    /// Which came to nothing; absent: it was stopped.
    pub step: Option<WorkflowStep>,
    /// Why, from a closed list.
    pub reason: WorkflowReason,
    /// Whether the application went back to the partner; else the brand decides about it, as without steps.
    pub returned: bool,
}

/// Campaign did a step of a workflow, or took it back, or refuses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkflowStepAnsweredV1 {
    /// Whose campaign it is.
    pub brand_id: BrandId,
    /// Who applied.
    pub partner_id: PartnerId,
    /// To which campaign.
    pub campaign_id: CampaignId,
    /// Which, from a closed list.
    pub step: WorkflowStep,
    /// Whether it was to be taken back.
    pub compensates: bool,
    /// Why it is refused, from a closed list; absent: it is done.
    pub refusal: Option<WorkflowReason>,
    /// The group that the partner was in before; absent: it was not moved.
    pub group_before: Option<GroupId>,
    /// Of which country the partner is.
    pub country: Option<Country>,
    /// The partner's name, sealed under its own key.
    #[serde(default, with = "apache_avro::serde::bytes_opt")]
    pub sealed_name: Option<Vec<u8>>,
}

/// Tracking made the link of a workflow's partner, or it was there, or tracking refuses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkflowLinkAnsweredV1 {
    /// Whose campaign it is.
    pub brand_id: BrandId,
    /// Who applied.
    pub partner_id: PartnerId,
    /// To which campaign.
    pub campaign_id: CampaignId,
    /// Why it is refused, from a closed list; absent: there is a link.
    pub refusal: Option<WorkflowReason>,
    /// The link; absent: it is refused.
    pub link_code: Option<LinkCode>,
}
