//! Whose a conversion is: the last click of that visitor, or the click that the reporter names, inside the window of the
//! terms that the click's partner accepted.

use types::{BrandId, CampaignId, ClickId, Currency, LinkCode, Micros, PartnerId, TermsVersion};

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
    /// The terms that this partner accepted.
    pub terms_version: TermsVersion,
    /// Their window.
    pub window_days: i32,
    /// Their currency.
    pub currency: Currency,
}

impl Candidate {
    /// Whether what happened then is inside the click's window.
    pub fn covers(&self, at: Micros) -> bool {
        let until = self.clicked_at.checked_add_days(self.window_days.into());
        at >= self.clicked_at && until.is_none_or(|until| at <= until)
    }
}

types::names! {
    /// Why a conversion is nobody's: a closed list.
    pub enum Reason {
        /// This visitor clicked no link (of the campaign) before.
        NoClick = "no_click",
        /// The click that the reporter names is not known.
        ClickUnknown = "click_unknown",
        /// The campaign that the reporter names is not known.
        CampaignUnknown = "campaign_unknown",
        /// The click that the reporter names is of another campaign than the one that it names.
        OtherCampaign = "click_of_other_campaign",
        /// It happened before the click.
        BeforeClick = "before_click",
        /// The last click is longer ago than the campaign's window.
        OutsideWindow = "outside_window",
    }
}

/// Whose it is. The candidate is the click that the report names, else the visitor's last that qualifies, else the
/// visitor's last. `at` is the claimed time, bounded by ours.
pub(super) fn attribute<'a>(
    report: &Report,
    candidate: Option<&'a Candidate>,
    campaign_known: bool,
    at: Micros,
) -> Result<&'a Candidate, Reason> {
    if report.campaign.is_some() && !campaign_known {
        return Err(Reason::CampaignUnknown);
    }
    let Some(candidate) = candidate else {
        return Err(if report.click.is_some() {
            Reason::ClickUnknown
        } else {
            Reason::NoClick
        });
    };
    if report
        .campaign
        .as_ref()
        .is_some_and(|campaign| *campaign != candidate.campaign)
    {
        return Err(Reason::OtherCampaign);
    }
    if at < candidate.clicked_at {
        return Err(Reason::BeforeClick);
    }
    if !candidate.covers(at) {
        return Err(Reason::OutsideWindow);
    }
    Ok(candidate)
}
