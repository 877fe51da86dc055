//! What the workload asks: each command once, written for every way by which it can be sent.

use std::sync::LazyLock;

use anyhow::{Context as _, Result, anyhow};
use chassis::time::Timestamp;
use reqwest::Method;
use schemas::{
    AcceptClaimV1, AcceptV1, ActivateV1, Actor, AnnounceDepositV1, ApproveEvidenceV1, ApproveV1,
    BanPartnerV1, BindClickV1, Body, ChangeGroupV1, ChangeLinkV1, ChangePartnerV1, ChangeV1,
    CloseV1, CreateLinkV1, CreateV1, DeclineClaimV1, EndEnrollmentV1, MovePartnerV1, OpenAccountV1,
    PauseV1, Plan, PublishTermsV1, RecordEventV1, ResumeV1, ReturnEvidenceV1, Service,
    SubmitEvidenceV1, TransferFundsV1, UnbanPartnerV1, WireMoney, WithdrawV1,
};
use serde_json::{Value, json};
use types::{
    AccountName, ApiKeyId, BanId, BrandId, CampaignId, ClaimId, ConversionId, DepositId,
    EnrollmentId, EnrollmentStatus, EvidenceId, EvidenceReason, FundsAccountId, FundsTransferId,
    GroupId, JoinMode, LinkStatus, MembershipId, Micros, OrderId, PartnerId, RefusalReason,
    WithdrawalId,
};
use uuid::Uuid;

use super::requested::Requested;

/// An amount in minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Amount {
    /// Minor units.
    pub minor: u64,
    /// ISO 4217.
    pub currency: &'static str,
}

impl Amount {
    /// Decimal text with the currency's digits: JPY has none, the others of the workload two.
    pub fn text(self) -> String {
        match self.currency {
            "JPY" => self.minor.to_string(),
            _ => format!("{}.{:02}", self.minor / 100, self.minor % 100),
        }
    }

    fn wire(self) -> WireMoney {
        WireMoney {
            minor: self.minor.cast_signed(),
            currency: self.currency.to_owned(),
        }
    }
}

/// What a campaign pays for a sale; a lead earns a flat 2.50, or 250.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Basis points of a sale; none: a flat 1.75, or 175.
    pub bps: Option<u16>,
    /// Days on hold.
    pub hold_days: u16,
    /// ISO 4217.
    pub currency: &'static str,
}

/// When terms are in force that no partner of the run accepts: one time for all of its attempts.
static LATER: LazyLock<Micros> = LazyLock::new(|| {
    let now = types::clock::now();
    now.checked_add_days(DAYS_UNTIL_LATER).unwrap_or(now)
});

/// Behind the time that the run lets pass at its end, and within the year that terms may be published ahead.
const DAYS_UNTIL_LATER: i64 = 200;
const REMOVED: RefusalReason = RefusalReason::TermsViolated;
/// Where partners are that say so.
pub const HOME: &str = "DE";
const RETURNED: EvidenceReason = EvidenceReason::NeedsMoreDetail;
const DECLINED: &str = "order_unknown";
const LEAD: u64 = 250;
const FLAT_SALE: u64 = 175;
const WINDOW_DAYS: i32 = 30;

/// How partners come into a campaign, by its name.
pub fn join_of(campaign: &str) -> JoinMode {
    if campaign.starts_with("dca") {
        JoinMode::Approval
    } else {
        JoinMode::Open
    }
}

/// What changes in a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It leads to another page.
    Page(&'static str),
    /// The brand disables or enables it.
    ByBrand(LinkStatus),
    /// The partner does.
    ByPartner(LinkStatus),
}

impl Change {
    fn target_url(self) -> Option<String> {
        match self {
            Self::Page(page) => Some(format!("https://shop.example/{page}")),
            Self::ByBrand(_) | Self::ByPartner(_) => None,
        }
    }

    fn status(self) -> Option<&'static str> {
        match self {
            Self::Page(_) => None,
            Self::ByBrand(status) | Self::ByPartner(status) => Some(status.name()),
        }
    }
}

/// Who reports what a click led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reporter {
    /// Nobody in particular: an operator, or the brand's own system.
    Anybody,
    /// The brand.
    Shop(String),
    /// The partner, which only claims it.
    Partner(String),
}

/// A command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    Create {
        campaign: String,
        brand: String,
        currency: &'static str,
    },
    Publish {
        campaign: String,
        terms: Terms,
        /// In force long after the run; else at once.
        later: bool,
    },
    /// A step in the campaign's life: `activate`, `pause`, `resume` or `close`.
    Move {
        campaign: String,
        step: &'static str,
    },
    Accept {
        campaign: String,
        partner: String,
        version: Option<i32>,
    },
    /// The brand approves a partner that applied.
    Approve { campaign: String, partner: String },
    /// The partner leaves, or its brand removes it.
    End {
        campaign: String,
        partner: String,
        removed: bool,
    },
    /// The campaign's brand bans the partner, or lets it back.
    Ban {
        campaign: String,
        partner: String,
        lifted: bool,
    },
    /// The campaign's brand makes an API key.
    Key { campaign: String },
    Evidence {
        campaign: String,
        partner: String,
        url: String,
    },
    /// The partner says who it is.
    Named { partner: String },
    /// An operator erases what is known of the partner.
    Erase { partner: String },
    /// The brand says what its campaign is about.
    Describe {
        campaign: String,
        description: String,
    },
    /// The brand puts the partner into its default group, in which it is.
    Group { campaign: String, partner: String },
    /// The brand says how many links partners in its default group may have.
    Limit { campaign: String, link_limit: i32 },
    /// The brand approves it, or gives it back.
    Review {
        campaign: String,
        partner: String,
        url: String,
        approved: bool,
    },
    Link {
        campaign: String,
        partner: String,
        code: String,
        host: &'static str,
    },
    /// The partner changes its link, or the brand does.
    Change {
        campaign: String,
        partner: String,
        code: String,
        change: Change,
    },
    Report {
        kind: &'static str,
        user: String,
        campaign: Option<String>,
        order: Option<String>,
        amount: Option<Amount>,
        by: Reporter,
        /// Names the click that the journey noted last.
        click: bool,
    },
    /// The brand says whose the click was that the journey noted last.
    Bind { campaign: String, user: String },
    /// Accepts or declines what a partner claims.
    Decide {
        campaign: String,
        partner: String,
        order: String,
        accepted: bool,
    },
    Payout {
        partner: String,
        amount: Amount,
        /// To an account that the provider always refuses.
        refused: bool,
    },
    /// The campaign's brand opens an account.
    Open { campaign: String, name: String },
    /// It says that money is on its way there.
    Deposit {
        campaign: String,
        name: String,
        amount: Amount,
    },
    /// It takes money from there to its funds, or out.
    Take {
        campaign: String,
        name: String,
        amount: Amount,
        out: bool,
    },
    /// Anything else.
    Requested(Box<Requested>),
}

impl Act {
    /// Who decides it.
    pub fn service(&self) -> Service {
        match self {
            Self::Requested(requested) => requested.service,
            Self::Create { .. }
            | Self::Publish { .. }
            | Self::Move { .. }
            | Self::Accept { .. }
            | Self::Approve { .. }
            | Self::End { .. }
            | Self::Ban { .. }
            | Self::Key { .. }
            | Self::Evidence { .. }
            | Self::Named { .. }
            | Self::Erase { .. }
            | Self::Describe { .. }
            | Self::Group { .. }
            | Self::Limit { .. }
            | Self::Review { .. } => Service::Campaign,
            Self::Link { .. }
            | Self::Change { .. }
            | Self::Bind { .. }
            | Self::Report { .. }
            | Self::Decide { .. } => Service::Tracking,
            Self::Payout { .. } | Self::Open { .. } | Self::Deposit { .. } | Self::Take { .. } => {
                Service::Payment
            }
        }
    }

    /// By which method it is taken.
    pub fn method(&self) -> Method {
        match self {
            Self::Change { .. }
            | Self::Named { .. }
            | Self::Describe { .. }
            | Self::Limit { .. } => Method::PATCH,
            Self::Requested(requested) => requested.method.clone(),
            _ => Method::POST,
        }
    }

    /// Where the bff takes it, behind `/api/v1/`. `noted` is the click, deposit or key that the journey
    /// noted last.
    pub fn bff_path(&self, noted: Option<&str>) -> String {
        match self {
            Self::Create { .. } => "campaigns".to_owned(),
            Self::Publish { campaign, .. } => format!("campaigns/{campaign}/terms"),
            Self::Move { campaign, step } => format!("campaigns/{campaign}/{step}"),
            Self::Approve { campaign, partner } => {
                format!("campaigns/{campaign}/partners/{partner}/approve")
            }
            Self::End {
                campaign,
                partner,
                removed: true,
            } => format!("campaigns/{campaign}/partners/{partner}/remove"),
            Self::End { campaign, .. } => format!("campaigns/{campaign}/leave"),
            Self::Ban {
                partner, lifted, ..
            } => {
                let step = if *lifted { "unban" } else { "ban" };
                format!("partners/{partner}/{step}")
            }
            Self::Accept { campaign, .. } => format!("campaigns/{campaign}/accept"),
            Self::Key { .. } => "keys".to_owned(),
            Self::Evidence { .. } => "evidence/upload".to_owned(),
            Self::Named { partner } => format!("partners/{partner}"),
            Self::Erase { partner } => format!("partners/{partner}/erase"),
            Self::Describe { campaign, .. } => format!("campaigns/{campaign}"),
            Self::Group { partner, .. } => format!("partners/{partner}/group"),
            Self::Limit { campaign, .. } => format!("groups/{}", default_group(campaign)),
            Self::Review { approved, .. } => {
                let step = if *approved { "approve" } else { "return" };
                format!("evidence/{}/{step}", self.evidence())
            }
            Self::Link { .. } => "links".to_owned(),
            Self::Change { code, .. } => format!("links/{code}"),
            Self::Report { .. } => "tracking/events".to_owned(),
            Self::Bind { .. } => format!("tracking/clicks/{}/visitor", noted.unwrap_or_default()),
            Self::Decide { accepted, .. } => {
                let decision = if *accepted { "accept" } else { "decline" };
                format!("claims/{}/{decision}", self.claim())
            }
            Self::Payout { .. } => "payments/request".to_owned(),
            Self::Open { .. } => "accounts".to_owned(),
            Self::Deposit { .. } => "deposits".to_owned(),
            Self::Take { out: true, .. } => "withdrawals".to_owned(),
            Self::Take { .. } => "transfers".to_owned(),
            Self::Requested(requested) => requested.path(noted),
        }
    }

    /// Where its service takes it, behind `/api/v1/`.
    pub fn own_path(&self, noted: Option<&str>) -> String {
        match self {
            Self::Evidence { .. } => "campaign/evidence".to_owned(),
            Self::Link { .. } => "tracking/links".to_owned(),
            Self::Report { .. } => "tracking/events".to_owned(),
            Self::Bind { .. } => self.bff_path(noted),
            Self::Change { .. } | Self::Decide { .. } => {
                format!("tracking/{}", self.bff_path(noted))
            }
            Self::Payout { .. } => "payment/payouts".to_owned(),
            Self::Open { .. } | Self::Deposit { .. } | Self::Take { .. } => {
                format!("payment/{}", self.bff_path(noted))
            }
            Self::Requested(requested) => {
                format!("{}/{}", requested.service.name(), requested.path(noted))
            }
            _ => format!("campaign/{}", self.bff_path(noted)),
        }
    }

    /// The id of what the command of this id makes, where a later step names it.
    pub fn makes(&self, id: Uuid) -> Option<String> {
        match self {
            Self::Key { .. } => Some(ApiKeyId::of_command(id).into_string()),
            Self::Deposit { .. } => Some(DepositId::of_command(id).into_string()),
            Self::Take { out: true, .. } => Some(WithdrawalId::of_command(id).into_string()),
            Self::Requested(requested) => requested.makes(id),
            _ => None,
        }
    }

    /// Whether it makes links, for which tracking has to know that the partner is in.
    pub fn makes_links(&self) -> bool {
        match self {
            Self::Link { .. } => true,
            Self::Requested(requested) => {
                requested.service == Service::Tracking && requested.by.is_some()
            }
            _ => false,
        }
    }

    /// The same report by a partner, with another amount.
    pub fn claimed_by(&self, partner: &str, minor: u64) -> Self {
        let mut claim = self.clone();
        if let Self::Report { amount, by, .. } = &mut claim {
            *by = Reporter::Partner(partner.to_owned());
            *amount = amount.map(|amount| Amount { minor, ..amount });
        }
        claim
    }

    /// The evidence that is decided upon.
    fn evidence(&self) -> String {
        let Self::Review {
            campaign,
            partner,
            url,
            ..
        } = self
        else {
            return String::new();
        };
        let id = CampaignId::parse(&**campaign).and_then(|campaign| {
            let partner = PartnerId::parse(&**partner)?;
            Ok(EvidenceId::of(&campaign, &partner, "photo", url))
        });
        id.map_or_else(|_| String::new(), EvidenceId::into_string)
    }

    /// The claim that is decided upon.
    fn claim(&self) -> String {
        let Self::Decide {
            campaign,
            partner,
            order,
            ..
        } = self
        else {
            return String::new();
        };
        let brand = BrandId::parse(brand_of(campaign));
        let (order, partner) = (OrderId::parse(&**order), PartnerId::parse(&**partner));
        let id = brand.and_then(|brand| {
            Ok(ClaimId::of(
                &ConversionId::of_brand(&brand, &order?),
                &partner?,
            ))
        });
        id.map(ClaimId::into_string).unwrap_or_default()
    }

    /// The body, the same at the bff and at its service. Submitted by an operator, who says for whom.
    pub fn json(&self, noted: Option<&str>) -> Value {
        match self {
            Self::Create {
                campaign,
                brand,
                currency,
            } => json!({
                "campaign_id": campaign, "brand_id": brand, "name": format!("Chaos {campaign}"), "currency": currency,
                "allowed_hosts": ["shop.example"], "join": join_of(campaign).name(),
            }),
            Self::Publish { terms, later, .. } => terms.json(*later),
            Self::Move { .. }
            | Self::Approve { .. }
            | Self::Erase { .. }
            | Self::Decide { accepted: true, .. } => json!({}),
            Self::Describe { description, .. } => json!({"description": description}),
            Self::Bind { user, .. } => json!({"user_id": user}),
            Self::Ban {
                campaign,
                lifted: true,
                ..
            } => json!({"brand_id": brand_of(campaign)}),
            Self::Ban { campaign, .. } => {
                json!({"brand_id": brand_of(campaign), "reason": REMOVED.name()})
            }
            Self::Key { campaign } => {
                json!({"brand_id": brand_of(campaign), "scopes": ["conversions.write", "reports.read"]})
            }
            Self::End { removed: true, .. } => json!({"reason": REMOVED.name()}),
            Self::End { partner, .. } => json!({"partner_id": partner}),
            Self::Accept {
                partner, version, ..
            } => {
                let mut body = json!({"accepted_terms": true, "partner_id": partner});
                if let Some(version) = version {
                    body["terms_version"] = json!(version);
                }
                body
            }
            Self::Group { campaign, .. } => {
                json!({"brand_id": brand_of(campaign), "group_id": default_group(campaign)})
            }
            Self::Limit {
                campaign,
                link_limit,
            } => json!({"brand_id": brand_of(campaign), "link_limit": link_limit}),
            Self::Named { partner } => json!({"name": partner, "country": HOME, "currency": "USD"}),
            Self::Review {
                campaign, approved, ..
            } => reviewed(campaign, *approved),
            Self::Evidence {
                campaign,
                partner,
                url,
            } => json!({
                "campaign_id": campaign, "partner_id": partner, "evidence_type": "photo", "file_url": url,
            }),
            Self::Link {
                campaign,
                partner,
                code,
                host,
            } => json!({
                "campaign_id": campaign, "partner_id": partner, "code": code, "target_url": format!("https://{host}/"),
            }),
            Self::Change { change, .. } => match change.status() {
                Some(status) => json!({"status": status}),
                None => json!({"target_url": change.target_url()}),
            },
            Self::Report {
                kind,
                user,
                campaign,
                order,
                amount,
                click: names_it,
                ..
            } => {
                let given = [
                    ("campaign_id", campaign.clone()),
                    ("order_id", order.clone()),
                    ("amount", amount.map(Amount::text)),
                    ("currency", amount.map(|amount| amount.currency.to_owned())),
                    (
                        "click_id",
                        noted.filter(|_| *names_it).map(ToOwned::to_owned),
                    ),
                ];
                with(json!({"event_type": kind, "user_id": user}), given)
            }
            Self::Decide { .. } => json!({"reason": DECLINED}),
            Self::Open { .. } | Self::Deposit { .. } | Self::Take { .. } | Self::Payout { .. } => {
                self.json_of_money()
            }
            Self::Requested(requested) => requested.json(noted),
        }
    }

    /// That of what moves money.
    fn json_of_money(&self) -> Value {
        match self {
            Self::Open { campaign, name } => json!({"brand_id": brand_of(campaign), "name": name}),
            Self::Deposit {
                campaign,
                name,
                amount,
            }
            | Self::Take {
                campaign,
                name,
                amount,
                out: true,
            } => json!({
                "brand_id": brand_of(campaign), "account": name, "amount": amount.text(), "currency": amount.currency,
            }),
            Self::Take {
                campaign,
                name,
                amount,
                ..
            } => json!({
                "brand_id": brand_of(campaign), "from_account": name, "amount": amount.text(), "currency": amount.currency,
            }),
            Self::Payout {
                partner,
                amount,
                refused,
            } => {
                let account = if *refused { "refused+" } else { "" };
                json!({
                    "partner_id": partner, "amount": amount.text(), "currency": amount.currency,
                    "payment_method": "paypal",
                    "account_details": {"email": format!("{account}{partner}@example.com")},
                })
            }
            _ => Value::Null,
        }
    }

    /// Who asks: the brand, the partner, or nobody in particular for what is reported.
    pub fn actor(&self) -> Option<Actor> {
        match self {
            Self::Create { campaign, .. }
            | Self::Publish { campaign, .. }
            | Self::Move { campaign, .. }
            | Self::Approve { campaign, .. }
            | Self::End {
                campaign,
                removed: true,
                ..
            }
            | Self::Ban { campaign, .. }
            | Self::Key { campaign }
            | Self::Describe { campaign, .. }
            | Self::Review { campaign, .. }
            | Self::Group { campaign, .. }
            | Self::Limit { campaign, .. }
            | Self::Change {
                campaign,
                change: Change::ByBrand(_),
                ..
            }
            | Self::Bind { campaign, .. }
            | Self::Open { campaign, .. }
            | Self::Deposit { campaign, .. }
            | Self::Take { campaign, .. }
            | Self::Decide { campaign, .. } => Some(actor_of_brand(brand_of(campaign))),
            Self::Accept { partner: own, .. }
            | Self::Named { partner: own }
            | Self::End { partner: own, .. }
            | Self::Evidence { partner: own, .. }
            | Self::Link { partner: own, .. }
            | Self::Change { partner: own, .. }
            | Self::Payout { partner: own, .. }
            | Self::Report {
                by: Reporter::Partner(own),
                ..
            } => Some(actor_of_partner(own)),
            Self::Report {
                by: Reporter::Shop(shop),
                ..
            } => Some(actor_of_brand(shop.clone())),
            Self::Report {
                by: Reporter::Anybody,
                ..
            }
            | Self::Erase { .. } => None,
            Self::Requested(requested) => requested.by.clone(),
        }
    }

    /// Whether only its own token says whose it is: a number without a campaign, a claim, or who disables a link.
    pub fn needs_its_actor(&self) -> bool {
        matches!(
            self,
            Self::Change { .. }
                | Self::Report { campaign: None, .. }
                | Self::Report {
                    by: Reporter::Partner(_),
                    ..
                }
        )
    }

    /// The brand that asks, where a brand may: its system may send it by the broker.
    pub fn brand(&self) -> Option<String> {
        match self {
            Self::Create { campaign, .. }
            | Self::Publish { campaign, .. }
            | Self::Move { campaign, .. }
            | Self::Approve { campaign, .. }
            | Self::End {
                campaign,
                removed: true,
                ..
            }
            | Self::Ban { campaign, .. }
            | Self::Describe { campaign, .. }
            | Self::Review { campaign, .. }
            | Self::Group { campaign, .. }
            | Self::Limit { campaign, .. }
            | Self::Change {
                campaign,
                change: Change::ByBrand(_),
                ..
            }
            | Self::Bind { campaign, .. }
            | Self::Open { campaign, .. }
            | Self::Deposit { campaign, .. }
            | Self::Take { campaign, .. }
            | Self::Decide { campaign, .. } => Some(brand_of(campaign)),
            Self::Report {
                by: Reporter::Shop(shop),
                ..
            } => Some(shop.clone()),
            Self::Report {
                by: Reporter::Anybody,
                campaign,
                ..
            } => campaign.as_deref().map(brand_of),
            Self::Requested(requested) => {
                let by = requested.by.as_ref().filter(|_| requested.sent.is_some());
                by.and_then(|by| by.brand_id.clone())
            }
            Self::Report { .. }
            | Self::Key { .. }
            | Self::Accept { .. }
            | Self::End { .. }
            | Self::Named { .. }
            | Self::Erase { .. }
            | Self::Evidence { .. }
            | Self::Link { .. }
            | Self::Change { .. }
            | Self::Payout { .. } => None,
        }
    }

    /// Key, subject and body of the message that it is, where an external producer can make one: payment details are
    /// sealed by the bff, and secrets of keys are made where people ask.
    #[expect(
        clippy::too_many_lines,
        reason = "one arm for each command, all of one form"
    )]
    pub fn message(&self, id: Uuid, noted: Option<&str>) -> Result<Option<(String, String, Body)>> {
        let campaign_id = |text: &String| CampaignId::parse(text.clone());
        let partner_id = |text: &String| PartnerId::parse(text.clone());
        let wrong = |error| anyhow!("{self:?}: {error}");
        let about = |campaign: &String, body| Some((campaign.clone(), campaign.clone(), body));
        Ok(match self {
            Self::Create {
                campaign,
                brand,
                currency,
            } => about(
                campaign,
                Body::CreateV1(CreateV1 {
                    brand_id: brand.clone(),
                    name: format!("Chaos {campaign}"),
                    currency: (*currency).to_owned(),
                    allowed_hosts: vec!["shop.example".to_owned()],
                    fallback_url: None,
                    join: Some(join_of(campaign).name().to_owned()),
                    description: None,
                    landing_url: None,
                    starts_at: None,
                    ends_at: None,
                    budget: None,
                    trusts_redirects: None,
                }),
            ),
            Self::Publish {
                campaign,
                terms,
                later,
            } => about(
                campaign,
                Body::PublishTermsV1(PublishTermsV1 {
                    text: "Terms of the run.".to_owned(),
                    window_days: WINDOW_DAYS,
                    plan: terms.plan(),
                    effective_at: later.then_some(*LATER),
                }),
            ),
            Self::Move { campaign, step } => about(
                campaign,
                match *step {
                    "pause" => Body::PauseV1(PauseV1 {}),
                    "resume" => Body::ResumeV1(ResumeV1 {}),
                    "close" => Body::CloseV1(CloseV1 {}),
                    _ => Body::ActivateV1(ActivateV1 {}),
                },
            ),
            Self::Approve { campaign, partner } => {
                let parts = (campaign_id(campaign), partner_id(partner));
                let subject = EnrollmentId::of(&parts.0.map_err(wrong)?, &parts.1.map_err(wrong)?);
                let partner_id = partner.clone();
                let body = ApproveV1 { partner_id };
                Some((campaign.clone(), subject.to_string(), body.into()))
            }
            Self::End {
                campaign,
                partner,
                removed,
            } => {
                let parts = (campaign_id(campaign), partner_id(partner));
                let subject = EnrollmentId::of(&parts.0.map_err(wrong)?, &parts.1.map_err(wrong)?);
                let status = if *removed {
                    EnrollmentStatus::Removed
                } else {
                    EnrollmentStatus::Left
                };
                let body = EndEnrollmentV1 {
                    partner_id: partner.clone(),
                    status: status.name().to_owned(),
                    reason: removed.then(|| REMOVED.name().to_owned()),
                };
                Some((campaign.clone(), subject.to_string(), body.into()))
            }
            Self::Ban {
                campaign,
                partner,
                lifted,
            } => {
                let brand = BrandId::parse(brand_of(campaign)).map_err(wrong)?;
                let subject = BanId::of(Some(&brand), &partner_id(partner).map_err(wrong)?);
                let brand_id = Some(brand.into_string());
                let body = if *lifted {
                    UnbanPartnerV1 { brand_id }.into()
                } else {
                    let reason = REMOVED.name().to_owned();
                    BanPartnerV1 { brand_id, reason }.into()
                };
                Some((partner.clone(), subject.to_string(), body))
            }
            Self::Accept {
                campaign,
                partner,
                version,
            } => {
                let parts = (campaign_id(campaign), partner_id(partner));
                let subject = EnrollmentId::of(&parts.0.map_err(wrong)?, &parts.1.map_err(wrong)?);
                let body = AcceptV1 {
                    partner_id: partner.clone(),
                    terms_version: *version,
                    ..AcceptV1::default()
                };
                Some((campaign.clone(), subject.to_string(), Body::AcceptV1(body)))
            }
            Self::Evidence {
                campaign,
                partner,
                url,
            } => {
                let parts = (campaign_id(campaign), partner_id(partner));
                let (of, by) = (parts.0.map_err(wrong)?, parts.1.map_err(wrong)?);
                let subject = EvidenceId::of(&of, &by, "photo", url);
                let body = SubmitEvidenceV1 {
                    partner_id: partner.clone(),
                    evidence_type: "photo".to_owned(),
                    file_url: url.clone(),
                    ..SubmitEvidenceV1::default()
                };
                Some((
                    campaign.clone(),
                    subject.to_string(),
                    Body::SubmitEvidenceV1(body),
                ))
            }
            Self::Group { campaign, partner } => {
                let brand = BrandId::parse(brand_of(campaign)).map_err(wrong)?;
                let subject = MembershipId::of(&brand, &partner_id(partner).map_err(wrong)?);
                let body = MovePartnerV1 {
                    partner_id: partner.clone(),
                    group_id: default_group(campaign),
                };
                Some((brand.into_string(), subject.into_string(), body.into()))
            }
            Self::Limit {
                campaign,
                link_limit,
            } => {
                let body = ChangeGroupV1 {
                    name: None,
                    link_limit: Some(*link_limit),
                    status: None,
                    clear: Vec::new(),
                };
                Some((brand_of(campaign), default_group(campaign), body.into()))
            }
            Self::Named { partner } => {
                let body = ChangePartnerV1 {
                    name: Some(partner.clone()),
                    country: Some(HOME.to_owned()),
                    currency: Some("USD".to_owned()),
                    ..ChangePartnerV1::default()
                };
                Some((partner.clone(), partner.clone(), body.into()))
            }
            Self::Review {
                campaign, approved, ..
            } => {
                let body = if *approved {
                    ApproveEvidenceV1 {}.into()
                } else {
                    let reason = RETURNED.name().to_owned();
                    ReturnEvidenceV1 { reason }.into()
                };
                Some((campaign.clone(), self.evidence(), body))
            }
            Self::Link {
                campaign,
                partner,
                code,
                host,
            } => {
                let body = CreateLinkV1 {
                    campaign_id: campaign.clone(),
                    partner_id: partner.clone(),
                    target_url: format!("https://{host}/"),
                    utm: None,
                    deep_paths: None,
                };
                Some((code.clone(), code.clone(), Body::CreateLinkV1(body)))
            }
            Self::Change { code, change, .. } => {
                let body = ChangeLinkV1 {
                    target_url: change.target_url(),
                    status: change.status().map(ToOwned::to_owned),
                    utm: None,
                    deep_paths: None,
                };
                Some((code.clone(), code.clone(), body.into()))
            }
            Self::Report {
                kind,
                user,
                campaign,
                order,
                amount,
                by,
                click: names_it,
            } => {
                let shop = match by {
                    Reporter::Shop(shop) => Some(shop.clone()),
                    Reporter::Anybody | Reporter::Partner(_) => None,
                };
                let shop = shop.map(BrandId::parse).transpose();
                let of = campaign.as_ref().map(campaign_id).transpose();
                let number = order.clone().map(OrderId::parse).transpose();
                let (shop, of) = (shop.map_err(wrong)?, of.map_err(wrong)?);
                let number = number.map_err(wrong)?;
                let conversion =
                    ConversionId::of_report(shop.as_ref(), of.as_ref(), number.as_ref(), id);
                let body = RecordEventV1 {
                    event_type: (*kind).to_owned(),
                    user_id: user.clone(),
                    occurred_at: None,
                    amount: amount.map(Amount::text),
                    currency: amount.map(|amount| amount.currency.to_owned()),
                    order_id: order.clone(),
                    campaign_id: campaign.clone(),
                    click_id: noted.filter(|_| *names_it).map(ToOwned::to_owned),
                    product_id: None,
                    metadata: None,
                    visitor: None,
                    conversion_id: None,
                };
                let conversion = conversion.to_string();
                Some((conversion.clone(), conversion, Body::RecordEventV1(body)))
            }
            Self::Bind { user, .. } => {
                let click = noted.context("a click")?.to_owned();
                let body = BindClickV1 {
                    user_id: Some(user.clone()),
                    visitor: None,
                };
                Some((click.clone(), click, body.into()))
            }
            Self::Decide { accepted, .. } => {
                let body = if *accepted {
                    Body::AcceptClaimV1(AcceptClaimV1 {})
                } else {
                    Body::DeclineClaimV1(DeclineClaimV1 {
                        reason: DECLINED.to_owned(),
                    })
                };
                Some((self.claim(), self.claim(), body))
            }
            Self::Open { campaign, name } => {
                let brand = BrandId::parse(brand_of(campaign)).map_err(wrong)?;
                let account = AccountName::parse(name.clone()).map_err(wrong)?;
                let body = OpenAccountV1 {
                    brand_id: brand.to_string(),
                    name: name.clone(),
                };
                let subject = FundsAccountId::of(&brand, &account).into_string();
                Some((brand.into_string(), subject, body.into()))
            }
            Self::Deposit {
                campaign,
                name,
                amount,
            } => {
                let body = AnnounceDepositV1 {
                    brand_id: brand_of(campaign),
                    account: Some(name.clone()),
                    amount: amount.wire(),
                    reference: None,
                };
                let subject = DepositId::of_command(id).into_string();
                Some((subject.clone(), subject, body.into()))
            }
            Self::Take {
                campaign,
                name,
                amount,
                out: true,
            } => {
                let body = WithdrawV1 {
                    brand_id: brand_of(campaign),
                    account: Some(name.clone()),
                    amount: amount.wire(),
                    reference: None,
                };
                let subject = WithdrawalId::of_command(id).into_string();
                Some((subject.clone(), subject, body.into()))
            }
            Self::Take {
                campaign,
                name,
                amount,
                ..
            } => {
                let body = TransferFundsV1 {
                    brand_id: brand_of(campaign),
                    from_account: Some(name.clone()),
                    to_account: None,
                    amount: amount.wire(),
                };
                let subject = FundsTransferId::of_command(id).into_string();
                Some((brand_of(campaign), subject, body.into()))
            }
            Self::Describe {
                campaign,
                description,
            } => {
                let body = ChangeV1 {
                    description: Some(description.clone()),
                    ..ChangeV1::default()
                };
                about(campaign, body.into())
            }
            Self::Requested(requested) => requested.sent.clone(),
            Self::Payout { .. } | Self::Key { .. } | Self::Erase { .. } => None,
        })
    }
}

/// A body with those of these fields that there are.
fn with(mut body: Value, given: [(&str, Option<String>); 5]) -> Value {
    for (name, value) in given {
        if let Some(value) = value {
            body[name] = json!(value);
        }
    }
    body
}

/// What a brand says of evidence.
fn reviewed(campaign: &str, approved: bool) -> Value {
    if approved {
        json!({"campaign_id": campaign})
    } else {
        json!({"campaign_id": campaign, "reason": RETURNED.name()})
    }
}

/// The group that partners of this campaign's brand are in.
fn default_group(campaign: &str) -> String {
    BrandId::parse(brand_of(campaign)).map_or_else(
        |_| String::new(),
        |brand| GroupId::default_of(&brand).into_string(),
    )
}

/// A brand, as its token has it.
pub fn actor_of_brand(brand: String) -> Actor {
    Actor {
        subject: brand.clone(),
        roles: vec!["brand".to_owned()],
        partner_id: None,
        brand_id: Some(brand),
    }
}

/// The same of a partner.
pub fn actor_of_partner(partner: &str) -> Actor {
    Actor {
        subject: partner.to_owned(),
        roles: vec!["partner".to_owned()],
        partner_id: Some(partner.to_owned()),
        brand_id: None,
    }
}

/// Whose campaign it is.
pub fn brand_of(campaign: &str) -> String {
    format!("brand-{campaign}")
}

impl Terms {
    fn json(self, later: bool) -> Value {
        let flat = |minor| {
            let amount = Amount {
                minor,
                currency: self.currency,
            };
            json!({"flat": {"amount": amount.text(), "currency": self.currency}})
        };
        let sale = self
            .bps
            .map_or_else(|| flat(FLAT_SALE), |bps| json!({"bps": bps}));
        let mut terms = json!({
            "text": "Terms of the run.", "window_days": WINDOW_DAYS,
            "plan": {"sale": sale, "lead": flat(LEAD), "hold_days": self.hold_days},
        });
        if later {
            terms["effective_at"] = json!(Timestamp(*LATER));
        }
        terms
    }

    fn plan(self) -> Plan {
        let flat = |minor| WireMoney {
            minor,
            currency: self.currency.to_owned(),
        };
        Plan {
            sale_bps: self.bps.map(i32::from),
            sale_flat: self.bps.is_none().then(|| flat(FLAT_SALE.cast_signed())),
            lead_bps: None,
            lead_flat: Some(flat(LEAD.cast_signed())),
            hold_days: i32::from(self.hold_days),
        }
    }
}
