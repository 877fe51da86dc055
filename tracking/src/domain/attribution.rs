//! Whose a conversion is: the last click of that visitor, or the click that the reporter names, inside the window of the
//! terms that hold for the click's partner.

use types::{
    BrandId, CampaignId, ClickId, Currency, LinkCode, Micros, PartnerId, TermsVersion,
    UnattributedReason,
};

use super::Report;

/// A click that may have led to a conversion, with what is known of its link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The click.
    pub click: ClickId,
    /// When, in our time.
    pub clicked_at: Micros,
    /// The link that was clicked.
    pub link: LinkCode,
    /// The link's campaign.
    pub campaign: CampaignId,
    /// Who owns that.
    pub brand: BrandId,
    /// Whose link.
    pub partner: PartnerId,
    /// The terms that hold for this partner: those that it accepted, or later ones that worsen nothing.
    pub terms_version: TermsVersion,
    /// Their window.
    pub window_days: i32,
    /// Their currency.
    pub currency: Currency,
}

impl Candidate {
    /// The currency of its terms.
    pub fn currency(&self) -> ((CampaignId, TermsVersion), Currency) {
        ((self.campaign.clone(), self.terms_version), self.currency)
    }

    /// Whether what it led to is inside its window, if that happened then or, by a clock that is behind, before it.
    pub fn covers(&self, at: Micros) -> bool {
        is_inside(self.clicked_at, self.window_days, at.max(self.clicked_at))
    }
}

/// Whether what happened at a time is inside the window of so many days of a click.
pub fn is_inside(clicked_at: Micros, window_days: i32, at: Micros) -> bool {
    let until = clicked_at.checked_add_days(window_days.into());
    at >= clicked_at && until.is_none_or(|until| at <= until)
}

/// Whose it is. The candidate is the click that the report names, else the visitor's last that qualifies, else the
/// visitor's last.
pub(super) fn attribute<'a>(
    report: &Report,
    candidate: Option<&'a Candidate>,
    campaign_known: bool,
    now: Micros,
) -> Result<&'a Candidate, UnattributedReason> {
    if report.campaign.is_some() && !campaign_known {
        return Err(UnattributedReason::CampaignUnknown);
    }
    let Some(candidate) = candidate else {
        return Err(if report.click.is_some() {
            UnattributedReason::ClickUnknown
        } else {
            UnattributedReason::NoClick
        });
    };
    if report
        .campaign
        .as_ref()
        .is_some_and(|campaign| *campaign != candidate.campaign)
    {
        return Err(UnattributedReason::OtherCampaign);
    }
    if candidate.clicked_at > report.clicked_by(now) {
        return Err(UnattributedReason::BeforeClick);
    }
    if !candidate.covers(report.happened_at(now)) {
        return Err(UnattributedReason::OutsideWindow);
    }
    Ok(candidate)
}
