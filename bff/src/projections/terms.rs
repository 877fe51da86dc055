//! Versions of terms, from `campaign-events`.

use schemas::{Body, Message};

use super::rows::{ReadModel, Says};
use crate::store::terms::TermsRow;

impl ReadModel for TermsRow {
    fn says(message: &Message) -> Says {
        match message.body {
            Body::TermsPublishedV1(_) => Says::All,
            _ => Says::Nothing,
        }
    }

    fn evolve(before: Option<Self>, message: &Message, place: i64) -> Option<Self> {
        let Body::TermsPublishedV1(terms) = &message.body else {
            return before;
        };
        let plan = &terms.plan;
        let minor = |flat: &Option<schemas::WireMoney>| flat.as_ref().map(|flat| flat.minor);
        Some(Self {
            id: Self::row_of(message),
            position: place,
            campaign_id: message.header.subject.clone(),
            version: terms.version.get(),
            window_days: terms.window_days.get(),
            sale_bps: plan.sale_bps,
            sale_flat: minor(&plan.sale_flat),
            lead_bps: plan.lead_bps,
            lead_flat: minor(&plan.lead_flat),
            hold_days: plan.hold_days,
            effective_at: terms.effective_at.get(),
            text_hash: terms.text_hash.clone(),
            worsens: terms.worsens,
            sealed_text: terms.sealed_text.clone(),
        })
    }

    fn row_of(message: &Message) -> String {
        let campaign = &message.header.subject;
        match &message.body {
            Body::TermsPublishedV1(terms) => format!("{campaign}/{}", terms.version),
            _ => campaign.clone(),
        }
    }
}
