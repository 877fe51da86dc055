use schemas::{FundsExhaustedV1, FundsRestoredV1, FundsStatedV1, RejectionCode};
use types::{BrandId, CampaignStatus, PauseReason};

use super::*;
use crate::domain::{Code, Command, Fact, Step, View, decide, react};

fn follow() -> Command {
    let campaign = "camp1".parse().unwrap();
    Command::FollowFunds { campaign }
}

fn go(step: Step) -> Command {
    let campaign = "camp1".parse().unwrap();
    Command::Move { campaign, step }
}

/// The campaign after the command, or why that is refused.
fn after(
    campaign: &Campaign,
    command: &Command,
    out_of_funds: bool,
) -> Result<Campaign, RejectionCode> {
    let view = View {
        campaign: Some(campaign),
        out_of_funds,
        ..View::default()
    };
    let event = decide(view, command, &submitted_by(brand("brand1")));
    let event = event.map_err(|rejection| rejection.code)?;
    Ok(Campaign::evolve(Some(campaign.clone()), &event, place(9)).unwrap())
}

#[test]
fn what_payment_states_of_funds_is_noted() {
    let brand: BrandId = "brand1".parse().unwrap();
    let currency = Currency::USD;
    let exhausted = About::of(brand.clone(), FundsExhaustedV1 { currency });
    let restored = About::of(brand.clone(), FundsRestoredV1 { currency });
    let stated = |exhausted| {
        let stated = FundsStatedV1 {
            currency,
            exhausted,
        };
        Fact::from(About::of(brand.clone(), stated))
    };
    for (fact, exhausted) in [
        (Fact::from(exhausted), true),
        (restored.into(), false),
        (stated(true), true),
        (stated(false), false),
    ] {
        let [Event::BrandFundsAdopted(adopted)] = &react(&fact, View::default(), Micros(0))[..]
        else {
            panic!("it was not noted");
        };
        assert_eq!((&adopted.subject, adopted.exhausted), (&brand, exhausted));
    }
}

#[test]
fn an_active_campaign_pauses_while_its_brand_is_out_of_funds_and_goes_on_when_it_is_not() {
    let paused = after(&active(1), &follow(), true).unwrap();
    assert_eq!(paused.status, CampaignStatus::Paused);
    assert_eq!(paused.pause_reason, Some(PauseReason::OutOfFunds));
    let unchanged = Err(Code::FundsUnchanged.code());
    assert_eq!(after(&paused, &follow(), true), unchanged);
    let resumed = after(&paused, &follow(), false).unwrap();
    assert_eq!(resumed.status, CampaignStatus::Active);
    assert_eq!(after(&resumed, &follow(), false), unchanged);
}

#[test]
fn another_reason_is_not_overwritten_and_a_brands_own_pause_stays() {
    let unchanged = Err(Code::FundsUnchanged.code());
    let by_brand = after(&active(1), &go(Step::Pause), false).unwrap();
    for out_of_funds in [true, false] {
        assert_eq!(after(&by_brand, &follow(), out_of_funds), unchanged);
    }
    // Its brand wants it to stay paused whatever becomes of its funds.
    let paused = after(&active(1), &follow(), true).unwrap();
    let kept = after(&paused, &go(Step::Pause), true).unwrap();
    assert_eq!(kept.pause_reason, Some(PauseReason::Brand));
    assert_eq!(after(&kept, &follow(), false), unchanged);
}

#[test]
fn nobody_resumes_a_campaign_before_its_brand_has_funds() {
    let paused = after(&active(1), &follow(), true).unwrap();
    let refused = Err(Code::OutOfFunds.code());
    assert_eq!(after(&paused, &go(Step::Resume), true), refused);
    let resumed = after(&paused, &go(Step::Resume), false).unwrap();
    assert_eq!(resumed.status, CampaignStatus::Active);
}

#[test]
fn a_campaign_whose_end_has_come_does_not_go_on_with_its_brands_funds() {
    let mut paused = after(&active(1), &follow(), true).unwrap();
    paused.ends_at = Some(Micros(1));
    let unchanged = Err(Code::FundsUnchanged.code());
    assert_eq!(after(&paused, &follow(), false), unchanged);
}
