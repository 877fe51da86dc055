//! The decisions.

use money::{CampaignId, EnrollmentId, PartnerId};

use super::{
    Campaign, Command, Context, Event, NewCampaign, NewEvidence, Plan, Rejection, Status, Terms,
    TermsVersion, View, WindowDays,
};

/// What comes of a command. Ownership is decided here, from the state itself; another's campaign is an unknown one.
pub fn decide(view: View, command: &Command, context: &Context) -> Result<Event, Rejection> {
    match command {
        Command::Create(new) => create(view, new, context),
        Command::PublishTerms { window, plan, .. } => {
            publish_terms(view.campaign, *window, *plan, context)
        }
        Command::Activate { .. } => activate(view.campaign, context),
        Command::Accept {
            campaign,
            partner,
            terms_version,
        } => accept(view, campaign, partner, *terms_version, context),
        Command::SubmitEvidence(shown) => submit_evidence(view, shown, context),
    }
}

fn create(view: View, new: &NewCampaign, context: &Context) -> Result<Event, Rejection> {
    if !context.actor.is_brand(&new.brand) {
        return Err(Rejection::BrandUnknown);
    }
    match view.campaign {
        Some(_) => Err(Rejection::CampaignExists),
        None => Ok(Event::CampaignCreated(new.clone())),
    }
}

fn publish_terms(
    campaign: Option<&Campaign>,
    window: WindowDays,
    plan: Plan,
    context: &Context,
) -> Result<Event, Rejection> {
    let campaign = own(campaign, context)?;
    if let Some((flat, pointer)) = plan.stranger_to(campaign.currency) {
        return Err(Rejection::CurrencyMismatch {
            campaign: campaign.currency,
            asked: flat.currency,
            pointer,
        });
    }
    let version = match campaign.terms_version {
        None => TermsVersion::FIRST,
        Some(last) => last.next().ok_or(Rejection::TooManyVersions)?,
    };
    Ok(Event::TermsPublished {
        campaign: campaign.id.clone(),
        brand: campaign.brand.clone(),
        currency: campaign.currency,
        terms: Terms {
            version,
            window,
            plan,
            effective_at: context.now,
        },
    })
}

fn activate(campaign: Option<&Campaign>, context: &Context) -> Result<Event, Rejection> {
    let campaign = own(campaign, context)?;
    match (campaign.status, campaign.terms_version) {
        (Status::Active, _) => Err(Rejection::AlreadyActive),
        (Status::Draft, None) => Err(Rejection::TermsNotPublished),
        (Status::Draft, Some(_)) => Ok(Event::CampaignActivated {
            campaign: campaign.id.clone(),
            brand: campaign.brand.clone(),
            allowed_hosts: campaign.allowed_hosts.clone(),
        }),
    }
}

fn accept(
    view: View,
    campaign: &CampaignId,
    partner: &PartnerId,
    asked: Option<TermsVersion>,
    context: &Context,
) -> Result<Event, Rejection> {
    if !context.actor.is_partner(partner) {
        return Err(Rejection::PartnerUnknown);
    }
    let state = visible(view.campaign, context)?;
    let in_force = match (state.status, state.terms_version) {
        (Status::Active, Some(version)) => version,
        (Status::Draft, _) => return Err(Rejection::CampaignNotActive),
        (Status::Active, None) => return Err(Rejection::TermsNotPublished),
    };
    let asked = asked.unwrap_or(in_force);
    match view.enrollment {
        Some(before) if before.terms_version == asked => {
            Err(Rejection::AlreadyAccepted { version: asked })
        }
        _ if asked != in_force => Err(Rejection::TermsVersionStale { asked, in_force }),
        _ => Ok(Event::EnrollmentAccepted {
            campaign: campaign.clone(),
            enrollment: EnrollmentId::of(campaign, partner),
            partner: partner.clone(),
            terms_version: asked,
        }),
    }
}

fn submit_evidence(view: View, shown: &NewEvidence, context: &Context) -> Result<Event, Rejection> {
    if !context.actor.is_partner(&shown.partner) {
        return Err(Rejection::PartnerUnknown);
    }
    visible(view.campaign, context)?;
    match view.enrollment {
        None => Err(Rejection::NotEnrolled),
        Some(_) if view.evidence_exists => Err(Rejection::AlreadySubmitted),
        Some(_) => Ok(Event::EvidenceSubmitted(shown.clone())),
    }
}

/// The campaign, when the caller may know of it: an active one is for everybody to see, a draft is its brand's.
fn visible<'a>(
    campaign: Option<&'a Campaign>,
    context: &Context,
) -> Result<&'a Campaign, Rejection> {
    campaign
        .filter(|campaign| {
            campaign.status == Status::Active || context.actor.is_brand(&campaign.brand)
        })
        .ok_or(Rejection::CampaignUnknown)
}

/// The campaign, when the caller may change it.
fn own<'a>(campaign: Option<&'a Campaign>, context: &Context) -> Result<&'a Campaign, Rejection> {
    campaign
        .filter(|campaign| context.actor.is_brand(&campaign.brand))
        .ok_or(Rejection::CampaignUnknown)
}
