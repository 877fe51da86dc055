//! How partners come into a campaign, and out of it.

use schemas::{
    About, EnrollmentAcceptedV1, EnrollmentAppliedV1, EnrollmentApprovedV1, EnrollmentEndedV1,
    EnrollmentInvitedV1, EnrollmentRejectedV1,
};
use types::{
    CampaignId, CampaignStatus, EnrollmentId, EnrollmentStatus, JoinMode, PartnerId, RefusalReason,
    TermsVersion,
};

use super::ban::not_banned;
use super::decide::{
    campaign_closed, campaign_not_active, own, partner_unknown, terms_not_published, visible,
};
use super::{Campaign, Change, Code, Context, Enrollment, Event, Rejection, View};

/// The enrollment, while the partner is in.
pub(super) fn enrolled(view: View<'_>) -> Option<&Enrollment> {
    let lasts = |enrollment: &&Enrollment| enrollment.status == EnrollmentStatus::Enrolled;
    view.enrollment.filter(lasts)
}

/// What accepting the terms comes to: the partner is in, or has applied.
pub(super) fn accept(
    view: View,
    campaign: &CampaignId,
    partner: &PartnerId,
    requested: Option<TermsVersion>,
    context: &Context,
) -> Result<Event, Rejection> {
    if !context.actor.is_partner(partner) {
        return Err(partner_unknown());
    }
    let state = visible(view.campaign, context)?;
    not_banned(view)?;
    let status = view.enrollment.map(|enrollment| enrollment.status);
    let is_in = comes_in(state.join, view.enrollment)?;
    if state.status != CampaignStatus::Active {
        return Err(campaign_not_active(state.status));
    }
    let in_force = state.terms_in_force(context.now);
    let in_force = in_force.ok_or_else(terms_not_published)?;
    // Who names no version means the one that could be read then.
    let requested = requested
        .or_else(|| state.terms_in_force(context.requested_at))
        .unwrap_or(in_force);
    let accepted = view.enrollment.and_then(|before| before.terms_version);
    match status {
        Some(EnrollmentStatus::Enrolled) if accepted == Some(requested) => {
            let detail = format!("version {requested} of the terms is accepted already");
            return Err(Rejection::new(Code::AlreadyAccepted, detail));
        }
        Some(EnrollmentStatus::Applied) if accepted == Some(requested) => {
            let detail = "the partner has applied: the brand has to decide";
            return Err(Rejection::new(Code::AlreadyApplied, detail));
        }
        _ if requested != in_force => {
            let detail =
                format!("version {in_force} of the terms is in force, not version {requested}");
            let code = Code::TermsVersionStale;
            return Err(Rejection::of("/terms_version", code, detail));
        }
        _ => {}
    }
    let (partner_id, terms_version) = (partner.clone(), requested);
    let brand_id = state.brand.clone();
    Ok(if is_in {
        let record = EnrollmentAcceptedV1 {
            partner_id,
            terms_version,
            brand_id: Some(brand_id),
        };
        Event::EnrollmentAccepted(about(campaign, partner, record))
    } else {
        let record = EnrollmentAppliedV1 {
            partner_id,
            brand_id,
            terms_version,
        };
        Event::EnrollmentApplied(about(campaign, partner, record))
    })
}

/// Whether who accepts the terms is in at once; an error where accepting them leads nowhere.
fn comes_in(join: JoinMode, before: Option<&Enrollment>) -> Result<bool, Rejection> {
    match before.map(|before| (before.status, before.reason)) {
        Some((EnrollmentStatus::Removed, _)) => {
            let detail = "the brand has removed this partner from the campaign";
            Err(Rejection::new(Code::PartnerRemoved, detail))
        }
        Some((EnrollmentStatus::Rejected, Some(reason)))
            if reason != RefusalReason::NeedsMoreDetail =>
        {
            let detail = format!("the brand has rejected this partner: {}", reason.name());
            Err(Rejection::new(Code::ApplicationRejected, detail))
        }
        Some((EnrollmentStatus::Invited | EnrollmentStatus::Enrolled, _)) => Ok(true),
        _ => match join {
            JoinMode::Open => Ok(true),
            JoinMode::Approval => Ok(false),
            JoinMode::Invite => {
                let detail = "only whom the brand has invited comes in";
                Err(Rejection::new(Code::InvitationRequired, detail))
            }
        },
    }
}

/// What becomes of a partner's place in a campaign.
pub(super) fn change(
    view: View,
    campaign: &CampaignId,
    partner: &PartnerId,
    change: Change,
    context: &Context,
) -> Result<Event, Rejection> {
    let state = match change {
        Change::Leave if !context.actor.is_partner(partner) => return Err(partner_unknown()),
        Change::Leave => visible(view.campaign, context)?,
        _ => own(view.campaign, context)?,
    };
    if matches!(change, Change::Invite | Change::Approve) {
        not_banned(view)?;
    }
    let status = view.enrollment.map(|enrollment| enrollment.status);
    let (partner_id, brand_id) = (partner.clone(), state.brand.clone());
    let end = |status, reason| {
        let record = EnrollmentEndedV1 {
            partner_id: partner.clone(),
            brand_id: state.brand.clone(),
            status,
            reason,
        };
        Ok(Event::EnrollmentEnded(about(campaign, partner, record)))
    };
    match (change, status) {
        (Change::Invite, _) => {
            may_invite(state, status)?;
            let record = EnrollmentInvitedV1 {
                partner_id,
                brand_id,
            };
            Ok(Event::EnrollmentInvited(about(campaign, partner, record)))
        }
        (Change::Approve, _) if state.status == CampaignStatus::Closed => Err(campaign_closed()),
        (Change::Approve, Some(EnrollmentStatus::Applied)) => {
            let version = view.enrollment.and_then(|applied| applied.terms_version);
            let record = EnrollmentApprovedV1 {
                partner_id,
                brand_id,
                terms_version: version.ok_or_else(terms_not_published)?,
            };
            Ok(Event::EnrollmentApproved(about(campaign, partner, record)))
        }
        (Change::Reject(reason), Some(EnrollmentStatus::Applied)) => {
            let record = EnrollmentRejectedV1 {
                partner_id,
                brand_id,
                reason,
            };
            Ok(Event::EnrollmentRejected(about(campaign, partner, record)))
        }
        (Change::Approve | Change::Reject(_), _) => {
            let detail = "the partner has no application that waits for the brand";
            Err(Rejection::new(Code::NotApplied, detail))
        }
        (
            Change::Leave,
            Some(
                EnrollmentStatus::Invited | EnrollmentStatus::Applied | EnrollmentStatus::Enrolled,
            ),
        ) => end(EnrollmentStatus::Left, None),
        // One that left by itself can still be removed: it may not come again then.
        (
            Change::Remove(reason),
            Some(EnrollmentStatus::Invited | EnrollmentStatus::Enrolled | EnrollmentStatus::Left),
        ) => end(EnrollmentStatus::Removed, Some(reason)),
        (Change::Leave | Change::Remove(_), _) => {
            let detail = "the partner is not in the campaign";
            Err(Rejection::new(Code::NotEnrolled, detail))
        }
    }
}

/// Whom a brand may invite: who is not in, does not wait for it, and is not invited.
fn may_invite(campaign: &Campaign, status: Option<EnrollmentStatus>) -> Result<(), Rejection> {
    match campaign.status {
        // Who is invited reads the campaign, which of a draft nobody else does.
        CampaignStatus::Draft => return Err(campaign_not_active(campaign.status)),
        CampaignStatus::Closed => return Err(campaign_closed()),
        CampaignStatus::Active | CampaignStatus::Paused => {}
    }
    let (code, detail) = match status {
        Some(EnrollmentStatus::Invited) => (Code::AlreadyInvited, "the partner is invited already"),
        Some(EnrollmentStatus::Applied) => {
            (Code::AlreadyApplied, "the partner has applied: approve it")
        }
        Some(EnrollmentStatus::Enrolled) => (Code::AlreadyAccepted, "the partner is enrolled"),
        None
        | Some(EnrollmentStatus::Rejected | EnrollmentStatus::Left | EnrollmentStatus::Removed) => {
            return Ok(());
        }
    };
    Err(Rejection::new(code, detail))
}

fn about<R>(campaign: &CampaignId, partner: &PartnerId, record: R) -> About<R>
where
    R: schemas::Record<Key = CampaignId, Subject = EnrollmentId>,
{
    About {
        key: campaign.clone(),
        subject: EnrollmentId::of(campaign, partner),
        record,
    }
}
