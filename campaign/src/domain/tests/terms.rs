//! Versions of terms: which is in force, and which worsens something.

use types::{BasisPoints, Currency, Earning, HoldDays, Micros, Money, Plan, WindowDays};

use super::{active, brand, draft, partner, submitted_by};
use crate::domain::{
    Campaign, Code, Command, Context, Event, Place, Rejection, Step, Terms, TermsPublished, View,
    decide,
};

const DAY: i64 = 86_400_000_000;
/// The time of every decision here.
const NOW: i64 = 7_000_000;

#[expect(clippy::unnecessary_wraps, reason = "as plans have it")]
fn percent(bps: i32) -> Option<Earning> {
    Some(Earning::Rate(BasisPoints::new(bps).unwrap()))
}

#[expect(clippy::unnecessary_wraps, reason = "as plans have it")]
fn flat(minor: i64) -> Option<Earning> {
    Some(Earning::Flat(Money::new(minor, Currency::USD)))
}

/// A window in days, what a sale and a lead earn, a hold in days, and a text.
type Offer = (i32, Option<Earning>, Option<Earning>, i32, &'static str);

fn publish((window, sale, lead, hold, text): Offer, effective_at: Option<i64>) -> Command {
    Command::PublishTerms {
        campaign: "camp1".parse().unwrap(),
        window: WindowDays::new(window).unwrap(),
        plan: Plan::new(sale, lead, HoldDays::new(hold).unwrap()).unwrap(),
        text_hash: text.to_owned(),
        sealed_text: Vec::new(),
        effective_at: effective_at.map(Micros),
    }
}

fn decided(campaign: &Campaign, command: &Command) -> Result<TermsPublished, Rejection> {
    let view = View {
        campaign: Some(campaign),
        ..View::default()
    };
    decide(view, command, &submitted_by(brand("brand1"))).map(|event| match event {
        Event::TermsPublished(published) => published,
        other => panic!("{other:?}"),
    })
}

fn after(campaign: Campaign, command: &Command) -> Campaign {
    let published = decided(&campaign, command).unwrap();
    let place = Place {
        time: Micros(NOW),
        position: 8,
    };
    Campaign::evolve(Some(campaign), &Event::TermsPublished(published), place).unwrap()
}

const BEFORE: Offer = (30, None, None, 14, "a");

/// The offer that the others are held against: ten percent of a sale, 5.00 for a lead.
fn before() -> Offer {
    (BEFORE.0, percent(1_000), flat(500), BEFORE.3, BEFORE.4)
}

#[test]
fn less_later_for_a_shorter_time_or_by_other_words_worsens_and_nothing_else_does() {
    let (sale, lead) = (percent(1_000), flat(500));
    for (worsens, offer) in [
        (false, before()),
        (false, (31, sale, lead, 14, "a")),
        (false, (30, percent(1_001), lead, 14, "a")),
        (false, (30, sale, flat(501), 14, "a")),
        (false, (30, sale, lead, 13, "a")),
        (true, (29, sale, lead, 14, "a")),
        (true, (30, percent(999), lead, 14, "a")),
        (true, (30, sale, flat(499), 14, "a")),
        (true, (30, sale, lead, 15, "a")),
        (true, (30, sale, lead, 14, "b")),
        (true, (30, flat(100_000), lead, 14, "a")),
        (true, (30, sale, percent(10_000), 14, "a")),
        (true, (30, None, lead, 14, "a")),
        (true, (30, sale, None, 14, "a")),
        (true, (60, percent(2_000), flat(499), 0, "a")),
    ] {
        let campaign = after(draft(), &publish(before(), None));
        let published = decided(&campaign, &publish(offer, None)).unwrap();
        assert_eq!(published.terms.worsens, Some(worsens), "{offer:?}");
    }
    let only_sales = (30, percent(1_000), None, 14, "a");
    let campaign = after(draft(), &publish(only_sales, None));
    let with_leads = decided(&campaign, &publish(before(), None)).unwrap();
    assert_eq!(with_leads.terms.worsens, Some(false), "a reward more");
}

#[test]
fn the_first_terms_worsen_nothing_and_what_follows_a_text_that_is_not_known_does() {
    let first = decided(&draft(), &publish(before(), None)).unwrap();
    assert_eq!(first.terms.worsens, Some(false));
    assert_eq!(first.terms.text_hash.as_deref(), Some("a"));
    let mut old = after(draft(), &publish(before(), None));
    old.terms
        .iter_mut()
        .for_each(|terms| terms.text_hash = None);
    let next = decided(&old, &publish(before(), None)).unwrap();
    assert_eq!(next.terms.worsens, Some(true));
}

#[test]
fn terms_are_in_force_within_a_year() {
    let at = |effective_at| publish(before(), Some(effective_at));
    for (effective_at, fits) in [
        (NOW - 1, false),
        (NOW, true),
        (NOW + 365 * DAY, true),
        (NOW + 365 * DAY + 1, false),
    ] {
        let decided = decided(&active(1), &at(effective_at));
        assert_eq!(decided.is_ok(), fits, "{effective_at}");
        if let Err(refused) = decided {
            assert_eq!(refused.code, Code::InvalidDates);
            assert_eq!(refused.pointer.as_deref(), Some("/effective_at"));
        }
    }
}

fn sale_of(bps: i32) -> Offer {
    (30, percent(bps), flat(500), 14, "a")
}

/// 8 % in force, and 90 %, a mistake, from a later moment on.
fn with_a_mistake() -> Campaign {
    let campaign = after(draft(), &publish(sale_of(800), None));
    after(campaign, &publish(sale_of(9_000), Some(NOW + 5)))
}

#[test]
fn what_was_scheduled_by_mistake_is_taken_back_by_a_version_that_is_in_force_no_later() {
    for from in [NOW + 5, NOW + 3, NOW] {
        for (bps, worsens) in [(900, false), (800, false), (700, true)] {
            let corrected = publish(sale_of(bps), Some(from));
            let campaign = after(with_a_mistake(), &corrected);
            let newest = campaign.newest_terms().unwrap();
            assert_eq!(newest.worsens, Some(worsens), "{bps} from {from}");
            let versions: Vec<_> = (NOW..NOW + 7).map(|now| in_force(&campaign, now)).collect();
            assert!(!versions.contains(&Some(2)), "{versions:?}");
            assert_eq!(in_force(&campaign, from), Some(3));
        }
    }
    let later = publish(sale_of(900), Some(NOW + 6));
    let campaign = after(with_a_mistake(), &later);
    assert_eq!(in_force(&campaign, NOW + 5), Some(2));
    assert_eq!(campaign.newest_terms().unwrap().worsens, Some(true));
}

#[test]
fn what_is_in_force_already_is_what_a_version_of_the_same_moment_is_held_against() {
    let campaign = after(draft(), &publish(sale_of(800), None));
    let campaign = after(campaign, &publish(sale_of(900), None));
    for (bps, worsens) in [(850, true), (900, false)] {
        let published = decided(&campaign, &publish(sale_of(bps), None)).unwrap();
        assert_eq!(published.terms.worsens, Some(worsens), "{bps}");
    }
}

#[test]
fn ten_versions_wait_to_come_into_force_and_an_eleventh_changes_nothing() {
    let from = |seconds| publish(before(), Some(NOW + seconds));
    let campaign = (1..=10).fold(active(1), |campaign, n| after(campaign, &from(n)));
    let refused = decided(&campaign, &from(11)).unwrap_err();
    assert_eq!(refused.code, Code::TooManyVersions);
    assert!(refused.detail.contains("10"), "{}", refused.detail);
    // In the place of some of them, and at once.
    for seconds in [10, 4, 0] {
        let campaign = after(campaign.clone(), &from(seconds));
        assert_eq!(campaign.newest_terms().unwrap().version.get(), 12);
        assert_eq!(
            campaign.terms.last().unwrap().effective_at.get(),
            NOW + seconds
        );
    }
}

#[test]
fn a_campaign_has_a_thousand_versions_at_most() {
    let decided = decided(&active(999), &publish(before(), None)).unwrap();
    assert_eq!(decided.terms.version.get(), 1_000);
    let refused = self::decided(&active(1_000), &publish(before(), None)).unwrap_err();
    assert_eq!(refused.code, Code::TooManyVersions);
    assert!(refused.detail.contains("1000"), "{}", refused.detail);
}

fn in_force(campaign: &Campaign, now: i64) -> Option<i32> {
    campaign
        .terms_in_force(Micros(now))
        .map(types::TermsVersion::get)
}

#[test]
fn who_joins_before_new_terms_are_in_force_accepts_those_in_force() {
    let campaign = after(active(1), &publish(before(), Some(NOW + 5)));
    assert_eq!(in_force(&campaign, NOW + 4), Some(1));
    assert_eq!(in_force(&campaign, NOW + 5), Some(2));
    let accept_of = |requested_at: i64, version: Option<i32>, now: i64| {
        let command = Command::Accept {
            campaign: "camp1".parse().unwrap(),
            partner: "partner1".parse().unwrap(),
            terms_version: version.map(|version| version.try_into().unwrap()),
        };
        let context = Context {
            now: Micros(now),
            requested_at: Micros(requested_at),
            ..submitted_by(partner("partner1"))
        };
        let view = View {
            campaign: Some(&campaign),
            ..View::default()
        };
        decide(view, &command, &context).map(|event| match event {
            Event::EnrollmentAccepted(accepted) => accepted.terms_version.get(),
            other => panic!("{other:?}"),
        })
    };
    let accept = |version, now| accept_of(now, version, now);
    assert_eq!(accept(None, NOW + 4), Ok(1));
    assert_eq!(accept(Some(1), NOW + 4), Ok(1));
    assert_eq!(
        accept(Some(2), NOW + 4).unwrap_err().code,
        Code::TermsVersionStale
    );
    assert_eq!(accept(None, NOW + 5), Ok(2));
    assert_eq!(
        accept(Some(1), NOW + 5).unwrap_err().code,
        Code::TermsVersionStale
    );
    // Who named none had read those of then, which are not in force any more.
    assert_eq!(
        accept_of(NOW + 4, None, NOW + 5).unwrap_err().code,
        Code::TermsVersionStale
    );
    assert_eq!(accept_of(NOW + 4, Some(2), NOW + 5), Ok(2));
    // Before the first ones nobody had read any.
    assert_eq!(accept_of(i64::MIN, None, NOW + 4), Ok(1));
}

#[test]
fn a_campaign_is_not_activated_before_its_first_terms_are_in_force() {
    let campaign = after(draft(), &publish(before(), Some(NOW + 5)));
    let activate = Command::Move {
        campaign: "camp1".parse().unwrap(),
        step: Step::Activate,
    };
    let view = View {
        campaign: Some(&campaign),
        ..View::default()
    };
    let mut context = submitted_by(brand("brand1"));
    let refused = decide(view, &activate, &context).unwrap_err();
    assert_eq!(refused.code, Code::TermsNotPublished);
    context.now = Micros(NOW + 5);
    decide(view, &activate, &context).unwrap();
    let newest: Option<&Terms> = campaign.newest_terms();
    assert_eq!(newest.map(|terms| terms.version.get()), Some(1));
}
