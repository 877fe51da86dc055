//! What campaign is asked and what it states.

use serde::{Deserialize, Serialize};
use types::{
    ApiKeyScope, BrandId, Country, Currency, EnrollmentStatus, EvidenceId, EvidenceReason, GroupId,
    GroupStatus, JoinMode, Micros, PartnerId, PauseReason, RefusalReason, TermsVersion, WindowDays,
};

use super::shared::{Budget, Plan, WireBudget};

/// Asks for a new campaign, in draft.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateV1 {
    /// The brand that owns the campaign.
    pub brand_id: String,
    /// What people call it.
    pub name: String,
    /// ISO 4217 code in which its plans pay.
    pub currency: String,
    /// Hosts that links of the campaign may lead to.
    pub allowed_hosts: Vec<String>,
    /// Where visitors of its links go while these lead nowhere else; absent: the first of its hosts.
    pub fallback_url: Option<String>,
    /// How partners come in: open, approval or invite; absent: open.
    pub join: Option<String>,
    /// What it is about, as partners read it.
    pub description: Option<String>,
    /// The page that partners send visitors to where they choose no other.
    pub landing_url: Option<String>,
    /// From when its links lead to their targets; absent: at once.
    pub starts_at: Option<Micros>,
    /// When it pauses by itself; absent: never.
    pub ends_at: Option<Micros>,
    /// What it may cost; absent: no limit.
    pub budget: Option<WireBudget>,
    /// Whether the `user_id` of a redirect binds its click to that visitor; absent: it does not.
    pub trusts_redirects: Option<bool>,
}

/// Asks that a campaign is another from now on. What is absent stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeV1 {
    /// What people call it.
    pub name: Option<String>,
    /// What it is about, as partners read it.
    pub description: Option<String>,
    /// Hosts that links of the campaign may lead to.
    pub allowed_hosts: Option<Vec<String>>,
    /// Where visitors of its links go while these lead nowhere else.
    pub fallback_url: Option<String>,
    /// The page that partners send visitors to where they choose no other.
    pub landing_url: Option<String>,
    /// From when its links lead to their targets.
    pub starts_at: Option<Micros>,
    /// When it pauses by itself.
    pub ends_at: Option<Micros>,
    /// What it may cost.
    pub budget: Option<WireBudget>,
    /// How partners come in: open, approval or invite.
    pub join: Option<String>,
    /// What it is to have no more, by the name of its field.
    pub clear: Vec<String>,
    /// Whether the `user_id` of a redirect binds its click to that visitor.
    pub trusts_redirects: Option<bool>,
}

/// The campaign's own timer: its end has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndCampaignV1 {
    /// When it ends.
    pub due_at: Micros,
}

/// Asks for a new version of the terms and the commission plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishTermsV1 {
    /// The terms as partners read them.
    pub text: String,
    /// Days from a click within which a conversion is attributed to it.
    pub window_days: i32,
    /// What a conversion earns.
    pub plan: Plan,
    /// From when they are in force; absent: from now on.
    pub effective_at: Option<Micros>,
}

/// Asks that partners may join from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActivateV1 {}

/// A partner accepts the terms of a campaign.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcceptV1 {
    /// Who accepts.
    pub partner_id: String,
    /// The version that was read; absent: the one in force.
    pub terms_version: Option<i32>,
    /// The client's own notes: JSON text of at most 4 KiB, in no event.
    pub metadata: Option<String>,
    /// The same, sealed under the partner's own key; then `metadata` is absent.
    #[serde(default, with = "apache_avro::serde::bytes_opt")]
    pub sealed_metadata: Option<Vec<u8>>,
}

/// A partner shows what it did for a campaign.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubmitEvidenceV1 {
    /// Who shows it.
    pub partner_id: String,
    /// For example `photo`.
    pub evidence_type: String,
    /// Where the file lies.
    pub file_url: String,
    /// The client's own notes: JSON text of at most 4 KiB, in no event.
    pub metadata: Option<String>,
    /// SHA-256 of the file, in hexadecimal.
    pub content_hash: Option<String>,
    /// The evidence that was returned, and that this is shown for.
    pub replaces: Option<String>,
    /// Where the file lies, sealed under the partner's own key; then `file_url` is empty.
    #[serde(default, with = "apache_avro::serde::bytes_opt")]
    pub sealed_url: Option<Vec<u8>>,
    /// SHA-256 of the file's address, in hexadecimal, beside `sealed_url`.
    pub url_hash: Option<String>,
    /// The client's own notes, sealed under the partner's own key; then `metadata` is absent.
    #[serde(default, with = "apache_avro::serde::bytes_opt")]
    pub sealed_metadata: Option<Vec<u8>>,
}

/// Says that evidence shows what it should.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApproveEvidenceV1 {}

/// Says that evidence does not show what it should, for good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectEvidenceV1 {
    /// Why, from a closed list.
    pub reason: String,
}

/// Asks for more, or other, evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReturnEvidenceV1 {
    /// Why, from a closed list.
    pub reason: String,
}

/// Asks that a campaign's links lead to its fallback page for a while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PauseV1 {}

/// Asks that a paused campaign goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResumeV1 {}

/// Asks that a campaign ends for good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CloseV1 {}

/// Asks that a partner is no longer in a campaign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndEnrollmentV1 {
    /// Who.
    pub partner_id: String,
    /// What the enrollment becomes: left or removed.
    pub status: String,
    /// Why the brand removes the partner, from a closed list; absent of one that leaves.
    pub reason: Option<String>,
}

/// Asks that a partner may come into a campaign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InviteV1 {
    /// Who.
    pub partner_id: String,
}

/// Asks that a partner that applied is in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApproveV1 {
    /// Who.
    pub partner_id: String,
}

/// Asks that a partner that applied is not in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectV1 {
    /// Who.
    pub partner_id: String,
    /// Why, from a closed list.
    pub reason: String,
}

/// Asks that a partner is in no campaign of a brand, or in none at all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BanPartnerV1 {
    /// Whose campaigns; absent: everybody's, for operators.
    pub brand_id: Option<String>,
    /// Why, from a closed list.
    pub reason: String,
}

/// Asks that a ban ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnbanPartnerV1 {
    /// Whose ban; absent: that of all campaigns.
    pub brand_id: Option<String>,
}

/// Asks for an API key of a brand. Its secret was made, and shown, where it was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateApiKeyV1 {
    /// Whose.
    pub brand_id: String,
    /// How the key begins, for people.
    pub prefix: String,
    /// SHA-256 of the whole key, in hexadecimal.
    pub hash: String,
    /// What it may do.
    pub scopes: Vec<String>,
    /// Until when; absent: until it is revoked.
    pub expires_at: Option<Micros>,
}

/// Asks that an API key has another secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RotateApiKeyV1 {
    /// How the key begins from now on.
    pub prefix: String,
    /// SHA-256 of the whole new key, in hexadecimal.
    pub hash: String,
    /// For how long the secret of before goes on; absent: it ends at once.
    pub overlap_seconds: Option<i64>,
}

/// Asks that an API key opens nothing any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevokeApiKeyV1 {
    /// Whose it is: an operator names it of a key that campaign does not know.
    pub brand_id: Option<String>,
}

/// Asks that what is known of a partner changes. What is absent stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangePartnerV1 {
    /// What people call it.
    pub name: Option<String>,
    /// Where it is at home, by ISO 3166-1.
    pub country: Option<String>,
    /// ISO 4217 code of what it wants to be paid in.
    pub currency: Option<String>,
    /// Where it is found.
    pub website: Option<String>,
    /// What is to be known of it no more, by the name of its field.
    pub clear: Vec<String>,
    /// What people call it, sealed under its own key; then `name` is absent.
    #[serde(default, with = "apache_avro::serde::bytes_opt")]
    pub sealed_name: Option<Vec<u8>>,
    /// Where it is found, sealed under its own key; then `website` is absent.
    #[serde(default, with = "apache_avro::serde::bytes_opt")]
    pub sealed_website: Option<Vec<u8>>,
}

/// Asks that nothing is known of a partner any more but its id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasePartnerV1 {}

/// Asks that what is known of a brand changes. What is absent stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeBrandV1 {
    /// What people call it.
    pub name: Option<String>,
    /// ISO 4217 code of what it keeps its money in.
    pub currency: Option<String>,
    /// What is to be known of it no more, by the name of its field.
    pub clear: Vec<String>,
}

/// Asks for a group of partners that a brand treats alike.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateGroupV1 {
    /// What the brand calls it.
    pub name: String,
    /// How many links a partner in it may have in the brand's campaigns; absent: as many as it likes.
    pub link_limit: Option<i32>,
}

/// Asks that a group is another from now on. What is absent stays as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeGroupV1 {
    /// What the brand calls it.
    pub name: Option<String>,
    /// How many links a partner in it may have in the brand's campaigns.
    pub link_limit: Option<i32>,
    /// Whether partners are in it: active or archived.
    pub status: Option<String>,
    /// What it is to have no more, by the name of its field.
    pub clear: Vec<String>,
}

/// Asks that a partner is in another group of the brand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MovePartnerV1 {
    /// Who.
    pub partner_id: String,
    /// In which group.
    pub group_id: String,
}

/// A campaign exists, in draft.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CampaignCreatedV1 {
    /// The brand that owns the campaign.
    pub brand_id: BrandId,
    /// What people call it.
    pub name: String,
    /// ISO 4217 code in which its plans pay.
    pub currency: Currency,
    /// Hosts that links of the campaign may lead to.
    pub allowed_hosts: Vec<String>,
    /// Where visitors of its links go while these lead nowhere else; absent: the first of its hosts.
    pub fallback_url: Option<String>,
    /// How partners come in; absent: open.
    pub join: Option<JoinMode>,
    /// What it is about, as partners read it.
    pub description: Option<String>,
    /// The page that partners send visitors to where they choose no other.
    pub landing_url: Option<String>,
    /// From when its links lead to their targets; absent: at once.
    pub starts_at: Option<Micros>,
    /// When it pauses by itself; absent: never.
    pub ends_at: Option<Micros>,
    /// What it may cost; absent: no limit.
    pub budget: Option<Budget>,
    /// Whether the `user_id` of a redirect binds its click to that visitor; absent: it does not.
    pub trusts_redirects: Option<bool>,
}

/// What can be changed of a campaign, whole, as it is from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CampaignChangedV1 {
    /// The brand that owns the campaign.
    pub brand_id: BrandId,
    /// What people call it.
    pub name: String,
    /// What it is about, as partners read it.
    pub description: Option<String>,
    /// Hosts that links of the campaign may lead to.
    pub allowed_hosts: Vec<String>,
    /// Where visitors of its links go while these lead nowhere else; absent: the first of its hosts.
    pub fallback_url: Option<String>,
    /// The page that partners send visitors to where they choose no other.
    pub landing_url: Option<String>,
    /// From when its links lead to their targets; absent: at once.
    pub starts_at: Option<Micros>,
    /// When it pauses by itself; absent: never.
    pub ends_at: Option<Micros>,
    /// What it may cost; absent: no limit.
    pub budget: Option<Budget>,
    /// How partners come in.
    pub join: JoinMode,
    /// Whether the `user_id` of a redirect binds its click to that visitor; absent: it does not.
    pub trusts_redirects: Option<bool>,
}

/// There is a version of terms and plan, in force at once or from a day on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TermsPublishedV1 {
    /// Counts from 1 within the campaign.
    pub version: TermsVersion,
    /// The brand that owns the campaign.
    pub brand_id: BrandId,
    /// ISO 4217 code in which the plan pays.
    pub currency: Currency,
    /// Days from a click within which a conversion is attributed to it.
    pub window_days: WindowDays,
    /// What a conversion earns.
    pub plan: Plan,
    /// From when it is in force.
    pub effective_at: Micros,
    /// SHA-256 of the text as partners read it, in hexadecimal.
    pub text_hash: Option<String>,
    /// Whether partners who accepted the version before keep that until they accept this one; absent: they do.
    pub worsens: Option<bool>,
    /// The terms as partners read them, sealed to the services.
    #[serde(default, with = "apache_avro::serde::bytes_opt")]
    pub sealed_text: Option<Vec<u8>>,
}

/// Partners may join from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CampaignActivatedV1 {
    /// The brand that owns the campaign.
    pub brand_id: BrandId,
    /// Hosts that links of the campaign may lead to.
    pub allowed_hosts: Vec<String>,
    /// Where visitors of its links go while these lead nowhere else; absent: the first of its hosts.
    pub fallback_url: Option<String>,
    /// From when its links lead to their targets; absent: at once.
    pub starts_at: Option<Micros>,
    /// Whether the `user_id` of a redirect binds its click to that visitor; absent: it does not.
    pub trusts_redirects: Option<bool>,
    /// When they no longer do; absent: never.
    pub ends_at: Option<Micros>,
}

/// A partner is in the campaign, on one version of its terms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrollmentAcceptedV1 {
    /// Who accepted.
    pub partner_id: PartnerId,
    /// The version that was accepted.
    pub terms_version: TermsVersion,
    /// The brand that owns the campaign; absent in what was recorded before it was said.
    pub brand_id: Option<BrandId>,
}

/// A partner has shown what it did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidenceSubmittedV1 {
    /// Who showed it.
    pub partner_id: PartnerId,
    /// For example `photo`.
    pub evidence_type: String,
    /// SHA-256 of the file's address, in hexadecimal; the address itself may be personal.
    pub url_hash: String,
    /// SHA-256 of the file, in hexadecimal.
    pub content_hash: Option<String>,
    /// The evidence that was returned, and that this is shown for.
    pub replaces: Option<EvidenceId>,
    /// The first evidence of the campaign that has the same address or the same content.
    pub duplicate_of: Option<EvidenceId>,
    /// Where the file lies, sealed to the services.
    #[serde(default, with = "apache_avro::serde::bytes_opt")]
    pub sealed_url: Option<Vec<u8>>,
    /// The client's own notes, sealed under the partner's own key.
    #[serde(default, with = "apache_avro::serde::bytes_opt")]
    pub sealed_metadata: Option<Vec<u8>>,
}

/// Evidence shows what it should.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidenceApprovedV1 {
    /// Who showed it.
    pub partner_id: PartnerId,
    /// The brand that owns the campaign.
    pub brand_id: BrandId,
    /// For example `photo`.
    pub evidence_type: String,
}

/// Evidence does not show what it should, for good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidenceRejectedV1 {
    /// Who showed it.
    pub partner_id: PartnerId,
    /// The brand that owns the campaign.
    pub brand_id: BrandId,
    /// Why.
    pub reason: EvidenceReason,
}

/// The partner may show more, or other, evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidenceReturnedV1 {
    /// Who showed it.
    pub partner_id: PartnerId,
    /// The brand that owns the campaign.
    pub brand_id: BrandId,
    /// Why.
    pub reason: EvidenceReason,
}

/// Links lead to the fallback page, and no partner joins, until the campaign goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CampaignPausedV1 {
    /// The brand that owns the campaign.
    pub brand_id: BrandId,
    /// Why.
    pub reason: PauseReason,
}

/// A paused campaign goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CampaignResumedV1 {
    /// The brand that owns the campaign.
    pub brand_id: BrandId,
}

/// The campaign has ended for good. What was earned stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CampaignClosedV1 {
    /// The brand that owns the campaign.
    pub brand_id: BrandId,
}

/// A partner is no longer in the campaign. What it earned stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrollmentEndedV1 {
    /// Who.
    pub partner_id: PartnerId,
    /// The brand that owns the campaign.
    pub brand_id: BrandId,
    /// What the enrollment became.
    pub status: EnrollmentStatus,
    /// Why the brand removed the partner; absent of one that left.
    pub reason: Option<RefusalReason>,
}

/// The brand wants a partner in the campaign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrollmentInvitedV1 {
    /// Who.
    pub partner_id: PartnerId,
    /// The brand that owns the campaign.
    pub brand_id: BrandId,
}

/// A partner has accepted the terms, and the brand has to decide.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrollmentAppliedV1 {
    /// Who.
    pub partner_id: PartnerId,
    /// The brand that owns the campaign.
    pub brand_id: BrandId,
    /// The version that was accepted.
    pub terms_version: TermsVersion,
}

/// A partner that applied is in, on the version of the terms that it accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrollmentApprovedV1 {
    /// Who.
    pub partner_id: PartnerId,
    /// The brand that owns the campaign.
    pub brand_id: BrandId,
    /// The version that was accepted.
    pub terms_version: TermsVersion,
}

/// A partner that applied is not in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrollmentRejectedV1 {
    /// Who.
    pub partner_id: PartnerId,
    /// The brand that owns the campaign.
    pub brand_id: BrandId,
    /// Why.
    pub reason: RefusalReason,
}

/// A partner may be in no campaign of a brand, or in none at all, and its links there lead to the fallback page. What it earned stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartnerBannedV1 {
    /// Whose campaigns; absent: everybody's.
    pub brand_id: Option<BrandId>,
    /// Why.
    pub reason: RefusalReason,
}

/// A ban ends: the partner stands with each campaign where it stood.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartnerUnbannedV1 {
    /// Whose ban; absent: that of all campaigns.
    pub brand_id: Option<BrandId>,
}

/// An API key of a brand exists. Its secret is nowhere but with who asked for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKeyCreatedV1 {
    /// Whose.
    pub brand_id: BrandId,
    /// How the key begins, for people.
    pub prefix: String,
    /// SHA-256 of the whole key, in hexadecimal.
    pub hash: String,
    /// What it may do.
    pub scopes: Vec<ApiKeyScope>,
    /// Until when; absent: until it is revoked.
    pub expires_at: Option<Micros>,
}

/// An API key has another secret: all that it is from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKeyRotatedV1 {
    /// Whose.
    pub brand_id: BrandId,
    /// How the key begins, for people.
    pub prefix: String,
    /// SHA-256 of the whole key, in hexadecimal.
    pub hash: String,
    /// What it may do.
    pub scopes: Vec<ApiKeyScope>,
    /// Until when; absent: until it is revoked.
    pub expires_at: Option<Micros>,
    /// The hash of the key of before, while that goes on; absent: it ended at once.
    pub previous_hash: Option<String>,
    /// Until when that is.
    pub previous_until: Option<Micros>,
}

/// An API key opens nothing any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKeyRevokedV1 {
    /// Whose it was.
    pub brand_id: BrandId,
}

/// Whether a brand is out of funds, as payment states it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrandFundsAdoptedV1 {
    /// ISO 4217 code.
    pub currency: Currency,
    /// Whether it is.
    pub exhausted: bool,
}

/// A campaign pauses while its brand is out of funds, and goes on when it is not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FollowFundsV1 {}

/// What is known of a partner, whole, as it is from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartnerChangedV1 {
    /// Where it is at home, by ISO 3166-1.
    pub country: Option<Country>,
    /// ISO 4217 code of what it wants to be paid in.
    pub currency: Option<Currency>,
    /// What people call it, sealed to the services.
    #[serde(default, with = "apache_avro::serde::bytes_opt")]
    pub sealed_name: Option<Vec<u8>>,
    /// Where it is found, sealed to the services.
    #[serde(default, with = "apache_avro::serde::bytes_opt")]
    pub sealed_website: Option<Vec<u8>>,
}

/// Nothing is known of a partner any more but its id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartnerErasedV1 {}

/// What is known of a brand, whole, as it is from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrandChangedV1 {
    /// ISO 4217 code of what it keeps its money in.
    pub currency: Option<Currency>,
    /// What people call it, sealed to the services.
    #[serde(default, with = "apache_avro::serde::bytes_opt")]
    pub sealed_name: Option<Vec<u8>>,
}

/// A brand has a group more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupCreatedV1 {
    /// How many links a partner in it may have in the brand's campaigns; absent: as many as it likes.
    pub link_limit: Option<i32>,
    /// What the brand calls it, sealed to the services.
    #[serde(default, with = "apache_avro::serde::bytes_opt")]
    pub sealed_name: Option<Vec<u8>>,
}

/// A group, whole, as it is from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupChangedV1 {
    /// Whether partners are in it.
    pub status: GroupStatus,
    /// How many links a partner in it may have in the brand's campaigns; absent: as many as it likes.
    pub link_limit: Option<i32>,
    /// What the brand calls it, sealed to the services.
    #[serde(default, with = "apache_avro::serde::bytes_opt")]
    pub sealed_name: Option<Vec<u8>>,
}

/// A partner is in another group of the brand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartnerMovedV1 {
    /// Who.
    pub partner_id: PartnerId,
    /// In which group.
    pub group_id: GroupId,
}
