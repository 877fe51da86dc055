use proptest::prelude::*;

use super::*;

proptest! {
    /// However a purchase is refunded, in parts or at once, the parts add up and no more is taken than was earned.
    #[test]
    fn refunds_that_add_up_to_the_purchase_take_back_exactly_the_commission(
        parts in prop::collection::vec(1_i64..1_000_000, 1..12),
        points in 0..=10_000,
        hold_days in 0_u16..60,
        released_after in 0_usize..12,
    ) {
        let whole: i64 = parts.iter().sum();
        let plan = Plan { hold_days, ..plan(rate(points)) };
        let mut earned = commission(usd(whole), &plan);
        let amount = earned.calculated.amount.minor;
        let (mut refunded, mut reversed, mut approved) = (0, 0, 0);
        for (index, part) in parts.iter().enumerate() {
            if index == released_after && let Some(until) = earned.held_until()
                && let Ok(Release::Event(released)) = release_hold(&conversion(), Some(&earned), until, until)
            {
                if let Event::Approved(released) = &released {
                    approved = released.amount.minor + reversed;
                }
                earned.apply(&released, until);
            }
            refunded += part;
            let event = event(reverse(&refund(refunded, whole), Some(&earned)));
            prop_assert!(taken(&event) >= 0);
            reversed += taken(&event);
            earned.apply(&event, NOW);
            prop_assert!(reversed <= amount);
        }
        prop_assert_eq!(reversed, amount);
        prop_assert_eq!(earned.reversed.minor, amount);
        prop_assert!(approved == 0 || approved == amount);
    }

    /// Facts are total: any amounts whatever come to an event, never to a panic.
    #[test]
    fn any_conversion_and_any_refund_come_to_something(
        base in proptest::option::of(any::<i64>()),
        points in 0..=10_000,
        flat in proptest::option::of(0_i64..),
        hold_days: u16,
        now: i64,
        refunded: i64,
        purchase: i64,
    ) {
        let earning = flat.map_or(rate(points), |minor| Earning::Flat(usd(minor)));
        let plan = Plan { hold_days, ..plan(earning) };
        let mut attribution = super::purchase(usd(0));
        attribution.record.amount = base.map(usd);
        let calculated = calculated(calculate(&attribution, None, Some(&plan), Micros(now)));
        prop_assert!(calculated.amount.minor >= 0);
        let earned = Commission::begin(calculated, Micros(now));
        if let Reaction::Event(event) = reverse(&refund(refunded, purchase), Some(&earned)) {
            prop_assert!((0..=earned.calculated.amount.minor).contains(&taken(&event)));
        }
    }
}
