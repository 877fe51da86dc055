//! The canonical form: ledger and aggregates, without times and without ids that differ from run to run. The same workload
//! ends in the same form by any transport (rule 8).

use std::collections::BTreeMap;
use std::fmt;

use anyhow::{Context, Result};
use futures::TryStreamExt;
use schemas::Service;
use sqlx::{Connection, PgConnection};

use super::{Finding, Records};

/// What a stack came to: of each table its rows as text, each with how often it stands there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Canonical(BTreeMap<&'static str, BTreeMap<String, u64>>);

impl Canonical {
    /// The first row that one of them has more often than the other.
    pub fn difference(&self, other: &Self) -> Option<Difference> {
        let tables = self.0.keys().chain(other.0.keys());
        let none = BTreeMap::new();
        for table in tables {
            let left = self.0.get(table).unwrap_or(&none);
            let right = other.0.get(table).unwrap_or(&none);
            for row in left.keys().chain(right.keys()) {
                let times = |rows: &BTreeMap<String, u64>| rows.get(row).copied().unwrap_or(0);
                let (left, right) = (times(left), times(right));
                if left != right {
                    let row = row.clone();
                    return Some(Difference {
                        table,
                        row,
                        left,
                        right,
                    });
                }
            }
        }
        None
    }

    /// How many rows there are.
    pub fn rows(&self) -> u64 {
        self.0.values().flat_map(BTreeMap::values).sum()
    }
}

/// Rule 8: two stacks that had the same workload came to the same.
pub fn same(one: &Canonical, other: &Canonical) -> Finding {
    let difference = one.difference(other);
    Finding {
        rule: 8,
        check: "the same workload ends in the same ledger and aggregates",
        looked_at: one.rows() + other.rows(),
        wrong: u64::from(difference.is_some()),
        broken: difference.iter().map(ToString::to_string).collect(),
    }
}

/// A row that two stacks do not have equally often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    table: &'static str,
    row: String,
    left: u64,
    right: u64,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            table,
            row,
            left,
            right,
        } = self;
        write!(f, "{table}: {left} times here, {right} times there: {row}")
    }
}

/// What is compared: rows of text. Links without a code of the client's are named by whose they are, conversions by their
/// order, payouts by whose and how much. Hashes of visitors and sealed texts are equal where `LASTING_SECRET_KEY` is.
/// Which evidence of a file is the first depends on who was faster, and so does what an endpoint or an address is sent of what happens
/// while it is made.
const TABLES: &[(&str, Service, &str)] = &[
    (
        "campaigns",
        Service::Campaign,
        "SELECT concat_ws(' ', id, brand_id, name, description, currency, allowed_hosts, fallback_url, landing_url, starts_at, ends_at, budget_minor, budget_interval, join_mode, trusts_redirects, status, pause_reason, terms_version) FROM campaigns",
    ),
    (
        "terms",
        Service::Campaign,
        "SELECT concat_ws(' ', t.campaign_id, t.version, t.window_days, t.text_hash, t.worsens, to_jsonb(p)) FROM terms t JOIN plans p USING (campaign_id, version)",
    ),
    (
        "enrollments",
        Service::Campaign,
        "SELECT concat_ws(' ', id, campaign_id, partner_id, terms_version, status, reason) FROM enrollments",
    ),
    (
        "evidence",
        Service::Campaign,
        "SELECT concat_ws(' ', id, campaign_id, brand_id, partner_id, evidence_type, url_hash, content_hash, replaces, sealed_url IS NOT NULL, status, reason) FROM evidence",
    ),
    (
        "partners",
        Service::Campaign,
        "SELECT concat_ws(' ', id, country, currency, sealed_name IS NOT NULL, sealed_website IS NOT NULL) FROM partners",
    ),
    (
        "brands",
        Service::Campaign,
        "SELECT concat_ws(' ', id, currency, encode(sealed_name, 'hex')) FROM brands",
    ),
    (
        "memberships",
        Service::Campaign,
        "SELECT concat_ws(' ', id, brand_id, partner_id) FROM memberships",
    ),
    (
        "default groups",
        Service::Campaign,
        "SELECT concat_ws(' ', g.id, g.brand_id, g.link_limit, g.status) FROM groups g JOIN brands b ON b.id = g.brand_id AND g.number = 2 * b.position",
    ),
    (
        "bans",
        Service::Campaign,
        "SELECT concat_ws(' ', id, partner_id, brand_id, status, reason) FROM bans",
    ),
    (
        "API keys",
        Service::Campaign,
        "SELECT concat_ws(' ', brand_id, scopes, expires_at, status) FROM api_keys",
    ),
    (
        "adopted API keys",
        Service::Tracking,
        "SELECT concat_ws(' ', brand_id, scopes, expires_at, hash IS NOT NULL, previous_hash IS NOT NULL) FROM api_keys",
    ),
    (
        "adopted terms",
        Service::Tracking,
        "SELECT concat_ws(' ', campaign_id, version, brand_id, currency, window_days, worsens) FROM terms",
    ),
    (
        "adopted campaigns",
        Service::Tracking,
        "SELECT concat_ws(' ', id, brand_id, allowed_hosts, fallback_url, starts_at, ends_at, trusts_redirects, status) FROM campaigns",
    ),
    (
        "adopted enrollments",
        Service::Tracking,
        "SELECT concat_ws(' ', id, campaign_id, partner_id, terms_version, status) FROM enrollments",
    ),
    (
        "adopted bans",
        Service::Tracking,
        "SELECT concat_ws(' ', id, partner_id, brand_id, status) FROM bans",
    ),
    (
        "links",
        Service::Tracking,
        "SELECT concat_ws(' ', campaign_id, partner_id, target_url, status, disabled_by) FROM links",
    ),
    (
        "conversions",
        Service::Tracking,
        "SELECT concat_ws(' ', standing, event_type, 'order', order_id, campaign_id, brand_id, partner_id, terms_version, amount_minor, 'refunded', refunded_minor, currency, reason, amount_text, encode(user_hash, 'hex'), noted) FROM conversions",
    ),
    (
        "claims",
        Service::Tracking,
        "SELECT concat_ws(' ', id, status, event_type, 'order', order_id, campaign_id, brand_id, partner_id, terms_version, amount_minor, currency, reason) FROM claims",
    ),
    (
        "tracking events",
        Service::Tracking,
        "SELECT concat_ws(' ', event_type, encode(user_hash, 'hex'), campaign_id, order_id) FROM tracking_events",
    ),
    (
        "plans",
        Service::Commission,
        "SELECT concat_ws(' ', (to_jsonb(p) - 'effective_at' - 'adopted_at' - 'position')) FROM plans p",
    ),
    (
        "commissions",
        Service::Commission,
        "SELECT concat_ws(' ', campaign_id, partner_id, brand_id, event_type, 'base', base_minor, base_currency, 'rate', rate_bps, 'flat', flat_minor, 'plan', plan_version, 'amount', amount_minor, currency, 'reversed', reversed_minor, status, suspense) FROM commissions",
    ),
    (
        "balances",
        Service::Payment,
        "SELECT concat_ws(' ', account, minor, currency) FROM balances",
    ),
    (
        "transfers",
        Service::Payment,
        "SELECT concat_ws(' ', debit, credit, minor, currency) FROM transfers",
    ),
    (
        "deposits and withdrawals",
        Service::Payment,
        "SELECT concat_ws(' ', way, brand, account, minor, currency, reference, progress, reason) FROM bank_transfers",
    ),
    (
        "accounts of brands",
        Service::Payment,
        "SELECT concat_ws(' ', id, brand, name) FROM accounts",
    ),
    (
        "billing",
        Service::Payment,
        "SELECT concat_ws(' ', brand, currency, billing, credit_limit, waiting, 'warned below ' || funds_warning) FROM billing",
    ),
    (
        "payouts",
        Service::Payment,
        "SELECT concat_ws(' ', partner, minor, currency, method, masked, status) FROM payouts",
    ),
    (
        "onboarding",
        Service::Notify,
        "SELECT concat_ws(' ', brand_id, enabled, approves, countries, group_id IS NOT NULL, tags, crm) FROM onboardings",
    ),
    (
        "workflows",
        Service::Notify,
        "SELECT concat_ws(' ', brand_id, partner_id, campaign_id, approves, countries, group_id IS NOT NULL, tags, crm, status, 'failed ' || failed, reason, returned, group_before, country, sealed_name IS NOT NULL, link_code,
                (SELECT string_agg(concat_ws(' ', s ->> 'step', s ->> 'state', s ->> 'reason'), ', ') FROM jsonb_array_elements(steps::jsonb) s))
           FROM workflows",
    ),
    (
        "webhook endpoints",
        Service::Notify,
        "SELECT concat_ws(' ', brand_id, partner_id, url, kinds, format, status, disabled_reason) FROM webhook_endpoints",
    ),
    (
        "mail addresses",
        Service::Notify,
        "SELECT concat_ws(' ', id, brand_id, partner_id, jsonb_array_length(addresses::jsonb), jsonb_array_length(numbers::jsonb)) FROM contacts",
    ),
];

/// The canonical form of a quiet stack.
pub async fn canonical(records: &Records) -> Result<Canonical> {
    let mut canonical = Canonical::default();
    for (table, service, sql) in TABLES {
        let url = records
            .databases
            .get(service)
            .with_context(|| format!("no database of {service}"))?;
        let mut database = PgConnection::connect(url).await?;
        let counted = canonical.0.entry(table).or_default();
        let mut rows = sqlx::query_scalar::<_, String>(*sql).fetch(&mut database);
        while let Some(row) = rows.try_next().await? {
            *counted.entry(row).or_default() += 1;
        }
        drop(rows);
        database.close().await?;
    }
    Ok(canonical)
}
