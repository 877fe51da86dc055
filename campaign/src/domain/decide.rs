//! The decisions.

use schemas::{
    About, CampaignActivatedV1, CampaignClosedV1, CampaignCreatedV1, CampaignPausedV1,
    CampaignResumedV1,
};
use types::{CampaignStatus, PauseReason};

use super::api_key;
use super::ban::ban;
use super::change::{change_campaign, check_budget, check_dates, end_campaign, ends_in_the_past};
use super::funds::{follow, out_of_funds};
use super::terms::publish_terms;
use super::{Campaign, Code, Command, Context, Event, Rejection, Step, View};
use super::{enrollment, evidence, group, records};

/// What comes of a command. Ownership is decided here, from the state itself; another's campaign is an unknown one.
pub fn decide(view: View, command: &Command, context: &Context) -> Result<Event, Rejection> {
    match command {
        Command::Create(new) => create(view, new, context),
        Command::ChangeCampaign { change, .. } => change_campaign(view.campaign, change, context),
        Command::EndCampaign { due_at, .. } => end_campaign(view.campaign, *due_at),
        Command::FollowFunds { .. } => follow(view, context),
        Command::PublishTerms {
            window,
            plan,
            text_hash,
            sealed_text,
            effective_at,
            ..
        } => {
            let effective_at = effective_at.unwrap_or(context.now);
            publish_terms(
                view.campaign,
                (*window, *plan),
                (text_hash, sealed_text),
                effective_at,
                context,
            )
        }
        Command::Move { step, .. } => move_on(view, *step, context),
        Command::Accept {
            campaign,
            partner,
            terms_version,
        } => enrollment::accept(view, campaign, partner, *terms_version, context),
        Command::Change {
            campaign,
            partner,
            change,
        } => enrollment::change(view, campaign, partner, *change, context),
        Command::Ban {
            partner,
            brand,
            reason,
        } => ban(view, partner, brand.as_ref(), *reason, context),
        Command::CreateApiKey(new) => api_key::create(view, new, context),
        Command::RotateApiKey { rotation, .. } => api_key::rotate(view, rotation, context),
        Command::RevokeApiKey { key, brand } => api_key::revoke(view, key, brand.as_ref(), context),
        Command::SubmitEvidence(shown) => evidence::submit(view, shown, context),
        Command::CreateGroup(new) => group::create(view, new, context),
        Command::ChangeGroup {
            brand,
            group,
            change,
        } => group::change(view, brand, group, change, context),
        Command::MovePartner {
            brand,
            partner,
            group,
        } => group::move_partner(view, brand, partner, group, context),
        Command::ChangePartner { partner, change } => {
            records::change_partner(view, partner, change, context)
        }
        Command::ErasePartner { partner } => records::erase_partner(partner, context),
        Command::ChangeBrand { brand, change } => {
            records::change_brand(view, brand, change, context)
        }
        Command::Review {
            campaign, review, ..
        } => evidence::review(view, campaign, *review, context),
    }
}

fn create(
    view: View,
    new: &About<CampaignCreatedV1>,
    context: &Context,
) -> Result<Event, Rejection> {
    if !context.actor.is_brand(&new.brand_id) {
        return Err(brand_unknown());
    }
    if view.campaign.is_some() {
        let detail = "there is a campaign of this id already";
        return Err(Rejection::new(Code::CampaignExists, detail));
    }
    check_dates(new.starts_at, new.ends_at)?;
    check_budget(new.budget, new.currency)?;
    if new.ends_at.is_some_and(|end| end <= context.now) {
        return Err(ends_in_the_past());
    }
    Ok(Event::CampaignCreated(new.clone()))
}

/// The life of a campaign: what may follow what.
fn move_on(view: View, step: Step, context: &Context) -> Result<Event, Rejection> {
    let campaign = own(view.campaign, context)?;
    let (id, brand_id) = (campaign.id.clone(), campaign.brand.clone());
    match (campaign.status, step) {
        (CampaignStatus::Draft, Step::Activate)
            if campaign.terms_in_force(context.now).is_none() =>
        {
            Err(terms_not_published())
        }
        (CampaignStatus::Draft, Step::Activate) | (CampaignStatus::Paused, Step::Resume)
            if campaign.has_ended(context.now) =>
        {
            let detail = "the campaign's end has come: move that first";
            Err(Rejection::new(Code::CampaignEnded, detail))
        }
        (CampaignStatus::Draft, Step::Activate) => {
            let activated = CampaignActivatedV1 {
                brand_id,
                allowed_hosts: campaign.allowed_hosts.clone(),
                fallback_url: campaign.fallback_url.clone(),
                starts_at: campaign.starts_at,
                trusts_redirects: campaign.trusts_redirects.then_some(true),
                ends_at: campaign.ends_at,
            };
            Ok(About::of(id, activated).into())
        }
        (CampaignStatus::Paused, Step::Resume) if view.out_of_funds => Err(out_of_funds()),
        (CampaignStatus::Paused, Step::Pause)
            if campaign.pause_reason != Some(PauseReason::OutOfFunds) =>
        {
            let detail = "the campaign is paused already";
            Err(Rejection::new(Code::AlreadyPaused, detail))
        }
        // Of one that is paused for want of funds: it is to stay so when they are there.
        (CampaignStatus::Active | CampaignStatus::Paused, Step::Pause) => {
            let reason = PauseReason::Brand;
            Ok(About::of(id, CampaignPausedV1 { brand_id, reason }).into())
        }
        (CampaignStatus::Paused, Step::Resume) => {
            Ok(About::of(id, CampaignResumedV1 { brand_id }).into())
        }
        (CampaignStatus::Active | CampaignStatus::Paused, Step::Close) => {
            Ok(About::of(id, CampaignClosedV1 { brand_id }).into())
        }
        (CampaignStatus::Closed, _) => Err(campaign_closed()),
        (CampaignStatus::Draft, Step::Pause | Step::Resume | Step::Close) => {
            Err(campaign_not_active(campaign.status))
        }
        (CampaignStatus::Active | CampaignStatus::Paused, Step::Activate) => {
            let detail = "the campaign is active already";
            Err(Rejection::new(Code::AlreadyActive, detail))
        }
        (CampaignStatus::Active, Step::Resume) => {
            let detail = "the campaign is active: there is no pause to end";
            Err(Rejection::new(Code::NotPaused, detail))
        }
    }
}

/// The campaign, when the caller may know of it: a draft is its brand's, any other is for everybody to see.
pub(super) fn visible<'a>(
    campaign: Option<&'a Campaign>,
    context: &Context,
) -> Result<&'a Campaign, Rejection> {
    campaign
        .filter(|campaign| {
            campaign.status != CampaignStatus::Draft || context.actor.is_brand(&campaign.brand)
        })
        .ok_or_else(campaign_unknown)
}

/// The campaign, when the caller may change it.
pub(super) fn own<'a>(
    campaign: Option<&'a Campaign>,
    context: &Context,
) -> Result<&'a Campaign, Rejection> {
    campaign
        .filter(|campaign| context.actor.is_brand(&campaign.brand))
        .ok_or_else(campaign_unknown)
}

pub(super) fn campaign_unknown() -> Rejection {
    Rejection::new(Code::CampaignUnknown, "there is no such campaign")
}

pub(super) fn partner_unknown() -> Rejection {
    let detail = "there is no such partner";
    Rejection::of("/partner_id", Code::PartnerUnknown, detail)
}

pub(super) fn brand_unknown() -> Rejection {
    let detail = "there is no such brand";
    Rejection::of("/brand_id", Code::BrandUnknown, detail)
}

pub(super) fn campaign_not_active(status: CampaignStatus) -> Rejection {
    let detail = match status {
        CampaignStatus::Draft => "the campaign is not active yet",
        CampaignStatus::Paused => "the campaign is paused",
        CampaignStatus::Active | CampaignStatus::Closed => "the campaign has ended",
    };
    Rejection::new(Code::CampaignNotActive, detail)
}

pub(super) fn campaign_closed() -> Rejection {
    let detail = "the campaign has ended for good";
    Rejection::new(Code::CampaignClosed, detail)
}

pub(super) fn terms_not_published() -> Rejection {
    let detail = "publish terms first: there are none that a partner could accept";
    Rejection::new(Code::TermsNotPublished, detail)
}
