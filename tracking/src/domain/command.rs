//! What tracking is asked, parsed.

use std::fmt;

use schemas::Utm;
use types::{
    Amount, CampaignId, ClickId, ConversionId, ConversionType, Currency, LinkCode, LinkStatus,
    Micros, OrderId, PartnerId, check_event_type,
};

/// Asks for a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateLink {
    /// Its code: what stands behind `/c/`.
    pub code: LinkCode,
    /// The campaign that it works for.
    pub campaign: CampaignId,
    /// Whose visitors.
    pub partner: PartnerId,
    /// Where it leads.
    pub target: TargetUrl,
    /// What it adds to the target's query.
    pub utm: Option<Utm>,
    /// Whether a path behind its code names a page below the target.
    pub deep_paths: bool,
}

/// Where a link leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetUrl {
    /// The address.
    pub url: String,
    /// Its host, in lower case.
    pub host: String,
}

/// Asks that a link changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeLink {
    /// Its code.
    pub code: LinkCode,
    /// Where it leads from now on; `None`: where it did.
    pub target: Option<TargetUrl>,
    /// Whether it leads there; `None`: as it was.
    pub status: Option<LinkStatus>,
    /// What it adds to the target's query, one without fields nothing; `None`: what it did.
    pub utm: Option<Utm>,
    /// Whether a path behind its code names a page below the target; `None`: as it was.
    pub deep_paths: Option<bool>,
}

/// What a visitor did, as somebody reports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The conversion that it is about, as its sender can know it: [`super::Order`] says whose order that is.
    pub conversion: ConversionId,
    /// What happened.
    pub event_type: EventType,
    /// Who.
    pub user: Visitor,
    /// When, as claimed, else when it was requested.
    pub occurred_at: Micros,
    /// Whether its reporter claims that time.
    pub claims_time: bool,
    /// What was paid or goes back.
    pub amount: Option<Amount>,
    /// Of which currency; absent: the campaign's, or the purchase's.
    pub currency: Option<Currency>,
    /// The shop's order.
    pub order: Option<OrderId>,
    /// The campaign, where the reporter knows it.
    pub campaign: Option<CampaignId>,
    /// The click, where the reporter knows it.
    pub click: Option<ClickId>,
    /// Whether its sender names that conversion by its id, as a refund may.
    pub names_conversion: bool,
}

/// What happened. Only three kinds decide about money; the others are kept as they are named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventType {
    /// A purchase or a lead.
    Conversion(ConversionType),
    /// Money of a purchase went back.
    Refund,
    /// `click` and any other: 1 to 64 characters from `A-Z a-z 0-9 _ - .`.
    Other(String),
}

impl EventType {
    /// The type of this name; `None` when it cannot be one.
    pub fn parse(name: &str) -> Option<Self> {
        if let Some(conversion) = ConversionType::parse(name) {
            return Some(Self::Conversion(conversion));
        }
        match name {
            "refund" => Some(Self::Refund),
            _ => check_event_type(name)
                .ok()
                .map(|()| Self::Other(name.to_owned())),
        }
    }

    /// Its name.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Conversion(conversion) => conversion.name(),
            Self::Refund => "refund",
            Self::Other(name) => name,
        }
    }
}

/// Who did something, by what is kept of its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visitor {
    /// What is kept of it from now on.
    pub hash: UserHash,
    /// What may have been kept of it before, under other keys or without one.
    pub others: Vec<UserHash>,
}

impl Visitor {
    /// All that may be kept of it.
    pub fn hashes(&self) -> impl Iterator<Item = UserHash> {
        [self.hash].into_iter().chain(self.others.iter().copied())
    }

    /// Whether this was kept of the same visitor, now or before.
    pub fn is(&self, kept: UserHash) -> bool {
        self.hash == kept || self.others.contains(&kept)
    }
}

/// A hash of a visitor's id: enough to recognise a visitor, and not the id itself. Under a key, or the plain SHA-256 that was
/// kept before there were keys.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct UserHash(pub [u8; 32]);

impl UserHash {
    /// The hash in 64 hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        types::hash_of_hex(text).map(Self)
    }
}

impl fmt::Display for UserHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for UserHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UserHash({self})")
    }
}
