//! What a message says, whatever its topic.

use serde::Serialize;

#[allow(clippy::wildcard_imports, reason = "every struct there is")]
use crate::messages::*;

macro_rules! bodies {
    ($($body:ident),* $(,)?) => {
        /// The payload of a message: one variant per kind, named after its struct.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize)]
        #[serde(untagged)]
        pub enum Body {
            $(
                #[doc = concat!("See [`", stringify!($body), "`](struct@", stringify!($body), ").")]
                $body($body),
            )*
        }

        $(
            impl From<$body> for Body {
                fn from(body: $body) -> Self {
                    Self::$body(body)
                }
            }
        )*
    };
}

bodies! {
    CreateV1,
    PublishTermsV1,
    ActivateV1,
    AcceptV1,
    SubmitEvidenceV1,
    CampaignCreatedV1,
    TermsPublishedV1,
    CampaignActivatedV1,
    EnrollmentAcceptedV1,
    EvidenceSubmittedV1,
    CreateLinkV1,
    RecordEventV1,
    TermsAdoptedV1,
    CampaignAdoptedV1,
    EnrollmentAdoptedV1,
    LinkCreatedV1,
    ConversionAttributedV1,
    ConversionUnattributedV1,
    ConversionRefundedV1,
    ConversionRefundNotedV1,
    ConversionDuplicateIgnoredV1,
    TrackingEventRecordedV1,
    ReleaseHoldV1,
    PlanAdoptedV1,
    CommissionCalculatedV1,
    CommissionApprovedV1,
    CommissionReversedV1,
    RequestPayoutV1,
    BeginPayoutV1,
    RecordPayoutAnswerV1,
    PayoutRequestedV1,
    PayoutSubmittingV1,
    PayoutSubmittedV1,
    PayoutUnknownV1,
    PayoutPaidV1,
    PayoutFailedV1,
    LedgerPostedV1,
    SealingKeyPublishedV1,
    CommandRejectedV1,
    CommandStalledV1,
}
