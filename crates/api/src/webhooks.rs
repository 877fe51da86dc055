//! What notify is asked of webhook endpoints, and what it shows of them and of what they were sent; the bff hands it on.

use chassis::json::{Check, Text, WebUrl};
use chassis::problem::{Fields, Problem};
use chassis::time::Timestamp;
use schemas::visible::kinds_sent;
use schemas::{
    About, ChangeWebhookEndpointV1, CreateWebhookEndpointV1, DisableWebhookEndpointV1,
    EnableWebhookEndpointV1, RemoveWebhookEndpointV1, ResendWebhooksV1, RotateWebhookSecretV1,
    TestWebhookEndpointV1, Written,
};
use serde::{Deserialize, Serialize};
use types::{
    BrandId, PartnerId, Uuid, WebhookDeliveryState, WebhookEndpointId, WebhookFormat,
    check_overlap, check_postback_url, check_webhook_url,
};
use utoipa::{IntoParams, ToSchema};

use crate::lists;
use crate::owner::Owner;

/// Kinds that one endpoint names.
const MAX_KINDS: usize = 100;

requests! {
    CreateWebhookEndpoint = "notify.create_webhook_endpoint.command.v1", "create_webhook_endpoint";
    ChangeWebhookEndpoint = "notify.change_webhook_endpoint.command.v1", "change_webhook_endpoint";
    RotateWebhookSecret = "notify.rotate_webhook_secret.command.v1", "rotate_webhook_secret";
    ResendWebhooks = "notify.resend_webhooks.command.v1", "resend_webhooks";
    EnableWebhookEndpoint = "notify.enable_webhook_endpoint.command.v1", "enable_webhook_endpoint";
    DisableWebhookEndpoint = "notify.disable_webhook_endpoint.command.v1", "disable_webhook_endpoint";
    RemoveWebhookEndpoint = "notify.remove_webhook_endpoint.command.v1", "remove_webhook_endpoint";
    TestWebhookEndpoint = "notify.test_webhook_endpoint.command.v1", "test_webhook_endpoint";
}

bodiless! {
    /// That an endpoint is sent events again.
    EnableWebhookEndpoint of WebhookEndpointId: EnableWebhookEndpointV1;
    /// That an endpoint is sent nothing for now.
    DisableWebhookEndpoint of WebhookEndpointId: DisableWebhookEndpointV1;
    /// That there is an endpoint no more.
    RemoveWebhookEndpoint of WebhookEndpointId: RemoveWebhookEndpointV1;
    /// That an endpoint is sent an event that says nothing.
    TestWebhookEndpoint of WebhookEndpointId: TestWebhookEndpointV1;
}

/// Where a brand or a partner is to be sent what happens.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateWebhookEndpoint {
    /// The brand whose it is to be; absent: the token's own brand, or else its own partner. An operator must give one of the two.
    #[schema(value_type = Option<String>, example = "brand1")]
    brand_id: Option<BrandId>,
    /// The partner whose it is to be.
    #[schema(value_type = Option<String>, example = "partner123")]
    partner_id: Option<PartnerId>,
    /// Where events are sent to: `https`, at a public host name. On a developer's machine also `http` at `localhost`. A postback's may name
    /// macros in its query, such as `{click_id}`.
    #[schema(example = "https://hooks.example.com/tributary")]
    url: WebUrl,
    /// Types of events, as `/docs/messages` lists them; absent or empty: all that the owner may see, but for those of webhooks, mail and
    /// onboarding. Of a postback: what comes of the partner's clicks, and what it earns with that.
    #[schema(max_items = 100, example = json!(["conversion.attributed.v1"]))]
    kinds: Option<Vec<String>>,
    /// What people call it.
    #[schema(example = "The shop")]
    description: Option<Text<200>>,
    /// What is sent there; absent: a webhook. Postbacks are for partners, and stay what they are.
    #[schema(value_type = Option<lists::WebhookFormat>)]
    format: Option<WebhookFormat>,
}

impl Check for CreateWebhookEndpoint {
    fn check(&self, fields: &mut Fields) {
        let both = self.brand_id.is_some() && self.partner_id.is_some();
        fields.require(!both, "/partner_id", "must not be given beside a brand");
        match self.format.unwrap_or(WebhookFormat::Webhook) {
            WebhookFormat::Webhook => {
                fields.take("/url", check_webhook_url(self.url.as_str()));
            }
            WebhookFormat::Postback => {
                fields.take("/url", check_postback_url(self.url.as_str()));
                let for_partner = self.brand_id.is_none();
                fields.require(
                    for_partner,
                    "/format",
                    "must be a webhook: postbacks are for partners",
                );
            }
        }
        check_kinds(fields, self.kinds.as_deref());
    }
}

impl CreateWebhookEndpoint {
    /// Whose it is to be: who is named, or else for whom the caller speaks.
    ///
    /// # Errors
    ///
    /// 422 where neither names anybody.
    pub fn owner(
        &self,
        own_brand: Option<&BrandId>,
        own_partner: Option<&PartnerId>,
    ) -> Result<Owner, Problem> {
        let named = (self.brand_id.as_ref(), self.partner_id.as_ref());
        Owner::named_or_own(named, own_brand, own_partner)
    }

    /// As the command of this id, of an endpoint of this owner.
    pub fn command(self, id: Uuid, owner: &Owner) -> Written {
        let create = CreateWebhookEndpointV1 {
            brand_id: owner.brand().map(ToString::to_string),
            partner_id: owner.partner().map(ToString::to_string),
            url: self.url.into_string(),
            kinds: self.kinds.unwrap_or_default(),
            description: self.description.map(Text::into_string),
            format: self.format.map(|it| it.name().to_owned()),
        };
        About::of(WebhookEndpointId::of_command(id), create).write()
    }
}

/// What is to be another of an endpoint. What is absent or `null` stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(min_properties = 1)]
pub struct ChangeWebhookEndpoint {
    /// Where events are sent to; of a postback with its macros.
    #[schema(example = "https://hooks.example.com/tributary")]
    url: Option<WebUrl>,
    /// Types of events; empty: all of which such an endpoint is sent something.
    #[schema(max_items = 100, example = json!(["conversion.attributed.v1"]))]
    kinds: Option<Vec<String>>,
    /// What people call it; empty: nothing any more.
    #[schema(example = "The shop")]
    description: Option<Text<200, 0>>,
}

impl Check for ChangeWebhookEndpoint {
    fn check(&self, fields: &mut Fields) {
        if let Some(url) = &self.url {
            fields.take("/url", check_webhook_url(url.as_str()));
        }
        check_kinds(fields, self.kinds.as_deref());
        let says_something =
            self.url.is_some() || self.kinds.is_some() || self.description.is_some();
        fields.require(says_something, "", "must say what is to be another");
    }
}

impl ChangeWebhookEndpoint {
    /// As a command, of this endpoint.
    pub fn command(self, endpoint: WebhookEndpointId) -> Written {
        let change = ChangeWebhookEndpointV1 {
            url: self.url.map(WebUrl::into_string),
            kinds: self.kinds,
            description: self.description.map(Text::into_string),
        };
        About::of(endpoint, change).write()
    }
}

/// That what is sent is signed with another secret.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RotateWebhookSecret {
    /// For how many seconds it is signed with that of before too, up to 604800; absent: not at all.
    #[schema(minimum = 0, maximum = 604_800, example = 86_400)]
    overlap_seconds: Option<i64>,
}

impl Check for RotateWebhookSecret {
    fn check(&self, fields: &mut Fields) {
        if let Some(seconds) = self.overlap_seconds {
            fields.take("/overlap_seconds", check_overlap(seconds));
        }
    }
}

impl RotateWebhookSecret {
    /// As a command, of this endpoint.
    pub fn command(self, endpoint: WebhookEndpointId) -> Written {
        let rotate = RotateWebhookSecretV1 {
            overlap_seconds: self.overlap_seconds,
        };
        About::of(endpoint, rotate).write()
    }
}

/// What is to be sent again: one delivery, or all that were made in a time. What waits already goes on waiting.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(min_properties = 1)]
pub struct ResendWebhooks {
    /// Which one.
    #[schema(example = "2b1f7f1e-8a55-5d0c-9c39-0d5a7b1c2e3f")]
    delivery_id: Option<Uuid>,
    /// All that were made from then on.
    since: Option<Timestamp>,
    /// And before then; absent: until now.
    until: Option<Timestamp>,
}

impl Check for ResendWebhooks {
    fn check(&self, fields: &mut Fields) {
        let one = self.delivery_id.is_some();
        let range = self.since.is_some() || self.until.is_some();
        fields.require(one != range, "", "must name one delivery, or a time");
        fields.require(
            one || !range || self.since.is_some(),
            "/since",
            "must be given with `until`",
        );
        let backwards = self
            .since
            .zip(self.until)
            .is_some_and(|(it, end)| it >= end);
        fields.require(!backwards, "/until", "must be after `since`");
    }
}

impl ResendWebhooks {
    /// As a command, of this endpoint.
    pub fn command(self, endpoint: WebhookEndpointId) -> Written {
        let resend = ResendWebhooksV1 {
            delivery_id: self.delivery_id.map(|id| id.to_string()),
            since: self.since.map(|at| at.0),
            until: self.until.map(|at| at.0),
        };
        About::of(endpoint, resend).write()
    }
}

/// Whether its owner is sent events of these kinds is decided with the endpoint.
fn check_kinds(fields: &mut Fields, kinds: Option<&[String]>) {
    let kinds = kinds.unwrap_or_default();
    let few = kinds.len() <= MAX_KINDS;
    fields.require(few, "/kinds", "must name at most 100");
    for (index, kind) in kinds.iter().take(MAX_KINDS).enumerate() {
        let is_known = [true, false]
            .into_iter()
            .any(|to_brands| kinds_sent(to_brands).any(|sent| sent == kind));
        if !is_known {
            fields.refuse(
                format!("/kinds/{index}"),
                "must be a type of event that is sent",
            );
        }
    }
}

/// Which endpoints.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WebhookFilter {
    /// Of this brand.
    #[param(value_type = Option<String>)]
    pub brand_id: Option<BrandId>,
    /// Of this partner.
    #[param(value_type = Option<String>)]
    pub partner_id: Option<PartnerId>,
}

/// Where a brand or a partner is sent what happens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct WebhookEndpointView {
    /// Which one.
    #[schema(example = "whe_5f0c8e6b1d4a5b7c9e2f3a4b5c6d7e8f")]
    pub id: String,
    /// The brand whose it is.
    pub brand_id: Option<String>,
    /// The partner whose it is.
    pub partner_id: Option<String>,
    /// Where events are sent to.
    pub url: String,
    /// Types of events; none: all of which such an endpoint is sent something.
    pub kinds: Vec<String>,
    /// What people call it.
    pub description: Option<String>,
    /// What is sent there.
    #[schema(value_type = lists::WebhookFormat)]
    pub format: String,
    /// Whether it is sent events.
    #[schema(value_type = lists::WebhookEndpointStatus)]
    pub status: String,
    /// Why not, while it is disabled.
    #[schema(value_type = Option<lists::WebhookDisabledReason>)]
    pub disabled_reason: Option<String>,
    /// Until when what is sent is signed with the secret of before too.
    pub previous_until: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was made, or last changed.
    pub changed_at: Timestamp,
}

/// The secret of an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct WebhookSecretView {
    /// Of which one.
    pub endpoint_id: String,
    /// With what receivers verify what they are sent: a key of 32 bytes, as the libraries of Standard Webhooks take it.
    #[schema(example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=")]
    pub secret: String,
    /// The one of before, while that counts.
    pub previous_secret: Option<String>,
    /// Until when that is.
    pub previous_until: Option<Timestamp>,
}

/// Which deliveries.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WebhookDeliveryFilter {
    /// To this endpoint.
    #[param(value_type = Option<String>)]
    pub endpoint_id: Option<WebhookEndpointId>,
    /// That have come to this.
    #[param(value_type = Option<lists::WebhookDeliveryState>)]
    pub state: Option<WebhookDeliveryState>,
    /// Of events of this type.
    pub kind: Option<String>,
    /// About this aggregate.
    pub subject: Option<String>,
}

/// An event that an endpoint is sent, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct WebhookDeliveryView {
    /// What its receiver sees as `webhook-id`, each time that it is sent.
    pub id: Uuid,
    /// Where it is sent to.
    pub endpoint_id: String,
    /// The event, as timelines and the live feed name it; of a test its command.
    pub event_id: Uuid,
    /// The event's type.
    #[schema(example = "conversion.attributed.v1")]
    pub kind: String,
    /// What the event is about.
    pub subject: String,
    /// What became of it.
    #[schema(value_type = lists::WebhookDeliveryState)]
    pub state: String,
    /// How often it was sent, since it was last to be sent anew.
    #[schema(minimum = 0)]
    pub attempts: i32,
    /// When it is sent next.
    pub next_at: Option<Timestamp>,
    /// The HTTP status of the last answer; `null`: there was none.
    pub last_status: Option<i32>,
    /// Why there was none.
    pub last_error: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was taken, or given up.
    pub ended_at: Option<Timestamp>,
}

/// An attempt to send something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct WebhookAttemptView {
    /// When it began.
    pub attempted_at: Timestamp,
    /// How long it took, in milliseconds.
    #[schema(minimum = 0)]
    pub took_ms: i64,
    /// The HTTP status of the answer; `null`: there was none.
    pub status: Option<i32>,
    /// The beginning of the answer.
    pub answer: Option<String>,
    /// Why there was none.
    pub error: Option<String>,
}

/// An event that an endpoint is sent, with what is sent and each attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct WebhookDeliveryDetails {
    /// What became of it.
    pub delivery: WebhookDeliveryView,
    /// What is sent, letter by letter; of a postback the event that its address is made of.
    pub body: String,
    /// Of a postback what is asked for, as its endpoint stands.
    pub url: Option<String>,
    /// The last 100 attempts, the last one first.
    pub attempts: Vec<WebhookAttemptView>,
}
