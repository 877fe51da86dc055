//! The decisions.

use schemas::{
    About, CampaignActivatedV1, CampaignCreatedV1, EnrollmentAcceptedV1, EvidenceSubmittedV1,
};
use types::{CampaignId, EnrollmentId, PartnerId, Plan, TermsVersion, WindowDays};

use super::{
    Campaign, Code, Command, Context, Event, Rejection, Status, Terms, TermsPublished, View,
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

fn create(
    view: View,
    new: &About<CampaignCreatedV1>,
    context: &Context,
) -> Result<Event, Rejection> {
    if !context.actor.is_brand(&new.brand_id) {
        let detail = "there is no such brand";
        return Err(Rejection::of("/brand_id", Code::BrandUnknown, detail));
    }
    match view.campaign {
        Some(_) => {
            let detail = "there is a campaign of this id already";
            Err(Rejection::new(Code::CampaignExists, detail))
        }
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
        let (ours, requested) = (campaign.currency, flat.currency);
        let detail = format!("the campaign pays in {ours}, not in {requested}");
        return Err(Rejection::of(pointer, Code::CurrencyMismatch, detail));
    }
    let version = match campaign.terms_version {
        None => TermsVersion::FIRST,
        Some(last) => last.next().ok_or_else(|| {
            let detail = "the campaign has as many versions of terms as there can be";
            Rejection::new(Code::TooManyVersions, detail)
        })?,
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
        (Status::Active, _) => {
            let detail = "the campaign is active already";
            Err(Rejection::new(Code::AlreadyActive, detail))
        }
        (Status::Draft, None) => Err(terms_not_published()),
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
        return Err(partner_unknown());
    }
    let state = visible(view.campaign, context)?;
    let in_force = match (state.status, state.terms_version) {
        (Status::Active, Some(version)) => version,
        (Status::Draft, _) => {
            let detail = "the campaign is not active yet";
            return Err(Rejection::new(Code::CampaignNotActive, detail));
        }
        (Status::Active, None) => return Err(terms_not_published()),
    };
    let requested = requested.unwrap_or(in_force);
    match view.enrollment {
        Some(before) if before.terms_version == requested => {
            let detail = format!("version {requested} of the terms is accepted already");
            Err(Rejection::new(Code::AlreadyAccepted, detail))
        }
        _ if requested != in_force => {
            let detail =
                format!("version {in_force} of the terms is in force, not version {requested}");
            Err(Rejection::of(
                "/terms_version",
                Code::TermsVersionStale,
                detail,
            ))
        }
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
        return Err(partner_unknown());
    }
    visible(view.campaign, context)?;
    match view.enrollment {
        None => {
            let detail = "accept the campaign's terms first";
            Err(Rejection::new(Code::NotEnrolled, detail))
        }
        Some(_) if view.evidence_exists => {
            let detail = "this evidence is submitted already";
            Err(Rejection::new(Code::AlreadySubmitted, detail))
        }
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
        .ok_or_else(campaign_unknown)
}

/// The campaign, when the caller may change it.
fn own<'a>(campaign: Option<&'a Campaign>, context: &Context) -> Result<&'a Campaign, Rejection> {
    campaign
        .filter(|campaign| context.actor.is_brand(&campaign.brand))
        .ok_or_else(campaign_unknown)
}

fn campaign_unknown() -> Rejection {
    Rejection::new(Code::CampaignUnknown, "there is no such campaign")
}

fn partner_unknown() -> Rejection {
    let detail = "there is no such partner";
    Rejection::of("/partner_id", Code::PartnerUnknown, detail)
}

fn terms_not_published() -> Rejection {
    let detail = "publish terms first: there are none that a partner could accept";
    Rejection::new(Code::TermsNotPublished, detail)
}
