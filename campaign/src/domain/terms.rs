//! New versions of terms.

use types::{CampaignStatus, Micros, Plan, TermsVersion, WindowDays};

use super::decide::{campaign_closed, own};
use super::{Campaign, Code, Context, Event, Rejection, Terms, TermsPublished};

/// How far ahead terms may be published.
const MAX_DAYS_AHEAD: i64 = 365;

/// The next version, with whether it worsens something for who accepted the one before.
pub(super) fn publish_terms(
    campaign: Option<&Campaign>,
    (window, plan): (WindowDays, Plan),
    (text_hash, sealed_text): (&str, &[u8]),
    effective_at: Micros,
    context: &Context,
) -> Result<Event, Rejection> {
    let campaign = own(campaign, context)?;
    if campaign.status == CampaignStatus::Closed {
        return Err(campaign_closed());
    }
    if let Some((flat, pointer)) = plan.stranger_to(campaign.currency) {
        let (ours, requested) = (campaign.currency, flat.currency);
        let detail = format!("the campaign pays in {ours}, not in {requested}");
        return Err(Rejection::of(pointer, Code::CurrencyMismatch, detail));
    }
    let before = campaign.newest_terms();
    check_effective(effective_at, before, context.now)?;
    let version = match before {
        None => TermsVersion::FIRST,
        Some(last) => last.version.next().ok_or_else(|| {
            let detail = "the campaign has as many versions of terms as there can be";
            Rejection::new(Code::TooManyVersions, detail)
        })?,
    };
    let mut terms = Terms {
        version,
        window,
        plan,
        effective_at,
        text_hash: Some(text_hash.to_owned()),
        worsens: None,
    };
    terms.worsens = Some(before.is_some_and(|before| terms.worsen(before)));
    Ok(Event::TermsPublished(TermsPublished {
        campaign: campaign.id.clone(),
        brand: campaign.brand.clone(),
        currency: campaign.currency,
        terms,
        sealed_text: Some(sealed_text.to_vec()),
    }))
}

/// Terms are in force now or within a year, and not before those before them.
fn check_effective(
    effective_at: Micros,
    before: Option<&Terms>,
    now: Micros,
) -> Result<(), Rejection> {
    let refused = |detail| Err(Rejection::of("/effective_at", Code::InvalidDates, detail));
    if effective_at < now {
        return refused("terms must not be in force before now");
    }
    let latest = now.checked_add_days(MAX_DAYS_AHEAD);
    if latest.is_some_and(|latest| effective_at > latest) {
        return refused("terms must be in force within a year");
    }
    if before.is_some_and(|before| effective_at < before.effective_at) {
        return refused("terms must not be in force before the version before them");
    }
    Ok(())
}
