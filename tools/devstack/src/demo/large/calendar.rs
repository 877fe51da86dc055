//! What happens on which day: a function of the day alone, so that it is the same each time.

use types::JoinMode;

use super::people::{CAMPAIGNS, Campaign, PARTNERS, Partner};

/// How many days there are.
pub(super) const DAYS: i64 = 90;
/// A day on which partners ask for what they have earned.
pub(super) const PAYDAYS: [i64; 3] = [32, 61, 88];
/// An order is sent back after so many days.
const BACK_AFTER: i64 = 6;
/// Who comes back and buys, does after so many days.
const RETURNS_AFTER: i64 = 2;

/// `SplitMix64` (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators): whichever version of whatever crate is
/// built with, the demo's numbers stay.
#[derive(Debug)]
struct Dice(u64);

impl Dice {
    fn of(what: &str, day: i64, numbers: [usize; 2]) -> Self {
        let mut seed = day.unsigned_abs().wrapping_mul(0x9e37_79b9);
        for byte in what.bytes() {
            seed = seed.wrapping_mul(31).wrapping_add(u64::from(byte));
        }
        for number in numbers {
            seed = seed
                .wrapping_mul(1_000_003)
                .wrapping_add(u64::try_from(number).unwrap_or(0));
        }
        let mut dice = Self(seed);
        dice.next();
        dice
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit.max(1)
    }
}

/// A partner in a campaign, with its link there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) partner: usize,
    pub(super) campaign: &'static Campaign,
    /// The day on which it asks to come in, or is invited.
    pub(super) from: i64,
}

impl Place {
    pub(super) const fn partner(&self) -> &'static Partner {
        &PARTNERS[self.partner]
    }

    /// The code of its link.
    pub(super) fn code(&self) -> String {
        format!("{}-{}", self.partner().id, self.campaign.id)
    }

    /// The brand of an approval campaign wants one not.
    pub(super) fn is_refused(&self) -> bool {
        self.campaign.join == JoinMode::Approval && self.partner == 38
    }

    /// From when its link leads somewhere: a day more where somebody else has to act.
    fn earns_from(&self) -> i64 {
        self.from + i64::from(self.campaign.join != JoinMode::Open)
    }

    fn is_on(&self, day: i64) -> bool {
        !self.is_refused() && day >= self.earns_from() && self.campaign.is_on(day)
    }
}

/// Who is where. The strong are everywhere, and were there first.
pub(super) fn places() -> Vec<Place> {
    let all = (0..PARTNERS.len()).flat_map(|partner| {
        CAMPAIGNS
            .iter()
            .enumerate()
            .filter_map(move |(at, campaign)| {
                let is_there = partner < 4 || (partner + at) % 3 == 0 || (partner * at) % 11 == 5;
                let from = i64::try_from(partner).unwrap_or(0) * 5 / 4
                    + i64::try_from(at).unwrap_or(0) % 3;
                let place = Place {
                    partner,
                    campaign,
                    from: if partner < 6 { 0 } else { from },
                };
                (is_there && place.campaign.is_on(place.earns_from() + 5)).then_some(place)
            })
    });
    all.collect()
}

/// What is sold, or signed up for.
#[derive(Debug, Clone)]
pub(super) struct Sale {
    pub(super) place: Place,
    pub(super) order: String,
    pub(super) visitor: String,
    /// In cents; `None` is a lead.
    pub(super) cents: Option<u64>,
    /// Of this, so much goes back days later.
    pub(super) back: Option<u64>,
}

/// A visit of a link.
#[derive(Debug, Clone)]
pub(super) struct Visit {
    pub(super) place: Place,
    pub(super) comes_to: Outcome,
}

/// What a visit comes to.
#[derive(Debug, Clone)]
pub(super) enum Outcome {
    Nothing,
    /// They buy at once.
    Sale(Sale),
    /// The shop knows who it was; they come back.
    Known(String),
    /// The partner says that they bought.
    Claim(Sale),
}

/// Sundays are strong, Tuesdays weak.
const WEEK: [u64; 7] = [90, 82, 88, 95, 104, 118, 123];

/// In thousandths of a visit: how many a place has on a day, before chance.
fn expected(place: &Place, day: i64) -> u64 {
    let rank = u64::try_from(place.partner).unwrap_or(0);
    let weekday = usize::try_from(day.rem_euclid(7)).unwrap_or(0);
    // From half to one and a half over the days.
    let growth = 50 + u64::try_from(day).unwrap_or(0) * 100 / 90;
    5_600 * place.campaign.weight * WEEK[weekday] * growth / (10 * 100 * 100) / (rank + 2)
}

fn cents(dice: &mut Dice, campaign: &Campaign) -> u64 {
    let (least, most) = campaign.prices;
    // Most orders are small.
    let span = most - least;
    let part = dice.below(1_000) * dice.below(1_000);
    (least + span * part / 1_000_000) / 100 * 100 + if span == 0 { 0 } else { 90 }
}

/// Every visit of a day, in order.
pub(super) fn visits(places: &[Place], day: i64) -> Vec<Visit> {
    let mut visits = Vec::new();
    for (at, place) in places
        .iter()
        .enumerate()
        .filter(|(_, place)| place.is_on(day))
    {
        let mut dice = Dice::of("visits", day, [at, 0]);
        let count = (expected(place, day) + dice.below(1_000)) / 1_000;
        for number in 0..count {
            visits.push(visit(*place, day, at, usize::try_from(number).unwrap_or(0)));
        }
    }
    visits
}

fn visit(place: Place, day: i64, at: usize, number: usize) -> Visit {
    let mut dice = Dice::of("visit", day, [at, number]);
    let campaign = place.campaign;
    let visitor = format!("visitor-{day}-{at}-{number}");
    let mut sale = |order: String| {
        let is_lead = campaign.lead.is_some() && dice.below(100) < 70;
        let cents = (!is_lead).then(|| cents(&mut dice, campaign));
        let back = cents.filter(|_| dice.below(100) < 7);
        Sale {
            place,
            order,
            visitor: visitor.clone(),
            cents,
            // Half of them keep something.
            back: back.map(|cents| if dice.below(2) == 0 { cents } else { cents / 2 }),
        }
    };
    let order = format!(
        "{}-{:02}{at:03}{number:02}",
        campaign.brand().prefix,
        day + 10
    );
    let comes_to = match Dice::of("outcome", day, [at, number]).below(1_000) {
        0..=139 => Outcome::Sale(sale(order)),
        140..=164 if day + RETURNS_AFTER < DAYS => Outcome::Known(visitor.clone()),
        165..=170 if campaign.lead.is_none() => Outcome::Claim(Sale {
            back: None,
            ..sale(order)
        }),
        _ => Outcome::Nothing,
    };
    Visit { place, comes_to }
}

/// Who was there days before, was known to the shop, and buys today without another click.
pub(super) fn returning(places: &[Place], day: i64) -> Vec<Sale> {
    let before = day - RETURNS_AFTER;
    if before < 0 {
        return Vec::new();
    }
    let known = visits(places, before).into_iter().enumerate();
    known
        .filter_map(|(number, visit)| match visit.comes_to {
            Outcome::Known(visitor) if visit.place.campaign.is_on(day) => {
                let mut dice = Dice::of("returning", day, [number, 0]);
                let prefix = visit.place.campaign.brand().prefix;
                Some(Sale {
                    place: visit.place,
                    order: format!("{prefix}-{:02}R{number:03}", day + 10),
                    visitor,
                    cents: Some(cents(&mut dice, visit.place.campaign)),
                    back: None,
                })
            }
            _ => None,
        })
        .collect()
}

/// What was sold at once on a day.
pub(super) fn sales(places: &[Place], day: i64) -> impl Iterator<Item = Sale> {
    visits(places, day)
        .into_iter()
        .filter_map(|visit| match visit.comes_to {
            Outcome::Sale(sale) => Some(sale),
            _ => None,
        })
}

/// What comes back on a day.
pub(super) fn refunds(places: &[Place], day: i64) -> Vec<(Sale, u64)> {
    let before = day - BACK_AFTER;
    if before < 0 {
        return Vec::new();
    }
    sales(places, before)
        .filter_map(|sale| {
            let back = sale.back?;
            Some((sale, back))
        })
        .collect()
}

/// Whether the brand takes a claim.
pub(super) fn is_true(order: &str) -> bool {
    !order.ends_with(['1', '3', '5'])
}

/// The hour of a day at which all of it happens: by day, never the same twice in a row.
pub(super) fn second_of(day: i64) -> i64 {
    let at = Dice::of("hour", day, [0, 0]).below(12 * 3_600);
    7 * 3_600 + i64::try_from(at).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    /// The numbers that documents name; another seed gives others.
    #[test]
    fn the_demo_is_the_same_each_time_and_has_its_shape() {
        let places = places();
        let all: Vec<Visit> = (0..DAYS).flat_map(|day| visits(&places, day)).collect();
        let sales: Vec<Sale> = (0..DAYS).flat_map(|day| sales(&places, day)).collect();
        let returning: usize = (0..DAYS).map(|day| returning(&places, day).len()).sum();
        let refunds: usize = (0..DAYS).map(|day| refunds(&places, day).len()).sum();
        let claims = all
            .iter()
            .filter(|it| matches!(it.comes_to, Outcome::Claim(_)));
        let shape = (
            places.len(),
            all.len(),
            sales.len(),
            returning,
            refunds,
            claims.count(),
        );
        // In this order: places, visits, sales, those who returned, refunds, claims.
        assert_eq!(shape, (107, 3482, 468, 94, 34, 16));
        assert!((3_000..6_000).contains(&all.len()), "{shape:?}");
        assert!((400..900).contains(&sales.len()), "{shape:?}");
        assert!(returning > 40 && refunds > 15, "{shape:?}");
        let orders: HashSet<&str> = sales.iter().map(|sale| sale.order.as_str()).collect();
        assert_eq!(orders.len(), sales.len(), "no order number is given twice");
        let of = |partner| all.iter().filter(|it| it.place.partner == partner).count();
        assert!(
            of(0) > 10 * of(39),
            "a few are strong: {} {}",
            of(0),
            of(39)
        );
        assert!(
            (0..PARTNERS.len()).all(|partner| of(partner) > 0),
            "everybody has visitors"
        );
        let first: usize = (0..30).map(|day| visits(&places, day).len()).sum();
        let last: usize = (60..90).map(|day| visits(&places, day).len()).sum();
        assert!(last > first, "it grows: {first} {last}");
        for campaign in &CAMPAIGNS {
            let count = |day| {
                visits(&places, day)
                    .iter()
                    .filter(|it| it.place.campaign.id == campaign.id)
                    .count()
            };
            let after: usize = (campaign.until.map_or(DAYS, |(day, _)| day)..DAYS)
                .map(count)
                .sum();
            assert_eq!(after, 0, "{}", campaign.id);
        }
    }
}
