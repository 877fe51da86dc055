//! New versions of terms.

use types::{CampaignStatus, Micros, Plan, TermsVersion, WindowDays};

use super::decide::{campaign_closed, own};
use super::{Campaign, Code, Context, Event, Rejection, Terms, TermsPublished};

/// How far ahead terms may be published.
const MAX_DAYS_AHEAD: i64 = 365;
/// Versions of a campaign that are yet to come into force, at most: every command upon the campaign reads them.
const MAX_UPCOMING: usize = 10;
/// Versions of a campaign in all, at most: partners are mailed about each, and tracking reads them where it looks for a click.
const MAX_VERSIONS: i32 = 1_000;

/// The next version, with whether it worsens something for who has the one before. Versions that would come into force no earlier never
/// do: what was scheduled by mistake is taken back so.
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
    check_effective(effective_at, context.now)?;
    let version = next_version(campaign, effective_at, context.now)?;
    let mut terms = Terms {
        version,
        window,
        plan,
        effective_at,
        text_hash: Some(text_hash.to_owned()),
        worsens: None,
    };
    let mut before = campaign.terms_before(effective_at, context.now);
    terms.worsens = Some(before.any(|before| terms.worsen(before)));
    Ok(Event::TermsPublished(TermsPublished {
        campaign: campaign.id.clone(),
        brand: campaign.brand.clone(),
        currency: campaign.currency,
        terms,
        sealed_text: Some(sealed_text.to_vec()),
    }))
}

fn next_version(
    campaign: &Campaign,
    effective_at: Micros,
    now: Micros,
) -> Result<TermsVersion, Rejection> {
    let too_many = |detail| Err(Rejection::new(Code::TooManyVersions, detail));
    let comes_before = |it: &&Terms| it.effective_at > now && it.effective_at < effective_at;
    if campaign.terms.iter().filter(comes_before).count() >= MAX_UPCOMING {
        return too_many(format!(
            "a campaign has {MAX_UPCOMING} versions of terms at most that are not in force yet"
        ));
    }
    let next = match campaign.newest_terms() {
        None => Some(TermsVersion::FIRST),
        Some(last) => last.version.next(),
    };
    match next.filter(|next| next.get() <= MAX_VERSIONS) {
        Some(next) => Ok(next),
        None => too_many(format!(
            "a campaign has {MAX_VERSIONS} versions of terms at most"
        )),
    }
}

/// Terms are in force now or within a year.
fn check_effective(effective_at: Micros, now: Micros) -> Result<(), Rejection> {
    let refused = |detail| Err(Rejection::of("/effective_at", Code::InvalidDates, detail));
    if effective_at < now {
        return refused("terms must not be in force before now");
    }
    let latest = now.checked_add_days(MAX_DAYS_AHEAD);
    if latest.is_some_and(|latest| effective_at > latest) {
        return refused("terms must be in force within a year");
    }
    Ok(())
}
