//! Ids: the opaque text that names an aggregate, and how an id follows from its cause.
//!
//! Ids are derived, never drawn, so that doing a thing again gives the same id (`derive` and the functions on it).

mod derivation;

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize, Serializer};
use thiserror::Error;
use uuid::Uuid;

use crate::{MailLanguage, Month};

pub use derivation::{
    Asker, NAMESPACE, derive, effect_command_id, event_id, prefixed, timer_command_id,
};

/// The most characters an id has.
pub const MAX_ID_LENGTH: usize = 64;
/// The longest text of a message's header, in bytes: ids, and who asks.
pub const MAX_HEADER_TEXT: usize = 256;

/// A text that is not an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("must be 1 to 64 characters from A-Z a-z 0-9 _ -")]
pub struct InvalidId;

/// Whether `text` may be an id: 1 to 64 characters from `A-Z a-z 0-9 _ -`.
pub fn is_valid(text: &str) -> bool {
    (1..=MAX_ID_LENGTH).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
        #[serde(try_from = "String")]
        pub struct $name(String);

        impl $name {
            /// Takes 1 to 64 characters from `A-Z a-z 0-9 _ -`.
            pub fn parse(text: impl Into<String>) -> Result<Self, InvalidId> {
                let text = text.into();
                if is_valid(&text) { Ok(Self(text)) } else { Err(InvalidId) }
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The text, taken out.
            pub fn into_string(self) -> String {
                self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, InvalidId> {
                Self::parse(text)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Self::parse(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    )+};
}

ids! {
    /// A campaign of a brand.
    CampaignId
    /// Who earns.
    PartnerId
    /// Who pays.
    BrandId
    /// One partner's acceptance of one campaign.
    EnrollmentId
    /// That one partner is banned, by one brand or everywhere.
    BanId
    /// An API key of a brand: its name, which is no secret.
    ApiKeyId
    /// Partners that a brand treats alike.
    GroupId
    /// In which group of one brand one partner is.
    MembershipId
    /// One piece of evidence of one partner for one campaign.
    EvidenceId
    /// A partner's link: what stands behind `/c/`.
    LinkCode
    /// One click on a link.
    ClickId
    /// One order, or one event without an order.
    ConversionId
    /// What one partner claims of one order.
    ClaimId
    /// What is erased, by one request.
    ErasureId
    /// One payout to a partner; also its reference at the provider.
    PayoutId
    /// The shop's own name of an order.
    OrderId
    /// One account of a brand beside its funds.
    FundsAccountId
    /// What a brand calls one of its accounts.
    AccountName
    /// Money that a brand sends.
    DepositId
    /// Money that a brand takes out.
    WithdrawalId
    /// Money that a brand moves from one of its accounts to another.
    FundsTransferId
    /// Where a brand or a partner is sent what happens.
    WebhookEndpointId
    /// The mail addresses of one brand or one partner.
    ContactId
    /// One mail to one address about one event.
    MailId
    /// A brand's own subject and text of one kind of mail in one language.
    MailTemplateId
    /// What is done, step by step, with one application of a partner.
    WorkflowId
    /// What moved in a partner's accounts in one month.
    StatementId
    /// What a bank's statement calls a payment.
    BankReference
}

impl FundsAccountId {
    /// A brand has one account of a name.
    pub fn of(brand: &BrandId, name: &AccountName) -> Self {
        let parts = ["account", brand.as_str(), name.as_str()];
        Self(derivation::named("acc_", &parts))
    }
}

impl StatementId {
    /// A partner has one statement of a month.
    pub fn of(partner: &PartnerId, month: Month) -> Self {
        let parts = ["statement", partner.as_str(), &month.to_string()];
        Self(derivation::named("stm_", &parts))
    }
}

impl AccountName {
    /// The account that every brand has: its funds, of which its partners are paid.
    pub const DEFAULT: &'static str = "default";

    /// Whether it is that of the account that every brand has.
    pub fn is_default(&self) -> bool {
        self.0 == Self::DEFAULT
    }
}

impl EnrollmentId {
    /// A partner enrols in a campaign once.
    pub fn of(campaign: &CampaignId, partner: &PartnerId) -> Self {
        Self(derivation::named(
            "enr_",
            &["enrollment", campaign.as_str(), partner.as_str()],
        ))
    }
}

impl BanId {
    /// A brand bans a partner once, and so does an operator (`None`): everywhere.
    pub fn of(brand: Option<&BrandId>, partner: &PartnerId) -> Self {
        let brand = brand.map_or("", BrandId::as_str);
        Self(derivation::named("ban_", &["ban", brand, partner.as_str()]))
    }
}

impl GroupId {
    /// A brand has one group for all partners that are in no other.
    pub fn default_of(brand: &BrandId) -> Self {
        Self(derivation::named("grp_", &["group", brand.as_str()]))
    }
}

impl ContactId {
    /// A brand has one.
    pub fn of_brand(brand: &BrandId) -> Self {
        Self(derivation::named(
            "ctc_",
            &["contact", "brand", brand.as_str()],
        ))
    }

    /// A partner has one, also where it has the id of a brand.
    pub fn of_partner(partner: &PartnerId) -> Self {
        let parts = ["contact", "partner", partner.as_str()];
        Self(derivation::named("ctc_", &parts))
    }
}

impl MailId {
    /// The same event is told an address once.
    pub fn of(event: Uuid, contact: &ContactId, address: Uuid) -> Self {
        let (event, address) = (event.to_string(), address.to_string());
        let parts = ["mail", &event, contact.as_str(), &address];
        Self(derivation::named("mail_", &parts))
    }
}

impl MailTemplateId {
    /// A brand has one for each kind of mail in each language.
    pub fn of(brand: &BrandId, kind: &str, language: MailLanguage) -> Self {
        let parts = ["mail template", brand.as_str(), kind, language.name()];
        Self(derivation::named("mtp_", &parts))
    }
}

impl LinkCode {
    /// The link that onboarding makes: a partner has one in a campaign, however often it applies.
    pub fn of_onboarding(campaign: &CampaignId, partner: &PartnerId) -> Self {
        let parts = ["onboarding link", campaign.as_str(), partner.as_str()];
        Self(derivation::named("lnk_", &parts))
    }
}

impl WorkflowId {
    /// An application has one: of the event that states it.
    pub fn of(applied: Uuid) -> Self {
        let parts = ["workflow", &applied.to_string()];
        Self(derivation::named("wfl_", &parts))
    }
}

impl MembershipId {
    /// A partner is in one group of a brand.
    pub fn of(brand: &BrandId, partner: &PartnerId) -> Self {
        let parts = ["membership", brand.as_str(), partner.as_str()];
        Self(derivation::named("mem_", &parts))
    }
}

impl EvidenceId {
    /// The same file for the same purpose is the same evidence.
    pub fn of(campaign: &CampaignId, partner: &PartnerId, evidence_type: &str, url: &str) -> Self {
        let parts = [
            "evidence",
            campaign.as_str(),
            partner.as_str(),
            evidence_type,
            url,
        ];
        Self(derivation::named("evd_", &parts))
    }
}

impl ConversionId {
    /// The conversion that a report is about, as its sender can know it: of its order, or of its command. `shop` is the
    /// brand that the reporter speaks for. Where it speaks for none, only tracking can say whose order it is.
    pub fn of_report(
        shop: Option<&BrandId>,
        campaign: Option<&CampaignId>,
        order: Option<&OrderId>,
        command_id: Uuid,
    ) -> Self {
        match (shop, order) {
            (_, None) => Self::of_command(command_id),
            (Some(brand), Some(order)) => Self::of_brand(brand, order),
            (None, Some(order)) => Self::of_order(campaign, order),
        }
    }

    /// One order of one brand is one conversion, however often and by whom it is reported.
    pub fn of_brand(brand: &BrandId, order: &OrderId) -> Self {
        Self(derive(&["order", brand.as_str(), order.as_str()]).to_string())
    }

    /// What a reporter without a brand can say of an order, and how orders were known before brands were part of it.
    pub fn of_order(campaign: Option<&CampaignId>, order: &OrderId) -> Self {
        let campaign = campaign.map_or("", CampaignId::as_str);
        Self(derive(&["conversion", campaign, order.as_str()]).to_string())
    }

    /// Without an order, each command is a conversion of its own.
    pub fn of_command(command_id: Uuid) -> Self {
        Self(command_id.to_string())
    }

    /// The conversion that somebody names by its id, a UUID in any of its forms.
    pub fn named(text: &str) -> Option<Self> {
        let id = Uuid::parse_str(text).ok()?;
        Some(Self(id.to_string()))
    }
}

impl ClaimId {
    /// A partner claims an order once.
    pub fn of(conversion: &ConversionId, partner: &PartnerId) -> Self {
        let parts = ["claim", conversion.as_str(), partner.as_str()];
        Self(derivation::named("clm_", &parts))
    }
}

macro_rules! made_by_a_command {
    ($($name:ident $prefix:literal)+) => {$(
        impl $name {
            /// The id of what a command makes when its client chose none.
            pub fn of_command(command_id: Uuid) -> Self {
                Self(prefixed($prefix, command_id))
            }
        }
    )+};
}

made_by_a_command! {
    ApiKeyId "key_"
    CampaignId "camp_"
    LinkCode "lnk_"
    ClickId "clk_"
    PayoutId "pay_"
    ErasureId "era_"
    DepositId "dep_"
    WithdrawalId "wdr_"
    FundsTransferId "trf_"
    GroupId "grp_"
    WebhookEndpointId "whe_"
}
