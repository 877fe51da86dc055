//! The link that onboarding makes for a partner who was let in. It cannot be refused: tracking answers what came of it.

use schemas::{About, WorkflowLinkAnsweredV1, WorkflowStepRequestedV1};
use types::{EnrollmentId, EnrollmentStatus, LinkCode, WorkflowReason as Reason, fallback_url};

use super::{
    Access, Bans, Campaign, Code, CreateLink, Event, Groups, Link, LinkDecision, Rejection,
    TargetUrl, create_link,
};

/// What notify wants done for a workflow.
pub type Requested = About<WorkflowStepRequestedV1>;

/// What becomes of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkAnswer {
    /// It is answered, with the link that was made for it, if one was.
    Answered(Vec<Event>),
    /// The campaign may become known soon.
    WaitForCampaign,
    /// That the partner is in may become known soon: notify has seen it.
    WaitForEnrollment(EnrollmentId),
}

/// The code of the link that a request is about.
pub fn code_of(requested: &Requested) -> LinkCode {
    LinkCode::of_onboarding(&requested.campaign_id, &requested.partner_id)
}

/// Makes the partner's link, to the first host of the campaign, or answers with the one that was made before.
pub fn answer(
    requested: &Requested,
    link: Option<&Link>,
    campaign: Option<&Campaign>,
    enrollment: Option<EnrollmentStatus>,
    (bans, groups): (&Bans, &Groups),
) -> LinkAnswer {
    let Some(known) = campaign else {
        return LinkAnswer::WaitForCampaign;
    };
    if let Some(link) = link {
        let is_its = link.partner == requested.partner_id && link.campaign == requested.campaign_id;
        let refusal = (!is_its || link.disabled_by.is_some()).then_some(Reason::Refused);
        return LinkAnswer::Answered(vec![answered(requested, refusal)]);
    }
    let command = command_of(requested, known);
    let access = Access::Own {
        partner: Some(requested.partner_id.clone()),
        brand: None,
    };
    // An application is waited for like none: notify has seen that it was approved. So is one that was rejected: who was let in had applied
    // again, and nobody who is in is rejected. What refuses it for good comes before that.
    let before = [EnrollmentStatus::Applied, EnrollmentStatus::Rejected];
    let enrollment = enrollment.filter(|it| !before.contains(it));
    let given = (bans, groups);
    match create_link(&command, false, campaign, enrollment, given, &access) {
        Ok(LinkDecision::Created(created)) => {
            LinkAnswer::Answered(vec![created.into(), answered(requested, None)])
        }
        Ok(LinkDecision::WaitForCampaign) => LinkAnswer::WaitForCampaign,
        Ok(LinkDecision::WaitForEnrollment(id)) => LinkAnswer::WaitForEnrollment(id),
        Err(rejection) => {
            let refusal = refusal(&rejection);
            LinkAnswer::Answered(vec![answered(requested, Some(refusal))])
        }
    }
}

fn command_of(requested: &Requested, campaign: &Campaign) -> CreateLink {
    let host = campaign.allowed_hosts.first().cloned();
    CreateLink {
        code: code_of(requested),
        campaign: requested.campaign_id.clone(),
        partner: requested.partner_id.clone(),
        target: TargetUrl {
            url: fallback_url(&campaign.allowed_hosts),
            host: host.unwrap_or_default(),
        },
        utm: None,
        deep_paths: false,
    }
}

fn refusal(rejection: &Rejection) -> Reason {
    let reasons = [
        (Code::CampaignClosed, Reason::CampaignClosed),
        (Code::PartnerBanned, Reason::PartnerBanned),
        (Code::NotEnrolled, Reason::ApplicationEnded),
    ];
    let is = |code: Code| rejection.code == schemas::RejectionCode::from(code);
    let reason = reasons.into_iter().find(|(code, _)| is(*code));
    reason.map_or(Reason::Refused, |(_, reason)| reason)
}

fn answered(requested: &Requested, refusal: Option<Reason>) -> Event {
    let link = code_of(requested);
    let record = WorkflowLinkAnsweredV1 {
        brand_id: requested.brand_id.clone(),
        partner_id: requested.partner_id.clone(),
        campaign_id: requested.campaign_id.clone(),
        refusal,
        link_code: Some(link).filter(|_| refusal.is_none()),
    };
    About::of(requested.subject.clone(), record).into()
}
