use schemas::{About, EnrollmentAcceptedV1, EvidenceSubmittedV1, RejectionCode};
use types::{
    CampaignStatus, Currency, Earning, EnrollmentId, EnrollmentStatus, EvidenceId, HoldDays,
    JoinMode, Micros, Money, Plan, RefusalReason, TermsVersion, WindowDays,
};

use super::{
    active, brand, draft, new_campaign, partner, place, submitted_by, ten_percent, with_terms,
};
use crate::domain::{
    Actor, Campaign, Change, Code, Command, Enrollment, Event, Rejection, Step, View, decide,
};

fn view(campaign: &Campaign) -> View<'_> {
    View {
        campaign: Some(campaign),
        ..View::default()
    }
}

/// Why it is refused, if it is.
fn code(decided: &Result<Event, Rejection>) -> Option<RejectionCode> {
    decided.as_ref().err().map(|rejection| rejection.code)
}

fn publish(plan: Plan) -> Command {
    Command::PublishTerms {
        campaign: "camp1".parse().unwrap(),
        window: WindowDays::new(30).unwrap(),
        plan,
        text_hash: "0b".repeat(32),
        effective_at: None,
        sealed_text: Vec::new(),
    }
}

fn step(step: Step) -> Command {
    Command::Move {
        campaign: "camp1".parse().unwrap(),
        step,
    }
}

fn activate() -> Command {
    step(Step::Activate)
}

fn change(change: Change) -> Command {
    Command::Change {
        campaign: "camp1".parse().unwrap(),
        partner: "partner1".parse().unwrap(),
        change,
    }
}

/// `camp1` in each status that there is.
fn in_each_status() -> [(CampaignStatus, Campaign); 4] {
    let after = |steps: &[Step]| {
        steps.iter().fold(with_terms(1), |campaign, next| {
            let context = submitted_by(brand("brand1"));
            let event = decide(view(&campaign), &step(*next), &context).unwrap();
            Campaign::evolve(Some(campaign), &event, place(6)).unwrap()
        })
    };
    let (activate, pause, close) = (Step::Activate, Step::Pause, Step::Close);
    [
        (CampaignStatus::Draft, after(&[])),
        (CampaignStatus::Active, after(&[activate])),
        (CampaignStatus::Paused, after(&[activate, pause])),
        (CampaignStatus::Closed, after(&[activate, pause, close])),
    ]
}

fn accept(version: Option<i32>) -> Command {
    Command::Accept {
        campaign: "camp1".parse().unwrap(),
        partner: "partner1".parse().unwrap(),
        terms_version: version.map(|n| TermsVersion::new(n).unwrap()),
    }
}

fn photo() -> About<EvidenceSubmittedV1> {
    let (campaign, partner) = ("camp1".parse().unwrap(), "partner1".parse().unwrap());
    About {
        subject: EvidenceId::of(&campaign, &partner, "photo", "https://example.com/"),
        key: campaign,
        record: EvidenceSubmittedV1 {
            partner_id: partner,
            evidence_type: "photo".to_owned(),
            url_hash: "0a".repeat(32),
            content_hash: None,
            replaces: None,
            duplicate_of: None,
            sealed_url: None,
            sealed_metadata: None,
        },
    }
}

fn enrolled(version: i32) -> Enrollment {
    let (campaign, partner) = ("camp1".parse().unwrap(), "partner1".parse().unwrap());
    let accepted = Event::EnrollmentAccepted(About {
        subject: EnrollmentId::of(&campaign, &partner),
        key: campaign,
        record: EnrollmentAcceptedV1 {
            partner_id: partner,
            terms_version: TermsVersion::new(version).unwrap(),
            brand_id: None,
        },
    });
    Enrollment::evolve(None, &accepted, place(5)).unwrap()
}

#[test]
fn an_id_is_given_once_even_to_its_own_brand() {
    let (campaign, create) = (draft(), Command::Create(new_campaign("camp1", "brand1")));
    let context = submitted_by(brand("brand1"));
    let made = decide(View::default(), &create, &context).unwrap();
    assert_eq!(
        made,
        Event::CampaignCreated(new_campaign("camp1", "brand1"))
    );
    let again = decide(view(&campaign), &create, &context);
    assert_eq!(code(&again), Some(Code::CampaignExists.code()));
    let stranger = decide(View::default(), &create, &submitted_by(brand("brand2")));
    assert_eq!(code(&stranger), Some(Code::BrandUnknown.code()));
}

#[test]
fn terms_count_from_one_and_are_in_force_from_now() {
    let context = submitted_by(brand("brand1"));
    for (campaign, expected) in [(draft(), 1), (with_terms(1), 2), (active(2), 3)] {
        let event = decide(view(&campaign), &publish(ten_percent()), &context).unwrap();
        let Event::TermsPublished(published) = &event else {
            panic!("{event:?}");
        };
        let terms = &published.terms;
        assert_eq!(terms.version.get(), expected);
        assert_eq!(terms.effective_at, context.now);
        let after = Campaign::evolve(Some(campaign), &event, place(8)).unwrap();
        assert_eq!(after.newest_terms(), Some(terms));
        assert_eq!(after.terms_in_force(context.now), Some(terms.version));
    }
}

#[test]
fn a_flat_amount_is_of_the_campaigns_currency() {
    let euros = Earning::Flat(Money::new(500, Currency::EUR));
    let plan = Plan::new(ten_percent().sale(), Some(euros), HoldDays::new(0).unwrap()).unwrap();
    let refused = decide(
        view(&draft()),
        &publish(plan),
        &submitted_by(brand("brand1")),
    );
    let rejection = refused.unwrap_err();
    assert_eq!(rejection.code, Code::CurrencyMismatch);
    assert_eq!(
        rejection.pointer.as_deref(),
        Some("/plan/lead/flat/currency")
    );
}

#[test]
fn a_campaign_is_activated_once_and_not_without_terms() {
    let context = submitted_by(brand("brand1"));
    let decided = |campaign: Campaign| decide(view(&campaign), &activate(), &context);
    assert_eq!(
        code(&decided(draft())),
        Some(Code::TermsNotPublished.code())
    );
    assert_eq!(code(&decided(active(1))), Some(Code::AlreadyActive.code()));
    let event = decided(with_terms(1)).unwrap();
    let after = Campaign::evolve(Some(with_terms(1)), &event, place(3)).unwrap();
    assert_eq!(after.status, CampaignStatus::Active);
    assert_eq!(after.activated_at, Some(place(3).time));
}

#[test]
fn only_its_brand_and_operators_change_a_campaign_and_others_do_not_learn_of_it() {
    let operator = Actor {
        operator: true,
        ..Actor::default()
    };
    let remove = change(Change::Remove(RefusalReason::Other));
    let steps = [Step::Pause, Step::Resume, Step::Close].map(step);
    for command in [publish(ten_percent()), activate(), remove]
        .into_iter()
        .chain(steps)
    {
        for actor in [Actor::default(), brand("brand2"), partner("brand1")] {
            let context = submitted_by(actor);
            let refused = decide(view(&with_terms(1)), &command, &context);
            assert_eq!(code(&refused), Some(Code::CampaignUnknown.code()));
            assert_eq!(refused, decide(View::default(), &command, &context));
        }
        let allowed = decide(
            view(&with_terms(1)),
            &command,
            &submitted_by(operator.clone()),
        );
        assert_ne!(code(&allowed), Some(Code::CampaignUnknown.code()));
    }
}

#[test]
fn the_terms_in_force_are_accepted_and_no_others() {
    let context = submitted_by(partner("partner1"));
    let decided = |campaign: &Campaign, version| decide(view(campaign), &accept(version), &context);
    for version in [None, Some(2)] {
        let event = decided(&active(2), version).unwrap();
        let accepted = Enrollment::evolve(None, &event, place(4)).unwrap();
        assert_eq!(accepted.terms_version.map(TermsVersion::get), Some(2));
        assert_eq!(accepted.accepted_at, Some(place(4).time));
    }
    for version in [1, 3] {
        let stale = decided(&active(2), Some(version)).unwrap_err();
        assert_eq!(stale.code, Code::TermsVersionStale, "{version}");
    }
    let unknown = decide(View::default(), &accept(None), &context);
    assert_eq!(code(&unknown), Some(Code::CampaignUnknown.code()));
    let stranger = decide(
        view(&active(1)),
        &accept(None),
        &submitted_by(partner("partner2")),
    );
    assert_eq!(code(&stranger), Some(Code::PartnerUnknown.code()));
}

#[test]
fn a_draft_is_as_unknown_to_partners_as_a_campaign_that_is_not_there() {
    let draft = with_terms(1);
    let context = submitted_by(partner("partner1"));
    let evidence = Command::SubmitEvidence(photo());
    for command in [accept(None), evidence] {
        for view in [View::default(), view(&draft)] {
            let refused = decide(view, &command, &context);
            assert_eq!(code(&refused), Some(Code::CampaignUnknown.code()));
        }
    }
    let operator = submitted_by(Actor {
        operator: true,
        ..Actor::default()
    });
    let refused = decide(view(&draft), &accept(None), &operator);
    assert_eq!(code(&refused), Some(Code::CampaignNotActive.code()));
}

#[test]
fn accepting_twice_is_answered_and_newer_terms_renew_the_enrollment_where_it_stands() {
    let (campaign, before) = (active(2), enrolled(1));
    let context = submitted_by(partner("partner1"));
    let known = View {
        enrollment: Some(&before),
        ..view(&campaign)
    };
    let old = decide(known, &accept(Some(1)), &context).unwrap_err();
    assert_eq!(old.code, Code::AlreadyAccepted);
    assert_eq!(old.detail, "version 1 of the terms is accepted already");
    let event = decide(known, &accept(None), &context).unwrap();
    let renewed = Enrollment::evolve(Some(before.clone()), &event, place(30)).unwrap();
    assert_eq!(renewed.terms_version.map(TermsVersion::get), Some(2));
    assert_eq!(renewed.position, before.position);
    assert_eq!(renewed.accepted_at, Some(Micros(30_000)));
}

#[test]
fn evidence_needs_an_enrollment() {
    let (campaign, enrollment) = (active(1), enrolled(1));
    let context = submitted_by(partner("partner1"));
    let decided = |view: View| decide(view, &Command::SubmitEvidence(photo()), &context);
    assert_eq!(
        code(&decided(View::default())),
        Some(Code::CampaignUnknown.code())
    );
    assert_eq!(
        code(&decided(view(&campaign))),
        Some(Code::NotEnrolled.code())
    );
    let known = View {
        enrollment: Some(&enrollment),
        ..view(&campaign)
    };
    assert_eq!(decided(known), Ok(Event::EvidenceSubmitted(photo())));
}

#[test]
fn a_campaign_is_draft_then_active_or_paused_and_at_last_closed() {
    let context = submitted_by(brand("brand1"));
    let steps = [Step::Activate, Step::Pause, Step::Resume, Step::Close];
    let not_active = Err(Code::CampaignNotActive.code());
    let expected = [
        [
            Ok(CampaignStatus::Active),
            not_active,
            not_active,
            not_active,
        ],
        [
            Err(Code::AlreadyActive.code()),
            Ok(CampaignStatus::Paused),
            Err(Code::NotPaused.code()),
            Ok(CampaignStatus::Closed),
        ],
        [
            Err(Code::AlreadyActive.code()),
            Err(Code::AlreadyPaused.code()),
            Ok(CampaignStatus::Active),
            Ok(CampaignStatus::Closed),
        ],
        [Err(Code::CampaignClosed.code()); 4],
    ];
    for ((status, campaign), row) in in_each_status().into_iter().zip(expected) {
        assert_eq!(campaign.status, status);
        for (next, expected) in steps.into_iter().zip(row) {
            let decided = decide(view(&campaign), &step(next), &context);
            let became = decided
                .map(|event| Campaign::evolve(Some(campaign.clone()), &event, place(8)).unwrap());
            let became = became.map(|campaign| campaign.status);
            let became = became.map_err(|rejection| rejection.code);
            assert_eq!(became, expected, "{status:?} {next:?}");
        }
    }
}

#[test]
fn partners_join_an_active_campaign_and_see_every_one_that_is_no_draft() {
    let context = submitted_by(partner("partner1"));
    let expected = [
        Some(Code::CampaignUnknown.code()),
        None,
        Some(Code::CampaignNotActive.code()),
        Some(Code::CampaignNotActive.code()),
    ];
    for ((status, campaign), expected) in in_each_status().into_iter().zip(expected) {
        let decided = decide(view(&campaign), &accept(None), &context);
        assert_eq!(code(&decided), expected, "{status:?}");
    }
    let [.., (_, closed)] = in_each_status();
    let published = decide(
        view(&closed),
        &publish(ten_percent()),
        &submitted_by(brand("brand1")),
    );
    assert_eq!(code(&published), Some(Code::CampaignClosed.code()));
}

/// `partner1` after its enrollment in `camp1` has ended so.
fn ended(ending: Change, by: Actor) -> Result<Enrollment, Rejection> {
    let (campaign, before) = (active(1), enrolled(1));
    let known = View {
        enrollment: Some(&before),
        ..view(&campaign)
    };
    let event = decide(known, &change(ending), &submitted_by(by))?;
    Ok(Enrollment::evolve(Some(before), &event, place(7)).unwrap())
}

#[test]
fn a_partner_leaves_by_itself_and_the_brand_removes_it_with_a_reason() {
    let remove = Change::Remove(RefusalReason::TermsViolated);
    let left = ended(Change::Leave, partner("partner1")).unwrap();
    assert_eq!(left.status, EnrollmentStatus::Left);
    assert_eq!((left.reason, left.since), (None, Some(place(7).time)));
    let removed = ended(remove, brand("brand1")).unwrap();
    assert_eq!(removed.status, EnrollmentStatus::Removed);
    assert_eq!(removed.reason, Some(RefusalReason::TermsViolated));
    for (ending, by, expected) in [
        (Change::Leave, brand("brand1"), Code::PartnerUnknown),
        (Change::Leave, partner("partner2"), Code::PartnerUnknown),
        (remove, partner("partner1"), Code::CampaignUnknown),
        (remove, brand("brand2"), Code::CampaignUnknown),
    ] {
        let refused = ended(ending, by).unwrap_err();
        assert_eq!(refused.code, expected, "{ending:?}");
    }
}

#[test]
fn who_left_may_come_again_and_who_was_removed_may_not() {
    let campaign = active(1);
    let by_partner = submitted_by(partner("partner1"));
    let left = ended(Change::Leave, partner("partner1")).unwrap();
    let remove = Change::Remove(RefusalReason::Other);
    let removed = ended(remove, brand("brand1")).unwrap();
    let known = |enrollment| View {
        enrollment: Some(enrollment),
        ..view(&campaign)
    };

    let again = decide(known(&left), &accept(None), &by_partner).unwrap();
    let back = Enrollment::evolve(Some(left.clone()), &again, place(9)).unwrap();
    assert_eq!(back.status, EnrollmentStatus::Enrolled);
    assert_eq!(
        (back.since, back.position),
        (Some(place(9).time), left.position)
    );
    let refused = decide(known(&removed), &accept(None), &by_partner);
    assert_eq!(code(&refused), Some(Code::PartnerRemoved.code()));

    // Nobody goes twice; the brand may still keep out who went by itself.
    for enrollment in [&left, &removed] {
        let twice = decide(known(enrollment), &change(Change::Leave), &by_partner);
        assert_eq!(code(&twice), Some(Code::NotEnrolled.code()));
        let evidence = Command::SubmitEvidence(photo());
        let shown = decide(known(enrollment), &evidence, &by_partner);
        assert_eq!(code(&shown), Some(Code::NotEnrolled.code()));
    }
    let by_brand = submitted_by(brand("brand1"));
    assert!(decide(known(&left), &change(remove), &by_brand).is_ok());
    let twice = decide(known(&removed), &change(remove), &by_brand);
    assert_eq!(code(&twice), Some(Code::NotEnrolled.code()));
    let nobody = decide(view(&campaign), &change(remove), &by_brand);
    assert_eq!(code(&nobody), Some(Code::NotEnrolled.code()));
}

/// `camp1`, active, where partners come in so.
fn joined_by(join: JoinMode) -> Campaign {
    Campaign { join, ..active(1) }
}

/// What becomes of `partner1` in a campaign, step by step, each by who may; the code where one is refused.
fn after(campaign: &Campaign, commands: &[Command]) -> Result<Option<Enrollment>, RejectionCode> {
    let mut enrollment = None;
    for (position, command) in (10..).zip(commands) {
        let by = match command {
            Command::Accept { .. }
            | Command::Change {
                change: Change::Leave,
                ..
            } => partner("partner1"),
            _ => brand("brand1"),
        };
        let known = View {
            enrollment: enrollment.as_ref(),
            ..view(campaign)
        };
        let decided = decide(known, command, &submitted_by(by));
        let event = decided.map_err(|rejection| rejection.code)?;
        enrollment = Enrollment::evolve(enrollment, &event, place(position));
    }
    Ok(enrollment)
}

#[test]
fn in_a_campaign_with_approval_who_accepts_the_terms_has_applied_until_the_brand_decides() {
    let campaign = joined_by(JoinMode::Approval);
    let stands = |commands: &[Command]| {
        let stands = after(&campaign, commands);
        stands.map(|enrollment| enrollment.unwrap().status)
    };
    let (apply, approve) = (accept(None), change(Change::Approve));
    let more = change(Change::Reject(RefusalReason::NeedsMoreDetail));
    let never = change(Change::Reject(RefusalReason::NotTheRightFit));
    let refused = |code: Code| Err(code.code());
    for (commands, expected) in [
        (vec![&apply], Ok(EnrollmentStatus::Applied)),
        (vec![&apply, &apply], refused(Code::AlreadyApplied)),
        (vec![&apply, &approve], Ok(EnrollmentStatus::Enrolled)),
        (vec![&apply, &approve, &approve], refused(Code::NotApplied)),
        (vec![&approve], refused(Code::NotApplied)),
        (vec![&apply, &never], Ok(EnrollmentStatus::Rejected)),
        (
            vec![&apply, &never, &apply],
            refused(Code::ApplicationRejected),
        ),
        (vec![&apply, &never, &approve], refused(Code::NotApplied)),
        (vec![&apply, &more, &apply], Ok(EnrollmentStatus::Applied)),
    ] {
        let commands: Vec<Command> = commands.into_iter().cloned().collect();
        assert_eq!(stands(&commands), expected, "{commands:?}");
    }
    let applied = after(&campaign, std::slice::from_ref(&apply))
        .unwrap()
        .unwrap();
    let closed = Campaign {
        status: CampaignStatus::Closed,
        ..campaign.clone()
    };
    let known = View {
        enrollment: Some(&applied),
        ..view(&closed)
    };
    let late = decide(
        known,
        &change(Change::Approve),
        &submitted_by(brand("brand1")),
    );
    assert_eq!(code(&late), Some(Code::CampaignClosed.code()));
    assert_eq!(applied.terms_version, Some(TermsVersion::FIRST));
    let rejected = after(&campaign, &[apply, never]).unwrap().unwrap();
    assert_eq!(rejected.reason, Some(RefusalReason::NotTheRightFit));
}

#[test]
fn in_a_campaign_by_invitation_nobody_else_comes_in_and_an_invited_one_comes_in_anywhere() {
    let (join, invite) = (accept(None), change(Change::Invite));
    let leave = change(Change::Leave);
    let by_invitation = joined_by(JoinMode::Invite);
    let uninvited = after(&by_invitation, std::slice::from_ref(&join));
    assert_eq!(uninvited, Err(Code::InvitationRequired.code()));
    let twice = after(&by_invitation, &[invite.clone(), invite.clone()]);
    assert_eq!(twice, Err(Code::AlreadyInvited.code()));
    let again = [invite.clone(), join.clone(), leave, join.clone()];
    let again = after(&by_invitation, &again);
    assert_eq!(again, Err(Code::InvitationRequired.code()));
    for mode in JoinMode::ALL {
        let invited = after(&joined_by(mode), &[invite.clone(), join.clone()]);
        let status = invited.unwrap().unwrap().status;
        assert_eq!(status, EnrollmentStatus::Enrolled, "{mode:?}");
    }
    // Whom the brand removed, it may want again.
    let remove = change(Change::Remove(RefusalReason::Other));
    let open = joined_by(JoinMode::Open);
    let back = after(&open, &[join.clone(), remove, invite, join]).unwrap();
    assert_eq!(back.unwrap().status, EnrollmentStatus::Enrolled);
}

#[test]
fn nobody_is_invited_into_a_draft_or_into_what_has_ended() {
    for (status, campaign) in in_each_status() {
        let expected = match status {
            CampaignStatus::Draft => Some(Code::CampaignNotActive.code()),
            CampaignStatus::Closed => Some(Code::CampaignClosed.code()),
            CampaignStatus::Active | CampaignStatus::Paused => None,
        };
        let invited = after(&campaign, &[change(Change::Invite)]);
        assert_eq!(invited.err(), expected, "{status:?}");
    }
}
