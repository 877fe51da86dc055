//! What a brand changes of its campaign, and what its end does.

use schemas::{About, Budget, CampaignChangedV1, CampaignPausedV1};
use types::{CampaignStatus, Currency, Micros, PauseReason, check_page};

use super::decide::{campaign_closed, campaign_unknown, own};
use super::{Campaign, CampaignChange, Code, Context, Edit, Event, Rejection};

/// The campaign as it is from now on, whole.
pub(super) fn change_campaign(
    campaign: Option<&Campaign>,
    change: &CampaignChange,
    context: &Context,
) -> Result<Event, Rejection> {
    let before = own(campaign, context)?;
    if before.status == CampaignStatus::Closed {
        return Err(campaign_closed());
    }
    let name = change.name.as_ref().unwrap_or(&before.name);
    let hosts = change.allowed_hosts.as_ref();
    let after = CampaignChangedV1 {
        brand_id: before.brand.clone(),
        name: name.clone(),
        description: change.description.of(before.description.as_ref()),
        allowed_hosts: hosts.unwrap_or(&before.allowed_hosts).clone(),
        fallback_url: change.fallback_url.of(before.fallback_url.as_ref()),
        landing_url: change.landing_url.of(before.landing_url.as_ref()),
        starts_at: change.starts_at.of(before.starts_at.as_ref()),
        ends_at: change.ends_at.of(before.ends_at.as_ref()),
        budget: change.budget.of(before.budget.as_ref()),
        join: change.join.unwrap_or(before.join),
        trusts_redirects: change
            .trusts_redirects
            .unwrap_or(before.trusts_redirects)
            .then_some(true),
    };
    check_pages(&after)?;
    check_dates(after.starts_at, after.ends_at)?;
    check_budget(after.budget, before.currency)?;
    if matches!(change.ends_at, Edit::Set(end) if end <= context.now) {
        return Err(ends_in_the_past());
    }
    Ok(About::of(before.id.clone(), after).into())
}

/// What the campaign's own timer comes to: a pause, once, when its end has come. One that is paused for want of funds is so for its end
/// from then on, or it would wait for funds that let it go on no more; what its brand has paused stays so.
pub(super) fn end_campaign(
    campaign: Option<&Campaign>,
    due_at: Micros,
) -> Result<Event, Rejection> {
    let campaign = campaign.ok_or_else(campaign_unknown)?;
    // The timer fired when it was due. A clock that was set back since does not make it come again: its id is the same.
    let goes_on = campaign.status == CampaignStatus::Active
        || campaign.pause_reason == Some(PauseReason::OutOfFunds);
    if !goes_on || campaign.ends_at != Some(due_at) {
        let detail = "the campaign does not go on by itself, or its end is another";
        return Err(Rejection::new(Code::EndNotReached, detail));
    }
    let paused = CampaignPausedV1 {
        brand_id: campaign.brand.clone(),
        reason: PauseReason::Ended,
    };
    Ok(About::of(campaign.id.clone(), paused).into())
}

/// A campaign's pages are on its hosts, also after these have changed.
fn check_pages(campaign: &CampaignChangedV1) -> Result<(), Rejection> {
    let pages = [
        ("/fallback_url", &campaign.fallback_url),
        ("/landing_url", &campaign.landing_url),
    ];
    for (pointer, page) in pages {
        if let Some(url) = page
            && let Err(invalid) = check_page(url, &campaign.allowed_hosts)
        {
            let detail = format!("{url} {invalid}");
            return Err(Rejection::of(pointer, Code::HostNotAllowed, detail));
        }
    }
    Ok(())
}

/// A campaign ends after it starts.
pub(super) fn check_dates(
    starts_at: Option<Micros>,
    ends_at: Option<Micros>,
) -> Result<(), Rejection> {
    match (starts_at, ends_at) {
        (Some(start), Some(end)) if end <= start => {
            let detail = "the campaign must end after its start";
            Err(Rejection::of("/ends_at", Code::InvalidDates, detail))
        }
        _ => Ok(()),
    }
}

pub(super) fn ends_in_the_past() -> Rejection {
    let detail = "the campaign must not end before now";
    Rejection::of("/ends_at", Code::InvalidDates, detail)
}

/// A budget is in the campaign's currency.
pub(super) fn check_budget(budget: Option<Budget>, currency: Currency) -> Result<(), Rejection> {
    match budget {
        Some(budget) if budget.currency != currency => {
            let requested = budget.currency;
            let detail = format!("the campaign pays in {currency}, not in {requested}");
            let code = Code::CurrencyMismatch;
            Err(Rejection::of("/budget/currency", code, detail))
        }
        _ => Ok(()),
    }
}
