//! What tracking takes over from campaign, so that everything decided later is decided by own facts.

use schemas::{
    About, ApiKeyAdoptedV1, ApiKeyCreatedV1, ApiKeyRotatedV1, CampaignAdoptedV1,
    CampaignChangeAdoptedV1, CampaignStatusAdoptedV1, EnrollmentAdoptedV1, EnrollmentEndAdoptedV1,
    GroupAdoptedV1, PartnerMoveAdoptedV1, PartnerMovedV1, PartnerStatusAdoptedV1, TermsAdoptedV1,
};
use types::{
    BanId, BrandId, CampaignId, CampaignStatus, EnrollmentId, EnrollmentStatus, GroupId,
    GroupStatus, PartnerId, PartnerStatus, TermsVersion,
};

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
                worsens: terms.record.worsens,
            };
            About::of(terms.subject, adopted).into()
        }
        Fact::CampaignActivated(campaign) => {
            let adopted = CampaignAdoptedV1 {
                allowed_hosts: hosts(&campaign.allowed_hosts),
                brand_id: campaign.record.brand_id,
                fallback_url: campaign.record.fallback_url,
                starts_at: campaign.record.starts_at,
                trusts_redirects: campaign.record.trusts_redirects,
                ends_at: campaign.record.ends_at,
            };
            About::of(campaign.subject, adopted).into()
        }
        Fact::CampaignChanged(campaign) => {
            let adopted = CampaignChangeAdoptedV1 {
                allowed_hosts: hosts(&campaign.allowed_hosts),
                fallback_url: campaign.record.fallback_url,
                starts_at: campaign.record.starts_at,
                trusts_redirects: campaign.record.trusts_redirects,
                ends_at: campaign.record.ends_at,
            };
            About::of(campaign.subject, adopted).into()
        }
        Fact::CampaignPaused(paused) => status(paused.subject, CampaignStatus::Paused),
        Fact::CampaignResumed(resumed) => status(resumed.subject, CampaignStatus::Active),
        Fact::CampaignClosed(closed) => status(closed.subject, CampaignStatus::Closed),
        Fact::EnrollmentAccepted(it) => {
            let (who, version) = (it.record.partner_id, it.record.terms_version);
            accepted((it.key, it.subject), who, version, None)
        }
        Fact::EnrollmentApproved(it) => {
            let (who, version) = (it.record.partner_id, it.record.terms_version);
            accepted((it.key, it.subject), who, version, None)
        }
        Fact::EnrollmentApplied(it) => {
            let (who, version) = (it.record.partner_id, it.record.terms_version);
            let applied = Some(EnrollmentStatus::Applied);
            accepted((it.key, it.subject), who, version, applied)
        }
        Fact::EnrollmentRejected(it) => {
            let who = it.record.partner_id;
            ended((it.key, it.subject), who, EnrollmentStatus::Rejected)
        }
        Fact::EnrollmentEnded(it) => {
            let (who, status) = (it.record.partner_id, it.record.status);
            ended((it.key, it.subject), who, status)
        }
        Fact::ApiKeyCreated(key) => created_key(key),
        Fact::ApiKeyRotated(key) => rotated_key(key),
        Fact::ApiKeyRevoked(key) => {
            let adopted = ApiKeyAdoptedV1 {
                brand_id: key.record.brand_id,
                scopes: Vec::new(),
                hash: None,
                expires_at: None,
                previous_hash: None,
                previous_until: None,
            };
            About::of(key.subject, adopted).into()
        }
        Fact::PartnerBanned(it) => {
            let brand = it.record.brand_id;
            partner((it.key, it.subject), brand, PartnerStatus::Banned)
        }
        Fact::PartnerUnbanned(it) => {
            let brand = it.record.brand_id;
            partner((it.key, it.subject), brand, PartnerStatus::Active)
        }
        Fact::GroupCreated(it) => group(
            (it.key, it.subject),
            it.record.link_limit,
            GroupStatus::Active,
        ),
        Fact::GroupChanged(it) => {
            group((it.key, it.subject), it.record.link_limit, it.record.status)
        }
        Fact::PartnerMoved(it) => moved(it),
    }
}

fn created_key(key: About<ApiKeyCreatedV1>) -> Event {
    let it = key.record;
    let adopted = ApiKeyAdoptedV1 {
        brand_id: it.brand_id,
        scopes: it.scopes,
        hash: Some(it.hash),
        expires_at: it.expires_at,
        previous_hash: None,
        previous_until: None,
    };
    About::of(key.subject, adopted).into()
}

fn rotated_key(key: About<ApiKeyRotatedV1>) -> Event {
    let it = key.record;
    let adopted = ApiKeyAdoptedV1 {
        brand_id: it.brand_id,
        scopes: it.scopes,
        hash: Some(it.hash),
        expires_at: it.expires_at,
        previous_hash: it.previous_hash,
        previous_until: it.previous_until,
    };
    About::of(key.subject, adopted).into()
}

fn moved(it: About<PartnerMovedV1>) -> Event {
    Event::PartnerMoveAdopted(About {
        key: it.key,
        subject: it.subject,
        record: PartnerMoveAdoptedV1 {
            partner_id: it.record.partner_id,
            group_id: it.record.group_id,
        },
    })
}

fn hosts(names: &[String]) -> Vec<String> {
    names.iter().map(|host| host.to_lowercase()).collect()
}

fn group(
    (key, subject): (BrandId, GroupId),
    link_limit: Option<i32>,
    status: GroupStatus,
) -> Event {
    let record = GroupAdoptedV1 { status, link_limit };
    Event::GroupAdopted(About {
        key,
        subject,
        record,
    })
}

fn partner(
    (key, subject): (PartnerId, BanId),
    brand_id: Option<BrandId>,
    status: PartnerStatus,
) -> Event {
    let record = PartnerStatusAdoptedV1 { brand_id, status };
    Event::PartnerStatusAdopted(About {
        key,
        subject,
        record,
    })
}

fn status(campaign: CampaignId, status: CampaignStatus) -> Event {
    About::of(campaign, CampaignStatusAdoptedV1 { status }).into()
}

fn accepted(
    (key, subject): (CampaignId, EnrollmentId),
    partner_id: PartnerId,
    terms_version: TermsVersion,
    status: Option<EnrollmentStatus>,
) -> Event {
    let record = EnrollmentAdoptedV1 {
        partner_id,
        terms_version,
        status,
    };
    Event::EnrollmentAdopted(About {
        key,
        subject,
        record,
    })
}

fn ended(
    (key, subject): (CampaignId, EnrollmentId),
    partner_id: PartnerId,
    status: EnrollmentStatus,
) -> Event {
    let record = EnrollmentEndAdoptedV1 { partner_id, status };
    Event::EnrollmentEndAdopted(About {
        key,
        subject,
        record,
    })
}
