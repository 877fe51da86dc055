//! Why campaign refuses: a closed list.

use std::borrow::Cow;

use schemas::CampaignCode;
use thiserror::Error;
use types::{Currency, TermsVersion};

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
    #[error("version {in_force} of the terms is in force, not version {requested}")]
    TermsVersionStale {
        /// What the partner read.
        requested: TermsVersion,
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
    #[error("the campaign pays in {campaign}, not in {requested}")]
    CurrencyMismatch {
        /// The campaign's.
        campaign: Currency,
        /// The plan's.
        requested: Currency,
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
    /// The code that clients see.
    pub const fn code(&self) -> CampaignCode {
        match self {
            Self::CampaignExists => CampaignCode::CampaignExists,
            Self::CampaignUnknown => CampaignCode::CampaignUnknown,
            Self::BrandUnknown => CampaignCode::BrandUnknown,
            Self::PartnerUnknown => CampaignCode::PartnerUnknown,
            Self::CampaignNotActive => CampaignCode::CampaignNotActive,
            Self::AlreadyActive => CampaignCode::AlreadyActive,
            Self::TermsNotPublished => CampaignCode::TermsNotPublished,
            Self::TermsVersionStale { .. } => CampaignCode::TermsVersionStale,
            Self::AlreadyAccepted { .. } => CampaignCode::AlreadyAccepted,
            Self::NotEnrolled => CampaignCode::NotEnrolled,
            Self::AlreadySubmitted => CampaignCode::AlreadySubmitted,
            Self::CurrencyMismatch { .. } => CampaignCode::CurrencyMismatch,
            Self::TooManyVersions => CampaignCode::TooManyVersions,
            Self::Unreadable { .. } => CampaignCode::Unreadable,
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
