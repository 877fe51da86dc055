//! Where an event on the wire and one of the domain differ: the plan.

use schemas::{About, TermsPublishedV1, Unreadable};

use crate::domain::{Terms, TermsPublished};

impl TryFrom<About<TermsPublishedV1>> for TermsPublished {
    type Error = Unreadable;

    fn try_from(published: About<TermsPublishedV1>) -> Result<Self, Unreadable> {
        let record = published.record;
        let plan = record.plan.read();
        Ok(Self {
            campaign: published.subject,
            brand: record.brand_id,
            currency: record.currency,
            sealed_text: record.sealed_text,
            terms: Terms {
                version: record.version,
                window: record.window_days,
                plan: plan.map_err(|(field, invalid)| Unreadable::new(field, invalid))?,
                effective_at: record.effective_at,
                text_hash: record.text_hash,
                worsens: record.worsens,
            },
        })
    }
}

impl From<TermsPublished> for About<TermsPublishedV1> {
    fn from(published: TermsPublished) -> Self {
        let terms = published.terms;
        let record = TermsPublishedV1 {
            version: terms.version,
            brand_id: published.brand,
            currency: published.currency,
            window_days: terms.window,
            plan: schemas::Plan::from(&terms.plan),
            effective_at: terms.effective_at,
            text_hash: terms.text_hash,
            worsens: terms.worsens,
            sealed_text: published.sealed_text,
        };
        Self::of(published.campaign, record)
    }
}
