//! What notify is asked of onboarding and of workflows, and what it shows of them; the bff hands it on.

use chassis::json::{Check, Text};
use chassis::problem::Fields;
use chassis::time::Timestamp;
use schemas::{
    About, CancelWorkflowV1, ChangeOnboardingV1, RetryWorkflowV1, SkipWorkflowStepV1, Written,
};
use sealing::texts;
use serde::{Deserialize, Serialize};
use types::{
    BrandId, CampaignId, Country, GroupId, MAX_TAGS, MailAddress, PartnerId, WorkflowId,
    WorkflowStatus, WorkflowStep, check_tag,
};
use utoipa::{IntoParams, ToSchema};

use crate::lists;

/// Countries that one brand names.
const MAX_COUNTRIES: usize = 250;

requests! {
    ChangeOnboarding = "notify.change_onboarding.command.v1", "change_onboarding";
    SkipWorkflowStep = "notify.skip_workflow_step.command.v1", "skip_workflow_step";
    RetryWorkflow = "notify.retry_workflow.command.v1", "retry_workflow";
    CancelWorkflow = "notify.cancel_workflow.command.v1", "cancel_workflow";
}

named! {
    brand_id: BrandId of ChangeOnboarding;
}

bodiless! {
    /// That a step that waits is tried now.
    RetryWorkflow of WorkflowId: RetryWorkflowV1;
    /// That a workflow ends, and what it did is taken back.
    CancelWorkflow of WorkflowId: CancelWorkflowV1;
}

/// What is to be done with applications to a brand's campaigns, whole.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeOnboarding {
    /// Whose; absent: the token's own brand. An operator must give it.
    #[schema(value_type = Option<String>, example = "brand1")]
    brand_id: Option<BrandId>,
    /// Whether applications are taken through these steps. It counts for those that come from then on.
    #[schema(example = true)]
    enabled: bool,
    /// Whether who came through all steps is let in; absent or false: the brand decides, as without them.
    #[schema(example = false)]
    approves: Option<bool>,
    /// Of which countries partners may be, by ISO 3166-1; absent or none: of all.
    #[schema(value_type = Option<Vec<String>>, max_items = 250, example = json!(["DE", "AT"]))]
    countries: Option<Vec<Country>>,
    /// The brand's group that they come into; absent: they stay in theirs.
    #[schema(value_type = Option<String>, example = "grp_5f0c8e6b1d4a5b7c9e2f3a4b5c6d7e8f")]
    group_id: Option<GroupId>,
    /// What they are marked with at the CRM.
    #[schema(max_items = 20, example = json!(["newcomer"]))]
    tags: Option<Vec<String>>,
    /// Whether they become contacts of the CRM; absent: they do, where there is one.
    #[schema(example = true)]
    crm: Option<bool>,
    /// Who looks after them; absent: nobody.
    manager: Option<NewManager>,
}

/// Who looks after partners.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewManager {
    /// What partners are told; it is kept sealed.
    #[schema(example = "Mia Meier")]
    name: Text<200>,
    /// By which the CRM knows the owner of its contacts; it is kept sealed.
    #[schema(value_type = Option<String>, format = "email", max_length = 254, example = "mia@example.com")]
    email: Option<MailAddress>,
}

impl Check for ChangeOnboarding {
    fn check(&self, fields: &mut Fields) {
        let countries = self.countries.as_deref().unwrap_or_default();
        let few = countries.len() <= MAX_COUNTRIES;
        fields.require(few, "/countries", "must be at most 250");
        let tags = self.tags.as_deref().unwrap_or_default();
        fields.require(tags.len() <= MAX_TAGS, "/tags", "must be at most 20");
        for (index, tag) in tags.iter().enumerate().take(MAX_TAGS) {
            if let Err(invalid) = check_tag(tag) {
                fields.refuse(format!("/tags/{index}"), invalid.to_string());
            }
        }
    }
}

impl ChangeOnboarding {
    /// As a command, of this brand. Who looks after partners is sealed to the services.
    pub fn command(self, brand: BrandId) -> Written {
        let countries = self.countries.unwrap_or_default();
        let manager = self.manager.as_ref();
        let mail = manager.and_then(|it| it.email.as_ref());
        let change = ChangeOnboardingV1 {
            enabled: self.enabled,
            approves: self.approves.unwrap_or_default(),
            countries: countries.iter().map(ToString::to_string).collect(),
            group_id: self.group_id.map(GroupId::into_string),
            tags: self.tags.unwrap_or_default(),
            crm: self.crm.unwrap_or(true),
            sealed_manager: manager
                .map(|it| texts::seal(&texts::of_managers_name(&brand), &it.name)),
            sealed_manager_mail: mail
                .map(|it| texts::seal(&texts::of_managers_mail(&brand), it.as_str())),
        };
        About::of(brand, change).write()
    }
}

/// Which step is to be left out.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SkipWorkflowStep {
    /// One that waits: `crm_contact` or `link`.
    #[schema(value_type = lists::WorkflowStep)]
    step: WorkflowStep,
}

impl Check for SkipWorkflowStep {}

impl SkipWorkflowStep {
    /// As a command, of this workflow.
    pub fn command(self, workflow: WorkflowId) -> Written {
        let step = self.step.name().to_owned();
        About::of(workflow, SkipWorkflowStepV1 { step }).write()
    }
}

/// Whose onboarding.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OnboardingFilter {
    /// This brand's.
    #[param(value_type = Option<String>)]
    pub brand_id: Option<BrandId>,
}

/// What is done with applications to a brand's campaigns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct OnboardingView {
    /// Whose.
    #[schema(example = "brand1")]
    pub brand_id: String,
    /// Whether anything is.
    pub enabled: bool,
    /// Whether who came through all steps is let in.
    pub approves: bool,
    /// Of which countries partners may be; none: of all.
    #[schema(example = json!(["DE", "AT"]))]
    pub countries: Vec<String>,
    /// The group that they come into.
    pub group_id: Option<String>,
    /// What they are marked with at the CRM.
    pub tags: Vec<String>,
    /// Whether they become contacts of the CRM.
    pub crm: bool,
    /// Who looks after them.
    pub manager: Option<ManagerView>,
    /// Since when.
    pub changed_at: Timestamp,
}

/// Who looks after partners.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ManagerView {
    /// Its name; `null` where it cannot be read.
    #[schema(example = "Mia Meier")]
    pub name: Option<String>,
    /// Its mail address, as it may be shown.
    #[schema(example = "m***@example.com")]
    pub masked_email: Option<String>,
}

impl ManagerView {
    /// What is sealed of a brand's manager.
    pub fn open(brand: &BrandId, name: Option<&[u8]>, mail: Option<&[u8]>) -> Option<Self> {
        let name = name?;
        let mail = mail.and_then(|it| texts::open(&texts::of_managers_mail(brand), it));
        let mail = mail.and_then(|text| MailAddress::parse(&text).ok());
        Some(Self {
            name: texts::open(&texts::of_managers_name(brand), name),
            masked_email: mail.map(|it| it.masked()),
        })
    }
}

/// Which workflows.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WorkflowFilter {
    /// Of this brand.
    #[param(value_type = Option<String>)]
    pub brand_id: Option<BrandId>,
    /// Of this partner.
    #[param(value_type = Option<String>)]
    pub partner_id: Option<PartnerId>,
    /// Of applications to this campaign.
    #[param(value_type = Option<String>)]
    pub campaign_id: Option<CampaignId>,
    /// That are so far.
    #[param(value_type = Option<lists::WorkflowStatus>)]
    pub status: Option<WorkflowStatus>,
}

/// What is done with an application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct WorkflowView {
    /// Which.
    #[schema(example = "wfl_5f0c8e6b1d4a5b7c9e2f3a4b5c6d7e8f")]
    pub id: String,
    /// Whose campaign it is.
    pub brand_id: String,
    /// Who applied.
    pub partner_id: String,
    /// To which campaign.
    pub campaign_id: String,
    /// The request that all of it follows on: `GET /api/v1/timeline/{correlation_id}` shows it.
    pub correlation_id: String,
    /// How far it is.
    #[schema(value_type = lists::WorkflowStatus)]
    pub status: String,
    /// Every step, in order.
    pub steps: Vec<WorkflowStepView>,
    /// Of which country the partner is, once that was looked at.
    pub country: Option<String>,
    /// The group that it comes into.
    pub group_id: Option<String>,
    /// What it is marked with at the CRM.
    pub tags: Vec<String>,
    /// Who looks after it.
    pub manager: Option<ManagerView>,
    /// The step that came to nothing.
    #[schema(value_type = Option<lists::WorkflowStep>)]
    pub failed: Option<String>,
    /// Why what was done is taken back.
    #[schema(value_type = Option<lists::WorkflowReason>)]
    pub reason: Option<String>,
    /// Whether the application went back to the partner; else the brand decides about it.
    pub returned: bool,
    /// When it began.
    pub started_at: Timestamp,
    /// When something happened last.
    pub changed_at: Timestamp,
    /// When all was done, or taken back.
    pub ended_at: Option<Timestamp>,
}

/// A step of a workflow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct WorkflowStepView {
    /// Which.
    #[schema(value_type = lists::WorkflowStep)]
    pub step: String,
    /// How far it is.
    #[schema(value_type = lists::WorkflowStepState)]
    pub state: String,
    /// Why it was left out, came to nothing, or could not be taken back.
    #[schema(value_type = Option<lists::WorkflowReason>)]
    pub reason: Option<String>,
    /// What the CRM answered at last, as a status of HTTP.
    pub crm_status: Option<i32>,
    /// How often the CRM was called, while it is.
    pub attempts: Option<i32>,
    /// When it is called again, while it is.
    pub next_at: Option<Timestamp>,
    /// Since when it is so.
    pub changed_at: Option<Timestamp>,
}
