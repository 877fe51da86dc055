//! What a token says.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The claims of a token of ours; others are passed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Who: 1 to 128 characters of at most 256 bytes, no control characters.
    pub sub: String,
    /// The end user's id, where the token is for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// The partner whose data the role `partner` opens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partner_id: Option<String>,
    /// The brand whose data the role `brand` opens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brand_id: Option<String>,
    /// For display only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Names of roles; unknown ones give nothing.
    #[serde(default)]
    pub roles: Vec<String>,
    /// When it was made, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iat: Option<u64>,
    /// Valid from, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nbf: Option<u64>,
    /// Valid until, in seconds since 1970.
    pub exp: u64,
    /// Who made it.
    pub iss: String,
    /// Whom it is for.
    pub aud: Audience,
}

impl Claims {
    /// Claims without roles, valid from now on for so long.
    pub fn new(subject: &str, issuer: &str, audience: &str, lifetime_seconds: u64) -> Self {
        let now = jsonwebtoken::get_current_timestamp();
        Self {
            sub: subject.to_owned(),
            user_id: None,
            partner_id: None,
            brand_id: None,
            email: None,
            roles: Vec::new(),
            iat: Some(now),
            nbf: None,
            exp: now.saturating_add(lifetime_seconds),
            iss: issuer.to_owned(),
            aud: Audience(vec![audience.to_owned()]),
        }
    }

    /// Adds a role.
    #[must_use]
    pub fn role(mut self, role: Role) -> Self {
        self.roles.push(role.to_string());
        self
    }

    /// The role `partner`, for this partner.
    #[must_use]
    pub fn partner(self, partner_id: &str) -> Self {
        Self {
            partner_id: Some(partner_id.to_owned()),
            ..self
        }
        .role(Role::Partner)
    }

    /// The role `brand`, for this brand.
    #[must_use]
    pub fn brand(self, brand_id: &str) -> Self {
        Self {
            brand_id: Some(brand_id.to_owned()),
            ..self
        }
        .role(Role::Brand)
    }
}

/// One name or several, as the specification allows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "OneOrMany", into = "OneOrMany")]
pub struct Audience(pub Vec<String>);

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl From<OneOrMany> for Audience {
    fn from(names: OneOrMany) -> Self {
        match names {
            OneOrMany::One(name) => Self(vec![name]),
            OneOrMany::Many(names) => Self(names),
        }
    }
}

impl From<Audience> for OneOrMany {
    fn from(mut audience: Audience) -> Self {
        match (audience.0.pop(), audience.0.is_empty()) {
            (Some(name), true) => Self::One(name),
            (last, _) => Self::Many(audience.0.into_iter().chain(last).collect()),
        }
    }
}

types::names! {
    /// What a caller may be, by its name in tokens.
    pub enum Role {
        /// Sees and does what is its own as a partner.
        Partner = "partner",
        /// Sees and does what is in its own campaigns.
        Brand = "brand",
        /// Everything.
        Operator = "operator",
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Role {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text).ok_or("expected partner, brand or operator")
    }
}
