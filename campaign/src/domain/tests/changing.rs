//! What a brand changes of its campaign, and what its end does.

use schemas::{Budget, CampaignChangedV1};
use types::{BudgetInterval, CampaignId, CampaignStatus, Currency, JoinMode, Micros, PauseReason};

use super::{active, brand, draft, new_campaign, partner, place, submitted_by, with_terms};
use crate::domain::{
    Actor, Campaign, CampaignChange, Code, Command, Context, Edit, Event, Rejection, Step, View,
    decide,
};

fn camp1() -> CampaignId {
    "camp1".parse().unwrap()
}

fn at(now: i64) -> Context {
    Context {
        now: Micros(now),
        requested_at: Micros(now),
        actor: brand("brand1"),
    }
}

fn decided(campaign: &Campaign, command: &Command, context: &Context) -> Result<Event, Rejection> {
    let view = View {
        campaign: Some(campaign),
        ..View::default()
    };
    decide(view, command, context)
}

fn to(change: CampaignChange) -> Command {
    Command::ChangeCampaign {
        campaign: camp1(),
        change: Box::new(change),
    }
}

fn changed(campaign: &Campaign, change: CampaignChange) -> CampaignChangedV1 {
    match decided(campaign, &to(change), &at(1_000)).unwrap() {
        Event::CampaignChanged(changed) => changed.record,
        other => panic!("{other:?}"),
    }
}

/// The campaign after that.
fn after(campaign: Campaign, command: &Command, context: &Context) -> Campaign {
    let event = decided(&campaign, command, context).unwrap();
    Campaign::evolve(Some(campaign), &event, place(20)).unwrap()
}

fn refused(campaign: &Campaign, command: &Command, context: &Context) -> Rejection {
    decided(campaign, command, context).unwrap_err()
}

fn ending(end: i64) -> CampaignChange {
    CampaignChange {
        ends_at: Edit::Set(Micros(end)),
        ..CampaignChange::default()
    }
}

fn budget(currency: Currency) -> Budget {
    Budget {
        minor: 1_000,
        currency,
        interval: BudgetInterval::Day,
    }
}

fn timer(due_at: i64) -> Command {
    let due_at = Micros(due_at);
    Command::EndCampaign {
        campaign: camp1(),
        due_at,
    }
}

fn step(step: Step) -> Command {
    Command::Move {
        campaign: camp1(),
        step,
    }
}

#[test]
fn what_a_change_does_not_name_stays_and_what_it_clears_is_gone() {
    let all = CampaignChange {
        name: Some("Autumn boots".to_owned()),
        description: Edit::Set("For rain.".to_owned()),
        allowed_hosts: Some(vec!["b.example".to_owned()]),
        fallback_url: Edit::Set("https://b.example/later".to_owned()),
        landing_url: Edit::Set("https://b.example/boots".to_owned()),
        starts_at: Edit::Set(Micros(2_000)),
        ends_at: Edit::Set(Micros(3_000)),
        budget: Edit::Set(budget(Currency::USD)),
        join: Some(JoinMode::Invite),
        trusts_redirects: Some(true),
    };
    let campaign = after(draft(), &to(all), &at(1_000));
    let same = changed(&campaign, CampaignChange::default());
    assert_eq!(same.name, "Autumn boots");
    assert_eq!(same.allowed_hosts, ["b.example"]);
    assert_eq!(
        same.fallback_url.as_deref(),
        Some("https://b.example/later")
    );
    assert_eq!(same.budget, Some(budget(Currency::USD)));
    assert_eq!(same.join, JoinMode::Invite);
    assert_eq!(same.trusts_redirects, Some(true));
    let clear = CampaignChange {
        description: Edit::Clear,
        fallback_url: Edit::Clear,
        landing_url: Edit::Clear,
        starts_at: Edit::Clear,
        ends_at: Edit::Clear,
        budget: Edit::Clear,
        ..CampaignChange::default()
    };
    let bare = CampaignChangedV1 {
        description: None,
        fallback_url: None,
        landing_url: None,
        starts_at: None,
        ends_at: None,
        budget: None,
        ..same
    };
    assert_eq!(changed(&campaign, clear), bare);
}

#[test]
fn only_its_brand_and_operators_change_a_campaign_and_nobody_a_closed_one() {
    let campaign = active(1);
    let mut context = at(1_000);
    for stranger in [brand("brand2"), partner("partner1"), Actor::default()] {
        context.actor = stranger;
        let rejection = refused(&campaign, &to(ending(5_000)), &context);
        assert_eq!(rejection.code, Code::CampaignUnknown);
    }
    context.actor = Actor {
        operator: true,
        ..Actor::default()
    };
    let campaign = after(campaign, &to(ending(5_000)), &context);
    let closed = after(campaign, &step(Step::Close), &at(1_000));
    let rejection = refused(&closed, &to(ending(5_000)), &at(1_000));
    assert_eq!(rejection.code, Code::CampaignClosed);
}

#[test]
fn a_campaigns_pages_stay_on_its_hosts_its_dates_in_order_and_its_budget_in_its_currency() {
    let paged = CampaignChange {
        landing_url: Edit::Set("https://shop.example.com/a".to_owned()),
        starts_at: Edit::Set(Micros(4_000)),
        ..ending(5_000)
    };
    let campaign = after(draft(), &to(paged), &at(1_000));
    let elsewhere = || Edit::Set("https://evil.example/".to_owned());
    for (pointer, code, change) in [
        (
            "/fallback_url",
            Code::HostNotAllowed,
            CampaignChange {
                fallback_url: elsewhere(),
                ..CampaignChange::default()
            },
        ),
        (
            "/landing_url",
            Code::HostNotAllowed,
            CampaignChange {
                allowed_hosts: Some(vec!["b.example".to_owned()]),
                ..CampaignChange::default()
            },
        ),
        ("/ends_at", Code::InvalidDates, ending(4_000)),
        ("/ends_at", Code::InvalidDates, ending(1_000)),
        (
            "/ends_at",
            Code::InvalidDates,
            CampaignChange {
                starts_at: Edit::Set(Micros(5_000)),
                ..CampaignChange::default()
            },
        ),
        (
            "/budget/currency",
            Code::CurrencyMismatch,
            CampaignChange {
                budget: Edit::Set(budget(Currency::EUR)),
                ..CampaignChange::default()
            },
        ),
    ] {
        let rejection = refused(&campaign, &to(change.clone()), &at(1_000));
        assert_eq!(rejection.code, code, "{change:?}");
        assert_eq!(rejection.pointer.as_deref(), Some(pointer), "{change:?}");
    }
    let mut new = new_campaign("camp1", "brand1");
    new.record.ends_at = Some(Micros(7_000_000));
    let context = submitted_by(brand("brand1"));
    let made = decide(View::default(), &Command::Create(new), &context);
    assert_eq!(made.unwrap_err().code, Code::InvalidDates);
}

#[test]
fn the_timer_of_its_end_pauses_an_active_campaign_and_no_other_does() {
    let campaign = after(active(1), &to(ending(5_000)), &at(1_000));
    let own = |now| Context {
        now: Micros(now),
        requested_at: Micros(now),
        actor: Actor::default(),
    };
    for (due_at, now) in [(4_000, 5_000), (6_000, 6_000)] {
        let rejection = refused(&campaign, &timer(due_at), &own(now));
        assert_eq!(rejection.code, Code::EndNotReached, "{due_at} at {now}");
    }
    // The clock was set back between its job and the decision.
    after(campaign.clone(), &timer(5_000), &own(4_999));
    let ended = after(campaign, &timer(5_000), &own(5_000));
    assert_eq!(ended.status, CampaignStatus::Paused);
    assert_eq!(ended.pause_reason, Some(PauseReason::Ended));
    let again = refused(&ended, &timer(5_000), &own(5_000));
    assert_eq!(again.code, Code::EndNotReached);
    let paused = after(active(1), &step(Step::Pause), &at(1_000));
    let rejection = refused(&paused, &timer(5_000), &own(5_000));
    assert_eq!(rejection.code, Code::EndNotReached);
}

#[test]
fn the_end_of_a_campaign_that_is_out_of_funds_pauses_it_as_an_active_one_and_its_brands_own_pause_stays()
 {
    let own = Context {
        now: Micros(5_000),
        requested_at: Micros(5_000),
        actor: Actor::default(),
    };
    let follow = Command::FollowFunds { campaign: camp1() };
    let with = |campaign: &Campaign, command: &Command, out_of_funds| {
        let view = View {
            campaign: Some(campaign),
            out_of_funds,
            ..View::default()
        };
        let event = decide(view, command, &own).map_err(|rejection| rejection.code);
        event.map(|event| Campaign::evolve(Some(campaign.clone()), &event, place(20)).unwrap())
    };
    let campaign = after(active(1), &to(ending(5_000)), &at(1_000));
    let paused = with(&campaign, &follow, true).unwrap();
    // Whether funds came before, after or never.
    for out_of_funds in [true, false] {
        let ended = with(&paused, &timer(5_000), out_of_funds).unwrap();
        assert_eq!(ended.status, CampaignStatus::Paused);
        assert_eq!(ended.pause_reason, Some(PauseReason::Ended));
        for out_of_funds in [true, false] {
            let unchanged = Err(Code::FundsUnchanged.code());
            assert_eq!(with(&ended, &follow, out_of_funds), unchanged);
        }
        let again = Err(Code::EndNotReached.code());
        assert_eq!(with(&ended, &timer(5_000), out_of_funds), again);
        let moved = after(ended, &to(ending(6_000)), &at(5_000));
        assert_eq!(moved.pause_reason, Some(PauseReason::Ended));
        let goes_on = after(moved, &step(Step::Resume), &at(5_000));
        assert_eq!(goes_on.status, CampaignStatus::Active);
    }
    let by_brand = after(paused, &step(Step::Pause), &at(4_000));
    let kept = with(&by_brand, &timer(5_000), true);
    assert_eq!(kept, Err(Code::EndNotReached.code()));
}

#[test]
fn what_has_ended_goes_on_only_when_its_end_is_moved_or_taken_away() {
    let own = Context {
        now: Micros(5_000),
        requested_at: Micros(5_000),
        actor: Actor::default(),
    };
    let active = after(active(1), &to(ending(5_000)), &at(1_000));
    let ended = after(active, &timer(5_000), &own);
    let draft = after(with_terms(1), &to(ending(5_000)), &at(1_000));
    for (campaign, next) in [(ended, Step::Resume), (draft, Step::Activate)] {
        let rejection = refused(&campaign, &step(next), &at(5_000));
        assert_eq!(rejection.code, Code::CampaignEnded);
        let renamed = CampaignChange {
            name: Some("Autumn boots".to_owned()),
            ..CampaignChange::default()
        };
        let campaign = after(campaign, &to(renamed), &at(5_000));
        refused(&campaign, &step(next), &at(5_000));
        let without = CampaignChange {
            ends_at: Edit::Clear,
            ..CampaignChange::default()
        };
        for change in [ending(6_000), without] {
            let moved = after(campaign.clone(), &to(change), &at(5_000));
            let goes_on = after(moved, &step(next), &at(5_000));
            assert_eq!(goes_on.status, CampaignStatus::Active);
            assert_eq!(goes_on.pause_reason, None);
        }
    }
}
