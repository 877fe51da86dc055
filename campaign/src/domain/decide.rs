//! The decisions.

use schemas::{
    About, CampaignActivatedV1, CampaignCreatedV1, EnrollmentAcceptedV1, EvidenceSubmittedV1,
};
use types::{CampaignId, EnrollmentId, PartnerId, Plan, TermsVersion, WindowDays};

use super::{Campaign, Command, Context, Event, Rejection, Status, Terms, TermsPublished, View};

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

fn create(
    view: View,
    new: &About<CampaignCreatedV1>,
    context: &Context,
) -> Result<Event, Rejection> {
    if !context.actor.is_brand(&new.brand_id) {
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
            requested: flat.currency,
            pointer,
        });
    }
    let version = match campaign.terms_version {
        None => TermsVersion::FIRST,
        Some(last) => last.next().ok_or(Rejection::TooManyVersions)?,
    };
    Ok(Event::TermsPublished(TermsPublished {
        campaign: campaign.id.clone(),
        brand: campaign.brand.clone(),
        currency: campaign.currency,
        terms: Terms {
            version,
            window,
            plan,
            effective_at: context.now,
        },
    }))
}

fn activate(campaign: Option<&Campaign>, context: &Context) -> Result<Event, Rejection> {
    let campaign = own(campaign, context)?;
    match (campaign.status, campaign.terms_version) {
        (Status::Active, _) => Err(Rejection::AlreadyActive),
        (Status::Draft, None) => Err(Rejection::TermsNotPublished),
        (Status::Draft, Some(_)) => {
            let activated = CampaignActivatedV1 {
                brand_id: campaign.brand.clone(),
                allowed_hosts: campaign.allowed_hosts.clone(),
            };
            Ok(About::of(campaign.id.clone(), activated).into())
        }
    }
}

fn accept(
    view: View,
    campaign: &CampaignId,
    partner: &PartnerId,
    requested: Option<TermsVersion>,
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
    let requested = requested.unwrap_or(in_force);
    match view.enrollment {
        Some(before) if before.terms_version == requested => {
            Err(Rejection::AlreadyAccepted { version: requested })
        }
        _ if requested != in_force => Err(Rejection::TermsVersionStale {
            requested,
            in_force,
        }),
        _ => Ok(Event::EnrollmentAccepted(About {
            key: campaign.clone(),
            subject: EnrollmentId::of(campaign, partner),
            record: EnrollmentAcceptedV1 {
                partner_id: partner.clone(),
                terms_version: requested,
            },
        })),
    }
}

fn submit_evidence(
    view: View,
    shown: &About<EvidenceSubmittedV1>,
    context: &Context,
) -> Result<Event, Rejection> {
    if !context.actor.is_partner(&shown.partner_id) {
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
