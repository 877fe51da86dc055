//! A bank as small as a domain can be: what partners earn, and what they take out. It borrows payment's kinds.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

use pipeline::{Context, Domain, Emit, Recorded, Rejection, Verdict, WriteTx};
use schemas::{
    Body, CommissionCalculatedV1, LedgerPostedV1, Message, PayoutRequestedV1, RequestPayoutV1,
    Service, Transfer, WireMoney,
};
use sqlx::Row;

/// How the bank misbehaves, shared by all that a test starts.
#[derive(Clone, Default)]
pub struct Faults {
    /// Payouts by method `broken` panic while this is set.
    pub broken: Arc<AtomicBool>,
    /// So many batches with a payout by method `slow` run into the statement timeout.
    pub slow: Arc<AtomicI32>,
}

pub struct Bank {
    pub faults: Faults,
}

#[derive(Default)]
pub struct World {
    balances: HashMap<String, i64>,
    dirty: HashSet<String>,
    fails_to_save: bool,
}

pub enum Event {
    Earned {
        partner: String,
        minor: i64,
    },
    TakenOut {
        partner: String,
        payout: String,
        minor: i64,
        method: String,
    },
}

pub fn usd(minor: i64) -> WireMoney {
    WireMoney {
        minor,
        currency: "USD".to_owned(),
    }
}

/// A fact: a partner earns.
pub fn earns(partner: &str, minor: i64) -> Body {
    Body::CommissionCalculatedV1(CommissionCalculatedV1 {
        partner_id: partner.to_owned(),
        brand_id: "brand1".to_owned(),
        campaign_id: "camp1".to_owned(),
        event_type: "purchase".to_owned(),
        base: None,
        rate_bps: None,
        flat: None,
        plan_version: 1,
        rounding: "none".to_owned(),
        amount: usd(minor),
        status: "approved".to_owned(),
        hold_until: None,
    })
}

/// A command: take out. The method says how the bank is to behave.
pub fn take_out(minor: i64, method: &str) -> Body {
    Body::RequestPayoutV1(RequestPayoutV1 {
        amount: usd(minor),
        method: method.to_owned(),
        sealed_details: vec![1, 2, 3],
        key_id: "key1".to_owned(),
        masked: "p***@example.com".to_owned(),
    })
}

impl World {
    fn balance(&self, partner: &str) -> i64 {
        self.balances.get(partner).copied().unwrap_or(0)
    }
}

impl Bank {
    fn take_out(&self, world: &World, message: &Message, body: &RequestPayoutV1) -> Verdict<Event> {
        let partner = message.header.key.clone();
        let method = body.method.as_str();
        assert!(
            method != "broken" || !self.faults.broken.load(Ordering::SeqCst),
            "the bank is broken\0for now"
        );
        if world.balance(&partner) >= body.amount.minor {
            return Verdict::Events(vec![Event::TakenOut {
                partner,
                payout: message.header.subject.clone(),
                minor: body.amount.minor,
                method: body.method.clone(),
            }]);
        }
        if method == "patient" {
            return Verdict::WaitFor {
                what: format!("funds:{partner}"),
                seconds: 60,
            };
        }
        Verdict::Rejected(Rejection {
            code: "insufficient_balance",
            detail: "there is less".to_owned(),
            pointer: None,
        })
    }

    async fn maybe_slow(&self, tx: &mut WriteTx, messages: &[&Message]) -> Result<(), sqlx::Error> {
        let slow = messages.iter().any(
            |message| matches!(&message.body, Body::RequestPayoutV1(body) if body.method == "slow"),
        );
        if slow && self.faults.slow.fetch_sub(1, Ordering::SeqCst) > 0 {
            sqlx::raw_sql("SET LOCAL statement_timeout = '1ms'; SELECT pg_sleep(5)")
                .execute(tx.connection())
                .await?;
        }
        Ok(())
    }
}

impl Domain for Bank {
    const SERVICE: Service = Service::Payment;
    type World = World;
    type Event = Event;

    async fn load(&self, tx: &mut WriteTx, messages: &[&Message]) -> Result<World, sqlx::Error> {
        self.maybe_slow(tx, messages).await?;
        let partners: Vec<&str> = messages
            .iter()
            .map(|message| match &message.body {
                Body::CommissionCalculatedV1(body) => body.partner_id.as_str(),
                _ => message.header.key.as_str(),
            })
            .collect();
        let rows = sqlx::query("SELECT partner, minor FROM balances WHERE partner = ANY($1)")
            .bind(partners)
            .fetch_all(tx.connection())
            .await?;
        let balances = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        Ok(World {
            balances,
            ..World::default()
        })
    }

    fn handle(&self, world: &World, message: &Message, _: &Context) -> Verdict<Event> {
        match &message.body {
            Body::CommissionCalculatedV1(body) => Verdict::Events(vec![Event::Earned {
                partner: body.partner_id.clone(),
                minor: body.amount.minor,
            }]),
            Body::RequestPayoutV1(body) => self.take_out(world, message, body),
            _ => Verdict::SetAside("the bank does not know it".to_owned()),
        }
    }

    fn evolve(&self, world: &mut World, event: &Recorded<Event>) {
        let (partner, change) = match event.event {
            Event::Earned { partner, minor } => (partner, *minor),
            Event::TakenOut {
                partner,
                minor,
                method,
                ..
            } => {
                world.fails_to_save |= method == "poison";
                (partner, -minor)
            }
        };
        *world.balances.entry(partner.clone()).or_default() += change;
        world.dirty.insert(partner.clone());
    }

    fn emit(&self, event: &Event) -> Emit {
        match event {
            Event::Earned { partner, minor } => Emit {
                key: partner.clone(),
                subject: partner.clone(),
                published: true,
                body: Body::LedgerPostedV1(LedgerPostedV1 {
                    transfers: vec![Transfer {
                        id: "t".to_owned(),
                        debit: "brand".to_owned(),
                        credit: partner.clone(),
                        minor: *minor,
                        currency: "USD".to_owned(),
                    }],
                    cause: "commission.calculated.v1".to_owned(),
                    conversion_id: None,
                    reason: None,
                }),
            },
            Event::TakenOut {
                partner,
                payout,
                minor,
                method,
            } => Emit {
                key: partner.clone(),
                subject: payout.clone(),
                published: true,
                body: Body::PayoutRequestedV1(PayoutRequestedV1 {
                    amount: usd(*minor),
                    method: method.clone(),
                    masked: if method == "huge" {
                        "x".repeat(300_000)
                    } else {
                        String::new()
                    },
                    transfer_id: "t".to_owned(),
                }),
            },
        }
    }

    fn own_event(&self, _: &Message) -> Option<Event> {
        None
    }

    async fn save(&self, tx: &mut WriteTx, world: World) -> Result<(), sqlx::Error> {
        if world.fails_to_save {
            sqlx::query("SELECT 1 / (SELECT count(*) FROM balances WHERE partner = '')")
                .execute(tx.connection())
                .await?;
        }
        let dirty: Vec<&String> = world.dirty.iter().collect();
        let minor: Vec<i64> = dirty.iter().map(|partner| world.balance(partner)).collect();
        sqlx::query(
            "INSERT INTO balances SELECT * FROM UNNEST($1::text[], $2::bigint[])
             ON CONFLICT (partner) DO UPDATE SET minor = excluded.minor",
        )
        .bind(dirty)
        .bind(minor)
        .execute(tx.connection())
        .await?;
        Ok(())
    }

    fn wakes(&self, event: &Event) -> Vec<String> {
        match event {
            Event::Earned { partner, .. } => vec![format!("funds:{partner}")],
            Event::TakenOut { .. } => Vec::new(),
        }
    }
}
