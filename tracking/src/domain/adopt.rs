//! What tracking takes over from campaign, so that everything decided later is decided by own facts.

use schemas::{About, CampaignAdoptedV1, EnrollmentAdoptedV1, TermsAdoptedV1};

use super::{Event, Fact};

/// The own event that a fact becomes.
pub fn adopt(fact: Fact) -> Event {
    match fact {
        Fact::TermsPublished(terms) => {
            let adopted = TermsAdoptedV1 {
                version: terms.record.version,
                brand_id: terms.record.brand_id,
                currency: terms.record.currency,
                window_days: terms.record.window_days,
                effective_at: terms.record.effective_at,
            };
            About::of(terms.subject, adopted).into()
        }
        Fact::CampaignActivated(campaign) => {
            let hosts = campaign.allowed_hosts.iter();
            let adopted = CampaignAdoptedV1 {
                allowed_hosts: hosts.map(|host| host.to_lowercase()).collect(),
                brand_id: campaign.record.brand_id,
            };
            About::of(campaign.subject, adopted).into()
        }
        Fact::EnrollmentAccepted(enrollment) => Event::EnrollmentAdopted(About {
            key: enrollment.key,
            subject: enrollment.subject,
            record: EnrollmentAdoptedV1 {
                partner_id: enrollment.record.partner_id,
                terms_version: enrollment.record.terms_version,
            },
        }),
    }
}
