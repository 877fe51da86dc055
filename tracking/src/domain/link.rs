//! Links.

use money::{BrandId, EnrollmentId};

use super::{Access, Code, CreateLink, Event, Rejection};

/// What links use of a campaign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Campaign {
    /// Who owns it.
    pub brand: BrandId,
    /// Where its links may lead: hosts in lower case.
    pub allowed_hosts: Vec<String>,
}

/// What asking for a link comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkVerdict {
    /// The link exists.
    Created(Event),
    /// It cannot be.
    Rejected(Rejection),
    /// The campaign may become known soon.
    WaitForCampaign,
    /// The enrollment may become known soon.
    WaitForEnrollment(EnrollmentId),
}

/// Decides whether a partner gets a link. What is not known yet may be on its way from campaign, by another road than
/// the command's.
pub fn create_link(
    asked: &CreateLink,
    taken: bool,
    campaign: Option<&Campaign>,
    enrolled: bool,
    access: &Access,
) -> LinkVerdict {
    let refused = |rejection| LinkVerdict::Rejected(rejection);
    if !access.is_partner(&asked.partner) {
        return refused(Rejection::of(
            "/partner_id",
            Code::NotEnrolled,
            "this partner is not enrolled in the campaign",
        ));
    }
    if taken {
        return refused(Rejection::of(
            "/code",
            Code::LinkExists,
            "a link with this code exists",
        ));
    }
    let Some(campaign) = campaign else {
        return LinkVerdict::WaitForCampaign;
    };
    if !campaign.allowed_hosts.contains(&asked.target_host) {
        let detail = format!(
            "links of this campaign may lead to {}",
            campaign.allowed_hosts.join(", ")
        );
        return refused(Rejection::of("/target_url", Code::HostNotAllowed, detail));
    }
    if !enrolled {
        return LinkVerdict::WaitForEnrollment(EnrollmentId::of(&asked.campaign, &asked.partner));
    }
    LinkVerdict::Created(Event::LinkCreated {
        code: asked.code.clone(),
        campaign: asked.campaign.clone(),
        partner: asked.partner.clone(),
        target_url: asked.target_url.clone(),
    })
}
