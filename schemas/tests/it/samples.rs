//! One message of every kind, with every field set.

use std::fmt::Debug;
use std::str::FromStr;

use schemas::*;
use types::{
    AccountName, AccountType, ApiKeyScope, BankFailure, BankReference, Billing, BrandId,
    BudgetInterval, CampaignStatus, Channel, ConversionType, Country, Currency, DeclineReason,
    DisabledBy, EarningStatus, EnrollmentStatus, EvidenceReason, GroupStatus, JoinMode, LinkStatus,
    MailFailure, MailGroup, MailLanguage, Micros, Money, PartnerStatus, PauseReason, PayoutMethod,
    RefusalReason, TermsVersion, WebhookDisabledReason, WindowDays, WorkflowReason, WorkflowStep,
};
use uuid::Uuid;

/// One message of every kind on every topic, in the order of the table.
pub fn all() -> Vec<(Topic, Message)> {
    KINDS
        .iter()
        .map(|kind| {
            let body = bodies(kind.topic)
                .into_iter()
                .find(|body| body.kind(kind.topic) == Some(kind))
                .unwrap_or_else(|| panic!("no sample of {} on {}", kind.name, kind.topic));
            (
                kind.topic,
                Message {
                    header: header(kind),
                    body,
                },
            )
        })
        .collect()
}

/// The sample of a kind.
pub fn message(kind: &str) -> (Topic, Message) {
    let mut all = all().into_iter();
    all.find(|(_, message)| message.header.kind == kind)
        .unwrap()
}

/// The bytes with one text of theirs replaced by another as long.
pub fn replaced(bytes: &[u8], from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut windows = bytes.windows(from.len());
    let at = windows
        .position(|window| window == from.as_bytes())
        .unwrap();
    let mut bytes = bytes.to_vec();
    bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
    bytes
}

/// Where a text of the bytes ends.
pub fn end_of(bytes: &[u8], text: &str) -> usize {
    let mut windows = bytes.windows(text.len());
    let at = windows.position(|window| window == text.as_bytes());
    at.unwrap() + text.len()
}

/// A header with every field set.
pub fn header(kind: &Kind) -> Header {
    Header {
        id: uuid(1),
        kind: text(kind.name),
        source: text(if kind.command {
            "bff"
        } else {
            kind.topic.owner().name()
        }),
        subject: text("subject-1"),
        key: text("key-1"),
        time: Micros(1_795_000_000_654_321),
        epoch: Some(1),
        sequence: Some(1_234_567),
        correlation_id: uuid(2),
        causation_id: Some(uuid(3)),
        outcome_of: Some(uuid(4)),
        actor: Some(Actor {
            subject: text("partner123"),
            roles: vec![text("partner"), text("brand")],
            partner_id: Some(text("partner123")),
            brand_id: Some(text("brand1")),
        }),
        traceparent: Some(text(
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        )),
    }
}

/// The same with only what must be set.
pub fn bare(header: &Header) -> Header {
    Header {
        epoch: None,
        sequence: None,
        causation_id: None,
        outcome_of: None,
        actor: None,
        traceparent: None,
        ..header.clone()
    }
}

fn uuid(n: u8) -> Uuid {
    Uuid::from_bytes([
        0x01, 0x93, 0x45, 0x67, 0x89, 0xab, 0x7c, 0xde, 0x8f, 1, 2, 3, 4, 5, 6, n,
    ])
}

fn text(text: &str) -> String {
    text.to_owned()
}

/// An id of whatever kind the field is.
fn id<I: FromStr<Err: Debug>>(text: &str) -> I {
    text.parse().unwrap()
}

fn budget() -> Budget {
    Budget {
        minor: 1_000_000,
        currency: Currency::USD,
        interval: BudgetInterval::Month,
    }
}

fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::USD)
}

fn claimed_sale() -> ClaimedSale {
    ClaimedSale {
        conversion_id: id("0197a1f0-0000-7000-8000-000000000001"),
        event_type: ConversionType::Purchase,
        order_id: Some(id("order-1")),
        campaign_id: id("camp123"),
        brand_id: id("brand1"),
        partner_id: id("partner123"),
        link_code: id("summer"),
        click_id: id("clk_1"),
        amount: Some(usd(15_000)),
        terms_version: version(),
        occurred_at: Micros(1_795_000_000_123_456),
    }
}

fn version() -> TermsVersion {
    TermsVersion::new(3).unwrap()
}

fn window() -> WindowDays {
    WindowDays::new(30).unwrap()
}

fn plan() -> Plan {
    Plan {
        sale_bps: Some(1000),
        sale_flat: Some(usd(500).into()),
        lead_bps: Some(250),
        lead_flat: Some(usd(-1).into()),
        hold_days: 14,
    }
}

fn transfer(debit: &str, credit: &str) -> Transfer {
    Transfer {
        id: uuid(5),
        debit: text(debit),
        credit: text(credit),
        minor: i64::MAX,
        currency: Currency::USD,
    }
}

fn bodies(topic: Topic) -> Vec<Body> {
    match topic {
        Topic::CampaignCommands => campaign_commands(),
        Topic::CampaignEvents => campaign_events(),
        Topic::TrackingCommands => tracking_commands(),
        Topic::TrackingEvents => tracking_events(),
        Topic::CommissionCommands => commission_commands(),
        Topic::CommissionEvents => commission_events(),
        Topic::NotifyCommands => notify_commands(),
        Topic::NotifyEvents => notify_events(),
        Topic::PaymentCommands => payment_commands(),
        Topic::PaymentEvents => payment_events(),
    }
}

fn answers() -> Vec<Body> {
    vec![
        CommandRejectedV1 {
            command_type: text("campaign.accept.command.v1"),
            code: text("already_accepted"),
            detail: text("The partner is enrolled already."),
            pointer: Some(text("/partner_id")),
        }
        .into(),
        CommandStalledV1 {
            command_type: text("campaign.accept.command.v1"),
            reason: text("said so"),
            attempts: 5,
        }
        .into(),
    ]
}

#[expect(clippy::too_many_lines, reason = "a sample of each kind")]
fn campaign_commands() -> Vec<Body> {
    vec![
        CreateV1 {
            brand_id: text("brand1"),
            name: text("Summer sale"),
            currency: text("USD"),
            allowed_hosts: vec![text("example.com"), text("shop.example.com")],
            fallback_url: Some(text("https://shop.example.com/later")),
            join: Some(text("approval")),
            description: Some(text("Everything for the beach.")),
            landing_url: Some(text("https://shop.example.com/summer")),
            starts_at: Some(Micros(1_795_000_000_123_456)),
            ends_at: Some(Micros(1_797_000_000_123_456)),
            budget: Some(budget().into()),
            trusts_redirects: Some(true),
        }
        .into(),
        PublishTermsV1 {
            text: text("Be honest."),
            window_days: 30,
            plan: plan(),
            effective_at: Some(Micros(1_796_000_000_123_456)),
        }
        .into(),
        ActivateV1 {}.into(),
        AcceptV1 {
            partner_id: text("partner123"),
            terms_version: Some(3),
            metadata: Some(text("{\"source\":\"mobile_app\"}")),
            sealed_metadata: Some(vec![1, 2, 3]),
        }
        .into(),
        SubmitEvidenceV1 {
            partner_id: text("partner123"),
            evidence_type: text("photo"),
            file_url: text("https://example.com/photo.jpg"),
            metadata: Some(text("{\"source\":\"mobile_app\"}")),
            content_hash: Some(text(SHA_256)),
            replaces: Some(text("evd_5f0c8e6b1d4a5b7c9e2f3a4b5c6d7e8f")),
            sealed_url: Some(vec![1, 2, 3]),
            url_hash: Some(text(SHA_256)),
            sealed_metadata: Some(vec![1, 2, 3]),
        }
        .into(),
        PauseV1 {}.into(),
        ResumeV1 {}.into(),
        CloseV1 {}.into(),
        EndEnrollmentV1 {
            partner_id: text("partner123"),
            status: text("removed"),
            reason: Some(text("terms_violated")),
        }
        .into(),
        InviteV1 {
            partner_id: text("partner123"),
        }
        .into(),
        ApproveV1 {
            partner_id: text("partner123"),
        }
        .into(),
        RejectV1 {
            partner_id: text("partner123"),
            reason: text("needs_more_detail"),
        }
        .into(),
        BanPartnerV1 {
            brand_id: Some(text("brand1")),
            reason: text("terms_violated"),
        }
        .into(),
        UnbanPartnerV1 {
            brand_id: Some(text("brand1")),
        }
        .into(),
        ChangeV1 {
            name: Some(text("Late summer sale")),
            description: Some(text("Everything for the beach.")),
            allowed_hosts: Some(vec![text("example.com"), text("shop.example.com")]),
            fallback_url: Some(text("https://shop.example.com/later")),
            landing_url: Some(text("https://shop.example.com/summer")),
            starts_at: Some(Micros(1_795_000_000_123_456)),
            ends_at: Some(Micros(1_797_000_000_123_456)),
            budget: Some(budget().into()),
            join: Some(text("invite")),
            clear: vec![text("description")],
            trusts_redirects: Some(true),
        }
        .into(),
        EndCampaignV1 {
            due_at: Micros(1_797_000_000_123_456),
        }
        .into(),
        CreateApiKeyV1 {
            brand_id: text("brand1"),
            prefix: text("1f0a9b3c"),
            hash: text(KEY_HASH),
            scopes: vec![text("conversions.write"), text("reports.read")],
            expires_at: Some(Micros(1_797_000_000_123_456)),
        }
        .into(),
        RotateApiKeyV1 {
            prefix: text("1f0a9b3c"),
            hash: text(KEY_HASH),
            overlap_seconds: Some(3_600),
        }
        .into(),
        RevokeApiKeyV1 {
            brand_id: Some(text("brand1")),
        }
        .into(),
        ApproveEvidenceV1 {}.into(),
        RejectEvidenceV1 {
            reason: text("terms_violated"),
        }
        .into(),
        ReturnEvidenceV1 {
            reason: text("needs_more_detail"),
        }
        .into(),
        FollowFundsV1 {}.into(),
        ChangePartnerV1 {
            name: Some(text("Sole Reviews")),
            country: Some(text("DE")),
            currency: Some(text("EUR")),
            website: Some(text("https://sole.example/")),
            clear: vec![text("website")],
            sealed_name: Some(vec![1, 2, 3]),
            sealed_website: Some(vec![1, 2, 3]),
        }
        .into(),
        ChangeBrandV1 {
            name: Some(text("Fleet Shoes")),
            currency: Some(text("EUR")),
            clear: vec![text("currency")],
        }
        .into(),
        CreateGroupV1 {
            name: text("Gold"),
            link_limit: Some(50),
        }
        .into(),
        ChangeGroupV1 {
            name: Some(text("Gold")),
            link_limit: Some(50),
            status: Some(text("archived")),
            clear: vec![text("link_limit")],
        }
        .into(),
        MovePartnerV1 {
            partner_id: text("partner123"),
            group_id: text(GROUP),
        }
        .into(),
        ErasePartnerV1 {}.into(),
    ]
}

const KEY_HASH: &str = "5d41402abc4b2a76b9719d911017c592ae2f6c1b0a3d4e5f60718293a4b5c6d7";
const OLD_KEY_HASH: &str = "7c211433f02071597741e6ff5a8ea34789abbf4392fa2e1c3d4b5a6978877665";

fn scopes() -> Vec<ApiKeyScope> {
    vec![ApiKeyScope::ConversionsWrite, ApiKeyScope::ReportsRead]
}

fn api_keys() -> [Body; 3] {
    [
        ApiKeyCreatedV1 {
            brand_id: id("brand1"),
            prefix: text("1f0a9b3c"),
            hash: text(KEY_HASH),
            scopes: scopes(),
            expires_at: Some(Micros(1_797_000_000_123_456)),
        }
        .into(),
        ApiKeyRotatedV1 {
            brand_id: id("brand1"),
            prefix: text("1f0a9b3c"),
            hash: text(KEY_HASH),
            scopes: scopes(),
            expires_at: Some(Micros(1_797_000_000_123_456)),
            previous_hash: Some(text(OLD_KEY_HASH)),
            previous_until: Some(Micros(1_795_000_000_123_456)),
        }
        .into(),
        ApiKeyRevokedV1 {
            brand_id: id("brand1"),
        }
        .into(),
    ]
}

fn campaign_events() -> Vec<Body> {
    let mut bodies = answers();
    bodies.extend([
        CampaignCreatedV1 {
            brand_id: id("brand1"),
            name: text("Summer sale"),
            currency: Currency::USD,
            allowed_hosts: vec![text("example.com"), text("shop.example.com")],
            fallback_url: Some(text("https://shop.example.com/later")),
            join: Some(JoinMode::Approval),
            description: Some(text("Everything for the beach.")),
            landing_url: Some(text("https://shop.example.com/summer")),
            starts_at: Some(Micros(1_795_000_000_123_456)),
            ends_at: Some(Micros(1_797_000_000_123_456)),
            budget: Some(budget()),
            trusts_redirects: Some(true),
        }
        .into(),
        TermsPublishedV1 {
            version: version(),
            brand_id: id("brand1"),
            currency: Currency::USD,
            window_days: window(),
            plan: plan(),
            effective_at: Micros(1_795_000_000_123_456),
            text_hash: Some(text(
                "5d41402abc4b2a76b9719d911017c592ae2f6c1b0a3d4e5f60718293a4b5c6d7",
            )),
            worsens: Some(true),
            sealed_text: Some(vec![7; 48]),
        }
        .into(),
        CampaignActivatedV1 {
            brand_id: id("brand1"),
            allowed_hosts: vec![text("example.com"), text("shop.example.com")],
            fallback_url: Some(text("https://shop.example.com/later")),
            starts_at: Some(Micros(1_795_000_000_123_456)),
            trusts_redirects: Some(true),
            ends_at: Some(Micros(1_798_000_000_123_456)),
        }
        .into(),
        EnrollmentAcceptedV1 {
            partner_id: id("partner123"),
            terms_version: version(),
            brand_id: Some(id("brand1")),
        }
        .into(),
        EvidenceSubmittedV1 {
            partner_id: id("partner123"),
            evidence_type: text("photo"),
            url_hash: text(SHA_256),
            content_hash: Some(text(SHA_256)),
            replaces: Some(id("evd_5f0c8e6b1d4a5b7c9e2f3a4b5c6d7e8f")),
            duplicate_of: Some(id("evd_9c1d2e3f4a5b5c6d8e7f0a1b2c3d4e5f")),
            sealed_url: Some(vec![7; 48]),
            sealed_metadata: Some(vec![7; 48]),
        }
        .into(),
    ]);
    bodies.extend(life());
    bodies.extend(applications());
    bodies.extend(bans());
    bodies.push(changed().into());
    bodies.extend(api_keys());
    bodies.extend(reviews());
    let adopted = BrandFundsAdoptedV1 {
        currency: Currency::USD,
        exhausted: true,
    };
    bodies.push(adopted.into());
    bodies.push(
        PartnerChangedV1 {
            country: Country::parse("DE").ok(),
            currency: Some(Currency::EUR),
            sealed_name: Some(vec![7; 28]),
            sealed_website: Some(vec![7; 37]),
        }
        .into(),
    );
    bodies.push(
        BrandChangedV1 {
            currency: Some(Currency::EUR),
            sealed_name: Some(vec![7; 27]),
        }
        .into(),
    );
    bodies.extend(groups());
    bodies
}

const SHA_256: &str = "5d41402abc4b2a76b9719d911017c592ae2f6c1b0a3d4e5f60718293a4b5c6d7";

const GROUP: &str = "grp_5f0c8e6b1d4a5b7c9e2f3a4b5c6d7e8f";

fn groups() -> [Body; 5] {
    [
        GroupCreatedV1 {
            link_limit: Some(50),
            sealed_name: Some(vec![7; 20]),
        }
        .into(),
        GroupChangedV1 {
            status: GroupStatus::Archived,
            link_limit: Some(50),
            sealed_name: Some(vec![7; 20]),
        }
        .into(),
        PartnerMovedV1 {
            partner_id: id("partner123"),
            group_id: id(GROUP),
        }
        .into(),
        PartnerErasedV1 {}.into(),
        WorkflowStepAnsweredV1 {
            brand_id: id("brand1"),
            partner_id: id("partner123"),
            campaign_id: id("camp123"),
            step: WorkflowStep::Group,
            compensates: true,
            refusal: Some(WorkflowReason::CrmRefused),
            group_before: Some(id("grp_2")),
            country: Some(Country::parse("DE").unwrap()),
            sealed_name: Some(vec![1, 2, 3]),
        }
        .into(),
    ]
}

fn reviews() -> [Body; 3] {
    let (partner_id, brand_id) = (id("partner123"), id("brand1"));
    [
        EvidenceApprovedV1 {
            partner_id: id("partner123"),
            brand_id: id("brand1"),
            evidence_type: text("photo"),
        }
        .into(),
        EvidenceRejectedV1 {
            partner_id: id("partner123"),
            brand_id: id("brand1"),
            reason: EvidenceReason::TermsViolated,
        }
        .into(),
        EvidenceReturnedV1 {
            partner_id,
            brand_id,
            reason: EvidenceReason::NeedsMoreDetail,
        }
        .into(),
    ]
}

fn changed() -> CampaignChangedV1 {
    CampaignChangedV1 {
        brand_id: id("brand1"),
        name: text("Late summer sale"),
        description: Some(text("Everything for the beach.")),
        allowed_hosts: vec![text("example.com"), text("shop.example.com")],
        fallback_url: Some(text("https://shop.example.com/later")),
        landing_url: Some(text("https://shop.example.com/summer")),
        starts_at: Some(Micros(1_795_000_000_123_456)),
        ends_at: Some(Micros(1_797_000_000_123_456)),
        budget: Some(budget()),
        join: JoinMode::Invite,
        trusts_redirects: Some(true),
    }
}

fn bans() -> [Body; 2] {
    [
        PartnerBannedV1 {
            brand_id: Some(id("brand1")),
            reason: RefusalReason::TermsViolated,
        }
        .into(),
        PartnerUnbannedV1 {
            brand_id: Some(id("brand1")),
        }
        .into(),
    ]
}

fn applications() -> [Body; 4] {
    [
        EnrollmentInvitedV1 {
            partner_id: id("partner123"),
            brand_id: id("brand1"),
        }
        .into(),
        EnrollmentAppliedV1 {
            partner_id: id("partner123"),
            brand_id: id("brand1"),
            terms_version: version(),
        }
        .into(),
        EnrollmentApprovedV1 {
            partner_id: id("partner123"),
            brand_id: id("brand1"),
            terms_version: version(),
        }
        .into(),
        EnrollmentRejectedV1 {
            partner_id: id("partner123"),
            brand_id: id("brand1"),
            reason: RefusalReason::NeedsMoreDetail,
        }
        .into(),
    ]
}

fn life() -> [Body; 4] {
    [
        CampaignPausedV1 {
            brand_id: id("brand1"),
            reason: PauseReason::Brand,
        }
        .into(),
        CampaignResumedV1 {
            brand_id: id("brand1"),
        }
        .into(),
        CampaignClosedV1 {
            brand_id: id("brand1"),
        }
        .into(),
        EnrollmentEndedV1 {
            partner_id: id("partner123"),
            brand_id: id("brand1"),
            status: EnrollmentStatus::Removed,
            reason: Some(RefusalReason::TermsViolated),
        }
        .into(),
    ]
}

fn tracking_commands() -> Vec<Body> {
    vec![
        CreateLinkV1 {
            campaign_id: text("camp123"),
            partner_id: text("partner123"),
            target_url: text("https://example.com/shop"),
            utm: Some(utm()),
            deep_paths: Some(true),
        }
        .into(),
        RecordEventV1 {
            event_type: text("purchase"),
            user_id: text("user123"),
            occurred_at: Some(Micros(1_795_000_000_123_456)),
            amount: Some(text("100.0")),
            currency: Some(text("USD")),
            order_id: Some(text("order-1")),
            campaign_id: Some(text("camp123")),
            click_id: Some(text("clk_1")),
            product_id: Some(text("prod456")),
            metadata: Some(text("{\"source\":\"mobile_app\"}")),
            visitor: None,
            conversion_id: None,
        }
        .into(),
        AcceptClaimV1 {}.into(),
        DeclineClaimV1 {
            reason: text("order_unknown"),
        }
        .into(),
        ChangeLinkV1 {
            target_url: Some(text("https://example.com/sale")),
            status: Some(text("disabled")),
            utm: Some(utm()),
            deep_paths: Some(true),
        }
        .into(),
        BindClickV1 {
            user_id: None,
            visitor: Some(VisitorHashes {
                key: text("1f2e3d4c"),
                hash: text("9f86d081884c7d65"),
                earlier: vec![text("5d41402abc4b2a76")],
                masked: text("b9719d911017c592"),
            }),
        }
        .into(),
        EraseVisitorV1 {
            brand_id: text("brand1"),
            visitor: VisitorHashes {
                key: text("1f2e3d4c"),
                hash: text("9f86d081884c7d65"),
                earlier: vec![text("5d41402abc4b2a76")],
                masked: text("b9719d911017c592"),
            },
        }
        .into(),
    ]
}

fn attributed() -> Body {
    ConversionAttributedV1 {
        event_type: ConversionType::Purchase,
        order_id: Some(id("order-1")),
        alias_id: Some(id("1f0c0c5e-3c0b-5ad1-9a53-6f0d3f0f5a01")),
        campaign_id: id("camp123"),
        brand_id: id("brand1"),
        partner_id: id("partner123"),
        link_code: id("summer"),
        click_id: id("clk_1"),
        amount: Some(usd(15_000)),
        terms_version: version(),
        occurred_at: Micros(1_795_000_000_123_456),
        verified_by: Some(text("brand")),
        clicked_at: Some(Micros(1_794_900_000_654_321)),
        click_named: Some(false),
    }
    .into()
}

fn tracking_events() -> Vec<Body> {
    let mut bodies = answers();
    bodies.extend([
        TermsAdoptedV1 {
            version: version(),
            brand_id: id("brand1"),
            currency: Currency::USD,
            window_days: window(),
            effective_at: Micros(1_795_000_000_123_456),
            worsens: Some(true),
        }
        .into(),
        CampaignAdoptedV1 {
            brand_id: id("brand1"),
            allowed_hosts: vec![text("example.com"), text("shop.example.com")],
            fallback_url: Some(text("https://shop.example.com/later")),
            starts_at: Some(Micros(1_795_000_000_123_456)),
            trusts_redirects: Some(true),
            ends_at: Some(Micros(1_798_000_000_123_456)),
        }
        .into(),
        EnrollmentAdoptedV1 {
            partner_id: id("partner123"),
            terms_version: version(),
            status: Some(EnrollmentStatus::Applied),
        }
        .into(),
        LinkCreatedV1 {
            campaign_id: id("camp123"),
            partner_id: id("partner123"),
            target_url: text("https://example.com/shop"),
            utm: Some(utm()),
            deep_paths: Some(true),
            brand_id: Some(id("brand123")),
        }
        .into(),
        attributed(),
        ConversionUnattributedV1 {
            event_type: ConversionType::Purchase,
            reason: text("said so"),
            amount: Some(text("100.0")),
            currency: Some(Currency::USD),
            order_id: Some(id("order-1")),
            campaign_id: Some(id("camp123")),
            click_id: Some(id("clk_1")),
            user_hash: text("9f86d081884c7d65"),
            occurred_at: Micros(1_795_000_000_123_456),
        }
        .into(),
        ConversionRefundedV1 {
            amount: usd(15_000),
            refunded_total: usd(15_000),
            purchase_amount: usd(15_000),
            partner_id: Some(id("partner123")),
            brand_id: Some(id("brand123")),
        }
        .into(),
        ConversionRefundNotedV1 {
            amount: Some(text("100.0")),
            currency: Some(Currency::USD),
            order_id: Some(id("order-1")),
            campaign_id: Some(id("camp123")),
            click_id: Some(id("clk_1")),
            user_hash: text("9f86d081884c7d65"),
            occurred_at: Micros(1_795_000_000_123_456),
        }
        .into(),
        ConversionDuplicateIgnoredV1 {
            event_type: text("purchase"),
            first_event_id: id("2b1f7f1e-8a55-5d0c-9c39-0d5a7b1c2e3f"),
            order_id: Some(id("order-1")),
            first_conversion_id: Some(id("2b1f7f1e-8a55-5d0c-9c39-0d5a7b1c2e3f")),
            brand_id: Some(id("brand123")),
        }
        .into(),
        TrackingEventRecordedV1 {
            event_type: text("purchase"),
            user_hash: text("9f86d081884c7d65"),
            link_code: Some(id("summer")),
            click_id: Some(id("clk_1")),
            campaign_id: Some(id("camp123")),
            order_id: Some(id("order-1")),
            occurred_at: Micros(1_795_000_000_123_456),
        }
        .into(),
    ]);
    bodies.extend(claims());
    bodies.extend(stops());
    bodies.extend([changed_link(), bound_click(), adopted_key()]);
    bodies.push(erased_visitor());
    bodies.extend(adopted_groups());
    bodies.push(answered_link());
    bodies
}

fn answered_link() -> Body {
    WorkflowLinkAnsweredV1 {
        brand_id: id("brand1"),
        partner_id: id("partner123"),
        campaign_id: id("camp123"),
        refusal: Some(WorkflowReason::CampaignClosed),
        link_code: Some(id("lnk_1")),
    }
    .into()
}

fn erased_visitor() -> Body {
    VisitorErasedV1 {
        brand_id: id("brand1"),
        user_hash: text("9f86d081884c7d65"),
    }
    .into()
}

fn bound_click() -> Body {
    ClickBoundV1 {
        campaign_id: id("camp123"),
        brand_id: id("brand1"),
        partner_id: id("partner123"),
        link_code: id("summer"),
        clicked_at: Micros(1_795_000_000_123_456),
        user_hash: text("9f86d081884c7d65"),
    }
    .into()
}

fn adopted_key() -> Body {
    ApiKeyAdoptedV1 {
        brand_id: id("brand1"),
        scopes: scopes(),
        hash: Some(text(KEY_HASH)),
        expires_at: Some(Micros(1_797_000_000_123_456)),
        previous_hash: Some(text(OLD_KEY_HASH)),
        previous_until: Some(Micros(1_795_000_000_123_456)),
    }
    .into()
}

fn adopted_groups() -> [Body; 2] {
    [
        GroupAdoptedV1 {
            status: GroupStatus::Active,
            link_limit: Some(50),
        }
        .into(),
        PartnerMoveAdoptedV1 {
            partner_id: id("partner123"),
            group_id: id(GROUP),
        }
        .into(),
    ]
}

fn changed_link() -> Body {
    LinkChangedV1 {
        campaign_id: id("camp123"),
        partner_id: id("partner123"),
        target_url: text("https://example.com/sale"),
        status: LinkStatus::Disabled,
        disabled_by: Some(DisabledBy::Brand),
        created_at: Micros(1_795_000_000_123_456),
        utm: Some(utm()),
        deep_paths: Some(true),
        brand_id: Some(id("brand123")),
    }
    .into()
}

fn utm() -> Utm {
    Utm {
        source: Some(text("partners")),
        medium: Some(text("affiliate")),
        campaign: Some(text("{campaign_id}")),
        term: Some(text("shoes")),
        content: Some(text("{partner_id}-{code}")),
    }
}

fn claims() -> [Body; 4] {
    [
        ConversionClaimedV1 {
            sale: claimed_sale(),
            user_hash: Some(text("9f86d081884c7d65")),
        }
        .into(),
        ClaimSettledV1 {
            sale: claimed_sale(),
            conversion_id: id("0197a1f0-0000-7000-8000-000000000001"),
        }
        .into(),
        ClaimAcceptedV1 {
            conversion_id: id("0197a1f0-0000-7000-8000-000000000001"),
            partner_id: Some(id("partner123")),
            brand_id: Some(id("brand123")),
        }
        .into(),
        ClaimDeclinedV1 {
            reason: DeclineReason::OrderUnknown,
            partner_id: Some(id("partner123")),
            brand_id: Some(id("brand123")),
        }
        .into(),
    ]
}

fn stops() -> [Body; 4] {
    [
        CampaignStatusAdoptedV1 {
            status: CampaignStatus::Paused,
        }
        .into(),
        EnrollmentEndAdoptedV1 {
            partner_id: id("partner123"),
            status: EnrollmentStatus::Removed,
        }
        .into(),
        PartnerStatusAdoptedV1 {
            brand_id: Some(id("brand1")),
            status: PartnerStatus::Banned,
        }
        .into(),
        CampaignChangeAdoptedV1 {
            allowed_hosts: vec![text("example.com"), text("shop.example.com")],
            fallback_url: Some(text("https://shop.example.com/later")),
            starts_at: Some(Micros(1_795_000_000_123_456)),
            trusts_redirects: Some(true),
            ends_at: Some(Micros(1_798_000_000_123_456)),
        }
        .into(),
    ]
}

fn commission_commands() -> Vec<Body> {
    vec![
        ReleaseHoldV1 {
            due_at: Micros(1_795_000_000_123_456),
        }
        .into(),
    ]
}

fn commission_events() -> Vec<Body> {
    let mut bodies = answers();
    bodies.extend([
        PlanAdoptedV1 {
            version: version(),
            plan: plan(),
            currency: Currency::USD,
            brand_id: id("brand1"),
            effective_at: Micros(1_795_000_000_123_456),
        }
        .into(),
        CommissionCalculatedV1 {
            partner_id: id("partner123"),
            brand_id: id("brand1"),
            campaign_id: id("camp123"),
            event_type: ConversionType::Purchase,
            base: Some(usd(10_000)),
            rate_bps: Some(1000),
            flat: Some(usd(500)),
            plan_version: version(),
            rounding: text("half_even"),
            amount: usd(15_000),
            status: text("held"),
            hold_until: Some(Micros(1_795_000_000_123_456)),
        }
        .into(),
        CommissionApprovedV1 {
            partner_id: id("partner123"),
            brand_id: id("brand1"),
            amount: usd(15_000),
        }
        .into(),
        CommissionReversedV1 {
            partner_id: id("partner123"),
            brand_id: id("brand1"),
            amount: usd(15_000),
            reversed_total: usd(15_000),
            from: EarningStatus::Pending,
        }
        .into(),
    ]);
    bodies
}

fn payment_commands() -> Vec<Body> {
    vec![
        RequestPayoutV1 {
            amount: usd(15_000).into(),
            method: text("paypal"),
            sealed_details: (0..=u8::MAX).collect(),
            key_id: text("key-1"),
            masked: text("u***@example.com"),
        }
        .into(),
        BeginPayoutV1 {
            requested_event_id: text("2b1f7f1e-8a55-5d0c-9c39-0d5a7b1c2e3f"),
        }
        .into(),
        RecordPayoutAnswerV1 {
            answer: text("accepted"),
            provider_ref: Some(text("sim-1")),
            reason: Some(text("said so")),
        }
        .into(),
        OpenAccountV1 {
            brand_id: text("brand1"),
            name: text("reserve"),
        }
        .into(),
        AnnounceDepositV1 {
            brand_id: text("brand1"),
            account: Some(text("reserve")),
            amount: usd(50_000).into(),
            reference: Some(text("INV-2026-11")),
        }
        .into(),
        SettleDepositV1 {
            status: text("failed"),
            reason: Some(text("not_received")),
        }
        .into(),
        WithdrawV1 {
            brand_id: text("brand1"),
            account: Some(text("reserve")),
            amount: usd(20_000).into(),
            reference: Some(text("INV-2026-11")),
        }
        .into(),
        SettleWithdrawalV1 {
            status: text("failed"),
            reason: Some(text("returned")),
        }
        .into(),
        TransferFundsV1 {
            brand_id: text("brand1"),
            from_account: Some(text("reserve")),
            to_account: Some(text("season")),
            amount: usd(10_000).into(),
        }
        .into(),
        SetBillingV1 {
            currency: text("USD"),
            billing: text("postpaid"),
            credit_limit: Some(100_000),
        }
        .into(),
        FundEarningsV1 {
            currency: text("USD"),
        }
        .into(),
        SetFundsWarningV1 {
            currency: text("USD"),
            amount: Some(50_000),
        }
        .into(),
        IssueStatementV1 {
            month: text("2026-11"),
            since: 1_147,
            lines: statement_issued().lines,
            through: 4_711,
        }
        .into(),
        StateFundsV1 {
            currency: text("USD"),
        }
        .into(),
    ]
}

/// What brands' money did.
fn funds_events() -> Vec<Body> {
    let (brand_id, account) = (id::<BrandId>("brand1"), Some(id::<AccountName>("reserve")));
    let reference = Some(id::<BankReference>("INV-2026-11"));
    let transfer_id = id("2b1f7f1e-8a55-5d0c-9c39-0d5a7b1c2e3f");
    let (amount, currency) = (usd(50_000), Currency::USD);
    vec![
        AccountOpenedV1 {
            brand_id: brand_id.clone(),
            name: id("reserve"),
        }
        .into(),
        DepositAnnouncedV1 {
            brand_id: brand_id.clone(),
            account: account.clone(),
            amount,
            reference: reference.clone(),
            transfer_id,
        }
        .into(),
        DepositClearedV1 {
            brand_id: brand_id.clone(),
            account: account.clone(),
            amount,
            transfer_id,
        }
        .into(),
        DepositFailedV1 {
            brand_id: brand_id.clone(),
            account: account.clone(),
            amount,
            transfer_id,
            reason: BankFailure::NotReceived,
        }
        .into(),
        WithdrawalRequestedV1 {
            brand_id: brand_id.clone(),
            account: account.clone(),
            amount,
            reference,
            transfer_id,
        }
        .into(),
        WithdrawalSettledV1 {
            brand_id: brand_id.clone(),
            account: account.clone(),
            amount,
            transfer_id,
        }
        .into(),
        WithdrawalFailedV1 {
            brand_id: brand_id.clone(),
            account: account.clone(),
            amount,
            transfer_id,
            reason: BankFailure::Returned,
        }
        .into(),
        FundsTransferredV1 {
            brand_id,
            from_account: account,
            to_account: Some(id("season")),
            amount,
            transfer_id,
        }
        .into(),
        BillingChangedV1 {
            currency,
            billing: Billing::Postpaid,
            credit_limit: Some(100_000),
        }
        .into(),
        EarningsFundedV1 {
            currency,
            transfers: vec![
                transfer("brand:brand1:funds", "brand:brand1:unfunded"),
                transfer("partner:partner123:unfunded", "partner:partner123:payable"),
            ],
            conversion_ids: vec![id("2b1f7f1e-8a55-5d0c-9c39-0d5a7b1c2e3f")],
        }
        .into(),
        FundsExhaustedV1 { currency }.into(),
        FundsRestoredV1 { currency }.into(),
        RefundRecoveredV1 {
            partner_id: id("partner123"),
            amount,
            transfer_id,
        }
        .into(),
        FundsWarningChangedV1 {
            currency,
            amount: Some(50_000),
        }
        .into(),
        FundsLowV1 {
            currency,
            left: usd(43_210),
            warning: usd(50_000),
        }
        .into(),
    ]
}

fn payment_events() -> Vec<Body> {
    let mut bodies = answers();
    bodies.extend([
        PayoutRequestedV1 {
            amount: usd(15_000),
            method: PayoutMethod::Paypal,
            masked: text("u***@example.com"),
            transfer_id: id("2b1f7f1e-8a55-5d0c-9c39-0d5a7b1c2e3f"),
        }
        .into(),
        PayoutSubmittingV1 {
            attempt: 1,
            reference: id("pay_1"),
            amount: usd(15_000),
            method: PayoutMethod::Paypal,
        }
        .into(),
        PayoutSubmittedV1 {
            amount: usd(15_000),
            provider_ref: Some(text("sim-1")),
            reason: Some(text("said so")),
        }
        .into(),
        PayoutUnknownV1 {
            amount: usd(15_000),
            provider_ref: Some(text("sim-1")),
            reason: Some(text("said so")),
        }
        .into(),
        PayoutPaidV1 {
            amount: usd(15_000),
            transfer_id: id("2b1f7f1e-8a55-5d0c-9c39-0d5a7b1c2e3f"),
            provider_ref: Some(text("sim-1")),
        }
        .into(),
        PayoutFailedV1 {
            amount: usd(15_000),
            transfer_id: id("2b1f7f1e-8a55-5d0c-9c39-0d5a7b1c2e3f"),
            provider_ref: Some(text("sim-1")),
            reason: Some(text("said so")),
        }
        .into(),
        LedgerPostedV1 {
            transfers: vec![
                transfer("brand:brand1:funds", "partner:partner123:payable"),
                transfer("a", "b"),
            ],
            cause: text("commission.calculated.v1"),
            conversion_id: Some(text("2b1f7f1e-8a55-5d0c-9c39-0d5a7b1c2e3f")),
            reason: Some(text("said so")),
        }
        .into(),
        SealingKeyPublishedV1 {
            public_key: vec![7; 32],
            not_after: Micros(1_795_000_000_123_456),
        }
        .into(),
    ]);
    bodies.extend(funds_events());
    bodies.push(statement_issued().into());
    let stated = FundsStatedV1 {
        currency: Currency::USD,
        exhausted: true,
    };
    bodies.push(stated.into());
    bodies
}

fn statement_issued() -> StatementIssuedV1 {
    let line = |account, opening, credited, debited| StatementLine {
        account,
        currency: Currency::USD,
        opening,
        credited,
        debited,
        closing: opening + credited - debited,
    };
    StatementIssuedV1 {
        month: id("2026-11"),
        lines: vec![
            line(AccountType::Payable, 2_500, 14_000, 15_000),
            line(AccountType::PaidOut, 0, 15_000, 0),
        ],
        through: 4_711,
    }
}

fn notify_commands() -> Vec<Body> {
    vec![
        CreateWebhookEndpointV1 {
            brand_id: Some(text("brand1")),
            partner_id: Some(text("partner123")),
            url: text("https://hooks.example.com/tributary"),
            kinds: vec![text("conversion.attributed.v1")],
            description: Some(text("The shop")),
            format: Some(text("webhook")),
        }
        .into(),
        ChangeWebhookEndpointV1 {
            url: Some(text("https://hooks.example.com/tributary")),
            kinds: Some(vec![text("conversion.attributed.v1")]),
            description: Some(text("The shop")),
        }
        .into(),
        EnableWebhookEndpointV1 {}.into(),
        DisableWebhookEndpointV1 {}.into(),
        RotateWebhookSecretV1 {
            overlap_seconds: Some(86_400),
        }
        .into(),
        RemoveWebhookEndpointV1 {}.into(),
        TestWebhookEndpointV1 {}.into(),
        ResendWebhooksV1 {
            delivery_id: Some(text("2b1f7f1e-8a55-5d0c-9c39-0d5a7b1c2e3f")),
            since: Some(Micros(1_795_000_000_123_456)),
            until: Some(Micros(1_795_000_600_123_456)),
        }
        .into(),
        GiveWebhookEndpointUpV1 {
            reason: text("failing"),
        }
        .into(),
        ChangeContactV1 {
            brand_id: Some(text("brand1")),
            partner_id: Some(text("partner123")),
            addresses: vec![WireContactAddress {
                sealed_address: text("AQID"),
                language: text("de"),
                groups: vec![text("programme"), text("money")],
            }],
            numbers: Some(vec![WireContactAddress {
                sealed_address: text("BAUG"),
                language: text("en"),
                groups: vec![text("security")],
            }]),
        }
        .into(),
        ConcludeMailV1 {
            brand_id: Some(text("brand1")),
            partner_id: Some(text("partner123")),
            kind: text("payout.paid.v1"),
            event_id: text("2b1f7f1e-8a55-5d0c-9c39-0d5a7b1c2e3f"),
            failure: Some(text("refused")),
            smtp_status: Some(550),
            channel: Some(text("mail")),
        }
        .into(),
        ChangeOnboardingV1 {
            enabled: true,
            approves: true,
            countries: vec![text("DE")],
            group_id: Some(text("grp_1")),
            tags: vec![text("vip")],
            crm: true,
            sealed_manager: Some(vec![1, 2, 3]),
            sealed_manager_mail: Some(vec![1, 2, 3]),
        }
        .into(),
        RetryWorkflowV1 {}.into(),
        SkipWorkflowStepV1 {
            step: text("crm_contact"),
        }
        .into(),
        CancelWorkflowV1 {}.into(),
        ConcludeCrmCallV1 {
            removes: true,
            reason: Some(text("crm_refused")),
            crm_status: Some(422),
            generation: Some(2),
            may_exist: Some(true),
        }
        .into(),
        EndWorkflowV1 {
            reason: text("campaign_closed"),
        }
        .into(),
        UnsubscribeV1 {
            address_id: text("2b1f7f1e-8a55-5d0c-9c39-0d5a7b1c2e3f"),
            group: text("earnings"),
        }
        .into(),
        change_mail_template(),
    ]
}

fn notify_events() -> Vec<Body> {
    let (brand_id, partner_id) = (Some(id("brand1")), Some(id("partner123")));
    let mut bodies = answers();
    bodies.extend([
        WebhookEndpointCreatedV1 {
            brand_id: brand_id.clone(),
            partner_id: partner_id.clone(),
            url: text("https://hooks.example.com/tributary"),
            kinds: vec![text("conversion.attributed.v1")],
            description: Some(text("The shop")),
            format: Some(types::WebhookFormat::Webhook),
        }
        .into(),
        WebhookEndpointChangedV1 {
            brand_id: brand_id.clone(),
            partner_id: partner_id.clone(),
            url: text("https://hooks.example.com/tributary"),
            kinds: vec![text("conversion.attributed.v1")],
            description: Some(text("The shop")),
        }
        .into(),
        WebhookEndpointEnabledV1 {
            brand_id: brand_id.clone(),
            partner_id: partner_id.clone(),
        }
        .into(),
        WebhookEndpointDisabledV1 {
            brand_id: brand_id.clone(),
            partner_id: partner_id.clone(),
            reason: WebhookDisabledReason::Failing,
        }
        .into(),
        WebhookSecretRotatedV1 {
            brand_id: brand_id.clone(),
            partner_id: partner_id.clone(),
            version: 2,
            previous_until: Some(Micros(1_795_000_000_123_456)),
        }
        .into(),
        WebhookEndpointRemovedV1 {
            brand_id: brand_id.clone(),
            partner_id: partner_id.clone(),
        }
        .into(),
        WebhookEndpointTestedV1 {
            brand_id: brand_id.clone(),
            partner_id: partner_id.clone(),
        }
        .into(),
        ContactChangedV1 {
            brand_id: brand_id.clone(),
            partner_id: partner_id.clone(),
            addresses: vec![ContactAddress {
                sealed_address: text("AQID"),
                language: MailLanguage::German,
                groups: vec![MailGroup::Programme, MailGroup::Money],
            }],
            numbers: Some(vec![ContactAddress {
                sealed_address: text("BAUG"),
                language: MailLanguage::English,
                groups: vec![MailGroup::Security],
            }]),
        }
        .into(),
        NotificationSentV1 {
            brand_id: brand_id.clone(),
            partner_id: partner_id.clone(),
            kind: text("payout.paid.v1"),
            event_id: id("2b1f7f1e-8a55-5d0c-9c39-0d5a7b1c2e3f"),
            channel: Some(Channel::Text),
        }
        .into(),
        NotificationFailedV1 {
            brand_id: brand_id.clone(),
            partner_id: partner_id.clone(),
            kind: text("payout.paid.v1"),
            event_id: id("2b1f7f1e-8a55-5d0c-9c39-0d5a7b1c2e3f"),
            reason: MailFailure::Refused,
            smtp_status: Some(550),
            channel: Some(Channel::Mail),
        }
        .into(),
        WebhooksResentV1 {
            brand_id,
            partner_id,
            delivery_id: Some(id("2b1f7f1e-8a55-5d0c-9c39-0d5a7b1c2e3f")),
            since: Some(Micros(1_795_000_000_123_456)),
            until: Some(Micros(1_795_000_600_123_456)),
        }
        .into(),
    ]);
    bodies.extend(workflow_events());
    bodies.push(unsubscribed());
    bodies.push(mail_template_changed());
    bodies
}

fn workflow_events() -> Vec<Body> {
    vec![
        OnboardingChangedV1 {
            enabled: true,
            approves: true,
            countries: vec![Country::parse("DE").unwrap()],
            group_id: Some(id("grp_1")),
            tags: vec![text("vip")],
            crm: true,
            sealed_manager: Some(vec![1, 2, 3]),
            sealed_manager_mail: Some(vec![1, 2, 3]),
        }
        .into(),
        WorkflowStartedV1 {
            brand_id: id("brand1"),
            partner_id: id("partner123"),
            campaign_id: id("camp123"),
            correlation_id: id("2b1f7f1e-8a55-5d0c-9c39-0d5a7b1c2e3f"),
            approves: true,
            countries: vec![Country::parse("DE").unwrap()],
            group_id: Some(id("grp_1")),
            tags: vec![text("vip")],
            crm: true,
            sealed_manager: Some(vec![1, 2, 3]),
            sealed_manager_mail: Some(vec![1, 2, 3]),
        }
        .into(),
        WorkflowStepRequestedV1 {
            brand_id: id("brand1"),
            partner_id: id("partner123"),
            campaign_id: id("camp123"),
            step: WorkflowStep::Group,
            compensates: true,
            countries: vec![Country::parse("DE").unwrap()],
            group_id: Some(id("grp_1")),
            from_group_id: Some(id("grp_2")),
        }
        .into(),
        WorkflowStepStartedV1 {
            brand_id: id("brand1"),
            partner_id: id("partner123"),
            campaign_id: id("camp123"),
            step: WorkflowStep::Group,
            compensates: true,
        }
        .into(),
        WorkflowStepCompletedV1 {
            brand_id: id("brand1"),
            partner_id: id("partner123"),
            campaign_id: id("camp123"),
            step: WorkflowStep::Group,
            skipped: Some(WorkflowReason::NotWanted),
            group_before: Some(id("grp_2")),
            country: Some(Country::parse("DE").unwrap()),
            sealed_name: Some(vec![1, 2, 3]),
            link_code: Some(id("lnk_1")),
        }
        .into(),
        WorkflowStepFailedV1 {
            brand_id: id("brand1"),
            partner_id: id("partner123"),
            campaign_id: id("camp123"),
            step: WorkflowStep::Group,
            reason: WorkflowReason::CrmRefused,
            crm_status: Some(422),
            may_exist: Some(true),
        }
        .into(),
        WorkflowStepCompensatedV1 {
            brand_id: id("brand1"),
            partner_id: id("partner123"),
            campaign_id: id("camp123"),
            step: WorkflowStep::Group,
            failure: Some(WorkflowReason::CrmRefused),
        }
        .into(),
        WorkflowCancelledV1 {
            brand_id: id("brand1"),
            partner_id: id("partner123"),
            campaign_id: id("camp123"),
            reason: WorkflowReason::CrmRefused,
        }
        .into(),
        WorkflowCompletedV1 {
            brand_id: id("brand1"),
            partner_id: id("partner123"),
            campaign_id: id("camp123"),
            sealed_manager: Some(vec![1, 2, 3]),
            link_code: Some(id("lnk_1")),
        }
        .into(),
        WorkflowCompensatedV1 {
            brand_id: id("brand1"),
            partner_id: id("partner123"),
            campaign_id: id("camp123"),
            step: Some(WorkflowStep::Group),
            reason: WorkflowReason::CrmRefused,
            returned: true,
        }
        .into(),
    ]
}

fn change_mail_template() -> Body {
    ChangeMailTemplateV1 {
        brand_id: text("brand1"),
        kind: text("enrollment.approved.v1"),
        language: text("de"),
        sealed_subject: Some(vec![1, 2, 3]),
        sealed_text: Some(vec![1, 2, 3]),
    }
    .into()
}

fn mail_template_changed() -> Body {
    MailTemplateChangedV1 {
        brand_id: id("brand1"),
        kind: text("enrollment.approved.v1"),
        language: MailLanguage::German,
        sealed_subject: Some(vec![1, 2, 3]),
        sealed_text: Some(vec![1, 2, 3]),
    }
    .into()
}

fn unsubscribed() -> Body {
    ContactUnsubscribedV1 {
        brand_id: Some(id("brand1")),
        partner_id: Some(id("partner123")),
        address_id: id("2b1f7f1e-8a55-5d0c-9c39-0d5a7b1c2e3f"),
        group: MailGroup::Earnings,
    }
    .into()
}
