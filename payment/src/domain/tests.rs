//! Deciders as values, and what must hold whatever is asked.
#![allow(clippy::unwrap_used)]

mod ledger;
mod payouts;
mod properties;

use money::ids::derive;
use money::{BrandId, ConversionId, Currency, Micros, Money, PartnerId, PayoutId, Uuid};

use super::{
    Account, Actor, Answer, Books, Command, Context, Event, Fact, Method, PayoutAt, PayoutRequest,
    Pot, Rejection, Stamp, Standing, decide, evolve, react,
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

/// A small world with a clock: each step is an hour and a cause of its own.
#[derive(Clone, Default)]
pub(super) struct World {
    pub(super) books: Books,
    pub(super) events: Vec<(Event, Stamp)>,
    pub(super) hours: i64,
    steps: u32,
}

impl World {
    pub(super) fn context(&mut self, actor: Actor) -> Context {
        self.steps += 1;
        Context {
            now: Micros(self.hours * 3_600_000_000),
            cause: derive(&["test", &self.steps.to_string()]),
            actor,
        }
    }

    fn apply(&mut self, event: &Event, context: &Context) {
        let stamp = Stamp {
            id: derive(&["event", &context.cause.to_string()]),
            time: context.now,
        };
        evolve(&mut self.books, event, stamp);
        self.events.push((event.clone(), stamp));
    }

    pub(super) fn ask_as(&mut self, actor: Actor, command: &Command) -> Result<Event, Rejection> {
        let context = self.context(actor);
        let event = decide(&self.books, command, &context)?;
        self.apply(&event, &context);
        Ok(event)
    }

    pub(super) fn ask(&mut self, command: &Command) -> Result<Event, Rejection> {
        self.ask_as(Actor::Operator, command)
    }

    /// The payout as it stands now; one that is not there follows nothing.
    pub(super) fn at(&self, name: &str) -> PayoutAt {
        let found = self.books.payouts.get(&payout(name));
        PayoutAt {
            payout: payout(name),
            partner: partner(),
            after: found.map_or(Uuid::nil(), |payout| payout.last_event),
        }
    }

    pub(super) fn begin(&mut self, name: &str) -> Result<Event, Rejection> {
        self.ask_as(Actor::System, &Command::BeginPayout(self.at(name)))
    }

    /// The provider says something about a payout as it stands now.
    pub(super) fn say(&mut self, name: &str, said: Answer) -> Result<Event, Rejection> {
        self.ask_as(Actor::System, &answer(self.at(name), said))
    }

    pub(super) fn tell(&mut self, fact: &Fact) -> Event {
        let context = self.context(Actor::System);
        let event = react(&self.books, fact, &context);
        self.apply(&event, &context);
        event
    }

    pub(super) fn pot(&self, pot: Pot) -> i64 {
        self.books
            .balance(Account::Partner(partner(), pot), Currency::USD)
    }

    pub(super) fn funds(&self) -> i64 {
        self.books
            .balance(Account::BrandFunds(brand()), Currency::USD)
    }
}

pub(super) fn calculated(amount: Money, standing: Standing) -> Fact {
    Fact::Calculated {
        conversion: conversion(),
        partner: partner(),
        brand: brand(),
        amount,
        standing,
    }
}

pub(super) fn approved(amount: Money) -> Fact {
    Fact::Approved {
        conversion: conversion(),
        partner: partner(),
        brand: brand(),
        amount,
    }
}

pub(super) fn reversed(amount: Money, standing: Standing) -> Fact {
    Fact::Reversed {
        conversion: conversion(),
        partner: partner(),
        brand: brand(),
        amount,
        standing,
    }
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

/// A world in which the partner can be paid so much.
pub(super) fn with_payable(amount: Money) -> World {
    let mut world = World::default();
    world.tell(&calculated(amount, Standing::Payable));
    world
}
