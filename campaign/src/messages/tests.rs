//! There and back.

use proptest::prelude::*;
use schemas::{
    About, Actor, ApiKeyCreatedV1, ApiKeyRevokedV1, ApiKeyRotatedV1, BrandChangedV1, Budget,
    CampaignActivatedV1, CampaignChangedV1, CampaignClosedV1, CampaignCreatedV1, CampaignPausedV1,
    CampaignResumedV1, EnrollmentAcceptedV1, EnrollmentAppliedV1, EnrollmentApprovedV1,
    EnrollmentEndedV1, EnrollmentInvitedV1, EnrollmentRejectedV1, Event as _, EvidenceApprovedV1,
    EvidenceRejectedV1, EvidenceReturnedV1, EvidenceSubmittedV1, GroupChangedV1, GroupCreatedV1,
    Header, Message, PartnerBannedV1, PartnerChangedV1, PartnerErasedV1, PartnerMovedV1,
    PartnerUnbannedV1, Topic, WriterSchema, Written,
};
use types::{
    ApiKeyScope, BanId, BasisPoints, BrandId, BudgetInterval, CampaignId, Country, Currency,
    Earning, EnrollmentId, EnrollmentStatus, EvidenceId, EvidenceReason, GroupId, GroupStatus,
    HoldDays, JoinMode, MembershipId, Micros, Money, PartnerId, PauseReason, Plan, RefusalReason,
    TermsVersion, Uuid, WindowDays,
};

use super::actor;
use crate::domain::{Event, Terms, TermsPublished};

const ID: &str = "[A-Za-z0-9_-]{1,64}";

fn message(written: Written) -> Message {
    let kind = written.body.kind(Topic::CampaignEvents).unwrap();
    let header = Header {
        id: Uuid::from_u128(1),
        kind: kind.name.to_owned(),
        source: "campaign".to_owned(),
        subject: written.subject,
        key: written.key,
        time: Micros(1),
        epoch: Some(1),
        sequence: Some(1),
        correlation_id: Uuid::from_u128(2),
        causation_id: None,
        outcome_of: None,
        actor: None,
        traceparent: None,
    };
    Message {
        header,
        body: written.body,
    }
}

fn hosts() -> impl Strategy<Value = Vec<String>> {
    prop::collection::hash_set("[a-z0-9]{1,20}(\\.[a-z]{2,8}){0,2}", 1..=5)
        .prop_map(|hosts| hosts.into_iter().collect())
}

fn earning() -> impl Strategy<Value = Earning> {
    prop_oneof![
        (0..=10_000_i32).prop_map(|bps| Earning::Rate(BasisPoints::new(bps).unwrap())),
        (1..=i64::MAX).prop_map(|minor| Earning::Flat(Money::new(minor, Currency::JPY))),
    ]
}

fn plan() -> impl Strategy<Value = Plan> {
    (
        prop::option::of(earning()),
        prop::option::of(earning()),
        0..=365_i32,
    )
        .prop_filter_map("nothing earns", |(sale, lead, hold)| {
            Plan::new(sale, lead, HoldDays::new(hold).unwrap()).ok()
        })
}

fn fallback() -> impl Strategy<Value = Option<String>> {
    prop::option::of("https://[a-z]{1,10}\\.example/[a-z]{0,10}")
}

/// What can be changed of a campaign.
fn details() -> impl Strategy<Value = CampaignChangedV1> {
    let budget = prop::option::of((1..=i64::MAX).prop_map(|minor| Budget {
        minor,
        currency: Currency::JPY,
        interval: BudgetInterval::Total,
    }));
    let text = || "[^\\p{Cc}]{1,200}";
    let time = || prop::option::of(any::<i64>().prop_map(Micros));
    let pages = (fallback(), fallback());
    let texts = (text(), prop::option::of(text()));
    (ID, texts, hosts(), pages, (time(), time()), budget).prop_map(
        |(brand, texts, allowed_hosts, pages, times, budget)| CampaignChangedV1 {
            brand_id: brand.parse().unwrap(),
            name: texts.0,
            description: texts.1,
            allowed_hosts,
            fallback_url: pages.0,
            landing_url: pages.1,
            starts_at: times.0,
            ends_at: times.1,
            budget,
            join: JoinMode::Approval,
            trusts_redirects: Some(true),
        },
    )
}

/// What becomes of an API key.
fn api_key() -> impl Strategy<Value = Event> {
    (ID, ID, "[0-9a-f]{64}", 0..3_u8).prop_map(|(key, brand, hash, kind)| {
        let (key, brand_id) = (key.parse().unwrap(), brand.parse().unwrap());
        let (prefix, scopes) = (hash[..8].to_owned(), vec![ApiKeyScope::ReportsRead]);
        match kind {
            0 => Event::from(About::of(
                key,
                ApiKeyCreatedV1 {
                    brand_id,
                    prefix,
                    hash,
                    scopes,
                    expires_at: None,
                },
            )),
            1 => Event::from(About::of(
                key,
                ApiKeyRotatedV1 {
                    brand_id,
                    prefix,
                    hash: hash.clone(),
                    scopes,
                    expires_at: Some(Micros(7)),
                    previous_hash: Some(hash),
                    previous_until: Some(Micros(8)),
                },
            )),
            _ => Event::from(About::of(key, ApiKeyRevokedV1 { brand_id })),
        }
    })
}

/// What changes a campaign that there is, or a partner's place in it.
fn changed() -> impl Strategy<Value = Event> {
    let ending = prop_oneof![
        Just((EnrollmentStatus::Left, None)),
        Just((EnrollmentStatus::Removed, Some(RefusalReason::Other))),
    ];
    prop_oneof![
        (ID, ID, ID, 0..4_u8).prop_map(|(campaign, partner, brand, kind)| {
            let (campaign, partner_id): (CampaignId, PartnerId) =
                (campaign.parse().unwrap(), partner.parse().unwrap());
            let subject = EnrollmentId::of(&campaign, &partner_id);
            let (key, brand_id) = (campaign, brand.parse().unwrap());
            let terms_version = TermsVersion::FIRST;
            match kind {
                0 => Event::EnrollmentInvited(About {
                    key,
                    subject,
                    record: EnrollmentInvitedV1 {
                        partner_id,
                        brand_id,
                    },
                }),
                1 => Event::EnrollmentApplied(About {
                    key,
                    subject,
                    record: EnrollmentAppliedV1 {
                        partner_id,
                        brand_id,
                        terms_version,
                    },
                }),
                2 => Event::EnrollmentApproved(About {
                    key,
                    subject,
                    record: EnrollmentApprovedV1 {
                        partner_id,
                        brand_id,
                        terms_version,
                    },
                }),
                _ => Event::EnrollmentRejected(About {
                    key,
                    subject,
                    record: EnrollmentRejectedV1 {
                        partner_id,
                        brand_id,
                        reason: RefusalReason::NeedsMoreDetail,
                    },
                }),
            }
        }),
        (ID, prop::option::of(ID), any::<bool>()).prop_map(|(partner, brand, begins)| {
            let key: PartnerId = partner.parse().unwrap();
            let brand_id: Option<BrandId> = brand.map(|brand| brand.parse().unwrap());
            let subject = BanId::of(brand_id.as_ref(), &key);
            if begins {
                let reason = RefusalReason::Other;
                let record = PartnerBannedV1 { brand_id, reason };
                return Event::PartnerBanned(About {
                    key,
                    subject,
                    record,
                });
            }
            let record = PartnerUnbannedV1 { brand_id };
            Event::PartnerUnbanned(About {
                key,
                subject,
                record,
            })
        }),
        (ID, ID).prop_map(|(campaign, brand)| {
            let paused = CampaignPausedV1 {
                brand_id: brand.parse().unwrap(),
                reason: PauseReason::Brand,
            };
            Event::from(About::of(campaign.parse().unwrap(), paused))
        }),
        (ID, ID).prop_map(|(campaign, brand)| {
            let brand_id = brand.parse().unwrap();
            let resumed = CampaignResumedV1 { brand_id };
            Event::from(About::of(campaign.parse().unwrap(), resumed))
        }),
        (ID, ID).prop_map(|(campaign, brand)| {
            let brand_id = brand.parse().unwrap();
            let closed = CampaignClosedV1 { brand_id };
            Event::from(About::of(campaign.parse().unwrap(), closed))
        }),
        (ID, ID, ID, ending).prop_map(|(campaign, partner, brand, (status, reason))| {
            let (campaign, partner) = (campaign.parse().unwrap(), partner.parse().unwrap());
            Event::EnrollmentEnded(About {
                subject: EnrollmentId::of(&campaign, &partner),
                key: campaign,
                record: EnrollmentEndedV1 {
                    partner_id: partner,
                    brand_id: brand.parse().unwrap(),
                    status,
                    reason,
                },
            })
        }),
    ]
}

fn sealed() -> impl Strategy<Value = Option<Vec<u8>>> {
    prop::option::of(prop::collection::vec(any::<u8>(), 0..100))
}

/// What is known of partners and brands.
fn known() -> impl Strategy<Value = Event> {
    let country = prop::option::of(prop::sample::select(vec!["DE", "AT", "US"]));
    (ID, country, sealed(), sealed(), 0..3_u8).prop_map(
        |(id, country, sealed_name, sealed_website, kind)| {
            let currency = country.is_some().then_some(Currency::JPY);
            if kind == 0 {
                let partner: PartnerId = id.parse().unwrap();
                return Event::from(About::of(partner, PartnerErasedV1 {}));
            }
            if kind == 1 {
                let changed = BrandChangedV1 {
                    currency,
                    sealed_name,
                };
                return Event::from(About::of(id.parse().unwrap(), changed));
            }
            let changed = PartnerChangedV1 {
                country: country.map(|code| Country::parse(code).unwrap()),
                currency,
                sealed_name,
                sealed_website,
            };
            Event::from(About::of(id.parse().unwrap(), changed))
        },
    )
}

/// What becomes of groups.
fn grouped() -> impl Strategy<Value = Event> {
    let limit = prop::option::of(0..100_i32);
    (ID, ID, limit, sealed(), 0..3_u8).prop_map(|(brand, other, link_limit, sealed_name, kind)| {
        let key: BrandId = brand.parse().unwrap();
        let group = GroupId::default_of(&key);
        match kind {
            0 => Event::GroupCreated(About {
                key,
                subject: group,
                record: GroupCreatedV1 {
                    link_limit,
                    sealed_name,
                },
            }),
            1 => Event::GroupChanged(About {
                key,
                subject: group,
                record: GroupChangedV1 {
                    status: GroupStatus::Archived,
                    link_limit,
                    sealed_name,
                },
            }),
            _ => {
                let partner_id = other.parse().unwrap();
                Event::PartnerMoved(About {
                    subject: MembershipId::of(&key, &partner_id),
                    key,
                    record: PartnerMovedV1 {
                        partner_id,
                        group_id: group,
                    },
                })
            }
        }
    })
}

/// What a brand says of evidence.
fn reviewed() -> impl Strategy<Value = Event> {
    (ID, ID, ID, ID, 0..3_u8).prop_map(|(campaign, evidence, partner, brand, kind)| {
        let (key, subject) = (campaign.parse().unwrap(), evidence.parse().unwrap());
        let (partner_id, brand_id) = (partner.parse().unwrap(), brand.parse().unwrap());
        let reason = EvidenceReason::Duplicate;
        match kind {
            0 => Event::EvidenceApproved(About {
                key,
                subject,
                record: EvidenceApprovedV1 {
                    partner_id,
                    brand_id,
                    evidence_type: "photo".to_owned(),
                },
            }),
            1 => Event::EvidenceRejected(About {
                key,
                subject,
                record: EvidenceRejectedV1 {
                    partner_id,
                    brand_id,
                    reason,
                },
            }),
            _ => Event::EvidenceReturned(About {
                key,
                subject,
                record: EvidenceReturnedV1 {
                    partner_id,
                    brand_id,
                    reason,
                },
            }),
        }
    })
}

fn event() -> impl Strategy<Value = Event> {
    let version = || (1..=i32::MAX).prop_map(|n| TermsVersion::new(n).unwrap());
    prop_oneof![
        (ID, ID, details()).prop_map(|(campaign, brand, details)| {
            let created = CampaignCreatedV1 {
                brand_id: brand.parse().unwrap(),
                name: details.name,
                currency: Currency::JPY,
                allowed_hosts: details.allowed_hosts,
                fallback_url: details.fallback_url,
                join: Some(details.join),
                description: details.description,
                landing_url: details.landing_url,
                starts_at: details.starts_at,
                ends_at: details.ends_at,
                budget: details.budget,
                trusts_redirects: details.trusts_redirects,
            };
            Event::from(About::of(campaign.parse().unwrap(), created))
        }),
        (ID, details()).prop_map(|(campaign, changed)| {
            Event::from(About::of(campaign.parse().unwrap(), changed))
        }),
        (
            ID,
            ID,
            version(),
            1..=365_i32,
            (plan(), sealed()),
            any::<i64>()
        )
            .prop_map(
                |(campaign, brand, version, days, (plan, sealed_text), at)| {
                    Event::TermsPublished(TermsPublished {
                        sealed_text,
                        campaign: campaign.parse().unwrap(),
                        brand: brand.parse().unwrap(),
                        currency: Currency::JPY,
                        terms: Terms {
                            version,
                            window: WindowDays::new(days).unwrap(),
                            plan,
                            effective_at: Micros(at),
                            text_hash: Some("0b".repeat(32)),
                            worsens: Some(at % 2 == 0),
                        },
                    })
                }
            ),
        (ID, ID, hosts(), fallback()).prop_map(|(campaign, brand, allowed_hosts, fallback_url)| {
            let activated = CampaignActivatedV1 {
                brand_id: brand.parse().unwrap(),
                allowed_hosts,
                fallback_url,
                starts_at: None,
                trusts_redirects: None,
                ends_at: None,
            };
            Event::from(About::of(campaign.parse().unwrap(), activated))
        }),
        (ID, ID, version()).prop_map(|(campaign, partner, terms_version)| {
            let (campaign, partner) = (campaign.parse().unwrap(), partner.parse().unwrap());
            Event::EnrollmentAccepted(About {
                subject: EnrollmentId::of(&campaign, &partner),
                key: campaign,
                record: EnrollmentAcceptedV1 {
                    partner_id: partner,
                    terms_version,
                    brand_id: None,
                },
            })
        }),
        (ID, ID, prop::option::of(ID), sealed(), sealed()).prop_map(
            |(campaign, partner, other, sealed_url, sealed_metadata)| {
                let (evidence_type, url_hash) = ("photo".to_owned(), "0a".repeat(32));
                let (campaign, partner) = (campaign.parse().unwrap(), partner.parse().unwrap());
                let url = "https://example.com/";
                Event::EvidenceSubmitted(About {
                    subject: EvidenceId::of(&campaign, &partner, &evidence_type, url),
                    key: campaign,
                    record: EvidenceSubmittedV1 {
                        partner_id: partner,
                        evidence_type,
                        url_hash,
                        content_hash: other.is_some().then(|| "0b".repeat(32)),
                        replaces: other.as_ref().map(|id| id.parse().unwrap()),
                        duplicate_of: other.map(|id| id.parse().unwrap()),
                        sealed_url,
                        sealed_metadata,
                    },
                })
            }
        ),
    ]
}

proptest! {
    #[test]
    fn an_event_comes_back_from_its_bytes_as_it_was(event in prop_oneof![event(), changed(), reviewed(), api_key(), known(), grouped()]) {
        let written = message(event.write());
        let topic = Topic::CampaignEvents;
        let bytes = schemas::encode(topic, &written.header, &written.body).unwrap();
        let read = schemas::decode(&WriterSchema::current(topic), &bytes).unwrap();
        prop_assert_eq!(Event::read(&read), Ok(Some(event)));
    }
}

#[test]
fn an_id_counts_only_with_its_role_and_an_operator_only_at_an_edge_of_ours() {
    let activated = CampaignActivatedV1 {
        brand_id: "brand1".parse().unwrap(),
        allowed_hosts: vec!["a.example".to_owned()],
        fallback_url: None,
        starts_at: None,
        trusts_redirects: None,
        ends_at: None,
    };
    let activated = About::of("camp1".parse().unwrap(), activated);
    let mut header = message(activated.write()).header;
    let roles = |roles: &[&str]| Actor {
        subject: "someone".to_owned(),
        roles: roles.iter().map(ToString::to_string).collect(),
        partner_id: Some("partner1".to_owned()),
        brand_id: Some("brand1".to_owned()),
    };
    header.actor = Some(roles(&["partner", "operator"]));
    let known = actor(&header);
    assert!(known.operator && known.partner.is_some() && known.brand.is_none());
    header.source = "a-stranger".to_owned();
    assert!(!actor(&header).operator);
    header.actor = Some(roles(&["brand", "unheard-of"]));
    assert_eq!(actor(&header).brand, "brand1".parse().ok());
    header.actor = None;
    assert_eq!(actor(&header), crate::domain::Actor::default());
}
