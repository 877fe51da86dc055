//! What operators do with one process of a service: `/api/v1/operator/<service>/…`, open in every mode.
//!
//! Everything here is for the role `operator` alone. What changes something takes a [`Reason`] and is audited in the
//! transaction that changes it, by [`messaging::audit::record`].

mod archive;
mod audit;
mod commands;
mod epoch;
mod events;
mod live;
mod redrives;
mod replay;
mod retry_queue;
mod retry_queue_acts;

use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::middleware::{self, Next};
use axum::response::Response;
use chassis::auth::Caller;
use chassis::json::{Check, Text};
use chassis::problem::{Code, FieldProblem, Problem, code};
use messaging::retry_queue::acts::{ActError, By};
use schemas::Service;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::start::Host;
use crate::unread::unread;

pub(crate) const FOLLOWER_UNAVAILABLE: Code = Code::new(
    503,
    "follower_unavailable",
    "A follower that has to be asked does not answer; try again.",
);
const NOT_NOW: Code = Code::new(
    409,
    "not_now",
    "Not as the message stands now; the detail says why.",
);
chassis::refuses!(pub(crate) FollowerAway: FOLLOWER_UNAVAILABLE);
chassis::refuses!(NotNow: NOT_NOW);

/// Who acts: a caller in the role `operator`. An extractor that answers 401 or 403.
pub struct Operator(Caller);

impl Operator {
    /// As the audit names it.
    pub fn name(&self) -> &str {
        &self.0.subject
    }

    /// As messages name it.
    pub fn actor(&self) -> schemas::Actor {
        crate::submit::actor(&self.0)
    }

    /// With why, as the acts of the pipeline take it.
    pub(crate) fn by<'a>(&'a self, reason: &'a Reason) -> By<'a> {
        By {
            actor: self.name(),
            reason: &reason.reason,
        }
    }
}

/// Why an operator does something.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    /// In the operator's own words, for the audit.
    pub reason: Text<500>,
}

impl Check for Reason {}

/// The routes of a process, under the prefix of its service.
pub(crate) fn routes(host: &Host) -> OpenApiRouter {
    OpenApiRouter::with_openapi(document(host.service())).merge(OpenApiRouter::from(
        Router::new()
            .nest(&prefix(host.service()), Router::from(all()))
            .route_layer(middleware::from_fn(operators_only))
            .layer(DefaultBodyLimit::max(host.limits().operator_body_bytes()))
            .with_state(host.clone()),
    ))
}

/// What these routes look like at a service.
pub(crate) fn document(service: Service) -> OpenApi {
    let base = chassis::openapi::base(
        "Tributary operators",
        "What operators do with one process of a service.",
    );
    let mut document = OpenApiRouter::<Host>::with_openapi(base)
        .nest(&prefix(service), all())
        .into_openapi();
    for operation in chassis::openapi::operations_mut(&mut document) {
        // Unique in the bff's document too, where the routes of all services stand.
        let id = operation.operation_id.take().unwrap_or_default();
        operation.operation_id = Some(format!("{}_{id}", service.name()));
    }
    chassis::openapi::refuse(&mut document, &[code::FORBIDDEN]);
    document
}

fn prefix(service: Service) -> String {
    format!("/api/v1/operator/{}", service.name())
}

/// Every route, without its prefix.
fn all() -> OpenApiRouter<Host> {
    OpenApiRouter::new()
        .routes(routes!(audit::list_audit))
        .routes(routes!(events::list_events))
        .routes(routes!(events::get_event))
        .routes(routes!(live::live_events))
        .routes(routes!(commands::list_command_log))
        .routes(routes!(replay::list_replays, replay::start_replay))
        .routes(routes!(replay::get_replay))
        .routes(routes!(replay::drop_replaced))
        .routes(routes!(archive::list_archive))
        .routes(routes!(archive::run_archive))
        .routes(routes!(archive::verify_archive))
        .routes(routes!(archive::drop_archive))
        .routes(routes!(epoch::get_epoch))
        .routes(routes!(epoch::raise_epoch))
        .routes(routes!(epoch::keep_epoch))
        .routes(routes!(epoch::accept_epoch))
        .routes(routes!(epoch::rewind_relay))
        .routes(routes!(retry_queue::list_retry_queue))
        .routes(routes!(retry_queue::count_retry_queue))
        .routes(routes!(retry_queue::show_in_retry_queue))
        .routes(routes!(retry_queue_acts::dry_run_in_retry_queue))
        .routes(routes!(retry_queue_acts::edit_in_retry_queue))
        .routes(routes!(retry_queue_acts::redrive_in_retry_queue))
        .routes(routes!(retry_queue_acts::drop_in_retry_queue))
        .routes(routes!(redrives::start_redrive, redrives::list_redrives))
        .routes(routes!(redrives::get_redrive))
        .routes(routes!(redrives::cancel_redrive))
}

/// Whoever forgets to ask who acts still lets nobody else in.
async fn operators_only(_: Operator, request: Request, next: Next) -> Response {
    next.run(request).await
}

impl<S: Send + Sync> FromRequestParts<S> for Operator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, state).await?;
        caller.require_operator()?;
        Ok(Self(caller))
    }
}

/// Not as things stand.
pub(crate) fn conflict(code: Code, detail: String) -> Problem {
    Problem::of(code).with_detail(detail)
}

fn not_in_retry_queue() -> Problem {
    Problem::not_found().with_detail(
        "no such message is in the retry queue here: it may have been handled or dropped",
    )
}

/// Why an act upon what is in the retry queue was not done.
fn refused(error: &ActError) -> Problem {
    match error {
        ActError::Sql(error) => unread(error),
        ActError::Gone => not_in_retry_queue(),
        ActError::NotNow(reason) => conflict(NOT_NOW, reason.clone()),
        ActError::Edit(edit) => {
            let pointer = format!("/payload{}", edit.pointer);
            Problem::invalid(vec![FieldProblem::at(pointer, edit.detail.clone())])
        }
        ActError::Schema(_) | ActError::Unreported(_) => Problem::internal(error),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_copy_of_the_operators_document_is_fresh() {
        let copy = Path::new(env!("CARGO_MANIFEST_DIR")).join("operator.json");
        chassis::openapi::compare_copy(&document(Service::Campaign), &copy).unwrap();
    }
}
