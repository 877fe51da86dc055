//! Deciders as values, and what must hold whatever is asked.
#![allow(clippy::unwrap_used)]

mod funds;
mod funds_low;
mod ledger;
mod payouts;
mod properties;
mod statements;

use schemas::{About, CommissionApprovedV1, CommissionCalculatedV1, CommissionReversedV1};
use types::ids::derive;
use types::{
    BrandId, CampaignId, ConversionId, ConversionType, Currency, EarningStatus, Micros, Money,
    PartnerId, PayoutId, TermsVersion, Uuid,
};

use super::{
    Account, AccountType, Actor, Answer, Command, Context, Event, Fact, Ledger, Method, PayoutAt,
    PayoutRequest, Rejection, Stamp, Transfer, consequences, decide, evolve, react,
};

pub(super) fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::USD)
}

pub(super) fn partner() -> PartnerId {
    PartnerId::parse("partner123").unwrap()
}

pub(super) fn brand() -> BrandId {
    BrandId::parse("brand1").unwrap()
}

pub(super) fn payout(name: &str) -> PayoutId {
    PayoutId::parse(name).unwrap()
}

fn conversion() -> ConversionId {
    ConversionId::parse("conv1").unwrap()
}

/// A small state with a clock: each step is an hour and a cause of its own.
#[derive(Clone, Default)]
pub(super) struct BatchState {
    pub(super) ledger: Ledger,
    pub(super) events: Vec<(Event, Stamp)>,
    pub(super) hours: i64,
    steps: u32,
}

impl BatchState {
    pub(super) fn context(&mut self, actor: Actor) -> Context {
        self.steps += 1;
        Context {
            now: Micros(self.hours * 3_600_000_000),
            cause: derive(&["test", &self.steps.to_string()]),
            actor,
            brand: None,
        }
    }

    /// With what follows from it by itself.
    fn apply(&mut self, event: &Event, context: &Context) {
        let more = consequences(&self.ledger, event, context.cause);
        self.apply_one(event, context);
        for more in more {
            self.apply_one(&more, context);
        }
    }

    fn apply_one(&mut self, event: &Event, context: &Context) {
        let stamp = Stamp {
            id: derive(&["event", &context.cause.to_string()]),
            time: context.now,
            position: i64::try_from(self.events.len()).unwrap() + 1,
        };
        evolve(&mut self.ledger, event, stamp).unwrap();
        self.events.push((event.clone(), stamp));
    }

    pub(super) fn submit_as(
        &mut self,
        actor: Actor,
        command: &Command,
    ) -> Result<Event, Rejection> {
        let context = self.context(actor);
        let event = decide(&self.ledger, command, &context)?;
        self.apply(&event, &context);
        Ok(event)
    }

    pub(super) fn submit(&mut self, command: &Command) -> Result<Event, Rejection> {
        self.submit_as(Actor::Operator, command)
    }

    /// The payout as it stands now; one that is not there follows nothing.
    pub(super) fn at(&self, name: &str) -> PayoutAt {
        let found = self.ledger.payouts.get(&payout(name));
        PayoutAt {
            payout: payout(name),
            partner: partner(),
            after: found.map_or(Uuid::nil(), |payout| payout.last_event),
        }
    }

    pub(super) fn begin(&mut self, name: &str) -> Result<Event, Rejection> {
        self.submit_as(Actor::System, &Command::BeginPayout(self.at(name)))
    }

    /// The provider says something about a payout as it stands now.
    pub(super) fn respond(&mut self, name: &str, response: Answer) -> Result<Event, Rejection> {
        self.submit_as(Actor::System, &answer(self.at(name), response))
    }

    pub(super) fn follow(&mut self, fact: &Fact) -> Event {
        let context = self.context(Actor::System);
        let event = react(&self.ledger, fact, &context);
        self.apply(&event, &context);
        event
    }

    pub(super) fn account_type(&self, account_type: AccountType) -> i64 {
        self.ledger
            .balance(Account::Partner(partner(), account_type), Currency::USD)
    }

    pub(super) fn funds(&self) -> i64 {
        self.ledger
            .balance(Account::BrandFunds(brand()), Currency::USD)
    }
}

pub(super) fn calculated(amount: Money, status: EarningStatus) -> Fact {
    earned(partner(), brand(), amount, status)
}

/// A commission of this partner's, paid by this brand.
fn earned(partner_id: PartnerId, brand_id: BrandId, amount: Money, status: EarningStatus) -> Fact {
    let status = match status {
        EarningStatus::Pending => "held",
        EarningStatus::Payable => "approved",
    };
    let calculated = CommissionCalculatedV1 {
        partner_id,
        brand_id,
        campaign_id: CampaignId::parse("camp1").unwrap(),
        event_type: ConversionType::Purchase,
        base: None,
        rate_bps: None,
        flat: None,
        plan_version: TermsVersion::FIRST,
        rounding: "half_even".to_owned(),
        amount,
        status: status.to_owned(),
        hold_until: None,
    };
    About::of(conversion(), calculated).into()
}

pub(super) fn approved(amount: Money) -> Fact {
    let approved = CommissionApprovedV1 {
        partner_id: partner(),
        brand_id: brand(),
        amount,
    };
    About::of(conversion(), approved).into()
}

pub(super) fn reversed(amount: Money, status: EarningStatus) -> Fact {
    let reversed = CommissionReversedV1 {
        partner_id: partner(),
        brand_id: brand(),
        amount,
        reversed_total: amount,
        from: status,
    };
    About::of(conversion(), reversed).into()
}

pub(super) fn request(name: &str, amount: Money) -> Command {
    Command::RequestPayout(PayoutRequest {
        payout: payout(name),
        partner: partner(),
        amount,
        method: Method::Paypal,
        masked: "u***@example.com".to_owned(),
        details_open: true,
    })
}

pub(super) fn answer(at: PayoutAt, answer: Answer) -> Command {
    Command::RecordPayoutAnswer {
        at,
        answer,
        provider_ref: Some("sim_1".to_owned()),
        reason: None,
    }
}

/// A state in which the partner can be paid so much.
pub(super) fn with_payable(amount: Money) -> BatchState {
    let mut state = BatchState::default();
    state.follow(&calculated(amount, EarningStatus::Payable));
    state
}

/// A transfer between two accounts of the partner.
pub(super) fn within(from: AccountType, to: AccountType, money: Money) -> Transfer {
    Transfer {
        id: Uuid::nil(),
        debit: Account::Partner(partner(), from),
        credit: Account::Partner(partner(), to),
        money,
    }
}
