//! Why campaign refuses: a closed list.

use std::borrow::Cow;

use money::Currency;
use thiserror::Error;

use super::TermsVersion;

/// A refusal of a command.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Rejection {
    /// The id is taken, by whomever.
    #[error("there is a campaign of this id already")]
    CampaignExists,
    /// Not the caller's, or not there: the answer is the same.
    #[error("there is no such campaign")]
    CampaignUnknown,
    /// Not the caller's.
    #[error("there is no such brand")]
    BrandUnknown,
    /// Not the caller's.
    #[error("there is no such partner")]
    PartnerUnknown,
    /// Partners cannot join it yet.
    #[error("the campaign is not active yet")]
    CampaignNotActive,
    /// It was activated before.
    #[error("the campaign is active already")]
    AlreadyActive,
    /// Nobody could accept anything.
    #[error("publish terms first: there are none that a partner could accept")]
    TermsNotPublished,
    /// Another version was read than is in force.
    #[error("version {in_force} of the terms is in force, not version {asked}")]
    TermsVersionStale {
        /// What the partner read.
        asked: TermsVersion,
        /// What it should read.
        in_force: TermsVersion,
    },
    /// The partner is in, on this version.
    #[error("version {version} of the terms is accepted already")]
    AlreadyAccepted {
        /// Which version.
        version: TermsVersion,
    },
    /// The partner has not accepted the campaign's terms.
    #[error("accept the campaign's terms first")]
    NotEnrolled,
    /// The same file for the same purpose.
    #[error("this evidence is submitted already")]
    AlreadySubmitted,
    /// A plan pays in its campaign's currency.
    #[error("the campaign pays in {campaign}, not in {asked}")]
    CurrencyMismatch {
        /// The campaign's.
        campaign: Currency,
        /// The plan's.
        asked: Currency,
        /// Where the plan says so.
        pointer: &'static str,
    },
    /// There is no number for another version.
    #[error("the campaign has as many versions of terms as there can be")]
    TooManyVersions,
    /// The command says something that no build of ours would.
    #[error("the command cannot be read: {what}")]
    Unreadable {
        /// The field at fault, as a client would have given it.
        pointer: Option<Cow<'static, str>>,
        /// What is wrong with it.
        what: Cow<'static, str>,
    },
}

impl Rejection {
    /// Every code, for documents and tests.
    pub const CODES: [&'static str; 14] = [
        "campaign_exists",
        "campaign_unknown",
        "brand_unknown",
        "partner_unknown",
        "campaign_not_active",
        "already_active",
        "terms_not_published",
        "terms_version_stale",
        "already_accepted",
        "not_enrolled",
        "already_submitted",
        "currency_mismatch",
        "too_many_versions",
        "unreadable",
    ];

    /// The code that clients see.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::CampaignExists => "campaign_exists",
            Self::CampaignUnknown => "campaign_unknown",
            Self::BrandUnknown => "brand_unknown",
            Self::PartnerUnknown => "partner_unknown",
            Self::CampaignNotActive => "campaign_not_active",
            Self::AlreadyActive => "already_active",
            Self::TermsNotPublished => "terms_not_published",
            Self::TermsVersionStale { .. } => "terms_version_stale",
            Self::AlreadyAccepted { .. } => "already_accepted",
            Self::NotEnrolled => "not_enrolled",
            Self::AlreadySubmitted => "already_submitted",
            Self::CurrencyMismatch { .. } => "currency_mismatch",
            Self::TooManyVersions => "too_many_versions",
            Self::Unreadable { .. } => "unreadable",
        }
    }

    /// The field of a request's body that is at fault.
    pub fn pointer(&self) -> Option<&str> {
        match self {
            Self::BrandUnknown => Some("/brand_id"),
            Self::PartnerUnknown => Some("/partner_id"),
            Self::TermsVersionStale { .. } => Some("/terms_version"),
            Self::CurrencyMismatch { pointer, .. } => Some(pointer),
            Self::Unreadable { pointer, .. } => pointer.as_deref(),
            _ => None,
        }
    }
}
