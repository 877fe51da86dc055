//! A bank as small as a domain can be: what partners earn, and what they take out. It borrows payment's kinds.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

use messaging::{Context, Decision, Domain, FoldError, Recorded, WriteTx};
use schemas::{
    Body, CommissionCalculatedV1, LedgerPostedV1, Message, PaymentCode, PayoutRequestedV1,
    Rejection, RequestPayoutV1, Service, Transfer, Unreadable, Written,
};
use sqlx::{PgPool, Row};
use types::{ConversionType, Currency, Money, PayoutMethod, TermsVersion, Uuid};

/// How the bank misbehaves, shared by all that a test starts.
#[derive(Clone, Default)]
pub struct Faults {
    /// Payouts by method `broken` panic while this is set.
    pub broken: Arc<AtomicBool>,
    /// So many batches with a payout by method `slow` run into the statement timeout.
    pub slow: Arc<AtomicI32>,
    /// Nobody wants facts that are decoded later while this is set.
    pub unwanted: Arc<AtomicBool>,
}

pub struct Bank {
    pub faults: Faults,
}

#[derive(Default)]
pub struct BatchState {
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

/// Own events are written and never read back: nothing replays a bank.
impl schemas::Event for Event {
    fn read(_: &Message) -> Result<Option<Self>, Unreadable> {
        Ok(None)
    }

    fn write(&self) -> Written {
        match self {
            Self::Earned { partner, minor } => Written {
                key: partner.clone(),
                subject: partner.clone(),
                body: Body::LedgerPostedV1(LedgerPostedV1 {
                    transfers: vec![Transfer {
                        id: Uuid::nil(),
                        debit: "brand".to_owned(),
                        credit: partner.clone(),
                        minor: *minor,
                        currency: Currency::USD,
                    }],
                    cause: "commission.calculated.v1".to_owned(),
                    conversion_id: None,
                    reason: None,
                }),
            },
            Self::TakenOut {
                partner,
                payout,
                minor,
                method,
            } => Written {
                key: partner.clone(),
                subject: payout.clone(),
                body: Body::PayoutRequestedV1(PayoutRequestedV1 {
                    amount: usd(*minor),
                    method: PayoutMethod::Paypal,
                    masked: if method == "huge" {
                        "x".repeat(300_000)
                    } else {
                        String::new()
                    },
                    transfer_id: Uuid::nil(),
                }),
            },
        }
    }
}

pub fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::USD)
}

/// A fact: a partner earns.
pub fn earns(partner: &str, minor: i64) -> Body {
    Body::CommissionCalculatedV1(CommissionCalculatedV1 {
        partner_id: partner.parse().unwrap(),
        brand_id: "brand1".parse().unwrap(),
        campaign_id: "camp1".parse().unwrap(),
        event_type: ConversionType::Purchase,
        base: None,
        rate_bps: None,
        flat: None,
        plan_version: TermsVersion::FIRST,
        rounding: "none".to_owned(),
        amount: usd(minor),
        status: "approved".to_owned(),
        hold_until: None,
    })
}

/// A command: take out. The method says how the bank is to behave.
pub fn take_out(minor: i64, method: &str) -> Body {
    Body::RequestPayoutV1(RequestPayoutV1 {
        amount: usd(minor).into(),
        method: method.to_owned(),
        sealed_details: vec![1, 2, 3],
        key_id: "key1".to_owned(),
        masked: "p***@example.com".to_owned(),
    })
}

impl BatchState {
    fn balance(&self, partner: &str) -> i64 {
        self.balances.get(partner).copied().unwrap_or(0)
    }
}

impl Bank {
    fn take_out(
        &self,
        state: &BatchState,
        message: &Message,
        body: &RequestPayoutV1,
    ) -> Decision<Event> {
        let partner = message.header.key.clone();
        let method = body.method.as_str();
        assert!(
            method != "broken" || !self.faults.broken.load(Ordering::SeqCst),
            "the bank is broken\0for now"
        );
        if state.balance(&partner) >= body.amount.minor {
            return Decision::Events(vec![Event::TakenOut {
                partner,
                payout: message.header.subject.clone(),
                minor: body.amount.minor,
                method: body.method.clone(),
            }]);
        }
        if method == "patient" {
            return Decision::WaitFor {
                what: format!("funds:{partner}"),
                seconds: 60,
            };
        }
        Decision::Rejected(Rejection::new(
            PaymentCode::InsufficientBalance,
            "there is less",
        ))
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
        for _ in messages.iter().filter(
            |message| matches!(&message.body, Body::RequestPayoutV1(body) if body.method == "tardy"),
        ) {
            sqlx::raw_sql("SELECT pg_sleep(1)")
                .execute(tx.connection())
                .await?;
        }
        Ok(())
    }
}

impl Domain for Bank {
    const SERVICE: Service = Service::Payment;
    type BatchState = BatchState;
    type Event = Event;

    async fn wants_facts(&self, _: &PgPool) -> Result<bool, sqlx::Error> {
        Ok(!self.faults.unwanted.load(Ordering::SeqCst))
    }

    async fn load(
        &self,
        tx: &mut WriteTx,
        messages: &[&Message],
    ) -> Result<BatchState, sqlx::Error> {
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
        Ok(BatchState {
            balances,
            ..BatchState::default()
        })
    }

    fn handle(&self, state: &BatchState, message: &Message, _: &Context) -> Decision<Event> {
        match &message.body {
            Body::CommissionCalculatedV1(body) => Decision::Events(vec![Event::Earned {
                partner: body.partner_id.to_string(),
                minor: body.amount.minor,
            }]),
            Body::RequestPayoutV1(body) => self.take_out(state, message, body),
            _ => Decision::DeadLetter("the bank does not know it".to_owned()),
        }
    }

    fn evolve(&self, state: &mut BatchState, event: &Recorded<Event>) -> Result<(), FoldError> {
        let (partner, change) = match event.event {
            Event::Earned { partner, minor } => (partner, *minor),
            Event::TakenOut {
                partner,
                minor,
                method,
                ..
            } => {
                state.fails_to_save |= method == "poison";
                (partner, -minor)
            }
        };
        let balance = state.balances.entry(partner.clone()).or_default();
        *balance = balance
            .checked_add(change)
            .ok_or_else(|| FoldError("the vault is full".to_owned()))?;
        state.dirty.insert(partner.clone());
        Ok(())
    }

    async fn save(&self, tx: &mut WriteTx, state: BatchState) -> Result<(), sqlx::Error> {
        if state.fails_to_save {
            sqlx::query("SELECT 1 / (SELECT count(*) FROM balances WHERE partner = '')")
                .execute(tx.connection())
                .await?;
        }
        let dirty: Vec<&String> = state.dirty.iter().collect();
        let minor: Vec<i64> = dirty.iter().map(|partner| state.balance(partner)).collect();
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

    fn side_data(
        &self,
        _: &mut BatchState,
        message: &Message,
        _: &[Event],
    ) -> Result<(), FoldError> {
        let unnotable =
            matches!(&message.body, Body::RequestPayoutV1(it) if it.method == "unnotable");
        assert!(!unnotable, "the bank cannot write it down");
        Ok(())
    }

    fn resumes(&self, event: &Event) -> Vec<String> {
        match event {
            Event::Earned { partner, .. } => vec![format!("funds:{partner}")],
            Event::TakenOut { .. } => Vec::new(),
        }
    }
}
