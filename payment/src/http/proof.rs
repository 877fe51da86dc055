//! `/api/v1/operator/payment/ledger/proof`: the trial balance, and what must hold of it, now.

use std::time::Instant;

use axum::extract::State;
use axum::middleware::from_fn;
use chassis::http::to_its_end;
use chassis::json::Json;
use chassis::openapi::{Forbidden, Problems};
use chassis::problem::{Code, Problem};
use chassis::time::Timestamp;
use runtime::{Host, Operator, OrUnread};
use serde::Serialize;
use tokio::sync::Semaphore;
use types::{Currency, Money};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::store::proof::{self, Checked, TrialBalance};

const BEING_READ: Code = Code::new(
    409,
    "proof_under_way",
    "One at a time: somebody else has the ledger proved just now.",
);
chassis::refuses!(Busy: BEING_READ);

/// It reads the whole ledger.
static AT_ONCE: Semaphore = Semaphore::const_new(1);

/// Its routes.
pub(super) fn routes() -> OpenApiRouter<Host> {
    OpenApiRouter::new()
        .routes(routes!(prove_ledger))
        .layer(from_fn(to_its_end))
}

/// What stands in all accounts, and whether it adds up: read from one state of the database.
#[derive(Serialize, ToSchema)]
pub(crate) struct ProofView {
    /// Everything below holds.
    holds: bool,
    at: Timestamp,
    /// Up to which position of payment's log.
    position: i64,
    /// How many transfers were added up.
    transfers: i64,
    /// How long that took.
    took_ms: u64,
    accounts: Vec<TrialBalanceView>,
    checks: Vec<ProofCheck>,
}

/// All accounts of a type in one currency.
#[derive(Serialize, ToSchema)]
pub(crate) struct TrialBalanceView {
    #[schema(example = "USD")]
    currency: String,
    /// `brand`, `partner` or `bank`.
    #[schema(example = "partner")]
    owner: String,
    #[schema(example = "payable")]
    account_type: String,
    /// How many accounts.
    accounts: i64,
    /// What left them in all.
    #[schema(example = "10.00")]
    debits: String,
    /// What came to them in all.
    #[schema(example = "210.00")]
    credits: String,
    /// What stands in them together.
    #[schema(example = "200.00")]
    balance: String,
}

/// What must hold of the ledger.
#[derive(Serialize, ToSchema)]
pub(crate) struct ProofCheck {
    #[schema(example = "all accounts of a currency add up to zero")]
    check: String,
    holds: bool,
    /// How many things were looked at.
    looked_at: i64,
    wrong: i64,
    /// The first five of what is wrong.
    examples: Vec<String>,
}

/// The trial balance: what left, came to and stands in the accounts of each type and currency, and whether currencies add up to zero,
/// balances are the sums of their transfers, and payouts, bank transfers and waiting commissions are what their accounts hold. Reads the
/// whole ledger, so one at a time, and not longer than a request may take: of a larger one `tributary check` says the same.
#[utoipa::path(
    get, path = "/api/v1/operator/payment/ledger/proof", tag = "operator",
    responses((status = 200, body = ProofView), Problems<(Forbidden, Busy)>), security(("bearer" = []))
)]
pub(crate) async fn prove_ledger(
    State(host): State<Host>,
    _: Operator,
) -> Result<Json<ProofView>, Problem> {
    let Ok(_one) = AT_ONCE.try_acquire() else {
        return Err(Problem::of(BEING_READ));
    };
    let (began, at) = (Instant::now(), chassis::time::now());
    let proof = proof::read(host.pool()).await.or_unread()?;
    let checks: Vec<ProofCheck> = proof.checks.into_iter().map(ProofCheck::from).collect();
    Ok(Json(ProofView {
        holds: checks.iter().all(|it| it.holds),
        at: Timestamp(at),
        position: proof.position,
        transfers: proof.transfers,
        took_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
        accounts: proof
            .accounts
            .into_iter()
            .map(TrialBalanceView::from)
            .collect(),
        checks,
    }))
}

impl From<Checked> for ProofCheck {
    fn from(it: Checked) -> Self {
        Self {
            check: it.check,
            holds: it.wrong == 0,
            looked_at: it.looked_at,
            wrong: it.wrong,
            examples: it.examples,
        }
    }
}

impl From<TrialBalance> for TrialBalanceView {
    fn from(it: TrialBalance) -> Self {
        let written = |minor: &str| decimal(minor, &it.currency);
        Self {
            debits: written(&it.debits),
            credits: written(&it.credits),
            balance: written(&it.balance),
            currency: it.currency,
            owner: it.owner,
            account_type: it.account_type,
            accounts: it.accounts,
        }
    }
}

/// Minor units as an amount of the currency; as they are where no account could hold as much.
fn decimal(minor: &str, currency: &str) -> String {
    let amount = minor.parse().ok().zip(Currency::parse(currency).ok());
    amount.map_or_else(
        || format!("{minor} minor units"),
        |(minor, currency)| Money { minor, currency }.to_string(),
    )
}
