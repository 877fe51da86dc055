//! Who may do what: one line for each way in which a route can name something that is somebody's.

use axum::http::StatusCode;
use schemas::Service;

/// What comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// 2xx, a redirect, or the conflict with having done it before.
    Yes,
    /// 404: as if it were not there.
    Hidden,
    /// 403: not for this role at all, whatever is named.
    Role,
    /// 401.
    NoToken,
    /// 400 or 422: for whom is not said.
    Unsaid,
}

use Seen::{Hidden, Role, Unsaid, Yes};

impl Seen {
    /// Whether a status says this.
    pub fn fits(self, status: StatusCode) -> bool {
        match self {
            Self::Yes => {
                status.is_success() || status.is_redirection() || status == StatusCode::CONFLICT
            }
            Self::Hidden => status == StatusCode::NOT_FOUND,
            Self::Role => status == StatusCode::FORBIDDEN,
            Self::NoToken => status == StatusCode::UNAUTHORIZED,
            Self::Unsaid => matches!(status.as_u16(), 400 | 422),
        }
    }
}

/// A route and a thing that a request names; by whom, in the order of `scene::tokens`: nobody, partner, brand, operator.
pub struct Line {
    pub service: Service,
    /// As the document has it.
    pub route: &'static str,
    /// What is asked for: `$who` is `mine`, `else` or `none`.
    pub path: &'static str,
    /// The body, if it has one.
    pub body: &'static str,
    /// When it is one's own.
    pub own: [Seen; 4],
    /// When it is another's.
    pub others: [Seen; 4],
    /// When it is nobody's.
    pub unknown: [Seen; 4],
    /// No token is needed.
    pub open: bool,
    /// Why it may show another's, or that there is another's.
    pub because: Option<&'static str>,
}

/// What is nobody's is, for all but operators, as another's: letter by letter.
const fn line(
    service: Service,
    route: &'static str,
    path: &'static str,
    body: &'static str,
    own: [Seen; 4],
    others: [Seen; 4],
    unknown_to_operators: Seen,
) -> Line {
    Line {
        service,
        route,
        path,
        body,
        own,
        others,
        unknown: [others[0], others[1], others[2], unknown_to_operators],
        open: false,
        because: None,
    }
}

impl Line {
    const fn open(self) -> Self {
        Self { open: true, ..self }
    }

    /// What is another's may be distinguishable from what is nobody's, for a reason.
    const fn distinguishable(self, unknown: [Seen; 4], because: &'static str) -> Self {
        Self {
            unknown,
            because: Some(because),
            ..self
        }
    }
}

const CAMPAIGN: &str = r#"{"campaign_id":"$new","brand_id":"brand-$who","name":"n","currency":"USD","allowed_hosts":["a.example"]}"#;
const TERMS: &str =
    r#"{"text":"Be honest.","window_days":30,"plan":{"sale":{"bps":1000},"hold_days":0}}"#;
const ACCEPT: &str = r#"{"accepted_terms":true,"partner_id":"partner-$who"}"#;
const PAYOUT: &str = r#"{"partner_id":"partner-$who","amount":"0.01","currency":"USD","payment_method":"paypal","account_details":{"email":"u@a.example"}}"#;
const NEVER: [Seen; 4] = [Hidden, Hidden, Hidden, Hidden];
const BOTH: [Seen; 4] = [Hidden, Yes, Yes, Yes];
/// The partner is the token's: an operator, who is none, must say for whom.
const TOKENS_PARTNER_HIDDEN: [Seen; 4] = [Role, Hidden, Role, Unsaid];
const PARTNERS_LIST: [Seen; 4] = [Role, Yes, Role, Yes];
const ACTIVE: &str = "an active campaign is for every partner to see";
/// Names that their makers choose are one for all: 409.
const TAKEN: &str = "that a chosen name is taken cannot be hidden";
/// A shop may report what no campaign that is known here is meant by; whoever reports for another's is refused, lest it
/// take that one's orders. Campaigns that tracking knows are active ones.
const SHOP: &str = "that another's campaign is active may be known";
const NO_RECORD: &str = "an operator may ban before a brand is known";
const OPERATOR: [Seen; 4] = [Hidden, Hidden, Hidden, Yes];
const BRANDS: [Seen; 4] = [Hidden, Hidden, Yes, Yes];
const PARTNERS: [Seen; 4] = [Hidden, Yes, Hidden, Yes];
const READ_BY_BOTH: [Seen; 4] = [Role, Yes, Yes, Yes];
const OPERATOR_READS: [Seen; 4] = [Role, Hidden, Hidden, Yes];
const BRAND_READS: [Seen; 4] = [Role, Hidden, Yes, Yes];
const PARTNER_READS: [Seen; 4] = [Role, Yes, Hidden, Yes];
/// A list shows what is one's own of what is asked for, be it nothing.
const LISTS: [Seen; 4] = [Role, Yes, Yes, Yes];
/// A brand or partner that is sent to the decider of another service: its outcome says more (see the services' lines).
const TAKEN_OF_BRANDS: [Seen; 4] = [Role, Role, Yes, Yes];
const BRANDS_LIST: [Seen; 4] = [Hidden, Hidden, Yes, Yes];
const TAKEN_OF_PARTNERS: [Seen; 4] = [Role, Yes, Role, Yes];
/// The same where both may ask.
const TAKEN_OF_BOTH: [Seen; 4] = [Role, Yes, Yes, Yes];
const ANYONE: [Seen; 4] = [Yes, Yes, Yes, Yes];

/// All of them, in the order in which they are tried: what changes something comes after what shows it.
#[rustfmt::skip]
pub const LINES: &[Line] = &[
    // campaign
    line(Service::Campaign, "GET /api/v1/campaign/campaigns", "/api/v1/campaign/campaigns?brand_id=brand-$who", "",
        LISTS, LISTS, Yes).distinguishable(LISTS, ACTIVE),
    line(Service::Campaign, "GET /api/v1/campaign/campaigns/{campaign_id}", "/api/v1/campaign/campaigns/camp-$who", "",
        BRAND_READS, OPERATOR_READS, Hidden),
    line(Service::Campaign, "GET /api/v1/campaign/campaigns/{campaign_id}", "/api/v1/campaign/campaigns/live-$who", "",
        READ_BY_BOTH, PARTNER_READS, Hidden).distinguishable([Role, Hidden, Hidden, Hidden], ACTIVE),
    line(Service::Campaign, "GET /api/v1/campaign/campaigns/{campaign_id}/terms", "/api/v1/campaign/campaigns/camp-$who/terms", "",
        BRAND_READS, OPERATOR_READS, Hidden),
    line(Service::Campaign, "GET /api/v1/campaign/evidence", "/api/v1/campaign/evidence", "",
        LISTS, LISTS, Yes),
    line(Service::Campaign, "GET /api/v1/campaign/evidence", "/api/v1/campaign/evidence?partner_id=partner-$who", "",
        LISTS, LISTS, Yes),
    line(Service::Campaign, "GET /api/v1/campaign/evidence", "/api/v1/campaign/evidence?campaign_id=live-$who", "",
        LISTS, LISTS, Yes),
    line(Service::Campaign, "GET /api/v1/campaign/evidence", "/api/v1/campaign/evidence?status=submitted&duplicates=false", "",
        LISTS, LISTS, Yes),
    line(Service::Campaign, "GET /api/v1/campaign/evidence/{evidence_id}", "/api/v1/campaign/evidence/$evidence", "",
        READ_BY_BOTH, OPERATOR_READS, Hidden),
    line(Service::Campaign, "POST /api/v1/campaign/evidence/{evidence_id}/return", "/api/v1/campaign/evidence/$evidence/return",
        r#"{"campaign_id":"live-$who","reason":"other"}"#,
        BRANDS, OPERATOR, Hidden),
    line(Service::Campaign, "POST /api/v1/campaign/evidence/{evidence_id}/reject", "/api/v1/campaign/evidence/$evidence/reject",
        r#"{"campaign_id":"live-$who","reason":"other"}"#,
        BRANDS, OPERATOR, Hidden),
    line(Service::Campaign, "POST /api/v1/campaign/evidence/{evidence_id}/approve", "/api/v1/campaign/evidence/$evidence/approve",
        r#"{"campaign_id":"live-$who"}"#,
        BRANDS, OPERATOR, Hidden),
    // Of a campaign of one's own that it is not for.
    line(Service::Campaign, "POST /api/v1/campaign/evidence/{evidence_id}/approve", "/api/v1/campaign/evidence/$evidence/approve",
        r#"{"campaign_id":"camp-mine"}"#,
        NEVER, NEVER, Hidden),
    line(Service::Campaign, "GET /api/v1/campaign/enrollments", "/api/v1/campaign/enrollments", "",
        LISTS, LISTS, Yes),
    line(Service::Campaign, "GET /api/v1/campaign/enrollments", "/api/v1/campaign/enrollments?partner_id=partner-$who", "",
        LISTS, LISTS, Yes),
    line(Service::Campaign, "GET /api/v1/campaign/enrollments", "/api/v1/campaign/enrollments?campaign_id=camp-$who", "",
        LISTS, LISTS, Yes),
    line(Service::Campaign, "GET /api/v1/campaign/commands/{id}", "/api/v1/campaign/commands/$command", "",
        PARTNERS, OPERATOR, Hidden),
    line(Service::Campaign, "POST /api/v1/campaign/campaigns", "/api/v1/campaign/campaigns", CAMPAIGN,
        BRANDS, OPERATOR, Yes),
    line(Service::Campaign, "POST /api/v1/campaign/campaigns/{campaign_id}/accept", "/api/v1/campaign/campaigns/live-mine/accept", ACCEPT,
        PARTNERS, OPERATOR, Yes),
    line(Service::Campaign, "POST /api/v1/campaign/campaigns/{campaign_id}/accept", "/api/v1/campaign/campaigns/camp-$who/accept",
        r#"{"accepted_terms":true}"#,
        TOKENS_PARTNER_HIDDEN, TOKENS_PARTNER_HIDDEN, Unsaid),
    line(Service::Campaign, "POST /api/v1/campaign/campaigns/{campaign_id}/leave", "/api/v1/campaign/campaigns/camp-$who/leave", "{}",
        TOKENS_PARTNER_HIDDEN, TOKENS_PARTNER_HIDDEN, Unsaid),
    line(Service::Campaign, "POST /api/v1/campaign/evidence", "/api/v1/campaign/evidence",
        r#"{"campaign_id":"live-mine","partner_id":"partner-$who","evidence_type":"photo","file_url":"https://a.example/1"}"#,
        PARTNERS, OPERATOR, Yes),
    line(Service::Campaign, "POST /api/v1/campaign/evidence", "/api/v1/campaign/evidence",
        r#"{"campaign_id":"camp-$who","evidence_type":"photo","file_url":"https://a.example/2"}"#,
        TOKENS_PARTNER_HIDDEN, TOKENS_PARTNER_HIDDEN, Unsaid),
    line(Service::Campaign, "POST /api/v1/campaign/campaigns/{campaign_id}/terms", "/api/v1/campaign/campaigns/camp-$who/terms", TERMS,
        BRANDS, OPERATOR, Hidden),
    line(Service::Campaign, "PATCH /api/v1/campaign/campaigns/{campaign_id}", "/api/v1/campaign/campaigns/camp-$who", r#"{"name":"n"}"#,
        BRANDS, OPERATOR, Hidden),
    line(Service::Campaign, "POST /api/v1/campaign/campaigns/{campaign_id}/activate", "/api/v1/campaign/campaigns/camp-$who/activate", "{}",
        BRANDS, OPERATOR, Hidden),
    line(Service::Campaign, "POST /api/v1/campaign/campaigns/{campaign_id}/pause", "/api/v1/campaign/campaigns/camp-$who/pause", "{}",
        BRANDS, OPERATOR, Hidden),
    line(Service::Campaign, "POST /api/v1/campaign/campaigns/{campaign_id}/resume", "/api/v1/campaign/campaigns/camp-$who/resume", "{}",
        BRANDS, OPERATOR, Hidden),
    line(Service::Campaign, "POST /api/v1/campaign/campaigns/{campaign_id}/close", "/api/v1/campaign/campaigns/camp-$who/close", "{}",
        BRANDS, OPERATOR, Hidden),
    line(Service::Campaign, "POST /api/v1/campaign/campaigns/{campaign_id}/leave", "/api/v1/campaign/campaigns/live-mine/leave",
        r#"{"partner_id":"partner-$who"}"#,
        PARTNERS, OPERATOR, Yes),
    line(Service::Campaign, "POST /api/v1/campaign/campaigns/{campaign_id}/partners/{partner_id}/remove",
        "/api/v1/campaign/campaigns/camp-$who/partners/partner-mine/remove", r#"{"reason":"other"}"#,
        BRANDS, OPERATOR, Hidden),
    line(Service::Campaign, "POST /api/v1/campaign/campaigns/{campaign_id}/partners/{partner_id}/invite",
        "/api/v1/campaign/campaigns/camp-$who/partners/partner-mine/invite", "{}",
        BRANDS, OPERATOR, Hidden),
    line(Service::Campaign, "POST /api/v1/campaign/campaigns/{campaign_id}/partners/{partner_id}/approve",
        "/api/v1/campaign/campaigns/camp-$who/partners/partner-mine/approve", "{}",
        BRANDS, OPERATOR, Hidden),
    line(Service::Campaign, "POST /api/v1/campaign/campaigns/{campaign_id}/partners/{partner_id}/reject",
        "/api/v1/campaign/campaigns/camp-$who/partners/partner-mine/reject", r#"{"reason":"other"}"#,
        BRANDS, OPERATOR, Hidden),
    line(Service::Campaign, "POST /api/v1/campaign/partners/{partner_id}/ban", "/api/v1/campaign/partners/partner-spare/ban",
        r#"{"reason":"other","brand_id":"brand-$who"}"#,
        BRANDS, OPERATOR, Hidden).distinguishable(OPERATOR, NO_RECORD),
    line(Service::Campaign, "POST /api/v1/campaign/partners/{partner_id}/unban", "/api/v1/campaign/partners/partner-spare/unban",
        r#"{"brand_id":"brand-$who"}"#,
        BRANDS, OPERATOR, Hidden).distinguishable(OPERATOR, NO_RECORD),
    line(Service::Campaign, "GET /api/v1/campaign/partners", "/api/v1/campaign/partners", "",
        LISTS, LISTS, Yes),
    line(Service::Campaign, "GET /api/v1/campaign/partners", "/api/v1/campaign/partners?country=DE&status=active", "",
        LISTS, LISTS, Yes),
    line(Service::Campaign, "GET /api/v1/campaign/partners/{partner_id}", "/api/v1/campaign/partners/partner-$who", "",
        READ_BY_BOTH, OPERATOR_READS, Hidden),
    line(Service::Campaign, "GET /api/v1/campaign/brands", "/api/v1/campaign/brands", "",
        LISTS, LISTS, Yes),
    line(Service::Campaign, "GET /api/v1/campaign/brands/{brand_id}", "/api/v1/campaign/brands/brand-$who", "",
        READ_BY_BOTH, PARTNER_READS, Hidden).distinguishable([Role, Hidden, Hidden, Hidden], ACTIVE),
    line(Service::Campaign, "PATCH /api/v1/campaign/partners/{partner_id}", "/api/v1/campaign/partners/partner-$who", r#"{"name":"n"}"#,
        PARTNERS, OPERATOR, Yes),
    line(Service::Campaign, "PATCH /api/v1/campaign/brands/{brand_id}", "/api/v1/campaign/brands/brand-$who", r#"{"name":"n"}"#,
        BRANDS, OPERATOR, Yes),
    line(Service::Campaign, "GET /api/v1/campaign/partners", "/api/v1/campaign/partners?brand_id=brand-$who", "",
        BRANDS_LIST, OPERATOR_READS, Yes),
    line(Service::Campaign, "GET /api/v1/campaign/groups", "/api/v1/campaign/groups", "",
        LISTS, LISTS, Yes),
    line(Service::Campaign, "GET /api/v1/campaign/groups", "/api/v1/campaign/groups?brand_id=brand-$who&status=active", "",
        LISTS, LISTS, Yes),
    line(Service::Campaign, "GET /api/v1/campaign/groups/{group_id}", "/api/v1/campaign/groups/$group", "",
        BRAND_READS, OPERATOR_READS, Hidden),
    line(Service::Campaign, "POST /api/v1/campaign/groups", "/api/v1/campaign/groups", r#"{"name":"n","brand_id":"brand-$who"}"#,
        BRANDS, OPERATOR, Yes),
    line(Service::Campaign, "PATCH /api/v1/campaign/groups/{group_id}", "/api/v1/campaign/groups/$group", r#"{"name":"n","brand_id":"brand-$who"}"#,
        BRANDS, OPERATOR, Hidden),
    line(Service::Campaign, "POST /api/v1/campaign/partners/{partner_id}/group", "/api/v1/campaign/partners/partner-mine/group",
        r#"{"group_id":"$group","brand_id":"brand-$who"}"#,
        BRANDS, OPERATOR, Hidden),
    line(Service::Campaign, "GET /api/v1/campaign/bans", "/api/v1/campaign/bans", "",
        LISTS, LISTS, Yes),
    line(Service::Campaign, "POST /api/v1/campaign/campaigns", "/api/v1/campaign/campaigns",
        r#"{"campaign_id":"camp-$who","brand_id":"brand-mine","name":"n","currency":"USD","allowed_hosts":["a.example"]}"#,
        BRANDS, BRANDS, Yes).distinguishable(BRANDS, TAKEN),
    // tracking
    line(Service::Tracking, "GET /c/{code}", "/c/link-$who", "",
        ANYONE, ANYONE, Hidden).open().distinguishable([Hidden, Hidden, Hidden, Hidden], "a link is there to be followed by anybody"),
    line(Service::Tracking, "GET /api/v1/tracking/links", "/api/v1/tracking/links", "",
        LISTS, LISTS, Yes),
    line(Service::Tracking, "GET /api/v1/tracking/links", "/api/v1/tracking/links?partner_id=partner-$who", "",
        LISTS, LISTS, Yes),
    line(Service::Tracking, "GET /api/v1/tracking/links", "/api/v1/tracking/links?campaign_id=camp-$who", "",
        LISTS, LISTS, Yes),
    line(Service::Tracking, "GET /api/v1/tracking/conversions", "/api/v1/tracking/conversions", "",
        LISTS, LISTS, Yes),
    line(Service::Tracking, "GET /api/v1/tracking/conversions", "/api/v1/tracking/conversions?partner_id=partner-$who", "",
        LISTS, LISTS, Yes),
    line(Service::Tracking, "GET /api/v1/tracking/conversions", "/api/v1/tracking/conversions?brand_id=brand-$who", "",
        LISTS, LISTS, Yes),
    line(Service::Tracking, "GET /api/v1/tracking/conversions", "/api/v1/tracking/conversions?campaign_id=camp-$who", "",
        LISTS, LISTS, Yes),
    line(Service::Tracking, "GET /api/v1/tracking/conversions", "/api/v1/tracking/conversions?order_id=order-$who", "",
        LISTS, LISTS, Yes),
    line(Service::Tracking, "GET /api/v1/tracking/conversions/{id}", "/api/v1/tracking/conversions/$conversion", "",
        BOTH, OPERATOR, Hidden),
    line(Service::Tracking, "GET /api/v1/tracking/claims", "/api/v1/tracking/claims", "",
        LISTS, LISTS, Yes),
    line(Service::Tracking, "GET /api/v1/tracking/claims", "/api/v1/tracking/claims?partner_id=partner-$who", "",
        LISTS, LISTS, Yes),
    line(Service::Tracking, "GET /api/v1/tracking/claims", "/api/v1/tracking/claims?campaign_id=camp-$who", "",
        LISTS, LISTS, Yes),
    line(Service::Tracking, "GET /api/v1/tracking/claims", "/api/v1/tracking/claims?order_id=claimed-$who", "",
        LISTS, LISTS, Yes),
    line(Service::Tracking, "GET /api/v1/tracking/claims/{claim_id}", "/api/v1/tracking/claims/$claim", "",
        BOTH, OPERATOR, Hidden),
    line(Service::Tracking, "POST /api/v1/tracking/claims/{claim_id}/accept", "/api/v1/tracking/claims/$claim/accept", "{}",
        BRANDS, OPERATOR, Hidden),
    line(Service::Tracking, "POST /api/v1/tracking/claims/{claim_id}/decline", "/api/v1/tracking/claims/$claim/decline", r#"{"reason":"order_unknown"}"#,
        BRANDS, OPERATOR, Hidden),
    line(Service::Tracking, "GET /api/v1/tracking/commands/{id}", "/api/v1/tracking/commands/$command", "",
        PARTNERS, OPERATOR, Hidden),
    line(Service::Tracking, "POST /api/v1/tracking/links", "/api/v1/tracking/links",
        r#"{"campaign_id":"camp-mine","partner_id":"partner-$who","target_url":"https://a.example/"}"#,
        PARTNERS, OPERATOR, Yes),
    line(Service::Tracking, "POST /api/v1/tracking/links", "/api/v1/tracking/links",
        r#"{"campaign_id":"camp-$who","target_url":"https://a.example/"}"#,
        [Unsaid, Yes, Unsaid, Unsaid], [Unsaid, Yes, Unsaid, Unsaid], Unsaid),
    line(Service::Tracking, "POST /api/v1/tracking/events", "/api/v1/tracking/events",
        r#"{"user_id":"visitor","event_type":"purchase","amount":"1","click_id":"$click"}"#,
        BOTH, OPERATOR, Yes).distinguishable([Hidden, Hidden, Yes, Yes], SHOP),
    line(Service::Tracking, "POST /api/v1/tracking/events", "/api/v1/tracking/events",
        r#"{"user_id":"visitor","event_type":"purchase","amount":"1","campaign_id":"camp-$who"}"#,
        BRANDS, OPERATOR, Yes).distinguishable([Hidden, Hidden, Yes, Yes], SHOP),
    line(Service::Tracking, "POST /api/v1/tracking/events", "/api/v1/tracking/events",
        r#"{"user_id":"user-$who","event_type":"purchase","amount":"1"}"#,
        BOTH, [Hidden, Hidden, Yes, Yes], Yes),
    line(Service::Tracking, "POST /api/v1/tracking/events", "/api/v1/tracking/events",
        r#"{"user_id":"user-$who","event_type":"purchase","amount":"1","order_id":"order-$who","campaign_id":"camp-$who"}"#,
        BOTH, OPERATOR, Yes).distinguishable([Hidden, Hidden, Yes, Yes], SHOP),
    line(Service::Tracking, "POST /api/v1/tracking/events", "/api/v1/tracking/events",
        r#"{"user_id":"visitor","event_type":"refund","amount":"0.01","order_id":"order-$who","campaign_id":"camp-$who"}"#,
        [Role, Role, Yes, Yes], [Role, Role, Hidden, Yes], Yes).distinguishable([Role, Role, Yes, Yes], SHOP),
    line(Service::Tracking, "POST /api/v1/tracking/events", "/api/v1/tracking/events",
        r#"{"user_id":"visitor","event_type":"refund","amount":"0.01","order_id":"order-$who","campaign_id":"camp-else"}"#,
        [Role, Role, Hidden, Yes], [Role, Role, Hidden, Yes], Yes),
    line(Service::Tracking, "PATCH /api/v1/tracking/links/{code}", "/api/v1/tracking/links/link-$who", r#"{"status":"disabled"}"#,
        BOTH, OPERATOR, Hidden),
    line(Service::Tracking, "POST /api/v1/tracking/links", "/api/v1/tracking/links",
        r#"{"campaign_id":"camp-mine","partner_id":"partner-mine","code":"link-$who","target_url":"https://a.example/"}"#,
        PARTNERS, PARTNERS, Yes).distinguishable(PARTNERS, TAKEN),
    // commission
    line(Service::Commission, "GET /api/v1/commission/commissions", "/api/v1/commission/commissions", "",
        LISTS, LISTS, Yes),
    line(Service::Commission, "GET /api/v1/commission/commissions", "/api/v1/commission/commissions?partner_id=partner-$who", "",
        LISTS, LISTS, Yes),
    line(Service::Commission, "GET /api/v1/commission/commissions", "/api/v1/commission/commissions?campaign_id=camp-$who", "",
        LISTS, LISTS, Yes),
    line(Service::Commission, "GET /api/v1/commission/commissions/{id}", "/api/v1/commission/commissions/$conversion", "",
        BOTH, OPERATOR, Hidden),
    line(Service::Commission, "GET /api/v1/commission/commands/{id}", "/api/v1/commission/commands/$command", "",
        NEVER, NEVER, Hidden),
    // payment
    line(Service::Payment, "GET /api/v1/payment/balances", "/api/v1/payment/balances?partner_id=partner-$who", "",
        PARTNERS, OPERATOR, Yes),
    line(Service::Payment, "GET /api/v1/payment/balances", "/api/v1/payment/balances?brand_id=brand-$who", "",
        BRANDS, OPERATOR, Yes),
    line(Service::Payment, "GET /api/v1/payment/payouts", "/api/v1/payment/payouts?partner_id=partner-$who", "",
        PARTNERS_LIST, [Role, Hidden, Role, Yes], Yes),
    line(Service::Payment, "GET /api/v1/payment/payouts", "/api/v1/payment/payouts", "",
        PARTNERS_LIST, PARTNERS_LIST, Yes),
    line(Service::Payment, "GET /api/v1/payment/payouts/{id}", "/api/v1/payment/payouts/$payout", "",
        PARTNERS, OPERATOR, Hidden),
    line(Service::Payment, "GET /api/v1/payment/commands/{id}", "/api/v1/payment/commands/$command", "",
        PARTNERS, OPERATOR, Hidden),
    line(Service::Payment, "POST /api/v1/payment/payouts", "/api/v1/payment/payouts", PAYOUT,
        PARTNERS, OPERATOR, Unsaid),
    // bff
    line(Service::Bff, "GET /api/v1/balances", "/api/v1/balances", "",
        LISTS, LISTS, Yes),
    line(Service::Bff, "GET /api/v1/balances", "/api/v1/balances?partner_id=partner-$who", "",
        PARTNER_READS, OPERATOR_READS, Yes),
    line(Service::Bff, "GET /api/v1/balances", "/api/v1/balances?brand_id=brand-$who", "",
        BRAND_READS, OPERATOR_READS, Yes),
    line(Service::Bff, "GET /api/v1/commissions", "/api/v1/commissions", "",
        LISTS, LISTS, Yes),
    line(Service::Bff, "GET /api/v1/commissions", "/api/v1/commissions?partner_id=partner-$who", "",
        LISTS, [Role, Hidden, Yes, Yes], Yes),
    line(Service::Bff, "GET /api/v1/commissions", "/api/v1/commissions?brand_id=brand-$who", "",
        LISTS, [Role, Yes, Hidden, Yes], Yes),
    line(Service::Bff, "GET /api/v1/commissions", "/api/v1/commissions?campaign_id=camp-$who", "",
        LISTS, LISTS, Yes),
    line(Service::Bff, "GET /api/v1/commissions/{id}", "/api/v1/commissions/$conversion", "",
        BOTH, OPERATOR, Hidden),
    line(Service::Bff, "GET /api/v1/payouts", "/api/v1/payouts", "",
        PARTNERS_LIST, PARTNERS_LIST, Yes),
    line(Service::Bff, "GET /api/v1/payouts", "/api/v1/payouts?partner_id=partner-$who", "",
        PARTNERS, OPERATOR, Yes),
    line(Service::Bff, "GET /api/v1/payouts/{id}", "/api/v1/payouts/$payout", "",
        PARTNERS, OPERATOR, Hidden),
    line(Service::Bff, "GET /api/v1/commands", "/api/v1/commands", "",
        ANYONE, ANYONE, Yes),
    line(Service::Bff, "GET /api/v1/commands/{id}", "/api/v1/commands/$command", "",
        PARTNERS, OPERATOR, Hidden),
    line(Service::Bff, "POST /api/v1/campaigns", "/api/v1/campaigns", CAMPAIGN,
        [Role, Role, Yes, Yes], [Role, Role, Hidden, Yes], Yes),
    line(Service::Bff, "POST /api/v1/campaigns/{id}/terms", "/api/v1/campaigns/camp-$who/terms", TERMS,
        TAKEN_OF_BRANDS, TAKEN_OF_BRANDS, Yes),
    line(Service::Bff, "GET /api/v1/claims", "/api/v1/claims", "",
        LISTS, LISTS, Yes),
    line(Service::Bff, "GET /api/v1/claims/{id}", "/api/v1/claims/$claim", "",
        BOTH, OPERATOR, Hidden),
    line(Service::Bff, "POST /api/v1/claims/{id}/accept", "/api/v1/claims/$claim/accept", "{}",
        TAKEN_OF_BRANDS, TAKEN_OF_BRANDS, Yes),
    line(Service::Bff, "POST /api/v1/claims/{id}/decline", "/api/v1/claims/$claim/decline", r#"{"reason":"order_unknown"}"#,
        TAKEN_OF_BRANDS, TAKEN_OF_BRANDS, Yes),
    line(Service::Bff, "PATCH /api/v1/campaigns/{id}", "/api/v1/campaigns/camp-$who", r#"{"name":"n"}"#,
        TAKEN_OF_BRANDS, TAKEN_OF_BRANDS, Yes),
    line(Service::Bff, "POST /api/v1/campaigns/{id}/activate", "/api/v1/campaigns/camp-$who/activate", "{}",
        TAKEN_OF_BRANDS, TAKEN_OF_BRANDS, Yes),
    line(Service::Bff, "POST /api/v1/campaigns/{id}/pause", "/api/v1/campaigns/camp-$who/pause", "{}",
        TAKEN_OF_BRANDS, TAKEN_OF_BRANDS, Yes),
    line(Service::Bff, "POST /api/v1/campaigns/{id}/resume", "/api/v1/campaigns/camp-$who/resume", "{}",
        TAKEN_OF_BRANDS, TAKEN_OF_BRANDS, Yes),
    line(Service::Bff, "POST /api/v1/campaigns/{id}/close", "/api/v1/campaigns/camp-$who/close", "{}",
        TAKEN_OF_BRANDS, TAKEN_OF_BRANDS, Yes),
    line(Service::Bff, "POST /api/v1/campaigns/{id}/leave", "/api/v1/campaigns/camp-mine/leave", r#"{"partner_id":"partner-$who"}"#,
        PARTNERS, OPERATOR, Yes),
    line(Service::Bff, "POST /api/v1/campaigns/{id}/partners/{partner_id}/remove",
        "/api/v1/campaigns/camp-$who/partners/partner-mine/remove", r#"{"reason":"other"}"#,
        TAKEN_OF_BRANDS, TAKEN_OF_BRANDS, Yes),
    line(Service::Bff, "GET /api/v1/enrollments", "/api/v1/enrollments", "",
        LISTS, LISTS, Yes),
    line(Service::Bff, "GET /api/v1/enrollments", "/api/v1/enrollments?campaign_id=camp-$who", "",
        LISTS, LISTS, Yes),
    line(Service::Bff, "POST /api/v1/campaigns/{id}/partners/{partner_id}/invite",
        "/api/v1/campaigns/camp-$who/partners/partner-mine/invite", "{}",
        TAKEN_OF_BRANDS, TAKEN_OF_BRANDS, Yes),
    line(Service::Bff, "POST /api/v1/campaigns/{id}/partners/{partner_id}/approve",
        "/api/v1/campaigns/camp-$who/partners/partner-mine/approve", "{}",
        TAKEN_OF_BRANDS, TAKEN_OF_BRANDS, Yes),
    line(Service::Bff, "POST /api/v1/campaigns/{id}/partners/{partner_id}/reject",
        "/api/v1/campaigns/camp-$who/partners/partner-mine/reject", r#"{"reason":"other"}"#,
        TAKEN_OF_BRANDS, TAKEN_OF_BRANDS, Yes),
    line(Service::Bff, "POST /api/v1/partners/{partner_id}/ban", "/api/v1/partners/partner-spare/ban",
        r#"{"reason":"other","brand_id":"brand-$who"}"#,
        BRANDS, OPERATOR, Yes),
    line(Service::Bff, "POST /api/v1/partners/{partner_id}/unban", "/api/v1/partners/partner-spare/unban",
        r#"{"brand_id":"brand-$who"}"#,
        BRANDS, OPERATOR, Yes),
    line(Service::Bff, "GET /api/v1/campaigns", "/api/v1/campaigns?brand_id=brand-$who", "",
        LISTS, LISTS, Yes).distinguishable(LISTS, ACTIVE),
    line(Service::Bff, "GET /api/v1/campaigns/{id}", "/api/v1/campaigns/camp-$who", "",
        BRAND_READS, OPERATOR_READS, Hidden),
    line(Service::Bff, "GET /api/v1/campaigns/{id}", "/api/v1/campaigns/live-$who", "",
        READ_BY_BOTH, PARTNER_READS, Hidden).distinguishable([Role, Hidden, Hidden, Hidden], ACTIVE),
    line(Service::Bff, "GET /api/v1/campaigns/{id}/terms", "/api/v1/campaigns/camp-$who/terms", "",
        BRAND_READS, OPERATOR_READS, Hidden),
    line(Service::Bff, "GET /api/v1/links", "/api/v1/links", "",
        LISTS, LISTS, Yes),
    line(Service::Bff, "GET /api/v1/links", "/api/v1/links?partner_id=partner-$who", "",
        LISTS, LISTS, Yes),
    line(Service::Bff, "GET /api/v1/links/{code}", "/api/v1/links/link-$who", "",
        READ_BY_BOTH, OPERATOR_READS, Hidden),
    line(Service::Bff, "GET /api/v1/evidence", "/api/v1/evidence", "",
        LISTS, LISTS, Yes),
    line(Service::Bff, "GET /api/v1/evidence", "/api/v1/evidence?partner_id=partner-$who", "",
        LISTS, LISTS, Yes),
    line(Service::Bff, "GET /api/v1/evidence", "/api/v1/evidence?status=submitted&duplicates=false", "",
        LISTS, LISTS, Yes),
    line(Service::Bff, "GET /api/v1/evidence/{id}", "/api/v1/evidence/$evidence", "",
        READ_BY_BOTH, OPERATOR_READS, Hidden),
    line(Service::Bff, "POST /api/v1/evidence/{id}/return", "/api/v1/evidence/$evidence/return",
        r#"{"campaign_id":"live-$who","reason":"other"}"#,
        TAKEN_OF_BRANDS, TAKEN_OF_BRANDS, Yes),
    line(Service::Bff, "POST /api/v1/evidence/{id}/reject", "/api/v1/evidence/$evidence/reject",
        r#"{"campaign_id":"live-$who","reason":"other"}"#,
        TAKEN_OF_BRANDS, TAKEN_OF_BRANDS, Yes),
    line(Service::Bff, "POST /api/v1/evidence/{id}/approve", "/api/v1/evidence/$evidence/approve",
        r#"{"campaign_id":"live-$who"}"#,
        TAKEN_OF_BRANDS, TAKEN_OF_BRANDS, Yes),
    line(Service::Bff, "GET /api/v1/conversions", "/api/v1/conversions", "",
        LISTS, LISTS, Yes),
    line(Service::Bff, "GET /api/v1/conversions", "/api/v1/conversions?partner_id=partner-$who", "",
        LISTS, LISTS, Yes),
    line(Service::Bff, "GET /api/v1/conversions", "/api/v1/conversions?brand_id=brand-$who", "",
        LISTS, LISTS, Yes),
    line(Service::Bff, "GET /api/v1/conversions/{id}", "/api/v1/conversions/$conversion", "",
        BOTH, OPERATOR, Hidden),
    line(Service::Bff, "GET /api/v1/partners", "/api/v1/partners", "",
        LISTS, LISTS, Yes),
    line(Service::Bff, "GET /api/v1/partners", "/api/v1/partners?country=DE&status=active", "",
        LISTS, LISTS, Yes),
    line(Service::Bff, "GET /api/v1/partners/{partner_id}", "/api/v1/partners/partner-$who", "",
        READ_BY_BOTH, OPERATOR_READS, Hidden),
    line(Service::Bff, "GET /api/v1/brands", "/api/v1/brands", "",
        LISTS, LISTS, Yes),
    line(Service::Bff, "GET /api/v1/brands/{brand_id}", "/api/v1/brands/brand-$who", "",
        READ_BY_BOTH, PARTNER_READS, Hidden).distinguishable([Role, Hidden, Hidden, Hidden], ACTIVE),
    line(Service::Bff, "PATCH /api/v1/partners/{partner_id}", "/api/v1/partners/partner-$who", r#"{"name":"n"}"#,
        TAKEN_OF_PARTNERS, TAKEN_OF_PARTNERS, Yes),
    line(Service::Bff, "PATCH /api/v1/brands/{brand_id}", "/api/v1/brands/brand-$who", r#"{"name":"n"}"#,
        TAKEN_OF_BRANDS, TAKEN_OF_BRANDS, Yes),
    line(Service::Bff, "GET /api/v1/partners", "/api/v1/partners?brand_id=brand-$who", "",
        BRANDS_LIST, OPERATOR_READS, Yes),
    line(Service::Bff, "GET /api/v1/groups", "/api/v1/groups", "",
        LISTS, LISTS, Yes),
    line(Service::Bff, "GET /api/v1/groups", "/api/v1/groups?brand_id=brand-$who&status=active", "",
        LISTS, LISTS, Yes),
    line(Service::Bff, "GET /api/v1/groups/{id}", "/api/v1/groups/$group", "",
        BRAND_READS, OPERATOR_READS, Hidden),
    line(Service::Bff, "POST /api/v1/groups", "/api/v1/groups", r#"{"name":"n","brand_id":"brand-$who"}"#,
        BRANDS, OPERATOR, Yes),
    line(Service::Bff, "PATCH /api/v1/groups/{id}", "/api/v1/groups/$group", r#"{"name":"n","brand_id":"brand-$who"}"#,
        BRANDS, OPERATOR, Yes),
    line(Service::Bff, "POST /api/v1/partners/{partner_id}/group", "/api/v1/partners/partner-mine/group",
        r#"{"group_id":"$group","brand_id":"brand-$who"}"#,
        BRANDS, OPERATOR, Yes),
    line(Service::Bff, "GET /api/v1/bans", "/api/v1/bans", "",
        LISTS, LISTS, Yes),
    line(Service::Bff, "GET /api/v1/bans", "/api/v1/bans?partner_id=partner-$who", "",
        LISTS, LISTS, Yes),
    line(Service::Bff, "POST /api/v1/campaigns/{id}/accept", "/api/v1/campaigns/camp-mine/accept", ACCEPT,
        PARTNERS, OPERATOR, Yes),
    line(Service::Bff, "POST /api/v1/evidence/upload", "/api/v1/evidence/upload",
        r#"{"campaign_id":"camp-mine","partner_id":"partner-$who","evidence_type":"photo","file_url":"https://a.example/1"}"#,
        PARTNERS, OPERATOR, Yes),
    line(Service::Bff, "POST /api/v1/links", "/api/v1/links",
        r#"{"campaign_id":"camp-mine","partner_id":"partner-$who","target_url":"https://a.example/"}"#,
        PARTNERS, OPERATOR, Yes),
    line(Service::Bff, "PATCH /api/v1/links/{code}", "/api/v1/links/link-$who", r#"{"status":"disabled"}"#,
        TAKEN_OF_BOTH, TAKEN_OF_BOTH, Yes),
    line(Service::Bff, "POST /api/v1/payments/request", "/api/v1/payments/request", PAYOUT,
        PARTNERS, OPERATOR, Yes),
    line(Service::Bff, "POST /api/v1/tracking/events", "/api/v1/tracking/events",
        r#"{"user_id":"user-$who","event_type":"purchase","amount":"1","order_id":"order-$who","campaign_id":"camp-$who"}"#,
        [Role, Yes, Yes, Yes], [Role, Yes, Yes, Yes], Yes),
];
