//! What campaign is asked.

use aws_lc_rs::digest::{SHA256, digest};
use chassis::json::{Check, Metadata, Text, WebUrl};
use chassis::problem::Fields;
use chassis::time::Timestamp;
use schemas::{
    About, AcceptV1, ActivateV1, ApproveEvidenceV1, ApproveV1, BanPartnerV1, ChangeV1, CloseV1,
    CreateApiKeyV1, CreateV1, EndEnrollmentV1, InviteV1, PauseV1, PublishTermsV1, RejectEvidenceV1,
    RejectV1, ResumeV1, ReturnEvidenceV1, RevokeApiKeyV1, RotateApiKeyV1, SubmitEvidenceV1,
    UnbanPartnerV1, Written,
};
use sealing::personal::PersonalKey;
use sealing::texts;
use serde::Deserialize;
use types::{
    ApiKeyId, ApiKeyScope, BanId, BrandId, CampaignId, Clearable, Currency, EnrollmentId,
    EnrollmentStatus, EvidenceId, EvidenceReason, JoinMode, PartnerId, RefusalReason, TermsVersion,
    Uuid, WindowDays, check_allowed_hosts, check_content_hash, check_description,
    check_evidence_type, check_overlap, check_page, check_scopes, check_terms_text,
};
use utoipa::ToSchema;

use crate::budget::BudgetBody;
use crate::lists;
use crate::plan::PlanBody;

requests! {
    CreateCampaign = "campaign.create.command.v1", "create_campaign";
    ChangeCampaign = "campaign.change.command.v1", "change_campaign";
    ActivateCampaign = "campaign.activate.command.v1", "activate_campaign";
    PauseCampaign = "campaign.pause.command.v1", "pause_campaign";
    ResumeCampaign = "campaign.resume.command.v1", "resume_campaign";
    CloseCampaign = "campaign.close.command.v1", "close_campaign";
    LeaveCampaign = "campaign.end_enrollment.command.v1", "leave_campaign";
    RemovePartner = "campaign.end_enrollment.command.v1", "remove_partner";
    InvitePartner = "campaign.invite.command.v1", "invite_partner";
    ApprovePartner = "campaign.approve.command.v1", "approve_partner";
    RejectPartner = "campaign.reject.command.v1", "reject_partner";
    BanPartner = "campaign.ban_partner.command.v1", "ban_partner";
    UnbanPartner = "campaign.unban_partner.command.v1", "unban_partner";
    PublishTerms = "campaign.publish_terms.command.v1", "publish_terms";
    AcceptCampaign = "campaign.accept.command.v1", "accept_campaign";
    CreateApiKey = "campaign.create_api_key.command.v1", "create_api_key";
    RotateApiKey = "campaign.rotate_api_key.command.v1", "rotate_api_key";
    SubmitEvidence = "campaign.submit_evidence.command.v1", "submit_evidence";
    ApproveEvidence = "campaign.approve_evidence.command.v1", "approve_evidence";
    RejectEvidence = "campaign.reject_evidence.command.v1", "reject_evidence";
    ReturnEvidence = "campaign.return_evidence.command.v1", "return_evidence";
    RevokeApiKey = "campaign.revoke_api_key.command.v1", "revoke_api_key";
}

named! {
    brand_id: BrandId of CreateCampaign BanPartner UnbanPartner CreateApiKey;
    partner_id: PartnerId of AcceptCampaign LeaveCampaign SubmitEvidence;
}

/// A campaign to be made, in draft.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateCampaign {
    /// An id of the client's own choice: 1 to 64 characters from `A-Z a-z 0-9 _ -`. Absent: one is made.
    #[schema(value_type = Option<String>, example = "camp123")]
    campaign_id: Option<CampaignId>,
    /// Whose campaign; absent: the token's own brand. An operator must give it.
    #[schema(value_type = Option<String>, example = "brand1")]
    brand_id: Option<BrandId>,
    /// What people call it.
    #[schema(example = "Summer sale")]
    name: Text<200>,
    /// ISO 4217 code of what its plans pay in.
    #[schema(value_type = String, example = "USD")]
    currency: Currency,
    /// 1 to 50 host names, in lower case, that links may lead to.
    #[schema(example = json!(["shop.example.com"]))]
    allowed_hosts: Vec<String>,
    /// Where visitors of its links go while it is paused or closed, on one of its hosts; absent: the first of them.
    fallback_url: Option<WebUrl>,
    /// How partners come in; absent: `open`.
    #[schema(value_type = Option<lists::JoinMode>)]
    join: Option<JoinMode>,
    /// What it is about, as partners read it: 1 to 2,000 characters.
    #[schema(max_length = 2_000)]
    description: Option<String>,
    /// The page that partners send visitors to where they choose no other, on one of its hosts.
    landing_url: Option<WebUrl>,
    /// From when its links lead to their targets; absent: as soon as it is active.
    starts_at: Option<Timestamp>,
    /// When it pauses by itself: after its start, and not in the past; absent: never.
    ends_at: Option<Timestamp>,
    /// What its brand means it to cost: a plan that is shown, and nothing is refused or paused when it is spent.
    budget: Option<BudgetBody>,
    /// Whether the `user_id` of a redirect binds its click to that visitor; absent: it does not. Anybody may ask for a
    /// redirect: switch it on only where nothing is lost by a click that a stranger makes for somebody.
    trusts_redirects: Option<bool>,
}

impl Check for CreateCampaign {
    fn check(&self, fields: &mut Fields) {
        check_hosts(fields, &self.allowed_hosts);
        for (pointer, page) in [
            ("/fallback_url", &self.fallback_url),
            ("/landing_url", &self.landing_url),
        ] {
            if let Some(url) = page {
                fields.take(pointer, check_page(url.as_str(), &self.allowed_hosts));
            }
        }
        if let Some(text) = &self.description {
            fields.take("/description", check_description(text));
        }
        if let Some(budget) = &self.budget {
            budget.check(fields);
        }
    }
}

fn check_hosts(fields: &mut Fields, names: &[String]) {
    for (index, invalid) in check_allowed_hosts(names) {
        let which = index.map_or_else(String::new, |index| format!("/{index}"));
        fields.refuse(format!("/allowed_hosts{which}"), invalid.0);
    }
}

impl CreateCampaign {
    /// As the command of this id, of a campaign of this brand.
    pub fn command(self, id: Uuid, brand: BrandId) -> Written {
        let campaign = self.campaign_id;
        let campaign = campaign.unwrap_or_else(|| CampaignId::of_command(id));
        let create = CreateV1 {
            brand_id: brand.into_string(),
            name: self.name.into_string(),
            currency: self.currency.code().to_owned(),
            allowed_hosts: self.allowed_hosts,
            fallback_url: self.fallback_url.map(WebUrl::into_string),
            join: self.join.map(|mode| mode.name().to_owned()),
            description: self.description,
            landing_url: self.landing_url.map(WebUrl::into_string),
            starts_at: self.starts_at.map(|at| at.0),
            ends_at: self.ends_at.map(|at| at.0),
            budget: self.budget.and_then(|budget| budget.record()),
            trusts_redirects: self.trusts_redirects,
        };
        About::of(campaign, create).write()
    }
}

/// What is to be another of a campaign. What is absent or `null` stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(min_properties = 1)]
pub struct ChangeCampaign {
    /// What people call it.
    #[schema(example = "Late summer sale")]
    name: Option<Text<200>>,
    /// What it is about, as partners read it: 1 to 2,000 characters.
    #[schema(max_length = 2_000)]
    description: Option<String>,
    /// 1 to 50 host names, in lower case, that new links may lead to. Links that there are lead where they led.
    #[schema(example = json!(["shop.example.com"]))]
    allowed_hosts: Option<Vec<String>>,
    /// Where visitors of its links go while these lead nowhere else, on one of its hosts.
    fallback_url: Option<WebUrl>,
    /// The page that partners send visitors to where they choose no other, on one of its hosts.
    landing_url: Option<WebUrl>,
    /// From when its links lead to their targets.
    starts_at: Option<Timestamp>,
    /// When it pauses by itself: after its start, and not in the past.
    ends_at: Option<Timestamp>,
    /// What its brand means it to cost: a plan that is shown, and nothing is refused or paused when it is spent.
    budget: Option<BudgetBody>,
    /// How partners come in from now on. Who is in stays in.
    #[schema(value_type = Option<lists::JoinMode>)]
    join: Option<JoinMode>,
    /// Whether the `user_id` of a redirect binds its click to that visitor. Anybody may ask for a
    /// redirect: switch it on only where nothing is lost by a click that a stranger makes for somebody.
    trusts_redirects: Option<bool>,
    /// What it is to have no more; without `fallback_url` it has the first of its hosts.
    #[schema(value_type = Option<Vec<lists::Clearable>>)]
    clear: Option<Vec<Clearable>>,
}

impl Check for ChangeCampaign {
    fn check(&self, fields: &mut Fields) {
        if let Some(names) = &self.allowed_hosts {
            check_hosts(fields, names);
        }
        if let Some(text) = &self.description {
            fields.take("/description", check_description(text));
        }
        if let Some(budget) = &self.budget {
            budget.check(fields);
        }
        let clear = self.clear.as_deref().unwrap_or_default();
        let given = self.given();
        for what in clear {
            let both = given.contains(&what.name());
            fields.require(!both, "/clear", "must not name what is given, too");
        }
        let says_something = !given.is_empty() || !clear.is_empty();
        fields.require(says_something, "", "must say what is to be another");
    }
}

impl ChangeCampaign {
    /// What is given.
    fn given(&self) -> Vec<&'static str> {
        let all = [
            ("name", self.name.is_some()),
            ("description", self.description.is_some()),
            ("allowed_hosts", self.allowed_hosts.is_some()),
            ("fallback_url", self.fallback_url.is_some()),
            ("landing_url", self.landing_url.is_some()),
            ("starts_at", self.starts_at.is_some()),
            ("ends_at", self.ends_at.is_some()),
            ("budget", self.budget.is_some()),
            ("join", self.join.is_some()),
            ("trusts_redirects", self.trusts_redirects.is_some()),
        ];
        let given = all.into_iter().filter(|(_, given)| *given);
        given.map(|(name, _)| name).collect()
    }

    /// As a command, of this campaign.
    pub fn command(self, campaign: CampaignId) -> Written {
        let clear = self.clear.unwrap_or_default();
        let change = ChangeV1 {
            name: self.name.map(Text::into_string),
            description: self.description,
            allowed_hosts: self.allowed_hosts,
            fallback_url: self.fallback_url.map(WebUrl::into_string),
            landing_url: self.landing_url.map(WebUrl::into_string),
            starts_at: self.starts_at.map(|at| at.0),
            ends_at: self.ends_at.map(|at| at.0),
            budget: self.budget.and_then(|budget| budget.record()),
            join: self.join.map(|mode| mode.name().to_owned()),
            clear: clear.iter().map(|what| what.name().to_owned()).collect(),
            trusts_redirects: self.trusts_redirects,
        };
        About::of(campaign, change).write()
    }
}

/// A new version of a campaign's terms.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PublishTerms {
    /// The terms as partners read them: 1 to 16,000 characters.
    #[schema(max_length = 16_000)]
    text: String,
    /// Days from a click within which a conversion is attributed to it.
    #[schema(minimum = 1, maximum = 365, example = 30)]
    window_days: i32,
    /// What conversions earn.
    plan: PlanBody,
    /// From when it is in force: not in the past, and within a year; absent: from now on. It takes the place of versions that would be in
    /// force no earlier. A campaign has at most 10 versions that are yet to come into force, and 1,000 in all.
    effective_at: Option<Timestamp>,
}

impl Check for PublishTerms {
    fn check(&self, fields: &mut Fields) {
        fields.take("/text", check_terms_text(&self.text));
        fields.take("/window_days", WindowDays::new(self.window_days));
        self.plan.check(fields);
    }
}

impl PublishTerms {
    /// The terms as partners read them.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// As a command, of this campaign.
    pub fn command(self, campaign: CampaignId) -> Written {
        let publish = PublishTermsV1 {
            plan: self.plan.record(),
            text: self.text,
            window_days: self.window_days,
            effective_at: self.effective_at.map(|at| at.0),
        };
        About::of(campaign, publish).write()
    }
}

bodiless! {
    /// That partners may join a campaign.
    ActivateCampaign of CampaignId: ActivateV1;
    /// That a campaign stops for a while.
    PauseCampaign of CampaignId: PauseV1;
    /// That a paused campaign goes on.
    ResumeCampaign of CampaignId: ResumeV1;
    /// That a campaign ends for good.
    CloseCampaign of CampaignId: CloseV1;
}

/// That an API key opens nothing any more.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RevokeApiKey {
    /// Whose it is. An operator names it of a key that campaign does not know after a restore, and that is taken all the same.
    #[schema(value_type = Option<String>, example = "brand1")]
    brand_id: Option<BrandId>,
}

impl Check for RevokeApiKey {}

impl RevokeApiKey {
    /// As a command, of this key.
    pub fn command(self, key: ApiKeyId) -> Written {
        let brand_id = self.brand_id.map(BrandId::into_string);
        About::of(key, RevokeApiKeyV1 { brand_id }).write()
    }
}

/// A partner's acceptance of a campaign's terms.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AcceptCampaign {
    /// Must be true: without it nothing is accepted.
    #[schema(example = true)]
    accepted_terms: bool,
    /// The version that was read; absent: the one in force.
    #[schema(minimum = 1, example = 1)]
    terms_version: Option<i32>,
    /// Who accepts; absent: the token's own partner. An operator must give it.
    #[schema(value_type = Option<String>, example = "partner123")]
    partner_id: Option<PartnerId>,
    /// The client's own notes.
    metadata: Option<Metadata>,
}

impl Check for AcceptCampaign {
    fn check(&self, fields: &mut Fields) {
        fields.require(self.accepted_terms, "/accepted_terms", "must be true");
        if let Some(version) = self.terms_version {
            fields.take("/terms_version", TermsVersion::new(version));
        }
    }
}

impl AcceptCampaign {
    /// Whether it says something that goes with the partner's key.
    pub fn is_personal(&self) -> bool {
        self.metadata.is_some()
    }

    /// As a command, of this partner, whose key it is, for this campaign.
    pub fn command(self, campaign: CampaignId, partner: PartnerId, key: &PersonalKey) -> Written {
        let of = texts::of_acceptances_notes(&EnrollmentId::of(&campaign, &partner));
        place(campaign, partner, |partner_id| AcceptV1 {
            partner_id,
            terms_version: self.terms_version,
            metadata: None,
            sealed_metadata: self.metadata.map(|notes| key.seal(&of, notes.as_str())),
        })
    }
}

/// That a partner is no longer in a campaign.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LeaveCampaign {
    /// Who leaves; absent: the token's own partner. An operator must give it.
    #[schema(value_type = Option<String>, example = "partner123")]
    partner_id: Option<PartnerId>,
}

impl Check for LeaveCampaign {}

impl LeaveCampaign {
    /// As a command, of this partner's place in this campaign.
    pub fn command(self, campaign: CampaignId, partner: PartnerId) -> Written {
        end_enrollment(campaign, partner, EnrollmentStatus::Left, None)
    }
}

/// That a brand does not want a partner in a campaign any more.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RemovePartner {
    /// Why, for the partner.
    #[schema(value_type = lists::RefusalReason)]
    reason: RefusalReason,
}

impl Check for RemovePartner {}

impl RemovePartner {
    /// As a command, of this partner's place in this campaign.
    pub fn command(self, campaign: CampaignId, partner: PartnerId) -> Written {
        let reason = Some(self.reason);
        end_enrollment(campaign, partner, EnrollmentStatus::Removed, reason)
    }
}

/// That a brand wants a partner in a campaign.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "struct NoBody")]
pub struct InvitePartner {}

impl Check for InvitePartner {}

impl InvitePartner {
    /// As a command, of this partner's place in this campaign.
    pub fn command(self, campaign: CampaignId, partner: PartnerId) -> Written {
        place(campaign, partner, |partner_id| InviteV1 { partner_id })
    }
}

/// That a partner that applied is in.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "struct NoBody")]
pub struct ApprovePartner {}

impl Check for ApprovePartner {}

impl ApprovePartner {
    /// As a command, of this partner's place in this campaign.
    pub fn command(self, campaign: CampaignId, partner: PartnerId) -> Written {
        place(campaign, partner, |partner_id| ApproveV1 { partner_id })
    }
}

/// That a partner that applied is not in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RejectPartner {
    /// Why, for the partner. After `needs_more_detail` it may apply again.
    #[schema(value_type = lists::RefusalReason)]
    reason: RefusalReason,
}

impl Check for RejectPartner {}

impl RejectPartner {
    /// As a command, of this partner's place in this campaign.
    pub fn command(self, campaign: CampaignId, partner: PartnerId) -> Written {
        let reason = self.reason.name().to_owned();
        place(campaign, partner, |partner_id| RejectV1 {
            partner_id,
            reason,
        })
    }
}

/// That a partner is in no campaign of a brand, or in none at all.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BanPartner {
    /// Whose campaigns; absent: the token's own brand's. Of an operator absent means everybody's.
    #[schema(value_type = Option<String>, example = "brand1")]
    brand_id: Option<BrandId>,
    /// Why, for the partner.
    #[schema(value_type = lists::RefusalReason)]
    reason: RefusalReason,
}

impl Check for BanPartner {}

impl BanPartner {
    /// As a command, of this partner and these campaigns: a brand's, or everybody's.
    pub fn command(self, partner: PartnerId, brand: Option<BrandId>) -> Written {
        let reason = self.reason.name().to_owned();
        ban(partner, brand, |brand_id| BanPartnerV1 { brand_id, reason })
    }
}

/// That a ban ends.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UnbanPartner {
    /// Whose ban; absent: the token's own brand's. Of an operator absent means that of all campaigns.
    #[schema(value_type = Option<String>, example = "brand1")]
    brand_id: Option<BrandId>,
}

impl Check for UnbanPartner {}

impl UnbanPartner {
    /// As a command, of this partner and these campaigns: a brand's, or everybody's.
    pub fn command(self, partner: PartnerId, brand: Option<BrandId>) -> Written {
        ban(partner, brand, |brand_id| UnbanPartnerV1 { brand_id })
    }
}

/// A command about a partner and all campaigns of a brand, or all there are.
fn ban<R>(
    partner: PartnerId,
    brand: Option<BrandId>,
    record: impl FnOnce(Option<String>) -> R,
) -> Written
where
    R: schemas::Record<Key = PartnerId, Subject = BanId>,
{
    let about = About {
        subject: BanId::of(brand.as_ref(), &partner),
        key: partner,
        record: record(brand.map(BrandId::into_string)),
    };
    about.write()
}

fn end_enrollment(
    campaign: CampaignId,
    partner: PartnerId,
    status: EnrollmentStatus,
    reason: Option<RefusalReason>,
) -> Written {
    place(campaign, partner, |partner_id| EndEnrollmentV1 {
        partner_id,
        status: status.name().to_owned(),
        reason: reason.map(|reason| reason.name().to_owned()),
    })
}

/// A command about a partner's place in a campaign.
fn place<R>(campaign: CampaignId, partner: PartnerId, record: impl FnOnce(String) -> R) -> Written
where
    R: schemas::Record<Key = CampaignId, Subject = EnrollmentId>,
{
    let about = About {
        subject: EnrollmentId::of(&campaign, &partner),
        key: campaign,
        record: record(partner.into_string()),
    };
    about.write()
}

/// An API key to be made for a brand.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateApiKey {
    /// Whose key; absent: the token's own brand. An operator must give it.
    #[schema(value_type = Option<String>, example = "brand1")]
    brand_id: Option<BrandId>,
    /// What it may do: one scope at least, none twice.
    #[schema(value_type = Vec<lists::ApiKeyScope>, min_items = 1, example = json!(["conversions.write"]))]
    scopes: Vec<ApiKeyScope>,
    /// Until when; absent: until it is revoked.
    expires_at: Option<Timestamp>,
}

impl Check for CreateApiKey {
    fn check(&self, fields: &mut Fields) {
        fields.take("/scopes", check_scopes(&self.scopes));
    }
}

impl CreateApiKey {
    /// As the command of this id, of a key of this brand; what is known of its secret is how it begins, and its hash.
    pub fn command(self, id: Uuid, brand: BrandId, prefix: &str, hash: &str) -> Written {
        let scopes = self.scopes.iter().map(|scope| scope.name().to_owned());
        let create = CreateApiKeyV1 {
            brand_id: brand.into_string(),
            prefix: prefix.to_owned(),
            hash: hash.to_owned(),
            scopes: scopes.collect(),
            expires_at: self.expires_at.map(|until| until.0),
        };
        About::of(ApiKeyId::of_command(id), create).write()
    }
}

/// That an API key has another secret.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RotateApiKey {
    /// For how many seconds the secret of before goes on, up to 604800; absent: it ends at once.
    #[schema(minimum = 0, maximum = 604_800, example = 3_600)]
    overlap_seconds: Option<i64>,
}

impl Check for RotateApiKey {
    fn check(&self, fields: &mut Fields) {
        if let Some(seconds) = self.overlap_seconds {
            fields.take("/overlap_seconds", check_overlap(seconds));
        }
    }
}

impl RotateApiKey {
    /// As a command, of this key; what is known of its new secret is how it begins, and its hash.
    pub fn command(self, key: ApiKeyId, prefix: &str, hash: &str) -> Written {
        let rotate = RotateApiKeyV1 {
            prefix: prefix.to_owned(),
            hash: hash.to_owned(),
            overlap_seconds: self.overlap_seconds,
        };
        About::of(key, rotate).write()
    }
}

/// A file that shows what a partner did for a campaign.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SubmitEvidence {
    /// For which campaign.
    #[schema(value_type = String, example = "camp123")]
    campaign_id: CampaignId,
    /// Who shows it; absent: the token's own partner. An operator must give it.
    #[schema(value_type = Option<String>, example = "partner123")]
    partner_id: Option<PartnerId>,
    /// What it is: 1 to 64 characters from `A-Z a-z 0-9 _ -`.
    #[schema(example = "photo")]
    evidence_type: String,
    /// Where the file lies: https or http.
    file_url: WebUrl,
    /// The client's own notes.
    metadata: Option<Metadata>,
    /// SHA-256 of the file: 64 digits of `0-9 a-f`. The same file is recognised by it wherever it lies.
    #[schema(
        pattern = "^[0-9a-f]{64}$",
        example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
    )]
    content_hash: Option<String>,
    /// The evidence of the same partner that the brand has returned, and that this is shown for. The same address is shown again
    /// without it.
    #[schema(value_type = Option<String>, example = "evd_5f0c8e6b1d4a5b7c9e2f3a4b5c6d7e8f")]
    replaces: Option<EvidenceId>,
}

impl Check for SubmitEvidence {
    fn check(&self, fields: &mut Fields) {
        fields.take("/evidence_type", check_evidence_type(&self.evidence_type));
        if let Some(hash) = &self.content_hash {
            fields.take("/content_hash", check_content_hash(hash));
        }
    }
}

impl SubmitEvidence {
    /// Where the file lies.
    pub fn file_url(&self) -> &WebUrl {
        &self.file_url
    }

    /// The client's own notes.
    pub fn metadata(&self) -> Option<&Metadata> {
        self.metadata.as_ref()
    }

    /// As a command, of this partner, whose key it is.
    pub fn command(self, partner: PartnerId, key: &PersonalKey) -> Written {
        let url = self.file_url.as_str();
        let subject = EvidenceId::of(&self.campaign_id, &partner, &self.evidence_type, url);
        let notes = texts::of_evidences_notes(&subject);
        let about = About {
            key: self.campaign_id,
            record: SubmitEvidenceV1 {
                partner_id: partner.into_string(),
                evidence_type: self.evidence_type,
                file_url: String::new(),
                metadata: None,
                content_hash: self.content_hash,
                replaces: self.replaces.map(EvidenceId::into_string),
                sealed_url: Some(key.seal(&texts::of_evidence(&subject), url)),
                url_hash: Some(types::hex(digest(&SHA256, url.as_bytes()).as_ref())),
                sealed_metadata: self.metadata.map(|text| key.seal(&notes, text.as_str())),
            },
            subject,
        };
        about.write()
    }
}

/// That evidence shows what it should.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApproveEvidence {
    /// For which campaign it is.
    #[schema(value_type = String, example = "camp123")]
    campaign_id: CampaignId,
}

impl Check for ApproveEvidence {}

impl ApproveEvidence {
    /// As a command, of this evidence.
    pub fn command(self, evidence: EvidenceId) -> Written {
        review(self.campaign_id, evidence, ApproveEvidenceV1 {})
    }
}

/// That evidence does not show what it should, for good.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RejectEvidence {
    /// For which campaign it is.
    #[schema(value_type = String, example = "camp123")]
    campaign_id: CampaignId,
    /// Why, for the partner.
    #[schema(value_type = lists::EvidenceReason)]
    reason: EvidenceReason,
}

impl Check for RejectEvidence {}

impl RejectEvidence {
    /// As a command, of this evidence.
    pub fn command(self, evidence: EvidenceId) -> Written {
        let reason = self.reason.name().to_owned();
        review(self.campaign_id, evidence, RejectEvidenceV1 { reason })
    }
}

/// That the partner may show more, or other, evidence.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReturnEvidence {
    /// For which campaign it is.
    #[schema(value_type = String, example = "camp123")]
    campaign_id: CampaignId,
    /// Why, for the partner.
    #[schema(value_type = lists::EvidenceReason)]
    reason: EvidenceReason,
}

impl Check for ReturnEvidence {}

impl ReturnEvidence {
    /// As a command, of this evidence.
    pub fn command(self, evidence: EvidenceId) -> Written {
        let reason = self.reason.name().to_owned();
        review(self.campaign_id, evidence, ReturnEvidenceV1 { reason })
    }
}

/// A command about a piece of evidence: its campaign is the key that it was submitted under.
fn review<R>(key: CampaignId, subject: EvidenceId, record: R) -> Written
where
    R: schemas::Record<Key = CampaignId, Subject = EvidenceId>,
{
    let about = About {
        key,
        subject,
        record,
    };
    about.write()
}
