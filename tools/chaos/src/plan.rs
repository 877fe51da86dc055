//! The workload as a plan: journeys of one partner each, step by step, with every id and every way given by the seed.
//!
//! No two journeys touch the same limit, and each step waits for the outcome of the one before: so where all of it
//! ends is a function of the plan alone, whatever is broken meanwhile and whichever mode the stack is in.

use sha2::{Digest, Sha256};
use types::{CampaignStatus, JoinMode, LinkStatus, PauseReason, WorkflowReason, WorkflowStatus};

use super::act::{Act, Amount, Change, Reporter, Terms, brand_of, join_of};
use super::client::Door;
use super::onboarded;
use super::random::Random;
use super::requested;

/// How a command is sent, where the mode has that way; else by the bff or by its service's HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// By HTTP.
    Door(Door),
    /// By an external producer on the command topic.
    Pulsar,
}

/// How a command is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// Done.
    Done,
    /// Refused with this code.
    Refused(&'static str),
}

/// One step of a journey.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Sends a command and waits for its outcome.
    Submit {
        /// What.
        act: Act,
        /// How.
        way: Way,
        /// And then.
        expect: Expect,
    },
    /// Follows a link. With `stored`, until the click has a row of its own.
    Click {
        /// The link.
        code: String,
        /// The next report does not name it.
        stored: bool,
    },
    /// Waits until the bff shows a campaign so.
    Stands {
        /// Which.
        campaign: String,
        /// Its status.
        status: CampaignStatus,
        /// Why it is paused.
        reason: Option<PauseReason>,
    },
    /// Waits until the bff shows that the newest workflow of a partner's applications to a campaign is so far; one that runs, that it
    /// waits for the brand. Notes it.
    Onboards {
        /// To which campaign.
        campaign: String,
        /// Whose.
        partner: String,
        /// How far.
        status: WorkflowStatus,
        /// Why it came to nothing.
        reason: Option<WorkflowReason>,
    },
    /// Waits until the bff shows that a partner can be paid so much.
    Payable {
        /// Who.
        partner: String,
        /// How much at least.
        least: Amount,
    },
}

/// What one partner does, one step after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Journey {
    /// Names its keys and ids.
    pub name: String,
    /// When it begins, in milliseconds of the run.
    pub at_ms: u64,
    /// In this order.
    pub steps: Vec<Step>,
}

/// The whole workload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Done before anything is broken: the campaigns that journeys share.
    pub opening: Vec<Journey>,
    /// The journeys, in the order of their beginning.
    pub journeys: Vec<Journey>,
}

const SHARED: [Terms; 4] = [
    Terms {
        bps: Some(1_000),
        hold_days: 0,
        currency: "USD",
    },
    Terms {
        bps: Some(333),
        hold_days: 0,
        currency: "EUR",
    },
    Terms {
        bps: None,
        hold_days: 0,
        currency: "JPY",
    },
    Terms {
        bps: Some(1_250),
        hold_days: 14,
        currency: "USD",
    },
];

/// One of so many journeys is of a brand that pays before.
const PREPAID_OF: u64 = 8;
/// One of so many is of a brand that has applications taken through onboarding.
const ONBOARDED_OF: u64 = 8;

/// Keyed and waiting: how the opening is done.
pub const PLAIN: Way = Way::Door(Door::Bff {
    key: true,
    wait: true,
    own: false,
});

impl Plan {
    /// The workload of a seed: so many journeys a minute for so many minutes.
    pub fn new(seed: u64, seconds: u64, per_minute: u64) -> Self {
        let opening = SHARED.iter().enumerate().map(|(index, terms)| {
            let name = format!("open{index}");
            let mut steps = vec![done(requested::endpoint(&shared(index)), PLAIN)];
            open_campaign(&mut steps, &shared(index), *terms, || PLAIN);
            Journey {
                name,
                at_ms: 0,
                steps,
            }
        });
        let count = (seconds * per_minute / 60).max(1);
        let journeys = (0..count).map(|number| {
            let random = Random::new(seed, &format!("journey {number}"));
            Writer::new(random, number).journey(seconds * 1_000 * number / count)
        });
        Self {
            opening: opening.collect(),
            journeys: journeys.collect(),
        }
    }

    /// The first eight bytes of its SHA-256: equal plans have equal ones.
    pub fn digest(&self) -> String {
        let digest = Sha256::digest(format!("{self:?}").as_bytes());
        devstack::stack::hex(&digest[..8])
    }

    /// Commands that it sends.
    pub fn commands(&self) -> usize {
        let steps = self.opening.iter().chain(&self.journeys);
        let asks = |journey: &Journey| {
            let asks = journey.steps.iter();
            asks.filter(|step| matches!(step, Step::Submit { .. }))
                .count()
        };
        steps.map(asks).sum()
    }
}

fn shared(index: usize) -> String {
    format!("dc{index}")
}

fn done(act: Act, way: Way) -> Step {
    Step::Submit {
        act,
        way,
        expect: Expect::Done,
    }
}

fn refused(act: Act, way: Way, code: &'static str) -> Step {
    Step::Submit {
        act,
        way,
        expect: Expect::Refused(code),
    }
}

fn open_campaign(
    steps: &mut Vec<Step>,
    campaign: &str,
    terms: Terms,
    mut way: impl FnMut() -> Way,
) {
    let create = Act::Create {
        campaign: campaign.to_owned(),
        brand: brand_of(campaign),
        currency: terms.currency,
    };
    let publish = Act::Publish {
        campaign: campaign.to_owned(),
        terms,
        later: false,
    };
    let activate = Act::Move {
        campaign: campaign.to_owned(),
        step: "activate",
    };
    for act in [create, publish, activate] {
        steps.push(done(act, way()));
    }
}

/// Writes one journey.
struct Writer {
    random: Random,
    number: u64,
    partner: String,
    steps: Vec<Step>,
    /// Sure to be payable in the end, and what may yet be taken back of the rest, in minor units.
    sure: u64,
    at_risk: u64,
}

impl Writer {
    fn new(random: Random, number: u64) -> Self {
        Self {
            random,
            number,
            partner: format!("dp{number}"),
            steps: Vec::new(),
            sure: 0,
            at_risk: 0,
        }
    }

    /// Any way that a client may go; without a key only where repeating does no harm.
    fn way(&mut self, harmless: bool) -> Way {
        let (key, wait, own) = (
            !harmless || self.random.percent(70),
            self.random.percent(50),
            self.random.percent(50),
        );
        match self.random.below(100) {
            0..45 => Way::Door(Door::Bff { key, wait, own }),
            45..75 => Way::Door(Door::Own { token: wait }),
            _ => Way::Pulsar,
        }
    }

    fn journey(mut self, at_ms: u64) -> Journey {
        if self.number % PREPAID_OF == PREPAID_OF - 1 {
            self.prepaid();
            return self.written(at_ms);
        }
        if self.number % ONBOARDED_OF == ONBOARDED_OF / 2 - 1 {
            self.onboarded();
            return self.written(at_ms);
        }
        let (campaign, terms) = self.campaign();
        self.join(&campaign);
        let code = self.link(&campaign);
        for visitor in 1..=self.random.between(1, 3) {
            self.visit(&campaign, terms, &code, visitor);
            if self.random.percent(15) {
                let erase = requested::erase_visitor(&campaign, &self.user(visitor));
                self.submit([(erase, Expect::Done)]);
            }
        }
        if self.random.percent(30) {
            self.disable(&campaign);
        }
        self.funds(&campaign, terms.currency);
        self.part(&campaign, terms);
        if terms.hold_days == 0 {
            self.payout(terms.currency);
        }
        self.written(at_ms)
    }

    fn written(self, at_ms: u64) -> Journey {
        Journey {
            name: format!("j{}", self.number),
            at_ms,
            steps: self.steps,
        }
    }

    /// Neighbours are in campaigns of different brands, since they have the same order numbers.
    fn campaign(&mut self) -> (String, Terms) {
        let index = 2 * self.random.below(SHARED.len() as u64 / 2) + self.number % 2;
        let index = usize::try_from(index).unwrap_or_default();
        if self.random.percent(75) {
            return (shared(index), SHARED[index]);
        }
        // An own one; in some the brand approves who comes in.
        let kind = if self.random.percent(40) {
            "dca"
        } else {
            "dcj"
        };
        let (name, terms) = (format!("{kind}{}", self.number), SHARED[index]);
        let ways = [(); 3].map(|()| self.way(false));
        let mut ways = ways.into_iter();
        open_campaign(&mut self.steps, &name, terms, || {
            ways.next().unwrap_or(PLAIN)
        });
        if self.random.percent(40) {
            let again = Act::Create {
                campaign: name.clone(),
                brand: brand_of(&name),
                currency: terms.currency,
            };
            let way = self.way(true);
            self.steps.push(refused(again, way, "campaign_exists"));
        }
        (name, terms)
    }

    fn join(&mut self, campaign: &str) {
        self.named();
        self.group(campaign);
        self.describe(campaign);
        let accept = Act::Accept {
            campaign: campaign.to_owned(),
            partner: self.partner.clone(),
            version: self.random.percent(50).then_some(1),
        };
        if join_of(campaign) == JoinMode::Approval {
            self.ask_in(campaign, &accept);
        } else {
            let way = self.way(true);
            self.steps.push(done(accept.clone(), way));
        }
        if self.random.percent(30) {
            let way = self.way(true);
            self.steps.push(refused(accept, way, "already_accepted"));
        }
        if self.random.percent(50) {
            let evidence = Act::Evidence {
                campaign: campaign.to_owned(),
                partner: self.partner.clone(),
                url: self.file(),
            };
            let ways = [self.way(true), self.way(true)];
            self.steps.push(done(evidence.clone(), ways[0]));
            if self.random.percent(30) {
                let again = refused(evidence.clone(), ways[1], "already_submitted");
                self.steps.push(again);
            }
            match self.random.below(4) {
                0 | 1 => self.review(campaign, &evidence),
                2 => self.reject_evidence(campaign),
                _ => {}
            }
        }
    }

    /// Who is invited comes in by accepting the terms. Who is not applies, may have to say more and apply again, or is approved at
    /// once.
    fn ask_in(&mut self, campaign: &str, accept: &Act) {
        let partner = self.partner.clone();
        let mut steps = Vec::new();
        if self.random.percent(40) {
            let invite = requested::invite(campaign, &partner);
            steps.push((invite.clone(), Expect::Done));
            steps.push((invite, Expect::Refused("already_invited")));
            steps.push((accept.clone(), Expect::Done));
            self.submit(steps);
            return;
        }
        if self.random.percent(50) {
            let reject = requested::reject(campaign, &partner);
            steps.push((accept.clone(), Expect::Done));
            steps.push((reject.clone(), Expect::Done));
            steps.push((reject, Expect::Refused("not_applied")));
        }
        let approve = Act::Approve {
            campaign: campaign.to_owned(),
            partner,
        };
        steps.push((accept.clone(), Expect::Done));
        steps.push((accept.clone(), Expect::Refused("already_applied")));
        steps.push((approve, Expect::Done));
        self.submit(steps);
    }

    /// The brand does not take it, for good.
    fn reject_evidence(&mut self, campaign: &str) {
        let rejected = requested::reject_evidence(campaign, &self.partner, &self.file());
        self.submit([
            (rejected.clone(), Expect::Done),
            (rejected, Expect::Refused("evidence_decided")),
        ]);
    }

    /// The brand gives it back, gets it once more, and takes it.
    fn review(&mut self, campaign: &str, evidence: &Act) {
        let review = |approved| Act::Review {
            campaign: campaign.to_owned(),
            partner: self.partner.clone(),
            url: self.file(),
            approved,
        };
        let (returned, approved) = (review(false), review(true));
        self.submit([
            (returned.clone(), Expect::Done),
            (approved.clone(), Expect::Refused("evidence_decided")),
            (evidence.clone(), Expect::Done),
            (approved, Expect::Done),
            (returned, Expect::Refused("evidence_decided")),
        ]);
    }

    /// It says who it is, before anybody may have heard of it or after.
    fn named(&mut self) {
        if self.random.percent(20) {
            let named = Act::Named {
                partner: self.partner.clone(),
            };
            let way = self.way(true);
            self.steps.push(done(named, way));
        }
    }

    /// The brand gives its default group room for every link that the run makes, and moves nobody there: all are in it.
    fn group(&mut self, campaign: &str) {
        if self.random.percent(20) {
            let campaign = campaign.to_owned();
            let limit = Act::Limit {
                campaign: campaign.clone(),
                link_limit: 1_000,
            };
            let partner = self.partner.clone();
            let moved = Act::Group { campaign, partner };
            self.submit([
                (limit, Expect::Done),
                (moved, Expect::Refused("already_in_group")),
            ]);
        }
    }

    /// The brand says what its campaign is about.
    fn describe(&mut self, campaign: &str) {
        if self.random.percent(20) {
            let describe = Act::Describe {
                campaign: campaign.to_owned(),
                description: format!("As journey {} found it.", self.number),
            };
            let way = self.way(true);
            self.steps.push(done(describe, way));
        }
    }

    fn user(&self, visitor: u64) -> String {
        format!("du{}-{visitor}", self.number)
    }

    fn file(&self) -> String {
        format!("https://files.example/{}.jpg", self.number)
    }

    fn link(&mut self, campaign: &str) -> String {
        let code = format!("dl{}", self.number);
        let link = |host| Act::Link {
            campaign: campaign.to_owned(),
            partner: self.partner.clone(),
            code: code.clone(),
            host,
        };
        let (wrong, right) = (link("elsewhere.example"), link("shop.example"));
        if self.random.percent(10) {
            let way = self.way(true);
            self.steps.push(refused(wrong, way, "host_not_allowed"));
        }
        let way = self.way(true);
        self.steps.push(done(right.clone(), way));
        if self.random.percent(20) {
            let way = self.way(true);
            self.steps.push(refused(right, way, "link_exists"));
        }
        if self.random.percent(20) {
            let codes = [format!("{code}-b1"), format!("{code}-b2")];
            let batch = requested::batch(campaign, &self.partner, &codes);
            self.submit([(batch, Expect::Done)]);
        }
        if self.random.percent(25) {
            let change = self.change(campaign, Change::Page("sale"));
            self.submit([
                (change.clone(), Expect::Done),
                (change, Expect::Refused("link_unchanged")),
            ]);
        }
        code
    }

    fn change(&self, campaign: &str, change: Change) -> Act {
        Act::Change {
            campaign: campaign.to_owned(),
            partner: self.partner.clone(),
            code: format!("dl{}", self.number),
            change,
        }
    }

    /// What the brand disables its partner does not enable; the brand may.
    fn disable(&mut self, campaign: &str) {
        let (on, off) = (LinkStatus::Active, LinkStatus::Disabled);
        let change = |change| self.change(campaign, change);
        let mut steps = vec![
            (change(Change::ByBrand(off)), Expect::Done),
            (
                change(Change::ByPartner(on)),
                Expect::Refused("link_disabled"),
            ),
        ];
        let enabled = change(Change::ByBrand(on));
        if self.random.percent(50) {
            steps.push((enabled, Expect::Done));
        }
        self.submit(steps);
    }

    /// One after the other, each in a way of its own: keyed, since what comes next depends on it.
    fn submit(&mut self, steps: impl IntoIterator<Item = (Act, Expect)>) {
        for (act, expect) in steps {
            let way = self.way(false);
            self.steps.push(Step::Submit { act, way, expect });
        }
    }

    fn visit(&mut self, campaign: &str, terms: Terms, code: &str, visitor: u64) {
        let user = self.user(visitor);
        let names_click = self.random.percent(50);
        self.steps.push(Step::Click {
            code: code.to_owned(),
            stored: !names_click,
        });
        let bind = |user: &str| Act::Bind {
            campaign: campaign.to_owned(),
            user: user.to_owned(),
        };
        if !names_click || self.random.percent(30) {
            let ways = [self.way(true), self.way(true)];
            self.steps.push(done(bind(&user), ways[0]));
            if self.random.percent(20) {
                let stolen = bind(&format!("{user}-else"));
                self.steps.push(refused(stolen, ways[1], "click_bound"));
            }
        }
        let minor = self.random.between(100, 50_000);
        let order = format!("do{}-{visitor}", self.number / 2);
        let by_shop = self.random.percent(50);
        let names_campaign = !by_shop || self.random.percent(50);
        let report = |kind, amount: Option<u64>, click| Act::Report {
            kind,
            user: user.clone(),
            campaign: names_campaign.then(|| campaign.to_owned()),
            by: if by_shop {
                Reporter::Shop(brand_of(campaign))
            } else {
                Reporter::Anybody
            },
            order: Some(order.clone()),
            amount: amount.map(|minor| Amount {
                minor,
                currency: terms.currency,
            }),
            click,
        };
        if self.random.percent(15) {
            let way = self.way(true);
            self.steps
                .push(done(report("lead", None, names_click), way));
            self.sure += 250;
            return;
        }
        let earned = |minor| terms.bps.map_or(175, |bps| minor * u64::from(bps) / 10_000);
        let purchase = report("purchase", Some(minor), names_click);
        let early = self.random.percent(20);
        if early {
            let refund = report("refund", Some(minor / 4 + 1), false);
            let way = self.way(false);
            self.steps.push(done(refund, way));
        }
        self.purchase(campaign, &order, &purchase, minor);
        if self.random.percent(35) {
            let way = self.way(true);
            self.steps.push(done(purchase, way));
        }
        let refunded = self.random.percent(30) && !early;
        if refunded {
            let third = minor / 3;
            for part in [third, third, minor - 2 * third] {
                let way = self.way(false);
                self.steps
                    .push(done(report("refund", Some(part), false), way));
                if self.random.percent(40) {
                    break;
                }
            }
        }
        if self.random.percent(15) {
            let way = self.way(false);
            let more = report("refund", Some(minor + 1), false);
            self.steps
                .push(refused(more, way, "refund_exceeds_purchase"));
        }
        if early || refunded {
            self.at_risk += earned(minor) + 1;
        } else {
            self.sure += earned(minor);
        }
    }

    /// The shop reports it; the partner claims it before the shop does, after it, or instead of it.
    fn purchase(&mut self, campaign: &str, order: &str, purchase: &Act, minor: u64) {
        let claimed = self.random.percent(30);
        let accepted = claimed && self.random.percent(30);
        let before = accepted || claimed && self.random.percent(60);
        let claim = purchase.claimed_by(&self.partner, if accepted { minor } else { minor * 10 });
        let decide = Act::Decide {
            campaign: campaign.to_owned(),
            partner: self.partner.clone(),
            order: order.to_owned(),
            accepted,
        };
        let mut steps = Vec::new();
        if before {
            steps.push((claim.clone(), Expect::Done));
        }
        if accepted || before && self.random.percent(30) {
            steps.push((decide.clone(), Expect::Done));
        }
        if !accepted {
            steps.push((purchase.clone(), Expect::Done));
        }
        if claimed && !before {
            steps.push((claim, Expect::Done));
            steps.push((decide, Expect::Refused("claim_decided")));
        }
        for (act, expect) in steps {
            let way = self.way(true);
            self.steps.push(Step::Submit { act, way, expect });
        }
    }

    /// The brand opens an account, announces a deposit, and takes no more from there than the bank has brought: nothing.
    fn funds(&mut self, campaign: &str, currency: &'static str) {
        if !self.random.percent(40) {
            return;
        }
        let (campaign, name) = (campaign.to_owned(), format!("j{}", self.number));
        let amount = Amount {
            minor: 1_000,
            currency,
        };
        let open = Act::Open {
            campaign: campaign.clone(),
            name: name.clone(),
        };
        let deposit = Act::Deposit {
            campaign: campaign.clone(),
            name: name.clone(),
            amount,
        };
        let take = |out| Act::Take {
            campaign: campaign.clone(),
            name: name.clone(),
            amount,
            out,
        };
        self.submit(vec![
            (open.clone(), Expect::Done),
            (open, Expect::Refused("account_exists")),
            (deposit, Expect::Done),
            (take(true), Expect::Refused("insufficient_funds")),
            (take(false), Expect::Refused("insufficient_funds")),
        ]);
    }

    /// The partner goes, is removed or banned, and a campaign that no other journey is in stops: what was earned stays.
    fn part(&mut self, campaign: &str, terms: Terms) {
        let own = campaign.starts_with("dcj") || campaign.starts_with("dca");
        let step = |step| Act::Move {
            campaign: campaign.to_owned(),
            step,
        };
        if self.random.percent(10) {
            let partner = self.partner.clone();
            let way = self.way(true);
            self.steps.push(done(Act::Erase { partner }, way));
        }
        if own {
            self.own_campaign(campaign, terms);
        }
        let mut steps = Vec::new();
        let end = |removed| Act::End {
            campaign: campaign.to_owned(),
            partner: self.partner.clone(),
            removed,
        };
        let join = Act::Accept {
            campaign: campaign.to_owned(),
            partner: self.partner.clone(),
            version: None,
        };
        if self.random.percent(25) {
            steps.push((end(false), Expect::Done));
            steps.push((end(false), Expect::Refused("not_enrolled")));
            // Where onboarding lets partners in, nobody waits until it has done so once more.
            if self.random.percent(50) && !campaign.starts_with("dca") {
                steps.push((join.clone(), Expect::Done));
            }
        }
        if own && self.random.percent(60) {
            steps.push((step("pause"), Expect::Done));
            steps.push((join.clone(), Expect::Refused("campaign_not_active")));
            if self.random.percent(50) {
                steps.push((step("resume"), Expect::Done));
            }
            steps.push((step("close"), Expect::Done));
            steps.push((step("resume"), Expect::Refused("campaign_closed")));
        }
        if self.random.percent(15) {
            steps.push((end(true), Expect::Done));
            steps.push((join.clone(), Expect::Refused("partner_removed")));
        }
        if self.random.percent(30) {
            let ban = |lifted| Act::Ban {
                campaign: campaign.to_owned(),
                partner: self.partner.clone(),
                lifted,
            };
            steps.push((ban(false), Expect::Done));
            steps.push((ban(false), Expect::Refused("already_banned")));
            steps.push((join, Expect::Refused("partner_banned")));
            if self.random.percent(50) {
                steps.push((ban(true), Expect::Done));
                steps.push((ban(true), Expect::Refused("not_banned")));
            }
        }
        self.submit(steps);
    }

    /// A campaign that no other journey is in has a key with another secret, which may be ended, an end, and terms that are in
    /// force when the run is over.
    fn own_campaign(&mut self, campaign: &str, terms: Terms) {
        let key = Act::Key {
            campaign: campaign.to_owned(),
        };
        let mut steps = vec![(key, Expect::Done)];
        if self.random.percent(60) {
            steps.push((requested::rotate(campaign), Expect::Done));
        }
        if self.random.percent(50) {
            steps.push((requested::revoke(campaign), Expect::Done));
            let again = Expect::Refused("api_key_revoked");
            steps.push((requested::rotate(campaign), again));
        }
        if self.random.percent(50) {
            steps.push((requested::change_end(campaign), Expect::Done));
        }
        if self.random.percent(50) {
            let later = Act::Publish {
                campaign: campaign.to_owned(),
                terms,
                later: true,
            };
            steps.push((later, Expect::Done));
        }
        self.submit(steps);
    }

    /// A brand that pays before: what its partner earns waits, and its campaign with it, until so much has come in that all of it
    /// is covered. What is left is taken out, but for what the bank sends back.
    fn prepaid(&mut self) {
        let (campaign, terms) = (format!("dcj{}", self.number), SHARED[0]);
        let currency = terms.currency;
        let ways = [(); 3].map(|()| self.way(false));
        let mut ways = ways.into_iter();
        open_campaign(&mut self.steps, &campaign, terms, || {
            ways.next().unwrap_or(PLAIN)
        });
        let bill = requested::bill(&campaign, currency);
        let warning = Amount {
            minor: 400,
            currency,
        };
        let warn = requested::warn(&campaign, warning);
        let accept = Act::Accept {
            campaign: campaign.clone(),
            partner: self.partner.clone(),
            version: None,
        };
        self.submit([
            (bill.clone(), Expect::Done),
            (bill, Expect::Refused("billing_unchanged")),
            (warn.clone(), Expect::Done),
            (warn, Expect::Refused("funds_warning_unchanged")),
            (accept, Expect::Done),
        ]);
        let code = self.link(&campaign);
        self.steps.push(Step::Click { code, stored: true });
        let (user, dollars) = (self.user(1), |minor| Amount { minor, currency });
        let bind = Act::Bind {
            campaign: campaign.clone(),
            user: user.clone(),
        };
        let purchase = |order: &str, minor| Act::Report {
            kind: "purchase",
            user: user.clone(),
            campaign: Some(campaign.clone()),
            order: Some(format!("do{}-{order}", self.number)),
            amount: Some(dollars(minor)),
            by: Reporter::Shop(brand_of(&campaign)),
            click: false,
        };
        let (first, second) = (purchase("first", 20_000), purchase("second", 3_000));
        self.submit([(bind, Expect::Done), (first, Expect::Done)]);
        self.stands(
            &campaign,
            CampaignStatus::Paused,
            Some(PauseReason::OutOfFunds),
        );
        let resume = Act::Move {
            campaign: campaign.clone(),
            step: "resume",
        };
        let comes_in = |minor| (requested::deposit(&campaign, dollars(minor)), Expect::Done);
        let settled = |what, status| (requested::settle(what, status), Expect::Done);
        self.submit([
            (resume, Expect::Refused("out_of_funds")),
            comes_in(5_000),
            settled("deposits", "failed"),
            comes_in(1_000),
            settled("deposits", "cleared"),
            comes_in(1_600),
            settled("deposits", "cleared"),
            (
                requested::settle("deposits", "cleared"),
                Expect::Refused("deposit_settled"),
            ),
        ]);
        self.stands(&campaign, CampaignStatus::Active, None);
        self.submit([(second, Expect::Done)]);
        self.steps.push(Step::Payable {
            partner: self.partner.clone(),
            least: dollars(2_300),
        });
        let takes = |minor| Act::Take {
            campaign: campaign.clone(),
            name: "default".to_owned(),
            amount: dollars(minor),
            out: true,
        };
        self.submit([
            (takes(301), Expect::Refused("insufficient_funds")),
            (takes(200), Expect::Done),
            settled("withdrawals", "settled"),
            (takes(100), Expect::Done),
            settled("withdrawals", "failed"),
        ]);
        self.sure = 2_300;
        self.payout(currency);
    }

    /// A brand that has what partners do who apply to it taken through onboarding.
    fn onboarded(&mut self) {
        let campaign = format!("dca{}", self.number);
        let mut steps = Vec::new();
        open_campaign(&mut steps, &campaign, onboarded::TERMS, || PLAIN);
        steps.extend(onboarded::steps(&campaign, &self.partner));
        for step in &mut steps {
            if let Step::Submit { way, .. } = step {
                *way = self.way(false);
            }
        }
        self.steps = steps;
    }

    fn stands(&mut self, campaign: &str, status: CampaignStatus, reason: Option<PauseReason>) {
        self.steps.push(Step::Stands {
            campaign: campaign.to_owned(),
            status,
            reason,
        });
    }

    /// Asks for half of what is sure, and then for far more than there is. One in five times the provider takes the
    /// payout and says that it failed, so that the money comes back.
    fn payout(&mut self, currency: &'static str) {
        let half = self.sure.saturating_sub(self.at_risk) / 2;
        if half == 0 || !self.random.percent(60) {
            return;
        }
        let amount = |minor| Amount { minor, currency };
        let refused_there = self.random.percent(20);
        let ask = |partner: &str, minor| Act::Payout {
            partner: partner.to_owned(),
            amount: amount(minor),
            refused: refused_there,
        };
        let partner = self.partner.clone();
        self.steps.push(Step::Payable {
            partner: partner.clone(),
            least: amount(half + self.at_risk),
        });
        let way = self.way(false);
        self.steps.push(done(ask(&partner, half), way));
        if self.random.percent(40) {
            let (way, more) = (self.way(false), (self.sure + self.at_risk) * 10);
            let step = refused(ask(&partner, more), way, "insufficient_balance");
            self.steps.push(step);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_workload_and_another_seed_another() {
        let digest = |seed| Plan::new(seed, 60, 30).digest();
        assert_eq!(digest(1), digest(1));
        assert_ne!(digest(1), digest(2));
    }

    #[test]
    fn a_short_run_asks_for_everything_that_a_brands_money_and_people_can_do() {
        let plan = Plan::new(7, 30, 40);
        let written = format!("{:?}", plan.journeys);
        for what in [
            "billing",
            "funds/warning",
            "deposits/{noted}/settle",
            "withdrawals/{noted}/settle",
            "keys/{noted}/rotate",
            "DELETE",
            "/invite",
            "erasures",
            "links:batch",
            "ends_at",
            "later: true",
            "OutOfFunds",
            "/hook",
            "contacts/mail",
            "workflows/{noted}/cancel",
            "CountryUnknown",
            "CampaignClosed",
        ] {
            assert!(written.contains(what), "{what}");
        }
    }

    #[test]
    fn a_few_runs_reject_applications_and_evidence() {
        let journeys = (1..=10).flat_map(|seed| Plan::new(seed, 30, 40).journeys);
        let written = format!("{:?}", journeys.collect::<Vec<_>>());
        let rejected = |what: &str| {
            let mut ends = written.match_indices("/reject\"");
            ends.any(|(end, _)| {
                let path = written[..end].rsplit('"').next();
                path.is_some_and(|path| path.starts_with(what))
            })
        };
        assert!(rejected("campaigns/") && rejected("evidence/"));
    }

    #[test]
    fn a_longer_run_begins_no_journey_after_its_end() {
        let plan = Plan::new(3, 120, 30);
        assert_eq!(plan.journeys.len(), 60);
        assert!(plan.journeys.iter().all(|journey| journey.at_ms < 120_000));
    }
}
