//! What the services' documents have in common beside what every document has.

use chassis::openapi::Refuses;
use chassis::problem::Code;
use schemas::{Service, decision_codes};

/// A command of campaign's may be refused: `Problems<CampaignRefusals>`.
#[derive(Debug)]
pub struct CampaignRefusals;

/// A command of tracking's may be refused.
#[derive(Debug)]
pub struct TrackingRefusals;

/// A command of payment's may be refused.
#[derive(Debug)]
pub struct PaymentRefusals;

/// A command of notify's may be refused.
#[derive(Debug)]
pub struct NotifyRefusals;

impl Refuses for CampaignRefusals {
    fn codes() -> Vec<Code> {
        refusals(Service::Campaign)
    }
}

impl Refuses for TrackingRefusals {
    fn codes() -> Vec<Code> {
        refusals(Service::Tracking)
    }
}

impl Refuses for PaymentRefusals {
    fn codes() -> Vec<Code> {
        refusals(Service::Payment)
    }
}

impl Refuses for NotifyRefusals {
    fn codes() -> Vec<Code> {
        refusals(Service::Notify)
    }
}

fn refusals(service: Service) -> Vec<Code> {
    let codes = decision_codes(service);
    let codes = codes.map(|code| Code::new(code.status, code.name, code.meaning));
    codes.collect()
}

/// The bff handed a request on and had no answer.
pub const BAD_GATEWAY: Code = Code::new(
    502,
    "bad_gateway",
    "The service that was asked did not answer, or with too much; it may have acted: look at its audit.",
);
/// The bff could not hand a request on.
pub const SERVICE_UNAVAILABLE: Code = Code::new(
    503,
    "service_unavailable",
    "The service that is asked cannot be reached; try again.",
);

/// What a route of the bff adds that hands requests on.
#[derive(Debug, Clone, Copy)]
pub struct HandsOn;

impl Refuses for HandsOn {
    fn codes() -> Vec<Code> {
        vec![BAD_GATEWAY, SERVICE_UNAVAILABLE]
    }
}

chassis::closed_lists! {
    /// What a conversion may be.
    pub ConversionType of types::ConversionType;
    /// Whose a conversion is: a partner's, nobody's, or of nobody yet since only refunds are known of it (`noted`).
    pub ConversionStatus of types::ConversionStatus;
    /// Why a conversion is nobody's.
    pub UnattributedReason of types::UnattributedReason;
    /// On whose word a conversion is a partner's.
    pub Verification of types::VerifiedBy;
    /// What becomes of what a partner claims: the brand has to decide (`open`), the order is known from who may say so
    /// (`settled`), or the brand said so.
    pub ClaimStatus of types::ClaimStatus;
    /// Whether partners may join a campaign and its links lead to their targets (`active`), or not: not yet, for a while, for
    /// good.
    pub CampaignStatus of types::CampaignStatus;
    /// Why a campaign is paused.
    pub PauseReason of types::PauseReason;
    /// Who disabled a link: none that stands before may enable it again.
    pub DisabledBy of types::DisabledBy;
    /// What became of evidence: the brand has to decide (`submitted`), took it, did not, or wants to see more (`returned`).
    pub EvidenceStatus of types::EvidenceStatus;
    /// Where a partner stands with a campaign: the brand wants it, or has to decide; it is in; or it is not, since the brand rejected
    /// it, it went by itself, or the brand removed it.
    pub EnrollmentStatus of types::EnrollmentStatus;
    /// Whether an API key opens anything: not any more once its time is over, or it was revoked.
    pub ApiKeyStatus of types::ApiKeyStatus;
}
