//! What becomes of a brand's campaigns while its funds do not cover what its partners earn.

use schemas::{About, BrandFundsAdoptedV1, CampaignPausedV1, CampaignResumedV1};
use types::{BrandId, CampaignStatus, Currency, PauseReason};

use super::decide::campaign_unknown;
use super::{Code, Context, Event, Rejection, View};

/// What payment states is noted, and campaigns follow by their own timer.
pub(super) fn adopt(brand: &BrandId, currency: Currency, exhausted: bool) -> Event {
    let adopted = BrandFundsAdoptedV1 {
        currency,
        exhausted,
    };
    About::of(brand.clone(), adopted).into()
}

/// An active campaign pauses while its brand is out of funds. One that is paused for that, and for nothing else, goes on when it
/// is not, unless its end has come: then that is why it is paused, in a moment.
pub(super) fn follow(view: View, context: &Context) -> Result<Event, Rejection> {
    let campaign = view.campaign.ok_or_else(campaign_unknown)?;
    let (id, brand_id) = (campaign.id.clone(), campaign.brand.clone());
    let paused_for_it = campaign.pause_reason == Some(PauseReason::OutOfFunds);
    match campaign.status {
        CampaignStatus::Active if view.out_of_funds => {
            let reason = PauseReason::OutOfFunds;
            Ok(About::of(id, CampaignPausedV1 { brand_id, reason }).into())
        }
        CampaignStatus::Paused
            if paused_for_it && !view.out_of_funds && !campaign.has_ended(context.now) =>
        {
            Ok(About::of(id, CampaignResumedV1 { brand_id }).into())
        }
        _ => {
            let detail = "the campaign stands as its brand's funds have it";
            Err(Rejection::new(Code::FundsUnchanged, detail))
        }
    }
}

/// A campaign does not go on before its brand's funds do.
pub(super) fn out_of_funds() -> Rejection {
    let detail = "the brand's funds do not cover what its partners earn: paused for that the campaign goes on when they do, else it is resumed then";
    Rejection::new(Code::OutOfFunds, detail)
}
