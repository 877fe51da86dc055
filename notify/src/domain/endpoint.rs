//! A webhook endpoint, and how events change it.

use schemas::visible::Viewer;
use types::{
    BrandId, Micros, PartnerId, Uuid, WebhookDisabledReason, WebhookEndpointId,
    WebhookEndpointStatus, WebhookFormat, ids,
};

use super::Event;

/// The job that sends, as ids have it.
pub const SENDER: &str = "webhooks";

/// The id of the command by which the sender gives an endpoint up: one for each time that it was enabled.
pub fn give_up_id(endpoint: &str, enabled_at: Micros) -> Uuid {
    ids::timer_command_id(endpoint, SENDER, enabled_at)
}

/// Whose an endpoint is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Owner {
    /// A brand's.
    Brand(BrandId),
    /// A partner's.
    Partner(PartnerId),
}

impl Owner {
    /// One of the two; `None` where neither is named, or both are.
    pub fn of(brand: Option<BrandId>, partner: Option<PartnerId>) -> Option<Self> {
        match (brand, partner) {
            (Some(brand), None) => Some(Self::Brand(brand)),
            (None, Some(partner)) => Some(Self::Partner(partner)),
            _ => None,
        }
    }

    /// The brand that it is.
    pub fn brand(&self) -> Option<&BrandId> {
        match self {
            Self::Brand(brand) => Some(brand),
            Self::Partner(_) => None,
        }
    }

    /// The partner that it is.
    pub fn partner(&self) -> Option<&PartnerId> {
        match self {
            Self::Partner(partner) => Some(partner),
            Self::Brand(_) => None,
        }
    }

    /// As who looks at what happens.
    pub fn viewer(&self) -> Viewer {
        Viewer::Owner {
            partner: self.partner().cloned(),
            brand: self.brand().cloned(),
        }
    }
}

/// Where an event stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// When it was recorded.
    pub time: Micros,
    /// Its position in the log.
    pub position: i64,
}

/// Where a brand or a partner is sent what happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Which.
    pub id: WebhookEndpointId,
    /// Whose.
    pub owner: Owner,
    /// Where to.
    pub url: String,
    /// Of which kinds of events; none: of all that its owner may see.
    pub kinds: Vec<String>,
    /// What people call it.
    pub description: Option<String>,
    /// What it is sent.
    pub format: WebhookFormat,
    /// Whether it is sent events.
    pub status: WebhookEndpointStatus,
    /// Why not, while it is disabled.
    pub disabled_reason: Option<WebhookDisabledReason>,
    /// The number of the secret that what is sent is signed with.
    pub secret_version: i32,
    /// Until when it is signed with the one before, too.
    pub previous_until: Option<Micros>,
    /// Since when it is sent events, or was last.
    pub enabled_at: Micros,
    /// When it was made.
    pub created_at: Micros,
    /// Since when it is what it is.
    pub changed_at: Micros,
    /// Where it stands in lists.
    pub position: i64,
}

impl Endpoint {
    /// What an event makes of what was there before.
    pub fn evolve(before: Option<Self>, event: &Event, place: Place) -> Option<Self> {
        if let Event::Created(it) = event {
            let owner = Owner::of(it.brand_id.clone(), it.partner_id.clone())?;
            return Some(Self {
                id: it.subject.clone(),
                owner,
                url: it.url.clone(),
                kinds: it.kinds.clone(),
                description: it.description.clone(),
                format: it.format.unwrap_or(WebhookFormat::Webhook),
                status: WebhookEndpointStatus::Enabled,
                disabled_reason: None,
                secret_version: 1,
                previous_until: None,
                enabled_at: place.time,
                created_at: place.time,
                changed_at: place.time,
                position: place.position,
            });
        }
        let mut after = before?;
        match event {
            Event::Changed(it) => {
                after.url.clone_from(&it.url);
                after.kinds.clone_from(&it.kinds);
                after.description.clone_from(&it.description);
            }
            Event::Enabled(_) => {
                after.status = WebhookEndpointStatus::Enabled;
                after.disabled_reason = None;
                after.enabled_at = place.time;
            }
            Event::Disabled(it) => {
                after.status = WebhookEndpointStatus::Disabled;
                after.disabled_reason = Some(it.reason);
            }
            Event::SecretRotated(it) => {
                after.secret_version = it.version;
                after.previous_until = it.previous_until;
            }
            Event::Removed(_) => {
                after.status = WebhookEndpointStatus::Removed;
                after.url.clear();
                after.description = None;
            }
            _ => return Some(after),
        }
        after.changed_at = place.time;
        Some(after)
    }

    /// Whether it is sent events of this kind.
    pub fn wants(&self, kind: &str) -> bool {
        self.is_enabled() && (self.kinds.is_empty() || self.kinds.iter().any(|it| it == kind))
    }

    /// Whether it is sent events at all.
    pub fn is_enabled(&self) -> bool {
        self.status == WebhookEndpointStatus::Enabled
    }
}
