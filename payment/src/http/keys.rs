//! `/api/v1/operator/payment/keys`: what payment details are sealed to and encrypted with.

use axum::extract::State;
use chassis::json::Json;
use chassis::openapi::{Forbidden, Problems};
use chassis::problem::Problem;
use chassis::time::Timestamp;
use messaging::audit::{self, Act};
use messaging::{Lookups, WriteTx};
use runtime::{Host, Operator, Reason};
use serde::Serialize;
use serde_json::json;
use types::Micros;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::store::{encrypted, sealing_keys};

/// Its routes.
pub(super) fn routes() -> OpenApiRouter<Host> {
    OpenApiRouter::new()
        .routes(routes!(list_keys))
        .routes(routes!(renew_sealing_key))
}

/// What payment details are sealed to, and what is encrypted with which data key.
#[derive(Serialize, ToSchema)]
pub(crate) struct KeysView {
    /// Those whose private halves are there, the one that is sealed to now first.
    sealing_keys: Vec<SealingKeyView>,
    /// One when no data key is being changed, and none is forgotten.
    data_keys: Vec<DataKeyView>,
}

/// A sealing key.
#[derive(Serialize, ToSchema)]
pub(crate) struct SealingKeyView {
    id: String,
    created_at: Timestamp,
    /// Nothing is sealed to it after this.
    not_after: Timestamp,
}

/// What is encrypted with one data key.
#[derive(Serialize, ToSchema)]
pub(crate) struct DataKeyView {
    /// In hexadecimal; gives nothing of the key away. `null`: an earlier build encrypted it and noted no key.
    id: Option<String>,
    sealing_keys: i64,
    payout_details: i64,
}

/// What payment details are sealed to, and what is encrypted with which data key.
#[utoipa::path(
    get, path = "/api/v1/operator/payment/keys", tag = "operator",
    responses((status = 200, body = KeysView), Problems<Forbidden>), security(("bearer" = []))
)]
pub(crate) async fn list_keys(
    State(host): State<Host>,
    _: Operator,
) -> Result<Json<KeysView>, Problem> {
    shown(&host).await
}

/// Has a new sealing key made and published within a minute. What is sealed to the one of before is still opened.
#[utoipa::path(
    post, path = "/api/v1/operator/payment/keys/renew", tag = "operator", request_body = Reason,
    responses((status = 200, body = KeysView), Problems<Forbidden>), security(("bearer" = []))
)]
pub(crate) async fn renew_sealing_key(
    State(host): State<Host>,
    operator: Operator,
    Json(body): Json<Reason>,
) -> Result<Json<KeysView>, Problem> {
    let wished = async {
        let mut tx = WriteTx::begin(host.pool(), host.writer(), Lookups::default()).await?;
        sealing_keys::wish(&mut tx).await?;
        let act = Act {
            actor: operator.name(),
            action: "keys.renew",
            target: "sealing_key".to_owned(),
            reason: &body.reason,
            detail: json!({}),
        };
        let at = tx.now();
        audit::record(tx.connection(), at, &act).await?;
        tx.commit().await
    };
    wished
        .await
        .map_err(|error: sqlx::Error| runtime::unread(&error))?;
    shown(&host).await
}

async fn shown(host: &Host) -> Result<Json<KeysView>, Problem> {
    let read = async {
        let keys = sealing_keys::all(host.pool()).await?;
        Ok((keys, encrypted::counts(host.pool()).await?))
    };
    let (keys, counts) = read
        .await
        .map_err(|error: sqlx::Error| runtime::unread(&error))?;
    let sealing_keys = keys.into_iter().map(|key| SealingKeyView {
        id: key.id,
        created_at: Timestamp(Micros(key.created_at)),
        not_after: Timestamp(Micros(key.not_after)),
    });
    let data_keys = counts
        .into_iter()
        .map(|(id, sealing_keys, payout_details)| DataKeyView {
            id,
            sealing_keys,
            payout_details,
        });
    Ok(Json(KeysView {
        sealing_keys: sealing_keys.collect(),
        data_keys: data_keys.collect(),
    }))
}
