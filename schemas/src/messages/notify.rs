//! What notify is asked and what it states.

use serde::{Deserialize, Serialize};
use types::{
    BrandId, Channel, MailFailure, MailGroup, MailLanguage, Micros, PartnerId, Uuid,
    WebhookDisabledReason, WebhookFormat,
};

/// Asks that a brand or a partner is sent what happens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateWebhookEndpointV1 {
    /// The brand whose it is; absent: a partner's.
    pub brand_id: Option<String>,
    /// The partner whose it is; absent: a brand's.
    pub partner_id: Option<String>,
    /// Where events are sent to.
    pub url: String,
    /// Of which types events are sent; none: of all that its owner may see.
    pub kinds: Vec<String>,
    /// What people call it.
    pub description: Option<String>,
    /// What is sent there; absent: a webhook.
    pub format: Option<String>,
}

/// Asks that a webhook endpoint is another. What is absent stays as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeWebhookEndpointV1 {
    /// Where events are sent to.
    pub url: Option<String>,
    /// Of which types events are sent; none: of all that its owner may see.
    pub kinds: Option<Vec<String>>,
    /// What people call it; empty: nothing.
    pub description: Option<String>,
}

/// Asks that a webhook endpoint is sent events again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnableWebhookEndpointV1 {}

/// Asks that a webhook endpoint is sent nothing for now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DisableWebhookEndpointV1 {}

/// Asks that what is sent is signed with another secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RotateWebhookSecretV1 {
    /// For how long it is signed with that of before too; absent: not at all.
    pub overlap_seconds: Option<i64>,
}

/// Asks that there is a webhook endpoint no more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoveWebhookEndpointV1 {}

/// Asks that a webhook endpoint is sent an event that says nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestWebhookEndpointV1 {}

/// Asks that a webhook endpoint is sent again what it was sent: one delivery, or those of a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResendWebhooksV1 {
    /// Which; absent: those of a time.
    pub delivery_id: Option<String>,
    /// From when they were made.
    pub since: Option<Micros>,
    /// Until when, exclusive; absent: until now.
    pub until: Option<Micros>,
}

/// Nothing arrives at a webhook endpoint: the sender's own conclusion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GiveWebhookEndpointUpV1 {
    /// Why, from a closed list.
    pub reason: String,
}

/// A brand or a partner is sent what happens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookEndpointCreatedV1 {
    /// The brand whose it is; absent: a partner's.
    pub brand_id: Option<BrandId>,
    /// The partner whose it is; absent: a brand's.
    pub partner_id: Option<PartnerId>,
    /// Where events are sent to.
    pub url: String,
    /// Of which types events are sent; none: of all that its owner may see.
    pub kinds: Vec<String>,
    /// What people call it.
    pub description: Option<String>,
    /// What is sent there; absent: a webhook.
    pub format: Option<WebhookFormat>,
}

/// A webhook endpoint is another: all that it is from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookEndpointChangedV1 {
    /// The brand whose it is; absent: a partner's.
    pub brand_id: Option<BrandId>,
    /// The partner whose it is; absent: a brand's.
    pub partner_id: Option<PartnerId>,
    /// Where events are sent to.
    pub url: String,
    /// Of which types events are sent; none: of all that its owner may see.
    pub kinds: Vec<String>,
    /// What people call it.
    pub description: Option<String>,
}

/// A webhook endpoint is sent events again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookEndpointEnabledV1 {
    /// The brand whose it is; absent: a partner's.
    pub brand_id: Option<BrandId>,
    /// The partner whose it is; absent: a brand's.
    pub partner_id: Option<PartnerId>,
}

/// A webhook endpoint is sent nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookEndpointDisabledV1 {
    /// The brand whose it is; absent: a partner's.
    pub brand_id: Option<BrandId>,
    /// The partner whose it is; absent: a brand's.
    pub partner_id: Option<PartnerId>,
    /// Why, from a closed list.
    pub reason: WebhookDisabledReason,
}

/// What is sent is signed with another secret. The secret is in no message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookSecretRotatedV1 {
    /// The brand whose it is; absent: a partner's.
    pub brand_id: Option<BrandId>,
    /// The partner whose it is; absent: a brand's.
    pub partner_id: Option<PartnerId>,
    /// The number of the secret, from 1 on.
    pub version: i32,
    /// Until when it is signed with that of before too; absent: not at all.
    pub previous_until: Option<Micros>,
}

/// There is a webhook endpoint no more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookEndpointRemovedV1 {
    /// The brand whose it is; absent: a partner's.
    pub brand_id: Option<BrandId>,
    /// The partner whose it is; absent: a brand's.
    pub partner_id: Option<PartnerId>,
}

/// A webhook endpoint is sent an event that says nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookEndpointTestedV1 {
    /// The brand whose it is; absent: a partner's.
    pub brand_id: Option<BrandId>,
    /// The partner whose it is; absent: a brand's.
    pub partner_id: Option<PartnerId>,
}

/// A webhook endpoint is sent again what it was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhooksResentV1 {
    /// The brand whose it is; absent: a partner's.
    pub brand_id: Option<BrandId>,
    /// The partner whose it is; absent: a brand's.
    pub partner_id: Option<PartnerId>,
    /// Which; absent: those of a time.
    pub delivery_id: Option<Uuid>,
    /// From when they were made.
    pub since: Option<Micros>,
    /// Until when, exclusive.
    pub until: Option<Micros>,
}

/// An address, and what it is sent, as it is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename = "ContactAddress")]
pub struct WireContactAddress {
    /// The address in base64: a partner's sealed under its own key, a brand's to the services.
    pub sealed_address: String,
    /// What mails to it are written in, from a closed list.
    pub language: String,
    /// What it is sent mails about, from a closed list.
    pub groups: Vec<String>,
}

/// Asks that a brand or a partner has these mail addresses and no others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeContactV1 {
    /// The brand whose it is; absent: a partner's.
    pub brand_id: Option<String>,
    /// The partner whose it is; absent: a brand's.
    pub partner_id: Option<String>,
    /// All of them; none: no mail is sent.
    pub addresses: Vec<WireContactAddress>,
    /// Numbers that are sent text messages, sealed as addresses are; absent: there are none.
    pub numbers: Option<Vec<WireContactAddress>>,
}

/// A mail was sent, or is not tried again: the sender's own conclusion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConcludeMailV1 {
    /// The brand whose it is; absent: a partner's.
    pub brand_id: Option<String>,
    /// The partner whose it is; absent: a brand's.
    pub partner_id: Option<String>,
    /// What it is about, as the type of its event.
    pub kind: String,
    /// Its event.
    pub event_id: String,
    /// Why it was not sent, from a closed list; absent: it was.
    pub failure: Option<String>,
    /// The reply code of the server that refused it.
    pub smtp_status: Option<i32>,
    /// By which way, from a closed list; absent: by mail.
    pub channel: Option<String>,
}

/// Asks that an address is not sent mails of a group any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnsubscribeV1 {
    /// Which of the contact's addresses, as notify names it.
    pub address_id: String,
    /// Which mails, from a closed list.
    pub group: String,
}

/// An address, and what it is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactAddress {
    /// The address in base64: a partner's sealed under its own key, a brand's to the services.
    pub sealed_address: String,
    /// What mails to it are written in, from a closed list.
    pub language: MailLanguage,
    /// What it is sent mails about, from a closed list.
    pub groups: Vec<MailGroup>,
}

/// A brand or a partner has these mail addresses and no others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactChangedV1 {
    /// The brand whose it is; absent: a partner's.
    pub brand_id: Option<BrandId>,
    /// The partner whose it is; absent: a brand's.
    pub partner_id: Option<PartnerId>,
    /// All of them; none: no mail is sent.
    pub addresses: Vec<ContactAddress>,
    /// Numbers that are sent text messages, sealed as addresses are; absent: there are none.
    pub numbers: Option<Vec<ContactAddress>>,
}

/// An address is not sent mails of a group any more. One that is sent nothing then is none of the contact's any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactUnsubscribedV1 {
    /// The brand whose it is; absent: a partner's.
    pub brand_id: Option<BrandId>,
    /// The partner whose it is; absent: a brand's.
    pub partner_id: Option<PartnerId>,
    /// Which of the contact's addresses, as notify names it.
    pub address_id: Uuid,
    /// Which mails, from a closed list.
    pub group: MailGroup,
}

/// A mail server took a mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotificationSentV1 {
    /// The brand whose it is; absent: a partner's.
    pub brand_id: Option<BrandId>,
    /// The partner whose it is; absent: a brand's.
    pub partner_id: Option<PartnerId>,
    /// What it is about, as the type of its event.
    pub kind: String,
    /// Its event.
    pub event_id: Uuid,
    /// By which way, from a closed list; absent: by mail.
    pub channel: Option<Channel>,
}

/// A mail was not sent, and is not tried again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotificationFailedV1 {
    /// The brand whose it is; absent: a partner's.
    pub brand_id: Option<BrandId>,
    /// The partner whose it is; absent: a brand's.
    pub partner_id: Option<PartnerId>,
    /// What it is about, as the type of its event.
    pub kind: String,
    /// Its event.
    pub event_id: Uuid,
    /// Why, from a closed list.
    pub reason: MailFailure,
    /// The reply code of the server that refused it.
    pub smtp_status: Option<i32>,
    /// By which way, from a closed list; absent: by mail.
    pub channel: Option<Channel>,
}

/// Asks that a kind of mail to a brand's partners says this in a language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeMailTemplateV1 {
    /// The brand whose text it is.
    pub brand_id: String,
    /// What such mails are about, as the type of its event.
    pub kind: String,
    /// In which language, from a closed list.
    pub language: String,
    /// The subject, sealed to the services; absent, as the text then is: ours is used.
    #[serde(default, with = "apache_avro::serde::bytes_opt")]
    pub sealed_subject: Option<Vec<u8>>,
    /// The text, sealed to the services.
    #[serde(default, with = "apache_avro::serde::bytes_opt")]
    pub sealed_text: Option<Vec<u8>>,
}

/// A kind of mail to a brand's partners says this in a language from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailTemplateChangedV1 {
    /// The brand whose text it is.
    pub brand_id: BrandId,
    /// What such mails are about, as the type of its event.
    pub kind: String,
    /// In which language, from a closed list.
    pub language: MailLanguage,
    /// The subject, sealed to the services; absent, as the text then is: ours is used.
    #[serde(default, with = "apache_avro::serde::bytes_opt")]
    pub sealed_subject: Option<Vec<u8>>,
    /// The text, sealed to the services.
    #[serde(default, with = "apache_avro::serde::bytes_opt")]
    pub sealed_text: Option<Vec<u8>>,
}
