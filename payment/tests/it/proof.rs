//! The ledger's proof: it holds, and each of its checks finds what is wrong.

use axum::http::StatusCode;
use runtime::testing::{brand, operator, partner};
use serde_json::Value;

use crate::app::App;

const PROOF: &str = "/api/v1/operator/payment/ledger/proof";

async fn proof(app: &App) -> Value {
    // A process makes one at a time, and another test may be having one.
    loop {
        let (status, proof) = app.service.get(PROOF, &operator()).await;
        if status != StatusCode::CONFLICT {
            assert_eq!(status, StatusCode::OK, "{proof}");
            return proof;
        }
    }
}

/// Earned, paid out and under way.
async fn with_payouts() -> App {
    let mut app = App::start().await;
    app.earn("partner123", 20_000).await;
    app.earn("partner2", 500).await;
    let paid = app.granted("partner123", "150.00").await;
    app.until_status(&paid, "paid").await;
    app
}

#[tokio::test]
async fn the_ledgers_proof_shows_each_type_of_account_and_that_all_of_it_adds_up() {
    let app = with_payouts().await;
    let proof = proof(&app).await;
    assert_eq!(proof["holds"], true, "{proof:#}");
    let accounts = proof["accounts"].as_array().unwrap();
    let of = |owner: &str, account_type: &str| {
        let found = accounts
            .iter()
            .find(|it| it["owner"] == owner && it["account_type"] == account_type);
        let it = found.unwrap_or_else(|| panic!("{owner} {account_type}: {proof:#}"));
        ["debits", "credits", "balance"].map(|name| it[name].as_str().unwrap().to_owned())
    };
    assert_eq!(of("brand", "funds"), ["205.00", "0.00", "-205.00"]);
    assert_eq!(of("partner", "payable"), ["150.00", "205.00", "55.00"]);
    assert_eq!(of("partner", "in_transit"), ["150.00", "150.00", "0.00"]);
    assert_eq!(of("partner", "paid_out"), ["0.00", "150.00", "150.00"]);
    assert!(proof["position"].as_i64().unwrap() > 0);
    for check in proof["checks"].as_array().unwrap() {
        assert_eq!(check["wrong"], 0, "{check}");
    }
    for token in [partner("partner123"), brand("brand123")] {
        let (status, _) = app.service.get(PROOF, &token).await;
        assert_eq!(status, StatusCode::FORBIDDEN);
    }
}

#[tokio::test]
async fn each_check_of_the_proof_finds_what_is_wrong() {
    let app = with_payouts().await;
    for (break_it, mend_it, check) in [
        (
            "UPDATE balances SET minor = minor + 1 WHERE account = 'partner:partner2:payable'",
            "UPDATE balances SET minor = minor - 1 WHERE account = 'partner:partner2:payable'",
            "all accounts of a currency add up to zero",
        ),
        (
            "UPDATE transfers SET minor = minor + 1 WHERE credit = 'partner:partner2:payable'",
            "UPDATE transfers SET minor = minor - 1 WHERE credit = 'partner:partner2:payable'",
            "every balance is the sum of its account's transfers",
        ),
        (
            "UPDATE balances SET minor = -1 WHERE account LIKE '%in_transit'",
            "UPDATE balances SET minor = 0 WHERE account LIKE '%in_transit'",
            "nothing that was reserved, held, cleared or paid out is below zero",
        ),
        (
            // The provider is not called about it meanwhile.
            "WITH later AS (UPDATE aside.calls SET next_at = (extract(epoch FROM clock_timestamp()) * 1000000)::bigint + 50000000)
             UPDATE payouts SET status = 'unknown'",
            "UPDATE payouts SET status = 'paid'",
            "what is in transit is what payouts under way asked for",
        ),
        (
            "UPDATE payouts SET minor = minor - 1",
            "UPDATE payouts SET minor = minor + 1",
            "what is paid out is what paid payouts came to",
        ),
        (
            "INSERT INTO bank_transfers VALUES ('deposit', 'd1', 1, 'brand123', NULL, 100, 'USD', NULL, 'under_way', NULL, 0, 0)",
            "DELETE FROM bank_transfers",
            "what is in clearing is what deposits and withdrawals under way came to",
        ),
        (
            "INSERT INTO waiting VALUES ('conv1', 'USD', 'brand123', 'partner2', 100, 'unfunded', 1)",
            "DELETE FROM waiting",
            "what a brand's funds do not cover is what waits for them",
        ),
        (
            "INSERT INTO owed VALUES ('partner2', 'USD', 'brand123', 100, 1)",
            "DELETE FROM owed",
            "what brands have not back of refunds after a payout is what partners owe",
        ),
        (
            "INSERT INTO owed VALUES ('partner2', 'USD', 'brand123', 100, 1)",
            "DELETE FROM owed",
            "no partner owes more than its payable money is below zero",
        ),
        (
            "INSERT INTO billing VALUES ('brand123', 'USD', 'prepaid', NULL, 100, 1)",
            "DELETE FROM billing",
            "what is noted to wait for a brand's funds is what does",
        ),
        (
            "INSERT INTO transfers SELECT position, 99, id, debit, credit, minor, currency, posted_at FROM transfers ORDER BY position LIMIT 1",
            "DELETE FROM transfers WHERE ordinal = 99",
            "no transfer stands twice",
        ),
    ] {
        run(&app, break_it).await;
        let broken = proof(&app).await;
        assert_eq!(broken["holds"], false, "{break_it}");
        let checks = broken["checks"].as_array().unwrap();
        let found = checks.iter().find(|it| it["check"] == check).unwrap();
        assert_eq!(found["holds"], false, "{break_it}: {broken:#}");
        assert!(!found["examples"].as_array().unwrap().is_empty(), "{found}");
        run(&app, mend_it).await;
        assert_eq!(proof(&app).await["holds"], true, "{mend_it}");
    }
}

async fn run(app: &App, statement: &'static str) {
    let done = sqlx::query(statement).execute(app.service.pool()).await;
    assert!(done.unwrap().rows_affected() > 0, "{statement}");
}
